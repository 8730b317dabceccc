//! A zone with two servers, a place and an endpoint that serves what lies in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_connect::dns::ChallengeRecords;
use bailiwick_connect::egress::Web;
use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::places::Held;
use bailiwick_core::change::{Endpoint, Lane, Warrant};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::CertFingerprint;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::x509::{read_chain, write_pem};
use futures::future::BoxFuture;

use crate::app::{App, Live, Network, Outside, Place, Put, Rid, ZoneRecords, ZoneSight};

type Key = (OwnerName, RecordType);

/// What is outside.
#[derive(Default)]
pub(super) struct Outer {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sets: BTreeMap<Key, Option<RRset>>,
    /// Chain and key in the place.
    place: Option<(Vec<u8>, Vec<u8>)>,
    /// Looks of the second server that still find the old state.
    late: u32,
    /// An edit by somebody else, once a set of ours is there.
    then: Option<(RecordEdit, Key, Option<RRset>)>,
}

/// What was in the place before.
fn old() -> Vec<u8> {
    write_pem("CERTIFICATE", b"the old certificate").into_bytes()
}

impl Outer {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn reset<'a>(
        &self,
        sets: impl Iterator<Item = (&'a RecordEdit, Option<&'a RRset>)>,
    ) {
        let sets = sets.map(|(edit, set)| (key(edit), set.cloned())).collect();
        let place = Some((old(), b"the old key".to_vec()));
        self.with(|state| *state = State { sets, place, late: 0, then: None });
    }

    pub(super) fn edit(&self, edit: &RecordEdit, set: Option<&RRset>) {
        self.with(|state| drop(state.sets.insert(key(edit), set.cloned())));
    }

    /// Somebody edits `of` as soon as `shown` is there.
    pub(super) fn edit_when_shown(&self, shown: &RecordEdit, of: &RecordEdit, set: Option<RRset>) {
        self.with(|state| state.then = Some((shown.clone(), key(of), set)));
    }

    pub(super) fn shows(&self, edit: &RecordEdit, set: Option<&RRset>) -> bool {
        self.with(|state| state.sets.get(&key(edit)).and_then(Option::as_ref) == set)
    }

    pub(super) fn fingerprint(&self) -> Option<CertFingerprint> {
        self.with(|state| leaf(state.place.as_ref()?)).map(|der| CertFingerprint::of(&der))
    }

    pub(super) fn is_old(&self) -> bool {
        self.with(|state| {
            state
                .place
                .as_ref()
                .is_some_and(|(chain, key)| *chain == old() && key == b"the old key")
        })
    }
}

fn key(edit: &RecordEdit) -> Key {
    (edit.owner().clone(), edit.kind())
}

fn leaf((chain, _): &(Vec<u8>, Vec<u8>)) -> Option<Vec<u8>> {
    read_chain(chain).ok()?.into_iter().next()
}

/// The way there.
pub(super) struct World(pub(super) Arc<Outer>);

impl Outside for World {
    fn web(&self, app: &App, live: &Live) -> Arc<dyn Web> {
        Network.web(app, live)
    }

    fn records<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        warrant: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a> {
        Network.records(app, live, warrant)
    }

    fn zone<'a>(
        &'a self,
        _: &'a App,
        _: &'a Live,
        _: &'a ZoneKey,
        _: &'a Warrant,
    ) -> BoxFuture<'a, Result<Box<dyn ZoneRecords + 'a>, String>> {
        Box::pin(async { Ok(Box::new(SimZone(&self.0)) as Box<dyn ZoneRecords>) })
    }

    fn sight<'a>(
        &'a self,
        _: &'a App,
        _: &'a Live,
        _: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneSight + 'a>, String> {
        Ok(Box::new(SimZone(&self.0)))
    }

    fn shown<'a>(&'a self, _: &'a App, _: &'a Endpoint) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        let shown = self.0.with(|state| leaf(state.place.as_ref()?));
        Box::pin(async move { shown.ok_or_else(|| "nothing is served".to_owned()) })
    }

    fn place<'a>(&'a self, _: &'a App, _: &'a Live, _: &'a Deployment) -> Box<dyn Place + 'a> {
        Box::new(SimPlace(&self.0))
    }
}

struct SimZone<'a>(&'a Outer);

impl ZoneSight for SimZone<'_> {
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, String>> {
        let found = self.0.with(|state| state.sets.get(&(owner.clone(), kind)).cloned().flatten());
        Box::pin(async move { Ok(found) })
    }

    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Lane>> {
        let lanes = self.0.with(|state| {
            let shows = edits
                .iter()
                .all(|edit| state.sets.get(&key(edit)).and_then(Option::as_ref) == edit.after());
            let is_late = state.late > 0;
            state.late = state.late.saturating_sub(1);
            let lane = |who: &str, shows| Lane { who: who.to_owned(), shows, saw: "it".to_owned() };
            vec![lane("192.0.2.53:53", shows), lane("192.0.2.54:53", shows && !is_late)]
        });
        Box::pin(async move { lanes })
    }

    fn rid<'a>(&'a self, back: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Rid>> {
        Box::pin(async move {
            let lanes = self.seen(back).await.into_iter();
            lanes.map(|lane| Rid { lane, is_silent: false }).collect()
        })
    }
}

impl ZoneRecords for SimZone<'_> {
    fn put<'a>(&'a self, edits: &'a [RecordEdit], _: &'a str) -> BoxFuture<'a, Put> {
        let put = self.0.with(|state| {
            let stands = |edit: &RecordEdit| {
                state.sets.get(&key(edit)).and_then(Option::as_ref) == edit.before()
            };
            if !edits.iter().all(stands) {
                return Put::Nothing("something else stands there".to_owned());
            }
            for edit in edits {
                state.sets.insert(key(edit), edit.after().cloned());
            }
            state.late = 1;
            if let Some((shown, of, set)) = state.then.take() {
                if edits.iter().any(|edit| key(edit) == key(&shown)) {
                    state.sets.insert(of, set);
                } else {
                    state.then = Some((shown, of, set));
                }
            }
            Put::Done
        });
        Box::pin(async move { put })
    }
}

struct SimPlace<'a>(&'a Outer);

impl Place for SimPlace<'_> {
    fn there(&self) -> BoxFuture<'_, Result<Option<Held>, String>> {
        let held = self.0.with(|state| {
            let (chain, key) = state.place.clone()?;
            Some(Held { chain, key: SecretBytes::from(key) })
        });
        Box::pin(async move { Ok(held) })
    }

    fn put<'a>(&'a self, held: Option<&'a Held>) -> BoxFuture<'a, Put> {
        let held = held.map(|held| (held.chain.clone(), held.key.to_vec()));
        self.0.with(|state| state.place = held);
        Box::pin(async { Put::Done })
    }
}
