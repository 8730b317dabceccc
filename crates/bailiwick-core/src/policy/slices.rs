//! Slices: the policies that can matter for a question, found before Cedar is asked.
//!
//! Cedar looks at every policy it is shown. A policy that holds for one zone (`@zone`) or one
//! profile (`@profile`) is shown only for that zone or profile, so what a decision costs does not
//! grow with the number of zones.

use std::collections::BTreeMap;

use cedar_policy::{Authorizer, Decision, Policy, PolicySet};

use crate::estate::ZoneKey;
use crate::names::ProfileId;

use super::question::Asked;
use super::rule::{Rule, ZoneScope};

/// Every action of the schema: a policy without an action stands in the slice of each.
pub(super) const ACTIONS: [&str; 20] = [
    "order",
    "issue",
    "edit-estate",
    "grant-envelope",
    "end-envelope",
    "narrow-envelope",
    "issue-certificate",
    "revoke-certificate",
    "grant-exception",
    "register-account",
    "trust-change",
    "publish-records",
    "rotate-issuer",
    "rotate-key",
    "read",
    "request",
    "approve",
    "revoke",
    "administer",
    "enrol",
];

#[derive(Clone, Debug, Default)]
pub(super) struct Slices(BTreeMap<&'static str, ActionSlices>);

/// The slices of one action: for every zone and profile, none of them meaning any.
#[derive(Clone, Debug, Default)]
struct ActionSlices(BTreeMap<(Option<ZoneScope>, Option<ProfileId>), PolicySet>);

/// What Cedar said about one question, over all slices.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Answer {
    /// Ids of permits that are satisfied. Complete only when nothing forbids.
    pub(super) permits: Vec<String>,
    /// Ids of forbids that are satisfied.
    pub(super) forbids: Vec<String>,
    /// Ids of policies that could not be evaluated, with Cedar's words.
    pub(super) errors: Vec<(String, String)>,
}

impl Slices {
    pub(super) fn of<'p>(
        policies: impl Iterator<Item = &'p Policy>,
        rules: &BTreeMap<String, Rule>,
    ) -> Result<Self, ()> {
        let mut slices = Self::default();
        for policy in policies {
            let id: &str = policy.id().as_ref();
            let rule = rules.get(id).ok_or(())?;
            let speaks = |action: &&&str| {
                rule.actions
                    .as_ref()
                    .is_none_or(|actions| actions.iter().any(|one| one == **action))
            };
            for action in ACTIONS.iter().filter(speaks) {
                let key = (rule.zone.clone(), rule.profile.clone());
                let slice = slices.0.entry(action).or_default().0.entry(key).or_default();
                slice.add(policy.clone()).map_err(|_| ())?;
            }
        }
        Ok(slices)
    }

    /// The slices that can matter.
    fn matching<'s>(
        &'s self,
        action: &str,
        zone: Option<&ZoneKey>,
        profile: Option<&ProfileId>,
    ) -> impl Iterator<Item = &'s PolicySet> {
        let name = zone.map(|key| ZoneScope::Name(key.name.clone()));
        let view = zone.map(|key| ZoneScope::View(key.clone()));
        let zones = [None, name, view].into_iter().enumerate();
        let zones = zones.filter(|(at, zone)| *at == 0 || zone.is_some()).map(|(_, zone)| zone);
        let profiles = if profile.is_some() { vec![None, profile.cloned()] } else { vec![None] };
        let action = self.0.get(action);
        zones
            .flat_map(move |zone| profiles.clone().into_iter().map(move |one| (zone.clone(), one)))
            .filter_map(move |key| action?.0.get(&key))
    }

    /// How many policies a question is shown.
    pub(super) fn shown(
        &self,
        action: &str,
        zone: Option<&ZoneKey>,
        profile: Option<&ProfileId>,
    ) -> usize {
        self.matching(action, zone, profile).map(PolicySet::num_of_policies).sum()
    }

    /// The ids of the policies a question is shown.
    pub(super) fn ids<'s>(
        &'s self,
        action: &str,
        zone: Option<&ZoneKey>,
        profile: Option<&ProfileId>,
    ) -> impl Iterator<Item = &'s str> {
        let policies = self.matching(action, zone, profile).flat_map(PolicySet::policies);
        policies.map(|policy| policy.id().as_ref())
    }

    /// Asks every slice that can matter. The answers join as Cedar joins the policies of one set:
    /// a forbid anywhere forbids, a permit anywhere permits.
    pub(super) fn ask(
        &self,
        asked: &Asked,
        action: &str,
        zone: Option<&ZoneKey>,
        profile: Option<&ProfileId>,
    ) -> Answer {
        let mut answer = Answer::default();
        for slice in self.matching(action, zone, profile) {
            let response = Authorizer::new().is_authorized(&asked.request, slice, &asked.entities);
            let ids = response.diagnostics().reason().map(|id| AsRef::<str>::as_ref(id).to_owned());
            match response.decision() {
                Decision::Allow => answer.permits.extend(ids),
                Decision::Deny => answer.forbids.extend(ids),
            }
            for error in response.diagnostics().errors() {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                let id: &str = error.policy_id().as_ref();
                answer.errors.push((id.to_owned(), error.to_string()));
            }
        }
        answer.permits.sort();
        answer.forbids.sort();
        answer.errors.sort();
        answer
    }
}
