//! CAs that run here, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ChangeBody;

/// A CA that runs here, with every generation of it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct IssuerBody {
    /// Its id in the estate.
    pub id: String,
    /// The generation that new certificates come from.
    pub generation: u8,
    /// SHA-256 fingerprint of the root below which all generations are.
    pub root: String,
    /// Every generation, the newest first.
    pub generations: Vec<GenerationBody>,
    /// The change that waits to rotate it, where there is one.
    pub waiting: Option<String>,
}

/// One generation of a CA.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct GenerationBody {
    /// Counted from 1; the first octet of the serial of each certificate that it issued.
    pub generation: u8,
    /// `issues`: new certificates come from it; `answers`: it keeps its CRLs and OCSP going for what
    /// it issued; `over`: its own certificate has ended.
    pub state: String,
    /// The kind of its key.
    pub key_kind: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key: String,
    /// SHA-256 fingerprint of its certificate.
    pub certificate: String,
    /// Since when its certificate is in force.
    pub not_before: String,
    /// Until when.
    pub not_after: String,
    /// When it was last made the one that issues; absent for a first that always did.
    pub since: Option<String>,
    /// The change that did that.
    pub change: Option<String>,
    /// When the last certificate that it issued is over; absent when none is in date.
    pub last_certificate_ends: Option<String>,
    /// Where its CRL is fetched.
    pub crl_url: Option<String>,
    /// The number of its newest CRL.
    pub crl_number: Option<u64>,
    /// Until when that CRL holds.
    pub crl_until: Option<String>,
}

/// How an issuer is to be rotated.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateIssuerBody {
    /// A generation that is there already; absent for the next one, with a new key.
    pub to: Option<u8>,
    /// The certificate of the next generation, PEM, where a root elsewhere signed its request.
    pub certificate: Option<String>,
    /// Why.
    pub reason: String,
}

/// What came of the wish to rotate an issuer.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct RotationBody {
    /// The change, where everything that it needs is here.
    pub change: Option<ChangeBody>,
    /// Else: what to carry to the root.
    pub awaits_root: Option<AwaitsRootBody>,
}

/// A key that waits for its certificate from a root elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AwaitsRootBody {
    /// Which generation it will be.
    pub generation: u8,
    /// The key's name, for two people to compare.
    pub key: String,
    /// The request for `bailiwick ceremony sign`, PEM.
    pub request: String,
}
