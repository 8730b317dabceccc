//! Every value that facts can hold, generated.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{
    Attested, CaaIntent, DelegationSeen, Duties, GatedKind, Mode, Ownership, Pattern, Scope, View,
    WorkloadRule, ZoneClass, ZoneGate, ZoneKey, ZoneLimits,
};
use bailiwick_core::names::{SanName, ServiceId, ZoneName};
use bailiwick_core::policy::{
    Access, AccessFacts, AccountFacts, ApprovalFacts, ApproverKind, AttestationFacts, AuthorFacts,
    AuthorKind, CaaFact, ChangeFacts, ChangeKind, EnrolFacts, EnvelopeApproval, EnvelopeFacts,
    ExceptionFacts, Fact, Facts, FinalizeFacts, IssueFacts, IssuerFacts, KeyFacts, NameFacts,
    ObjectFacts, PrincipalFacts, PrincipalKind, ProfileFacts, ResourceKind, ServiceFacts, Stage,
    TokenFacts, UsesLeft, ValidationMethod, ZoneFacts,
};
use bailiwick_core::time::Time;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// An id of whatever kind the place asks for.
macro_rules! id {
    ($type:ident) => {
        "[a-z0-9._-]{1,12}".prop_map(|text| bailiwick_core::names::$type::parse(&text).unwrap())
    };
}

/// A word of the estate.
macro_rules! word {
    ($type:ident) => {
        "[a-z0-9._-]{1,12}".prop_map(|text| bailiwick_core::estate::$type::parse(&text).unwrap())
    };
}

macro_rules! ids {
    ($type:ident) => {
        btree_set(id!($type), 0..3)
    };
}

/// A fact, known or not. Boxed: the types of nested strategies grow beyond what compiles in time.
fn fact<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Fact<T>> {
    prop_oneof![3 => value.prop_map(Fact::Known), 1 => Just(Fact::Unknown)].boxed()
}

/// Any text: quotes, controls, other scripts, astral characters.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect())
}

/// Moments that RFC 3339 spells, and a few that it does not.
fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        8 => (-62_167_219_200_000_i64..=253_402_300_799_999).prop_map(Time::from_unix_ms),
        1 => any::<i64>().prop_map(Time::from_unix_ms),
    ]
}

fn label() -> impl Strategy<Value = String> {
    "[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?".prop_filter("an A-label", |l| !l.starts_with("xn--"))
}

fn domain() -> impl Strategy<Value = String> {
    vec(label(), 2..4).prop_map(|labels| labels.join("."))
}

fn san() -> impl Strategy<Value = SanName> {
    (domain(), any::<bool>()).prop_filter_map("numbers like an address", |(base, star)| {
        SanName::parse(&if star { format!("*.{base}") } else { base }).ok()
    })
}

fn zone_key() -> impl Strategy<Value = ZoneKey> {
    (domain(), select(View::ALL))
        .prop_map(|(name, view)| ZoneKey { name: ZoneName::parse(&name).unwrap(), view })
}

fn duties() -> impl Strategy<Value = Duties> {
    (id!(TeamId), id!(TeamId), id!(TeamId)).prop_map(
        |(policy_owner, operator, integration_owner)| Duties {
            policy_owner,
            operator,
            integration_owner,
        },
    )
}

fn gate() -> impl Strategy<Value = ZoneGate> {
    let kinds = btree_set(select(GatedKind::ALL), 0..3);
    (kinds, id!(TeamId), any::<u32>(), any::<bool>()).prop_map(
        |(kinds, team, approvals, independent)| ZoneGate { kinds, team, approvals, independent },
    )
}

fn delegation() -> impl Strategy<Value = DelegationSeen> {
    prop_oneof![
        Just(DelegationSeen::Unwatched),
        Just(DelegationSeen::AsDecided),
        text().prop_map(DelegationSeen::Changed),
    ]
}

fn zone() -> BoxedStrategy<ZoneFacts> {
    let texts = || vec(text(), 0..2);
    let caa = (texts(), texts(), texts()).prop_map(|(issue, issuewild, iodef)| CaaIntent {
        issue,
        issuewild,
        iodef,
    });
    let limits = (any::<u32>(), any::<bool>(), any::<u32>(), any::<u32>()).prop_map(
        |(names, wildcard_allowed, lifetime, ownership)| ZoneLimits {
            names_per_certificate_max: names,
            wildcard_allowed,
            lifetime_days_max: lifetime,
            ownership_days_max: ownership,
        },
    );
    let words = (select(ZoneClass::ALL), select(Pattern::ALL), select(Mode::ALL));
    let power = (vec(gate(), 0..2), fact(delegation()));
    (zone_key(), words, id!(TeamId), id!(TeamId), caa, limits, power)
        .prop_map(|(key, (class, pattern, mode), policy_owner, operator, caa, limits, power)| {
            ZoneFacts {
                key,
                class,
                pattern,
                mode,
                policy_owner,
                operator,
                caa,
                limits,
                gates: power.0,
                delegation: power.1,
            }
        })
        .boxed()
}

/// Names in few zones with few owners, so that zones are shared and runs of names form; the last
/// zone has the key of the first and another content.
fn names() -> BoxedStrategy<Vec<NameFacts>> {
    let zones = (vec(zone(), 1..3), any::<u32>()).prop_map(|(mut zones, days)| {
        let mut other = zones[0].clone();
        other.limits.lifetime_days_max = days;
        zones.push(other);
        zones
    });
    let owners = vec(id!(ServiceId), 1..3);
    let picks = vec((san(), 0..8_usize, 0..8_usize), 0..8);
    (zones, owners, picks)
        .prop_map(|(zones, owners, picks)| {
            let fact = |(name, zone, owner): (SanName, usize, usize)| NameFacts {
                name,
                owner: match owner {
                    7 => Fact::Unknown,
                    6 => Fact::Known(None),
                    other => Fact::Known(Some(owners[other % owners.len()].clone())),
                },
                zone: match zone {
                    7 => Fact::Unknown,
                    other => Fact::Known(zones[other % zones.len()].clone()),
                },
            };
            picks.into_iter().map(fact).collect()
        })
        .boxed()
}

fn account() -> BoxedStrategy<AccountFacts> {
    (
        id!(AccountId),
        fact(any::<bool>()),
        fact(id!(ServiceId)),
        fact(word!(Environment)),
        fact(option::of(word!(Namespace))),
        fact(btree_set(word!(AttestationKind), 0..3)),
    )
        .prop_map(|(id, usable, service, environment, namespace, attestations)| AccountFacts {
            id,
            usable,
            service,
            environment,
            namespace,
            attestations,
        })
        .boxed()
}

fn service() -> BoxedStrategy<ServiceFacts> {
    let ownership =
        (time(), id!(PersonId)).prop_map(|(verified_at, by)| Ownership { verified_at, by });
    (
        id!(ServiceId),
        word!(Environment),
        option::of(word!(Namespace)),
        ids!(ProfileId),
        duties(),
        option::of(ownership),
        fact(time()),
    )
        .prop_map(|(id, environment, namespace, profiles, duties, ownership, owner_since)| {
            ServiceFacts { id, environment, namespace, profiles, duties, ownership, owner_since }
        })
        .boxed()
}

fn key_kinds() -> impl Strategy<Value = KeyKind> {
    select(KeyKind::ALL.to_vec())
}

fn profile() -> BoxedStrategy<ProfileFacts> {
    let numbers = (any::<u32>(), any::<u16>(), any::<u16>(), any::<bool>());
    (
        id!(ProfileId),
        btree_set(word!(Environment), 0..3),
        btree_set(key_kinds(), 0..4),
        numbers,
        option::of(word!(AttestationKind)),
    )
        .prop_map(|(id, environments, keys_allowed, numbers, attestation_required)| {
            let (lifetime_seconds_max, rsa_bits_min, names_max, wildcard_allowed) = numbers;
            ProfileFacts {
                id,
                environments,
                lifetime_seconds_max,
                keys_allowed,
                rsa_bits_min,
                names_max,
                wildcard_allowed,
                attestation_required,
            }
        })
        .boxed()
}

fn issuer() -> BoxedStrategy<IssuerFacts> {
    (id!(IssuerId), btree_set(text(), 0..3), btree_set(word!(Environment), 0..3), ids!(ProfileId))
        .prop_map(|(id, caa_domains, environments, profiles)| IssuerFacts {
            id,
            caa_domains,
            environments,
            profiles,
        })
        .boxed()
}

fn envelope() -> BoxedStrategy<EnvelopeFacts> {
    let uses = prop_oneof![Just(UsesLeft::Unlimited), any::<u32>().prop_map(UsesLeft::Limited)];
    let approval = (id!(PersonId), ids!(TeamId), any::<bool>())
        .prop_map(|(person, teams, independent)| EnvelopeApproval { person, teams, independent });
    (
        (id!(EnvelopeId), id!(ServiceId), btree_set(san(), 0..4), id!(IssuerId)),
        (ids!(ProfileId), option::of(id!(AccountId)), time(), time()),
        (fact(uses), fact(vec(approval, 0..3))),
    )
        .prop_map(|((id, service, names, issuer), rest, (uses_left, approvals))| {
            let (profiles, account, granted_at, until) = rest;
            EnvelopeFacts {
                id,
                service,
                names,
                issuer,
                profiles,
                account,
                granted_at,
                until,
                uses_left,
                approvals,
            }
        })
        .boxed()
}

fn exception() -> BoxedStrategy<ExceptionFacts> {
    let scope = prop_oneof![
        id!(ServiceId).prop_map(Scope::Service),
        zone_key().prop_map(Scope::Zone),
        san().prop_map(Scope::Name),
    ];
    (id!(ExceptionId), scope, word!(RuleId), time())
        .prop_map(|(id, scope, rule, until)| ExceptionFacts { id, scope, rule, until })
        .boxed()
}

fn stage() -> BoxedStrategy<Stage> {
    let key = (key_kinds(), any::<u16>()).prop_map(|(kind, bits)| KeyFacts { kind, bits });
    let validated = btree_map(san(), select(ValidationMethod::ALL), 0..5);
    let finalize = (fact(key), fact(validated), fact(select(CaaFact::ALL)))
        .prop_map(|(key, validated, caa)| Stage::Finalize(FinalizeFacts { key, validated, caa }));
    prop_oneof![1 => Just(Stage::Order), 3 => finalize].boxed()
}

fn attestation() -> BoxedStrategy<AttestationFacts> {
    let rule = (id!(AttestorId), btree_map(text(), btree_set(text(), 0..3), 0..3), id!(PersonId))
        .prop_map(|(attestor, claims, answers)| WorkloadRule { attestor, claims, answers });
    let attested = (id!(AttestorId), text(), btree_map(text(), text(), 0..3), time(), time())
        .prop_map(|(attestor, subject, claims, verified_at, until)| Attested {
            attestor,
            subject,
            claims,
            verified_at,
            until,
        });
    (btree_map("[a-z]{1,8}", rule, 0..3), fact(option::of(attested)))
        .prop_map(|(asked, shown)| AttestationFacts { asked, shown })
        .boxed()
}

pub(crate) fn enrol() -> BoxedStrategy<Facts> {
    (time(), id!(TeamId), fact(service()), attestation())
        .prop_map(|(now, control_owner, service, attestation)| {
            Facts::Enrol(EnrolFacts { now, control_owner, service, attestation })
        })
        .boxed()
}

pub(crate) fn issue() -> BoxedStrategy<Facts> {
    (
        (time(), id!(TeamId), account(), fact(service()), names()),
        (fact(profile()), fact(issuer()), fact(any::<u32>())),
        (fact(option::of(envelope())), option::of(attestation()), vec(exception(), 0..3), stage()),
    )
        .prop_map(|(first, (profile, issuer, lifetime_seconds), last)| {
            let (now, control_owner, account, service, names) = first;
            let (envelope, attestation, exceptions, stage) = last;
            Facts::Issue(IssueFacts {
                now,
                control_owner,
                account,
                service,
                names,
                profile,
                issuer,
                lifetime_seconds,
                envelope,
                attestation,
                exceptions,
                stage,
            })
        })
        .boxed()
}

pub(crate) fn change() -> BoxedStrategy<Facts> {
    let kind = prop_oneof![
        id!(PersonId).prop_map(AuthorKind::Person),
        id!(PersonId).prop_map(AuthorKind::Agent),
        (id!(AccountId), id!(ServiceId)).prop_map(|(id, of)| AuthorKind::Account(id, of)),
        Just(AuthorKind::Component),
    ];
    let author = (kind, fact(ids!(TeamId)), fact(ids!(PersonId)))
        .prop_map(|(kind, teams, chain)| AuthorFacts { kind, teams, chain });
    let approval = (
        id!(PersonId),
        select(ApproverKind::ALL),
        fact(any::<bool>()),
        fact(ids!(TeamId)),
        fact(ids!(PersonId)),
    )
        .prop_map(|(person, kind, works_here, teams, chain)| ApprovalFacts {
            person,
            kind,
            works_here,
            teams,
            chain,
        });
    let services = btree_map(id!(ServiceId), duties(), 0..3)
        .prop_map(|services: BTreeMap<ServiceId, Duties>| services);
    (
        (time(), id!(TeamId), id!(ChangeId), select(ChangeKind::ALL), author),
        (
            vec(approval, 0..3),
            fact(vec(zone(), 0..3)),
            fact(services),
            ids!(TeamId),
            btree_set(zone_key(), 0..2),
        ),
        (fact(any::<bool>()), fact(any::<bool>()), fact(any::<bool>())),
    )
        .prop_map(|(first, (approvals, zones, services, also_concerned, caa_zones), flags)| {
            let (now, control_owner, change, kind, author) = first;
            let (services_only, trust_impacting, emergency) = flags;
            Facts::Change(ChangeFacts {
                now,
                control_owner,
                change,
                kind,
                author,
                approvals,
                zones,
                services,
                also_concerned,
                services_only,
                trust_impacting,
                caa_zones,
                emergency,
            })
        })
        .boxed()
}

pub(crate) fn access() -> BoxedStrategy<Facts> {
    let token = || {
        (id!(TokenId), btree_set(select(Access::ALL), 0..4), option::of(ids!(ServiceId)), time())
            .prop_map(|(id, allows, services, until): (_, BTreeSet<Access>, _, _)| TokenFacts {
                id,
                allows,
                services,
                until,
            })
    };
    let kind = prop_oneof![
        id!(PersonId).prop_map(PrincipalKind::Person),
        (id!(PersonId), token()).prop_map(|(of, token)| PrincipalKind::Token(of, token)),
        (id!(PersonId), token()).prop_map(|(of, token)| PrincipalKind::Agent(of, token)),
    ];
    let principal = (kind, fact(any::<bool>()), fact(ids!(TeamId)), fact(any::<bool>())).prop_map(
        |(kind, works_here, teams, administrator)| PrincipalFacts {
            kind,
            works_here,
            teams,
            administrator,
        },
    );
    let object = (
        (select(ResourceKind::ALL), text(), option::of(id!(ServiceId)), option::of(id!(PersonId))),
        (fact(ids!(TeamId)), fact(ids!(TeamId)), fact(ids!(TeamId))),
        (id!(TeamId), option::of(id!(TeamId))),
    )
        .prop_map(|((kind, id, service, person), owners, (control_owner, auditors))| {
            let (policy_owners, operators, integration_owners) = owners;
            ObjectFacts {
                kind,
                id,
                service,
                person,
                policy_owners,
                operators,
                integration_owners,
                control_owner,
                auditors,
            }
        });
    (time(), principal, select(Access::ALL), object)
        .prop_map(|(now, principal, access, object)| {
            Facts::Access(AccessFacts { now, principal, access, object })
        })
        .boxed()
}
