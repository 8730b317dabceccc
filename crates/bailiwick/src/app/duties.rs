//! Who can do what alone, and who could do too much: asked of the policy as it is now.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::actor::Actor;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::AccountStatus;
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{PersonId, ServiceId};
use bailiwick_core::policy::{
    Access, KnownSecret, ObjectAsked, Opens, Power, PowersAsked, ResourceKind, ToxicCombination,
    may, powers, toxic,
};
use bailiwick_core::record::{ActClass, Fact};
use bailiwick_store::ActRow;

use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// Accounts that are read at once.
const PAGE: u32 = 200;
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

impl App {
    /// Everybody with power over both sides of a zone.
    pub(crate) async fn toxic_combinations(
        &self,
        asking: &Asking,
    ) -> Result<Vec<ToxicCombination>, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let live = self.live.get();
        Ok(toxic(&self.powers(&live).await?))
    }

    async fn powers(&self, live: &Live) -> Result<Vec<Power>, Fault> {
        let known = self.known_secrets(live).await?;
        let standing = self.standing_services().await?;
        Ok(powers(asked(self, live, &known, &standing)))
    }

    /// Who may do what about a zone or a service, each person who may do anything.
    pub(crate) async fn duties_of(
        &self,
        asking: &Asking,
        of: &str,
    ) -> Result<Vec<DutyLine>, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let live = self.live.get();
        let (services, zones) = subject(&live, of)?;
        let mut alone: BTreeMap<PersonId, Vec<String>> = BTreeMap::new();
        for power in self.powers(&live).await? {
            if zones.contains(&power.zone) {
                let words = format!("{}: {}", power.side, power.why);
                alone.entry(power.person).or_default().push(words);
            }
        }
        let (known, standing) = (BTreeSet::new(), BTreeSet::new());
        let asked = asked(self, &live, &known, &standing);
        let object = |kind| ObjectAsked {
            kind,
            id: of.to_owned(),
            services: services.clone(),
            zones: zones.clone(),
            person: None,
        };
        let people = live.estate().people.keys();
        let lines = people.map(|person| {
            let questions = [
                (Access::Request, ResourceKind::Service, "request"),
                (Access::Approve, ResourceKind::Change, "approve"),
                (Access::Revoke, ResourceKind::Certificate, "revoke"),
            ];
            let yes = questions
                .into_iter()
                .filter(|(access, kind, _)| may(asked, *access, object(*kind), person));
            DutyLine {
                may: yes.map(|(_, _, word)| word).collect(),
                alone: alone.remove(person).unwrap_or_default(),
                person: person.clone(),
            }
        });
        Ok(lines.filter(|line| !line.may.is_empty() || !line.alone.is_empty()).collect())
    }

    /// Secrets that a human handed in or was handed, and that still open something.
    async fn known_secrets(&self, live: &Live) -> Result<BTreeSet<KnownSecret>, Fault> {
        let mut known = BTreeSet::new();
        for (key, zone) in &live.estate().zones {
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
        let mut after = None;
        loop {
            let page = self.store.accounts(None, after.as_ref(), PAGE).await?;
            for account in page.iter().filter(|one| one.status == AccountStatus::Valid) {
                let behind = account.chain.iter().chain([&account.made_by]);
                known.extend(behind.map(|person| KnownSecret {
                    person: person.clone(),
                    opens: Opens::Service(account.service.clone()),
                }));
            }
            let full = u32::try_from(page.len()).is_ok_and(|read| read >= PAGE);
            match page.last() {
                Some(last) if full => after = Some(last.id.clone()),
                Some(_) | None => return Ok(known),
            }
        }
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

fn asked<'a>(
    now: &App,
    live: &'a Live,
    known: &'a BTreeSet<KnownSecret>,
    standing: &'a BTreeSet<ServiceId>,
) -> PowersAsked<'a> {
    PowersAsked { active: &live.active, policies: &live.policy, known, standing, now: now.now() }
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
