//! Who can do what alone, found by asking the judge; and who could do too much.
//!
//! Separation of duties is only as good as what one human holds at the same time. Power over the
//! certificates of a zone and power over its records in one hand is enough to be anybody in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::{ActiveEstate, Mode, Pattern, Service, ZoneKey, spelled};
use crate::names::{ChangeId, PersonId, SanName, ServiceId, TeamId};
use crate::time::Time;

use super::compile::PolicySet;
use super::facts::{
    Access, AccessFacts, ApprovalFacts, AuthorFacts, AuthorKind, ChangeFacts, ChangeKind, Fact,
    Facts, ObjectFacts, PrincipalFacts, PrincipalKind, ResourceKind,
};
use super::gather::{EnvelopeAsked, ObjectAsked, SignIn};
use super::judge::decide;
use super::verdict::Decision;

spelled! {
    /// The two sides of trust that no human may hold at once.
    Side {
        /// What is certified.
        Certificates = "certificates",
        /// What names point to.
        Records = "records",
    }
}

/// Power that one human has alone, without anybody else agreeing.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Power {
    /// Where.
    pub zone: ZoneKey,
    /// Who.
    pub person: PersonId,
    /// Over which side.
    pub side: Side,
    /// How it comes, in words.
    pub why: String,
}

/// A secret that a human has handed in or was handed, and so may still know.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct KnownSecret {
    /// Who.
    pub person: PersonId,
    /// What it opens.
    pub opens: Opens,
}

/// What a secret opens.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Opens {
    /// The records of a zone.
    Records(ZoneKey),
    /// The gate, for a service.
    Service(ServiceId),
}

/// What powers are computed from.
#[derive(Clone, Copy, Debug)]
pub struct PowersAsked<'a> {
    /// Who there is, and who holds what.
    pub active: &'a ActiveEstate,
    /// What decides.
    pub policies: &'a PolicySet,
    /// Secrets in somebody's hands.
    pub known: &'a BTreeSet<KnownSecret>,
    /// Services with an envelope in force.
    pub standing: &'a BTreeSet<ServiceId>,
    /// When.
    pub now: Time,
}

/// Somebody with power over both sides of a zone.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct ToxicCombination {
    /// Where.
    pub zone: ZoneKey,
    /// Who.
    pub person: PersonId,
    /// How power over certificates comes.
    pub certificates: Vec<String>,
    /// How power over records comes.
    pub records: Vec<String>,
}

/// Everything that one human can do alone, by zone and person.
#[must_use]
pub fn powers(asked: PowersAsked<'_>) -> Vec<Power> {
    powers_in(asked, None)
}

/// The same in these zones only: of the others nothing is asked. `None` stands for all.
#[must_use]
pub fn powers_in(asked: PowersAsked<'_>, zones: Option<&BTreeSet<ZoneKey>>) -> Vec<Power> {
    let estate = asked.active.estate();
    let concerned = |key: &ZoneKey| zones.is_none_or(|zones| zones.contains(key));
    let here = estate.people.iter().filter(|(_, person)| person.works_here(asked.now));
    let people: BTreeMap<&PersonId, BTreeSet<TeamId>> =
        here.map(|(id, _)| (id, estate.teams_at(id, asked.now))).collect();
    let mut all = BTreeSet::new();
    for (key, zone) in estate.zones.iter().filter(|(key, _)| concerned(key)) {
        let operates = people.iter().filter(|(_, teams)| teams.contains(&zone.operator));
        all.extend(operates.map(|(person, _)| Power {
            zone: key.clone(),
            person: (*person).clone(),
            side: Side::Records,
            why: format!("operates the zone, in team {}", zone.operator),
        }));
    }
    for secret in asked.known.iter().filter(|secret| people.contains_key(&secret.person)) {
        if let Opens::Records(zone) = &secret.opens
            && concerned(zone)
        {
            all.insert(Power {
                zone: zone.clone(),
                person: secret.person.clone(),
                side: Side::Records,
                why: "handed in the secret of its connector".to_owned(),
            });
        }
    }
    for (id, service) in &estate.services {
        let alone = Alone::new(asked, id, service);
        let mut names = alone.names_by_zone();
        names.retain(|zone, _| concerned(zone));
        all.extend(alone.over_certificates(names, &people));
    }
    all.into_iter().collect()
}

/// Who holds both sides of a zone at once.
#[must_use]
pub fn toxic(powers: &[Power]) -> Vec<ToxicCombination> {
    let mut held: BTreeMap<(&ZoneKey, &PersonId), ToxicCombination> = BTreeMap::new();
    for power in powers {
        let (zone, person) = (&power.zone, &power.person);
        let one = held.entry((zone, person)).or_insert_with(|| ToxicCombination {
            zone: zone.clone(),
            person: person.clone(),
            certificates: Vec::new(),
            records: Vec::new(),
        });
        match power.side {
            Side::Certificates => one.certificates.push(power.why.clone()),
            Side::Records => one.records.push(power.why.clone()),
        }
    }
    let both = |one: &ToxicCombination| !one.certificates.is_empty() && !one.records.is_empty();
    held.into_values().filter(both).collect()
}

/// What somebody can do alone for one service. People in the same teams can do the same, so each set of
/// teams is asked about once.
struct Alone<'a> {
    asked: PowersAsked<'a>,
    id: &'a ServiceId,
    service: &'a Service,
    approves: BTreeMap<(ZoneKey, ChangeKind, BTreeSet<TeamId>), bool>,
    hands_out: BTreeMap<BTreeSet<TeamId>, bool>,
}

/// Kinds of change that lead to a certificate.
const LEAD_TO_CERTIFICATES: [ChangeKind; 2] =
    [ChangeKind::GrantEnvelope, ChangeKind::IssueCertificate];

impl<'a> Alone<'a> {
    const fn new(asked: PowersAsked<'a>, id: &'a ServiceId, service: &'a Service) -> Self {
        Self { asked, id, service, approves: BTreeMap::new(), hands_out: BTreeMap::new() }
    }

    fn over_certificates(
        mut self,
        by_zone: BTreeMap<ZoneKey, BTreeSet<SanName>>,
        people: &BTreeMap<&PersonId, BTreeSet<TeamId>>,
    ) -> Vec<Power> {
        let mut all = Vec::new();
        for (zone, names) in by_zone {
            let open = self.needs_nobody(&zone);
            for (person, teams) in people {
                let mut power = |why: String| {
                    let (zone, person) = (zone.clone(), (*person).clone());
                    all.push(Power { zone, person, side: Side::Certificates, why });
                };
                for kind in LEAD_TO_CERTIFICATES {
                    if self.approves_alone(&zone, kind, &names, (person, teams)) {
                        power(format!("approves `{kind}` for {} alone", self.id));
                    }
                }
                if open && self.hands_out_credentials((person, teams)) {
                    power(format!(
                        "makes ACME credentials of {}, which needs nobody else",
                        self.id
                    ));
                }
                let opens = Opens::Service(self.id.clone());
                let secret = KnownSecret { person: (*person).clone(), opens };
                if open && self.asked.known.contains(&secret) {
                    power(format!("made an ACME credential of {} that is in use", self.id));
                }
            }
        }
        all
    }

    fn names_by_zone(&self) -> BTreeMap<ZoneKey, BTreeSet<SanName>> {
        let mut by_zone: BTreeMap<ZoneKey, BTreeSet<SanName>> = BTreeMap::new();
        let below = self.service.below.iter().filter_map(|base| SanName::parse(base.as_str()).ok());
        for name in self.service.names.iter().cloned().chain(below) {
            let estate = self.asked.active.estate();
            for (key, _) in estate.zones_of(&name.place_in_dns(), self.service.view) {
                by_zone.entry(key.clone()).or_default().insert(name.clone());
            }
        }
        by_zone
    }

    /// Whether whoever has a credential gets certificates there without anybody else agreeing.
    fn needs_nobody(&self, zone: &ZoneKey) -> bool {
        let zone = self.asked.active.estate().zones.get(zone);
        self.asked.standing.contains(self.id)
            || zone.is_some_and(|zone| {
                zone.pattern == Pattern::ServiceTeam || zone.mode != Mode::Enforce
            })
    }

    /// Whether this one approval is enough for what somebody unrelated asks for.
    fn approves_alone(
        &mut self,
        zone: &ZoneKey,
        kind: ChangeKind,
        names: &BTreeSet<SanName>,
        (person, teams): (&PersonId, &BTreeSet<TeamId>),
    ) -> bool {
        let key = (zone.clone(), kind, teams.clone());
        if let Some(known) = self.approves.get(&key) {
            return *known;
        }
        let (active, now) = (self.asked.active, self.asked.now);
        let Ok(change) = ChangeId::parse("hypothetical") else { return false };
        let Ok(nobody) = PersonId::parse("hypothetical") else { return false };
        let author = AuthorFacts {
            kind: AuthorKind::Person(nobody),
            teams: Fact::Known(BTreeSet::new()),
            chain: Fact::Known(BTreeSet::new()),
        };
        let sign_in = SignIn { person: person.clone(), chain: BTreeSet::new() };
        let approval = ApprovalFacts::person(active.estate(), &sign_in, now);
        let asked = EnvelopeAsked { service: self.id, names };
        let facts =
            ChangeFacts::about_names(now, (change, kind), author, vec![approval], (active, &asked));
        let alone = decide(self.asked.policies, &Facts::Change(facts)) == Decision::Allow
            && self.may(Access::Approve, ResourceKind::Change, person);
        self.approves.insert(key, alone);
        alone
    }

    fn hands_out_credentials(&mut self, (person, teams): (&PersonId, &BTreeSet<TeamId>)) -> bool {
        if let Some(known) = self.hands_out.get(teams) {
            return *known;
        }
        let may = self.may(Access::Administer, ResourceKind::Credential, person);
        self.hands_out.insert(teams.clone(), may);
        may
    }

    fn may(&self, access: Access, kind: ResourceKind, person: &PersonId) -> bool {
        // A change concerns the owners of its zones; a credential those of its service alone.
        let zones = match access {
            Access::Approve => self.names_by_zone().into_keys().collect(),
            Access::Read | Access::Request | Access::Revoke | Access::Administer => BTreeSet::new(),
        };
        let services = BTreeSet::from([self.id.clone()]);
        let object = ObjectAsked { kind, id: self.id.to_string(), services, zones, person: None };
        may(self.asked, access, object, person)
    }
}

/// Whether a person may do this to an object.
#[must_use]
pub fn may(asked: PowersAsked<'_>, access: Access, object: ObjectAsked, person: &PersonId) -> bool {
    let estate = asked.active.estate();
    let kind = PrincipalKind::Person(person.clone());
    let facts = AccessFacts {
        now: asked.now,
        principal: PrincipalFacts::gather(estate, kind, asked.now),
        access,
        object: ObjectFacts::gather(estate, object),
    };
    decide(asked.policies, &Facts::Access(facts)) == Decision::Allow
}
