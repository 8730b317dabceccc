//! Steps that bind records and certificates, generated.

use bailiwick_core::change::{
    AwaitPropagation, DeployCertificate, Endpoint, Lane, Prepared, PublishRecords, Step,
    VerifyServed,
};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::{CertFingerprint, DnsName, ServiceId, SpkiHash};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn service() -> ServiceId {
    ServiceId::parse("shop-web").unwrap()
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

pub(crate) fn key() -> impl Strategy<Value = ZoneKey> {
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
    let whose = || any::<bool>().prop_map(|of_service| of_service.then(service));
    let publish = (whose(), key(), vec(edit(), 0..3), any::<String>(), any::<u32>(), any::<u32>())
        .prop_map(|(service, zone, edits, why, undo_hold_seconds, within_seconds)| {
            Step::PublishRecords(PublishRecords {
                service,
                zone,
                edits,
                why,
                undo_hold_seconds,
                within_seconds,
            })
        });
    let wait = (whose(), key(), vec(edit(), 0..3), any::<u32>(), any::<u32>()).prop_map(
        |(service, zone, edits, hold_seconds, within_seconds)| {
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
