//! The file of the attestors, their key sets, and the workloads that services name.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{AttestationKind, Attestor, AttestorKeys, AttestorKind, WorkloadRule};
use bailiwick_core::names::{AttestorId, PersonId};

use super::document::{At, File, Section};
use super::issuers::{https, pem};
use super::parts::words;
use super::places::{Kind, Reading};
use super::problem::EstateProblem;
use super::services::envelope_key;
use crate::attestation::KeySet;

/// How long a word is believed, where nothing is said: a working day.
const HOLDS_MINUTES: u32 = 8 * 60;
/// At most a quarter of a year: then somebody looks again.
const HOLDS_MINUTES_MAX: u32 = 90 * 24 * 60;
/// Characters of the name of a claim at most.
const CLAIM_CHARS_MAX: usize = 64;

const KEYS: [&str; 8] = [
    "kind",
    "issuer",
    "audience",
    "keys",
    "keys_url",
    "trust_roots",
    "vouches_for",
    "holds_minutes",
];

pub(super) fn attestors(file: &mut File<'_>, reading: &mut Reading, root: Section<'_>) {
    for (key, section) in file.entries(root) {
        let fresh = reading.begins(file, Kind::Attestor, key);
        let id = file.parsed(key, "bad-id", AttestorId::parse);
        file.keys(section, &KEYS);
        let kind = file.needed(section, "kind").and_then(|at| file.word(at, AttestorKind::ALL));
        let audience = file.needed(section, "audience");
        let Some(kind) = kind else { continue };
        let issuer = issuer(file, section, kind);
        let keys = keys(file, section, kind);
        let roots = file.text(section, "trust_roots");
        let trust_roots = roots.and_then(|at| file.parsed(at, "bad-certificate", pem));
        let vouches_for = file.list(section, "vouches_for");
        let vouches_for = words(file, vouches_for, AttestationKind::parse);
        let holds = file.number(section, "holds_minutes", 1..=HOLDS_MINUTES_MAX);
        if let (true, Some(id), Some(audience), Some(issuer)) = (fresh, id, audience, issuer) {
            let attestor = Attestor {
                kind,
                issuer,
                audience: audience.value.to_owned(),
                keys,
                trust_roots: trust_roots.map(|at| at.value),
                vouches_for,
                holds_minutes: holds.map_or(HOLDS_MINUTES, |at| at.value),
            };
            let same = reading
                .attestors
                .values()
                .any(|it| it.kind == attestor.kind && it.issuer == attestor.issuer);
            if same && kind != AttestorKind::HostKey {
                let message = format!("there is another attestor for `{}`", attestor.issuer);
                file.problem(section.place, "duplicate", message, "remove one");
            }
            reading.attestors.insert(id.value, attestor);
        }
    }
}

fn issuer(file: &mut File<'_>, section: Section<'_>, kind: AttestorKind) -> Option<String> {
    match kind {
        AttestorKind::HostKey => {
            for key in ["issuer", "keys", "keys_url", "trust_roots"] {
                if file.has(section, &[key]) {
                    let message = format!("`{key}` is not for attestors of kind `host-key`");
                    let remedy = "take it out; each host's thumbprint stands with its service";
                    file.problem(section.place, "unknown-key", message, remedy);
                }
            }
            Some(String::new())
        }
        AttestorKind::Spiffe => {
            let at = file.needed(section, "issuer")?;
            let domain = file.parsed(at, "bad-workload", trust_domain)?;
            Some(domain.value)
        }
        AttestorKind::Oidc | AttestorKind::Kubernetes => {
            let at = file.needed(section, "issuer")?;
            file.parsed(at, "bad-url", https).map(|at| at.value)
        }
    }
}

fn trust_domain(text: &str) -> Result<String, String> {
    let some = bailiwick_core::names::SpiffeId::parse(&format!("spiffe://{text}/x"));
    if text.contains('/') {
        return Err("not a trust domain; write `shop.example`".to_owned());
    }
    some.map(|_| text.to_owned()).map_err(|cause| cause.to_string())
}

fn keys(file: &mut File<'_>, section: Section<'_>, kind: AttestorKind) -> AttestorKeys {
    if kind == AttestorKind::HostKey {
        return AttestorKeys::WithWorkloads;
    }
    let written = file.text(section, "keys");
    let written = written.and_then(|at| file.parsed(at, "bad-keys", |text| key_set(kind, text)));
    let url = file.text(section, "keys_url").and_then(|at| file.parsed(at, "bad-url", https));
    match (written, url) {
        (Some(_), Some(url)) => {
            let message = "`keys` and `keys_url` say where the keys are".to_owned();
            file.problem(url.place, "duplicate", message, "keep one");
            AttestorKeys::Discovered
        }
        (Some(set), None) => AttestorKeys::Written(set.value),
        (None, Some(url)) => AttestorKeys::At(url.value),
        (None, None) => AttestorKeys::Discovered,
    }
}

fn key_set(kind: AttestorKind, text: &str) -> Result<String, String> {
    let set = KeySet::parse(text.as_bytes(), kind).map_err(|cause| cause.to_string())?;
    if set.is_empty() {
        return Err("no key that can be used; paste a JWK set with its public keys".to_owned());
    }
    Ok(text.to_owned())
}

/// Puts the key sets of `attestors/ID.json` to their attestors, and finds SPIFFE trust domains that
/// have none: they cannot be asked where their keys are.
pub(super) fn take_key_sets(
    files: &[(String, String)],
    reading: &mut Reading,
    problems: &mut Vec<EstateProblem>,
) {
    for (name, (text, spot)) in std::mem::take(&mut reading.key_sets) {
        let Some((path, _)) = files.get(spot.file) else { continue };
        let source = (path.as_str(), text.as_str());
        let mut problem = |rule, message: String, remedy: &str| {
            problems.push(EstateProblem::new(source, spot.place, rule, message, remedy));
        };
        let attestor = AttestorId::parse(&name).ok();
        let attestor = attestor.and_then(|id| reading.attestors.get_mut(&id));
        let Some(attestor) = attestor else {
            if !reading.unread.contains(&Kind::Attestor) {
                let message = format!("there is no attestor `{name}`");
                problem("unknown-reference", message, "add it to attestors.toml");
            }
            continue;
        };
        match (&attestor.keys, key_set(attestor.kind, &text)) {
            (AttestorKeys::Discovered, Ok(set)) => attestor.keys = AttestorKeys::Written(set),
            (AttestorKeys::Discovered, Err(why)) => {
                problem("bad-keys", why, "put the JWK set of the attestor here");
            }
            (AttestorKeys::Written(_) | AttestorKeys::At(_) | AttestorKeys::WithWorkloads, _) => {
                let message = format!("attestor `{name}` has its keys elsewhere");
                problem("duplicate", message, "remove this file, or the other place");
            }
        }
    }
    for (id, attestor) in &reading.attestors {
        if (attestor.kind, &attestor.keys) == (AttestorKind::Spiffe, &AttestorKeys::Discovered) {
            let spot = reading.seen.get(&(Kind::Attestor, id.to_string()));
            let Some((spot, (path, text))) =
                spot.and_then(|spot| Some((spot, files.get(spot.file)?)))
            else {
                continue;
            };
            let message = format!("attestor `{id}` has no keys");
            let remedy = "write `keys_url = \"https://…\"`, or put its bundle into a file";
            let source = (path.as_str(), text.as_str());
            problems.push(EstateProblem::new(source, spot.place, "missing-key", message, remedy));
        }
    }
}

/// The workloads that a service names, under `[attested.NAME]`.
pub(super) fn workloads(
    file: &mut File<'_>,
    reading: &mut Reading,
    root: Section<'_>,
) -> BTreeMap<String, WorkloadRule> {
    let mut all = BTreeMap::new();
    let Some(section) = file.table(root, "attested") else { return all };
    for (key, section) in file.entries(section) {
        file.keys(section, &["attestor", "answers", "claims"]);
        let name = file.parsed(key, "bad-id", envelope_key);
        let attestor = file.needed(section, "attestor");
        let attestor =
            attestor.and_then(|at| reading.refers(file, Kind::Attestor, at, AttestorId::parse));
        let answers = file.needed(section, "answers");
        let answers =
            answers.and_then(|at| reading.refers(file, Kind::Person, at, PersonId::parse));
        let claims = file.needed_table(section, "claims");
        let claims = claims.map(|claims_section| claims_of(file, claims_section));
        if let (Some(name), Some(attestor), Some(answers), Some(claims)) =
            (name, attestor, answers, claims)
        {
            all.insert(name.value, WorkloadRule { attestor, claims, answers });
        }
    }
    all
}

/// Each claim with one text or a list of them.
fn claims_of(file: &mut File<'_>, section: Section<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut claims = BTreeMap::new();
    let mut is_exact = false;
    for key in file.names(section) {
        let Some(name) = file.parsed(key, "bad-id", claim_name) else { continue };
        let values = file.texts(section, key.value);
        let fits = |at: &At<&str>| !at.value.trim_matches('*').is_empty();
        for at in values.iter().filter(|at| !fits(at)) {
            let message = format!("`{}` lets every value in", at.value);
            file.problem(at.place, "too-wide", message, "write what has to be attested");
        }
        is_exact |= !values.is_empty() && values.iter().all(|at| !at.value.ends_with('*'));
        claims.insert(name.value, values.iter().map(|at| at.value.to_owned()).collect());
    }
    if !is_exact {
        let message = "no claim says exactly which workload it is".to_owned();
        let remedy = "name one without `*`, such as `repository = \"shop/pay\"`: the same issuer \
                      signs tokens for others too";
        file.problem(section.place, "too-wide", message, remedy);
    }
    claims
}

fn claim_name(text: &str) -> Result<String, &'static str> {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"_-./:".contains(&octet);
    if (1..=CLAIM_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("not the name of a claim; write such as `repository`")
    }
}
