//! Every fault at every effect of every plan: before, after, or a named person (P2, P4, P12).

use std::collections::BTreeMap;

use bailiwick_core::change::{Change, GRANT_MS, Grant, Plan};

use super::drive::{FAULTS, Fault, Finds, Run, Strikes, Turn, approved, kinds, run};
use super::people::{START, change_id};
use super::plans::{Kind, orders, plan};

/// How the runs ended.
#[derive(Debug, Default)]
struct Tally {
    plans: u32,
    runs: u32,
    closed: u32,
    rolled_back: u32,
    persons: u32,
}

impl Tally {
    fn report(&self, what: &str) {
        eprintln!("spine: {what}: {self:?}");
        assert!(self.runs > 2_000, "{self:?}");
        assert!(self.closed > 0 && self.rolled_back > 0 && self.persons > 0, "{self:?}");
    }

    fn count(&mut self, run: &Run<'_>) {
        self.runs += 1;
        self.persons += u32::from(run.persons > 0);
        match run.load() {
            Change::Closed { .. } => self.closed += 1,
            _ => self.rolled_back += 1,
        }
    }
}

fn first(turn: Turn, fault: Fault) -> Strikes {
    Strikes { first: BTreeMap::from([(turn, fault)]), ..Strikes::default() }
}

fn always(turn: Turn, fault: Fault) -> Strikes {
    Strikes { always: BTreeMap::from([(turn, fault)]), ..Strikes::default() }
}

/// What makes a change turn back.
fn causes(steps: usize) -> Vec<Strikes> {
    let mut all = Vec::new();
    for index in 0..steps {
        all.push(first(Turn::Apply(index), Fault::FailsCleanly));
        all.push(always(Turn::Apply(index), Fault::LostWithEffect));
        all.push(always(Turn::Apply(index), Fault::LostWithoutEffect));
    }
    all.push(first(Turn::Verify, Fault::FailsCleanly));
    all.push(always(Turn::Verify, Fault::LostWithoutEffect));
    all
}

/// The same, where in addition one undo never works, or is never heard of.
fn with_stuck_undo(cause: &Strikes, plan: &Plan) -> Vec<Strikes> {
    let undone: Vec<Turn> = run(plan, cause, Finds::Before)
        .turns
        .iter()
        .copied()
        .filter(|turn| matches!(turn, Turn::Undo(_)))
        .collect();
    let faults = [Fault::FailsCleanly, Fault::LostWithEffect, Fault::LostWithoutEffect];
    let stuck = undone.iter().flat_map(|turn| faults.map(|fault| (*turn, fault)));
    stuck
        .map(|(turn, fault)| {
            let mut strikes = cause.clone();
            strikes.always.insert(turn, fault);
            strikes
        })
        .collect()
}

/// Runs `base`; where its cause alone leads to a person, once for each thing that one can find.
/// Gives what was done.
fn strike(plan: &Plan, base: &Strikes, tally: &mut Tally) -> Vec<Turn> {
    let plain = run(plan, base, Finds::Before);
    assert_eq!(plain.struck, base.once.len(), "a fault missed its turn");
    tally.count(&plain);
    if plain.persons > 0 && base.once.is_empty() {
        tally.count(&run(plan, base, Finds::After));
    }
    plain.turns
}

/// `base` with one more fault, every fault at every turn from number `from` on.
fn one_more(base: &Strikes, turns: &[Turn], from: usize) -> Vec<Strikes> {
    let mut all = Vec::new();
    for (number, turn) in turns.iter().enumerate().skip(from) {
        // There the cause strikes already.
        let cause = base.first.contains_key(turn) && !turns[..number].contains(turn);
        for fault in FAULTS.into_iter().filter(|fault| turn.can_suffer(*fault)) {
            if !cause && base.always.get(turn) != Some(&fault) {
                let mut strikes = base.clone();
                strikes.once.insert(number, fault);
                all.push(strikes);
            }
        }
    }
    all
}

/// Runs `base`, and `base` with every fault at every turn of it: each a case of its own.
fn strike_everywhere(plan: &Plan, base: &Strikes, tally: &mut Tally) {
    let turns = strike(plan, base, tally);
    for strikes in one_more(base, &turns, 0) {
        strike(plan, &strikes, tally);
    }
}

/// Steps about records and what is served: in plans with others only in the test of their own.
const JOINT: [Kind; 4] = [Kind::Publish, Kind::Await, Kind::Deploy, Kind::Served];

/// Plans of the test: with `SLOW_TESTS` all, else those without a kind twice, and the longer ones
/// without kinds that are put back as ending is; records and certificates in one plan have a test of
/// their own.
fn chosen(lengths: std::ops::RangeInclusive<usize>) -> Vec<Vec<Kind>> {
    let slow = slow_tests();
    let distinct = |kinds: &Vec<Kind>| {
        let mut sorted = kinds.clone();
        sorted.sort();
        sorted.dedup();
        let joint = |kind: &Kind| JOINT.contains(kind);
        let short = match kinds.len() {
            0 | 1 => true,
            2 => !kinds.iter().any(joint),
            _ => !kinds.contains(&Kind::Narrow) && !kinds.iter().any(joint),
        };
        slow || (sorted.len() == kinds.len() && short)
    };
    lengths.flat_map(orders).filter(distinct).collect()
}

fn slow_tests() -> bool {
    std::env::var_os("SLOW_TESTS").is_some()
}

#[test]
fn every_plan_without_faults_closes() {
    for length in 1..=4 {
        for kinds in orders(length) {
            if length > 3 && kinds.iter().any(|kind| JOINT.contains(kind)) {
                continue;
            }
            let plan = plan(&kinds);
            let strikes = Strikes::default();
            let end = run(&plan, &strikes, Finds::Before);
            assert_eq!(end.load().name(), "closed", "{kinds:?}");
            assert_eq!(end.turns.len(), 2 * length + 1, "{kinds:?}");
        }
    }
}

#[test]
fn a_failure_is_believed_and_a_lost_reply_is_not() {
    let plan = plan(&[Kind::Edit]);
    let check = |strikes: &Strikes, expected: &str, turns: usize| {
        let end = run(&plan, strikes, Finds::Before);
        assert_eq!((end.load().name(), end.turns.len()), (expected, turns), "{strikes:?}");
    };
    // Start, apply, start undo, undo.
    check(&first(Turn::Apply(0), Fault::FailsCleanly), "rolled-back", 4);
    // Start, apply twice, verify.
    check(&first(Turn::Apply(0), Fault::LostWithEffect), "closed", 4);
    check(&first(Turn::Apply(0), Fault::LostWithoutEffect), "closed", 4);
    // Start, apply, verify twice. What cannot be seen three times is not taken for granted.
    check(&first(Turn::Verify, Fault::LostWithoutEffect), "closed", 4);
    check(&always(Turn::Verify, Fault::LostWithoutEffect), "rolled-back", 7);
}

#[test]
fn every_fault_on_the_way_there_and_back() {
    let mut tally = Tally::default();
    for kinds in chosen(1..=3) {
        let plan = plan(&kinds);
        tally.plans += 1;
        strike_everywhere(&plan, &Strikes::default(), &mut tally);
        for cause in causes(kinds.len()) {
            strike_everywhere(&plan, &cause, &mut tally);
        }
    }
    tally.report("one to three steps, every fault on the way there and back");
}

/// TRW-1, TRW-4: records and certificate in one plan.
#[test]
fn every_fault_in_a_plan_that_binds_records_and_a_certificate() {
    let kinds = [
        Kind::Publish,
        Kind::Await,
        Kind::Issue,
        Kind::Deploy,
        Kind::Served,
        Kind::Publish,
        Kind::Await,
    ];
    let mut tally = Tally::default();
    let plan = plan(&kinds);
    tally.plans += 1;
    strike_everywhere(&plan, &Strikes::default(), &mut tally);
    for cause in causes(kinds.len()) {
        strike_everywhere(&plan, &cause, &mut tally);
    }
    // No undo is stuck here, so that nobody is asked.
    assert!(tally.closed > 50 && tally.rolled_back > 1_000 && tally.persons == 0, "{tally:?}");
}

#[test]
fn every_fault_while_an_undo_is_stuck() {
    let mut tally = Tally::default();
    for kinds in chosen(1..=2) {
        let plan = plan(&kinds);
        tally.plans += 1;
        for cause in causes(kinds.len()) {
            for base in with_stuck_undo(&cause, &plan) {
                strike_everywhere(&plan, &base, &mut tally);
            }
        }
    }
    tally.report("one and two steps, one undo stuck, every fault in addition");
}

#[test]
fn every_fault_in_plans_of_four_steps() {
    let mut tally = Tally::default();
    for kinds in chosen(4..=4) {
        let plan = plan(&kinds);
        tally.plans += 1;
        for base in [Strikes::default(), first(Turn::Verify, Fault::FailsCleanly)] {
            strike_everywhere(&plan, &base, &mut tally);
        }
    }
    tally.report("four steps, every fault on the way there and back from the end");
}

#[test]
fn two_faults_at_once() {
    let mut tally = Tally::default();
    for kinds in chosen(1..=2) {
        let plan = plan(&kinds);
        tally.plans += 1;
        let none = Strikes::default();
        let turns = run(&plan, &none, Finds::Before).turns;
        for one in one_more(&none, &turns, 0) {
            let turns = run(&plan, &one, Finds::Before).turns;
            let next = one.once.last_key_value().map_or(0, |(number, _)| number + 1);
            for two in one_more(&one, &turns, next) {
                strike(&plan, &two, &mut tally);
            }
        }
    }
    tally.report("one and two steps, two faults anywhere");
}

#[test]
fn a_driver_that_was_paused_too_long_has_no_right_left() {
    let plan = plan(&[Kind::Issue]);
    let mut log = approved(&plan);
    let load = |log: &Vec<_>| Change::replay(log.iter().cloned()).unwrap();
    assert_eq!(Grant::mint(&change_id(), &load(&log), START), None, "no intent is stored yet");
    let prepared = super::world::World::before(&plan).prepare(&plan.steps()[0]);
    let start = bailiwick_core::change::Command::Start { prepared };
    for event in load(&log).decide(start, START).unwrap() {
        log.push((event, START));
    }
    let mint = || Grant::mint(&change_id(), &load(&log), START).unwrap();
    assert!(mint().open(START.plus_ms(GRANT_MS - 1)).is_some());
    assert!(mint().open(START.plus_ms(GRANT_MS)).is_none());
    assert_eq!(kinds(&plan), ["issue-certificate"]);
}
