//! The stored form of places, relying parties and freezes.

use bailiwick_core::estate as core;
use bailiwick_core::names::{IssuerId, TeamId};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::from::{Read, all, word};
use super::shape::texts;

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Deployment {
    Client {},
    Files { folder: String, reload: Vec<String> },
    Webhook { url: String },
}

impl Deployment {
    pub(super) fn of(it: &core::Deployment) -> Self {
        match it {
            core::Deployment::Client => Self::Client {},
            core::Deployment::Files { folder, reload } => {
                Self::Files { folder: folder.clone(), reload: reload.clone() }
            }
            core::Deployment::Webhook { url } => Self::Webhook { url: url.clone() },
        }
    }

    pub(super) fn read(self) -> core::Deployment {
        match self {
            Self::Client {} => core::Deployment::Client,
            Self::Files { folder, reload } => core::Deployment::Files { folder, reload },
            Self::Webhook { url } => core::Deployment::Webhook { url },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RelyingParty {
    trusts: Vec<String>,
}

impl RelyingParty {
    pub(super) fn of(it: &core::RelyingParty) -> Self {
        Self { trusts: texts(&it.trusts) }
    }

    pub(super) fn read(self) -> Read<core::RelyingParty> {
        Ok(core::RelyingParty { trusts: all(&self.trusts, IssuerId::parse)? })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Freeze {
    from: String,
    until: String,
    zones: Vec<String>,
    may_break: String,
    reason: String,
}

impl Freeze {
    pub(super) fn of(it: &core::Freeze) -> Self {
        Self {
            from: it.from.to_string(),
            until: it.until.to_string(),
            zones: texts(&it.zones),
            may_break: it.may_break.to_string(),
            reason: it.reason.clone(),
        }
    }

    pub(super) fn read(self) -> Read<core::Freeze> {
        let zones = self.zones.iter().map(|zone| word(zone, core::ZoneKey::parse));
        Ok(core::Freeze {
            from: Time::parse(&self.from)?,
            until: Time::parse(&self.until)?,
            zones: zones.collect::<Read<_>>()?,
            may_break: TeamId::parse(&self.may_break)?,
            reason: self.reason,
        })
    }
}
