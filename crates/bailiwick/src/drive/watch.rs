//! Looks at every zone again and again, and holds what it sees against what was decided.
//!
//! Of several servers of one installation one watches, for as long as it lives: it holds a lease and
//! keeps it between two rounds. When it is gone, another takes over.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_core::estate::ZoneKey;
use bailiwick_store::Lease;
use futures::stream::{self, StreamExt as _};
use tokio::sync::watch;

use crate::app::{App, Shaky};
use crate::fault::Fault;

/// Zones looked at at once: one server often serves many of them.
const AT_ONCE: usize = 16;
/// After so long without a sign of life another server watches: within the minute in which an edit has
/// to be found, most of it is left.
const HELD_MS: u32 = 20_000;
/// How often the lease is made longer.
const RENEWED_EVERY: Duration = Duration::from_secs(5);
/// Every so many turns it is put down durably that everything was looked at.
const NOTED_EVERY: u64 = 30;
/// Between two looks at zones of which was said that they changed: whoever says it again and again
/// gets no more than this.
const WOKEN_PAUSE: Duration = Duration::from_secs(1);

/// What is watched with.
pub(super) struct Watcher {
    app: Arc<App>,
    holder: String,
    held: Option<Lease>,
    shaky: Shaky,
    turn: u64,
}

/// Runs until `stop` turns true.
pub(super) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    let Some(watching) = app.settings.watch else { return };
    let mut watcher = Watcher::new(Arc::clone(&app), holder);
    loop {
        if let Err(fault) = watcher.round().await {
            tracing::error!(error = %fault, "zones could not be looked at; trying again");
        }
        watcher.turn = watcher.turn.wrapping_add(1);
        let next = tokio::time::Instant::now() + watching.every;
        tokio::select! {
            () = watcher.until(next) => {}
            _ = stop.changed() => break,
        }
    }
    watcher.lets_go().await;
}

impl Watcher {
    pub(super) fn new(app: Arc<App>, holder: String) -> Self {
        Self { app, holder, held: None, shaky: Shaky::default(), turn: 0 }
    }

    /// Lets another server watch.
    pub(super) async fn lets_go(&mut self) {
        if let Some(held) = self.held.take()
            && let Err(cause) = self.app.store.release(&held).await
        {
            tracing::debug!(error = %cause, "the lease of the watch ends by itself");
        }
    }

    /// Whether this server is the one that watches.
    async fn holds(&mut self) -> Result<bool, Fault> {
        if let Some(held) = &self.held
            && self.app.store.renew(held, HELD_MS).await?
        {
            return Ok(true);
        }
        self.held = self.app.store.acquire("watch", &self.holder, HELD_MS).await?;
        Ok(self.held.is_some())
    }

    /// One look at everything.
    pub(super) async fn round(&mut self) -> Result<(), Fault> {
        if !self.holds().await? {
            return Ok(());
        }
        let zones = self.app.live.get().estate().zones.keys().cloned().collect();
        self.look_at(zones).await?;
        self.app.close_findings_without_zone().await
    }

    /// Looks at some zones while the lease is kept.
    async fn look_at(&self, zones: Vec<ZoneKey>) -> Result<(), Fault> {
        let note = self.turn.is_multiple_of(NOTED_EVERY);
        let looks = stream::iter(zones).for_each_concurrent(AT_ONCE, |zone| async move {
            match self.app.look_at_zone(&zone, &self.shaky, self.turn, note).await {
                Ok(()) => {}
                Err(Fault::Conflict { message }) => {
                    tracing::debug!(zone = %zone, %message, "somebody else was faster");
                }
                Err(fault) => {
                    tracing::error!(zone = %zone, error = %fault, "a zone could not be looked at; trying again");
                }
            }
        });
        tokio::select! {
            () = looks => Ok(()),
            lost = self.keep() => lost,
        }
    }

    /// Makes the lease longer again and again; ends when it is lost.
    async fn keep(&self) -> Result<(), Fault> {
        loop {
            tokio::time::sleep(RENEWED_EVERY).await;
            let Some(held) = &self.held else { return Ok(()) };
            if !self.app.store.renew(held, HELD_MS).await? {
                tracing::warn!("another server watches now");
                return Ok(());
            }
        }
    }

    /// Until the next round, zones are looked at of which somebody says that they changed.
    async fn until(&mut self, next: tokio::time::Instant) {
        let app = Arc::clone(&self.app);
        loop {
            let wait = next.min(tokio::time::Instant::now() + RENEWED_EVERY);
            tokio::select! {
                () = tokio::time::sleep_until(wait) => {
                    if wait == next {
                        return;
                    }
                    // A lease that was lost is asked for again in the next round.
                    if self.held.is_some() && !self.holds().await.unwrap_or(false) {
                        self.held = None;
                    }
                }
                () = app.woken.rings() => {
                    let zones = app.woken.take();
                    if !self.holds().await.unwrap_or(false) {
                        continue;
                    }
                    if let Err(fault) = self.look_at(zones).await {
                        tracing::error!(error = %fault, "a zone that changed could not be looked at");
                    }
                    tokio::time::sleep(WOKEN_PAUSE).await;
                }
            }
        }
    }
}
