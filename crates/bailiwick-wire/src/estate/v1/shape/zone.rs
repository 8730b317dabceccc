//! Zones in the stored form, field by field.

use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

use super::super::power::{Delegation, Gate};
use super::{Map, map, texts};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) transfer: Option<Transfer>,
    pub(in super::super) caa: Caa,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in super::super) caa_below: Map<Caa>,
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
    // Each kind has its own; the octets of what an earlier version wrote stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) trust_roots: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) repository: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) zone_id: Option<String>,
}

impl Connector {
    fn of(it: &core::Connector) -> Self {
        let mut shape = Self {
            kind: it.kind().to_string(),
            server: None,
            key: None,
            url: None,
            trust_roots: None,
            repository: None,
            branch: None,
            file: None,
            zone_id: None,
        };
        match it.clone() {
            core::Connector::Rfc2136 { server, key } => {
                shape.server = Some(server.to_string());
                shape.key = Some(key.to_string());
            }
            core::Connector::PowerDns { url, trust_roots } => {
                shape.url = Some(url);
                shape.trust_roots = trust_roots;
            }
            core::Connector::Cloudflare { zone_id, url, trust_roots } => {
                shape.zone_id = Some(zone_id);
                shape.url = Some(url);
                shape.trust_roots = trust_roots;
            }
            core::Connector::Git { repository, branch, file } => {
                shape.repository = Some(repository);
                shape.branch = Some(branch);
                shape.file = Some(file);
            }
            core::Connector::Observe => {}
        }
        shape
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Transfer {
    pub(in super::super) server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) key: Option<String>,
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

impl Caa {
    fn of(it: &core::CaaIntent) -> Self {
        let it = it.clone();
        Self { issue: it.issue, issuewild: it.issuewild, iodef: it.iodef }
    }

    pub(in super::super) fn read(self) -> core::CaaIntent {
        core::CaaIntent { issue: self.issue, issuewild: self.issuewild, iodef: self.iodef }
    }
}

impl Zone {
    pub(super) fn of(it: &core::Zone) -> Self {
        let limits = it.limits;
        Self {
            class: it.class.to_string(),
            pattern: it.pattern.to_string(),
            mode: it.mode.to_string(),
            policy_owner: it.policy_owner.to_string(),
            operator: it.operator.to_string(),
            servers: texts(&it.servers),
            connector: it.connector.as_ref().map(Connector::of),
            transfer: it.transfer.as_ref().map(|it| Transfer {
                server: it.server.to_string(),
                key: it.key.as_ref().map(ToString::to_string),
            }),
            caa: Caa::of(&it.caa),
            caa_below: map(&it.caa_below, Caa::of),
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
