//! Who may look, ask, approve, revoke and administer.

use std::collections::BTreeSet;

use bailiwick_core::names::TokenId;
use bailiwick_core::policy::{
    Access, AccessFacts, Fact, Facts, ObjectAsked, ObjectFacts, PrincipalFacts, PrincipalKind,
    ResourceKind, TokenFacts, Verdict, judge,
};

use crate::world::*;

fn object(kind: ResourceKind, of: Option<&str>, own: Option<&str>) -> ObjectFacts {
    ObjectFacts::gather(
        &estate(),
        ObjectAsked {
            kind,
            id: "x-1".to_owned(),
            services: of.map(service).into_iter().collect(),
            zones: BTreeSet::new(),
            person: own.map(person),
        },
    )
}

fn ask(kind: PrincipalKind, access: Access, object: ObjectFacts) -> Verdict {
    let principal = PrincipalFacts::gather(&estate(), kind, NOW);
    judge(policies(), &Facts::Access(AccessFacts { now: NOW, principal, access, object }))
}

fn may(who: &str, access: Access, object: ObjectFacts) -> bool {
    ask(PrincipalKind::Person(person(who)), access, object).allows()
}

fn token(allows: &[Access], services: Option<&[&str]>) -> TokenFacts {
    TokenFacts {
        id: TokenId::parse("tok-1").unwrap(),
        allows: allows.iter().copied().collect(),
        services: services.map(|ids| ids.iter().map(|id| service(id)).collect()),
        until: NOW.plus_ms(1),
    }
}

#[test]
fn people_of_the_duties_and_nobody_else() {
    let change = || object(ResourceKind::Change, Some("shop-web"), None);
    let certificate = || object(ResourceKind::Certificate, Some("shop-web"), None);
    let credential = || object(ResourceKind::Credential, Some("shop-web"), None);
    let service = || object(ResourceKind::Service, Some("shop-web"), None);
    for (who, read, request, approve, revoke, credentials) in [
        ("sam", true, true, true, true, true),
        ("pia", true, true, true, true, true),
        ("pat", true, false, false, false, false),
        ("dana", true, false, false, false, false),
        ("ada", true, false, false, false, false),
        ("nobody", false, false, false, false, false),
    ] {
        assert_eq!(may(who, Access::Read, certificate()), read, "{who} reads");
        assert_eq!(may(who, Access::Request, service()), request, "{who} requests");
        assert_eq!(may(who, Access::Approve, change()), approve, "{who} approves");
        assert_eq!(may(who, Access::Revoke, certificate()), revoke, "{who} revokes");
        assert_eq!(
            may(who, Access::Administer, credential()),
            credentials,
            "{who} makes credentials"
        );
    }
}

#[test]
fn anybody_may_propose_an_edit_except_auditors() {
    let estate = || object(ResourceKind::Estate, None, None);
    assert!(may("pat", Access::Request, estate()));
    assert!(!may("ada", Access::Request, estate()));
}

#[test]
fn tokens_and_sessions_are_their_owners() {
    let session = || object(ResourceKind::Session, None, Some("sam"));
    assert!(may("sam", Access::Read, session()));
    assert!(may("sam", Access::Administer, session()));
    assert!(!may("sue", Access::Read, session()));
    assert!(!may("sue", Access::Administer, session()));
    assert!(may("dana", Access::Administer, session()), "an administrator ends any session");
    let installation = || object(ResourceKind::Organisation, None, None);
    assert!(may("dana", Access::Administer, installation()));
    assert!(
        !may("pia", Access::Administer, installation()),
        "the control owner is no administrator"
    );
    assert!(may("ada", Access::Administer, object(ResourceKind::Session, None, Some("ada"))));
}

#[test]
fn a_token_is_never_wider_than_its_person_or_its_scope() {
    let certificate = |of| object(ResourceKind::Certificate, Some(of), None);
    let with = |token: TokenFacts, of| {
        ask(PrincipalKind::Token(person("sam"), token), Access::Revoke, certificate(of)).allows()
    };
    assert!(with(token(&[Access::Revoke], None), "shop-web"));
    assert!(with(token(&[Access::Revoke], Some(&["shop-web"])), "shop-web"));
    assert!(!with(token(&[Access::Revoke], Some(&["intranet"])), "shop-web"));
    assert!(!with(token(&[Access::Read], None), "shop-web"));
    assert!(!with(token(&[Access::Revoke], None), "pay-api"), "sam may not, so the token may not");
    let mut ended = token(&[Access::Revoke], None);
    ended.until = NOW;
    assert!(!with(ended, "shop-web"));
}

#[test]
fn an_agent_never_approves() {
    let all: Vec<Access> = Access::ALL.to_vec();
    let agent = |access, kind| {
        let agent = PrincipalKind::Agent(person("pia"), token(&all, None));
        ask(agent, access, object(kind, Some("shop-web"), None))
    };
    assert!(agent(Access::Read, ResourceKind::Change).allows());
    assert!(agent(Access::Request, ResourceKind::Service).allows());
    let verdict = agent(Access::Approve, ResourceKind::Change);
    assert!(!verdict.allows());
    assert_eq!(verdict.reasons()[0].rule.as_str(), "agent-never-approves");
    assert!(!agent(Access::Administer, ResourceKind::Credential).allows());
}

#[test]
fn a_refusal_says_who_to_ask() {
    let object = object(ResourceKind::Certificate, Some("shop-web"), None);
    let verdict = ask(PrincipalKind::Person(person("pat")), Access::Revoke, object);
    let reason = &verdict.reasons()[0];
    assert_eq!(reason.rule.as_str(), "may-not-revoke");
    assert_eq!(
        reason.fact,
        "`pat` is neither policy owner nor operator of certificate `x-1`, nor of `security`"
    );
}

#[test]
fn not_knowing_gives_no_access() {
    let whole = || AccessFacts {
        now: NOW,
        principal: PrincipalFacts::gather(&estate(), PrincipalKind::Person(person("sam")), NOW),
        access: Access::Revoke,
        object: object(ResourceKind::Certificate, Some("shop-web"), None),
    };
    assert!(judge(policies(), &Facts::Access(whole())).allows());
    let forget: [fn(&mut AccessFacts); 6] = [
        |it| it.principal.works_here = Fact::Unknown,
        |it| it.principal.teams = Fact::Unknown,
        |it| it.principal.administrator = Fact::Unknown,
        |it| it.object.policy_owners = Fact::Unknown,
        |it| it.object.operators = Fact::Unknown,
        |it| it.object.integration_owners = Fact::Unknown,
    ];
    for forget in forget {
        let mut facts = whole();
        forget(&mut facts);
        assert!(!judge(policies(), &Facts::Access(facts)).allows());
    }
    let stranger = object(ResourceKind::Certificate, Some("no-such"), None);
    assert!(!may("sam", Access::Revoke, stranger));
}
