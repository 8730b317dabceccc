//! The `acme` library of certbot (PyPI) drives every endpoint and every error of the server, in one script.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers};
use crate::harness::acme::{Challenges, Eab};
use crate::harness::place::Folder;
use crate::harness::process;
use crate::harness::programs;

const LIMIT: Duration = Duration::from_secs(240);
/// Orders of one account: more than one page of the list, which has 100.
const ORDERS_MAX: u32 = 105;
const TERMS: &str = "https://shop.example/terms";

/// Everything that RFC 8555 §7.1 and RFC 9773 name.
const ENDPOINTS: &[&str] = &[
    "account deactivation",
    "account update",
    "alternate chain",
    "authorization",
    "authorization deactivation",
    "certificate",
    "challenge",
    "directory",
    "dns-01 wildcard",
    "finalize",
    "keyChange",
    "newAccount",
    "newAuthz",
    "newNonce",
    "newOrder",
    "order",
    "orders list",
    "renewalInfo",
    "revokeCert by account",
    "revokeCert by key",
    "subproblems",
];

/// Every type of RFC 8555 §6.7, RFC 9773 and the profiles draft that the server gives while its own
/// side is well (`serverInternal` is not).
const ERRORS: &[&str] = &[
    "accountDoesNotExist",
    "alreadyReplaced",
    "alreadyRevoked",
    "badCSR",
    "badNonce",
    "badPublicKey",
    "badRevocationReason",
    "badSignatureAlgorithm",
    "caa",
    "compound",
    "connection",
    "dns",
    "externalAccountRequired",
    "incorrectResponse",
    "invalidContact",
    "invalidProfile",
    "malformed",
    "orderNotReady",
    "rateLimited",
    "rejectedIdentifier",
    "tls",
    "unauthorized",
    "unsupportedContact",
    "unsupportedIdentifier",
    "userActionRequired",
];

#[test]
fn the_acme_library_drives_every_endpoint_and_every_error() {
    let limit = format!("orders-per-account={ORDERS_MAX}/31d");
    let more = ["--terms-of-service", TERMS, "--limit", &limit];
    let gate = Gate::with_estate(Remembers::InSqlite, &str::to_owned, &[], &more);
    // CAA forbids one name, and of another the record leads where nobody can be asked.
    gate.update("shop.example", "add api.shop.example. 1 CAA 0 issue \";\"\n");
    let elsewhere = "add _acme-challenge.shop.example. 1 CNAME nowhere.elsewhere.invalid.\n";
    gate.update("shop.example", elsewhere);
    let Challenges::Dns01 { server, key } = gate.dns01() else {
        panic!("it was started with BIND")
    };
    let told = |eab: &Eab| json!({"kid": eab.kid, "hmac": eab.hmac});
    let credentials: Vec<Value> = (0..5).map(|_| told(&gate.credential())).collect();
    let payments = gate.acme_for_payments().eab.expect("it has a credential");
    let know = json!({
        "directory": gate.acme().directory,
        "trust": gate.acme().tls_ca,
        "terms": TERMS,
        "credentials": credentials,
        "payments": told(&payments),
        "http01_port": gate.http01_port(),
        "tls_port": gate.tls_alpn01_port(),
        "orders_max": ORDERS_MAX,
        "dns": [server.ip().to_string(), server.port()],
        "nsupdate": programs::find("nsupdate"),
        "tsig": format!("{}:{}:{}", key.algorithm, key.name, key.secret),
    });
    let folder = Folder::new("library");
    let file = folder.write("know.json", &know.to_string());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/acme_library.py");
    let mut command = process::bounded(&programs::find_pypi("python"), LIMIT);
    command.arg("-B").arg(script).arg(file);
    let ran = process::run(command).expect_success();
    let last = ran.stdout.lines().last().expect("it says what it saw");
    let seen: Vec<String> = serde_json::from_str(last).expect("the last line is JSON");
    let mut expected: Vec<String> = ENDPOINTS.iter().map(|&one| one.to_owned()).collect();
    expected.extend(ERRORS.iter().map(|one| format!("error {one}")));
    expected.sort();
    assert_eq!(seen, expected);
}
