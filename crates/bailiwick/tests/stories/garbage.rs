//! Garbage to every input of the running server, and of its commands: each is refused clearly, nothing
//! is stored but refusals, nothing hangs or grows, and what is right still works afterwards (threats
//! T12 to T16).

mod dns;
mod estate;
mod routes;
mod signed;
mod sockets;

use super::acme_gate::Gate;
use super::acme_jws::Answer;
use super::kill9::dice::Dice;
use crate::harness::bailiwick::bailiwick;

/// What the server may have more in memory after a flood of garbage than before.
const GROWTH_KIB_MAX: u64 = 96 * 1024;
/// A refusal explains; it does not give back what was sent.
const REFUSAL_OCTETS_MAX: usize = 16 * 1024;

/// A server before garbage comes to it.
struct Watch {
    entries: u64,
    resident_kib: u64,
}

impl Watch {
    fn begin(gate: &Gate) -> Self {
        Self { entries: gate.ledger_entries(), resident_kib: resident_kib(gate) }
    }

    /// The ledger holds nothing more but entries of these kinds, and the server has not grown.
    fn end(&self, gate: &Gate, refusals: &[&str]) {
        let is_refusal =
            |entry: &String| refusals.iter().any(|kind| entry.contains(&format!("\"{kind}\"")));
        let since = gate.ledger_since(self.entries);
        // The watch puts down what it sees of the DNS, whoever sends what meanwhile.
        let watched = |entry: &String| entry.contains("\"name\": \"watch\"");
        let others: Vec<&String> =
            since.iter().filter(|entry| !is_refusal(entry) && !watched(entry)).collect();
        assert!(others.is_empty(), "something was stored: {others:#?}");
        let now = resident_kib(gate);
        let grown = now.saturating_sub(self.resident_kib);
        assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more than {} KiB", self.resident_kib);
    }
}

fn resident_kib(gate: &Gate) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.server.pid()));
    let status = status.expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The ledger and all rows are sound, whatever was sent.
fn sound(mut gate: Gate, database: Option<&str>) {
    assert!(gate.server.stop().success(), "{}", gate.server.log());
    let data = gate.server.data().to_string_lossy().into_owned();
    for what in ["verify", "fsck"] {
        let mut words = vec!["ledger", what, "--data", &data];
        words.extend(database.iter().flat_map(|url| ["--database", url]));
        bailiwick(&words).expect_success();
    }
    assert!(!gate.server.log().contains("panicked"), "{}", gate.server.log());
}

/// Octets of no meaning.
fn noise(dice: &mut Dice, count: usize) -> Vec<u8> {
    (0..count).map(|_| u8::try_from(dice.below(256)).expect("a die of 256 sides")).collect()
}

/// What is wrong with a refusal: it has to be the sender's fault, say what and where, in the form of
/// its face, and be short.
fn unclear(path: &str, answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut want = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    want((400..500).contains(&answer.status), "a status that says whose fault it is");
    want(answer.text.len() < REFUSAL_OCTETS_MAX, "a refusal that is short");
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    if path.starts_with("/acme") {
        want(kind == "application/problem+json", "a problem document");
        want(answer.text.contains("\"detail\""), "a detail");
    } else if path.starts_with("/api/") {
        want(kind == "application/json", "an error as JSON");
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let message = json["message"].as_str().unwrap_or_default();
        want(message.len() > 20, "a message");
        want(!message.chars().any(char::is_control), "a message that does not act");
        let names = [400, 408, 413, 415].contains(&answer.status);
        want(!names || json["field"].is_string(), "the field that has to be mended");
    } else if !["/assets", "/crl", "/issuer/", "/ocsp"].iter().any(|it| path.starts_with(it)) {
        want(
            answer.text.contains("role=\"alert\"") || answer.text.ends_with('\n'),
            "a page or a line",
        );
    }
    wrong
}
