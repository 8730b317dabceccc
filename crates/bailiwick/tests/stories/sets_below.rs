//! CAA-2, CAA-5: a CAA set that is decided for a name below the apex governs that name, is watched like the
//! apex's, and ends in the same two ways.

use serde_json::Value;

use super::acme_gate::{Gate, Remembers};
use super::put_back::until;
use crate::harness::bailiwick;
use crate::harness::lego::Lego;

/// What the zone's file says beside the apex: nobody issues for this name.
const DECIDED: &str = "\n[caa_below.\"api.shop.example\"]\nissue = [\";\"]\n";
const BELOW: &str = Gate::OTHER_NAME;

fn start() -> Gate {
    let alter = |text: &str| {
        let here = text.contains("name = \"shop.example\"");
        if here { format!("{text}{DECIDED}") } else { text.to_owned() }
    };
    Gate::with_estate(Remembers::InSqlite, &alter, &[], &["--watch-seconds", "1"])
}

fn findings(gate: &Gate) -> Vec<Value> {
    let words = ["findings", "--zone", "shop.example", "--json"];
    let all = gate.cli_as("dana", &words).expect_success().stdout;
    serde_json::from_str(&all).expect("findings are a list")
}

/// Waits until exactly this is the matter with the set below, and nothing else with the zone.
fn comes_to(gate: &Gate, kind: &str) -> Value {
    until(|| {
        let all = findings(gate);
        let [one] = all.as_slice() else { return None };
        (one["kind"] == kind && one["subject"] == BELOW).then(|| one.clone())
    })
}

fn is_quiet(gate: &Gate) {
    until(|| findings(gate).is_empty().then_some(()));
}

fn served(records: &str) -> String {
    format!("del {BELOW}. CAA\nadd {BELOW}. 1 CAA {records}")
}

fn is_refused(gate: &Gate, lego: &Lego) {
    let ran = lego.obtain(&[BELOW], gate.http01());
    assert_ne!(ran.code, Some(0), "{}", ran.output());
    assert!(ran.output().contains("CAA"), "it does not say what forbids it: {}", ran.output());
}

#[test]
fn caa_2_5_a_set_below_the_apex_governs_its_name_and_ends_as_the_apexs_does() {
    let mut gate = start();
    let lego = Lego::new(&gate.acme_for_the_shop());
    // It is not served yet: the name would inherit that of the apex.
    let missing = comes_to(&gate, "caa-missing");
    assert_eq!(missing["assignee"], "dana", "{missing:#}");
    is_refused(&gate, &lego);
    gate.update("shop.example", &served("0 issue \";\""));
    is_quiet(&gate);
    is_refused(&gate, &lego);
    lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
    // Somebody opens it: what was decided holds until somebody else has approved that.
    gate.update("shop.example", &served("0 issue \"ca.bailiwick.example\""));
    let edit = comes_to(&gate, "caa-shadow-edit");
    is_refused(&gate, &lego);
    let id = edit["id"].as_str().expect("an id");
    let words = ["finding", "revert", id, "--nsupdate"];
    let update = gate.cli_as("dana", &words).expect_success().stdout;
    let lines: Vec<&str> = update.lines().filter(|line| line.contains(BELOW)).collect();
    for says in ["prereq yxrrset", "0 issue \"ca.bailiwick.example\"", "0 issue \";\""] {
        assert!(lines.iter().any(|line| line.contains(says)), "`{says}` is not in {update}");
    }
    let words = ["finding", "adopt", id, "--reason", "the interface has certificates now"];
    let asked = gate.cli_as("dana", &[&words[..], &["--json"]].concat()).expect_success();
    let asked: Value = serde_json::from_str(&asked.stdout).expect("--json prints JSON");
    let change = asked["id"].as_str().expect("an id");
    for person in ["pia", "sol"] {
        gate.cli_as(person, &["change", "approve", change]).expect_success();
    }
    is_quiet(&gate);
    lego.obtain(&[BELOW], gate.http01()).expect_success();
    gate.server.stop();
    let data = gate.server.data().to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}
