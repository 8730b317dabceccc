//! Who may do what over HTTP: every route of `bailiwick routes` is served, and asks for what it says.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::acme_gate::Gate;
use super::acme_jws::{Answer, Client};
use crate::harness::bailiwick::{BailiwickServer, bailiwick};

/// The one-time link of one of the lab's people.
pub(super) fn link<'a>(server: &'a BailiwickServer, person: &str) -> &'a str {
    let link = server.ready().pointer(&format!("/lab/links/{person}")).and_then(Value::as_str);
    link.unwrap_or_else(|| panic!("the lab has no link for `{person}`: {}", server.ready()))
}

/// The change that a refusal names.
pub(super) fn change_in(told: &str) -> String {
    let (_, rest) = told.split_once("/changes/").unwrap_or_else(|| panic!("no change in {told}"));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// A change that waits: a new account of the payments team asks for a name that needs a yes.
pub(super) fn waiting_change(gate: &Gate) -> String {
    let acme = gate.acme_for_payments();
    let client = Client::of(&acme);
    let eab = acme.eab.as_ref().expect("it has a credential");
    let account = client.register(eab, json!({}));
    change_in(&account.order(&client, &[Gate::CENTRAL_NAME]).expect(403).text)
}

/// A client that sends what it is told, and nothing by itself.
pub(super) struct Asker {
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    https: String,
}

pub(super) type Headers<'a> = &'a [(&'a str, &'a str)];

/// Octets of a body from which on the answer may come, and be missed, while it is still being sent.
const MISSED_FROM: usize = 1 << 20;

impl Asker {
    pub(super) fn of(gate: &Gate) -> Self {
        // Another test may have installed it already.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pem = std::fs::read(gate.server.announced("trust")).expect("the CA can be read");
        let root = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
        let http = reqwest::Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            http: http.build().expect("an HTTP client can be made"),
            runtime: runtime.expect("a runtime can be made"),
            https: gate.server.https().to_owned(),
        }
    }

    pub(super) fn ask(&self, method: &str, url: &str, headers: Headers<'_>, body: &str) -> Answer {
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        self.ask_octets(method, url, &headers, body.as_bytes())
    }

    /// The same with octets that need not be text.
    pub(super) fn ask_octets(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let again = request.try_clone().expect("its body is here");
            let response = match request.send().await {
                // A server that has heard enough answers and closes; who is still sending may miss that.
                Err(cause) if cause.is_request() && body.len() > MISSED_FROM => again.send().await,
                answered => answered,
            };
            let response = response.expect("the server answers");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let kind = headers.get("content-type").map(reqwest::header::HeaderValue::as_bytes);
            // Events never end.
            let endless = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
            let octets = if endless { None } else { response.bytes().await.ok() };
            let text = String::from_utf8_lossy(&octets.unwrap_or_default()).into_owned();
            Answer { status, headers, text }
        })
    }

    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.https)
    }

    /// Spends a person's link for a session: the `Cookie` to send.
    pub(super) fn session(&self, gate: &Gate, person: &str) -> String {
        let answer = self.ask("POST", link(&gate.server, person), &[], "").expect(303);
        let cookie = answer.header("set-cookie").expect("a session is a cookie");
        for word in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(word), "`{word}` is not in {cookie}");
        }
        cookie.split(';').next().unwrap_or_default().to_owned()
    }
}

/// A row of the table.
pub(super) struct Row {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) permission: String,
}

pub(super) fn rows() -> Vec<Row> {
    let printed = bailiwick(&["routes", "--json"]).expect_success().stdout;
    let rows: Value = serde_json::from_str(&printed).expect("--json prints JSON");
    let word = |row: &Value, name: &str| row[name].as_str().expect("a row has it").to_owned();
    let rows = rows.as_array().expect("a list").iter().map(|row| Row {
        method: word(row, "method"),
        path: word(row, "path"),
        permission: word(row, "permission"),
    });
    rows.collect()
}

/// A public route about one certificate, and the name of one that was never issued here (the example of
/// RFC 9773 §4.1).
const RENEWAL_INFO: &str = "/acme/renewal-info/{certificate}";
/// Where workloads show their tokens.
const ENROLMENTS: &str = "/api/v1/enrolments";
const NOBODYS: &str = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";

impl Row {
    fn is_public(&self) -> bool {
        self.permission == "public"
    }

    /// Where it is, for things that are there if a test can have them.
    pub(super) fn url(&self, gate: &Gate, change: &str, secret: &str) -> String {
        let plain = |ending: &str| (gate.server.http(), format!("house{ending}"));
        let (base, file) = match self.path.as_str() {
            "/crl/{issuer}" => plain(".crl"),
            "/issuer/{issuer}" => plain(".cer"),
            path if ["/ocsp/", "/crl/{issuer}/", "/issuer/{issuer}/"]
                .iter()
                .any(|start| path.starts_with(start)) =>
            {
                plain("")
            }
            _ => (gate.server.https(), "house".to_owned()),
        };
        let fingerprint = "0".repeat(64);
        let values = [
            ("{change}", change),
            ("{secret}", secret),
            ("{issuer}", &file),
            ("{file}", "style.css"),
            ("{person}", "sam"),
            ("{service}", "pay-api"),
            ("{certificate}", &fingerprint),
            ("{index}", "0"),
            ("{*path}", "tile/0/000"),
            ("{*request}", "MAA="),
            ("{part}", "4-0.crl"),
            ("{generation}", "g1.cer"),
        ];
        if self.path == RENEWAL_INFO {
            return format!("{base}{}", self.path.replace("{certificate}", NOBODYS));
        }
        let path = values.iter().fold(self.path.clone(), |path, (name, to)| path.replace(name, to));
        // The rest are ids of one form.
        let parts: Vec<&str> =
            path.split('/').map(|part| if part.starts_with('{') { change } else { part }).collect();
        format!("{base}{}", parts.join("/"))
    }

    /// The kind of body it takes, and an empty one.
    pub(super) fn body(&self) -> (&'static str, &'static str) {
        match self.path.split('/').nth(1) {
            Some("acme") => ("application/jose+json", "{}"),
            Some("api") => ("application/json", "{}"),
            Some("iodef") => ("text/plain", "a certificate for www.shop.example was seen"),
            _ => ("application/x-www-form-urlencoded", ""),
        }
    }
}

#[test]
fn without_credentials_only_what_is_public_answers() {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let change = waiting_change(&gate);
    let secret = link(&gate.server, "pia").rsplit('/').next().unwrap_or_default();
    let mut public = 0;
    for row in rows() {
        let url = row.url(&gate, &change, secret);
        let (kind, empty) = row.body();
        let sign_in = json!({"link": link(&gate.server, "sue")}).to_string();
        let body = if row.path == "/api/v1/sign-in" { &sign_in } else { empty };
        let answer = asker.ask(&row.method, &url, &[("content-type", kind)], body);
        let told = format!("{} {}: {answer:?}", row.method, row.path);
        if row.is_public() {
            public += 1;
            // Anybody is told that there is no such certificate.
            let answered = (200..400).contains(&answer.status)
                || (row.path == RENEWAL_INFO
                    && answer.text.contains("no certificate of this server"));
            assert!(answered, "{told}");
            assert_ne!(answer.header("location"), Some("/sign-in"), "{told}");
        } else if row.path.starts_with(ENROLMENTS) {
            // A workload's token is all the credential there is, and there is none.
            assert_eq!(
                (answer.status, answer.member("/error").as_str()),
                (400, "bad-input"),
                "{told}"
            );
        } else if row.permission == "signed-request" {
            assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed"), "{told}");
        } else if row.path.starts_with("/api/") || row.path == "/events" {
            assert_not_signed_in(&answer, &told);
        } else {
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, Some("/sign-in")),
                "{told}"
            );
        }
        if !row.is_public() {
            assert!(!answer.text.contains(Gate::CENTRAL_NAME), "{told}");
        }
    }
    assert!(public > 10, "only {public} public routes; is the table read?");
}

/// Nobody is told who may do it before they said who they are: how to say it is all (RFC 9110 §15.5.2).
fn assert_not_signed_in(answer: &Answer, told: &str) {
    assert_eq!((answer.status, answer.member("/error").as_str()), (401, "not-signed-in"), "{told}");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.is_some_and(|how| how.starts_with("Bearer ")), "{told}");
    assert!(answer.member("/message").contains("bailiwick token new"), "{told}");
}

/// What is said where nothing is served.
const NOTHING: [&str; 3] =
    ["there is no such route", "there is no such page", "there is nothing here"];

#[test]
fn every_route_of_the_table_is_served() {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let change = waiting_change(&gate);
    // An auditor sees all and changes nothing, whatever is asked.
    let cookie = asker.session(&gate, "ada");
    let nowhere = |answer: &Answer| {
        answer.status == 405 || NOTHING.iter().any(|words| answer.text.contains(words))
    };
    let headers =
        |kind| [("cookie", cookie.as_str()), ("origin", &asker.https), ("content-type", kind)];
    for (method, path) in [
        ("GET", "/nowhere"),
        ("GET", "/api/v1/nowhere"),
        ("GET", "/acme/nowhere"),
        ("DELETE", "/changes"),
        ("DELETE", "/api/v1/changes"),
    ] {
        let answer = asker.ask(method, &asker.page(path), &headers("application/json"), "{}");
        assert!(nowhere(&answer), "{method} {path}: {answer:?}");
    }
    let (leaving, rest): (Vec<Row>, Vec<Row>) =
        rows().into_iter().partition(|row| row.path == "/sign-out");
    for row in rest.into_iter().chain(leaving) {
        let (kind, body) = row.body();
        let answer = asker.ask(&row.method, &row.url(&gate, &change, "none"), &headers(kind), body);
        let told = format!("{} {}: {answer:?}", row.method, row.path);
        assert!(!nowhere(&answer), "{told}");
        assert!(answer.status < 500, "{told}");
        assert_ne!(answer.header("location"), Some("/sign-in"), "{told}");
        if row.permission == "signed-in" && row.method == "GET" {
            assert_eq!(answer.status, 200, "{told}");
        }
    }
    let after = asker.ask("GET", &asker.page("/"), &headers("text/plain"), "").expect(303);
    assert_eq!(after.header("location"), Some("/sign-in"), "a session that was left is over");
}

fn change_now(gate: &Gate, change: &str) -> Value {
    let shown = gate.cli_as("pia", &["change", "show", change, "--json"]).expect_success();
    serde_json::from_str(&shown.stdout).expect("--json prints JSON")
}

#[test]
fn another_site_cannot_approve_with_somebodys_session() {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let change = waiting_change(&gate);
    let cookie = asker.session(&gate, "pia");
    let plan = change_now(&gate, &change);
    let digest = plan["plan_digest"].as_str().expect("a change that waits has a plan");
    let own = asker.https.clone();
    let approve = |path: &str, kind: &str, body: &str, from: Headers<'_>| {
        let more = [("cookie", cookie.as_str()), ("content-type", kind)];
        asker.ask("POST", &asker.page(path), &[&more, from].concat(), body)
    };
    let page = format!("/changes/{change}/approve");
    let form = format!("plan_digest={digest}&comment=");
    let by_form = |from| approve(&page, "application/x-www-form-urlencoded", &form, from);
    let json = json!({"plan_digest": digest}).to_string();
    let by_api = |from| approve(&format!("/api/v1{page}"), "application/json", &json, from);
    let foreign: [Headers<'_>; 5] = [
        &[("origin", "https://elsewhere.example")],
        &[("origin", "null")],
        &[],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("origin", &own), ("sec-fetch-site", "same-site")],
    ];
    for from in foreign {
        assert_eq!(by_api(from).expect(403).member("/rule"), "same-origin", "{from:?}");
        let page = by_form(from).expect(403).text;
        assert!(page.contains("from another site"), "{from:?}: {page}");
    }
    assert_eq!(change_now(&gate, &change)["state"], "awaiting-approval");
    // The same from our own page.
    by_form(&[("origin", &own), ("sec-fetch-site", "same-origin")]).expect(303);
    assert_eq!(change_now(&gate, &change)["state"], "closed");
}

#[test]
fn a_token_is_refused_what_it_was_not_made_for() {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let change = waiting_change(&gate);
    let plan = change_now(&gate, &change);
    let token = |more: &[&str]| {
        let words = ["token", "new", "--hours", "1", "--purpose", "a test", "--json"];
        let made = gate.cli_as("pia", &[&words, more].concat()).expect_success();
        let made: Value = serde_json::from_str(&made.stdout).expect("--json prints JSON");
        format!("Bearer {}", made["token"].as_str().expect("it is shown once"))
    };
    let show = format!("/api/v1/changes/{change}");
    let approve = format!("{show}/approve");
    let yes = json!({"plan_digest": plan["plan_digest"]}).to_string();
    let as_token = |token: &str, method: &str, path: &str, body: &str| {
        let headers = [("authorization", token), ("content-type", "application/json")];
        asker.ask(method, &asker.page(path), &headers, body)
    };

    let reads = token(&["--scope", "read"]);
    as_token(&reads, "GET", &show, "").expect(200);
    let refused = as_token(&reads, "POST", &approve, &yes).expect(403);
    assert_eq!(refused.member("/rule"), "token-too-narrow");
    let message = refused.member("/message");
    for word in ["read", "approve", "make a token that allows it"] {
        assert!(message.contains(word), "`{word}` is not in {message}");
    }
    // Nor can it make itself a wider one.
    let wider = json!({"scopes": ["approve"], "services": null, "hours": 1, "purpose": "more"});
    let wider = as_token(&reads, "POST", "/api/v1/tokens", &wider.to_string()).expect(403);
    assert_eq!(wider.member("/rule"), "token-too-narrow");

    // For another service: not even that there is such a change.
    let elsewhere = token(&["--scope", "read", "--scope", "approve", "--service", "shop-web"]);
    as_token(&elsewhere, "GET", &show, "").expect(404);
    as_token(&elsewhere, "POST", &approve, &yes).expect(404);
    assert_eq!(change_now(&gate, &change)["state"], "awaiting-approval");

    let fits = token(&["--scope", "read", "--scope", "approve", "--service", "pay-api"]);
    as_token(&fits, "POST", &approve, &yes).expect(200);
    // What is no token of ours is nobody's.
    let nobody = as_token("Bearer bwt_guessed", "GET", &show, "");
    assert_not_signed_in(&nobody, "a token that somebody guessed");
}

#[test]
fn a_token_made_with_a_token_ends_with_it_and_is_revoked_with_it() {
    let gate = Gate::start();
    let asker = Asker::of(&gate);
    let words = ["token", "new", "--scope", "read", "--scope", "administer", "--hours", "1"];
    let made = gate.cli_as("pia", &[&words[..], &["--purpose", "a test", "--json"]].concat());
    let first: Value = serde_json::from_str(&made.expect_success().stdout).expect("JSON");
    let text = |token: &Value, field: &str| token[field].as_str().expect("a text").to_owned();
    let ask = |token: &Value, method: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {}", text(token, "token"));
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        asker.ask(method, &asker.page(path), &headers, body)
    };
    // As somebody does who found one: at once for as long as there is.
    let wish = |services: Value| {
        let scopes = ["read", "administer"];
        json!({"scopes": scopes, "services": services, "hours": 720, "purpose": "x"}).to_string()
    };
    let child_of = |token: &Value| -> Value {
        let made = ask(token, "POST", "/api/v1/tokens", &wish(Value::Null)).expect(201);
        serde_json::from_str(&made.text).expect("JSON")
    };
    let second = child_of(&first);
    let third = child_of(&second);
    for later in [&second, &third] {
        assert_eq!(text(later, "expires_at"), text(&first, "expires_at"));
        ask(later, "GET", "/api/v1/me", "").expect(200);
    }
    // No services are not all services.
    let refused = ask(&first, "POST", "/api/v1/tokens", &wish(json!([]))).expect(400);
    assert_eq!(refused.member("/field"), "services");
    assert!(refused.member("/message").contains("leave `services` out"), "{refused:?}");
    gate.cli_as("pia", &["token", "revoke", &text(&first, "id")]).expect_success();
    for one in [&first, &second, &third] {
        ask(one, "GET", "/api/v1/me", "").expect(401);
    }
    let listed = gate.cli_as("pia", &["token", "list", "--json"]).expect_success().stdout;
    assert!(!listed.contains(&text(&third, "id")), "{listed}");
}
