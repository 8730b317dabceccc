//! Where a change stands. Each state carries only what is true in it.

use crate::actor::Actor;
use crate::names::PersonId;
use crate::time::Time;

use super::approve::{Approval, ApprovedPlan};
use super::event::{Prepared, Receipt, Request};
use super::plan::{Plan, Precheck, Step};

/// Which way a step is carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// It is applied.
    Forward,
    /// It is undone.
    Back,
}

/// How an effect went. `Unknown` is not `Failed`: a lost reply may hide a success.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Done, and the reply says so.
    Done(Receipt),
    /// Not done, and the reply says so.
    Failed(String),
    /// Nobody knows.
    Unknown(String),
}

/// A step whose effect may have begun.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Started {
    /// What was chosen for it.
    pub prepared: Prepared,
    /// How often its result stayed unknown.
    pub unknown: u32,
}

/// A step that was touched: what was chosen, and what it left where that is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Touched {
    /// What was chosen.
    pub prepared: Prepared,
    /// What it left; `None` where nobody knows.
    pub receipt: Option<Receipt>,
}

/// Checked, and waiting for a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Awaiting {
    /// What was asked for.
    pub request: Request,
    /// What will be done.
    pub plan: Plan,
    /// What was checked.
    pub prechecks: Vec<Precheck>,
    /// Until when it can be approved.
    pub expires_at: Time,
    /// Who said yes so far.
    pub approvals: Vec<Approval>,
}

/// Approved; steps are being applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Executing {
    /// What was asked for.
    pub request: Request,
    /// What was approved.
    pub plan: ApprovedPlan,
    /// The steps applied so far.
    pub done: Vec<Touched>,
    /// The step in flight.
    pub started: Option<Started>,
    /// How often the verification could not be made.
    pub verify_unknown: u32,
}

/// Steps are being undone, the last touched first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RollingBack {
    /// What was asked for.
    pub request: Request,
    /// What was approved.
    pub plan: ApprovedPlan,
    /// Why it turned back.
    pub why: String,
    /// The steps still to be undone.
    pub left: Vec<Touched>,
    /// Whether the intent to undo the last of them is durable.
    pub started: bool,
    /// How often that undo did not work.
    pub tries: u32,
}

/// Bailiwick cannot go on by itself: a named person finds out how the world stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WithPerson {
    /// What was asked for.
    pub request: Request,
    /// What was approved.
    pub plan: ApprovedPlan,
    /// At which step.
    pub index: usize,
    /// What was chosen for that step, and what is known of it.
    pub touched: Touched,
    /// The steps before it, still to be undone if the person says that this one is.
    pub left: Vec<Touched>,
    /// Who.
    pub person: PersonId,
    /// What is known.
    pub why: String,
}

/// A change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Asked for; nothing has been checked yet.
    Requested(Request),
    /// Checked; waits for a decision.
    Awaiting(Awaiting),
    /// Steps are being applied.
    Executing(Executing),
    /// All steps are applied; the world is being compared with the intent.
    Verifying(Executing),
    /// Steps are being undone.
    RollingBack(RollingBack),
    /// A person has to decide.
    WithPerson(WithPerson),
    /// Done and verified.
    Closed {
        /// What was asked for.
        request: Request,
        /// What was approved.
        plan: ApprovedPlan,
        /// What the steps left.
        done: Vec<Touched>,
    },
    /// Undone; the world is as it was before.
    RolledBack {
        /// What was asked for.
        request: Request,
        /// Why.
        why: String,
    },
    /// Nothing was done, and nothing will be.
    Refused {
        /// What was asked for.
        request: Request,
        /// Who said so.
        by: Actor,
        /// Why.
        why: String,
    },
    /// Taken back by whoever asked.
    Withdrawn {
        /// What was asked for.
        request: Request,
    },
    /// Nobody decided in time.
    Expired {
        /// What was asked for.
        request: Request,
    },
}

/// What the driver has to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next<'a> {
    /// Make the checks and the plan.
    Validate,
    /// Wait for people.
    AwaitApproval,
    /// Choose what has to be chosen for this step and record the intent.
    Start {
        /// Which step.
        index: usize,
        /// The step.
        step: &'a Step,
    },
    /// Apply this step. Applying twice must be the same as applying once.
    Apply {
        /// Which step.
        index: usize,
        /// The step.
        step: &'a Step,
        /// What was chosen for it.
        prepared: &'a Prepared,
    },
    /// Record the intent to undo this step.
    StartUndo {
        /// Which step.
        index: usize,
        /// The step.
        step: &'a Step,
    },
    /// Undo this step. Undoing what was never applied must do nothing that is seen.
    Undo {
        /// Which step.
        index: usize,
        /// The step.
        step: &'a Step,
        /// What was chosen and what is known of it.
        touched: &'a Touched,
    },
    /// Compare the world with the plan.
    Verify {
        /// The plan.
        plan: &'a Plan,
        /// What its steps left.
        done: &'a [Touched],
    },
    /// Wait for the named person.
    AwaitPerson,
    /// Wait for the named person, and look now and then whether this step can be undone after all:
    /// what a CA issued and nobody got comes to light when the CA answers again (promise P3).
    LookAgain {
        /// Which step.
        index: usize,
        /// The step.
        step: &'a Step,
        /// What was chosen and what is known of it.
        touched: &'a Touched,
    },
    /// Nothing is left to do.
    Finished,
}

impl Change {
    /// What the driver has to do next.
    #[must_use]
    pub fn next(&self) -> Next<'_> {
        match self {
            Self::Requested(_) => Next::Validate,
            Self::Awaiting(_) => Next::AwaitApproval,
            Self::Executing(executing) => executing.next(),
            Self::Verifying(at) => Next::Verify { plan: at.plan.plan(), done: &at.done },
            Self::RollingBack(back) => back.next(),
            Self::WithPerson(with) => with.next(),
            Self::Closed { .. }
            | Self::RolledBack { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Expired { .. } => Next::Finished,
        }
    }

    /// What was asked for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        match self {
            Self::Requested(request)
            | Self::Closed { request, .. }
            | Self::RolledBack { request, .. }
            | Self::Refused { request, .. }
            | Self::Withdrawn { request }
            | Self::Expired { request } => request,
            Self::Awaiting(at) => &at.request,
            Self::Executing(at) | Self::Verifying(at) => &at.request,
            Self::RollingBack(at) => &at.request,
            Self::WithPerson(at) => &at.request,
        }
    }

    /// The approved plan, once there is one and as long as it matters.
    #[must_use]
    pub const fn approved(&self) -> Option<&ApprovedPlan> {
        match self {
            Self::Executing(at) | Self::Verifying(at) => Some(&at.plan),
            Self::RollingBack(at) => Some(&at.plan),
            Self::WithPerson(at) => Some(&at.plan),
            Self::Closed { plan, .. } => Some(plan),
            Self::Requested(_)
            | Self::Awaiting(_)
            | Self::RolledBack { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Expired { .. } => None,
        }
    }

    /// The names of all states, in the order a change can meet them.
    pub const NAMES: [&'static str; 11] = [
        "requested",
        "awaiting-approval",
        "executing",
        "verifying",
        "rolling-back",
        "unknown",
        "closed",
        "rolled-back",
        "refused",
        "withdrawn",
        "expired",
    ];

    /// The state's name, for people, lists and logs: one of [`Self::NAMES`].
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested(_) => "requested",
            Self::Awaiting(_) => "awaiting-approval",
            Self::Executing(_) => "executing",
            Self::Verifying(_) => "verifying",
            Self::RollingBack(_) => "rolling-back",
            Self::WithPerson(_) => "unknown",
            Self::Closed { .. } => "closed",
            Self::RolledBack { .. } => "rolled-back",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Expired { .. } => "expired",
        }
    }
}

impl Executing {
    fn next(&self) -> Next<'_> {
        let index = self.done.len();
        match (self.plan.steps().get(index), &self.started) {
            (Some(step), None) => Next::Start { index, step },
            (Some(step), Some(started)) => Next::Apply { index, step, prepared: &started.prepared },
            // Unreachable by `apply`: the last `StepDone` leads to `Verifying`.
            (None, _) => Next::Verify { plan: self.plan.plan(), done: &self.done },
        }
    }
}

impl WithPerson {
    fn next(&self) -> Next<'_> {
        match self.plan.steps().get(self.index) {
            Some(step) if step.is_looked_for() => {
                Next::LookAgain { index: self.index, step, touched: &self.touched }
            }
            Some(_) | None => Next::AwaitPerson,
        }
    }
}

impl RollingBack {
    fn next(&self) -> Next<'_> {
        let Some((touched, before)) = self.left.split_last() else { return Next::Finished };
        let index = before.len();
        match self.plan.steps().get(index) {
            Some(step) if self.started => Next::Undo { index, step, touched },
            Some(step) => Next::StartUndo { index, step },
            None => Next::Finished,
        }
    }
}
