//! Lint: the rules that are checked before anything is signed (BR 4.3.1.2).
//!
//! Any finding blocks. A rule says where it comes from.

mod finding;
mod public;
mod seen;

use crate::certificate::profile::{CertificateProfile, KeyKind, ProfileRules};
use crate::certificate::spec::CertificateSpec;
use crate::time::{SECOND_MS, Time};

pub use finding::LintFinding;
pub use public::public_lifetime_days_max;
pub(super) use public::public_lifetime_seconds;
pub use seen::lint_seen;

/// BR 7.1.2.7: notBefore lies within 48 hours of the moment of signing.
const NOT_BEFORE_AGE_SECONDS_MAX: i64 = 48 * 60 * 60;
/// BR 1.6.1 since 2026-03-15: a certificate of at most 7 days is short-lived and needs no pointer.
pub const SHORT_LIVED_SECONDS_MAX: i64 = 7 * 86_400;
/// Octets of a serial made of 128 random bits behind one fixed octet.
const SERIAL_OCTETS_MIN: usize = 17;
/// Octets that 64 random bits need (BR 7.1).
const SERIAL_OCTETS_SEEN_MIN: usize = 8;
/// RFC 5280, section 4.1.2.2: 20 octets in DER, so the value stays below 2^159.
const SERIAL_OCTETS_MAX: usize = 20;
/// BR 6.1.5, and the largest that a relying party verifies in good time.
const RSA_BITS_MIN: u16 = 2_048;
/// See [`RSA_BITS_MIN`].
const RSA_BITS_MAX: u16 = 4_096;

/// Everything that forbids signing `spec` under `profile` at `now`; empty when nothing does.
#[must_use]
pub fn lint(spec: &CertificateSpec, profile: &CertificateProfile, now: Time) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    if spec.profile != profile.id {
        findings.push(LintFinding::OtherProfile { named: spec.profile.clone() });
    }
    lint_validity(spec, profile, now, &mut findings);
    lint_serial(spec.serial.as_bytes(), SERIAL_OCTETS_MIN, &mut findings);
    lint_names(spec, profile, &mut findings);
    lint_key(spec.key.kind(), spec.key.bits(), profile, &mut findings);
    lint_workload(spec, profile, &mut findings);
    if profile.purposes.is_empty() {
        findings.push(LintFinding::NoPurpose);
    }
    if profile.rules == ProfileRules::PublicTls {
        public::lint_public(spec, profile, &mut findings);
    }
    findings
}

fn lint_workload(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    let why = match (profile.workload_uri, spec.workload.is_some()) {
        (true, true) | (false, false) => return,
        (true, false) => "the profile names a workload; give the service a `workload`",
        (false, true) => "the profile names no workload; set `workload_uri`",
    };
    findings.push(LintFinding::Workload { why });
}

fn lint_validity(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    now: Time,
    findings: &mut Vec<LintFinding>,
) {
    let whole = |time: Time| time.unix_ms().rem_euclid(SECOND_MS) == 0;
    if !whole(spec.not_before) || !whole(spec.not_after) {
        findings.push(LintFinding::PartialSecond);
    }
    let seconds = spec.lifetime_seconds();
    if seconds < 1 {
        findings.push(LintFinding::NeverValid);
    }
    let seconds_max = profile.lifetime_seconds_max;
    if seconds > i64::from(seconds_max) {
        findings.push(LintFinding::LifetimeTooLong { seconds, seconds_max });
    }
    let age = now.unix_seconds().saturating_sub(spec.not_before.unix_seconds());
    // The backdate is the profile's; the rest of the two days is for the wait between building
    // the bytes and signing them.
    if age > NOT_BEFORE_AGE_SECONDS_MAX {
        findings.push(LintFinding::BackdatedTooFar { seconds: age });
    }
    if spec.not_before > now {
        findings.push(LintFinding::StartsInFuture);
    }
    if spec.not_after < now {
        findings.push(LintFinding::AlreadyEnded);
    }
    let points = profile.revocation.crl || profile.revocation.ocsp;
    if !points && seconds > SHORT_LIVED_SECONDS_MAX {
        findings.push(LintFinding::NoRevocationPointer);
    }
}

/// `octets_min` is for 128 random bits of ours, or the 64 bits that everybody needs.
fn lint_serial(octets: &[u8], octets_min: usize, findings: &mut Vec<LintFinding>) {
    if octets.len() < octets_min {
        findings.push(LintFinding::SerialTooShort { octets: octets.len() });
    }
    let high_bit = octets.first().is_some_and(|first| *first >= 0x80);
    if octets.len() > SERIAL_OCTETS_MAX || (octets.len() == SERIAL_OCTETS_MAX && high_bit) {
        findings.push(LintFinding::SerialTooLong);
    }
}

fn lint_names(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    let count = spec.names.count();
    if count > usize::from(profile.names_max) {
        findings.push(LintFinding::TooManyNames { count, count_max: profile.names_max });
    }
    if !profile.wildcard_allowed {
        findings.extend(
            spec.names
                .iter()
                .filter(|name| name.is_wildcard())
                .map(|name| LintFinding::WildcardRefused { name: name.clone() }),
        );
    }
}

fn lint_key(
    kind: KeyKind,
    bits: u16,
    profile: &CertificateProfile,
    findings: &mut Vec<LintFinding>,
) {
    if !profile.keys_allowed.contains(&kind) {
        findings.push(LintFinding::KeyKindRefused { kind });
    }
    if kind == KeyKind::Rsa {
        let bits_min = profile.rsa_bits_min.max(RSA_BITS_MIN);
        if bits < bits_min || bits > RSA_BITS_MAX || !bits.is_multiple_of(8) {
            findings.push(LintFinding::RsaSizeRefused { bits, bits_min });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::profile::{KeyPurpose, RevocationPointers};
    use crate::certificate::spec::{SanSet, SubjectKey, random_serial};
    use crate::names::{CertSerial, IssuerId, ProfileId, SanName};

    const NOW: Time = Time::from_unix_seconds(1_780_000_000);

    fn profile() -> CertificateProfile {
        CertificateProfile {
            id: ProfileId::parse("server").unwrap(),
            lifetime_seconds_max: 47 * 86_400,
            backdate_seconds: 300,
            purposes: [KeyPurpose::ServerAuth].into(),
            keys_allowed: [KeyKind::EcdsaP256, KeyKind::Rsa].into(),
            rsa_bits_min: 2_048,
            names_max: 2,
            wildcard_allowed: false,
            revocation: RevocationPointers { crl: true, ocsp: false },
            workload_uri: false,
            rules: ProfileRules::Private,
        }
    }

    fn spec() -> CertificateSpec {
        let (not_before, not_after) = CertificateSpec::validity(&profile(), NOW, u32::MAX);
        CertificateSpec {
            issuer: IssuerId::parse("builtin").unwrap(),
            profile: ProfileId::parse("server").unwrap(),
            names: SanSet::new([SanName::parse("www.shop.example").unwrap()]).unwrap(),
            key: SubjectKey::new(KeyKind::EcdsaP256, 256, vec![1, 2, 3]),
            not_before,
            not_after,
            serial: random_serial([7; 16]).unwrap(),
            workload: None,
        }
    }

    fn check(
        change: impl FnOnce(&mut CertificateSpec, &mut CertificateProfile),
        expected: &[LintFinding],
    ) {
        let (mut spec, mut profile) = (spec(), profile());
        change(&mut spec, &mut profile);
        assert_eq!(lint(&spec, &profile, NOW), expected);
    }

    #[test]
    fn what_the_profile_gives_passes() {
        check(|_, _| {}, &[]);
        assert_eq!(spec().lifetime_seconds(), 47 * 86_400);
    }

    #[test]
    fn forty_seven_days_and_one_second_is_too_long() {
        check(
            |spec, _| spec.not_after = spec.not_before.plus_ms(47 * 86_400 * SECOND_MS),
            &[LintFinding::LifetimeTooLong { seconds: 47 * 86_400 + 1, seconds_max: 47 * 86_400 }],
        );
    }

    #[test]
    fn every_other_rule_finds_its_fault() {
        check(
            |spec, _| spec.profile = ProfileId::parse("client").unwrap(),
            &[LintFinding::OtherProfile { named: ProfileId::parse("client").unwrap() }],
        );
        check(
            |spec, _| spec.not_before = spec.not_before.plus_ms(1),
            &[LintFinding::PartialSecond],
        );
        check(
            |spec, _| spec.not_after = spec.not_before.plus_ms(-SECOND_MS),
            &[LintFinding::NeverValid, LintFinding::AlreadyEnded],
        );
        check(
            |spec, _| {
                spec.not_before = NOW.plus_ms(-(48 * 3_600 + 1) * SECOND_MS);
                spec.not_after = NOW;
            },
            &[LintFinding::BackdatedTooFar { seconds: 48 * 3_600 + 1 }],
        );
        check(|spec, _| spec.not_before = NOW.plus_ms(SECOND_MS), &[LintFinding::StartsInFuture]);
        check(|_, profile| profile.revocation.crl = false, &[LintFinding::NoRevocationPointer]);
        check(
            |spec, _| spec.serial = CertSerial::from_bytes(&[1; 16]).unwrap(),
            &[LintFinding::SerialTooShort { octets: 16 }],
        );
        check(
            |spec, _| spec.serial = CertSerial::from_bytes(&[0x80; 20]).unwrap(),
            &[LintFinding::SerialTooLong],
        );
        check(
            |_, profile| profile.names_max = 0,
            &[LintFinding::TooManyNames { count: 1, count_max: 0 }],
        );
        let star = SanName::parse("*.shop.example").unwrap();
        check(
            |spec, _| {
                spec.names = SanSet::new([SanName::parse("*.shop.example").unwrap()]).unwrap()
            },
            &[LintFinding::WildcardRefused { name: star }],
        );
        check(
            |spec, _| spec.key = SubjectKey::new(KeyKind::Ed25519, 256, vec![1]),
            &[LintFinding::KeyKindRefused { kind: KeyKind::Ed25519 }],
        );
        for bits in [1_024, 2_047, 2_052, 4_104, 8_192] {
            check(
                |spec, _| spec.key = SubjectKey::new(KeyKind::Rsa, bits, vec![1]),
                &[LintFinding::RsaSizeRefused { bits, bits_min: 2_048 }],
            );
        }
        check(|_, profile| profile.purposes.clear(), &[LintFinding::NoPurpose]);
    }

    #[test]
    fn a_short_lived_certificate_needs_no_pointer() {
        check(
            |spec, profile| {
                profile.revocation.crl = false;
                spec.not_after = spec.not_before.plus_ms((7 * 86_400 - 1) * SECOND_MS);
            },
            &[],
        );
    }
}
