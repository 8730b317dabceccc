//! The one function that decides.

use std::collections::BTreeSet;

use crate::estate::{Mode, RuleId, ZoneKey};
use crate::names::{SanName, TeamId};

use super::compile::PolicySet;
use super::explain::{self, About, Place};
use super::facts::{Facts, IssueFacts};
use super::hypothetical;
use super::question::Unaskable;
use super::rule::{GrantWord, Rule};
use super::slices::Answer;
use super::verdict::{Decision, Grantor, Permit, Reason, Verdict};
use super::{access, attestation, change, issue};

/// Decides. The same policies and the same facts always give the same verdict.
///
/// A request is allowed when, for every name (or zone, or object) it is about, some rule permits
/// it, no rule forbids it, every rule could be evaluated, and every fact that the question needs is
/// known.
#[must_use]
pub fn judge(policies: &PolicySet, facts: &Facts) -> Verdict {
    let mut outcome = evaluate(policies, facts, AsIs::Yes);
    if outcome.reasons.is_empty() {
        let enforced = match facts {
            Facts::Issue(issue) if relaxed(issue) => {
                Some(evaluate(policies, facts, AsIs::Enforced))
            }
            Facts::Issue(_) | Facts::Change(_) | Facts::Access(_) | Facts::Enrol(_) => None,
        };
        outcome.notes.extend(enforced.into_iter().flat_map(|outcome| outcome.reasons));
        return Verdict {
            decision: Decision::Allow,
            permits: outcome.permits.into_iter().collect(),
            reasons: Vec::new(),
            notes: outcome.notes,
            missing_approvals: Vec::new(),
            grantable: None,
            policy_digest: policies.digest(),
        };
    }
    let missing_approvals = match facts {
        Facts::Change(change) => hypothetical::missing_approvals(policies, change),
        Facts::Issue(_) | Facts::Access(_) | Facts::Enrol(_) => Vec::new(),
    };
    let grantable = match facts {
        Facts::Issue(issue) => hypothetical::grantable(policies, issue, &outcome.reasons),
        Facts::Change(_) | Facts::Access(_) | Facts::Enrol(_) => None,
    };
    Verdict {
        decision: Decision::Deny,
        permits: Vec::new(),
        reasons: outcome.reasons,
        notes: outcome.notes,
        missing_approvals,
        grantable,
        policy_digest: policies.digest(),
    }
}

impl PolicySet {
    /// How many policies are shown to Cedar for the largest of the questions `facts` ask. The cost
    /// of a decision grows with this number, not with the number of policies there are.
    #[must_use]
    pub fn policies_shown(&self, facts: &Facts) -> usize {
        let shown = |about: About<'_>| {
            let question = about.question();
            self.slices.shown(question.action, question.zone, question.profile)
        };
        let largest = match facts {
            Facts::Issue(facts) => facts
                .names
                .iter()
                .filter_map(|name| Some((name, name.zone.known()?)))
                .map(|(name, zone)| shown(About::Name { facts, name, zone, as_if: None }))
                .max(),
            Facts::Change(facts) => change::resources(facts)
                .into_iter()
                .map(|zone| shown(About::Change { facts, zone }))
                .max(),
            Facts::Access(facts) => Some(shown(About::Access(facts))),
            Facts::Enrol(facts) => Some(shown(About::Enrol(facts))),
        };
        largest.unwrap_or(0)
    }
}

/// The decision of [`judge`] alone, for whoever asks thousands of hypothetical questions. What is
/// acted on is a [`Verdict`].
#[must_use]
pub fn decide(policies: &PolicySet, facts: &Facts) -> Decision {
    let refused = !evaluate(policies, facts, AsIs::Yes).reasons.is_empty();
    if refused { Decision::Deny } else { Decision::Allow }
}

/// What forbids a certificate, whoever permits it; nothing where nothing does. For certificates that
/// people decide about: their approvals stand for the permits of an order, and for nothing else. What
/// is not known forbids, and so does what cannot be evaluated.
#[must_use]
pub fn forbidden(policies: &PolicySet, facts: &IssueFacts) -> Vec<Reason> {
    let mut outcome = Outcome { forbids_only: true, ..Outcome::default() };
    certificate(policies, facts, AsIs::Yes, &mut outcome);
    outcome.reasons
}

/// In which mode zones are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum AsIs {
    /// In their own.
    Yes,
    /// As if every one were enforced.
    Enforced,
}

fn relaxed(facts: &IssueFacts) -> bool {
    facts.names.iter().filter_map(|name| name.zone.known()).any(|zone| zone.mode != Mode::Enforce)
}

/// What came of all questions together.
#[derive(Default)]
struct Outcome {
    /// Whether a question that nothing permits is none to refuse for.
    forbids_only: bool,
    permits: BTreeSet<Permit>,
    reasons: Vec<Reason>,
    notes: Vec<Reason>,
}

impl Outcome {
    /// Adds a reason once: a hundred names of one certificate share most of theirs.
    fn refuse(&mut self, reason: Reason) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}

fn evaluate(policies: &PolicySet, facts: &Facts, mode: AsIs) -> Outcome {
    let mut outcome = Outcome::default();
    match facts {
        Facts::Issue(facts) => certificate(policies, facts, mode, &mut outcome),
        Facts::Change(facts) => {
            unknown(&mut outcome, &change::unknown(facts));
            for zone in change::resources(facts) {
                one(policies, &About::Change { facts, zone }, &mut outcome);
            }
        }
        Facts::Access(facts) => {
            unknown(&mut outcome, &access::unknown(facts));
            one(policies, &About::Access(facts), &mut outcome);
        }
        Facts::Enrol(facts) => {
            unknown(&mut outcome, &attestation::unknown(facts));
            one(policies, &About::Enrol(facts), &mut outcome);
        }
    }
    outcome
}

/// Asks about every name of a certificate in every zone it lies in.
fn certificate(policies: &PolicySet, facts: &IssueFacts, mode: AsIs, outcome: &mut Outcome) {
    let as_if = (mode == AsIs::Enforced).then_some(Mode::Enforce);
    unknown(outcome, &issue::unknown(facts));
    if facts.names.is_empty() {
        outcome.refuse(built_in("no-names", "the request has no names", "ask for a name"));
    }
    for name in &facts.names {
        match name.zone.known() {
            Some(zone) => one(policies, &About::Name { facts, name, zone, as_if }, outcome),
            None => outcome.refuse(outside_every_zone(&name.name)),
        }
    }
}

/// Asks one question and adds what comes of it.
fn one(policies: &PolicySet, about: &About<'_>, outcome: &mut Outcome) {
    let question = about.question();
    let at = Place { action: question.action, zone: question.zone, profile: question.profile };
    let asked = match question.ask(&policies.words, &policies.schema) {
        Ok(asked) => asked,
        Err(unaskable) => return outcome.refuse(cannot_ask(unaskable)),
    };
    let answer = policies.slices.ask(&asked, at.action, at.zone, at.profile);
    if let Some(error) = broken(policies, about, &answer) {
        outcome.refuse(error);
    }
    for id in &answer.forbids {
        match policies.rules.get(id) {
            None => outcome.refuse(lost(id)),
            Some(rule) if explain::excepted(rule, about) => {
                outcome.notes.push(explain::forbidden(rule, about));
            }
            Some(rule) => outcome.refuse(explain::forbidden(rule, about)),
        }
    }
    if outcome.forbids_only {
        return;
    }
    // Beside a forbid Cedar does not say which permits were satisfied: each is looked at alone.
    let permits = if answer.forbids.is_empty() {
        answer.permits.iter().filter_map(|id| policies.rules.get(id)).collect()
    } else {
        explain::satisfied(policies, &asked, &at)
    };
    if permits.is_empty() {
        outcome.refuse(explain::not_permitted(policies, about, &asked, &at));
    }
    outcome.permits.extend(permits.into_iter().map(|rule| permit(rule, at.zone)));
}

fn permit(rule: &Rule, zone: Option<&ZoneKey>) -> Permit {
    Permit {
        rule: rule.rule.clone(),
        source: rule.source.clone(),
        control: rule.control.clone(),
        zone: zone.cloned(),
    }
}

fn unknown(outcome: &mut Outcome, unknown: &[&str]) {
    if !unknown.is_empty() {
        let fact = format!("not known: {}", unknown.join("; "));
        outcome.refuse(built_in("fact-unknown", &fact, "ask again once it is known"));
    }
}

/// Cedar skips a policy that cannot be evaluated; a forbid that is skipped would allow.
fn broken(policies: &PolicySet, about: &About<'_>, answer: &Answer) -> Option<Reason> {
    let (id, said) = answer.errors.first()?;
    let source = policies.rules.get(id).map_or("bailiwick", |rule| rule.source.as_str());
    let fact = format!("policy `{id}` could not be evaluated: {said}");
    let teams: BTreeSet<TeamId> = about.teams(GrantWord::ControlOwner);
    let mut reason = built_in("policy-error", &fact, "correct the policy");
    reason.source = source.to_owned();
    reason.grantor = Grantor::Teams(teams);
    Some(reason)
}

fn cannot_ask(unaskable: Unaskable) -> Reason {
    built_in("policy-error", &unaskable.to_string(), "this is a fault of the build; report it")
}

fn lost(id: &str) -> Reason {
    let fact = format!("policy `{id}` refuses, and nothing is known about it");
    built_in("policy-error", &fact, "this is a fault of the build; report it")
}

fn outside_every_zone(name: &SanName) -> Reason {
    let fact = format!("name `{name}` lies in no zone of the estate that is known");
    let remedy = "add the zone to the estate, or ask for a name in one of its zones";
    Reason { name: Some(name.clone()), ..built_in("zone-unknown", &fact, remedy) }
}

/// A refusal of the judge itself, without a policy.
fn built_in(rule: &'static str, fact: &str, remedy: &str) -> Reason {
    Reason {
        rule: RuleId::fixed(rule),
        source: "bailiwick".to_owned(),
        control: None,
        fact: fact.to_owned(),
        name: None,
        grantor: Grantor::Nobody,
        remedy: remedy.to_owned(),
    }
}
