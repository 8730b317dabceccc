//! A root that never touches the server: made elsewhere, it signs the server's request, and lego gets a
//! certificate whose chain leads to it.

use std::path::Path;

use super::acme_gate::{Gate, copy, today};
use crate::harness::bailiwick::bailiwick;
use crate::harness::lego::Lego;
use crate::harness::place::Folder;
use crate::harness::process::{self, Ran};
use crate::harness::programs;

/// The places of a ceremony: the offline machine, and the server's folders.
struct Places {
    offline: Folder,
    server: Folder,
}

impl Places {
    fn new() -> Self {
        let places = Self { offline: Folder::new("offline"), server: Folder::new("server") };
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
        copy(&lab, &places.server.file("estate"), &|text| {
            let named = "kind = \"built-in\"\nname_constraints = [\"shop.example\"]";
            text.replace("verified = 2026-11-01", &format!("verified = {}", today()))
                .replace("kind = \"built-in\"", named)
        });
        places
    }

    fn root(&self) -> String {
        self.offline.file("root").display().to_string()
    }

    fn at(&self, file: &str) -> String {
        self.server.file(file).display().to_string()
    }

    /// `bailiwick ceremony ACTION` beside the server.
    fn beside(&self, action: &str, more: &[&str]) -> Ran {
        let (data, estate) = (self.at("data"), self.at("estate"));
        let first = ["ceremony", action, "--data", &data, "--estate", &estate, "--issuer", "house"];
        bailiwick(&[&first[..], more].concat())
    }

    fn sign(&self, more: &[&str]) -> Ran {
        let (root, request) = (self.root(), self.at("house.csr"));
        let out = self.at("house.pem");
        let first = ["ceremony", "sign", "--dir", &root, "--request", &request, "--out", &out];
        bailiwick(&[&first[..], more].concat())
    }

    fn install(&self) -> Ran {
        let (root, signed) = (format!("{}/root.pem", self.root()), self.at("house.pem"));
        self.beside("install", &["--root", &root, "--intermediate", &signed])
    }
}

/// The word behind a label in what a command said.
fn told(said: &str, label: &str) -> String {
    let line = said.lines().find(|line| line.trim_start().starts_with(label));
    let line = line.unwrap_or_else(|| panic!("no `{label}` in {said}"));
    line.split_whitespace().last().expect("a line with a label has a word").to_owned()
}

#[test]
fn a_root_that_was_never_here_signs_the_server_s_request_and_clients_chains_lead_to_it() {
    let places = Places::new();
    let root = places.root();
    let made = ["ceremony", "root", "--dir", &root, "--organisation", "Kaufhaus Beispiel"];
    let said = bailiwick(&made).expect_success().stdout;
    let again = bailiwick(&made).expect_success().stdout;
    assert_eq!(told(&said, "fingerprint"), told(&again, "fingerprint"), "made once");

    let request = places.at("house.csr");
    let said = places.beside("request", &["--out", &request]).expect_success().stdout;
    let key = told(&said, "key");

    // Until the answer is there the server does not start, and makes no root of its own.
    let (data, estate) = (places.at("data"), places.at("estate"));
    let up = ["up", "--lab", "--data", &data, "--estate", &estate, "--listen", "127.0.0.1:0"];
    let rest = ["--listen-http", "127.0.0.1:0", "--lab-dns", "127.0.0.1:0"];
    let waits = bailiwick(&[&up[..], &rest].concat());
    assert_eq!(waits.code, Some(3), "{}", waits.output());
    assert!(waits.stderr.contains("issuer `house` waits for its certificate"), "{}", waits.stderr);

    // Nobody signs what was not compared.
    let refused = places.sign(&["--permit", "shop.example"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains(&format!("add `--confirm {key}`")), "{}", refused.stderr);
    assert!(!Path::new(&places.at("house.pem")).exists());

    // Signed for other names than the estate says: not taken.
    places.sign(&["--permit", "pay.example", "--confirm", &key]).expect_success();
    let other = places.install();
    assert_eq!(other.code, Some(3));
    let wanted = "the certificate permits `pay.example`, and the estate says `shop.example`";
    assert!(other.stderr.contains(wanted), "{}", other.stderr);

    places.sign(&["--permit", "shop.example", "--confirm", &key]).expect_success();
    places.install().expect_success();
    places.install().expect_success();

    let Places { offline: _offline, server } = places;
    let gate = Gate::start_on(server, &[], &[]);
    let lego = Lego::new(&gate.acme_for_the_shop());
    lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
    let mut verified = process::bounded(&programs::find("openssl"), process::PATIENCE);
    verified.args(["verify", "-CAfile"]).arg(format!("{root}/root.pem")).arg("-untrusted");
    let chain = lego.chain(Gate::NAME);
    verified.arg(&chain).arg(&chain);
    process::run(verified).expect_success();
    let sealed = Path::new(&data).join("ca/house/root.sealed");
    assert!(!sealed.exists(), "the root's key was never here");
}
