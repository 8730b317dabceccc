//! Who can do what alone, and who could do too much: asked of the policy as it is now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bailiwick_core::actor::Actor;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{PersonId, ServiceId};
use bailiwick_core::policy::{
    Access, KnownSecret, ObjectAsked, Opens, Power, PowersAsked, ResourceKind, ToxicCombination,
    may, powers_in, toxic,
};
use bailiwick_core::record::{ActClass, Fact};
use bailiwick_core::time::Time;
use bailiwick_store::ActRow;

use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// Envelopes in force that are read: those that end first.
const ENVELOPES: u32 = 200;
/// Acts of one page.
const ACTS: u32 = 100;

/// What one person may do about a zone or a service.
pub(crate) struct DutyLine {
    /// Who.
    pub person: PersonId,
    /// What they may do with others agreeing, as the policy calls it.
    pub may: Vec<&'static str>,
    /// What they can do alone, in words.
    pub alone: Vec<String>,
}

/// Who can do what about each zone, and who could do too much.
pub(crate) struct Duties {
    /// Everybody with power over both sides of a zone.
    pub toxic: Vec<ToxicCombination>,
    /// Who may do what, by zone.
    pub by_zone: Vec<(ZoneKey, Vec<DutyLine>)>,
}

/// What powers rest on, read at one moment.
struct Known {
    live: Arc<Live>,
    secrets: BTreeSet<KnownSecret>,
    standing: BTreeSet<ServiceId>,
    now: Time,
}

impl App {
    /// Everybody with power over both sides of a zone.
    pub(crate) async fn toxic_combinations(
        &self,
        asking: &Asking,
    ) -> Result<Vec<ToxicCombination>, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let known = self.known(None).await?;
        beside(move || toxic(&powers_in(known.asked(), None))).await
    }

    /// Who may do what about a zone or a service, each person who may do anything.
    pub(crate) async fn duties_of(
        &self,
        asking: &Asking,
        of: &str,
    ) -> Result<Vec<DutyLine>, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let (id, (services, zones)) = (of.to_owned(), subject(&self.live.get(), of)?);
        let known = self.known(Some(&zones)).await?;
        beside(move || {
            let held = powers_in(known.asked(), Some(&zones));
            known.lines(id, (services, zones), held)
        })
        .await
    }

    /// Who may do what about each zone.
    pub(crate) async fn duties(&self, asking: &Asking) -> Result<Duties, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let known = self.known(None).await?;
        beside(move || {
            let all = powers_in(known.asked(), None);
            let toxic = toxic(&all);
            let mut held: BTreeMap<ZoneKey, Vec<Power>> = BTreeMap::new();
            for power in all {
                held.entry(power.zone.clone()).or_default().push(power);
            }
            let zones = known.live.estate().zones.keys();
            let lines = zones.map(|key| {
                let of = (BTreeSet::new(), BTreeSet::from([key.clone()]));
                let held = held.remove(key).unwrap_or_default();
                (key.clone(), known.lines(key.to_string(), of, held))
            });
            Duties { by_zone: lines.collect(), toxic }
        })
        .await
    }

    /// What powers in these zones rest on; `None` stands for all.
    async fn known(&self, zones: Option<&BTreeSet<ZoneKey>>) -> Result<Known, Fault> {
        let live = self.live.get();
        let secrets = self.known_secrets(&live, zones).await?;
        let standing = self.standing_services().await?;
        Ok(Known { live, secrets, standing, now: self.now() })
    }

    /// Secrets that a human handed in or was handed, and that still open something.
    async fn known_secrets(
        &self,
        live: &Live,
        zones: Option<&BTreeSet<ZoneKey>>,
    ) -> Result<BTreeSet<KnownSecret>, Fault> {
        let mut known = BTreeSet::new();
        let all = live.estate().zones.iter();
        for (key, zone) in all.filter(|(key, _)| zones.is_none_or(|zones| zones.contains(key))) {
            let connector = zone.connector.as_ref();
            let Some(secret) = connector.and_then(|it| Self::connector_secret(key, it)) else {
                continue;
            };
            let about = format!("secret/{}/{}", secret.purpose(), secret.name());
            let handed_in = self.store.entries_of(&about).await?;
            // The last one counts: what was there before opens nothing any more.
            let set = |fact: &Fact| matches!(fact, Fact::SecretSet { .. });
            let last = handed_in.into_iter().rev().map(|stored| stored.entry);
            let last = last.filter(|entry| set(&entry.fact)).map(|entry| entry.by).next();
            if let Some(Actor::Person(by)) = last {
                let opens = |person: &PersonId| KnownSecret {
                    person: person.clone(),
                    opens: Opens::Records(key.clone()),
                };
                known.extend(by.everybody().map(opens));
            }
        }
        let makers = self.store.makers_of_accounts().await?.into_iter();
        known.extend(
            makers.map(|(service, person)| KnownSecret { person, opens: Opens::Service(service) }),
        );
        Ok(known)
    }

    /// Services with an envelope in force.
    async fn standing_services(&self) -> Result<BTreeSet<ServiceId>, Fault> {
        let in_force = self.store.envelopes_in_force(self.now(), ENVELOPES).await?;
        Ok(in_force.into_iter().map(|envelope| envelope.service).collect())
    }

    /// Acts on keys, accounts, zones and registrations, the newest first.
    pub(crate) async fn acts(
        &self,
        asking: &Asking,
        about: Option<&str>,
        class: Option<ActClass>,
        before: Option<LeafIndex>,
    ) -> Result<Vec<ActRow>, Fault> {
        self.permit(asking, Access::Read, &Scope::Ledger)?;
        Ok(self.store.acts(about, class, before, ACTS).await?)
    }
}

impl Known {
    fn asked(&self) -> PowersAsked<'_> {
        PowersAsked {
            active: &self.live.active,
            policies: &self.live.policy,
            known: &self.secrets,
            standing: &self.standing,
            now: self.now,
        }
    }

    /// Each person who may do anything about an object, with the power that they hold alone there.
    fn lines(
        &self,
        id: String,
        (services, zones): (BTreeSet<ServiceId>, BTreeSet<ZoneKey>),
        held: Vec<Power>,
    ) -> Vec<DutyLine> {
        let mut alone: BTreeMap<PersonId, Vec<String>> = BTreeMap::new();
        for power in held {
            let words = format!("{}: {}", power.side, power.why);
            alone.entry(power.person).or_default().push(words);
        }
        let object = |kind| ObjectAsked {
            kind,
            id: id.clone(),
            services: services.clone(),
            zones: zones.clone(),
            person: None,
        };
        let people = self.live.estate().people.keys();
        let lines = people.map(|person| {
            let questions = [
                (Access::Request, ResourceKind::Service, "request"),
                (Access::Approve, ResourceKind::Change, "approve"),
                (Access::Revoke, ResourceKind::Certificate, "revoke"),
            ];
            let yes = questions
                .into_iter()
                .filter(|(access, kind, _)| may(self.asked(), *access, object(*kind), person));
            DutyLine {
                may: yes.map(|(_, _, word)| word).collect(),
                alone: alone.remove(person).unwrap_or_default(),
                person: person.clone(),
            }
        });
        lines.filter(|line| !line.may.is_empty() || !line.alone.is_empty()).collect()
    }
}

/// Asks the policy on a thread of its own: for each service and each set of teams it is asked, which no
/// thread that serves others should wait for.
async fn beside<T: Send + 'static>(asks: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(asks).await;
    done.map_err(|why| Fault::bug(format!("who can do what could not be found: {why}")))
}

/// The services and zones that a word names.
fn subject(live: &Live, of: &str) -> Result<(BTreeSet<ServiceId>, BTreeSet<ZoneKey>), Fault> {
    let estate = live.estate();
    if let Some(key) = ZoneKey::parse(of).filter(|key| estate.zones.contains_key(key)) {
        return Ok((BTreeSet::new(), BTreeSet::from([key])));
    }
    let found = ServiceId::parse(of).ok().and_then(|id| estate.services.get_key_value(&id));
    let Some((id, service)) = found else {
        return Err(Fault::not_found("zone or service of that name".to_owned()));
    };
    let bases = service.names.iter().filter_map(bailiwick_core::names::SanName::dns);
    let bases = bases.chain(&service.below);
    let zones = bases.flat_map(|base| estate.zones_of(base, service.view));
    Ok((BTreeSet::from([id.clone()]), zones.map(|(key, _)| key.clone()).collect()))
}
