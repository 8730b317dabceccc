//! The organisation, its people and its teams in the stored form, field by field.

use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

use super::super::deployment::Freeze;
use super::{Map, map, text, texts};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Organisation {
    pub(in super::super) name: String,
    pub(in super::super) control_owner: String,
    pub(in super::super) auditors: Option<String>,
    pub(in super::super) administrators: Vec<String>,
    // Left out where there is none, so that the octets of every earlier estate stay.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in super::super) freezes: Map<Freeze>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(in super::super) vantages: Map<VantagePoint>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct VantagePoint {
    pub(in super::super) server: String,
    pub(in super::super) transport: String,
    pub(in super::super) validates: bool,
    pub(in super::super) view: String,
    pub(in super::super) operator: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) trust_roots: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) region: Option<String>,
}

impl Organisation {
    pub(super) fn of(it: &core::Organisation) -> Self {
        Self {
            name: it.name.clone(),
            control_owner: it.control_owner.to_string(),
            auditors: text(it.auditors.as_ref()),
            administrators: texts(&it.administrators),
            freezes: map(&it.freezes, Freeze::of),
            vantages: map(&it.vantages, |it| VantagePoint {
                server: it.server.to_string(),
                transport: it.transport.to_string(),
                validates: it.validates,
                view: it.view.to_string(),
                operator: it.operator.to_string(),
                name: text(it.name.as_ref()),
                trust_roots: it.trust_roots.clone(),
                path: it.path.clone(),
                region: text(it.region.as_ref()),
            }),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Person {
    pub(in super::super) name: String,
    pub(in super::super) email: String,
    pub(in super::super) left: Option<String>,
}

impl Person {
    pub(super) fn of(it: &core::Person) -> Self {
        Self { name: it.name.clone(), email: it.email.clone(), left: text(it.left.as_ref()) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Team {
    pub(in super::super) unit: String,
    pub(in super::super) members: Vec<String>,
    pub(in super::super) parts: Vec<String>,
    pub(in super::super) on_call: String,
    pub(in super::super) deputy: String,
}

impl Team {
    pub(super) fn of(it: &core::Team) -> Self {
        Self {
            unit: it.unit.clone(),
            members: texts(&it.members),
            parts: texts(&it.parts),
            on_call: it.on_call.to_string(),
            deputy: it.deputy.to_string(),
        }
    }
}
