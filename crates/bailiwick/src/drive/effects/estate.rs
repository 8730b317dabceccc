//! Making another estate the active one. The plan's pre-image must still be what is active.

use bailiwick_core::change::{Event, Outcome, Receipt, Step};
use bailiwick_core::names::Digest;
use bailiwick_core::record::{Batch, Expect, Fact};

use crate::app::{App, Loaded};
use crate::fault::Fault;

pub(super) async fn activate(app: &App, before: Option<Digest>, after: Digest) -> Outcome {
    let active = match app.store.active_estate().await {
        Ok(active) => active.map(|one| one.digest),
        Err(cause) => return Outcome::Unknown(cause.to_string()),
    };
    if active != before {
        return Outcome::Failed(
            "another estate became active since this was approved; plan it again".to_owned(),
        );
    }
    match app.estate_of(after).await {
        Ok(_) => Outcome::Done(Receipt::EstateActivated { estate: after }),
        Err(fault) => Outcome::Failed(fault.to_string()),
    }
}

pub(super) async fn restore(app: &App, before: Option<Digest>, after: Digest) -> Outcome {
    match (app.store.active_estate().await, before) {
        (Ok(Some(active)), Some(before)) if active.digest == after => {
            Outcome::Done(Receipt::EstateActivated { estate: before })
        }
        (Ok(Some(active)), None) if active.digest == after => {
            Outcome::Failed("there was no estate before this one to go back to".to_owned())
        }
        (Ok(_), _) => Outcome::Done(Receipt::Nothing),
        (Err(cause), _) => Outcome::Unknown(cause.to_string()),
    }
}

pub(super) async fn verify(app: &App, after: Digest) -> Outcome {
    match app.store.active_estate().await {
        Ok(Some(active)) if active.digest == after => Outcome::Done(Receipt::Nothing),
        Ok(_) => Outcome::Failed("another estate is active".to_owned()),
        Err(cause) => Outcome::Unknown(cause.to_string()),
    }
}

/// An activation commits only while the estate is still the one it was approved against.
#[expect(clippy::wildcard_enum_match_arm, reason = "only one event activates")]
pub(super) fn expect(loaded: &Loaded, batch: &mut Batch) {
    let activated = batch.entries.iter().find_map(|entry| match &entry.fact {
        Fact::Change { event, .. } => match event.as_ref() {
            Event::StepDone { index, receipt: Receipt::EstateActivated { .. } } => Some(*index),
            _ => None,
        },
        _ => None,
    });
    let Some(index) = activated else { return };
    let step = loaded.change.approved().and_then(|plan| plan.steps().get(index));
    if let Some(Step::EditEstate { before, .. }) = step {
        batch.expects.push(Expect::EstateIs(*before));
    }
}

/// Puts the active estate in force in this process.
pub(super) async fn refresh(app: &App) -> Result<(), Fault> {
    app.refresh_live().await
}
