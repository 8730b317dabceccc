//! One entry of each kind, and of each form inside one, with fixed values.

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    Approval, Basis, Event, HeldKey, IssueCertificate, IssuedCertificate, KeyMark, NarrowEnvelope,
    Plan, PlanDigest, Precheck, Prepared, Receipt, RegisterAccount, Request, RetireKey,
    RevocationReason, RevokeCertificate, Revoked, RotateIssuer, RotateKey, Step,
};
use std::collections::BTreeSet;

use bailiwick_core::estate::{Attested, ZoneKey};
use bailiwick_core::gate::{
    Account, AccountStatus, Bounds, ChallengeKind, Credential, DelegatedExecution, DelegationKind,
    DelegationObservation, Emergency, EmergencyOf, EmergencyReview, Envelope, EnvelopeEnd,
    SecretUse, StandingRecord, ValidationEvidence,
};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AttestorId, AuthzId, CertFingerprint, CertSerial, ChangeId,
    CredentialId, DecisionId, Digest, DnsName, EnvelopeId, IssuerId, OrderId, PersonId, ProfileId,
    SanName, ServiceId, SessionId, SpkiHash, TeamId, TokenId, ZoneName,
};
use bailiwick_core::record::{Decision, Entry, Fact};
use bailiwick_core::time::Time;

/// Parses whatever the place asks for.
macro_rules! p {
    ($type:ident, $text:expr) => {
        $type::parse($text).unwrap()
    };
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

fn ana() -> SignedIn {
    SignedIn { person: p!(PersonId, "ana"), chain: vec![p!(PersonId, "root"), p!(PersonId, "ben")] }
}

fn driver() -> Actor {
    Actor::Component(Component::Driver)
}

fn client() -> Actor {
    Actor::Account {
        account: p!(AccountId, "acct-1"),
        service: p!(ServiceId, "shop-web"),
        made_by: p!(PersonId, "carl"),
        chain: Vec::new(),
    }
}

fn digest(octet: u8) -> Digest {
    Digest::from_bytes([octet; 32])
}

fn serial() -> CertSerial {
    CertSerial::parse("0100ff7a").unwrap()
}

fn names() -> Vec<SanName> {
    vec![p!(SanName, "shop.example"), p!(SanName, "*.shop.example")]
}

fn envelope(whole: bool) -> Envelope {
    Envelope {
        id: p!(EnvelopeId, "c1-2"),
        change: p!(ChangeId, "c1"),
        service: p!(ServiceId, "shop-web"),
        names: names(),
        issuer: p!(IssuerId, "house-ca"),
        profiles: vec![p!(ProfileId, "tls-server")],
        account: whole.then(|| p!(AccountId, "acct-1")),
        granted_at: at("2026-03-03T10:00:00Z"),
        until: at("2027-03-03"),
        uses_max: whole.then_some(12),
        uses: 0,
        ended: whole
            .then(|| EnvelopeEnd { at: at("2026-04-01T00:00:00.25Z"), why: "sold".to_owned() }),
    }
}

fn issue(whole: bool) -> Step {
    Step::IssueCertificate(IssueCertificate {
        service: p!(ServiceId, "shop-web"),
        account: whole.then(|| p!(AccountId, "acct-1")),
        order: whole.then(|| p!(OrderId, "order-1")),
        envelope: whole.then(|| p!(EnvelopeId, "c1-2")),
        issuer: p!(IssuerId, "house-ca"),
        profile: p!(ProfileId, "tls-server"),
        names: names(),
        spki: vec![0x30, 0x59, 0x00, 0xff],
        key: SpkiHash::from_bytes([0x1c; 32]),
        lifetime_seconds_max: 7_776_000,
        workload: None,
    })
}

fn narrow() -> Step {
    let bounds = envelope(true).bounds();
    Step::NarrowEnvelope(NarrowEnvelope {
        envelope: p!(EnvelopeId, "c1-2"),
        service: p!(ServiceId, "shop-web"),
        before: envelope(false).bounds(),
        after: Bounds { names: names().into_iter().take(1).collect(), ..bounds },
        why: "enough".to_owned(),
    })
}

fn steps() -> Vec<Step> {
    let end = Step::EndEnvelope {
        envelope: p!(EnvelopeId, "c0"),
        service: p!(ServiceId, "shop-web"),
        why: "the \"old\" one\n\u{1}\\ Übergabe 🔑".to_owned(),
    };
    let revoke = |reason| {
        Step::RevokeCertificate(RevokeCertificate {
            service: p!(ServiceId, "shop-web"),
            fingerprint: CertFingerprint::from_bytes([0xfe; 32]),
            issuer: p!(IssuerId, "house-ca"),
            serial: serial(),
            reason,
        })
    };
    let mut all = vec![
        issue(false),
        issue(true),
        Step::GrantEnvelope(envelope(false)),
        Step::GrantEnvelope(envelope(true)),
        end,
        Step::EditEstate { before: None, after: digest(2) },
        Step::EditEstate { before: Some(digest(1)), after: digest(2) },
    ];
    all.extend(RevocationReason::ALL.map(revoke));
    all
}

fn prechecks() -> Vec<Precheck> {
    vec![
        Precheck {
            name: "names-owned".to_owned(),
            holds: true,
            saw: "2 of 2".to_owned(),
            assignee: None,
        },
        Precheck {
            name: "caa".to_owned(),
            holds: false,
            saw: String::new(),
            assignee: Some(p!(PersonId, "ben")),
        },
    ]
}

fn receipts() -> Vec<Receipt> {
    let issued = IssuedCertificate {
        fingerprint: CertFingerprint::from_bytes([0xab; 32]),
        issuer: p!(IssuerId, "house-ca"),
        serial: serial(),
        key: SpkiHash::from_bytes([0x1c; 32]),
        names: names(),
        not_before: at("2026-03-03T09:55:00Z"),
        not_after: at("2026-06-01T09:54:59Z"),
        profile: p!(ProfileId, "tls-server"),
        service: p!(ServiceId, "shop-web"),
        account: Some(p!(AccountId, "acct-1")),
        order: Some(p!(OrderId, "order-1")),
        envelope: None,
        change: p!(ChangeId, "c1"),
        der: vec![0x30, 0x82, 0x01],
        issued_at: at("2026-03-03T10:00:00.005Z"),
    };
    let revoked = |fingerprint| Revoked {
        issuer: p!(IssuerId, "house-ca"),
        serial: serial(),
        fingerprint,
        reason: RevocationReason::Superseded,
        at: at("2026-03-03T10:00:00.01Z"),
    };
    vec![
        Receipt::Nothing,
        Receipt::Issued(Box::new(issued)),
        Receipt::Revoked(revoked(None)),
        Receipt::Revoked(revoked(Some(CertFingerprint::from_bytes([0xfe; 32])))),
        Receipt::EnvelopeGranted(Box::new(envelope(false))),
        Receipt::EnvelopeEnded { envelope: p!(EnvelopeId, "c0"), why: "over".to_owned() },
        Receipt::EnvelopeReopened { envelope: p!(EnvelopeId, "c0") },
        Receipt::EstateActivated { estate: digest(2) },
    ]
}

fn request(by: Actor, whole: bool) -> Event {
    Event::Requested(Box::new(Request {
        id: p!(ChangeId, "c1"),
        title: "issue shop.example for shop-web".to_owned(),
        reason: "it expires".to_owned(),
        by,
        service: whole.then(|| p!(ServiceId, "shop-web")),
        zones: if whole { vec![p!(ZoneName, "shop.example")] } else { Vec::new() },
        at: at("2026-03-03T10:00:00Z"),
    }))
}

fn decided_events() -> Vec<Event> {
    vec![
        request(Actor::Person(ana()), true),
        request(client(), false),
        Event::Validated {
            plan: Plan::new(steps()).unwrap(),
            prechecks: prechecks(),
            expires_at: at("2026-03-10T10:00:00Z"),
        },
        Event::Refused { by: driver(), why: "no".to_owned(), prechecks: prechecks() },
        Event::Withdrawn { by: Actor::Person(SignedIn::alone(p!(PersonId, "ana"))) },
        Event::Expired,
        Event::ApprovalGiven(Approval {
            by: ana(),
            teams: vec![p!(TeamId, "security")],
            of: PlanDigest::claimed(digest(7)),
            at: at("2026-03-03T11:00:00Z"),
            expires_at: at("2026-03-04T11:00:00Z"),
            comment: "seen".to_owned(),
        }),
        Event::Approved(Basis {
            decision: p!(DecisionId, "d1"),
            policy: digest(8),
            of: PlanDigest::claimed(digest(7)),
            approvals_needed: 1,
        }),
    ]
}

fn driven_events() -> Vec<Event> {
    let why = || "connection reset".to_owned();
    let mut all = vec![
        Event::StepStarted { index: 0, prepared: Prepared::Nothing },
        Event::StepStarted {
            index: 1,
            prepared: Prepared::ToBeSigned {
                serial: serial(),
                tbs: vec![0x30, 0x03, 0x02, 0x01, 0x05],
                caa: digest(9),
            },
        },
        Event::StepFailed { index: 1, why: why() },
        Event::StepUnknown { index: 1, why: why() },
        Event::UndoStarted { index: 1 },
        Event::UndoNotDone { index: 1, why: why() },
        Event::HandedOver { index: 1, person: p!(PersonId, "ben"), why: why() },
        Event::Verified,
        Event::VerifyFailed { why: why() },
        Event::VerifyUnknown { why: why() },
        Event::Resolved {
            by: Actor::Person(ana()),
            carried_out: false,
            note: "by hand".to_owned(),
        },
    ];
    for receipt in receipts() {
        all.push(Event::StepDone { index: 63, receipt: receipt.clone() });
        all.push(Event::UndoDone { index: 63, receipt });
    }
    all
}

fn decision() -> Box<Decision> {
    Box::new(Decision {
        id: p!(DecisionId, "d1"),
        action: "issue".to_owned(),
        allowed: false,
        policy: digest(8),
        facts: r#"{"v":1}"#.to_owned(),
        reasons: "[]".to_owned(),
        rule: "ownership-unverified".to_owned(),
    })
}

fn credential() -> Credential {
    Credential {
        id: p!(CredentialId, "cred-1"),
        service: p!(ServiceId, "shop-web"),
        environment: "production".to_owned(),
        namespace: None,
        attestations: Vec::new(),
        created_by: p!(PersonId, "carl"),
        chain: Vec::new(),
        created_at: at("2026-03-01"),
        expires_at: at("2026-03-08"),
        revoked_at: None,
        account: None,
    }
}

fn gate_facts() -> Vec<Fact> {
    let account = p!(AccountId, "acct-1");
    vec![
        Fact::OrderAccepted {
            order: p!(OrderId, "order-1"),
            account: account.clone(),
            names: names(),
            profile: p!(ProfileId, "tls-server"),
            issuer: p!(IssuerId, "house-ca"),
            decision: decision(),
        },
        Fact::OrderRefused {
            account: account.clone(),
            names: names(),
            decision: decision(),
            change: Some(p!(ChangeId, "c1")),
        },
        Fact::OrderFailed {
            order: p!(OrderId, "order-1"),
            problem: "caa".to_owned(),
            detail: "CAA forbids it".to_owned(),
        },
        Fact::NameValidated(Box::new(ValidationEvidence {
            authorization: p!(AuthzId, "authz-1"),
            account: account.clone(),
            name: p!(AcmeIdentifier, "_x.shop.example"),
            wildcard: true,
            kind: ChallengeKind::Dns01,
            seen_at: vec!["192.0.2.1:53".to_owned()],
            at: at("2026-03-03T10:00:00Z"),
            expires_at: at("2026-03-04T10:00:00Z"),
        })),
        Fact::ValidationFailed {
            account: account.clone(),
            name: "shop.example".to_owned(),
            kind: "http-01".to_owned(),
            saw: "404".to_owned(),
        },
        Fact::AccountRegistered(Box::new(Account {
            id: account.clone(),
            thumbprint: "dGh1bWI".to_owned(),
            jwk: r#"{"kty":"EC"}"#.to_owned(),
            contacts: vec!["mailto:web@shop.example".to_owned()],
            status: AccountStatus::Valid,
            credential: p!(CredentialId, "cred-1"),
            made_by: p!(PersonId, "carl"),
            chain: Vec::new(),
            service: p!(ServiceId, "shop-web"),
            environment: "production".to_owned(),
            namespace: Some("shop".to_owned()),
            attestations: vec!["host-key".to_owned()],
            binding: "{}".to_owned(),
            created_at: at("2026-03-01"),
        })),
        Fact::AccountUpdated { account: account.clone(), contacts: Vec::new() },
        Fact::AccountEnded { account: account.clone(), status: AccountStatus::Deactivated },
        Fact::AccountEnded { account: account.clone(), status: AccountStatus::Revoked },
        Fact::CredentialMade(Box::new(credential())),
        Fact::CredentialRevoked { credential: p!(CredentialId, "cred-1") },
    ]
}

fn house_facts() -> Vec<Fact> {
    vec![
        Fact::InstallationStarted {
            origin: "bailiwick.shop.example/ledger".to_owned(),
            verifier_key: "bailiwick.shop.example/ledger+0badcafe+AQ==".to_owned(),
        },
        Fact::Decided { decision: decision(), change: None },
        Fact::SignedIn {
            person: p!(PersonId, "ana"),
            chain: ana().chain,
            session: p!(SessionId, "s1"),
            expires_at: at("2026-03-03T18:00:00Z"),
        },
        Fact::SignedOut { session: p!(SessionId, "s1") },
        Fact::LinkMade { person: p!(PersonId, "ana"), expires_at: at("2026-03-03T11:00:00Z") },
        Fact::TokenMade {
            token: p!(TokenId, "t1"),
            person: p!(PersonId, "ana"),
            chain: Vec::new(),
            scopes: vec!["change:read".to_owned()],
            purpose: "nightly report".to_owned(),
            expires_at: at("2026-04-03"),
        },
        Fact::TokenRevoked { token: p!(TokenId, "t1") },
        Fact::CrlPublished {
            issuer: p!(IssuerId, "house-ca"),
            number: u64::MAX,
            revoked: 3,
            digest: digest(4),
            next_update: at("2026-03-10"),
        },
        Fact::AccessDenied {
            action: "approve".to_owned(),
            object: "change/c1".to_owned(),
            service: Some(p!(ServiceId, "shop-web")),
        },
    ]
}

/// Kinds that came later: at the end, so that no line before them changes.
fn later_facts() -> Vec<Fact> {
    let account = p!(AccountId, "acct-1");
    let standing = |until, wildcard| {
        Fact::StandingRecordSeen(Box::new(StandingRecord {
            name: p!(DnsName, "www.shop.example"),
            account: p!(AccountId, "acct-1"),
            service: p!(ServiceId, "shop-web"),
            issuer: "ca.bailiwick.example".to_owned(),
            wildcard,
            until,
            text: "ca.bailiwick.example; accounturi=x".to_owned(),
        }))
    };
    vec![
        Fact::AccountKeyChanged {
            account: account.clone(),
            thumbprint: "b3RoZXI".to_owned(),
            jwk: r#"{"kty":"EC"}"#.to_owned(),
        },
        Fact::OrderReplaces {
            order: p!(OrderId, "o2"),
            certificate: CertFingerprint::of(b"certificate"),
        },
        Fact::AuthorizationGivenUp { authorization: p!(AuthzId, "az1"), account: account.clone() },
        standing(None, true),
        standing(Some(at("2027-03-01")), false),
        Fact::StandingRecordGone { name: "www.shop.example".to_owned(), account: account.clone() },
        Fact::TermsAgreed { account, terms: "https://shop.example/terms".to_owned() },
        Fact::ResponderCertified {
            issuer: p!(IssuerId, "house-ca"),
            serial: CertSerial::from_bytes(&[1, 2, 3]).unwrap(),
            digest: digest(5),
            not_after: at("2026-03-10"),
        },
    ]
}

/// An emergency of a zone.
fn zone_emergency() -> Fact {
    Fact::EmergencyDeclared(Box::new(Emergency {
        change: p!(ChangeId, "c10"),
        of: EmergencyOf::Zone(ZoneKey::parse("corp.example/internal").unwrap()),
        accountable: p!(PersonId, "pia"),
        delegated_by: None,
        until: at("2026-03-03T11:00:00Z"),
        reviewer: p!(PersonId, "ada"),
        review_by: at("2026-03-06T10:00:00Z"),
    }))
}

/// What came with emergencies, and with what is watched of delegations.
fn power_facts() -> Vec<Fact> {
    vec![
        Fact::EmergencyDeclared(Box::new(Emergency {
            change: p!(ChangeId, "c9"),
            of: EmergencyOf::Service(p!(ServiceId, "shop-web")),
            accountable: p!(PersonId, "carl"),
            delegated_by: Some(p!(PersonId, "carl")),
            until: at("2026-03-03T11:00:00Z"),
            reviewer: p!(PersonId, "ada"),
            review_by: at("2026-03-06T10:00:00Z"),
        })),
        Fact::EmergencyReviewed(Box::new(EmergencyReview {
            change: p!(ChangeId, "c9"),
            justified: true,
            note: "the key was lost".to_owned(),
        })),
        Fact::ExecutionDelegated(Box::new(DelegatedExecution {
            service: p!(ServiceId, "shop-web"),
            to: p!(PersonId, "dan"),
            by: p!(PersonId, "carl"),
            until: at("2026-03-03T18:00:00Z"),
            reason: "the night".to_owned(),
        })),
        Fact::SecretUsed(Box::new(SecretUse {
            purpose: "tsig".to_owned(),
            name: "shop.example".to_owned(),
            change: Some(p!(ChangeId, "c1")),
            step: "issue-certificate".to_owned(),
        })),
        Fact::DelegationObserved(Box::new(DelegationObservation {
            zone: ZoneKey::parse("shop.example").unwrap(),
            kind: DelegationKind::Ns,
            values: BTreeSet::from(["ns1.shop.example".to_owned()]),
            before: Some(BTreeSet::new()),
            seen_at: "resolver 192.0.2.1:53".to_owned(),
        })),
        Fact::ChangeRehearsed {
            change: p!(ChangeId, "c1"),
            plan: Digest::of(b"plan"),
            report: Digest::of(b"report"),
            holds: true,
        },
    ]
}

/// Forms inside events that came later.
fn later_events() -> Vec<Event> {
    let receipt = Receipt::EnvelopeBounded {
        envelope: p!(EnvelopeId, "c0"),
        before: envelope(false).bounds(),
        after: envelope(true).bounds(),
    };
    vec![
        Event::Validated {
            plan: Plan::of(narrow()),
            prechecks: Vec::new(),
            expires_at: at("2026-03-10T10:00:00Z"),
        },
        Event::StepDone { index: 0, receipt },
    ]
}

/// What came with attestation that is renewed.
fn renewed_facts() -> Vec<Fact> {
    vec![Fact::AccountAttested {
        account: p!(AccountId, "acct-1"),
        credential: p!(CredentialId, "cred-3"),
    }]
}

/// What came with the generations of CAs.
fn rotation_facts() -> Vec<Fact> {
    let rotate = |certificate| {
        Step::RotateIssuer(RotateIssuer {
            issuer: p!(IssuerId, "house"),
            before: Generation::FIRST,
            after: Generation::new(2).unwrap(),
            key: SpkiHash::from_bytes([6; 32]),
            certificate,
        })
    };
    let print = CertFingerprint::from_bytes([7; 32]);
    let validated = |step| Event::Validated {
        plan: Plan::of(step),
        prechecks: Vec::new(),
        expires_at: at("2026-03-10T10:00:00Z"),
    };
    let receipt = Receipt::GenerationActivated {
        issuer: p!(IssuerId, "house"),
        generation: Generation::new(2).unwrap(),
        certificate: print,
    };
    let events = [
        validated(rotate(None)),
        validated(rotate(Some(print))),
        Event::StepStarted {
            index: 0,
            prepared: Prepared::ToBeCertified { tbs: vec![0x30, 0x03, 0x02, 0x01, 0x06] },
        },
        Event::StepDone { index: 0, receipt },
    ];
    let of_change = |(event, seq)| Fact::Change {
        id: p!(ChangeId, "c2"),
        seq,
        state: "executing".to_owned(),
        event: Box::new(event),
    };
    events.into_iter().zip(0..).map(of_change).collect()
}

/// What came with the rotation of credentials that the house holds.
fn key_facts() -> Vec<Fact> {
    let mark = |name: &str, octet| KeyMark { name: name.to_owned(), digest: digest(octet) };
    let held = [
        HeldKey::ZoneTsig(p!(ZoneKey, "shop.example/internal")),
        HeldKey::ZoneApi(p!(ZoneKey, "shop.example")),
        HeldKey::CaAccount(p!(IssuerId, "public")),
    ];
    let mut events = Vec::new();
    for of in held {
        let (before, after) = (mark("old.shop.example", 1), mark("new.shop.example", 2));
        let rotate = RotateKey {
            of: of.clone(),
            before: before.clone(),
            after: after.clone(),
            within_seconds: 86_400,
        };
        let retire = RetireKey { of: of.clone(), old: before.clone(), within_seconds: 604_800 };
        let plan = Plan::new(vec![Step::RotateKey(rotate), Step::RetireKey(retire)]).unwrap();
        let expires_at = at("2026-03-10T10:00:00Z");
        events.push(Event::Validated { plan, prechecks: Vec::new(), expires_at });
        events.push(Event::StepDone {
            index: 0,
            receipt: Receipt::KeyActivated {
                of: of.clone(),
                before: before.clone(),
                after: after.clone(),
            },
        });
        let receipt = Receipt::KeyActivated { of, before: after, after: before };
        events.push(Event::UndoDone { index: 0, receipt });
    }
    let of_change = |(event, seq)| Fact::Change {
        id: p!(ChangeId, "c3"),
        seq,
        state: "executing".to_owned(),
        event: Box::new(event),
    };
    events.into_iter().zip(0..).map(of_change).collect()
}

/// What came with the life of credentials and accounts.
fn registry_facts() -> Vec<Fact> {
    vec![
        Fact::CredentialRotated {
            credential: p!(CredentialId, "cred-1"),
            successor: p!(CredentialId, "cred-2"),
            until: at("2026-03-10"),
        },
        Fact::AccountRevoked {
            account: p!(AccountId, "acct-1"),
            why: "its host is lost".to_owned(),
        },
    ]
}

/// What came with CAs behind ACME.
fn upstream_facts() -> Vec<Fact> {
    let mut all = vec![
        Fact::UpstreamOrdered {
            change: p!(ChangeId, "c1"),
            issuer: p!(IssuerId, "public"),
            url: "https://ca.example/order/1".to_owned(),
        },
        Fact::SecretSet { purpose: "tsig".to_owned(), name: "shop.example".to_owned() },
    ];
    let later = upstream_events().into_iter().zip(100..);
    all.extend(later.map(|(event, seq)| Fact::Change {
        id: p!(ChangeId, "c1"),
        seq,
        state: "executing".to_owned(),
        event: Box::new(event),
    }));
    all
}

/// What events hold since there are CAs behind ACME.
fn upstream_events() -> Vec<Event> {
    let register = |binding| {
        Step::RegisterAccount(RegisterAccount {
            issuer: p!(IssuerId, "public"),
            directory: "https://ca.example/directory".to_owned(),
            contacts: vec!["mailto:pki@shop.example".to_owned()],
            binding,
        })
    };
    let forwarded = |replaces| Prepared::Forwarded {
        csr: vec![0x30, 0x03, 0x02, 0x01, 0x05],
        caa: digest(9),
        replaces,
    };
    let mut receipts = receipts();
    let (issued, revoked) = match (receipts.remove(1), receipts.remove(1)) {
        (Receipt::Issued(issued), Receipt::Revoked(revoked)) => (issued, revoked),
        other => unreachable!("{other:?}"),
    };
    let issuer = p!(IssuerId, "public");
    let key = SpkiHash::from_bytes([0x1c; 32]);
    let uri = "https://ca.example/account/1".to_owned();
    vec![
        Event::Validated {
            plan: Plan::new(vec![register(None), register(Some("kid-1".to_owned()))]).unwrap(),
            prechecks: Vec::new(),
            expires_at: at("2026-03-10T10:00:00Z"),
        },
        Event::StepStarted { index: 0, prepared: forwarded(None) },
        Event::StepStarted {
            index: 0,
            prepared: forwarded(Some(CertFingerprint::from_bytes([0xfe; 32]))),
        },
        Event::StepStarted { index: 0, prepared: Prepared::AccountKey { key } },
        Event::StepDone {
            index: 0,
            receipt: Receipt::Adopted { certificate: issued, chain: digest(3) },
        },
        Event::UndoDone { index: 0, receipt: Receipt::Disowned { der: vec![0x30, 0x00], revoked } },
        Event::StepDone {
            index: 0,
            receipt: Receipt::AccountRegistered { issuer: issuer.clone(), uri, key },
        },
        Event::UndoDone { index: 0, receipt: Receipt::AccountDeactivated { issuer } },
    ]
}

/// What came with attestation.
fn attested_facts() -> Vec<Fact> {
    let attested = Attested {
        attestor: p!(AttestorId, "forge"),
        subject: "repo:shop/pay:ref:refs/heads/main".to_owned(),
        claims: [("ref", "refs/heads/main"), ("repository", "shop/pay")]
            .map(|(name, said)| (name.to_owned(), said.to_owned()))
            .into(),
        verified_at: at("2026-03-03T10:00:00Z"),
        until: at("2026-03-03T18:00:00Z"),
    };
    vec![
        Fact::WorkloadEnrolled {
            credential: p!(CredentialId, "cred-1"),
            attested: Box::new(attested),
            token: digest(7),
            decision: decision(),
        },
        Fact::WorkloadRefused {
            service: p!(ServiceId, "pay-api"),
            attestor: p!(AttestorId, "forge"),
            decision: decision(),
        },
    ]
}

/// The samples, in the order of the golden file.
pub(crate) fn samples() -> Vec<Entry> {
    let of_change = |(seq, event): (u32, Event)| Fact::Change {
        id: p!(ChangeId, "c1"),
        seq,
        state: "executing".to_owned(),
        event: Box::new(event),
    };
    let events = decided_events().into_iter().chain(driven_events());
    let facts = house_facts().into_iter().chain(gate_facts());
    let by = [
        driver(),
        client(),
        Actor::Person(ana()),
        Actor::Component(Component::Gate),
        Actor::Component(Component::FirstStart),
        Actor::Component(Component::Lab),
    ];
    facts
        .chain((0..).zip(events).map(of_change))
        .chain(later_facts())
        .chain((100..).zip(later_events()).map(of_change))
        .chain(upstream_facts())
        .chain(registry_facts())
        .chain(attested_facts())
        .chain((200..).zip(super::joint_samples::samples()).map(of_change))
        .chain(crate::watched::samples())
        .chain(rotation_facts())
        .chain(renewed_facts())
        .chain(power_facts())
        .chain([of_change((300, super::joint_samples::of_zones())), zone_emergency()])
        .chain([crate::watched::handed_on()])
        .chain(key_facts())
        .chain([Fact::StoreRestored { epoch: 1, leaves: 4_711 }])
        .zip(by.into_iter().cycle())
        .zip(0..)
        .map(|((fact, by), ms)| Entry { at: at("2026-03-03T10:00:00Z").plus_ms(ms), by, fact })
        .collect()
}
