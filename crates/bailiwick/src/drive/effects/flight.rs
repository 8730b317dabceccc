//! What the spine knows of a step in flight: since when, and what was seen meanwhile. Read out of its
//! events each time, so that a restart knows the same.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::{Event, Lane};
use bailiwick_core::names::ChangeId;
use bailiwick_core::time::{SECOND_MS, Time};

use crate::app::App;

/// Looks of one step that are stored because one server changed; after so many only what decides is.
const LOOKS_MAX: usize = 64;

/// A step in flight.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// When the intent was stored.
    pub since: Time,
    /// Since when everything is as it has to be.
    pub holds_since: Option<Time>,
    /// Whether it ever was.
    pub ever_held: bool,
    /// What was seen last, where something was.
    pub last: Option<Vec<Lane>>,
    /// An undo that was tried before.
    pub is_again: bool,
    /// Who was seen to show what the step that is undone wrote, or what steps after it did.
    pub showed: BTreeSet<String>,
    looks: usize,
}

impl Flight {
    /// The flight of the step that is in flight now.
    pub(super) async fn read(app: &App, change: &ChangeId) -> Result<Self, String> {
        let stored = app.store.change_events(change).await.map_err(|cause| cause.to_string())?;
        let mut flight = Self::begun(app.now());
        let mut undone = BTreeSet::new();
        let mut showed: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for one in stored {
            if let Event::StepSeen { index, lanes, .. } = &one.event
                && undone.is_empty()
            {
                let who = lanes.iter().filter(|lane| lane.shows).map(|lane| lane.who.clone());
                showed.entry(*index).or_default().extend(who);
            }
            if let Event::StepStarted { .. } = &one.event {
                flight = Self::begun(one.at);
            } else if let Event::UndoStarted { index } = &one.event {
                flight = Self::begun(one.at);
                flight.is_again = !undone.insert(*index);
                flight.showed = showed.range(index..).flat_map(|(_, who)| who).cloned().collect();
            } else if let Event::StepSeen { holds, lanes, .. } = one.event {
                // It holds since it was first seen to, not since the last look.
                flight.holds_since = holds.then(|| flight.holds_since.unwrap_or(one.at));
                flight.ever_held |= holds;
                flight.last = Some(lanes);
                flight.looks = flight.looks.saturating_add(1);
            }
        }
        Ok(flight)
    }

    fn begun(since: Time) -> Self {
        Self {
            since,
            holds_since: None,
            ever_held: false,
            last: None,
            is_again: false,
            showed: BTreeSet::new(),
            looks: 0,
        }
    }

    /// Whether what is seen now is to be stored.
    pub(super) fn is_news(&self, holds: bool, lanes: &[Lane]) -> bool {
        let shows = |lanes: &[Lane]| -> Vec<(String, bool)> {
            lanes.iter().map(|lane| (lane.who.clone(), lane.shows)).collect()
        };
        let before = self.last.as_deref().map(shows);
        let differs = before.is_none_or(|before| before != shows(lanes));
        holds != self.holds_since.is_some() || (differs && self.looks < LOOKS_MAX)
    }

    /// Whether it was in flight for longer than this.
    pub(super) fn is_older_than(&self, seconds: u64, now: Time) -> bool {
        let ms = i64::try_from(seconds).unwrap_or(i64::MAX / SECOND_MS).saturating_mul(SECOND_MS);
        now >= self.since.plus_ms(ms)
    }
}
