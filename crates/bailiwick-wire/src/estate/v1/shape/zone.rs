//! Zones in the stored form, field by field.

use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

use super::super::power::{Delegation, Gate};
use super::texts;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Zone {
    pub(in super::super) class: String,
    pub(in super::super) pattern: String,
    pub(in super::super) mode: String,
    pub(in super::super) policy_owner: String,
    pub(in super::super) operator: String,
    pub(in super::super) servers: Vec<String>,
    // Left out where there is none, so that the octets of every earlier estate stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) connector: Option<Connector>,
    pub(in super::super) caa: Caa,
    pub(in super::super) limits: Limits,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) gates: Vec<Gate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) delegation: Option<Delegation>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Connector {
    pub(in super::super) kind: String,
    pub(in super::super) server: String,
    pub(in super::super) key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Caa {
    pub(in super::super) issue: Vec<String>,
    pub(in super::super) issuewild: Vec<String>,
    pub(in super::super) iodef: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Limits {
    pub(in super::super) names_per_certificate_max: u32,
    pub(in super::super) wildcard_allowed: bool,
    pub(in super::super) lifetime_days_max: u32,
    pub(in super::super) ownership_days_max: u32,
}

impl Zone {
    pub(super) fn of(it: &core::Zone) -> Self {
        let (caa, limits) = (it.caa.clone(), it.limits);
        Self {
            class: it.class.to_string(),
            pattern: it.pattern.to_string(),
            mode: it.mode.to_string(),
            policy_owner: it.policy_owner.to_string(),
            operator: it.operator.to_string(),
            servers: texts(&it.servers),
            connector: it.connector.as_ref().map(|it| Connector {
                kind: it.kind.to_string(),
                server: it.server.to_string(),
                key: it.key.to_string(),
            }),
            caa: Caa { issue: caa.issue, issuewild: caa.issuewild, iodef: caa.iodef },
            limits: Limits {
                names_per_certificate_max: limits.names_per_certificate_max,
                wildcard_allowed: limits.wildcard_allowed,
                lifetime_days_max: limits.lifetime_days_max,
                ownership_days_max: limits.ownership_days_max,
            },
            gates: it.gates.iter().map(Gate::of).collect(),
            delegation: it.delegation.as_ref().map(Delegation::of),
        }
    }
}
