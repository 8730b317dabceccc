//! Steps that bind records and certificates: samples for the golden file.

use bailiwick_core::change::{
    AwaitPropagation, DeployCertificate, Endpoint, Event, IssueCertificate, Lane, Plan, Precheck,
    Prepared, PublishRecords, Step, VerifyServed,
};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::{
    CertFingerprint, DnsName, IssuerId, PersonId, ProfileId, SanName, ServiceId, SpkiHash,
};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::time::Time;

fn service() -> ServiceId {
    ServiceId::parse("shop-web").unwrap()
}

fn zone(text: &str) -> ZoneKey {
    ZoneKey::parse(text).unwrap()
}

fn edits() -> Vec<RecordEdit> {
    let edit = |owner: &str, kind, before, after| {
        RecordEdit::new(OwnerName::parse(owner).unwrap(), kind, before, after).unwrap()
    };
    let address = |last| RRset::new(300, [vec![192, 0, 2, last], vec![192, 0, 2, 77]]);
    vec![
        edit("www.shop.example", RecordType::A, address(1), address(2)),
        edit("*.shop.example", RecordType::CAA, None, RRset::new(60, [vec![0, 5, 1]])),
        edit("_443._tcp.shop.example", RecordType::of(65_280), RRset::new(0, [vec![]]), None),
    ]
}

fn endpoint() -> Endpoint {
    Endpoint {
        name: DnsName::parse("www.shop.example").unwrap(),
        at: "[2001:db8::1]:443".parse().unwrap(),
    }
}

fn deploy(target: Deployment, before: Option<CertFingerprint>) -> Step {
    Step::DeployCertificate(DeployCertificate {
        service: service(),
        issued_by: 2,
        key: SpkiHash::from_bytes([0xaa; 32]),
        place: "lb2".to_owned(),
        target,
        before,
    })
}

/// What events hold since records and certificates are bound.
pub(crate) fn samples() -> Vec<Event> {
    let before = CertFingerprint::from_bytes([0xfe; 32]);
    let steps = vec![
        Step::PublishRecords(PublishRecords {
            service: Some(service()),
            zone: zone("shop.example"),
            edits: edits(),
            why: "the new key's TLSA stands beside the old".to_owned(),
            undo_hold_seconds: 600,
            within_seconds: 60,
        }),
        Step::AwaitPropagation(AwaitPropagation {
            service: Some(service()),
            zone: zone("shop.example/internal"),
            edits: edits(),
            hold_seconds: 1200,
            within_seconds: 60,
        }),
        Step::IssueCertificate(IssueCertificate {
            service: service(),
            account: None,
            order: None,
            envelope: None,
            issuer: IssuerId::parse("house").unwrap(),
            profile: ProfileId::parse("tls-server").unwrap(),
            names: vec![SanName::parse("www.shop.example").unwrap()],
            spki: vec![0x30],
            key: SpkiHash::from_bytes([0xaa; 32]),
            lifetime_seconds_max: 86_400,
            workload: None,
        }),
        deploy(Deployment::Client, None),
        deploy(
            Deployment::Files { folder: "/etc/lb2".to_owned(), reload: vec!["true".to_owned()] },
            Some(before),
        ),
        deploy(Deployment::Webhook { url: "https://lb2.shop.example/".to_owned() }, None),
        Step::VerifyServed(VerifyServed {
            service: service(),
            issued_by: 2,
            endpoints: vec![endpoint()],
            within_seconds: 30,
        }),
    ];
    let precheck = Precheck {
        name: "authorities-in-step".to_owned(),
        holds: true,
        saw: "3 servers, serial 7".to_owned(),
        assignee: Some(PersonId::parse("dana").unwrap()),
    };
    let lane = |who: &str, shows| Lane { who: who.to_owned(), shows, saw: "192.0.2.1".to_owned() };
    vec![
        Event::Validated {
            plan: Plan::new(steps).unwrap(),
            prechecks: vec![precheck],
            expires_at: Time::parse("2026-03-10T10:00:00Z").unwrap(),
        },
        Event::StepStarted { index: 4, prepared: Prepared::Kept { before: Some(before) } },
        Event::StepStarted { index: 3, prepared: Prepared::Kept { before: None } },
        Event::StepSeen {
            index: 1,
            holds: false,
            lanes: vec![lane("192.0.2.53:53", true), lane("192.0.2.54:53", false)],
        },
        Event::StepSeen { index: 1, holds: true, lanes: Vec::new() },
    ]
}

/// Records of a zone that belong to no service.
pub(crate) fn of_zones() -> Event {
    let (zone, edits) = (zone("shop.example"), edits());
    let publish = PublishRecords {
        service: None,
        zone: zone.clone(),
        edits: edits.clone(),
        why: "the decided CAA set is put back".to_owned(),
        undo_hold_seconds: 0,
        within_seconds: 900,
    };
    let wait =
        AwaitPropagation { service: None, zone, edits, hold_seconds: 0, within_seconds: 900 };
    let steps = vec![Step::PublishRecords(publish), Step::AwaitPropagation(wait)];
    Event::Validated {
        plan: Plan::new(steps).unwrap(),
        prechecks: Vec::new(),
        expires_at: Time::parse("2026-03-10T10:00:00Z").unwrap(),
    }
}
