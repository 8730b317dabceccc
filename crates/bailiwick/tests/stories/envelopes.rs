//! A standing approval as its people meet it: asked for, approved, used, narrowed, ended, and found when nobody
//! uses it.

use serde_json::Value;

use super::acme_gate::{Gate, Remembers, in_days};
use super::authorization::link;
use crate::harness::certbot::Certbot;
use crate::harness::chromium::Chromium;
use crate::harness::process::Ran;

const OTHER: &str = "pay.example";

/// The payments service owns two names, so that there is something to give up.
fn gate(more: &[&str]) -> Gate {
    let alter = |text: &str| {
        text.replace(
            "names = [\"api.pay.example\"]",
            "names = [\"api.pay.example\", \"pay.example\"]",
        )
    };
    Gate::with_estate(Remembers::InSqlite, &alter, &[], more)
}

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.expect_success().stdout).expect("--json prints JSON")
}

/// Asked for by the payments team, approved by whoever answers for its zone; gives its id.
fn granted(gate: &Gate) -> String {
    let until = in_days(300);
    let words = ["envelope", "request", "--service", "pay-api", "--name", Gate::CENTRAL_NAME];
    let more = ["--name", OTHER, "--profile", "tls-server", "--until", &until, "--uses", "5"];
    let why = ["--reason", "renewals", "--json"];
    let asked = json(gate.cli_as("pat", &[&words[..], &more, &why].concat()));
    assert_eq!(asked["state"], "awaiting-approval", "{asked}");
    let change = asked["id"].as_str().expect("a change has an id").to_owned();
    let own = gate.cli_as("pat", &["change", "approve", &change]);
    assert_ne!(own.code, Some(0), "nobody approves what they asked for: {own:?}");
    gate.cli_as("pia", &["change", "approve", &change]).expect_success();
    let all = json(gate.cli_as("pat", &["envelope", "list", "pay-api", "--json"]));
    all[0]["id"].as_str().expect("there is one").to_owned()
}

fn shown(gate: &Gate, id: &str) -> Value {
    json(gate.cli_as("pat", &["envelope", "show", id, "--json"]))
}

fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is not in {ran:?}");
    }
}

#[test]
fn certbot_gets_what_the_envelope_holds_and_nothing_that_was_given_up() {
    let gate = gate(&[]);
    let id = granted(&gate);
    let certbot = Certbot::new(&gate.acme_for_payments());
    let both = [Gate::CENTRAL_NAME, OTHER];
    certbot.obtain(&both, gate.http01()).expect_success();

    let story = shown(&gate, &id);
    assert_eq!((&story["uses"], &story["uses_max"]), (&1.into(), &5.into()), "{story}");
    assert_eq!(story["approved"][0]["by"], "pia", "{story}");
    let leaf = story["approved"][0]["ledger_index"].to_string();
    let entry = json(gate.cli_as("pat", &["ledger", "entry", &leaf, "--json"]));
    assert_eq!(entry["entry"]["kind"], "change.approval-given", "{entry}");
    assert_eq!(entry["entry"]["by"]["person"], "pia", "{entry}");
    let issued = story["certificates"][0]["serial"].as_str().expect("one was issued under it");
    gate.cli_as("pat", &["certificate", "story", issued]).expect_success();

    // More is never given this way, whoever asks, and a part that is narrower buys no other.
    let narrow = |who: &str, more: &[&str]| {
        let words = ["envelope", "narrow", &id, "--reason", "enough"];
        gate.cli_as(who, &[&words[..], more].concat())
    };
    refused(&narrow("pat", &["--until", &in_days(301)]), &["`until`", "request a new envelope"]);
    refused(&narrow("pat", &["--uses", "6"]), &["`uses_max`", "request a new envelope"]);
    refused(&narrow("pat", &["--name", "www.pay.example"]), &["`names`", "www.pay.example"]);
    refused(&narrow("pat", &["--uses", "0"]), &["`uses_max`", "1 certificates were issued"]);
    refused(&narrow("pat", &["--name", OTHER, "--uses", "6"]), &["`uses_max`"]);
    refused(&narrow("sam", &["--name", OTHER]), &["may-not-request"]);
    assert_eq!(shown(&gate, &id)["names"], story["names"]);

    // Less is given at once: nobody has to approve it.
    let earlier = in_days(100);
    let less = ["--name", Gate::CENTRAL_NAME, "--until", &earlier, "--uses", "3", "--json"];
    let done = json(narrow("pat", &less));
    assert_eq!(done["state"], "closed", "{done}");
    let after = shown(&gate, &id);
    assert_eq!(after["names"], serde_json::json!([Gate::CENTRAL_NAME]), "{after}");
    assert!(after["until"].as_str().is_some_and(|until| until.starts_with(&earlier)));
    assert_eq!(after["uses_max"], 3);

    let too_much = certbot.renew(Gate::CENTRAL_NAME);
    assert_ne!(too_much.code, Some(0), "{too_much:?}");
    assert!(certbot.log().contains("needs-envelope"), "{}", certbot.log());
    assert!(certbot.log().contains(OTHER), "{}", certbot.log());
    let fresh = Certbot::new(&gate.acme_for_payments());
    fresh.obtain(&[Gate::CENTRAL_NAME], gate.http01()).expect_success();

    // Ended is ended, with the reason; and the ledger explains every row.
    let end = json(gate.cli_as("pam", &["envelope", "end", &id, "--reason", "moved", "--json"]));
    assert_eq!(end["state"], "closed", "{end}");
    assert!(shown(&gate, &id)["ended"].as_str().is_some_and(|ended| ended.contains("moved")));
    let over = fresh.renew(Gate::CENTRAL_NAME);
    assert_ne!(over.code, Some(0), "{over:?}");
    refused(&narrow("pat", &["--uses", "2"]), &["it ended at"]);
    let data = gate.server.data().to_string_lossy().into_owned();
    crate::harness::bailiwick::bailiwick(&["ledger", "fsck", "--data", &data]).expect_success();
}

#[test]
fn what_nobody_uses_is_found_and_told_to_whoever_operates_and_whoever_granted() {
    let gate = gate(&["--envelope-unused-days", "0"]);
    let id = granted(&gate);
    let story = shown(&gate, &id);
    let found: Vec<&Value> =
        story["findings"].as_array().into_iter().flatten().map(|one| &one["finding"]).collect();
    assert_eq!(found, ["unused"], "{story}");
    assert_eq!(story["told"], serde_json::json!([["payments", "pat"], ["pki", "pia"]]), "{story}");

    let mut chromium = Chromium::start();
    for (person, concerned) in [("pat", true), ("pia", true), ("sam", false)] {
        chromium.open(link(&gate.server, person));
        chromium.click("button.primary");
        chromium.wait_until("document.querySelector('#needs')");
        let needs = chromium.evaluate("document.querySelector('#needs').innerText");
        let needs = needs.as_str().unwrap_or_default();
        assert_eq!(needs.contains("unused"), concerned, "{person}: {needs}");
    }
    // Who may not ask for less sees the page without the forms.
    let page = format!("{}/envelopes/{id}", gate.server.https());
    chromium.open(&page);
    assert_eq!(chromium.evaluate("document.querySelectorAll('form[action$=narrow]').length"), 0);

    chromium.open(&format!("{}/sign-in", gate.server.https()));
    chromium.open(link(&gate.server, "pam"));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
    chromium.open(&page);
    chromium.evaluate(
        "document.querySelector('form[action$=narrow] [name=names]').value = 'pay.example'; 0",
    );
    chromium
        .evaluate("document.querySelector('form[action$=narrow] [name=reason]').value = 'less'; 0");
    chromium.click("form[action$=narrow] button");
    chromium
        .wait_until("!document.querySelector('#envelope .lead')?.textContent.includes('api.pay')");
    assert_eq!(shown(&gate, &id)["names"], serde_json::json!([OTHER]));
    chromium.open(&format!("{}/services/pay-api/envelopes", gate.server.https()));
    assert!(chromium.text().contains("unused"), "{}", chromium.text());
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}
