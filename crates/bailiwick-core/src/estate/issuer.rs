//! CAs and the kinds of certificate they may make.

use std::collections::{BTreeMap, BTreeSet};

use std::num::NonZeroU16;

use crate::certificate::CertificateProfile;
use crate::names::{DnsName, ProfileId};

use super::words::{AttestationKind, Environment, spelled};

spelled! {
    /// What stands behind an issuer.
    IssuerKind {
        /// The built-in CA.
        BuiltIn = "built-in",
        /// A CA that is reached through ACME (RFC 8555).
        Acme = "acme",
    }
}

spelled! {
    /// The key of a CA, as it is made.
    AuthorityKey {
        /// ECDSA on P-256.
        EcdsaP256 = "ecdsa-p256",
        /// ECDSA on P-384.
        EcdsaP384 = "ecdsa-p384",
        /// Ed25519.
        Ed25519 = "ed25519",
        /// RSA with 2,048 bits.
        Rsa2048 = "rsa-2048",
        /// RSA with 3,072 bits.
        Rsa3072 = "rsa-3072",
        /// RSA with 4,096 bits.
        Rsa4096 = "rsa-4096",
    }
}

spelled! {
    /// Where the private keys of a CA live.
    KeyHome {
        /// In sealed files of the data folder.
        Sealed = "sealed",
        /// In a token that is reached through PKCS#11, and never outside it.
        Pkcs11 = "pkcs11",
    }
}

/// One entry of the names that an intermediate is constrained to.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum NameConstraint {
    /// Every zone of the estate, as it is when the intermediate is made.
    Zones,
    /// This name and everything below it.
    Below(DnsName),
}

impl std::fmt::Display for NameConstraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zones => f.write_str("zones"),
            Self::Below(base) => base.fmt(f),
        }
    }
}

/// How the built-in CA is made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuthorityPlan {
    /// The key that root and intermediate get when they are made; P-256 where nothing is said.
    pub key: Option<AuthorityKey>,
    /// Where its keys live; in sealed files where nothing is said.
    pub key_home: Option<KeyHome>,
    /// What an intermediate may certify when it is made; anything where nothing is said.
    pub name_constraints: BTreeSet<NameConstraint>,
    /// Into how many CRLs its certificates are divided; into one where nothing is said.
    pub crl_parts: Option<NonZeroU16>,
}

/// A CA of any kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer {
    /// What it is.
    pub kind: IssuerKind,
    /// The issuer domain names it answers to in CAA records (RFC 8659, section 4.2).
    pub caa_domains: BTreeSet<String>,
    /// Environments it may issue for.
    pub environments: BTreeSet<Environment>,
    /// Profiles it may issue under.
    pub profiles: BTreeSet<ProfileId>,
    /// How it is made, where it is the built-in CA.
    pub authority: AuthorityPlan,
    /// How it is reached; only where its kind is `acme`.
    pub upstream: Option<Upstream>,
    /// How it is tested that it obeys CAA; only where its kind is `acme`.
    pub canary: Option<CanaryPlan>,
}

spelled! {
    /// What a canary is to show.
    CanarySense {
        /// CAA lets this CA issue: it has to.
        Permitted = "permitted",
        /// CAA lets other CAs issue, or nobody (RFC 8659, section 4.2).
        Forbidden = "forbidden",
        /// CAA lets this CA issue, for another account (RFC 8657, section 3).
        OtherAccount = "forbidden-account",
        /// CAA lets this CA issue, by another way of showing control (RFC 8657, section 4).
        OtherMethod = "forbidden-method",
    }
}

/// What was agreed with a CA so that it can be tested whether it obeys CAA (promise P9).
///
/// Always, when read by `wire`: every name lies in an external zone with a connector, none is a name of
/// a service, and none stands here twice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryPlan {
    /// How the CA is reached for it: its staging directory, unless production was agreed.
    pub place: Upstream,
    /// A name that CAA lets this CA issue for.
    pub permitted: DnsName,
    /// A name that CAA forbids it to issue for.
    pub forbidden: DnsName,
    /// A name that CAA lets it issue for, but for another account.
    pub forbidden_account: Option<DnsName>,
    /// A name that CAA lets it issue for, but not by dns-01.
    pub forbidden_method: Option<DnsName>,
    /// Once in so many hours each is asked for.
    pub every_hours: u32,
    /// Never again within so many minutes, whatever changed meanwhile.
    pub pause_minutes: u32,
}

impl CanaryPlan {
    /// Each name with what it is to show, in the order in which they are asked for.
    #[must_use]
    pub fn names(&self) -> Vec<(CanarySense, &DnsName)> {
        let more = [
            self.forbidden_account.as_ref().map(|name| (CanarySense::OtherAccount, name)),
            self.forbidden_method.as_ref().map(|name| (CanarySense::OtherMethod, name)),
        ];
        let first =
            [(CanarySense::Forbidden, &self.forbidden), (CanarySense::Permitted, &self.permitted)];
        first.into_iter().chain(more.into_iter().flatten()).collect()
    }
}

/// What the id of the account for canaries ends with, behind the issuer's. No issuer's does.
pub const CANARY_SUFFIX: &str = ".canary";

/// A CA that Bailiwick is a client of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// Its directory (RFC 8555, section 7.1.1).
    pub directory: String,
    /// Whom it may write to, such as `mailto:pki@shop.example`.
    pub contacts: Vec<String>,
    /// The key identifier of its external account binding, where it wants one; the key itself is
    /// handed in with `bailiwick issuer set-secret` and stands in no file.
    pub binding: Option<String>,
    /// The roots that its servers are trusted by, PEM; without it, those of the system.
    pub trust_roots: Option<String>,
    /// What it calls our profiles, where it knows profiles (draft-ietf-acme-profiles).
    pub ca_profiles: BTreeMap<ProfileId, String>,
    /// Where it takes problem reports (BR 4.9.3): a `mailto:` or `https:` URL.
    pub problem_reports: Option<String>,
}

/// A kind of certificate, and who may have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Profile {
    /// What the certificate looks like.
    pub certificate: CertificateProfile,
    /// Environments it is meant for.
    pub environments: BTreeSet<Environment>,
    /// Proof about the client without which it is not issued.
    pub attestation_required: Option<AttestationKind>,
}
