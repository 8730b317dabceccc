//! What whoever edits an estate is told before anything is opened, and how much one edit can hold.

use serde_json::{Value, json};

use super::acme_gate::{Gate, in_days, now, today};
use super::authorization::Asker;
use crate::harness::bailiwick::bailiwick;
use crate::harness::place::Folder;
use crate::harness::process::Ran;

/// The active estate as a folder, to be edited.
pub(super) struct Edited<'a> {
    gate: &'a Gate,
    folder: Folder,
    paths: Vec<String>,
}

impl<'a> Edited<'a> {
    pub(super) fn of(gate: &'a Gate) -> Self {
        let asker = Asker::of(gate);
        let token = std::fs::read_to_string(gate.server.data().join("lab/dana.token"));
        let token = format!("Bearer {}", token.expect("the lab keeps it").trim());
        let headers = [("authorization", token.as_str())];
        let active = asker.ask("GET", &asker.page("/api/v1/estate"), &headers, "").expect(200);
        let mut edited = Self { gate, folder: Folder::new("edited"), paths: Vec::new() };
        for file in active.json()["files"].as_array().expect("files") {
            edited.paths.push(file[0].as_str().expect("a path").to_owned());
            edited.write(file[0].as_str().expect("a path"), file[1].as_str().expect("a text"));
        }
        edited
    }

    /// Its files.
    pub(super) fn paths(&self) -> Vec<String> {
        self.paths.clone()
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let file = self.folder.file(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        std::fs::write(file, text).expect("a file can be written");
    }

    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.file(path)).expect("it is there")
    }

    pub(super) fn run(&self, verb: &str, more: &[&str]) -> Ran {
        let place = self.folder.path().to_string_lossy().into_owned();
        self.gate.cli_as("dana", &[&["estate", verb, &place][..], more].concat())
    }

    /// What `estate plan` says beside the difference.
    fn notes(&self) -> Vec<String> {
        let plan = self.run("plan", &["--json"]).expect_success().stdout;
        let plan: Value = serde_json::from_str(&plan).expect("--json prints JSON");
        let notes = plan["notes"].as_array().expect("a list").iter();
        notes.map(|note| note.as_str().expect("a text").to_owned()).collect()
    }

    /// Applies it, with everybody's approval that counts.
    pub(super) fn carried_out(&self) {
        let opened = self.run("apply", &["--reason", "we change", "--json"]).expect_success();
        let mut change: Value = serde_json::from_str(&opened.stdout).expect("--json prints JSON");
        let id = change["id"].as_str().expect("a change has an id").to_owned();
        for person in ["sol", "pia", "sam", "sue", "dov"] {
            if change["state"] != json!("awaiting-approval") {
                break;
            }
            let ran = self.gate.cli_as(person, &["change", "approve", &id, "--json"]);
            if ran.code == Some(0) {
                change = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
            }
        }
        assert_eq!(change["state"], json!("closed"), "{change:#}");
    }
}

/// A zone of the lab's team beside the others.
fn zone(n: u32) -> (String, String) {
    let text = format!(
        "name = \"z{n}.example\"\nview = \"external\"\nclass = \"customer-facing\"\npattern = \"service-team\"\n\
         mode = \"enforce\"\npolicy_owner = \"shop\"\noperator = \"dns\"\n\n[caa]\n\
         issue = [\"ca.bailiwick.example\"]\n\n[limits]\nnames_per_certificate_max = 3\n\
         wildcard_allowed = false\nlifetime_days_max = 90\nownership_days_max = 180\n"
    );
    (format!("zones/z{n}.example.toml"), text)
}

#[test]
fn an_edit_of_many_zones_is_carried_out() {
    let mut gate = Gate::start();
    let edited = Edited::of(&gate);
    for n in 0..200 {
        let (path, text) = zone(n);
        edited.write(&path, &text);
    }
    edited.run("plan", &[]).expect_success();
    edited.carried_out();
    // The facts of the decision are too large for a leaf: it names them, and they are shown all the same.
    let leaves = gate.ledger_since(0);
    let about = |entry: &&String| entry.contains("decided") && entry.contains("\\\"kept\\\"");
    let leaf = leaves.iter().find(about).expect("the facts were small enough for a leaf");
    let leaf: Value = serde_json::from_str(leaf).expect("--json prints JSON");
    let text = leaf.to_string();
    let (_, rest) = text.split_once("\"id\":\"").expect("a decision has an id");
    let id = rest.split('"').next().unwrap_or_default();
    let asker = Asker::of(&gate);
    let cookie = asker.session(&gate, "ada");
    let url = asker.page(&format!("/api/v1/decisions/{id}"));
    let shown = asker.ask("GET", &url, &[("cookie", &cookie)], "").expect(200);
    assert!(shown.text.contains("z199.example"), "{}", shown.text.len());
    drop(edited);
    gate.server.stop();
    let data = gate.server.data().to_string_lossy().into_owned();
    for what in ["verify", "fsck"] {
        bailiwick(&["ledger", what, "--data", &data]).expect_success();
    }
}

#[test]
fn an_edit_that_is_too_much_for_one_change_is_refused_before_it_is_opened() {
    let gate = Gate::start();
    let edited = Edited::of(&gate);
    let (path, until) = ("services/pay-api.toml", in_days(30));
    let service = edited.read(path);
    let envelope = |n: u32, name: &str| {
        format!(
            "\n[envelopes.e{n}]\nnames = [\"{name}\"]\nissuer = \"house\"\n\
             profiles = [\"tls-server\"]\nuntil = {until}\nreason = \"x\"\n"
        )
    };
    let many =
        |count: u32| -> String { (0..count).map(|n| envelope(n, Gate::CENTRAL_NAME)).collect() };
    let before = gate.ledger_entries();
    edited.write(path, &format!("{service}{}", many(65)));
    for (verb, more) in [("plan", &[][..]), ("apply", &["--reason", "x"])] {
        let ran = edited.run(verb, more);
        assert_ne!(ran.code, Some(0), "{}", ran.output());
        assert!(ran.output().contains("in parts"), "it says what to do: {}", ran.output());
    }
    assert_eq!(gate.ledger_entries(), before, "nothing was opened");
    // In parts, it goes.
    edited.write(path, &format!("{service}{}", many(60)));
    edited.carried_out();
}

#[test]
fn owners_who_confirm_on_the_day_they_became_owners_are_told_to_write_the_moment() {
    let gate = Gate::start();
    let edited = Edited::of(&gate);
    let path = "services/shop-web.toml";
    let confirmed = |edited: &Edited<'_>, when: &str| {
        let text = edited.read(path);
        let lines = text.lines().map(|line| {
            if line.starts_with("verified") {
                format!("verified = {when}")
            } else {
                line.to_owned()
            }
        });
        edited.write(path, &(lines.collect::<Vec<_>>().join("\n") + "\n"));
    };
    assert_eq!(edited.notes(), Vec::<String>::new());
    edited.write(path, &edited.read(path).replace("operator = \"shop\"", "operator = \"dns\""));
    let notes = edited.notes().join("\n");
    assert!(notes.contains("`shop-web` gets other owners"), "{notes}");
    edited.carried_out();
    // They confirm at once, with a date as everybody writes it.
    confirmed(&edited, &today());
    let notes = edited.notes().join("\n");
    for word in ["`shop-web`", "beginning of the day", "verified = 20"] {
        assert!(notes.contains(word), "`{word}` is not in {notes}");
    }
    confirmed(&edited, &format!("\"{}\"", now()));
    assert_eq!(edited.notes(), Vec::<String>::new());
}
