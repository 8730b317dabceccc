//! Just before its first effect a change is looked at once more: whoever asked, the policy, freezes, the
//! delegation and what is there now are as they were when it was approved, or nothing is done (TRW-2). What is
//! issued after other steps is looked at again in its own moment.

use std::collections::BTreeSet;

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{
    Awaiting, Change, Executing, IssueCertificate, PublishRecords, Request, Standing, Step,
};
use bailiwick_core::estate::{DelegationSeen, ZoneKey};
use bailiwick_core::names::SanName;
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::records::{OwnerName, RecordType};
use bailiwick_core::time::Time;

use super::refusal::{deciding_rule, without_rule};
use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// What a last look at a step says.
#[derive(Debug)]
pub(crate) enum LastLook {
    /// It may begin.
    Fine,
    /// It must not begin any more; why.
    Never(String),
    /// Whether it may is not known; why. It is looked at again, and nothing is done until then.
    NotYet(String),
}

impl App {
    /// Whether a step of an approved change may still begin: asked before the first, and before each that
    /// issues. Orders of ACME clients are judged in the moment of their finalize, and what Bailiwick asks
    /// for itself (a rehearsal on its stage) has no approver.
    pub(crate) async fn last_look(
        &self,
        change: &Change,
        (index, step): (usize, &Step),
    ) -> Result<LastLook, Fault> {
        let Change::Executing(at) = change else { return Ok(LastLook::Fine) };
        let is_order =
            |step: &Step| matches!(step, Step::IssueCertificate(issue) if issue.order.is_some());
        let is_ours = matches!(at.request.by, Actor::Component(_));
        let now_issues = issues(std::slice::from_ref(step));
        if is_ours || at.plan.steps().iter().any(is_order) || (index > 0 && now_issues.is_empty()) {
            return Ok(LastLook::Fine);
        }
        // Another server may have put another estate in force.
        self.refresh_live().await?;
        let (live, now) = (self.live.get(), self.now());
        if index > 0 {
            return Ok(self.may_issue(&live, &now_issues, now));
        }
        if let Some(why) = self.requester_gone(&live, &at.request, now).await? {
            return Ok(LastLook::Never(why));
        }
        if let Some(why) = self.judged_again(&live, at, now).await? {
            return Ok(LastLook::Never(why));
        }
        if let Some(why) = frozen(&live, at, now) {
            return Ok(LastLook::Never(why));
        }
        match self.may_issue(&live, &issues(at.plan.steps()), now) {
            LastLook::Fine => Ok(match self.drifted(&live, at).await {
                Some(why) => LastLook::Never(why),
                None => LastLook::Fine,
            }),
            no @ (LastLook::Never(_) | LastLook::NotYet(_)) => Ok(no),
        }
    }

    /// Whether certificates may still be issued: nobody else may hold the zones, and no rule of issuing may
    /// forbid it by now.
    fn may_issue(&self, live: &Live, wanted: &[&IssueCertificate], now: Time) -> LastLook {
        let delegations = delegations(live, wanted);
        if !matches!(delegations, LastLook::Fine) {
            return delegations;
        }
        let mut against = wanted.iter().filter_map(|one| self.no_longer_issuable(live, one, now));
        against.next().map_or(LastLook::Fine, LastLook::Never)
    }

    /// Whoever asked left, or left the team that could ask.
    async fn requester_gone(
        &self,
        live: &Live,
        request: &Request,
        now: Time,
    ) -> Result<Option<String>, Fault> {
        let Actor::Person(by) = &request.by else { return Ok(None) };
        let person = &by.person;
        if !live.estate().works_here(person, now) {
            return Ok(Some(format!(
                "`{person}`, who asked for it, does not work here any more; let somebody else ask again (rule `requester-still-may`)"
            )));
        }
        let asking = Asking { by: by.clone(), session: None, token: None };
        let asked = match &request.service {
            Some(id) => Scope::Service(ResourceKind::Service, id.to_string(), id.clone()),
            None => Scope::Estate,
        };
        let change = Scope::Change(request.id.clone(), request.service.clone());
        let may = self.may(&asking, Access::Request, &asked)
            || self.may(&asking, Access::Approve, &change)
            || self.store.emergency(&request.id).await?.is_some();
        Ok((!may).then(|| {
            format!(
                "`{person}`, who asked for it, could not ask for it any more; let somebody who still answers for it ask again (rule `requester-still-may`)"
            )
        }))
    }

    async fn judged_again(
        &self,
        live: &Live,
        at: &Executing,
        now: Time,
    ) -> Result<Option<String>, Fault> {
        let waiting = Awaiting {
            request: at.request.clone(),
            plan: at.plan.plan().clone(),
            prechecks: Vec::new(),
            expires_at: now,
            approvals: at.plan.approvals().to_vec(),
        };
        let verdict = self.judge_change(live, &waiting, &waiting.approvals, now).await?;
        if verdict.allows() {
            return Ok(None);
        }
        let said = verdict.reasons().first();
        let said = said.map(|reason| without_rule(live.estate(), reason, now));
        Ok(Some(format!(
            "the policy that allowed it does not any more: {} (rule `{}`); ask again",
            said.unwrap_or_default(),
            deciding_rule(&verdict)
        )))
    }

    /// What stands is neither as it was nor as it is to be. What cannot be read is the step's to wait for.
    async fn drifted(&self, live: &Live, at: &Executing) -> Option<String> {
        let mut seen: BTreeSet<(&ZoneKey, &OwnerName, RecordType)> = BTreeSet::new();
        for publish in publishes(at) {
            let Ok(zone) = self.sight(live, &publish.zone) else { continue };
            for (index, edit) in publish.edits.iter().enumerate() {
                // A later edit of the same set starts from what an earlier step makes of it.
                if !seen.insert((&publish.zone, edit.owner(), edit.kind())) {
                    continue;
                }
                let Ok(now) = zone.standing(edit.owner(), edit.kind()).await else { continue };
                if !matches!(Standing::of(edit, now.as_ref()), Standing::Before | Standing::After) {
                    return Some(crate::drive::differs(self, live, publish, index));
                }
            }
        }
        None
    }
}

fn publishes(at: &Executing) -> impl Iterator<Item = &PublishRecords> {
    at.plan.steps().iter().filter_map(|step| {
        if let Step::PublishRecords(publish) = step { Some(publish) } else { None }
    })
}

fn issues(steps: &[Step]) -> Vec<&IssueCertificate> {
    let issues = steps.iter().filter_map(|step| {
        if let Step::IssueCertificate(issue) = step { Some(issue) } else { None }
    });
    issues.collect()
}

/// A delegation that nobody decided, of a zone that something is issued in. One that nobody looks at is the
/// zone's own matter; what was seen and not read yet is waited for.
fn delegations(live: &Live, wanted: &[&IssueCertificate]) -> LastLook {
    let estate = live.estate();
    let issued: BTreeSet<ZoneKey> = wanted
        .iter()
        .flat_map(|issue| {
            let view = estate.services.get(&issue.service).and_then(|service| service.view);
            let places = issue.names.iter().map(SanName::place_in_dns);
            places.flat_map(move |place| {
                estate.zones_of(&place, view).into_iter().map(|(key, _)| key.clone())
            })
        })
        .collect();
    for key in &issued {
        match live.active.delegation(key) {
            Some(DelegationSeen::Unwatched | DelegationSeen::AsDecided) => {}
            Some(DelegationSeen::Changed(what)) => {
                return LastLook::Never(format!(
                    "the delegation of zone `{key}` is not as decided: {what}; nothing is issued in it until that is settled (rule `delegation-changed`)"
                ));
            }
            None => {
                return LastLook::NotYet(format!(
                    "it is not known yet how the delegation of zone `{key}` stands (rule `delegation-changed`)"
                ));
            }
        }
    }
    LastLook::Fine
}

/// A freeze that was declared meanwhile.
fn frozen(live: &Live, at: &Executing, now: Time) -> Option<String> {
    let estate = live.estate();
    let published: BTreeSet<ZoneKey> = publishes(at).map(|one| one.zone.clone()).collect();
    if published.is_empty() {
        return None;
    }
    let teams = at.request.by.signed_in().map(|by| estate.teams_of(&by.person));
    let may_break = |team| teams.as_ref().is_some_and(|teams| teams.contains(team));
    let mut holding = estate.organisation.freezes.iter();
    let (name, freeze) =
        holding.find(|(_, it)| it.holds(now, &published) && !may_break(&it.may_break))?;
    Some(format!(
        "freeze `{name}` was declared meanwhile and holds until {}: {}; `{}` may break it (rule `freeze`)",
        freeze.until, freeze.reason, freeze.may_break
    ))
}
