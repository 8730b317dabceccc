//! One transaction with the batches of one group.

use bailiwick_core::change::{Change, Event};
use bailiwick_core::ledger::{Frontier, LeafIndex, TreeHead};
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::{Batch, Entry, Expect, Fact, Notice, Row};
use bailiwick_core::time::{MINUTE_MS, Time};

use crate::commit::{Conflict, Unavailable};
use crate::db::{Db, Reader, Sql, Tx, args};
use crate::error::DbError;
use crate::kept::Touched;
use crate::open::{self, CheckpointSigner};
use crate::rows;

use super::leaves::{self, Leaf};
use super::{Pending, Rejected, expect, work};

/// How far ahead of the clock an entry may be: one slip of a clock must not hold all later times.
const FUTURE_MS_MAX: i64 = MINUTE_MS;

/// Locks the head, so that leaves have one order among all processes.
const HEAD: Sql = Sql::Both {
    sqlite: "SELECT size, frontier, last_at FROM ledger_head WHERE one = 1",
    postgres: "SELECT size, frontier, last_at FROM ledger_head WHERE one = 1 FOR UPDATE",
};

/// A transaction that is open.
pub(super) struct Group {
    tx: Tx,
    now: Time,
    frontier: Frontier,
    last_at: Time,
    leaves: Vec<Leaf>,
    batches: u32,
    touched: Touched,
}

/// A transaction that only has to be committed.
pub(super) struct Sealed {
    pub(super) tx: Tx,
    pub(super) head: TreeHead,
    pub(super) last_at: Time,
    pub(super) touched: Touched,
}

impl Group {
    /// Begins, and locks the head of the ledger.
    pub(super) async fn begin(db: &Db, now: Time) -> Result<Self, Rejected> {
        let mut tx = db.begin().await?;
        let (frontier, last_at) = open::head(&mut tx, HEAD).await?;
        let (leaves, touched) = (Vec::new(), Touched::default());
        Ok(Self { tx, now, frontier, last_at, leaves, batches: 0, touched })
    }

    /// Puts one batch in; gives the index of its first leaf. When it is rejected and not the
    /// first, the group is as it was before. The first one has no savepoint.
    pub(super) async fn add(&mut self, pending: &Pending) -> Result<LeafIndex, Rejected> {
        let first_index = self.next_index()?;
        let (leaves, last_at) = (self.leaves.len(), self.last_at);
        let certificates = self.touched.certificates.len();
        let nested = self.batches > 0;
        if nested {
            self.tx.exec("SAVEPOINT batch", &[]).await?;
        }
        match self.put(pending).await {
            Ok(()) => {}
            Err(why @ Rejected::Broken(_)) => return Err(why),
            Err(why) => {
                if nested {
                    self.tx.exec("ROLLBACK TO SAVEPOINT batch", &[]).await?;
                    self.tx.exec("RELEASE SAVEPOINT batch", &[]).await?;
                }
                self.leaves.truncate(leaves);
                self.touched.certificates.truncate(certificates);
                self.last_at = last_at;
                return Err(why);
            }
        }
        if nested {
            self.tx.exec("RELEASE SAVEPOINT batch", &[]).await?;
        }
        self.batches = self.batches.saturating_add(1);
        Ok(first_index)
    }

    /// Takes back a transaction without batches; gives nothing.
    pub(super) async fn end(self) -> Option<Self> {
        if let Err(why) = self.tx.rollback().await {
            tracing::warn!(%why, "a connection is given up");
        }
        None
    }

    fn next_index(&self) -> Result<LeafIndex, Rejected> {
        let full = || Rejected::Broken(Unavailable::Stopped);
        let ahead = u64::try_from(self.leaves.len()).map_err(|_| full())?;
        let index = self.frontier.size().get().checked_add(ahead).ok_or_else(full)?;
        LeafIndex::new(index).map_err(|_| full())
    }

    async fn put(&mut self, pending: &Pending) -> Result<(), Rejected> {
        let batch = &pending.batch;
        for expected in &batch.expects {
            expect::check(&mut self.tx, expected, &batch.entries).await.map_err(per_batch)?;
        }
        let mut rows = Vec::new();
        for (entry, body) in batch.entries.iter().zip(&pending.bodies) {
            self.put_entry(entry, body, &mut rows).await.map_err(per_batch)?;
        }
        self.put_rows(rows).await.map_err(per_batch)?;
        for one in &batch.work {
            work::apply(&mut self.tx, one, self.now).await.map_err(per_batch)?;
        }
        for notice in &batch.notices {
            self.put_notice(notice).await.map_err(per_batch)?;
        }
        hold_envelopes(&mut self.tx, batch).await?;
        Ok(())
    }

    /// Writes the rows that the leaves of one batch cause: changes first, and what several events make of
    /// one of them once.
    async fn put_rows(&mut self, rows: Vec<(LeafIndex, Row)>) -> Result<(), Rejected> {
        let mut moves: Vec<rows::Moved> = Vec::new();
        for (index, row) in &rows {
            let Some(next) = rows::Moved::by(*index, row) else { continue };
            let last = moves.iter_mut().rev().find(|one| one.is_of(&next));
            let rest = match last {
                Some(last) => last.then(next),
                None => Some(next),
            };
            moves.extend(rest);
        }
        for one in &moves {
            one.apply(&mut self.tx).await?;
        }
        let is_move = |row: &Row| matches!(row, Row::OpenChange(_) | Row::MoveChange { .. });
        for (index, row) in rows.iter().filter(|(_, row)| !is_move(row)) {
            self.touched.note(row);
            rows::apply(&mut self.tx, *index, row).await?;
        }
        Ok(())
    }

    /// Makes a leaf, and says which rows it causes.
    async fn put_entry(
        &mut self,
        entry: &Entry,
        body: &[u8],
        rows: &mut Vec<(LeafIndex, Row)>,
    ) -> Result<(), Rejected> {
        let limit = self.now.plus_ms(FUTURE_MS_MAX);
        if entry.at > limit.max(self.last_at) {
            return Err(Conflict::Future { at: entry.at, now: self.now }.into());
        }
        let index = self.next_index()?;
        if entry.at >= self.last_at {
            self.last_at = entry.at;
            let caused = bailiwick_core::record::rows(entry);
            rows.extend(caused.into_iter().map(|row| (index, row)));
            self.leaves.push(Leaf::new(entry, body.to_vec()));
            return Ok(());
        }
        let moved = Entry { at: self.last_at, ..entry.clone() };
        let caused = bailiwick_core::record::rows(&moved);
        rows.extend(caused.into_iter().map(|row| (index, row)));
        let body = bailiwick_wire::record::encode(&moved).map_err(Rejected::NotStorable)?;
        self.leaves.push(Leaf::new(&moved, body));
        self.check_approval(&moved).await
    }

    /// An entry that was moved forward in time may have passed the end of an approval. Then what
    /// was decided does not follow from the leaves any more, and must not become one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other event has an end that can pass")]
    async fn check_approval(&mut self, moved: &Entry) -> Result<(), Rejected> {
        let Fact::Change { id, event, .. } = &moved.fact else { return Ok(()) };
        let by_people = match &**event {
            Event::ApprovalGiven(_) => true,
            Event::Approved(basis) => basis.approvals_needed > 0,
            _ => false,
        };
        if !by_people {
            return Ok(());
        }
        let mut events = stored_events(&mut self.tx, id).await?;
        let subject = moved.fact.subject();
        for leaf in self.leaves.iter().filter(|leaf| leaf.subject == subject) {
            events.extend(leaf.event(id));
        }
        match Change::replay(events) {
            Ok(_) => Ok(()),
            Err(_) => Err(Conflict::ApprovalExpired { id: id.clone() }.into()),
        }
    }

    async fn put_notice(&mut self, notice: &Notice) -> Result<(), Rejected> {
        self.tx
            .exec(
                "INSERT INTO outbox (id, at, person, subject, page, sent_at) \
                 SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, CAST(NULL AS BIGINT) FROM outbox",
                &args![self.now, &notice.to, &notice.subject, &notice.page],
            )
            .await?;
        Ok(())
    }

    /// Writes leaves, tiles, head and checkpoint, and the mark by which the commit is found again.
    pub(super) async fn seal(
        mut self,
        signer: &dyn CheckpointSigner,
        writer: &str,
        commits: i64,
    ) -> Result<Sealed, Unavailable> {
        let sealed = self.write(signer, writer, commits).await;
        match sealed {
            Ok(()) => Ok(Sealed {
                head: self.frontier.head(),
                last_at: self.last_at,
                touched: self.touched,
                tx: self.tx,
            }),
            Err(Rejected::Broken(why)) => Err(why),
            // Only a batch can be rejected otherwise, and they all were put in.
            Err(Rejected::Expectation(_) | Rejected::Conflict(_) | Rejected::NotStorable(_)) => {
                Err(Unavailable::Stopped)
            }
        }
    }

    async fn write(
        &mut self,
        signer: &dyn CheckpointSigner,
        writer: &str,
        commits: i64,
    ) -> Result<(), Rejected> {
        if !self.leaves.is_empty() {
            let (size_before, _) = self.frontier.to_parts();
            leaves::append(&mut self.tx, &mut self.frontier, &self.leaves).await?;
            let (size, roots) = self.frontier.to_parts();
            let head = "UPDATE ledger_head SET size = $1, frontier = $2, last_at = $3 \
                WHERE one = 1 AND size = $4";
            let given = args![size, roots, self.last_at, size_before];
            if self.tx.exec(head, &given).await? != 1 {
                return Err(Rejected::Broken(Unavailable::Stopped));
            }
            let root = self.frontier.root();
            let note = signer.sign(self.frontier.head())?;
            self.tx
                .exec(
                    "INSERT INTO checkpoint (size, root, note, at, n) \
                     SELECT $1, $2, $3, $4, COALESCE(MAX(n), 0) + 1 FROM checkpoint",
                    &args![size, &root, note, self.last_at],
                )
                .await?;
        }
        self.tx
            .exec(
                "INSERT INTO writer (id, commits, seen_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (id) DO UPDATE SET commits = excluded.commits, seen_at = excluded.seen_at",
                &args![writer, commits, self.now],
            )
            .await?;
        Ok(())
    }
}

/// A text that cannot be stored is the fault of its batch and was never sent.
fn per_batch(why: Rejected) -> Rejected {
    match why {
        Rejected::Broken(Unavailable::Database(DbError::Nul)) => Rejected::Conflict(Conflict::Nul),
        Rejected::Broken(_)
        | Rejected::Expectation(_)
        | Rejected::Conflict(_)
        | Rejected::NotStorable(_) => why,
    }
}

/// A batch that needs a use of an envelope, and is about a change, takes that use until the
/// certificate is there or the change is over.
async fn hold_envelopes(tx: &mut Tx, batch: &Batch) -> Result<(), Rejected> {
    let Some(change) = expect::change_of(&batch.entries) else { return Ok(()) };
    for expected in &batch.expects {
        if let Expect::EnvelopeUsable { id, .. } = expected {
            tx.exec(
                "INSERT INTO envelope_hold (envelope, change) VALUES ($1, $2) \
                 ON CONFLICT (envelope, change) DO NOTHING",
                &args![id, change],
            )
            .await?;
        }
    }
    Ok(())
}

async fn stored_events(tx: &mut Tx, id: &ChangeId) -> Result<Vec<(Event, Time)>, Rejected> {
    let rows = tx
        .all(
            "SELECT idx, body FROM entry WHERE subject = $1 ORDER BY idx",
            &args![format!("change/{id}")],
        )
        .await?;
    let mut events = Vec::new();
    for row in rows {
        let mut row = Reader::new("entry", row);
        let _index = row.int()?;
        let body = row.bytes()?;
        let entry = bailiwick_wire::record::decode(&body).map_err(|why| row.damaged(why))?;
        events.extend(leaves::event_of(&entry, id));
    }
    Ok(events)
}
