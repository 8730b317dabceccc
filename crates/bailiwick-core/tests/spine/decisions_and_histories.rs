//! What is decided can always be folded, and nothing else can (P4, P12).

use std::cell::Cell;

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{
    Approval, Change, Command, DamagedHistory, Event, Next, Outcome, Plan, Precheck, Prepared,
    Receipt,
};
use bailiwick_core::names::{CertSerial, Digest};
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::drive::{Finds, Strikes, run};
use super::people::{
    APPROVAL_EXPIRES, CHANGE_EXPIRES, START, approval, basis, person, request, signed_in,
};
use super::plans::{Kind, orders, plan};

/// One move of a game against a change: which command, and with what in it.
type Move = (u8, u8, u8);

const MOVES_MAX: usize = 40;

fn by(name: &str) -> Actor {
    Actor::Person(signed_in(name, &[]))
}

fn prechecks(hold: bool) -> Vec<Precheck> {
    let check = |holds| Precheck {
        name: "names-owned".to_owned(),
        holds,
        saw: "1 of 1".to_owned(),
        assignee: None,
    };
    vec![check(true), check(hold)]
}

/// Somebody's yes: mostly a good one, sometimes the requester's, an old one, or to another plan.
fn some_approval(plan: &Plan, choice: u8) -> Approval {
    let who = ["ben", "cara", "ben", "cara", "ana", "dan", "dan", "dan"][usize::from(choice % 8)];
    let chain: &[&str] = if choice % 8 == 7 { &["ana"] } else { &[] };
    let good = approval(signed_in(who, chain), plan);
    match choice % 16 {
        12 => Approval { of: other_plan(), ..good },
        13 => Approval { expires_at: START, ..good },
        14 => Approval { expires_at: CHANGE_EXPIRES, ..good },
        _ => good,
    }
}

fn other_plan() -> bailiwick_core::change::PlanDigest {
    bailiwick_core::change::PlanDigest::claimed(Digest::from_bytes([0xbb; 32]))
}

fn some_prepared(choice: u8) -> Prepared {
    if choice.is_multiple_of(2) {
        return Prepared::Nothing;
    }
    let serial = CertSerial::from_bytes(&[1, choice]).unwrap();
    Prepared::ToBeSigned { serial, tbs: vec![choice], caa: Digest::from_bytes([9; 32]) }
}

fn some_outcome(choice: u8) -> Outcome {
    match choice % 8 {
        0 => Outcome::Failed("refused".to_owned()),
        1 | 2 => Outcome::Unknown("no reply".to_owned()),
        _ => Outcome::Done(Receipt::Nothing),
    }
}

/// What a good driver or person would send now, with luck in the outcome.
fn sensible(change: &Change, plan: &Plan, (_, a, b): Move) -> Command {
    match change.next() {
        Next::Validate => Command::Validate {
            plan: plan.clone(),
            prechecks: prechecks(!a.is_multiple_of(8)),
            expires_at: START.plus_ms(i64::from(b) * HOUR_MS),
        },
        Next::AwaitApproval if a > 240 => Command::Expire,
        Next::AwaitApproval => Command::Approve {
            approval: (a < 200).then(|| some_approval(plan, b)),
            basis: (!a.is_multiple_of(3)).then(|| basis(plan, u32::from(a % 2))),
        },
        Next::Start { .. } => Command::Start { prepared: some_prepared(a) },
        Next::StartUndo { .. } => Command::StartUndo,
        Next::Apply { .. } | Next::Undo { .. } | Next::Verify { .. } => {
            Command::Report { outcome: some_outcome(a), assignee: person("olga") }
        }
        // A certificate that comes to light while a person is asked.
        Next::LookAgain { .. } if a > 200 => {
            Command::Report { outcome: Outcome::Done(Receipt::Nothing), assignee: person("olga") }
        }
        Next::AwaitPerson | Next::LookAgain { .. } | Next::Finished => Command::Resolve {
            by: by("olga"),
            carried_out: a.is_multiple_of(2),
            note: "looked".to_owned(),
        },
    }
}

/// Any command at all.
fn arbitrary(plan: &Plan, (kind, a, b): Move) -> Command {
    let why = || "because".to_owned();
    match kind % 9 {
        0 => Command::Validate {
            plan: plan.clone(),
            prechecks: prechecks(!a.is_multiple_of(4)),
            expires_at: CHANGE_EXPIRES,
        },
        1 => Command::Approve {
            approval: (a < 128).then(|| some_approval(plan, b)),
            basis: b.is_multiple_of(2).then(|| {
                let basis = basis(plan, u32::from(a % 4));
                if a < 240 {
                    basis
                } else {
                    bailiwick_core::change::Basis { of: other_plan(), ..basis }
                }
            }),
        },
        2 if a < 16 => Command::Refuse { by: by("ben"), why: why() },
        3 if a < 16 => Command::Withdraw { by: by("ana") },
        4 => Command::Expire,
        5 => Command::Start { prepared: some_prepared(a) },
        6 => Command::StartUndo,
        7 => Command::Resolve { by: by("olga"), carried_out: a < 128, note: why() },
        _ => Command::Report { outcome: some_outcome(a), assignee: person("olga") },
    }
}

/// The command that leads to this event, where one does.
fn command_for(event: &Event, plan: &Plan) -> Option<Command> {
    let report = |outcome| Some(Command::Report { outcome, assignee: person("olga") });
    match event.clone() {
        Event::Requested(_) => None,
        Event::Validated { plan, prechecks, expires_at } => {
            Some(Command::Validate { plan, prechecks, expires_at })
        }
        Event::Refused { by, why, prechecks } if prechecks.is_empty() => {
            Some(Command::Refuse { by, why })
        }
        Event::Refused { prechecks, .. } => Some(Command::Validate {
            plan: plan.clone(),
            prechecks,
            expires_at: CHANGE_EXPIRES,
        }),
        Event::Withdrawn { by } => Some(Command::Withdraw { by }),
        Event::Expired => Some(Command::Expire),
        Event::ApprovalGiven(approval) => {
            Some(Command::Approve { approval: Some(approval), basis: None })
        }
        Event::Approved(basis) => Some(Command::Approve { approval: None, basis: Some(basis) }),
        Event::StepStarted { prepared, .. } => Some(Command::Start { prepared }),
        Event::UndoStarted { .. } => Some(Command::StartUndo),
        Event::StepSeen { holds, lanes, .. } => Some(Command::See { holds, lanes }),
        Event::StepDone { receipt, .. } | Event::UndoDone { receipt, .. } => {
            report(Outcome::Done(receipt))
        }
        Event::Verified => report(Outcome::Done(Receipt::Nothing)),
        Event::StepFailed { why, .. }
        | Event::UndoNotDone { why, .. }
        | Event::VerifyFailed { why }
        // Only ever the second of two events: `UndoNotDone` comes first.
        | Event::HandedOver { why, .. } => report(Outcome::Failed(why)),
        Event::StepUnknown { why, .. } | Event::VerifyUnknown { why } => {
            report(Outcome::Unknown(why))
        }
        Event::Resolved { by, carried_out, note } => {
            Some(Command::Resolve { by, carried_out, note })
        }
    }
}

/// Events that somebody could slip into a history.
fn forgeries(plan: &Plan) -> Vec<Event> {
    let why = || "because".to_owned();
    let mut all = vec![
        Event::Requested(Box::new(request(by("ana")))),
        Event::Validated {
            plan: plan.clone(),
            prechecks: prechecks(true),
            expires_at: CHANGE_EXPIRES,
        },
        Event::Validated {
            plan: plan.clone(),
            prechecks: prechecks(false),
            expires_at: CHANGE_EXPIRES,
        },
        Event::Refused { by: by("ben"), why: why(), prechecks: Vec::new() },
        Event::Refused { by: by("ana"), why: why(), prechecks: prechecks(true) },
        Event::Withdrawn { by: by("ana") },
        Event::Expired,
        Event::Verified,
        Event::VerifyFailed { why: why() },
        Event::VerifyUnknown { why: why() },
        Event::Resolved { by: by("olga"), carried_out: true, note: why() },
        Event::Resolved { by: by("olga"), carried_out: false, note: why() },
        Event::Approved(bailiwick_core::change::Basis { of: other_plan(), ..basis(plan, 0) }),
    ];
    all.extend((0..16).map(|choice| Event::ApprovalGiven(some_approval(plan, choice))));
    all.extend((0..4).map(|needed| Event::Approved(basis(plan, needed))));
    for index in 0..=plan.steps().len() {
        all.extend([
            Event::StepStarted { index, prepared: Prepared::Nothing },
            Event::StepSeen { index, holds: true, lanes: Vec::new() },
            Event::StepDone { index, receipt: Receipt::Nothing },
            Event::StepFailed { index, why: why() },
            Event::StepUnknown { index, why: why() },
            Event::UndoStarted { index },
            Event::UndoDone { index, receipt: Receipt::Nothing },
            Event::UndoNotDone { index, why: why() },
            Event::HandedOver { index, person: person("olga"), why: why() },
        ]);
    }
    all
}

/// Every event either is what some command leads to now, or damages the history.
fn check_forgeries(change: &Change, plan: &Plan, now: Time) -> Result<(), TestCaseError> {
    for event in forgeries(plan) {
        let decided = command_for(&event, plan)
            .and_then(|command| change.decide(command, now).ok())
            .is_some_and(|events| events.first() == Some(&event));
        let kind = event.kind();
        let folded = change.clone().apply(event.clone(), now);
        prop_assert_eq!(folded.is_ok(), decided, "{:?} at {} after {:?}", event, now, change);
        if let Err(damaged) = folded {
            prop_assert_eq!(damaged, DamagedHistory { state: change.name(), event: kind });
        }
    }
    Ok(())
}

fn check_approvals(log: &[(Event, Time)]) {
    let spent: Vec<usize> =
        (0..log.len()).filter(|at| matches!(log[*at].0, Event::Approved(_))).collect();
    assert!(spent.len() <= 1, "approved twice");
    let given = log.iter().rposition(|(event, _)| matches!(event, Event::ApprovalGiven(_)));
    if let (Some(spent), Some(given)) = (spent.first(), given) {
        assert!(given < *spent, "approved after it was spent");
    }
}

#[test]
fn random_commands_on_random_changes() {
    let config = Config { cases: 1_500, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let all: Vec<Vec<Kind>> = (1..=3).flat_map(orders).collect();
    let game = (
        proptest::sample::select(all),
        prop::collection::vec((any::<Move>(), 0..4_u8, 0..30_u8), 1..MOVES_MAX),
    );
    let ends = Cell::new([0_u32; 6]);
    runner
        .run(&game, |(kinds, moves)| {
            let plan = plan(&kinds);
            let mut now = START;
            let mut log = vec![(Event::Requested(Box::new(request(by("ana")))), now)];
            let mut change = Change::replay(log.iter().cloned()).unwrap();
            for (one, luck, pause) in moves {
                now = match pause {
                    0 => now.plus_ms(DAY_MS),
                    1 => now.plus_ms(HOUR_MS),
                    _ => now.plus_ms(1),
                };
                check_forgeries(&change, &plan, now)?;
                let command =
                    if luck == 0 { arbitrary(&plan, one) } else { sensible(&change, &plan, one) };
                if let Ok(events) = change.decide(command, now) {
                    for event in events {
                        change = change.apply(event.clone(), now).unwrap();
                        log.push((event, now));
                    }
                }
                let replayed = Change::replay(log.iter().cloned()).unwrap();
                prop_assert_eq!(&replayed, &change);
                check_approvals(&log);
            }
            let mut counts = ends.get();
            match change {
                Change::Closed { .. } => counts[0] += 1,
                Change::RolledBack { .. } => counts[1] += 1,
                Change::Refused { .. } | Change::Withdrawn { .. } => counts[2] += 1,
                Change::Expired { .. } => counts[3] += 1,
                Change::RollingBack(_) | Change::WithPerson(_) => counts[4] += 1,
                Change::Requested(_)
                | Change::Awaiting(_)
                | Change::Executing(_)
                | Change::Verifying(_) => counts[5] += 1,
            }
            ends.set(counts);
            Ok(())
        })
        .unwrap();
    eprintln!("spine: random commands ended {:?}", ends.get());
    assert!(ends.get().iter().all(|count| *count > 10), "some ends are never reached");
}

#[test]
fn no_event_can_be_lost_repeated_or_moved() {
    let undone = Strikes {
        first: [(super::drive::Turn::Verify, super::drive::Fault::FailsCleanly)].into(),
        ..Strikes::default()
    };
    for kinds in (1..=3).flat_map(orders) {
        let plan = plan(&kinds);
        for strikes in [&Strikes::default(), &undone] {
            let log = run(&plan, strikes, Finds::Before).log;
            let whole = Change::replay(log.iter().cloned()).unwrap();
            for place in 0..log.len() {
                let mut lost = log.clone();
                lost.remove(place);
                // A history may be cut at its end: the change then goes on from there.
                let cut = place + 1 == log.len();
                assert_eq!(Change::replay(lost).is_ok(), cut, "{kinds:?} without event {place}");
                // A try that did not work is tried again; nothing else happens twice in a row.
                if !matches!(log[place].0, Event::UndoNotDone { .. }) {
                    let mut repeated = log.clone();
                    repeated.insert(place, log[place].clone());
                    assert!(Change::replay(repeated).is_err(), "{kinds:?} event {place} twice");
                }
                if place + 1 < log.len() {
                    let mut moved = log.clone();
                    moved.swap(place, place + 1);
                    let other = Change::replay(moved).is_ok_and(|other| other != whole);
                    assert!(!other, "{kinds:?} events {place} and the next swapped");
                }
            }
        }
    }
}

#[test]
fn an_approval_after_the_end_of_its_time_damages_the_history() {
    let plan = plan(&[Kind::Edit]);
    let at = |event: Event, time: Time| (event, time);
    let requested = at(Event::Requested(Box::new(request(by("ana")))), START);
    let validated = at(
        Event::Validated { plan: plan.clone(), prechecks: Vec::new(), expires_at: CHANGE_EXPIRES },
        START,
    );
    let yes = Approval { expires_at: CHANGE_EXPIRES, ..approval(signed_in("ben", &[]), &plan) };
    let check = |log: Vec<(Event, Time)>, expected: bool| {
        assert_eq!(Change::replay(log.clone()).is_ok(), expected, "{log:?}");
    };
    let base = [requested, validated];
    let history = |rest: &[(Event, Time)]| [base.as_slice(), rest].concat();
    let early = CHANGE_EXPIRES.plus_ms(-1);
    let given = |time| at(Event::ApprovalGiven(yes.clone()), time);
    let approved = |time, needed| at(Event::Approved(basis(&plan, needed)), time);
    check(history(&[given(early), approved(early, 1)]), true);
    check(history(&[given(CHANGE_EXPIRES)]), false);
    check(history(&[given(early), approved(CHANGE_EXPIRES, 1)]), false);
    check(history(&[approved(CHANGE_EXPIRES, 0)]), false);
    check(history(&[at(Event::Expired, early)]), false);
    check(history(&[at(Event::Expired, CHANGE_EXPIRES)]), true);
    let own = Approval { by: signed_in("ana", &[]), ..yes.clone() };
    check(history(&[at(Event::ApprovalGiven(own), START)]), false);
    let other = Approval { of: other_plan(), ..yes.clone() };
    check(history(&[at(Event::ApprovalGiven(other), START)]), false);
    let short = Approval { expires_at: APPROVAL_EXPIRES, ..yes.clone() };
    check(history(&[at(Event::ApprovalGiven(short), APPROVAL_EXPIRES)]), false);
    check(history(&[given(START), given(START)]), false);
}
