//! The same rules for a certificate of whatever making, as it was seen: for people who ask what
//! would have stopped it here.

use crate::certificate::facts::{CertificateFacts, NameSeen};
use crate::certificate::profile::{CertificateProfile, KeyKind, KeyPurpose, ProfileRules};
use crate::certificate::spec::lifetime_seconds;
use crate::certificate::tbs::KeyUsageBit;
use crate::time::Time;

use super::finding::LintFinding;
use super::{SERIAL_OCTETS_SEEN_MIN, SHORT_LIVED_SECONDS_MAX, lint_key, lint_serial, public};

/// What forbids a certificate like this under `profile`, as if it were issued at its notBefore.
///
/// It says nothing about signatures, revocation or whether it is in date.
#[must_use]
pub fn lint_seen(facts: &CertificateFacts, profile: &CertificateProfile) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    lint_validity(facts, profile, &mut findings);
    match facts.serial.regular() {
        Some(serial) => lint_serial(serial.as_bytes(), SERIAL_OCTETS_SEEN_MIN, &mut findings),
        None => findings.push(LintFinding::SerialTooLong),
    }
    lint_names(facts, profile, &mut findings);
    match facts.key_kind {
        Some((kind, bits)) => lint_key(kind, bits, profile, &mut findings),
        None => findings.push(LintFinding::Extension {
            why: "the key is of no kind that profiles know; use ecdsa p-256 or p-384, ed25519 or rsa",
        }),
    }
    lint_purposes(facts, profile, &mut findings);
    if facts.is_ca {
        let why = "it says that it is a ca, and a leaf was expected; use basicConstraints of an end entity";
        findings.push(LintFinding::Extension { why });
    }
    if profile.rules == ProfileRules::PublicTls {
        lint_public(facts, &mut findings);
    }
    findings
}

fn lint_validity(
    facts: &CertificateFacts,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    let seconds = lifetime_seconds(facts.not_before, facts.not_after);
    if seconds < 1 {
        findings.push(LintFinding::NeverValid);
    }
    let seconds_max = profile.lifetime_seconds_max;
    if seconds > i64::from(seconds_max) {
        findings.push(LintFinding::LifetimeTooLong { seconds, seconds_max });
    }
    let points = !facts.crl_urls.is_empty() || !facts.ocsp_urls.is_empty();
    if !points && seconds > SHORT_LIVED_SECONDS_MAX {
        findings.push(LintFinding::NoRevocationPointer);
    }
}

fn lint_names(
    facts: &CertificateFacts,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    let count = facts.names.len();
    if count == 0 {
        findings.push(LintFinding::Extension {
            why: "it has no subject alternative name; name every host there",
        });
    }
    if count > usize::from(profile.names_max) {
        findings.push(LintFinding::TooManyNames { count, count_max: profile.names_max });
    }
    let mut uris = 0_usize;
    for name in &facts.names {
        match name {
            NameSeen::Dns(name) if name.is_wildcard() && !profile.wildcard_allowed => {
                findings.push(LintFinding::WildcardRefused { name: name.clone() });
            }
            NameSeen::Uri(_) if profile.workload_uri => uris = uris.saturating_add(1),
            NameSeen::Dns(_) | NameSeen::Ip(_) => {}
            NameSeen::OddDns(text) | NameSeen::Email(text) | NameSeen::Uri(text) => {
                let why = "is no name that the profile knows; use dns names";
                findings.push(LintFinding::PublicName { name: text.clone(), why });
            }
            NameSeen::Other { tag, .. } => {
                let why = "is of a kind that the profile does not know; use dns names";
                findings.push(LintFinding::PublicName { name: format!("[{}]", tag & 0x1f), why });
            }
        }
    }
    if profile.workload_uri && uris != 1 {
        let why = "an svid has exactly one uri, the workload's; name that one";
        findings.push(LintFinding::Workload { why });
    }
}

fn lint_purposes(
    facts: &CertificateFacts,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    if facts.purposes.is_empty() && facts.purposes_other.is_empty() {
        findings.push(LintFinding::NoPurpose);
    }
    let surplus = facts.purposes.iter().any(|purpose| !profile.purposes.contains(purpose));
    if surplus || !facts.purposes_other.is_empty() {
        let why = "it may be used for more than the profile says; issue it again under the profile";
        findings.push(LintFinding::Extension { why });
    }
}

/// BR 7.1.2.7, as far as it can be seen from outside.
fn lint_public(facts: &CertificateFacts, findings: &mut Vec<LintFinding>) {
    let at: Time = facts.not_before;
    public::lint_lifetime(lifetime_seconds(at, facts.not_after), at, findings);
    public::lint_purposes(&mut facts.purposes.iter().copied(), at, findings);
    if let Some((kind, _)) = facts.key_kind {
        public::lint_kind(kind, findings);
    }
    for name in &facts.names {
        match name {
            NameSeen::Dns(name) => {
                if let Some(base) = name.dns() {
                    public::lint_name(base, findings);
                }
            }
            NameSeen::Ip(address) => public::lint_address(*address, findings),
            NameSeen::OddDns(_)
            | NameSeen::Email(_)
            | NameSeen::Uri(_)
            | NameSeen::Other { .. } => {}
        }
    }
    let repeats = |common: &String| {
        facts.names.iter().any(|name| match name {
            NameSeen::Dns(name) => name.to_string() == common.to_ascii_lowercase(),
            NameSeen::Ip(ip) => ip.to_string() == *common,
            NameSeen::OddDns(_)
            | NameSeen::Email(_)
            | NameSeen::Uri(_)
            | NameSeen::Other { .. } => false,
        })
    };
    if !facts.common_names.iter().all(repeats) {
        let why = "the common name repeats none of the names; leave it out";
        findings.push(LintFinding::Subject { why });
    }
    if facts.subject_name.contains("OU=") {
        let why = "the subject has an organisational unit, which is forbidden; leave it out";
        findings.push(LintFinding::Subject { why });
    }
    lint_public_extensions(facts, findings);
}

fn lint_public_extensions(facts: &CertificateFacts, findings: &mut Vec<LintFinding>) {
    if facts.issuer_key_id.is_none() {
        let why = "it has no authority key identifier; add it";
        findings.push(LintFinding::Extension { why });
    }
    let reserved = facts.policies.iter().filter(|oid| is_reserved_policy(oid)).count();
    if reserved != 1 {
        let why = "it names not exactly one of the public certificate policies; name domain-validated 2.23.140.1.2.1";
        findings.push(LintFinding::Extension { why });
    }
    if !facts.crl_urls.iter().all(|url| url.starts_with("http://")) {
        let why = "it points at a crl over something else than http; publish it over plain http";
        findings.push(LintFinding::Extension { why });
    }
    if facts.purposes.contains(&KeyPurpose::ServerAuth)
        && facts.key_kind.is_some_and(|(kind, _)| kind != KeyKind::Rsa)
        && facts
            .key_usage
            .as_ref()
            .is_none_or(|bits| *bits != [KeyUsageBit::DIGITAL_SIGNATURE].into())
    {
        let why = "an ecdsa key is used for signatures only; set the key usage digitalSignature";
        findings.push(LintFinding::Extension { why });
    }
}

/// The four policies of BR 7.1.6.1.
fn is_reserved_policy(oid: &str) -> bool {
    matches!(oid, "2.23.140.1.2.1" | "2.23.140.1.2.2" | "2.23.140.1.2.3" | "2.23.140.1.1")
}
