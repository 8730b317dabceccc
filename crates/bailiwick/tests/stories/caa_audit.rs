//! CAA-8, CAA-3: very many names are audited at once, on day one, without a server and without an estate:
//! every name gets the verdict of issuance, none is lost or counted twice, and no server is flooded.

mod estate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::bailiwick::program;
use crate::harness::knot::Knot;
use crate::harness::place::Folder;
use crate::harness::process::{self, Piped, Ran, Server};
use crate::harness::unbound::Unbound;
use estate::{Estate, Expected, estate};

fn audit(folder: &Folder, resolver: SocketAddr, more: &[&str]) -> Ran {
    let mut command = process::bounded(program(), Duration::from_secs(120));
    command.args(words(folder, resolver)).args(more);
    process::run(command)
}

fn words(folder: &Folder, resolver: SocketAddr) -> Vec<String> {
    let path = |name: &str| folder.file(name).display().to_string();
    let resolver = resolver.to_string();
    let (names, out) = (path("names"), path("report.json"));
    [
        "caa",
        "audit",
        "--names",
        &names,
        "--out",
        &out,
        "--resolver",
        &resolver,
        "--issuer",
        "ca.example",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn folder_of(estate: &Estate) -> Folder {
    let folder = Folder::new("audit");
    folder.write("names", &estate.names.join("\n"));
    folder
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("the report is JSON")
}

/// Who may issue, as text.
fn who(value: &Value) -> String {
    let Value::Array(all) = value else { return value.as_str().expect("a word").to_owned() };
    let one = |one: &Value| {
        let text = |field: &str| one[field].as_str().map(str::to_owned);
        let mut shown = text("issuer").expect("an issuer");
        if let Some(account) = text("account") {
            shown += &format!(" for {account}");
        }
        if let Some(methods) = one["methods"].as_array() {
            let methods: Vec<&str> = methods.iter().filter_map(Value::as_str).collect();
            shown += &format!(" by {}", methods.join(" or "));
        }
        shown
    };
    if all.is_empty() {
        "nobody".to_owned()
    } else {
        all.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Every name once, in order, with the verdict that it must have.
fn check(estate: &Estate, report: &Value) {
    let rows = report["names"].as_array().expect("names");
    let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, estate.names, "every name once, in the order of the list");
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        let findings = row["findings"].as_array().expect("findings");
        let high: Vec<&str> = findings
            .iter()
            .filter(|finding| finding["severity"] == "high")
            .filter_map(|finding| finding["kind"].as_str())
            .collect();
        high.iter().for_each(|kind| *kinds.entry(kind).or_default() += 1);
        let expected = &estate.expected[row["name"].as_str().expect("a name")];
        let (ordinary, wildcard) = (who(&row["ordinary"]), who(&row["wildcard"]));
        let mut seen_high = high.clone();
        seen_high.dedup();
        let at = row["at"].as_str().map(str::to_owned);
        assert_eq!(at, expected.at, "{row:#}");
        assert_eq!(
            (ordinary.as_str(), wildcard.as_str()),
            (expected.ordinary, expected.wildcard),
            "{row:#}"
        );
        assert_eq!(seen_high, expected.high, "{row:#}");
    }
    assert_eq!(report["summary"]["names"], rows.len());
    assert_eq!(report["summary"]["unknown"], 0);
    assert_eq!(
        report["summary"]["zones"].as_object().expect("zones").len(),
        estate.zones.len() - 1
    );
}

#[test]
fn two_thousand_names_get_the_verdict_of_issuance() {
    let estate = estate(100);
    let knot = Knot::start(&estate.zones);
    let folder = folder_of(&estate);
    let (html, csv) = (folder.file("report.html"), folder.file("report.csv"));
    let also = ["--out", html.to_str().expect("text"), "--out", csv.to_str().expect("text")];
    let ran = audit(&folder, knot.address(), &also);
    // 1: something of high severity was found.
    assert_eq!(ran.code, Some(1), "{ran:?}");
    println!("{}", ran.stdout);
    check(&estate, &read(&folder.file("report.json")));
    assert!(ran.stdout.contains("2000 names in 100 zones"), "{}", ran.stdout);
    assert!(!folder.file("report.json.journal").exists(), "the journal is gone with the report");

    let html = std::fs::read_to_string(html).expect("a page");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("src="));
    assert!(html.len() < 200_000, "{} octets", html.len());
    let csv = std::fs::read_to_string(csv).expect("a table");
    assert_eq!(csv.lines().count(), 2_001);

    transferred_and_read(&folder, &knot);

    // A name out of a hundred is asked of its servers too, and they agree.
    let some: Vec<&str> = estate.names.iter().step_by(97).map(String::as_str).collect();
    folder.write("names", &some.join("\n"));
    let servers: Vec<String> = (0..100)
        .flat_map(|n| ["--server".to_owned(), format!("z{n}.example@{}", knot.address())])
        .collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let ran = audit(&folder, knot.address(), &servers);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = read(&folder.file("report.json"));
    for row in report["names"].as_array().expect("names") {
        let expected: &Expected = &estate.expected[row["name"].as_str().expect("a name")];
        assert_eq!(who(&row["ordinary"]), expected.ordinary, "{row:#}");
    }
}

/// A zone's names come from the server itself, and the same from its file.
fn transferred_and_read(folder: &Folder, knot: &Knot) {
    let (at, out) = (knot.address().to_string(), folder.file("zone.csv").display().to_string());
    let source = format!("z2.example@{at}");
    let file =
        folder.write("z2.example.zone", "@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 127.0.0.1\n");
    let file = file.display().to_string();
    for (from, names) in [(["--transfer", &source], 23), (["--zones", &file], 2)] {
        let mut command = process::bounded(program(), Duration::from_secs(60));
        command.args(["caa", "audit", "--out", &out, "--resolver", &at]).args(from);
        let ran = process::run(command);
        assert!(ran.stdout.starts_with(&format!("{names} names in one zone:")), "{ran:?}");
    }
}

#[test]
fn killed_at_any_moment_it_goes_on_without_a_lost_or_doubled_name() {
    let estate = estate(60);
    let knot = Knot::start(&estate.zones);
    let folder = folder_of(&estate);
    let journal = folder.file("report.json.journal");
    let mut kills = 0;
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come to an end");
        let mut command = process::server(program());
        command.args(words(&folder, knot.address())).args(["--rate", "600"]);
        if journal.exists() {
            command.arg("--resume");
        }
        let log = folder.file("audit.log");
        let mut running = Server::start("bailiwick", command, &log, Piped::Nothing);
        std::thread::sleep(Duration::from_millis(400 + 70 * kills));
        if running.exited().is_some() {
            break;
        }
        running.kill9();
        kills += 1;
    }
    assert!(kills >= 3, "{kills} kills");
    check(&estate, &read(&folder.file("report.json")));
    assert!(!journal.exists());

    // What was begun is not overwritten, and not mixed with something else.
    folder.write("report.json.journal", "{\"format\":\"x\"}\n");
    let again = audit(&folder, knot.address(), &[]);
    assert!(again.stderr.contains("--resume"), "{again:?}");
    let other = audit(&folder, knot.address(), &["--resume"]);
    assert!(other.stderr.contains("other names or servers"), "{other:?}");
}

#[test]
fn a_resolver_that_limits_its_clients_is_asked_more_slowly_and_answers_all() {
    let estate = estate(20);
    let knot = Knot::start(&estate.zones);
    // It drops everything above so many questions a second of one client.
    let at = [knot.address()];
    let unbound = Unbound::start_with(
        &[("example", &at)],
        &[],
        "ip-ratelimit: 100\nip-ratelimit-factor: 0\n",
    );
    let folder = folder_of(&estate);
    let ran = audit(&folder, unbound.address(), &[]);
    println!("{}", ran.stdout);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    check(&estate, &read(&folder.file("report.json")));
    assert!(!ran.stdout.contains("(0 repeated"), "it was limited: {}", ran.stdout);
}

/// `cargo xtask campaign caa-audit` asks for 200,000 names; see docs/campaigns.md.
#[test]
fn names_a_second_and_memory_stay_what_they_are() {
    let names: usize = std::env::var("BAILIWICK_AUDIT_NAMES")
        .map_or(4_000, |text| text.parse().expect("BAILIWICK_AUDIT_NAMES is a number"));
    let estate = estate(names / estate::NAMES_PER_ZONE);
    let knot = Knot::start(&estate.zones);
    let folder = folder_of(&estate);
    let before = cpu_ticks(knot.pid());
    let mut command = process::server(program());
    command.args(words(&folder, knot.address()));
    let begun = Instant::now();
    let mut running =
        Server::start("bailiwick", command, &folder.file("audit.log"), Piped::Nothing);
    let (mut ticks, mut memory_kib) = (0, 0);
    while running.exited().is_none() {
        ticks = cpu_ticks(running.pid()).max(ticks);
        memory_kib = memory_peak_kib(running.pid()).max(memory_kib);
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    let knot_ticks = cpu_ticks(knot.pid()) - before;
    let micros = |ticks: u64| ticks * 10_000 / u64::try_from(estate.names.len()).expect("fits");
    println!(
        "{} names in {:.2} s: {:.0} names/s, {} us of CPU a name (Knot: {}), {} MiB at most",
        estate.names.len(),
        took.as_secs_f64(),
        estate.names.len() as f64 / took.as_secs_f64(),
        micros(ticks),
        micros(knot_ticks),
        memory_kib / 1_024
    );
    println!("{}", std::fs::read_to_string(folder.file("audit.log")).expect("what it said"));
    check(&estate, &read(&folder.file("report.json")));
    assert!(memory_kib < 256 * 1_024, "{memory_kib} KiB");
}

/// Hundredths of a second of CPU; 0 once the process is gone.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let field = |n: usize| after.split_whitespace().nth(n).and_then(|text| text.parse().ok());
    field(11).unwrap_or(0_u64) + field(12).unwrap_or(0)
}

fn memory_peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_resolver_that_dies_stops_the_audit_and_nothing_is_called_free_of_caa() {
    let estate = estate(20);
    let mut knot = Knot::start(&estate.zones);
    let folder = folder_of(&estate);
    knot.kill9();
    let ran = audit(&folder, knot.address(), &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("answers nothing any more"), "{ran:?}");
    assert!(!folder.file("report.json").exists());
}
