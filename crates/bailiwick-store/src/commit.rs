//! Committing: whole or not at all, together with others, under one signed checkpoint.

use std::fmt;

use bailiwick_core::ledger::{LeafIndex, RootHash, TreeSize};
use bailiwick_core::names::{
    CertFingerprint, CertSerial, ChangeId, CredentialId, Digest, EnvelopeId, IssuerId,
};
use bailiwick_core::record::{Batch, Expect, Work};
use bailiwick_core::time::Time;
use bailiwick_wire::record::NotStorable;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use crate::error::{DbError, StoreError};
use crate::open::{SignFailed, Store};
use crate::writer::{Job, Pending};

/// Leaves of one batch at most: it shares its transaction with others.
pub(crate) const BATCH_ENTRIES_MAX: usize = 1_024;

/// Octets of one piece of evidence at most. The largest kinds are estates and CRLs.
pub(crate) const EVIDENCE_OCTETS_MAX: usize = 32 * 1024 * 1024;

/// Where a batch came to stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Committed {
    /// The index of its first leaf; the next free one when it had none.
    pub first_index: LeafIndex,
    /// The size of the checkpoint that covers it.
    pub size_after: TreeSize,
    /// The root of that checkpoint.
    pub root: RootHash,
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something that had to hold does not. Nothing was stored.
    #[error("{}", expectation(.0))]
    Expectation(Box<Expect>),
    /// It contradicts what is stored. Nothing was stored.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// It is too large. Nothing was stored.
    #[error("{what} is too large: {have} of {max} allowed; store what is large as evidence")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much it has.
        have: usize,
        /// How much is allowed.
        max: usize,
    },
    /// It holds something that cannot be stored. Nothing was stored.
    #[error(transparent)]
    NotStorable(NotStorable),
    /// It cannot be stored now. Nothing was stored.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Nobody knows whether it was stored. Read before trying again.
    #[error(transparent)]
    Unknown(Unknown),
}

/// Why nothing can be stored now.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// Too many are waiting.
    #[error("too many commits are waiting; try again in a moment")]
    Busy,
    /// The store was opened for reading only.
    #[error("the store was opened for reading only; use the running Bailiwick to change it")]
    ReadOnly,
    /// The store was closed.
    #[error("the store is closed; start Bailiwick again")]
    Stopped,
    /// The engine.
    #[error("nothing was stored: {0}")]
    Database(#[from] DbError),
    /// The checkpoint.
    #[error("nothing was stored: {0}")]
    Signer(#[from] SignFailed),
    /// What is stored is damaged.
    #[error("nothing was stored: {0}")]
    Damaged(StoreError),
}

/// Why it is not known whether a batch was stored.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The engine did not answer the commit, and could not be asked afterwards.
    #[error("the database did not say whether it stored this; read again before trying again")]
    NoAnswer(#[source] DbError),
    /// The writer ended in the middle.
    #[error("the writer of the store ended in the middle; restart Bailiwick and read again")]
    WriterGone,
}

/// What a batch contradicts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Conflict {
    /// There is such a row already.
    #[error("`{table}` `{key}` exists already; choose another id")]
    Exists {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
    },
    /// There is no such row.
    #[error("`{table}` `{key}` does not exist; check the id")]
    Missing {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
    },
    /// The token was shown before.
    #[error("the token was used already; get a fresh one")]
    TokenSpent,
    /// The envelope got other bounds meanwhile.
    #[error("envelope `{id}` reaches otherwise than when this was planned; look at it again")]
    EnvelopeMoved {
        /// Which.
        id: EnvelopeId,
    },
    /// The change got another event meanwhile.
    #[error("change `{id}` does not have exactly {events} events; load it again")]
    ChangeMoved {
        /// Which.
        id: ChangeId,
        /// How many events it should have had.
        events: u32,
    },
    /// An approval ran out between the decision and the commit.
    #[error("an approval of change `{id}` expired meanwhile; ask for it again")]
    ApprovalExpired {
        /// Which change.
        id: ChangeId,
    },
    /// The issuer used that serial already.
    #[error("issuer `{issuer}` used serial `{serial}` already; choose another")]
    SerialUsed {
        /// Which issuer.
        issuer: IssuerId,
        /// Which serial.
        serial: CertSerial,
    },
    /// That certificate is stored already.
    #[error("certificate `{fingerprint}` is stored already")]
    CertificateKnown {
        /// Which.
        fingerprint: CertFingerprint,
    },
    /// Another account has that key.
    #[error(
        "the key with thumbprint `{thumbprint}` belongs to another account; use that or another key"
    )]
    AccountKeyUsed {
        /// Which key.
        thumbprint: String,
    },
    /// The credential does not exist, was revoked, or has bound an account already.
    #[error("credential `{id}` cannot bind an account; ask for a new one")]
    CredentialUnusable {
        /// Which.
        id: CredentialId,
    },
    /// The envelope does not exist.
    #[error("envelope `{id}` does not exist; request one")]
    NoEnvelope {
        /// Which.
        id: EnvelopeId,
    },
    /// A CRL with that or a higher number was published.
    #[error(
        "issuer `{issuer}` published CRL {number} or a later one already; take a higher number"
    )]
    CrlNumber {
        /// Which issuer.
        issuer: IssuerId,
        /// Which number.
        number: u64,
    },
    /// The link does not exist, is over or was used.
    #[error("the sign-in link was used already or is over; ask for a new one")]
    LinkSpent,
    /// The octets are not those that the digest names.
    #[error("evidence `{digest}` has other octets than its digest says; this is a bug, report it")]
    EvidenceDigest {
        /// The digest.
        digest: Digest,
    },
    /// A text holds a NUL character, which PostgreSQL cannot store.
    #[error("a text holds a NUL character; leave it out")]
    Nul,
    /// A leaf is from the future.
    #[error("an entry says {at}, and it is {now}; set the clock")]
    Future {
        /// What it says.
        at: Time,
        /// What time it is.
        now: Time,
    },
}

fn expectation(expect: &Expect) -> String {
    match expect {
        Expect::ChangeAt { id, events } => {
            format!("change `{id}` does not have exactly {events} events; load it again")
        }
        Expect::OrderIs { id, status } => {
            format!("order `{id}` is not `{}` any more; load it again", status.as_str())
        }
        Expect::AccountHasKey { id, .. } => {
            format!("account `{id}` ended or got another key meanwhile; sign with that")
        }
        Expect::NotReplaced { certificate, .. } => {
            format!("another order replaces certificate `{certificate}` already; order without it")
        }
        Expect::EnvelopeUsable { id, .. } => {
            format!("envelope `{id}` is over or used up; request another")
        }
        Expect::EstateIs(Some(digest)) => {
            format!("estate `{digest}` is not the active one any more; plan again")
        }
        Expect::EstateIs(None) => "there is an active estate already; plan again".to_owned(),
        Expect::LeaseHeld { name, fence } => {
            format!("lease `{name}` is not held under number {fence} any more; stop this work")
        }
    }
}

impl fmt::Display for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leaf {} under checkpoint {}", self.first_index, self.size_after)
    }
}

impl Store {
    /// Stores a batch whole, durable when this returns, or not at all.
    ///
    /// Batches that arrive together share a transaction and a checkpoint, and still succeed or fail
    /// one by one. An entry's time is moved forward where the ledger is later already. When the
    /// returned future is dropped, the batch may still be stored.
    ///
    /// # Errors
    /// [`CommitError`]; only after [`CommitError::Unknown`] something may have been stored.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let jobs = self.inner.jobs.as_ref().ok_or(Unavailable::ReadOnly)?;
        let (reply, answer) = oneshot::channel();
        let pending = Pending::new(batch, reply)?;
        jobs.try_send(Job::Commit(pending)).map_err(|why| match why {
            TrySendError::Full(_) => Unavailable::Busy,
            TrySendError::Closed(_) => Unavailable::Stopped,
        })?;
        answer.await.unwrap_or(Err(CommitError::Unknown(Unknown::WriterGone)))
    }
}

/// Checks what needs no database.
pub(crate) fn check_sizes(batch: &Batch) -> Result<(), CommitError> {
    let have = batch.entries.len();
    if have > BATCH_ENTRIES_MAX {
        return Err(CommitError::TooLarge { what: "the batch", have, max: BATCH_ENTRIES_MAX });
    }
    for work in &batch.work {
        if let Work::PutEvidence { digest, octets, .. } = work {
            if octets.len() > EVIDENCE_OCTETS_MAX {
                let (what, have) = ("the evidence", octets.len());
                return Err(CommitError::TooLarge { what, have, max: EVIDENCE_OCTETS_MAX });
            }
            if Digest::of(octets) != *digest {
                return Err(Conflict::EvidenceDigest { digest: *digest }.into());
            }
        }
    }
    Ok(())
}

impl From<NotStorable> for CommitError {
    fn from(why: NotStorable) -> Self {
        if let NotStorable::TooLarge { octets } = why {
            let max = bailiwick_wire::record::ENTRY_OCTETS_MAX;
            return Self::TooLarge { what: "the entry", have: octets, max };
        }
        Self::NotStorable(why)
    }
}
