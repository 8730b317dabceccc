//! No provider's credential is opened unseen: which one, for which step of which change, is in the
//! ledger before it is opened (TRW-7). If the ledger cannot be written, it stays closed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::gate::SecretUse;
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::DAY_MS;

use super::App;
use crate::fault::Fault;

/// Uses that are remembered as noted; beyond, all are forgotten and noted once more.
const NOTED_MAX: usize = 10_000;

/// What a secret is opened for. It goes along with the task that does it, so that no way to a secret
/// can leave it out.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct UsedFor {
    /// The change.
    pub change: ChangeId,
    /// The kind of its step.
    pub step: &'static str,
}

tokio::task_local! {
    static FOR: UsedFor;
}

/// Does something for a step; secrets that it opens are put down to that step.
pub(crate) async fn used_for<F: Future>(what: UsedFor, does: F) -> F::Output {
    FOR.scope(what, does).await
}

/// Uses that stand in the ledger already: a step opens the same secret many times, and that it was
/// opened for this step is said once. A chore says so once a day.
#[derive(Default)]
pub(crate) struct NotedUses(Mutex<BTreeSet<Use>>);

/// For what, which secret, and for a chore the day.
type Use = (Option<UsedFor>, String, i64);

impl NotedUses {
    /// Whether this use is noted; from now on it is.
    fn is_new(&self, key: Use) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert(key)
    }

    fn forget(&self, key: &Use) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl App {
    /// Puts down that a secret is about to be opened.
    pub(super) async fn note_use(&self, purpose: &str, name: &str) -> Result<(), Fault> {
        let now = self.now();
        let what = FOR.try_with(Clone::clone).ok();
        let day = if what.is_some() { 0 } else { now.unix_ms().div_euclid(DAY_MS) };
        let key = (what.clone(), format!("{purpose}/{name}"), day);
        if !self.noted_uses.is_new(key.clone()) {
            return Ok(());
        }
        let used = SecretUse {
            purpose: purpose.to_owned(),
            name: name.to_owned(),
            change: what.as_ref().map(|what| what.change.clone()),
            step: what.map_or("a chore", |what| what.step).to_owned(),
        };
        let by = Actor::Component(Component::Driver);
        let entry = Entry { at: now, by, fact: Fact::SecretUsed(Box::new(used)) };
        let noted = self.commit(Batch { entries: vec![entry], ..Batch::default() }).await;
        if noted.is_err() {
            self.noted_uses.forget(&key);
        }
        noted.map(drop)
    }
}
