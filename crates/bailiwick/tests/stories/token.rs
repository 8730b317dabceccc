//! CA keys in a PKCS#11 token: SoftHSM signs what lego asks for, before and after a restart, and no
//! file holds a key.

use super::acme_gate::{Gate, Remembers, certificate_text};
use crate::harness::bailiwick;
use crate::harness::lego::Lego;
use crate::harness::place::Folder;
use crate::harness::process;
use crate::harness::programs;

const PIN: &str = "canary-pin-161803";

/// A token of its own, in files.
struct SoftHsm {
    folder: Folder,
}

impl SoftHsm {
    fn new() -> Self {
        let folder = Folder::new("softhsm");
        let tokens = folder.folder("tokens");
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        folder.write("softhsm2.conf", &text);
        folder.write("pin", &format!("{PIN}\n"));
        let hsm = Self { folder };
        let mut made = process::bounded(&programs::find("softhsm2-util"), process::PATIENCE);
        made.env("SOFTHSM2_CONF", hsm.conf()).args(["--init-token", "--free", "--label", "house"]);
        process::run({
            made.args(["--pin", PIN, "--so-pin", "31415926"]);
            made
        })
        .expect_success();
        hsm
    }

    fn conf(&self) -> String {
        self.folder.file("softhsm2.conf").display().to_string()
    }

    fn pin_file(&self) -> String {
        self.folder.file("pin").display().to_string()
    }
}

fn in_a_token(text: &str) -> String {
    text.replace(
        "kind = \"built-in\"",
        "kind = \"built-in\"\nkey = \"ecdsa-p384\"\nkey_home = \"pkcs11\"",
    )
}

#[test]
fn a_token_signs_what_clients_ask_for_and_no_file_holds_a_key() {
    let hsm = SoftHsm::new();
    let (conf, pin_file) = (hsm.conf(), hsm.pin_file());
    let module = programs::softhsm_module().display().to_string();
    let mut args = vec!["--pkcs11-module", &module, "--pkcs11-token", "house"];
    args.extend(["--pkcs11-pin-file", &pin_file]);
    let env = [("SOFTHSM2_CONF", conf.as_str())];
    let mut gate = Gate::with_estate_in(Remembers::InSqlite, &in_a_token, &[], (&args, &env));
    let lego = Lego::new(&gate.acme_for_the_shop());
    lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
    let text = certificate_text(&lego.chain(Gate::NAME));
    assert!(text.contains("Signature Algorithm: ecdsa-with-SHA384"), "{text}");

    assert_eq!(files_of_the_ca(&gate), ["complete", "intermediate.pem", "root.pem"]);

    gate.server.kill9();
    gate.server.restart();
    lego.renew(&[Gate::NAME], gate.http01()).expect_success();
    lego.revoke(Gate::NAME, 4).expect_success();

    the_next_key_is_of_the_token_too(&mut gate, &lego);
    assert!(!gate.server.log().contains(PIN), "{}", gate.server.log());
}

fn files_of_the_ca(gate: &Gate) -> Vec<std::ffi::OsString> {
    let folder = gate.server.data().join("ca/house");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("the CA has a folder")
        .map(|entry| entry.expect("it can be read").file_name())
        .collect();
    names.sort();
    names
}

/// Rotates the CA: the key of its next generation is made in the token, signs through a kill, and what
/// the key before it signed can still be revoked.
fn the_next_key_is_of_the_token_too(gate: &mut Gate, lego: &Lego) {
    let of_the_first = |gate: &Gate| {
        lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
        certificate_text(&lego.chain(Gate::NAME))
    };
    assert!(of_the_first(gate).contains("/issuer/house.cer"), "by the first generation");
    let words = ["issuer", "rotate", "house", "--reason", "a year has passed", "--json"];
    let asked = gate.cli_as("pia", &words).expect_success().stdout;
    let asked: serde_json::Value = serde_json::from_str(&asked).expect("--json prints JSON");
    let change = asked["change"]["id"].as_str().expect("there is a change").to_owned();
    let approve = ["change", "approve", &change, "--comment", "agreed"];
    gate.cli_as("sol", &approve).expect_success();
    lego.revoke(Gate::NAME, 4).expect_success();

    for _ in ["as it stands", "after a kill"] {
        lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
        let text = certificate_text(&lego.chain(Gate::NAME));
        assert!(text.contains("/issuer/house/g2.cer"), "{text}");
        assert!(text.contains("Signature Algorithm: ecdsa-with-SHA384"), "{text}");
        let mut verify = process::bounded(&programs::find("openssl"), process::PATIENCE);
        let root = gate.server.data().join("ca/house/root.pem");
        verify.args(["verify", "-CAfile"]).arg(root).arg("-untrusted").arg(lego.chain(Gate::NAME));
        verify.arg(lego.chain(Gate::NAME));
        process::run(verify).expect_success();
        lego.revoke(Gate::NAME, 4).expect_success();
        gate.server.kill9();
        gate.server.restart();
    }
    let files = files_of_the_ca(gate);
    let of_keys = |name: &&std::ffi::OsString| name.to_string_lossy().contains("key");
    assert_eq!(files.iter().find(of_keys), None, "no file holds a key: {files:?}");
}

#[test]
fn without_its_token_the_server_does_not_start_and_says_what_is_missing() {
    let estate = Folder::new("estate");
    let lab = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    super::acme_gate::copy(&lab, estate.path(), &in_a_token);
    let data = Folder::new("data");
    let (estate, data) = (estate.path().display().to_string(), data.path().display().to_string());
    let refused = |more: &[&str]| {
        let up = ["up", "--lab", "--estate", &estate, "--data", &data, "--listen", "127.0.0.1:0"];
        let rest = ["--listen-http", "127.0.0.1:0", "--lab-dns", "127.0.0.1:0"];
        let ran = bailiwick::bailiwick(&[&up[..], &rest, more].concat());
        assert_eq!(ran.code, Some(3), "{}", ran.output());
        ran.stderr
    };
    let none = refused(&[]);
    let wanted = "--pkcs11-module: the estate keeps the keys of issuer `house` in a pkcs#11 token; \
                  give the shared library of its maker";
    assert!(none.contains(wanted), "{none}");
    let module = programs::softhsm_module().display().to_string();
    let no_pin = refused(&["--pkcs11-module", &module, "--pkcs11-token", "house"]);
    assert!(no_pin.contains("--pkcs11-pin-file: there is no pin"), "{no_pin}");
}
