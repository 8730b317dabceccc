//! Who has to approve a change: nobody alone, and never the author.

use std::collections::BTreeSet;

use bailiwick_core::estate::{Estate, GatedKind, ZoneGate, ZoneKey};
use bailiwick_core::names::AccountId;
use bailiwick_core::policy::{
    ApprovalFacts, ApproverKind, AuthorFacts, AuthorKind, ChangeFacts, ChangeKind, Decision,
    EnvelopeAsked, Fact, Facts, MissingApproval, Role, Verdict, decide, judge,
};
use proptest::prelude::*;

use crate::world::*;

const PEOPLE: [&str; 10] = ["pia", "sol", "dana", "dov", "sam", "sue", "pat", "pam", "ada", "abe"];

fn edit(by: &str, approved: &[&str], change: impl FnOnce(&mut Estate)) -> ChangeFacts {
    let old = estate();
    let mut new = estate();
    change(&mut new);
    let diff = old.diff(&new);
    ChangeFacts::edit(NOW, change_id(), author(by), approvals(approved), (Some(&old), &new, &diff))
}

fn about(kind: ChangeKind, of: &str, by: &str, approved: &[&str]) -> ChangeFacts {
    let active = active(estate());
    let service = service(of);
    let names = active.estate().services[&service].names.clone();
    let asked = EnvelopeAsked { service: &service, names: &names };
    let change = (change_id(), kind);
    ChangeFacts::about_names(NOW, change, author(by), approvals(approved), (&active, &asked))
}

/// Records of a zone that belong to no service.
fn records(of: &str, by: &str, approved: &[&str]) -> ChangeFacts {
    let zones = BTreeSet::from([ZoneKey::parse(of).unwrap()]);
    let kind = (change_id(), ChangeKind::PublishRecords);
    let (by, approved) = (author(by), approvals(approved));
    ChangeFacts::about_zones(NOW, kind, by, approved, (&active(estate()), &zones))
}

fn ask(facts: &ChangeFacts) -> Verdict {
    judge(policies(), &Facts::Change(facts.clone()))
}

fn check(facts: &ChangeFacts, expected: bool) {
    let verdict = ask(facts);
    let approvers: Vec<_> = facts.approvals.iter().map(|it| it.person.to_string()).collect();
    let (kind, author) = (facts.kind, &facts.author.kind);
    assert_eq!(
        verdict.allows(),
        expected,
        "{kind} by {author:?} approved by {approvers:?}: {:?}",
        verdict.reasons()
    );
}

fn new_on_call(estate: &mut Estate) {
    estate.teams.get_mut(&team("shop")).unwrap().on_call = person("sue");
}

fn new_name(estate: &mut Estate) {
    estate.services.get_mut(&service("shop-web")).unwrap().names.insert(name("cdn.shop.example"));
}

fn new_policy(estate: &mut Estate) {
    estate.policies.insert("extra.cedar".to_owned(), "// nothing yet\n".to_owned());
}

fn missing(team_id: &str, role: Role, count: u32, independent: bool) -> MissingApproval {
    MissingApproval { team: team(team_id), role, count, independent }
}

/// Whoever answers for the zone that is written is asked, whatever the names of the change say.
#[test]
fn a_change_that_writes_into_a_zone_is_asked_of_its_owner() {
    let active = active(estate());
    for (zone, approved, expected) in [
        ("shop.example", &["sue"][..], true),
        ("pay.example", &["sue"], false),
        ("pay.example", &["sue", "pia"], true),
        ("corp.example/internal", &["sue"], false),
        ("elsewhere.example", &["sue", "pia", "sol"], false),
    ] {
        let written = BTreeSet::from([ZoneKey::parse(zone).unwrap()]);
        let facts = about(ChangeKind::TrustChange, "shop-web", "sam", approved);
        check(&facts.also_in(&active, &written), expected);
    }
}

#[test]
fn an_edit_that_moves_no_trust_needs_the_control_owner() {
    check(&edit("sam", &["pia"], new_on_call), true);
    check(&edit("sam", &["dana"], new_on_call), false);
    check(&edit("pia", &["sol"], new_on_call), true);
    let verdict = ask(&edit("sam", &[], new_on_call));
    assert_eq!(verdict.missing_approvals(), [missing("security", Role::ControlOwner, 1, false)]);
    let reason = &verdict.reasons()[0];
    assert_eq!(reason.rule.as_str(), "edit-needs-approval");
    assert_eq!(reason.fact, "nobody of `security` has approved the change");
}

#[test]
fn an_edit_that_moves_trust_needs_two_of_them_one_independent() {
    check(&edit("sam", &["pia"], new_name), false);
    check(&edit("sam", &["pia", "sol"], new_name), true);
    check(&edit("sam", &["pia", "dana"], new_name), true);
    check(&edit("sam", &["dana", "dov"], new_name), false);
    check(&edit("sam", &["pia", "pat"], new_name), false);
    check(&edit("pia", &["sol", "dana"], new_policy), true);
    check(&edit("pia", &["sol"], new_policy), false);
    check(&edit("pia", &["pia", "sol"], new_policy), false);
    let verdict = ask(&edit("sam", &["pia"], new_name));
    let facts: Vec<&str> = verdict.reasons().iter().map(|reason| reason.fact.as_str()).collect();
    assert_eq!(
        facts,
        ["the change alters who or what is trusted and has 1 of 2 approvals, 1 of 1 by somebody \
          independent"]
    );
    assert_eq!(verdict.missing_approvals(), [missing("pki", Role::ZonePolicyOwner, 1, false)]);
    // The whole control owner shares a team with its own: somebody else has to look.
    assert_eq!(
        ask(&edit("pia", &[], new_policy)).missing_approvals(),
        [
            missing("security", Role::ControlOwner, 1, false),
            missing("dns", Role::OtherDuty, 1, true)
        ]
    );
}

#[test]
fn an_edit_does_not_choose_its_own_approvers() {
    let takes_over = |estate: &mut Estate| {
        for zone in estate.zones.values_mut() {
            zone.policy_owner = team("shop");
        }
        estate.organisation.control_owner = team("shop");
    };
    check(&edit("sam", &["sue", "dana"], takes_over), false);
    check(&edit("sam", &["pia", "dana"], takes_over), true);
}

#[test]
fn envelopes_follow_the_pattern_of_the_zone() {
    let grant = |of, by, approved: &[&str]| about(ChangeKind::GrantEnvelope, of, by, approved);
    check(&grant("shop-web", "sam", &["sue"]), true);
    check(&grant("shop-web", "sam", &["pia"]), true);
    check(&grant("shop-web", "sam", &["dana"]), false);
    check(&grant("pay-api", "pat", &["pam"]), false);
    check(&grant("pay-api", "pat", &["pia"]), true);
    check(&grant("pay-api", "pia", &["sol"]), true);
    check(&grant("intranet", "sam", &["pia"]), true);
    check(&grant("intranet", "pia", &["sol"]), false);
    let verdict = ask(&grant("pay-api", "pat", &[]));
    assert_eq!(verdict.missing_approvals(), [missing("pki", Role::ZonePolicyOwner, 1, false)]);
    assert_eq!(
        verdict.reasons()[0].fact,
        "nobody of `pki`, the policy owner of zone `pay.example`, has approved it"
    );
    let verdict = ask(&grant("intranet", "pia", &["sol"]));
    assert!(verdict.missing_approvals().is_empty(), "nobody of pki is independent of pia");
}

#[test]
fn taking_back_is_easier_than_granting() {
    let revoke =
        |by, approved: &[&str]| about(ChangeKind::RevokeCertificate, "shop-web", by, approved);
    check(&revoke("sam", &[]), true);
    check(&revoke("pia", &[]), true);
    check(&revoke("pat", &[]), false);
    check(&revoke("pat", &["sam"]), true);
    check(&revoke("pat", &["pam"]), false);
    let mut by_account = revoke("pat", &[]);
    let account = AccountId::parse("acct-1").unwrap();
    by_account.author =
        AuthorFacts::account(account, service("shop-web"), BTreeSet::new(), (&estate(), NOW));
    check(&by_account, true);
    let account = AccountId::parse("acct-2").unwrap();
    by_account.author =
        AuthorFacts::account(account, service("pay-api"), BTreeSet::new(), (&estate(), NOW));
    check(&by_account, false);
    // Whoever signed with the certificate's key: Bailiwick saw that, and asks for them.
    let mut by_key = revoke("pat", &[]);
    by_key.author.kind = AuthorKind::Component;
    check(&by_key, true);
    let mut by_agent = revoke("sam", &[]);
    by_agent.author.kind = AuthorKind::Agent(person("sam"));
    check(&by_agent, false);
}

#[test]
fn an_emergency_never_widens() {
    let emergency = |kind, approved: &[&str]| {
        let mut facts = about(kind, "shop-web", "sam", approved);
        facts.emergency = Fact::Known(true);
        facts
    };
    check(&emergency(ChangeKind::GrantEnvelope, &["pia", "sol"]), false);
    check(&emergency(ChangeKind::RevokeCertificate, &[]), true);
    check(&emergency(ChangeKind::IssueCertificate, &["pia"]), false);
    check(&emergency(ChangeKind::IssueCertificate, &["pia", "dana"]), true);
}

/// CAA-1: the records of a zone itself are its policy owner's to approve, whatever its pattern; nobody
/// of a service counts, and what is not known of a zone allows nothing.
#[test]
fn records_of_a_zone_need_its_policy_owner() {
    for (zone, of) in
        [("shop.example", "shop-web"), ("pay.example", "pay-api"), ("corp.example/internal", "")]
    {
        for by in PEOPLE {
            for (at, first) in PEOPLE.iter().enumerate() {
                for second in &PEOPLE[at..] {
                    let expected = oracle(ChangeKind::PublishRecords, of, by, &[first, second]);
                    check(&records(zone, by, &[first, second]), expected);
                }
            }
        }
    }
    let verdict = ask(&records("shop.example", "dana", &[]));
    assert_eq!(verdict.missing_approvals(), [missing("pki", Role::ZonePolicyOwner, 1, false)]);
    assert_eq!(verdict.reasons()[0].rule.as_str(), "publish-needs-approval");
    check(&records("elsewhere.example", "dana", &["pia", "sol"]), false);
    let mut nowhere = records("shop.example", "dana", &["pia", "sol"]);
    nowhere.zones = Fact::Known(Vec::new());
    check(&nowhere, false);
}

/// TRW-6: gates of the zone hold for its records, those of CAA edits only where CAA is edited.
#[test]
fn gates_of_a_zone_hold_for_its_records() {
    let gated = |kind, caa, approved: &[&str]| {
        let mut facts = records("shop.example", "dana", approved);
        let Fact::Known(zones) = &mut facts.zones else { panic!("known") };
        let gate = ZoneGate {
            kinds: BTreeSet::from([kind]),
            team: team("payments"),
            approvals: 1,
            independent: false,
        };
        zones[0].gates.push(gate);
        if caa {
            facts.caa_zones.insert(zones[0].key.clone());
        }
        facts
    };
    check(&gated(GatedKind::EditCaa, true, &["pia"]), false);
    check(&gated(GatedKind::EditCaa, true, &["pia", "pat"]), true);
    check(&gated(GatedKind::EditCaa, false, &["pia"]), true);
    check(&gated(GatedKind::TrustChange, false, &["pia"]), false);
    check(&gated(GatedKind::IssueCertificate, true, &["pia"]), true);
}

/// REN-8: in an emergency two people who answer for the zone, one of them independent.
#[test]
fn records_in_an_emergency_need_two_people() {
    let emergency = |by: &str, approved: &[&str]| {
        let mut facts = records("pay.example", by, approved);
        facts.emergency = Fact::Known(true);
        facts
    };
    check(&emergency("dana", &["pia"]), false);
    check(&emergency("dana", &["pia", "dov"]), true);
    check(&emergency("dana", &["dana", "pia"]), false);
    check(&emergency("pia", &["sol", "sol"]), false);
    check(&emergency("dana", &["dov", "dov"]), false);
    check(&emergency("pia", &["sol", "dana"]), true);
    // Nobody of a service answers for the zone.
    check(&emergency("dana", &["pat", "pam"]), false);
    let mut unknown = emergency("dana", &["pia", "dov"]);
    unknown.emergency = Fact::Unknown;
    check(&unknown, false);
}

#[test]
fn one_human_counts_once() {
    let mut facts = edit("sam", &["pia", "dana"], new_name);
    check(&facts, true);
    // dana made pia's sign-in possible: both approvals may be dana's.
    facts.approvals[0].chain = Fact::Known(BTreeSet::from([person("dana")]));
    check(&facts, false);
    facts.approvals[0].chain = Fact::Known(BTreeSet::from([person("abe")]));
    check(&facts, true);
    // The author made a sign-in of an approver possible.
    facts.approvals[0].chain = Fact::Known(BTreeSet::from([person("sam")]));
    check(&facts, false);
}

/// The rules for ten people, as a table of teams; no Cedar and no estate.
fn oracle(kind: ChangeKind, of: &str, author: &str, approved: &[&str]) -> bool {
    let teams = |who: &str| match who {
        "pia" | "sol" => ["security", "pki"].as_slice(),
        "dana" | "dov" => &["dns"],
        "sam" | "sue" => &["shop"],
        "pat" | "pam" => &["payments"],
        _ => &["audit"],
    };
    let in_team = |who: &str, team: &str| teams(who).contains(&team);
    let others: Vec<&str> = approved.iter().copied().filter(|who| *who != author).collect();
    let independent = |who: &&str| !teams(who).iter().any(|team| in_team(author, team));
    let any = |team: &str| others.iter().any(|who| in_team(who, team));
    let owner = if of == "pay-api" { "payments" } else { "shop" };
    match kind {
        ChangeKind::GrantEnvelope | ChangeKind::TrustChange => match of {
            "shop-web" => any(owner) || any("pki"),
            "pay-api" => any("pki"),
            _ => others.iter().filter(|who| independent(who)).any(|who| in_team(who, "pki")),
        },
        ChangeKind::RevokeCertificate => {
            in_team(author, owner) || in_team(author, "security") || any(owner) || any("security")
        }
        ChangeKind::EditEstate => {
            let concerned = |who: &&str| {
                ["security", "pki", "dns", owner].iter().any(|team| in_team(who, team))
            };
            let total: BTreeSet<&str> = others.iter().copied().filter(|it| concerned(it)).collect();
            any("pki") && total.len() >= 2 && total.iter().any(independent)
        }
        ChangeKind::RegisterAccount | ChangeKind::RotateIssuer => any("security"),
        ChangeKind::RotateKey => any("security") || any("pki"),
        // Of a zone and no service: whoever defines the zone's policy, whatever its pattern.
        ChangeKind::PublishRecords => match of {
            "shop-web" | "pay-api" => any("pki"),
            _ => others.iter().filter(|who| independent(who)).any(|who| in_team(who, "pki")),
        },
        ChangeKind::EndEnvelope
        | ChangeKind::NarrowEnvelope
        | ChangeKind::IssueCertificate
        | ChangeKind::GrantException => false,
    }
}

#[test]
fn every_author_with_every_pair_of_approvers() {
    let mut cases = 0;
    for of in ["shop-web", "pay-api", "intranet"] {
        for kind in [
            ChangeKind::GrantEnvelope,
            ChangeKind::RevokeCertificate,
            ChangeKind::EditEstate,
            ChangeKind::TrustChange,
        ] {
            for by in PEOPLE {
                for (at, first) in PEOPLE.iter().enumerate() {
                    for second in &PEOPLE[at..] {
                        let mut facts = about(kind, of, by, &[first, second]);
                        facts.trust_impacting = Fact::Known(true);
                        let allowed = decide(policies(), &Facts::Change(facts)) == Decision::Allow;
                        let expected = oracle(kind, of, by, &[first, second]);
                        assert_eq!(allowed, expected, "{kind} of {of} by {by}: {first}, {second}");
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 3 * 4 * 10 * 55);
}

fn any_approval(author: &'static str) -> impl Strategy<Value = ApprovalFacts> {
    let own = approvals(&[author]).remove(0);
    // In ways that must not help: the author; somebody the author signed in; an agent; a leaver;
    // somebody of whom nothing is known.
    (0..PEOPLE.len(), 0_u8..5).prop_map(move |(at, way)| {
        let mut approval = approvals(&[PEOPLE[at]]).remove(0);
        match way {
            0 => approval = own.clone(),
            1 => approval.chain = Fact::Known(BTreeSet::from([person(author)])),
            2 => approval.kind = ApproverKind::Agent,
            3 => approval.works_here = Fact::Known(false),
            _ => approval.teams = Fact::Unknown,
        }
        approval
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// P7: no approval of the author's own making turns a no into a yes.
    #[test]
    fn an_author_adds_nothing(
        worthless in proptest::collection::vec(any_approval("sam"), 1..6),
        real in proptest::sample::subsequence(PEOPLE.to_vec(), 0..3),
        kind in proptest::sample::select(ChangeKind::ALL.to_vec()),
        of in proptest::sample::select(vec!["shop-web", "pay-api", "intranet"]),
    ) {
        let without = about(kind, of, "sam", &real);
        let mut with = without.clone();
        with.approvals.extend(worthless);
        let allows = |facts| decide(policies(), &Facts::Change(facts)) == Decision::Allow;
        prop_assert!(allows(without) || !allows(with));
    }
}
