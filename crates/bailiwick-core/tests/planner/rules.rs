//! The ordering rules one by one, and what cannot be planned.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::planner::{CaaWish, CannotPlan, Intent, TlsaWish, caa_rdata, tlsa_for};
use bailiwick_core::change::{Endpoint, Plan, Step};
use bailiwick_core::estate::Deployment;
use bailiwick_core::names::{DnsName, SanName, ServiceId};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::at_every_moment::{certificate, zone};

const NEW: &[u8] = &[4, 5, 6];
const OLD: &[u8] = &[1, 2, 3];

fn owner(text: &str) -> OwnerName {
    OwnerName::parse(text).unwrap()
}

fn issue(domain: &str) -> Vec<u8> {
    caa_rdata(0, "issue", domain).unwrap()
}

/// Nothing wanted yet.
fn nothing() -> Intent {
    Intent {
        service: ServiceId::parse("shop-web").unwrap(),
        certificate: None,
        moves: Vec::new(),
        caa: Vec::new(),
        tlsa: Vec::new(),
        deployments: Vec::new(),
        endpoints: Vec::new(),
        negative_ttl_seconds: BTreeMap::from([(zone(), 900)]),
        propagation_seconds: 60,
        served_seconds: 30,
    }
}

fn address(last: u8) -> Option<RRset> {
    RRset::new(300, [vec![192, 0, 2, last]])
}

fn moved() -> (bailiwick_core::estate::ZoneKey, RecordEdit) {
    let edit = RecordEdit::new(owner("www.shop.example"), RecordType::A, address(1), address(2));
    (zone(), edit.unwrap())
}

fn tlsa(now: Option<RRset>) -> TlsaWish {
    TlsaWish {
        zone: zone(),
        owner: owner("_443._tcp.www.shop.example"),
        now,
        spki: NEW.to_vec(),
        ttl_seconds: 600,
    }
}

fn caa(now: Option<RRset>, retire: &[&str]) -> CaaWish {
    CaaWish {
        zone: zone(),
        owner: owner("shop.example"),
        now,
        add: BTreeSet::from([issue("new.example")]),
        in_use: BTreeSet::from([issue("old.example")]),
        retire: retire.iter().map(|domain| issue(domain)).collect(),
        ttl_seconds: 1_800,
    }
}

fn whole() -> Intent {
    Intent {
        certificate: Some(certificate(NEW)),
        moves: vec![moved()],
        caa: vec![caa(RRset::new(1_800, [issue("old.example")]), &["old.example"])],
        tlsa: vec![tlsa(RRset::new(600, [tlsa_for(1, OLD).unwrap()]))],
        deployments: vec![("lb".to_owned(), Deployment::Client, None)],
        endpoints: vec![Endpoint {
            name: DnsName::parse("www.shop.example").unwrap(),
            at: "192.0.2.2:443".parse().unwrap(),
        }],
        ..nothing()
    }
}

/// One line a step.
fn spelled(plan: &Plan) -> Vec<String> {
    let line = |step: &Step| match step {
        Step::PublishRecords(publish) => {
            let edits: Vec<String> = publish
                .edits
                .iter()
                .map(|edit| {
                    let count = |set: Option<&RRset>| set.map_or(0, |set| set.rdata().len());
                    format!("{} {}>{}", edit.kind(), count(edit.before()), count(edit.after()))
                })
                .collect();
            format!("publish {} back {}", edits.join(" "), publish.undo_hold_seconds)
        }
        Step::AwaitPropagation(wait) => format!("wait {}", wait.hold_seconds),
        Step::IssueCertificate(_) => "issue".to_owned(),
        Step::DeployCertificate(_) => "deploy".to_owned(),
        Step::VerifyServed(_) => "served".to_owned(),
        other => other.kind().to_owned(),
    };
    plan.steps().iter().map(line).collect()
}

#[test]
fn trw_1_a_move_with_another_issuer_goes_in_the_order_of_the_field() {
    let plan = whole().plan().unwrap();
    assert_eq!(
        spelled(&plan),
        [
            "publish CAA 1>2 TLSA 1>2 back 0",
            "wait 1800",
            "issue",
            "deploy",
            "served",
            "publish A 1>1 back 300",
            "wait 300",
            "served",
            "publish CAA 2>1 TLSA 2>1 back 1800",
            "wait 1800",
        ]
    );
    assert_eq!(plan.point_of_no_return(), None);
}

#[test]
fn tlsa_waits_twice_its_ttl_and_is_introduced_last() {
    let only =
        |now| Intent { caa: Vec::new(), moves: Vec::new(), tlsa: vec![tlsa(now)], ..whole() };
    let plan = only(RRset::new(600, [tlsa_for(1, OLD).unwrap()])).plan().unwrap();
    assert_eq!(
        spelled(&plan),
        [
            "publish TLSA 1>2 back 0",
            "wait 1200",
            "issue",
            "deploy",
            "served",
            "publish TLSA 2>1 back 1200",
            "wait 1200",
        ]
    );
    // No set yet: the certificate that is served now would not match one.
    let plan = only(None).plan().unwrap();
    assert_eq!(
        spelled(&plan),
        ["issue", "deploy", "served", "publish TLSA 0>1 back 1200", "wait 1800"]
    );
    // The key stays: no record has to change.
    let plan = only(RRset::new(600, [tlsa_for(1, NEW).unwrap()])).plan().unwrap();
    assert_eq!(spelled(&plan), ["issue", "deploy", "served"]);
    // A record for every combination that there is.
    let both = RRset::new(600, [tlsa_for(1, OLD).unwrap(), tlsa_for(2, OLD).unwrap()]);
    assert_eq!(spelled(&only(both).plan().unwrap())[0], "publish TLSA 2>4 back 0");
}

#[test]
fn tlsa_of_a_whole_certificate_cannot_stand_beside_the_old() {
    for record in [vec![3, 0, 1, 9], vec![2, 0, 1, 9], vec![3, 1, 7, 9], vec![3]] {
        let now = RRset::new(600, [tlsa_for(1, OLD).unwrap(), record]);
        let intent = Intent { tlsa: vec![tlsa(now)], ..whole() };
        let refused = intent.plan().unwrap_err();
        assert!(matches!(refused, CannotPlan::Tlsa(_)), "{refused}");
    }
}

#[test]
fn caa_is_visible_before_the_order_and_the_old_issuer_stays_to_the_end() {
    let only = |caa| Intent { tlsa: Vec::new(), moves: Vec::new(), caa: vec![caa], ..whole() };
    // No set: a new one lets both in, and resolvers may remember for 900 s that there is none.
    let plan = only(caa(None, &["old.example"])).plan().unwrap();
    assert_eq!(
        spelled(&plan),
        [
            "publish CAA 0>2 back 0",
            "wait 900",
            "issue",
            "deploy",
            "served",
            "publish CAA 2>1 back 1800",
            "wait 1800",
        ]
    );
    // It is let in already, and nothing shall go.
    let now = RRset::new(1_800, [issue("old.example"), issue("new.example")]);
    assert_eq!(spelled(&only(caa(now, &[])).plan().unwrap()), ["issue", "deploy", "served"]);
    let none_left = only(caa(None, &["old.example", "new.example"])).plan().unwrap_err();
    assert_eq!(none_left, CannotPlan::CaaEmpty(owner("shop.example")));
}

#[test]
fn mta_sts_is_announced_after_its_body_is_served() {
    let id = |text: &str| RRset::new(300, [[&[19], text.as_bytes()].concat()]);
    let announce = RecordEdit::new(
        owner("_mta-sts.shop.example"),
        RecordType::TXT,
        id("v=STSv1; id=2026031"),
        id("v=STSv1; id=2026032"),
    );
    let moves = vec![(zone(), announce.unwrap())];
    let with = |name: &str| {
        let mut intent =
            Intent { tlsa: Vec::new(), caa: Vec::new(), moves: moves.clone(), ..whole() };
        intent.certificate.as_mut().unwrap().names = vec![SanName::parse(name).unwrap()];
        intent
    };
    let announced = ["issue", "deploy", "served", "publish TXT 1>1 back 300", "wait 300"];
    // The host that serves the body gets the certificate, so that it has to be looked at.
    for name in ["mta-sts.shop.example", "*.shop.example"] {
        let bare = with(name);
        assert_eq!(bare.plan(), Err(CannotPlan::MtaSts(owner("_mta-sts.shop.example"))));
        let host = Endpoint {
            name: DnsName::parse("mta-sts.shop.example").unwrap(),
            at: "192.0.2.2:443".parse().unwrap(),
        };
        let intent = Intent { endpoints: vec![host], ..bare };
        assert_eq!(spelled(&intent.plan().unwrap()), announced);
    }
    // Another host serves it, and goes on as it does.
    assert_eq!(spelled(&with("www.shop.example").plan().unwrap()), announced);
    let alone = Intent { certificate: None, deployments: Vec::new(), ..with("www.shop.example") };
    assert_eq!(spelled(&alone.plan().unwrap()), ["publish TXT 1>1 back 0", "wait 300"]);
}

#[test]
fn what_is_no_change_or_says_two_things_is_refused() {
    assert_eq!(nothing().plan(), Err(CannotPlan::NothingToDo));
    let twice = Intent { moves: vec![moved(), moved()], ..nothing() };
    let said = CannotPlan::Twice(owner("www.shop.example"), RecordType::A);
    assert_eq!(twice.plan(), Err(said));
    let records = Intent { moves: vec![moved()], ..nothing() };
    assert_eq!(spelled(&records.plan().unwrap()), ["publish A 1>1 back 0", "wait 300"]);
}
