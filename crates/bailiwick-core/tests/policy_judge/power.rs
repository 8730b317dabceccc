//! What a zone asks for beside its pattern, who stands in for whom, and who holds too much.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::actor::SignedIn;
use bailiwick_core::estate::{
    ActiveEstate, DelegationSeen, Estate, GatedKind, Mode, StandIn, ZoneGate,
};
use bailiwick_core::policy::{
    ApprovalFacts, AuthorFacts, ChangeFacts, ChangeKind, EnvelopeAsked, Facts, KnownSecret,
    MissingApproval, Opens, PowersAsked, Role, SignIn, ToxicCombination, Verdict, judge, powers,
    powers_in, toxic,
};
use bailiwick_core::time::DAY_MS;

use crate::world::*;

fn gate(kinds: &[GatedKind], of: &str, approvals: u32, independent: bool) -> ZoneGate {
    ZoneGate { kinds: kinds.iter().copied().collect(), team: team(of), approvals, independent }
}

fn gated(gates: &[ZoneGate]) -> Estate {
    let mut estate = estate();
    estate.zones.get_mut(&zone("shop.example")).unwrap().gates = gates.to_vec();
    estate
}

fn standing_in(by: &str, of: &str, within: &str) -> StandIn {
    StandIn {
        of: person(of),
        by: person(by),
        team: team(within),
        from: days_ago(1),
        until: NOW.plus_ms(DAY_MS),
        reason: "holiday".to_owned(),
    }
}

fn with_stand_in(one: StandIn) -> Estate {
    let mut estate = estate();
    estate.stand_ins = BTreeMap::from([("holiday".to_owned(), one)]);
    estate
}

fn ask_in(estate: &Estate, kind: ChangeKind, of: &str, by: &str, approved: &[&str]) -> Verdict {
    let active = active(estate.clone());
    let service = service(of);
    let names = active.estate().services[&service].names.clone();
    let asked = EnvelopeAsked { service: &service, names: &names };
    let author = AuthorFacts::person(estate, &signed_in(by), NOW);
    let approvals: Vec<ApprovalFacts> =
        approved.iter().map(|id| ApprovalFacts::person(estate, &signed_in(id), NOW)).collect();
    let change = (change_id(), kind);
    let facts = ChangeFacts::about_names(NOW, change, author, approvals, (&active, &asked));
    judge(policies(), &Facts::Change(facts))
}

fn edit_in(old: &Estate, by: &str, approved: &[&str], edit: impl Fn(&mut Estate)) -> Verdict {
    let mut new = old.clone();
    edit(&mut new);
    let diff = old.diff(&new);
    let author = AuthorFacts::person(old, &signed_in(by), NOW);
    let approvals: Vec<ApprovalFacts> =
        approved.iter().map(|id| ApprovalFacts::person(old, &signed_in(id), NOW)).collect();
    let between = (Some(old), &new, &diff);
    let facts = ChangeFacts::edit(NOW, change_id(), author, approvals, between);
    judge(policies(), &Facts::Change(facts))
}

fn other_caa(estate: &mut Estate) {
    let zone = estate.zones.get_mut(&zone("shop.example")).unwrap();
    zone.caa.issue.push("other-ca.example".to_owned());
}

/// TRW-6: gates can be set per zone.
#[test]
fn a_zone_asks_for_more_than_its_pattern() {
    let envelope = [gate(&[GatedKind::GrantEnvelope], "dns", 1, true)];
    let estate = gated(&envelope);
    let grant =
        |approved: &[&str]| ask_in(&estate, ChangeKind::GrantEnvelope, "shop-web", "sam", approved);
    let verdict = grant(&["sue"]);
    assert!(!verdict.allows());
    let reason = &verdict.reasons()[0];
    assert_eq!(reason.rule.as_str(), "zone-gate");
    assert_eq!(
        reason.fact,
        "zone `shop.example` asks for approval by 1 of dns, independent of the author for \
         grant-envelope (it has 0)"
    );
    assert_eq!(reason.remedy, "let `dns` approve it");
    let missing =
        MissingApproval { team: team("dns"), role: Role::ZoneGate, count: 1, independent: true };
    assert_eq!(verdict.missing_approvals(), [missing]);
    assert!(grant(&["sue", "dana"]).allows());
    assert!(!grant(&["dana"]).allows(), "a gate stands beside the pattern, not in its place");
    assert!(!grant(&["sam", "dana"]).allows());
    // Another kind of change is not gated, nor is another zone.
    assert!(ask_in(&estate, ChangeKind::IssueCertificate, "shop-web", "sam", &["sue"]).allows());
    assert!(ask_in(&estate, ChangeKind::GrantEnvelope, "pay-api", "pat", &["pia"]).allows());
    // Taking back is not gated.
    assert!(ask_in(&estate, ChangeKind::RevokeCertificate, "shop-web", "sam", &[]).allows());
}

#[test]
fn a_gate_asks_for_several_and_for_independent_ones() {
    let two = gated(&[gate(&[GatedKind::GrantEnvelope], "pki", 2, false)]);
    let grant = |by, approved: &[&str]| {
        ask_in(&two, ChangeKind::GrantEnvelope, "shop-web", by, approved).allows()
    };
    assert!(!grant("sam", &["pia"]));
    assert!(grant("sam", &["pia", "sol"]));
    assert!(!grant("pia", &["sol", "sue"]), "the author is not one of the two");
    let independent = gated(&[gate(&[GatedKind::GrantEnvelope], "pki", 1, true)]);
    let by_pia = ask_in(&independent, ChangeKind::GrantEnvelope, "shop-web", "pia", &["sol"]);
    assert!(!by_pia.allows(), "sol shares pki with pia");
}

#[test]
fn an_edit_of_caa_has_a_gate_of_its_own() {
    let estate = gated(&[gate(&[GatedKind::EditCaa], "dns", 1, false)]);
    assert!(!edit_in(&estate, "sam", &["pia", "sol"], other_caa).allows());
    assert!(edit_in(&estate, "sam", &["pia", "dana"], other_caa).allows());
    // Another edit of the same zone passes without.
    let limits = |estate: &mut Estate| {
        let zone = estate.zones.get_mut(&zone("shop.example")).unwrap();
        zone.limits.lifetime_days_max = 30;
    };
    assert!(edit_in(&estate, "sam", &["pia", "sol"], limits).allows());
    // The gate cannot be taken away in the same breath.
    let both = |estate: &mut Estate| {
        other_caa(estate);
        estate.zones.get_mut(&zone("shop.example")).unwrap().gates.clear();
    };
    assert!(!edit_in(&estate, "sam", &["pia", "sol"], both).allows());
}

/// TRW-2: separation holds along delegation.
#[test]
fn a_stand_in_has_the_duties_and_counts_as_the_same_human() {
    // dana stands in for pia in pki.
    let estate = with_stand_in(standing_in("dana", "pia", "pki"));
    let grant = |by, approved: &[&str]| {
        ask_in(&estate, ChangeKind::GrantEnvelope, "pay-api", by, approved).allows()
    };
    assert!(estate.teams_at(&person("dana"), NOW).contains(&team("security")), "pki is part of it");
    assert!(grant("pat", &["dana"]), "in pia's place");
    assert!(!grant("pia", &["dana"]), "pia asked, and dana is pia for now");
    assert!(!grant("dana", &["pia"]), "and the other way round");
    assert!(grant("dana", &["sol"]));
    // One human, one approval.
    let two = edit_in(&estate, "sam", &["pia", "dana"], other_caa);
    assert!(!two.allows(), "pia and dana are one human");
    assert!(edit_in(&estate, "sam", &["sol", "dana"], other_caa).allows());
    let by = SignedIn::alone(person("dana")).standing_in(&estate, NOW);
    assert_eq!(by.chain, [person("pia")]);
}

#[test]
fn nobody_stands_in_for_longer_or_with_more_than_there_is() {
    let dana = |estate: &Estate| estate.teams_at(&person("dana"), NOW).contains(&team("pki"));
    let one = || standing_in("dana", "pia", "pki");
    assert!(dana(&with_stand_in(one())));
    let over = StandIn { until: NOW, ..one() };
    assert!(!dana(&with_stand_in(over)));
    let later = StandIn { from: NOW.plus_ms(1), ..one() };
    assert!(!dana(&with_stand_in(later)));
    let not_hers = standing_in("dana", "sam", "pki");
    assert!(!dana(&with_stand_in(not_hers)), "sam is not in pki");
    let mut gone = with_stand_in(one());
    gone.people.get_mut(&person("pia")).unwrap().left = Some(days_ago(1));
    assert!(!dana(&gone), "pia has left");
    let mut chain = with_stand_in(one());
    chain.stand_ins.insert("more".to_owned(), standing_in("sam", "dana", "pki"));
    assert!(
        !chain.teams_at(&person("sam"), NOW).contains(&team("pki")),
        "what was handed on is handed on no further"
    );
}

/// TRW-8: whoever may alter NS or DS may have any certificate, so nothing is issued meanwhile.
#[test]
fn an_unexplained_delegation_stops_issuance_in_every_mode() {
    let refused = |seen: Option<DelegationSeen>, mode: Mode| {
        let mut estate = estate();
        estate.zones.get_mut(&zone("shop.example")).unwrap().mode = mode;
        let key = zone("shop.example");
        let seen = seen.map(|seen| BTreeMap::from([(key, seen)]));
        let active: ActiveEstate = active(estate).with_delegations(seen);
        let verdict = ask(order_in(&active, "shop-web", &["www.shop.example"]));
        let reason = verdict.reasons().first().map(|it| it.rule.to_string());
        (reason, verdict.reasons().first().map(|it| it.fact.clone()))
    };
    let changed = || Some(DelegationSeen::Changed("NS is now ns1.evil.example".to_owned()));
    for mode in Mode::ALL {
        let (rule, fact) = refused(changed(), *mode);
        assert_eq!(rule.as_deref(), Some("delegation-changed"), "{mode}");
        assert_eq!(
            fact.as_deref(),
            Some(
                "the delegation of zone `shop.example` is not as decided: NS is now \
                 ns1.evil.example"
            )
        );
        assert_eq!(refused(None, *mode).0.as_deref(), Some("delegation-changed"), "not knowing");
        assert_eq!(refused(Some(DelegationSeen::AsDecided), *mode).0, None);
        assert_eq!(refused(Some(DelegationSeen::Unwatched), *mode).0, None);
    }
    // An estate whose delegations were not taken over yet lets nothing be issued.
    let fresh = ActiveEstate::new(estate(), active(estate()).history().clone());
    assert_eq!(fresh.delegation(&zone("shop.example")), None);
    let verdict = ask(order_in(&fresh, "shop-web", &["www.shop.example"]));
    let rules: Vec<&str> = verdict.reasons().iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["delegation-changed"], "an estate that is new");
}

fn held(estate: Estate, known: &[KnownSecret], standing: &[&str]) -> Vec<ToxicCombination> {
    let active = active(estate);
    let known: BTreeSet<KnownSecret> = known.iter().cloned().collect();
    let standing = standing.iter().map(|id| service(id)).collect();
    let asked = PowersAsked {
        active: &active,
        policies: policies(),
        known: &known,
        standing: &standing,
        now: NOW,
    };
    let all = powers(asked);
    // Of one zone it is the same as of all, without the others.
    for key in active.estate().zones.keys() {
        let here: Vec<_> = all.iter().filter(|power| power.zone == *key).cloned().collect();
        assert_eq!(powers_in(asked, Some(&BTreeSet::from([key.clone()]))), here, "{key}");
    }
    toxic(&all)
}

fn secret(who: &str, opens: Opens) -> KnownSecret {
    KnownSecret { person: person(who), opens }
}

fn who(found: &[ToxicCombination]) -> Vec<(String, String)> {
    found.iter().map(|it| (it.person.to_string(), it.zone.to_string())).collect()
}

fn at(zone: &str, people: &[&str]) -> Vec<(String, String)> {
    people.iter().map(|it| ((*it).to_owned(), zone.to_owned())).collect()
}

/// TRW-7: toxic combinations are found, each by what makes it.
#[test]
fn power_over_both_sides_is_found() {
    assert_eq!(held(estate(), &[], &[]), [], "nobody in this organisation holds both");
    // Who approves envelopes alone also operates the zone.
    let mut one_team = estate();
    one_team.zones.get_mut(&zone("pay.example")).unwrap().operator = team("pki");
    assert_eq!(who(&held(one_team, &[], &[])), at("pay.example", &["pia", "sol"]));
    // Somebody who handed in the key of a connector approves certificates there.
    let knows = secret("pia", Opens::Records(zone("pay.example")));
    let found = held(estate(), std::slice::from_ref(&knows), &[]);
    assert_eq!(who(&found), at("pay.example", &["pia"]));
    assert_eq!(found[0].records, ["handed in the secret of its connector"]);
    assert_eq!(
        found[0].certificates,
        [
            "approves `grant-envelope` for pay-api alone",
            "approves `issue-certificate` for pay-api alone"
        ]
    );
    // Whoever operates the zone and makes credentials of a service that needs nobody.
    let mut operates = estate();
    operates.zones.get_mut(&zone("shop.example")).unwrap().operator = team("shop");
    assert_eq!(who(&held(operates, &[], &[])), at("shop.example", &["sam", "sue"]));
    // A stand-in for a while.
    let stands_in = with_stand_in(standing_in("dana", "sol", "pki"));
    let found = held(stands_in, &[], &[]);
    assert!(found.iter().all(|it| it.person == person("dana")) && found.len() == 3, "{found:?}");
    // Somebody who made a credential that is in use, and moved on to operate the zone.
    let mut moved = estate();
    moved.teams.get_mut(&team("dns")).unwrap().members.insert(person("pam"));
    moved.teams.get_mut(&team("payments")).unwrap().members.remove(&person("pam"));
    let made = secret("pam", Opens::Service(service("pay-api")));
    assert_eq!(
        held(moved.clone(), std::slice::from_ref(&made), &[]),
        [],
        "its orders need an envelope"
    );
    assert_eq!(who(&held(moved, &[made], &["pay-api"])), at("pay.example", &["pam"]));
    // Who left holds nothing.
    let mut left = estate();
    left.people.get_mut(&person("pia")).unwrap().left = Some(days_ago(1));
    assert_eq!(held(left, &[knows], &[]), []);
}

/// A policy of the organisation's own counts: what it forbids is no power.
#[test]
fn power_is_what_the_policy_says() {
    let own = "@id(\"never-alone\") @fact(\"x\") @remedy(\"y\") @grantable(\"nobody\")\n\
        forbid (principal, action in [Action::\"grant-envelope\", Action::\"issue-certificate\"], resource)\n\
        when { context.approvals.total < 2 };";
    let mut one_team = estate();
    one_team.zones.get_mut(&zone("pay.example")).unwrap().operator = team("pki");
    let active = active(one_team);
    let policies = compile(&[("policies/own.cedar", own)]);
    let (known, standing) = (BTreeSet::new(), BTreeSet::new());
    let asked = PowersAsked {
        active: &active,
        policies: &policies,
        known: &known,
        standing: &standing,
        now: NOW,
    };
    assert_eq!(
        who(&toxic(&powers(asked))),
        [],
        "no approval of one is enough, and payments makes the credentials"
    );
}

#[test]
fn a_sign_in_that_is_vouched_for_is_behind_every_approval() {
    let sign_in = SignIn { person: person("pia"), chain: BTreeSet::from([person("sam")]) };
    let facts = ApprovalFacts::person(&estate(), &sign_in, NOW);
    assert_eq!(facts.chain.known().unwrap(), &BTreeSet::from([person("sam")]));
}
