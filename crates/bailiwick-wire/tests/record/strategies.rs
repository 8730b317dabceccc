//! Every value that an entry, an order or an authorization can hold, generated.

#[path = "joint.rs"]
mod joint;

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    Approval, Basis, Event, HeldKey, IssueCertificate, IssuedCertificate, KeyMark, NarrowEnvelope,
    Plan, PlanDigest, Precheck, Prepared, Receipt, RegisterAccount, Request, RevocationReason,
    RevokeCertificate, Revoked, RotateIssuer, RotateKey, Step,
};
use bailiwick_core::estate::{Attested, ZoneKey};
use bailiwick_core::gate::{
    Account, AccountStatus, Authorization, AuthorizationStatus, Challenge, ChallengeKind,
    ChallengeStatus, Credential, DelegatedExecution, DelegationKind, DelegationObservation,
    Emergency, EmergencyOf, EmergencyReview, Envelope, EnvelopeEnd, Order, OrderStatus, Problem,
    ProblemKind, SecretUse, StandingRecord, ValidationEvidence,
};
use bailiwick_core::names::{
    AcmeIdentifier, CertFingerprint, CertSerial, Digest, DnsName, SanName, SpiffeId, SpkiHash,
    ZoneName,
};
use bailiwick_core::record::{Decision, Entry, Fact};
use bailiwick_core::time::Time;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// An id of whatever kind the place asks for.
macro_rules! id {
    ($type:ident) => {
        "[a-z0-9._-]{1,64}".prop_map(|text| bailiwick_core::names::$type::parse(&text).unwrap())
    };
}

/// Any text: quotes, controls, other scripts, astral characters.
fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..24).prop_map(|chars| chars.into_iter().collect())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..80)
}

/// From the year 0 to the last millisecond of 9999: what RFC 3339 can spell.
pub(crate) fn time() -> impl Strategy<Value = Time> {
    (-62_167_219_200_000_i64..=253_402_300_799_999).prop_map(Time::from_unix_ms)
}

fn label() -> impl Strategy<Value = String> {
    "[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?".prop_filter("an A-label", |l| !l.starts_with("xn--"))
}

fn dns_name() -> impl Strategy<Value = DnsName> {
    vec(label(), 2..5).prop_map(|labels| DnsName::parse(&labels.join(".")).unwrap())
}

fn identifier() -> impl Strategy<Value = AcmeIdentifier> {
    let name =
        dns_name().prop_filter_map("no address", |name| AcmeIdentifier::parse(name.as_str()).ok());
    let address = any::<core::net::IpAddr>()
        .prop_filter_map("of one host", |it| AcmeIdentifier::of_address(it).ok());
    prop_oneof![3 => name, 1 => address]
}

fn san() -> impl Strategy<Value = SanName> {
    (identifier(), any::<bool>())
        .prop_map(|(base, star)| SanName::new(&base, star && base.dns().is_some()).unwrap())
}

fn sans() -> impl Strategy<Value = Vec<SanName>> {
    vec(san(), 0..4)
}

fn zone() -> impl Strategy<Value = ZoneName> {
    dns_name().prop_map(|name| ZoneName::parse(name.as_str()).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn fingerprint() -> impl Strategy<Value = CertFingerprint> {
    any::<[u8; 32]>().prop_map(CertFingerprint::from_bytes)
}

fn key() -> impl Strategy<Value = SpkiHash> {
    any::<[u8; 32]>().prop_map(SpkiHash::from_bytes)
}

fn serial() -> impl Strategy<Value = CertSerial> {
    (1..=u8::MAX, vec(any::<u8>(), 0..20)).prop_map(|(first, mut rest)| {
        rest.insert(0, first);
        CertSerial::from_bytes(&rest).unwrap()
    })
}

fn reason() -> impl Strategy<Value = RevocationReason> {
    proptest::sample::select(RevocationReason::ALL.to_vec())
}

fn signed_in() -> impl Strategy<Value = SignedIn> {
    (id!(PersonId), vec(id!(PersonId), 0..3)).prop_map(|(person, chain)| SignedIn { person, chain })
}

fn actor() -> impl Strategy<Value = Actor> {
    let component = proptest::sample::select(vec![
        Component::FirstStart,
        Component::Gate,
        Component::Driver,
        Component::Lab,
        Component::Watch,
    ]);
    prop_oneof![
        signed_in().prop_map(Actor::Person),
        (id!(AccountId), id!(ServiceId), id!(PersonId), vec(id!(PersonId), 0..2)).prop_map(
            |(account, service, made_by, chain)| Actor::Account {
                account,
                service,
                made_by,
                chain
            },
        ),
        component.prop_map(Actor::Component),
    ]
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let end = (time(), text()).prop_map(|(at, why)| EnvelopeEnd { at, why });
    (
        (id!(EnvelopeId), id!(ChangeId), id!(ServiceId), sans(), id!(IssuerId)),
        (vec(id!(ProfileId), 0..3), option::of(id!(AccountId))),
        (time(), time(), option::of(any::<u32>()), any::<u32>(), option::of(end)),
    )
        .prop_map(|((id, change, service, names, issuer), (profiles, account), rest)| {
            let (granted_at, until, uses_max, uses, ended) = rest;
            Envelope {
                id,
                change,
                service,
                names,
                issuer,
                profiles,
                account,
                granted_at,
                until,
                uses_max,
                uses,
                ended,
            }
        })
}

fn issue() -> impl Strategy<Value = IssueCertificate> {
    (
        (id!(ServiceId), option::of(id!(AccountId)), option::of(id!(OrderId))),
        (option::of(id!(EnvelopeId)), id!(IssuerId), id!(ProfileId), sans()),
        (octets(), key(), any::<u32>(), option::of(workload())),
    )
        .prop_map(|((service, account, order), (envelope, issuer, profile, names), rest)| {
            let (spki, key, lifetime_seconds_max, workload) = rest;
            IssueCertificate {
                service,
                account,
                order,
                envelope,
                issuer,
                profile,
                names,
                spki,
                key,
                lifetime_seconds_max,
                workload,
            }
        })
}

fn workload() -> impl Strategy<Value = SpiffeId> {
    "[a-z0-9.]{1,12}(/[A-Za-z0-9_-]{1,8}){1,3}"
        .prop_map(|rest| SpiffeId::parse(&format!("spiffe://{rest}")).unwrap())
}

fn reversible() -> impl Strategy<Value = Step> {
    prop_oneof![
        issue().prop_map(Step::IssueCertificate),
        envelope().prop_map(Step::GrantEnvelope),
        (id!(EnvelopeId), id!(ServiceId), text())
            .prop_map(|(envelope, service, why)| Step::EndEnvelope { envelope, service, why }),
        (id!(EnvelopeId), id!(ServiceId), envelope(), envelope(), text()).prop_map(
            |(id, service, before, after, why)| Step::NarrowEnvelope(NarrowEnvelope {
                envelope: id,
                service,
                before: before.bounds(),
                after: after.bounds(),
                why,
            })
        ),
        (option::of(digest()), digest())
            .prop_map(|(before, after)| Step::EditEstate { before, after }),
        (id!(IssuerId), text(), texts(), option::of(text())).prop_map(
            |(issuer, directory, contacts, binding)| {
                Step::RegisterAccount(RegisterAccount { issuer, directory, contacts, binding })
            }
        ),
        (id!(IssuerId), generation(), generation(), key(), option::of(fingerprint())).prop_map(
            |(issuer, before, after, key, certificate)| {
                Step::RotateIssuer(RotateIssuer { issuer, before, after, key, certificate })
            }
        ),
        (held(), mark(), mark(), any::<u32>()).prop_map(|(of, before, after, within_seconds)| {
            Step::RotateKey(RotateKey { of, before, after, within_seconds })
        }),
    ]
}

fn held() -> impl Strategy<Value = HeldKey> {
    prop_oneof![
        joint::key().prop_map(HeldKey::ZoneTsig),
        joint::key().prop_map(HeldKey::ZoneApi),
        id!(IssuerId).prop_map(HeldKey::CaAccount),
    ]
}

fn mark() -> impl Strategy<Value = KeyMark> {
    (text(), digest()).prop_map(|(name, digest)| KeyMark { name, digest })
}

fn revoke() -> impl Strategy<Value = Step> {
    (id!(ServiceId), fingerprint(), id!(IssuerId), serial(), reason()).prop_map(
        |(service, fingerprint, issuer, serial, reason)| {
            Step::RevokeCertificate(RevokeCertificate {
                service,
                fingerprint,
                issuer,
                serial,
                reason,
            })
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    let joint = issue().prop_flat_map(|first| {
        let rest = joint::steps(first.key);
        (Just(Step::IssueCertificate(first)), rest)
            .prop_map(|(first, rest)| [vec![first], rest].concat())
    });
    prop_oneof![
        (vec(reversible(), 1..4), vec(revoke(), 0..3)).prop_map(|(mut steps, last)| {
            steps.extend(last);
            Plan::new(steps).unwrap()
        }),
        joint.prop_map(|steps| Plan::new(steps).unwrap()),
    ]
}

fn prechecks() -> impl Strategy<Value = Vec<Precheck>> {
    let one = (text(), any::<bool>(), text(), option::of(id!(PersonId)));
    vec(one.prop_map(|(name, holds, saw, assignee)| Precheck { name, holds, saw, assignee }), 0..3)
}

fn generation() -> impl Strategy<Value = Generation> {
    (1..=127_u8).prop_map(|number| Generation::new(number).unwrap())
}

fn prepared() -> impl Strategy<Value = Prepared> {
    prop_oneof![
        Just(Prepared::Nothing),
        (serial(), octets(), digest()).prop_map(|(serial, tbs, caa)| Prepared::ToBeSigned {
            serial,
            tbs,
            caa
        }),
        (octets(), digest(), option::of(fingerprint()))
            .prop_map(|(csr, caa, replaces)| Prepared::Forwarded { csr, caa, replaces }),
        key().prop_map(|key| Prepared::AccountKey { key }),
        joint::kept(),
        octets().prop_map(|tbs| Prepared::ToBeCertified { tbs }),
    ]
}

fn issued() -> impl Strategy<Value = IssuedCertificate> {
    (
        (fingerprint(), id!(IssuerId), serial(), key(), sans(), time(), time()),
        (id!(ProfileId), id!(ServiceId), option::of(id!(AccountId)), option::of(id!(OrderId))),
        (option::of(id!(EnvelopeId)), id!(ChangeId), octets(), time()),
    )
        .prop_map(|(bytes, whose, rest)| {
            let (fingerprint, issuer, serial, key, names, not_before, not_after) = bytes;
            let (profile, service, account, order) = whose;
            let (envelope, change, der, issued_at) = rest;
            IssuedCertificate {
                fingerprint,
                issuer,
                serial,
                key,
                names,
                not_before,
                not_after,
                profile,
                service,
                account,
                order,
                envelope,
                change,
                der,
                issued_at,
            }
        })
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let revoked = (id!(IssuerId), serial(), option::of(fingerprint()), reason(), time());
    prop_oneof![
        Just(Receipt::Nothing),
        (held(), mark(), mark()).prop_map(|(of, before, after)| Receipt::KeyActivated {
            of,
            before,
            after
        }),
        (id!(IssuerId), generation(), fingerprint()).prop_map(
            |(issuer, generation, certificate)| Receipt::GenerationActivated {
                issuer,
                generation,
                certificate
            }
        ),
        issued().prop_map(|issued| Receipt::Issued(Box::new(issued))),
        revoked.prop_map(|(issuer, serial, fingerprint, reason, at)| {
            Receipt::Revoked(Revoked { issuer, serial, fingerprint, reason, at })
        }),
        envelope().prop_map(|envelope| Receipt::EnvelopeGranted(Box::new(envelope))),
        (id!(EnvelopeId), text())
            .prop_map(|(envelope, why)| Receipt::EnvelopeEnded { envelope, why }),
        id!(EnvelopeId).prop_map(|envelope| Receipt::EnvelopeReopened { envelope }),
        (id!(EnvelopeId), envelope(), envelope()).prop_map(|(envelope, before, after)| {
            let (before, after) = (before.bounds(), after.bounds());
            Receipt::EnvelopeBounded { envelope, before, after }
        }),
        digest().prop_map(|estate| Receipt::EstateActivated { estate }),
        (issued(), digest())
            .prop_map(|(issued, chain)| Receipt::Adopted { certificate: Box::new(issued), chain }),
        (octets(), id!(IssuerId), serial(), option::of(fingerprint()), reason(), time()).prop_map(
            |(der, issuer, serial, fingerprint, reason, at)| Receipt::Disowned {
                der,
                revoked: Revoked { issuer, serial, fingerprint, reason, at },
            }
        ),
        (id!(IssuerId), text(), key()).prop_map(|(issuer, uri, key)| Receipt::AccountRegistered {
            issuer,
            uri,
            key
        }),
        id!(IssuerId).prop_map(|issuer| Receipt::AccountDeactivated { issuer }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    (
        (id!(ChangeId), text(), text(), actor()),
        (option::of(id!(ServiceId)), vec(zone(), 0..3), time()),
    )
        .prop_map(|((id, title, reason, by), (service, zones, at))| Request {
            id,
            title,
            reason,
            by,
            service,
            zones,
            at,
        })
}

fn approval() -> impl Strategy<Value = Approval> {
    (signed_in(), vec(id!(TeamId), 0..3), digest(), time(), time(), text()).prop_map(
        |(by, teams, of, at, expires_at, comment)| Approval {
            by,
            teams,
            of: PlanDigest::claimed(of),
            at,
            expires_at,
            comment,
        },
    )
}

fn basis() -> impl Strategy<Value = Basis> {
    (id!(DecisionId), digest(), digest(), any::<u32>()).prop_map(
        |(decision, policy, of, approvals_needed)| Basis {
            decision,
            policy,
            of: PlanDigest::claimed(of),
            approvals_needed,
        },
    )
}

/// A step's number, up to the largest that the form can say.
fn index() -> impl Strategy<Value = usize> {
    any::<u32>().prop_map(|n| usize::try_from(n).unwrap())
}

/// One strategy for each variant of an event.
fn events() -> Vec<BoxedStrategy<Event>> {
    vec![
        request().prop_map(|request| Event::Requested(Box::new(request))).boxed(),
        (plan(), prechecks(), time())
            .prop_map(|(plan, prechecks, expires_at)| Event::Validated {
                plan,
                prechecks,
                expires_at,
            })
            .boxed(),
        (actor(), text(), prechecks())
            .prop_map(|(by, why, prechecks)| Event::Refused { by, why, prechecks })
            .boxed(),
        actor().prop_map(|by| Event::Withdrawn { by }).boxed(),
        Just(Event::Expired).boxed(),
        approval().prop_map(Event::ApprovalGiven).boxed(),
        basis().prop_map(Event::Approved).boxed(),
        (index(), prepared())
            .prop_map(|(index, prepared)| Event::StepStarted { index, prepared })
            .boxed(),
        (index(), receipt())
            .prop_map(|(index, receipt)| Event::StepDone { index, receipt })
            .boxed(),
        (index(), any::<bool>(), joint::lanes())
            .prop_map(|(index, holds, lanes)| Event::StepSeen { index, holds, lanes })
            .boxed(),
        (index(), text()).prop_map(|(index, why)| Event::StepFailed { index, why }).boxed(),
        (index(), text()).prop_map(|(index, why)| Event::StepUnknown { index, why }).boxed(),
        index().prop_map(|index| Event::UndoStarted { index }).boxed(),
        (index(), receipt())
            .prop_map(|(index, receipt)| Event::UndoDone { index, receipt })
            .boxed(),
        (index(), text()).prop_map(|(index, why)| Event::UndoNotDone { index, why }).boxed(),
        (index(), id!(PersonId), text())
            .prop_map(|(index, person, why)| Event::HandedOver { index, person, why })
            .boxed(),
        Just(Event::Verified).boxed(),
        text().prop_map(|why| Event::VerifyFailed { why }).boxed(),
        text().prop_map(|why| Event::VerifyUnknown { why }).boxed(),
        (actor(), any::<bool>(), text())
            .prop_map(|(by, carried_out, note)| Event::Resolved { by, carried_out, note })
            .boxed(),
    ]
}

fn decision() -> impl Strategy<Value = Box<Decision>> {
    (id!(DecisionId), text(), any::<bool>(), digest(), text(), text(), text()).prop_map(
        |(id, action, allowed, policy, facts, reasons, rule)| {
            Box::new(Decision { id, action, allowed, policy, facts, reasons, rule })
        },
    )
}

fn account_status() -> impl Strategy<Value = AccountStatus> {
    proptest::sample::select(vec![
        AccountStatus::Valid,
        AccountStatus::Deactivated,
        AccountStatus::Revoked,
    ])
}

fn account() -> impl Strategy<Value = Account> {
    (
        (id!(AccountId), text(), text(), texts(), account_status()),
        (id!(CredentialId), id!(PersonId), id!(ServiceId), text(), option::of(text())),
        (texts(), text(), time(), vec(id!(PersonId), 0..2)),
    )
        .prop_map(|(key, whose, rest)| {
            let (id, thumbprint, jwk, contacts, status) = key;
            let (credential, made_by, service, environment, namespace) = whose;
            let (attestations, binding, created_at, chain) = rest;
            Account {
                id,
                thumbprint,
                jwk,
                contacts,
                status,
                credential,
                made_by,
                chain,
                service,
                environment,
                namespace,
                attestations,
                binding,
                created_at,
            }
        })
}

fn attested() -> impl Strategy<Value = Attested> {
    let claims = proptest::collection::btree_map(text(), text(), 0..3);
    (id!(AttestorId), text(), claims, time(), time()).prop_map(
        |(attestor, subject, claims, verified_at, until)| Attested {
            attestor,
            subject,
            claims,
            verified_at,
            until,
        },
    )
}

fn credential() -> impl Strategy<Value = Credential> {
    (
        (id!(CredentialId), id!(ServiceId), text(), option::of(text()), texts()),
        (
            id!(PersonId),
            vec(id!(PersonId), 0..2),
            time(),
            time(),
            option::of(time()),
            option::of(id!(AccountId)),
        ),
    )
        .prop_map(|((id, service, environment, namespace, attestations), rest)| {
            let (created_by, chain, created_at, expires_at, revoked_at, account) = rest;
            Credential {
                id,
                service,
                environment,
                namespace,
                attestations,
                created_by,
                chain,
                created_at,
                expires_at,
                revoked_at,
                account,
            }
        })
}

fn challenge_kind() -> impl Strategy<Value = ChallengeKind> {
    proptest::sample::select(vec![
        ChallengeKind::Http01,
        ChallengeKind::Dns01,
        ChallengeKind::TlsAlpn01,
        ChallengeKind::DnsAccount01,
        ChallengeKind::DnsPersist01,
    ])
}

fn validation() -> impl Strategy<Value = ValidationEvidence> {
    (
        (id!(AuthzId), id!(AccountId), identifier(), any::<bool>()),
        (challenge_kind(), texts(), time(), time()),
    )
        .prop_map(
            |((authorization, account, name, wildcard), (kind, seen_at, at, expires_at))| {
                ValidationEvidence {
                    authorization,
                    account,
                    name,
                    wildcard,
                    kind,
                    seen_at,
                    at,
                    expires_at,
                }
            },
        )
}

fn standing_record() -> impl Strategy<Value = StandingRecord> {
    (
        (dns_name(), id!(AccountId), id!(ServiceId)),
        (text(), any::<bool>(), option::of(time()), text()),
    )
        .prop_map(|((name, account, service), (issuer, wildcard, until, text))| {
            StandingRecord { name, account, service, issuer, wildcard, until, text }
        })
}

/// What comes of enrolments.
fn workload_facts() -> Vec<BoxedStrategy<Fact>> {
    vec![
        (id!(CredentialId), attested(), digest(), decision())
            .prop_map(|(credential, attested, token, decision)| Fact::WorkloadEnrolled {
                credential,
                attested: Box::new(attested),
                token,
                decision,
            })
            .boxed(),
        (id!(ServiceId), id!(AttestorId), decision())
            .prop_map(|(service, attestor, decision)| Fact::WorkloadRefused {
                service,
                attestor,
                decision,
            })
            .boxed(),
        (id!(AccountId), id!(CredentialId))
            .prop_map(|(account, credential)| Fact::AccountAttested { account, credential })
            .boxed(),
    ]
}

fn order_facts() -> Vec<BoxedStrategy<Fact>> {
    vec![
        ((id!(OrderId), id!(AccountId), sans()), (id!(ProfileId), id!(IssuerId), decision()))
            .prop_map(|((order, account, names), (profile, issuer, decision))| {
                Fact::OrderAccepted { order, account, names, profile, issuer, decision }
            })
            .boxed(),
        (id!(AccountId), sans(), decision(), option::of(id!(ChangeId)))
            .prop_map(|(account, names, decision, change)| Fact::OrderRefused {
                account,
                names,
                decision,
                change,
            })
            .boxed(),
        (id!(OrderId), text(), text())
            .prop_map(|(order, problem, detail)| Fact::OrderFailed { order, problem, detail })
            .boxed(),
        (id!(OrderId), fingerprint())
            .prop_map(|(order, certificate)| Fact::OrderReplaces { order, certificate })
            .boxed(),
        (id!(AuthzId), id!(AccountId))
            .prop_map(|(authorization, account)| Fact::AuthorizationGivenUp {
                authorization,
                account,
            })
            .boxed(),
        standing_record().prop_map(|seen| Fact::StandingRecordSeen(Box::new(seen))).boxed(),
        (text(), id!(AccountId))
            .prop_map(|(name, account)| Fact::StandingRecordGone { name, account })
            .boxed(),
        (id!(AccountId), text())
            .prop_map(|(account, terms)| Fact::TermsAgreed { account, terms })
            .boxed(),
        validation().prop_map(|seen| Fact::NameValidated(Box::new(seen))).boxed(),
        (id!(AccountId), text(), text(), text())
            .prop_map(|(account, name, kind, saw)| Fact::ValidationFailed {
                account,
                name,
                kind,
                saw,
            })
            .boxed(),
        account().prop_map(|account| Fact::AccountRegistered(Box::new(account))).boxed(),
        (id!(AccountId), texts())
            .prop_map(|(account, contacts)| Fact::AccountUpdated { account, contacts })
            .boxed(),
        (id!(AccountId), text(), text())
            .prop_map(|(account, thumbprint, jwk)| Fact::AccountKeyChanged {
                account,
                thumbprint,
                jwk,
            })
            .boxed(),
        (id!(ChangeId), id!(IssuerId), text())
            .prop_map(|(change, issuer, url)| Fact::UpstreamOrdered { change, issuer, url })
            .boxed(),
        (text(), text()).prop_map(|(purpose, name)| Fact::SecretSet { purpose, name }).boxed(),
        (id!(AccountId), account_status())
            .prop_map(|(account, status)| Fact::AccountEnded { account, status })
            .boxed(),
        credential().prop_map(|credential| Fact::CredentialMade(Box::new(credential))).boxed(),
        id!(CredentialId).prop_map(|credential| Fact::CredentialRevoked { credential }).boxed(),
    ]
}

fn registry_facts() -> Vec<BoxedStrategy<Fact>> {
    vec![
        (id!(CredentialId), id!(CredentialId), time())
            .prop_map(|(credential, successor, until)| Fact::CredentialRotated {
                credential,
                successor,
                until,
            })
            .boxed(),
        (id!(AccountId), text())
            .prop_map(|(account, why)| Fact::AccountRevoked { account, why })
            .boxed(),
    ]
}

fn people_facts() -> Vec<BoxedStrategy<Fact>> {
    vec![
        (signed_in(), id!(SessionId), time())
            .prop_map(|(SignedIn { person, chain }, session, expires_at)| Fact::SignedIn {
                person,
                chain,
                session,
                expires_at,
            })
            .boxed(),
        id!(SessionId).prop_map(|session| Fact::SignedOut { session }).boxed(),
        (id!(PersonId), time())
            .prop_map(|(person, expires_at)| Fact::LinkMade { person, expires_at })
            .boxed(),
        (id!(TokenId), signed_in(), texts(), text(), time())
            .prop_map(|(token, SignedIn { person, chain }, scopes, purpose, expires_at)| {
                Fact::TokenMade { token, person, chain, scopes, purpose, expires_at }
            })
            .boxed(),
        id!(TokenId).prop_map(|token| Fact::TokenRevoked { token }).boxed(),
    ]
}

fn power_facts() -> Vec<BoxedStrategy<Fact>> {
    let of = prop_oneof![
        id!(ServiceId).prop_map(EmergencyOf::Service),
        "[a-z]{1,9}\\.example(/internal)?"
            .prop_map(|text| EmergencyOf::Zone(ZoneKey::parse(&text).unwrap())),
    ];
    let emergency = (
        (id!(ChangeId), of, id!(PersonId), option::of(id!(PersonId))),
        (time(), id!(PersonId), time()),
    );
    let emergency = emergency.prop_map(|((change, of, accountable, delegated_by), rest)| {
        let (until, reviewer, review_by) = rest;
        Fact::EmergencyDeclared(Box::new(Emergency {
            change,
            of,
            accountable,
            delegated_by,
            until,
            reviewer,
            review_by,
        }))
    });
    let review = (id!(ChangeId), any::<bool>(), text()).prop_map(|(change, justified, note)| {
        Fact::EmergencyReviewed(Box::new(EmergencyReview { change, justified, note }))
    });
    let delegated = (id!(ServiceId), id!(PersonId), id!(PersonId), time(), text());
    let delegated = delegated.prop_map(|(service, to, by, until, reason)| {
        Fact::ExecutionDelegated(Box::new(DelegatedExecution { service, to, by, until, reason }))
    });
    let used = (text(), text(), option::of(id!(ChangeId)), text());
    let used = used.prop_map(|(purpose, name, change, step)| {
        Fact::SecretUsed(Box::new(SecretUse { purpose, name, change, step }))
    });
    let set = || proptest::collection::btree_set(text(), 0..3);
    let seen = (proptest::sample::select(DelegationKind::ALL), set(), option::of(set()), text());
    let seen = seen.prop_map(|(kind, values, before, seen_at)| {
        let zone = ZoneKey::parse("shop.example/internal").unwrap();
        let one = DelegationObservation { zone, kind, values, before, seen_at };
        Fact::DelegationObserved(Box::new(one))
    });
    let rehearsed = (id!(ChangeId), digest(), digest(), any::<bool>());
    let rehearsed = rehearsed.prop_map(|(change, plan, report, holds)| Fact::ChangeRehearsed {
        change,
        plan,
        report,
        holds,
    });
    vec![
        emergency.boxed(),
        review.boxed(),
        delegated.boxed(),
        used.boxed(),
        seen.boxed(),
        rehearsed.boxed(),
        (any::<u32>(), 0..=(1_u64 << 53))
            .prop_map(|(epoch, leaves)| Fact::StoreRestored { epoch, leaves })
            .boxed(),
    ]
}

/// One strategy for each variant of a fact, and for each variant of an event in one.
pub(crate) fn facts() -> Vec<BoxedStrategy<Fact>> {
    let mut all = vec![
        (text(), text())
            .prop_map(|(origin, verifier_key)| Fact::InstallationStarted { origin, verifier_key })
            .boxed(),
        (decision(), option::of(id!(ChangeId)))
            .prop_map(|(decision, change)| Fact::Decided { decision, change })
            .boxed(),
        (id!(IssuerId), any::<u64>(), any::<u32>(), digest(), time())
            .prop_map(|(issuer, number, revoked, digest, next_update)| Fact::CrlPublished {
                issuer,
                number,
                revoked,
                digest,
                next_update,
            })
            .boxed(),
        (id!(IssuerId), serial(), digest(), time())
            .prop_map(|(issuer, serial, digest, not_after)| Fact::ResponderCertified {
                issuer,
                serial,
                digest,
                not_after,
            })
            .boxed(),
        (text(), text(), option::of(id!(ServiceId)))
            .prop_map(|(action, object, service)| Fact::AccessDenied { action, object, service })
            .boxed(),
    ];
    all.extend(order_facts());
    all.extend(workload_facts());
    all.extend(registry_facts());
    all.extend(people_facts());
    all.extend(crate::watched::facts());
    all.extend(power_facts());
    all.extend(events().into_iter().map(|event| {
        (id!(ChangeId), any::<u32>(), text(), event)
            .prop_map(|(id, seq, state, event)| Fact::Change {
                id,
                seq,
                state,
                event: Box::new(event),
            })
            .boxed()
    }));
    all
}

/// An entry with such a fact.
pub(crate) fn entry(fact: BoxedStrategy<Fact>) -> impl Strategy<Value = Entry> {
    (time(), actor(), fact).prop_map(|(at, by, fact)| Entry { at, by, fact })
}

fn problem() -> impl Strategy<Value = Problem> {
    let kinds = vec![
        ProblemKind::Caa,
        ProblemKind::BadCsr,
        ProblemKind::Compound,
        ProblemKind::UserActionRequired,
    ];
    let plain = (proptest::sample::select(kinds), text(), option::of(text())).prop_map(
        |(kind, detail, instance)| Problem { kind, detail, instance, subproblems: Vec::new() },
    );
    let plain = plain.boxed();
    (plain.clone(), vec((text(), plain), 0..3))
        .prop_map(|(problem, subproblems)| Problem { subproblems, ..problem })
}

/// An order.
pub(crate) fn order() -> impl Strategy<Value = Order> {
    let status = proptest::sample::select(vec![
        OrderStatus::Pending,
        OrderStatus::Ready,
        OrderStatus::Processing,
        OrderStatus::Valid,
        OrderStatus::Invalid,
    ]);
    (
        (id!(OrderId), id!(AccountId), sans(), id!(ProfileId), id!(IssuerId), status),
        (vec(id!(AuthzId), 0..3), id!(DecisionId), time(), time()),
        (
            option::of(id!(ChangeId)),
            option::of(fingerprint()),
            option::of(problem()),
            option::of(text()),
        ),
    )
        .prop_map(|(asked, way, end)| {
            let (id, account, names, profile, issuer, status) = asked;
            let (authorizations, decision, created_at, expires_at) = way;
            let (change, certificate, error, replaces) = end;
            Order {
                id,
                account,
                names,
                profile,
                issuer,
                status,
                authorizations,
                decision,
                created_at,
                expires_at,
                change,
                certificate,
                error,
                replaces,
            }
        })
}

/// An authorization.
pub(crate) fn authorization() -> impl Strategy<Value = Authorization> {
    let status = proptest::sample::select(vec![
        AuthorizationStatus::Pending,
        AuthorizationStatus::Valid,
        AuthorizationStatus::Invalid,
        AuthorizationStatus::Deactivated,
        AuthorizationStatus::Expired,
    ]);
    let seen = proptest::sample::select(vec![
        ChallengeStatus::Pending,
        ChallengeStatus::Processing,
        ChallengeStatus::Valid,
        ChallengeStatus::Invalid,
    ]);
    let challenge = (
        (id!(ChallengeId), challenge_kind(), text()),
        (seen, option::of(time()), option::of(problem())),
    )
        .prop_map(|((id, kind, token), (status, validated_at, error))| Challenge {
            id,
            kind,
            token,
            status,
            validated_at,
            error,
        });
    (
        (id!(AuthzId), id!(AccountId), identifier(), any::<bool>()),
        (status, time(), vec(challenge, 0..3)),
    )
        .prop_map(|((id, account, name, wildcard), (status, expires_at, challenges))| {
            Authorization { id, account, name, wildcard, status, expires_at, challenges }
        })
}
