//! The refusals of MIS-2, each with its near miss, and the patterns of governance.

use std::collections::BTreeSet;

use crate::world::*;
use bailiwick_core::estate::{AttestationKind, Environment, Mode, Namespace, Ownership};
use bailiwick_core::names::ProfileId;
use bailiwick_core::policy::{
    CaaFact, EnvelopeApproval, EnvelopeFacts, Fact, GrantAct, Grantor, IssueAsked, IssueFacts,
    Stage, UsesLeft, ValidationMethod, Verdict, forbidden,
};
use bailiwick_core::time::SECOND_MS;

/// Something that is done to an envelope.
type Change = fn(&mut EnvelopeFacts);

/// One line per reason: rule, what was seen, who can grant it.
fn lines(verdict: &Verdict) -> Vec<String> {
    let line = |reason: &bailiwick_core::policy::Reason| {
        let grantor = match &reason.grantor {
            Grantor::Nobody => "nobody".to_owned(),
            Grantor::Teams(teams) => {
                teams.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
            }
        };
        format!("{} [{}] {}", reason.rule, grantor, reason.fact)
    };
    verdict.reasons().iter().map(line).collect()
}

pub(crate) fn refused(facts: IssueFacts, expected: &[&str]) {
    let verdict = ask(facts);
    assert!(!verdict.allows());
    assert_eq!(lines(&verdict), expected);
}

pub(crate) fn allowed(facts: IssueFacts) {
    let verdict = ask(facts);
    assert_eq!(lines(&verdict), Vec::<String>::new());
    assert!(verdict.allows());
}

/// The order of shop-web for its site, changed.
pub(crate) fn shop(change: impl FnOnce(&mut IssueFacts)) -> IssueFacts {
    let mut facts = order("shop-web", &["www.shop.example"]);
    change(&mut facts);
    facts
}

fn service_of(facts: &mut IssueFacts) -> &mut bailiwick_core::policy::ServiceFacts {
    match &mut facts.service {
        Fact::Known(service) => service,
        Fact::Unknown => panic!("the service is known"),
    }
}

#[test]
fn a_service_team_gets_what_its_service_owns() {
    allowed(shop(|_| {}));
    let verdict = ask(shop(|_| {}));
    let permits: Vec<&str> = verdict.permits().iter().map(|permit| permit.rule.as_str()).collect();
    assert_eq!(permits, ["pattern-service-team"]);
}

/// What people decide about needs no permit; every rule that forbids still does.
#[test]
fn mis_2_approvals_stand_for_the_permit_and_for_nothing_else() {
    let against = |facts: &IssueFacts| -> Vec<String> {
        let all = forbidden(policies(), facts);
        all.iter().map(|reason| reason.rule.to_string()).collect()
    };
    let central = || order("pay-api", &["api.pay.example"]);
    refused(
        central(),
        &["needs-envelope [pki] zone `pay.example` is central, and no envelope covers \
           `api.pay.example` for service `pay-api`"],
    );
    assert_eq!(against(&central()), Vec::<String>::new());
    let mut unverified = central();
    service_of(&mut unverified).ownership = None;
    assert_eq!(against(&unverified), ["ownership-unverified"]);
    let mut unknown = central();
    unknown.lifetime_seconds = Fact::Unknown;
    assert_eq!(against(&unknown)[0], "fact-unknown");
    assert_eq!(against(&order("pay-api", &[])), ["no-names"]);
    assert_eq!(against(&order("pay-api", &["elsewhere.example"])), ["zone-unknown"]);
}

#[test]
fn mis_2_ownership_unverified() {
    let confirmed = |age_ms: i64| {
        shop(move |facts| {
            let verified_at = NOW.plus_ms(-age_ms);
            service_of(facts).ownership = Some(Ownership { verified_at, by: person("pia") });
            service_of(facts).owner_since = Fact::Known(days_ago(1_000));
        })
    };
    refused(
        shop(|facts| service_of(facts).ownership = None),
        &["ownership-unverified [shop] the ownership of service `shop-web` was never confirmed; \
           zone `shop.example` counts a confirmation for 365 days"],
    );
    refused(
        confirmed(365 * 86_400_000 + 1),
        &[
            "ownership-unverified [shop] the ownership of service `shop-web` was confirmed 365 days \
           ago, at 2025-09-21T14:13:19.999Z, by `pia`; zone `shop.example` counts a confirmation \
           for 365 days",
        ],
    );
    allowed(confirmed(365 * 86_400_000));
    assert!(!ask(confirmed(-SECOND_MS)).allows(), "a confirmation in the future is none");
    allowed(confirmed(0));
}

#[test]
fn mis_2_san_broader_than_policy() {
    refused(
        order("shop-web", &["api.pay.example", "www.shop.example"]),
        &[
            "san-outside-policy [pki] name `api.pay.example` is owned by `pay-api`, and the \
             request is for service `shop-web`",
            "needs-envelope [pki] zone `pay.example` is central, and no envelope covers \
             `api.pay.example` for service `shop-web`",
        ],
    );
    refused(
        order("shop-web", &["cdn.shop.example"]),
        &["san-outside-policy [pki] name `cdn.shop.example` is owned by nobody, and the request \
           is for service `shop-web`"],
    );
    let mut wild = estate();
    let shop = wild.services.get_mut(&service("shop-web")).unwrap();
    shop.names.insert(name("*.shop.example"));
    let dns = |mut facts: IssueFacts| {
        if let Stage::Finalize(csr) = &mut facts.stage {
            let by = [(name("*.shop.example"), ValidationMethod::Dns01)];
            csr.validated = Fact::Known(by.into());
        }
        facts
    };
    refused(
        dns(order_in(&active(wild.clone()), "shop-web", &["*.shop.example"])),
        &["san-outside-policy [pki] name `*.shop.example` is a wildcard, and zone `shop.example` \
           allows none"],
    );
    wild.zones.get_mut(&zone("shop.example")).unwrap().limits.wildcard_allowed = true;
    allowed(dns(order_in(&active(wild), "shop-web", &["*.shop.example"])));
    let mut many = estate();
    let shop = many.services.get_mut(&service("shop-web")).unwrap();
    shop.names.insert(name("img.shop.example"));
    let three = ["www.shop.example", "shop.example", "api.shop.example"];
    allowed(order_in(&active(many.clone()), "shop-web", &three));
    refused(
        order_in(
            &active(many),
            "shop-web",
            &["www.shop.example", "shop.example", "api.shop.example", "img.shop.example"],
        ),
        &["san-outside-policy [pki] the certificate has 4 names, and zone `shop.example` allows 3"],
    );
}

#[test]
fn mis_2_renewal_after_the_owner_changed() {
    let since =
        |days: i64| shop(move |facts| service_of(facts).owner_since = Fact::Known(days_ago(days)));
    refused(
        since(9),
        &["owner-changed [shop] the owners of service `shop-web` changed at \
           2026-09-12T14:13:20Z, and its ownership was confirmed 10 days ago, at \
           2026-09-11T14:13:20Z, by `pia`"],
    );
    allowed(since(10));
    let pay = |owner_days: i64| {
        let mut facts = order("pay-api", &["api.pay.example"]);
        facts.envelope = Fact::Known(Some(envelope_for(&facts)));
        service_of(&mut facts).owner_since = Fact::Known(days_ago(owner_days));
        let by = person("pia");
        service_of(&mut facts).ownership = Some(Ownership { verified_at: days_ago(1), by });
        facts
    };
    refused(
        pay(4),
        &["owner-changed [pki] the owners of service `pay-api` changed at 2026-09-17T14:13:20Z, \
           after envelope `env-1` was granted at 2026-09-16T14:13:20Z"],
    );
    allowed(pay(5));
}

#[test]
fn mis_2_wrong_environment_or_namespace() {
    let staging = || Environment::parse("staging").unwrap();
    refused(
        shop(|facts| facts.account.environment = Fact::Known(staging())),
        &[
            "environment-mismatch [nobody] account `acct-1` was made for environment `staging`, and \
           service `shop-web` runs in `production`",
        ],
    );
    allowed(shop(|facts| {
        facts.account.environment = Fact::Known(staging());
        service_of(facts).environment = staging();
    }));
    refused(
        shop(|facts| {
            if let Fact::Known(issuer) = &mut facts.issuer {
                issuer.environments = BTreeSet::from([staging()]);
            }
        }),
        &["environment-mismatch [nobody] issuer `house` issues for `staging`, and service \
           `shop-web` runs in `production`"],
    );
    let namespace = |word: &str| Some(Namespace::parse(word).unwrap());
    refused(
        shop(|facts| service_of(facts).namespace = namespace("web")),
        &["namespace-mismatch [nobody] account `acct-1` was made for no namespace, and service \
           `shop-web` lives in `web`"],
    );
    allowed(shop(|facts| {
        service_of(facts).namespace = namespace("web");
        facts.account.namespace = Fact::Known(namespace("web"));
    }));
}

#[test]
fn mis_2_attestation_missing() {
    let workload = |kinds: &[&str]| {
        let names = names(&["www.shop.example"]);
        let mut account = account("shop-web");
        let kinds = kinds.iter().map(|kind| AttestationKind::parse(kind).unwrap());
        account.attestations = Fact::Known(kinds.collect());
        IssueFacts::gather(
            &active(estate()),
            IssueAsked {
                now: NOW,
                account,
                names: &names,
                issuer: &bailiwick_core::names::IssuerId::parse("house").unwrap(),
                profile: &ProfileId::parse("workload").unwrap(),
                lifetime_seconds: Fact::Known(3_600),
                envelope: Fact::Known(None),
                attested: Fact::Known(None),
                stage: finalize(&names),
            },
        )
    };
    refused(
        workload(&["tpm"]),
        &["attestation-missing [nobody] profile `workload` asks for attestation `host-key`, and \
           account `acct-1` has `tpm`"],
    );
    allowed(workload(&["tpm", "host-key"]));
}

#[test]
fn other_mandatory_checks() {
    refused(
        shop(|facts| facts.account.usable = Fact::Known(false)),
        &["account-unusable [shop] account `acct-1` is not in good standing"],
    );
    refused(
        shop(|facts| facts.account.service = Fact::Known(service("intranet"))),
        &["account-not-bound [nobody] account `acct-1` is bound to service `intranet`, and the \
           request is for service `shop-web`"],
    );
    refused(
        shop(|facts| service_of(facts).profiles = BTreeSet::new()),
        &[
            "profile-not-allowed [pki] service `shop-web` may use nothing, and profile `tls-server` \
           was asked for",
        ],
    );
    refused(
        shop(|facts| {
            if let Fact::Known(issuer) = &mut facts.issuer {
                issuer.caa_domains = BTreeSet::from(["other.example".to_owned()]);
            }
        }),
        &["issuer-not-allowed [pki] the intended CAA records of zone `shop.example` do not name \
           issuer `house` for `www.shop.example`"],
    );
    refused(
        shop(|facts| facts.lifetime_seconds = Fact::Known(90 * 86_400 + 1)),
        &[
            "lifetime-too-long [nobody] the certificate would last 7776001 seconds, and profile \
             `tls-server` allows 90 days",
            "lifetime-too-long [pki] the certificate would last 7776001 seconds, and zone \
             `shop.example` allows 90 days",
        ],
    );
    refused(
        shop(|facts| {
            if let Stage::Finalize(csr) = &mut facts.stage {
                let kind = bailiwick_core::certificate::KeyKind::Rsa;
                csr.key = Fact::Known(bailiwick_core::policy::KeyFacts { kind, bits: 2_047 });
                csr.validated = Fact::Known([].into());
                csr.caa = Fact::Known(CaaFact::Forbids);
            }
        }),
        &[
            "caa-forbids [dns] the CAA records seen say: forbids",
            "control-not-shown [nobody] control of `www.shop.example` was shown by nothing",
            "key-not-allowed [nobody] the key is `rsa` of 2047 bits, and profile `tls-server` \
             takes `ecdsa-p256`, `rsa`",
        ],
    );
    refused(shop(|facts| facts.names.clear()), &["no-names [nobody] the request has no names"]);
    refused(
        order("shop-web", &["www.shop.example.org"]),
        &["zone-unknown [nobody] name `www.shop.example.org` lies in no zone of the estate that \
           is known"],
    );
}

#[test]
fn central_and_shared_zones_need_an_envelope() {
    let pay = order("pay-api", &["api.pay.example"]);
    let verdict = ask(pay.clone());
    assert_eq!(
        lines(&verdict),
        ["needs-envelope [pki] zone `pay.example` is central, and no envelope covers \
          `api.pay.example` for service `pay-api`"]
    );
    let acts = &verdict.grantable().unwrap().acts;
    assert_eq!(*acts, [GrantAct::Envelope { by: BTreeSet::from([team("pki")]) }]);

    let with = |change: Change| {
        let mut facts = pay.clone();
        let mut envelope = envelope_for(&facts);
        change(&mut envelope);
        facts.envelope = Fact::Known(Some(envelope));
        facts
    };
    allowed(with(|_| {}));
    let broken: [(Change, &str); 6] = [
        (
            |it| it.names = names(&["www.shop.example"]),
            "envelope `env-1` does not cover `api.pay.example` from issuer `house` under profile \
             `tls-server` for account `acct-1`",
        ),
        (
            |it| it.account = Some(bailiwick_core::names::AccountId::parse("acct-2").unwrap()),
            "envelope `env-1` does not cover `api.pay.example` from issuer `house` under profile \
             `tls-server` for account `acct-1`",
        ),
        (
            |it| it.until = NOW,
            "envelope `env-1` holds from 2026-09-16T14:13:20Z until 2026-09-21T14:13:20Z",
        ),
        (
            |it| it.granted_at = NOW.plus_ms(1),
            "envelope `env-1` holds from 2026-09-21T14:13:20.001Z until 2026-09-22T14:13:20Z",
        ),
        (|it| it.uses_left = Fact::Known(UsesLeft::Limited(0)), "envelope `env-1` is used up"),
        (
            |it| it.approvals = Fact::Known(Vec::new()),
            "envelope `env-1` was not approved by `pki`, the policy owner of zone `pay.example`",
        ),
    ];
    for (change, fact) in broken {
        refused(with(change), &[&format!("needs-envelope [pki] {fact}")]);
    }
    allowed(with(|it| it.uses_left = Fact::Known(UsesLeft::Limited(1))));
    allowed(with(|it| it.until = NOW.plus_ms(1)));

    let mut intranet = order("intranet", &["intra.corp.example"]);
    let mut envelope = envelope_for(&intranet);
    intranet.envelope = Fact::Known(Some(envelope.clone()));
    allowed(intranet.clone());
    envelope.approvals = Fact::Known(vec![EnvelopeApproval {
        person: person("pia"),
        teams: BTreeSet::from([team("pki")]),
        independent: false,
    }]);
    intranet.envelope = Fact::Known(Some(envelope));
    refused(
        intranet,
        &["needs-envelope [pki] envelope `env-1` was not approved by an independent person of \
           `pki`, the policy owner of zone `corp.example/internal`"],
    );
}

#[test]
fn a_zone_that_is_not_enforced_notes_instead_of_blocking() {
    for mode in [Mode::Observe, Mode::Advise] {
        let mut relaxed = estate();
        relaxed.zones.get_mut(&zone("pay.example")).unwrap().mode = mode;
        let verdict = ask(order_in(&active(relaxed.clone()), "pay-api", &["api.pay.example"]));
        assert!(verdict.allows());
        let notes: Vec<&str> = verdict.notes().iter().map(|note| note.rule.as_str()).collect();
        assert_eq!(notes, ["needs-envelope"]);
        // The refusals of MIS-2 block in every mode.
        relaxed.services.get_mut(&service("pay-api")).unwrap().ownership = None;
        let verdict = ask(order_in(&active(relaxed), "pay-api", &["api.pay.example"]));
        assert!(!verdict.allows());
    }
}

#[test]
fn what_can_be_granted_is_found_by_asking_again() {
    let acts = |facts: IssueFacts| ask(facts).grantable().map(|grantable| grantable.acts.clone());
    let ownership = GrantAct::ConfirmOwnership { by: team("payments") };
    let envelope = GrantAct::Envelope { by: BTreeSet::from([team("pki")]) };
    let mut pay = order("pay-api", &["api.pay.example"]);
    service_of(&mut pay).ownership = None;
    assert_eq!(acts(pay.clone()), Some(vec![ownership.clone(), envelope]));
    pay.envelope = Fact::Known(Some(envelope_for(&pay)));
    assert_eq!(acts(pay), Some(vec![ownership]));
    assert_eq!(
        acts(order("shop-web", &["cdn.shop.example"])),
        None,
        "a name has to be owned first"
    );
    let wrong = Environment::parse("staging").unwrap();
    assert_eq!(acts(shop(|facts| facts.account.environment = Fact::Known(wrong))), None);
}

#[test]
fn an_exception_sets_aside_only_what_may_be_set_aside() {
    use bailiwick_core::estate::{Exception, RuleId, Scope};
    let lasting = |rule: &str, until| {
        let mut excepted = estate();
        excepted.zones.get_mut(&zone("shop.example")).unwrap().limits.lifetime_days_max = 30;
        excepted.services.get_mut(&service("shop-web")).unwrap().ownership =
            Some(Ownership { verified_at: days_ago(10), by: person("pia") });
        let exception = Exception {
            scope: Scope::Service(service("shop-web")),
            rule: RuleId::parse(rule).unwrap(),
            reason: "an appliance".to_owned(),
            approver: person("pia"),
            compensating_control: "watched daily".to_owned(),
            until,
        };
        let id = bailiwick_core::names::ExceptionId::parse("exc-1").unwrap();
        excepted.exceptions.insert(id, exception);
        order_in(&active(excepted), "shop-web", &["www.shop.example"])
    };
    let verdict = ask(lasting("lifetime-too-long", NOW.plus_ms(1)));
    assert!(verdict.allows());
    assert_eq!(verdict.notes().len(), 1, "what was set aside is noted");
    assert!(!ask(lasting("lifetime-too-long", NOW)).allows(), "it ended");
    assert!(!ask(lasting("owner-changed", NOW.plus_ms(1))).allows(), "another rule");
    let mut unowned = lasting("ownership-unverified", NOW.plus_ms(1));
    unowned.lifetime_seconds = Fact::Known(86_400);
    service_of(&mut unowned).ownership = None;
    assert!(!ask(unowned).allows(), "no exception from MIS-2");
}

#[test]
fn a_refusal_fits_on_a_screen_and_names_people() {
    let verdict = ask(order("pay-api", &["api.pay.example"]));
    let text = verdict.text(Some(&estate()), NOW);
    let digest = verdict.policy_digest();
    assert_eq!(
        text,
        format!(
            "deny
  needs-envelope (default/issue.cedar, TRW-6)
    zone `pay.example` is central, and no envelope covers `api.pay.example` for service `pay-api`
    who can grant it: pki (pia)
    what to do: let `pki` approve an envelope for it
would pass with an envelope, approved by pki (pia)
policy {digest}
"
        )
    );
    let all = order(
        "shop-web",
        &[
            "a.pay.example",
            "b.pay.example",
            "c.pay.example",
            "d.pay.example",
            "e.pay.example",
            "f.pay.example",
        ],
    );
    let text = ask(all).text(None, NOW);
    assert!(text.lines().count() <= 40 && text.contains("and 5 more reasons"), "{text}");
}
