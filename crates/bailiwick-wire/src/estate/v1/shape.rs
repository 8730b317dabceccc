//! The fields of the stored form, in their order.

mod exception;
mod issuer;
mod people;
mod service;
mod zone;

use std::collections::BTreeMap;

use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

use super::attestor::Attestor;
use super::power::StandIn;
pub(super) use exception::{Exception, Scope};
pub(super) use issuer::{CanaryPlan, Issuer, PAUSE_MINUTES, Profile};
pub(super) use people::{Organisation, Person, Team, VantagePoint};
pub(super) use service::{Envelope, Service};
pub(super) use zone::{Connector, Transfer, Zone};

type Map<T> = BTreeMap<String, T>;

/// Texts of a set or a list.
pub(super) fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|value| value.to_string()).collect()
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn map<K: ToString, V, T>(values: &BTreeMap<K, V>, shape: impl Fn(&V) -> T) -> Map<T> {
    values.iter().map(|(key, value)| (key.to_string(), shape(value))).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Estate {
    pub(super) v: u32,
    pub(super) organisation: Organisation,
    pub(super) people: Map<Person>,
    pub(super) teams: Map<Team>,
    pub(super) zones: Map<Zone>,
    pub(super) services: Map<Service>,
    pub(super) issuers: Map<Issuer>,
    pub(super) profiles: Map<Profile>,
    pub(super) exceptions: Map<Exception>,
    pub(super) policies: Map<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) attestors: Map<Attestor>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) stand_ins: Map<StandIn>,
}

impl Estate {
    pub(super) fn of(it: &core::Estate) -> Self {
        Self {
            v: 1,
            organisation: Organisation::of(&it.organisation),
            people: map(&it.people, Person::of),
            teams: map(&it.teams, Team::of),
            zones: map(&it.zones, Zone::of),
            services: map(&it.services, Service::of),
            issuers: map(&it.issuers, Issuer::of),
            profiles: map(&it.profiles, Profile::of),
            exceptions: map(&it.exceptions, Exception::of),
            policies: it.policies.clone(),
            attestors: map(&it.attestors, Attestor::of),
            stand_ins: map(&it.stand_ins, StandIn::of),
        }
    }
}
