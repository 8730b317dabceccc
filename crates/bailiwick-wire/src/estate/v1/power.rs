//! Stand-ins, gates and delegations, as they are stored. They came later: an estate without any has no
//! field for them.

use std::collections::BTreeSet;

use bailiwick_core::estate as core;
use bailiwick_core::names::{DnsName, PersonId, TeamId};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::BadEstate;
use super::from::{all, word};
use super::shape::texts;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StandIn {
    of: String,
    by: String,
    team: String,
    from: String,
    until: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    kinds: Vec<String>,
    team: String,
    approvals: u32,
    independent: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delegation {
    ns: Vec<String>,
    ds: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    status: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registrar: Option<String>,
}

impl StandIn {
    pub(super) fn of(it: &core::StandIn) -> Self {
        Self {
            of: it.of.to_string(),
            by: it.by.to_string(),
            team: it.team.to_string(),
            from: it.from.to_string(),
            until: it.until.to_string(),
            reason: it.reason.clone(),
        }
    }

    pub(super) fn read(self) -> Result<core::StandIn, BadEstate> {
        Ok(core::StandIn {
            of: PersonId::parse(&self.of)?,
            by: PersonId::parse(&self.by)?,
            team: TeamId::parse(&self.team)?,
            from: Time::parse(&self.from)?,
            until: Time::parse(&self.until)?,
            reason: self.reason,
        })
    }
}

impl Gate {
    pub(super) fn of(it: &core::ZoneGate) -> Self {
        Self {
            kinds: texts(&it.kinds),
            team: it.team.to_string(),
            approvals: it.approvals,
            independent: it.independent,
        }
    }

    pub(super) fn read(&self) -> Result<core::ZoneGate, BadEstate> {
        let kinds = self.kinds.iter().map(|kind| word(kind, core::GatedKind::parse));
        Ok(core::ZoneGate {
            kinds: kinds.collect::<Result<BTreeSet<_>, _>>()?,
            team: TeamId::parse(&self.team)?,
            approvals: self.approvals,
            independent: self.independent,
        })
    }
}

impl Delegation {
    pub(super) fn of(it: &core::DelegationIntent) -> Self {
        Self {
            ns: texts(&it.ns),
            ds: texts(&it.ds),
            status: texts(&it.status),
            registrar: it.registrar.clone(),
        }
    }

    pub(super) fn read(self) -> Result<core::DelegationIntent, BadEstate> {
        Ok(core::DelegationIntent {
            ns: all(&self.ns, DnsName::parse)?,
            ds: self.ds.into_iter().collect(),
            status: self.status.into_iter().collect(),
            registrar: self.registrar,
        })
    }
}
