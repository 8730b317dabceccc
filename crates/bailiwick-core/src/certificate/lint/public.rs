//! The rules for publicly trusted TLS servers, for profiles that are declared to follow them.

use core::net::IpAddr;

use crate::certificate::profile::{CertificateProfile, KeyKind, KeyPurpose};
use crate::certificate::spec::CertificateSpec;
use crate::names::{AcmeIdentifier, DnsName};
use crate::time::Time;

use super::finding::LintFinding;

/// Longest validity in days by the day of issuance (BR 6.3.2, ballot SC-081v3): from 2026-03-15,
/// 2027-03-15 and 2029-03-15 on.
const DAYS_MAX: [(Time, u32); 3] = [
    (Time::from_unix_seconds(1_868_227_200), 47),
    (Time::from_unix_seconds(1_805_068_800), 100),
    (Time::from_unix_seconds(1_773_532_800), 200),
];
/// What held before the first of them.
const DAYS_MAX_BEFORE: u32 = 398;
/// Chrome root policy 1.3.2: from 2027-03-15 on no clientAuth in public TLS leaves.
const NO_CLIENT_AUTH_FROM: Time = Time::from_unix_seconds(1_805_068_800);
/// Seconds of a day (BR 6.3.2).
const DAY_SECONDS: u32 = 86_400;
/// Top-level names that no public registry delegates (RFC 6761, RFC 6762, RFC 7686, RFC 9476, and
/// ICANN's reservation of `internal`), and the tree of addresses.
const INTERNAL_TOPS: [&str; 9] =
    ["test", "invalid", "localhost", "local", "alt", "internal", "onion", "arpa", "example"];

/// The longest validity, in days, that the public rules allow to what is issued at `at`.
#[must_use]
pub fn public_lifetime_days_max(at: Time) -> u32 {
    DAYS_MAX.iter().find(|(from, _)| at >= *from).map_or(DAYS_MAX_BEFORE, |(_, days)| *days)
}

/// What is asked for on our own account: a day less, as BR 6.3.2 advises.
pub(in crate::certificate) fn public_lifetime_seconds(at: Time) -> u32 {
    public_lifetime_days_max(at).saturating_sub(1).saturating_mul(DAY_SECONDS)
}

pub(super) fn lint_public(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    lint_lifetime(spec.lifetime_seconds(), spec.not_before, findings);
    lint_purposes(&mut profile.purposes.iter().copied(), spec.not_before, findings);
    lint_kind(spec.key.kind(), findings);
    for name in spec.names.iter() {
        match name.base() {
            AcmeIdentifier::Dns(base) => lint_name(base, findings),
            AcmeIdentifier::Ip(address) => lint_address(*address, findings),
        }
    }
    if let Some(workload) = &spec.workload {
        let why =
            "is a uri, which the public rules refuse; use a profile with `rules = \"private\"`";
        findings.push(LintFinding::PublicName { name: workload.to_string(), why });
    }
}

pub(super) fn lint_lifetime(seconds: i64, not_before: Time, findings: &mut Vec<LintFinding>) {
    let days_max = public_lifetime_days_max(not_before);
    if seconds > i64::from(days_max.saturating_mul(DAY_SECONDS)) {
        findings.push(LintFinding::PublicLifetimeTooLong { seconds, days_max });
    }
}

pub(super) fn lint_purposes(
    purposes: &mut dyn Iterator<Item = KeyPurpose>,
    not_before: Time,
    findings: &mut Vec<LintFinding>,
) {
    let purposes: Vec<KeyPurpose> = purposes.collect();
    if !purposes.contains(&KeyPurpose::ServerAuth) {
        let why = "the public rules want the purpose `server`; add it to the profile";
        findings.push(LintFinding::PublicPurpose { why });
    }
    if purposes.contains(&KeyPurpose::ClientAuth) && not_before >= NO_CLIENT_AUTH_FROM {
        let why = "since 2027-03-15 public certificates are for servers only; take `client` out of the profile";
        findings.push(LintFinding::PublicPurpose { why });
    }
}

pub(super) fn lint_kind(kind: KeyKind, findings: &mut Vec<LintFinding>) {
    match kind {
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::Rsa => {}
        KeyKind::Ed25519 => findings.push(LintFinding::PublicKeyKind { kind }),
    }
}

pub(super) fn lint_name(base: &DnsName, findings: &mut Vec<LintFinding>) {
    let top = base.labels().next_back().unwrap_or_default();
    if INTERNAL_TOPS.contains(&top) {
        let why = "is internal, and no public ca may certify it; use a profile with `rules = \"private\"`";
        findings.push(LintFinding::PublicName { name: base.to_string(), why });
    }
}

/// BR 4.2.2: no address that the special-purpose registries of IANA reserve.
pub(super) fn lint_address(address: IpAddr, findings: &mut Vec<LintFinding>) {
    let reserved = match address {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_documentation()
                || a == 0
                || a >= 224
                // Shared address space (RFC 6598), protocol assignments (RFC 6890), benchmarks (RFC 2544).
                || (a == 100 && b & 0xc0 == 64)
                || four.octets().starts_with(&[192, 0, 0])
                || (a == 198 && b & 0xfe == 18)
        }
        // What is delegated to the world begins with 001 (RFC 4291, section 2.4); of that,
        // documentation (RFC 3849, RFC 9637) and protocol assignments (RFC 2928) are not.
        IpAddr::V6(six) => match six.segments() {
            [0x2001, second, ..] => second < 0x0200 || second == 0x0db8,
            [first, ..] => first & 0xe000 != 0x2000 || first == 0x3fff,
        },
    };
    if reserved {
        let why = "is an internal address, and no public ca may certify it; use a profile with `rules = \"private\"`";
        findings.push(LintFinding::PublicName { name: address.to_string(), why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_are_nobodys_in_public() {
        let count = |text: &str| {
            let mut findings = Vec::new();
            lint_address(text.parse().unwrap(), &mut findings);
            findings.len()
        };
        for inside in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "192.0.2.7",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "240.0.0.1",
            "0.1.2.3",
            "::1",
            "fd00::1",
            "fe80::1",
            "2001:db8::7",
            "2001::1",
            "3fff::1",
            "64:ff9b::1",
        ] {
            assert_eq!(count(inside), 1, "{inside}");
        }
        for outside in
            ["9.9.9.9", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2620:fe::fe", "2001:500::1"]
        {
            assert_eq!(count(outside), 0, "{outside}");
        }
    }

    #[test]
    fn the_limit_shrinks_on_the_days_that_the_ballot_names() {
        let check = |text: &str, days| {
            assert_eq!(public_lifetime_days_max(Time::parse(text).unwrap()), days, "{text}");
        };
        check("2026-03-14T23:59:59Z", 398);
        check("2026-03-15", 200);
        check("2027-03-14T23:59:59Z", 200);
        check("2027-03-15", 100);
        check("2029-03-14T23:59:59Z", 100);
        check("2029-03-15", 47);
        check("2040-01-01", 47);
    }
}
