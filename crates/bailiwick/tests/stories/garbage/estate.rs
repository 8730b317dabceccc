//! Garbage for an estate: files that are no TOML and no Cedar, on the command line and over the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Watch, noise, sound};
use crate::harness::bailiwick::bailiwick;
use crate::harness::place::Folder;
use crate::stories::acme_gate::{Gate, copy};
use crate::stories::authorization::Asker;
use crate::stories::kill9::dice::Dice;

/// One folder takes less.
const PATIENCE: Duration = Duration::from_secs(20);

fn lab() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab")
}

/// A file in place of one of the estate, or beside them.
fn files(dice: &mut Dice) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str, depth: usize| {
        [open.repeat(depth), "1".to_owned(), close.repeat(depth)].concat()
    };
    let rule = |condition: &str| {
        format!("@id(\"x\")\npermit (principal, action, resource) when {{ {condition} }};\n")
    };
    let text = |what, file, text: String| (what, file, text.into_bytes());
    vec![
        ("noise", "zones/x.toml", noise(dice, 4_096)),
        ("no UTF-8", "people.toml", b"[sam]\nname = \"\xff\"\n".to_vec()),
        ("NULs", "teams.toml", vec![0; 100]),
        ("nothing", "organisation.toml", Vec::new()),
        text("arrays in arrays", "zones/x.toml", format!("a = {}", deep("[", "]", 10_000))),
        text("tables in tables", "zones/x.toml", format!("a = {}", deep("{b=", "}", 10_000))),
        text("a key of many parts", "zones/x.toml", format!("{} = 1", ["a"; 10_000].join("."))),
        text("a table of many parts", "zones/x.toml", format!("[{}]", ["a"; 10_000].join("."))),
        text("a text that does not end", "zones/x.toml", format!("a = \"{}", "x".repeat(100_000))),
        text("a key twice", "organisation.toml", "name = \"a\"\nname = \"b\"\n".to_owned()),
        text("a number out of range", "zones/x.toml", "name = 99999999999999999999999".to_owned()),
        text("a date that is none", "zones/x.toml", "name = 2026-99-99".to_owned()),
        text("a very long name", "zones/x.toml", format!("name = \"{}\"", "a".repeat(500_000))),
        text("a name that acts", "zones/x.toml", "name = \"\\u001b[31m\\u202e\"".to_owned()),
        text(
            "ten thousand keys",
            "zones/x.toml",
            (0..10_000).map(|n| format!("k{n} = 1\n")).collect(),
        ),
        text("more than a file may have", "zones/x.toml", "#".repeat(2 << 20)),
        ("Cedar that is noise", "policies/x.cedar", noise(dice, 4_096)),
        text("a policy that breaks off", "policies/x.cedar", "permit (".to_owned()),
        text("parentheses in parentheses", "policies/x.cedar", rule(&deep("(", ")", 10_000))),
        text("sets in sets", "policies/x.cedar", rule(&deep("[", "]", 10_000))),
        text("no and no and no", "policies/x.cedar", rule(&"!".repeat(10_000))),
        text("minus and minus", "policies/x.cedar", rule(&"-".repeat(10_000))),
        text("if in if", "policies/x.cedar", rule(&"if true then ".repeat(5_000))),
        text("a long chain of and", "policies/x.cedar", rule(&["true"; 20_000].join(" && "))),
        text(
            "a long chain of members",
            "policies/x.cedar",
            rule(&format!("context{}", ".a".repeat(20_000))),
        ),
        text(
            "a text that does not end, in Cedar",
            "policies/x.cedar",
            format!("@id(\"{}", "x".repeat(100_000)),
        ),
        text("a policy that does not fit", "policies/x.cedar", rule("principal.nobody == 1")),
    ]
}

#[test]
fn a_folder_of_garbage_is_refused_file_by_file() {
    let mut dice = Dice::new(Dice::seed());
    for (what, file, octets) in files(&mut dice) {
        let folder = Folder::new("garbage");
        copy(&lab(), folder.path(), &str::to_owned);
        std::fs::write(folder.file(file), &octets).expect("a file can be written");
        let began = Instant::now();
        let place = folder.path().to_string_lossy().into_owned();
        let ran = bailiwick(&["estate", "check", &place]);
        assert!(matches!(ran.code, Some(1 | 3)), "{what}: {:?} {}", ran.code, ran.output());
        assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
        let told = ran.output();
        assert!(told.contains(file), "{what}: the file is not named: {told}");
        assert!(told.len() < 200_000, "{what}: {} octets", told.len());
        let acts = told.chars().any(|c| c.is_control() && c != '\n');
        assert!(!acts, "{what}: it acts on a terminal: {told:?}");
    }
}

#[test]
fn garbage_over_the_api_opens_no_change() {
    let gate = Gate::start();
    let mut dice = Dice::new(Dice::seed());
    let asker = Asker::of(&gate);
    let token = std::fs::read_to_string(gate.server.data().join("lab/dana.token"));
    let token = format!("Bearer {}", token.expect("the lab keeps it").trim());
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let post = |path: &str, files: &Value| {
        let body = json!({"files": files, "reason": "garbage"}).to_string();
        asker.ask("POST", &asker.page(path), &headers, &body)
    };
    let shown = asker.ask("GET", &asker.page("/api/v1/estate"), &headers, "").expect(200).json();
    let active = shown["files"].as_array().expect("files").clone();
    let with = |file: &str, text: &str| {
        let others = active.iter().filter(|it| it[0] != json!(file)).cloned();
        let all: Vec<Value> = others.chain([json!([file, text])]).collect();
        json!(all)
    };
    let watch = Watch::begin(&gate);
    let mut all: Vec<(&str, Value)> = files(&mut dice)
        .into_iter()
        .map(|(what, file, octets)| (what, with(file, &String::from_utf8_lossy(&octets))))
        .collect();
    for (what, path) in [
        ("a file outside", "../../etc/passwd"),
        ("a file from the root", "/etc/passwd"),
        ("a file with a NUL", "zones/\u{0}.toml"),
        ("a file of a kind nobody knows", "zones/x.exe"),
        ("a file without a name", ""),
        ("a very long path", &"a/".repeat(50_000)),
    ] {
        all.push((what, with(path, "name = \"x\"\n")));
    }
    all.push(("a file twice", json!([["people.toml", ""], ["people.toml", ""]])));
    all.push(("no files", json!([])));
    for (what, files) in all {
        let began = Instant::now();
        let planned = post("/api/v1/estate/plan", &files).expect(200).json();
        let problems = planned["problems"].as_str().unwrap_or_default().to_owned();
        assert!(problems.len() > 20, "{what}: {planned:#}");
        let applied = post("/api/v1/estate/apply", &files);
        assert_eq!((applied.status, applied.member("/field").as_str()), (400, "files"), "{what}");
        assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
    }
    watch.end(&gate, &[]);
    sound(gate, None);
}
