//! A change rehearsed: the whole plan and its way back, carried out by the same driver and the same effects on
//! a copy of its zones, with CAs of the rehearsal's own, in a ledger of its own that is thrown away. Nothing
//! real is written, signed or asked to serve anything; waiting is counted, not waited for.

mod copied;
mod shadow;
mod stage;

use std::sync::Arc;

use bailiwick_core::actor::Actor;
use bailiwick_core::change::planner::Timeline;
use bailiwick_core::change::{Change, Event, Plan, Request, Step, Undo};
use bailiwick_core::names::{ChangeId, Digest};
use bailiwick_core::policy::Access;
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::SECOND_MS;
use bailiwick_store::StoredEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::shadow::Shadow;
use self::stage::{Back, Stage};
use super::{App, Asking, Loaded, News, Scope};
use crate::drive::effects::Real;
use crate::fault::Fault;

/// The kind of evidence that a report is stored as.
const REPORT: &str = "rehearsal/v1";

/// What came of a rehearsal.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Rehearsal {
    /// Whether everything went as it has to: all the way there, and all the way back to exactly before.
    pub holds: bool,
    /// What came of it, in one line.
    pub says: String,
    /// When.
    pub at: String,
    /// Who let it be rehearsed.
    pub by: String,
    /// The digest of the plan that was rehearsed.
    pub plan: String,
    /// What each step did, in the order it happened.
    pub steps: Vec<RehearsedStep>,
    /// How long the way there takes with the real TTLs, at least, in seconds.
    pub there_seconds: i64,
    /// How long the way back from the end takes, at least, in seconds.
    pub back_seconds: i64,
    /// How long the way back takes at most, in seconds.
    pub back_seconds_max: u64,
    /// What the rehearsal could not show.
    pub notes: Vec<String>,
}

/// One step of a rehearsal.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct RehearsedStep {
    /// Which step of the plan, counted from 1.
    pub step: usize,
    /// Whether it was being undone.
    pub back: bool,
    /// Its kind.
    pub kind: String,
    /// Whether it was done.
    pub done: bool,
    /// What happened, in one line.
    pub says: String,
    /// How long it waits with the real TTLs, in seconds.
    pub waits_seconds: i64,
}

impl App {
    /// Rehearses a change that waits for approval, and keeps the result with it.
    pub(crate) async fn rehearse(
        &self,
        asking: &Asking,
        id: &ChangeId,
    ) -> Result<Rehearsal, Fault> {
        let loaded = self.load_change(id).await?;
        let service = loaded.change.request().service.clone();
        self.permit(asking, Access::Request, &Scope::Change(id.clone(), service))?;
        let Change::Awaiting(waiting) = &loaded.change else {
            return Err(Fault::conflict(format!(
                "change `{id}` is `{}`; only what waits for approval can be rehearsed",
                loaded.change.name()
            )));
        };
        let (plan, request) = (waiting.plan.clone(), waiting.request.clone());
        if !plan.steps().iter().any(Step::is_joint) {
            let why = "it edits no records, so there is no zone to rehearse it on";
            return Err(Fault::conflict(format!("change `{id}`: {why}")));
        }
        let folder = self.settings.data.join("rehearsals").join(id.as_str());
        let done = self.on_stage(asking, &plan, request, &folder).await;
        // Whatever lies there is nothing but a copy.
        if let Err(cause) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(change.id = %id, error = %cause, "what a rehearsal left could not be removed");
        }
        let rehearsal = done?;
        self.keep_rehearsal(asking, id, &plan, &rehearsal).await?;
        Ok(rehearsal)
    }

    async fn on_stage(
        &self,
        asking: &Asking,
        plan: &Plan,
        request: Request,
        folder: &std::path::Path,
    ) -> Result<Rehearsal, Fault> {
        let live = self.live.get();
        let (shadow, notes) = Shadow::of(self, &live, (plan, &asking.by)).await?;
        let shadow = Arc::new(shadow);
        let stage = Stage::open(self, &live, Arc::clone(&shadow), folder).await?;
        let there = stage.approved(self, plan, &request).await?;
        let ended = stage.drive(&Real::new(&stage.app), &there).await?;
        let went = stage.app.store.change_events(&there).await?;
        let mut steps = told(plan, &went, false);
        let mut says = of_the_way_there(&ended);
        let there_seconds = took(&went);
        let mut back_seconds = 0;
        if says.is_none() {
            shadow.reset().await?;
            let back = stage.approved(self, plan, &request).await?;
            let ended = stage.drive(&Back::new(&stage.app), &back).await?;
            let went = stage.app.store.change_events(&back).await?;
            steps.extend(told(plan, &went, true));
            back_seconds = took_back(&went);
            says = if let Change::RolledBack { .. } = ended {
                shadow.differs().await
            } else if let Change::WithPerson(with) = &ended {
                Some(format!("the way back ends with a person: {}", with.why))
            } else {
                Some(format!("the way back ends as `{}`", ended.name()))
            };
        }
        stage.close().await;
        let timeline = Timeline::of(plan);
        Ok(Rehearsal {
            holds: says.is_none(),
            says: says.unwrap_or_else(|| {
                "carried out to its end, and taken back from there to exactly before".to_owned()
            }),
            at: self.now().to_string(),
            by: asking.by.person.to_string(),
            plan: plan.digest().to_string(),
            steps,
            there_seconds,
            back_seconds,
            back_seconds_max: timeline.rollback_seconds(),
            notes,
        })
    }

    async fn keep_rehearsal(
        &self,
        asking: &Asking,
        id: &ChangeId,
        plan: &Plan,
        rehearsal: &Rehearsal,
    ) -> Result<(), Fault> {
        let octets =
            serde_json::to_vec(rehearsal).map_err(|cause| Fault::bug(cause.to_string()))?;
        let report = Digest::of(&octets);
        let entry = Entry {
            at: self.now(),
            by: Actor::Person(asking.by.clone()),
            fact: Fact::ChangeRehearsed {
                change: id.clone(),
                plan: *plan.digest().digest(),
                report,
                holds: rehearsal.holds,
            },
        };
        let work = vec![Work::PutEvidence { digest: report, kind: REPORT, octets }];
        self.commit(Batch { entries: vec![entry], work, ..Batch::default() }).await?;
        self.tell(News::Change(id.clone()));
        Ok(())
    }

    /// The newest rehearsal of a change.
    pub(crate) async fn rehearsal(&self, loaded: &Loaded) -> Result<Option<Rehearsal>, Fault> {
        let Some(report) = self.store.rehearsal(&loaded.id).await? else { return Ok(None) };
        let Some(evidence) = self.store.evidence(&report).await? else { return Ok(None) };
        let read = serde_json::from_slice(&evidence.octets);
        read.map(Some).map_err(|cause| Fault::Damaged {
            message: format!("the rehearsal of change `{}` cannot be read: {cause}", loaded.id),
        })
    }
}

/// Why the way there is not as it has to be.
fn of_the_way_there(ended: &Change) -> Option<String> {
    match ended {
        Change::Closed { .. } => None,
        Change::RolledBack { why, .. } => Some(format!("it turned back: {why}")),
        Change::WithPerson(with) => Some(format!("it ends with a person: {}", with.why)),
        Change::Requested(_)
        | Change::Awaiting(_)
        | Change::Executing(_)
        | Change::Verifying(_)
        | Change::RollingBack(_)
        | Change::Refused { .. }
        | Change::Withdrawn { .. }
        | Change::Expired { .. } => Some(format!("it ends as `{}`", ended.name())),
    }
}

/// What the steps of one direction did, out of their events.
fn told(plan: &Plan, went: &[StoredEvent], only_back: bool) -> Vec<RehearsedStep> {
    let mut all = Vec::new();
    let mut began = None;
    for stored in went {
        let (index, back, done, says) = match &stored.event {
            Event::StepStarted { .. } | Event::UndoStarted { .. } => {
                began = Some(stored.at);
                continue;
            }
            Event::StepDone { index, .. } => (*index, false, true, done_says(plan, *index, false)),
            Event::UndoDone { index, .. } => (*index, true, true, done_says(plan, *index, true)),
            Event::StepFailed { index, why } | Event::StepUnknown { index, why } => {
                (*index, false, false, why.clone())
            }
            Event::UndoNotDone { index, why } => (*index, true, false, why.clone()),
            Event::Requested(_)
            | Event::Validated { .. }
            | Event::Refused { .. }
            | Event::Withdrawn { .. }
            | Event::Expired
            | Event::ApprovalGiven(_)
            | Event::Approved(_)
            | Event::StepSeen { .. }
            | Event::HandedOver { .. }
            | Event::Verified
            | Event::VerifyFailed { .. }
            | Event::VerifyUnknown { .. }
            | Event::Resolved { .. } => continue,
        };
        let looks = plan.steps().get(index).is_some_and(|step| step.undo() == Undo::Nothing);
        if (only_back && !back) || (back && looks) {
            continue;
        }
        let kind = plan.steps().get(index).map_or("", Step::kind).to_owned();
        let ms = began.map_or(0, |began| stored.at.ms_since(began));
        let step = index.saturating_add(1);
        all.push(RehearsedStep { step, back, kind, done, says, waits_seconds: seconds(ms) });
    }
    all
}

fn seconds(ms: i64) -> i64 {
    ms.saturating_add(SECOND_MS / 2).div_euclid(SECOND_MS)
}

fn done_says(plan: &Plan, index: usize, back: bool) -> String {
    let Some(step) = plan.steps().get(index) else { return String::new() };
    let fit = |text: &str, undone: &str| if back { undone.to_owned() } else { text.to_owned() };
    match step {
        Step::PublishRecords(wanted) => {
            let count = match wanted.edits.len() {
                1 => "1 set".to_owned(),
                count => format!("{count} sets"),
            };
            let holds = wanted.undo_hold_seconds > 0;
            let forgotten =
                if holds { ", and what was written is forgotten by caches" } else { "" };
            fit(
                &format!("{count} of {} written on their pre-images, and read back", wanted.zone),
                &format!("{count} of {} as before{forgotten}", wanted.zone),
            )
        }
        Step::AwaitPropagation(wait) => {
            let forgot = if wait.hold_seconds > 0 { ", and caches forgot what was" } else { "" };
            fit(&format!("every server shows it{forgot}"), "nothing to undo")
        }
        Step::IssueCertificate(wanted) => fit(
            &format!(
                "CAA of the copy lets {} in; signed by the rehearsal's own CA under its profile",
                wanted.issuer
            ),
            "revoked",
        ),
        Step::DeployCertificate(wanted) => {
            fit(&format!("it would lie at {}", wanted.place), "what was there is back")
        }
        Step::VerifyServed(_) => fit("what lies there is the new certificate", "nothing to undo"),
        Step::RetireKey(_) => fit("the old key would be asked for, and refused", "nothing to undo"),
        Step::RevokeCertificate(_)
        | Step::RotateKey(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_) => fit("done", "undone"),
    }
}

/// From the first intent to the end, in seconds.
fn took(went: &[StoredEvent]) -> i64 {
    let is_start = |one: &&StoredEvent| matches!(one.event, Event::StepStarted { .. });
    match (went.iter().find(is_start), went.last()) {
        (Some(first), Some(last)) => seconds(last.at.ms_since(first.at)),
        _ => 0,
    }
}

/// From the first undo to the end, in seconds.
fn took_back(went: &[StoredEvent]) -> i64 {
    let is_start = |one: &&StoredEvent| matches!(one.event, Event::UndoStarted { .. });
    match (went.iter().find(is_start), went.last()) {
        (Some(first), Some(last)) => seconds(last.at.ms_since(first.at)),
        _ => 0,
    }
}
