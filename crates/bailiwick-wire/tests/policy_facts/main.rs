//! The facts of a decision have one spelling that never changes, and can be asked again.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod strategies;
mod world;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{Mode, Pattern, View, ZoneClass};
use bailiwick_core::names::{AccountId, DecisionId};
use bailiwick_core::policy::{
    Access, ApproverKind, CaaFact, ChangeKind, Fact, Facts, GrantAct, Grantor, IssueFacts,
    PolicySet, Reason, ResourceKind, Stage, ValidationMethod, Verdict, judge,
};
use bailiwick_core::record::{Decision, Entry, Fact as EntryFact};
use bailiwick_core::time::Time;
use bailiwick_wire::policy::{BadFacts, FACTS_OCTETS_MAX, facts_json, read_facts, verdict_json};
use bailiwick_wire::record::{self, ENTRY_OCTETS_MAX};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

const GOLDEN: &str = include_str!("golden.jsonl");

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn every_kind() -> BoxedStrategy<Facts> {
    prop_oneof![
        strategies::issue(),
        strategies::change(),
        strategies::access(),
        strategies::enrol()
    ]
    .boxed()
}

fn policies() -> &'static PolicySet {
    static POLICIES: OnceLock<PolicySet> = OnceLock::new();
    POLICIES.get_or_init(|| PolicySet::compile(&BTreeMap::new()).unwrap())
}

fn ask(facts: &Facts) -> Verdict {
    judge(policies(), facts)
}

fn simple() -> IssueFacts {
    world::order(&["www.shop.example"], &[world::zone("shop.example", Pattern::ServiceTeam)])
}

/// An order in a zone where a central team decides: it needs an envelope.
fn central(names: &[impl AsRef<str>]) -> IssueFacts {
    world::order(names, &[world::zone("shop.example", Pattern::Central)])
}

/// Questions with an answer of each kind: allowed, refused, grantable, approvals missing, unknown.
fn questions() -> Vec<(Facts, bool)> {
    let mut unknown = simple();
    unknown.service = Fact::Unknown;
    let mut ordered = simple();
    ordered.stage = Stage::Order;
    let mut homeless = simple();
    homeless.names[0].zone = Fact::Unknown;
    vec![
        (Facts::Issue(simple()), true),
        (Facts::Issue(ordered), true),
        (Facts::Issue(unknown), false),
        (Facts::Issue(homeless), false),
        (Facts::Issue(central(&["www.shop.example", "shop.example"])), false),
        (Facts::Issue(world::covered(central(&["www.shop.example"]))), true),
        (Facts::Change(world::change(&[])), false),
        (Facts::Change(world::change(&[("pia", &["pki"]), ("pol", &["pki"])])), true),
        (Facts::Access(world::access(&[Access::Read])), true),
        (Facts::Access(world::access(&[])), false),
    ]
}

#[test]
fn facts_are_read_as_they_were_written() {
    for kind in
        [strategies::issue(), strategies::change(), strategies::access(), strategies::enrol()]
    {
        runner(400)
            .run(&kind, |facts| {
                let text = facts_json(&facts);
                let read = read_facts(&text);
                prop_assert!(read.is_ok(), "{:?}\n{text}", read.err());
                prop_assert_eq!(read.unwrap(), facts);
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn a_stored_decision_asked_again_gets_the_same_verdict() {
    for (facts, allowed) in questions() {
        let verdict = ask(&facts);
        assert_eq!(verdict.allows(), allowed, "{}", verdict.text(None, world::NOW));
        let again = read_facts(&facts_json(&facts)).unwrap();
        assert_eq!(ask(&again), verdict);
    }
    runner(30)
        .run(&every_kind(), |facts| {
            let again = read_facts(&facts_json(&facts)).unwrap();
            prop_assert_eq!(ask(&again), ask(&facts));
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_spelling_of_version_1_never_changes() {
    let golden: Vec<&str> = GOLDEN.lines().collect();
    let mut samples: Vec<Facts> = questions().into_iter().map(|(facts, _)| facts).collect();
    samples.extend(world::rare());
    for (number, facts) in samples.iter().enumerate() {
        let line = golden.get(number).copied().unwrap_or("");
        assert_eq!(
            facts_json(facts),
            line,
            "line {} of golden.jsonl: version 1 may never change, the decisions in every ledger \
             are spelled so; undo the change, or make a version 2 beside it",
            number + 1,
        );
        assert_eq!(read_facts(line).unwrap(), *facts);
    }
    assert_eq!(golden.len(), samples.len(), "golden.jsonl has a line without facts");
}

#[test]
fn the_words_of_version_1_never_change() {
    macro_rules! words {
        ($type:ty) => {
            <$type>::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
        };
    }
    let words = [
        (words!(Access), "read request approve revoke administer"),
        (words!(ApproverKind), "person agent"),
        (words!(CaaFact), "not-yet permits forbids"),
        (
            words!(ChangeKind),
            "edit-estate grant-envelope end-envelope issue-certificate revoke-certificate \
             grant-exception narrow-envelope register-account trust-change rotate-issuer \
             rotate-key publish-records",
        ),
        (words!(KeyKind), "ecdsa-p256 ecdsa-p384 ed25519 rsa"),
        (words!(Mode), "observe advise enforce"),
        (words!(Pattern), "central service-team shared"),
        (
            words!(ResourceKind),
            "organisation estate zone service change certificate envelope account credential \
             decision ledger token session",
        ),
        (words!(ValidationMethod), "http-01 dns-01 tls-alpn-01 dns-account-01 dns-persist-01"),
        (words!(View), "external internal"),
        (words!(ZoneClass), "customer-facing business-critical corporate test"),
    ];
    for (found, expected) in words {
        assert_eq!(found, expected, "stored decisions are spelled with these words, in this order");
    }
}

/// One random edit of octets: flip, replace, remove, repeat, swap, insert.
fn mutate(octets: &mut Vec<u8>, edit: u8, place: usize, other: usize, octet: u8) {
    let (place, other) = (place % octets.len(), other % octets.len());
    match edit % 6 {
        0 => octets[place] ^= 1 << (octet % 8),
        1 => octets[place] = octet,
        2 => drop(octets.remove(place)),
        3 => {
            let run = octets[place.min(other)..place.max(other)].to_vec();
            octets.splice(place..place, run);
        }
        4 => octets.swap(place, other),
        _ => octets.insert(place, octet),
    }
}

#[test]
fn no_edit_of_facts_is_read_as_another_spelling_of_them() {
    let mut runner = runner(1);
    let edits = (any::<u8>(), any::<usize>(), any::<usize>(), any::<u8>());
    let kinds =
        [strategies::issue(), strategies::change(), strategies::access(), strategies::enrol()];
    let (mut refused, mut other) = (0_u32, 0_u32);
    for number in 0..1_500 {
        let facts = kinds[number % 4].new_tree(&mut runner).unwrap().current();
        let before = facts_json(&facts);
        let mut octets = before.clone().into_bytes();
        let (edit, place, swap, octet) = edits.new_tree(&mut runner).unwrap().current();
        mutate(&mut octets, edit, place, swap, octet);
        let Ok(text) = String::from_utf8(octets) else {
            continue;
        };
        match read_facts(&text) {
            Err(_) => refused += 1,
            Ok(read) => {
                assert_eq!(facts_json(&read), text);
                assert_eq!(read == facts, text == before);
                other += 1;
            }
        }
    }
    // Both happen: a letter of an id may change, the frame around it may not.
    assert!(refused > 500 && other > 50, "{refused} refused, {other} read as other facts");
}

fn check(given: &str, expected: &str) {
    let found = match read_facts(given) {
        Ok(_) => "read",
        Err(BadFacts::TooLarge { .. }) => "too large",
        Err(BadFacts::TooManyNames { .. }) => "too many names",
        Err(BadFacts::Version { .. }) => "version",
        Err(BadFacts::Form(_)) => "form",
        Err(BadFacts::Value(_)) => "value",
        Err(BadFacts::NoSuchZone { .. }) => "no such zone",
        Err(BadFacts::NotCanonical) => "not canonical",
    };
    assert_eq!(found, expected, "{}", given.get(..600).unwrap_or(given));
}

fn edited(plain: &str, edits: &[(&str, &str, &str)]) {
    check(plain, "read");
    for (from, to, expected) in edits {
        assert!(plain.contains(from), "{from} in {plain}");
        check(&plain.replacen(from, to, 1), expected);
    }
}

#[test]
fn every_other_spelling_is_refused() {
    let order = world::order(
        &["a.shop.example", "b.shop.example"],
        &[world::zone("shop.example", Pattern::ServiceTeam)],
    );
    let plain = facts_json(&Facts::Issue(order));
    edited(
        &plain,
        &[
            ("{\"v\"", "{ \"v\"", "not canonical"),
            ("\"v\":1,", "", "form"),
            ("\"v\":1", "\"v\":2", "version"),
            ("\"v\":1", "\"v\":1.0", "form"),
            ("\"v\":1,", "\"v\":1,\"w\":1,", "form"),
            ("\"issue\"", "\"change\"", "form"),
            ("\"issue\"", "\"access\"", "form"),
            ("\"issue\"", "\"issues\"", "form"),
            ("\"issue\"", "\"Issue\"", "form"),
            (".005Z", ".0050Z", "not canonical"),
            (".005Z", ".005+00:00", "not canonical"),
            ("2026-09-21T14:13:20.005Z", "unix-ms:1790000000005", "not canonical"),
            ("2026-09-21T14:13:20.005Z", "unix-ms:now", "value"),
            ("2026-09-21T14:13:20.005Z", "yesterday", "value"),
            ("\"usable\":{\"known\":true}", "\"usable\":{\"unknown\":true}", "read"),
            ("\"usable\":{\"known\":true}", "\"usable\":{\"unknown\":false}", "not canonical"),
            ("\"usable\":{\"known\":true}", "\"usable\":{\"unknown\":null}", "form"),
            ("\"usable\":{\"known\":true}", "\"usable\":\"unknown\"", "form"),
            ("\"usable\":{\"known\":true}", "\"usable\":{}", "form"),
            ("\"usable\":{\"known\":true}", "\"usable\":true", "form"),
            ("\"usable\":{\"known\":true}", "\"usable\":null", "form"),
            ("\"usable\":{\"known\":true}", "\"usable\":{\"known\":null}", "form"),
            ("\"usable\":{\"known\":true},", "", "form"),
            ("{\"known\":true}", "{\"known\":true,\"unknown\":true}", "form"),
            ("\"namespace\":null,", "", "not canonical"),
            ("[\"production\",\"staging\"]", "[\"staging\",\"production\"]", "not canonical"),
            ("\"staging\"]", "\"staging\",\"staging\"]", "not canonical"),
            ("\"shop.example\"", "\"shop.example/internal\"", "read"),
            ("\"shop.example\"", "\"shop.example/external\"", "not canonical"),
            ("\"shop.example\"", "\"shop.example/middle\"", "value"),
            ("\"shop.example\"", "\"SHOP.example\"", "not canonical"),
            ("\"a.shop.example\"", "\"_a.shop.example\"", "value"),
            ("\"customer-facing\"", "\"customer\"", "value"),
            ("\"zone\":{\"known\":0}", "\"zone\":{\"known\":1}", "no such zone"),
            ("\"zone\":{\"known\":0}", "\"zone\":{\"known\":-1}", "form"),
            ("\"zone\":{\"known\":0}", "\"zone\":{\"unknown\":true}", "not canonical"),
            ("\"b.shop.example\"],", "\"b.shop.example\"],\"more\":1,", "form"),
            ("\"is\":\"finalize\"", "\"is\":\"order\"", "form"),
            ("\"known\":7776000", "\"known\":7776000.0", "form"),
            ("\"known\":7776000", "\"known\":4294967296", "form"),
        ],
    );
    let owner = "\"owner\":{\"known\":\"shop-web\"},\"zone\":{\"known\":0}";
    let split = format!("\"a.shop.example\"],{owner}}},{{\"names\":[");
    check(&plain.replacen("\"a.shop.example\",", &split, 1), "not canonical");
    let empty = format!("\"names\":[{{\"names\":[],{owner}}},{{");
    check(&plain.replacen("\"names\":[{", &empty, 1), "not canonical");
    check(&format!("{plain}\n"), "not canonical");
    check(&format!("{plain}{plain}"), "form");
    check("", "form");
    check("null", "form");
}

#[test]
fn zones_stand_once_and_in_the_order_of_the_names() {
    let zones = [
        world::zone("shop.example", Pattern::ServiceTeam),
        world::zone("shop.example/internal", Pattern::Shared),
    ];
    let facts = Facts::Issue(world::order(&["a.shop.example", "b.shop.example"], &zones));
    let text = facts_json(&facts);
    assert_eq!(text.matches("\"key\":\"shop.example\"").count(), 1);
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let names = value["facts"]["names"].as_array().unwrap();
    let run = |name: &str, zone: usize| json!({ "names": [name], "owner": { "known": "shop-web" }, "zone": { "known": zone } });
    let (a, b) = ("a.shop.example", "b.shop.example");
    assert_eq!(*names, [run(a, 0), run(a, 1), run(b, 0), run(b, 1)]);
    // The same facts with the zones the other way round, with one that no name lies in, and with
    // one twice.
    let zones = value["facts"]["zones"].as_array().unwrap().clone();
    let mut turned = value.clone();
    turned["facts"]["zones"] = json!([zones[1], zones[0]]);
    for run in turned["facts"]["names"].as_array_mut().unwrap() {
        run["zone"] = json!({ "known": 1 - run["zone"]["known"].as_u64().unwrap() });
    }
    check(&turned.to_string(), "not canonical");
    value["facts"]["zones"] = json!([zones[0], zones[1], with_another_key(&zones[0])]);
    check(&value.to_string(), "not canonical");
    value["facts"]["zones"] = json!([zones[0], zones[1], zones[1]]);
    check(&value.to_string(), "not canonical");
    value["facts"]["zones"] = json!(zones);
    assert_eq!(value.to_string(), text);
}

fn with_another_key(zone: &Value) -> Value {
    let mut other = zone.clone();
    other["key"] = json!("other.example");
    other
}

#[test]
fn hostile_texts_are_refused_in_bounded_memory() {
    check(&" ".repeat(FACTS_OCTETS_MAX + 1), "too large");
    let deep = "[".repeat(60_000);
    check(&deep, "form");
    check(&format!(r#"{{"v":1,"about":"access","facts":{deep}"#), "form");
    // A text of 90 kB that would unfold to two thousand zones of 60 kB.
    let mut facts = world::order(&world::many(2), &[world::zone("shop.example", Pattern::Central)]);
    for name in &mut facts.names {
        let Fact::Known(zone) = &mut name.zone else { continue };
        zone.caa.issue = vec!["x".repeat(60_000)];
    }
    let text = facts_json(&Facts::Issue(facts));
    check(&text, "read");
    let many = "\"a.shop.example\",".repeat(2_000);
    let names = "{\"names\":[";
    check(&text.replacen(names, &format!("{names}{many}"), 1), "too many names");
}

#[test]
fn moments_outside_the_years_of_rfc_3339_are_kept() {
    for ms in [i64::MIN, -62_167_219_200_001, 253_402_300_800_000, i64::MAX] {
        let mut facts = simple();
        facts.now = Time::from_unix_ms(ms);
        let facts = Facts::Issue(facts);
        let text = facts_json(&facts);
        assert!(text.contains(&format!("\"now\":\"unix-ms:{ms}\"")), "{text}");
        assert_eq!(read_facts(&text).unwrap(), facts);
    }
}

/// The refused order as it would stand in the ledger.
fn entry(facts: &IssueFacts, verdict: &Verdict) -> Entry {
    Entry {
        at: world::NOW,
        by: Actor::Component(Component::Gate),
        fact: EntryFact::OrderRefused {
            account: AccountId::parse("acct-1").unwrap(),
            names: facts.names.iter().map(|it| it.name.clone()).collect(),
            decision: Box::new(Decision {
                id: DecisionId::parse("decision-1").unwrap(),
                action: "issue".to_owned(),
                allowed: verdict.allows(),
                policy: verdict.policy_digest(),
                facts: facts_json(&Facts::Issue(facts.clone())),
                reasons: verdict_json(verdict),
                rule: "some-rule".to_owned(),
            }),
            change: None,
        },
    }
}

#[test]
fn an_order_of_a_hundred_names_fits_into_an_entry_of_the_ledger() {
    let octets = |facts: &IssueFacts| facts_json(&Facts::Issue(facts.clone())).len();
    let one = world::covered(central(&["www.shop.example"]));
    assert!(octets(&one) < 3_000, "{}", octets(&one));
    let hundred = world::covered(central(&world::many(100)));
    assert!(octets(&hundred) < 14_000, "{}", octets(&hundred));
    let both_views = world::covered(world::order(
        &world::many(100),
        &[
            world::zone("shop.example", Pattern::Central),
            world::zone("shop.example/internal", Pattern::Shared),
        ],
    ));
    assert!(octets(&both_views) < 35_000, "{}", octets(&both_views));

    // Each name refused for reasons of its own.
    let mut foreign = both_views;
    for name in &mut foreign.names {
        name.owner = Fact::Known(None);
    }
    let verdict = ask(&Facts::Issue(foreign.clone()));
    assert!(verdict.reasons().len() >= 100, "{}", verdict.reasons().len());
    let entry = entry(&foreign, &verdict);
    let stored = record::encode(&entry).unwrap();
    assert!(stored.len() < ENTRY_OCTETS_MAX * 5 / 6, "{}", stored.len());
    let EntryFact::OrderRefused { decision, .. } = record::decode(&stored).unwrap().fact else {
        panic!("another kind of entry");
    };
    let again = ask(&read_facts(&decision.facts).unwrap());
    assert_eq!(again, verdict, "the reasons that are not written come from asking again");
}

fn reason_as_json(reason: &Reason) -> Value {
    json!({
        "rule": reason.rule.as_str(),
        "source": reason.source,
        "control": reason.control,
        "fact": reason.fact,
        "name": reason.name.as_ref().map(ToString::to_string),
        "grantor": match &reason.grantor {
            Grantor::Nobody => json!({ "is": "nobody" }),
            Grantor::Teams(teams) => {
                json!({ "is": "teams", "teams": teams.iter().map(|t| t.as_str()).collect::<Vec<_>>() })
            }
        },
        "remedy": reason.remedy,
    })
}

#[test]
fn a_verdict_is_stored_with_everything_it_says() {
    for (facts, _) in questions() {
        let verdict = ask(&facts);
        let text = verdict_json(&verdict);
        let all = |reasons: &[Reason]| reasons.iter().map(reason_as_json).collect::<Vec<_>>();
        let act = |act: &GrantAct| match act {
            GrantAct::Envelope { by } => {
                json!({ "is": "envelope", "by": by.iter().map(|t| t.as_str()).collect::<Vec<_>>() })
            }
            GrantAct::ConfirmOwnership { by } => {
                json!({ "is": "confirm-ownership", "by": by.as_str() })
            }
        };
        let expected = json!({
            "v": 1,
            "decision": if verdict.allows() { "allow" } else { "deny" },
            "policy": policies().digest().to_string(),
            "permits": verdict.permits().iter().map(|permit| json!({
                "rule": permit.rule.as_str(),
                "source": permit.source,
                "control": permit.control,
                "zone": permit.zone.as_ref().map(ToString::to_string),
            })).collect::<Vec<_>>(),
            "reasons": all(verdict.reasons()),
            "notes": all(verdict.notes()),
            "missing_approvals": verdict.missing_approvals().iter().map(|missing| json!({
                "team": missing.team.as_str(),
                "role": missing.role.as_str(),
                "count": missing.count,
                "independent": missing.independent,
            })).collect::<Vec<_>>(),
            "grantable": verdict.grantable().map(|grantable| json!({
                "acts": grantable.acts.iter().map(act).collect::<Vec<_>>(),
            })),
            "left_out": { "permits": 0, "reasons": 0, "notes": 0 },
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        assert!(text.starts_with("{\"v\":1,\"decision\":\""), "{text}");
    }
}

#[test]
fn the_questions_show_every_part_of_a_verdict() {
    let verdicts: Vec<Verdict> = questions().iter().map(|(facts, _)| ask(facts)).collect();
    assert!(verdicts.iter().any(|it| !it.permits().is_empty()));
    assert!(verdicts.iter().any(|it| !it.missing_approvals().is_empty()));
    assert!(verdicts.iter().any(|it| it.grantable().is_some()));
    let grantors = || verdicts.iter().flat_map(|it| it.reasons()).map(|it| &it.grantor);
    assert!(grantors().any(|it| *it == Grantor::Nobody));
    assert!(grantors().any(|it| *it != Grantor::Nobody));
}

#[test]
fn what_is_left_out_of_a_stored_verdict_is_counted() {
    let mut facts = central(&world::many(100));
    for name in &mut facts.names {
        name.owner = Fact::Known(None);
    }
    let verdict = ask(&Facts::Issue(facts));
    let text = verdict_json(&verdict);
    assert!(text.len() < 10_000, "{}", text.len());
    let value: Value = serde_json::from_str(&text).unwrap();
    let written = value["reasons"].as_array().unwrap();
    assert!(written.len() >= 8, "{}", written.len());
    for (written, reason) in written.iter().zip(verdict.reasons()) {
        assert_eq!(*written, reason_as_json(reason));
    }
    let left_out = verdict.reasons().len() - written.len();
    assert_eq!(value["left_out"], json!({ "permits": 0, "reasons": left_out, "notes": 0 }));
    assert!(left_out > 0);
}
