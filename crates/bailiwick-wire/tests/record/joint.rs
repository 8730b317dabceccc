//! Steps that bind records and certificates: samples for the golden file, and every value.

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
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

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
            service: service(),
            zone: zone("shop.example"),
            edits: edits(),
            why: "the new key's TLSA stands beside the old".to_owned(),
            undo_hold_seconds: 600,
            within_seconds: 60,
        }),
        Step::AwaitPropagation(AwaitPropagation {
            service: service(),
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

fn set() -> impl Strategy<Value = Option<RRset>> {
    (any::<u32>(), vec(vec(any::<u8>(), 0..24), 0..4))
        .prop_map(|(ttl_seconds, rdata)| RRset::new(ttl_seconds, rdata))
}

fn edit() -> impl Strategy<Value = RecordEdit> {
    ("(\\*\\.)?[a-z0-9_]{1,9}\\.example", 1..=30_000_u16, set(), set()).prop_filter_map(
        "two states that differ, of a type that nobody signs",
        |(owner, kind, before, after)| {
            let owner = OwnerName::parse(&owner).unwrap();
            RecordEdit::new(owner, RecordType::of(kind), before, after).ok()
        },
    )
}

fn key() -> impl Strategy<Value = ZoneKey> {
    "[a-z]{1,9}\\.example(/internal)?".prop_map(|text| ZoneKey::parse(&text).unwrap())
}

fn target() -> impl Strategy<Value = Deployment> {
    prop_oneof![
        Just(Deployment::Client),
        (any::<String>(), vec(any::<String>(), 0..3))
            .prop_map(|(folder, reload)| Deployment::Files { folder, reload }),
        any::<String>().prop_map(|url| Deployment::Webhook { url }),
    ]
}

/// Steps behind one that issues a certificate with this key, at place 0.
pub(crate) fn steps(key_of_first: SpkiHash) -> impl Strategy<Value = Vec<Step>> {
    let endpoints = vec(
        (any::<[u8; 4]>(), any::<u16>()).prop_map(|(ip, port)| Endpoint {
            name: DnsName::parse("www.shop.example").unwrap(),
            at: (ip, port).into(),
        }),
        0..3,
    );
    let publish = (key(), vec(edit(), 0..3), any::<String>(), any::<u32>(), any::<u32>()).prop_map(
        |(zone, edits, why, undo_hold_seconds, within_seconds)| {
            let service = service();
            Step::PublishRecords(PublishRecords {
                service,
                zone,
                edits,
                why,
                undo_hold_seconds,
                within_seconds,
            })
        },
    );
    let wait = (key(), vec(edit(), 0..3), any::<u32>(), any::<u32>()).prop_map(
        |(zone, edits, hold_seconds, within_seconds)| {
            let service = service();
            Step::AwaitPropagation(AwaitPropagation {
                service,
                zone,
                edits,
                hold_seconds,
                within_seconds,
            })
        },
    );
    let before = option::of(any::<[u8; 32]>().prop_map(CertFingerprint::from_bytes));
    let deploy = (target(), any::<String>(), before).prop_map(move |(target, place, before)| {
        Step::DeployCertificate(DeployCertificate {
            service: service(),
            issued_by: 0,
            key: key_of_first,
            place,
            target,
            before,
        })
    });
    let served = (endpoints, any::<u32>()).prop_map(|(endpoints, within_seconds)| {
        Step::VerifyServed(VerifyServed {
            service: service(),
            issued_by: 0,
            endpoints,
            within_seconds,
        })
    });
    (publish, wait, deploy, served).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

pub(crate) fn lanes() -> impl Strategy<Value = Vec<Lane>> {
    vec(
        (any::<String>(), any::<bool>(), any::<String>()).prop_map(|(who, shows, saw)| Lane {
            who,
            shows,
            saw,
        }),
        0..3,
    )
}

pub(crate) fn kept() -> impl Strategy<Value = Prepared> {
    option::of(any::<[u8; 32]>().prop_map(CertFingerprint::from_bytes))
        .prop_map(|before| Prepared::Kept { before })
}
