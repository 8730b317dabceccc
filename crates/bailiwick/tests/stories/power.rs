//! Power and what becomes of it: emergencies with their review, nobody approves their own change by any
//! path, notices reach whoever can act, and who holds what is told (REN-8, TRW-2, TRW-7, TRW-8).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use super::acme_gate::{Gate, csr};
use super::authorization::{link, waiting_change};
use crate::harness::chromium::Chromium;
use crate::harness::place::{Folder, Port};
use crate::harness::process::{self, Piped, Ran, Server};
use crate::harness::programs;

fn told(ran: Ran) -> Value {
    let ran = ran.expect_success();
    serde_json::from_str(&ran.stdout).expect("--json prints JSON")
}

/// A certificate request as a file in PEM.
fn request(folder: &Folder, names: &[&str]) -> String {
    folder.write("csr.der", "");
    std::fs::write(folder.file("csr.der"), csr(names)).expect("it is ours");
    let mut command = process::bounded(&programs::find("openssl"), Duration::from_secs(10));
    command.args(["req", "-inform", "DER", "-in"]).arg(folder.file("csr.der"));
    command.args(["-out"]).arg(folder.file("csr.pem"));
    process::run(command).expect_success();
    folder.file("csr.pem").to_string_lossy().into_owned()
}

fn issue(gate: &Gate, person: &str, service: &str, csr: &str) -> Ran {
    let words = ["change", "emergency", "issue", "--service", service, "--csr", csr];
    let more = ["--profile", "tls-server", "--reason", "the key is lost", "--json"];
    gate.cli_as(person, &[&words[..], &more].concat())
}

fn approve(gate: &Gate, person: &str, change: &str) -> Ran {
    gate.cli_as(person, &["change", "approve", change, "--json"])
}

fn review(gate: &Gate, person: &str, change: &str) -> Ran {
    let words = ["change", "emergency", "review", change, "--note", "the disk was gone", "--json"];
    gate.cli_as(person, &words)
}

fn refused(ran: &Ran, says: &str) {
    assert_ne!(ran.code, Some(0), "{}", ran.output());
    assert!(ran.output().contains(says), "it does not say `{says}`: {}", ran.output());
}

/// REN-8: two people, one hour, narrow, and a review that stays open until somebody independent closes it.
#[test]
fn an_emergency_needs_two_people_and_is_reviewed_by_a_third() {
    let gate = Gate::start();
    let folder = Folder::new("emergency");
    let pem = request(&folder, &[Gate::CENTRAL_NAME]);
    // Nobody without a duty over the service declares one, and it reaches no other name.
    refused(&issue(&gate, "sam", "pay-api", &pem), "duty");
    let elsewhere = Folder::new("foreign");
    let foreign = request(&elsewhere, &[Gate::NAME]);
    let asked = told(issue(&gate, "pat", "pay-api", &foreign));
    assert_eq!(asked["state"], "refused", "{asked}");
    let asked = told(issue(&gate, "pat", "pay-api", &pem));
    let change = asked["id"].as_str().expect("an id").to_owned();
    assert_eq!(asked["state"], "awaiting-approval", "{asked}");
    assert!(asked["title"].as_str().unwrap_or_default().starts_with("EMERGENCY"), "{asked}");
    refused(&approve(&gate, "pat", &change), "independent");
    // The review is there from the first moment, with its assignee and its day.
    let open = told(gate.cli_as("sol", &["change", "list", "--review", "--json"]));
    let mine = open.as_array().expect("a list").iter().find(|one| one["change"] == change.as_str());
    let mine = mine.expect("it is listed");
    assert_eq!((&mine["reviewer"], &mine["accountable"]), (&json!("sol"), &json!("pat")));
    let first = told(approve(&gate, "pam", &change));
    assert_eq!(first["state"], "awaiting-approval", "one of the same team is not enough: {first}");
    let second = told(approve(&gate, "pia", &change));
    assert_eq!(second["state"], "closed", "{second}");
    let listed = told(gate.cli_as("pat", &["certificate", "list", "--json"]));
    assert!(listed["items"].to_string().contains(Gate::CENTRAL_NAME), "{listed}");
    // Who asked, approved or answers for it does not review it.
    for person in ["pat", "pam", "pia"] {
        refused(&review(&gate, person, &change), "took part");
    }
    let mut chromium = Chromium::start();
    chromium.open(link(&gate.server, "sol"));
    chromium.click("button.primary");
    chromium.wait_until("document.querySelector('#needs form[action$=\\'/review\\']')");
    chromium.screenshot(&folder.file("home.png"));
    chromium.open(&format!("{}/emergencies", gate.server.https()));
    assert!(chromium.text().contains("To be reviewed"), "{}", chromium.text());
    chromium.screenshot(&folder.file("emergencies.png"));
    chromium.open(&format!("{}/duties", gate.server.https()));
    assert!(chromium.text().contains("Nobody holds power over both"), "{}", chromium.text());
    chromium.screenshot(&folder.file("duties.png"));
    assert_eq!(chromium.complaints(), Vec::<String>::new());
    let closed = told(review(&gate, "sol", &change));
    assert_eq!(closed["review"]["justified"], true, "{closed}");
    refused(&review(&gate, "sol", &change), "closed it");
    let open = told(gate.cli_as("sol", &["change", "list", "--review", "--json"]));
    let left = open.as_array().expect("a list").iter().any(|one| one["change"] == change.as_str());
    assert!(!left, "{open}");
    let data = gate.server.data().to_string_lossy().into_owned();
    crate::harness::bailiwick::bailiwick(&["ledger", "fsck", "--data", &data]).expect_success();
    // TRW-8: the signature is in the one list.
    let acts = told(gate.cli_as("ada", &["ledger", "acts", "--about", "issuer/house", "--json"]));
    assert!(acts.to_string().contains("signed certificate"), "{acts}");
    let acts = told(gate.cli_as("ada", &["ledger", "acts", "--class", "estate", "--json"]));
    assert!(acts.to_string().contains("activated estate"), "{acts}");
}

/// REN-8: one set of records of a zone, by two people; nothing that hands over a name or lets more issue.
#[test]
fn an_emergency_edits_one_set_of_records_and_widens_nothing() {
    let gate = Gate::start();
    let publish = |person: &str, name: &str, kind: &str, value: &str| {
        let words = ["change", "emergency", "publish", "--zone", "shop.example", "--name", name];
        let more = ["--type", kind, "--value", value, "--reason", "the address is gone", "--json"];
        gate.cli_as(person, &[&words[..], &more].concat())
    };
    refused(&publish("sam", "www", "A", "127.0.0.9"), "holds no duty");
    refused(&publish("dana", "@", "NS", "ns.elsewhere.example."), "no emergency edits it");
    refused(&publish("dana", "_acme-challenge.www", "TXT", "x"), "no emergency edits it");
    refused(&publish("dana", "@", "CAA", "0 issue \"other.example\""), "more could issue");
    let asked = told(publish("dana", "www", "A", "127.0.0.9"));
    let change = asked["id"].as_str().expect("an id").to_owned();
    assert_eq!(asked["state"], "awaiting-approval", "{asked}");
    assert_eq!(asked["title"], "EMERGENCY: edit www.shop.example A in zone shop.example");
    refused(&approve(&gate, "dana", &change), "independent");
    let open = told(gate.cli_as("sol", &["change", "list", "--review", "--json"]));
    assert_eq!((&open[0]["zone"], &open[0]["service"]), (&json!("shop.example"), &json!(null)));
    assert_eq!((&open[0]["accountable"], &open[0]["reviewer"]), (&json!("pia"), &json!("sol")));
    // One who shares no team with the author is not enough, and neither are two who both do.
    assert_eq!(told(approve(&gate, "pia", &change))["state"], "awaiting-approval");
    refused(&review(&gate, "sol", &change), "review it once it is over");
    told(approve(&gate, "dov", &change));
    let end = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let shown = told(gate.cli_as("ada", &["change", "show", &change, "--json"]));
        if shown["state"] == "closed" {
            break;
        }
        assert!(std::time::Instant::now() < end, "{shown:#}\n{}", gate.server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let records = ["zone", "records", "shop.example", "--owner", "www", "--type", "A", "--json"];
    let records = told(gate.cli_as("ada", &records)).to_string();
    assert!(records.contains("127.0.0.9"), "{records}");
    for person in ["dana", "pia", "dov"] {
        refused(&review(&gate, person, &change), "took part");
    }
    assert_eq!(told(review(&gate, "sol", &change))["review"]["justified"], true);
    // CAA can be narrowed: nobody issues until the matter is settled.
    let shut = told(publish("dana", "@", "CAA", "0 issue \";\""));
    assert_eq!(shut["state"], "awaiting-approval", "{shut}");
}

/// REN-8: execution is delegated for a while, accountability is not.
#[test]
fn whoever_delegated_execution_answers_for_it_and_approves_none_of_it() {
    let gate = Gate::start();
    let folder = Folder::new("delegated");
    let pem = request(&folder, &[Gate::CENTRAL_NAME]);
    let delegate = |person: &str| {
        let words = ["change", "emergency", "delegate", "--service", "pay-api", "--to", "dov"];
        gate.cli_as(person, &[&words[..], &["--reason", "the night", "--json"]].concat())
    };
    refused(&issue(&gate, "dov", "pay-api", &pem), "duty");
    // Whose credentials one does not see, one is not told about either.
    refused(&delegate("sam"), "you may not see it");
    // Who may look and not delegate is told of the service, not of what its gate is opened with.
    for person in ["ada", "dana"] {
        let ran = delegate(person);
        refused(&ran, "service `pay-api`");
        assert!(!ran.output().contains("credential"), "{}", ran.output());
    }
    told(delegate("pat"));
    let asked = told(issue(&gate, "dov", "pay-api", &pem));
    let change = asked["id"].as_str().expect("an id").to_owned();
    let open = told(gate.cli_as("sol", &["change", "list", "--review", "--json"]));
    assert_eq!(open[0]["accountable"], "pat", "{open}");
    assert_eq!(open[0]["delegated_by"], "pat", "{open}");
    refused(&approve(&gate, "pat", &change), "independent");
    told(approve(&gate, "pam", &change));
    assert_eq!(told(approve(&gate, "pia", &change))["state"], "closed");
    refused(&review(&gate, "pat", &change), "took part");
    told(review(&gate, "sol", &change));
}

/// P7: everybody who is the author, or stands behind the author, tries to approve by every path.
#[test]
fn nobody_approves_their_own_change_by_any_path() {
    let gate = Gate::start();
    let folder = Folder::new("own");
    let envelope = |person: &str| {
        let until = super::acme_gate::in_days(30);
        let words = ["envelope", "request", "--service", "pay-api", "--name", Gate::CENTRAL_NAME];
        let more = ["--profile", "tls-server", "--until", &until, "--reason", "x", "--json"];
        let asked = gate.cli_as(person, &[&words[..], &more].concat());
        told(asked)["id"].as_str().expect("an id").to_owned()
    };
    let emergency = |person: &str| {
        let pem = request(&folder, &[Gate::CENTRAL_NAME]);
        told(issue(&gate, person, "pay-api", &pem))["id"].as_str().expect("an id").to_owned()
    };
    // By ACME: the credential was made by pat.
    let ordered = waiting_change(&gate);
    refused(&approve(&gate, "pat", &ordered), "independent");
    let asked = [("pia", envelope("pia")), ("sol", emergency("sol")), ("pat", emergency("pat"))];
    for (author, change) in &asked {
        // With the token of the lab, with a second and narrower one, and on the page.
        refused(&approve(&gate, author, change), "independent");
        let words = ["token", "new", "--scope", "approve", "--scope", "read", "--purpose", "x"];
        let made = told(gate.cli_as(author, &[&words[..], &["--json"]].concat()));
        let token = made["token"].as_str().expect("it is shown once").to_owned();
        let asker = super::authorization::Asker::of(&gate);
        let bearer = format!("Bearer {token}");
        let api = format!("/api/v1/changes/{change}");
        let shown =
            asker.ask("GET", &asker.page(&api), &[("authorization", &bearer)], "").expect(200);
        let shown: Value = serde_json::from_str(&shown.text).expect("JSON");
        let digest = shown["plan_digest"].as_str().expect("a plan").to_owned();
        let body = json!({ "plan_digest": digest }).to_string();
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = asker.ask("POST", &asker.page(&format!("{api}/approve")), &headers, &body);
        assert!([403, 409].contains(&answer.status), "{author}: {answer:?}");
        let cookie = asker.session(&gate, author);
        let origin = gate.server.https().to_owned();
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", origin.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let page = asker.page(&format!("/changes/{change}/approve"));
        let answer = asker.ask("POST", &page, &headers, &format!("plan_digest={digest}"));
        assert!([403, 409].contains(&answer.status), "{author} on the page: {answer:?}");
        let state = told(gate.cli_as("ada", &["change", "show", change, "--json"]));
        assert_eq!(state["state"], "awaiting-approval", "{state}");
    }
}

/// TRW-7: what humans know and hold is computed; the lab keeps both sides apart.
#[test]
fn duties_say_who_can_do_what() {
    let gate = Gate::start();
    let toxic = gate.cli_as("ada", &["duties", "toxic", "--json"]);
    assert_eq!(told(toxic), json!([]));
    let lines = told(gate.cli_as("ada", &["duties", "show", "pay.example", "--json"]));
    let alone = |person: &str| {
        let line = lines.as_array().expect("a list").iter().find(|one| one["person"] == person);
        line.map(|line| line["alone"].to_string()).unwrap_or_default()
    };
    assert!(alone("pia").contains("approves `grant-envelope` for pay-api alone"), "{lines}");
    assert!(alone("dana").contains("operates the zone"), "{lines}");
    assert_eq!(alone("ada"), "", "{lines}");
    refused(&gate.cli_as("ada", &["duties", "show", "nowhere.example"]), "not");
}

/// One HTTP request after the other: the first is turned away, so that it comes again.
fn webhook() -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                continue;
            }
            let status = if number == 0 { "503 Not Now" } else { "204 No Content" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            if stream.write_all(answer.as_bytes()).is_err() {
                continue;
            }
            if sender.send(String::from_utf8_lossy(&body).into_owned()).is_err() {
                return;
            }
        }
    });
    (port, receiver)
}

/// Notices reach whoever can act, by every way at once, again where they were not taken, and hold no
/// secret.
#[test]
fn a_notice_reaches_whoever_can_act_by_webhook_and_by_mail() {
    let folder = Folder::new("notices");
    let port = Port::free();
    // Debian's own: a package of Debian's is for no other.
    let mut python = Command::new("/usr/bin/python3");
    let address = format!("127.0.0.1:{}", port.number());
    python.args(["-u", "-m", "aiosmtpd", "-n", "-l", &address]);
    python.args(["-c", "aiosmtpd.handlers.Debugging", "stdout"]);
    let mail_log = folder.file("mails.txt");
    let mut sink = Server::start("aiosmtpd", python, &mail_log, Piped::Nothing);
    sink.wait_for("the mail sink", || std::net::TcpStream::connect(&address).ok());
    let (hook, bodies) = webhook();
    let url = format!("http://127.0.0.1:{hook}/notices");
    let smtp = format!("smtp://{address}");
    // A command of the operator's that does not take the first one.
    let taken = folder.file("taken.json");
    let here = folder.path().display();
    let script = format!(
        "#!/bin/sh\n[ -e {here}/again ] || {{ : > {here}/again; exit 3; }}\n/bin/cat > {here}/half\n\
         /bin/mv {here}/half {}\n",
        taken.display()
    );
    let command = folder.write("tell", &script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&command, mode).expect("ours");
    let gate = Gate::start_with(&[
        "--notify-webhook",
        &url,
        "--notify-smtp",
        &smtp,
        "--notify-from",
        "bailiwick@corp.example",
        "--notify-command",
        &command.to_string_lossy(),
    ]);
    let key = folder.write("key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
    let key = key.to_string_lossy().into_owned();
    let set = ["notices", "set-secret", "webhook", "--file", &key];
    gate.cli_as("dana", &set).expect_success();
    let change = waiting_change(&gate);
    let read = || {
        let body = bodies.recv_timeout(Duration::from_secs(30)).expect("a notice comes");
        let outer: Value = serde_json::from_str(&body).expect("JSON");
        let payload = outer["payload"].as_str().expect("text").to_owned();
        let inner: Value = serde_json::from_str(&payload).expect("JSON");
        assert!(outer["signature"].as_str().unwrap_or_default().starts_with("v1,"), "{outer}");
        inner
    };
    let (first, again) = (read(), read());
    assert_eq!(first["id"], again["id"], "the one that was turned away comes again as the same");
    assert_eq!(first["to"]["person"], "pia", "{first}");
    let page = format!("{}/changes/{change}", gate.server.https());
    assert_eq!(first["url"], page.as_str(), "one click to the exact page");
    let told_by_command = sink.wait_for("the command", || {
        serde_json::from_str::<Value>(&std::fs::read_to_string(&taken).ok()?).ok()
    });
    assert_eq!(told_by_command["id"], first["id"], "{told_by_command}");
    assert_eq!(told_by_command["url"], page.as_str(), "one click to the exact page");
    sink.wait_for("a mail", || {
        let text = std::fs::read_to_string(&mail_log).ok()?;
        text.contains("To: <").then_some(())
    });
    let mails = std::fs::read_to_string(&mail_log).expect("ours");
    let encoded = mails.split("\n\n").nth(1).unwrap_or_default();
    let encoded: String = encoded.lines().filter(|line| !line.starts_with('-')).collect();
    let text = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded);
    let text = String::from_utf8(text.expect("base64")).expect("text");
    assert!(text.contains(&page), "one click to the exact page: {text}");
    assert!(mails.contains("From: Bailiwick <bailiwick@corp.example>"), "{mails}");
    assert!(!mails.contains("0123456789abcdef"), "{mails}");
    let acts = told(gate.cli_as("ada", &["ledger", "acts", "--class", "key", "--json"]));
    assert!(acts.to_string().contains("webhook-key"), "each use is recorded: {acts}");
}
