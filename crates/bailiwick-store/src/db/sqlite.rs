//! SQLite: one file, one writing process, one writing connection.
//!
//! A statement is a function call in the thread that asks: most take microseconds, and handing them to
//! another thread costs more than they do. What waits for the disk runs elsewhere: commits in the writer's
//! own thread, lone writes in one for blocking work ([`Db::write`]).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Arg, Cell, Db, Reader, Row, Sql};
use crate::error::{DbError, StoreError};
use crate::open::{OpenError, Store};

/// Connections that only read.
const READERS: u32 = 4;

/// How long a statement waits for another process's lock.
const BUSY_SECONDS_MAX: u64 = 5;

/// How long a connection is waited for.
const ACQUIRE_SECONDS_MAX: u64 = 30;

/// Statements that a connection keeps parsed.
const STATEMENTS_KEPT: usize = 512;

/// How the file is opened for reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wal {
    /// Together with a process that writes it.
    Live,
    /// Nobody writes it, and nothing next to it is made.
    Still,
}

/// The connections to one file.
#[derive(Clone, Debug)]
pub(crate) struct Sqlite {
    write: Arc<Pool>,
    read: Arc<Pool>,
}

/// Connections of one kind. They are made when they are needed, and kept.
#[derive(Debug)]
struct Pool {
    /// The file as a URI, which can say more than a path.
    uri: String,
    flags: OpenFlags,
    busy: Duration,
    /// Said to each new connection.
    begins: Mutex<String>,
    size: u32,
    turns: Arc<Semaphore>,
    free: Mutex<Vec<Connection>>,
}

/// A connection that goes back when it is dropped. A transaction that is still open then is taken back.
#[derive(Debug)]
pub(crate) struct Lent {
    /// Nothing only while it is dropped.
    connection: Option<Connection>,
    pool: Arc<Pool>,
    _turn: OwnedSemaphorePermit,
}

const WRITE: &str = "PRAGMA foreign_keys = on; PRAGMA journal_mode = wal; PRAGMA synchronous = full; \
    PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = memory; PRAGMA secure_delete = on; PRAGMA cache_size = -4096;";
/// A reader's pages are of no use after the next commit of the writer, so few are kept.
const READ: &str = "PRAGMA foreign_keys = on; PRAGMA query_only = on; PRAGMA cache_size = -512;";
const SCRATCH: &str =
    "PRAGMA foreign_keys = on; PRAGMA journal_mode = off; PRAGMA synchronous = off;";

impl Sqlite {
    /// For writing and reading; the file is made where there is none.
    fn live(path: &Path) -> Result<Self, DbError> {
        let write = Pool::new(path, "rwc", WRITE, 1)?;
        let read = Pool::new(path, "rw", READ, READERS)?;
        Ok(Self { write, read })
    }

    /// One more writing connection, which gives up on another one's lock after this time.
    pub(super) fn beside(path: &Path, busy: Duration) -> Result<Self, DbError> {
        let one = Pool::with_patience(path, "rw", WRITE, 1, busy)?;
        Ok(Self { write: one.clone(), read: one })
    }

    pub(super) async fn reader(&self) -> Result<Lent, DbError> {
        self.read.lend().await
    }

    pub(super) async fn writer(&self) -> Result<Lent, DbError> {
        self.write.lend().await
    }

    /// Waits for what was lent, and closes the file.
    pub(super) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

impl Db {
    /// Opens or makes the file for writing.
    pub(crate) fn sqlite(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::Sqlite(Sqlite::live(path)?))
    }

    /// Opens the file for reading.
    pub(crate) fn sqlite_read_only(path: &Path, wal: Wal) -> Result<Self, OpenError> {
        let how = match wal {
            Wal::Live => "ro",
            Wal::Still => "ro&immutable=1",
        };
        let read = Pool::new(path, how, READ, READERS)?;
        Ok(Self::Sqlite(Sqlite { write: read.clone(), read }))
    }

    /// A scratch database of this process only; gone with the last connection.
    pub(crate) fn scratch(path: &Path) -> Result<Self, OpenError> {
        let one = Pool::new(path, "rwc", SCRATCH, 1)?;
        Ok(Self::Sqlite(Sqlite { write: one.clone(), read: one }))
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
        let Db::Sqlite(sqlite) = db else { return Ok(()) };
        let row = db.write("PRAGMA page_size", &[]).await?.into_iter().next().unwrap_or_default();
        let page = Reader::new("file", row).number::<u64>()?.max(1);
        let limit = format!("PRAGMA max_page_count = {}", octets.div_euclid(page).max(1));
        // For the connection that is open, and for those that replace it.
        sqlite.write.also_begin(&limit);
        db.write(Sql::Built(limit), &[]).await?;
        Ok(())
    }
}

impl Pool {
    fn new(path: &Path, mode: &str, begins: &str, size: u32) -> Result<Arc<Self>, DbError> {
        Self::with_patience(path, mode, begins, size, Duration::from_secs(BUSY_SECONDS_MAX))
    }

    /// Opens the first connection, so that what is wrong with the file is said now.
    fn with_patience(
        path: &Path,
        mode: &str,
        begins: &str,
        size: u32,
        busy: Duration,
    ) -> Result<Arc<Self>, DbError> {
        let pool = Self {
            uri: format!("{}?mode={mode}", uri(path)),
            flags: OpenFlags::SQLITE_OPEN_URI
                | OpenFlags::SQLITE_OPEN_NO_MUTEX
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_READ_WRITE,
            busy,
            begins: Mutex::new(begins.to_owned()),
            size,
            turns: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1))),
            free: Mutex::new(Vec::new()),
        };
        let first = pool.open()?;
        pool.keep(first);
        Ok(Arc::new(pool))
    }

    fn open(&self) -> Result<Connection, DbError> {
        let connection = Connection::open_with_flags(&self.uri, self.flags)?;
        connection.busy_timeout(self.busy)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // A plan is made once for each text: else each new value of a limit makes it anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let begins = self.begins.lock().unwrap_or_else(PoisonError::into_inner).clone();
        connection.execute_batch(&begins)?;
        Ok(connection)
    }

    fn also_begin(&self, text: &str) {
        let mut begins = self.begins.lock().unwrap_or_else(PoisonError::into_inner);
        begins.push_str(text);
        begins.push(';');
    }

    fn keep(&self, connection: Connection) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    async fn lend(self: &Arc<Self>) -> Result<Lent, DbError> {
        let wait = Duration::from_secs(ACQUIRE_SECONDS_MAX);
        let turn = tokio::time::timeout(wait, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| DbError::Busy("no connection was free".into()))?;
        let turn = turn.map_err(|_| DbError::Lost("the store is closed".into()))?;
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.open()?,
        };
        Ok(Lent { connection: Some(connection), pool: self.clone(), _turn: turn })
    }

    async fn close(&self) {
        // An error says that it is closed already.
        let Ok(all) = self.turns.acquire_many(self.size).await else { return };
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.turns.close();
        drop(all);
    }
}

/// A path as SQLite's URIs spell it.
fn uri(path: &Path) -> String {
    let whole = if path.is_absolute() { PathBuf::new() } else { PathBuf::from("./") };
    let mut uri = String::from("file:");
    for octet in whole.join(path).as_os_str().as_encoded_bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*octet));
            }
            // Writing to a `String` cannot fail.
            other => write!(uri, "%{other:02X}").unwrap_or_default(),
        }
    }
    uri
}

impl Lent {
    fn connection(&self) -> Result<&Connection, DbError> {
        self.connection.as_ref().ok_or_else(|| DbError::Lost("the connection is gone".into()))
    }

    /// Every row of a query.
    pub(super) fn all(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.connection()?.prepare_cached(sql)?;
        bind(&mut statement, args)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..columns).map(|column| Ok(cell(row.get_ref(column)?)));
            all.push(cells.collect::<Result<Row, DbError>>()?);
        }
        Ok(all)
    }

    /// Executes a statement that gives no rows; says how many it touched.
    pub(super) fn exec(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, DbError> {
        let mut statement = self.connection()?.prepare_cached(sql)?;
        bind(&mut statement, args)?;
        let touched = statement.raw_execute()?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    /// Executes several statements without parameters.
    pub(super) fn script(&self, text: &str) -> Result<(), DbError> {
        Ok(self.connection()?.execute_batch(text)?)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // One that cannot take its transaction back is closed, which does.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            self.pool.keep(connection);
        }
    }
}

/// SQLite numbers `$n` by where it first stands in the text; here `n` counts, as on PostgreSQL.
fn bind(statement: &mut CachedStatement<'_>, args: &[Arg<'_>]) -> Result<(), DbError> {
    if args.iter().any(|arg| !arg.is_storable()) {
        return Err(DbError::Nul);
    }
    for place in 1..=statement.parameter_count() {
        let name = statement.parameter_name(place).and_then(|name| name.strip_prefix('$'));
        let number = name.and_then(|name| name.parse::<usize>().ok());
        let arg = number.and_then(|number| args.get(number.checked_sub(1)?));
        match arg {
            Some(Arg::Int(value)) => statement.raw_bind_parameter(place, value)?,
            Some(Arg::Text(text)) => statement.raw_bind_parameter(place, text.as_ref())?,
            Some(Arg::Bytes(bytes)) => statement.raw_bind_parameter(place, bytes.as_ref())?,
            Some(Arg::NoInt | Arg::NoText | Arg::NoBytes) => {
                statement.raw_bind_parameter(place, rusqlite::types::Null)?;
            }
            None => return Err(DbError::Refused("a statement lacks a value".into())),
        }
    }
    Ok(())
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(_) => Cell::Text("a value of type REAL".to_owned()),
        // A text that is none is no text of ours, and is found by whoever reads it as one.
        ValueRef::Text(octets) => String::from_utf8(octets.to_vec())
            .map_or_else(|_| Cell::Bytes(octets.to_vec()), Cell::Text),
        ValueRef::Blob(octets) => Cell::Bytes(octets.to_vec()),
    }
}
