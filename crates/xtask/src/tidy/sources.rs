//! Rules of a single Rust file: its doc, its length, its names, and what its room forbids.

use super::Problem;
use super::rust_text::{self, Line};

/// Lines of code, without the test module, up to which nobody asks: the ninetieth percentile of the
/// best-kept Rust services is a little below.
const LINES_MAX: usize = 400;
/// Up to which a written reason is enough.
const LINES_MAX_WITH_REASON: usize = 600;
const LONG_FILE_REASON: &str = "tidy: long file because ";

/// Names that say nothing, so that anything can be put there.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "misc", "manager", "managers", "service"];

/// A word that a crate's own code must not contain, and what to do instead.
struct Ban {
    room: &'static str,
    word: &'static str,
    remedy: &'static str,
}

const NO_SERDE: &str = "the core is spelt in bailiwick-wire, in a versioned type of its own";
const NO_IO: &str = "this room never touches the world; take the value as an argument";
const NO_CLOCK: &str = "take the time as an argument (`Time`)";
const ORDERED: &str = "use the BTree one: order is part of the evidence";
const PLAIN_ADDRESSES: &str = "take address types from `core::net`, which has no sockets";
const CORE: &str = "crates/bailiwick-core/";
const WIRE: &str = "crates/bailiwick-wire/";
const STORE: &str = "crates/bailiwick-store/";
const CONNECT: &str = "crates/bailiwick-connect/";
const PROGRAM: &str = "crates/bailiwick/";

const BANS: &[Ban] = &[
    Ban { room: CORE, word: "serde", remedy: NO_SERDE },
    Ban { room: CORE, word: "Serialize", remedy: NO_SERDE },
    Ban { room: CORE, word: "Deserialize", remedy: NO_SERDE },
    Ban { room: CORE, word: "HashMap", remedy: ORDERED },
    Ban { room: CORE, word: "HashSet", remedy: ORDERED },
    Ban { room: CORE, word: "SystemTime", remedy: NO_CLOCK },
    Ban { room: CORE, word: "Instant::now", remedy: NO_CLOCK },
    Ban { room: CORE, word: "now_utc", remedy: NO_CLOCK },
    Ban { room: CORE, word: "std::net", remedy: PLAIN_ADDRESSES },
    Ban { room: CORE, word: "std::fs", remedy: NO_IO },
    Ban { room: CORE, word: "std::io", remedy: NO_IO },
    Ban { room: CORE, word: "std::env", remedy: NO_IO },
    Ban { room: CORE, word: "std::process", remedy: NO_IO },
    Ban { room: CORE, word: "std::thread", remedy: NO_IO },
    Ban { room: CORE, word: "println", remedy: NO_IO },
    Ban { room: CORE, word: "eprintln", remedy: NO_IO },
    Ban { room: CORE, word: "async", remedy: "the core answers at once; waiting is the driver's" },
    Ban { room: WIRE, word: "std::net", remedy: PLAIN_ADDRESSES },
    Ban { room: WIRE, word: "std::fs", remedy: NO_IO },
    Ban { room: WIRE, word: "std::env", remedy: NO_IO },
    Ban { room: WIRE, word: "std::process", remedy: NO_IO },
    Ban { room: WIRE, word: "SystemTime", remedy: NO_CLOCK },
    Ban { room: WIRE, word: "Instant::now", remedy: NO_CLOCK },
    Ban { room: WIRE, word: "now_utc", remedy: NO_CLOCK },
    Ban { room: STORE, word: "SystemTime", remedy: NO_CLOCK },
    Ban { room: STORE, word: "now_utc", remedy: NO_CLOCK },
    Ban { room: WIRE, word: "sqlx", remedy: "SQL lives in bailiwick-store" },
    Ban { room: CONNECT, word: "sqlx", remedy: "SQL lives in bailiwick-store" },
    Ban { room: PROGRAM, word: "sqlx", remedy: "SQL lives in bailiwick-store; call its methods" },
    Ban { room: WIRE, word: "rusqlite", remedy: "SQL lives in bailiwick-store" },
    Ban { room: CONNECT, word: "rusqlite", remedy: "SQL lives in bailiwick-store" },
    Ban {
        room: PROGRAM,
        word: "rusqlite",
        remedy: "SQL lives in bailiwick-store; call its methods",
    },
];

/// A word that opens a connection, and where it may stand.
struct WayOut {
    word: &'static str,
    only_in: &'static [&'static str],
}

const EGRESS: &str = "crates/bailiwick-connect/src/egress/";
/// The client side of the program talks to our own server, and so does the load it makes.
const OWN_CLIENTS: &[&str] = &["crates/bailiwick/src/cli/", "crates/bailiwick/src/bench/"];

/// Beside the way out: who only answers.
const DATAGRAMS: &[&str] = &[
    EGRESS,
    "crates/bailiwick-connect/src/lab_dns.rs",
    "crates/bailiwick-connect/src/zones/notify.rs",
];

const WAYS_OUT: &[WayOut] = &[
    WayOut { word: "TcpStream::connect", only_in: &[EGRESS] },
    WayOut { word: "TcpSocket", only_in: &[EGRESS] },
    WayOut { word: "UdpSocket", only_in: DATAGRAMS },
    WayOut { word: "UnixStream", only_in: &[EGRESS] },
    WayOut { word: "hyper::client", only_in: &[EGRESS] },
    WayOut { word: "TlsConnector", only_in: &[EGRESS] },
    WayOut { word: "reqwest", only_in: OWN_CLIENTS },
];

/// Attributes and macros that no file of ours contains.
const NEVER: &[(&str, &str)] = &[
    ("#[ignore", "let a slow test look at `SLOW_TESTS` instead, so that it cannot be forgotten"),
    ("#[allow(", "use `#[expect(…, reason = \"…\")]`, which says when it is no longer needed"),
    ("#![allow(", "use `#![expect(…, reason = \"…\")]`, which says when it is no longer needed"),
    ("todo!(", "finish it, or return an error that says what is missing"),
    ("unimplemented!(", "finish it, or return an error that says what is missing"),
];

pub(super) fn check(name: &str, text: &str) -> Vec<Problem> {
    if !name.ends_with(".rs") {
        return Vec::new();
    }
    let lines = rust_text::split(text);
    let own = rust_text::lines_before_tests(&lines);
    let mut problems = Vec::new();
    problems.extend(module_doc(name, text));
    problems.extend(empty_name(name));
    problems.extend(never(name, &lines));
    if !is_test_file(name) {
        problems.extend(length(name, text, own));
        let code = lines.get(..own).unwrap_or_default();
        problems.extend(bans(name, code));
        problems.extend(ways_out(name, code));
    }
    problems
}

/// Integration tests, benches, and test modules in a file of their own.
fn is_test_file(name: &str) -> bool {
    let folder = |part: &str| matches!(part, "tests" | "benches" | "fuzz" | "examples");
    name.split('/').any(folder) || name.ends_with("/tests.rs")
}

fn module_doc(name: &str, text: &str) -> Option<Problem> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    (!first.starts_with("//!")).then(|| {
        let remedy = "begin it with a line `//! …` that says what the file is for";
        Problem::new(name, 1, "the file has no module doc", remedy)
    })
}

fn empty_name(name: &str) -> Option<Problem> {
    let mut parts = name.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let found = parts.rfind(|part| EMPTY_NAMES.contains(part))?;
    // In the estate a service is a thing with an owner, not a layer.
    if found == "service" && name.contains("/estate/") {
        return None;
    }
    let remedy = "name the module after its topic, not after its being shared";
    Some(Problem::new(name, 0, format!("`{found}` is no topic"), remedy))
}

fn length(name: &str, text: &str, own: usize) -> Option<Problem> {
    let reasoned = text.lines().any(|line| {
        let reason = line.trim_start_matches(['/', '!', ' ']).strip_prefix(LONG_FILE_REASON);
        reason.is_some_and(|r| r.trim().len() >= 10)
    });
    let limit = if reasoned { LINES_MAX_WITH_REASON } else { LINES_MAX };
    (own > limit).then(|| {
        let what = format!("{own} lines of code; the limit is {limit}");
        let remedy = if reasoned {
            "split it by topic".to_owned()
        } else {
            format!(
                "split it by topic; where that makes it worse, add a line `// {LONG_FILE_REASON}…` \
                 (good up to {LINES_MAX_WITH_REASON})"
            )
        };
        Problem::new(name, 0, what, remedy)
    })
}

fn never(name: &str, lines: &[Line]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(lines) {
        for (word, remedy) in NEVER {
            if line.code.contains(word) {
                let shown = word.trim_end_matches('(');
                problems.push(Problem::new(
                    name,
                    number,
                    format!("`{shown}` in the code"),
                    *remedy,
                ));
            }
        }
    }
    problems
}

fn bans(name: &str, code: &[Line]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for ban in BANS.iter().filter(|ban| name.starts_with(ban.room) && name.contains("/src/")) {
        for (number, line) in (1..).zip(code) {
            if rust_text::has_word(&line.code, ban.word) {
                let room = ban.room.trim_start_matches("crates/").trim_end_matches('/');
                let what = format!("`{}` in {room}", ban.word);
                problems.push(Problem::new(name, number, what, ban.remedy));
            }
        }
    }
    problems
}

/// Connections are opened in one module, behind its fence.
fn ways_out(name: &str, code: &[Line]) -> Vec<Problem> {
    if !name.contains("/src/") || name.starts_with("crates/xtask/") {
        return Vec::new();
    }
    let strange = WAYS_OUT.iter().filter(|way| !way.only_in.iter().any(|at| name.starts_with(at)));
    let found = strange.flat_map(|way| {
        let numbered = (1..).zip(code);
        numbered.filter(|(_, line)| rust_text::has_word(&line.code, way.word)).map(|(number, _)| {
            let what = format!("`{}` outside the way out", way.word);
            Problem::new(name, number, what, "go through `bailiwick_connect::egress`")
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(name: &str, text: &str, expected: &[&str]) {
        let found: Vec<String> =
            check(name, text).iter().map(|p| format!("{}: {}", p.line, p.what)).collect();
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn the_core_touches_nothing() {
        let text =
            "//! Doc.\nuse std::fs::File;\nfn f(m: HashMap<u8, u8>) {} // std::net is fine here\n";
        check_file(
            "crates/bailiwick-core/src/a.rs",
            text,
            &["3: `HashMap` in bailiwick-core", "2: `std::fs` in bailiwick-core"],
        );
        check_file("crates/bailiwick-store/src/a.rs", text, &[]);
        let tested = "//! Doc.\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        check_file("crates/bailiwick-core/src/a.rs", tested, &[]);
        check_file("crates/bailiwick-core/tests/it.rs", "//! Doc.\nuse std::fs;\n", &[]);
    }

    #[test]
    fn only_one_module_opens_connections() {
        let text = "//! Doc.\nuse tokio::net::UdpSocket;\nfn f() { TcpStream::connect(a) }\n";
        check_file(
            "crates/bailiwick-connect/src/dns/a.rs",
            text,
            &["3: `TcpStream::connect` outside the way out", "2: `UdpSocket` outside the way out"],
        );
        check_file("crates/bailiwick-connect/src/egress/a.rs", text, &[]);
        check_file("crates/bailiwick-connect/tests/a.rs", text, &[]);
        let client = "//! Doc.\nuse reqwest::Client;\n";
        check_file("crates/bailiwick/src/cli/client.rs", client, &[]);
        check_file(
            "crates/bailiwick/src/drive/a.rs",
            client,
            &["2: `reqwest` outside the way out"],
        );
    }

    #[test]
    fn sql_stays_in_the_store() {
        let text = "//! Doc.\nuse sqlx::Row;\n";
        check_file("crates/bailiwick/src/a.rs", text, &["2: `sqlx` in bailiwick"]);
        check_file("crates/bailiwick-store/src/a.rs", text, &[]);
    }

    #[test]
    fn every_file_has_a_doc_and_a_telling_name() {
        let name = "crates/bailiwick/src/utils/dates.rs";
        check_file(
            name,
            "fn f() {}\n",
            &["1: the file has no module doc", "0: `utils` is no topic"],
        );
        check_file("crates/bailiwick/src/serviced.rs", "//! Doc.\n", &[]);
        check_file("crates/bailiwick-core/src/estate/service.rs", "//! Doc.\n", &[]);
    }

    #[test]
    fn silenced_lints_and_tests_are_found_but_not_in_strings() {
        let text = format!("//! Doc.\n{}ignore]\nconst A: &str = \"{}allow(x)]\";\n", "#[", "#[");
        check_file("crates/a/src/a.rs", &text, &["2: `#[ignore` in the code"]);
    }

    #[test]
    fn a_long_file_needs_a_reason_and_has_an_end() {
        let long = |lines: usize, reason: &str| {
            format!("//! Doc.\n// {reason}\n{}", "fn f() {}\n".repeat(lines))
        };
        let name = "crates/bailiwick/src/a.rs";
        let reason = "tidy: long file because it is one table";
        check_file(name, &long(390, ""), &[]);
        check_file(name, &long(450, ""), &["0: 453 lines of code; the limit is 400"]);
        check_file(name, &long(450, reason), &[]);
        check_file(name, &long(600, reason), &["0: 603 lines of code; the limit is 600"]);
        check_file("crates/bailiwick/tests/a.rs", &long(700, ""), &[]);
    }
}
