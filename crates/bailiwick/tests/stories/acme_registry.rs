//! The life of credentials, accounts and standing records, as the people meet it who answer for them.

use serde_json::{Value, json};

use super::acme_gate::{Gate, Remembers};
use super::acme_jws::{Account, Client};
use super::acme_orders::{PATIENCE, until};
use super::authorization::link;
use crate::harness::acme::{AcmeServer, Eab};
use crate::harness::bailiwick::bailiwick;
use crate::harness::certbot::Certbot;
use crate::harness::chromium::Chromium;
use crate::harness::lego::Lego;
use crate::harness::process::Ran;

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.expect_success().stdout).expect("--json prints JSON")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value:#}"))
}

/// The credential of this kid, as its list has it.
fn credential(gate: &Gate, kid: &str) -> Value {
    let page = json(gate.cli(&["credential", "list", "--service", "shop-web", "--json"]));
    let all = page["items"].as_array().expect("a page has items").clone();
    let one = all.into_iter().find(|one| one["kid"] == kid);
    one.unwrap_or_else(|| panic!("{kid} is not in {page:#}"))
}

fn rotate(gate: &Gate, kid: &str, more: &[&str]) -> Eab {
    let made = json(gate.cli(&[&["credential", "rotate", kid, "--json"], more].concat()));
    Eab { kid: text(&made, "/kid").to_owned(), hmac: text(&made, "/hmac_key").to_owned() }
}

fn with(gate: &Gate, eab: &Eab) -> AcmeServer {
    gate.server.acme(Some(eab.clone()))
}

fn refused(ran: &Ran, words: &[&str]) {
    assert_ne!(ran.code, Some(0), "{ran:?}");
    for word in words {
        assert!(ran.output().contains(word), "`{word}` is not in {}", ran.output());
    }
}

#[test]
fn a_credential_is_rotated_and_the_one_before_registers_nobody() {
    let mut gate = Gate::start();
    let first = gate.credential();
    let before = gate.ledger_entries();
    let second = rotate(&gate, &first.kid, &["--overlap", "1"]);
    let leaves = gate.ledger_since(before).concat();
    for word in ["credential.made", "credential.rotated", &first.kid, &second.kid] {
        assert!(leaves.contains(word), "`{word}` is not in {leaves}");
    }
    assert!(!leaves.contains(&second.hmac), "the key stands nowhere in the ledger");
    assert_eq!(credential(&gate, &first.kid)["state"], "usable");
    assert_eq!(credential(&gate, &first.kid)["successor"], second.kid.as_str());
    // Both register while they overlap.
    for eab in [&first, &second] {
        let certbot = Certbot::new(&with(&gate, eab));
        certbot.obtain(&[Gate::NAME], gate.http01()).expect_success();
        let used = credential(&gate, &eab.kid);
        assert_eq!((&used["state"], &used["made_by"]), (&json!("used"), &json!("sam")), "{used}");
        let account = text(&used, "/account");
        let shown = json(gate.cli(&["account", "show", account, "--json"]));
        assert_eq!(shown["credential"], eab.kid.as_str(), "{shown}");
    }
    refused(&gate.cli(&["credential", "rotate", &first.kid]), &[&second.kid, "took its place"]);
    // At once: the one before is over before anybody used it, and whoever has the new one gets in.
    let third = gate.credential();
    let fourth = rotate(&gate, &third.kid, &[]);
    assert_eq!(credential(&gate, &third.kid)["state"], "rotated");
    let late = Lego::new(&with(&gate, &third)).obtain(&[Gate::NAME], gate.http01());
    refused(&late, &["unauthorized", "the credential expired"]);
    let lego = Lego::new(&with(&gate, &fourth));
    lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
    // Revoked: no account more, and nothing to rotate.
    let fifth = gate.credential();
    gate.cli(&["credential", "revoke", &fifth.kid]).expect_success();
    assert_eq!(credential(&gate, &fifth.kid)["state"], "revoked");
    refused(&gate.cli(&["credential", "rotate", &fifth.kid]), &["revoked", "make a new one"]);
    refused(
        &Lego::new(&with(&gate, &fifth)).obtain(&[Gate::NAME], gate.http01()),
        &["was revoked"],
    );
    // Another team neither sees nor touches them; too long an overlap is none.
    let theirs = json(gate.cli_as("pat", &["credential", "list", "--json"]));
    assert_eq!(theirs["items"], json!([]), "{theirs}");
    refused(&gate.cli_as("pat", &["credential", "rotate", &fourth.kid]), &[]);
    refused(&gate.cli(&["credential", "rotate", &fourth.kid, "--overlap", "169"]), &["168"]);
    gate.server.stop();
    let data = gate.server.data().to_string_lossy().into_owned();
    bailiwick(&["ledger", "fsck", "--data", &data]).expect_success();
}

#[test]
fn an_account_has_an_owner_and_its_caa_records_let_it_in_and_no_other() {
    let gate = Gate::with_bind(Remembers::InPostgres);
    let mine = Certbot::new(&gate.acme_for_the_shop());
    mine.obtain(&[Gate::NAME], gate.dns01()).expect_success();
    let page = json(gate.cli(&["account", "list", "--service", "shop-web", "--json"]));
    let account = &page["items"][0];
    assert_eq!(account["owners"][1], json!(["operator", "shop", "sam"]), "{account:#}");
    assert_eq!(account["contacts"], json!(["mailto:certbot@tests.example"]), "{account:#}");
    assert_eq!((&account["status"], &account["certificates"]), (&json!("valid"), &json!(1)));
    assert_eq!(text(account, "/thumbprint").len(), 43, "SHA-256 in base64url: {account:#}");
    assert!(text(account, "/last_order_at") > text(account, "/registered_at"), "{account:#}");
    let id = text(account, "/id").to_owned();
    let shown = gate.cli(&["account", "show", &id]).expect_success().stdout;
    let record = |owner: &str, tag: &str| {
        let line = shown.lines().map(str::trim).find(|line| {
            line.starts_with(&format!(
                "{owner}. IN CAA 0 {tag} \"ca.bailiwick.example; accounturi="
            ))
        });
        line.unwrap_or_else(|| panic!("no {tag} for {owner} in {shown}")).to_owned()
    };
    record("shop.example", "issuewild");
    // As it stands, into the zone.
    let ours = record(Gate::NAME, "issue").replacen(" IN CAA", " 1 CAA", 1);
    gate.update("shop.example", &format!("add {ours}\n"));
    mine.renew(Gate::NAME).expect_success();
    let other = Lego::new(&gate.acme_for_the_shop());
    refused(&other.obtain(&[Gate::NAME], gate.dns01()), &["CAA"]);
    other.obtain(&[Gate::OTHER_NAME], gate.dns01()).expect_success();
    // Ended by its owners: its holder is told, and nobody else can end it.
    let end = ["account", "deactivate", &id, "--reason", "its host is gone"];
    refused(&gate.cli_as("pat", &end), &["may-not-administer"]);
    let before = gate.ledger_entries();
    gate.cli(&end).expect_success();
    let leaf = gate.ledger_since(before).concat();
    for word in ["account.revoked", "its host is gone", "sam"] {
        assert!(leaf.contains(word), "`{word}` is not in {leaf}");
    }
    refused(&mine.renew(Gate::NAME), &[]);
    assert!(mine.log().contains("the account is revoked"), "{}", mine.log());
    refused(&gate.cli(&end), &["revoked already"]);
    let story = json(gate.cli(&["account", "show", &id, "--json"]));
    assert_eq!((&story["status"], &story["certificates"]), (&json!("revoked"), &json!(2)));
    assert_eq!(story["newest"].as_array().map(Vec::len), Some(2), "its certificates stay");
}

/// An order for a name, and how its dns-persist-01 challenge ends.
fn persist(
    client: &Client,
    account: &Account,
    placed: &super::acme_jws::Answer,
) -> (Value, String) {
    let authorization = placed.member("/authorizations/0");
    let shown = account.get(client, &authorization).expect(200).json();
    let all = shown["challenges"].as_array().expect("a list").clone();
    let challenge = all.into_iter().find(|one| one["type"] == "dns-persist-01");
    let challenge = challenge.unwrap_or_else(|| panic!("no dns-persist-01 in {shown:#}"));
    account.post(client, text(&challenge, "/url"), &json!({})).expect(200);
    let end = until(client, account, &authorization, &["valid", "invalid"]);
    (challenge, end.member("/status"))
}

fn standing(gate: &Gate) -> Vec<Value> {
    let page = json(gate.cli(&["standing-record", "list", "--service", "shop-web", "--json"]));
    page["items"].as_array().expect("a page has items").clone()
}

/// Asks until the records stand like this, in the order of their names.
fn wait_standing(gate: &Gate, expected: &[&str]) -> Vec<Value> {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let all = standing(gate);
        if all.iter().map(|one| text(one, "/state")).eq(expected.iter().copied()) {
            return all;
        }
        assert!(std::time::Instant::now() < end, "never {expected:?}: {all:#?}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn a_standing_record_is_in_the_inventory_until_it_is_taken_away() {
    let mut gate = Gate::with_bind(Remembers::InSqlite);
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let ours = format!("ca.bailiwick.example; accounturi={}", account.kid);
    let owner = |name: &str| format!("_validation-persist.{name}.");
    for (name, more) in [(Gate::NAME, ""), (Gate::OTHER_NAME, "; persistUntil=4000000000")] {
        gate.update("shop.example", &format!("add {} 1 TXT \"{ours}{more}\"\n", owner(name)));
        let placed = account.order(&client, &[name]).expect(201);
        assert_eq!(persist(&client, &account, &placed).1, "valid");
    }
    let all = wait_standing(&gate, &["stands", "stands"]);
    assert_eq!(text(&all[0], "/name"), Gate::OTHER_NAME);
    assert_eq!(text(&all[0], "/until"), "2096-10-02T07:06:40Z");
    assert_eq!(all[1]["until"], Value::Null, "{all:#?}");
    assert_eq!(all[1]["owners"][0], json!(["policy-owner", "shop", "sam"]), "{all:#?}");
    assert!(account.kid.ends_with(text(&all[1], "/account")), "{all:#?}");
    assert_eq!(text(&all[1], "/text"), ours);

    // Taken away: found by itself, and the ledger says since when.
    gate.update("shop.example", &format!("delete {} TXT\n", owner(Gate::NAME)));
    gate.server.stop();
    gate.server.restart();
    let gone = wait_standing(&gate, &["stands", "gone"]);
    assert!(gone[1]["gone_at"].is_string(), "{gone:#?}");
    let leaves = gate.ledger_since(0).concat();
    assert_eq!(leaves.matches("standing-record.gone").count(), 1, "{leaves}");
    // Altered so that its end comes sooner: the inventory follows. Then past its end, seen at once
    // when somebody relies on it in vain.
    let client = Client::of(&gate.acme());
    let alter = |end: &str| {
        let (owner, text) = (owner(Gate::OTHER_NAME), format!("{ours}; persistUntil={end}"));
        gate.update("shop.example", &format!("delete {owner} TXT\nadd {owner} 1 TXT \"{text}\"\n"));
    };
    alter("1700000000");
    let wanted = json!({"identifiers": [{"type": "dns", "value": Gate::OTHER_NAME}]});
    let valid = account.post(&client, &client.url("newOrder"), &wanted).expect(201);
    let authorization = valid.member("/authorizations/0");
    account.post(&client, &authorization, &json!({"status": "deactivated"})).expect(200);
    let placed = account.post(&client, &client.url("newOrder"), &wanted).expect(201);
    assert_eq!(persist(&client, &account, &placed).1, "invalid");
    wait_standing(&gate, &["gone", "gone"]);
    // It comes back when it is relied on again.
    alter("4100000000");
    let placed = account.post(&client, &client.url("newOrder"), &wanted).expect(201);
    assert_eq!(persist(&client, &account, &placed).1, "valid");
    wait_standing(&gate, &["stands", "gone"]);
    gate.server.stop();
    let data = gate.server.data().to_string_lossy().into_owned();
    bailiwick(&["ledger", "fsck", "--data", &data]).expect_success();
}

#[test]
fn a_standing_record_speaks_to_the_issuer_that_it_names_and_to_no_other() {
    let annex = "\n[annex]\nkind = \"built-in\"\ncaa_domains = [\"annex.bailiwick.example\"]\n\
        environments = [\"production\"]\nprofiles = [\"short\"]\n";
    let alter = |text: &str| {
        if text.contains("\n[house]\n") {
            return text.replace("\"short\", ", "") + annex;
        }
        let domains = "issue = [\"ca.bailiwick.example\", \"annex.bailiwick.example\"]";
        text.replace("issue = [\"ca.bailiwick.example\"]", domains)
    };
    let gate = Gate::with_estate(Remembers::InSqlite, &alter, &[], &[]);
    let apex = "add shop.example. 1 CAA 0 issue \"annex.bailiwick.example\"\n";
    gate.update("shop.example", apex);
    let client = Client::of(&gate.acme());
    let account = client.register(&gate.credential(), json!({}));
    let order = |profile: &str| {
        let names = json!([{"type": "dns", "value": Gate::NAME}]);
        let wanted = json!({"identifiers": names, "profile": profile});
        account.post(&client, &client.url("newOrder"), &wanted).expect(201)
    };
    let publish = |issuer: &str| {
        let owner = format!("_validation-persist.{}.", Gate::NAME);
        let text = format!("{issuer}; accounturi={}", account.kid);
        gate.update("shop.example", &format!("delete {owner} TXT\nadd {owner} 1 TXT \"{text}\"\n"));
    };
    // The house would issue: a record that names the annex, which is ours as well, is for another.
    publish("annex.bailiwick.example");
    let (challenge, status) = persist(&client, &account, &order("tls-server"));
    assert_eq!(challenge["issuer-domain-names"], json!(["ca.bailiwick.example"]), "{challenge}");
    assert_eq!(status, "invalid");
    // The annex would: it is right, and what was shown to the annex is not taken by the house.
    let placed = order("short");
    let (challenge, status) = persist(&client, &account, &placed);
    assert_eq!(challenge["issuer-domain-names"], json!(["annex.bailiwick.example"]), "{challenge}");
    assert_eq!(status, "valid");
    assert_eq!(order("short").member("/status"), "ready");
    assert_eq!(order("tls-server").member("/status"), "pending");
    let csr = super::acme_jws::base64url(super::acme_gate::csr(&[Gate::NAME]));
    account.post(&client, &placed.member("/finalize"), &json!({"csr": csr})).expect(200);
    let done = until(&client, &account, &placed.location(), &["valid", "invalid"]);
    assert_eq!(done.member("/status"), "valid", "{done:?}");
}

/// The browser of somebody signed in.
fn signed_in(gate: &Gate, person: &str) -> Chromium {
    let mut chromium = Chromium::start();
    chromium.open(link(&gate.server, person));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
    chromium
}

#[test]
fn changed_terms_bind_accounts_that_agreed_to_others() {
    let (old, new) = ("https://shop.example/terms/2026", "https://shop.example/terms/2027");
    let mut gate = Gate::start_with(&["--terms-of-service", old]);
    let agreed = || json!({"termsOfServiceAgreed": true});
    let (client, eab) = (Client::of(&gate.acme()), gate.credential());
    let account = client.register(&eab, agreed());
    let begun = account.order(&client, &[Gate::NAME]).expect(201);
    gate.server.restart_with(old, new);
    let client = Client::of(&gate.acme());
    let told = account.order(&client, &[Gate::NAME]).expect(403);
    assert_eq!(told.problem(), "userActionRequired");
    assert_eq!(told.links("terms-of-service"), [new]);
    let page = told.member("/instance");
    let id = account.kid.rsplit('/').next().expect("the id is last").to_owned();
    assert!(page.ends_with(&format!("/accounts/{id}")), "{page}");
    let name = json!({"identifier": {"type": "dns", "value": Gate::NAME}});
    let authz = account.post(&client, &client.url("newAuthz"), &name).expect(403);
    assert_eq!(authz.problem(), "userActionRequired");
    // An account update does not agree (RFC 8555 §7.3.3); what was begun goes on.
    account.post(&client, &account.kid, &agreed()).expect(200);
    account.order(&client, &[Gate::NAME]).expect(403);
    account.get(&client, &begun.location()).expect(200);
    // A person of the service does, on the page that the problem names, and for these terms only.
    let agree =
        |who: &str, terms: &str| gate.cli_as(who, &["account", "agree", &id, "--terms", terms]);
    refused(&agree("sam", old), &[new]);
    refused(&agree("pat", new), &["may-not-administer"]);
    let mut chromium = signed_in(&gate, "sam");
    chromium.open(&format!("{}/services/shop-web/clients", gate.server.https()));
    chromium.click("#accounts td a");
    chromium.wait_until("document.querySelector('#account')");
    assert_eq!(chromium.evaluate("location.href"), page);
    assert!(chromium.text().contains("terms of service have changed"), "{}", chromium.text());
    chromium.click("form[action$='/agree'] button");
    chromium.wait_until("!document.querySelector('form[action$=\"/agree\"]')");
    account.order(&client, &[Gate::NAME]).expect(201);
    let shown = json(gate.cli(&["account", "show", &id, "--json"]));
    assert_eq!((&shown["terms"][0], &shown["terms_due"]), (&json!(new), &Value::Null), "{shown}");
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}

#[test]
fn the_clients_of_a_service_are_looked_after_in_the_console() {
    let gate = Gate::start();
    let lego = Lego::new(&gate.acme_for_the_shop());
    lego.obtain(&[Gate::NAME], gate.http01()).expect_success();
    let spare = gate.credential();
    let clients = format!("{}/services/shop-web/clients", gate.server.https());
    let mut chromium = signed_in(&gate, "sam");
    chromium.open(&clients);
    assert!(chromium.text().contains(&spare.kid), "{}", chromium.text());
    // Rotated on the page: the key is shown once, and registers.
    chromium.click(&format!("form[action$='{}/rotate'] button", spare.kid));
    chromium.wait_until("document.querySelector('#fresh')");
    let shown = |chromium: &mut Chromium, n: u8| {
        let code = format!("document.querySelectorAll('#fresh code')[{n}].innerText");
        chromium.evaluate(&code).as_str().expect("a text").to_owned()
    };
    let fresh = Eab { kid: shown(&mut chromium, 1), hmac: shown(&mut chromium, 2) };
    let second = Certbot::new(&with(&gate, &fresh));
    second.obtain(&[Gate::OTHER_NAME], gate.http01()).expect_success();
    chromium.open(&clients);
    let text = chromium.text();
    assert!(text.contains("rotated") && !text.contains(&fresh.hmac), "{text}");
    // An account on its page, and its end.
    let id = credential(&gate, &fresh.kid)["account"].as_str().expect("it bound one").to_owned();
    chromium.click(&format!("#accounts a[href$='{id}']"));
    chromium.wait_until("document.querySelector('#account #caa')");
    assert!(chromium.text().contains(Gate::OTHER_NAME), "{}", chromium.text());
    chromium.evaluate("document.querySelector('main [name=reason]').value = 'moved'; 0");
    chromium.click("form[action$='/deactivate'] button");
    chromium.wait_until("document.querySelector('#account .badge')?.textContent === 'revoked'");
    refused(&second.renew(Gate::OTHER_NAME), &[]);
    if let Some(folder) = std::env::var_os("BAILIWICK_PICTURES") {
        let folder = std::path::PathBuf::from(folder);
        chromium.screenshot(&folder.join("account.png"));
        chromium.open(&clients);
        chromium.screenshot(&folder.join("clients.png"));
    }
    // An auditor sees the accounts, and no button.
    let mut auditor = signed_in(&gate, "ada");
    auditor.open(&clients);
    assert!(auditor.text().contains(&id), "{}", auditor.text());
    assert_eq!(auditor.evaluate("document.querySelectorAll('main form').length"), 0);
    for mut one in [chromium, auditor] {
        assert_eq!(one.complaints(), Vec::<String>::new());
    }
}
