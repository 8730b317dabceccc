//! Attestors and the workloads they attest, as they are stored. They came later: an estate without
//! any has no field for them.

use std::collections::BTreeMap;

use bailiwick_core::estate as core;
use bailiwick_core::estate::AttestationKind;
use bailiwick_core::names::{AttestorId, PersonId};
use serde::{Deserialize, Serialize};

use super::BadEstate;
use super::from::{all, word};
use super::shape::texts;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attestor {
    kind: String,
    issuer: String,
    audience: String,
    keys: Keys,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trust_roots: Option<String>,
    vouches_for: Vec<String>,
    holds_minutes: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Keys {
    Written(String),
    At(String),
    Discovered,
    WithWorkloads,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadRule {
    attestor: String,
    claims: BTreeMap<String, Vec<String>>,
    answers: String,
}

impl Attestor {
    pub(super) fn of(it: &core::Attestor) -> Self {
        Self {
            kind: it.kind.to_string(),
            issuer: it.issuer.clone(),
            audience: it.audience.clone(),
            keys: match &it.keys {
                core::AttestorKeys::Written(set) => Keys::Written(set.clone()),
                core::AttestorKeys::At(url) => Keys::At(url.clone()),
                core::AttestorKeys::Discovered => Keys::Discovered,
                core::AttestorKeys::WithWorkloads => Keys::WithWorkloads,
            },
            trust_roots: it.trust_roots.clone(),
            vouches_for: texts(&it.vouches_for),
            holds_minutes: it.holds_minutes,
        }
    }

    pub(super) fn read(self) -> Result<core::Attestor, BadEstate> {
        Ok(core::Attestor {
            kind: word(&self.kind, core::AttestorKind::parse)?,
            issuer: self.issuer,
            audience: self.audience,
            keys: match self.keys {
                Keys::Written(set) => core::AttestorKeys::Written(set),
                Keys::At(url) => core::AttestorKeys::At(url),
                Keys::Discovered => core::AttestorKeys::Discovered,
                Keys::WithWorkloads => core::AttestorKeys::WithWorkloads,
            },
            trust_roots: self.trust_roots,
            vouches_for: all(&self.vouches_for, AttestationKind::parse)?,
            holds_minutes: self.holds_minutes,
        })
    }
}

impl WorkloadRule {
    pub(super) fn of(it: &core::WorkloadRule) -> Self {
        let claims = it.claims.iter().map(|(name, values)| (name.clone(), texts(values)));
        Self {
            attestor: it.attestor.to_string(),
            claims: claims.collect(),
            answers: it.answers.to_string(),
        }
    }

    pub(super) fn read(self) -> Result<core::WorkloadRule, BadEstate> {
        let claims = self.claims.into_iter();
        Ok(core::WorkloadRule {
            attestor: AttestorId::parse(&self.attestor)?,
            claims: claims.map(|(name, values)| (name, values.into_iter().collect())).collect(),
            answers: PersonId::parse(&self.answers)?,
        })
    }
}
