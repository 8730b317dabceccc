//! Lint: the rules that are checked before anything is signed (BR 4.3.1.2).
//!
//! Any finding blocks. A rule says where it comes from.

use std::fmt;

use crate::certificate::profile::{CertificateProfile, KeyKind};
use crate::certificate::spec::CertificateSpec;
use crate::names::{ProfileId, SanName};
use crate::time::{SECOND_MS, Time};

/// BR 7.1.2.7: notBefore lies within 48 hours of the moment of signing.
const NOT_BEFORE_AGE_SECONDS_MAX: i64 = 48 * 60 * 60;
/// BR 1.6.1 since 2026-03-15: a certificate of at most 7 days is short-lived and needs no pointer.
const SHORT_LIVED_SECONDS_MAX: i64 = 7 * 86_400;
/// Octets of a serial made of 128 random bits behind one fixed octet.
const SERIAL_OCTETS_MIN: usize = 17;
/// RFC 5280, section 4.1.2.2: 20 octets in DER, so the value stays below 2^159.
const SERIAL_OCTETS_MAX: usize = 20;
/// BR 6.1.5, and the largest that a relying party verifies in good time.
const RSA_BITS_MIN: u16 = 2_048;
/// See [`RSA_BITS_MIN`].
const RSA_BITS_MAX: u16 = 4_096;

/// One reason why a certificate must not be signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LintFinding {
    /// The spec was made under another profile.
    OtherProfile {
        /// The profile the spec names.
        named: ProfileId,
    },
    /// A bound of the validity has a fraction of a second, which X.509 cannot say.
    PartialSecond,
    /// It ends before it starts.
    NeverValid,
    /// It lasts longer than the profile allows, both ends counted.
    LifetimeTooLong {
        /// What it lasts.
        seconds: i64,
        /// What the profile allows.
        seconds_max: u32,
    },
    /// It starts more than 48 hours, or more than the profile's backdate, before now.
    BackdatedTooFar {
        /// How far before now it starts.
        seconds: i64,
    },
    /// It starts after now.
    StartsInFuture,
    /// It has already ended.
    AlreadyEnded,
    /// It would outlive its issuer's certificate.
    OutlivesIssuer,
    /// It lasts more than 7 days and points at no CRL.
    NoRevocationPointer,
    /// The serial is too short to hold 128 random bits.
    SerialTooShort {
        /// Its octets.
        octets: usize,
    },
    /// The serial is 2^159 or more.
    SerialTooLong,
    /// More names than the profile allows.
    TooManyNames {
        /// How many there are.
        count: usize,
        /// How many may be.
        count_max: u16,
    },
    /// A wildcard where the profile allows none.
    WildcardRefused {
        /// The name.
        name: SanName,
    },
    /// A kind of key that the profile does not allow.
    KeyKindRefused {
        /// The kind.
        kind: KeyKind,
    },
    /// An RSA key outside the sizes allowed.
    RsaSizeRefused {
        /// Its size.
        bits: u16,
        /// The least allowed.
        bits_min: u16,
    },
    /// The profile names no purpose, so the certificate would be good for everything.
    NoPurpose,
    /// The spec names another issuer than the one that would sign.
    OtherIssuer,
    /// The bytes differ from the spec in this field.
    BytesDiffer {
        /// The field.
        field: &'static str,
    },
    /// The bytes hold something that no spec asks for.
    BytesHoldMore {
        /// What it is.
        what: &'static str,
    },
}

impl LintFinding {
    /// Where the rule comes from.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        match self {
            Self::OtherProfile { .. } | Self::OtherIssuer | Self::BytesDiffer { .. } => {
                "promise P1: only what was approved is signed"
            }
            Self::BytesHoldMore { .. } => "threat T18: bytes are built from approved fields only",
            Self::PartialSecond | Self::NeverValid | Self::AlreadyEnded => {
                "RFC 5280 section 4.1.2.5"
            }
            Self::LifetimeTooLong { .. } => "BR 6.3.2",
            Self::BackdatedTooFar { .. } | Self::StartsInFuture => "BR 7.1.2.7",
            Self::OutlivesIssuer => "threat T21: validity within the issuer's",
            Self::NoRevocationPointer => "BR 7.1.2.11.2",
            Self::SerialTooShort { .. } => "BR 7.1.2.7",
            Self::SerialTooLong => "RFC 5280 section 4.1.2.2",
            Self::TooManyNames { .. } | Self::WildcardRefused { .. } => "the profile",
            Self::KeyKindRefused { .. } => "the profile",
            Self::RsaSizeRefused { .. } => "BR 6.1.5",
            Self::NoPurpose => "BR 7.1.2.7",
        }
    }
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherProfile { named } => {
                write!(f, "the certificate was made under profile `{named}`; make it anew")
            }
            Self::PartialSecond => f.write_str("the validity has a fraction of a second"),
            Self::NeverValid => f.write_str("the certificate ends before it starts"),
            Self::LifetimeTooLong { seconds, seconds_max } => write!(
                f,
                "the certificate lasts {seconds} seconds, {seconds_max} are allowed; ask for less"
            ),
            Self::BackdatedTooFar { seconds } => {
                write!(f, "the certificate starts {seconds} seconds ago; make it anew")
            }
            Self::StartsInFuture => f.write_str("the certificate starts after now"),
            Self::AlreadyEnded => f.write_str("the certificate has already ended; make it anew"),
            Self::OutlivesIssuer => f.write_str(
                "the certificate would end after its issuer's; ask for less or renew the issuer",
            ),
            Self::NoRevocationPointer => f.write_str(
                "the certificate must point at a crl; set `crl_pointer` and give the issuer a `crl_url`",
            ),
            Self::SerialTooShort { octets } => {
                write!(f, "the serial has {octets} octets, too few for 128 random bits")
            }
            Self::SerialTooLong => f.write_str("the serial is 2^159 or more"),
            Self::TooManyNames { count, count_max } => {
                write!(f, "{count} names, {count_max} are allowed; split the certificate")
            }
            Self::WildcardRefused { name } => {
                write!(f, "name `{name}` is a wildcard, which the profile refuses; list the hosts")
            }
            Self::KeyKindRefused { kind } => {
                write!(f, "the profile refuses `{kind}` keys; use a kind it allows")
            }
            Self::RsaSizeRefused { bits, bits_min } => write!(
                f,
                "the rsa key has {bits} bits; use {bits_min} to {RSA_BITS_MAX}, a multiple of 8"
            ),
            Self::NoPurpose => f.write_str("the profile names no purpose; name one"),
            Self::OtherIssuer => {
                f.write_str("the certificate was made for another issuer; make it anew")
            }
            Self::BytesDiffer { field } => {
                write!(f, "field `{field}` of the bytes is not what was approved")
            }
            Self::BytesHoldMore { what } => {
                write!(f, "the bytes hold `{what}`, which nobody approved")
            }
        }
    }
}

/// Everything that forbids signing `spec` under `profile` at `now`; empty when nothing does.
#[must_use]
pub fn lint(spec: &CertificateSpec, profile: &CertificateProfile, now: Time) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    if spec.profile != profile.id {
        findings.push(LintFinding::OtherProfile { named: spec.profile.clone() });
    }
    lint_validity(spec, profile, now, &mut findings);
    lint_serial(spec, &mut findings);
    lint_names(spec, profile, &mut findings);
    lint_key(spec, profile, &mut findings);
    if profile.purposes.is_empty() {
        findings.push(LintFinding::NoPurpose);
    }
    findings
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
    if !profile.crl_pointer && seconds > SHORT_LIVED_SECONDS_MAX {
        findings.push(LintFinding::NoRevocationPointer);
    }
}

fn lint_serial(spec: &CertificateSpec, findings: &mut Vec<LintFinding>) {
    let octets = spec.serial.as_bytes();
    if octets.len() < SERIAL_OCTETS_MIN {
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

fn lint_key(spec: &CertificateSpec, profile: &CertificateProfile, findings: &mut Vec<LintFinding>) {
    let kind = spec.key.kind();
    if !profile.keys_allowed.contains(&kind) {
        findings.push(LintFinding::KeyKindRefused { kind });
    }
    if kind == KeyKind::Rsa {
        let bits = spec.key.bits();
        let bits_min = profile.rsa_bits_min.max(RSA_BITS_MIN);
        if bits < bits_min || bits > RSA_BITS_MAX || !bits.is_multiple_of(8) {
            findings.push(LintFinding::RsaSizeRefused { bits, bits_min });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::profile::KeyPurpose;
    use crate::certificate::spec::{SanSet, SubjectKey, random_serial};
    use crate::names::{CertSerial, IssuerId};

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
            crl_pointer: true,
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
        check(|_, profile| profile.crl_pointer = false, &[LintFinding::NoRevocationPointer]);
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
                profile.crl_pointer = false;
                spec.not_after = spec.not_before.plus_ms((7 * 86_400 - 1) * SECOND_MS);
            },
            &[],
        );
    }
}
