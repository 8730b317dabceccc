//! CAs and the kinds of certificate they may make.

use std::collections::BTreeSet;

use std::num::NonZeroU16;

use crate::certificate::CertificateProfile;
use crate::names::{CertFingerprint, DnsName, ProfileId};

use super::words::{AttestationKind, Environment, spelled};

spelled! {
    /// What stands behind an issuer.
    IssuerKind {
        /// The built-in CA.
        BuiltIn = "built-in",
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
    /// Where the root's key is.
    RootKind {
        /// Sealed beside the issuer's own key; the root is made at the first start.
        Online = "online",
        /// Elsewhere, never on the server: an intermediate is installed by a key ceremony.
        Offline = "offline",
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

/// How the built-in CA is made, and which of its intermediates signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorityPlan {
    /// The key that root and intermediate get when they are made; P-256 where nothing is said.
    pub key: Option<AuthorityKey>,
    /// What an intermediate may certify when it is made; anything where nothing is said.
    pub name_constraints: BTreeSet<NameConstraint>,
    /// Where the root's key is.
    pub root: RootKind,
    /// Into how many CRLs its certificates are divided; into one where nothing is said.
    pub crl_parts: Option<NonZeroU16>,
    /// The intermediate that signs, by its certificate; the first one where nothing is said.
    pub intermediate: Option<CertFingerprint>,
}

impl Default for AuthorityPlan {
    fn default() -> Self {
        Self {
            key: None,
            name_constraints: BTreeSet::new(),
            root: RootKind::Online,
            crl_parts: None,
            intermediate: None,
        }
    }
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
