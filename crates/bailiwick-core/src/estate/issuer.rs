//! CAs and the kinds of certificate they may make.

use std::collections::BTreeSet;

use crate::certificate::CertificateProfile;
use crate::names::ProfileId;

use super::words::{AttestationKind, Environment, spelled};

spelled! {
    /// What stands behind an issuer.
    IssuerKind {
        /// The built-in CA.
        BuiltIn = "built-in",
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
