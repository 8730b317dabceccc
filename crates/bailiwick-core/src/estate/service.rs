//! Services, what they own and what was approved for them.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{DnsName, IssuerId, PersonId, ProfileId, SanName, ServiceId, SpiffeId, TeamId};
use crate::time::Time;

use super::attestor::WorkloadRule;
use super::deployment::{Deployment, RelyingParty};
use super::people::Duty;
use super::words::{Environment, Namespace, RuleId};
use super::zone::{View, ZoneKey};

/// Something that runs under names, and who answers for it.
///
/// Always, when read by `wire`: every name lies in a zone of `view` and no other service owns it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// What it is called, for people.
    pub name: String,
    /// Where it runs.
    pub environment: Environment,
    /// The part of the platform it lives in, where the platform has parts.
    pub namespace: Option<Namespace>,
    /// The view its names live in; `None`: in every view.
    pub view: Option<View>,
    /// Names it owns exactly. A wildcard name or an address counts only when it stands here.
    pub names: BTreeSet<SanName>,
    /// It owns every name strictly below these, without wildcards.
    pub below: BTreeSet<DnsName>,
    /// Who answers for it.
    pub duties: Duties,
    /// When the policy owner last confirmed that the service owns its names.
    pub ownership: Option<Ownership>,
    /// Kinds of certificate it may ask for.
    pub profiles: BTreeSet<ProfileId>,
    /// Its workload identity, for profiles that name one. No two services have the same.
    pub workload: Option<SpiffeId>,
    /// Workloads that may act for it by what is attested about them. Where there is one, nobody
    /// else does.
    pub attested: BTreeMap<String, WorkloadRule>,
    /// Standing approvals declared with the estate.
    pub envelopes: BTreeMap<String, EnvelopeSpec>,
    /// Where its certificates may be put, by a name of its own.
    pub deployments: BTreeMap<String, Deployment>,
    /// Who relies on its certificates, and whom they trust.
    pub relying_parties: BTreeMap<String, RelyingParty>,
}

impl Service {
    /// Whether `name` is one of its names.
    #[must_use]
    pub fn owns(&self, name: &SanName) -> bool {
        self.names.contains(name)
            || (!name.is_wildcard() && self.below.iter().any(|base| name.is_below(base)))
    }
}

/// The three duties of a service, each held by a team.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Duties {
    /// Defines what the service may ask for.
    pub policy_owner: TeamId,
    /// Runs issuance for it.
    pub operator: TeamId,
    /// Deploys what was issued.
    pub integration_owner: TeamId,
}

impl Duties {
    /// Each duty with its team.
    #[must_use]
    pub fn each(&self) -> [(Duty, &TeamId); 3] {
        [
            (Duty::PolicyOwner, &self.policy_owner),
            (Duty::Operator, &self.operator),
            (Duty::IntegrationOwner, &self.integration_owner),
        ]
    }
}

/// A confirmation that a service owns its names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ownership {
    /// When it was confirmed.
    pub verified_at: Time,
    /// Who confirmed it.
    pub by: PersonId,
}

/// A standing approval as written in the estate; `gate::Envelope` is what becomes of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopeSpec {
    /// Names it covers; each is one of the service's.
    pub names: BTreeSet<SanName>,
    /// From which issuer.
    pub issuer: IssuerId,
    /// Under which profiles.
    pub profiles: BTreeSet<ProfileId>,
    /// Until when.
    pub until: Time,
    /// How many certificates at most, where it is limited.
    pub uses_max: Option<u32>,
    /// Why it was asked for.
    pub reason: String,
}

/// Something allowed although a rule says no.
///
/// Always: it ends, somebody approved it, and something else stands in for the rule meanwhile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exception {
    /// Where it holds.
    pub scope: Scope,
    /// The rule it sets aside. Rules that nobody can grant cannot be set aside.
    pub rule: RuleId,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approver: PersonId,
    /// What stands in for the rule meanwhile.
    pub compensating_control: String,
    /// When it ends.
    pub until: Time,
}

/// Where an exception holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// For one service.
    Service(ServiceId),
    /// In one zone.
    Zone(ZoneKey),
    /// For one name.
    Name(SanName),
}
