//! The six rooms: who may import whom, and what never reaches the core.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::Problem;
use crate::run;
use crate::stop::Stop;

/// A crate, the crates of ours it may import, and crates of others that belong elsewhere.
struct Room {
    name: &'static str,
    imports: &'static [&'static str],
    never: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room { name: "bailiwick-core", imports: &[], never: &["serde", "thiserror", "tracing"] },
    Room {
        name: "bailiwick-wire",
        imports: &["bailiwick-core"],
        never: &[
            "tokio",
            "sqlx",
            "rusqlite",
            "reqwest",
            "axum",
            "hyper",
            "tokio-rustls",
            "hickory-net",
            "hickory-server",
        ],
    },
    Room {
        name: "bailiwick-store",
        imports: &["bailiwick-core", "bailiwick-wire"],
        never: &["reqwest", "axum", "hyper", "hickory-proto", "hickory-net", "hickory-server"],
    },
    Room {
        name: "bailiwick-connect",
        imports: &["bailiwick-core", "bailiwick-wire"],
        never: &["sqlx", "rusqlite", "axum"],
    },
    Room {
        name: "bailiwick",
        imports: &["bailiwick-core", "bailiwick-wire", "bailiwick-store", "bailiwick-connect"],
        never: &["sqlx", "rusqlite", "hickory-proto", "hickory-net"],
    },
    Room { name: "xtask", imports: &[], never: &["tokio", "clap"] },
];

/// What must never be among the core's dependencies, however far down: runtimes, sockets, clients, drivers,
/// C crypto, and whatever asks the system for randomness.
const NOT_IN_CORE: &[&str] = &[
    "async-std",
    "aws-lc-rs",
    "aws-lc-sys",
    "axum",
    "curl",
    "fastrand",
    "futures",
    "getrandom",
    "hickory-net",
    "hickory-proto",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "iana-time-zone",
    "libsqlite3-sys",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "polling",
    "rand",
    "rand_core",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "rustix",
    "smol",
    "socket2",
    "sqlx",
    "sqlx-core",
    "tempfile",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "tracing",
    "ureq",
    "uuid",
];

/// What must not be in the program at all: the one crypto library is aws-lc-rs.
const NOT_AT_ALL: &[&str] = &["native-tls", "openssl", "openssl-sys", "ring"];

pub(super) fn check(root: &Path) -> Result<Vec<Problem>, Stop> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    let command = "cargo metadata --no-deps --format-version 1";
    let printed = run::read("cargo", &args, root)?;
    let json: Value = serde_json::from_str(&printed)
        .map_err(|source| Stop::NotJson { command: command.to_owned(), source })?;
    let packages = json.get("packages").and_then(Value::as_array);
    let lacks = Stop::Lacks { command: command.to_owned(), field: "packages" };
    let mut problems = directions(packages.ok_or(lacks)?);
    problems.extend(closure(
        "bailiwick-core",
        NOT_IN_CORE,
        "the core decides and touches nothing",
        root,
    )?);
    problems.extend(closure("bailiwick", NOT_AT_ALL, "aws-lc-rs is the one crypto library", root)?);
    Ok(problems)
}

fn directions(packages: &[Value]) -> Vec<Problem> {
    let text = |value: &Value, field: &str| {
        value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let ours: BTreeSet<String> = packages.iter().map(|p| text(p, "name")).collect();
    let mut problems = Vec::new();
    for package in packages {
        let name = text(package, "name");
        let file = format!("crates/{name}/Cargo.toml");
        let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
            let remedy = "there are six crates; put the code in the room whose job it is";
            problems.push(Problem::new(&file, 0, format!("`{name}` is a seventh crate"), remedy));
            continue;
        };
        let dependencies = package.get("dependencies").and_then(Value::as_array);
        for dependency in dependencies.into_iter().flatten() {
            let other = text(dependency, "name");
            // A test may compare with whatever it likes, but not reach into a room above.
            let for_tests = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            if ours.contains(&other) && !room.imports.contains(&other.as_str()) {
                let remedy = "imports point one way: core, wire, {store, connect}, bailiwick";
                problems.push(Problem::new(&file, 0, format!("imports `{other}`"), remedy));
            }
            if !for_tests && room.never.contains(&other.as_str()) {
                let remedy = "ARCHITECTURE.md says which room does this; put the code there";
                problems.push(Problem::new(&file, 0, format!("depends on `{other}`"), remedy));
            }
        }
    }
    problems
}

/// Looks for crates that `package` must not bring along, however far down.
fn closure(package: &str, banned: &[&str], why: &str, root: &Path) -> Result<Vec<Problem>, Stop> {
    let args = ["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"];
    let tree = run::read("cargo", &args, root)?;
    Ok(found_in(&tree, banned)
        .into_iter()
        .map(|name| {
            let file = format!("crates/{package}/Cargo.toml");
            let remedy =
                format!("{why}; `cargo tree -p {package} -e normal -i {name}` shows who brings it");
            Problem::new(&file, 0, format!("brings along `{name}`"), remedy)
        })
        .collect())
}

fn found_in(tree: &str, banned: &[&str]) -> Vec<String> {
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    names.into_iter().filter(|name| banned.contains(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, dependency: &str, kind: Option<&str>, expected: &[&str]) {
        let packages = serde_json::json!([
            {"name": name, "dependencies": [{"name": dependency, "kind": kind}]},
            {"name": "bailiwick-wire", "dependencies": []},
        ]);
        let found = directions(packages.as_array().unwrap());
        let found: Vec<&str> = found.iter().map(|p| p.what.as_str()).collect();
        assert_eq!(found, expected, "{name} -> {dependency}");
    }

    #[test]
    fn imports_point_one_way() {
        check("bailiwick-core", "bailiwick-wire", None, &["imports `bailiwick-wire`"]);
        check("bailiwick-core", "bailiwick-wire", Some("dev"), &["imports `bailiwick-wire`"]);
        check("bailiwick-store", "bailiwick-wire", None, &[]);
    }

    #[test]
    fn each_room_keeps_to_its_job() {
        check("bailiwick-connect", "sqlx", None, &["depends on `sqlx`"]);
        check("bailiwick-core", "serde", Some("dev"), &[]);
        check("bailiwick-extra", "tokio", None, &["`bailiwick-extra` is a seventh crate"]);
    }

    #[test]
    fn what_the_core_brings_along_is_seen_however_far_down() {
        let tree = "bailiwick-core v0.1.0\nregex v1.0\ntokio v1.2.3 (*)\ntokio-stream v1\n";
        assert_eq!(found_in(tree, NOT_IN_CORE), ["tokio"]);
    }
}
