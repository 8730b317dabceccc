//! SQLite: one file, one writing process, one writing connection; the write-ahead log is moved into
//! the file by another connection, so that no commit waits for that.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::task::JoinHandle;

use super::{Db, Reader, Sql};
use crate::error::{DbError, StoreError};
use crate::mark;
use crate::open::{OpenError, Store};

/// Connections that only read.
const READERS: u32 = 4;

/// How long a statement waits for another process's lock.
const BUSY_SECONDS_MAX: u64 = 5;

/// How often the write-ahead log is moved into the file.
const CHECKPOINT_EVERY_MS: u64 = 500;

/// From this size on the log is cut, for which commits wait: readers that never pause would
/// otherwise let it grow without end.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How long commits wait at most for readers while the log is cut.
const CUT_WAIT_MS_MAX: u64 = 100;

/// What SQLite puts behind the name of the file.
const WAL_SUFFIX: &str = "-wal";

/// How the file is opened for reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wal {
    /// Together with a process that writes it.
    Live,
    /// Nobody writes it, and nothing next to it is made.
    Still,
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(BUSY_SECONDS_MAX))
        .foreign_keys(true)
        .statement_cache_capacity(512)
        .disable_statement_logging()
}

impl Db {
    /// Opens or makes the file for writing.
    pub(crate) async fn sqlite(path: &Path) -> Result<Self, OpenError> {
        let writing = options(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // Another connection does it.
            .pragma("wal_autocheckpoint", "0");
        let write = pool(1, writing).await?;
        let read = pool(READERS, options(path).pragma("query_only", "on")).await?;
        Ok(Self::Sqlite { write, read })
    }

    /// Opens the file for reading.
    pub(crate) async fn sqlite_read_only(path: &Path, wal: Wal) -> Result<Self, OpenError> {
        let reading = options(path).read_only(true).immutable(wal == Wal::Still);
        let read = pool(READERS, reading).await?;
        Ok(Self::Sqlite { write: read.clone(), read })
    }

    /// A scratch database of this process only; gone with the last connection.
    pub(crate) async fn scratch(path: &Path) -> Result<Self, OpenError> {
        let scratch = options(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off);
        let one = pool(1, scratch).await?;
        Ok(Self::Sqlite { write: one.clone(), read: one })
    }
}

impl Store {
    /// Lets an embedded store grow to that many octets and no further: then commits are refused
    /// as on a full disk, and reading goes on. Holds until the store is closed. A server has
    /// quotas of its own; there this does nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be asked for its page size.
    pub async fn limit_octets(&self, octets: u64) -> Result<(), StoreError> {
        let db = &self.inner.db;
        let Db::Sqlite { write, .. } = db else { return Ok(()) };
        let row = db.write("PRAGMA page_size", &[]).await?.into_iter().next().unwrap_or_default();
        let page = Reader::new("file", row).number::<u64>()?.max(1);
        let pages = octets.div_euclid(page).max(1);
        // For the connection that is open, and for those that replace it.
        db.write(Sql::Built(format!("PRAGMA max_page_count = {pages}")), &[]).await?;
        let options = (*write.connect_options()).clone();
        write.set_connect_options(options.pragma("max_page_count", pages.to_string()));
        Ok(())
    }
}

async fn pool(size: u32, options: SqliteConnectOptions) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options)
        .await
        .map_err(|why| OpenError::Database(DbError::from(why)))
}

pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The right to write a file; the operating system takes it back when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Another process has it.
pub(crate) struct LockHeld;

impl Lock {
    fn path(database: &Path) -> PathBuf {
        beside(database, ".lock")
    }

    /// Takes the lock for a database file.
    pub(crate) fn take(database: &Path) -> std::io::Result<Result<Self, LockHeld>> {
        let file =
            File::options().create(true).truncate(false).write(true).open(Self::path(database))?;
        match file.try_lock() {
            Ok(()) => Ok(Ok(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(Err(LockHeld)),
            Err(TryLockError::Error(why)) => Err(why),
        }
    }

    /// Whether some process writes this file now. Makes nothing.
    pub(crate) fn is_held(database: &Path) -> std::io::Result<bool> {
        let file = match File::open(Self::path(database)) {
            Ok(file) => file,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(why) => return Err(why),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(why)) => Err(why),
        }
    }
}

/// A copy of a database file with its log, in the folder for temporary files. A log can only be
/// read by making an index file next to it, and a copied data folder must stay as it is.
#[derive(Debug)]
pub(crate) struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Whether the file has a log with something in it.
    pub(crate) fn is_needed(database: &Path) -> bool {
        beside(database, WAL_SUFFIX).metadata().is_ok_and(|about| about.len() > 0)
    }

    /// Makes the copy.
    pub(crate) fn of(database: &Path) -> std::io::Result<Self> {
        let copy = Self { folder: temporary_folder()? };
        std::fs::copy(database, copy.path())?;
        std::fs::copy(beside(database, WAL_SUFFIX), beside(&copy.path(), WAL_SUFFIX))?;
        Ok(copy)
    }

    /// An empty place for a scratch database.
    pub(crate) fn empty() -> std::io::Result<Self> {
        Ok(Self { folder: temporary_folder()? })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("copy.db")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(why) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %why, "a temporary folder could not be removed");
        }
    }
}

/// Makes a folder that did not exist, readable by this user only.
fn temporary_folder() -> std::io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let process = std::process::id();
    let mut n = 0_u32;
    loop {
        let folder = std::env::temp_dir().join(format!("bailiwick-{process}-{n}"));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists && n < 1_000 => n += 1,
            Err(why) => return Err(why),
        }
    }
}

/// Moves the write-ahead log into the file from time to time, and notes how far the ledger is.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    task: JoinHandle<()>,
    db: Db,
}

impl Checkpointer {
    /// Starts it with a connection of its own.
    pub(crate) async fn start(path: &Path) -> Result<Self, OpenError> {
        let moving = options(path)
            .busy_timeout(Duration::from_millis(CUT_WAIT_MS_MAX))
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "0");
        let pool = pool(1, moving).await?;
        let db = Db::Sqlite { write: pool.clone(), read: pool };
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
