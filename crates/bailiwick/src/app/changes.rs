//! Changes as people meet them: ask, approve, refuse, take back, say how it stands.

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{
    Approval, ApprovedPlan, Awaiting, Basis, Change, Command, Plan, PlanDigest, Precheck, Request,
    Step,
};
use bailiwick_core::names::{ChangeId, Digest, PersonId, TeamId};
use bailiwick_core::policy::{Fact as PolicyFact, Facts, Verdict, judge};
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Notice};
use bailiwick_core::time::{DAY_MS, Time};

use super::decisions::{JUDGED_MAX, estate_moves};
use super::refusal::counts_for_nothing;
use super::words::{said, words};
use super::{App, Live, Loaded, News, facts};
use crate::drive::changes;
use crate::fault::Fault;

/// How long one person's approval counts. Long enough for a second approver in another time zone
/// after a week-end.
const APPROVAL_MS: i64 = 3 * DAY_MS;

/// A change with everything a person needs to decide about it.
pub(crate) struct ChangeView {
    /// The change.
    pub loaded: Loaded,
    /// Its events with their place in the ledger.
    pub history: Vec<bailiwick_store::StoredEvent>,
    /// What the policy says of it now, while it waits.
    pub verdict: Option<Verdict>,
    /// What came of its newest rehearsal, where there was one.
    pub rehearsal: Option<super::Rehearsal>,
}

impl App {
    /// Asks for a change: checks it, and carries it out at once where the policy needs nobody.
    pub(crate) async fn submit(
        &self,
        request: Request,
        plan: Plan,
        prechecks: Vec<Precheck>,
        batch: Batch,
    ) -> Result<Loaded, Fault> {
        for _ in 0..JUDGED_MAX {
            let asked = (request.clone(), plan.clone(), prechecks.clone());
            if let Some(loaded) = self.submit_once(asked, batch.clone()).await? {
                return self.go_on(loaded).await;
            }
        }
        Err(estate_moves())
    }

    /// `None` where another estate came into force while it was judged: nothing is stored.
    async fn submit_once(
        &self,
        (request, plan, prechecks): (Request, Plan, Vec<Precheck>),
        mut batch: Batch,
    ) -> Result<Option<Loaded>, Fault> {
        self.refresh_live().await?;
        let now = self.now();
        let live = self.live.get();
        let by = request.by.clone();
        let mut loaded =
            self.open_and_validate(&live, request, plan, prechecks, now, &mut batch)?;
        if let Change::Awaiting(waiting) = &loaded.change {
            let verdict = self.judge_change(&live, waiting, &waiting.approvals, now).await?;
            if verdict.allows() {
                let command = self.enough(&live, waiting, None, &verdict, now, &mut batch).await?;
                let events = loaded.change.decide(command, now).map_err(Fault::from)?;
                Self::add_events(&mut loaded, &mut batch, events, &by, now)?;
                batch.notices.clear();
            }
        }
        Ok(self.commit_decided(batch).await?.then_some(loaded))
    }

    /// One person's yes to exactly the plan that was shown.
    pub(crate) async fn approve(
        &self,
        by: &SignedIn,
        id: &ChangeId,
        shown: Digest,
        comment: &str,
    ) -> Result<Loaded, Fault> {
        let comment = words("comment", comment)?;
        for _ in 0..JUDGED_MAX {
            if let Some(loaded) = self.approve_once(by, id, shown, comment.clone()).await? {
                return self.go_on(loaded).await;
            }
        }
        Err(estate_moves())
    }

    /// `None` where another estate came into force while it was judged: nothing is stored.
    async fn approve_once(
        &self,
        by: &SignedIn,
        id: &ChangeId,
        shown: Digest,
        comment: String,
    ) -> Result<Option<Loaded>, Fault> {
        self.refresh_live().await?;
        let now = self.now();
        let live = self.live.get();
        let mut loaded = self.load_change(id).await?;
        let Change::Awaiting(waiting) = loaded.change.clone() else {
            return Err(Fault::conflict(format!(
                "change `{id}` is `{}` and waits for no approval; show it again",
                loaded.change.name()
            )));
        };
        let approval = Approval {
            by: by.clone(),
            teams: live.estate().teams_at(&by.person, now).into_iter().collect(),
            of: PlanDigest::claimed(shown),
            at: now,
            expires_at: now.plus_ms(APPROVAL_MS),
            comment,
        };
        // What holds whatever a policy says is checked first.
        let alone = Command::Approve { approval: Some(approval.clone()), basis: None };
        loaded.change.decide(alone.clone(), now).map_err(Fault::from)?;
        let (before, after) = self.with_and_without(&live, &waiting, &approval, now).await?;
        if !after.allows() && before.missing_approvals() == after.missing_approvals() {
            return Err(counts_for_nothing(live.estate(), by, after.missing_approvals(), now));
        }
        let mut batch = Batch::default();
        let command = if after.allows() {
            self.enough(&live, &waiting, Some(approval), &after, now, &mut batch).await?
        } else {
            alone
        };
        let actor = Actor::Person(by.clone());
        let events = loaded.change.decide(command, now).map_err(Fault::from)?;
        Self::add_events(&mut loaded, &mut batch, events, &actor, now)?;
        Ok(self.commit_decided(batch).await?.then_some(loaded))
    }

    async fn with_and_without(
        &self,
        live: &Live,
        waiting: &Awaiting,
        approval: &Approval,
        now: Time,
    ) -> Result<(Verdict, Verdict), Fault> {
        let counting = |one: &&Approval| now < one.expires_at;
        let mut all: Vec<Approval> = waiting.approvals.iter().filter(counting).cloned().collect();
        let before = self.judge_change(live, waiting, &all, now).await?;
        all.push(approval.clone());
        let after = self.judge_change(live, waiting, &all, now).await?;
        Ok((before, after))
    }

    /// The command that starts a change the policy finds sufficiently approved; the decision goes
    /// into the batch, and holds only while the estate is the one that it was made under.
    pub(crate) async fn enough(
        &self,
        live: &Live,
        waiting: &Awaiting,
        approval: Option<Approval>,
        verdict: &Verdict,
        now: Time,
        batch: &mut Batch,
    ) -> Result<Command, Fault> {
        let counting = |one: &&Approval| now < one.expires_at;
        let mut all: Vec<Approval> = waiting.approvals.iter().filter(counting).cloned().collect();
        all.extend(approval.clone());
        let needed = u32::try_from(all.len()).map_err(|_| Fault::bug("too many approvals"))?;
        let facts = self.change_facts(live, waiting, &all, now).await?;
        let decision = self.decision("approve", &facts, verdict, batch)?;
        batch.expects.push(Expect::EstateIs(live.digest));
        let basis = Basis {
            decision: decision.id.clone(),
            policy: decision.policy,
            of: waiting.plan.digest(),
            approvals_needed: needed,
        };
        let id = waiting.request.id.clone();
        batch.entries.push(Entry {
            at: now,
            by: approval
                .as_ref()
                .map_or_else(|| waiting.request.by.clone(), |one| Actor::Person(one.by.clone())),
            fact: Fact::Decided { decision: Box::new(decision), change: Some(id) },
        });
        Ok(Command::Approve { approval, basis: Some(basis) })
    }

    async fn change_facts(
        &self,
        live: &Live,
        waiting: &Awaiting,
        approvals: &[Approval],
        now: Time,
    ) -> Result<Facts, Fault> {
        let after = match super::estate::edited(&waiting.plan) {
            Some(digest) => Some(self.estate_of(digest).await?),
            None => None,
        };
        let request = &waiting.request;
        let mut facts = facts::change(live, request, &waiting.plan, after.as_ref(), approvals, now);
        if let Facts::Change(facts) = &mut facts {
            let emergency = self.store.emergency(&request.id).await?;
            facts.emergency = PolicyFact::Known(emergency.is_some());
        }
        Ok(facts)
    }

    /// What the policy says of a waiting change with these approvals.
    pub(crate) async fn judge_change(
        &self,
        live: &Live,
        waiting: &Awaiting,
        approvals: &[Approval],
        now: Time,
    ) -> Result<Verdict, Fault> {
        let facts = self.change_facts(live, waiting, approvals, now).await?;
        Ok(judge(&live.policy, &facts))
    }

    /// A person's no.
    pub(crate) async fn refuse(
        &self,
        by: &SignedIn,
        id: &ChangeId,
        why: &str,
    ) -> Result<Loaded, Fault> {
        let why = said("reason", why, "say why, so that the requester can mend it")?;
        let by = Actor::Person(by.clone());
        self.end_with(id, Command::Refuse { by: by.clone(), why }, by).await
    }

    /// The requester takes it back.
    pub(crate) async fn withdraw(&self, by: &SignedIn, id: &ChangeId) -> Result<Loaded, Fault> {
        let loaded = self.load_change(id).await?;
        if !loaded.change.request().by.shares_somebody_with(by) {
            return Err(Fault::NotAllowed {
                rule: "requester-withdraws".to_owned(),
                message: "only whoever requested a change takes it back; refuse it instead"
                    .to_owned(),
            });
        }
        let by = Actor::Person(by.clone());
        self.end_with(id, Command::Withdraw { by: by.clone() }, by).await
    }

    /// The person it was handed to says how the world stands.
    pub(crate) async fn resolve(
        &self,
        by: &SignedIn,
        id: &ChangeId,
        carried_out: bool,
        note: &str,
    ) -> Result<Loaded, Fault> {
        let note = said("note", note, "say what you found and what you did")?;
        let by = Actor::Person(by.clone());
        let loaded =
            self.end_with(id, Command::Resolve { by: by.clone(), carried_out, note }, by).await?;
        self.go_on(loaded).await
    }

    async fn end_with(&self, id: &ChangeId, command: Command, by: Actor) -> Result<Loaded, Fault> {
        let now = self.now();
        let mut loaded = self.load_change(id).await?;
        let events = loaded.change.decide(command, now).map_err(Fault::from)?;
        let mut batch = Batch::default();
        Self::add_events(&mut loaded, &mut batch, events, &by, now)?;
        self.notify(&loaded, &mut batch);
        self.commit(batch).await?;
        self.tell(News::Change(id.clone()));
        Ok(loaded)
    }

    /// Lets the driver carry on, and gives the change as it stands afterwards. What waits for other
    /// people's servers is carried out beside: nobody's request waits for them.
    pub(super) async fn go_on(&self, loaded: Loaded) -> Result<Loaded, Fault> {
        let id = loaded.id.clone();
        self.tell(News::Change(id.clone()));
        let plan = loaded.change.approved().map(ApprovedPlan::plan);
        if plan.is_some_and(|plan| plan.steps().iter().any(Step::is_joint)) {
            self.waiting.note(&id, self.now());
            return Ok(loaded);
        }
        match changes::drive(self, loaded).await {
            // Another driver was quicker: it goes on.
            Ok(_) | Err(Fault::Conflict { .. }) => self.load_change(&id).await,
            Err(fault) => Err(fault),
        }
    }

    /// A change with its history and, while it waits, what the policy says now.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the policy is asked while it waits")]
    pub(crate) async fn change_view(&self, id: &ChangeId) -> Result<ChangeView, Fault> {
        let loaded = self.load_change(id).await?;
        let history = self.store.change_events(id).await?;
        let verdict = match &loaded.change {
            Change::Awaiting(waiting) => {
                let live = self.live.get();
                let now = self.now();
                Some(self.judge_change(&live, waiting, &waiting.approvals, now).await?)
            }
            _ => None,
        };
        let rehearsal = self.rehearsal(&loaded).await?;
        Ok(ChangeView { loaded, history, verdict, rehearsal })
    }

    /// Lets changes lapse that nobody decided about in time.
    pub(crate) async fn expire_changes(&self) -> Result<(), Fault> {
        let now = self.now();
        for row in self.store.lapsed_changes(now).await? {
            let by = changes::DRIVER;
            match self.end_with(&row.request.id, Command::Expire, by).await {
                Ok(_) | Err(Fault::Conflict { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Notices to those who can approve a change that begins to wait.
    pub(crate) fn notices_for(&self, live: &Live, loaded: &Loaded, now: Time) -> Vec<Notice> {
        let Change::Awaiting(waiting) = &loaded.change else { return Vec::new() };
        if super::estate::edited(&waiting.plan).is_some() {
            // Who approves an estate edit depends on the estate it leads to; the control owner always can.
            let team = &live.estate().organisation.control_owner;
            return self.notice(live, team, loaded, now).into_iter().collect();
        }
        let facts = facts::change(live, &waiting.request, &waiting.plan, None, &[], now);
        let verdict = judge(&live.policy, &facts);
        let mut teams: Vec<&TeamId> = verdict.missing_approvals().iter().map(|m| &m.team).collect();
        teams.sort();
        teams.dedup();
        teams.into_iter().filter_map(|team| self.notice(live, team, loaded, now)).collect()
    }

    /// A notice to whoever of a team can act: the one on duty, or else the next who neither asked nor
    /// stands behind who did.
    fn notice(&self, live: &Live, team: &TeamId, loaded: &Loaded, now: Time) -> Option<Notice> {
        let estate = live.estate();
        let asked = &loaded.change.request().by;
        let on_duty = estate.person_on_duty(team, now).ok().map(|one| one.person().clone());
        let members = estate.members_of(team).into_iter().cloned();
        let can = |person: &PersonId| {
            let by = SignedIn::alone(person.clone()).standing_in(estate, now);
            estate.works_here(person, now) && !asked.shares_somebody_with(&by)
        };
        let to = on_duty.into_iter().chain(members).find(can)?;
        Some(Notice {
            to,
            subject: format!("decide about: {}", loaded.change.request().title),
            page: format!("changes/{}", loaded.id),
        })
    }

    /// Tells the requester how a change ended, and whoever it was handed to.
    pub(crate) fn notify(&self, loaded: &Loaded, batch: &mut Batch) {
        let title = &loaded.change.request().title;
        let page = format!("changes/{}", loaded.id);
        let (to, subject): (Option<PersonId>, String) =
            match &loaded.change {
                Change::WithPerson(with) => (
                    Some(with.person.clone()),
                    format!("find out how this stands and say so: {title}: {}", with.why),
                ),
                // An order that its client placed and that needed nobody is no news to a person: there are as many
                // as certificates.
                Change::Closed {
                    request: Request { by: Actor::Account { .. }, .. }, plan, ..
                } if plan.approvals().is_empty() => (None, String::new()),
                Change::Closed { request, .. } => (person(&request.by), format!("done: {title}")),
                Change::RolledBack { request, why } => {
                    (person(&request.by), format!("rolled back: {title}: {why}"))
                }
                Change::Refused { request, why, .. } => {
                    (person(&request.by), format!("refused: {title}: {why}"))
                }
                Change::Expired { request } => {
                    (person(&request.by), format!("nobody decided in time: {title}"))
                }
                Change::Requested(_)
                | Change::Awaiting(_)
                | Change::Executing(_)
                | Change::Verifying(_)
                | Change::RollingBack(_)
                | Change::Withdrawn { .. } => (None, String::new()),
            };
        batch.notices.extend(to.map(|to| Notice { to, subject, page }));
    }
}

fn person(by: &Actor) -> Option<PersonId> {
    match by {
        Actor::Person(signed_in) => Some(signed_in.person.clone()),
        Actor::Account { made_by, .. } => Some(made_by.clone()),
        Actor::Component(_) => None,
    }
}
