//! Records and certificate as one change, on real servers: BIND, Knot and PowerDNS, each with two
//! secondaries, TLS endpoints that read files, two issuers (TRW-1, TRW-3, TRW-4, TRW-5, REN-9).

mod client;
mod endpoint;
mod kills;
mod mail;
mod public_ca;
mod scene;
mod secondaries;
mod servers;

use std::collections::BTreeMap;

use serde_json::Value;

use self::scene::{Scene, Wanted};
use self::servers::Kind;
use crate::harness::chromium::Chromium;

/// The parts of a change that a reader of the page looks for.
fn kinds(change: &Value) -> Vec<String> {
    let steps = change["steps"].as_array().expect("a plan has steps");
    steps.iter().map(|step| step["kind"].as_str().unwrap_or("").to_owned()).collect()
}

/// A first certificate of the house CA, and TLSA introduced with it.
fn begun(kind: Kind) -> Scene {
    let scene = Scene::start(kind);
    let first = Wanted { issuer: "house", deploy: &["lb1"], at: None, retire: None };
    let first = scene.carried_out(&first);
    assert_eq!(first["state"], "closed", "{first:#}\n{}", scene.log());
    scene.everybody_shows("TLSA", "_443._tcp.www.shop.example", 1);
    scene
}

/// Another load balancer, another CA, CAA and TLSA included.
const MOVE_IT: Wanted<'static> = Wanted {
    issuer: "annex",
    deploy: &["lb2", "lb3"],
    at: Some("127.0.0.2"),
    retire: Some("house"),
};

fn id(change: &Value) -> String {
    change["id"].as_str().expect("an id").to_owned()
}

#[test]
fn trw_1_a_service_moves_with_records_and_certificate_as_one_change() {
    let mut scene = begun(Kind::Bind);
    // What would be done is shown first, and changes nothing.
    let before = scene.records();
    let plan = scene.cli("sam", &["change", "plan", "--file", &scene.intent(&MOVE_IT)]);
    let plan = plan.expect_success().stdout;
    for said in [
        "Nothing is changed yet",
        "the new key's TLSA stands beside the old",
        "It can be taken back from every step",
        "holds authorities-in-step: zone shop.example",
        "holds caa-permits",
        "holds chain-continuity: browsers trust issuer annex",
    ] {
        assert!(plan.contains(said), "`{said}` is not in:\n{plan}");
    }
    assert_eq!(scene.records(), before, "a plan changes nothing");
    let asked = scene.requested(&scene.intent(&MOVE_IT), &[]);
    rehearsed(&scene, &asked);
    scene.approve(&asked);
    let moved = moved(&scene, &before, scene.ended(&asked));
    scene.nobody_is_blamed("annex.example");
    let back = turned_back(&scene);
    scene.page(&mut Chromium::start(), &[("moved", &id(&moved)), ("rolled-back", &id(&back))]);
    scene.is_sound();
}

#[test]
fn trw_1_the_same_on_knot() {
    let mut scene = begun(Kind::Knot);
    let before = scene.records();
    moved(&scene, &before, scene.carried_out(&MOVE_IT));
    turned_back(&scene);
    scene.is_sound();
}

#[test]
fn trw_1_the_same_on_powerdns() {
    let mut scene = begun(Kind::PowerDns);
    let before = scene.records();
    moved(&scene, &before, scene.carried_out(&MOVE_IT));
    turned_back(&scene);
    scene.is_sound();
}

/// TRW-4: the whole change and its way back on a copy, in seconds, with the real TTLs counted; the zone
/// itself is as it was, and so is every place.
fn rehearsed(scene: &Scene, id: &str) {
    let stands = || (scene.records(), scene.servers.serial("shop.example"), scene.file("lb2"));
    let before = stands();
    let told = scene.cli("sam", &["change", "rehearse", id]).expect_success().stdout;
    eprintln!("{told}");
    for said in [
        "Rehearsal WENT WELL: carried out to its end, and taken back from there to exactly before",
        "there  1  publish-records: 2 sets of shop.example written on their pre-images",
        "there  2  await-propagation: every server shows it, and caches forgot what was (waits 2 s)",
        "there  3  issue-certificate: CAA of the copy lets annex in",
        "there  6  verify-served",
        "back  10  publish-records: 2 sets of shop.example as before",
        "back   3  issue-certificate: revoked",
        "at least 5 s there",
        "note: zone shop.example was copied whole",
    ] {
        assert!(told.contains(said), "`{said}` is not in:\n{told}");
    }
    assert_eq!(stands(), before, "a rehearsal touches nothing");
    let issued = scene.cli("sam", &["certificate", "list", "--json"]).expect_success().stdout;
    assert!(!issued.contains("\"annex\""), "{issued}");
    // What stands in its way shows before anybody approves it.
    let a = |address: &str| {
        format!("update delete www.shop.example. A\nupdate add www.shop.example. 1 A {address}")
    };
    scene.servers.edited("shop.example", &a("127.0.0.9"));
    let wrong = scene.cli("sam", &["change", "rehearse", id]);
    assert_eq!(wrong.code, Some(1), "{}", wrong.output());
    assert!(
        wrong.stdout.contains("WENT WRONG: it turned back: `www.shop.example` A"),
        "{}",
        wrong.stdout
    );
    scene.servers.edited("shop.example", &a("127.0.0.1"));
    assert_eq!(scene.servers.agreed("A", scene::NAME), ["127.0.0.1"]);
    scene.cli("sam", &["change", "rehearse", id]).expect_success();
    let shown = scene.cli("sue", &["change", "show", id]).expect_success().stdout;
    assert!(shown.contains("Rehearsal WENT WELL"), "{shown}");
}

fn moved(scene: &Scene, before: &BTreeMap<&str, Vec<String>>, moved: Value) -> Value {
    assert_eq!(moved["state"], "closed", "{moved:#}\n{}", scene.log());
    assert_eq!(
        kinds(&moved),
        [
            "publish-records",
            "await-propagation",
            "issue-certificate",
            "deploy-certificate",
            "deploy-certificate",
            "verify-served",
            "publish-records",
            "await-propagation",
            "verify-served",
            "publish-records",
            "await-propagation",
        ]
    );
    let new = scene.served("lb2").expect("lb2 serves the new certificate");
    assert_eq!(scene.served("lb3"), Some(new.clone()));
    assert_ne!(scene.served("lb1"), Some(new));
    let after = scene.records();
    assert_eq!(after["A"], ["127.0.0.2"]);
    assert_eq!(after["CAA"], ["0 issue \"annex.example\""]);
    assert_eq!(after["TLSA"].len(), 1);
    assert_ne!(after["TLSA"], before["TLSA"]);
    let lanes = moved["lanes"].as_array().expect("lanes");
    assert!(lanes.iter().any(|look| look["lanes"].as_array().is_some_and(|it| it.len() == 3)));
    moved
}

/// TRW-5: the same again with the second endpoint broken: as before, on one ticket with both
/// directions.
fn turned_back(scene: &Scene) -> Value {
    let after: BTreeMap<&str, Vec<String>> = scene.records();
    let new = scene.served("lb2");
    scene.breaks("lb4");
    let broken = Wanted {
        issuer: "house",
        deploy: &["lb2", "lb4"],
        at: Some("127.0.0.3"),
        retire: Some("annex"),
    };
    let back = scene.carried_out(&broken);
    assert_eq!(back["state"], "rolled-back", "{back:#}\n{}", scene.log());
    assert_eq!(scene.records(), after, "records as before");
    assert_eq!(scene.served("lb2"), new, "served certificate as before");
    assert_eq!(scene.served("lb4"), None, "nothing where nothing was");
    let events: Vec<&str> = back["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    for kind in ["step-done", "step-failed", "undo-started", "undo-done", "step-seen"] {
        assert!(events.contains(&kind), "no {kind} in {events:?}");
    }
    let shown = scene.cli("sam", &["change", "show", &id(&back)]).expect_success().stdout;
    assert!(shown.contains("rolled-back") && shown.contains("lb4"), "{shown}");
    back
}

/// TRW-3: a check that does not hold blocks the change and names whose it is; so does a freeze.
#[test]
fn trw_3_a_failing_check_blocks_and_names_whose_it_is() {
    let scene = Scene::start(Kind::Bind);
    scene.silence_secondary();
    let wanted =
        Wanted { issuer: "mistrusted", deploy: &["lb1"], at: Some("127.0.0.2"), retire: None };
    let file = scene.intent(&wanted);
    let ran = scene.cli("sam", &["change", "plan", "--file", &file]);
    assert_eq!(ran.code, Some(1), "{}", ran.output());
    for said in [
        "FAILS authorities-in-step",
        "dana can mend it",
        "FAILS chain-continuity: browsers would not trust issuer mistrusted",
        "It cannot be asked for: a check fails.",
    ] {
        assert!(ran.stdout.contains(said), "`{said}` is not in:\n{}", ran.stdout);
    }
    let words = ["change", "request", "--file", &file, "--reason", "a test", "--json"];
    let refused: Value = serde_json::from_str(&scene.cli("sam", &words).stdout).expect("JSON");
    assert_eq!(refused["state"], "refused", "{refused:#}");
    assert!(refused["prechecks"].as_array().is_some_and(|all| all.len() > 5), "{refused:#}");
}
