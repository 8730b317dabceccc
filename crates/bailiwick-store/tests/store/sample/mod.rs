//! A small life of an installation: facts of every kind, as the application would commit them.

mod gate;
mod story;
mod upstream;

use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::change::Receipt;
use bailiwick_core::gate::{Account, Authorization, Order, StandingRecord};
use bailiwick_core::names::{
    CertFingerprint, DecisionId, Digest, IssuerId, PersonId, ProfileId, SanName, ServiceId,
    SessionId, TokenId,
};
use bailiwick_core::record::{Batch, Decision, Entry, Fact, Notice, Work};
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};

pub(crate) use gate::{account, credential, order, validated};
pub(crate) use story::{
    Story, certificate, envelope, envelope_end, estate, issuance, issue_step, revocation,
    to_be_signed,
};
pub(crate) use upstream::{held_keys, rotation, upstream};

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

pub(crate) fn profile() -> ProfileId {
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
    let fact =
        Fact::AccessDenied { action: "read".to_owned(), object: object.to_owned(), service: None };
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

pub(crate) fn san(name: &str) -> SanName {
    SanName::parse(name).unwrap()
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

/// What orders and authorizations leave behind.
fn left_behind(at: Time, account: &Account, order: &Order, authz: &Authorization) -> Batch {
    let replaces = Fact::OrderReplaces {
        order: order.id.clone(),
        certificate: CertFingerprint::of(b"an old one"),
    };
    let given_up =
        Fact::AuthorizationGivenUp { authorization: authz.id.clone(), account: account.id.clone() };
    let standing = Fact::StandingRecordSeen(Box::new(StandingRecord {
        name: authz.name.dns().unwrap().clone(),
        account: account.id.clone(),
        service: service(),
        issuer: "ca.bailiwick.example".to_owned(),
        wildcard: true,
        until: None,
        text: "ca.bailiwick.example; policy=wildcard".to_owned(),
    }));
    batch([replaces, given_up, standing].map(|fact| entry(at, DRIVER, fact)).to_vec())
}

/// Some of everything: every table gets rows.
pub(crate) fn life(at: Time) -> Vec<Batch> {
    let mut all = vec![denied(at, "certificate/1")];
    let before = estate(at, None, format!("estate {}", number()).as_bytes());
    all.push(before.1);
    let (made, batch_of_credential) = credential(at);
    let (registered, batch_of_account) = account(at, &made);
    let (ordered, authz, batch_of_order) = order(at, &registered);
    all.extend([batch_of_credential, batch_of_account, batch_of_order, gate::enrolled(at).1]);
    all.push(validated(at, &ordered, &authz));
    all.push(left_behind(at, &registered, &ordered, &authz));
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
    all.extend(upstream(at));
    all.extend(rotation(at));
    all.extend(held_keys(at));
    all.push(crl(at, number() + 1).1);
    all.push(batch(vec![entry(
        at,
        by("ada"),
        Fact::AccountUpdated { account: registered.id.clone(), contacts: Vec::new() },
    )]));
    all.push(batch(vec![entry(
        at,
        by("ada"),
        Fact::AccountKeyChanged {
            account: registered.id.clone(),
            thumbprint: format!("another-{}", number()),
            jwk: "{\"kty\":\"EC\"}".to_owned(),
        },
    )]));
    let (next, batch_of_next) = credential(at);
    all.push(batch_of_next);
    let until = at.plus_ms(1);
    let (credential, successor) = (made.id.clone(), next.id);
    let rotated = Fact::CredentialRotated { credential, successor, until };
    let terms = "https://shop.example/terms".to_owned();
    let agreed = Fact::TermsAgreed { account: registered.id.clone(), terms };
    let why = "its host is lost".to_owned();
    let ended = Fact::AccountRevoked { account: registered.id, why };
    for fact in [rotated, agreed, ended, Fact::CredentialRevoked { credential: made.id }] {
        all.push(batch(vec![entry(at, by("ada"), fact)]));
    }
    all
}
