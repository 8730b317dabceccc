//! When a plan's steps can happen: the earliest they are reached, the latest they are over, and how
//! long the way back takes. A function of the plan alone.

use crate::change::{Plan, Step};

/// What a step takes at most whose bound is no part of the plan, in seconds: one effect, tried
/// three times with a restart between.
const EFFECT_SECONDS: u64 = 60;
/// How long a CA is waited for at most, in seconds.
const ISSUE_SECONDS: u64 = 3_600;

/// When one step can happen, in seconds after the start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    /// It is over at this moment at the earliest.
    pub earliest_seconds: u64,
    /// It is over at this moment at the latest, or the change turns back.
    pub latest_seconds: u64,
    /// Turning back from here, everything is undone after so long at the latest.
    pub back_seconds: u64,
}

/// When the steps of a plan can happen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timeline {
    /// One moment for each step.
    pub moments: Vec<Moment>,
}

impl Timeline {
    /// The timeline of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let (mut earliest, mut latest, mut back) = (0_u64, 0_u64, 0_u64);
        let moments = plan.steps().iter().map(|step| {
            let (least, most) = takes(step);
            earliest = earliest.saturating_add(least);
            latest = latest.saturating_add(most);
            back = back.saturating_add(takes_back(step));
            Moment { earliest_seconds: earliest, latest_seconds: latest, back_seconds: back }
        });
        Self { moments: moments.collect() }
    }

    /// How long the longest way back takes, in seconds: the stated window of a rollback.
    #[must_use]
    pub fn rollback_seconds(&self) -> u64 {
        self.moments.last().map_or(0, |moment| moment.back_seconds)
    }
}

/// What applying a step takes: at least and at most.
fn takes(step: &Step) -> (u64, u64) {
    match step {
        Step::AwaitPropagation(wait) => {
            let hold = u64::from(wait.hold_seconds);
            (hold, hold.saturating_add(u64::from(wait.within_seconds)))
        }
        Step::VerifyServed(look) => (0, u64::from(look.within_seconds)),
        Step::RotateKey(rotate) => (0, u64::from(rotate.within_seconds)),
        Step::RetireKey(retire) => (0, u64::from(retire.within_seconds)),
        Step::IssueCertificate(_) => (0, ISSUE_SECONDS),
        Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_)
        | Step::PublishRecords(_)
        | Step::DeployCertificate(_) => (0, EFFECT_SECONDS),
    }
}

/// What undoing a step takes at most.
fn takes_back(step: &Step) -> u64 {
    match step {
        Step::PublishRecords(publish) => {
            let (hold, within) = (publish.undo_hold_seconds, publish.within_seconds);
            EFFECT_SECONDS.saturating_add(u64::from(hold)).saturating_add(u64::from(within))
        }
        Step::AwaitPropagation(_) | Step::VerifyServed(_) | Step::RetireKey(_) => 0,
        Step::IssueCertificate(_)
        | Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_)
        | Step::RotateKey(_)
        | Step::DeployCertificate(_) => EFFECT_SECONDS,
    }
}
