//! Effects that go wrong on purpose, around the real ones.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bailiwick_core::change::{Grant, Outcome, Plan, Prepared, Step, Touched};
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::Batch;
use tokio::sync::Notify;

use crate::app::{App, Loaded};
use crate::drive::effects::{Applied, Effects, Real};
use crate::fault::Fault;

/// Where a driver can be struck.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum At {
    /// Choosing what has to be chosen.
    Prepare,
    /// Applying the step.
    Apply,
    /// Undoing the step.
    Undo,
    /// Comparing the world with the plan.
    Verify,
    /// After the effect, before its event is stored.
    Append,
    /// After its event is stored.
    Appended,
}

/// What happens there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Goes {
    /// It is not done, and the reply says so.
    Fails,
    /// The driver dies before it.
    CrashBefore,
    /// The driver dies after it.
    CrashAfter,
    /// It is done, and the reply is lost.
    LostWithEffect,
    /// It is not done, and the reply is lost.
    LostWithoutEffect,
    /// It is done twice.
    Twice,
}

/// How often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum When {
    /// The visit with this number, from 0.
    Nth(usize),
    /// Every visit.
    Always,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    pub at: At,
    pub goes: Goes,
    pub when: When,
}

/// The real effects, struck.
pub(super) struct Faulty<'a> {
    real: Real<'a>,
    strikes: &'a [Strike],
    visits: Mutex<BTreeMap<At, usize>>,
    struck: Mutex<Vec<bool>>,
    /// The driver is dead: drop it.
    pub(super) died: Notify,
}

impl<'a> Faulty<'a> {
    pub(super) fn new(app: &'a App, strikes: &'a [Strike]) -> Self {
        Self {
            real: Real::new(app),
            strikes,
            visits: Mutex::default(),
            struck: Mutex::new(vec![false; strikes.len()]),
            died: Notify::new(),
        }
    }

    /// Which of the strikes struck.
    pub(super) fn struck(&self) -> Vec<bool> {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn found(&self, at: At) -> Option<(usize, Goes)> {
        let visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        let visit = visits.get(&at).copied().unwrap_or(0);
        self.strikes.iter().enumerate().find_map(|(index, strike)| {
            let due = strike.when == When::Always || strike.when == When::Nth(visit);
            (strike.at == at && due).then_some((index, strike.goes))
        })
    }

    /// What goes wrong at this visit, which is counted.
    fn visit(&self, at: At) -> Option<Goes> {
        let found = self.found(at);
        *self.visits.lock().unwrap_or_else(PoisonError::into_inner).entry(at).or_default() += 1;
        let (index, goes) = found?;
        if let Some(struck) =
            self.struck.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index)
        {
            *struck = true;
        }
        Some(goes)
    }

    /// The driver does nothing any more.
    async fn die(&self) -> ! {
        self.died.notify_one();
        std::future::pending().await
    }

    /// What a second driver would hold that saw the same state.
    async fn same_again(&self, id: &ChangeId) -> Grant {
        let loaded = self.real.app.load_change(id).await.unwrap();
        Grant::mint(id, &loaded.change, self.real.app.now()).unwrap()
    }
}

fn failed() -> Outcome {
    Outcome::Failed("struck: not done".to_owned())
}

fn lost() -> Outcome {
    Outcome::Unknown("struck: no reply".to_owned())
}

impl Effects for Faulty<'_> {
    async fn prepare(
        &self,
        loaded: &Loaded,
        step: &Step,
        batch: &mut Batch,
    ) -> Result<Prepared, String> {
        match self.visit(At::Prepare) {
            None => self.real.prepare(loaded, step, batch).await,
            Some(Goes::Fails) => Err("struck: cannot be prepared".to_owned()),
            Some(Goes::CrashBefore) => self.die().await,
            Some(Goes::CrashAfter) => {
                self.real.prepare(loaded, step, batch).await.unwrap();
                self.die().await
            }
            Some(other) => unreachable!("{other:?} has no meaning here"),
        }
    }

    async fn apply(&self, grant: Grant, prepared: &Prepared) -> Applied {
        match self.visit(At::Apply) {
            None => self.real.apply(grant, prepared).await,
            Some(Goes::Fails) => failed().into(),
            Some(Goes::CrashBefore) => self.die().await,
            Some(Goes::CrashAfter) => {
                self.real.apply(grant, prepared).await;
                self.die().await
            }
            Some(Goes::LostWithEffect) => {
                self.real.apply(grant, prepared).await;
                lost().into()
            }
            Some(Goes::LostWithoutEffect) => lost().into(),
            Some(Goes::Twice) => {
                let again = self.same_again(grant.change()).await;
                self.real.apply(grant, prepared).await;
                self.real.apply(again, prepared).await
            }
        }
    }

    async fn undo(&self, grant: Grant, touched: &Touched) -> Applied {
        match self.visit(At::Undo) {
            None => self.real.undo(grant, touched).await,
            Some(Goes::Fails) => failed().into(),
            Some(Goes::CrashBefore) => self.die().await,
            Some(Goes::CrashAfter) => {
                self.real.undo(grant, touched).await;
                self.die().await
            }
            Some(Goes::LostWithEffect) => {
                self.real.undo(grant, touched).await;
                lost().into()
            }
            Some(Goes::LostWithoutEffect) => lost().into(),
            Some(Goes::Twice) => {
                let again = self.same_again(grant.change()).await;
                self.real.undo(grant, touched).await;
                self.real.undo(again, touched).await
            }
        }
    }

    async fn verify(&self, id: &ChangeId, plan: &Plan, done: &[Touched]) -> Outcome {
        match self.visit(At::Verify) {
            None => self.real.verify(id, plan, done).await,
            Some(Goes::Fails) => failed(),
            Some(Goes::CrashBefore) => self.die().await,
            Some(Goes::CrashAfter) => {
                self.real.verify(id, plan, done).await;
                self.die().await
            }
            Some(Goes::LostWithEffect) => {
                self.real.verify(id, plan, done).await;
                lost()
            }
            Some(Goes::LostWithoutEffect) => lost(),
            Some(Goes::Twice) => {
                self.real.verify(id, plan, done).await;
                self.real.verify(id, plan, done).await
            }
        }
    }

    fn verify_at_once(&self, plan: &Plan, done: &[Touched]) -> Option<Outcome> {
        let seen = self.real.verify_at_once(plan, done)?;
        match self.found(At::Verify) {
            None => {
                self.visit(At::Verify);
                Some(seen)
            }
            Some((_, Goes::Fails)) => {
                self.visit(At::Verify);
                Some(failed())
            }
            // Left to the turn of its own, where a driver can die.
            Some(_) => None,
        }
    }

    async fn accompany(&self, loaded: &Loaded, batch: &mut Batch) -> Result<(), Fault> {
        match self.visit(At::Append) {
            None => self.real.accompany(loaded, batch).await,
            Some(Goes::Fails) => Err(Fault::Busy { message: "struck: not stored".to_owned() }),
            Some(Goes::CrashBefore) => self.die().await,
            Some(other) => unreachable!("{other:?} has no meaning here"),
        }
    }

    async fn committed(&self, loaded: &Loaded) -> Result<(), Fault> {
        match self.visit(At::Appended) {
            None => self.real.committed(loaded).await,
            Some(Goes::CrashBefore) => self.die().await,
            Some(other) => unreachable!("{other:?} has no meaning here"),
        }
    }
}
