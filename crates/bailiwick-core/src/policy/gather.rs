//! Facts out of an estate: one place where the judge's questions get their answers, so that every
//! caller asks about the same things.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::{
    ActiveEstate, Attested, DelegationSeen, Duties, Estate, EstateDiff, Service, Zone, ZoneKey,
};
use crate::names::{ChangeId, IssuerId, PersonId, ProfileId, SanName, ServiceId, TeamId};
use crate::time::Time;

use super::facts::{
    AccountFacts, ApprovalFacts, ApproverKind, AttestationFacts, AuthorFacts, AuthorKind,
    ChangeFacts, ChangeKind, EnrolFacts, EnvelopeFacts, ExceptionFacts, Fact, IssueFacts,
    IssuerFacts, NameFacts, ObjectFacts, PrincipalFacts, PrincipalKind, ProfileFacts, ResourceKind,
    ServiceFacts, Stage, ZoneFacts,
};

/// What an order asks for; the estate knows the rest.
#[derive(Clone, Debug)]
pub struct IssueAsked<'a> {
    /// The moment.
    pub now: Time,
    /// Who asks.
    pub account: AccountFacts,
    /// For which names.
    pub names: &'a BTreeSet<SanName>,
    /// From which issuer.
    pub issuer: &'a IssuerId,
    /// Under which profile.
    pub profile: &'a ProfileId,
    /// For how long.
    pub lifetime_seconds: Fact<u32>,
    /// The envelope that may cover it.
    pub envelope: Fact<Option<EnvelopeFacts>>,
    /// What is attested about the account.
    pub attested: Fact<Option<Attested>>,
    /// How far the order has come.
    pub stage: Stage,
}

impl IssueFacts {
    /// The facts of an order.
    #[must_use]
    pub fn gather(active: &ActiveEstate, asked: IssueAsked<'_>) -> Self {
        let estate = active.estate();
        let bound = asked.account.service.known();
        let service = bound.and_then(|id| estate.services.get_key_value(id));
        let names = asked.names.iter().flat_map(|name| name_facts(active, name)).collect();
        let rules = service.map(|(_, it)| it.attested.clone()).unwrap_or_default();
        let about = !rules.is_empty() || asked.attested != Fact::Known(None);
        let attestation = about.then_some(AttestationFacts { asked: rules, shown: asked.attested });
        let service = service.map(|(id, it)| service_facts(active, id, it));
        let exceptions = estate.exceptions.iter().map(|(id, it)| ExceptionFacts {
            id: id.clone(),
            scope: it.scope.clone(),
            rule: it.rule.clone(),
            until: it.until,
        });
        Self {
            now: asked.now,
            control_owner: estate.organisation.control_owner.clone(),
            service: Fact::of(service),
            names,
            profile: Fact::of(estate.profiles.get(asked.profile).map(|it| ProfileFacts {
                id: asked.profile.clone(),
                environments: it.environments.clone(),
                lifetime_seconds_max: it.certificate.lifetime_seconds_max,
                keys_allowed: it.certificate.keys_allowed.clone(),
                rsa_bits_min: it.certificate.rsa_bits_min,
                names_max: it.certificate.names_max,
                wildcard_allowed: it.certificate.wildcard_allowed,
                attestation_required: it.attestation_required.clone(),
            })),
            issuer: Fact::of(estate.issuers.get(asked.issuer).map(|it| IssuerFacts {
                id: asked.issuer.clone(),
                caa_domains: it.caa_domains.clone(),
                environments: it.environments.clone(),
                profiles: it.profiles.clone(),
            })),
            lifetime_seconds: asked.lifetime_seconds,
            envelope: asked.envelope,
            attestation,
            exceptions: exceptions.filter(|it| asked.now < it.until).collect(),
            stage: asked.stage,
            account: asked.account,
        }
    }
}

impl EnrolFacts {
    /// The facts of a workload that wants to act for a service.
    #[must_use]
    pub fn gather(active: &ActiveEstate, service: &ServiceId, shown: Attested, now: Time) -> Self {
        let estate = active.estate();
        let found = estate.services.get_key_value(service);
        Self {
            now,
            control_owner: estate.organisation.control_owner.clone(),
            attestation: AttestationFacts {
                asked: found.map(|(_, it)| it.attested.clone()).unwrap_or_default(),
                shown: Fact::Known(Some(shown)),
            },
            service: Fact::of(found.map(|(id, it)| service_facts(active, id, it))),
        }
    }
}

fn service_facts(active: &ActiveEstate, id: &ServiceId, it: &Service) -> ServiceFacts {
    ServiceFacts {
        id: id.clone(),
        environment: it.environment.clone(),
        namespace: it.namespace.clone(),
        profiles: it.profiles.clone(),
        duties: it.duties.clone(),
        ownership: it.ownership.clone(),
        owner_since: Fact::of(active.history().owner_since(id)),
    }
}

/// A name once for every zone it lies in; a name in none has a zone nobody knows.
fn name_facts(active: &ActiveEstate, name: &SanName) -> Vec<NameFacts> {
    let estate = active.estate();
    let owner = active.owners().owner(name).cloned();
    let view = owner.as_ref().and_then(|id| estate.services.get(id)).and_then(|it| it.view);
    let fact = |zone| NameFacts { name: name.clone(), owner: Fact::Known(owner.clone()), zone };
    let place = name.place_in_dns();
    let zones = estate.zones_of(&place, view);
    if zones.is_empty() {
        return vec![fact(Fact::Unknown)];
    }
    let seen = |key| Fact::of(active.delegation(key));
    zones
        .into_iter()
        .map(|(key, zone)| fact(Fact::Known(ZoneFacts::of(key, zone, &place, seen(key)))))
        .collect()
}

/// A person as they signed in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignIn {
    /// Who.
    pub person: PersonId,
    /// Who made the sign-in possible or handed the right on.
    pub chain: BTreeSet<PersonId>,
}

/// Everybody behind a sign-in: whoever made it possible, and whoever the person stands in for.
fn behind(estate: &Estate, sign_in: &SignIn, now: Time) -> BTreeSet<PersonId> {
    let mut chain = sign_in.chain.clone();
    chain.extend(estate.stood_in_for(&sign_in.person, now));
    chain
}

impl AuthorFacts {
    /// A person as author, with whoever they stand in for behind them. Teams of a person the estate
    /// does not hold are not known.
    #[must_use]
    pub fn person(estate: &Estate, sign_in: &SignIn, now: Time) -> Self {
        let known = estate.people.contains_key(&sign_in.person);
        Self {
            teams: Fact::of(known.then(|| estate.teams_at(&sign_in.person, now))),
            chain: Fact::Known(behind(estate, sign_in, now)),
            kind: AuthorKind::Person(sign_in.person.clone()),
        }
    }

    /// An ACME account as author, with whoever made its credential behind it.
    #[must_use]
    pub fn account(
        account: crate::names::AccountId,
        service: ServiceId,
        made_by: BTreeSet<PersonId>,
        (estate, now): (&Estate, Time),
    ) -> Self {
        let teams = made_by.iter().flat_map(|person| estate.teams_at(person, now)).collect();
        let kind = AuthorKind::Account(account, service);
        Self { kind, teams: Fact::Known(teams), chain: Fact::Known(made_by) }
    }

    /// A part of Bailiwick as author.
    #[must_use]
    pub const fn component() -> Self {
        Self {
            kind: AuthorKind::Component,
            teams: Fact::Known(BTreeSet::new()),
            chain: Fact::Known(BTreeSet::new()),
        }
    }
}

impl ApprovalFacts {
    /// An approval by a person, with the teams they belong to now and whoever they stand in for now.
    #[must_use]
    pub fn person(estate: &Estate, sign_in: &SignIn, now: Time) -> Self {
        let known = estate.people.get(&sign_in.person);
        Self {
            person: sign_in.person.clone(),
            kind: ApproverKind::Person,
            works_here: Fact::of(known.map(|person| person.works_here(now))),
            teams: Fact::of(known.map(|_| estate.teams_at(&sign_in.person, now))),
            chain: Fact::Known(behind(estate, sign_in, now)),
        }
    }
}

/// What an envelope or a single certificate is asked for.
#[derive(Clone, Debug)]
pub struct EnvelopeAsked<'a> {
    /// The service.
    pub service: &'a ServiceId,
    /// The names.
    pub names: &'a BTreeSet<SanName>,
}

impl ChangeFacts {
    /// The facts of an edit of the estate. Owners are taken as they are before the edit, so that no
    /// edit chooses its own approvers; only what is new has its owners from the new estate.
    #[must_use]
    pub fn edit(
        now: Time,
        change: ChangeId,
        author: AuthorFacts,
        approvals: Vec<ApprovalFacts>,
        (old, new, diff): (Option<&Estate>, &Estate, &EstateDiff),
    ) -> Self {
        let before = old.unwrap_or(new);
        let zone = |key: &ZoneKey| before.zones.get(key).or_else(|| new.zones.get(key));
        // An edit issues nothing: whether the delegation changed is asked when something is.
        let unasked = || Fact::Known(DelegationSeen::Unwatched);
        let facts =
            |key: &ZoneKey| Some(ZoneFacts::of(key, zone(key)?, key.name.apex(), unasked()));
        let zones = diff.zones.iter().filter_map(facts).collect();
        let service = |id: &ServiceId| before.services.get(id).or_else(|| new.services.get(id));
        let services: BTreeMap<ServiceId, Duties> = diff
            .services
            .iter()
            .filter_map(|id| Some((id.clone(), service(id)?.duties.clone())))
            .collect();
        let every_zone = before.zones.values().flat_map(|it| [&it.policy_owner, &it.operator]);
        let also_concerned =
            if diff.services_only() { BTreeSet::new() } else { every_zone.cloned().collect() };
        Self {
            now,
            control_owner: before.organisation.control_owner.clone(),
            change,
            kind: ChangeKind::EditEstate,
            author,
            approvals,
            zones: Fact::Known(zones),
            services: Fact::Known(services),
            also_concerned,
            services_only: Fact::Known(diff.services_only()),
            trust_impacting: Fact::Known(diff.trust_impacting()),
            caa_zones: diff.caa_zones(),
            emergency: Fact::Known(false),
        }
    }

    /// The facts of a change about the organisation itself and no service: an account at a CA.
    #[must_use]
    pub fn about_organisation(
        now: Time,
        (change, kind): (ChangeId, ChangeKind),
        author: AuthorFacts,
        approvals: Vec<ApprovalFacts>,
        estate: &Estate,
    ) -> Self {
        Self {
            now,
            control_owner: estate.organisation.control_owner.clone(),
            change,
            kind,
            author,
            approvals,
            zones: Fact::Known(Vec::new()),
            services: Fact::Known(BTreeMap::new()),
            also_concerned: BTreeSet::new(),
            services_only: Fact::Known(false),
            trust_impacting: Fact::Known(true),
            caa_zones: BTreeSet::new(),
            emergency: Fact::Known(false),
        }
    }

    /// The facts of a change about names of one service: an envelope, one certificate, a revocation.
    #[must_use]
    pub fn about_names(
        now: Time,
        (change, kind): (ChangeId, ChangeKind),
        author: AuthorFacts,
        approvals: Vec<ApprovalFacts>,
        (active, asked): (&ActiveEstate, &EnvelopeAsked<'_>),
    ) -> Self {
        let estate = active.estate();
        let mut zones: BTreeMap<ZoneKey, ZoneFacts> = BTreeMap::new();
        let mut everywhere = true;
        for fact in asked.names.iter().flat_map(|name| name_facts(active, name)) {
            match fact.zone {
                Fact::Known(zone) => {
                    zones.insert(zone.key.clone(), zone);
                }
                Fact::Unknown => everywhere = false,
            }
        }
        let duties = estate
            .services
            .get(asked.service)
            .map(|service| BTreeMap::from([(asked.service.clone(), service.duties.clone())]));
        Self {
            now,
            control_owner: estate.organisation.control_owner.clone(),
            change,
            kind,
            author,
            approvals,
            zones: Fact::of(everywhere.then(|| zones.into_values().collect())),
            services: Fact::of(duties),
            also_concerned: BTreeSet::new(),
            services_only: Fact::Known(true),
            trust_impacting: Fact::Known(kind != ChangeKind::RevokeCertificate),
            caa_zones: BTreeSet::new(),
            emergency: Fact::Known(false),
        }
    }
}

impl PrincipalFacts {
    /// A principal, with what the estate knows of the person.
    #[must_use]
    pub fn gather(estate: &Estate, kind: PrincipalKind, now: Time) -> Self {
        let id = kind.person().clone();
        let person = estate.people.get(&id);
        Self {
            kind,
            works_here: Fact::of(person.map(|person| person.works_here(now))),
            teams: Fact::of(person.map(|_| estate.teams_at(&id, now))),
            administrator: Fact::Known(estate.organisation.administrators.contains(&id)),
        }
    }
}

/// An object of a request, before the estate says who answers for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectAsked {
    /// What it is.
    pub kind: ResourceKind,
    /// Which.
    pub id: String,
    /// The services it is about.
    pub services: BTreeSet<ServiceId>,
    /// The zones it is about.
    pub zones: BTreeSet<ZoneKey>,
    /// The person it belongs to, as a token or a session does.
    pub person: Option<PersonId>,
}

impl ObjectFacts {
    /// An object, with the teams that answer for its services and zones.
    #[must_use]
    pub fn gather(estate: &Estate, asked: ObjectAsked) -> Self {
        let services = || asked.services.iter().filter_map(|id| estate.services.get(id));
        let zones = || asked.zones.iter().filter_map(|key| estate.zones.get(key));
        let all =
            services().count() == asked.services.len() && zones().count() == asked.zones.len();
        let of = |service: fn(&Duties) -> &TeamId, zone: Option<fn(&Zone) -> &TeamId>| {
            let of_services = services().map(|it| service(&it.duties).clone());
            let of_zones = zones().filter_map(|it| zone.map(|team| team(it).clone()));
            let teams: BTreeSet<TeamId> = of_services.chain(of_zones).collect();
            Fact::of(all.then_some(teams))
        };
        let alone = asked.services.first().filter(|_| asked.services.len() == 1);
        Self {
            policy_owners: of(|it| &it.policy_owner, Some(|it| &it.policy_owner)),
            operators: of(|it| &it.operator, Some(|it| &it.operator)),
            integration_owners: of(|it| &it.integration_owner, None),
            control_owner: estate.organisation.control_owner.clone(),
            auditors: estate.organisation.auditors.clone(),
            service: alone.cloned(),
            kind: asked.kind,
            id: asked.id,
            person: asked.person,
        }
    }
}
