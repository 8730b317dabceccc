//! A joint change whose certificate comes from a public CA (Pebble): ordered by the plan, with challenge
//! records in the zone that the plan edits; on the way back it is revoked there. And a key that never
//! comes to Bailiwick (TRW-1, TRW-5, REN-9).

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::scene::{NAME, Scene, Wanted};
use super::servers::Kind;
use crate::harness::pebble::Pebble;
use crate::harness::place::Folder;
use crate::harness::{dig, process, programs};
use crate::stories::acme_gate::certificate_text;

/// The certificate that a change issued, as PEM.
fn issued(scene: &Scene, change: &Value) -> String {
    let id = change["id"].as_str().expect("an id");
    let all = scene.cli("sam", &["certificate", "list", "--json"]).expect_success().stdout;
    let all: Value = serde_json::from_str(&all).expect("JSON");
    let items = all["items"].as_array().expect("items");
    let one = items.iter().find(|one| one["change"] == id).expect("it issued one");
    let fingerprint = one["fingerprint"].as_str().expect("a fingerprint");
    scene.cli("sam", &["certificate", "fetch", fingerprint]).expect_success().stdout
}

fn openssl(words: &[&str]) {
    let mut command = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
    command.args(words);
    process::run(command).expect_success();
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn no_challenge_is_left(scene: &Scene) {
    // The change is over before secondaries have heard that its record went.
    let end = Instant::now() + process::PATIENCE;
    for at in scene.servers.addresses() {
        loop {
            let left = dig::ask(at, &format!("_acme-challenge.{NAME}"), "TXT").expect("an answer");
            let left = left.data("TXT");
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < end, "{at} still shows {left:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn trw_1_the_certificate_of_a_public_ca_comes_and_goes_with_the_records() {
    let (mut scene, pebble) = Scene::with_public_ca(Kind::Bind);
    moved(&scene);
    turned_back(&scene, &pebble);
    keeps_its_key(&scene);
    scene.is_sound();
}

/// Challenge records go through whatever door the zone has.
#[test]
fn trw_1_the_same_in_a_zone_of_powerdns() {
    let (mut scene, pebble) = Scene::with_public_ca(Kind::PowerDns);
    moved(&scene);
    turned_back(&scene, &pebble);
    scene.is_sound();
}

fn moved(scene: &Scene) {
    let move_it =
        Wanted { issuer: "public", deploy: &["lb2"], at: Some("127.0.0.2"), retire: Some("house") };
    let plan = scene.cli("sam", &["change", "plan", "--file", &scene.intent(&move_it)]);
    let plan = plan.expect_success().stdout;
    assert!(plan.contains("holds ca-ready: account https://"), "{plan}");
    let moved = scene.carried_out(&move_it);
    assert_eq!(moved["state"], "closed", "{moved:#}\n{}", scene.log());
    let served = scene.file("lb2").expect("lb2 has a chain");
    assert!(served.matches("BEGIN CERTIFICATE").count() >= 2, "with its intermediate: {served}");
    assert_eq!(scene.records()["CAA"], ["0 issue \"public.example\""]);
    assert_eq!(scene.records()["A"], ["127.0.0.2"]);
    no_challenge_is_left(scene);
}

/// With an endpoint broken everything is as before, and the CA itself has revoked what nobody serves.
fn turned_back(scene: &Scene, pebble: &Pebble) {
    let before = (scene.records(), scene.file("lb2"));
    scene.breaks("lb4");
    let broken = Wanted { issuer: "public", deploy: &["lb2", "lb4"], at: None, retire: None };
    let back = scene.carried_out(&broken);
    assert_eq!(back["state"], "rolled-back", "{back:#}\n{}", scene.log());
    assert_eq!((scene.records(), scene.file("lb2")), before);
    no_challenge_is_left(scene);
    let folder = Folder::new("unwanted");
    let unwanted = folder.write("cert.pem", &issued(scene, &back));
    assert!(certificate_text(&unwanted).contains("Pebble Intermediate CA"));
    assert!(pebble.has_revoked(&unwanted), "Pebble says that it is not revoked");
}

/// A request of somebody who keeps the key: its certificate has that key, and nothing here ever had it.
fn keeps_its_key(scene: &Scene) {
    let folder = Folder::new("requester");
    let (key, csr) = (text(&folder.file("key.pem")), text(&folder.file("csr.pem")));
    openssl(&[
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/",
        "-addext",
        &format!("subjectAltName=DNS:{NAME}"),
        "-keyout",
        &key,
        "-out",
        &csr,
    ]);
    let wanted = Wanted { issuer: "public", deploy: &["lb2"], at: None, retire: None };
    let file = scene.intent(&wanted);
    let words = ["change", "plan", "--file", &file, "--csr", &csr];
    let refused = scene.cli("sam", &words);
    assert_ne!(refused.code, Some(0));
    assert!(refused.output().contains("place `lb2` needs the private key"), "{}", refused.output());
    // Nobody serves it yet: the requester puts it where it belongs.
    let intent = std::fs::read_to_string(&file).expect("text");
    let intent: Vec<&str> = intent
        .lines()
        .filter(|line| {
            !["deploy", "endpoints", "tlsa_ports"].iter().any(|key| line.starts_with(key))
        })
        .collect();
    let file = text(&folder.write("intent.toml", &intent.join("\n")));
    let id = scene.approved_with(&file, &["--csr", &csr]);
    let ended = scene.ended(&id);
    assert_eq!(ended["state"], "closed", "{ended:#}\n{}", scene.log());
    let certificate = text(&folder.write("cert.pem", &issued(scene, &ended)));
    let (of_key, of_certificate) = (text(&folder.file("a")), text(&folder.file("b")));
    openssl(&["pkey", "-in", &key, "-pubout", "-out", &of_key]);
    openssl(&["x509", "-in", &certificate, "-noout", "-pubkey", "-out", &of_certificate]);
    let read = |path: &str| std::fs::read_to_string(path).expect("a public key");
    assert_eq!(read(&of_key), read(&of_certificate));
}
