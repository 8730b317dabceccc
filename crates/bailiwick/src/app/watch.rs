//! Watching zones: looking, comparing, and whoever has to act.

mod canaries;
mod channels;
mod control;
mod evidence;
mod finding;
mod gate_canary;
mod incident;
mod look;
mod names;
mod report;
mod revert;
mod settle;
mod woken;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::estate::{Zone, ZoneKey};
use bailiwick_core::names::{DnsName, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Asked, Decided, Observation, Pace, Picture, Seen, Vantage, changed_at, judge, points,
};

use super::{App, Live, News};
use crate::fault::Fault;

pub(crate) use canaries::CanaryWishes;
pub(crate) use channels::Channels;
pub(crate) use control::{ControlView, TreeLine, WatchedName, ZoneControl};
pub(crate) use gate_canary::of as canaries_of;
pub(crate) use incident::{CanaryIssued, IncidentLine, IncidentNote, IncidentView};
pub(crate) use report::NewReport;
pub(crate) use revert::Way;

pub(crate) use woken::{Listening, Woken};

/// Whoever watches.
const WATCH: Actor = Actor::Component(Component::Watch);

/// Failures that were seen once. One lost datagram is no observation: only what fails twice is.
#[derive(Default)]
pub(crate) struct Shaky(Mutex<BTreeSet<(ZoneKey, Asked, Vantage, DnsName)>>);

impl Shaky {
    /// Whether this failure was seen before; it is from here on.
    fn again(&self, one: &Observation) -> bool {
        let key = (one.zone.clone(), one.asked, one.vantage, one.owner.clone());
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    fn answered(&self, one: &Observation) {
        let key = (one.zone.clone(), one.asked, one.vantage, one.owner.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// What a zone's judgement needs beside the estate, read out of the store.
#[derive(Default)]
struct Gathered {
    bearing: BTreeSet<DnsName>,
    last_use: BTreeMap<IssuerId, Time>,
    accounts: BTreeMap<IssuerId, String>,
    accounts_over: BTreeMap<String, String>,
    /// Nothing, until it matters which changes wrote what.
    written: BTreeMap<DnsName, Vec<Vec<bailiwick_core::caa::CaaRecord>>>,
}

impl Gathered {
    fn decided<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
        zone: &'a Zone,
        pace: Pace,
    ) -> Decided<'a> {
        Decided {
            estate: live.estate(),
            key,
            zone,
            intended_since: live.history().caa_since(key),
            bearing: &self.bearing,
            written: &self.written,
            last_use: &self.last_use,
            accounts_over: &self.accounts_over,
            accounts: &self.accounts,
            pace,
        }
    }
}

impl App {
    /// Looks at one zone, stores what is new, and opens and closes findings.
    pub(crate) async fn look_at_zone(
        &self,
        key: &ZoneKey,
        shaky: &Shaky,
        turn: u64,
        note: bool,
    ) -> Result<(), Fault> {
        let live = self.live.get();
        let Some(zone) = live.estate().zones.get(key) else { return Ok(()) };
        let gathered = self.gather_zone(&live, key, zone).await?;
        let owners = names::owners(key, &gathered.bearing);
        let vantages = look::vantages(&live, key, zone);
        let before = self.store.picture(key).await?;
        let seen = self.look_everywhere(&live, key, zone, &owners, &before, turn).await;
        let fresh = news_of(&before, seen, shaky);
        let moved = !fresh.is_empty();
        let mut batch = Batch::default();
        let at = self.now();
        for one in fresh {
            batch.entries.push(Entry { at, by: WATCH, fact: Fact::Observed(Box::new(one)) });
        }
        if moved || note {
            batch.work.push(Work::PutLook { zone: key.clone(), at });
            self.commit(batch).await?;
        }
        let picture = if moved { self.store.picture(key).await? } else { before };
        let picture = picture.only(&vantages, &owners);
        let settled = self.settle_zone(&live, key, zone, &gathered, &picture).await?;
        if moved || settled {
            self.tell(News::Watch);
        }
        Ok(())
    }

    /// Judges a zone, tests the built-in CAs against it, and stores what follows. Whether something did.
    async fn settle_zone(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
        gathered: &Gathered,
        picture: &Picture,
    ) -> Result<bool, Fault> {
        let pace = self.settings.watch.map(|watching| watching.pace).unwrap_or_default();
        let decided = gathered.decided(live, key, zone, pace);
        let mut stored = self.canaries_about(live, key).await?;
        let tested = self.run_gate_canaries(live, &decided, picture, &stored).await?;
        if tested {
            stored = self.canaries_about(live, key).await?;
        }
        let now = self.now();
        let mut judged = judge(&decided, picture, now);
        // Which sets changes of ours wrote is asked only where one looks as if none had.
        let written = match written::edited_since(&judged, picture) {
            Some(since) => self.written_by_changes(key, since).await?,
            None => BTreeMap::new(),
        };
        let decided = Decided { written: &written, ..decided };
        if !written.is_empty() {
            judged = judge(&decided, picture, now);
        }
        let mut verdicts = Vec::new();
        let seen = !picture.vantages().is_empty();
        for (id, issuer) in live.estate().issuers.iter().filter(|_| seen) {
            let canaries = gate_canary::of(&stored, (id, issuer), (key, zone));
            if let (true, Some(changed)) = (issuer.canary.is_some(), changed_at(&decided, picture))
            {
                self.canary_wishes.note(id, changed);
            }
            let (told, cause) = points(&decided, picture, (id, issuer), &canaries, now);
            verdicts.extend(told);
            if let Some(cause) = cause {
                judged.add(&decided, cause, now);
            }
        }
        let incidents = self.store.open_incidents(key).await?;
        for cause in incidents.iter().filter_map(|row| row.incident.cause(zone, row.leaf)) {
            judged.add(&decided, cause, now);
        }
        let mut batch = Batch::default();
        self.settle_findings(live, key, zone, &judged, &mut batch).await?;
        self.settle_incidents(live, zone, &incidents, &mut batch);
        let known = self.store.control_points(Some(key)).await?;
        for verdict in verdicts {
            if known.iter().all(|row| row.verdict != verdict) {
                let fact = Fact::PointJudged(Box::new(verdict));
                batch.entries.push(Entry { at: now, by: WATCH, fact });
            }
        }
        let something = !batch.entries.is_empty();
        if something {
            self.commit(batch).await?;
        }
        Ok(something || tested)
    }
}

/// Of what was seen, what differs from what is stored. A failure counts when it is seen twice.
fn news_of(before: &Picture, seen: Vec<Observation>, shaky: &Shaky) -> Vec<Observation> {
    let is_new = |one: &Observation| {
        let known = before.at(one.asked, one.vantage, &one.owner).map(|known| &known.seen);
        if !one.seen.is_failure() {
            shaky.answered(one);
        }
        match (known, &one.seen) {
            (Some(known), seen) if known == seen => false,
            // One failure instead of another says nothing new, but for a failed validation.
            (Some(Seen::Failed(old)), Seen::Failed(new)) => {
                let bogus = bailiwick_core::caa::LookupFailure::Bogus;
                (*old == bogus) != (*new == bogus)
            }
            (_, Seen::Failed(_)) => shaky.again(one),
            (_, _) => true,
        }
    };
    seen.into_iter().filter(is_new).collect()
}
