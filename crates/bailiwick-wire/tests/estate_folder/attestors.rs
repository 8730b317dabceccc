//! Attestors and workloads as they are written, and what is wrong with them.

use bailiwick_core::estate::AttestorKeys;
use bailiwick_wire::estate::{read, render_problems};

use crate::lab::{Files, files};

const FORGE: &str =
    "[forge]\nkind = \"oidc\"\nissuer = \"https://ci.example\"\naudience = \"us\"\n";
const DEPLOY: &str = "attestor = \"forge\"\nanswers = \"sam\"\n\n[attested.deploy.claims]\n";
const SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// The lab with these attestors and this workload of the shop.
fn estate(attestors: &str, workload: &str) -> Files {
    let mut all = files();
    all.push(("attestors.toml".to_owned(), attestors.to_owned()));
    let (_, text) = all.iter_mut().find(|(path, _)| path == "services/shop-web.toml").unwrap();
    if !workload.is_empty() {
        text.push_str(&format!("\n[attested.deploy]\n{workload}"));
    }
    all
}

#[track_caller]
fn check(files: &Files, expected: &str) {
    match read(files) {
        Ok(_) => assert_eq!(expected, "", "it was read"),
        Err(problems) => {
            let text = render_problems(&problems, files);
            let rules: Vec<&str> = problems.iter().map(|it| it.rule).collect();
            assert_eq!(rules.join(" "), expected, "\n{text}");
        }
    }
}

#[test]
fn each_kind_of_attestor_is_read() {
    check(&estate(FORGE, ""), "");
    check(&estate(FORGE, &format!("{DEPLOY}repository = \"shop/web\"\n")), "");
    let keys = |line: &str| format!("{FORGE}{line}\n");
    check(&estate(&keys("keys_url = \"https://ci.example/keys\""), ""), "");
    check(&estate(&keys(&format!("keys = '{SET}'")), ""), "");
    check(&estate("[hosts]\nkind = \"host-key\"\naudience = \"us\"\n", ""), "");
    let mesh = "[mesh]\nkind = \"spiffe\"\nissuer = \"shop.example\"\naudience = \"us\"\n";
    check(&estate(&format!("{mesh}keys_url = \"https://s.example\"\n"), ""), "");
    check(&estate(mesh, ""), "missing-key");
}

#[test]
fn a_key_set_may_stand_in_a_file_of_its_own() {
    let with = |attestors: &str, path: &str, text: &str| {
        let mut all = estate(attestors, "");
        all.push((path.to_owned(), text.to_owned()));
        all
    };
    let read_keys = read(&with(FORGE, "attestors/forge.json", SET)).unwrap();
    let forge = read_keys.attestors.values().next().unwrap();
    assert_eq!(forge.keys, AttestorKeys::Written(SET.to_owned()));
    check(&with(FORGE, "attestors/other.json", SET), "unknown-reference");
    check(&with(FORGE, "attestors/forge.json", "{}"), "bad-keys");
    check(&with(FORGE, "attestors/forge.json", "{\"keys\":[]}"), "bad-keys");
    let private = SET.replace("\"kty\"", "\"d\":\"AAAA\",\"kty\"");
    check(&with(FORGE, "attestors/forge.json", &private), "bad-keys");
    let elsewhere = format!("{FORGE}keys_url = \"https://ci.example/keys\"\n");
    check(&with(&elsewhere, "attestors/forge.json", SET), "duplicate");
    check(&with(FORGE, "forge.json", SET), "unknown-file");
}

#[test]
fn what_is_wrong_with_attestors_and_workloads_is_told() {
    let forge = |from: &str, to: &str| estate(&FORGE.replace(from, to), "");
    check(&forge("oidc", "oauth"), "bad-word");
    check(&forge("https://", "http://"), "bad-url");
    check(&forge("audience = \"us\"\n", ""), "missing-key");
    check(&forge("audience", "audiance"), "unknown-key");
    check(&forge("audience = \"us\"", "audience = \"us\"\nholds_minutes = 0"), "bad-number");
    check(&estate(&format!("{FORGE}\n{}", FORGE.replace("forge", "other")), ""), "duplicate");
    let workload = |claims: &str| estate(FORGE, &format!("{DEPLOY}{claims}\n"));
    check(&workload(""), "too-wide");
    check(&workload("ref = \"*\""), "too-wide too-wide");
    check(&workload("ref = \"refs/*\""), "too-wide");
    check(&workload("ref = [\"refs/heads/main\", \"refs/*\"]"), "too-wide");
    check(&workload("repository = 3"), "too-wide wrong-type");
    let other = |from: &str, to: &str| {
        estate(FORGE, &format!("{}repository = \"a\"\n", DEPLOY.replace(from, to)))
    };
    check(&other("\"forge\"", "\"forg\""), "unknown-reference");
    check(&other("\"sam\"", "\"nobody\""), "unknown-reference");
    check(&other("answers = \"sam\"\n", ""), "missing-key");
}
