//! CAA-2, CAA-5: what goes wrong with a zone is found within seconds, with somebody who has to act, what to
//! do and how to end it; and it is over by itself as soon as its cause is.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::acme_gate::{Gate, copy, today};
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::chromium::Chromium;
use crate::harness::place::Folder;
use crate::harness::process::Ran;
use crate::harness::secondary::Secondary;
use crate::harness::unbound::Unbound;
use crate::harness::zone::Zone;

const RECORDS: &str = "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.bailiwick.example\"\n\
    www IN A 127.0.0.1\napi IN A 127.0.0.1\n";
/// The promise is 60 s with the pace that a server has by itself; here it looks every second.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

/// Fields are dropped in order.
struct Scene {
    server: BailiwickServer,
    honest: Unbound,
    lying: Unbound,
    second: Secondary,
    third: Secondary,
    primary: Bind,
    _estate: Folder,
}

impl Scene {
    fn start() -> Self {
        let zone = Zone::new("shop.example", RECORDS).updatable().signed();
        let primary = Bind::start(&[zone]);
        let second = Secondary::start(&primary, "shop.example");
        let third = Secondary::start(&primary, "shop.example");
        let stubs: [(&str, &[std::net::SocketAddr]); 1] = [("shop.example", &[primary.address()])];
        let anchor = primary.dnskey("shop.example");
        let honest = Unbound::start(&stubs, &[&anchor]);
        let lying = Unbound::start(&stubs, &[&anchor]);
        let estate = Folder::new("estate");
        let servers = [primary.address(), second.address(), third.address()];
        let servers = servers.map(|one| format!("\"{one}\"")).join(", ");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
        copy(&source, estate.path(), &|text| {
            let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
            if text.contains("name = \"shop.example\"") {
                return format!("servers = [{servers}]\n{text}");
            }
            if text.contains("control_owner") {
                let vantage = |name: &str, at: std::net::SocketAddr| {
                    format!(
                        "\n[vantages.{name}]\nserver = \"{at}\"\nvalidates = true\noperator = \"dns\"\n"
                    )
                };
                let (hq, branch) =
                    (vantage("hq", honest.address()), vantage("branch", lying.address()));
                return format!("{text}{hq}{branch}");
            }
            text
        });
        let folder = estate.path().to_string_lossy().into_owned();
        let args = ["--lab", "--estate", &folder, "--watch-seconds", "1"];
        let server = BailiwickServer::start(&args);
        Self { server, honest, lying, second, third, primary, _estate: estate }
    }

    fn cli(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    fn json(&self, person: &str, words: &[&str]) -> Value {
        let ran = self.cli(person, &[words, &["--json"]].concat()).expect_success();
        serde_json::from_str(&ran.stdout).expect("--json prints JSON")
    }

    fn findings(&self) -> Vec<Value> {
        let all = self.json("dana", &["findings", "--zone", "shop.example"]);
        all.as_array().expect("findings are a list").clone()
    }

    /// Waits until exactly this is the matter with the zone; how long it took.
    fn comes_to(&self, kinds: &[&str]) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let findings = self.findings();
            let is: Vec<&str> = findings.iter().filter_map(|one| one["kind"].as_str()).collect();
            if is == kinds {
                return findings;
            }
            assert!(
                began.elapsed() < FOUND_WITHIN,
                "expected {kinds:?}, there is {findings:#?}\n{}",
                self.server.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// One thing goes wrong and is found as this; what it is about is mended and it is over.
    fn found(
        &self,
        kind: &str,
        at: Option<std::net::SocketAddr>,
        mend: impl FnOnce(&Self),
    ) -> Value {
        let found = self.comes_to(&[kind]).remove(0);
        assert_eq!(found["assignee"], "dana", "{found}");
        assert_eq!(found["next"], "dov", "{found}");
        for field in ["says", "remedy", "due"] {
            assert!(found[field].as_str().is_some_and(|text| !text.is_empty()), "{found}");
        }
        if let Some(at) = at {
            let vantage = found["vantage"].as_str().unwrap_or_default();
            assert!(vantage.ends_with(&at.to_string()), "{found}");
        }
        mend(self);
        self.comes_to(&[]);
        let id = found["id"].as_str().expect("a finding has an id");
        let over = self.json("dana", &["finding", "show", id]);
        assert_eq!(over["closed_by"], "its cause ended", "{over}");
        found
    }

    fn update(&self, commands: &str) {
        self.primary.update("shop.example", commands).expect_success();
    }
}

const RESTORE: &str =
    "del shop.example. CAA\nadd shop.example. 1 CAA 0 issue \"ca.bailiwick.example\"";

#[test]
fn caa_2_5_what_goes_wrong_with_a_zone_is_found_with_whoever_has_to_act_and_ends_by_itself() {
    let mut scene = Scene::start();
    scene.comes_to(&[]);
    edited_behind_everybodys_back(&scene);
    edited_on_one_secondary(&scene);
    scene.third.lose_its_key();
    scene.update("add new.shop.example. 1 A 127.0.0.1");
    let third = scene.third.address();
    scene.found("caa-server-behind", Some(third), |scene| scene.third.follow_again());
    let anchor = scene.primary.dnskey("shop.example");
    let (_, key) = anchor.split_once("257 3 13 ").expect("a DNSKEY");
    let key: String = key.chars().take(8).collect();
    scene.honest.reconfigure(|text| text.replace(&key, "AAAAAAAA"));
    let honest = scene.honest.address();
    scene.found("caa-bogus", Some(honest), |scene| {
        scene.honest.reconfigure(|text| text.replace("AAAAAAAA", &key));
    });
    let lie = "local-data: 'shop.example. 60 IN CAA 0 issue \"evil.example\"'\nremote-control:";
    scene.lying.reconfigure(|text| text.replacen("remote-control:", lie, 1));
    let lying = scene.lying.address();
    let found = scene.found("caa-resolver-lies", Some(lying), |scene| {
        scene.lying.reconfigure(|text| text.replace(lie, "remote-control:"));
    });
    assert!(found["diff"].to_string().contains("evil.example"), "{found}");
    scene.second.kill9();
    let second = scene.second.address();
    let silent = scene.comes_to(&["caa-unreachable"]).remove(0);
    assert!(
        silent["vantage"].as_str().is_some_and(|at| at.ends_with(&second.to_string())),
        "{silent}"
    );
    the_past_is_one_question(&scene);
    scene.server.stop();
    let data = scene.server.data().to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}

/// An edit without a ticket: adopted by somebody, approved by somebody else; then put back.
fn edited_behind_everybodys_back(scene: &Scene) {
    let other = "del shop.example. CAA\nadd shop.example. 1 CAA 0 issue \"other.example\"";
    scene.update(other);
    let found = scene.found("caa-shadow-edit", None, |scene| scene.update(RESTORE));
    assert!(found["adoptable"] == true && found["revertible"] == true, "{found}");
    let diff = found["diff"].to_string();
    assert!(diff.contains("- 0 issue") && diff.contains("+ 0 issue"), "{found}");
    scene.update(other);
    let again = scene.comes_to(&["caa-shadow-edit"]).remove(0);
    let id = again["id"].as_str().expect("an id");
    let text = scene.cli("dana", &["finding", "revert", id, "--nsupdate"]).expect_success().stdout;
    // Into a zone that is observed only nobody opens a change; the one who can edit it is named.
    let asked = scene.cli("dana", &["finding", "revert", id, "--reason", "not decided"]);
    assert!(asked.output().contains("it is observed only; ask Dana Deene"), "{}", asked.output());
    assert!(text.contains("prereq yxrrset shop.example. CAA 0 issue \"other.example\""), "{text}");
    let update: String =
        text.lines().skip(2).filter(|line| *line != "send").map(|l| format!("{l}\n")).collect();
    scene.update(update.trim_end());
    scene.comes_to(&[]);
}

fn edited_on_one_secondary(scene: &Scene) {
    let serial = scene.primary.serial("shop.example");
    let text = format!(
        "$ORIGIN shop.example.\n$TTL 1\n@ IN SOA ns1 hostmaster {serial} 3600 600 86400 1\n\
         @ IN NS ns1\nns1 IN A 127.0.0.1\n{}",
        RECORDS.replace("ca.bailiwick.example", "friend.example")
    );
    scene.second.edit(&text);
    let second = scene.second.address();
    scene.found("caa-servers-disagree", Some(second), |scene| scene.second.follow_again());
}

/// What CAA said at a moment at a server: one command.
fn the_past_is_one_question(scene: &Scene) {
    let now = scene.json("ada", &["caa", "history", "www.shop.example"]);
    let then = now["then"].as_array().expect("what decided");
    assert!(then.len() >= 4, "{now}");
    let primary = scene.primary.address().to_string();
    let past = scene.json("ada", &["caa", "history", "shop.example", "--of", &primary]);
    let edits = past["history"].as_array().expect("a history");
    let other = edits.iter().find(|one| one["seen"].to_string().contains("other.example"));
    let during = other.and_then(|one| one["since"].as_str()).expect("the edit was seen");
    let at = ["caa", "history", "www.shop.example", "--at", during, "--of", &primary];
    let said = scene.json("ada", &at)["then"][0]["way"].to_string();
    assert!(said.contains("other.example") && !said.contains("ca.bailiwick.example"), "{said}");
}

#[test]
fn caa_5_an_edit_in_the_lab_turns_the_board_red_and_whoever_publishes_records_is_told() {
    let gate = Gate::start_with(&["--watch-seconds", "1"]);
    let cli = |person: &str, words: &[&str]| gate.cli_as(person, words).expect_success().stdout;
    let edit = "shop.example. CAA 0 issue \"other.example\"";
    assert_eq!(cli("dana", &["findings"]).trim(), "No findings: what is seen is what was decided.");
    cli("dana", &["lab", "edit-zone", "shop.example", edit]);
    let began = Instant::now();
    let told = loop {
        let told = cli("dana", &["findings", "--mine"]);
        if told.contains("edited without a change") {
            break told;
        }
        assert!(began.elapsed() < FOUND_WITHIN, "{told}\n{}", gate.server.log());
        std::thread::sleep(Duration::from_millis(200));
    };
    let id = told.split_whitespace().next().expect("a list begins with an id").to_owned();
    let mut chromium = Chromium::start();
    chromium.open(super::authorization::link(&gate.server, "dana"));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
    let needs = chromium.evaluate("document.querySelector('#needs').innerText").to_string();
    assert!(needs.contains("edited without a change"), "{needs}");
    let page = |path: &str| format!("{}{path}", gate.server.https());
    for (path, says) in [
        (format!("/findings/{id}"), "Two ways to end it"),
        ("/findings".to_owned(), "Yours"),
        ("/controls".to_owned(), "fails"),
        ("/controls/shop.example".to_owned(), "inherited from"),
        ("/controls/corp.example/internal".to_owned(), "The three points"),
        ("/caa/www.shop.example".to_owned(), "What decided"),
    ] {
        chromium.open(&page(&path));
        let text = chromium.text();
        assert!(text.contains(says), "{path} does not say `{says}`: {text}");
        assert_eq!(chromium.complaints(), Vec::<String>::new(), "{path}");
        let shot = path.trim_matches('/').replace('/', "-").replace(&id, "one");
        chromium.screenshot(&gate.server.data().join(format!("watch-{shot}.png")));
    }
    // What is there is taken over: Dana asks, Pia approves, and the finding ends by itself.
    adopted(&gate, &id);
    // The same for a name below the apex: the estate then says what that name has itself.
    let below = "www.shop.example. CAA 0 issue \"cdn.example\"";
    cli("dana", &["lab", "edit-zone", "shop.example", below]);
    let began = Instant::now();
    let id = loop {
        let all = cli("dana", &["findings", "--json"]);
        let all: Vec<Value> = serde_json::from_str(&all).expect("JSON");
        let one = all.iter().find(|one| one["subject"] == "www.shop.example");
        if let Some(one) = one {
            assert!(one["adoptable"] == true && one["kind"] == "caa-shadow-edit", "{one}");
            break one["id"].as_str().expect("an id").to_owned();
        }
        assert!(began.elapsed() < FOUND_WITHIN, "{all:?}\n{}", gate.server.log());
        std::thread::sleep(Duration::from_millis(200));
    };
    adopted(&gate, &id);
    let shown = cli("dana", &["control", "show"]);
    assert!(!shown.contains("edited without a change"), "{shown}");
}

/// Somebody adopts what a finding is about, somebody else approves, and it is over.
fn adopted(gate: &Gate, id: &str) {
    let cli = |person: &str, words: &[&str]| gate.cli_as(person, words).expect_success().stdout;
    let asked =
        cli("dana", &["finding", "adopt", id, "--reason", "we moved to another CA", "--json"]);
    let change: Value = serde_json::from_str(&asked).expect("JSON");
    let change = change["id"].as_str().expect("a change has an id").to_owned();
    for person in ["pia", "sol"] {
        let state = cli("pia", &["change", "show", &change, "--json"]);
        if state.contains("\"awaiting-approval\"") {
            gate.cli_as(person, &["change", "approve", &change]);
        }
    }
    let state = cli("pia", &["change", "show", &change]);
    assert!(state.contains("closed"), "{state}");
    let began = Instant::now();
    loop {
        let shown = cli("dana", &["finding", "show", id]);
        if shown.contains("over") && shown.contains("its cause ended") {
            break;
        }
        assert!(began.elapsed() < FOUND_WITHIN, "{shown}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
