//! Two engines behind one set of verbs: one SQL text, `$n` parameters, cells out.
//!
//! Everything else in this crate is written once. Where the dialects differ, [`Sql::Both`] says so.

mod arg;
mod cell;
mod checkpointer;
mod file;
#[cfg(test)]
mod plans;
mod postgres;
mod sqlite;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::{
    AssertSqlSafe, Column as _, Row as _, SqlSafeStr as _, SqlStr, TypeInfo as _, ValueRef as _,
};

use crate::error::DbError;

pub(crate) use arg::{Arg, args};
pub(crate) use cell::{Cell, Reader, Row};
pub(crate) use checkpointer::Checkpointer;
pub(crate) use file::{Copy, Lock, LockHeld, beside};
pub(crate) use sqlite::Wal;
use sqlite::{Lent, Sqlite};

/// Which engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// The one for more than one machine.
    Postgres,
}

/// A statement.
#[derive(Clone, Debug)]
pub(crate) enum Sql {
    /// The same for both.
    One(&'static str),
    /// Where the dialects differ.
    Both { sqlite: &'static str, postgres: &'static str },
    /// Put together out of fixed pieces.
    Built(String),
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::One(text)
    }
}

impl Sql {
    fn for_sqlite(&self) -> &str {
        let text = match self {
            Self::One(text) | Self::Both { sqlite: text, .. } => text,
            Self::Built(text) => text.as_str(),
        };
        #[cfg(test)]
        plans::note(text);
        text
    }

    fn for_postgres(self) -> SqlStr {
        match self {
            Self::One(text) | Self::Both { postgres: text, .. } => text.into_sql_str(),
            Self::Built(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }
}

/// The pools.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// One writer and some readers on one file.
    Sqlite(Sqlite),
    /// One pool.
    Postgres(PgPool),
}

/// A transaction. One that is dropped in the middle is taken back.
pub(crate) struct Tx {
    connection: Connection,
    open: bool,
}

enum Connection {
    Sqlite(Lent),
    Postgres(PoolConnection<Postgres>),
}

macro_rules! bind {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query($sql);
        for arg in $args {
            if !arg.is_storable() {
                return Err(DbError::Nul);
            }
            query = match arg {
                Arg::Int(value) => query.bind(*value),
                Arg::Text(text) => query.bind(text.as_ref()),
                Arg::Bytes(bytes) => query.bind(bytes.as_ref()),
                Arg::NoInt => query.bind(None::<i64>),
                Arg::NoText => query.bind(None::<&str>),
                Arg::NoBytes => query.bind(None::<&[u8]>),
            };
        }
        query
    }};
}

macro_rules! cells {
    ($row:expr) => {{
        let row = $row;
        let mut cells = Vec::with_capacity(row.len());
        for column in row.columns() {
            let index = column.ordinal();
            let raw = row.try_get_raw(index)?;
            let kind = raw.type_info();
            cells.push(match kind.name() {
                _ if raw.is_null() => Cell::Null,
                "INT8" => Cell::Int(row.try_get(index)?),
                "INT4" => Cell::Int(i64::from(row.try_get::<i32, _>(index)?)),
                "TEXT" | "VARCHAR" | "NAME" => Cell::Text(row.try_get(index)?),
                "BYTEA" => Cell::Bytes(row.try_get(index)?),
                other => Cell::Text(format!("a value of type {other}")),
            });
        }
        Ok::<Row, sqlx::Error>(cells)
    }};
}

macro_rules! all {
    ($executor:expr, $sql:expr, $args:expr) => {{
        let rows = bind!($sql, $args).fetch_all($executor).await?;
        rows.iter().map(|row| cells!(row)).collect::<Result<Vec<Row>, sqlx::Error>>()?
    }};
}

impl Db {
    pub(crate) const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Every row of a query; on SQLite from a connection that only reads.
    pub(crate) async fn all(
        &self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(sqlite) => sqlite.reader().await?.all(sql.for_sqlite(), args)?,
            Self::Postgres(pool) => all!(pool, sql.for_postgres(), args),
        })
    }

    /// The first row of a query.
    pub(crate) async fn first(
        &self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, DbError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// One statement that writes and commits by itself; gives what it returns.
    pub(crate) async fn write(
        &self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let sql = sql.into();
        match self {
            Self::Sqlite(sqlite) => {
                let lent = sqlite.writer().await?;
                let args: Vec<Arg<'static>> = args.iter().map(Arg::to_owned).collect();
                // It waits for the disk, which no thread that serves others should do.
                let done =
                    tokio::task::spawn_blocking(move || lent.all(sql.for_sqlite(), &args)).await;
                done.map_err(|why| DbError::Lost(why.into()))?
            }
            Self::Postgres(pool) => Ok(all!(pool, sql.for_postgres(), args)),
        }
    }

    /// A transaction that writes. On SQLite it is the only one from here on.
    pub(crate) async fn begin(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(sqlite) => {
                let connection = Connection::Sqlite(sqlite.writer().await?);
                Tx::begin(connection, "BEGIN IMMEDIATE").await
            }
            Self::Postgres(pool) => {
                let connection = Connection::Postgres(pool.acquire().await?);
                // Each statement sees what was committed before it; the head's lock makes the order.
                Tx::begin(connection, "BEGIN ISOLATION LEVEL READ COMMITTED").await
            }
        }
    }

    /// A transaction in which everything that is read is of one moment.
    pub(crate) async fn snapshot(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(sqlite) => {
                let connection = Connection::Sqlite(sqlite.reader().await?);
                Tx::begin(connection, "BEGIN").await
            }
            Self::Postgres(pool) => {
                let connection = Connection::Postgres(pool.acquire().await?);
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let mut tx = Tx::begin(connection, begin).await?;
                // It holds no lock, and whoever compares may take long between two reads.
                tx.exec("SET LOCAL idle_in_transaction_session_timeout = 0", &[]).await?;
                Ok(tx)
            }
        }
    }

    /// Lets go of every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    async fn begin(connection: Connection, begin: &'static str) -> Result<Self, DbError> {
        let mut tx = Self { connection, open: true };
        tx.exec(begin, &[]).await?;
        Ok(tx)
    }

    pub(crate) async fn all(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let sql = sql.into();
        Ok(match &mut self.connection {
            Connection::Sqlite(one) => one.all(sql.for_sqlite(), args)?,
            Connection::Postgres(one) => all!(&mut **one, sql.for_postgres(), args),
        })
    }

    pub(crate) async fn first(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, DbError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// Executes a statement; gives how many rows it touched.
    pub(crate) async fn exec(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
    ) -> Result<u64, DbError> {
        let sql = sql.into();
        Ok(match &mut self.connection {
            Connection::Sqlite(one) => one.exec(sql.for_sqlite(), args)?,
            Connection::Postgres(one) => {
                bind!(sql.for_postgres(), args).execute(&mut **one).await?.rows_affected()
            }
        })
    }

    /// Executes a text of several statements without parameters.
    pub(crate) async fn script(&mut self, text: String) -> Result<(), DbError> {
        match &mut self.connection {
            Connection::Sqlite(one) => one.script(&text)?,
            Connection::Postgres(one) => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **one).await.map(drop)?;
            }
        }
        Ok(())
    }

    /// Commits. On an error it is not known whether it was.
    pub(crate) async fn commit(mut self) -> Result<(), DbError> {
        self.exec("COMMIT", &[]).await?;
        self.open = false;
        Ok(())
    }

    /// Takes everything back.
    pub(crate) async fn rollback(mut self) -> Result<(), DbError> {
        self.exec("ROLLBACK", &[]).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        match &mut self.connection {
            // The server ends some transactions by itself, and then nobody knows how a connection stands.
            Connection::Postgres(one) if self.open => one.close_on_drop(),
            Connection::Postgres(_) | Connection::Sqlite(_) => {}
        }
    }
}
