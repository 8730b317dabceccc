//! What stands at the issuance gate.

use bailiwick_core::actor::Actor;
use bailiwick_core::estate::Attested;
use bailiwick_core::gate::{
    Account, AccountStatus, Authorization, AuthorizationStatus, Challenge, ChallengeKind,
    ChallengeStatus, Credential, Order, OrderStatus, ValidationEvidence,
};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AttestorId, AuthzId, ChallengeId, CredentialId, Digest, OrderId,
};
use bailiwick_core::record::{Batch, Fact, Work};
use bailiwick_core::time::{DAY_MS, Time};

use super::{
    DRIVER, batch, by, decision, entry, id, issuer, number, person, profile, san, service,
};

pub(crate) fn credential(at: Time) -> (Credential, Batch) {
    let made = Credential {
        id: CredentialId::parse(&id("credential")).unwrap(),
        service: service(),
        environment: "production".to_owned(),
        namespace: Some("shop".to_owned()),
        attestations: vec!["host-key".to_owned()],
        created_by: person("ada"),
        chain: vec![person("bob")],
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

/// A workload that enrolled, with what is attested about it.
pub(crate) fn enrolled(at: Time) -> (Credential, Batch) {
    let (made, mut batch) = credential(at);
    let attested = Attested {
        attestor: AttestorId::parse("forge").unwrap(),
        subject: "repo:shop/web".to_owned(),
        claims: [("repository".to_owned(), "shop/web".to_owned())].into(),
        verified_at: at,
        until: at.plus_ms(DAY_MS),
    };
    let enrolled = Fact::WorkloadEnrolled {
        credential: made.id.clone(),
        attested: Box::new(attested),
        token: Digest::of(made.id.as_str().as_bytes()),
        decision: Box::new(decision("enrol")),
    };
    batch.entries.push(entry(at, DRIVER, enrolled));
    (made, batch)
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
        chain: credential.chain.clone(),
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
        chain: account.chain.clone(),
    }
}

/// An order with its authorization, let in.
pub(crate) fn order(at: Time, account: &Account) -> (Order, Authorization, Batch) {
    let decision = decision("issue");
    let authz = Authorization {
        id: AuthzId::parse(&id("authz")).unwrap(),
        account: account.id.clone(),
        name: AcmeIdentifier::parse("www.shop.example").unwrap(),
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
        replaces: None,
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
