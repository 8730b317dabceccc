//! The write-ahead log is moved into the file by a connection of its own, so that no commit waits for that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::file::{WAL_SUFFIX, beside};
use super::sqlite::Sqlite;
use super::{Db, Sql};
use crate::mark;
use crate::open::OpenError;

/// How often the write-ahead log is moved into the file.
const CHECKPOINT_EVERY_MS: u64 = 500;

/// From this size on the log is cut, for which commits wait: readers that never pause would
/// otherwise let it grow without end.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long commits wait at most for readers while the log is cut.
const CUT_WAIT_MS_MAX: u64 = 100;

/// Moves the write-ahead log into the file from time to time, and notes how far the ledger is.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    task: JoinHandle<()>,
    db: Db,
}

impl Checkpointer {
    /// Starts it with a connection of its own.
    pub(crate) fn start(path: &Path) -> Result<Self, OpenError> {
        let db = Db::Sqlite(Sqlite::beside(path, Duration::from_millis(CUT_WAIT_MS_MAX))?);
        let task = tokio::spawn(move_log(db.clone(), path.to_owned()));
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

async fn move_log(db: Db, path: PathBuf) {
    let wal = beside(&path, WAL_SUFFIX);
    let mut tick = tokio::time::interval(Duration::from_millis(CHECKPOINT_EVERY_MS));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = None;
    loop {
        tick.tick().await;
        let about = wal.metadata().ok();
        let now = about.as_ref().map(|about| (about.len(), about.modified().ok()));
        if now == seen {
            continue;
        }
        seen = now;
        let cut = about.is_some_and(|about| about.len() > WAL_BYTES_MAX);
        let how = if cut { "TRUNCATE" } else { "PASSIVE" };
        let how = Sql::Built(format!("PRAGMA wal_checkpoint({how})"));
        if let Err(why) = db.write(how, &[]).await {
            tracing::warn!(%why, "the write-ahead log could not be moved into the database file");
        }
        mark::note(&db, &path).await;
    }
}
