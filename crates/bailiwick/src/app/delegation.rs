//! What the parents of our zones say about them: looked at again and again, kept where it changes. A
//! change that no decision explains freezes issuance in that zone at once.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_connect::dns::View;
use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::caa::{LookupFailure, PrivateTlds};
use bailiwick_core::estate::{DelegationSeen, Estate, Zone, ZoneKey};
use bailiwick_core::gate::{DelegationKind, DelegationObservation, DelegationStands, standing};
use bailiwick_core::names::DnsName;
use bailiwick_core::record::{Batch, Entry, Fact, Notice};

use super::{App, Live, News};
use crate::fault::Fault;

impl App {
    /// Looks at every zone that can be looked at, and puts down what differs.
    pub(crate) async fn look_at_delegations(&self) -> Result<(), Fault> {
        let live = self.live.get();
        let known = self.delegations_known().await?;
        for (key, zone) in &live.estate().zones {
            let stands = known.get(key).map(Vec::as_slice).unwrap_or_default();
            for (kind, values, seen_at) in self.see(key, zone).await {
                let Ok(values) = values else {
                    // Silence is no change. What was seen last stands.
                    continue;
                };
                let before = stands.iter().find(|one| one.kind == kind);
                if before.is_none_or(|before| before.last != values) {
                    let before = before.map(|before| before.last.clone());
                    let zone = key.clone();
                    let seen = DelegationObservation { zone, kind, values, before, seen_at };
                    self.keep_delegation(&live, seen).await?;
                }
            }
        }
        self.look_at_due_registrations().await?;
        self.refresh_delegations().await
    }

    /// Puts down what differs of what was told about one zone.
    pub(super) async fn keep_facts(
        &self,
        live: &Live,
        key: &ZoneKey,
        facts: Vec<(DelegationKind, BTreeSet<String>)>,
        seen_at: &str,
    ) -> Result<(), Fault> {
        let known = self.delegations_known().await?;
        let stands = known.get(key).map(Vec::as_slice).unwrap_or_default();
        for (kind, values) in facts {
            let before = stands.iter().find(|one| one.kind == kind).map(|one| one.last.clone());
            if before.as_ref() != Some(&values) {
                let (zone, seen_at) = (key.clone(), format!("RDAP server {seen_at}"));
                let seen = DelegationObservation { zone, kind, values, before, seen_at };
                self.keep_delegation(live, seen).await?;
            }
        }
        Ok(())
    }

    /// What is said about one zone: by the resolver where there is one, else by its own servers, who
    /// know their NS but not their parent's DS.
    async fn see(
        &self,
        key: &ZoneKey,
        zone: &Zone,
    ) -> Vec<(DelegationKind, Result<BTreeSet<String>, LookupFailure>, String)> {
        let Ok(name) = DnsName::parse(key.name.as_str()) else { return Vec::new() };
        let set = |values: Vec<String>| values.into_iter().collect::<BTreeSet<String>>();
        if let Some(resolver) = self.resolver {
            let (view, at) = (View::of_resolver(resolver), format!("resolver {}", resolver.server));
            let ns = self.dns.name_servers(&view, &name).await.map(set);
            let ds = self.dns.ds_records(&view, &name).await.map(set);
            return vec![(DelegationKind::Ns, ns, at.clone()), (DelegationKind::Ds, ds, at)];
        }
        if zone.servers.is_empty() {
            return Vec::new();
        }
        let authorities = vec![(key.name.clone(), zone.servers.clone())];
        let private_tlds = PrivateTlds::reserved();
        let view = View { resolver: None, authorities, private_tlds };
        let ns = self.dns.name_servers(&view, &name).await.map(set);
        vec![(DelegationKind::Ns, ns, "its own servers".to_owned())]
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
