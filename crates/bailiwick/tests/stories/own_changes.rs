//! Whoever stands behind a change approves none of it (P7), on the ways that are easily forgotten: edits of
//! the estate, credentials made through somebody else's link, services that changed hands, teams that
//! got another name.

use serde_json::{Value, json};

use super::acme_gate::{Gate, in_days};
use super::acme_jws::{Answer, Client};
use super::authorization::{Asker, change_in};
use super::estate_edits::Edited;
use crate::harness::acme::Eab;
use crate::harness::process::Ran;

fn told(ran: Ran) -> Value {
    serde_json::from_str(&ran.expect_success().stdout).expect("--json prints JSON")
}

fn id(change: &Value) -> String {
    change["id"].as_str().expect("a change has an id").to_owned()
}

struct Scene {
    gate: Gate,
    asker: Asker,
}

/// A way to come in: what a request carries for it.
type Way = Vec<(&'static str, String)>;

impl Scene {
    fn new() -> Self {
        let gate = Gate::start();
        let asker = Asker::of(&gate);
        Self { gate, asker }
    }

    fn approve(&self, person: &str, change: &str) -> Ran {
        self.gate.cli_as(person, &["change", "approve", change, "--json"])
    }

    fn show(&self, change: &str) -> Value {
        told(self.gate.cli_as("ada", &["change", "show", change, "--json"]))
    }

    fn waits(&self, change: &str) {
        assert_eq!(self.show(change)["state"], "awaiting-approval");
    }

    fn refused(&self, ran: &Ran, change: &str, who: &str) {
        assert_ne!(ran.code, Some(0), "{who}: {}", ran.output());
        self.waits(change);
    }

    /// Signed in through a link that somebody else made.
    fn through(&self, maker: &str, person: &str) -> Way {
        let file = self.gate.server.data().join(format!("lab/{maker}.token"));
        let token = std::fs::read_to_string(file).expect("the lab keeps it");
        let bearer = format!("Bearer {}", token.trim());
        let page = self.asker.page(&format!("/api/v1/people/{person}/link"));
        let made = self.asker.ask("POST", &page, &[("authorization", &bearer)], "").expect(201);
        let url = made.member("/url");
        let answer = self.asker.ask("POST", &url, &[], "").expect(303);
        let cookie = answer.header("set-cookie").expect("a session is a cookie");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        vec![("cookie", cookie), ("origin", self.gate.server.https().to_owned())]
    }

    fn post(&self, way: &Way, path: &str, body: &Value) -> Answer {
        let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json")];
        headers.extend(way.iter().map(|(name, value)| (*name, value.as_str())));
        self.asker.ask("POST", &self.asker.page(path), &headers, &body.to_string())
    }

    /// That person says yes by that way.
    fn approve_by(&self, way: &Way, change: &str) -> Answer {
        let digest = self.show(change)["plan_digest"].clone();
        let path = format!("/api/v1/changes/{change}/approve");
        self.post(way, &path, &json!({ "plan_digest": digest }))
    }

    fn envelope(&self, person: &str, service: &str, name: &str) -> String {
        let until = in_days(30);
        let words = ["envelope", "request", "--service", service, "--name", name];
        let more = ["--profile", "tls-server", "--until", &until, "--reason", "x", "--json"];
        id(&told(self.gate.cli_as(person, &[&words[..], &more].concat())))
    }
}

#[test]
fn whoever_applied_an_estate_or_vouched_for_who_approves_it_counts_for_nothing() {
    let scene = Scene::new();
    let edited = Edited::of(&scene.gate);
    let path = "services/shop-web.toml";
    edited.write(path, &edited.read(path).replace("operator = \"shop\"", "operator = \"dns\""));
    let opened = told(edited.run("apply", &["--reason", "we change", "--json"]));
    let change = id(&opened);
    scene.refused(&scene.approve("dana", &change), &change, "the author");
    // Each of them would count, were it not for the author's link.
    for person in ["sol", "pia", "dov", "sam"] {
        let answer = scene.approve_by(&scene.through("dana", person), &change);
        assert!([403, 409].contains(&answer.status), "{person} through dana: {answer:?}");
        scene.waits(&change);
    }
    let twice = scene.approve_by(&scene.through("dana", "dana"), &change);
    assert!([403, 409].contains(&twice.status), "{twice:?}");
    // Two independent people carry it out, each once.
    told(scene.approve("sol", &change));
    assert_ne!(scene.approve("sol", &change).code, Some(0), "one person counts once");
    assert_eq!(told(scene.approve("pia", &change))["state"], "closed");
}

#[test]
fn whoever_made_a_credential_or_vouched_for_who_made_it_approves_no_order_of_it() {
    let scene = Scene::new();
    let by_pat_through_dana = scene.through("dana", "pat");
    let made = json!({ "service": "pay-api", "hours": 1 });
    let made = scene.post(&by_pat_through_dana, "/api/v1/credentials", &made).expect(201);
    let eab = Eab { kid: made.member("/kid"), hmac: made.member("/hmac_key") };
    let client = Client::of(&scene.gate.acme());
    let account = client.register(&eab, json!({}));
    let order = account.order(&client, &[Gate::CENTRAL_NAME]).expect(403);
    let change = change_in(&order.text);
    scene.refused(&scene.approve("pat", &change), &change, "who made the credential");
    for person in ["pia", "sol"] {
        let answer = scene.approve_by(&scene.through("dana", person), &change);
        assert!([403, 409].contains(&answer.status), "{person} through dana: {answer:?}");
        scene.waits(&change);
    }
    assert_eq!(told(scene.approve("pia", &change))["state"], "closed");
}

#[test]
fn a_service_that_changed_hands_is_approved_for_by_whoever_has_it_now_and_not_by_the_author() {
    let scene = Scene::new();
    let change = scene.envelope("sam", "shop-web", Gate::NAME);
    let edited = Edited::of(&scene.gate);
    let path = "services/shop-web.toml";
    let text = edited.read(path);
    assert!(text.contains("policy_owner = \"shop\""), "{text}");
    edited.write(path, &text.replace("policy_owner = \"shop\"", "policy_owner = \"dns\""));
    edited.carried_out();
    scene.refused(&scene.approve("sam", &change), &change, "the author");
    scene.refused(&scene.approve("sue", &change), &change, "an owner of before");
    assert_eq!(told(scene.approve("dov", &change))["state"], "closed");
    // Nor does the new owner approve what the new owner asked for.
    let theirs = scene.envelope("dov", "shop-web", Gate::OTHER_NAME);
    scene.refused(&scene.approve("dov", &theirs), &theirs, "the new owner, of their own");
}

#[test]
fn a_team_with_another_name_makes_nobody_independent() {
    let scene = Scene::new();
    let change = scene.envelope("pat", "pay-api", Gate::CENTRAL_NAME);
    let edited = Edited::of(&scene.gate);
    for path in edited.paths() {
        let text = edited.read(&path);
        let text = text.replace("[payments]", "[billing]").replace("\"payments\"", "\"billing\"");
        edited.write(&path, &text);
    }
    edited.carried_out();
    let duty = told(scene.gate.cli_as("pat", &["service", "list", "--json"]));
    assert!(duty.to_string().contains("billing"), "the team has no other name: {duty}");
    scene.refused(&scene.approve("pat", &change), &change, "the author, of a team renamed");
    // The zone is central: the team of the service decides nothing in it, under whatever name.
    scene.refused(&scene.approve("pam", &change), &change, "the author's team");
    assert_eq!(told(scene.approve("pia", &change))["state"], "closed");
}
