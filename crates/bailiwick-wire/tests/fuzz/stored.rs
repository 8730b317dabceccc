//! What is read back from the store: entries, orders, facts, CAA evidence, lists. Whoever changed a
//! row is an attacker too.

use std::net::SocketAddr;

use bailiwick_core::caa::{
    Alias, AliasKind, AliasName, CaaName, CaaRecord, CaaReport, CaaTerms, ClimbStep, Empty, Found,
    IssuerDomain, LookupAnswer, LookupFailure, PrivateTlds, Proof, Source, SourceAnswer,
    SourceRole, climb,
};
use bailiwick_wire::caa_json::{evidence_octets, read_evidence, report_json};
use bailiwick_wire::caa_text::render_text;
use bailiwick_wire::policy::{FACTS_OCTETS_MAX, facts_json, read_facts};
use bailiwick_wire::record::ENTRY_OCTETS_MAX;
use bailiwick_wire::{gate, record, rows};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::authority::now;
use crate::entries;
use crate::fuzzing::refusal::check_text;
use crate::fuzzing::{Shape, Target};

/// Every kind of entry, spelled once.
const ENTRIES: &str = include_str!("../record/golden.jsonl");
/// Facts of every kind.
const FACTS: &str = include_str!("../policy_facts/golden.jsonl");

const WORDS: [&str; 20] = [
    "null",
    "[]",
    "{}",
    "\"\"",
    "{\"is\":\"component\",\"name\":\"gate\"}",
    "\"at\":",
    "\"by\":",
    "\"data\":",
    "\"kind\":",
    "\"v\":1,",
    "\"v\":2,",
    "{\"known\":",
    "{\"unknown\":true}",
    "2026-03-03T10:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "0000-01-01T00:00:00Z",
    "AQ==",
    "AR==",
    "www.shop.example",
    "shop.example/public",
];

#[test]
fn fuzz_entry() {
    Target::new("fuzz_entry", Shape::Text)
        .seeds(ENTRIES.lines())
        .refused([
            ENTRIES.lines().next().unwrap().replacen("\"v\":1", "\"v\":1,\"\u{1b}[31m\":1", 1),
            format!(r#"{{"v":1,"kind":"{}","at":"","by":{{}},"data":{{}}}}"#, "k".repeat(5_000)),
            "[".repeat(60_000),
            " ".repeat(ENTRY_OCTETS_MAX + 1),
        ])
        .words(WORDS)
        .run(|octets| {
            let entry = record::decode(octets)?;
            assert_eq!(record::encode(&entry).unwrap(), octets, "an entry has one spelling");
            Ok(())
        });
}

/// Generated values, the same in every run.
fn some<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn fuzz_order() {
    let orders = some(entries::order(), 12);
    let orders = orders.iter().map(|order| gate::encode_order(order).unwrap());
    Target::new("fuzz_order", Shape::Text).seeds(orders).words(WORDS).run(|octets| {
        let order = gate::decode_order(octets)?;
        assert_eq!(gate::encode_order(&order).unwrap(), octets);
        Ok(())
    });
}

#[test]
fn fuzz_authorization() {
    let all = some(entries::authorization(), 12);
    let all = all.iter().map(|one| gate::encode_authorization(one).unwrap());
    Target::new("fuzz_authorization", Shape::Text).seeds(all).words(WORDS).run(|octets| {
        let authorization = gate::decode_authorization(octets)?;
        assert_eq!(gate::encode_authorization(&authorization).unwrap(), octets);
        Ok(())
    });
}

#[test]
fn fuzz_facts() {
    Target::new("fuzz_facts", Shape::Text)
        .seeds(FACTS.lines())
        .refused([
            FACTS.lines().next().unwrap().replacen("\"v\":1", "\"v\":1,\"\u{1b}[31m\":1", 1),
            " ".repeat(FACTS_OCTETS_MAX + 1),
        ])
        .words(WORDS)
        .one_in(2)
        .run(|octets| {
            let text = std::str::from_utf8(octets)?;
            assert_eq!(facts_json(&read_facts(text)?), text, "facts have one spelling");
            Ok(())
        });
}

#[test]
fn fuzz_list() {
    let seeds = [rows::encode_list(&["a \"b\"", "\u{7}ü", ""]), rows::encode_list::<&str>(&[])];
    Target::new("fuzz_list", Shape::Text).seeds(seeds).words(WORDS).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        assert_eq!(rows::encode_list(&rows::decode_list(text)?), text);
        Ok(())
    });
}

/// Evidence of climbs: from a set at the name itself to none at all.
fn evidence() -> Vec<Vec<u8>> {
    let record = |text: &str| CaaRecord {
        flags: 128,
        tag: b"issue".to_vec(),
        value: text.as_bytes().to_vec(),
    };
    let alias = Alias {
        from: AliasName::from_labels([&b"www"[..], b"a.b\x1b", b"example"]),
        to: AliasName::from_labels([&b"cdn"[..], b"example"]),
        by: AliasKind::Cname,
    };
    let empty = Empty { ttl_seconds: Some(60), proof: Proof::Secure, aliases: vec![alias.clone()] };
    let set = Found {
        records: vec![record("ca.example; validationmethods=dns-01"), record(";\x1b[31m")],
        ttl_seconds: 300,
        proof: Proof::Insecure,
        aliases: vec![alias.clone()],
    };
    let failed =
        LookupAnswer::Failed { failure: LookupFailure::OtherCode(16), aliases: vec![alias] };
    let cut = AliasName::from_labels([&b"shop"[..], b"example"]);
    let answers = [
        vec![LookupAnswer::NxDomain(empty.clone()), LookupAnswer::Records(set)],
        vec![LookupAnswer::NoData(empty)],
        vec![failed],
        vec![LookupAnswer::Delegated { cut }],
    ];
    answers.iter().map(|answers| climbed(answers)).collect()
}

/// The evidence of a climb over these answers; the last one again and again.
fn climbed(answers: &[LookupAnswer<CaaRecord>]) -> Vec<u8> {
    let mut step = climb(CaaName::parse("*.www.shop.example").unwrap(), PrivateTlds::reserved());
    let mut next = 0;
    loop {
        match step {
            ClimbStep::Finished(evidence) => return evidence_octets(&evidence),
            ClimbStep::Ask(asking) => {
                let source =
                    |role, last| Source { role, server: SocketAddr::from(([192, 0, 2, last], 53)) };
                let answer = answers.get(next).or(answers.last()).unwrap();
                let of = |source| SourceAnswer { source, answer: answer.clone() };
                let sources =
                    [of(source(SourceRole::Resolver, 1)), of(source(SourceRole::Authority, 2))];
                step = asking.answer(now(), sources.to_vec());
                next += 1;
            }
        }
    }
}

#[test]
fn fuzz_evidence() {
    let terms = CaaTerms::tls([IssuerDomain::parse("ca.example").unwrap()]);
    let other_format = String::from_utf8(evidence().remove(0)).unwrap();
    Target::new("fuzz_evidence", Shape::Text)
        .seeds(evidence())
        .refused([
            other_format.replacen("\"name\"", "\"\u{1b}[31m\":1,\"name\"", 1),
            other_format.replacen("\"format\":\"", "\"format\":\"\u{1b}[31m", 1),
            "[".repeat(60_000),
        ])
        .words(WORDS)
        .words([
            "\"kind\":\"no-data\"",
            "\"kind\":\"failed\"",
            "\"rdata\":\"0005\"",
            "192.0.2.1:53",
        ])
        .run(|octets| {
            let evidence = read_evidence(octets)?;
            assert_eq!(evidence_octets(&evidence), octets, "evidence has one spelling");
            let report = CaaReport::of_climb(evidence, terms.clone());
            render_text(&report).lines().for_each(check_text);
            assert!(report_json(&report).is_object());
            Ok(())
        });
}
