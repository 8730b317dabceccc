//! Entries, orders and authorizations have one spelling, which never changes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod joint_samples;
mod samples;
mod strategies;
mod watched;

use std::cell::RefCell;

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{Event, Prepared};
use bailiwick_core::gate::Problem;
use bailiwick_core::names::{CertSerial, ChangeId, Digest, PersonId};
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_wire::gate;
use bailiwick_wire::record::{self, BadEntry, ENTRY_OCTETS_MAX, NotStorable};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

const GOLDEN: &str = include_str!("golden.jsonl");

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
}

/// Numbers every kind of entry. A new variant does not compile until it has a number, and then
/// needs a sample.
fn kind_number(fact: &Fact) -> usize {
    match fact {
        Fact::Change { event, .. } => event_number(event),
        Fact::InstallationStarted { .. } => 19,
        Fact::Decided { .. } => 20,
        Fact::OrderAccepted { .. } => 21,
        Fact::OrderRefused { .. } => 22,
        Fact::OrderFailed { .. } => 23,
        Fact::NameValidated(_) => 24,
        Fact::ValidationFailed { .. } => 25,
        Fact::AccountRegistered(_) => 26,
        Fact::AccountUpdated { .. } => 27,
        Fact::AccountEnded { .. } => 28,
        Fact::CredentialMade(_) => 29,
        Fact::CredentialRevoked { .. } => 30,
        Fact::SignedIn { .. } => 31,
        Fact::SignedOut { .. } => 32,
        Fact::LinkMade { .. } => 33,
        Fact::TokenMade { .. } => 34,
        Fact::TokenRevoked { .. } => 35,
        Fact::CrlPublished { .. } => 36,
        Fact::AccessDenied { .. } => 37,
        Fact::AccountKeyChanged { .. } => 38,
        Fact::OrderReplaces { .. } => 39,
        Fact::AuthorizationGivenUp { .. } => 40,
        Fact::StandingRecordSeen(_) => 41,
        Fact::StandingRecordGone { .. } => 42,
        Fact::TermsAgreed { .. } => 43,
        Fact::ResponderCertified { .. } => 44,
        Fact::UpstreamOrdered { .. } => 45,
        Fact::SecretSet { .. } => 46,
        Fact::CredentialRotated { .. } => 47,
        Fact::AccountRevoked { .. } => 48,
        Fact::WorkloadEnrolled { .. } => 49,
        Fact::WorkloadRefused { .. } => 50,
        Fact::Observed(_) => 51,
        Fact::FindingOpened(_) => 52,
        Fact::FindingHandedOn { .. } => 53,
        Fact::FindingClosed { .. } => 54,
        Fact::PointJudged(_) => 55,
        Fact::CanaryBegun { .. } => 56,
        Fact::CanaryTried(_) => 57,
        Fact::IncidentOpened(_) => 58,
        Fact::IncidentTold { .. } => 59,
        Fact::IncidentReviewed { .. } => 60,
        Fact::AccountAttested { .. } => 62,
        Fact::EmergencyDeclared(_) => 63,
        Fact::EmergencyReviewed(_) => 64,
        Fact::ExecutionDelegated(_) => 65,
        Fact::SecretUsed(_) => 66,
        Fact::DelegationObserved(_) => 67,
        Fact::ChangeRehearsed { .. } => 68,
        Fact::IncidentHandedOn(_) => 69,
        Fact::StoreRestored { .. } => 70,
    }
}

fn event_number(event: &Event) -> usize {
    match event {
        Event::Requested(_) => 0,
        Event::Validated { .. } => 1,
        Event::Refused { .. } => 2,
        Event::Withdrawn { .. } => 3,
        Event::Expired => 4,
        Event::ApprovalGiven(_) => 5,
        Event::Approved(_) => 6,
        Event::StepStarted { .. } => 7,
        Event::StepDone { .. } => 8,
        Event::StepFailed { .. } => 9,
        Event::StepUnknown { .. } => 10,
        Event::UndoStarted { .. } => 11,
        Event::UndoDone { .. } => 12,
        Event::UndoNotDone { .. } => 13,
        Event::HandedOver { .. } => 14,
        Event::Verified => 15,
        Event::VerifyFailed { .. } => 16,
        Event::VerifyUnknown { .. } => 17,
        Event::Resolved { .. } => 18,
        Event::StepSeen { .. } => 61,
    }
}

/// How many kinds there are.
const KINDS: usize = 71;

#[test]
fn the_octets_of_version_1_never_change() {
    let golden: Vec<&str> = GOLDEN.lines().collect();
    let samples = samples::samples();
    for (number, sample) in samples.iter().enumerate() {
        let octets = record::encode(sample).unwrap();
        let line = golden.get(number).copied().unwrap_or("");
        assert_eq!(
            String::from_utf8(octets).unwrap(),
            line,
            "line {} of golden.jsonl ({}): version 1 may never change, every ledger written so far \
             depends on these octets; undo the change, or make a version 2 beside it",
            number + 1,
            sample.fact.kind(),
        );
        assert_eq!(&record::decode(line.as_bytes()).unwrap(), sample);
    }
    assert_eq!(golden.len(), samples.len(), "golden.jsonl has a line without a sample");
    let mut seen = [false; KINDS];
    samples.iter().for_each(|sample| seen[kind_number(&sample.fact)] = true);
    assert_eq!(seen, [true; KINDS], "a kind of entry has no sample");
}

#[test]
fn every_entry_is_read_as_it_was_written() {
    let seen = RefCell::new([false; KINDS]);
    for fact in strategies::facts() {
        runner(64)
            .run(&strategies::entry(fact), |entry| {
                seen.borrow_mut()[kind_number(&entry.fact)] = true;
                let octets = record::encode(&entry).unwrap();
                prop_assert_eq!(record::decode(&octets).unwrap(), entry);
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(seen.into_inner(), [true; KINDS], "a kind of entry is never generated");
}

#[test]
fn orders_and_authorizations_are_read_as_they_were_written() {
    runner(500)
        .run(&(strategies::order(), strategies::authorization()), |(order, authorization)| {
            let octets = gate::encode_order(&order).unwrap();
            prop_assert_eq!(gate::decode_order(&octets).unwrap(), order);
            prop_assert!(gate::decode_authorization(&octets).is_err());
            let octets = gate::encode_authorization(&authorization).unwrap();
            prop_assert_eq!(gate::decode_authorization(&octets).unwrap(), authorization);
            prop_assert!(gate::decode_order(&octets).is_err());
            Ok(())
        })
        .unwrap();
}

#[test]
fn subproblems_have_no_subproblems() {
    let mut runner = runner(1);
    let mut order = strategies::order().new_tree(&mut runner).unwrap().current();
    let problem = |subproblems| Problem {
        kind: bailiwick_core::gate::ProblemKind::Compound,
        detail: "two".to_owned(),
        instance: None,
        subproblems,
    };
    let inner = problem(vec![("a.example".to_owned(), problem(Vec::new()))]);
    order.error = Some(inner.clone());
    assert!(gate::encode_order(&order).is_ok());
    order.error = Some(problem(vec![("b.example".to_owned(), inner)]));
    assert!(matches!(gate::encode_order(&order), Err(NotStorable::NestedProblem)));
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
fn no_edit_of_an_entry_is_read_as_another_spelling_of_it() {
    let facts = strategies::facts();
    let mut runner = runner(1);
    let edits = (any::<u8>(), any::<usize>(), any::<usize>(), any::<u8>());
    let (mut refused, mut other) = (0_u32, 0_u32);
    for number in 0..4_000 {
        let strategy = strategies::entry(facts[number % facts.len()].clone());
        let entry = strategy.new_tree(&mut runner).unwrap().current();
        let mut octets = record::encode(&entry).unwrap();
        let before = octets.clone();
        let (edit, place, swap, octet) = edits.new_tree(&mut runner).unwrap().current();
        mutate(&mut octets, edit, place, swap, octet);
        match record::decode(&octets) {
            Err(_) => refused += 1,
            Ok(read) => {
                assert_eq!(record::encode(&read).unwrap(), octets, "{entry:?}");
                assert_eq!(read == entry, octets == before);
                other += 1;
            }
        }
    }
    // Both happen: a letter of a text may change, the frame around it may not.
    assert!(refused > 1_000 && other > 100, "{refused} refused, {other} read as another entry");
}

#[test]
fn no_octets_panic() {
    runner(2_000)
        .run(&prop::collection::vec(any::<u8>(), 0..200), |octets| {
            prop_assert!(record::decode(&octets).is_err());
            prop_assert!(gate::decode_order(&octets).is_err());
            prop_assert!(gate::decode_authorization(&octets).is_err());
            Ok(())
        })
        .unwrap();
    let deep = "[".repeat(60_000);
    assert!(matches!(record::decode(deep.as_bytes()), Err(BadEntry::Form(_))));
    let inside = format!(r#"{{"v":1,"kind":"person.signed-out","at":"","by":{deep}"#);
    assert!(matches!(record::decode(inside.as_bytes()), Err(BadEntry::Form(_))));
}

fn entry(fact: Fact) -> Entry {
    Entry {
        at: Time::parse("2026-03-03T10:00:00.005Z").unwrap(),
        by: Actor::Component(Component::Driver),
        fact,
    }
}

fn signed_out() -> String {
    let session = bailiwick_core::names::SessionId::parse("s1").unwrap();
    String::from_utf8(record::encode(&entry(Fact::SignedOut { session })).unwrap()).unwrap()
}

fn check(given: &str, expected: &str) {
    let found = match record::decode(given.as_bytes()) {
        Ok(_) => "read",
        Err(BadEntry::TooLarge { .. }) => "too large",
        Err(BadEntry::Version { .. }) => "version",
        Err(BadEntry::Kind { .. }) => "kind",
        Err(BadEntry::Form(_)) => "form",
        Err(BadEntry::Value(_)) => "value",
        Err(BadEntry::NotCanonical) => "not canonical",
    };
    assert_eq!(found, expected, "{given}");
}

#[test]
fn every_other_spelling_is_refused() {
    let plain = signed_out();
    check(&plain, "read");
    let edits = [
        ("{\"v\"", "{ \"v\"", "not canonical"),
        ("\"v\":1,", "", "form"),
        ("\"v\":1", "\"v\":2", "version"),
        ("\"v\":1", "\"v\":0", "version"),
        ("\"v\":1", "\"v\":1.0", "form"),
        ("\"v\":1", "\"v\":\"1\"", "form"),
        ("\"v\":1", "\"v\":1,\"v\":1", "form"),
        ("\"v\":1,", "\"v\":1,\"w\":1,", "form"),
        ("person.signed-out", "person.left", "kind"),
        ("person.signed-out", "change.left", "form"),
        ("person.signed-out", "PERSON.signed-out", "kind"),
        ("person.signed-out", "person.signed-in", "form"),
        (".005Z", ".0050Z", "not canonical"),
        (".005Z", ".005+00:00", "not canonical"),
        (".005Z", ".005z", "not canonical"),
        (".005Z", ".0051Z", "not canonical"),
        ("2026-03-03T10:00:00.005Z", "2026-03-03", "not canonical"),
        ("2026-03-03T10:00:00.005Z", "yesterday", "value"),
        ("driver", "root", "value"),
        ("component", "components", "form"),
        ("\"name\":\"driver\"", "\"name\":\"driver\",\"x\":1", "form"),
        ("\"name\":\"driver\"", "\"name\":\"driver\",\"name\":\"driver\"", "form"),
        ("\"s1\"", "\"S1\"", "value"),
        ("\"s1\"", "\"\\u00731\"", "not canonical"),
        ("\"s1\"", "null", "form"),
        ("\"s1\"", "\"s1\",\"session\":\"s1\"", "not canonical"),
        ("\"s1\"", "\"s1\",\"sessions\":\"s1\"", "form"),
        ("\"data\":{\"session\":\"s1\"}", "\"data\":{}", "form"),
        ("\"data\":{\"session\":\"s1\"}", "\"data\":[\"s1\"]", "not canonical"),
    ];
    for (from, to, expected) in edits {
        assert!(plain.contains(from), "{from}");
        check(&plain.replacen(from, to, 1), expected);
    }
    check(&format!("{plain}\n"), "not canonical");
    check(&format!("{plain}{plain}"), "form");
    check(&format!("\u{feff}{plain}"), "form");
    check("", "form");
    check(&" ".repeat(ENTRY_OCTETS_MAX + 1), "too large");
    let swapped = plain.replacen("\"v\":1,", "", 1).replacen("{\"kind\"", "{\"v\":1,\"kind\"", 1);
    assert_eq!(swapped, plain);
    let late = plain.replacen("\"v\":1,", "", 1);
    check(&format!("{},\"v\":1}}", late.strip_suffix('}').unwrap()), "not canonical");
}

fn started(tbs_octets: usize) -> Entry {
    entry(Fact::Change {
        id: ChangeId::parse("c1").unwrap(),
        seq: 3,
        state: "executing".to_owned(),
        event: Box::new(Event::StepStarted {
            index: 0,
            prepared: Prepared::ToBeSigned {
                serial: CertSerial::parse("01ff").unwrap(),
                tbs: vec![0xff; tbs_octets],
                caa: Digest::from_bytes([0xaa; 32]),
            },
        }),
    })
}

#[test]
fn octets_and_digests_have_one_spelling_too() {
    let text = String::from_utf8(record::encode(&started(4)).unwrap()).unwrap();
    check(&text, "read");
    let edits = [
        ("/////w==", "/////w", "value"),
        ("/////w==", "/////w=", "value"),
        ("/////w==", "_____w==", "value"),
        // The last character holds four bits that no octet needs: another spelling of the same.
        ("/////w==", "/////x==", "value"),
        ("01ff", "01FF", "not canonical"),
        ("01ff", "1ff", "not canonical"),
        ("01ff", "01:ff", "not canonical"),
        ("01ff", "0001ff", "not canonical"),
        ("01ff", "", "value"),
        ("aaaa", "AAAA", "not canonical"),
        ("aaaa", "aaa", "value"),
        ("\"index\":0", "\"index\":-0", "form"),
        ("\"index\":0", "\"index\":4294967296", "form"),
        ("\"seq\":3", "\"seq\":3e0", "form"),
        ("change.step-started", "change.step-done", "form"),
        ("change.step-started", "change.", "kind"),
        ("change.step-started", "change.step-gone", "kind"),
    ];
    for (from, to, expected) in edits {
        assert!(text.contains(from), "{from} in {text}");
        check(&text.replacen(from, to, 1), expected);
    }
}

#[test]
fn an_entry_fits_into_a_leaf_or_is_refused_by_name() {
    // A large certificate: 4 KiB to be signed, as for 100 names of 30 characters.
    assert!(record::encode(&started(4_096)).unwrap().len() < 6_000);
    let frame = record::encode(&started(0)).unwrap().len();
    let fits = (ENTRY_OCTETS_MAX - frame) / 4 * 3;
    let octets = record::encode(&started(fits)).unwrap();
    assert!(octets.len() > ENTRY_OCTETS_MAX - 4);
    assert_eq!(record::decode(&octets).unwrap(), started(fits));
    let refusal = record::encode(&started(fits + 3)).unwrap_err();
    assert!(matches!(refusal, NotStorable::TooLarge { octets } if octets > ENTRY_OCTETS_MAX));
    assert!(refusal.to_string().contains("store what is large as evidence"), "{refusal}");
}

#[test]
fn a_moment_that_cannot_be_spelled_is_refused() {
    for ms in [i64::MIN, -62_167_219_200_001, 253_402_300_800_000, i64::MAX] {
        let expires_at = Time::from_unix_ms(ms);
        let person = PersonId::parse("ana").unwrap();
        let refusal = record::encode(&entry(Fact::LinkMade { person, expires_at }));
        assert!(matches!(refusal, Err(NotStorable::Time(at)) if at == expires_at), "{ms}");
    }
}
