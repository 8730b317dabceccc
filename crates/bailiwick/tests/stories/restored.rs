//! A database that was restored or copied: it is noticed, it is not taken for the present by itself, and
//! what was approved and not spent by then is void once somebody says what happened (P4, P18).

use std::path::Path;

use serde_json::Value;

use super::acme_gate::{Gate, Remembers, in_days};
use crate::harness::bailiwick::bailiwick;
use crate::harness::process::Ran;

fn told(ran: Ran) -> Value {
    serde_json::from_str(&ran.expect_success().stdout).expect("--json prints JSON")
}

/// A change that has one of two approvals.
fn half_approved(gate: &Gate) -> String {
    let folder = crate::harness::place::Folder::new("estate");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    super::acme_gate::copy(&source, folder.path(), &|text| {
        text.replace("operator = \"shop\"", "operator = \"dns\"")
    });
    let place = folder.path().to_string_lossy().into_owned();
    let asked = told(gate.cli_as("dana", &["estate", "apply", &place, "--reason", "x", "--json"]));
    let id = asked["id"].as_str().expect("an id").to_owned();
    let once = told(gate.cli_as("sol", &["change", "approve", &id, "--json"]));
    assert_eq!(once["state"], "awaiting-approval", "{once}");
    id
}

/// Starts on a data folder, to be refused.
fn started(data: &Path, more: &[&str]) -> Ran {
    let data = data.to_string_lossy().into_owned();
    let nowhere = ["--listen", "--listen-http", "--lab-dns"].map(|o| [o, "127.0.0.1:0"]);
    let args = ["up", "--lab", "--data", &data, "--ready-json"];
    bailiwick(&[&args[..], nowhere.as_flattened(), more].concat())
}

fn refused(ran: &Ran, says: &str) {
    assert_ne!(ran.code, Some(0), "{}", ran.output());
    for word in [says, "up --restored"] {
        assert!(ran.output().contains(word), "`{word}` is not in {}", ran.output());
    }
}

/// The approval counts for nothing, and the rest goes on.
fn is_void(gate: &Gate, change: &str) {
    let shown = told(gate.cli_as("ada", &["change", "show", change, "--json"]));
    assert_eq!(shown["state"], "refused", "{shown}");
    assert!(shown.to_string().contains("restored from a copy"), "{shown}");
    assert_ne!(gate.cli_as("pia", &["change", "approve", change, "--json"]).code, Some(0));
    let leaves = gate.ledger_since(0);
    let said = leaves.iter().filter(|leaf| leaf.contains("store.restored")).count();
    assert_eq!(said, 1, "the ledger says it once");
    let until = in_days(30);
    let words = ["envelope", "request", "--service", "pay-api", "--name", Gate::CENTRAL_NAME];
    let more = ["--profile", "tls-server", "--until", &until, "--reason", "x", "--json"];
    let asked = told(gate.cli_as("pat", &[&words[..], &more].concat()));
    let id = asked["id"].as_str().expect("an id");
    assert_eq!(told(gate.cli_as("pia", &["change", "approve", id, "--json"]))["state"], "closed");
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the data folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

#[test]
fn a_restored_data_folder_is_noticed_and_its_approvals_are_void() {
    let mut gate = Gate::start();
    let change = half_approved(&gate);
    gate.server.stop();
    let data = gate.server.data();
    // The backup is put back as a whole, mark and all.
    let aside = data.with_extension("aside");
    std::fs::rename(&data, &aside).expect("a folder can be moved");
    copied(&aside, &data);
    refused(&started(&data, &[]), "copied or restored");
    // Without the mark no better.
    std::fs::remove_file(data.join("bailiwick.db.mark")).expect("it is there");
    refused(&started(&data, &[]), "is missing");
    gate.server.restart_once_with("--restored");
    gate.server.stop();
    // Said once: from here on it is the present.
    gate.server.restart();
    is_void(&gate, &change);
    gate.server.stop();
    let data = data.to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}

#[test]
fn a_restored_database_on_a_server_is_noticed_and_its_approvals_are_void() {
    let mut gate = Gate::with_estate(Remembers::InPostgres, &str::to_owned, &[], &[]);
    let change = half_approved(&gate);
    gate.server.stop();
    let postgres = gate.postgres();
    let backup = "CREATE DATABASE backup TEMPLATE bailiwick";
    postgres.sql("postgres", backup).expect_success();
    let url = postgres.url();
    let (server, _) = url.rsplit_once('/').expect("a URL names a database");
    let of_backup = format!("{server}/backup");
    // The present goes on for a while; then the backup takes its place.
    gate.server.restart();
    told(gate.cli_as("dana", &["token", "new", "--scope", "read", "--purpose", "x", "--json"]));
    gate.server.stop();
    let data = gate.server.data();
    refused(&started(&data, &["--database", &of_backup]), "says that it had");
    // A server that never saw this ledger is told what to do, too.
    std::fs::rename(data.join("postgres.mark"), data.join("kept")).expect("it is there");
    refused(&started(&data, &["--database", &url]), "takes that file from one of them");
    std::fs::rename(data.join("kept"), data.join("postgres.mark")).expect("it is there");
    gate.server.instead(&url, &of_backup);
    gate.server.restart_once_with("--restored");
    is_void(&gate, &change);
    gate.server.kill9();
    gate.server.restart();
}
