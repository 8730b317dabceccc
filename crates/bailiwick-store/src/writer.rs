//! The one writer of a process: it takes batches off a queue and commits them in groups.
//!
//! A durable commit costs a wait for the disk; a group costs one wait. While the disk works, the next
//! group gathers. Each batch stands behind a savepoint, so one that fails takes nobody along.

mod expect;
mod group;
mod leaves;
mod resolve;
mod work;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::record::{Batch, Expect};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::commit::{self, CommitError, Committed, Conflict, Unavailable, Unknown};
use crate::db::{Db, Lock};
use crate::error::{DbError, StoreError};
use crate::kept::Kept;
use crate::open::{CheckpointSigner, Clock, SignFailed};

use group::{Group, Sealed};
use resolve::Found;

/// Batches that wait at most. Beyond, callers are told that the store is busy: at 1,000 commits a
/// second this is a second of waiting.
pub(crate) const QUEUE_MAX: usize = 1_024;

/// Batches of one group at most.
const GROUP_BATCHES_MAX: usize = 256;

/// How long one group gathers at most; its first batch waits that long.
const GROUP_MS_MAX: u64 = 50;

/// How far apart groups begin while batches come in a crowd: a commit costs nearly as much for twenty as
/// for one, in time of the processor and in pages that are written. Whoever commits alone never waits.
const PACE_MS: u64 = 5;

/// What the writer is asked to do.
pub(crate) enum Job {
    /// Commit a batch.
    Commit(Pending),
    /// Finish what came before, then end.
    Stop,
}

/// A batch that waits for its group.
pub(crate) struct Pending {
    pub(crate) batch: Batch,
    /// The entries as octets, with the times they came with.
    pub(crate) bodies: Vec<Vec<u8>>,
    reply: oneshot::Sender<Result<Committed, CommitError>>,
}

impl Pending {
    /// Checks and spells everything that needs no database, in the caller's task.
    pub(crate) fn new(
        batch: Batch,
        reply: oneshot::Sender<Result<Committed, CommitError>>,
    ) -> Result<Self, CommitError> {
        commit::check_sizes(&batch)?;
        let bodies =
            batch.entries.iter().map(bailiwick_wire::record::encode).collect::<Result<_, _>>()?;
        Ok(Self { batch, bodies, reply })
    }

    fn answer(self, result: Result<Committed, CommitError>) {
        if self.reply.send(result).is_err() {
            tracing::debug!("nobody waits for a commit any more");
        }
    }
}

/// Why a batch or a whole group came to nothing.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// This batch only.
    Expectation(Box<Expect>),
    /// This batch only.
    Conflict(Conflict),
    /// This batch only.
    NotStorable(bailiwick_wire::record::NotStorable),
    /// The transaction is of no use any more.
    Broken(Unavailable),
}

impl From<DbError> for Rejected {
    fn from(why: DbError) -> Self {
        Self::Broken(Unavailable::Database(why))
    }
}

impl From<SignFailed> for Rejected {
    fn from(why: SignFailed) -> Self {
        Self::Broken(Unavailable::Signer(why))
    }
}

impl From<Conflict> for Rejected {
    fn from(why: Conflict) -> Self {
        Self::Conflict(why)
    }
}

impl From<StoreError> for Rejected {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Database(why) => why.into(),
            StoreError::Damaged(_) => Self::Broken(Unavailable::Damaged(why)),
        }
    }
}

impl From<Rejected> for CommitError {
    fn from(why: Rejected) -> Self {
        match why {
            Rejected::Expectation(expect) => Self::Expectation(expect),
            Rejected::Conflict(conflict) => Self::Conflict(conflict),
            Rejected::NotStorable(why) => why.into(),
            Rejected::Broken(why) => Self::Unavailable(why),
        }
    }
}

/// The writer's task.
pub(crate) struct Writer {
    pub(crate) db: Db,
    pub(crate) signer: Arc<dyn CheckpointSigner>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) last_at: Arc<AtomicI64>,
    pub(crate) kept: Arc<Kept>,
    /// Names this process in table `writer`.
    pub(crate) id: String,
    /// How many groups it tried to commit.
    pub(crate) commits: i64,
    /// When the next group begins, where the last one was of more than one batch.
    pub(crate) pace: Option<Instant>,
    /// Held as long as anything can be written.
    pub(crate) _lock: Option<Arc<Lock>>,
}

/// What became of the batches of one transaction, as long as it is not committed.
#[derive(Default)]
struct Seen {
    /// In the transaction, with the index of the first leaf.
    accepted: Vec<(Pending, LeafIndex)>,
    /// Turned away by what stands before them, some of which may be in this transaction only. They are told
    /// when it is committed: then whoever looks again sees why, and nobody is refused by what never was.
    rejected: Vec<(Pending, CommitError)>,
}

impl Seen {
    fn len(&self) -> usize {
        self.accepted.len().saturating_add(self.rejected.len())
    }

    /// All of them, to be tried again or told something else.
    fn into_pending(self) -> impl Iterator<Item = Pending> {
        let accepted = self.accepted.into_iter().map(|(pending, _)| pending);
        accepted.chain(self.rejected.into_iter().map(|(pending, _)| pending))
    }
}

impl Writer {
    /// Commits until the queue is closed or says to stop.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(Job::Commit(first)) = queue.recv().await {
            if let Some(pace) = self.pace.take() {
                // They gather meanwhile, without waking this thread one by one.
                tokio::time::sleep_until(pace).await;
            }
            let mut waiting = VecDeque::from([first]);
            let stop = self.group(&mut waiting, Some(&mut queue)).await;
            // Batches left over belonged to a transaction that broke: now each gets its own, so
            // that only the one at fault fails.
            while !waiting.is_empty() {
                self.group(&mut waiting, None).await;
            }
            if stop {
                break;
            }
        }
        queue.close();
        while let Some(left) = queue.recv().await {
            if let Job::Commit(pending) = left {
                pending.answer(Err(Unavailable::Stopped.into()));
            }
        }
    }

    /// Commits one group. Without a queue: of one batch. Batches that are to be tried again alone
    /// are left in `waiting`. Says whether the queue said to stop.
    async fn group(
        &mut self,
        waiting: &mut VecDeque<Pending>,
        mut queue: Option<&mut mpsc::Receiver<Job>>,
    ) -> bool {
        let until = Instant::now() + Duration::from_millis(GROUP_MS_MAX);
        let pace = Instant::now() + Duration::from_millis(PACE_MS);
        let mut stop = false;
        let mut group: Option<Group> = None;
        let mut seen = Seen::default();
        while let Some(pending) = waiting.pop_front() {
            let mut open = match group.take() {
                Some(group) => group,
                None => match Group::begin(&self.db, self.clock.now()).await {
                    Ok(group) => group,
                    Err(why) => {
                        pending.answer(Err(why.into()));
                        return stop | queue.is_some_and(refuse_waiting);
                    }
                },
            };
            match open.add(&pending).await {
                Ok(first_index) => {
                    seen.accepted.push((pending, first_index));
                    group = Some(open);
                }
                Err(Rejected::Broken(why)) => {
                    self.broken(pending, seen, why, waiting);
                    return stop;
                }
                Err(why) if seen.accepted.is_empty() => {
                    pending.answer(Err(why.into()));
                    // A first batch has no savepoint: the group begins anew without it.
                    group = open.end().await;
                }
                Err(why) => {
                    seen.rejected.push((pending, why.into()));
                    group = Some(open);
                }
            }
            let full = seen.len() >= GROUP_BATCHES_MAX || Instant::now() >= until;
            if let Some(queue) = queue.as_mut().filter(|_| !full && !stop) {
                match queue.try_recv() {
                    Ok(Job::Commit(next)) => waiting.push_back(next),
                    Ok(Job::Stop) => stop = true,
                    // Nobody waits now; whoever closed the queue is seen at the next group.
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
                }
            } else if queue.is_none() {
                break;
            }
        }
        self.pace = (seen.len() > 1).then_some(pace);
        if let Some(group) = group {
            self.finish(group, seen, waiting).await;
        }
        stop
    }

    /// Signs and commits what the group holds.
    async fn finish(&mut self, group: Group, mut seen: Seen, waiting: &mut VecDeque<Pending>) {
        self.commits = self.commits.saturating_add(1);
        let sealed = match group.seal(self.signer.as_ref(), &self.id, self.commits).await {
            Ok(sealed) => sealed,
            Err(why) => return self.all_broken(seen, why, waiting),
        };
        let Sealed { tx, head, last_at, touched } = sealed;
        match tx.commit().await {
            Ok(()) => {}
            Err(why) if resolve::surely_not_committed(self.db.engine(), &why) => {
                return self.all_broken(seen, Unavailable::Database(why), waiting);
            }
            Err(why) => match resolve::look(&self.db, &self.id, self.commits).await {
                Found::Committed => {}
                Found::NotCommitted => {
                    return self.all_broken(seen, Unavailable::Database(why), waiting);
                }
                Found::Nothing => {
                    self.kept.forget();
                    let mut why = Some(why);
                    for pending in seen.into_pending() {
                        // The engine's own words go to the first; they cannot be cloned.
                        let cause = why.take().unwrap_or_else(resolve::no_answer);
                        pending.answer(Err(CommitError::Unknown(Unknown::NoAnswer(cause))));
                    }
                    return;
                }
            },
        }
        self.last_at.fetch_max(last_at.unix_ms(), Ordering::AcqRel);
        let work = seen.accepted.iter_mut().flat_map(|(pending, _)| pending.batch.work.drain(..));
        self.kept.committed(touched, work);
        for (pending, first_index) in seen.accepted {
            let committed = Committed { first_index, size_after: head.size, root: head.root };
            pending.answer(Ok(committed));
        }
        for (pending, why) in seen.rejected {
            pending.answer(Err(why));
        }
    }

    /// Tells the one at fault, and tries the others again alone.
    fn broken(
        &self,
        pending: Pending,
        seen: Seen,
        why: Unavailable,
        waiting: &mut VecDeque<Pending>,
    ) {
        let batches = seen.len().saturating_add(1);
        tracing::error!(%why, batches, "a group of commits was taken back");
        let lost = matches!(why, Unavailable::Database(DbError::Lost(_)));
        pending.answer(Err(why.into()));
        let others = seen.into_pending();
        if lost { others.for_each(refuse) } else { waiting.extend(others) }
    }

    /// A whole group failed: a lone batch is told so, several are tried again alone.
    fn all_broken(&self, seen: Seen, why: Unavailable, waiting: &mut VecDeque<Pending>) {
        tracing::error!(%why, batches = seen.len(), "a group of commits was taken back");
        let lost = matches!(why, Unavailable::Database(DbError::Lost(_)));
        let mut all: Vec<Pending> = seen.into_pending().collect();
        if all.len() > 1 && !lost {
            waiting.extend(all);
        } else if let Some(last) = all.pop() {
            last.answer(Err(why.into()));
            all.into_iter().for_each(refuse);
        }
    }
}

/// Tells one that the database cannot be reached. The engine's own words went to another.
fn refuse(pending: Pending) {
    pending.answer(Err(Unavailable::Database(resolve::no_answer()).into()));
}

/// Tells all that wait now: a database that cannot be reached answers each only after a long wait.
/// Says whether the queue said to stop.
fn refuse_waiting(queue: &mut mpsc::Receiver<Job>) -> bool {
    let mut stop = false;
    for _ in 0..QUEUE_MAX {
        match queue.try_recv() {
            Ok(Job::Commit(pending)) => refuse(pending),
            Ok(Job::Stop) => stop = true,
            Err(_) => break,
        }
    }
    stop
}
