//! Changes that wait for the world: looked at again when it makes sense, not when the loop comes by.
//!
//! Nothing depends on it after a restart: the loop finds every unfinished change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_core::names::ChangeId;
use bailiwick_core::time::{SECOND_MS, Time};
use tokio::sync::watch;

use super::loops::IN_FLIGHT_MS;
use crate::app::App;
use crate::fault::Fault;

/// How often is looked whether a change is due.
const TICK: Duration = Duration::from_millis(250);

/// When each waiting change is looked at again.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    due: Mutex<BTreeMap<ChangeId, Time>>,
}

impl Waiting {
    /// Notes that a change is to be looked at again.
    pub(crate) fn note(&self, change: &ChangeId, at: Time) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).insert(change.clone(), at);
    }

    /// Takes those that are due.
    fn take(&self, now: Time) -> Vec<ChangeId> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: Vec<ChangeId> =
            due.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        due.retain(|_, at| *at > now);
        taken
    }
}

/// Runs until `stop` turns true. Each change has a task of its own: a server that is slow to answer
/// holds up the change that needs it, and no other.
pub(super) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    loop {
        for change in app.waiting.take(app.now()) {
            let (app, holder) = (Arc::clone(&app), holder.clone());
            tokio::spawn(async move {
                if let Err(fault) = go_on(&app, &holder, &change).await {
                    tracing::error!(change.id = %change, error = %fault, "a waiting change is stuck");
                }
            });
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn go_on(app: &Arc<App>, holder: &str, id: &ChangeId) -> Result<(), Fault> {
    let lease = format!("change/{id}");
    let Some(held) = app.store.acquire(&lease, holder, IN_FLIGHT_MS).await? else {
        // Whoever is at it may have looked just before what is waited for came.
        app.waiting.note(id, app.now().plus_ms(SECOND_MS));
        return Ok(());
    };
    let loaded = app.load_change(id).await?;
    let driven = super::changes::drive(app, loaded).await;
    app.store.release(&held).await?;
    match driven {
        Ok(_) | Err(Fault::Conflict { .. }) => Ok(()),
        Err(fault) => Err(fault),
    }
}
