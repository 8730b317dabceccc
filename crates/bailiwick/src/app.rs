//! One method per use case. Start here to learn what Bailiwick does; each file below holds one topic.
//!
//! A use case takes parsed values and who asks, decides through the core, commits once through the
//! store, and answers. It knows nothing of HTTP or of the command line.

mod access;
mod accounts;
mod again;
mod allowance;
mod authorizations;
mod ca_windows;
pub(crate) mod ceremony;
mod changes;
mod credentials;
mod crl;
mod decisions;
mod delegation;
mod doors;
mod duties;
mod emergency;
mod enrol;
mod envelope_views;
mod envelopes;
pub(crate) mod estate;
mod facts;
mod finalize;
mod held_keys;
mod issuers;
mod issuing;
mod joint;
mod ledger;
mod lists;
mod live;
mod notify;
mod ocsp;
mod orders;
mod preauthorize;
mod reach;
mod refusal;
mod refused_orders;
mod registration;
mod registry;
mod rehearse;
mod renewal;
mod restored;
mod revoke;
mod rotate;
mod rotate_key;
mod secret_use;
mod shown;
mod standing;
pub(crate) mod start;
pub(crate) mod start_beside;

mod start_estate;
mod start_keys;
mod start_options;
pub(crate) mod start_token;
mod story;
mod tokens;
mod upstream;
mod watch;
mod words;
mod zone_door;
mod zone_edit;
mod zone_page;
mod zone_try;
mod zones;

use std::sync::Arc;

use bailiwick_connect::attestation::KeySets;
use bailiwick_connect::dns::{DnsClient, Resolver, View};
use bailiwick_connect::keys::Sealer;
use bailiwick_connect::lab_dns::LabZones;
use bailiwick_connect::token::Token;
use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::caa::PrivateTlds;
use bailiwick_core::change::{Change, Event, IssuedCertificate, Next, over_with};
use bailiwick_core::names::{ChangeId, PersonId};
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Work};
use bailiwick_core::time::Time;
use bailiwick_store::Store;
use tokio::sync::broadcast;

use crate::drive::{Turns, Waiting};
use crate::fault::Fault;
use crate::limits::ByAddress;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::world::World;

pub(crate) use access::{Asking, Scope};
pub(crate) use accounts::{AccountAnswer, KeyChangeAnswer, NewAccount};
pub(crate) use again::LastLook;
pub(crate) use allowance::Limited;
pub(crate) use authorizations::challenge_of;
pub(crate) use ca_windows::CaWindows;
pub(crate) use changes::ChangeView;
pub(crate) use credentials::{CredentialView, FreshCredential, NewCredential};
#[cfg(test)]
pub(crate) use doors::Place;
#[cfg(test)]
pub(crate) use doors::ZoneSight;
pub(crate) use doors::{Put, Rid, ZoneRecords, fingerprint, held};
pub(crate) use duties::DutyLine;
pub(crate) use emergency::{EmergencyVerb, NewEmergency, NewZoneEmergency};
pub(crate) use envelope_views::{EnvelopeView, Watched};
pub(crate) use envelopes::NewEnvelope;
pub(crate) use finalize::FinalizeAnswer;
pub(crate) use held_keys::{Changed, KeyHolder, OpenKey, Takes};
pub(crate) use issuers::Issuers;
pub(crate) use joint::{Proposal, Wish};
pub(crate) use lists::{CertificateQuery, ChangeQuery};
pub(crate) use live::{Live, LiveCell};
pub(crate) use notify::{Tries, Ways, run as send_notices};
pub(crate) use ocsp::{OcspReply, Responders};
pub(crate) use orders::problem;
pub(crate) use orders::{NewOrder, OrderAnswer};
pub(crate) use preauthorize::AuthorizationAnswer;
pub(crate) use reach::{Network, Outside};
pub(crate) use registration::Asked;
pub(crate) use registry::AccountView;
pub(crate) use rehearse::Rehearsal;
pub(crate) use revoke::RevokeAnswer;
pub(crate) use rotate::{GenerationView, IssuerView, RotateWish, Rotation};
pub(crate) use rotate_key::{FreshKey, RotateKeyWish};
pub(crate) use secret_use::NotedUses;
pub(crate) use standing::StandingView;
pub(crate) use start_estate::read_folder;
pub(crate) use start_options::NoticeOptions;
pub(crate) use story::{Story, Which};
pub(crate) use tokens::{FreshToken, TokenWish};
pub(crate) use upstream::SecretOf;
pub(crate) use watch::{
    CanaryIssued, CanaryWishes, Channels, ControlView, IncidentLine, IncidentNote, IncidentView,
    Listening, NewReport, Shaky, TreeLine, WatchedName, Way, Woken, ZoneControl, canaries_of,
};
pub(crate) use zone_door::rdata_text;
pub(crate) use zone_page::{ZoneDelegation, ZoneWhole};
pub(crate) use zone_try::ZoneTried;
pub(crate) use zones::{RecordsView, ZoneView};

/// Everything a use case needs, injected.
pub(crate) struct App {
    /// What is remembered.
    pub(crate) store: Store,
    /// Clock and randomness.
    pub(crate) world: World,
    /// What the operator set.
    pub(crate) settings: Settings,
    /// When registries are asked again.
    pub(crate) asked_registries: Asked,
    /// What is in force now.
    pub(crate) live: LiveCell,
    /// The built-in CAs, with every generation of each.
    pub(crate) issuers: Issuers,
    /// The token that keys of CAs live in, where one is used.
    pub(crate) token: Option<Arc<Token>>,
    /// Who signs OCSP answers for them.
    pub(crate) responders: Responders,
    /// Seals secrets at rest.
    pub(crate) sealer: Sealer,
    /// The keys of attestors, as they were fetched.
    pub(crate) key_sets: KeySets,
    /// How often each address enrolled.
    pub(crate) enrolments: ByAddress,
    /// Asks DNS.
    pub(crate) dns: DnsClient,
    /// The resolver asked beside the zones' own servers, where one is set.
    pub(crate) resolver: Option<Resolver>,
    /// Tells open pages and loops that something happened.
    pub(crate) news: broadcast::Sender<News>,
    /// What `/metrics` shows.
    pub(crate) metrics: Metrics,
    /// When CAs want their certificates to be renewed.
    pub(crate) ca_windows: CaWindows,
    /// Whose turn it is at which CA.
    pub(crate) turns: Turns,
    /// Changes that wait for the world.
    pub(crate) waiting: Waiting,
    /// Encrypted ways to vantages.
    pub(crate) channels: Channels,
    /// Zones of which was said that they changed.
    pub(crate) woken: Woken,
    /// The lab's zones, where this is the lab.
    pub(crate) lab_zones: Option<LabZones>,
    /// Uses of secrets that stand in the ledger.
    pub(crate) noted_uses: NotedUses,
    /// Notices that were not taken yet.
    pub(crate) tries: Tries,
    /// CAs that canaries have to be sent to again.
    pub(crate) canary_wishes: CanaryWishes,
    /// How often each address reported something.
    pub(crate) reports: ByAddress,
}

/// Something happened that an open page or a loop may care about.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A change moved.
    Change(ChangeId),
    /// A certificate came or went.
    Certificates,
    /// Something else is seen than before, or a finding opened or closed.
    Watch,
}

/// A change as it stands, with what is needed to add to it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Its id.
    pub id: ChangeId,
    /// Its state.
    pub change: Change,
    /// How many events it has.
    pub events: u32,
}

impl App {
    /// The time now.
    pub(crate) fn now(&self) -> Time {
        self.world.now()
    }

    /// Commits a batch, or says why not in terms of a use case.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<bailiwick_store::Committed, Fault> {
        self.store.commit(batch).await.map_err(Fault::from)
    }

    /// Loads a change out of its events.
    pub(crate) async fn load_change(&self, id: &ChangeId) -> Result<Loaded, Fault> {
        let stored = self.store.change_events(id).await?;
        if stored.is_empty() {
            return Err(Fault::not_found(format!("change `{id}`")));
        }
        let events = u32::try_from(stored.len()).map_err(|_| Fault::bug("too many events"))?;
        let change = Change::replay(stored.into_iter().map(|one| (one.event, one.at)))
            .map_err(|damage| Fault::Damaged { message: format!("change `{id}`: {damage}") })?;
        Ok(Loaded { id: id.clone(), change, events })
    }

    /// Folds decided events into a loaded change and into a batch, so that several decisions can be
    /// committed as one.
    pub(crate) fn add_events(
        loaded: &mut Loaded,
        batch: &mut Batch,
        events: Vec<Event>,
        by: &Actor,
        at: Time,
    ) -> Result<(), Fault> {
        if batch.entries.iter().all(|entry| !is_of(entry, &loaded.id)) {
            batch.expects.push(Expect::ChangeAt { id: loaded.id.clone(), events: loaded.events });
        }
        for event in events {
            let next = loaded.change.clone().apply(event.clone(), at).map_err(|damage| {
                Fault::bug(format!("a decided event does not apply: {damage}"))
            })?;
            batch.entries.push(Entry {
                at,
                by: by.clone(),
                fact: Fact::Change {
                    id: loaded.id.clone(),
                    seq: loaded.events,
                    state: next.name().to_owned(),
                    event: Box::new(event),
                },
            });
            if matches!(next.next(), Next::Finished) {
                let over = over_with(&loaded.id, &loaded.change);
                batch.work.extend(over.into_iter().map(Work::ForgetSealed));
            }
            loaded.change = next;
            loaded.events = loaded.events.saturating_add(1);
        }
        Ok(())
    }

    /// Begins a change: its first event, folded and in the batch.
    pub(crate) fn open_change(
        request: bailiwick_core::change::Request,
        batch: &mut Batch,
    ) -> Loaded {
        let (id, by, at) = (request.id.clone(), request.by.clone(), request.at);
        let change = Change::Requested(request.clone());
        batch.expects.push(Expect::ChangeAt { id: id.clone(), events: 0 });
        batch.entries.push(Entry {
            at,
            by,
            fact: Fact::Change {
                id: id.clone(),
                seq: 0,
                state: change.name().to_owned(),
                event: Box::new(Event::Requested(Box::new(request))),
            },
        });
        Loaded { id, change, events: 1 }
    }

    /// Who finds out when Bailiwick cannot: the one on duty for the service's operator, else for the
    /// control owner, else the first administrator; never whoever asked or stands behind who did, as
    /// long as there is anybody else.
    pub(crate) fn assignee(&self, live: &Live, change: &Change) -> PersonId {
        let now = self.now();
        let estate = live.estate();
        let asked = &change.request().by;
        let independent = |person: &PersonId| {
            let by = SignedIn::alone(person.clone()).standing_in(estate, now);
            estate.works_here(person, now) && !asked.shares_somebody_with(&by)
        };
        let service = change.request().service.as_ref().and_then(|id| estate.services.get(id));
        let teams = service
            .map(|service| &service.duties.operator)
            .into_iter()
            .chain([&estate.organisation.control_owner]);
        let people = teams.flat_map(|team| {
            let on_duty = estate.person_on_duty(team, now).ok();
            let on_duty = on_duty.map(|on_duty| on_duty.person().clone());
            on_duty.into_iter().chain(estate.members_of(team).into_iter().cloned())
        });
        let administrators = &estate.organisation.administrators;
        people
            .chain(administrators.iter().cloned())
            .find(independent)
            .or_else(|| administrators.first().cloned())
            .unwrap_or_else(crate::lab::nobody)
    }

    /// How DNS is seen: the servers of each zone, and the resolver.
    pub(crate) fn view(&self, live: &Live) -> View {
        let authorities = live.servers.clone();
        View { resolver: self.resolver, authorities, private_tlds: PrivateTlds::reserved() }
    }

    /// A certificate with each of its chains, PEM. Chain 0 is what servers show; chain 1, where there is
    /// one, ends with the root, for whoever wants to see where it leads.
    pub(crate) async fn certificate_chains(
        &self,
        one: &IssuedCertificate,
    ) -> Result<Vec<String>, Fault> {
        let leaf = bailiwick_wire::x509::write_pem("CERTIFICATE", &one.der);
        if let Some(digest) = self.store.certificate_chain(&one.fingerprint).await? {
            let stored = self.stored_chain(digest).await?.unwrap_or_default();
            return Ok(vec![leaf + &stored]);
        }
        let Some(issuer) = self.issuers.of(&one.issuer, &one.serial) else { return Ok(vec![leaf]) };
        let root = bailiwick_wire::x509::write_pem("CERTIFICATE", issuer.root_der());
        let served = leaf + issuer.chain_pem();
        let whole = format!("{served}{root}");
        Ok(vec![served, whole])
    }

    /// The issuer domain names that the issuers here answer to (RFC 8659, section 4.2).
    pub(crate) fn issuer_domains(&self) -> Vec<String> {
        let live = self.live.get();
        let serving = live.estate().issuers.iter().filter(|(id, _)| self.issuers.contains_key(id));
        let all: std::collections::BTreeSet<String> =
            serving.flat_map(|(_, issuer)| issuer.caa_domains.iter().cloned()).collect();
        all.into_iter().collect()
    }

    /// The text of `/metrics`, with what is read from the store now.
    pub(crate) async fn measured(&self) -> Result<String, Fault> {
        let size = self.store.head().await?.size.get();
        let waiting: u64 = self
            .store
            .change_counts()
            .await?
            .into_iter()
            .filter(|(state, _)| state == "awaiting-approval")
            .map(|(_, count)| count)
            .sum();
        let next = self.next_expiry_seconds().await?;
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.metrics.set_seen(whole(size), whole(waiting), next);
        self.metrics.set_crl_seconds_left(self.crl_seconds_left().await?);
        self.metrics.text().map_err(|cause| Fault::bug(cause.to_string()))
    }

    /// Tells whoever listens; nobody listening is fine.
    pub(crate) fn tell(&self, news: News) {
        drop(self.news.send(news));
    }
}

fn is_of(entry: &Entry, change: &ChangeId) -> bool {
    matches!(&entry.fact, Fact::Change { id, .. } if id == change)
}
