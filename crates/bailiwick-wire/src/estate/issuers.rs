//! The file of the CAs.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{CanaryPlan, Environment, Issuer, IssuerKind, Upstream};
use bailiwick_core::names::{DnsName, IssuerId, ProfileId};

use super::authority;
use super::document::{File, Section};
use super::parts::words;
use super::places::{Kind, Reading};

/// What only a CA behind ACME has.
const UPSTREAM_KEYS: [&str; 6] =
    ["directory", "contacts", "binding", "trust_roots", "ca_profiles", "canary"];
/// A canary that is sent more often than daily is agreed in numbers; none is sent every hour.
const CANARY_HOURS_MAX: u32 = 24 * 31;

pub(super) fn issuers(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Issuer, key);
        let id = file.parsed(key, "bad-id", |text| {
            let reserved = "two dots in a row are for the parts of its crl; choose another id";
            let id = IssuerId::parse(text).map_err(|cause| cause.to_string())?;
            if text.contains("..") { Err(reserved.to_owned()) } else { Ok(id) }
        });
        let known = ["kind", "caa_domains", "environments", "profiles"];
        file.keys(section, &[&known[..], &authority::KEYS[..], &UPSTREAM_KEYS[..]].concat());
        let kind = file.needed(section, "kind").and_then(|at| file.word(at, IssuerKind::ALL));
        let mut caa_domains = BTreeSet::new();
        for at in file.needed_list(section, "caa_domains") {
            let domain = file.parsed(at, "bad-name", DnsName::parse);
            caa_domains.extend(domain.map(|domain| domain.value.to_string()));
        }
        let environments = file.needed_list(section, "environments");
        let environments = words(file, environments, Environment::parse);
        let profiles = file.needed_list(section, "profiles");
        let profiles = reading.refers_to_all(file, Kind::Profile, profiles, ProfileId::parse);
        let authority = authority::read(file, section);
        let canary = match file.table(section, "canary") {
            Some(table) => canary_of(file, table),
            None => None,
        };
        let upstream = match kind {
            Some(IssuerKind::Acme) => {
                let Some(upstream) = upstream(file, reading, section) else { continue };
                Some(upstream)
            }
            Some(IssuerKind::BuiltIn) => {
                not_for_us(file, section);
                None
            }
            None => continue,
        };
        if let (true, Some(id), Some(kind)) = (fresh, id, kind) {
            let issuer =
                Issuer { kind, caa_domains, environments, profiles, authority, upstream, canary };
            reading.issuers.insert(id.value, issuer);
        }
    }
}

/// A CA of our own has no directory: whoever writes one means another kind.
fn not_for_us(file: &mut File<'_>, section: Section<'_>) {
    for key in UPSTREAM_KEYS {
        if !file.has(section, &[key]) {
            continue;
        }
        let message = format!("`{key}` is for issuers of kind `acme`");
        file.problem(
            section.place,
            "unknown-key",
            message,
            "take it out, or set `kind = \"acme\"`",
        );
    }
}

fn upstream(file: &mut File<'_>, reading: &mut Reading, section: Section<'_>) -> Option<Upstream> {
    let directory = file.needed(section, "directory");
    let directory = directory.and_then(|at| file.parsed(at, "bad-url", https));
    let mut contacts = Vec::new();
    for at in file.list(section, "contacts") {
        contacts.extend(file.parsed(at, "bad-contact", contact).map(|at| at.value));
    }
    let binding = file.text(section, "binding").map(|at| at.value.to_owned());
    let roots = file.text(section, "trust_roots");
    let trust_roots = match roots {
        Some(at) => Some(file.parsed(at, "bad-certificate", pem)?.value),
        None => None,
    };
    let ca_profiles = match file.table(section, "ca_profiles") {
        Some(table) => ca_profiles(file, reading, table),
        None => BTreeMap::new(),
    };
    let directory = directory?.value;
    Some(Upstream { directory, contacts, binding, trust_roots, ca_profiles })
}

/// How it is tested that the CA obeys CAA, under `[ID.canary]`.
fn canary_of(file: &mut File<'_>, section: Section<'_>) -> Option<CanaryPlan> {
    file.keys(section, &["directory", "permitted", "forbidden", "every_hours", "trust_roots"]);
    let directory = file.needed(section, "directory");
    let directory = directory.and_then(|at| file.parsed(at, "bad-url", https));
    let permitted = file.needed(section, "permitted");
    let permitted = permitted.and_then(|at| file.parsed(at, "bad-name", DnsName::parse));
    let forbidden = file.needed(section, "forbidden");
    let forbidden = forbidden.and_then(|at| file.parsed(at, "bad-name", DnsName::parse));
    let every = file.number(section, "every_hours", 1..=CANARY_HOURS_MAX);
    let trust_roots = match file.text(section, "trust_roots") {
        Some(at) => Some(file.parsed(at, "bad-certificate", pem)?.value),
        None => None,
    };
    let (permitted, forbidden) = (permitted?, forbidden?);
    if permitted.value == forbidden.value {
        let message = format!("`{}` cannot be permitted and forbidden at once", forbidden.value);
        file.problem(forbidden.place, "duplicate", message, "name two names");
        return None;
    }
    Some(CanaryPlan {
        directory: directory?.value,
        permitted: permitted.value,
        forbidden: forbidden.value,
        every_hours: every.map_or(24, |at| at.value),
        trust_roots,
    })
}

/// What the CA calls our profiles.
fn ca_profiles(
    file: &mut File<'_>,
    reading: &mut Reading,
    table: Section<'_>,
) -> BTreeMap<ProfileId, String> {
    let mut named = BTreeMap::new();
    for key in file.names(table) {
        let ours = reading.refers(file, Kind::Profile, key, ProfileId::parse);
        let theirs = file.needed(table, key.value);
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            named.insert(ours, theirs.value.to_owned());
        }
    }
    named
}

/// RFC 8555, section 6.1: ACME is spoken over HTTPS only.
pub(super) fn https(text: &str) -> Result<String, &'static str> {
    let host = text.strip_prefix("https://").and_then(|rest| rest.split('/').next());
    let fits = text.bytes().all(|octet| octet.is_ascii_graphic());
    if fits && host.is_some_and(|host| !host.is_empty() && !host.contains('@')) {
        Ok(text.to_owned())
    } else {
        Err("not the URL of a directory; write `https://ca.example/directory`")
    }
}

fn contact(text: &str) -> Result<String, &'static str> {
    let address = text.strip_prefix("mailto:").filter(|rest| rest.contains('@'));
    match address {
        Some(_) if text.bytes().all(|octet| octet.is_ascii_graphic()) => Ok(text.to_owned()),
        Some(_) | None => Err("not a contact; write `mailto:pki@shop.example`"),
    }
}

pub(super) fn pem(text: &str) -> Result<String, String> {
    let roots = crate::x509::read_chain(text.as_bytes()).map_err(|cause| cause.to_string())?;
    if roots.is_empty() { Err("no certificate; paste PEM".to_owned()) } else { Ok(text.to_owned()) }
}
