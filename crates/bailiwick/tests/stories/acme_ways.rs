//! Every way to show control of a name beside http-01 and dns-01, among real name servers and clients.

use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers, certificate_text, csr};
use super::acme_jws::{Account, Answer, Client, base64url};
use super::acme_orders::until;
use crate::harness::acme::Challenges;
use crate::harness::lego::Lego;

/// An order for one name, with its challenge of one kind.
struct Wanted {
    order: String,
    finalize: String,
    authorization: String,
    challenge: Value,
}

fn want(client: &Client, account: &Account, name: &str, kind: &str) -> Wanted {
    let placed = account.order(client, &[name]).expect(201);
    let authorization = placed.member("/authorizations/0");
    let shown = account.get(client, &authorization).expect(200).json();
    let all = shown["challenges"].as_array().expect("a list");
    let challenge = all.iter().find(|one| one["type"] == json!(kind));
    let challenge = challenge.unwrap_or_else(|| panic!("no {kind} in {shown:#}")).clone();
    let (order, finalize) = (placed.location(), placed.member("/finalize"));
    Wanted { order, finalize, authorization, challenge }
}

impl Wanted {
    /// Lets the server look, and says how it ended.
    fn looked_at(&self, client: &Client, account: &Account) -> Answer {
        let url = self.challenge["url"].as_str().expect("a challenge has a URL");
        account.post(client, url, &json!({})).expect(200);
        until(client, account, &self.authorization, &["valid", "invalid"])
    }

    fn status(&self, client: &Client, account: &Account) -> String {
        self.looked_at(client, account).member("/status")
    }

    fn issued(&self, client: &Client, account: &Account, name: &str) -> String {
        let csr = json!({"csr": base64url(csr(&[name]))});
        account.post(client, &self.finalize, &csr).expect(200);
        let valid = until(client, account, &self.order, &["valid", "invalid"]);
        account.get(client, &valid.member("/certificate")).expect(200).text
    }
}

#[test]
fn lego_shows_control_in_a_tls_handshake() {
    let gate = Gate::with_bind(Remembers::InSqlite);
    let lego = Lego::new(&gate.acme_for_the_shop());
    let by_tls = Challenges::TlsAlpn01 { port: gate.tls_alpn01_port() };
    let before = gate.ledger_entries();
    lego.obtain(&[Gate::NAME], by_tls).expect_success();
    assert!(certificate_text(&lego.chain(Gate::NAME)).contains(&format!("DNS:{}", Gate::NAME)));
    let leaves = gate.ledger_since(before).concat();
    assert!(leaves.contains("tls-alpn-01"), "{leaves}");
    lego.renew(&[Gate::NAME], by_tls).expect_success();
    lego.revoke(Gate::NAME, 4).expect_success();
}

#[test]
fn two_accounts_show_control_of_one_name_at_once() {
    let gate = Gate::with_bind(Remembers::InSqlite);
    let client = Client::of(&gate.acme());
    let accounts = [0, 1].map(|_| client.register(&gate.credential(), json!({})));
    let name = "*.shop.example";
    let wanted = accounts.each_ref().map(|one| want(&client, one, name, "dns-account-01"));
    let record = |account: &Account, wanted: &Wanted| {
        let label = bailiwick_wire::acme::account_label(&account.kid);
        let token = wanted.challenge["token"].as_str().expect("a token");
        let text = format!("{token}.{}", account.key.thumbprint());
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        format!("add {label}._acme-challenge.shop.example. 1 TXT \"{}\"\n", base64url(digest))
    };
    // Each looks at its own place only: a record at the other's, or where dns-01 looks, is nothing.
    let both: String =
        accounts.iter().zip(&wanted).map(|(account, wanted)| record(account, wanted)).collect();
    gate.update("shop.example", &both);
    for (account, wanted) in accounts.iter().zip(&wanted) {
        assert_eq!(wanted.status(&client, account), "valid");
        let pem = wanted.issued(&client, account, name);
        assert!(pem.contains("BEGIN CERTIFICATE"), "{pem}");
    }
    let third = client.register(&gate.credential(), json!({}));
    let wanted = want(&client, &third, name, "dns-account-01");
    let refused = wanted.looked_at(&client, &third);
    assert_eq!(refused.member("/status"), "invalid");
    let detail = refused.member("/challenges/0/error/detail");
    let label = bailiwick_wire::acme::account_label(&third.kid);
    assert!(detail.contains(&label), "it says where to publish: {detail}");
}

#[test]
fn a_standing_record_shows_control_for_as_long_as_it_says() {
    let gate = Gate::with_bind(Remembers::InPostgres);
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let kind = "dns-persist-01";
    let wanted = want(&client, &account, Gate::NAME, kind);
    assert_eq!(wanted.challenge.get("token"), None, "a standing record holds no token");
    let issuers = wanted.challenge["issuer-domain-names"].as_array().expect("who we are").clone();
    let issuer = issuers.first().and_then(Value::as_str).expect("one at least").to_owned();
    let owner = format!("_validation-persist.{}.", Gate::NAME);
    let publish = |text: &str| {
        gate.update("shop.example", &format!("delete {owner} TXT\nadd {owner} 1 TXT \"{text}\"\n"));
    };
    let invalid = |text: &str, word: &str| {
        publish(text);
        let wanted = want(&client, &account, Gate::NAME, kind);
        let refused = wanted.looked_at(&client, &account);
        let detail = refused.member("/challenges/0/error/detail");
        assert!(detail.contains(word), "{text}: `{word}` is not in {detail}");
    };
    let ours = format!("{issuer}; accounturi={}", account.kid);
    invalid(&format!("{issuer}; accounturi={}0", account.kid), "this account");
    invalid(&format!("elsewhere.example; accounturi={}", account.kid), "another issuer");
    invalid(&format!("{ours}; persistUntil=1700000000"), "has passed");
    // Right, and used a second time without anything published anew.
    let before = gate.ledger_entries();
    publish(&format!("{ours}; persistUntil=4000000000"));
    let wanted = want(&client, &account, Gate::NAME, kind);
    assert_eq!(wanted.status(&client, &account), "valid");
    let pem = wanted.issued(&client, &account, Gate::NAME);
    assert!(pem.contains("BEGIN CERTIFICATE"), "{pem}");
    let leaves = gate.ledger_since(before).concat();
    for word in ["standing-record.seen", kind, "2096-10-02T07:06:40Z"] {
        assert!(leaves.contains(word), "`{word}` is not in {leaves}");
    }
    // For a wildcard it has to say so; the record of the name above is another one.
    let apex = "_validation-persist.shop.example.";
    gate.update("shop.example", &format!("add {apex} 1 TXT \"{ours}\"\n"));
    let wild = want(&client, &account, "*.shop.example", kind);
    let refused = wild.looked_at(&client, &account).member("/challenges/0/error/detail");
    assert!(refused.contains("policy=wildcard"), "{refused}");
    let text = format!("{ours}; policy=wildcard");
    gate.update("shop.example", &format!("delete {apex} TXT\nadd {apex} 1 TXT \"{text}\"\n"));
    let wild = want(&client, &account, "*.shop.example", kind);
    assert_eq!(wild.status(&client, &account), "valid");
}
