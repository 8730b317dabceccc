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
