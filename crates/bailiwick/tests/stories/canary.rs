//! Secrets stay put (P14): every secret that a run makes or is given is looked for in everything that
//! leaves the process, in each spelling it could have there. A new place of a secret is one line in
//! [`secrets`]; a new way out is one line in [`ways_out`].

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_connect::keys::{KeyFiles, Sealer};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::acme_gate::Gate;
use super::authorization::{Asker, link, rows};
use crate::harness::acme::Eab;
use crate::harness::certbot::Certbot;
use crate::harness::postgres::Postgres;

const PASSPHRASE: &str = "canary-passphrase-a-bird-that-must-not-sing";
const DATABASE_PASSWORD: &str = "canary-database-password";
/// Octets of a secret at least: a shorter one is found by chance.
const OCTETS_MIN: usize = 16;

/// Secrets by the place they live in.
#[derive(Default)]
struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    fn octets(&mut self, place: impl Into<String>, octets: impl Into<Vec<u8>>) {
        let (place, octets) = (place.into(), octets.into());
        assert!(octets.len() >= OCTETS_MIN, "{place} is too short to be looked for");
        self.0.push((place, octets));
    }

    fn text(&mut self, place: impl Into<String>, text: &str) {
        self.octets(place, text.as_bytes());
    }
}

/// What somebody may read who is not meant to have the secrets, by where.
type WaysOut = BTreeMap<String, String>;

/// Every spelling that octets could have in a text.
fn spellings(octets: &[u8]) -> Vec<String> {
    let hex = |upper: bool| -> String {
        let digits = octets.iter().map(|octet| format!("{octet:02x}"));
        let text: String = digits.collect();
        if upper { text.to_uppercase() } else { text }
    };
    let list: Vec<String> = octets.iter().map(u8::to_string).collect();
    let mut all = vec![hex(false), hex(true), list.join(", "), list.join(",")];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        all.push(engine.encode(octets));
    }
    all.extend(std::str::from_utf8(octets).map(str::to_owned));
    all
}

fn found(secrets: &Secrets, ways_out: &WaysOut) -> Vec<String> {
    let mut hits = Vec::new();
    for (place, octets) in &secrets.0 {
        let spellings = spellings(octets);
        for (way, text) in ways_out {
            if spellings.iter().any(|spelling| text.contains(spelling)) {
                hits.push(format!("{place} in {way}"));
            }
        }
    }
    hits
}

/// What a run leaves behind that nobody else may have.
struct Run {
    credential: Eab,
    token: String,
    cookies: Vec<String>,
}

/// Every secret there is. A new place is one line here.
fn secrets(gate: &Gate, run: &Run) -> Secrets {
    let mut all = Secrets::default();
    let data = gate.server.data();
    all.text("the passphrase", PASSPHRASE);
    all.text("the password of the database", DATABASE_PASSWORD);
    all.text("a credential's key", &run.credential.hmac);
    all.octets(
        "a credential's key",
        URL_SAFE_NO_PAD.decode(&run.credential.hmac).expect("base64url"),
    );
    all.text("a token", &run.token);
    for cookie in &run.cookies {
        all.text("a session's cookie", cookie.split_once('=').expect("it has a name").1);
    }
    for person in ["pia", "sam", "ada", "pat", "dana"] {
        let secret = link(&gate.server, person).rsplit('/').next().expect("it has one");
        all.text(format!("the one-time link of {person}"), secret);
        let token = std::fs::read_to_string(data.join(format!("lab/{person}.token")));
        all.text(format!("the token of {person}"), token.expect("the lab keeps it").trim());
    }
    all.octets("the ledger's key", sealed(&data, "ledger", "ledger-key", "checkpoint"));
    all.octets("the root's key", sealed(&data, "ca/house", "ca key of house", "root"));
    all.octets(
        "the intermediate's key",
        sealed(&data, "ca/house", "ca key of house", "intermediate"),
    );
    all.octets("the listener's CA key", sealed(&data, "tls", "listener-ca-key", "root"));
    all
}

/// A secret out of a sealed file, opened as the server opens it.
fn sealed(data: &Path, folder: &str, purpose: &str, name: &str) -> Vec<u8> {
    let sealer = Sealer::with_passphrase(data, PASSPHRASE, |_| false).expect("the data key opens");
    let files = KeyFiles::new(data.join(folder), &sealer);
    let secret = files.get(purpose, name).expect("it opens");
    secret.unwrap_or_else(|| panic!("`{folder}` holds no `{name}`")).as_slice().to_vec()
}

/// Everything that leaves the process. A new way out is one line here.
fn ways_out(gate: &Gate, postgres: &Postgres, run: &Run, asker: &Asker) -> WaysOut {
    let mut all = WaysOut::new();
    // The lab announces its links to whoever started it; that line is for them.
    let log: Vec<String> = gate.server.log().lines().map(str::to_owned).collect();
    let log = log
        .into_iter()
        .filter(|line| !line.starts_with("{\"event\":\"ready\""))
        .collect::<Vec<_>>();
    all.insert("the log".to_owned(), log.join("\n"));
    all.insert("a dump of the database, the ledger in it".to_owned(), postgres.dump());
    let change = listed(gate, &["change", "list"], "/items/0/id");
    let certificate = listed(gate, &["certificate", "list"], "/items/0/fingerprint");
    for (who, cookie) in ["an approver", "an administrator"].iter().zip(&run.cookies) {
        let headers = [("cookie", cookie.as_str())];
        for row in rows().into_iter().filter(|row| row.method == "GET") {
            let url = row.url(gate, &change, "none").replace(&"0".repeat(64), &certificate);
            let answer = asker.ask("GET", &url, &headers, "");
            all.insert(
                format!("{url} for {who}"),
                format!("{:?}\n{}", answer.headers, answer.text),
            );
        }
    }
    errors(gate, run, asker, &mut all);
    for words in [&["token", "list", "--json"][..], &["whoami", "--json"], &["service", "list"]] {
        let ran = gate.cli_as("sam", words);
        all.insert(words.join(" "), ran.output());
    }
    all
}

/// What is answered to those who come with a secret and are sent away.
fn errors(gate: &Gate, run: &Run, asker: &Asker, all: &mut WaysOut) {
    let bearer = format!("Bearer {}x", run.token);
    let used = link(&gate.server, "pia");
    let cookie = run.cookies.first().map(|cookie| format!("{cookie}x")).unwrap_or_default();
    let mut put = |what: &str, answer: super::acme_jws::Answer| {
        all.insert(what.to_owned(), format!("{:?}\n{}", answer.headers, answer.text));
    };
    put(
        "a token that is none",
        asker.ask("GET", &asker.page("/api/v1/me"), &[("authorization", &bearer)], ""),
    );
    put("a cookie that is none", asker.ask("GET", &asker.page("/"), &[("cookie", &cookie)], ""));
    put("a link that was used", asker.ask("POST", used, &[], ""));
    let json = [("content-type", "application/json")];
    let body = serde_json::json!({ "link": used }).to_string();
    put("the same at the API", asker.ask("POST", &asker.page("/api/v1/sign-in"), &json, &body));
    for row in rows().into_iter().filter(|row| row.method != "GET" && row.method != "HEAD") {
        let (kind, empty) = row.body();
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        put(
            &row.url(gate, "none", "none"),
            asker.ask(&row.method, &row.url(gate, "none", "none"), &headers, empty),
        );
    }
}

fn listed(gate: &Gate, words: &[&str], pointer: &str) -> String {
    let ran = gate.cli_as("pia", &[words, &["--json"]].concat()).expect_success();
    let all: Value = serde_json::from_str(&ran.stdout).expect("--json prints JSON");
    all.pointer(pointer).and_then(Value::as_str).expect("there is one").to_owned()
}

/// The main stories: refused, approved, issued, revoked, signed in, a token made and ended.
fn run(gate: &Gate, asker: &Asker) -> Run {
    let waiting = super::authorization::waiting_change(gate);
    gate.cli_as("pia", &["change", "approve", &waiting]).expect_success();
    let acme = gate.acme_for_the_shop();
    let certbot = Certbot::new(&acme);
    certbot.obtain(&[Gate::NAME], gate.http01()).expect_success();
    let file = certbot.certificate(Gate::NAME).to_string_lossy().into_owned();
    gate.cli(&["certificate", "revoke", &file, "--why", "a test"]).expect_success();
    let words = ["token", "new", "--scope", "read", "--purpose", "a test", "--json"];
    let made = gate.cli(&words).expect_success();
    let made: Value = serde_json::from_str(&made.stdout).expect("--json prints JSON");
    let text = |name: &str| made[name].as_str().expect("a token has it").to_owned();
    gate.cli(&["token", "revoke", &text("id")]).expect_success();
    let credential = acme.eab.clone().expect("it has a credential");
    let cookies = ["pia", "dana"].map(|person| asker.session(gate, person)).to_vec();
    Run { credential, token: text("token"), cookies }
}

#[test]
fn no_secret_is_found_in_anything_that_leaves_the_process() {
    let postgres = Postgres::start();
    let url = postgres.url_with_password(DATABASE_PASSWORD);
    let env = [
        ("BAILIWICK_PASSPHRASE", PASSPHRASE),
        ("BAILIWICK_DATABASE", url.as_str()),
        // Everything that our own code ever says.
        ("BAILIWICK_LOG", "info,bailiwick=trace,bailiwick_connect=trace,bailiwick_store=trace"),
    ];
    let gate = Gate::start_in(&[], &env);
    let asker = Asker::of(&gate);
    let run = run(&gate, &asker);
    let ways_out = ways_out(&gate, &postgres, &run, &asker);
    assert!(ways_out.len() > 60, "only {} ways out; are they read?", ways_out.len());

    // What is no secret is found, in each of the ways that matter: the search would notice.
    let mut known = Secrets::default();
    known.text("the id of a credential", &run.credential.kid);
    let hits = found(&known, &ways_out);
    assert!(hits.iter().any(|hit| hit.contains("a dump of the database")), "{hits:?}");
    let mut known = Secrets::default();
    known.text("a name that was certified", Gate::NAME);
    let hits = found(&known, &ways_out);
    for way in ["a dump of the database", "/api/v1/certificates", "/certificates for", "the log"] {
        assert!(hits.iter().any(|hit| hit.contains(way)), "{way} is not in {hits:?}");
    }

    let hits = found(&secrets(&gate, &run), &ways_out);
    assert_eq!(hits, Vec::<String>::new());
}
