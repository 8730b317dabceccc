//! A driver that forgets everything after each turn, and faults that strike it.

use std::collections::BTreeMap;

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{
    Change, Command, Direction, Event, Grant, Next, Outcome, Plan, Prepared, Receipt, Step,
    TRIES_MAX, Touched, Undo,
};
use bailiwick_core::names::{CertSerial, PersonId};
use bailiwick_core::time::{SECOND_MS, Time};

use super::people::{
    CHANGE_EXPIRES, START, approval, basis, change_id, person, request, signed_in,
};
use super::world::{Act, Place, World};

/// What can go wrong with one effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Fault {
    /// It is not done, and the reply says so.
    FailsCleanly,
    /// The driver dies before it.
    CrashBefore,
    /// The driver dies after it, before the event is stored.
    CrashAfter,
    /// It is done, and the reply is lost.
    LostWithEffect,
    /// It is not done, and the reply is lost.
    LostWithoutEffect,
    /// It is done twice.
    Twice,
}

pub(crate) const FAULTS: [Fault; 6] = [
    Fault::FailsCleanly,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::LostWithEffect,
    Fault::LostWithoutEffect,
    Fault::Twice,
];

/// What a driver does in one turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Turn {
    Start(usize),
    Apply(usize),
    Verify,
    StartUndo(usize),
    Undo(usize),
}

impl Turn {
    /// Choosing and recording touch nothing outside, so they can only be cut off.
    pub(crate) fn can_suffer(self, fault: Fault) -> bool {
        match self {
            Self::Start(_) | Self::StartUndo(_) => fault == Fault::CrashBefore,
            // Looking twice is looking.
            Self::Verify => {
                !matches!(fault, Fault::Twice | Fault::CrashAfter | Fault::LostWithEffect)
            }
            Self::Apply(_) | Self::Undo(_) => true,
        }
    }
}

/// Which faults strike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strikes {
    /// By the number of the turn.
    pub(crate) once: BTreeMap<usize, Fault>,
    /// The first time that this is done.
    pub(crate) first: BTreeMap<Turn, Fault>,
    /// Whenever this is done.
    pub(crate) always: BTreeMap<Turn, Fault>,
}

/// What a person who is asked finds, or sees to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Finds {
    /// The step is undone, where anybody can undo it.
    Before,
    /// The whole change is carried out.
    After,
}

/// How a run went.
pub(crate) struct Run<'a> {
    plan: &'a Plan,
    strikes: &'a Strikes,
    finds: Finds,
    pub(crate) log: Vec<(Event, Time)>,
    pub(crate) world: World,
    /// What was done in each turn.
    pub(crate) turns: Vec<Turn>,
    pub(crate) persons: usize,
    /// How many of the single faults struck.
    pub(crate) struck: usize,
    by_hand: Vec<CertSerial>,
    crashes: usize,
    now: Time,
}

fn assignee() -> PersonId {
    person("olga")
}

/// A change that was requested by one person and approved by another.
pub(crate) fn approved(plan: &Plan) -> Vec<(Event, Time)> {
    let by = Actor::Person(signed_in("ana", &[]));
    let mut log = vec![(Event::Requested(Box::new(request(by))), START)];
    let validate =
        Command::Validate { plan: plan.clone(), prechecks: Vec::new(), expires_at: CHANGE_EXPIRES };
    let approve = Command::Approve {
        approval: Some(approval(signed_in("ben", &[]), plan)),
        basis: Some(basis(plan, 1)),
    };
    for command in [validate, approve] {
        let change = Change::replay(log.iter().cloned()).unwrap();
        let events = change.decide(command, START).unwrap();
        log.extend(events.into_iter().map(|event| (event, START)));
    }
    log
}

/// Drives an approved change to its end.
pub(crate) fn run<'a>(plan: &'a Plan, strikes: &'a Strikes, finds: Finds) -> Run<'a> {
    let mut run = Run {
        plan,
        strikes,
        finds,
        log: approved(plan),
        world: World::before(plan),
        turns: Vec::new(),
        persons: 0,
        struck: 0,
        by_hand: Vec::new(),
        crashes: 0,
        now: START,
    };
    let steps = plan.steps().len();
    let tries = usize::try_from(TRIES_MAX).unwrap();
    let crashes = strikes.once.len();
    // Each step started and tried, each undone and tried, each at most once with a person, and
    // the verification; each crash costs the turn it struck.
    let bound = steps * (2 * (1 + tries) + 1) + tries + crashes + 1;
    for _ in 0..bound {
        let change = run.load();
        if change.next() == Next::Finished {
            run.check_end(&change);
            return run;
        }
        run.turn(&change);
    }
    panic!("not finished after {bound} turns: {:?}", run.turns);
}

impl Run<'_> {
    /// What a restarted driver knows.
    pub(crate) fn load(&self) -> Change {
        Change::replay(self.log.iter().cloned()).unwrap()
    }

    fn turn(&mut self, change: &Change) {
        self.now = self.now.plus_ms(SECOND_MS);
        let command = match change.next() {
            Next::Validate | Next::AwaitApproval | Next::Finished => {
                panic!("nothing to drive in `{}`", change.name())
            }
            Next::AwaitPerson | Next::LookAgain { .. } => self.ask(change),
            Next::Start { index, step } => {
                let prepared = self.world.prepare(step);
                self.recorded(Turn::Start(index)).then_some(Command::Start { prepared })
            }
            Next::StartUndo { index, .. } => {
                self.recorded(Turn::StartUndo(index)).then_some(Command::StartUndo)
            }
            Next::Apply { index, prepared, .. } => {
                let prepared = prepared.clone();
                self.effect(change, Turn::Apply(index), |world, at| world.apply(at, &prepared))
            }
            Next::Undo { index, touched, .. } => {
                let touched = touched.clone();
                self.effect(change, Turn::Undo(index), |world, at| world.undo(at, &touched))
            }
            Next::Verify { plan, done } => self.verify(plan, done),
        };
        match command {
            Some(command) => {
                let events = change.decide(command, self.now).unwrap();
                let now = self.now;
                self.log.extend(events.into_iter().map(|event| (event, now)));
            }
            None => self.crashes += 1,
        }
    }

    /// The fault that strikes this turn.
    fn strike(&mut self, turn: Turn) -> Option<Fault> {
        let number = self.turns.len();
        let again = self.turns.contains(&turn);
        self.turns.push(turn);
        let once = self.strikes.once.get(&number).copied().filter(|fault| turn.can_suffer(*fault));
        self.struck += usize::from(once.is_some());
        once.or_else(|| self.strikes.first.get(&turn).copied().filter(|_| !again))
            .or_else(|| self.strikes.always.get(&turn).copied())
    }

    /// Whether the driver lives long enough to store the intent.
    fn recorded(&mut self, turn: Turn) -> bool {
        self.strike(turn) != Some(Fault::CrashBefore)
    }

    /// Does an effect under a grant; `None`: the driver died.
    fn effect(
        &mut self,
        change: &Change,
        turn: Turn,
        act: impl Fn(&mut World, &Place<'_>) -> Result<Receipt, String>,
    ) -> Option<Command> {
        let fault = self.strike(turn);
        let grant = Grant::mint(&change_id(), change, self.now).unwrap();
        let index = grant.index();
        assert_eq!(*grant.plan(), self.plan.digest());
        let (warrant, direction, step) = grant.open(self.now).unwrap();
        assert_eq!(warrant.change(), Some(&change_id()));
        assert_eq!(direction, direction_of(turn));
        let at = Place { index, step: &step, events: self.log.len(), now: self.now };
        let world = &mut self.world;
        let mut done = || match act(world, &at) {
            Ok(receipt) => Outcome::Done(receipt),
            Err(why) => Outcome::Failed(why),
        };
        let outcome = match fault {
            None => done(),
            Some(Fault::CrashBefore) => return None,
            Some(Fault::CrashAfter) => {
                done();
                return None;
            }
            Some(Fault::LostWithEffect) => {
                done();
                Outcome::Unknown("no reply".to_owned())
            }
            Some(Fault::LostWithoutEffect) => Outcome::Unknown("no reply".to_owned()),
            Some(Fault::Twice) => {
                let first = done();
                assert_eq!(done(), first, "twice is not the same as once: {turn:?}");
                first
            }
            // `Failed` promises that no try had the effect. Of what can be undone we test more:
            // there an effect of an earlier, forgotten try may be left.
            Some(Fault::FailsCleanly) => {
                if step.undo() == Undo::AskPerson
                    && self.world.has((index, &step), &Prepared::Nothing)
                {
                    let receipt = self.world.apply(&at, &Prepared::Nothing);
                    if direction == Direction::Forward {
                        Outcome::Done(receipt.unwrap())
                    } else {
                        Outcome::Failed("refused".to_owned())
                    }
                } else {
                    Outcome::Failed("refused".to_owned())
                }
            }
        };
        Some(Command::Report { outcome, assignee: assignee() })
    }

    fn verify(&mut self, plan: &Plan, done: &[Touched]) -> Option<Command> {
        let holds = plan.steps().iter().enumerate().zip(done);
        let holds = holds.into_iter().all(|(s, t)| self.world.has(s, &t.prepared));
        let outcome = match self.strike(Turn::Verify) {
            Some(Fault::CrashBefore | Fault::CrashAfter) => return None,
            Some(Fault::FailsCleanly) => Outcome::Failed("looks different".to_owned()),
            Some(Fault::LostWithEffect | Fault::LostWithoutEffect) => {
                Outcome::Unknown("no reply".to_owned())
            }
            None | Some(Fault::Twice) if holds => Outcome::Done(Receipt::Nothing),
            None | Some(Fault::Twice) => Outcome::Failed("is different".to_owned()),
        };
        Some(Command::Report { outcome, assignee: assignee() })
    }

    /// The named person looks, mends and says how it stands.
    fn ask(&mut self, change: &Change) -> Option<Command> {
        let Change::WithPerson(at) = change else {
            panic!("nobody is asked in `{}`", change.name())
        };
        self.persons += 1;
        assert_eq!(at.person, assignee(), "somebody is named");
        assert!(!at.why.is_empty());
        let steps = at.plan.steps();
        for (step, touched) in steps.iter().enumerate().zip(&at.left) {
            assert!(self.world.has(step, &touched.prepared), "still to be undone, but gone");
        }
        for (step, prepared) in steps.iter().enumerate().zip(self.prepared()).skip(at.index + 1) {
            assert!(!self.world.has(step, &prepared), "left behind after its undo");
        }
        let acts = self.world.acts.len();
        let step = &steps[at.index];
        let prepared = self.prepared()[at.index].clone();
        let touched = Touched { prepared: prepared.clone(), receipt: None };
        let place = Place { index: at.index, step, events: self.log.len(), now: self.now };
        let undone = self.finds == Finds::Before && self.world.undo(&place, &touched).is_ok();
        if !undone {
            self.carry_out_by_hand();
        }
        self.world.acts.truncate(acts);
        let by = Actor::Person(signed_in("olga", &[]));
        Some(Command::Resolve { by, carried_out: !undone, note: "looked and mended".to_owned() })
    }

    fn carry_out_by_hand(&mut self) {
        for (index, step) in self.plan.steps().iter().enumerate() {
            let stored = self.prepared().get(index).cloned();
            if stored.is_some_and(|prepared| self.world.has((index, step), &prepared)) {
                continue;
            }
            let prepared = self.world.prepare(step);
            if let Prepared::ToBeSigned { serial, .. } = &prepared {
                self.by_hand.push(serial.clone());
            }
            let place = Place { index, step, events: self.log.len(), now: self.now };
            self.world.apply(&place, &prepared).unwrap();
        }
    }

    /// What was chosen for each step that was started.
    fn prepared(&self) -> Vec<Prepared> {
        let of = |(event, _): &(Event, Time)| match event {
            Event::StepStarted { prepared, .. } => Some(prepared.clone()),
            _ => None,
        };
        self.log.iter().filter_map(of).collect()
    }

    fn check_end(&self, end: &Change) {
        let mut after = World::before(self.plan);
        for (index, step) in self.plan.steps().iter().enumerate() {
            let prepared = after.prepare(step);
            after.apply(&Place { index, step, events: 0, now: START }, &prepared).unwrap();
        }
        let expected = match end {
            Change::Closed { .. } => after.seen(),
            Change::RolledBack { .. } => World::before(self.plan).seen(),
            Change::Requested(_)
            | Change::Awaiting(_)
            | Change::Executing(_)
            | Change::Verifying(_)
            | Change::RollingBack(_)
            | Change::WithPerson(_)
            | Change::Refused { .. }
            | Change::Withdrawn { .. }
            | Change::Expired { .. } => panic!("no end: {}", end.name()),
        };
        assert_eq!(self.world.seen(), expected, "{}: {:?}", end.name(), self.turns);
        for (index, step) in self.plan.steps().iter().enumerate() {
            let looks = self.turns.iter().filter(|turn| **turn == Turn::Undo(index)).count();
            let once = step.undo() == Undo::AskPerson;
            assert!(!once || looks <= 1 + self.crashes, "a person should have been asked at once");
        }
        self.check_certificates(end);
        self.check_acts();
    }

    /// A certificate that was signed is the closed change's, or it is revoked.
    fn check_certificates(&self, end: &Change) {
        let receipts: Vec<CertSerial> = match end {
            Change::Closed { done, .. } => done.iter().filter_map(issued).collect(),
            _ => Vec::new(),
        };
        let prepared = self.prepared();
        for (serial, signed) in self.world.certificates.iter().filter(|(_, one)| one.ours) {
            let intended = prepared.iter().any(|one| {
                matches!(one, Prepared::ToBeSigned { serial: stored, .. } if stored == serial)
            });
            assert!(intended || self.by_hand.contains(serial), "signed without intent");
            let closed = matches!(end, Change::Closed { .. });
            let known = receipts.contains(serial) || self.persons > 0;
            assert!(signed.revoked || (closed && known), "in force, and nobody knows of it");
        }
        assert!(receipts.iter().all(|serial| !self.world.certificates[serial].revoked));
    }

    /// No effect without an earlier stored intent and approval, none twice, undone in reverse.
    fn check_acts(&self) {
        let approved = self.log.iter().position(|(event, _)| matches!(event, Event::Approved(_)));
        let (mut forward, mut back) = (Vec::new(), Vec::new());
        for Act { index, direction, serial, events } in &self.world.acts {
            assert!(approved.unwrap() < *events, "an effect before the approval");
            let intent = self.log[..*events].iter().rev().find_map(|(event, _)| match event {
                Event::StepStarted { index, prepared } => {
                    Some((*index, Direction::Forward, Some(prepared.clone())))
                }
                Event::UndoStarted { index } => Some((*index, Direction::Back, None)),
                _ => None,
            });
            let (of, way, prepared) = intent.unwrap();
            assert_eq!((of, way), (*index, *direction), "an effect without intent");
            if let Some(Prepared::ToBeSigned { serial: stored, .. }) = prepared {
                assert_eq!(serial.as_ref(), Some(&stored), "signed something else");
            }
            if way == Direction::Forward { forward.push(of) } else { back.push(of) }
        }
        assert!(forward.is_sorted_by(|a, b| a < b), "applied twice or out of order: {forward:?}");
        assert!(back.is_sorted_by(|a, b| a > b), "undone twice or out of order: {back:?}");
        assert!(back.iter().all(|index| forward.contains(index)), "undone but never done");
    }
}

fn issued(touched: &Touched) -> Option<CertSerial> {
    match &touched.receipt {
        Some(Receipt::Issued(certificate)) => Some(certificate.serial.clone()),
        _ => None,
    }
}

fn direction_of(turn: Turn) -> Direction {
    match turn {
        Turn::Start(_) | Turn::Apply(_) | Turn::Verify => Direction::Forward,
        Turn::StartUndo(_) | Turn::Undo(_) => Direction::Back,
    }
}

/// The kinds of the steps, for messages.
pub(crate) fn kinds(plan: &Plan) -> Vec<&'static str> {
    plan.steps().iter().map(Step::kind).collect()
}
