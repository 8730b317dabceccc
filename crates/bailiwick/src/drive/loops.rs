//! What runs beside the requests: changes left over, validations left over, CRLs, lapsed changes.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_core::names::ChangeId;
use bailiwick_store::{ChangeFilter, LIMIT_MAX};
use tokio::sync::watch;

use crate::app::App;
use crate::fault::Fault;

/// How often the loops look. Promise P2 wants every change of a killed server settled within 60 s.
const PAUSE: Duration = Duration::from_secs(5);
/// A change that moved within this time belongs to whoever moved it; a driver that takes longer
/// for one effect has lost it to the loop, and its commit is refused.
pub(crate) const IN_FLIGHT_MS: u32 = 20_000;
/// Changes carried on in one turn of the loop.
const CHANGES_PER_TURN: u32 = 100;
/// How often is looked again for certificates that a person was asked about, in turns: five minutes. Promise
/// P3 wants them found ten minutes after their CA answers again.
const AGAIN_EVERY: u32 = 60;
/// How often each of the slower chores is done, in turns.
const CHORES_EVERY: u32 = 6;

/// Runs until `stop` turns true.
pub(crate) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    // Beside, because other people's name servers may be slow, and changes wait for nobody.
    let standing = tokio::spawn(super::standing::run(app.clone(), holder.clone(), stop.clone()));
    let waiting = tokio::spawn(super::waiting::run(app.clone(), holder.clone(), stop.clone()));
    let watching = tokio::spawn(super::watch::run(app.clone(), holder.clone(), stop.clone()));
    let canaries = tokio::spawn(super::canary::run(app.clone(), holder.clone(), stop.clone()));
    let looking = tokio::spawn(super::delegations::run(app.clone(), holder.clone(), stop.clone()));
    let notices = tokio::spawn(crate::app::send_notices(app.clone(), holder.clone(), stop.clone()));
    let mut turn: u32 = 0;
    loop {
        if turn == 0 {
            // Whatever a killed process left is taken up at once, not after the pause.
            note("changes left over", carry_on(&app, &holder, 0).await);
            note("validations left over", app.resume_validations().await);
        } else {
            note("changes", carry_on(&app, &holder, IN_FLIGHT_MS).await);
        }
        if turn.is_multiple_of(CHORES_EVERY) {
            note("generations of issuers", app.refresh_issuers().await);
            note("CRLs", app.refresh_crls().await);
            note("records left over", super::upstream::tidy_up(&app, CHANGES_PER_TURN).await);
            note("lapsed changes", app.expire_changes().await);
            note("the active estate", app.refresh_live().await);
            // Whichever server looked: all of them take over what it saw.
            note("delegations", app.refresh_delegations().await);
        }
        if turn.is_multiple_of(AGAIN_EVERY) {
            note("changes with a person", look_again(&app, &holder).await);
        }
        turn = turn.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => break,
        }
    }
    standing.abort();
    waiting.abort();
    watching.abort();
    canaries.abort();
    looking.abort();
    notices.abort();
}

/// Carries on changes that nobody is moving.
async fn carry_on(app: &Arc<App>, holder: &str, idle_ms: u32) -> Result<(), Fault> {
    let before = app.now().plus_ms(-i64::from(idle_ms));
    for id in app.store.unfinished_changes(before, CHANGES_PER_TURN).await? {
        let lease = format!("change/{id}");
        let Some(held) = app.store.acquire(&lease, holder, IN_FLIGHT_MS).await? else { continue };
        let loaded = app.load_change(&id).await?;
        match super::changes::drive(app, loaded).await {
            Ok(change) => tracing::info!(change.id = %id, state = change.name(), "carried on"),
            Err(Fault::Conflict { message }) => {
                tracing::debug!(change.id = %id, %message, "somebody else moved the change");
            }
            Err(fault) => tracing::error!(change.id = %id, error = %fault, "a change is stuck"),
        }
        app.store.release(&held).await?;
    }
    Ok(())
}

/// Looks once more at what a person was asked about: the CA may answer by now.
pub(super) async fn look_again(app: &Arc<App>, holder: &str) -> Result<(), Fault> {
    let filter = ChangeFilter { state: Some("unknown".to_owned()), ..ChangeFilter::default() };
    for row in app.store.changes(&filter, None, LIMIT_MAX).await?.items {
        let id: ChangeId = row.request.id;
        let lease = format!("change/{id}");
        let Some(held) = app.store.acquire(&lease, holder, IN_FLIGHT_MS).await? else { continue };
        let loaded = app.load_change(&id).await?;
        let effects = super::effects::Real::new(app);
        match super::changes::look_again(app, &effects, loaded).await {
            Ok(change) => tracing::debug!(change.id = %id, state = change.name(), "looked again"),
            Err(Fault::Conflict { .. }) => {}
            Err(fault) => tracing::error!(change.id = %id, error = %fault, "cannot be looked at"),
        }
        app.store.release(&held).await?;
    }
    Ok(())
}

fn note(what: &str, result: Result<(), Fault>) {
    if let Err(fault) = result {
        tracing::error!(error = %fault, "{what} could not be looked after; trying again");
    }
}
