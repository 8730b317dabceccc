//! The console in a real browser: somebody is needed, signs in, reads the plan, says yes or no, and finds the
//! reason why a certificate exists.

use serde_json::{Value, json};

use super::acme_gate::Gate;
use super::authorization::{change_in, link, waiting_change};
use crate::harness::chromium::Chromium;
use crate::harness::lego::Lego;
use crate::harness::place::Folder;

/// Opens the link and presses its button.
fn sign_in(chromium: &mut Chromium, gate: &Gate, person: &str) {
    chromium.open(link(&gate.server, person));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs')");
}

/// Types into the field of that name.
fn fill(chromium: &mut Chromium, field: &str, text: &str) {
    let (selector, text) = (json!(format!("main [name={field}]")), json!(text));
    chromium.evaluate(&format!("document.querySelector({selector}).value = {text}; 0"));
}

/// Opens a page that has to say this, and about which the browser has nothing to say.
fn quiet(chromium: &mut Chromium, url: &str, says: &str) {
    chromium.open(url);
    let text = chromium.text();
    assert!(text.contains(says), "{url} does not say `{says}`: {text}");
    assert_eq!(chromium.complaints(), Vec::<String>::new(), "{url}");
}

/// What a page must never turn into elements.
const HOSTILE: &str = "<img src=x onerror=\"document.title='run'\"><b id=planted>not this name</b>";

fn shown_as_text(chromium: &mut Chromium) {
    assert!(chromium.text().contains(HOSTILE), "{}", chromium.text());
    let made = chromium.evaluate("document.querySelectorAll('#planted, main img').length");
    assert_eq!(made, 0, "{}", chromium.dom());
    assert_ne!(chromium.evaluate("document.title"), "run");
}

#[test]
fn whoever_is_needed_finds_the_change_reads_its_plan_and_approves_it() {
    let gate = Gate::start();
    let lego = Lego::new(&gate.acme_for_payments());
    let refused = lego.obtain(&[Gate::CENTRAL_NAME], gate.http01());
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let change = change_in(&refused.output());
    let https = gate.server.https();
    let page = |path: &str| format!("{https}{path}");

    let mut chromium = Chromium::start();
    quiet(&mut chromium, &page("/"), "one-time link");
    sign_in(&mut chromium, &gate, "pia");
    let needs = chromium.evaluate("document.querySelector('#needs').innerText");
    let needs = needs.as_str().unwrap_or_default();
    assert!(needs.starts_with("What needs you") && needs.contains(Gate::CENTRAL_NAME), "{needs}");

    chromium.click("#needs a.button");
    chromium.wait_until("document.querySelector('#change')");
    assert_eq!(chromium.evaluate("location.pathname"), format!("/changes/{change}"));
    let digest = chromium.evaluate("document.querySelector('code.digest').innerText");
    let told = gate.cli_as("pia", &["change", "show", &change, "--json"]).expect_success();
    let told: Value = serde_json::from_str(&told.stdout).expect("--json prints JSON");
    assert_eq!(digest, told["plan_digest"], "the digest that the API tells, too");

    fill(&mut chromium, "comment", HOSTILE);
    chromium.click("form[action$='/approve'] button");
    chromium.wait_until("document.querySelector('#change .badge')?.textContent === 'closed'");
    let text = chromium.text();
    assert!(text.contains("History") && text.contains("Approved by"), "{text}");
    assert_eq!(chromium.evaluate("document.querySelectorAll('.decide').length"), 0);
    shown_as_text(&mut chromium);

    lego.obtain(&[Gate::CENTRAL_NAME], gate.http01()).expect_success();
    assert_eq!(chromium.complaints(), Vec::<String>::new());
    quiet(&mut chromium, &page("/"), "Nothing. Checked");
    quiet(&mut chromium, &page("/changes"), "closed");
    quiet(&mut chromium, &page(&format!("/changes/{change}")), "History");
    quiet(&mut chromium, &page("/services"), "pay-api");
    quiet(&mut chromium, &page("/docs/api"), "/changes/{change}/approve");
    quiet(&mut chromium, &page("/certificates"), Gate::CENTRAL_NAME);
    let story = chromium.evaluate("document.querySelector('td a').href");
    let story = story.as_str().expect("a certificate links to its story").to_owned();
    quiet(&mut chromium, &story, "explained");

    // A zone's own page, linked from where the zone is named; the bar of tabs is one line.
    chromium.resize(1200, 900);
    chromium.open(&page(&format!("/changes/{change}")));
    let zone = chromium.evaluate("document.querySelector('a[href^=\"/zones/\"]').href");
    let zone = zone.as_str().expect("the change names its zone").to_owned();
    quiet(&mut chromium, &zone, "The way in");
    for says in ["Decides", "Pia Kern", "What its parent says", "Who may do what", "Decided CAA"] {
        assert!(chromium.text().contains(says), "`{says}` is not in {}", chromium.text());
    }
    let shots = Folder::new("shots");
    for (name, path) in
        [("zone", "/zones/pay.example"), ("issuers", "/issuers"), ("attestors", "/attestors")]
    {
        chromium.open(&page(path));
        let lines =
            "new Set([...document.querySelectorAll('.top nav a')].map(a => a.offsetTop)).size";
        assert_eq!(chromium.evaluate(lines), 1, "{path}: the tabs wrap at 1200 px");
        let height = chromium.evaluate("document.querySelector('.top').offsetHeight");
        assert!(height.as_f64().is_some_and(|height| height < 64.0), "{path}: {height}");
        chromium.screenshot(&shots.file(&format!("{name}.png")));
    }

    chromium.open(link(&gate.server, "pia"));
    chromium.click("button.primary");
    chromium.wait_until("document.body.innerText.includes('this link was used')");
}

#[test]
fn a_reason_with_html_in_it_is_read_as_text() {
    let gate = Gate::start();
    let change = waiting_change(&gate);
    let mut chromium = Chromium::start();
    sign_in(&mut chromium, &gate, "pia");
    chromium.open(&format!("{}/changes/{change}", gate.server.https()));
    fill(&mut chromium, "reason", HOSTILE);
    chromium.click("form[action$='/refuse'] button");
    chromium.wait_until("document.querySelector('#change .badge')?.textContent === 'refused'");
    shown_as_text(&mut chromium);
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}
