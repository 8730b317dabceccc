//! What was agreed with a CA about canaries, under `[ID.canary]` of issuers.toml.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{CanaryPlan, Connector, Upstream, ZoneKey};
use bailiwick_core::names::{DnsName, IssuerId, ZoneName};

use super::document::{File, Section};
use super::issuers::{contact, https, pem};
use super::places::{Owned, Reading, Spot};

/// P9: each is asked for at least daily.
const HOURS_MAX: u32 = 24;
/// A day: whoever waits longer asks less than daily.
const PAUSE_MINUTES_MAX: u32 = 1_440;
/// What no CA minds.
const PAUSE_MINUTES: u32 = 60;

const KEYS: [&str; 10] = [
    "directory",
    "contacts",
    "binding",
    "trust_roots",
    "permitted",
    "forbidden",
    "forbidden_account",
    "forbidden_method",
    "every_hours",
    "pause_minutes",
];

/// A name that was agreed, with where it stands.
#[derive(Clone, Debug)]
pub(super) struct CanaryAt {
    pub(super) issuer: IssuerId,
    pub(super) name: DnsName,
    pub(super) spot: Spot,
}

pub(super) fn read(
    file: &mut File<'_>,
    reading: &mut Reading,
    (issuer, section): (Option<&IssuerId>, Section<'_>),
) -> Option<CanaryPlan> {
    file.keys(section, &KEYS);
    let directory = file.needed(section, "directory");
    let directory = directory.and_then(|at| file.parsed(at, "bad-url", https));
    let mut contacts = Vec::new();
    for at in file.list(section, "contacts") {
        contacts.extend(file.parsed(at, "bad-contact", contact).map(|at| at.value));
    }
    let binding = file.text(section, "binding").map(|at| at.value.to_owned());
    let trust_roots = match file.text(section, "trust_roots") {
        Some(at) => Some(file.parsed(at, "bad-certificate", pem)?.value),
        None => None,
    };
    let mut seen = BTreeSet::new();
    let mut name = |key: &'static str, needed: bool| {
        let at = if needed { file.needed(section, key) } else { file.text(section, key) };
        let at = at.and_then(|at| file.parsed(at, "bad-name", DnsName::parse))?;
        if !seen.insert(at.value.clone()) {
            let message = format!("`{}` cannot show two things at once", at.value);
            file.problem(at.place, "duplicate", message, "name another name");
        }
        if let Some(issuer) = issuer {
            let (issuer, name, spot) = (issuer.clone(), at.value.clone(), file.spot(at.place));
            reading.canaries.push(CanaryAt { issuer, name, spot });
        }
        Some(at.value)
    };
    let permitted = name("permitted", true);
    let forbidden = name("forbidden", true);
    let forbidden_account = name("forbidden_account", false);
    let forbidden_method = name("forbidden_method", false);
    let every = file.number(section, "every_hours", 1..=HOURS_MAX);
    let pause = file.number(section, "pause_minutes", 0..=PAUSE_MINUTES_MAX);
    Some(CanaryPlan {
        place: Upstream {
            directory: directory?.value,
            contacts,
            binding,
            trust_roots,
            ca_profiles: BTreeMap::new(),
            problem_reports: None,
        },
        permitted: permitted?,
        forbidden: forbidden?,
        forbidden_account,
        forbidden_method,
        every_hours: every.map_or(HOURS_MAX, |at| at.value),
        pause_minutes: pause.map_or(PAUSE_MINUTES, |at| at.value),
    })
}

/// A canary is sent for a name that nobody uses, and where control of it can be shown. What is wrong,
/// each with where it stands, its rule, message and remedy.
pub(super) fn problems(reading: &Reading) -> Vec<(Spot, &'static str, String, String)> {
    let mut found = Vec::new();
    for one in &reading.canaries {
        let name = &one.name;
        if let Some(owner) = reading.names.iter().find(|owned| uses(&owned.owned, name)) {
            let message = format!(
                "`{name}` is a name of service `{}`, and no canary is sent for a name that is used",
                owner.service
            );
            let remedy = format!("agree a name with `{}` that nobody uses", one.issuer);
            found.push((one.spot, "canary-of-service", message, remedy));
            continue;
        }
        let above = std::iter::successors(Some(name.clone()), DnsName::parent);
        let zone = above
            .filter_map(|apex| ZoneName::parse(apex.as_str()).ok())
            .find_map(|apex| reading.zones.get_key_value(&ZoneKey::external(apex)));
        let connector = zone.and_then(|(_, zone)| zone.connector.as_ref());
        if matches!(connector, None | Some(Connector::Observe)) {
            let message = match zone {
                Some((key, _)) => {
                    format!("`{name}` lies in zone `{key}`, which has no connector that writes")
                }
                None => format!("`{name}` lies in no external zone"),
            };
            let remedy = "a canary shows control of its name by a record: choose a name in a zone \
                          with a `[connector]` that writes";
            found.push((one.spot, "canary-place", message, remedy.to_owned()));
        }
    }
    found
}

fn uses(owned: &Owned, name: &DnsName) -> bool {
    match owned {
        Owned::Exactly(one) => one.covers(name),
        Owned::Below(base) => name.is_at_or_below(base),
    }
}
