//! Folding events into the state of a change. Has no effects.

use std::fmt;

use crate::time::Time;

use super::TRIES_MAX;
use super::approve::ApprovedPlan;
use super::event::Event;
use super::plan::{Precheck, Step, Undo};
use super::state::{Awaiting, Change, Executing, RollingBack, Started, Touched, WithPerson};

/// The stored events do not describe a possible change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DamagedHistory {
    /// The last state that could be rebuilt.
    pub state: &'static str,
    /// The event that cannot follow it.
    pub event: &'static str,
}

impl fmt::Display for DamagedHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the stored history is damaged: `{}` cannot follow `{}`; run `bailiwick ledger verify`",
            self.event, self.state
        )
    }
}

impl std::error::Error for DamagedHistory {}

impl Change {
    /// Rebuilds a change out of its stored events, the oldest first.
    ///
    /// # Errors
    /// [`DamagedHistory`] when they do not begin with a request or one cannot follow another.
    pub fn replay(events: impl IntoIterator<Item = (Event, Time)>) -> Result<Self, DamagedHistory> {
        let mut events = events.into_iter();
        let first = match events.next() {
            Some((Event::Requested(request), _)) => Self::Requested(*request),
            Some((other, _)) => {
                return Err(DamagedHistory { state: "nothing", event: other.kind() });
            }
            None => return Err(DamagedHistory { state: "nothing", event: "nothing" }),
        };
        events.try_fold(first, |change, (event, at)| change.apply(event, at))
    }

    /// Folds one event in that was stored at `at`.
    ///
    /// # Errors
    /// [`DamagedHistory`] for every event that [`Change::decide`] could not have given here.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other arms refuse, future events too")]
    pub fn apply(self, event: Event, at: Time) -> Result<Self, DamagedHistory> {
        let damaged = DamagedHistory { state: self.name(), event: event.kind() };
        let folded = match self {
            Self::Requested(request) => match event {
                Event::Validated { plan, prechecks, expires_at } if all_hold(&prechecks) => {
                    Some(Self::Awaiting(Awaiting {
                        request,
                        plan,
                        prechecks,
                        expires_at,
                        approvals: Vec::new(),
                    }))
                }
                Event::Refused { by, why, prechecks }
                    if prechecks.is_empty() || !all_hold(&prechecks) =>
                {
                    Some(Self::Refused { request, by, why })
                }
                Event::Withdrawn { .. } => Some(Self::Withdrawn { request }),
                _ => None,
            },
            Self::Awaiting(state) => state.apply(event, at),
            Self::Executing(state) => state.apply(event),
            Self::Verifying(state) => state.apply_verification(event),
            Self::RollingBack(state) => state.apply(event),
            Self::WithPerson(state) => match event {
                Event::Resolved { carried_out: true, .. } => Some(Self::Closed {
                    request: state.request,
                    plan: state.plan,
                    done: Vec::new(),
                }),
                // The person answers for this step; the steps before it are still ours to undo.
                Event::Resolved { carried_out: false, note, .. } => {
                    Some(turn_back(state.request, state.plan, state.left, note))
                }
                // It came to light by itself, and is undone.
                Event::UndoDone { index, .. }
                    if index == state.index
                        && state.plan.steps().get(index).is_some_and(Step::is_looked_for) =>
                {
                    Some(turn_back(state.request, state.plan, state.left, state.why))
                }
                _ => None,
            },
            Self::Closed { .. }
            | Self::RolledBack { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Expired { .. } => None,
        };
        folded.ok_or(damaged)
    }
}

impl Awaiting {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other arm refuses, future events too")]
    fn apply(mut self, event: Event, at: Time) -> Option<Change> {
        match event {
            Event::ApprovalGiven(approval) if at < self.expires_at => {
                self.approvals = self.counting(at);
                self.counts(&approval, &self.approvals, at).ok()?;
                self.approvals.push(approval);
                Some(Change::Awaiting(self))
            }
            Event::Approved(basis) if at < self.expires_at => {
                self.approvals = self.counting(at);
                let plan =
                    ApprovedPlan::new(&self.plan, &self.request.by, &self.approvals, &basis, at)
                        .ok()?;
                Some(Change::Executing(Executing {
                    request: self.request,
                    plan,
                    done: Vec::new(),
                    started: None,
                    verify_unknown: 0,
                }))
            }
            Event::Refused { by, why, prechecks } if prechecks.is_empty() => {
                Some(Change::Refused { request: self.request, by, why })
            }
            Event::Withdrawn { .. } => Some(Change::Withdrawn { request: self.request }),
            Event::Expired if at >= self.expires_at => {
                Some(Change::Expired { request: self.request })
            }
            _ => None,
        }
    }
}

impl Executing {
    fn apply(mut self, event: Event) -> Option<Change> {
        let here = self.done.len();
        match (event, self.started.take()) {
            (Event::StepStarted { index, prepared }, None) if index == here => {
                self.started = Some(Started { prepared, unknown: 0 });
                Some(Change::Executing(self))
            }
            (Event::StepSeen { index, .. }, Some(started)) if index == here => {
                self.started = Some(started);
                Some(Change::Executing(self))
            }
            (Event::StepDone { index, receipt }, Some(started)) if index == here => {
                let receipt = Some(receipt);
                self.done.push(Touched { prepared: started.prepared, receipt });
                Some(if self.done.len() == self.plan.steps().len() {
                    Change::Verifying(self)
                } else {
                    Change::Executing(self)
                })
            }
            (Event::StepUnknown { index, .. }, Some(mut started))
                if index == here && started.unknown.saturating_add(1) < TRIES_MAX =>
            {
                started.unknown = started.unknown.saturating_add(1);
                self.started = Some(started);
                Some(Change::Executing(self))
            }
            (Event::StepFailed { index, why }, Some(started)) if index == here => {
                // A clean failure of a step that only a person could take back had no effect;
                // every other step in flight may have been applied, so it is undone too.
                let by_hand = self.plan.steps().get(here)?.undo() == Undo::AskPerson;
                let mut left = self.done;
                if !by_hand || started.unknown > 0 {
                    left.push(Touched { prepared: started.prepared, receipt: None });
                }
                Some(turn_back(self.request, self.plan, left, why))
            }
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other arm refuses, future events too")]
    fn apply_verification(mut self, event: Event) -> Option<Change> {
        match event {
            Event::Verified => {
                Some(Change::Closed { request: self.request, plan: self.plan, done: self.done })
            }
            Event::VerifyFailed { why } => Some(turn_back(self.request, self.plan, self.done, why)),
            Event::VerifyUnknown { .. } if self.verify_unknown.saturating_add(1) < TRIES_MAX => {
                self.verify_unknown = self.verify_unknown.saturating_add(1);
                Some(Change::Verifying(self))
            }
            _ => None,
        }
    }
}

fn all_hold(prechecks: &[Precheck]) -> bool {
    prechecks.iter().all(|check| check.holds)
}

fn turn_back(
    request: super::event::Request,
    plan: ApprovedPlan,
    left: Vec<Touched>,
    why: String,
) -> Change {
    if left.is_empty() {
        return Change::RolledBack { request, why };
    }
    Change::RollingBack(RollingBack { request, plan, why, left, started: false, tries: 0 })
}

impl RollingBack {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other arm refuses, future events too")]
    fn apply(mut self, event: Event) -> Option<Change> {
        let here = self.left.len().checked_sub(1)?;
        match event {
            Event::UndoStarted { index } if index == here && !self.started => {
                self.started = true;
                Some(Change::RollingBack(self))
            }
            Event::StepSeen { index, .. } if index == here && self.started => {
                Some(Change::RollingBack(self))
            }
            Event::UndoDone { index, .. } if index == here && self.started => {
                self.left.pop();
                Some(turn_back(self.request, self.plan, self.left, self.why))
            }
            Event::UndoNotDone { index, .. } if index == here && self.started => {
                self.tries = self.tries.saturating_add(1);
                Some(Change::RollingBack(self))
            }
            // It follows the last try that was not done, and is stored together with that.
            Event::HandedOver { index, person, why }
                if index == here && self.started && self.tries >= self.tries_max() =>
            {
                let touched = self.left.pop()?;
                Some(Change::WithPerson(WithPerson {
                    touched,
                    left: self.left,
                    request: self.request,
                    plan: self.plan,
                    index,
                    person,
                    why,
                }))
            }
            _ => None,
        }
    }
}
