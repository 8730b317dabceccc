//! Enrolment of workloads, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CredentialBody;

/// A workload that proves what it is.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolBody {
    /// The service it acts for.
    pub service: String,
    /// Its token: of a CI system, a Kubernetes service account, a JWT-SVID, or a proof that the key
    /// of an X.509-SVID or of the host signed.
    pub token: String,
}

/// An account that goes on with what is attested now.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AttestedBody {
    /// The account.
    pub account: String,
    /// Who attested it.
    pub attestor: String,
    /// Who it is, by the attestor's name for it.
    pub subject: String,
    /// What is attested and kept.
    pub claims: BTreeMap<String, String>,
    /// Until when it can order.
    pub attested_until: String,
}

/// Whose word about workloads counts.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AttestorBody {
    /// Its id in the estate.
    pub id: String,
    /// `oidc`, `kubernetes`, `spiffe` or `host-key`.
    pub kind: String,
    /// What its tokens name as their issuer; empty for host keys.
    pub issuer: String,
    /// Whom its tokens have to be for.
    pub audience: String,
    /// Where its keys stand.
    pub keys: String,
    /// Kinds of attestation that its word is worth.
    pub vouches_for: Vec<String>,
    /// For how many minutes what it said is believed.
    pub holds_minutes: u32,
    /// The workloads that services let act for them on its word.
    pub workloads: Vec<WorkloadBody>,
}

/// A workload that may act for a service.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct WorkloadBody {
    /// The service.
    pub service: String,
    /// What the service calls it.
    pub name: String,
    /// What has to be attested: each claim with the values that will do.
    pub claims: BTreeMap<String, Vec<String>>,
    /// The person who stands behind what it asks for.
    pub answers: String,
}

/// A workload that was taken, with its credential for any ACME client.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EnrolledBody {
    /// The credential.
    #[serde(flatten)]
    pub credential: CredentialBody,
    /// Who attested it.
    pub attestor: String,
    /// Who it is, by the attestor's name for it.
    pub subject: String,
    /// What is attested and kept.
    pub claims: BTreeMap<String, String>,
    /// Until when its account can order.
    pub attested_until: String,
}
