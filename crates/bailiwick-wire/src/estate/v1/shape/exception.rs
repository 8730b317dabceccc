//! Exceptions in the stored form, field by field.

use bailiwick_core::estate as core;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Exception {
    pub(in super::super) scope: Scope,
    pub(in super::super) rule: String,
    pub(in super::super) reason: String,
    pub(in super::super) approver: String,
    pub(in super::super) compensating_control: String,
    pub(in super::super) until: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Scope {
    pub(in super::super) kind: String,
    pub(in super::super) id: String,
}

impl Scope {
    pub(in super::super) fn of(it: &core::Scope) -> Self {
        let (kind, id) = match it {
            core::Scope::Service(service) => ("service", service.to_string()),
            core::Scope::Zone(zone) => ("zone", zone.to_string()),
            core::Scope::Name(name) => ("name", name.to_string()),
        };
        Self { kind: kind.to_owned(), id }
    }
}

impl Exception {
    pub(super) fn of(it: &core::Exception) -> Self {
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
