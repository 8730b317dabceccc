//! Why something could not be read or written.

use bailiwick_core::record::Mismatch;

/// What the database engine said.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// There is no room left.
    #[error("the disk of the database is full; make room, nothing else has to be done")]
    Full(#[source] sqlx::Error),
    /// The connection was lost, or none could be had.
    #[error("the database cannot be used ({0}); it is tried again with the next request")]
    Lost(#[source] sqlx::Error),
    /// The engine refused to write.
    #[error("the database does not accept writes; see its log")]
    ReadOnly(#[source] sqlx::Error),
    /// The engine cannot read its own file.
    #[error("the database's file is damaged ({0}); keep a copy and restore a backup")]
    Corrupt(#[source] sqlx::Error),
    /// Somebody else held what was needed for too long.
    #[error("the database was busy for too long; try again")]
    Busy(#[source] sqlx::Error),
    /// A text holds a NUL character, which PostgreSQL cannot store.
    #[error("a text holds a NUL character; leave it out")]
    Nul,
    /// Anything else.
    #[error("the database refused a statement: {0}")]
    Refused(#[source] sqlx::Error),
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
            return if lost { Self::Lost(error) } else { Self::Refused(error) };
        };
        let code = said.code().unwrap_or_default().into_owned();
        if NO_ROOM.contains(&code.as_str()) {
            return Self::Full(error);
        }
        match code.as_str() {
            // PostgreSQL: read-only transaction; lock, serialization and deadlock; shutting down.
            "25006" => return Self::ReadOnly(error),
            "55P03" | "40001" | "40P01" | "57014" => return Self::Busy(error),
            "XX001" | "XX002" => return Self::Corrupt(error),
            "57P01" | "57P02" | "57P03" | "25P03" => return Self::Lost(error),
            _ => {}
        }
        // SQLite: the primary code is the low octet of the extended one.
        let primary =
            if code.len() < 5 { code.parse().ok().map(|code: u32| code & 0xff) } else { None };
        match primary {
            Some(13) => Self::Full(error),
            Some(5 | 6) => Self::Busy(error),
            Some(8) => Self::ReadOnly(error),
            Some(11 | 26) => Self::Corrupt(error),
            Some(10 | 14) => Self::Lost(error),
            _ => Self::Refused(error),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
