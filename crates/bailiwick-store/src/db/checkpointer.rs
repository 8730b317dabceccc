//! The write-ahead log is moved into the file by a connection of its own, so that no commit waits for that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::file::{WAL_SUFFIX, beside};
use super::sqlite::Sqlite;
use super::{Cell, Db, Row};
use crate::mark::Noting;
use crate::open::OpenError;

/// How often the write-ahead log is moved into the file.
const CHECKPOINT_EVERY_MS: u64 = 500;

/// How many of these looks there are for each time that it is noted how far the ledger is: noting waits for
/// the disk twice, and commits wait for the same disk.
const LOOKS_TO_NOTE: u32 = 4;

/// From so many pages on the log begins anew, for which commits wait a moment: writers that never pause
/// would otherwise let it grow without end, and every read looks for its pages in all of it. What was
/// written once is written over, so that a commit does not wait for the file to grow.
const WAL_PAGES_MAX: i64 = 4_096;

/// From this size on the log is cut as well: readers that stayed long let it grow.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long commits wait at most for readers while the log begins anew.
const CUT_WAIT_MS_MAX: u64 = 100;

/// Moves the write-ahead log into the file from time to time, and notes how far the ledger is.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    task: JoinHandle<()>,
    db: Db,
}

impl Checkpointer {
    /// Starts it with a connection of its own.
    pub(crate) fn start(path: &Path, noting: Noting) -> Result<Self, OpenError> {
        let db = Db::Sqlite(Sqlite::beside(path, Duration::from_millis(CUT_WAIT_MS_MAX))?);
        let task = tokio::spawn(move_log(db.clone(), path.to_owned(), noting));
        Ok(Self { task, db })
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        self.task.abort();
        // A cancelled task is what was asked for.
        drop(self.task.await);
        self.db.close().await;
    }
}

async fn move_log(db: Db, path: PathBuf, noting: Noting) {
    let wal = beside(&path, WAL_SUFFIX);
    let mut tick = tokio::time::interval(Duration::from_millis(CHECKPOINT_EVERY_MS));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = None;
    // Looks since it was noted, where something moved since.
    let mut unnoted: Option<u32> = None;
    loop {
        tick.tick().await;
        unnoted = unnoted.map(|looks| looks.saturating_add(1));
        if unnoted.is_some_and(|looks| looks >= LOOKS_TO_NOTE) {
            noting.note(&db).await;
            unnoted = None;
        }
        let about = wal.metadata().ok();
        let now = about.as_ref().map(|about| (about.len(), about.modified().ok()));
        if now == seen {
            continue;
        }
        seen = now;
        let cut = about.is_some_and(|about| about.len() > WAL_BYTES_MAX);
        let moved = match db.write("PRAGMA wal_checkpoint(PASSIVE)", &[]).await {
            // Most of it is moved now, so that commits wait for little.
            Ok(rows) if cut || pages_of(&rows) > WAL_PAGES_MAX => {
                let anew = if cut { CUT } else { ANEW };
                db.write(anew, &[]).await.map(drop)
            }
            Ok(_) => Ok(()),
            Err(why) => Err(why),
        };
        if let Err(why) = moved {
            tracing::warn!(%why, "the write-ahead log could not be moved into the database file");
        }
        unnoted = unnoted.or(Some(0));
    }
}

const ANEW: &str = "PRAGMA wal_checkpoint(RESTART)";
const CUT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// How many pages the log holds, out of what a checkpoint says: busy, in the log, moved.
fn pages_of(rows: &[Row]) -> i64 {
    match rows.first().and_then(|row| row.get(1)) {
        Some(Cell::Int(pages)) => *pages,
        _ => 0,
    }
}
