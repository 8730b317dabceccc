//! CAA rules that no shared vector reaches, each at its limit.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bailiwick_core::caa::{
    AccountUri, CaaEvidence, CaaName, CaaOutcome, CaaRecord, CaaReport, CaaSubject, CaaTerms,
    ClimbStep, Corroboration, Empty, Exempt, Found, Freshness, FreshnessRule, IssuerDomain,
    LookupAnswer, NotCorroborated, Perspective, PrivateTlds, Proof, Rir, Source, SourceAnswer,
    SourceRole, climb, corroborate,
};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::{DAY_MS, HOUR_MS, SECOND_MS, Time};

const START: Time = Time::from_unix_seconds(1_770_000_000);

/// Climbs over given answers, each asked a second after the one before.
fn seen(name: &str, private: PrivateTlds, answers: Vec<LookupAnswer<CaaRecord>>) -> CaaEvidence {
    let source = Source { role: SourceRole::Resolver, server: ([192, 0, 2, 1], 53).into() };
    let mut step = climb(CaaName::parse(name).unwrap(), private);
    for (second, answer) in (0..).zip(answers) {
        step = match step {
            ClimbStep::Ask(asking) => {
                let at = START.plus_ms(second * SECOND_MS);
                asking.answer(at, vec![SourceAnswer { source, answer }])
            }
            ClimbStep::Finished(_) => unreachable!("more answers than questions"),
        };
    }
    match step {
        ClimbStep::Finished(evidence) => evidence,
        ClimbStep::Ask(asking) => unreachable!("{} was not answered", asking.name()),
    }
}

fn missing() -> LookupAnswer<CaaRecord> {
    let empty = Empty { ttl_seconds: Some(5), proof: Proof::Secure, aliases: Vec::new() };
    LookupAnswer::NxDomain(empty)
}

fn issue(value: &str, ttl_seconds: u32) -> LookupAnswer<CaaRecord> {
    let record = CaaRecord { flags: 0, tag: b"issue".to_vec(), value: value.as_bytes().to_vec() };
    let (records, aliases) = (vec![record], Vec::new());
    LookupAnswer::Records(Found { records, ttl_seconds, proof: Proof::Secure, aliases })
}

fn terms() -> CaaTerms {
    CaaTerms::tls([IssuerDomain::parse("ca.example").unwrap()])
}

#[test]
fn a_top_level_domain_that_does_not_exist_is_a_doubt_unless_it_is_ours() {
    let ours = |name: &str| PrivateTlds::reserved().and(&DnsName::parse(name).unwrap());
    let said = |name: &str, private| {
        seen(name, private, vec![missing(), missing()]).judge(&terms()).outcome()
    };
    assert_eq!(said("shop.corp", PrivateTlds::reserved()), CaaOutcome::Unknown);
    assert_eq!(said("shop.corp", ours("other")), CaaOutcome::Unknown);
    assert_eq!(said("shop.corp", ours("deep.below.CORP")), CaaOutcome::Allow);
    assert_eq!(said("shop.internal", PrivateTlds::reserved()), CaaOutcome::Allow);
    assert_eq!(said("shop.internal", PrivateTlds::none()), CaaOutcome::Unknown);
}

#[test]
fn a_parent_account_covers_its_sub_accounts_and_not_the_other_way() {
    let uri = |last: &str| AccountUri::parse(&format!("https://ca.example/acct/{last}")).unwrap();
    let named = |last: &str| issue(&format!("ca.example; accounturi={}", uri(last)), 300);
    let said = |named, asking: &str, parents: &[&str]| {
        let mut terms = terms().for_account(uri(asking));
        terms.parent_accounts = parents.iter().map(|p| uri(p)).collect();
        seen("shop.example", PrivateTlds::none(), vec![named]).judge(&terms).outcome()
    };
    assert_eq!(said(named("parent"), "child", &["parent"]), CaaOutcome::Allow);
    assert_eq!(said(named("child"), "child", &["parent"]), CaaOutcome::Allow);
    assert_eq!(said(named("parent"), "child", &["stepparent"]), CaaOutcome::Deny);
    assert_eq!(said(named("child"), "parent", &[]), CaaOutcome::Deny);
}

#[test]
fn every_name_must_pass() {
    use CaaOutcome::{Allow, Deny, Unknown};
    for (all, expected) in [
        (&[][..], Unknown),
        (&[Allow], Allow),
        (&[Allow, Allow], Allow),
        (&[Allow, Unknown], Unknown),
        (&[Unknown, Deny, Allow], Deny),
    ] {
        assert_eq!(CaaOutcome::of_all(all.iter().copied()), expected, "{all:?}");
    }
}

#[test]
fn evidence_ages_from_its_first_question() {
    use FreshnessRule::{BaselineRequirements, Internal};
    let check = |ttl_seconds, rule, limit_ms| {
        let evidence = seen(
            "www.shop.example",
            PrivateTlds::none(),
            vec![missing(), issue("ca.example", ttl_seconds)],
        );
        let until = START.plus_ms(limit_ms);
        assert_eq!(evidence.fresh_until(rule), until, "TTL {ttl_seconds} {rule:?}");
        assert_eq!(evidence.freshness(until, rule), Freshness::Fresh { until });
        let late = evidence.freshness(until.plus_ms(1), rule);
        assert_eq!(late, Freshness::Stale { since: until });
        // The second question was sent a second after the first: before that, it cannot be.
        assert_eq!(evidence.freshness(START, rule), Freshness::FromTheFuture);
    };
    check(300, BaselineRequirements, 8 * HOUR_MS);
    check(8 * 3_600 + 1, BaselineRequirements, 8 * HOUR_MS + SECOND_MS);
    check(86_400, BaselineRequirements, DAY_MS);
    check(300, Internal, HOUR_MS);
    check(86_400, Internal, HOUR_MS);
    check(0, Internal, HOUR_MS);
}

#[test]
fn what_caa_does_not_cover_is_never_asked() {
    let exempt = |text: &str| CaaSubject::parse(text).unwrap();
    assert!(matches!(exempt("2001:db8::1"), CaaSubject::Exempt(Exempt::IpAddress(_))));
    assert!(matches!(exempt("*.shop.onion"), CaaSubject::Exempt(Exempt::Onion(_))));
    assert!(matches!(exempt("onion.example"), CaaSubject::Name(_)));
    assert!(CaaSubject::parse("onion").is_err());
    let CaaSubject::Exempt(address) = exempt("192.0.2.1") else { unreachable!("an address") };
    let report = CaaReport::of_exempt(address, terms());
    assert_eq!(report.verdict().outcome(), CaaOutcome::Allow);
    assert!(report.evidence().is_none());
}

fn remotes(regions: &[Rir], dissenting: usize) -> Vec<Perspective> {
    let agree = |rir: &Rir| Perspective { rir: *rir, outcome: CaaOutcome::Allow };
    let dissent = Perspective { rir: Rir::Lacnic, outcome: CaaOutcome::Deny };
    regions.iter().map(agree).chain(std::iter::repeat_n(dissent, dissenting)).collect()
}

#[test]
fn perspectives_are_counted_by_the_rule_of_their_day() {
    use NotCorroborated::{TooFewRemotes, TooFewRirs, TooManyDissent};
    use Rir::{Apnic, Arin, RipeNcc};
    let said = |date: &str, remotes: &[Perspective]| {
        corroborate(CaaOutcome::Allow, remotes, Time::parse(date).unwrap())
    };
    let stands = |agreeing, of, short| Corroboration::Stands { agreeing, of, short };
    let short = Corroboration::NotCorroborated;

    assert_eq!(said("2025-03-14", &[]), stands(0, 0, None));
    let few = TooFewRemotes { asked: 1, wanted: 2 };
    assert_eq!(said("2025-03-15", &remotes(&[Arin], 0)), stands(1, 1, Some(few)));
    assert_eq!(said("2025-09-15", &remotes(&[Arin], 0)), short(few));
    assert_eq!(said("2025-09-15", &remotes(&[Arin], 1)), stands(1, 2, None));
    let regions = TooFewRirs { regions: 1, wanted: 2 };
    assert_eq!(said("2026-03-15", &remotes(&[Arin, Arin, Arin], 0)), short(regions));
    assert_eq!(said("2026-03-15", &remotes(&[Arin, RipeNcc], 1)), stands(2, 3, None));
    let many = TooManyDissent { dissent: 2, tolerated: 1 };
    assert_eq!(said("2026-12-15", &remotes(&[Arin, RipeNcc, Apnic], 2)), short(many));
    assert_eq!(said("2026-12-15", &remotes(&[Arin, RipeNcc, Apnic, Arin], 2)), stands(4, 6, None));
}
