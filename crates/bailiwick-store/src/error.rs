//! Why something could not be read or written.

use bailiwick_core::record::Mismatch;

/// What a driver or the operating system said.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What the database engine said.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// There is no room left.
    #[error("the disk of the database is full; make room, nothing else has to be done")]
    Full(#[source] Cause),
    /// The connection was lost, or none could be had.
    #[error("the database cannot be used ({0}); it is tried again with the next request")]
    Lost(#[source] Cause),
    /// The engine refused to write.
    #[error("the database does not accept writes; see its log")]
    ReadOnly(#[source] Cause),
    /// The engine cannot read its own file.
    #[error("the database's file is damaged ({0}); keep a copy and restore a backup")]
    Corrupt(#[source] Cause),
    /// Somebody else held what was needed for too long.
    #[error("the database was busy for too long; try again")]
    Busy(#[source] Cause),
    /// A text holds a NUL character, which PostgreSQL cannot store.
    #[error("a text holds a NUL character; leave it out")]
    Nul,
    /// Anything else.
    #[error("the database refused a statement: {0}")]
    Refused(#[source] Cause),
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A row holds what we cannot have written.
    #[error("table `{}`, row `{}`: {}; run `bailiwick ledger fsck`", .0.table, .0.key, .0.what)]
    Damaged(Mismatch),
}

/// SQLSTATE of PostgreSQL: disk full, out of memory for it, configured limits.
const NO_ROOM: [&str; 3] = ["53000", "53100", "53400"];

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(said) = &error else {
            let lost = matches!(
                error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            );
            return if lost { Self::Lost(error.into()) } else { Self::Refused(error.into()) };
        };
        let code = said.code().unwrap_or_default().into_owned();
        match code.as_str() {
            full if NO_ROOM.contains(&full) => Self::Full(error.into()),
            // Read-only transaction; lock, serialization and deadlock; shutting down.
            "25006" => Self::ReadOnly(error.into()),
            "55P03" | "40001" | "40P01" | "57014" => Self::Busy(error.into()),
            "XX001" | "XX002" => Self::Corrupt(error.into()),
            "57P01" | "57P02" | "57P03" | "25P03" => Self::Lost(error.into()),
            _ => Self::Refused(error.into()),
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Self::Full(error.into()),
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy(error.into()),
            Some(Code::ReadOnly) => Self::ReadOnly(error.into()),
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Corrupt(error.into()),
            Some(Code::SystemIoFailure | Code::CannotOpen) => Self::Lost(error.into()),
            _ => Self::Refused(error.into()),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
