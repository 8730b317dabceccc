//! Rotation of the issuing CA: under the load of a client, through a kill, and back again. What was
//! issued verifies and can be revoked all the while, and OpenSSL is the judge.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::acme_gate::{Gate, certificate_text, copy, csr, today};
use super::acme_jws::{Account, Client};
use super::acme_orders::{Web, place, until, validate};
use crate::harness::bailiwick::bailiwick;
use crate::harness::lego::Lego;
use crate::harness::place::Folder;
use crate::harness::process::{self, Ran};
use crate::harness::programs;

/// A gate whose shop orders for itself, without a client program.
struct Scene {
    gate: Gate,
    client: Client,
    account: Account,
    folder: Folder,
}

impl Scene {
    /// With the web server that shows control, which listens as long as it is kept.
    fn new() -> (Self, Web) {
        let gate = Gate::start();
        let client = Client::of(&gate.acme());
        let web = Web::start(gate.http01_port());
        let account = client.register(&gate.credential(), json!({}));
        let scene = Self { gate, client, account, folder: Folder::new("rotation") };
        let first = place(&scene.client, &scene.account, Gate::NAME);
        validate(&scene.client, &scene.account, &web, &first);
        (scene, web)
    }

    /// One certificate with its chain, PEM. Control was shown, so that nobody looks again.
    fn order(&self) -> String {
        let placed = place_ready(&self.client, &self.account);
        let csr = json!({"csr": super::acme_jws::base64url(csr(&[Gate::NAME]))});
        self.account.post(&self.client, &placed.1, &csr).expect(200);
        let valid = until(&self.client, &self.account, &placed.0, &["valid", "invalid"]);
        assert_eq!(valid.member("/status"), "valid", "{}", valid.text);
        self.account.get(&self.client, &valid.member("/certificate")).expect(200).text
    }

    fn kept(&self, name: &str, pem: &str) -> PathBuf {
        self.folder.write(name, pem)
    }

    fn ca(&self, file: &str) -> PathBuf {
        self.gate.server.data().join("ca/house").join(file)
    }

    /// The certificate of a generation, as its certificates say where to fetch it.
    fn issuer(&self, generation: u8) -> PathBuf {
        let url = match generation {
            1 => format!("{}/issuer/house.cer", self.gate.server.http()),
            later => format!("{}/issuer/house/g{later}.cer", self.gate.server.http()),
        };
        let (der, pem) = (self.fetch(&url), self.folder.file(&format!("g{generation}.pem")));
        let mut command = openssl();
        command.args(["x509", "-inform", "DER", "-in"]).arg(der).arg("-out").arg(&pem);
        process::run(command).expect_success();
        pem
    }

    fn fetch(&self, url: &str) -> PathBuf {
        let file = self.folder.file("fetched.der");
        let mut command = process::bounded(&programs::find("curl"), Duration::from_secs(10));
        command.args(["-sS", "--fail", "-o"]).arg(&file).arg(url);
        process::run(command).expect_success();
        file
    }

    /// Whether OpenSSL takes the chain down to the root, its own CRL considered.
    fn verify(&self, chain: &Path, generation: u8) -> Ran {
        let url = match generation {
            1 => format!("{}/crl/house.crl", self.gate.server.http()),
            later => format!("{}/crl/house/g{later}.crl", self.gate.server.http()),
        };
        let (der, crl) = (self.fetch(&url), self.folder.file("house.crl"));
        let mut command = openssl();
        command.args(["crl", "-inform", "DER", "-in"]).arg(der).arg("-out").arg(&crl);
        process::run(command).expect_success();
        let mut command = openssl();
        command.args(["verify", "-crl_check", "-CRLfile"]).arg(&crl);
        command.arg("-CAfile").arg(self.ca("root.pem")).arg("-untrusted").arg(chain).arg(chain);
        process::run(command)
    }

    /// What the responder says about a certificate.
    fn ocsp(&self, chain: &Path, generation: u8) -> String {
        let mut command = openssl();
        command.arg("ocsp").arg("-issuer").arg(self.issuer(generation));
        command.arg("-CAfile").arg(self.ca("root.pem")).arg("-cert").arg(chain);
        command.args(["-url", &format!("{}/ocsp/house", self.gate.server.http())]);
        let said = process::run(command).expect_success().output();
        assert!(said.contains("Response verify OK"), "{said}");
        said
    }

    /// Asks for a rotation as the PKI team, and gives its change.
    fn ask(&self, more: &[&str]) -> String {
        let words = ["issuer", "rotate", "house", "--reason", "a year has passed", "--json"];
        let ran = self.gate.cli_as("pia", &[&words[..], more].concat()).expect_success();
        let said: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
        said["change"]["id"].as_str().expect("there is a change").to_owned()
    }

    fn approve(&self, change: &str) -> Ran {
        self.gate.cli_as("sol", &["change", "approve", change, "--comment", "agreed"])
    }

    fn issuing(&self) -> u64 {
        let ran = self.gate.cli_as("ada", &["issuer", "show", "house", "--json"]).expect_success();
        let said: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
        said["generation"].as_u64().expect("a number")
    }
}

fn openssl() -> std::process::Command {
    process::bounded(&programs::find("openssl"), Duration::from_secs(10))
}

/// Order and finalize URL of an order that is ready at once.
fn place_ready(client: &Client, account: &Account) -> (String, String) {
    let placed = account.order(client, &[Gate::NAME]).expect(201);
    assert_eq!(placed.member("/status"), "ready", "{}", placed.text);
    (placed.location(), placed.member("/finalize"))
}

/// The first octet of the serial: the generation that answers for the certificate.
fn generation(chain: &Path) -> u8 {
    let mut command = openssl();
    command.args(["x509", "-noout", "-serial", "-in"]).arg(chain);
    let said = process::run(command).expect_success().stdout;
    let digits = said.trim().trim_start_matches("serial=").to_owned();
    assert_eq!(digits.len(), 34, "17 octets: {said}");
    u8::from_str_radix(digits.get(..2).expect("17 octets"), 16).expect("hexadecimal")
}

/// Rotates while a client orders without a pause; gives the last certificate that it got.
fn under_load(scene: &Scene, change: &str) -> PathBuf {
    let stop = AtomicBool::new(false);
    let issued: Vec<String> = std::thread::scope(|threads| {
        let load = threads.spawn(|| {
            let mut all = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                all.push(scene.order());
            }
            all.extend((0..3).map(|_| scene.order()));
            all
        });
        std::thread::sleep(Duration::from_millis(500));
        scene.approve(change).expect_success();
        stop.store(true, Ordering::SeqCst);
        load.join().expect("no order failed")
    });
    assert_eq!(scene.issuing(), 2);
    let files: Vec<PathBuf> = issued
        .iter()
        .enumerate()
        .map(|(n, pem)| scene.kept(&format!("load-{n}.pem"), pem))
        .collect();
    let generations: Vec<u8> = files.iter().map(|file| generation(file)).collect();
    assert!(generations.is_sorted(), "never back: {generations:?}");
    assert!(generations.contains(&1) && generations.ends_with(&[2, 2, 2]), "{generations:?}");
    for (file, generation) in files.iter().zip(&generations) {
        scene.verify(file, *generation).expect_success();
    }
    let last = files.last().expect("there is one").clone();
    let text = certificate_text(&last);
    for place in ["/issuer/house/g2.cer", "/crl/house/g2-4-", "/ocsp/house"] {
        assert!(text.contains(place), "{place}: {text}");
    }
    last
}

/// Rotates once more and is killed meanwhile: it is done once, by whoever comes next. Gives a
/// certificate of the third generation.
fn through_a_kill(scene: &mut Scene, last: &Path) -> PathBuf {
    let change = scene.ask(&[]);
    let https = scene.gate.server.https().to_owned();
    let (data, id) = (scene.gate.server.data().display().to_string(), change.clone());
    let approving = std::thread::spawn(move || {
        let words = ["change", "approve", &id, "--comment", "agreed"];
        let here = ["--server", &https, "--data", &data, "--as", "sol"];
        bailiwick(&[&words[..], &here].concat()).code
    });
    std::thread::sleep(Duration::from_millis(60));
    scene.gate.server.kill9();
    // Whether it was heard is not known: that is the point.
    let _heard = approving.join();
    scene.gate.server.restart();
    scene.client = Client::of(&scene.gate.acme());
    let end = Instant::now() + process::PATIENCE;
    while scene.issuing() != 3 {
        // Killed before the approval was stored: then it is given again.
        drop(scene.approve(&change));
        assert!(Instant::now() < end, "never in generation 3");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(!scene.ca("intermediate-4.pem").exists(), "certified once");
    let third = scene.kept("third.pem", &scene.order());
    assert_eq!(generation(&third), 3);
    scene.verify(&third, 3).expect_success();
    scene.verify(last, 2).expect_success();
    third
}

#[test]
fn the_issuing_ca_is_rotated_under_load_through_a_kill_and_back() {
    let (mut scene, _web) = Scene::new();
    let first = scene.kept("first.pem", &scene.order());
    assert_eq!(generation(&first), 1);
    let change = scene.ask(&[]);
    // The requester cannot approve, and a second wish waits for the first.
    let own = scene.gate.cli_as("pia", &["change", "approve", &change]);
    assert_ne!(own.code, Some(0), "{}", own.output());
    let second = scene.gate.cli_as("pia", &["issuer", "rotate", "house", "--reason", "again"]);
    assert!(second.output().contains(&change), "{}", second.output());

    let last = under_load(&scene, &change);
    // The one of the first generation is revoked where that answers, and nowhere else.
    let path = first.to_string_lossy().into_owned();
    let why = ["--reason", "superseded", "--why", "a test"];
    let words = [&["certificate", "revoke", &path][..], &why].concat();
    scene.gate.cli(&words).expect_success();
    let refused = scene.verify(&first, 1);
    assert!(refused.output().contains("certificate revoked"), "{}", refused.output());
    scene.verify(&last, 2).expect_success();
    assert!(scene.ocsp(&first, 1).contains(": revoked"));
    assert!(scene.ocsp(&last, 2).contains(": good"));

    let third = through_a_kill(&mut scene, &last);
    // Back to the second, which is there still.
    let change = scene.ask(&["--to", "2"]);
    scene.approve(&change).expect_success();
    assert_eq!(scene.issuing(), 2);
    let back = scene.kept("back.pem", &scene.order());
    assert_eq!(generation(&back), 2);
    scene.verify(&back, 2).expect_success();
    scene.verify(&third, 3).expect_success();
    let shown = scene.gate.cli_as("ada", &["issuer", "show", "house"]).expect_success().stdout;
    for word in ["generation 2 issues", "generation 3  answers", "generation 1  answers"] {
        assert!(shown.contains(word), "`{word}` is not in {shown}");
    }

    scene.gate.server.stop();
    let data = scene.gate.server.data().to_string_lossy().into_owned();
    for check in ["verify", "fsck"] {
        bailiwick(&["ledger", check, "--data", &data]).expect_success();
    }
}

/// The root is elsewhere: a request is carried to it, and its answer brought back to a running server.
#[test]
fn a_root_elsewhere_certifies_the_next_generation() {
    let (offline, server) = (Folder::new("offline"), Folder::new("server"));
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    copy(&lab, &server.file("estate"), &|text| {
        text.replace("verified = 2026-11-01", &format!("verified = {}", today()))
    });
    let root = offline.file("root").display().to_string();
    let at = |file: &str| server.file(file).display().to_string();
    let (data, estate, request, signed) =
        (at("data"), at("estate"), at("house.csr"), at("house.pem"));
    let beside = |action: &str, more: &[&str]| {
        let first = ["ceremony", action, "--data", &data, "--estate", &estate, "--issuer", "house"];
        bailiwick(&[&first[..], more].concat()).expect_success()
    };
    let sign = |request: &str, signed: &str, key: &str| {
        let words = ["ceremony", "sign", "--dir", &root, "--request", request, "--confirm", key];
        bailiwick(&[&words[..], &["--out", signed]].concat()).expect_success();
    };
    let key = |said: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with("key "));
        let line = line.unwrap_or_else(|| panic!("no key in {said}"));
        line.split_whitespace().last().expect("a word").to_owned()
    };
    bailiwick(&["ceremony", "root", "--dir", &root, "--organisation", "Kaufhaus Beispiel"])
        .expect_success();
    let said = beside("request", &["--out", &request]).stdout;
    sign(&request, &signed, &key(&said));
    beside("install", &["--root", &format!("{root}/root.pem"), "--intermediate", &signed]);

    let next = at("next.csr");
    let gate = Gate::start_on(server, &[], &[]);
    let rotate = ["issuer", "rotate", "house", "--reason", "five years are over"];
    let said = gate.cli_as("pia", &[&rotate[..], &["--out", &next]].concat()).expect_success();
    assert!(said.stdout.contains("The root's key is not on the server"), "{}", said.stdout);
    // The certificate of the first generation is for another key.
    let brought =
        |file: &str| gate.cli_as("pia", &[&rotate[..], &["--certificate", file]].concat());
    let other = brought(&signed);
    assert!(other.output().contains("another key"), "{}", other.output());
    let certificate = offline.file("next.pem").display().to_string();
    sign(&next, &certificate, &key(&said.stdout));
    let asked = brought(&certificate).expect_success().stdout;
    assert!(asked.contains("awaiting-approval"), "{asked}");
    let list = ["change", "list", "--state", "awaiting-approval", "--ids"];
    let change = gate.cli_as("sol", &list).expect_success().stdout.trim().to_owned();
    gate.cli_as("sol", &["change", "approve", &change, "--comment", "compared"]).expect_success();

    let lego = Lego::new(&gate.acme_for_the_shop());
    lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
    let chain = lego.chain(Gate::NAME);
    assert_eq!(generation(&chain), 2);
    let mut command = openssl();
    command.args(["verify", "-CAfile"]).arg(format!("{root}/root.pem"));
    command.arg("-untrusted").arg(&chain).arg(&chain);
    process::run(command).expect_success();
    assert!(!Path::new(&data).join("ca/house/root.sealed").exists(), "the root was never here");
}
