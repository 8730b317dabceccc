//! The shared CAA vectors, live: each is served by real servers and asked of `bailiwick caa check`, as a
//! person would. `CAA_VECTORS=FILE cargo test -p bailiwick --test it caa_vectors` runs another file.
//!
//! BIND serves, Unbound resolves. What no BIND can serve (silence, damaged messages and records, a bogus
//! answer) comes from a small responder between us and Unbound, or between Unbound and BIND.

#[expect(dead_code, clippy::unwrap_used, reason = "shared with tests of another crate")]
#[path = "../../../bailiwick-connect/tests/caa_live/faults.rs"]
mod faults;
#[expect(dead_code, clippy::unwrap_used, reason = "shared with tests of another crate")]
#[path = "../../../bailiwick-connect/tests/caa_live/servers.rs"]
pub(super) mod servers;
#[expect(dead_code, reason = "what is not looked up is the simulator's test")]
#[path = "../../../bailiwick-core/tests/caa/vector.rs"]
mod vector;
#[expect(clippy::unwrap_used, reason = "shared with tests of another crate")]
#[path = "../../../bailiwick-connect/tests/caa_live/zones.rs"]
mod zones;

pub(super) use faults::{Break, Breaks, Middle};

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bailiwick_core::caa::{CaaOutcome, PropertyTag};
use bailiwick_core::time::{SECOND_MS, Time};
use futures::stream::{self, StreamExt};
use serde_json::Value;

use crate::harness::bailiwick::bailiwick;
use servers::{bind, unbound};
use vector::{Expected, RequestType, Vector};
use zones::{Placed, place, zone_files};

/// Commands at once: most of their time they wait for a server that is silent on purpose.
const AT_ONCE: usize = 12;

/// What the command said of one vector.
#[derive(Debug, PartialEq)]
struct Said {
    outcome: CaaOutcome,
    relevant_set_at: Option<String>,
}

/// The words after `bailiwick`, apart from who is asked.
fn words(vector: &Vector) -> Vec<String> {
    let mut words: Vec<String> = ["caa", "check", "--json"].map(str::to_owned).to_vec();
    let mut flag = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    let terms = vector.terms();
    // A vector without an issuer asks for one that nobody names.
    let issuers: Vec<&str> = terms.issuers.iter().map(|issuer| issuer.as_str()).collect();
    let nobody = ["issuer.invalid"];
    let issuers: &[&str] = if issuers.is_empty() { &nobody } else { &issuers };
    issuers.iter().for_each(|issuer| flag("--issuer", issuer));
    terms.account.iter().for_each(|account| flag("--account", account.as_str()));
    terms.parent_accounts.iter().for_each(|parent| flag("--parent-account", parent.as_str()));
    terms.method.iter().for_each(|method| flag("--method", method.as_str()));
    terms.equivalent_methods.iter().for_each(|method| flag("--same-method", method.as_str()));
    terms.known_tags.iter().map(PropertyTag::as_str).for_each(|tag| flag("--known-tag", tag));
    if terms.known_tags.is_empty() {
        // Nothing at all is known: no set holds this one.
        flag("--known-tag", "nothingisknown");
    }
    if vector.request_type == RequestType::Email {
        words.push("--mail".to_owned());
    }
    words.push("--".to_owned());
    let star = if vector.wildcard { "*." } else { "" };
    words.push(format!("{star}{}", vector.query_name));
    words.extend(vector.also_names.iter().cloned());
    words
}

fn ask(vector: &Vector, whom: &[String]) -> Said {
    let mut words = words(vector);
    let end = words.iter().position(|word| word == "--").expect("it stands there");
    words.splice(end..end, whom.iter().cloned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = bailiwick(&words);
    let outcome = match ran.code {
        Some(0) => CaaOutcome::Allow,
        Some(1) => CaaOutcome::Deny,
        Some(2) => CaaOutcome::Unknown,
        other => panic!("{}: ended with {other:?}: {}", vector.id, ran.output()),
    };
    let Ok(json) = serde_json::from_str::<Value>(&ran.stdout) else {
        assert_eq!(outcome, CaaOutcome::Unknown, "{}: {}", vector.id, ran.output());
        return Said { outcome, relevant_set_at: None };
    };
    let reports = json["reports"].as_array().cloned().unwrap_or_else(|| vec![json]);
    let found = reports[0]["relevant_set_at"].as_str().map(|owner| format!("{owner}."));
    // A decision may be older than what it was decided on may be.
    let stale = vector.age_seconds.is_some_and(|age| {
        reports.iter().any(|report| {
            let asked = report["evidence"]["rungs"][0]["asked_at_ms"].as_i64().expect("a moment");
            let until = report["fresh_until_by_br"].as_str().expect("a moment");
            let until = Time::parse(until).expect("a moment");
            Time::from_unix_ms(asked).plus_ms(age * SECOND_MS) > until
        })
    });
    let outcome = if stale { CaaOutcome::Unknown } else { outcome };
    Said { outcome, relevant_set_at: found }
}

fn wrong(vector: &Vector, said: &Said) -> Option<String> {
    let fits = vector.accepts(said.outcome) && said.relevant_set_at == vector.relevant_set_at;
    (!fits).then(|| {
        format!(
            "{}: expected {:?} by {:?} ({}), got {said:?}; bailiwick {}",
            vector.id,
            vector.expected,
            vector.relevant_set_at,
            vector.reason,
            words(vector).join(" ")
        )
    })
}

/// Perspectives that see what the vector says they see.
struct Perspectives {
    of: BTreeMap<&'static str, Middle>,
}

const fn word(result: Expected) -> &'static str {
    match result {
        Expected::Allow => "allow",
        Expected::Deny => "deny",
        Expected::Error => "error",
    }
}

impl Perspectives {
    /// One that permits has no set anywhere, one that forbids a set that names nobody, one that fails
    /// a server that fails.
    async fn start(behind: SocketAddr, names: &[String]) -> Self {
        let all =
            |fault: &Break| names.iter().map(|n| (n.clone(), fault.clone())).collect::<Breaks>();
        let deny = Break::Caa(b"\0\x05issue;".to_vec());
        let of = BTreeMap::from([
            ("allow", Middle::start(behind, Breaks::new()).await),
            ("deny", Middle::start(behind, all(&deny)).await),
            ("error", Middle::start(behind, all(&Break::Code(2))).await),
        ]);
        Self { of }
    }

    fn at(&self, result: Expected) -> SocketAddr {
        self.of[word(result)].address
    }

    fn whom(&self, vector: &Vector) -> Vec<String> {
        let primary = self.at(vector.primary.unwrap_or(Expected::Allow));
        let mut whom = vec!["--resolver".to_owned(), primary.to_string()];
        for one in vector.perspectives.iter().flatten() {
            let region = one.rir.split(' ').next().expect("a word").to_ascii_lowercase();
            whom.push("--vantage".to_owned());
            whom.push(format!("{region}@{}", self.at(one.result)));
        }
        whom.push("--quorum-of".to_owned());
        whom.push(vector.date.clone().expect("perspectives have a date"));
        whom
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vector_is_answered_by_the_command_over_real_servers() {
    let vectors = vector::read_all();
    let (counted, others): (Vec<&Vector>, Vec<&Vector>) =
        vectors.iter().partition(|vector| vector.perspectives.is_some());
    let (refused, others): (Vec<&Vector>, Vec<&Vector>) =
        others.into_iter().partition(|vector| vector.subjects().is_err());
    let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut placed: Vec<Placed> = Vec::new();
    for (number, vector) in others.into_iter().enumerate() {
        match place(number, vector) {
            Ok(one) => placed.push(one),
            Err(why) => left_out.entry(why).or_default().push(vector.id.clone()),
        }
    }
    // The names of the perspectives' vectors are in nobody's zone: `test` itself is empty.
    let mut zones = zone_files(&placed);
    zones[0].text.push_str("test. IN NS ns.invalid.\n");
    zones.push(servers::ZoneFile {
        apex: "test.".to_owned(),
        text: servers::zone_text("test.", ""),
    });
    let bind = bind(&zones);
    let behind: Breaks = placed.iter().flat_map(|one| one.breaks_behind.clone()).collect();
    let behind = Middle::start(bind.address, behind).await;
    let unbound = unbound(behind.address, &[]);
    let breaks: Breaks = placed.iter().flat_map(|one| one.breaks.clone()).collect();
    let middle = Middle::start(unbound.address, breaks).await;
    let names: Vec<String> = counted
        .iter()
        .map(|vector| vector.query_name.trim_end_matches('.').to_ascii_lowercase())
        .collect();
    let perspectives = Perspectives::start(unbound.address, &names).await;

    let through = |server: SocketAddr| vec!["--resolver".to_owned(), server.to_string()];
    let mut jobs: Vec<(Vector, Vec<String>)> = Vec::new();
    jobs.extend(placed.iter().map(|one| (one.vector.clone(), through(middle.address))));
    jobs.extend(refused.iter().map(|vector| ((*vector).clone(), through(middle.address))));
    jobs.extend(counted.iter().map(|vector| ((*vector).clone(), perspectives.whom(vector))));
    let asked = jobs.len();
    let said: Vec<(Vector, Said)> = stream::iter(jobs)
        .map(|(vector, whom)| async move {
            let job = tokio::task::spawn_blocking(move || {
                let said = ask(&vector, &whom);
                (vector, said)
            });
            job.await.expect("the command was run")
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut wrongs = Vec::new();
    for (vector, said) in &said {
        match wrong(vector, said) {
            // Where a vector itself says that servers cannot show it, they need not.
            Some(_) if vector.skip_live && vector.faults.is_empty() => {
                left_out.entry("says so itself").or_default().push(vector.id.clone());
            }
            Some(text) => wrongs.push(text),
            None => {}
        }
    }
    println!("{asked} of {} vectors asked; left out: {left_out:?}", vectors.len());
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
    assert!(left_out.values().map(Vec::len).sum::<usize>() * 20 <= vectors.len(), "{left_out:?}");
}
