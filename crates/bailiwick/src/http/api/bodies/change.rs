//! Changes as the API gives them.

use bailiwick_core::change::{Awaiting, Change, Next, Plan, Precheck, Step, Undo};
use bailiwick_core::record::ChangeRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::joint::{LanesBody, MomentBody, lanes, timeline};
use crate::app::{ChangeView, Rehearsal};
use crate::http::api::changes::{describe, says};

/// A change in a list.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ChangeLine {
    /// Its id.
    pub id: String,
    /// One line that says what it is.
    pub title: String,
    /// The kind of its first step.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// Who asked.
    pub by: String,
    /// The service it is about.
    pub service: Option<String>,
    /// When it was asked for.
    pub at: String,
    /// When it last moved.
    pub updated_at: String,
    /// Until when it can be approved.
    pub expires_at: Option<String>,
}

impl ChangeLine {
    pub(crate) fn of(row: &ChangeRow) -> Self {
        Self {
            id: row.request.id.to_string(),
            title: row.request.title.clone(),
            kind: row.kind.clone(),
            state: row.state.clone(),
            by: row.request.by.to_string(),
            service: row.request.service.as_ref().map(ToString::to_string),
            at: row.request.at.to_string(),
            updated_at: row.updated_at.to_string(),
            expires_at: row.expires_at.map(|at| at.to_string()),
        }
    }
}

/// One step of a plan.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct StepBody {
    /// Its kind.
    pub kind: String,
    /// What it does, in one line.
    pub does: String,
    /// How it is undone: `restore`, `compensate`, `ask-person`, or `nothing` where it alters nothing.
    pub undo: String,
    /// Every bound field, as label and text.
    pub fields: Vec<(String, String)>,
}

/// One check made before anybody was asked.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PrecheckBody {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub saw: String,
    /// Whose it is to mend, where it does not hold.
    #[serde(default)]
    pub assignee: Option<String>,
}

/// One event of a change.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EventBody {
    /// Its kind.
    pub kind: String,
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// The leaf of the ledger.
    pub ledger_index: u64,
    /// What it says, where it says more than its kind.
    pub says: String,
}

/// A change as a whole.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// As in lists.
    #[serde(flatten)]
    pub line: ChangeLine,
    /// Why, in the requester's words.
    pub reason: String,
    /// The zones whose rules it falls under.
    pub zones: Vec<String>,
    /// The digest to approve; absent while there is no plan or nothing to approve.
    pub plan_digest: Option<String>,
    /// The steps, in order.
    pub steps: Vec<StepBody>,
    /// The first step (counted from 1) that cannot be taken back by Bailiwick.
    pub point_of_no_return: Option<usize>,
    /// What was checked.
    pub prechecks: Vec<PrecheckBody>,
    /// Who approved so far.
    pub approved_by: Vec<String>,
    /// When each step can be over, in a plan that edits records.
    #[serde(default)]
    pub timeline: Vec<MomentBody>,
    /// What was seen while steps waited, server by server.
    #[serde(default)]
    pub lanes: Vec<LanesBody>,
    /// Whose approval is missing, as the policy says now.
    pub missing: Vec<String>,
    /// Why it ended as it did, or with whom it is.
    pub outcome: Option<String>,
    /// What came of the newest rehearsal, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
    /// Its events.
    pub events: Vec<EventBody>,
}

impl ChangeBody {
    pub(crate) fn of(view: &ChangeView, row: &ChangeRow, missing: Vec<String>) -> Self {
        let change = &view.loaded.change;
        let request = change.request();
        let plan = plan_of(change, view);
        let approvals = match change {
            Change::Awaiting(Awaiting { approvals, .. }) => approvals.clone(),
            Change::Requested(_)
            | Change::Executing(_)
            | Change::Verifying(_)
            | Change::RollingBack(_)
            | Change::WithPerson(_)
            | Change::Closed { .. }
            | Change::RolledBack { .. }
            | Change::Refused { .. }
            | Change::Withdrawn { .. }
            | Change::Expired { .. } => {
                change.approved().map(|plan| plan.approvals().to_vec()).unwrap_or_default()
            }
        };
        Self {
            line: ChangeLine::of(row),
            reason: request.reason.clone(),
            zones: request.zones.iter().map(ToString::to_string).collect(),
            plan_digest: plan.as_ref().map(|plan| plan.digest().to_string()),
            steps: plan.iter().flat_map(|plan| plan.steps()).map(step).collect(),
            point_of_no_return: plan
                .as_ref()
                .and_then(Plan::point_of_no_return)
                .map(|index| index.saturating_add(1)),
            prechecks: checks(view).iter().map(precheck).collect(),
            approved_by: approvals.iter().map(|one| one.by.person.to_string()).collect(),
            timeline: plan.as_ref().map(timeline).unwrap_or_default(),
            lanes: lanes(&view.history),
            missing,
            outcome: outcome(change),
            rehearsal: view.rehearsal.clone(),
            events: view.history.iter().map(event).collect(),
        }
    }
}

/// The plan, wherever the change stands.
#[expect(clippy::wildcard_enum_match_arm, reason = "one event carries the plan")]
fn plan_of(change: &Change, view: &ChangeView) -> Option<Plan> {
    let validated = view.history.iter().find_map(|stored| match &stored.event {
        bailiwick_core::change::Event::Validated { plan, .. } => Some(plan.clone()),
        _ => None,
    });
    change.approved().map(|approved| approved.plan().clone()).or(validated)
}

/// The checks, wherever the change stands: they are in its history.
#[expect(clippy::wildcard_enum_match_arm, reason = "two events carry checks")]
fn checks(view: &ChangeView) -> Vec<Precheck> {
    let found = view.history.iter().find_map(|stored| match &stored.event {
        bailiwick_core::change::Event::Validated { prechecks, .. }
        | bailiwick_core::change::Event::Refused { prechecks, .. } => Some(prechecks.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn outcome(change: &Change) -> Option<String> {
    match change {
        Change::WithPerson(with) => {
            let again = if matches!(change.next(), Next::LookAgain { .. }) {
                "; meanwhile the CA is asked every five minutes, and what it issued is revoked when it shows"
            } else {
                ""
            };
            Some(format!("{} has to find out how this stands: {}{again}", with.person, with.why))
        }
        Change::RolledBack { why, .. } => Some(format!("rolled back: {why}")),
        Change::RollingBack(back) => Some(format!("turning back: {}", back.why)),
        Change::Refused { by, why, .. } => Some(format!("refused by {by}: {why}")),
        Change::Withdrawn { .. } => Some("taken back by whoever asked".to_owned()),
        Change::Expired { .. } => Some("nobody decided in time".to_owned()),
        Change::Closed { .. } => Some("done and verified".to_owned()),
        Change::Requested(_)
        | Change::Awaiting(_)
        | Change::Executing(_)
        | Change::Verifying(_) => None,
    }
}

pub(super) fn precheck(check: &Precheck) -> PrecheckBody {
    PrecheckBody {
        name: check.name.clone(),
        holds: check.holds,
        saw: check.saw.clone(),
        assignee: check.assignee.as_ref().map(ToString::to_string),
    }
}

fn event(stored: &bailiwick_store::StoredEvent) -> EventBody {
    EventBody {
        kind: stored.event.kind().to_owned(),
        at: stored.at.to_string(),
        by: stored.by.to_string(),
        ledger_index: stored.index.get(),
        says: says(&stored.event),
    }
}

/// A step with every field that an approval binds.
pub(super) fn step(step: &Step) -> StepBody {
    let undo = match step.undo() {
        Undo::Restore => "restore",
        Undo::Compensate => "compensate",
        Undo::AskPerson => "ask-person",
        Undo::Nothing => "nothing",
    };
    let (does, fields) = describe(step);
    StepBody {
        kind: step.kind().to_owned(),
        does,
        undo: undo.to_owned(),
        fields: fields.into_iter().map(|(label, text)| (label.to_owned(), text)).collect(),
    }
}

/// Approve exactly this plan.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approve {
    /// The digest of the plan that you saw.
    pub plan_digest: String,
    /// What you want to be remembered with it.
    #[serde(default)]
    pub comment: String,
}

/// Say why.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    /// Why.
    pub reason: String,
}

/// Say how a change stands that Bailiwick could not settle.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    /// Whether the world is as after the change (`true`) or as before it.
    pub carried_out: bool,
    /// What you found and did.
    pub note: String,
}
