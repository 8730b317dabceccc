//! What the parents of our zones say about them: looked at again and again, kept where it changes. A
//! change that no decision explains freezes issuance in that zone at once.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_connect::dns::View;
use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::caa::PrivateTlds;
use bailiwick_core::estate::{DelegationSeen, Estate, Zone, ZoneKey};
use bailiwick_core::gate::{DelegationKind, DelegationObservation, DelegationStands, standing};
use bailiwick_core::names::DnsName;
use bailiwick_core::record::{Batch, Entry, Fact, Notice};
use futures::future::join;
use futures::stream::{self, StreamExt as _};

use super::{App, Live, News};
use crate::fault::Fault;

/// What was told about one zone.
pub(super) type Facts = Vec<(DelegationKind, BTreeSet<String>)>;

/// Zones looked at at once: one resolver answers for all of them.
const AT_ONCE: usize = 16;

impl App {
    /// Looks at every zone that can be looked at, and puts down what differs; parents and registries at the
    /// same time, so that neither waits for the other.
    pub(crate) async fn look_at_delegations(&self) -> Result<(), Fault> {
        let (parents, registries) =
            join(self.look_at_parents(), self.look_at_due_registrations()).await;
        parents.and(registries)
    }

    async fn look_at_parents(&self) -> Result<(), Fault> {
        let live = &self.live.get();
        let zones: Vec<ZoneKey> = live.estate().zones.keys().cloned().collect();
        let looks = stream::iter(zones).for_each_concurrent(AT_ONCE, |key| async move {
            let Some(zone) = live.estate().zones.get(&key) else { return };
            let Some((facts, seen_at)) = self.see(&key, zone).await else { return };
            if let Err(fault) = self.keep_facts(live, &key, facts, &seen_at).await {
                tracing::error!(zone.name = %key, error = %fault, "what its parent says could not be put down; trying again");
            }
        });
        looks.await;
        self.refresh_delegations().await
    }

    /// Puts down what differs of what was told about one zone.
    pub(super) async fn keep_facts(
        &self,
        live: &Live,
        key: &ZoneKey,
        facts: Facts,
        seen_at: &str,
    ) -> Result<(), Fault> {
        if facts.is_empty() {
            return Ok(());
        }
        let stands = self.store.delegation(key).await?;
        for (kind, values) in facts {
            let before = stands.iter().find(|one| one.kind == kind).map(|one| one.last.clone());
            if before.as_ref() != Some(&values) {
                let (zone, seen_at) = (key.clone(), seen_at.to_owned());
                let seen = DelegationObservation { zone, kind, values, before, seen_at };
                self.keep_delegation(live, seen).await?;
            }
        }
        Ok(())
    }

    /// What is said about one zone, and where: by the resolver where there is one, else by its own servers,
    /// who know their NS but not their parent's DS. Silence is no change, and what was seen last stands.
    async fn see(&self, key: &ZoneKey, zone: &Zone) -> Option<(Facts, String)> {
        let name = DnsName::parse(key.name.as_str()).ok()?;
        let set = |values: Vec<String>| values.into_iter().collect::<BTreeSet<String>>();
        if let Some(resolver) = self.resolver {
            let (view, at) = (View::of_resolver(resolver), format!("resolver {}", resolver.server));
            let ns = self.dns.name_servers(&view, &name);
            let (ns, ds) = join(ns, self.dns.ds_records(&view, &name)).await;
            let ns = ns.ok().map(|ns| (DelegationKind::Ns, set(ns)));
            let ds = ds.ok().map(|ds| (DelegationKind::Ds, set(ds)));
            return Some((ns.into_iter().chain(ds).collect(), at));
        }
        if zone.servers.is_empty() {
            return None;
        }
        let authorities = std::iter::once((key.name.clone(), zone.servers.clone())).collect();
        let private_tlds = PrivateTlds::reserved();
        let view = View { resolver: None, authorities, private_tlds };
        let ns = self.dns.name_servers(&view, &name).await.ok()?;
        Some((vec![(DelegationKind::Ns, set(ns))], "its own servers".to_owned()))
    }

    async fn keep_delegation(&self, live: &Live, seen: DelegationObservation) -> Result<(), Fault> {
        let zone = live.estate().zones.get(&seen.zone);
        let now = self.now();
        // Renewals move the end of a registration, and nobody has to look at that.
        let changed = seen.before.is_some() && seen.kind != DelegationKind::Expiry;
        let teams = zone.map(|zone| [&zone.policy_owner, &zone.operator]);
        let people = teams.iter().flatten().filter(|_| changed);
        let people = people.filter_map(|team| live.estate().person_on_duty(team, now).ok());
        let subject = format!(
            "the {} of {} changed: look at once whether that was decided; until then nothing is issued there",
            seen.kind.as_str().to_uppercase(),
            seen.zone
        );
        let page = format!("zones/{}", seen.zone);
        let notice = |to| Notice { to, subject: subject.clone(), page: page.clone() };
        let notices = people.map(|on_duty| notice(on_duty.person().clone())).collect();
        let (by, fact) =
            (Actor::Component(Component::Driver), Fact::DelegationObserved(Box::new(seen)));
        let entries = vec![Entry { at: now, by, fact }];
        self.commit(Batch { entries, notices, ..Batch::default() }).await?;
        self.tell(News::Certificates);
        Ok(())
    }

    async fn delegations_known(&self) -> Result<BTreeMap<ZoneKey, Vec<DelegationStands>>, Fault> {
        let mut known: BTreeMap<ZoneKey, Vec<DelegationStands>> = BTreeMap::new();
        for (zone, stands) in self.store.delegations().await? {
            known.entry(zone).or_default().push(stands);
        }
        Ok(known)
    }

    /// Puts what was seen in force in this process, where something else was.
    pub(crate) async fn refresh_delegations(&self) -> Result<(), Fault> {
        let known = self.delegations_known().await?;
        let live = self.live.get();
        let seen = of(live.estate(), &known);
        let differs =
            seen.iter().any(|(key, now)| live.active.delegation(key).as_ref() != Some(now));
        if differs {
            self.live.set(live.with_delegations(Some(seen)));
        }
        Ok(())
    }

    /// What was seen of the delegation of each zone of an estate. Where nobody looks, nothing was: that is
    /// known, and the zone's own matter.
    pub(super) async fn delegations_seen(
        &self,
        estate: &Estate,
    ) -> Result<BTreeMap<ZoneKey, DelegationSeen>, Fault> {
        Ok(of(estate, &self.delegations_known().await?))
    }

    /// How the delegation of each zone stands.
    pub(crate) async fn zones_standing(
        &self,
    ) -> Result<Vec<(ZoneKey, DelegationSeen, Vec<DelegationStands>)>, Fault> {
        let (live, mut known) = (self.live.get(), self.delegations_known().await?);
        let mut seen = of(live.estate(), &known);
        let zones = live.estate().zones.keys();
        Ok(zones
            .map(|key| {
                let stands = seen.remove(key).unwrap_or(DelegationSeen::Unwatched);
                (key.clone(), stands, known.remove(key).unwrap_or_default())
            })
            .collect())
    }
}

fn of(
    estate: &Estate,
    known: &BTreeMap<ZoneKey, Vec<DelegationStands>>,
) -> BTreeMap<ZoneKey, DelegationSeen> {
    let zones = estate.zones.iter();
    zones
        .map(|(key, zone)| {
            let facts = known.get(key).map(Vec::as_slice).unwrap_or_default();
            (key.clone(), standing(zone.delegation.as_ref(), facts))
        })
        .collect()
}
