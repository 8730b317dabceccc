//! When the engine did not say whether it committed: it is asked again.

use std::time::Duration;

use crate::db::{Db, Engine, Reader, args};
use crate::error::{DbError, StoreError};

/// How often it is asked.
const TRIES: u32 = 6;

/// How long after the first time it is asked again; each time twice as long. 6 s in all, which
/// a restart of the server takes.
const FIRST_WAIT_MS: u64 = 100;

/// What was found.
pub(super) enum Found {
    Committed,
    NotCommitted,
    /// It could not be asked, or its answer settles nothing.
    Nothing,
}

/// Whether this answer to COMMIT says that nothing was stored.
pub(super) const fn surely_not_committed(engine: Engine, why: &DbError) -> bool {
    match engine {
        Engine::Sqlite => matches!(why, DbError::Full(_) | DbError::Busy(_) | DbError::ReadOnly(_)),
        Engine::Postgres => false,
    }
}

/// Looks whether this writer's group of that number is stored.
pub(super) async fn look(db: &Db, writer: &str, commits: i64) -> Found {
    let mut wait = Duration::from_millis(FIRST_WAIT_MS);
    for _ in 0..TRIES {
        match stored(db, writer).await {
            Ok(found) if found >= commits => return Found::Committed,
            // SQLite said that it could not write: the log may still hold the commit, and a restart
            // may bring it back.
            Ok(_) if db.engine() == Engine::Sqlite => return Found::Nothing,
            Ok(_) => return Found::NotCommitted,
            Err(why) => tracing::warn!(%why, "an unanswered commit could not be looked up yet"),
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2);
    }
    Found::Nothing
}

async fn stored(db: &Db, writer: &str) -> Result<i64, StoreError> {
    let mut tx = db.begin().await?;
    if db.engine() == Engine::Postgres {
        // Whoever gets this lock knows that the lost transaction has ended one way or the other.
        tx.exec("SELECT 1 FROM ledger_head WHERE one = 1 FOR UPDATE", &[]).await?;
    }
    let row = tx.first("SELECT commits FROM writer WHERE id = $1", &args![writer]).await?;
    tx.rollback().await?;
    row.map_or(Ok(0), |row| Reader::new("writer", row).int())
}

/// What the others of a group are told.
pub(super) fn no_answer() -> DbError {
    DbError::Lost("it gave no answer".into())
}
