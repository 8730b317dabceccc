//! The rest of RFC 8555 as an account meets it: pre-authorization, terms, limits, alternate chains,
//! revocation by somebody who controls the names; and renewal information (RFC 9773).

use bailiwick_core::time::Time;
use reqwest::Method;
use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers, csr, now};
use super::acme_jws::{Account, Answer, Client, base64url};
use super::acme_orders::{Web, der, finalized, place, until, validate};
use crate::harness::sqlite;

/// A gate with these arguments, a client, and something where http-01 looks.
fn scene(args: &[&str]) -> (Gate, Client, Web) {
    let gate = Gate::start_with(args);
    let client = Client::of(&gate.acme());
    let web = Web::start(gate.http01_port());
    (gate, client, web)
}

/// A certificate for one name, from order to chain: its URL and the answer that held it.
fn obtain(client: &Client, account: &Account, web: &Web, name: &str) -> (String, Answer) {
    let placed = place(client, account, name);
    if account.get(client, &placed.order).expect(200).member("/status") == "pending" {
        validate(client, account, web, &placed);
    }
    finalized(client, account, &placed, &csr(&[name])).expect(200);
    let valid = until(client, account, &placed.order, &["valid", "invalid"]);
    let url = valid.member("/certificate");
    let chain = account.get(client, &url).expect(200);
    (url, chain)
}

/// The name of a certificate in renewal information, put together by OpenSSL's reading of it.
fn ari_id(der: &str) -> String {
    let octets = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(der).expect("base64url")
    };
    let folder = crate::harness::place::Folder::new("ari");
    let file = folder.file("leaf.der");
    std::fs::write(&file, octets).expect("a file can be written");
    let openssl = crate::harness::programs::find("openssl");
    let mut command =
        crate::harness::process::bounded(&openssl, std::time::Duration::from_secs(10));
    command.args(["x509", "-inform", "DER", "-noout", "-serial", "-ext", "authorityKeyIdentifier"]);
    command.arg("-in").arg(&file);
    let said = crate::harness::process::run(command).expect_success().stdout;
    let hex = |text: &str| -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
        digits.chunks(2).map(|two| pair(two).expect("hexadecimal")).collect()
    };
    let (_, serial) = said.split_once("serial=").expect("it has a serial");
    let mut serial = hex(serial.lines().next().unwrap_or_default());
    // The DER of a positive number whose first bit is set begins with a zero octet.
    if serial.first().is_some_and(|first| *first >= 0x80) {
        serial.insert(0, 0);
    }
    let key_id = said.lines().find(|line| line.matches(':').count() >= 19).expect("a key id");
    let key_id = key_id.trim().trim_start_matches("keyid:");
    format!("{}.{}", base64url(hex(key_id)), base64url(serial))
}

#[test]
fn renewal_information_follows_the_lifetime_and_ends_when_it_is_revoked() {
    let (gate, client, web) = scene(&[]);
    let account = client.register(&gate.credential(), json!({}));
    let (_, chain) = obtain(&client, &account, &web, Gate::NAME);
    let id = ari_id(&der(&chain.text));
    let url = format!("{}/{id}", client.url("renewalInfo"));
    let info = client.ask(Method::GET, &url).expect(200);
    let at = |text: &str| Time::parse(text).expect("a moment");
    let window = |info: &Answer| {
        let side = |side: &str| at(&info.member(&format!("/suggestedWindow/{side}")));
        (side("start"), side("end"))
    };
    let (start, end) = window(&info);
    assert!(start < end, "{info:?}");
    assert!(at(&now()) < start, "it was issued a moment ago: {info:?}");
    let pause: u64 = info.header("retry-after").and_then(|s| s.parse().ok()).expect("seconds");
    assert!((60..=86_400).contains(&pause), "{pause}");
    assert!(info.header("cache-control").is_some_and(|kept| kept.contains("max-age")), "{info:?}");
    assert_eq!(info.header("replay-nonce"), None, "a nonce must not be cached");
    // No spelling but the one, and nobody else's.
    for (bad, status) in [("x", 400), ("x.y", 400), ("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", 404)] {
        let answer = client.ask(Method::GET, &format!("{}/{bad}", client.url("renewalInfo")));
        assert_eq!((answer.status, answer.problem().as_str()), (status, "malformed"), "{bad}");
    }
    let revoke = json!({"certificate": der(&chain.text), "reason": 4});
    account.post(&client, &client.url("revokeCert"), &revoke).expect(200);
    let pulled = client.ask(Method::GET, &url).expect(200);
    let (start, end) = window(&pulled);
    assert!(start < end && end <= at(&now()), "{pulled:?}");
    assert!(pulled.member("/explanationURL").contains("/certificates/"), "{pulled:?}");
}

#[test]
fn an_order_says_what_it_replaces_and_only_one_does() {
    let (mut gate, client, web) = scene(&["--limit", "orders-per-account=1/31d"]);
    let account = client.register(&gate.credential(), json!({}));
    let (_, chain) = obtain(&client, &account, &web, Gate::NAME);
    let id = ari_id(&der(&chain.text));
    let order = |by: &Account, client: &Client, name: &str, replaces: &Value| {
        let payload =
            json!({"identifiers": [{"type": "dns", "value": name}], "replaces": replaces});
        by.post(client, &client.url("newOrder"), &payload)
    };
    let mine = |name, replaces| order(&account, &client, name, &replaces);
    // The limit is reached, and a renewal passes all the same.
    assert_eq!(account.order(&client, &[Gate::NAME]).expect(429).problem(), "rateLimited");
    for (what, answer, status, problem) in [
        ("no name of a certificate", mine(Gate::NAME, json!("x")), 400, "malformed"),
        ("no text", mine(Gate::NAME, json!(7)), 400, "malformed"),
        (
            "somebody else's CA",
            mine(Gate::NAME, json!("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")),
            400,
            "malformed",
        ),
        ("no name in common", mine(Gate::OTHER_NAME, json!(id)), 400, "malformed"),
    ] {
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{what}");
    }
    let other = client.register(&gate.credential(), json!({}));
    let foreign = order(&other, &client, Gate::NAME, &json!(id)).expect(403);
    assert_eq!(foreign.problem(), "unauthorized");
    let placed = mine(Gate::NAME, json!(id)).expect(201);
    assert_eq!(placed.member("/replaces"), id);
    assert_eq!(mine(Gate::NAME, json!(id)).expect(409).problem(), "alreadyReplaced");
    // It stays so when the server is killed.
    gate.server.kill9();
    gate.server.restart();
    let client = Client::of(&gate.acme());
    let again = order(&account, &client, Gate::NAME, &json!(id)).expect(409);
    assert_eq!(again.problem(), "alreadyReplaced");
    let shown = account.get(&client, &placed.location()).expect(200);
    assert_eq!(shown.member("/replaces"), id);
    // An order that ended without a certificate replaces nothing.
    let authorization = shown.member("/authorizations/0");
    account.post(&client, &authorization, &json!({"status": "deactivated"})).expect(200);
    let refused = account.post(
        &client,
        &shown.member("/finalize"),
        &json!({"csr": base64url(csr(&[Gate::NAME]))}),
    );
    assert_eq!(refused.expect(403).problem(), "unauthorized");
}

#[test]
fn limits_say_when_to_come_again_and_where_to_read_why() {
    let (mut gate, client, web) =
        scene(&["--limit", "orders-per-service=2/1h", "--limit", "failures-per-account=1/1h"]);
    let account = client.register(&gate.credential(), json!({}));
    let first = place(&client, &account, Gate::NAME);
    // One look that fails is all there may be in an hour, also after a restart.
    web.says("something else");
    account.post(&client, &first.challenge, &json!({})).expect(200);
    until(&client, &account, &first.authorization, &["invalid"]);
    gate.server.kill9();
    gate.server.restart();
    let client = Client::of(&gate.acme());
    let told = account.order(&client, &[Gate::NAME]).expect(429);
    assert_eq!(told.problem(), "rateLimited");
    let seconds: u64 = told.header("retry-after").and_then(|s| s.parse().ok()).expect("seconds");
    assert!((3_000..=3_601).contains(&seconds), "{told:?}");
    assert!(told.member("/detail").contains("failed validations"), "{told:?}");
    let [help] = told.links("help").try_into().expect("one page explains it");
    let page = client.ask(Method::GET, &help).expect(200).text;
    assert!(page.contains("failures-per-account") && page.contains("1 in 1h"), "{page}");
    // Another account of the service has one order left.
    let other = client.register(&gate.credential(), json!({}));
    other.order(&client, &[Gate::OTHER_NAME]).expect(201);
    let told = other.order(&client, &[Gate::OTHER_NAME]).expect(429);
    assert!(told.member("/detail").contains("service `shop-web`"), "{told:?}");
    // Other services are not concerned.
    let acme = gate.acme_for_payments();
    let eab = acme.eab.as_ref().expect("it has a credential");
    let payments = client.register(eab, json!({}));
    payments.order(&client, &[Gate::CENTRAL_NAME]).expect(403);
}

#[test]
fn strangers_are_slowed_down_and_accounts_are_not() {
    let (gate, client, _web) = scene(&["--limit", "requests-per-address=8/10m"]);
    let eab = gate.credential();
    let account = client.register(&eab, json!({}));
    let url = client.url("newNonce");
    let refused = (0..20).map(|_| client.ask(Method::GET, &url)).find(|one| one.status != 204);
    let refused = refused.expect("somewhere there is an end").expect(429);
    assert_eq!(refused.problem(), "rateLimited");
    assert!(refused.header("retry-after").is_some() && refused.links("help").len() == 1);
    let protected = json!({"alg": "ES256", "nonce": refused.header("replay-nonce"),
        "url": account.kid, "kid": account.kid});
    let asked = client.post_jws(&account.kid, &account.key.jws(&protected, ""));
    asked.expect(200);
}

#[test]
fn a_name_is_authorized_before_it_is_ordered() {
    let (mut gate, client, web) = scene(&[]);
    let account = client.register(&gate.credential(), json!({}));
    let ask = |client: &Client, kind: &str, name: &str| {
        let payload = json!({"identifier": {"type": kind, "value": name}});
        account.post(client, &client.url("newAuthz"), &payload)
    };
    for (kind, name, status, problem) in [
        ("dns", "*.shop.example", 400, "malformed"),
        ("dns", "_x.shop.example", 400, "rejectedIdentifier"),
        ("dns", Gate::CENTRAL_NAME, 400, "rejectedIdentifier"),
        ("dns", "www.nowhere.example", 400, "rejectedIdentifier"),
        ("permanent-identifier", "1", 400, "unsupportedIdentifier"),
    ] {
        let answer = ask(&client, kind, name);
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{kind} {name}");
    }
    let made = ask(&client, "dns", Gate::NAME).expect(201);
    let url = made.location();
    assert_eq!(made.member("/status"), "pending");
    assert_eq!(made.json()["identifier"], json!({"type": "dns", "value": Gate::NAME}));
    let json = made.json();
    let all = json["challenges"].as_array().expect("a list");
    let http01 = all.iter().find(|one| one["type"] == json!("http-01")).expect("there is one");
    let text = |member: &str| http01[member].as_str().expect("a challenge has it").to_owned();
    // Killed while it looks: there is no order that would remind anybody.
    account.post(&client, &text("url"), &json!({})).expect(200);
    web.silent.recv_timeout(super::acme_orders::PATIENCE).expect("the server looks");
    gate.server.kill9();
    web.says(&format!("{}.{}", text("token"), account.key.thumbprint()));
    gate.server.restart();
    let client = Client::of(&gate.acme());
    until(&client, &account, &url, &["valid"]);
    assert_eq!(ask(&client, "dns", Gate::NAME).expect(200).location(), url, "the one there is");
    let order = account.order(&client, &[Gate::NAME]).expect(201);
    assert_eq!(order.member("/status"), "ready");
    // Given up: the next order begins anew, and the ledger says why.
    let before = gate.ledger_entries();
    account.post(&client, &url, &json!({"status": "deactivated"})).expect(200);
    assert!(gate.ledger_since(before).concat().contains("authorization.given-up"));
    let order = account.order(&client, &[Gate::NAME]).expect(201);
    assert_eq!(order.member("/status"), "pending");
}

#[test]
fn a_chain_is_had_with_and_without_its_root() {
    let (gate, client, web) = scene(&[]);
    let account = client.register(&gate.credential(), json!({}));
    let (url, chain) = obtain(&client, &account, &web, Gate::NAME);
    let [other] = chain.links("alternate").try_into().expect("one other chain");
    let longer = account.get(&client, &other).expect(200);
    assert!(longer.text.starts_with(&chain.text), "the same, and the root behind it");
    assert_eq!(longer.text.matches("BEGIN").count(), chain.text.matches("BEGIN").count() + 1);
    assert_eq!(longer.links("alternate"), std::slice::from_ref(&url));
    for none in ["0", "2", "x", "18446744073709551615"] {
        let answer = account.get(&client, &format!("{url}/{none}")).expect(404);
        assert_eq!(answer.problem(), "malformed", "{none}");
    }
    let stranger = client.register(&gate.credential(), json!({}));
    assert_eq!(stranger.get(&client, &other).expect(404).problem(), "malformed");
}

#[test]
fn whoever_controls_all_names_can_revoke() {
    let (gate, client, web) = scene(&[]);
    let account = client.register(&gate.credential(), json!({}));
    let (_, chain) = obtain(&client, &account, &web, Gate::NAME);
    let other = client.register(&gate.credential(), json!({}));
    let revoke = |by: &Account| {
        by.post(&client, &client.url("revokeCert"), &json!({"certificate": der(&chain.text)}))
    };
    assert_eq!(revoke(&other).expect(403).problem(), "unauthorized");
    let placed = place(&client, &other, Gate::NAME);
    validate(&client, &other, &web, &placed);
    // What was given up does not count.
    other.post(&client, &placed.authorization, &json!({"status": "deactivated"})).expect(200);
    assert_eq!(revoke(&other).expect(403).problem(), "unauthorized");
    let placed = place(&client, &other, Gate::NAME);
    validate(&client, &other, &web, &placed);
    revoke(&other).expect(200);
    assert_eq!(revoke(&account).expect(400).problem(), "alreadyRevoked");
}

#[test]
fn terms_are_agreed_to_and_the_ledger_says_which() {
    let terms = "https://shop.example/terms/2026";
    let (gate, client, _web) = scene(&["--terms-of-service", terms]);
    assert_eq!(client.directory()["meta"]["termsOfService"], json!(terms));
    let (eab, key, url) =
        (gate.credential(), super::acme_jws::Key::fresh(), client.url("newAccount"));
    let bound = super::acme_jws::binding_of(&eab, &url, &key);
    let register = |agreed: Value| {
        let payload = json!({"externalAccountBinding": bound, "termsOfServiceAgreed": agreed});
        client.as_key(&key, &url, &payload)
    };
    for silent in [json!(false), Value::Null] {
        let refused = register(silent).expect(403);
        assert_eq!(refused.problem(), "userActionRequired");
        assert_eq!(refused.member("/instance"), terms);
        assert_eq!(refused.links("terms-of-service"), [terms]);
    }
    let before = gate.ledger_entries();
    register(json!(true)).expect(201);
    let leaves = gate.ledger_since(before).concat();
    assert!(leaves.contains("account.terms-agreed") && leaves.contains(terms), "{leaves}");
}

/// A client that asks for ever other names fills nobody's list, and what it asked for once is found again.
#[test]
fn orders_that_need_an_approval_open_so_many_changes_and_no_more() {
    const WAITING_MAX: usize = 50;
    let name = |n: usize| format!("n{n}.pay.example");
    let names: Vec<String> = (0..60).map(|n| format!("\"{}\"", name(n))).collect();
    let owned = format!("names = [{}]", names.join(", "));
    let alter = |text: &str| text.replace("names = [\"api.pay.example\"]", &owned);
    let limit = ["--limit", "failures-per-account=55/1h"];
    let gate = Gate::with_estate(Remembers::InSqlite, &alter, &[], &limit);
    let acme = gate.acme_for_payments();
    let client = Client::of(&acme);
    let account = client.register(acme.eab.as_ref().expect("it has a credential"), json!({}));
    let refused = |n: usize| account.order(&client, &[&name(n)]);
    let opened: Vec<String> =
        (0..WAITING_MAX).map(|n| refused(n).expect(403).member("/instance")).collect();
    let different: std::collections::BTreeSet<&String> = opened.iter().collect();
    assert_eq!(different.len(), WAITING_MAX);
    // One more opens none, and says what to do.
    let told = refused(WAITING_MAX).expect(400);
    assert_eq!(told.problem(), "rejectedIdentifier", "{told:?}");
    for word in ["50 changes", "`pat`", "withdraw", "7 days"] {
        assert!(told.member("/detail").contains(word), "`{word}` is not in {told:?}");
    }
    // Those that wait are found, the oldest too.
    assert_eq!(refused(0).expect(403).member("/instance"), opened[0]);
    // One is taken back, and the next is opened.
    let id = opened[0].rsplit('/').next().expect("a page");
    gate.cli_as("pat", &["change", "withdraw", id]).expect_success();
    assert!(!opened.contains(&refused(WAITING_MAX).expect(403).member("/instance")));
    refused(WAITING_MAX + 1).expect(400);
    // What is turned away counts: 54 so far.
    refused(1).expect(403);
    let told = refused(2).expect(429);
    assert_eq!(told.problem(), "rateLimited");
    assert!(told.member("/detail").contains("refused orders"), "{told:?}");
}

/// A certificate that needed nobody is no news to a person.
#[test]
fn a_certificate_by_acme_writes_no_notice() {
    let (mut gate, client, web) = scene(&[]);
    let account = client.register(&gate.credential(), json!({}));
    obtain(&client, &account, &web, Gate::NAME);
    gate.server.stop();
    let database = gate.server.data().join("bailiwick.db");
    let done = sqlite::sql(&database, "SELECT subject FROM outbox WHERE subject LIKE 'done:%'");
    assert_eq!(done.expect_success().stdout, "");
}
