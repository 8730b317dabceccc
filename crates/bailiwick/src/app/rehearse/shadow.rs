//! What lies outside, as a rehearsal sees it: copies of zones on a name server of this process, and places
//! that hold what the real ones hold.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_connect::dns::ChallengeRecords;
use bailiwick_connect::egress::{Answer, Call, NoAnswer, Web};
use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::lab_dns::LabDns;
use bailiwick_connect::places::Held;
use bailiwick_connect::zones::Authorities;
use bailiwick_core::actor::SignedIn;
use bailiwick_core::change::{Endpoint, Lane, Plan, Step, Warrant};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_store::CertificateFilter;
use bailiwick_wire::dns::set_lines;
use bailiwick_wire::x509::read_chain;
use futures::future::BoxFuture;

use super::copied::{self, Sets};
use crate::app::doors::{Place, Put, Rid, ZoneRecords, ZoneSight};
use crate::app::zone_door::{lane, rid};
use crate::app::{App, Live, Network, Outside};
use crate::fault::Fault;

/// Certificates of a stage that are read: a rehearsal issues two.
const NEWEST_READ: u32 = 16;

/// Copies of everything that a plan touches.
pub(super) struct Shadow {
    zones: BTreeMap<ZoneKey, ShadowZone>,
    /// What lies in each place, and what lay there at first: chains only, never a key.
    places: Mutex<Vec<(Deployment, Option<Vec<u8>>)>>,
    at_first: Vec<(Deployment, Option<Vec<u8>>)>,
}

/// A copy of one zone.
struct ShadowZone {
    key: ZoneKey,
    dns: LabDns,
    authorities: Authorities,
    sets: Mutex<Sets>,
    at_first: Sets,
}

impl Shadow {
    /// Copies what the plan touches; what has to be said about the copies.
    pub(super) async fn of(
        app: &App,
        live: &Live,
        (plan, by): (&Plan, &SignedIn),
    ) -> Result<(Self, Vec<String>), Fault> {
        let mut zones = BTreeMap::new();
        let mut notes = Vec::new();
        for key in copied::zones(live, plan) {
            let copied = copied::copy(app, live, &key, (plan, by.clone())).await?;
            notes.push(copied.note);
            let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let text = copied::text(&copied.sets);
            let dns = LabDns::start(nowhere, &[(key.name.clone(), text)]).await;
            let dns = dns.map_err(|cause| Fault::Busy {
                message: format!("the copy of zone `{key}` cannot be served: {cause}"),
            })?;
            let authorities = Authorities::new(app.dns.clone(), key.name.clone(), &[dns.address()]);
            let (sets, at_first) = (Mutex::new(copied.sets.clone()), copied.sets);
            zones.insert(key.clone(), ShadowZone { key, dns, authorities, sets, at_first });
        }
        let mut places = Vec::new();
        for step in plan.steps() {
            let Step::DeployCertificate(wanted) = step else { continue };
            let there = app.place(live, &wanted.target).there().await;
            let there = there.map_err(|why| Fault::Busy { message: why })?;
            places.push((wanted.target.clone(), there.map(|held| held.chain)));
        }
        notes.push(
            "what the CA itself checks, how long servers take to transfer, and the commands that tell servers of a new certificate were not rehearsed"
                .to_owned(),
        );
        Ok((Self { zones, at_first: places.clone(), places: Mutex::new(places) }, notes))
    }

    /// Where the copy of a zone is served.
    pub(super) fn server(&self, key: &ZoneKey) -> Option<SocketAddr> {
        self.zones.get(key).map(|zone| zone.dns.address())
    }

    fn zone(&self, key: &ZoneKey) -> Result<&ShadowZone, String> {
        self.zones.get(key).ok_or_else(|| format!("zone {key} was not copied"))
    }

    /// Everything as at first.
    pub(super) async fn reset(&self) -> Result<(), Fault> {
        for zone in self.zones.values() {
            zone.reset().await.map_err(Fault::bug)?;
        }
        *self.places.lock().unwrap_or_else(PoisonError::into_inner) = self.at_first.clone();
        Ok(())
    }

    /// What is not as at first, on the name server as well.
    pub(super) async fn differs(&self) -> Option<String> {
        for zone in self.zones.values() {
            if let Some(what) = zone.differs().await {
                return Some(what);
            }
        }
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        (*places != self.at_first).then(|| "a place does not hold what it held before".to_owned())
    }

    fn has_places(&self) -> bool {
        !self.at_first.is_empty()
    }

    fn put(&self, target: &Deployment, chain: Option<Vec<u8>>) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, there) in places.iter_mut().filter(|(one, _)| one == target) {
            there.clone_from(&chain);
        }
    }

    fn there(&self, target: &Deployment) -> Option<Vec<u8>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().find(|(one, _)| one == target).and_then(|(_, chain)| chain.clone())
    }

    /// What endpoints show that serve what lies in the places: the newest of it.
    fn shown(&self) -> Option<Vec<u8>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let differs = places.iter().zip(&self.at_first).find(|(now, first)| now != first);
        let newest = differs.map(|(now, _)| now).or_else(|| places.first());
        read_chain(newest?.1.as_ref()?).ok()?.into_iter().next()
    }
}

impl ShadowZone {
    fn now(&self) -> Sets {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reset(&self) -> Result<(), String> {
        let now = self.now();
        let changed = |at: &(OwnerName, RecordType)| now.get(at) != self.at_first.get(at);
        let all: std::collections::BTreeSet<_> = now.keys().chain(self.at_first.keys()).collect();
        let all = all.into_iter().filter(|at| changed(at));
        self.write(all.map(|at| (at.clone(), self.at_first.get(at).cloned())).collect()).await
    }

    async fn differs(&self) -> Option<String> {
        let now = self.now();
        let mut all = now.keys().chain(self.at_first.keys());
        let changed = all.find(|at| now.get(at) != self.at_first.get(at));
        changed.map(|(owner, kind)| {
            format!("`{owner}` {kind} in zone {} is not as it was before", self.key)
        })
    }

    async fn write(
        &self,
        sets: Vec<((OwnerName, RecordType), Option<RRset>)>,
    ) -> Result<(), String> {
        let mut lines = Vec::new();
        for ((owner, kind), set) in &sets {
            match set {
                Some(set) => lines.extend(set_lines(owner, *kind, set)),
                None => lines.push(format!("{owner}. {kind}")),
            }
        }
        self.dns.zones().edit(&self.key.name, &lines.join("\n")).await?;
        let mut now = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, set) in sets {
            match set {
                Some(set) => drop(now.insert(at, set)),
                None => drop(now.remove(&at)),
            }
        }
        Ok(())
    }

    fn named(&self, lane: Lane) -> Lane {
        Lane { who: format!("the copy of {}", self.key), ..lane }
    }
}

/// The way there.
pub(super) struct OnStage(pub(super) Arc<Shadow>);

/// The certificate that was issued last on the stage.
async fn newest(app: &App) -> Option<Vec<u8>> {
    let page =
        app.store.certificates(&CertificateFilter::default(), None, NEWEST_READ).await.ok()?;
    let all = page.items.into_iter().map(|row| row.certificate);
    all.max_by_key(|one| one.issued_at).map(|one| one.der)
}

/// Nothing is asked of anybody outside.
struct Nobody;

impl Web for Nobody {
    fn call(&self, _: Call) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        Box::pin(async { Err(NoAnswer::Tls("a rehearsal asks nobody outside".to_owned())) })
    }
}

impl Outside for OnStage {
    fn web(&self, _: &App, _: &Live) -> Arc<dyn Web> {
        Arc::new(Nobody)
    }

    fn records<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        warrant: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a> {
        // The estate on the stage has no connector, so nothing can be written by it.
        Network.records(app, live, warrant)
    }

    fn zone<'a>(
        &'a self,
        _: &'a App,
        _: &'a Live,
        key: &'a ZoneKey,
        _: &'a Warrant,
    ) -> BoxFuture<'a, Result<Box<dyn ZoneRecords + 'a>, String>> {
        Box::pin(async move { Ok(Box::new(self.0.zone(key)?) as Box<dyn ZoneRecords>) })
    }

    fn sight<'a>(
        &'a self,
        _: &'a App,
        _: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneSight + 'a>, String> {
        Ok(Box::new(self.0.zone(key)?))
    }

    fn shown<'a>(
        &'a self,
        app: &'a App,
        _: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async {
            let shown = match self.0.has_places() {
                true => self.0.shown(),
                // Whoever keeps the key puts it where it is served.
                false => newest(app).await,
            };
            shown.ok_or_else(|| "nothing is served".to_owned())
        })
    }

    fn mail_policy<'a>(
        &'a self,
        _: &'a App,
        _: &'a Endpoint,
    ) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async {
            Ok("nobody serves one in a rehearsal; it is read when this is real".to_owned())
        })
    }

    fn place<'a>(&'a self, _: &'a App, _: &'a Live, target: &'a Deployment) -> Box<dyn Place + 'a> {
        Box::new(ShadowPlace { shadow: &self.0, target })
    }
}

impl ZoneSight for &ShadowZone {
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, String>> {
        let found = self.now().get(&(owner.clone(), kind)).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Lane>> {
        Box::pin(async move {
            let seen = self.authorities.seen(edits).await;
            seen.iter().map(|server| self.named(lane(server))).collect()
        })
    }

    fn rid<'a>(&'a self, back: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Rid>> {
        Box::pin(async move {
            let seen = self.authorities.seen(back).await;
            let all = seen.iter().map(|server| rid(server, back));
            all.map(|rid| Rid { lane: self.named(rid.lane), ..rid }).collect()
        })
    }
}

impl ZoneRecords for &ShadowZone {
    fn put<'a>(&'a self, edits: &'a [RecordEdit], _: &'a str) -> BoxFuture<'a, Put> {
        Box::pin(async move {
            let now = self.now();
            let at = |edit: &RecordEdit| (edit.owner().clone(), edit.kind());
            if let Some(edit) = edits.iter().find(|edit| now.get(&at(edit)) != edit.before()) {
                let (owner, kind) = (edit.owner(), edit.kind());
                return Put::Nothing(format!("`{owner}` {kind} is not as the plan starts from"));
            }
            let sets = edits.iter().map(|edit| (at(edit), edit.after().cloned())).collect();
            match self.write(sets).await {
                Ok(()) => Put::Done,
                Err(why) => Put::Nothing(why),
            }
        })
    }
}

struct ShadowPlace<'a> {
    shadow: &'a Shadow,
    target: &'a Deployment,
}

impl Place for ShadowPlace<'_> {
    fn there(&self) -> BoxFuture<'_, Result<Option<Held>, String>> {
        let chain = self.shadow.there(self.target);
        let held = chain.map(|chain| Held { chain, key: SecretBytes::from(Vec::new()) });
        Box::pin(async move { Ok(held) })
    }

    fn put<'a>(&'a self, held: Option<&'a Held>) -> BoxFuture<'a, Put> {
        self.shadow.put(self.target, held.map(|held| held.chain.clone()));
        Box::pin(async { Put::Done })
    }
}
