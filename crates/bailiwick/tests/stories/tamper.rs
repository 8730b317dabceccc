//! Somebody edits what lies on disk behind Bailiwick's back: rows of the database, key files. Each edit is found.
//!
//! `BAILIWICK_EDITS` says how many, `BAILIWICK_SEED` repeats a run's random edits.

mod edit;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::edit::{Edit, Rows};
use super::acme_gate::Gate;
use super::acme_jws::Client;
use super::kill9::dice::{Dice, times};
use super::kill9::load::Load;
use crate::harness::bailiwick::{bailiwick, program};
use crate::harness::place::Folder;
use crate::harness::process::{self, Ran};
use crate::harness::sqlite;

/// Edits of rows in an everyday run.
const EDITS: u64 = 60;
/// One file is edited for so many rows.
const ROWS_PER_FILE: u64 = 5;
/// Above one full tile, so that there is one to edit.
const ENTRIES_MIN: u64 = 260;
/// A server that starts is ready long before.
const START_MAX: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(60);

/// The tables in which every edit is found. Not here, because they are no part of the ledger and
/// nothing says the same a second time: sealed secrets and hashes of secrets (what opens or compares them
/// notices), `link`, `lease`, `outbox`, `writer`, `envelope_hold` (needed for moments only), `order_refusal` (counts
/// against a limit), and
/// `schema_version` (the start compares it).
const TABLES: &[&str] = &[
    "entry",
    "tile",
    "checkpoint",
    "ledger_head",
    "change",
    "decision",
    "credential",
    "account",
    "validation",
    "certificate",
    "certificate_name",
    "issuer_use",
    "revocation",
    "envelope",
    "estate",
    "token",
    "crl",
    "evidence",
    "acme_order",
    "acme_authorization",
];
/// What makes up the ledger itself.
const LEDGER: &[&str] = &["entry", "tile", "checkpoint", "ledger_head"];
/// Files without which nothing is signed or opened; with another octet in one the server does not start.
/// Not here: `ca/house/root.sealed`, which a start leaves sealed because it signs intermediates only; its seal
/// is checked when it is opened, and it may be kept elsewhere.
const FILES: &[&str] = &[
    "seal.key",
    "data.key",
    "ledger/checkpoint.sealed",
    "ledger/origin",
    "ca/house/intermediate.sealed",
    "ca/house/root.pem",
    "ca/house/intermediate.pem",
    "tls/root.sealed",
];

/// A stopped server's data, and what somebody elsewhere kept.
struct Left {
    _gate: Gate,
    data: PathBuf,
    _elsewhere: Folder,
    checkpoint: String,
    key: String,
}

/// Accounts, orders, an approval, certificates under it, a revocation, refusals: then it stops.
fn life() -> Left {
    let mut gate = Gate::start();
    let elsewhere = Folder::new("elsewhere");
    let payments = gate.acme_for_payments().eab.expect("it has a credential");
    let clients = [(payments, Gate::CENTRAL_NAME), (gate.credential(), Gate::NAME)];
    let load = Load::start(&gate.acme(), gate.http01_port(), &clients, 1);
    let end = Instant::now() + PATIENCE;
    while load.shared.handed().len() < 6 {
        load.check();
        for change in load.shared.take_waiting() {
            // A client that asked again meanwhile names a change that is approved already.
            let _done = gate.cli_as("pia", &["change", "approve", &change]);
        }
        assert!(Instant::now() < end, "too few certificates in time");
        std::thread::sleep(Duration::from_millis(50));
    }
    let handed = load.finish().handed();
    let client = Client::of(&gate.acme());
    let shops = client.register(&gate.credential(), json!({}));
    for one in handed.iter().take(2) {
        let words = ["certificate", "revoke", &one.fingerprint, "--why", "a better one is there"];
        let by_shop = gate.cli(&words);
        if by_shop.code != Some(0) {
            gate.cli_as("pat", &words).expect_success();
        }
    }
    while gate.ledger_entries() < ENTRIES_MIN {
        shops.order(&client, &[Gate::CENTRAL_NAME]).expect(400);
    }
    gate.server.stop();
    let data = gate.server.data();
    let note = offline(&["ledger", "checkpoint"], &data).expect_success().stdout;
    let checkpoint = elsewhere.write("checkpoint", &note).to_string_lossy().into_owned();
    let first = sqlite::sql(
        &data.join("bailiwick.db"),
        "SELECT CAST(body AS TEXT) FROM entry WHERE idx = 0",
    );
    let first: Value = serde_json::from_str(&first.expect_success().stdout).expect("it is JSON");
    let key = find_text(&first, "verifier_key").expect("the first entry names the key");
    Left { _gate: gate, data, _elsewhere: elsewhere, checkpoint, key }
}

/// A member of this name, wherever it stands.
fn find_text(json: &Value, name: &str) -> Option<String> {
    match json {
        Value::Object(members) => {
            let here = members.get(name).and_then(Value::as_str).map(str::to_owned);
            here.or_else(|| members.values().find_map(|below| find_text(below, name)))
        }
        Value::Array(all) => all.iter().find_map(|below| find_text(below, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn offline(words: &[&str], data: &Path) -> Ran {
    let data = data.to_string_lossy().into_owned();
    bailiwick(&[words, &["--data", &data]].concat())
}

impl Left {
    /// A copy that may be spoilt.
    fn copy(&self) -> Folder {
        let copy = Folder::new("copy");
        let mut command = Command::new("cp");
        command.arg("-a").arg(&self.data).arg(copy.path());
        assert!(command.status().expect("cp runs").success(), "the data folder can be copied");
        copy
    }

    /// `ledger verify`, as somebody does who kept a checkpoint and the key.
    fn verify(&self, data: &Path) -> Ran {
        let since = ["--since", &self.checkpoint, "--key", &self.key];
        offline(&[&["ledger", "verify", "--json"][..], &since].concat(), data)
    }
}

fn fsck(data: &Path) -> Ran {
    offline(&["ledger", "fsck", "--json"], data)
}

/// What a check printed; it says no, and nothing worse happened.
fn said_no(ran: &Ran, edit: &Edit) -> Value {
    assert_eq!(ran.code, Some(1), "not found: {edit:?}: {ran:?}");
    serde_json::from_str(&ran.stdout).expect("--json prints JSON")
}

/// The row's table is named, or its leaf.
fn check_found(left: &Left, edit: &Edit, data: &Path) {
    if let Some(leaf) = edit.leaf() {
        let said = said_no(&left.verify(data), edit);
        let first = said["first_wrong_leaf"].as_u64();
        let first = first.unwrap_or_else(|| panic!("no leaf is named: {edit:?}: {said:#}"));
        // A leaf forged together with its hash is known from the checkpoints around it.
        let earliest = if edit.is_forged() { last_checkpoint(left, leaf) } else { leaf };
        assert!((earliest..=leaf).contains(&first), "{edit:?}: {said:#}");
        return;
    }
    let rows = fsck(data);
    if LEDGER.contains(&edit.table.as_str()) && rows.code == Some(0) {
        said_no(&left.verify(data), edit);
        return;
    }
    let said = said_no(&rows, edit);
    let all = said["mismatches"].as_array().cloned().unwrap_or_default();
    let named = all.iter().any(|one| one["table"] == json!(edit.table));
    assert!(named || LEDGER.contains(&edit.table.as_str()), "{edit:?}: {said:#}");
}

/// The size of the last checkpoint that does not cover a leaf.
fn last_checkpoint(left: &Left, leaf: u64) -> u64 {
    let text = format!("SELECT COALESCE(MAX(size), 0) FROM checkpoint WHERE size <= {leaf}");
    let ran = sqlite::sql(&left.data.join("bailiwick.db"), &text).expect_success();
    ran.stdout.trim().parse().expect("a size is a number")
}

#[test]
fn tamper_with_any_row_and_it_is_found() {
    let left = life();
    left.verify(&left.data).expect_success();
    let clean = fsck(&left.data);
    assert_eq!(clean.code, Some(0), "{clean:?}");
    let mut dice = Dice::new(Dice::seed());
    let rows = Rows::of(&left.data.join("bailiwick.db"), TABLES);
    for number in 0..times("BAILIWICK_EDITS", EDITS) {
        // Every table has its turn; what is done to it is chance.
        let table = usize::try_from(number).map_or(0, |n| n % TABLES.len());
        let table = TABLES.get(table).expect("it is below the length");
        let copy = left.copy();
        let edit = rows.edit(table, &copy.file("data/bailiwick.db"), &mut dice);
        check_found(&left, &edit, &copy.file("data"));
    }
}

#[test]
fn tamper_with_any_key_file_and_nothing_starts() {
    let left = life();
    let mut dice = Dice::new(Dice::seed());
    let files = u64::try_from(FILES.len()).unwrap_or(0);
    for number in 0..times("BAILIWICK_EDITS", EDITS).div_ceil(ROWS_PER_FILE).max(files) {
        let name = usize::try_from(number % files).ok().and_then(|n| FILES.get(n));
        let name = name.expect("it is below the length");
        let copy = left.copy();
        let file = copy.file("data").join(name);
        let place = edit::other_octet(&file, &mut dice);
        let refused = start(&copy.file("data"));
        // 124: it served until it was stopped. 101: it panicked.
        assert_eq!(refused.code, Some(3), "octet {place} of {name}: {refused:?}");
        assert!(refused.stderr.contains("error: "), "{refused:?}");
    }
}

/// An older state of all the data is whole in itself; whoever kept a later checkpoint sees that it is older.
#[test]
fn tamper_by_going_back_to_a_backup_and_a_kept_checkpoint_shows_it() {
    let mut gate = Gate::start();
    gate.server.stop();
    let data = gate.server.data();
    let old = Folder::new("backup");
    let mut command = Command::new("cp");
    command.arg("-a").arg(&data).arg(old.path());
    assert!(command.status().expect("cp runs").success(), "the data folder can be copied");
    gate.server.restart();
    gate.credential();
    gate.server.stop();
    let note = offline(&["ledger", "checkpoint"], &data).expect_success().stdout;
    let kept = old.write("checkpoint", &note).to_string_lossy().into_owned();
    offline(&["ledger", "verify", "--since", &kept], &data).expect_success();
    offline(&["ledger", "verify"], &old.file("data")).expect_success();
    let back = offline(&["ledger", "verify", "--since", &kept], &old.file("data"));
    assert_eq!(back.code, Some(1), "{back:?}");
}

/// Starts a server on the data, which is to refuse.
fn start(data: &Path) -> Ran {
    let mut command = process::bounded(program(), START_MAX);
    command.args(["up", "--lab", "--data"]).arg(data);
    for option in ["--listen", "--listen-http", "--lab-dns"] {
        command.args([option, "127.0.0.1:0"]);
    }
    process::run(command)
}

#[test]
fn an_altered_first_leaf_is_found_without_the_key_too() {
    let mut gate = Gate::start();
    gate.server.stop();
    let data = gate.server.data();
    let place = data.to_string_lossy().into_owned();
    let database = data.join("bailiwick.db");
    let verify = || bailiwick(&["ledger", "verify", "--json", "--data", &place]);
    verify().expect_success();
    let zero = "WHERE idx = 0";
    let whole = sqlite::sql(&database, &format!("SELECT hex(body) FROM entry {zero}"));
    let whole = whole.expect_success().stdout;
    let write = |body: &str| {
        let update = format!("UPDATE entry SET body = {body} {zero}");
        sqlite::sql(&database, &update).expect_success();
    };
    for body in [
        "x'00'".to_owned(),
        "x''".to_owned(),
        "(SELECT body FROM entry WHERE idx = 1)".to_owned(),
        "CAST(replace(CAST(body AS TEXT), '+', '!') AS BLOB)".to_owned(),
        "CAST(replace(CAST(body AS TEXT), '{', '{ ') AS BLOB)".to_owned(),
    ] {
        write(&body);
        let found = verify();
        assert_eq!(found.code, Some(1), "{body}: {}", found.output());
        let found: Value = serde_json::from_str(&found.stdout).expect("--json prints JSON");
        assert_eq!(found["first_wrong_leaf"], json!(0), "{body}: {found:#}");
        write(&format!("x'{}'", whole.trim()));
    }
    verify().expect_success();
    sqlite::sql(&database, &format!("DELETE FROM entry {zero}")).expect_success();
    assert_eq!(verify().code, Some(1), "the first leaf is gone");
}
