//! A refusal as a person reads it: the rule, the fact, who can grant it, what to do now.

use std::collections::BTreeSet;

use bailiwick_core::actor::SignedIn;
use bailiwick_core::estate::Estate;
use bailiwick_core::gate::{Problem, ProblemKind};
use bailiwick_core::names::{ChangeId, SanName, TeamId};
use bailiwick_core::policy::{Grantor, MissingApproval, Reason, Verdict};
use bailiwick_core::time::Time;

use super::Live;
use crate::fault::Fault;
use crate::settings::Settings;

/// Reasons told to a client at most; the decision in the ledger holds all.
const REASONS_TOLD: usize = 3;

/// The rule that decided, for lists: the first reason's when refused, the first permit's when not.
pub(crate) fn deciding_rule(verdict: &Verdict) -> String {
    let refused = verdict.reasons().first().map(|reason| reason.rule.to_string());
    let allowed = || verdict.permits().first().map(|permit| permit.rule.to_string());
    refused.or_else(allowed).unwrap_or_else(|| "no-rule-allows".to_owned())
}

/// The people on duty in teams, each with the team: `Pia Berg (pki)`.
pub(crate) fn people_of(estate: &Estate, teams: &BTreeSet<TeamId>, now: Time) -> String {
    let one = |team: &TeamId| match estate.person_on_duty(team, now) {
        Ok(on_duty) => {
            let id = on_duty.person();
            let name = estate.people.get(id).map_or(id.as_str(), |person| person.name.as_str());
            format!("{name} ({team})")
        }
        Err(_) => format!("team {team}, where nobody is on duty"),
    };
    let all: Vec<String> = teams.iter().map(one).collect();
    if all.is_empty() { "nobody".to_owned() } else { all.join(" or ") }
}

/// Who can grant what a reason refuses.
pub(crate) fn grantor(estate: &Estate, reason: &Reason, now: Time) -> String {
    match &reason.grantor {
        Grantor::Nobody => "nobody can grant it".to_owned(),
        Grantor::Teams(teams) => format!("{} can grant it", people_of(estate, teams, now)),
    }
}

/// The problem document for a refused order.
pub(crate) fn of_order(
    settings: &Settings,
    live: &Live,
    names: &[SanName],
    verdict: &Verdict,
    change: Option<&ChangeId>,
    now: Time,
) -> Problem {
    let mut detail: Vec<String> = verdict
        .reasons()
        .iter()
        .take(REASONS_TOLD)
        .map(|reason| sentence(live.estate(), reason, now))
        .collect();
    if detail.is_empty() {
        detail.push("no rule allows this order".to_owned());
    }
    let instance = change.map(|id| settings.page(&format!("changes/{id}")));
    let kind = if let Some(page) = &instance {
        detail.push(format!("Approve it at {page} and run the client again"));
        ProblemKind::UserActionRequired
    } else {
        ProblemKind::RejectedIdentifier
    };
    let subproblems =
        if names.len() > 1 { per_name(live.estate(), verdict, now) } else { Vec::new() };
    Problem { kind, detail: detail.join(". "), instance, subproblems }
}

/// One refusal, where the rule is told beside it.
pub(crate) fn without_rule(estate: &Estate, reason: &Reason, now: Time) -> String {
    format!("{}; {}; {}", reason.fact, grantor(estate, reason, now), reason.remedy)
}

/// One refusal as a sentence without a full stop.
pub(crate) fn sentence(estate: &Estate, reason: &Reason, now: Time) -> String {
    format!(
        "{} (rule {}); {}; {}",
        reason.fact,
        reason.rule,
        grantor(estate, reason, now),
        reason.remedy
    )
}

fn per_name(estate: &Estate, verdict: &Verdict, now: Time) -> Vec<(String, Problem)> {
    verdict
        .reasons()
        .iter()
        .filter_map(|reason| reason.name.as_ref().map(|name| (name, reason)))
        .map(|(name, reason)| {
            let problem = Problem {
                kind: ProblemKind::RejectedIdentifier,
                detail: sentence(estate, reason, now),
                instance: None,
                subproblems: Vec::new(),
            };
            (name.to_string(), problem)
        })
        .collect()
}

/// An approval that brings a change no nearer, with who could.
pub(super) fn counts_for_nothing(
    estate: &Estate,
    by: &SignedIn,
    missing: &[MissingApproval],
    now: Time,
) -> Fault {
    let teams = missing.iter().map(|one| one.team.clone()).collect();
    let people = people_of(estate, &teams, now);
    Fault::NotAllowed {
        rule: "approval-counts".to_owned(),
        message: format!("an approval by `{}` does not count here; it needs {people}", by.person),
    }
}
