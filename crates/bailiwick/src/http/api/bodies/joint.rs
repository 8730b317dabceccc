//! Changes that bind records and certificates, as the API takes and gives them.

use bailiwick_core::change::planner::Timeline;
use bailiwick_core::change::{Event, Lane, Plan, Precheck};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::{PrecheckBody, StepBody, precheck, step};
use crate::app::{Proposal, Wish};

/// What is wanted.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntentBody {
    /// The file that says it, TOML.
    pub intent: String,
    /// Why; not needed where it is only planned.
    #[serde(default)]
    pub reason: String,
    /// A certificate request (PKCS #10, PEM) where the key is not to be made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<String>,
}

impl IntentBody {
    pub(crate) fn wish(&self) -> Wish<'_> {
        Wish { file: &self.intent, csr: self.csr.as_deref() }
    }
}

/// When a step can be over, in seconds after the start.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct MomentBody {
    /// At the earliest.
    pub earliest_seconds: u64,
    /// At the latest, or the change turns back.
    pub latest_seconds: u64,
    /// Turning back from here takes so long at the latest.
    pub back_seconds: u64,
}

/// The moments of each step of a plan that edits records; none for others.
pub(crate) fn timeline(plan: &Plan) -> Vec<MomentBody> {
    if !plan.steps().iter().any(bailiwick_core::change::Step::is_joint) {
        return Vec::new();
    }
    let moments = Timeline::of(plan).moments;
    moments
        .into_iter()
        .map(|moment| MomentBody {
            earliest_seconds: moment.earliest_seconds,
            latest_seconds: moment.latest_seconds,
            back_seconds: moment.back_seconds,
        })
        .collect()
}

/// A plan that nobody asked for yet.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ProposalBody {
    /// Whether every check holds, so that it can be asked for.
    pub can_be_requested: bool,
    /// The steps, in order.
    pub steps: Vec<StepBody>,
    /// When each can be over.
    pub timeline: Vec<MomentBody>,
    /// The first step (counted from 1) that cannot be taken back by Bailiwick.
    pub point_of_no_return: Option<usize>,
    /// What was checked.
    pub prechecks: Vec<PrecheckBody>,
}

impl ProposalBody {
    pub(crate) fn of(proposal: &Proposal) -> Self {
        let Proposal { plan, prechecks, .. } = proposal;
        Self {
            can_be_requested: prechecks.iter().all(|check: &Precheck| check.holds),
            steps: plan.steps().iter().map(step).collect(),
            timeline: timeline(plan),
            point_of_no_return: plan.point_of_no_return().map(|index| index.saturating_add(1)),
            prechecks: prechecks.iter().map(precheck).collect(),
        }
    }
}

/// What one server or endpoint showed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct LaneBody {
    /// Who.
    pub who: String,
    /// Whether it showed what it had to.
    pub shows: bool,
    /// What it showed.
    pub saw: String,
}

/// What was seen at one moment while a step waited.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct LanesBody {
    /// Which step, counted from 1.
    pub step: usize,
    /// Whether the step was being undone.
    pub back: bool,
    /// When.
    pub at: String,
    /// The leaf of the ledger.
    pub ledger_index: u64,
    /// Whether it was as it had to be.
    pub holds: bool,
    /// Who showed what.
    pub lanes: Vec<LaneBody>,
}

/// Everything that was seen while steps waited.
pub(crate) fn lanes(history: &[bailiwick_store::StoredEvent]) -> Vec<LanesBody> {
    let mut back = false;
    let mut all = Vec::new();
    for stored in history {
        back |= matches!(stored.event, Event::UndoStarted { .. });
        if let Event::StepSeen { index, holds, lanes } = &stored.event {
            all.push(LanesBody {
                step: index.saturating_add(1),
                back,
                at: stored.at.to_string(),
                ledger_index: stored.index.get(),
                holds: *holds,
                lanes: lanes.iter().map(lane).collect(),
            });
        }
    }
    all
}

fn lane(lane: &Lane) -> LaneBody {
    LaneBody { who: lane.who.clone(), shows: lane.shows, saw: lane.saw.clone() }
}
