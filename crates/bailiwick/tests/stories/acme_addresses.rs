//! Certificates for IP addresses (RFC 8738): real clients show control over loopback, the policy owns
//! each address exactly, and nothing is asked of the DNS.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers, certificate_text, csr};
use super::acme_jws::{Account, Client, base64url};
use crate::harness::acme::Challenges;
use crate::harness::certbot::Certbot;
use crate::harness::process::{self, Ran};
use crate::harness::programs;
use crate::harness::uacme::Uacme;

const ADDRESS: &str = "127.0.0.1";
const SECOND: &str = "127.0.0.2";

/// A reverse zone, which governs the addresses that stand in it.
fn reverse_zone(name: &str) -> String {
    format!(
        "name = \"{name}\"\nview = \"internal\"\nclass = \"corporate\"\npattern = \"service-team\"\n\
         mode = \"enforce\"\npolicy_owner = \"pki\"\noperator = \"dns\"\n\n[caa]\n\
         issue = [\"ca.bailiwick.example\"]\n\n[limits]\nnames_per_certificate_max = 10\n\
         wildcard_allowed = false\nlifetime_days_max = 90\nownership_days_max = 365\n"
    )
}

fn gate() -> Gate {
    let alter = |text: &str| {
        let names = format!("\"*.shop.example\", \"{ADDRESS}\", \"{SECOND}\", \"::1\"]");
        text.replace("\"*.shop.example\"]", &names)
    };
    let files = [
        ("zones/127.in-addr.arpa.toml", reverse_zone("127.in-addr.arpa")),
        ("zones/0.0.ip6.arpa.toml", reverse_zone("0.0.ip6.arpa")),
    ];
    Gate::with_estate(Remembers::InSqlite, &alter, &files, &[])
}

/// Whether OpenSSL takes the certificate for this address, by the root of the lab's CA.
fn verifies(gate: &Gate, chain: &Path, address: &str) -> Ran {
    let mut command = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
    command.args(["verify", "-verify_ip", address, "-CAfile"]);
    command.arg(gate.server.data().join("ca/house/root.pem")).arg("-untrusted").arg(chain);
    command.arg(chain);
    process::run(command)
}

fn check(gate: &Gate, chain: &Path, addresses: &[&str], names: &[&str]) {
    let text = certificate_text(chain);
    for address in addresses {
        assert!(text.contains(&format!("IP Address:{address}")), "{address} is not in {text}");
        verifies(gate, chain, address).expect_success();
    }
    assert_ne!(verifies(gate, chain, "127.0.0.3").code, Some(0), "another address is not meant");
    assert_eq!(text.matches("IP Address:").count(), addresses.len(), "{text}");
    assert_eq!(text.matches("DNS:").count(), names.len(), "{text}");
}

#[test]
fn certbot_gets_renews_and_revokes_certificates_for_addresses() {
    let gate = gate();
    let alone = Certbot::young(&gate.acme_for_the_shop());
    let before = gate.ledger_entries();
    alone.obtain(&[ADDRESS], gate.http01()).expect_success();
    check(&gate, &alone.chain(ADDRESS), &[ADDRESS], &[]);
    let leaves = gate.ledger_since(before).concat();
    assert!(leaves.contains("http://127.0.0.1:"), "it was asked at the address itself: {leaves}");
    assert!(leaves.contains("CAA covers DNS names, not IP addresses"), "{leaves}");

    // Names and addresses together.
    let mixed = Certbot::young(&gate.acme_for_the_shop());
    mixed.obtain(&[ADDRESS, Gate::NAME], gate.http01()).expect_success();
    check(&gate, &mixed.chain(ADDRESS), &[ADDRESS], &[Gate::NAME]);
    mixed.renew(ADDRESS).expect_success();
    check(&gate, &mixed.chain(ADDRESS), &[ADDRESS], &[Gate::NAME]);
    mixed.revoke(ADDRESS, "superseded").expect_success();
    let file = mixed.certificate(ADDRESS).to_string_lossy().into_owned();
    let story = gate.cli(&["certificate", "story", &file]).expect_success();
    for word in ["127.0.0.1", "http-01", "revoked", "permitted it"] {
        assert!(story.output().contains(word), "`{word}` is not in {}", story.output());
    }
}

#[test]
fn uacme_shows_control_of_an_address_by_tls() {
    let gate = gate();
    let before = gate.ledger_entries();
    let by_tls = Challenges::TlsAlpn01 { port: gate.tls_alpn01_port() };
    let uacme = Uacme::new(&gate.acme_for_the_shop(), by_tls);
    uacme.register().expect_success();
    uacme.obtain(&[ADDRESS]).expect_success();
    check(&gate, &uacme.certificate(ADDRESS), &[ADDRESS], &[]);
    let leaves = gate.ledger_since(before).concat();
    assert!(leaves.contains("tls-alpn-01"), "{leaves}");
}

fn order(client: &Client, account: &Account, kind: &str, value: &str) -> super::acme_jws::Answer {
    let identifiers = json!([{"type": kind, "value": value}]);
    account.post(client, &client.url("newOrder"), &json!({"identifiers": identifiers}))
}

#[test]
fn an_address_has_an_owner_one_spelling_and_no_challenge_by_dns() {
    let gate = gate();
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));

    // Nobody owns it: the refusal says so, and no rule about names below something helps.
    let refused = order(&client, &account, "ip", "127.0.0.3").expect(400);
    assert_eq!(refused.problem(), "rejectedIdentifier");
    assert!(refused.text.contains("127.0.0.3"), "{}", refused.text);
    for (kind, value, problem) in [
        ("ip", "::0001", "malformed"),
        ("ip", "127.0.0.1/32", "malformed"),
        ("ip", "www.shop.example", "malformed"),
        ("ip", "::ffff:127.0.0.1", "rejectedIdentifier"),
        ("ip", "0.0.0.0", "rejectedIdentifier"),
        ("dns", ADDRESS, "rejectedIdentifier"),
        ("dns", "1.0.0.127.in-addr.arpa.1", "rejectedIdentifier"),
    ] {
        let answer = order(&client, &account, kind, value).expect(400);
        assert_eq!(answer.problem(), problem, "{kind} {value}: {}", answer.text);
    }

    for address in [SECOND, "::1"] {
        let placed = order(&client, &account, "ip", address).expect(201);
        assert_eq!(placed.json()["identifiers"], json!([{"type": "ip", "value": address}]));
        let authorization = account.get(&client, &placed.member("/authorizations/0")).expect(200);
        let shown = authorization.json();
        assert_eq!(shown["identifier"], json!({"type": "ip", "value": address}));
        let kinds: Vec<&Value> =
            shown["challenges"].as_array().expect("a list").iter().map(|it| &it["type"]).collect();
        assert_eq!(kinds, [&json!("http-01"), &json!("tls-alpn-01")], "{shown:#}");
        // The CSR comes too early, and is read all the same way: as `orderNotReady`.
        let csr = json!({"csr": base64url(csr(&[address]))});
        let early = account.post(&client, &placed.member("/finalize"), &csr).expect(403);
        assert_eq!(early.problem(), "orderNotReady");
    }
}
