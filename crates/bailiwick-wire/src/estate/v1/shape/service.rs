//! Services in the stored form, field by field.

use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

use super::super::attestor::WorkloadRule;
use super::super::deployment::{Deployment, RelyingParty};
use super::{Map, map, text, texts};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Service {
    pub(in super::super) name: String,
    pub(in super::super) environment: String,
    pub(in super::super) namespace: Option<String>,
    pub(in super::super) view: Option<String>,
    pub(in super::super) names: Vec<String>,
    pub(in super::super) below: Vec<String>,
    pub(in super::super) duties: Duties,
    pub(in super::super) ownership: Option<Ownership>,
    pub(in super::super) profiles: Vec<String>,
    pub(in super::super) envelopes: Map<Envelope>,
    /// Came later: estates without one keep the octets they always had. So do all fields below that
    /// are left out where they say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) workload: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in super::super) attested: Map<WorkloadRule>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in super::super) deployments: Map<Deployment>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in super::super) relying_parties: Map<RelyingParty>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Duties {
    pub(in super::super) policy_owner: String,
    pub(in super::super) operator: String,
    pub(in super::super) integration_owner: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Ownership {
    pub(in super::super) verified_at: String,
    pub(in super::super) by: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Envelope {
    pub(in super::super) names: Vec<String>,
    pub(in super::super) issuer: String,
    pub(in super::super) profiles: Vec<String>,
    pub(in super::super) until: String,
    pub(in super::super) uses_max: Option<u32>,
    pub(in super::super) reason: String,
}

impl Service {
    pub(super) fn of(it: &core::Service) -> Self {
        let envelope = |it: &core::EnvelopeSpec| Envelope {
            names: texts(&it.names),
            issuer: it.issuer.to_string(),
            profiles: texts(&it.profiles),
            until: it.until.to_string(),
            uses_max: it.uses_max,
            reason: it.reason.clone(),
        };
        Self {
            name: it.name.clone(),
            environment: it.environment.to_string(),
            namespace: text(it.namespace.as_ref()),
            view: text(it.view.as_ref()),
            names: texts(&it.names),
            below: texts(&it.below),
            duties: Duties {
                policy_owner: it.duties.policy_owner.to_string(),
                operator: it.duties.operator.to_string(),
                integration_owner: it.duties.integration_owner.to_string(),
            },
            ownership: it.ownership.as_ref().map(|it| Ownership {
                verified_at: it.verified_at.to_string(),
                by: it.by.to_string(),
            }),
            profiles: texts(&it.profiles),
            envelopes: map(&it.envelopes, envelope),
            workload: text(it.workload.as_ref()),
            attested: map(&it.attested, WorkloadRule::of),
            deployments: map(&it.deployments, Deployment::of),
            relying_parties: map(&it.relying_parties, RelyingParty::of),
        }
    }
}
