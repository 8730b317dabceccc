//! Why: the rule, the fact and the grantor behind a bare no.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Decision};

use crate::estate::{Mode, RuleId, Scope, ZoneKey};
use crate::names::{ProfileId, TeamId};

use super::compile::PolicySet;
use super::facts::{AccessFacts, ChangeFacts, EnrolFacts, IssueFacts, NameFacts, ZoneFacts};
use super::question::{Asked, Question};
use super::rule::{GrantWord, Rule};
use super::template::{Template, Texts};
use super::verdict::{Grantor, Reason};
use super::{access, attestation, change, issue};

/// What one question is about.
pub(super) enum About<'f> {
    /// One name of a certificate in one zone.
    Name { facts: &'f IssueFacts, name: &'f NameFacts, zone: &'f ZoneFacts, as_if: Option<Mode> },
    /// A change, in one zone or for the organisation.
    Change { facts: &'f ChangeFacts, zone: Option<&'f ZoneFacts> },
    /// One access.
    Access(&'f AccessFacts),
    /// One enrolment.
    Enrol(&'f EnrolFacts),
}

impl<'f> About<'f> {
    pub(super) fn question(&self) -> Question<'f> {
        match *self {
            Self::Name { facts, name, zone, as_if } => issue::question(facts, name, zone, as_if),
            Self::Change { facts, zone } => change::question(facts, zone),
            Self::Access(facts) => access::question(facts),
            Self::Enrol(facts) => attestation::question(facts),
        }
    }

    fn texts(&self) -> Texts {
        match *self {
            Self::Name { facts, name, zone, .. } => issue::texts(facts, name, zone),
            Self::Change { facts, zone } => change::texts(facts, zone),
            Self::Access(facts) => access::texts(facts),
            Self::Enrol(facts) => attestation::texts(facts),
        }
    }

    pub(super) fn teams(&self, word: GrantWord) -> BTreeSet<TeamId> {
        match *self {
            Self::Name { facts, zone, .. } => issue::teams(facts, Some(zone), word),
            Self::Change { facts, zone } => change::teams(facts, zone, word),
            Self::Access(facts) => access::teams(facts, word),
            Self::Enrol(facts) => attestation::teams(facts, word),
        }
    }
}

/// Whether an exception of the estate sets `rule` aside here and now.
pub(super) fn excepted(rule: &Rule, about: &About<'_>) -> bool {
    let About::Name { facts, name, zone, .. } = about else {
        return false;
    };
    let covers = |scope: &Scope| match scope {
        Scope::Service(service) => facts.service.known().is_some_and(|it| it.id == *service),
        Scope::Zone(key) => zone.key == *key,
        Scope::Name(one) => name.name == *one,
    };
    rule.excepted
        && facts
            .exceptions
            .iter()
            .any(|it| it.rule == rule.rule && facts.now < it.until && covers(&it.scope))
}

/// The reason that a satisfied forbid is.
pub(super) fn forbidden(rule: &Rule, about: &About<'_>) -> Reason {
    let plain = Template::plain(&format!("policy `{}` forbids it", rule.id));
    reason(rule, about, rule.fact.as_ref().unwrap_or(&plain))
}

fn reason(rule: &Rule, about: &About<'_>, fact: &Template) -> Reason {
    let texts = about.texts();
    let name = match about {
        About::Name { name, .. } if fact.mentions("name") => Some(name.name.clone()),
        About::Name { .. } | About::Change { .. } | About::Access(_) | About::Enrol(_) => None,
    };
    let teams = about.teams(rule.grantable);
    let grantor = if teams.is_empty() { Grantor::Nobody } else { Grantor::Teams(teams) };
    Reason {
        rule: rule.rule.clone(),
        source: rule.source.clone(),
        control: rule.control.clone(),
        fact: fact.fill(&texts),
        name,
        grantor,
        remedy: rule.remedy.fill(&texts),
    }
}

fn holds(policies: &cedar_policy::PolicySet, asked: &Asked) -> bool {
    let response = Authorizer::new().is_authorized(&asked.request, policies, &asked.entities);
    response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
}

/// The permits whose scope fits a question.
fn permits<'p>(policies: &'p PolicySet, asked: &Asked, at: &Place<'_>) -> Vec<&'p Rule> {
    let ids = policies.slices.ids(at.action, at.zone, at.profile);
    ids.filter_map(|id| policies.rules.get(id))
        .filter(|rule| rule.scope.as_ref().is_some_and(|scope| holds(scope, asked)))
        .collect()
}

/// Where a question stands: what finds its slices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'q> {
    pub(super) action: &'static str,
    pub(super) zone: Option<&'q ZoneKey>,
    pub(super) profile: Option<&'q ProfileId>,
}

/// How many conditions of a permit hold, one after the other.
fn conditions_met(rule: &Rule, asked: &Asked) -> usize {
    rule.clauses.iter().take_while(|clause| holds(&clause.prefix, asked)).count()
}

/// The permits that are satisfied, each looked at alone.
pub(super) fn satisfied<'p>(
    policies: &'p PolicySet,
    asked: &Asked,
    at: &Place<'_>,
) -> Vec<&'p Rule> {
    let mut permits = permits(policies, asked, at);
    permits.retain(|rule| conditions_met(rule, asked) == rule.clauses.len());
    permits
}

/// The reason when nothing permits: the permit that came nearest, and its first condition that
/// does not hold.
pub(super) fn not_permitted(
    policies: &PolicySet,
    about: &About<'_>,
    asked: &Asked,
    at: &Place<'_>,
) -> Reason {
    let met =
        permits(policies, asked, at).into_iter().map(|rule| (conditions_met(rule, asked), rule));
    let nearest = met.max_by(|(one, a), (two, b)| {
        let missing = |rule: &Rule, met: usize| rule.clauses.len().saturating_sub(met);
        // The more conditions hold the nearer; then the fewer are missing; then by id, so that the
        // answer does not depend on the order of files.
        let near = one.cmp(two).then(missing(b, *two).cmp(&missing(a, *one)));
        near.then_with(|| b.id.cmp(&a.id))
    });
    match nearest.and_then(|(met, rule)| Some((rule, rule.clauses.get(met)?))) {
        Some((rule, clause)) => reason(rule, about, &clause.failed),
        None => no_permit(about),
    }
}

fn no_permit(about: &About<'_>) -> Reason {
    let teams = about.teams(GrantWord::ControlOwner);
    Reason {
        rule: RuleId::fixed("no-permit"),
        source: "bailiwick".to_owned(),
        control: None,
        fact: "no policy permits it".to_owned(),
        name: None,
        grantor: if teams.is_empty() { Grantor::Nobody } else { Grantor::Teams(teams) },
        remedy: "ask for a change of policy".to_owned(),
    }
}
