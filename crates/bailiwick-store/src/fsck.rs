//! Whether everything stored follows from the ledger: makes the rows again and compares.
//!
//! Whether the ledger itself is whole is asked of [`Store::audit`]. Entries are read in pages; the
//! rows go into a scratch database on disk; in memory are only the changes that are not over yet.

mod entries;
mod tables;
mod work;

use bailiwick_core::record::Mismatch;

use crate::db::{Cell, Copy, Db, Engine, Tx};
use crate::error::{DbError, StoreError};
use crate::open::{OpenError, Store};
use crate::schema;

/// Mismatches reported at most: beyond, one knows enough.
const MISMATCHES_MAX: usize = 1_000;

/// Rows read at once.
const PAGE: u32 = 500;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Mismatch>);

impl Findings {
    pub(crate) fn add(&mut self, table: &'static str, key: impl ToString, what: impl ToString) {
        if !self.is_full() {
            self.0.push(Mismatch { table, key: key.to_string(), what: what.to_string() });
        }
    }

    pub(crate) fn into_all(self) -> Vec<Mismatch> {
        self.0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MISMATCHES_MAX
    }

    /// Takes damage as a finding; anything else ends the search.
    pub(crate) fn or_damage<T>(
        &mut self,
        read: Result<T, StoreError>,
    ) -> Result<Option<T>, DbError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Damaged(mismatch)) => {
                if !self.is_full() {
                    self.0.push(mismatch);
                }
                Ok(None)
            }
            Err(StoreError::Database(why)) => Err(why),
        }
    }
}

impl Store {
    /// Compares everything stored with what the ledger says, and gives every difference, at most
    /// 1,000. Reads one moment of the store, which may go on.
    ///
    /// Secrets and their hashes, links, leases and notices are no part of the ledger and are not
    /// compared; orders and authorizations only with themselves and the leaf that let them in.
    ///
    /// # Errors
    /// [`StoreError`] when the store or the scratch database cannot be used.
    pub async fn fsck(&self) -> Result<Vec<Mismatch>, StoreError> {
        let io = |why| DbError::Lost(Box::new(why));
        let place = Copy::empty().map_err(io)?;
        let scratch = Db::scratch(&place.path()).map_err(scratch_failed)?;
        let mut ours = scratch.begin().await?;
        schema::create(&mut ours, scratch.engine()).await?;
        let mut theirs = self.inner.db.snapshot().await?;
        let mut found = Findings::default();
        let checked = check(&mut theirs, &mut ours, self.engine(), &mut found).await;
        theirs.rollback().await?;
        ours.commit().await?;
        scratch.close().await;
        match checked {
            Err(StoreError::Database(DbError::Corrupt(why))) => {
                found.add("file", "1", format!("it cannot be read further: {why}"));
            }
            checked => checked?,
        }
        Ok(found.into_all())
    }
}

async fn check(
    theirs: &mut Tx,
    ours: &mut Tx,
    engine: Engine,
    found: &mut Findings,
) -> Result<(), StoreError> {
    if engine == Engine::Sqlite {
        for row in theirs.all("PRAGMA integrity_check(100)", &[]).await? {
            match row.into_iter().next() {
                Some(Cell::Text(text)) if text == "ok" => {}
                Some(said) => found.add("file", "1", said),
                None => {}
            }
        }
    }
    entries::replay(theirs, ours, found).await?;
    tables::compare(theirs, ours, found).await?;
    work::check(theirs, found).await?;
    Ok(())
}

fn scratch_failed(why: OpenError) -> StoreError {
    DbError::Lost(Box::new(std::io::Error::other(why))).into()
}
