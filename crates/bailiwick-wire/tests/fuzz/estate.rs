//! The estate as code: TOML and Cedar that people send, and the stored form.

use std::path::Path;

use bailiwick_core::estate::Estate;
use bailiwick_wire::estate::{
    EstateProblem, decode, encode, problems_json, read, render_problems, write,
};

use crate::fuzzing::refusal::{No, check_text};
use crate::fuzzing::{Read, Shape, Target};

type Files = Vec<(String, String)>;

/// The files of the lab's estate.
fn files() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let mut files = Vec::new();
    for folder in ["", "zones", "services", "policies"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Each problem stands at a place that is there, and reads on one line.
fn check_problem(problem: &EstateProblem, files: &Files) {
    check_text(&problem.message);
    check_text(&problem.remedy);
    assert!(!problem.message.is_empty() && !problem.remedy.is_empty(), "{problem:?}");
    let text = files.iter().find(|(path, _)| *path == problem.file).map(|(_, text)| text);
    let lines = text.map_or(1, |text| text.split('\n').count());
    assert!((1..=lines).contains(&problem.line), "line {} of {lines}", problem.line);
}

fn check_estate(files: &Files) -> Read {
    match read(files) {
        Ok(estate) => {
            assert_eq!(decode(&encode(&estate)).unwrap(), estate);
            let written = write(&estate);
            assert_eq!(read(&written).unwrap(), estate, "what is written is read again");
            Ok(())
        }
        Err(problems) => {
            assert!((1..=1_000).contains(&problems.len()));
            problems.iter().for_each(|problem| check_problem(problem, files));
            render_problems(&problems, files).lines().for_each(check_text);
            assert_eq!(
                problems_json(&problems)["problems"].as_array().unwrap().len(),
                problems.len()
            );
            Err(No.into())
        }
    }
}

const WORDS: [&str; 26] = [
    "\n[x]\n",
    "\n[[x]]\n",
    "[services.a]\n",
    "a = 1\n",
    "\"\"\"",
    "'''",
    "names = []\n",
    "people",
    "security",
    "2026-02-30",
    "2026-11-22T10:00:00Z",
    "1979-05-27T00:32:00.999999+23:59",
    "inf",
    "nan",
    "0x7fffffffffffffff",
    "true",
    "shop.example",
    "\"*.shop.example\"",
    "public",
    "internal",
    ".",
    "{}",
    "\"\\u202e\"",
    "= \"x\"\n",
    "#",
    "\\UFFFFFFFF",
];

/// One file of the folder is changed; the others are as they should be. `refused` are files that
/// cost too much once, or said too much.
fn one_file(name: &'static str, wanted: &str, refused: &[String]) {
    let files = files();
    for (at, (path, text)) in files.iter().enumerate().filter(|(_, file)| file.0.contains(wanted)) {
        let target = Target::new(name, Shape::Text).seeds([text.as_str()]).one_in(80);
        let refused = refused.iter().map(|more| format!("{text}{more}"));
        target.refused(refused).words(WORDS).words([path.as_str()]).run(|octets| {
            let mut files = files.clone();
            files[at].1 = std::str::from_utf8(octets)?.to_owned();
            check_estate(&files)
        });
    }
}

#[test]
fn fuzz_estate_organisation() {
    one_file("fuzz_estate_organisation", "organisation", &[]);
    one_file("fuzz_estate_organisation", "people", &[]);
}

#[test]
fn fuzz_estate_teams() {
    // A chain of teams, each inside the one before: everybody in each is everybody in the rest.
    let team = |n: u32| {
        let next = n + 1;
        format!(
            "\n[t{n}]\nmembers = [\"pia\"]\non_call = \"pia\"\ndeputy = \"pia\"\nparts = [\"t{next}\"]\n"
        )
    };
    one_file("fuzz_estate_teams", "teams", &[(0..3_000).map(team).collect()]);
}

#[test]
fn fuzz_estate_issuers() {
    one_file("fuzz_estate_issuers", "issuers", &[]);
    one_file("fuzz_estate_issuers", "profiles", &[]);
}

#[test]
fn fuzz_estate_services() {
    one_file("fuzz_estate_services", "services/", &["=\n".repeat(5_000)]);
}

#[test]
fn fuzz_estate_zones() {
    one_file("fuzz_estate_zones", "zones/", &[format!("a = {}", "-".repeat(20_000))]);
}

#[test]
fn fuzz_estate_policies() {
    one_file(
        "fuzz_estate_policies",
        "policies/",
        &[format!("@zone(\"{}\")", "\u{85}".repeat(2_000))],
    );
}

/// The name of a file that is sent with an estate.
#[test]
fn fuzz_estate_path() {
    let words = ["..", "/", "\\", ".toml", ".cedar", "organisation.toml", "services/shop-web.toml"];
    let lab = files();
    let at = lab.iter().position(|(path, _)| path == "policies/payments.cedar").unwrap();
    let seeds = ["policies/payments.cedar", "policies/a.cedar"];
    let target = Target::new("fuzz_estate_path", Shape::Text).seeds(seeds).words(words);
    target.one_in(80).run(|octets| {
        let mut files = lab.clone();
        files[at].0 = std::str::from_utf8(octets)?.to_owned();
        check_estate(&files)
    });
}

#[test]
fn fuzz_stored_estate() {
    let estate: Estate = read(&files()).unwrap();
    let seed = encode(&estate);
    let text = String::from_utf8(seed.clone()).unwrap();
    Target::new("fuzz_stored_estate", Shape::Text)
        .seeds([seed])
        .refused([text.replacen("\"v\":1", "\"v\":1,\"\u{1b}[31m\":1", 1)])
        .words(WORDS)
        .one_in(4)
        .run(|octets| {
            assert_eq!(encode(&decode(octets)?), octets, "an estate has one spelling");
            Ok(())
        });
}
