//! Looks at every standing record now and then: one that is gone or ended is noted by itself, not
//! when somebody next relies on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;

/// How often. A record that somebody takes away is out of the inventory within ten minutes.
const PAUSE: Duration = Duration::from_secs(600);
/// The longest one round should take; then another server may begin one.
const ROUND_MS: u32 = 600_000;

/// Runs until `stop` turns true.
pub(super) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(fault) = round(&app, &holder).await {
            tracing::error!(error = %fault, "standing records could not be looked after; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn round(app: &Arc<App>, holder: &str) -> Result<(), crate::fault::Fault> {
    let held = app.store.acquire("standing-records", holder, ROUND_MS).await?;
    let Some(held) = held else { return Ok(()) };
    let looked = app.look_at_standing_records().await;
    app.store.release(&held).await?;
    looked
}
