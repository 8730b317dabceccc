//! Questions as they come up: orders of a shop, a change that waits for approval, a token that asks.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{
    CaaIntent, DelegationSeen, Duties, Environment, Mode, Ownership, Pattern, RuleId, Scope,
    ZoneClass, ZoneKey, ZoneLimits,
};
use bailiwick_core::names::{
    AccountId, ChangeId, EnvelopeId, ExceptionId, IssuerId, PersonId, ProfileId, SanName,
    ServiceId, TeamId, TokenId,
};
use bailiwick_core::policy::{
    Access, AccessFacts, AccountFacts, ApprovalFacts, ApproverKind, AuthorFacts, AuthorKind,
    CaaFact, ChangeFacts, ChangeKind, EnvelopeApproval, EnvelopeFacts, ExceptionFacts, Fact, Facts,
    FinalizeFacts, IssueFacts, IssuerFacts, KeyFacts, NameFacts, ObjectFacts, PrincipalFacts,
    PrincipalKind, ProfileFacts, ResourceKind, ServiceFacts, Stage, TokenFacts, UsesLeft,
    ValidationMethod, ZoneFacts,
};
use bailiwick_core::time::{DAY_MS, Time};

pub(crate) const NOW: Time = Time::from_unix_ms(1_790_000_000_005);

pub(crate) fn team(id: &str) -> TeamId {
    TeamId::parse(id).unwrap()
}

fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

fn service() -> ServiceId {
    ServiceId::parse("shop-web").unwrap()
}

fn profiles() -> BTreeSet<ProfileId> {
    BTreeSet::from([ProfileId::parse("tls-server").unwrap()])
}

fn environments() -> BTreeSet<Environment> {
    ["production", "staging"].map(|word| Environment::parse(word).unwrap()).into()
}

fn duties(team: &TeamId) -> Duties {
    Duties { policy_owner: team.clone(), operator: team.clone(), integration_owner: team.clone() }
}

pub(crate) fn zone(key: &str, pattern: Pattern) -> ZoneFacts {
    ZoneFacts {
        key: ZoneKey::parse(key).unwrap(),
        class: ZoneClass::CustomerFacing,
        pattern,
        mode: Mode::Enforce,
        policy_owner: team("pki"),
        operator: team("dns"),
        caa: CaaIntent {
            issue: vec!["ca.bailiwick.example; validationmethods=dns-01".to_owned()],
            issuewild: vec![";".to_owned()],
            iodef: vec!["mailto:security@shop.example".to_owned()],
        },
        limits: ZoneLimits {
            names_per_certificate_max: 100,
            wildcard_allowed: false,
            lifetime_days_max: 90,
            ownership_days_max: 365,
        },
        gates: Vec::new(),
        delegation: Fact::Known(DelegationSeen::Unwatched),
    }
}

/// `name-000.eu-central.shop.example` and so on: of about the length that real names have.
pub(crate) fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("name-{n:03}.eu-central.shop.example")).collect()
}

/// An order at finalize; every name lies in every zone of `zones`.
pub(crate) fn order(texts: &[impl AsRef<str>], zones: &[ZoneFacts]) -> IssueFacts {
    let parsed: Vec<SanName> =
        texts.iter().map(|text| SanName::parse(text.as_ref()).unwrap()).collect();
    let fact = |name: &SanName, zone: &ZoneFacts| NameFacts {
        name: name.clone(),
        owner: Fact::Known(Some(service())),
        zone: Fact::Known(zone.clone()),
    };
    let names = parsed.iter().flat_map(|name| zones.iter().map(move |zone| fact(name, zone)));
    IssueFacts {
        now: NOW,
        control_owner: team("security"),
        account: AccountFacts {
            id: AccountId::parse("acct-1").unwrap(),
            usable: Fact::Known(true),
            service: Fact::Known(service()),
            environment: Fact::Known(Environment::parse("production").unwrap()),
            namespace: Fact::Known(None),
            attestations: Fact::Known(BTreeSet::new()),
        },
        service: Fact::Known(ServiceFacts {
            id: service(),
            environment: Environment::parse("production").unwrap(),
            namespace: None,
            profiles: profiles(),
            duties: duties(&team("shop")),
            ownership: Some(Ownership {
                verified_at: NOW.plus_ms(-10 * DAY_MS),
                by: person("sam"),
            }),
            owner_since: Fact::Known(NOW.plus_ms(-100 * DAY_MS)),
        }),
        names: names.collect(),
        profile: Fact::Known(ProfileFacts {
            id: ProfileId::parse("tls-server").unwrap(),
            environments: environments(),
            lifetime_seconds_max: 90 * 86_400,
            keys_allowed: BTreeSet::from([KeyKind::EcdsaP256, KeyKind::Rsa]),
            rsa_bits_min: 2048,
            names_max: 100,
            wildcard_allowed: true,
            attestation_required: None,
        }),
        issuer: Fact::Known(IssuerFacts {
            id: IssuerId::parse("house").unwrap(),
            caa_domains: BTreeSet::from(["ca.bailiwick.example".to_owned()]),
            environments: environments(),
            profiles: profiles(),
        }),
        lifetime_seconds: Fact::Known(90 * 86_400),
        envelope: Fact::Known(None),
        attestation: None,
        exceptions: Vec::new(),
        stage: Stage::Finalize(FinalizeFacts {
            key: Fact::Known(KeyFacts { kind: KeyKind::EcdsaP256, bits: 256 }),
            validated: Fact::Known(
                parsed.iter().map(|name| (name.clone(), ValidationMethod::Http01)).collect(),
            ),
            caa: Fact::Known(CaaFact::NotYet),
        }),
    }
}

/// The order, covered by an envelope that pki approved and an exception that does not matter.
pub(crate) fn covered(mut order: IssueFacts) -> IssueFacts {
    order.envelope = Fact::Known(Some(EnvelopeFacts {
        id: EnvelopeId::parse("env-1").unwrap(),
        service: service(),
        names: order.names.iter().map(|it| it.name.clone()).collect(),
        issuer: IssuerId::parse("house").unwrap(),
        profiles: profiles(),
        account: None,
        granted_at: NOW.plus_ms(-5 * DAY_MS),
        until: NOW.plus_ms(DAY_MS),
        uses_left: Fact::Known(UsesLeft::Limited(3)),
        approvals: Fact::Known(vec![EnvelopeApproval {
            person: person("pia"),
            teams: BTreeSet::from([team("pki"), team("security")]),
            independent: true,
        }]),
    }));
    order.exceptions.push(ExceptionFacts {
        id: ExceptionId::parse("exc-1").unwrap(),
        scope: Scope::Name(SanName::parse("old.shop.example").unwrap()),
        rule: RuleId::parse("lifetime-over-zone").unwrap(),
        until: NOW.plus_ms(DAY_MS),
    });
    order
}

/// An edit of the shop's service by sam, with approvals of these people, each with their teams.
pub(crate) fn change(approvals: &[(&str, &[&str])]) -> ChangeFacts {
    let teams = |ids: &[&str]| ids.iter().map(|id| team(id)).collect::<BTreeSet<_>>();
    ChangeFacts {
        now: NOW,
        control_owner: team("security"),
        change: ChangeId::parse("change-1").unwrap(),
        kind: ChangeKind::GrantEnvelope,
        author: AuthorFacts {
            kind: AuthorKind::Person(person("sam")),
            teams: Fact::Known(teams(&["shop"])),
            chain: Fact::Known(BTreeSet::new()),
        },
        approvals: approvals
            .iter()
            .map(|(who, of)| ApprovalFacts {
                person: person(who),
                kind: ApproverKind::Person,
                works_here: Fact::Known(true),
                teams: Fact::Known(teams(of)),
                chain: Fact::Known(BTreeSet::new()),
            })
            .collect(),
        zones: Fact::Known(vec![zone("shop.example", Pattern::Central)]),
        services: Fact::Known(BTreeMap::from([(service(), duties(&team("shop")))])),
        also_concerned: BTreeSet::new(),
        services_only: Fact::Known(true),
        trust_impacting: Fact::Known(true),
        caa_zones: BTreeSet::new(),
        emergency: Fact::Known(false),
    }
}

/// A token of sam's that asks to read the shop's service.
pub(crate) fn access(allows: &[Access]) -> AccessFacts {
    let shop = Fact::Known(BTreeSet::from([team("shop")]));
    AccessFacts {
        now: NOW,
        principal: PrincipalFacts {
            kind: PrincipalKind::Token(
                person("sam"),
                TokenFacts {
                    id: TokenId::parse("token-1").unwrap(),
                    allows: allows.iter().copied().collect(),
                    services: Some(BTreeSet::from([service()])),
                    until: NOW.plus_ms(DAY_MS),
                },
            ),
            works_here: Fact::Known(true),
            teams: shop.clone(),
            administrator: Fact::Known(false),
        },
        access: Access::Read,
        object: ObjectFacts {
            kind: ResourceKind::Service,
            id: "shop-web".to_owned(),
            service: Some(service()),
            person: None,
            policy_owners: shop.clone(),
            operators: shop.clone(),
            integration_owners: shop,
            control_owner: team("security"),
            auditors: None,
        },
    }
}

/// What facts can say and the other questions do not.
pub(crate) fn rare() -> Vec<Facts> {
    let mut order = covered(order(&["*.shop.example"], &[zone("shop.example", Pattern::Shared)]));
    let scopes =
        [Scope::Service(service()), Scope::Zone(ZoneKey::parse("corp.example/internal").unwrap())];
    for (number, scope) in scopes.into_iter().enumerate() {
        let mut exception = order.exceptions[0].clone();
        exception.id = ExceptionId::parse(&format!("exc-{}", number + 2)).unwrap();
        exception.scope = scope;
        order.exceptions.push(exception);
    }
    if let Fact::Known(Some(envelope)) = &mut order.envelope {
        envelope.account = Some(order.account.id.clone());
        envelope.uses_left = Fact::Known(UsesLeft::Unlimited);
        envelope.granted_at = Time::from_unix_ms(i64::MIN);
        envelope.approvals = Fact::Unknown;
    }
    let mut facts = vec![Facts::Issue(order)];
    let account = AuthorKind::Account(AccountId::parse("acct-1").unwrap(), service());
    for author in [account, AuthorKind::Agent(person("sam")), AuthorKind::Component] {
        let mut change = change(&[("pia", &["pki"])]);
        change.author.kind = author;
        change.approvals[0].kind = ApproverKind::Agent;
        facts.push(Facts::Change(change));
    }
    let mut by_agent = access(&[Access::Read, Access::Request]);
    let token = by_agent.principal.kind.token().unwrap().clone();
    by_agent.principal.kind =
        PrincipalKind::Agent(person("sam"), TokenFacts { services: None, ..token });
    let mut by_person = access(&[]);
    by_person.principal.kind = PrincipalKind::Person(person("sam"));
    by_person.object.person = Some(person("sam"));
    by_person.object.auditors = Some(team("audit"));
    facts.extend([by_agent, by_person].map(Facts::Access));
    facts
}
