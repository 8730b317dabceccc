//! Issuers and profiles in the stored form, field by field.

use bailiwick_core::certificate::ProfileRules;
use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

use super::{Map, map, text, texts};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Issuer {
    pub(in super::super) kind: String,
    pub(in super::super) caa_domains: Vec<String>,
    pub(in super::super) environments: Vec<String>,
    pub(in super::super) profiles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) key_home: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) name_constraints: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) crl_parts: Option<std::num::NonZeroU16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) upstream: Option<Upstream>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) canary: Option<CanaryPlan>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct CanaryPlan {
    pub(in super::super) directory: String,
    pub(in super::super) permitted: String,
    pub(in super::super) forbidden: String,
    pub(in super::super) every_hours: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) trust_roots: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) contacts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) binding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) forbidden_account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) forbidden_method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) pause_minutes: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Upstream {
    pub(in super::super) directory: String,
    pub(in super::super) contacts: Vec<String>,
    pub(in super::super) binding: Option<String>,
    pub(in super::super) trust_roots: Option<String>,
    pub(in super::super) ca_profiles: Map<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) problem_reports: Option<String>,
}

/// The pause that a plan had before it could be chosen.
pub(in super::super) const PAUSE_MINUTES: u32 = 60;

impl CanaryPlan {
    fn of(it: &core::CanaryPlan) -> Self {
        Self {
            directory: it.place.directory.clone(),
            permitted: it.permitted.to_string(),
            forbidden: it.forbidden.to_string(),
            every_hours: it.every_hours,
            trust_roots: it.place.trust_roots.clone(),
            contacts: it.place.contacts.clone(),
            binding: it.place.binding.clone(),
            forbidden_account: text(it.forbidden_account.as_ref()),
            forbidden_method: text(it.forbidden_method.as_ref()),
            pause_minutes: Some(it.pause_minutes).filter(|pause| *pause != PAUSE_MINUTES),
        }
    }
}

impl Issuer {
    pub(super) fn of(it: &core::Issuer) -> Self {
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
                problem_reports: it.problem_reports.clone(),
            }),
            canary: it.canary.as_ref().map(CanaryPlan::of),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Profile {
    pub(in super::super) lifetime_seconds_max: u32,
    pub(in super::super) backdate_seconds: u32,
    pub(in super::super) purposes: Vec<String>,
    pub(in super::super) keys_allowed: Vec<String>,
    pub(in super::super) rsa_bits_min: u16,
    pub(in super::super) names_max: u16,
    pub(in super::super) wildcard_allowed: bool,
    pub(in super::super) crl_pointer: bool,
    pub(in super::super) environments: Vec<String>,
    pub(in super::super) attestation_required: Option<String>,
    #[serde(default, skip_serializing_if = "is_down")]
    pub(in super::super) ocsp_pointer: bool,
    #[serde(default, skip_serializing_if = "is_down")]
    pub(in super::super) workload_uri: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) rules: Option<String>,
}

/// serde hands a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_down(flag: &bool) -> bool {
    !*flag
}

impl Profile {
    pub(super) fn of(it: &core::Profile) -> Self {
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
