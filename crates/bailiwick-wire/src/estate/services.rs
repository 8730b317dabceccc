//! A service's file.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{
    Duties, EnvelopeSpec, Environment, Namespace, Ownership, Service, View,
};
use bailiwick_core::names::{
    BadId, BadName, DnsName, IssuerId, PersonId, ProfileId, SanName, ServiceId, SpiffeId,
};

use super::attestors;
use super::deployments;
use super::document::{At, File, Section};
use super::places::{Kind, NameAt, Owned, Reading};

/// Characters of an envelope's key at most: it becomes part of an id.
const ENVELOPE_CHARS_MAX: usize = 20;

/// The keys of a service's file.
const KEYS: [&str; 15] = [
    "id",
    "name",
    "environment",
    "namespace",
    "view",
    "names",
    "below",
    "profiles",
    "workload",
    "duties",
    "ownership",
    "envelopes",
    "attested",
    "deploy",
    "relying_parties",
];

pub(super) fn service(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    file.keys(root, &KEYS);
    let id = file.needed(root, "id");
    let fresh = id.is_some_and(|at| reading.begins(file, Kind::Service, at));
    let id = id.and_then(|at| file.parsed(at, "bad-id", ServiceId::parse)).map(|at| at.value);
    let name = file.needed(root, "name");
    let environment = file.needed(root, "environment");
    let environment = environment.and_then(|at| file.parsed(at, "bad-id", Environment::parse));
    let namespace = file.text(root, "namespace");
    let namespace = namespace.and_then(|at| file.parsed(at, "bad-id", Namespace::parse));
    let view = file.text(root, "view").and_then(|at| file.word(at, View::ALL));
    let owned = owned(file, root);
    let profiles = file.needed_list(root, "profiles");
    let profiles = reading.refers_to_all(file, Kind::Profile, profiles, ProfileId::parse);
    let workload = file.text(root, "workload");
    let workload = workload.and_then(|at| file.parsed(at, "bad-workload", SpiffeId::parse));
    let duties = file.needed_table(root, "duties");
    let duties = duties.and_then(|section| duties_of(file, reading, section, id.as_ref()));
    let ownership = file.table(root, "ownership");
    let ownership = ownership.and_then(|section| ownership_of(file, reading, section));
    let (Some(id), true) = (id, fresh) else {
        return;
    };
    let mut names = BTreeSet::new();
    let mut below = BTreeSet::new();
    for at in owned {
        match &at.value {
            Owned::Exactly(name) => drop(names.insert(name.clone())),
            Owned::Below(base) => drop(below.insert(base.clone())),
        }
        let spot = file.spot(at.place);
        reading.names.push(NameAt { service: id.clone(), owned: at.value, view, spot });
    }
    if let Some(at) = &workload {
        let spot = file.spot(at.place);
        reading.workloads.push((id.clone(), at.value.clone(), spot));
    }
    let mut envelopes = BTreeMap::new();
    if let Some(section) = file.table(root, "envelopes") {
        for (key, section) in file.entries(section) {
            let spec = envelope(file, reading, section, (&names, &below), &profiles);
            let key = file.parsed(key, "bad-id", envelope_key);
            envelopes.extend(key.zip(spec).map(|(key, spec)| (key.value, spec)));
        }
    }
    let attested = attestors::workloads(file, reading, root);
    let deployments = deployments::deployments(file, root);
    let relying_parties = deployments::relying_parties(file, reading, root);
    if let (Some(name), Some(environment), Some(duties)) = (name, environment, duties) {
        let service = Service {
            name: name.value.to_owned(),
            environment: environment.value,
            namespace: namespace.map(|at| at.value),
            view,
            names,
            below,
            duties,
            ownership,
            profiles,
            workload: workload.map(|at| at.value),
            attested,
            envelopes,
            deployments,
            relying_parties,
        };
        reading.services.insert(id, service);
    }
}

/// The names a service owns: exactly, and below others. There has to be one.
fn owned(file: &mut File<'_>, root: Section<'_>) -> Vec<At<Owned>> {
    let mut owned: Vec<At<Owned>> = Vec::new();
    let names = if file.has(root, &["below"]) {
        file.list(root, "names")
    } else {
        file.needed_list(root, "names")
    };
    for at in names {
        let name = file.parsed(at, "bad-name", SanName::parse);
        let name = name.map(|at| At { value: Owned::Exactly(at.value), place: at.place });
        add(file, &mut owned, name);
    }
    for at in file.list(root, "below") {
        let base = file.parsed(at, "bad-name", |text| {
            // Addresses are owned one by one.
            let base = SanName::parse(text)?;
            if base.is_wildcard() {
                return Err(BadName::Character);
            }
            base.dns().cloned().ok_or(BadName::Address)
        });
        let base = base.map(|at| At { value: Owned::Below(at.value), place: at.place });
        add(file, &mut owned, base);
    }
    owned
}

/// Adds a name once; two spellings of one name are two of it.
fn add(file: &mut File<'_>, owned: &mut Vec<At<Owned>>, name: Option<At<Owned>>) {
    let Some(name) = name else {
        return;
    };
    if owned.iter().any(|at| at.value == name.value) {
        let message = format!("`{}` stands there twice", name.value.base_text());
        file.problem(name.place, "duplicate", message, "remove one");
    } else {
        owned.push(name);
    }
}

fn duties_of(
    file: &mut File<'_>,
    reading: &mut Reading,
    section: Section<'_>,
    service: Option<&ServiceId>,
) -> Option<Duties> {
    file.keys(section, &["policy_owner", "operator", "integration_owner"]);
    let service = service.map_or("?", ServiceId::as_str);
    let mut duty = |key: &str, what: &str| {
        let team = file.needed(section, key);
        reading.holds(file, team, format!("the {what} of service `{service}`"))
    };
    let policy_owner = duty("policy_owner", "policy owner");
    let operator = duty("operator", "operator");
    let integration_owner = duty("integration_owner", "integration owner");
    Some(Duties {
        policy_owner: policy_owner?,
        operator: operator?,
        integration_owner: integration_owner?,
    })
}

fn ownership_of(
    file: &mut File<'_>,
    reading: &mut Reading,
    section: Section<'_>,
) -> Option<Ownership> {
    file.keys(section, &["verified", "by"]);
    if !file.has(section, &["verified"]) {
        file.missing(section, "verified", "`verified = 2026-11-22`");
    }
    let verified = file.time(section, "verified");
    let by = file.needed(section, "by");
    let by = by.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
    Some(Ownership { verified_at: verified?.value, by: by? })
}

pub(super) fn envelope_key(text: &str) -> Result<String, BadId> {
    let key = ServiceId::parse(text)?;
    if key.as_str().len() > ENVELOPE_CHARS_MAX { Err(BadId::Length) } else { Ok(key.to_string()) }
}

fn envelope(
    file: &mut File<'_>,
    reading: &mut Reading,
    section: Section<'_>,
    (owned, below): (&BTreeSet<SanName>, &BTreeSet<DnsName>),
    allowed: &BTreeSet<ProfileId>,
) -> Option<EnvelopeSpec> {
    file.keys(section, &["names", "issuer", "profiles", "until", "uses_max", "reason"]);
    let mut names = BTreeSet::new();
    for at in file.needed_list(section, "names") {
        let Some(name) = file.parsed(at, "bad-name", SanName::parse) else {
            continue;
        };
        let covered =
            !name.value.is_wildcard() && below.iter().any(|base| name.value.is_below(base));
        if !owned.contains(&name.value) && !covered {
            let message = format!("`{}` is not a name of this service", name.value);
            let remedy = "an envelope covers names of its own service only";
            file.problem(at.place, "envelope-outside-service", message, remedy);
        }
        names.insert(name.value);
    }
    let issuer = file.needed(section, "issuer");
    let issuer = issuer.and_then(|at| reading.refers(file, Kind::Issuer, at, IssuerId::parse));
    let mut profiles = BTreeSet::new();
    for at in file.needed_list(section, "profiles") {
        let Some(profile) = reading.refers(file, Kind::Profile, at, ProfileId::parse) else {
            continue;
        };
        if !allowed.contains(&profile) {
            let message = format!("`{profile}` is not a profile of this service");
            let remedy = "add it to the `profiles` of the service, or leave it out";
            file.problem(at.place, "envelope-outside-service", message, remedy);
        }
        profiles.insert(profile);
    }
    if !file.has(section, &["until"]) {
        let message = "the envelope has no end".to_owned();
        let remedy = "write `until = 2027-01-31`: a standing approval is looked at again";
        file.problem(section.place, "envelope-without-end", message, remedy);
    }
    let until = file.time(section, "until");
    let uses_max = file.number(section, "uses_max", 1..=1_000_000);
    let reason = file.needed(section, "reason");
    Some(EnvelopeSpec {
        names,
        issuer: issuer?,
        profiles,
        until: until?.value,
        uses_max: uses_max.map(|at| at.value),
        reason: reason?.value.to_owned(),
    })
}
