//! The fields of the stored form, in their order.

// tidy: long file because the stored form of an estate is one table, read from top to bottom

use std::collections::BTreeMap;

use super::attestor::{Attestor, WorkloadRule};
use bailiwick_core::certificate::ProfileRules;
use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

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
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    pub(super) name: String,
    pub(super) control_owner: String,
    pub(super) auditors: Option<String>,
    pub(super) administrators: Vec<String>,
}

impl Organisation {
    fn of(it: &core::Organisation) -> Self {
        Self {
            name: it.name.clone(),
            control_owner: it.control_owner.to_string(),
            auditors: text(it.auditors.as_ref()),
            administrators: texts(&it.administrators),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) left: Option<String>,
}

impl Person {
    fn of(it: &core::Person) -> Self {
        Self { name: it.name.clone(), email: it.email.clone(), left: text(it.left.as_ref()) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Team {
    pub(super) unit: String,
    pub(super) members: Vec<String>,
    pub(super) parts: Vec<String>,
    pub(super) on_call: String,
    pub(super) deputy: String,
}

impl Team {
    fn of(it: &core::Team) -> Self {
        Self {
            unit: it.unit.clone(),
            members: texts(&it.members),
            parts: texts(&it.parts),
            on_call: it.on_call.to_string(),
            deputy: it.deputy.to_string(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Zone {
    pub(super) class: String,
    pub(super) pattern: String,
    pub(super) mode: String,
    pub(super) policy_owner: String,
    pub(super) operator: String,
    pub(super) servers: Vec<String>,
    // Left out where there is none, so that the octets of every earlier estate stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) connector: Option<Connector>,
    pub(super) caa: Caa,
    pub(super) limits: Limits,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Connector {
    pub(super) kind: String,
    pub(super) server: String,
    pub(super) key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Caa {
    pub(super) issue: Vec<String>,
    pub(super) issuewild: Vec<String>,
    pub(super) iodef: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) names_per_certificate_max: u32,
    pub(super) wildcard_allowed: bool,
    pub(super) lifetime_days_max: u32,
    pub(super) ownership_days_max: u32,
}

impl Zone {
    fn of(it: &core::Zone) -> Self {
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
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) environment: String,
    pub(super) namespace: Option<String>,
    pub(super) view: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) below: Vec<String>,
    pub(super) duties: Duties,
    pub(super) ownership: Option<Ownership>,
    pub(super) profiles: Vec<String>,
    pub(super) envelopes: Map<Envelope>,
    /// Came later: estates without one keep the octets they always had. So do all fields below that
    /// are left out where they say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) workload: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) attested: Map<WorkloadRule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Duties {
    pub(super) policy_owner: String,
    pub(super) operator: String,
    pub(super) integration_owner: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ownership {
    pub(super) verified_at: String,
    pub(super) by: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    pub(super) names: Vec<String>,
    pub(super) issuer: String,
    pub(super) profiles: Vec<String>,
    pub(super) until: String,
    pub(super) uses_max: Option<u32>,
    pub(super) reason: String,
}

impl Service {
    fn of(it: &core::Service) -> Self {
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
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) kind: String,
    pub(super) caa_domains: Vec<String>,
    pub(super) environments: Vec<String>,
    pub(super) profiles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_home: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) name_constraints: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crl_parts: Option<std::num::NonZeroU16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) upstream: Option<Upstream>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    pub(super) directory: String,
    pub(super) contacts: Vec<String>,
    pub(super) binding: Option<String>,
    pub(super) trust_roots: Option<String>,
    pub(super) ca_profiles: Map<String>,
}

impl Issuer {
    fn of(it: &core::Issuer) -> Self {
        Self {
            kind: it.kind.to_string(),
            caa_domains: texts(&it.caa_domains),
            environments: texts(&it.environments),
            profiles: texts(&it.profiles),
            key: text(it.authority.key.as_ref()),
            key_home: text(it.authority.key_home.as_ref()),
            name_constraints: texts(&it.authority.name_constraints),
            crl_parts: it.authority.crl_parts,
            upstream: it.upstream.as_ref().map(|it| Upstream {
                directory: it.directory.clone(),
                contacts: it.contacts.clone(),
                binding: it.binding.clone(),
                trust_roots: it.trust_roots.clone(),
                ca_profiles: map(&it.ca_profiles, Clone::clone),
            }),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) lifetime_seconds_max: u32,
    pub(super) backdate_seconds: u32,
    pub(super) purposes: Vec<String>,
    pub(super) keys_allowed: Vec<String>,
    pub(super) rsa_bits_min: u16,
    pub(super) names_max: u16,
    pub(super) wildcard_allowed: bool,
    pub(super) crl_pointer: bool,
    pub(super) environments: Vec<String>,
    pub(super) attestation_required: Option<String>,
    #[serde(default, skip_serializing_if = "is_down")]
    pub(super) ocsp_pointer: bool,
    #[serde(default, skip_serializing_if = "is_down")]
    pub(super) workload_uri: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<String>,
}

/// serde hands a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_down(flag: &bool) -> bool {
    !*flag
}

impl Profile {
    fn of(it: &core::Profile) -> Self {
        let certificate = &it.certificate;
        Self {
            lifetime_seconds_max: certificate.lifetime_seconds_max,
            backdate_seconds: certificate.backdate_seconds,
            purposes: texts(&certificate.purposes),
            keys_allowed: texts(&certificate.keys_allowed),
            rsa_bits_min: certificate.rsa_bits_min,
            names_max: certificate.names_max,
            wildcard_allowed: certificate.wildcard_allowed,
            crl_pointer: certificate.revocation.crl,
            environments: texts(&it.environments),
            attestation_required: text(it.attestation_required.as_ref()),
            ocsp_pointer: certificate.revocation.ocsp,
            workload_uri: certificate.workload_uri,
            rules: text(Some(&certificate.rules).filter(|it| **it != ProfileRules::Private)),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub(super) scope: Scope,
    pub(super) rule: String,
    pub(super) reason: String,
    pub(super) approver: String,
    pub(super) compensating_control: String,
    pub(super) until: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scope {
    pub(super) kind: String,
    pub(super) id: String,
}

impl Scope {
    pub(crate) fn of(it: &core::Scope) -> Self {
        let (kind, id) = match it {
            core::Scope::Service(service) => ("service", service.to_string()),
            core::Scope::Zone(zone) => ("zone", zone.to_string()),
            core::Scope::Name(name) => ("name", name.to_string()),
        };
        Self { kind: kind.to_owned(), id }
    }
}

impl Exception {
    fn of(it: &core::Exception) -> Self {
        Self {
            scope: Scope::of(&it.scope),
            rule: it.rule.to_string(),
            reason: it.reason.clone(),
            approver: it.approver.to_string(),
            compensating_control: it.compensating_control.clone(),
            until: it.until.to_string(),
        }
    }
}
