//! Which events a command causes, if it is allowed now. Changes nothing.

use std::fmt;

use crate::actor::Actor;
use crate::names::PersonId;
use crate::time::Time;

use super::TRIES_MAX;
use super::approve::{self, Approval, ApprovedPlan, Basis, NotApproved};
use super::event::{Event, Prepared};
use super::joint::Lane;
use super::plan::{Plan, Precheck, Step, Undo};
use super::state::{Awaiting, Change, Executing, Next, Outcome, RollingBack};

/// What may be asked of a change.
#[derive(Clone, Debug)]
pub enum Command {
    /// Record the plan and what the checks saw. A failed check refuses the change.
    Validate {
        /// What will be done.
        plan: Plan,
        /// What was checked.
        prechecks: Vec<Precheck>,
        /// Until when it can be approved.
        expires_at: Time,
    },
    /// Say yes, and start where the policy says that this is enough.
    Approve {
        /// The person's yes; `None` where policy alone approves.
        approval: Option<Approval>,
        /// The decision that it is enough; `None` while more have to agree.
        basis: Option<Basis>,
    },
    /// Say no.
    Refuse {
        /// Who.
        by: Actor,
        /// Why.
        why: String,
    },
    /// Take it back.
    Withdraw {
        /// Who.
        by: Actor,
    },
    /// Let it lapse when its time is over.
    Expire,
    /// Record the intent to apply the step that [`Change::next`] names.
    Start {
        /// What was chosen for it.
        prepared: Prepared,
    },
    /// Record what is seen while the step in flight waits.
    See {
        /// Whether it is as it has to be.
        holds: bool,
        /// What each server or endpoint shows.
        lanes: Vec<Lane>,
    },
    /// Record the intent to undo the step that [`Change::next`] names.
    StartUndo,
    /// Say how what [`Change::next`] named went.
    Report {
        /// How it went.
        outcome: Outcome,
        /// Who finds out if Bailiwick cannot.
        assignee: PersonId,
    },
    /// Say how the world stands.
    Resolve {
        /// Who.
        by: Actor,
        /// Whether it is as after the change.
        carried_out: bool,
        /// What was found and done.
        note: String,
    },
}

/// Why a command was refused. The change is left as it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The command does not fit the state.
    WrongState {
        /// The state's name.
        state: &'static str,
    },
    /// Separation of duties.
    NotApproved(NotApproved),
    /// Whoever asked for a change, or stands behind who did, says how it stands.
    OwnChange {
        /// Who tried.
        by: PersonId,
        /// Whom it was handed to.
        whose: PersonId,
    },
    /// The time to approve is over.
    Expired {
        /// Since when.
        at: Time,
    },
    /// It is too early to let it lapse.
    NotExpired {
        /// Until when it can be approved.
        until: Time,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongState { state } => {
                write!(f, "the change is `{state}`, which does not allow this; show it again")
            }
            Self::NotApproved(why) => why.fmt(f),
            Self::OwnChange { by, whose } => write!(
                f,
                "`{by}` asked for this change or vouched for who did; let `{whose}` or somebody else independent say how it stands"
            ),
            Self::Expired { at } => {
                write!(f, "the change could be approved until {at}; request it again")
            }
            Self::NotExpired { until } => write!(f, "the change can be approved until {until}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Change {
    /// Which events the command causes, if it is allowed at `now`.
    ///
    /// # Errors
    /// [`Refusal`]; the change is as it was.
    pub fn decide(&self, command: Command, now: Time) -> Result<Vec<Event>, Refusal> {
        let wrong = Err(Refusal::WrongState { state: self.name() });
        match (self, command) {
            (Self::Requested(request), Command::Validate { plan, prechecks, expires_at }) => {
                Ok(vec![if prechecks.iter().all(|check| check.holds) {
                    Event::Validated { plan, prechecks, expires_at }
                } else {
                    let why = "a check made before approval does not hold".to_owned();
                    Event::Refused { by: request.by.clone(), why, prechecks }
                }])
            }
            (Self::Awaiting(at), Command::Approve { approval, basis }) => {
                at.approve(approval, basis, now)
            }
            (Self::Requested(_) | Self::Awaiting(_), Command::Refuse { by, why }) => {
                Ok(vec![Event::Refused { by, why, prechecks: Vec::new() }])
            }
            (Self::Requested(_) | Self::Awaiting(_), Command::Withdraw { by }) => {
                Ok(vec![Event::Withdrawn { by }])
            }
            (Self::Awaiting(at), Command::Expire) if now < at.expires_at => {
                Err(Refusal::NotExpired { until: at.expires_at })
            }
            (Self::Awaiting(_), Command::Expire) => Ok(vec![Event::Expired]),
            (Self::Executing(at), Command::Start { prepared }) if at.started.is_none() => {
                Ok(vec![Event::StepStarted { index: at.done.len(), prepared }])
            }
            (Self::Executing(at), Command::See { holds, lanes }) if at.started.is_some() => {
                Ok(vec![Event::StepSeen { index: at.done.len(), holds, lanes }])
            }
            (Self::RollingBack(at), Command::See { holds, lanes }) if at.started => {
                Ok(vec![Event::StepSeen { index: at.index(), holds, lanes }])
            }
            (Self::Executing(at), Command::Report { outcome, .. }) if at.started.is_some() => {
                Ok(vec![at.report(outcome)])
            }
            (Self::Verifying(at), Command::Report { outcome, .. }) => {
                Ok(vec![at.verified(outcome)])
            }
            (Self::RollingBack(at), Command::StartUndo) if !at.started => {
                Ok(vec![Event::UndoStarted { index: at.index() }])
            }
            (Self::RollingBack(at), Command::Report { outcome, assignee }) if at.started => {
                Ok(at.report(outcome, assignee))
            }
            // What was found out meanwhile counts only once it is undone; all else is the person's.
            (Self::WithPerson(at), Command::Report { outcome: Outcome::Done(receipt), .. })
                if matches!(self.next(), Next::LookAgain { .. }) =>
            {
                Ok(vec![Event::UndoDone { index: at.index, receipt }])
            }
            (Self::WithPerson(at), Command::Resolve { by, carried_out, note }) => {
                match by.signed_in() {
                    // Whoever wanted it does not say alone that it came out well.
                    Some(one) if at.request.by.shares_somebody_with(one) => {
                        Err(Refusal::OwnChange { by: one.person.clone(), whose: at.person.clone() })
                    }
                    Some(_) | None => Ok(vec![Event::Resolved { by, carried_out, note }]),
                }
            }
            _ => wrong,
        }
    }
}

impl Awaiting {
    fn approve(
        &self,
        approval: Option<Approval>,
        basis: Option<Basis>,
        now: Time,
    ) -> Result<Vec<Event>, Refusal> {
        if now >= self.expires_at {
            return Err(Refusal::Expired { at: self.expires_at });
        }
        let mut all = self.counting(now);
        if let Some(one) = &approval {
            self.counts(one, &all, now).map_err(Refusal::NotApproved)?;
            all.push(one.clone());
        }
        let mut events: Vec<Event> = approval.into_iter().map(Event::ApprovalGiven).collect();
        if let Some(basis) = basis {
            ApprovedPlan::new(&self.plan, &self.request.by, &all, &basis, now)
                .map_err(Refusal::NotApproved)?;
            events.push(Event::Approved(basis));
        }
        Ok(events)
    }

    /// The approvals that still count at `now`: those that expired meanwhile do not, and whoever
    /// gave one can give it again.
    pub(super) fn counting(&self, now: Time) -> Vec<Approval> {
        self.approvals.iter().filter(|one| now < one.expires_at).cloned().collect()
    }

    /// Whether `one` counts at `now` beside those that already do.
    pub(super) fn counts(
        &self,
        one: &Approval,
        others: &[Approval],
        now: Time,
    ) -> Result<(), NotApproved> {
        approve::check(one, self.plan.digest(), &self.request.by, now)?;
        if others.iter().any(|other| other.by.shares_somebody_with(&one.by)) {
            return Err(NotApproved::CountedTwice { by: one.by.person.clone() });
        }
        Ok(())
    }
}

impl Executing {
    fn report(&self, outcome: Outcome) -> Event {
        let index = self.done.len();
        let unknown = self.started.as_ref().map_or(0, |started| started.unknown);
        match outcome {
            Outcome::Done(receipt) => Event::StepDone { index, receipt },
            Outcome::Failed(why) => Event::StepFailed { index, why },
            Outcome::Unknown(why) if unknown.saturating_add(1) < TRIES_MAX => {
                Event::StepUnknown { index, why }
            }
            Outcome::Unknown(why) => {
                Event::StepFailed { index, why: format!("{why}; tried {TRIES_MAX} times") }
            }
        }
    }

    fn verified(&self, outcome: Outcome) -> Event {
        match outcome {
            Outcome::Done(_) => Event::Verified,
            Outcome::Failed(why) => Event::VerifyFailed { why },
            Outcome::Unknown(why) if self.verify_unknown.saturating_add(1) < TRIES_MAX => {
                Event::VerifyUnknown { why }
            }
            Outcome::Unknown(why) => {
                Event::VerifyFailed { why: format!("{why}; looked {TRIES_MAX} times") }
            }
        }
    }
}

impl RollingBack {
    const fn index(&self) -> usize {
        self.left.len().saturating_sub(1)
    }

    /// How often the undo is tried: what only a person could take back is looked at once.
    pub(super) fn tries_max(&self) -> u32 {
        let step = self.plan.steps().get(self.index());
        if step.map(Step::undo) == Some(Undo::AskPerson) { 1 } else { TRIES_MAX }
    }

    fn report(&self, outcome: Outcome, person: PersonId) -> Vec<Event> {
        let index = self.index();
        match outcome {
            Outcome::Done(receipt) => vec![Event::UndoDone { index, receipt }],
            Outcome::Failed(why) | Outcome::Unknown(why) => {
                let mut events = vec![Event::UndoNotDone { index, why: why.clone() }];
                if self.tries.saturating_add(1) >= self.tries_max() {
                    events.push(Event::HandedOver { index, person, why });
                }
                events
            }
        }
    }
}
