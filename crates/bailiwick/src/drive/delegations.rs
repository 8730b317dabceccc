//! Looks at what the parents and registries of every zone say, again and again. Beside everything else,
//! because other people's servers may be slow, and changes wait for nobody.
//!
//! Of several servers of one installation one looks, for as long as it lives: it holds a lease and keeps it
//! while a look lasts and between two. When it is gone, another takes over.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_store::Lease;
use tokio::sync::watch;

use crate::app::App;
use crate::fault::Fault;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(30);
/// After so long without a sign of life another server looks: longer than the pause.
const HELD_MS: u32 = 45_000;
/// While a look lasts, the lease is made longer so often within its time.
const RENEWED: u32 = 9;

/// What is looked with.
pub(super) struct Looker {
    app: Arc<App>,
    holder: String,
    held: Option<Lease>,
    held_ms: u32,
}

/// Runs until `stop` turns true.
pub(super) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    let mut looker = Looker::new(app, holder, HELD_MS);
    loop {
        if let Err(fault) = looker.round().await {
            tracing::error!(error = %fault, "delegations could not be looked after; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => break,
        }
    }
    looker.lets_go().await;
}

impl Looker {
    pub(super) fn new(app: Arc<App>, holder: String, held_ms: u32) -> Self {
        Self { app, holder, held: None, held_ms }
    }

    /// Lets another server look.
    pub(super) async fn lets_go(&mut self) {
        if let Some(held) = self.held.take()
            && let Err(cause) = self.app.store.release(&held).await
        {
            tracing::debug!(error = %cause, "the lease of the look at delegations ends by itself");
        }
    }

    /// Whether this server is the one that looks.
    async fn holds(&mut self) -> Result<bool, Fault> {
        if let Some(held) = &self.held
            && self.app.store.renew(held, self.held_ms).await?
        {
            return Ok(true);
        }
        self.held = self.app.store.acquire("delegations", &self.holder, self.held_ms).await?;
        Ok(self.held.is_some())
    }

    /// One look at everything; whether it is this server's to look.
    pub(super) async fn round(&mut self) -> Result<bool, Fault> {
        if !self.holds().await? {
            return Ok(false);
        }
        tokio::select! {
            looked = self.app.look_at_delegations() => looked?,
            lost = self.keep() => lost?,
        }
        Ok(true)
    }

    /// Makes the lease longer again and again; ends when it is lost.
    async fn keep(&self) -> Result<(), Fault> {
        let every = Duration::from_millis(u64::from(self.held_ms / RENEWED));
        loop {
            tokio::time::sleep(every).await;
            let Some(held) = &self.held else { return Ok(()) };
            if !self.app.store.renew(held, self.held_ms).await? {
                tracing::warn!("another server looks at delegations now");
                return Ok(());
            }
        }
    }
}
