//! The file of the CAs.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{CANARY_SUFFIX, Environment, Issuer, IssuerKind, Upstream};
use bailiwick_core::names::{DnsName, IssuerId, ProfileId};

use super::document::{File, Section};
use super::parts::words;
use super::places::{Kind, Reading};
use super::{authority, canaries};

/// What only a CA behind ACME has.
const UPSTREAM_KEYS: [&str; 7] =
    ["directory", "contacts", "binding", "trust_roots", "ca_profiles", "problem_reports", "canary"];

pub(super) fn issuers(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Issuer, key);
        let id = file.parsed(key, "bad-id", |text| {
            let reserved = "two dots in a row are for the parts of its crl; choose another id";
            let id = IssuerId::parse(text).map_err(|cause| cause.to_string())?;
            let canaries =
                "an id that ends so is that of an account for canaries; choose another id";
            if text.contains("..") {
                Err(reserved.to_owned())
            } else if text.ends_with(CANARY_SUFFIX) {
                Err(canaries.to_owned())
            } else {
                Ok(id)
            }
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
            Some(table) => {
                let id = id.as_ref().map(|id| &id.value);
                canaries::read(file, reading, (id, table))
            }
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
    let reports = file.text(section, "problem_reports");
    let problem_reports = match reports {
        Some(at) => Some(file.parsed(at, "bad-contact", reports_to)?.value),
        None => None,
    };
    let directory = directory?.value;
    Some(Upstream { directory, contacts, binding, trust_roots, ca_profiles, problem_reports })
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

/// Where problem reports go: mail, or a form.
fn reports_to(text: &str) -> Result<String, &'static str> {
    contact(text).or_else(|_| https(text)).map_err(
        |_| "not an address for problem reports; write `mailto:report@ca.example` or `https://…`",
    )
}

pub(super) fn contact(text: &str) -> Result<String, &'static str> {
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
