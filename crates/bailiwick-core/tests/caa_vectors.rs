//! Every shared CAA vector through the engine. `CAA_VECTORS=FILE cargo test -p bailiwick-core
//! caa_vectors` runs another file of the same form.
#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "what only real servers need is the live test's")]
#[path = "caa/vector.rs"]
mod vector;
#[path = "caa/zones.rs"]
mod zones;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bailiwick_core::caa::{
    CaaEvidence, CaaName, CaaOutcome, CaaReport, CaaSubject, ClimbStep, Freshness, FreshnessRule,
    LookupAnswer, PrivateTlds, Rung, Source, SourceAnswer, SourceRole, climb, corroborate,
};
use bailiwick_core::time::{SECOND_MS, Time};

use vector::Vector;
use zones::Zones;

/// When the simulated look-ups were made.
const ASKED_AT: Time = Time::from_unix_seconds(1_770_000_000);

/// What the engine says of one vector.
struct Said {
    outcome: CaaOutcome,
    relevant_set_at: Option<String>,
    why: String,
}

fn climb_in(zones: &Zones, name: CaaName) -> CaaEvidence {
    let server = ([192, 0, 2, 53], 53).into();
    let source = Source { role: SourceRole::Resolver, server };
    let mut step = climb(name, PrivateTlds::reserved());
    loop {
        match step {
            ClimbStep::Finished(evidence) => return evidence,
            ClimbStep::Ask(asking) => {
                let answer = zones.caa(asking.name().as_str());
                step = asking.answer(ASKED_AT, vec![SourceAnswer { source, answer }]);
            }
        }
    }
}

fn run(vector: &Vector) -> Said {
    let subjects = match vector.subjects() {
        Ok(subjects) => subjects,
        Err(why) => return Said { outcome: CaaOutcome::Unknown, relevant_set_at: None, why },
    };
    let zones = Zones::of(vector);
    let reports: Vec<CaaReport> = subjects
        .into_iter()
        .map(|subject| match subject {
            CaaSubject::Exempt(exempt) => CaaReport::of_exempt(exempt, vector.terms()),
            CaaSubject::Name(name) => CaaReport::of_climb(climb_in(&zones, name), vector.terms()),
        })
        .collect();
    let mut outcome = CaaOutcome::of_all(reports.iter().map(|r| r.verdict().outcome()));
    let mut why = format!("{:?}", reports.iter().map(CaaReport::verdict).collect::<Vec<_>>());
    if let Some(ttl) = vector.ttl {
        let rungs = reports.iter().filter_map(CaaReport::evidence).flat_map(CaaEvidence::rungs);
        let seen =
            |rung: &Rung| matches!(&rung.answer, LookupAnswer::Records(f) if f.ttl_seconds == ttl);
        assert!(rungs.into_iter().any(seen), "{}: TTL {ttl} was not seen", vector.id);
    }
    if let Some(age_seconds) = vector.age_seconds {
        let now = ASKED_AT.plus_ms(age_seconds * SECOND_MS);
        let rule = FreshnessRule::BaselineRequirements;
        for evidence in reports.iter().filter_map(CaaReport::evidence) {
            match evidence.freshness(now, rule) {
                Freshness::Fresh { .. } => {}
                stale @ (Freshness::Stale { .. } | Freshness::FromTheFuture) => {
                    outcome = CaaOutcome::Unknown;
                    write!(why, " {stale:?}").unwrap();
                }
            }
        }
    }
    if let Some(remotes) = vector.remotes() {
        let date = Time::parse(vector.date.as_deref().expect("a date")).expect("a date");
        let primary = vector.primary.map_or(outcome, CaaOutcome::from);
        let corroboration = corroborate(primary, &remotes, date);
        outcome = CaaOutcome::of_all([outcome, corroboration.outcome()]);
        why = format!("{corroboration:?}");
    }
    let relevant_set_at = reports
        .first()
        .and_then(CaaReport::evidence)
        .and_then(CaaEvidence::relevant_owner)
        .map(|owner| format!("{owner}."));
    Said { outcome, relevant_set_at, why }
}

#[test]
fn caa_vectors() {
    let vectors = vector::read_all();
    let mut wrong = String::new();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for vector in &vectors {
        let said = run(vector);
        if !vector.accepts(said.outcome) || said.relevant_set_at != vector.relevant_set_at {
            writeln!(
                wrong,
                "{}: expected {:?} by the set at {:?} ({}; {}), got {:?} by {:?}: {}",
                vector.id,
                vector.expected,
                vector.relevant_set_at,
                vector.reason,
                vector.rfc_section,
                said.outcome,
                said.relevant_set_at,
                said.why
            )
            .unwrap();
        }
        *groups.entry(&vector.group).or_default() += 1;
    }
    println!("{} vectors of `{}`: {groups:?}", vectors.len(), vector::path().display());
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn caa_vectors_that_say_nothing_are_refused() {
    let text = std::fs::read_to_string(vector::path()).unwrap();
    let first = vector::parse(&text).unwrap().swap_remove(0);
    let one = |expected: &str| {
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut vector = all.as_array().unwrap().first().unwrap().clone();
        *vector.get_mut("expected").unwrap() = expected.into();
        vector
    };
    let parse = |vectors: &[serde_json::Value]| {
        vector::parse(&serde_json::Value::from(vectors.to_vec()).to_string())
    };
    assert_eq!(parse(&[one("deny")]).unwrap().swap_remove(0).id, first.id);
    assert!(parse(&[]).is_err());
    assert!(parse(&[one("maybe")]).is_err());
    assert!(parse(&[one("allow"), one("allow")]).is_err());
    assert!(vector::parse("{}").is_err());
}
