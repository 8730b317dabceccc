//! A public CA behind the gate: clients that know nothing about DNS get its certificates, and nobody
//! but Bailiwick holds a right to write into the zone.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::acme_gate::{certificate_text, copy, today};
use crate::harness::acme::{AcmeServer, Challenges, Eab};
use crate::harness::bailiwick::{self, BailiwickServer};
use crate::harness::bind::Bind;
use crate::harness::certbot::Certbot;
use crate::harness::dig;
use crate::harness::pebble::Pebble;
use crate::harness::place::{Folder, Port};
use crate::harness::process::Ran;
use crate::harness::zone::Zone;

const NAME: &str = "www.shop.example";
const CHALLENGE: &str = "_acme-challenge.www.shop.example";
const RECORDS: &str = "@ IN A 127.0.0.1\n@ IN CAA 0 issue \"public.example\"\n\
    www IN A 127.0.0.1\napi IN A 127.0.0.1\n";
/// How long an order through two gates may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fields are dropped in order.
struct Scene {
    server: BailiwickServer,
    pebble: Pebble,
    bind: Bind,
    http01: Port,
    _estate: Folder,
}

impl Scene {
    /// The lab's organisation with its zone in BIND and Pebble as its public CA; nothing is
    /// registered yet.
    fn start() -> Self {
        let bind = Bind::start(&[Zone::new("shop.example", RECORDS).updatable()]);
        let pebble = Pebble::start(bind.address());
        let estate = estate(&bind, &pebble);
        let http01 = Port::free();
        let (port, folder) = (http01.number().to_string(), estate.path().to_string_lossy());
        let args = ["--lab", "--http01-port", &port, "--estate", &folder];
        let server = BailiwickServer::start(&args);
        Self { server, pebble, bind, http01, _estate: estate }
    }

    /// The same with secrets handed in and an account registered and approved.
    fn registered() -> Self {
        let scene = Self::start();
        scene.hand_in_secrets();
        let asked =
            scene.cli("pia", &["issuer", "register", "public", "--reason", "go live", "--json"]);
        let change: Value = serde_json::from_str(&asked.expect_success().stdout).expect("JSON");
        assert_eq!(change["state"], "awaiting-approval", "{change}");
        let id = change["id"].as_str().expect("a change has an id");
        let approved = scene.cli("sol", &["change", "approve", id, "--json"]).expect_success();
        let change: Value = serde_json::from_str(&approved.stdout).expect("JSON");
        assert_eq!(change["state"], "closed", "{change}\n{}", scene.server.log());
        scene
    }

    fn hand_in_secrets(&self) {
        let folder = Folder::new("secrets");
        let eab = self.pebble.acme().eab.clone().expect("Pebble wants a binding");
        for (words, secret) in [
            (["connector", "set-secret", "shop.example"], &self.bind.key().secret),
            (["issuer", "set-secret", "public"], &eab.hmac),
        ] {
            let file = folder.write("secret", secret).to_string_lossy().into_owned();
            let words = [&words[..], &["--file", &file]].concat();
            self.cli("dana", &words).expect_success();
        }
    }

    fn cli(&self, person: &str, words: &[&str]) -> Ran {
        let data = self.server.data().to_string_lossy().into_owned();
        let here = ["--server", self.server.https(), "--data", &data, "--as", person];
        bailiwick::bailiwick(&[words, &here].concat())
    }

    fn acme(&self) -> AcmeServer {
        let words = ["credential", "new", "--service", "shop-web", "--json"];
        let made = self.cli("sam", &words).expect_success();
        let made: Value = serde_json::from_str(&made.stdout).expect("--json prints JSON");
        let member = |name: &str| made[name].as_str().expect("a credential has it").to_owned();
        self.server.acme(Some(Eab { kid: member("kid"), hmac: member("hmac_key") }))
    }

    fn http01(&self) -> Challenges<'_> {
        Challenges::Http01 { port: self.http01.number() }
    }

    /// The challenge records that are in the zone now.
    fn records_left(&self) -> Vec<String> {
        let answer = dig::ask(self.bind.address(), CHALLENGE, "TXT").expect("BIND answers");
        answer.data("TXT")
    }

    /// Rows follow from leaves, whatever happened; looked at with the server stopped.
    fn is_sound(&mut self) {
        self.server.stop();
        let data = self.server.data().to_string_lossy().into_owned();
        for check in ["verify", "fsck"] {
            bailiwick::bailiwick(&["ledger", check, "--data", &data]).expect_success();
        }
    }

    fn certificates(&self) -> Vec<Value> {
        let all = self.cli("sam", &["certificate", "list", "--json"]).expect_success();
        let all: Value = serde_json::from_str(&all.stdout).expect("JSON");
        all["items"].as_array().expect("a page has items").clone()
    }
}

/// The lab's estate with a public CA that the zone's CAA names, and a way into the zone.
fn estate(bind: &Bind, pebble: &Pebble) -> Folder {
    let folder = Folder::new("estate");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let connector = format!(
        "operator = \"dns\"\nservers = [\"{0}\"]\n\n[connector]\nkind = \"rfc2136\"\nserver = \"{0}\"\n\
         key = \"{1}\"\n\n[caa]",
        bind.address(),
        bind.key().name
    );
    copy(&source, folder.path(), &|text| {
        let text = text.replace("verified = 2026-11-01", &format!("verified = {}", today()));
        if text.contains("name = \"shop.example\"") {
            return text
                .replace("operator = \"dns\"\n\n[caa]", &connector)
                .replace("ca.bailiwick.example", "public.example");
        }
        text
    });
    let issuers = folder.file("issuers.toml");
    let house = std::fs::read_to_string(&issuers).expect("the lab has issuers");
    let public = house + &pebble.issuer("public", "public.example");
    std::fs::write(issuers, public).expect("a file can be written");
    folder
}

#[test]
fn a_client_without_dns_rights_gets_a_publicly_issued_certificate_and_revokes_it() {
    let mut scene = Scene::registered();
    let certbot = Certbot::new(&scene.acme());
    certbot.obtain(&[NAME], scene.http01()).expect_success();
    let text = certificate_text(&certbot.certificate(NAME));
    assert!(text.contains("Pebble Intermediate CA"), "{text}");
    let chain = std::fs::read_to_string(certbot.chain(NAME)).expect("certbot wrote a chain");
    assert!(chain.matches("BEGIN CERTIFICATE").count() >= 2, "{chain}");
    assert_eq!(scene.records_left(), Vec::<String>::new(), "the challenge record is gone again");
    let stored = scene.certificates();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(stored[0]["issuer"], "public", "{stored:?}");
    // The canary: no secret of ours in anything that is written down.
    for secret in
        [&scene.bind.key().secret, &scene.pebble.acme().eab.as_ref().expect("it has").hmac]
    {
        assert!(!scene.server.log().contains(secret.as_str()), "a secret stands in the log");
    }
    certbot.revoke(NAME, "keycompromise").expect_success();
    assert!(scene.pebble.has_revoked(&certbot.certificate(NAME)), "the CA itself has revoked it");
    certbot.obtain(&[NAME, "api.shop.example"], scene.http01()).expect_success();
    scene.is_sound();
}

#[test]
fn killed_in_the_middle_nothing_is_lost_or_doubled_and_no_record_stays() {
    let mut scene = Scene::registered();
    for (round, name) in ["www.shop.example", "api.shop.example"].into_iter().enumerate() {
        let acme = scene.acme();
        let certbot = Certbot::new(&acme);
        let port = scene.http01.number();
        let (sender, done) = std::sync::mpsc::channel();
        let worker = std::thread::spawn(move || {
            let ran = certbot.obtain(&[name], Challenges::Http01 { port });
            let _gone = sender.send(());
            (certbot, ran)
        });
        let began = Instant::now();
        let owner = format!("_acme-challenge.{name}");
        // As soon as a record of ours is in the zone the server dies.
        loop {
            let placed = dig::ask(scene.bind.address(), &owner, "TXT")
                .is_some_and(|answer| !answer.data("TXT").is_empty());
            if placed || done.try_recv().is_ok() {
                break;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "no record was ever placed\n{}",
                scene.server.log()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        scene.server.kill9();
        scene.server.restart();
        let (_certbot, _lost_its_server) = worker.join().expect("certbot ends");
        // The change is carried on without the client; the certificate is there, once.
        loop {
            let issued = scene.certificates();
            let left = dig::ask(scene.bind.address(), &owner, "TXT")
                .is_none_or(|answer| !answer.data("TXT").is_empty());
            if issued.len() == round + 1 && !left {
                break;
            }
            assert!(issued.len() <= round + 1, "issued twice: {issued:?}");
            assert!(
                began.elapsed() < PATIENCE * 2,
                "{name}: {issued:?}, records left: {left}\n{}",
                scene.server.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    scene.is_sound();
}

#[test]
fn without_an_account_or_a_secret_nobody_is_served_and_everybody_is_told_why() {
    let scene = Scene::start();
    let certbot = Certbot::new(&scene.acme());
    let ran = certbot.obtain(&[NAME], scene.http01());
    assert_ne!(ran.code, Some(0), "there is no account at the CA yet");
    let asked =
        scene.cli("pia", &["issuer", "register", "public", "--reason", "go live", "--json"]);
    let change: Value = serde_json::from_str(&asked.expect_success().stdout).expect("JSON");
    let id = change["id"].as_str().expect("a change has an id").to_owned();
    let approved = scene.cli("sol", &["change", "approve", &id, "--json"]).expect_success();
    assert!(approved.stdout.contains("rolled-back"), "{}", approved.stdout);
    assert!(approved.stdout.contains("set-secret"), "{}", approved.stdout);
    let refused =
        scene.cli("sam", &["connector", "set-secret", "shop.example", "--file", "/dev/null"]);
    assert_ne!(refused.code, Some(0), "only an administrator hands secrets in");
}
