//! The files of a folder, each to the reader of its kind.

use std::collections::BTreeSet;

use bailiwick_core::estate::Estate;

use super::check;
use super::document::{File, Section};
use super::places::{Kind, Reading};
use super::problem::{EstateProblem, PROBLEMS_MAX, Place};
use super::similar::hint;
use super::{attestors, issuers, parts, power, profiles, services, zones};

/// Files of an estate at most.
const FILES_MAX: usize = 50_000;
/// Octets of one file at most; a person has to review it.
const FILE_OCTETS_MAX: usize = 1_048_576;
/// Octets of all files at most: one estate is held in memory several times over.
const OCTETS_MAX: usize = 128 * 1_048_576;

/// Reads the tables of one kind of file.
type Read = fn(&mut File<'_>, &mut Reading, Section<'_>);

/// Files that stand in the folder itself.
const FILES: [(&str, Read); 8] = [
    ("organisation.toml", parts::organisation),
    ("people.toml", parts::people),
    ("teams.toml", parts::teams),
    ("issuers.toml", issuers::issuers),
    ("profiles.toml", profiles::profiles),
    ("attestors.toml", attestors::attestors),
    ("exceptions.toml", parts::exceptions),
    ("stand-ins.toml", power::stand_ins),
];
/// Files without which there is no estate.
const NEEDED: [&str; 3] = ["organisation.toml", "people.toml", "teams.toml"];

pub(super) fn read(files: &[(String, String)]) -> Result<Estate, Vec<EstateProblem>> {
    let octets: usize = files.iter().map(|(_, text)| text.len()).sum();
    if files.len() > FILES_MAX || octets > OCTETS_MAX {
        let message = format!(
            "the folder has {} files with {octets} octets; {FILES_MAX} files and {OCTETS_MAX} octets are allowed",
            files.len()
        );
        return Err(vec![whole_file(".", "too-big", message, "split the estate")]);
    }
    let mut reading = Reading::default();
    let mut problems = Vec::new();
    let mut paths = BTreeSet::new();
    for (index, (path, text)) in files.iter().enumerate() {
        let mut file = File::new(index, path, text);
        if !paths.insert(path) {
            let message = format!("`{path}` is there twice");
            file.problem(Place { at: 0, end: 0 }, "duplicate", message, "remove one");
        } else {
            one(&mut file, &mut reading);
        }
        problems.append(&mut file.problems);
    }
    for needed in NEEDED {
        if !paths.contains(&needed.to_owned()) {
            reading.unread.extend(holds(needed));
            let message = format!("`{needed}` is missing");
            problems.push(whole_file(needed, "missing-file", message, "add the file"));
        }
    }
    attestors::take_key_sets(files, &mut reading, &mut problems);
    check::everything(files, &reading, &mut problems);
    problems.sort();
    problems.dedup();
    problems.truncate(PROBLEMS_MAX);
    match reading.organisation {
        Some(organisation) if problems.is_empty() => Ok(Estate {
            organisation,
            people: reading.people,
            teams: reading.teams,
            zones: reading.zones,
            services: reading.services,
            issuers: reading.issuers,
            profiles: reading.profiles,
            attestors: reading.attestors,
            exceptions: reading.exceptions,
            stand_ins: reading.stand_ins.into_iter().map(|(id, (one, _))| (id, one)).collect(),
            policies: reading.policies,
        }),
        Some(_) | None => Err(problems),
    }
}

fn whole_file(path: &str, rule: &'static str, message: String, remedy: &str) -> EstateProblem {
    EstateProblem::new((path, ""), Place { at: 0, end: 0 }, rule, message, remedy)
}

/// What kind of file a path is.
enum FileKind {
    Table(Read),
    Policy(String),
    /// The key set of an attestor.
    Keys(String),
    Unknown,
}

fn kind(path: &str) -> FileKind {
    if let Some((_, read)) = FILES.iter().find(|(name, _)| *name == path) {
        return FileKind::Table(*read);
    }
    let inside = |folder: &str, ending: &str| {
        let name = path.strip_prefix(folder).and_then(|rest| rest.strip_suffix(ending));
        name.is_some_and(|name| {
            !name.is_empty() && !name.starts_with('.') && !name.contains(['\\', '\0'])
        })
    };
    if inside("zones/", ".toml") {
        FileKind::Table(zones::zone)
    } else if inside("services/", ".toml") {
        FileKind::Table(services::service)
    } else if inside("policies/", ".cedar") {
        FileKind::Policy(path.to_owned())
    } else if inside("attestors/", ".json") {
        let name = path.strip_prefix("attestors/").and_then(|rest| rest.strip_suffix(".json"));
        FileKind::Keys(name.unwrap_or_default().to_owned())
    } else {
        FileKind::Unknown
    }
}

fn one(file: &mut File<'_>, reading: &mut Reading) {
    let start = Place { at: 0, end: 1 };
    if file.text.len() > FILE_OCTETS_MAX {
        let message =
            format!("the file has {} octets, {FILE_OCTETS_MAX} are allowed", file.text.len());
        file.problem(start, "too-big", message, "split it");
        reading.unread.extend(holds(file.path));
        return;
    }
    match kind(file.path) {
        FileKind::Table(read) => match file.parse() {
            Some(table) => {
                let root = file.root(&table);
                read(file, reading, root);
            }
            None => reading.unread.extend(holds(file.path)),
        },
        FileKind::Policy(path) => drop(reading.policies.insert(path, file.text.to_owned())),
        FileKind::Keys(name) => {
            reading.key_sets.insert(name, (file.text.to_owned(), file.spot(start)));
        }
        FileKind::Unknown => {
            let known = FILES.iter().map(|(name, _)| *name);
            let message =
                format!("`{}` is no file of an estate{}", file.path, hint(file.path, known));
            let remedy = "use `organisation.toml`, `people.toml`, `teams.toml`, `issuers.toml`, \
                          `profiles.toml`, `attestors.toml`, `exceptions.toml`, `stand-ins.toml`, `zones/*.toml`, \
                          `services/*.toml`, `attestors/*.json` and `policies/*.cedar`";
            file.problem(start, "unknown-file", message, remedy);
        }
    }
}

/// The kind of object a file holds.
fn holds(path: &str) -> Option<Kind> {
    match path {
        "people.toml" => Some(Kind::Person),
        "teams.toml" => Some(Kind::Team),
        "issuers.toml" => Some(Kind::Issuer),
        "profiles.toml" => Some(Kind::Profile),
        "attestors.toml" => Some(Kind::Attestor),
        "exceptions.toml" => Some(Kind::Exception),
        _ if path.starts_with("zones/") => Some(Kind::Zone),
        _ if path.starts_with("services/") => Some(Kind::Service),
        _ => None,
    }
}
