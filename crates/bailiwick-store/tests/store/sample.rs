//! A small life of an installation: facts of every kind, as the application would commit them.

use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::change::{
    Approval, Basis, Change, Event, IssueCertificate, IssuedCertificate, Plan, Precheck, Prepared,
    Receipt, Request, RevocationReason, Revoked, RevokeCertificate, Step,
};
use bailiwick_core::gate::{
    Account, AccountStatus, Authorization, AuthorizationStatus, Challenge, ChallengeKind,
    ChallengeStatus, Credential, Envelope, Order, OrderStatus, ValidationEvidence,
};
use bailiwick_core::names::{
    AccountId, AuthzId, CertFingerprint, CertSerial, ChallengeId, ChangeId, CredentialId,
    DecisionId, Digest, DnsName, EnvelopeId, IssuerId, OrderId, PersonId, ProfileId, SanName,
    ServiceId, SessionId, SpkiHash, TokenId,
};
use bailiwick_core::record::{Batch, Decision, Entry, Fact, Notice, Work};
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};

static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A number that nobody in this process has.
pub(crate) fn number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// A fresh id.
pub(crate) fn id(kind: &str) -> String {
    format!("{kind}-{:08}-{}", number(), std::process::id())
}

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::parse(name).unwrap()
}

pub(crate) fn by(name: &str) -> Actor {
    Actor::Person(SignedIn::alone(person(name)))
}

pub(crate) const DRIVER: Actor = Actor::Component(Component::Driver);

pub(crate) fn service() -> ServiceId {
    ServiceId::parse("shop-web").unwrap()
}

pub(crate) fn issuer() -> IssuerId {
    IssuerId::parse("lab-ca").unwrap()
}

fn profile() -> ProfileId {
    ProfileId::parse("server").unwrap()
}

pub(crate) fn entry(at: Time, by: Actor, fact: Fact) -> Entry {
    Entry { at, by, fact }
}

pub(crate) fn batch(entries: Vec<Entry>) -> Batch {
    Batch { entries, ..Batch::default() }
}

/// The smallest batch: somebody tried something.
pub(crate) fn denied(at: Time, object: &str) -> Batch {
    let fact = Fact::AccessDenied {
        action: "read".to_owned(),
        object: object.to_owned(),
        service: None,
    };
    batch(vec![entry(at, by("eve"), fact)])
}

/// A batch with one row: somebody signed in.
pub(crate) fn signed_in(at: Time) -> (SessionId, Batch) {
    let session = SessionId::parse(&id("session")).unwrap();
    let fact = Fact::SignedIn {
        person: person("ada"),
        chain: vec![person("root")],
        session: session.clone(),
        expires_at: at.plus_ms(HOUR_MS),
    };
    (session, batch(vec![entry(at, by("ada"), fact)]))
}

pub(crate) fn decision(action: &str) -> Decision {
    Decision {
        id: DecisionId::parse(&id("decision")).unwrap(),
        action: action.to_owned(),
        allowed: true,
        policy: Digest::of(b"policy"),
        facts: r#"{"v":1}"#.to_owned(),
        reasons: "[]".to_owned(),
        rule: "owner-may-issue".to_owned(),
    }
}

/// A change that grows by events.
pub(crate) struct Story {
    pub(crate) id: ChangeId,
    change: Option<Change>,
    pub(crate) events: u32,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self { id: ChangeId::parse(&id("change")).unwrap(), change: None, events: 0 }
    }

    /// The entry of the next event; the state is what replay says.
    pub(crate) fn next(&mut self, at: Time, actor: Actor, event: Event) -> Entry {
        let change = match self.change.take() {
            None => Change::replay([(event.clone(), at)]).unwrap(),
            Some(change) => change.apply(event.clone(), at).unwrap(),
        };
        let (id, seq, state) = (self.id.clone(), self.events, change.name().to_owned());
        self.change = Some(change);
        self.events += 1;
        entry(at, actor, Fact::Change { id, seq, state, event: Box::new(event) })
    }

    pub(crate) fn request(&mut self, at: Time) -> Entry {
        let request = Request {
            id: self.id.clone(),
            title: "issue www.shop.example for shop-web".to_owned(),
            reason: "the shop needs it".to_owned(),
            by: by("ada"),
            service: Some(service()),
            zones: Vec::new(),
            at,
        };
        self.next(at, by("ada"), Event::Requested(Box::new(request)))
    }

    pub(crate) fn validate(&mut self, at: Time, plan: &Plan) -> Entry {
        let prechecks = vec![Precheck {
            name: "names-owned".to_owned(),
            holds: true,
            saw: "shop-web owns it".to_owned(),
            assignee: None,
        }];
        let expires_at = at.plus_ms(DAY_MS);
        self.next(at, DRIVER, Event::Validated { plan: plan.clone(), prechecks, expires_at })
    }

    /// A person's yes.
    pub(crate) fn approval(&mut self, at: Time, plan: &Plan, expires_at: Time) -> Entry {
        let approval = Approval {
            by: SignedIn::alone(person("bob")),
            teams: Vec::new(),
            of: plan.digest(),
            at,
            expires_at,
            comment: "fine".to_owned(),
        };
        self.next(at, by("bob"), Event::ApprovalGiven(approval))
    }

    pub(crate) fn approve(&mut self, at: Time, plan: &Plan, approvals_needed: u32) -> Entry {
        let basis = Basis {
            decision: DecisionId::parse(&id("decision")).unwrap(),
            policy: Digest::of(b"policy"),
            of: plan.digest(),
            approvals_needed,
        };
        self.next(at, DRIVER, Event::Approved(basis))
    }

    /// Request to close, with what the one step left.
    pub(crate) fn whole(
        &mut self,
        at: Time,
        step: Step,
        prepared: Prepared,
        receipt: Receipt,
    ) -> Vec<Entry> {
        let plan = Plan::of(step);
        vec![
            self.request(at),
            self.validate(at, &plan),
            self.approve(at, &plan, 0),
            self.next(at, DRIVER, Event::StepStarted { index: 0, prepared }),
            self.next(at, DRIVER, Event::StepDone { index: 0, receipt }),
            self.next(at, DRIVER, Event::Verified),
        ]
    }
}

pub(crate) fn san(name: &str) -> SanName {
    SanName::parse(name).unwrap()
}

/// A certificate with made-up octets.
pub(crate) fn certificate(at: Time, change: &ChangeId, names: &[&str]) -> IssuedCertificate {
    let n = number();
    let der = format!("certificate {n} of {}", std::process::id()).into_bytes();
    IssuedCertificate {
        fingerprint: CertFingerprint::of(&der),
        issuer: issuer(),
        serial: CertSerial::from_bytes(&(n + 1).to_be_bytes()).unwrap(),
        key: SpkiHash::of(&der),
        names: names.iter().map(|name| san(name)).collect(),
        not_before: at,
        not_after: at.plus_ms(90 * DAY_MS),
        profile: profile(),
        service: service(),
        account: None,
        order: None,
        envelope: None,
        change: change.clone(),
        der,
        issued_at: at,
    }
}

pub(crate) fn issue_step(certificate: &IssuedCertificate) -> Step {
    Step::IssueCertificate(IssueCertificate {
        service: certificate.service.clone(),
        account: certificate.account.clone(),
        order: certificate.order.clone(),
        envelope: certificate.envelope.clone(),
        issuer: certificate.issuer.clone(),
        profile: certificate.profile.clone(),
        names: certificate.names.clone(),
        spki: b"spki".to_vec(),
        key: certificate.key,
        lifetime_seconds_max: 90 * 86_400,
    })
}

/// What is signed for a certificate; CAA as seen is evidence.
pub(crate) fn to_be_signed(certificate: &IssuedCertificate) -> (Prepared, Work) {
    let octets = format!("caa for {}", certificate.serial).into_bytes();
    let caa = Digest::of(&octets);
    let prepared = Prepared::ToBeSigned {
        serial: certificate.serial.clone(),
        tbs: b"tbs".to_vec(),
        caa,
    };
    (prepared, Work::PutEvidence { digest: caa, kind: "caa/v1", octets })
}

/// A certificate from request to close.
pub(crate) fn issuance(at: Time, names: &[&str]) -> (IssuedCertificate, Batch) {
    let mut story = Story::new();
    let certificate = certificate(at, &story.id, names);
    let (prepared, evidence) = to_be_signed(&certificate);
    let receipt = Receipt::Issued(Box::new(certificate.clone()));
    let entries = story.whole(at, issue_step(&certificate), prepared, receipt);
    (certificate, Batch { entries, work: vec![evidence], ..Batch::default() })
}

/// The revocation of a certificate, from request to close.
pub(crate) fn revocation(at: Time, certificate: &IssuedCertificate) -> Batch {
    let step = Step::RevokeCertificate(RevokeCertificate {
        service: certificate.service.clone(),
        fingerprint: certificate.fingerprint,
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        reason: RevocationReason::KeyCompromise,
    });
    let revoked = Revoked {
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        fingerprint: Some(certificate.fingerprint),
        reason: RevocationReason::KeyCompromise,
        at,
    };
    batch(Story::new().whole(at, step, Prepared::Nothing, Receipt::Revoked(revoked)))
}

/// An envelope, from request to close.
pub(crate) fn envelope(at: Time, uses_max: Option<u32>) -> (Envelope, Batch) {
    let mut story = Story::new();
    let envelope = Envelope {
        id: EnvelopeId::parse(story.id.as_str()).unwrap(),
        change: story.id.clone(),
        service: service(),
        names: vec![san("www.shop.example"), san("*.shop.example")],
        issuer: issuer(),
        profiles: vec![profile()],
        account: None,
        granted_at: at,
        until: at.plus_ms(30 * DAY_MS),
        uses_max,
        uses: 0,
        ended: None,
    };
    let receipt = Receipt::EnvelopeGranted(Box::new(envelope.clone()));
    let step = Step::GrantEnvelope(envelope.clone());
    let entries = story.whole(at, step, Prepared::Nothing, receipt);
    (envelope, batch(entries))
}

/// The end of an envelope, from request to close.
pub(crate) fn envelope_end(at: Time, envelope: &Envelope) -> Batch {
    let (id, why) = (envelope.id.clone(), "the service moved".to_owned());
    let step =
        Step::EndEnvelope { envelope: id.clone(), service: service(), why: why.clone() };
    let receipt = Receipt::EnvelopeEnded { envelope: id, why };
    batch(Story::new().whole(at, step, Prepared::Nothing, receipt))
}

/// Another estate, from request to close.
pub(crate) fn estate(at: Time, before: Option<Digest>, octets: &[u8]) -> (Digest, Batch) {
    let after = Digest::of(octets);
    let step = Step::EditEstate { before, after };
    let receipt = Receipt::EstateActivated { estate: after };
    let entries = Story::new().whole(at, step, Prepared::Nothing, receipt);
    let work =
        vec![Work::PutEvidence { digest: after, kind: "estate/v1", octets: octets.to_vec() }];
    (after, Batch { entries, work, ..Batch::default() })
}

pub(crate) fn credential(at: Time) -> (Credential, Batch) {
    let made = Credential {
        id: CredentialId::parse(&id("credential")).unwrap(),
        service: service(),
        environment: "production".to_owned(),
        namespace: Some("shop".to_owned()),
        attestations: vec!["host-key".to_owned()],
        created_by: person("ada"),
        created_at: at,
        expires_at: at.plus_ms(DAY_MS),
        revoked_at: None,
        account: None,
    };
    let secret =
        Work::PutCredentialSecret { credential: made.id.clone(), sealed: b"sealed".to_vec() };
    let entries = vec![entry(at, by("ada"), Fact::CredentialMade(Box::new(made.clone())))];
    (made, Batch { entries, work: vec![secret], ..Batch::default() })
}

pub(crate) fn account(at: Time, credential: &Credential) -> (Account, Batch) {
    let account = Account {
        id: AccountId::parse(&id("account")).unwrap(),
        thumbprint: format!("thumb-{}", number()),
        jwk: r#"{"kty":"EC"}"#.to_owned(),
        contacts: vec!["mailto:ops@shop.example".to_owned()],
        status: AccountStatus::Valid,
        credential: credential.id.clone(),
        made_by: credential.created_by.clone(),
        service: credential.service.clone(),
        environment: credential.environment.clone(),
        namespace: credential.namespace.clone(),
        attestations: credential.attestations.clone(),
        binding: "jws".to_owned(),
        created_at: at,
    };
    let fact = Fact::AccountRegistered(Box::new(account.clone()));
    let who = acting(&account);
    (account, batch(vec![entry(at, who, fact)]))
}

fn acting(account: &Account) -> Actor {
    Actor::Account {
        account: account.id.clone(),
        service: account.service.clone(),
        made_by: account.made_by.clone(),
    }
}

/// An order with its authorization, let in.
pub(crate) fn order(at: Time, account: &Account) -> (Order, Authorization, Batch) {
    let decision = decision("issue");
    let authz = Authorization {
        id: AuthzId::parse(&id("authz")).unwrap(),
        account: account.id.clone(),
        name: DnsName::parse("www.shop.example").unwrap(),
        wildcard: false,
        status: AuthorizationStatus::Pending,
        expires_at: at.plus_ms(DAY_MS),
        challenges: vec![Challenge {
            id: ChallengeId::parse(&id("challenge")).unwrap(),
            kind: ChallengeKind::Http01,
            token: "dG9rZW4".to_owned(),
            status: ChallengeStatus::Pending,
            validated_at: None,
            error: None,
        }],
    };
    let order = Order {
        id: OrderId::parse(&id("order")).unwrap(),
        account: account.id.clone(),
        names: vec![san("www.shop.example")],
        profile: profile(),
        issuer: issuer(),
        status: OrderStatus::Pending,
        authorizations: vec![authz.id.clone()],
        decision: decision.id.clone(),
        created_at: at,
        expires_at: at.plus_ms(DAY_MS),
        change: None,
        certificate: None,
        error: None,
    };
    let fact = Fact::OrderAccepted {
        order: order.id.clone(),
        account: account.id.clone(),
        names: order.names.clone(),
        profile: profile(),
        issuer: issuer(),
        decision: Box::new(decision),
    };
    let work = vec![
        Work::PutOrder(Box::new(order.clone())),
        Work::PutAuthorization(Box::new(authz.clone())),
    ];
    let entries = vec![entry(at, acting(account), fact)];
    (order, authz, Batch { entries, work, ..Batch::default() })
}

/// Control of the order's name was shown.
pub(crate) fn validated(at: Time, order: &Order, authz: &Authorization) -> Batch {
    let mut order = order.clone();
    let mut authz = authz.clone();
    order.status = OrderStatus::Ready;
    authz.status = AuthorizationStatus::Valid;
    let seen = ValidationEvidence {
        authorization: authz.id.clone(),
        account: authz.account.clone(),
        name: authz.name.clone(),
        wildcard: false,
        kind: ChallengeKind::Http01,
        seen_at: vec!["192.0.2.1".to_owned()],
        at,
        expires_at: at.plus_ms(DAY_MS),
    };
    let work = vec![Work::PutOrder(Box::new(order)), Work::PutAuthorization(Box::new(authz))];
    let entries = vec![entry(at, DRIVER, Fact::NameValidated(Box::new(seen)))];
    Batch { entries, work, ..Batch::default() }
}

pub(crate) fn token(at: Time) -> (TokenId, Digest, Batch) {
    let token = TokenId::parse(&id("token")).unwrap();
    let hash = Digest::of(token.as_str().as_bytes());
    let fact = Fact::TokenMade {
        token: token.clone(),
        person: person("ada"),
        chain: Vec::new(),
        scopes: vec!["changes:read".to_owned()],
        purpose: "the dashboard".to_owned(),
        expires_at: at.plus_ms(DAY_MS),
    };
    let work = vec![Work::PutTokenSecret { token: token.clone(), hash }];
    let entries = vec![entry(at, by("ada"), fact)];
    (token, hash, Batch { entries, work, ..Batch::default() })
}

pub(crate) fn crl(at: Time, number: u64) -> (Digest, Batch) {
    let octets = format!("crl {number}").into_bytes();
    let digest = Digest::of(&octets);
    let fact = Fact::CrlPublished {
        issuer: issuer(),
        number,
        revoked: 1,
        digest,
        next_update: at.plus_ms(7 * DAY_MS),
    };
    let work = vec![Work::PutEvidence { digest, kind: "crl", octets }];
    (digest, Batch { entries: vec![entry(at, DRIVER, fact)], work, ..Batch::default() })
}

/// Some of everything: every table gets rows.
pub(crate) fn life(at: Time) -> Vec<Batch> {
    let mut all = vec![denied(at, "certificate/1")];
    let before = estate(at, None, format!("estate {}", number()).as_bytes());
    all.push(before.1);
    let (made, batch_of_credential) = credential(at);
    let (registered, batch_of_account) = account(at, &made);
    let (ordered, authz, batch_of_order) = order(at, &registered);
    all.extend([batch_of_credential, batch_of_account, batch_of_order]);
    all.push(validated(at, &ordered, &authz));
    let (granted, batch_of_envelope) = envelope(at, Some(5));
    all.push(batch_of_envelope);
    let mut story = Story::new();
    let mut issued = certificate(at, &story.id, &["www.shop.example", "*.shop.example"]);
    issued.envelope = Some(granted.id.clone());
    let (prepared, evidence) = to_be_signed(&issued);
    let receipt = Receipt::Issued(Box::new(issued.clone()));
    let entries = story.whole(at, issue_step(&issued), prepared, receipt);
    all.push(Batch { entries, work: vec![evidence], ..Batch::default() });
    all.push(revocation(at, &issued));
    all.push(envelope_end(at, &granted));
    let (session, mut sign_in) = signed_in(at);
    sign_in.work.push(Work::PutSessionSecret {
        session: session.clone(),
        hash: Digest::of(session.as_str().as_bytes()),
    });
    sign_in.notices.push(Notice {
        to: person("bob"),
        subject: "ada signed in".to_owned(),
        page: "/sessions".to_owned(),
    });
    all.push(sign_in);
    all.push(batch(vec![entry(at, by("ada"), Fact::SignedOut { session })]));
    let (token, _, batch_of_token) = token(at);
    all.push(batch_of_token);
    all.push(batch(vec![entry(at, by("ada"), Fact::TokenRevoked { token })]));
    all.push(crl(at, number() + 1).1);
    all.push(batch(vec![entry(
        at,
        by("ada"),
        Fact::AccountUpdated { account: registered.id.clone(), contacts: Vec::new() },
    )]));
    all.push(batch(vec![entry(
        at,
        by("ada"),
        Fact::CredentialRevoked { credential: made.id },
    )]));
    all
}
