//! Why a store is not opened.

use bailiwick_core::ledger::TreeSize;
use bailiwick_core::record::Mismatch;

use crate::error::{DbError, StoreError};

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL of the server cannot be read.
    #[error(
        "the URL of the database cannot be read; write `postgres://USER:PASSWORD@HOST/DATABASE`"
    )]
    BadUrl,
    /// The engine.
    #[error(transparent)]
    Database(DbError),
    /// The file system.
    #[error("`{path}` cannot be used: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Another process writes this file.
    #[error(
        "`{path}` is used by another process; stop that first, one process writes an embedded store"
    )]
    InUse {
        /// Which file.
        path: String,
    },
    /// There is nothing of ours.
    #[error("there is no store of Bailiwick here; check the place, `bailiwick up` makes one")]
    NoStore,
    /// A newer version wrote it.
    #[error(
        "the store was written by a newer Bailiwick (schema {found}, this one knows {known}); use that version"
    )]
    NewSchema {
        /// Its schema.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// An older version wrote it, and it must not be written now.
    #[error("the store is of an older Bailiwick (schema {found}); start `bailiwick up` on it once")]
    OldSchema {
        /// Its schema.
        found: usize,
    },
    /// Somebody else's tables.
    #[error(
        "step `{step}` of the schema is not ours; the database belongs to another build or program"
    )]
    OtherSchema {
        /// Which step differs.
        step: String,
    },
    /// The server does not keep what it acknowledges.
    #[error(
        "the database has `{name}` = `{setting}`, and it must be `{wanted}`; set it and restart the server"
    )]
    Setting {
        /// Which setting.
        name: String,
        /// What it is.
        setting: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// The store was further once.
    #[error(
        "the store has {found} leaves, and `{path}` says that it had {noted} already: it was replaced by an older one, or its log was deleted; restore the newer one, or go on with this one by `bailiwick up --restored`"
    )]
    Older {
        /// The file that says so.
        path: String,
        /// How many leaves there are.
        found: TreeSize,
        /// How many there were.
        noted: TreeSize,
    },
    /// The file that says how far the store was cannot be read.
    #[error(
        "`{path}` is not as this program writes it; if the store is the right one go on by `bailiwick up --restored`"
    )]
    BadMark {
        /// The file.
        path: String,
    },
    /// The store has a past, and nothing here says how far it was.
    #[error(
        "the store has {found} leaves, and `{path}`, which says how far it was, is missing: it was copied or restored, and what was approved since the copy would count as unspent; go on by `bailiwick up --restored`, which voids approvals that are not spent. A server that joins others on one database takes that file from one of them"
    )]
    NoMark {
        /// The file that is missing.
        path: String,
        /// How many leaves there are.
        found: TreeSize,
    },
    /// The store is a copy of the file that was written here.
    #[error(
        "the store is another file than the one that `{path}` is about: it was copied or restored; go on by `bailiwick up --restored`, which voids approvals that are not spent"
    )]
    Copied {
        /// The file that says so.
        path: String,
    },
    /// What is stored does not fit together.
    #[error("table `{}`, row `{}`: {}; restore a backup or run `bailiwick ledger verify`", .0.table, .0.key, .0.what)]
    Damaged(Mismatch),
}

impl From<DbError> for OpenError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(why) => Self::Database(why),
            StoreError::Damaged(mismatch) => Self::Damaged(mismatch),
        }
    }
}
