//! Nobody approves what they, or somebody behind them, requested (P1, P4, P7).
//!
//! The oracle below knows people as sets of names and nothing of the code under test.

use std::collections::BTreeSet;

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{
    Approval, Basis, Change, Command, NotApproved, Plan, PlanDigest, Refusal,
};
use bailiwick_core::names::{AccountId, Digest, ServiceId};
use bailiwick_core::time::{HOUR_MS, Time};

use super::people::{APPROVAL_EXPIRES, CHANGE_EXPIRES, START, basis, person, request, signed_in};
use super::plans::{Kind, plan};

/// Somebody in the test: the name that acts, and the names behind it.
#[derive(Clone, Copy, Debug)]
struct Who(&'static str, &'static [&'static str]);

impl Who {
    fn humans(self) -> BTreeSet<&'static str> {
        self.1.iter().copied().chain([self.0]).collect()
    }
}

/// Every kind of requester: a person, one with a chain, a client whose credential a person made, a
/// part of Bailiwick that nobody stands behind.
#[derive(Clone, Copy, Debug)]
enum Requester {
    Person(Who),
    Account { made_by: &'static str, chain: &'static [&'static str] },
    Component(Component),
}

const REQUESTERS: [Requester; 10] = [
    Requester::Person(Who("ana", &[])),
    Requester::Person(Who("ana", &["vic"])),
    Requester::Person(Who("ana", &["vic", "root"])),
    Requester::Person(Who("ben", &["ana"])),
    Requester::Account { made_by: "ana", chain: &[] },
    Requester::Account { made_by: "ana", chain: &["vic"] },
    Requester::Component(Component::FirstStart),
    Requester::Component(Component::Gate),
    Requester::Component(Component::Driver),
    Requester::Component(Component::Lab),
];

const APPROVERS: [Who; 12] = [
    Who("ana", &[]),
    Who("ana", &["ben"]),
    Who("ben", &[]),
    Who("ben", &["ana"]),
    Who("ben", &["vic"]),
    Who("ben", &["cara", "root"]),
    Who("vic", &[]),
    Who("cara", &[]),
    Who("cara", &["vic"]),
    Who("cara", &["ben"]),
    Who("cara", &["dan", "ana"]),
    Who("dan", &["root"]),
];

impl Requester {
    fn actor(self) -> Actor {
        match self {
            Self::Person(who) => Actor::Person(signed_in(who.0, who.1)),
            Self::Account { made_by, chain } => Actor::Account {
                account: AccountId::parse("acct-1").unwrap(),
                service: ServiceId::parse("shop-web").unwrap(),
                made_by: person(made_by),
                chain: chain.iter().map(|id| person(id)).collect(),
            },
            Self::Component(component) => Actor::Component(component),
        }
    }

    fn humans(self) -> BTreeSet<&'static str> {
        match self {
            Self::Person(who) => who.humans(),
            Self::Account { made_by, chain } => Who(made_by, chain).humans(),
            Self::Component(_) => BTreeSet::new(),
        }
    }
}

/// One attempt to approve.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    who: Who,
    /// Whether it names the plan that was shown.
    same_plan: bool,
    expires_at: Time,
}

impl Attempt {
    fn approval(self, plan: &Plan) -> Approval {
        Approval {
            by: signed_in(self.who.0, self.who.1),
            teams: Vec::new(),
            of: digest(plan, self.same_plan),
            at: START,
            expires_at: self.expires_at,
            comment: String::new(),
        }
    }

    /// Whether this yes counts beside `others`.
    fn should_count(self, requester: Requester, others: &[Self], now: Time) -> bool {
        let humans = self.who.humans();
        let meets_other = others
            .iter()
            .filter(|other| now < other.expires_at)
            .any(|other| !humans.is_disjoint(&other.who.humans()));
        humans.is_disjoint(&requester.humans())
            && self.same_plan
            && now < self.expires_at
            && !meets_other
    }
}

fn digest(plan: &Plan, same: bool) -> PlanDigest {
    if same { plan.digest() } else { PlanDigest::claimed(Digest::from_bytes([0xbb; 32])) }
}

fn awaiting(requester: Requester, plan: &Plan) -> Change {
    let change = Change::Requested(request(requester.actor()));
    let prechecks = Vec::new();
    let validate = Command::Validate { plan: plan.clone(), prechecks, expires_at: CHANGE_EXPIRES };
    step(change, validate, START).unwrap()
}

/// Decides, and folds what was decided.
fn step(change: Change, command: Command, now: Time) -> Result<Change, Refusal> {
    let events = change.decide(command, now)?;
    Ok(events.into_iter().fold(change, |change, event| change.apply(event, now).unwrap()))
}

fn approve(approval: Option<Approval>, basis: Option<Basis>) -> Command {
    Command::Approve { approval, basis }
}

#[test]
fn every_pair_of_requester_and_approver() {
    let plan = plan(&[Kind::Revoke]);
    let (mut tried, mut passed) = (0, 0);
    for requester in REQUESTERS {
        for who in APPROVERS {
            for same_plan in [true, false] {
                for basis_same in [true, false] {
                    for now in [START, APPROVAL_EXPIRES, CHANGE_EXPIRES] {
                        for expires_at in [APPROVAL_EXPIRES, CHANGE_EXPIRES.plus_ms(HOUR_MS)] {
                            for needed in 0..=2 {
                                let one = Attempt { who, same_plan, expires_at };
                                let expected = now < CHANGE_EXPIRES
                                    && one.should_count(requester, &[], now)
                                    && basis_same
                                    && needed <= 1;
                                let basis =
                                    Basis { of: digest(&plan, basis_same), ..basis(&plan, needed) };
                                let change = awaiting(requester, &plan);
                                let command = approve(Some(one.approval(&plan)), Some(basis));
                                let ended = step(change.clone(), command, now);
                                let here =
                                    format!("{requester:?} {one:?} {basis_same} {now} {needed}");
                                assert_eq!(
                                    ended.as_ref().is_ok_and(|end| end.approved().is_some()),
                                    expected,
                                    "{here}: {ended:?}"
                                );
                                // What is refused is refused before anything is recorded.
                                assert_eq!(ended.is_ok(), expected, "{here}");
                                tried += 1;
                                passed += u32::from(expected);
                            }
                        }
                    }
                }
            }
        }
    }
    eprintln!("spine: separation of duties: {tried} pairs, {passed} of them may");
    assert!(tried >= 5_000 && passed > 100);
}

#[test]
fn every_pair_of_approvers() {
    let plan = plan(&[Kind::Revoke]);
    let late = APPROVAL_EXPIRES;
    let (mut tried, mut passed) = (0, 0);
    for requester in REQUESTERS {
        for (first, second) in APPROVERS.into_iter().flat_map(|a| APPROVERS.map(|b| (a, b))) {
            for (then, expires_at) in [
                (START, APPROVAL_EXPIRES),
                // The first approval is over when the second comes.
                (late, APPROVAL_EXPIRES),
                (late, CHANGE_EXPIRES),
            ] {
                let one = Attempt { who: first, same_plan: true, expires_at };
                let two = Attempt { who: second, same_plan: true, expires_at: CHANGE_EXPIRES };
                let mut change = awaiting(requester, &plan);
                let mut counted = Vec::new();
                for (attempt, now) in [(one, START), (two, then)] {
                    let expected = attempt.should_count(requester, &counted, now);
                    let command = approve(Some(attempt.approval(&plan)), None);
                    match step(change.clone(), command, now) {
                        Ok(next) => {
                            assert!(expected, "{requester:?} {counted:?} {attempt:?}");
                            counted.push(attempt);
                            change = next;
                        }
                        Err(refusal) => {
                            assert!(!expected, "{requester:?} {counted:?} {attempt:?}: {refusal}");
                        }
                    }
                }
                counted.retain(|attempt| then < attempt.expires_at);
                for needed in 0..=3 {
                    let enough = counted.len() >= usize::try_from(needed).unwrap();
                    let command = approve(None, Some(basis(&plan, needed)));
                    let ended = step(change.clone(), command, then);
                    assert_eq!(ended.is_ok(), enough, "{requester:?} {counted:?} {needed}");
                    if let Ok(end) = ended {
                        let approved = end.approved().unwrap();
                        assert_eq!(approved.approvals().len(), counted.len());
                    }
                    tried += 1;
                    passed += u32::from(enough);
                }
            }
        }
    }
    eprintln!("spine: separation of duties: {tried} pairs of approvers, {passed} of them may");
    assert!(tried >= 5_000 && passed > 100);
}

#[test]
fn a_refusal_names_the_reason() {
    let plan = plan(&[Kind::Revoke]);
    let requester = Requester::Person(Who("ana", &["vic"]));
    let by = |name: &'static str| Attempt {
        who: Who(name, &[]),
        same_plan: true,
        expires_at: APPROVAL_EXPIRES,
    };
    let change = awaiting(requester, &plan);
    let check = |change: &Change, attempt: Attempt, now: Time, expected: Refusal| {
        let command = approve(Some(attempt.approval(&plan)), Some(basis(&plan, 1)));
        assert_eq!(change.decide(command, now), Err(expected));
    };
    let not = Refusal::NotApproved;
    check(&change, by("ana"), START, not(NotApproved::OwnChange { by: person("ana") }));
    check(&change, by("vic"), START, not(NotApproved::OwnChange { by: person("vic") }));
    let other = Attempt { same_plan: false, ..by("ben") };
    check(&change, other, START, not(NotApproved::OtherPlan { by: Some(person("ben")) }));
    let at = APPROVAL_EXPIRES;
    check(&change, by("ben"), at, not(NotApproved::Expired { by: person("ben"), at }));
    check(&change, by("ben"), CHANGE_EXPIRES, Refusal::Expired { at: CHANGE_EXPIRES });
    let once = step(change, approve(Some(by("ben").approval(&plan)), None), START).unwrap();
    check(&once, by("ben"), START, not(NotApproved::CountedTwice { by: person("ben") }));
    let few = once.decide(approve(None, Some(basis(&plan, 2))), START);
    assert_eq!(few, Err(not(NotApproved::TooFew { have: 1, need: 2 })));
}

#[test]
fn whoever_let_an_approval_expire_can_give_it_again() {
    let plan = plan(&[Kind::Revoke]);
    let requester = Requester::Person(Who("ana", &[]));
    let ben = |expires_at| Attempt { who: Who("ben", &[]), same_plan: true, expires_at };
    let give = |attempt: Attempt| approve(Some(attempt.approval(&plan)), None);
    let once = step(awaiting(requester, &plan), give(ben(APPROVAL_EXPIRES)), START).unwrap();
    let again = step(once, give(ben(CHANGE_EXPIRES)), APPROVAL_EXPIRES).unwrap();
    let end = step(again, approve(None, Some(basis(&plan, 1))), APPROVAL_EXPIRES).unwrap();
    assert_eq!(end.approved().unwrap().approvals().len(), 1);
}

#[test]
fn a_change_lapses_when_it_can_no_longer_be_approved_and_not_before() {
    let plan = plan(&[Kind::Revoke]);
    let change = awaiting(Requester::Component(Component::Gate), &plan);
    for (now, lapses) in [(CHANGE_EXPIRES.plus_ms(-1), false), (CHANGE_EXPIRES, true)] {
        let approved = change.decide(approve(None, Some(basis(&plan, 0))), now);
        assert_eq!(approved.is_ok(), !lapses, "{now}");
        let expired = change.decide(Command::Expire, now);
        assert_eq!(expired.is_ok(), lapses, "{now}: {expired:?}");
    }
}

#[test]
fn an_approval_is_spent_once() {
    let plan = plan(&[Kind::Revoke]);
    let requester = Requester::Person(Who("ana", &[]));
    let yes = Attempt { who: Who("ben", &[]), same_plan: true, expires_at: APPROVAL_EXPIRES };
    let command = || approve(Some(yes.approval(&plan)), Some(basis(&plan, 1)));
    let before = awaiting(requester, &plan);
    let events = before.decide(command(), START).unwrap();
    let executing = step(before, command(), START).unwrap();
    let again = executing.decide(command(), START);
    assert_eq!(again, Err(Refusal::WrongState { state: "executing" }));
    for event in events {
        assert!(executing.clone().apply(event, START).is_err(), "a second worker's approval");
    }
    // It counts for no other plan.
    let elsewhere = awaiting(requester, &super::plans::plan(&[Kind::Edit]));
    let moved = elsewhere.decide(command(), START);
    let by = Some(person("ben"));
    assert_eq!(moved, Err(Refusal::NotApproved(NotApproved::OtherPlan { by })));
}
