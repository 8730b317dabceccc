//! Garbage to every route of the table.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Watch, noise, sound, unclear};
use crate::harness::postgres::Postgres;
use crate::stories::acme_gate::Gate;
use crate::stories::acme_jws::Answer;
use crate::stories::authorization::{Asker, Row, rows, waiting_change};
use crate::stories::kill9::dice::Dice;

/// All of it takes less, by far; one request that hangs takes more.
const PATIENCE: Duration = Duration::from_secs(120);
/// More than any route takes.
const TOO_LARGE: usize = 7 * 1024 * 1024;

/// A body that is one for nobody: its name, its content type where it is not the route's, its octets.
struct Bad {
    name: &'static str,
    kind: Option<&'static [u8]>,
    octets: Vec<u8>,
}

fn bodies(dice: &mut Dice) -> Vec<Bad> {
    let bad = |name, octets: &[u8]| Bad { name, kind: None, octets: octets.to_vec() };
    let with = |name, kind: &'static [u8], octets: &[u8]| Bad {
        name,
        kind: Some(kind),
        octets: octets.to_vec(),
    };
    let deep = |open: &str| open.repeat(10_000).into_bytes();
    let mut all = vec![
        bad("nothing", b""),
        bad("one octet", &[0]),
        bad("NULs", &[0; 64]),
        bad("noise", &noise(dice, 4_096)),
        bad("a JSON object that breaks off", b"{\"reason\":\"x\""),
        bad("a JSON text that breaks off", b"{\"reason\":\"x"),
        bad("arrays in arrays", &deep("[")),
        bad("objects in objects", &deep("{\"a\":")),
        bad("an array", b"[]"),
        bad("null", b"null"),
        bad("a number", b"1e999999"),
        bad("two objects", b"{}{}"),
        bad("something behind the object", b"{} x"),
        bad("a field that nobody knows", b"{\"nobody-knows\":1}"),
        bad("text that is not UTF-8", b"{\"reason\":\"\xff\xfe\"}"),
        bad("half a surrogate", b"{\"reason\":\"\\ud800\"}"),
        bad("a field twice", b"{\"reason\":\"a\",\"reason\":\"b\"}"),
        bad("fields of other types", b"{\"reason\":[],\"names\":1,\"hours\":\"x\",\"files\":{}}"),
        bad("a percent sign too few", b"reason=%f&reason=%"),
        with("another content type", b"application/xml", b"<a/>"),
        with("JSON as text", b"text/plain", b"{}"),
        with("a form with files", b"multipart/form-data; boundary=x", b"--x--"),
        with("a content type that is noise", b"\xff\xfe/\xff", b"{}"),
        bad("two MiB of one text", &[b"{\"reason\":\"", &[b'a'; 2 << 20][..], b"\"}"].concat()),
    ];
    all.push(Bad { name: "more than anybody takes", kind: None, octets: vec![b' '; TOO_LARGE] });
    all
}

/// Whether the route reads a body at all; what it does not read cannot be garbage.
fn reads_a_body(row: &Row, description: &Value) -> bool {
    let bare = ["/sign-out", "/welcome/{secret}"];
    match row.path.strip_prefix("/api/v1") {
        _ if row.method != "POST" => false,
        Some(path) => description["paths"][path]["post"].get("requestBody").is_some(),
        None => !bare.contains(&row.path.as_str()),
    }
}

/// RFC 6960 §2.3 has an answer of its own for requests that are none.
fn is_ocsp_refusal(row: &Row, answer: &Answer) -> bool {
    row.path.starts_with("/ocsp/") && answer.status == 200 && answer.text.len() < 32
}

/// Who asks, and what came of it.
struct Run<'a> {
    gate: &'a Gate,
    asker: Asker,
    change: String,
    cookie: String,
    wrong: Vec<String>,
    sent: u32,
}

impl<'a> Run<'a> {
    fn new(gate: &'a Gate, change: String, person: &str) -> Self {
        let asker = Asker::of(gate);
        let cookie = asker.session(gate, person);
        Self { gate, asker, change, cookie, wrong: Vec::new(), sent: 0 }
    }

    fn send(&mut self, row: &Row, url: &str, kind: &[u8], body: &[u8]) -> Answer {
        self.sent += 1;
        let origin = self.gate.server.https().to_owned();
        let headers = [
            ("cookie", self.cookie.as_bytes()),
            ("origin", origin.as_bytes()),
            ("content-type", kind),
        ];
        self.asker.ask_octets(&row.method, url, &headers, body)
    }

    fn judge(&mut self, row: &Row, what: &str, answer: &Answer) {
        let told: String = answer.text.chars().take(300).collect();
        let found = unclear(&row.path, answer);
        self.wrong.extend(found.into_iter().map(|missing| {
            format!("{} {}: {what}: no {missing}: {} {told}", row.method, row.path, answer.status)
        }));
    }

    fn url(&self, row: &Row) -> String {
        row.url(self.gate, &self.change, "none")
    }

    fn done(self) -> u32 {
        assert!(self.wrong.is_empty(), "{} of {}:\n{}", self.wrong.len(), self.sent, {
            self.wrong.join("\n")
        });
        self.sent
    }
}

#[test]
fn no_route_takes_garbage_for_a_request() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let gate = Gate::start_with(&["--database", &url]);
    let change = waiting_change(&gate);
    let began = Instant::now();
    // Her approval counts, so that nothing but the garbage stands in its own way.
    let mut run = Run::new(&gate, change.clone(), "pia");
    let mut dice = Dice::new(Dice::seed());
    let description = run.asker.ask("GET", &run.asker.page("/api/v1/openapi.json"), &[], "");
    let description = description.expect(200).json();
    let bodies = bodies(&mut dice);
    let watch = Watch::begin(&gate);
    let mut reading = 0;
    for row in rows().iter().filter(|row| reads_a_body(row, &description)) {
        reading += 1;
        let url = run.url(row);
        let (right, _) = row.body();
        for bad in &bodies {
            let answer = run.send(row, &url, bad.kind.unwrap_or(right.as_bytes()), &bad.octets);
            if !is_ocsp_refusal(row, &answer) {
                run.judge(row, bad.name, &answer);
            }
        }
    }
    assert!(reading > 30, "only {reading} routes read a body; is the description read?");
    assert!(run.done() > 700);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    watch.end(&gate, &[]);
    // The same change, by whoever may, as if nothing had been.
    gate.cli_as("pia", &["change", "approve", &change]).expect_success();
    sound(gate, Some(&url));
}

/// What stands where an id should, escaped as it travels.
fn segments() -> Vec<(&'static str, String)> {
    vec![
        ("a NUL", "%00".to_owned()),
        ("an id with a NUL", "a%00b".to_owned()),
        ("octets that are no UTF-8", "%ff%fe".to_owned()),
        ("a way out", "..%2f..%2f..%2fetc%2fpasswd".to_owned()),
        ("a header", "x%0d%0aset-cookie:%20a=b".to_owned()),
        ("SQL", "'%20OR%20'1'='1".to_owned()),
        ("markup", "%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned()),
        ("a mark of direction", "%e2%80%aeabc".to_owned()),
        ("a number out of range", "99999999999999999999999999".to_owned()),
        ("a number below zero", "-1".to_owned()),
        ("a very long id", "a".repeat(20_000)),
        ("a very long text", "%25".repeat(7_000)),
    ]
}

#[test]
fn no_path_query_or_header_is_taken_for_another() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let gate = Gate::start_with(&["--database", &url]);
    let change = waiting_change(&gate);
    // An auditor reads all: what is refused is refused as garbage.
    let mut run = Run::new(&gate, change, "ada");
    let watch = Watch::begin(&gate);
    for row in rows().iter().filter(|row| row.path != "/sign-out") {
        let (kind, body) = row.body();
        for (what, segment) in segments().iter().filter(|_| row.path.contains('{')) {
            let base = match row.path.as_str() {
                path if ["/crl", "/issuer/", "/ocsp"].iter().any(|it| path.starts_with(it)) => {
                    gate.server.http()
                }
                _ => gate.server.https(),
            };
            let filled: Vec<&str> = row
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { segment.as_str() } else { part })
                .collect();
            let url = format!("{base}{}", filled.join("/"));
            let answer = run.send(row, &url, kind.as_bytes(), body.as_bytes());
            // A link only shows a button; whether it is one is said when that is pressed.
            let is_button = row.path == "/welcome/{secret}" && answer.status == 200;
            if !is_button && !is_ocsp_refusal(row, &answer) {
                run.judge(row, what, &answer);
            }
        }
        if row.method == "GET" {
            asked_with(&mut run, row);
        }
    }
    assert!(run.done() > 700);
    watch.end(&gate, &[]);
    sound(gate, Some(&url));
}

/// Queries of no meaning, and what they are refused for where the route has such a parameter.
fn asked_with(run: &mut Run<'_>, row: &Row) {
    let long = format!("name={}", "a".repeat(50_000));
    let queries = [
        ("limit=0", true),
        ("limit=201", true),
        ("limit=-1", true),
        ("limit=99999999999999999999", true),
        ("limit=1&limit=2", true),
        ("limit=1e2", true),
        ("limit=", true),
        ("after=x", true),
        ("after=1~%00", true),
        ("after=~", true),
        ("nobody-knows=1", true),
        ("service=%00", true),
        ("service=..", false),
        ("state=%00", false),
        ("state=open", false),
        ("name=%00", false),
        ("revoked=perhaps", false),
        ("expires_within_days=-1", false),
        ("expires_within_days=4294967296", false),
        ("%ff=%ff&&&=&", false),
        ("%", false),
        (&long, false),
    ];
    // What answers without end is read nowhere else.
    if row.path.ends_with("/events") {
        return;
    }
    let lists = ["/api/v1/changes", "/api/v1/certificates"].contains(&row.path.as_str());
    for (query, everywhere) in queries {
        let url = format!("{}?{query}", run.url(row));
        let answer = run.send(row, &url, b"text/plain", b"");
        let told: String = answer.text.chars().take(200).collect();
        if answer.status >= 500 {
            run.wrong.push(format!("{} ?{query}: {} {told}", row.path, answer.status));
        }
        if lists && everywhere {
            run.judge(row, query, &answer);
        }
    }
}

#[test]
fn what_people_write_has_an_end_and_does_not_act() {
    let gate = Gate::start();
    let change = waiting_change(&gate);
    let asker = Asker::of(&gate);
    let shown = gate.cli_as("pia", &["change", "show", &change, "--json"]).expect_success();
    let shown: Value = serde_json::from_str(&shown.stdout).expect("--json prints JSON");
    let digest = &shown["plan_digest"];
    let token = |person: &str| {
        let file = gate.server.data().join(format!("lab/{person}.token"));
        format!("Bearer {}", std::fs::read_to_string(file).expect("the lab keeps it").trim())
    };
    let post = |person: &str, path: &str, body: &Value| {
        let token = token(person);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        asker.ask("POST", &asker.page(path), &headers, &body.to_string())
    };
    let files = json!([["organisation.toml", "name = \"x\"\n"]]);
    let acts = format!("/api/v1/changes/{change}");
    let envelope = |why: &Value| {
        json!({"names": [Gate::CENTRAL_NAME], "profiles": ["tls-server"], "until": "2099-01-01",
            "reason": why})
    };
    let before = gate.ledger_entries();
    for text in
        ["x".repeat(2_001), "a\u{0}b".to_owned(), "\u{1b}[31m".to_owned(), "\u{202e}".into()]
    {
        let why = json!(text);
        let hours = json!({"scopes": ["read"], "services": null, "hours": 1, "purpose": why});
        let cases = [
            ("pia", format!("{acts}/approve"), json!({"plan_digest": digest, "comment": why})),
            ("pia", format!("{acts}/refuse"), json!({"reason": why})),
            ("pat", "/api/v1/services/pay-api/envelopes".to_owned(), envelope(&why)),
            ("pat", "/api/v1/tokens".to_owned(), hours),
            ("dana", "/api/v1/estate/apply".to_owned(), json!({"files": files, "reason": why})),
        ];
        for (person, path, body) in cases {
            let answer = post(person, &path, &body).expect(400);
            let field = answer.member("/field");
            assert!(["comment", "reason", "purpose"].contains(&field.as_str()), "{answer:?}");
        }
    }
    assert_eq!(gate.ledger_entries(), before);
    // Two thousand characters with line ends are a reason like another.
    let long = format!("{}\n{}", "ä".repeat(1_000), "ö".repeat(999));
    post("pia", &format!("{acts}/refuse"), &json!({"reason": long})).expect(200);
    sound(gate, None);
}
