//! CAA-5, TRW-1: what somebody edited behind everybody's back is put back by a change: asked for, approved
//! by somebody else, written only while it still stands, seen at every server, and over by itself.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::acme_gate::{Gate, copy, today};
use super::authorization::link;
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::chromium::Chromium;
use crate::harness::dig;
use crate::harness::place::Folder;
use crate::harness::process::Ran;
use crate::harness::secondary::Secondary;
use crate::harness::zone::Zone;

const RECORDS: &str = "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"ca.bailiwick.example\"\n\
    www IN A 127.0.0.1\n";
const DECIDED: &str = "0 issue \"ca.bailiwick.example\"";
const PATIENCE: Duration = Duration::from_secs(60);

/// A zone on BIND with two secondaries, into which Bailiwick writes. Fields are dropped in order.
struct Scene {
    server: BailiwickServer,
    second: Secondary,
    third: Secondary,
    primary: Bind,
    _estate: Folder,
}

impl Scene {
    fn start() -> Self {
        let primary = Bind::start(&[Zone::new("shop.example", RECORDS).updatable()]);
        let second = Secondary::start(&primary, "shop.example");
        let third = Secondary::start(&primary, "shop.example");
        let estate = Folder::new("estate");
        let servers = [primary.address(), second.address(), third.address()];
        let servers = servers.map(|one| format!("\"{one}\"")).join(", ");
        let connector = format!(
            "operator = \"dns\"\nservers = [{servers}]\n\n[connector]\nkind = \"rfc2136\"\n\
             server = \"{}\"\nkey = \"{}\"\n\n[caa]",
            primary.address(),
            primary.key().name
        );
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
        copy(&source, estate.path(), &|text| {
            let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
            if text.contains("name = \"shop.example\"") {
                return text.replace("operator = \"dns\"\n\n[caa]", &connector);
            }
            text
        });
        let folder = estate.path().to_string_lossy().into_owned();
        let args = ["--lab", "--estate", &folder, "--watch-seconds", "1"];
        let server = BailiwickServer::start(&args);
        Self { server, second, third, primary, _estate: estate }
    }

    fn hand_in_the_key(&self) {
        let secret = Folder::new("secret");
        let file = secret.write("key", &self.primary.key().secret).to_string_lossy().into_owned();
        let words = ["connector", "set-secret", "shop.example", "--file", &file];
        self.cli("dana", &words).expect_success();
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

    /// Waits until exactly this is the matter with the zone.
    fn comes_to(&self, kinds: &[&str]) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let all = self.json("dana", &["findings", "--zone", "shop.example"]);
            let all = all.as_array().expect("findings are a list").clone();
            let is: Vec<&str> = all.iter().filter_map(|one| one["kind"].as_str()).collect();
            if is == kinds {
                return all;
            }
            let log = self.server.log();
            assert!(began.elapsed() < PATIENCE, "expected {kinds:?}, there is {all:#?}\n{log}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn state(&self, change: &str) -> Value {
        self.json("pia", &["change", "show", change])
    }

    /// Waits until a change stands like this.
    fn becomes(&self, change: &str, state: &str) -> Value {
        let began = Instant::now();
        loop {
            let shown = self.state(change);
            if shown["state"] == state {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "{shown:#}\n{}", self.server.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Somebody edits the zone past us.
    fn edited(&self, records: &[&str]) {
        let mut text = "del shop.example. CAA".to_owned();
        for record in records {
            text += &format!("\nadd shop.example. 1 CAA {record}");
        }
        self.primary.update("shop.example", &text).expect_success();
    }

    fn asked(&self, person: &str, finding: &str) -> String {
        let words = ["finding", "revert", finding, "--reason", "nobody decided that"];
        let change = self.json(person, &words);
        assert_eq!(change["state"], "awaiting-approval", "{change:#}");
        change["id"].as_str().expect("an id").to_owned()
    }

    fn shows(&self, server: SocketAddr) -> Vec<String> {
        let answer = dig::ask(server, "shop.example", "CAA").expect("it answers");
        answer.data("CAA").into_iter().map(|one| one.to_owned()).collect()
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

/// Looks again until there is something.
pub(super) fn until<T>(look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn refused(ran: &Ran, says: &str) {
    assert_ne!(ran.code, Some(0), "{}", ran.output());
    assert!(ran.output().contains(says), "it does not say `{says}`: {}", ran.output());
}

#[test]
fn caa_5_what_was_edited_without_a_change_is_put_back_by_one() {
    let mut scene = Scene::start();
    scene.comes_to(&[]);
    scene.edited(&["0 issue \"other.example\""]);
    let finding = id(&scene.comes_to(&["caa-shadow-edit"])[0]);
    // The list says how it is ended.
    let list = scene.cli("dana", &["findings"]);
    for way in ["adopt", "revert"] {
        let way = format!("bailiwick finding {way} {finding} --reason");
        assert!(list.stdout.contains(&way), "`{way}` is not in {}", list.stdout);
    }
    // Without the key of the zone nothing is opened, and it is said what to hand in.
    let asked = ["finding", "revert", &finding, "--reason", "nobody decided that"];
    refused(&scene.cli("dana", &asked), "bailiwick connector set-secret shop.example");
    scene.hand_in_the_key();
    let change = scene.asked("dana", &finding);
    let shown = scene.state(&change);
    assert_eq!(shown["title"], "put the decided CAA set back at shop.example", "{shown:#}");
    // Whoever asks once more is told of the one that waits.
    refused(&scene.cli("dana", &asked), &format!("change `{change}` writes the CAA set"));
    let plan = shown["steps"].to_string();
    for said in ["0 issue \\\"other.example\\\"", "0 issue \\\"ca.bailiwick.example\\\"", &finding]
    {
        assert!(plan.contains(said), "`{said}` is not in {plan}");
    }
    // Neither whoever asked nor who answers for no policy of the zone.
    refused(&scene.cli("dana", &["change", "approve", &change]), "independent");
    refused(&scene.cli("sam", &["change", "approve", &change]), "holds no duty");
    refused(&scene.cli("dov", &["change", "approve", &change]), "does not count here");
    assert_eq!(scene.shows(scene.primary.address()), ["0 issue \"other.example\""]);
    // Somebody edits it once more: what was shown does not stand any more, and nothing is overwritten.
    scene.edited(&["0 issue \"third.example\""]);
    scene.cli("pia", &["change", "approve", &change]).expect_success();
    let drifted = scene.becomes(&change, "rolled-back");
    let why = drifted.to_string();
    assert!(why.contains("is not as it was when this was approved"), "{drifted:#}");
    assert!(why.contains("Dana Deene (dns) has to look"), "{drifted:#}");
    assert_eq!(scene.shows(scene.primary.address()), ["0 issue \"third.example\""]);
    // Another finding says what stands now, and the change that is asked for is about that.
    let other = || scene.comes_to(&["caa-shadow-edit"]).remove(0);
    let finding = until(|| Some(id(&other())).filter(|one| *one != finding));
    let asked = ["finding", "revert", &finding, "--reason", "nobody decided that"];
    let change = scene.asked("dana", &finding);
    scene.cli("pia", &["change", "approve", &change]).expect_success();
    let done = scene.becomes(&change, "closed");
    assert_eq!(done["title"], "put the decided CAA set back at shop.example");
    scene.comes_to(&[]);
    let over = scene.json("dana", &["finding", "show", &finding]);
    assert_eq!(over["closed_by"], "its cause ended", "{over:#}");
    for server in [scene.primary.address(), scene.second.address(), scene.third.address()] {
        assert_eq!(scene.shows(server), [DECIDED], "{server}");
    }
    // The set came back as it was before the edit, TTL included: nobody has to look again.
    refused(&scene.cli("dana", &asked), "this finding is over");
    killed_while_a_secondary_stays_behind(&mut scene);
    edited_on_one_secondary(&scene);
    one_server_answers_nothing(&scene);
    scene.server.stop();
    let data = scene.server.data().to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}

/// A name below that nobody decided anything for; killed while one server has not followed yet, it goes on.
fn killed_while_a_secondary_stays_behind(scene: &mut Scene) {
    let other = "add www.shop.example. 1 CAA 0 issue \"cdn.example\"";
    scene.primary.update("shop.example", other).expect_success();
    let finding = scene.comes_to(&["caa-shadow-edit"]).remove(0);
    assert_eq!(finding["subject"], "www.shop.example", "{finding}");
    let change = scene.asked("dov", &id(&finding));
    scene.third.lose_its_key();
    scene.cli("pia", &["change", "approve", &change]).expect_success();
    let began = Instant::now();
    while !scene.state(&change).to_string().contains("not yet") {
        assert!(began.elapsed() < PATIENCE, "{:#}", scene.state(&change));
        std::thread::sleep(Duration::from_millis(100));
    }
    scene.server.kill9();
    scene.server.restart();
    assert_eq!(scene.state(&change)["state"], "executing");
    scene.third.follow_again();
    scene.becomes(&change, "closed");
    scene.comes_to(&[]);
    let answer = dig::ask(scene.third.address(), "www.shop.example", "CAA").expect("it answers");
    assert!(answer.data("CAA").is_empty(), "{answer:?}");
}

/// Writing the primary mends nothing where one secondary was edited: it is said what does, and who can.
fn edited_on_one_secondary(scene: &Scene) {
    let serial = scene.primary.serial("shop.example") + 5;
    let text = format!(
        "$ORIGIN shop.example.\n$TTL 1\n@ IN SOA ns1 hostmaster {serial} 3600 600 86400 1\n\
         @ IN NS ns1\nns1 IN A 127.0.0.1\n{}",
        RECORDS.replace("ca.bailiwick.example", "friend.example")
    );
    scene.second.edit(&text);
    let found = scene.comes_to(&["caa-servers-disagree"]).remove(0);
    let finding = id(&found);
    let asked = scene.cli("dana", &["finding", "revert", &finding, "--reason", "not decided"]);
    for says in [
        "the primary of zone `shop.example` holds the decided set",
        "rndc retransfer shop.example",
        &format!("it has serial {serial}"),
        "Dana Deene of team `dns` can do that",
    ] {
        refused(&asked, says);
    }
    let text = scene.cli("dana", &["finding", "revert", &finding, "--nsupdate"]).expect_success();
    assert!(text.stdout.contains("friend.example"), "{}", text.stdout);
    scene.second.follow_again();
    scene.comes_to(&[]);
}

/// TRW-3: where one server of the zone is lame nobody is asked: the change could only turn back.
fn one_server_answers_nothing(scene: &Scene) {
    scene.third.grow_lame();
    scene.edited(&["0 issue \"other.example\""]);
    let finding = until(|| {
        let all = scene.json("dana", &["findings", "--zone", "shop.example"]);
        let all = all.as_array().expect("a list").clone();
        all.iter().find(|one| one["kind"] == "caa-shadow-edit").map(id)
    });
    let words = ["finding", "revert", &finding, "--reason", "nobody decided that"];
    let change = scene.json("dana", &words);
    assert_eq!(change["state"], "refused", "{change:#}");
    let says = format!("{} does NOT answer", scene.third.address());
    assert!(change.to_string().contains(&says), "`{says}` is not in {change:#}");
    scene.third.follow_again();
    let change = until(|| {
        let change = scene.json("dana", &words);
        (change["state"] == "awaiting-approval").then(|| id(&change))
    });
    scene.cli("pia", &["change", "approve", &change]).expect_success();
    scene.becomes(&change, "closed");
    scene.comes_to(&[]);
}

/// TRW-2: whoever asked for a change does not say alone that it came out well.
#[test]
fn trw_2_the_requester_of_a_change_that_nobody_knows_the_end_of_does_not_resolve_it() {
    let scene = Scene::start();
    scene.hand_in_the_key();
    let folder = Folder::new("intent");
    let intent = "service = \"shop-web\"\npropagation_within_seconds = 4\n\n[[records]]\n\
        name = \"www.shop.example\"\ntype = \"A\"\nttl_seconds = 1\nvalues = [\"127.0.0.2\"]\n";
    let file = folder.write("intent.toml", intent).to_string_lossy().into_owned();
    let asked = scene.json("sam", &["change", "request", "--file", &file, "--reason", "a move"]);
    let change = id(&asked);
    assert_eq!(asked["state"], "awaiting-approval", "{asked:#}");
    // One server never follows, and somebody edits what the change wrote: it cannot be taken back.
    scene.third.lose_its_key();
    scene.cli("sue", &["change", "approve", &change]).expect_success();
    let began = Instant::now();
    while dig::ask(scene.primary.address(), "www.shop.example", "A")
        .is_none_or(|answer| answer.data("A") != ["127.0.0.2"])
    {
        assert!(began.elapsed() < PATIENCE, "{:#}", scene.state(&change));
        std::thread::sleep(Duration::from_millis(50));
    }
    let edit = "add www.shop.example. 1 A 127.0.0.9";
    scene.primary.update("shop.example", edit).expect_success();
    let unknown = scene.becomes(&change, "unknown");
    let outcome = unknown["outcome"].as_str().expect("what is known").to_owned();
    let person = outcome.split(' ').next().expect("a person is named").to_owned();
    assert_ne!(person, "sam", "{outcome}");
    let resolve = |person: &str| {
        scene.cli(person, &["change", "resolve", &change, "--note", "I looked, and mended it"])
    };
    refused(&resolve("sam"), "asked for this change");
    assert_eq!(scene.state(&change)["state"], "unknown");
    resolve(&person).expect_success();
    assert_eq!(scene.state(&change)["state"], "rolled-back");
}

/// Both ways to end a finding, on the page of the lab.
#[test]
fn caa_6_the_page_of_a_finding_asks_for_either_way_to_end_it() {
    let gate = Gate::start_with(&["--watch-seconds", "1"]);
    let cli = |person: &str, words: &[&str]| gate.cli_as(person, words).expect_success().stdout;
    let json = |person: &str, words: &[&str]| -> Value {
        serde_json::from_str(&cli(person, &[words, &["--json"]].concat())).expect("JSON")
    };
    let found =
        || until(|| json("dana", &["findings"]).as_array().expect("a list").first().map(id));
    let over = |finding: &str| {
        until(|| {
            let one = json("dana", &["finding", "show", finding]);
            (one["closed_by"] == "its cause ended").then_some(())
        });
    };
    let mut chromium = Chromium::start();
    chromium.open(link(&gate.server, "dana"));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
    for (form, button, people) in [
        ("revert", "Ask to put it back", &["pia"][..]),
        ("adopt", "Ask to adopt it", &["pia", "sol"]),
    ] {
        let edit = "shop.example. CAA 0 issue \"other.example\"";
        cli("dana", &["lab", "edit-zone", "shop.example", edit]);
        let finding = found();
        chromium.open(&format!("{}/findings/{finding}", gate.server.https()));
        let text = chromium.text();
        for says in ["Two ways to end it", "Ask to adopt it", button, "somebody else approves it"] {
            assert!(text.contains(says), "it does not say `{says}`: {text}");
        }
        chromium.screenshot(&gate.server.data().join(format!("finding-{form}.png")));
        let at = format!("form[action$='/{form}']");
        chromium.evaluate(&format!(
            "document.querySelector(\"{at} input[name=reason]\").value = 'nobody decided that'"
        ));
        chromium.click(&format!("{at} button"));
        chromium.wait_until("document.querySelector('#change')");
        let path = chromium.evaluate("location.pathname").as_str().expect("text").to_owned();
        let change = path.rsplit('/').next().expect("an id").to_owned();
        chromium.screenshot(&gate.server.data().join(format!("change-{form}.png")));
        refused(&gate.cli_as("dana", &["change", "approve", &change]), "independent");
        // Whoever comes to the finding meanwhile sees the change that puts the set back.
        chromium.open(&format!("{}/findings/{finding}", gate.server.https()));
        let says = chromium.text().contains("A change that writes this set is under way");
        assert_eq!(says, form == "revert", "{}", chromium.text());
        for person in people {
            if json("ada", &["change", "show", &change])["state"] == "awaiting-approval" {
                gate.cli_as(person, &["change", "approve", &change]).expect_success();
            }
        }
        over(&finding);
        let began = Instant::now();
        while json("ada", &["change", "show", &change])["state"] != "closed" {
            let shown = cli("ada", &["change", "show", &change]);
            assert!(began.elapsed() < PATIENCE, "{shown}\n{}", gate.server.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}
