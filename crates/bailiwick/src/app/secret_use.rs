//! Secrets of the house: sealed by anybody, opened only for whoever holds a warrant to exactly this one
//! (requirement TRW-7). Which one, for which step of which change or which chore, is in the ledger
//! before it is opened. If the ledger cannot be written, it stays closed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bailiwick_connect::keys::{KeyFault, SecretBytes};
use bailiwick_core::change::Warrant;
use bailiwick_core::gate::{SealedSecret, SecretUse};
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::DAY_MS;

use super::App;
use crate::fault::Fault;

/// Uses that are remembered as noted; beyond, all are forgotten and noted once more.
const NOTED_MAX: usize = 10_000;

/// Uses that stand in the ledger already: a step opens the same secret many times, and that it was
/// opened for this step is said once. A chore says so once a day.
#[derive(Default)]
pub(crate) struct NotedUses(Mutex<BTreeSet<Use>>);

/// For which change and what, which secret, and for a chore the day.
type Use = (Option<ChangeId>, &'static str, SealedSecret, i64);

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
    /// A secret that was handed in or made, opened.
    pub(crate) async fn secret(
        &self,
        warrant: &Warrant,
        secret: &SealedSecret,
    ) -> Result<Option<SecretBytes>, Fault> {
        let Some(sealed) = self.store.sealed(secret).await? else { return Ok(None) };
        if warrant.opens(secret, self.now()) {
            self.note_use(warrant, secret).await?;
        }
        self.sealer.open_secret(warrant, secret, &sealed, self.now()).map(Some).map_err(|cause| {
            let message = cause.to_string();
            // A grant that was too slow; the next turn of the driver has another.
            let is_late = matches!(cause, KeyFault::NoWarrant { .. });
            if is_late { Fault::Busy { message } } else { Fault::Damaged { message } }
        })
    }

    /// Whether a secret was handed in. Nothing is opened.
    pub(crate) async fn has_secret(&self, secret: &SealedSecret) -> Result<bool, Fault> {
        Ok(self.store.sealed(secret).await?.is_some())
    }

    /// A secret as it is stored.
    pub(crate) fn sealed_secret(&self, secret: SealedSecret, octets: &[u8]) -> Result<Work, Fault> {
        let sealed = self.sealer.seal_secret(&secret, octets);
        let sealed = sealed.map_err(|cause| Fault::bug(cause.to_string()))?;
        Ok(Work::PutSealed { secret, sealed })
    }

    /// Puts down that a secret is about to be opened.
    async fn note_use(&self, warrant: &Warrant, secret: &SealedSecret) -> Result<(), Fault> {
        let now = self.now();
        let day = if warrant.is_of_step() { 0 } else { now.unix_ms().div_euclid(DAY_MS) };
        let key = (warrant.change().cloned(), warrant.what(), secret.clone(), day);
        if !self.noted_uses.is_new(key.clone()) {
            return Ok(());
        }
        let used = SecretUse {
            purpose: secret.purpose().to_owned(),
            name: secret.name(),
            change: warrant.change().cloned(),
            step: warrant.what().to_owned(),
        };
        let entry = Entry { at: now, by: warrant.by(), fact: Fact::SecretUsed(Box::new(used)) };
        let noted = self.commit(Batch { entries: vec![entry], ..Batch::default() }).await;
        if noted.is_err() {
            self.noted_uses.forget(&key);
        }
        noted.map(drop)
    }
}
