//! What a lint finds: the rule, where it comes from, and what to do.

use std::fmt;

use crate::certificate::profile::KeyKind;
use crate::names::{ProfileId, SanName};

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
    /// It lasts more than 7 days and says nowhere how a revocation is found out.
    NoRevocationPointer,
    /// The issuer has no place for a pointer that the profile asks for.
    IssuerHasNoPlace {
        /// For what.
        what: &'static str,
    },
    /// It lasts longer than the public rules allow on the day it is issued, both ends counted.
    PublicLifetimeTooLong {
        /// What it lasts.
        seconds: i64,
        /// What is allowed.
        days_max: u32,
    },
    /// The public rules want a purpose that is not there, or refuse one that is.
    PublicPurpose {
        /// What is wrong with the purposes.
        why: &'static str,
    },
    /// The public rules know no such kind of key.
    PublicKeyKind {
        /// The kind.
        kind: KeyKind,
    },
    /// The public rules allow DNS names and addresses only, and none of an internal kind.
    PublicName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The certificate names a workload that the profile does not, or lacks one that it must have.
    Workload {
        /// What is wrong.
        why: &'static str,
    },
    /// The issuer's name constraints do not allow the name.
    OutsideNameConstraints {
        /// The name.
        name: SanName,
    },
    /// Something in the subject that the rules refuse.
    Subject {
        /// What is wrong.
        why: &'static str,
    },
    /// An extension that the rules refuse, or one that is missing.
    Extension {
        /// What is wrong.
        why: &'static str,
    },
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
    /// The name of the rule that was broken.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::OtherProfile { .. } => "other-profile",
            Self::PartialSecond => "partial-second",
            Self::NeverValid => "never-valid",
            Self::LifetimeTooLong { .. } => "lifetime-too-long",
            Self::BackdatedTooFar { .. } => "backdated-too-far",
            Self::StartsInFuture => "starts-in-future",
            Self::AlreadyEnded => "already-ended",
            Self::OutlivesIssuer => "outlives-issuer",
            Self::NoRevocationPointer => "no-revocation-pointer",
            Self::IssuerHasNoPlace { .. } => "issuer-has-no-place",
            Self::PublicLifetimeTooLong { .. } => "public-lifetime",
            Self::PublicPurpose { .. } => "public-purpose",
            Self::PublicKeyKind { .. } => "public-key-kind",
            Self::PublicName { .. } => "public-name",
            Self::Workload { .. } => "workload",
            Self::OutsideNameConstraints { .. } => "outside-name-constraints",
            Self::Subject { .. } => "subject",
            Self::Extension { .. } => "extension",
            Self::SerialTooShort { .. } => "serial-too-short",
            Self::SerialTooLong => "serial-too-long",
            Self::TooManyNames { .. } => "too-many-names",
            Self::WildcardRefused { .. } => "wildcard-refused",
            Self::KeyKindRefused { .. } => "key-kind-refused",
            Self::RsaSizeRefused { .. } => "rsa-size-refused",
            Self::NoPurpose => "no-purpose",
            Self::OtherIssuer => "other-issuer",
            Self::BytesDiffer { .. } => "bytes-differ",
            Self::BytesHoldMore { .. } => "bytes-hold-more",
        }
    }

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
            Self::NoRevocationPointer | Self::IssuerHasNoPlace { .. } => "BR 7.1.2.11.2",
            Self::PublicLifetimeTooLong { .. } => "BR 6.3.2 (ballot SC-081v3)",
            Self::PublicPurpose { .. } => "BR 7.1.2.7.10, Chrome root policy 1.3.2",
            Self::PublicKeyKind { .. } => "BR 6.1.5",
            Self::PublicName { .. } => "BR 7.1.2.7.12",
            Self::Workload { .. } => "X509-SVID section 2",
            Self::OutsideNameConstraints { .. } => "RFC 5280 section 4.2.1.10",
            Self::Subject { .. } => "BR 7.1.2.7.2",
            Self::Extension { .. } => "BR 7.1.2.7.6",
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
                "the certificate lasts more than 7 days and points at no crl and no ocsp responder; set `crl_pointer` or `ocsp_pointer`",
            ),
            Self::IssuerHasNoPlace { what } => {
                write!(f, "the issuer publishes no {what}; publish one or let the profile not point at it")
            }
            Self::PublicLifetimeTooLong { seconds, days_max } => write!(
                f,
                "the certificate lasts {seconds} seconds, and the public rules allow {days_max} days (of 86400 seconds, both ends counted) on that day; ask for less"
            ),
            Self::PublicPurpose { why } => f.write_str(why),
            Self::PublicKeyKind { kind } => {
                write!(f, "the public rules know no `{kind}` keys; use rsa or ecdsa")
            }
            Self::PublicName { name, why } => write!(f, "name `{name}` {why}"),
            Self::Workload { why } => f.write_str(why),
            Self::OutsideNameConstraints { name } => write!(
                f,
                "name `{name}` lies outside the issuer's name constraints; rotate the intermediate to one that permits it"
            ),
            Self::Subject { why } | Self::Extension { why } => f.write_str(why),
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
                "the rsa key has {bits} bits; use {bits_min} to 4096, a multiple of 8"
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
