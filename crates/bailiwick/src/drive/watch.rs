//! Looks at every zone again and again, and holds what it sees against what was decided.

use std::sync::Arc;

use bailiwick_core::estate::ZoneKey;
use futures::stream::{self, StreamExt as _};
use tokio::sync::watch;

use crate::app::{App, Shaky};
use crate::fault::Fault;

/// Zones looked at at once: one server often serves many of them.
const AT_ONCE: usize = 16;
/// The longest one round should take; then another server may begin one.
const ROUND_MS: u32 = 600_000;
/// Every so many turns it is put down durably that everything was looked at.
const NOTED_EVERY: u64 = 30;

/// Runs until `stop` turns true.
pub(super) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    let Some(watching) = app.settings.watch else { return };
    let shaky = Shaky::default();
    let mut turn: u64 = 0;
    loop {
        if let Err(fault) = round(&app, &holder, &shaky, turn).await {
            tracing::error!(error = %fault, "zones could not be looked at; trying again");
        }
        turn = turn.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(watching.every) => {}
            _ = stop.changed() => return,
        }
    }
}

/// One look at everything; only one server of an installation does it at a time.
async fn round(app: &Arc<App>, holder: &str, shaky: &Shaky, turn: u64) -> Result<(), Fault> {
    let Some(held) = app.store.acquire("watch", holder, ROUND_MS).await? else { return Ok(()) };
    let live = app.live.get();
    let zones: Vec<ZoneKey> = live.estate().zones.keys().cloned().collect();
    stream::iter(zones)
        .for_each_concurrent(AT_ONCE, |zone| async move {
            match app.look_at_zone(&zone, shaky, turn, turn.is_multiple_of(NOTED_EVERY)).await {
                Ok(()) => {}
                Err(Fault::Conflict { message }) => {
                    tracing::debug!(zone = %zone, %message, "somebody else was faster");
                }
                Err(fault) => {
                    tracing::error!(zone = %zone, error = %fault, "a zone could not be looked at; trying again");
                }
            }
        })
        .await;
    let tidied = app.close_findings_without_zone().await;
    app.store.release(&held).await?;
    tidied
}
