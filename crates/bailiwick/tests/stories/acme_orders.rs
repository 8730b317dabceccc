//! One order by hand, from its authorization to its certificate, and every way in which it can fail.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::acme_gate::{Gate, csr};
use super::acme_jws::{Account, Answer, Client, base64url};

/// How long a validation may take, with its retries.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A web server where http-01 looks. It answers every path with the same text, once it may.
pub(crate) struct Web {
    text: Arc<Mutex<Option<String>>>,
    /// A connection came in while there was nothing to answer.
    pub(crate) silent: Receiver<()>,
}

impl Web {
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is ours");
        let text: Arc<Mutex<Option<String>>> = Arc::default();
        let shared = Arc::clone(&text);
        let (tell, silent) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let text = shared.lock().expect("nobody panicked here").clone();
                match text {
                    Some(text) => serve(stream, &text),
                    None => {
                        // Kept open without a word until the other side leaves.
                        std::thread::spawn(move || drain(stream));
                        let _nobody_listens = tell.send(());
                    }
                }
            }
        });
        Self { text, silent }
    }

    pub(crate) fn says(&self, text: &str) {
        *self.text.lock().expect("nobody panicked here") = Some(text.to_owned());
    }
}

fn serve(mut stream: TcpStream, text: &str) {
    let mut request = [0; 1_024];
    let _asked = stream.read(&mut request);
    let length = text.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
    let _left = stream.write_all(answer.as_bytes());
}

fn drain(mut stream: TcpStream) {
    let mut octets = [0; 1_024];
    while stream.read(&mut octets).is_ok_and(|count| count > 0) {}
}

/// An order with its authorization and http-01 challenge.
pub(crate) struct Placed {
    pub(crate) order: String,
    pub(crate) finalize: String,
    pub(crate) authorization: String,
    pub(crate) challenge: String,
    pub(crate) token: String,
}

pub(crate) fn place(client: &Client, account: &Account, name: &str) -> Placed {
    let placed = account.order(client, &[name]).expect(201);
    let authorization = placed.member("/authorizations/0");
    let shown = account.get(client, &authorization).expect(200);
    assert_eq!(shown.json()["identifier"], json!({"type": "dns", "value": name}));
    let json = shown.json();
    let challenges = json["challenges"].as_array().expect("a list");
    let http01 = challenges.iter().find(|one| one["type"] == json!("http-01"));
    let http01 = http01.expect("a name without a star has http-01");
    let text = |member: &str| http01[member].as_str().expect("a challenge has it").to_owned();
    Placed {
        order: placed.location(),
        finalize: placed.member("/finalize"),
        authorization,
        challenge: text("url"),
        token: text("token"),
    }
}

/// Asks until the status is one of these.
pub(crate) fn until(client: &Client, account: &Account, url: &str, wanted: &[&str]) -> Answer {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = account.get(client, url).expect(200);
        if wanted.contains(&answer.member("/status").as_str()) {
            return answer;
        }
        assert!(Instant::now() < end, "never one of {wanted:?}: {answer:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Shows control of a name and waits for the order to be ready.
pub(crate) fn validate(client: &Client, account: &Account, web: &Web, placed: &Placed) {
    web.says(&format!("{}.{}", placed.token, account.key.thumbprint()));
    let answered = account.post(client, &placed.challenge, &json!({})).expect(200);
    assert_eq!(answered.links("up"), std::slice::from_ref(&placed.authorization));
    // A look that is over at once is told at once.
    let status = answered.member("/status");
    assert!(["processing", "valid"].contains(&status.as_str()), "{answered:?}");
    assert_eq!(answered.header("retry-after").is_some(), status == "processing");
    let valid = until(client, account, &placed.authorization, &["valid", "invalid"]);
    assert_eq!(valid.member("/status"), "valid", "{valid:?}");
    assert_eq!(
        valid.json()["challenges"].as_array().map(Vec::len),
        Some(1),
        "only the one that was shown"
    );
    assert!(valid.json()["challenges"][0]["validated"].is_string());
    assert_eq!(account.get(client, &placed.order).expect(200).member("/status"), "ready");
}

pub(crate) fn finalized(client: &Client, account: &Account, placed: &Placed, csr: &[u8]) -> Answer {
    account.post(client, &placed.finalize, &json!({"csr": base64url(csr)}))
}

fn scene() -> (Gate, Client, Web, Account) {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let web = Web::start(gate.http01_port());
    let account = client.register(&gate.credential(), json!({}));
    (gate, client, web, account)
}

#[test]
fn an_order_becomes_a_certificate_that_only_its_account_can_fetch_and_revoke() {
    let (gate, client, web, account) = scene();
    let before = gate.ledger_entries();
    let placed = place(&client, &account, Gate::NAME);
    validate(&client, &account, &web, &placed);
    let leaves = gate.ledger_since(before).join("\n");
    for kind in ["order.accepted", "name.validated"] {
        assert!(leaves.contains(kind), "{kind} is not in {leaves}");
    }
    // A CSR that cannot be used leaves the order as it is.
    for bad in [vec![0x30, 0], csr(&[Gate::OTHER_NAME]), csr(&[Gate::NAME, Gate::OTHER_NAME])] {
        assert_eq!(finalized(&client, &account, &placed, &bad).expect(400).problem(), "badCSR");
        assert_eq!(account.get(&client, &placed.order).expect(200).member("/status"), "ready");
    }
    let request = csr(&[Gate::NAME]);
    let processing = finalized(&client, &account, &placed, &request).expect(200);
    assert_eq!(processing.location(), placed.order);
    let valid = until(&client, &account, &placed.order, &["valid", "invalid"]);
    assert_eq!(valid.member("/status"), "valid", "{valid:?}");
    let url = valid.member("/certificate");
    let chain = account.get(&client, &url).expect(200);
    assert_eq!(chain.header("content-type"), Some("application/pem-certificate-chain"));
    assert!(chain.text.matches("BEGIN CERTIFICATE").count() >= 2, "{}", chain.text);
    // Finalizing again is not possible, and does not issue again.
    let again = finalized(&client, &account, &placed, &request).expect(403);
    assert_eq!(again.problem(), "orderNotReady");
    // Somebody else.
    let other = client.register(&gate.credential(), json!({}));
    assert_eq!(other.get(&client, &url).expect(404).problem(), "malformed");
    let der = der(&chain.text);
    let revoke = |by: &Account| {
        by.post(&client, &client.url("revokeCert"), &json!({"certificate": der, "reason": 4}))
    };
    assert_eq!(revoke(&other).expect(403).problem(), "unauthorized");
    // A key that is not the certificate's.
    let stranger = super::acme_jws::Key::fresh();
    let with_key =
        client.as_key(&stranger, &client.url("revokeCert"), &json!({"certificate": der}));
    assert_eq!(with_key.expect(403).problem(), "unauthorized");
    revoke(&account).expect(200);
    assert_eq!(revoke(&account).expect(400).problem(), "alreadyRevoked");
    // Control that was shown is relied on for a while: the next order is ready at once.
    let next = account.order(&client, &[Gate::NAME]).expect(201);
    assert_eq!(next.member("/status"), "ready");
}

/// The first certificate of a chain, as revokeCert takes it.
pub(crate) fn der(pem: &str) -> String {
    let body: String = pem
        .lines()
        .skip(1)
        // Three letters in a row are no boundary: base64 has them too.
        .take_while(|line| !line.starts_with("-----"))
        .collect();
    body.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
}

#[test]
fn a_look_that_sees_something_else_ends_the_order_and_says_what_it_saw() {
    let (gate, client, web, account) = scene();
    let placed = place(&client, &account, Gate::NAME);
    let before = gate.ledger_entries();
    web.says("not what was asked for");
    account.post(&client, &placed.challenge, &json!({})).expect(200);
    let invalid = until(&client, &account, &placed.authorization, &["valid", "invalid"]);
    assert_eq!(invalid.member("/status"), "invalid");
    assert_eq!(invalid.json()["challenges"].as_array().map(Vec::len), Some(1));
    let kind = invalid.member("/challenges/0/error/type");
    assert!(kind.ends_with(":incorrectResponse"), "{kind}");
    let detail = invalid.member("/challenges/0/error/detail");
    assert!(detail.contains("not what was asked for"), "{detail}");
    let order = account.get(&client, &placed.order).expect(200);
    assert_eq!(order.member("/status"), "invalid");
    assert!(order.member("/error/detail").contains(Gate::NAME), "{order:?}");
    assert_eq!(
        finalized(&client, &account, &placed, &csr(&[Gate::NAME])).expect(403).problem(),
        "orderNotReady"
    );
    let leaves = gate.ledger_since(before).join("\n");
    for kind in ["name.not-validated", "order.failed"] {
        assert!(leaves.contains(kind), "{kind} is not in {leaves}");
    }
    // Answering again changes nothing.
    let entries = gate.ledger_entries();
    account.post(&client, &placed.challenge, &json!({})).expect(200);
    assert_eq!(
        account.get(&client, &placed.authorization).expect(200).member("/status"),
        "invalid"
    );
    assert_eq!(gate.ledger_entries(), entries);
}

#[test]
fn nobody_there_is_a_connection_problem() {
    let gate = Gate::start();
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let placed = place(&client, &account, Gate::NAME);
    account.post(&client, &placed.challenge, &json!({})).expect(200);
    let invalid = until(&client, &account, &placed.authorization, &["valid", "invalid"]);
    let kind = invalid.member("/challenges/0/error/type");
    assert!(kind.ends_with(":connection"), "{kind}");
}

#[test]
fn a_validation_survives_the_server_being_killed() {
    let (mut gate, client, web, account) = scene();
    let placed = place(&client, &account, Gate::NAME);
    account.post(&client, &placed.challenge, &json!({})).expect(200);
    // It looks, and hears nothing.
    web.silent.recv_timeout(PATIENCE).expect("the server looks");
    gate.server.kill9();
    web.says(&format!("{}.{}", placed.token, account.key.thumbprint()));
    gate.server.restart();
    let client = Client::of(&gate.acme());
    let valid = until(&client, &account, &placed.authorization, &["valid", "invalid"]);
    assert_eq!(valid.member("/status"), "valid", "{valid:?}");
    assert_eq!(account.get(&client, &placed.order).expect(200).member("/status"), "ready");
}

#[test]
fn an_authorization_can_be_given_up() {
    let (gate, client, web, account) = scene();
    let placed = place(&client, &account, Gate::NAME);
    validate(&client, &account, &web, &placed);
    // The next order finds it valid and is ready at once.
    let second = account.order(&client, &[Gate::NAME]).expect(201);
    assert_eq!(second.member("/status"), "ready");
    assert_eq!(second.member("/authorizations/0"), placed.authorization);
    let given_up = account.post(&client, &placed.authorization, &json!({"status": "deactivated"}));
    assert_eq!(given_up.expect(200).member("/status"), "deactivated");
    // What was ready cannot be finalized any more, and the next order begins anew.
    let refused = finalized(&client, &account, &placed, &csr(&[Gate::NAME]));
    assert_eq!(refused.expect(403).problem(), "unauthorized");
    let third = account.order(&client, &[Gate::NAME]).expect(201);
    assert_eq!(third.member("/status"), "pending");
    assert_ne!(third.member("/authorizations/0"), placed.authorization);
    drop(gate);
}

#[test]
fn an_order_of_several_names_waits_for_all_of_them() {
    let (_gate, client, web, account) = scene();
    let placed = account.order(&client, &[Gate::NAME, Gate::OTHER_NAME]).expect(201);
    let json = placed.json();
    let authorizations: Vec<&str> = json["authorizations"]
        .as_array()
        .map(|all| all.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    assert_eq!(authorizations.len(), 2);
    for (n, url) in authorizations.iter().enumerate() {
        assert_eq!(
            account.get(&client, &placed.location()).expect(200).member("/status"),
            "pending",
            "{n}"
        );
        let shown = account.get(&client, url).expect(200).json();
        let http01 = shown["challenges"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["type"] == json!("http-01")));
        let http01 = http01.expect("a name without a star has http-01");
        let token = http01["token"].as_str().expect("a token");
        web.says(&format!("{token}.{}", account.key.thumbprint()));
        account.post(&client, http01["url"].as_str().expect("a url"), &json!({})).expect(200);
        let valid = until(&client, &account, url, &["valid", "invalid"]);
        assert_eq!(valid.member("/status"), "valid", "{valid:?}");
    }
    assert_eq!(account.get(&client, &placed.location()).expect(200).member("/status"), "ready");
}
