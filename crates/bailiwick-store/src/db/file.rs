//! What lies beside a database file: the lock of the process that writes it, its log, and copies of both.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// What SQLite puts behind the name of the file for its write-ahead log.
pub(super) const WAL_SUFFIX: &str = "-wal";

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
