//! Unmodified clients of four more code bases live with the gate: they register with a credential, get, renew and
//! revoke over each way that they speak.

use std::path::Path;

use super::acme_gate::{Gate, Remembers, certificate_text};
use crate::harness::acme::Challenges;
use crate::harness::caddy::Caddy;
use crate::harness::certbot::Certbot;
use crate::harness::dehydrated::Dehydrated;
use crate::harness::uacme::Uacme;

fn check(file: &Path, names: &[&str]) -> String {
    let text = certificate_text(file);
    for name in names {
        assert!(text.contains(&format!("DNS:{name}")), "{name} is not in {text}");
    }
    assert_eq!(text.matches("DNS:").count(), names.len(), "exactly the names: {text}");
    text
}

fn check_revoked(gate: &Gate, file: &Path) {
    let story = gate.cli(&["certificate", "story", &file.to_string_lossy()]);
    assert!(story.output().contains("revoked"), "{story:?}");
}

/// How this account showed control is in the ledger.
fn shown_by(gate: &Gate, before: u64, way: &str) {
    let leaves = gate.ledger_since(before).concat();
    assert!(leaves.contains(way), "`{way}` is not in {leaves}");
}

fn ways<'a>(gate: &'a Gate) -> [(&'static str, Challenges<'a>, &'static [&'static str]); 3] {
    let two: &[&str] = &[Gate::NAME, Gate::OTHER_NAME];
    [
        ("http-01", gate.http01(), two),
        ("tls-alpn-01", Challenges::TlsAlpn01 { port: gate.tls_alpn01_port() }, &[Gate::NAME]),
        ("dns-01", gate.dns01(), &[Gate::NAME, "*.shop.example"]),
    ]
}

#[test]
fn dehydrated_lives_on_every_way() {
    let gate = Gate::with_bind(Remembers::InSqlite);
    for (way, challenges, names) in ways(&gate) {
        let before = gate.ledger_entries();
        let dehydrated = Dehydrated::new(&gate.acme_for_the_shop(), challenges);
        dehydrated.register().expect_success();
        dehydrated.obtain(names).expect_success();
        let first = check(&dehydrated.certificate(), names);
        shown_by(&gate, before, way);
        dehydrated.obtain(names).expect_success();
        assert_ne!(check(&dehydrated.certificate(), names), first, "nothing was renewed by {way}");
        let latest = dehydrated.certificate();
        dehydrated.revoke().expect_success();
        // It files a revoked certificate away under another name.
        let kept = [latest.clone(), latest.with_extension("pem-revoked")];
        check_revoked(&gate, kept.iter().find(|file| file.exists()).expect("it is kept"));
        dehydrated.deactivate().expect_success();
    }
}

#[test]
fn uacme_lives_on_every_way() {
    let gate = Gate::with_bind(Remembers::InPostgres);
    for (way, challenges, names) in ways(&gate) {
        let before = gate.ledger_entries();
        let uacme = Uacme::new(&gate.acme_for_the_shop(), challenges);
        uacme.register().expect_success();
        uacme.obtain(names).expect_success();
        let file = uacme.certificate(names.first().expect("it has a name"));
        let first = check(&file, names);
        shown_by(&gate, before, way);
        uacme.new_key().expect_success();
        uacme.obtain(names).expect_success();
        assert_ne!(check(&file, names), first, "nothing was renewed by {way}");
        let kept = file.with_extension("kept");
        std::fs::copy(&file, &kept).expect("a file can be copied");
        uacme.revoke(names.first().expect("it has a name")).expect_success();
        check_revoked(&gate, &kept);
        uacme.deactivate().expect_success();
    }
}

#[test]
fn caddy_gets_and_renews_its_own() {
    let gate = Gate::start();
    let by_tls = Challenges::TlsAlpn01 { port: gate.tls_alpn01_port() };
    for (way, challenges) in [("http-01", gate.http01()), ("tls-alpn-01", by_tls)] {
        let before = gate.ledger_entries();
        let caddy = Caddy::new(&gate.acme_for_the_shop(), Gate::NAME);
        let first = caddy.run_until_new(challenges, None, false);
        check(&caddy.certificate().expect("there is one"), &[Gate::NAME]);
        shown_by(&gate, before, way);
        let renewed = caddy.run_until_new(challenges, Some(&first), true);
        assert_ne!(renewed, first);
        check(&caddy.certificate().expect("there is one"), &[Gate::NAME]);
    }
}

#[test]
fn a_younger_certbot_renews_when_it_is_told_and_not_before() {
    let gate = Gate::start();
    let certbot = Certbot::young(&gate.acme_for_the_shop());
    certbot.obtain(&[Gate::NAME], gate.http01()).expect_success();
    let file = certbot.certificate(Gate::NAME);
    let first = check(&file, &[Gate::NAME]);
    let early = certbot.renew_what_is_due().expect_success();
    assert!(early.output().contains("not yet due"), "{}", early.output());
    assert_eq!(check(&file, &[Gate::NAME]), first);
    // Revoked here, so the window is over at once: the timer's next run replaces it.
    let path = file.to_string_lossy().into_owned();
    let why = ["--reason", "superseded", "--why", "a key went astray"];
    gate.cli(&[&["certificate", "revoke", &path][..], &why].concat()).expect_success();
    check_revoked(&gate, &file);
    certbot.renew_what_is_due().expect_success();
    assert_ne!(check(&file, &[Gate::NAME]), first, "{}", certbot.log());
    assert!(certbot.log().contains("renewal-info"), "it asked: {}", certbot.log());
}
