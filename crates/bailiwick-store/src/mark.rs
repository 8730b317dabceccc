//! How far a ledger was, noted in a file of this server: beside an embedded store, in the data folder for
//! one on PostgreSQL. So a store that was replaced by an older one, whose write-ahead log was deleted,
//! or that is a copy, is not taken for the present; what was approved or spent since the copy would
//! count as unspent.
//!
//! A mark is never ahead of what is durable. It protects from mishaps; whoever rewrites the past on
//! purpose can rewrite a mark too, and is found by checkpoints held elsewhere.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_core::ledger::{TreeHead, TreeSize};
use bailiwick_core::names::Digest;
use bailiwick_core::record::Mismatch;

use crate::db::{Db, args, beside};
use crate::error::StoreError;
use crate::open::OpenError;
use crate::read::checkpoint;

/// The first line of the file; the second version names the file that it is about, too.
const FIRST: [&str; 2] = ["bailiwick mark v1", "bailiwick mark v2"];

/// How often it is noted how far a ledger on a server is.
const NOTE_EVERY: Duration = Duration::from_secs(2);

/// A mark that is kept, once what has to be settled after a restore is.
#[derive(Clone, Debug)]
pub(crate) struct Noting {
    mark: Option<Mark>,
    settled: Arc<AtomicBool>,
}

impl Noting {
    /// For a store that is open; `restored`: nothing is noted until that is settled, so that a start
    /// that is cut short in between is refused again.
    pub(crate) fn new(mark: Option<Mark>, restored: bool) -> Self {
        Self { mark, settled: Arc::new(AtomicBool::new(!restored)) }
    }

    /// Writes down how far the ledger is, where that may be.
    pub(crate) async fn note(&self, db: &Db) {
        if let Some(mark) = self.mark.as_ref().filter(|_| self.settled.load(Ordering::Acquire)) {
            mark.note(db).await;
        }
    }

    /// From here on it is noted.
    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// Notes it from time to time, for a store whose log is not moved here.
    pub(crate) async fn keep(self, db: Db) {
        let mut tick = tokio::time::interval(NOTE_EVERY);
        loop {
            tick.tick().await;
            self.note(&db).await;
        }
    }
}

/// A mark, and the embedded store that it is about.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    /// None on a server, whose files are not here.
    database: Option<PathBuf>,
    /// One writes at a time.
    turn: Arc<Mutex<()>>,
}

impl Mark {
    /// Beside an embedded store.
    pub(crate) fn beside(database: &Path) -> Self {
        let (path, database) = (beside(database, ".mark"), Some(database.to_owned()));
        Self { path, database, turn: Arc::default() }
    }

    /// In a file of its own.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), database: None, turn: Arc::default() }
    }

    /// Writes down how far the ledger is.
    pub(crate) async fn note(&self, db: &Db) {
        let noted = match newest(db).await {
            Ok(head) => {
                let mark = self.clone();
                // It waits for the disk, and nothing else waits with it.
                let written = tokio::task::spawn_blocking(move || mark.write(head)).await;
                written
                    .map_err(|why| why.to_string())
                    .and_then(|done| done.map_err(|why| why.to_string()))
            }
            Err(why) => Err(why.to_string()),
        };
        if let Err(why) = noted {
            tracing::warn!(%why, "how far the ledger is could not be noted");
        }
    }

    /// Replaces the file in one piece, also where the power fails: the one before or this one is there whole.
    fn write(&self, head: Option<TreeHead>) -> std::io::Result<()> {
        // The root of a tree without leaves (RFC 6962, section 2.1).
        let (size, root) = head.map_or_else(
            || (TreeSize::EMPTY, Digest::of(b"")),
            |head| (head.size, *head.root.digest()),
        );
        let about = self.about();
        let fresh = beside(&self.path, ".new");
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = File::create(&fresh)?;
        file.write_all(format!("{}\n{size}\n{root}\n{about}\n", FIRST[1]).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(fresh, &self.path)?;
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            Some(_) | None => File::open(".")?.sync_all(),
        }
    }

    /// Tells the file of the store from a copy of it: its number in the file system, and when it came into
    /// being there, where that is known. `-` where nothing is.
    fn about(&self) -> String {
        use std::os::unix::fs::MetadataExt as _;
        let Some(about) = self.database.as_ref().and_then(|path| path.metadata().ok()) else {
            return "-".to_owned();
        };
        let since = std::time::UNIX_EPOCH;
        let born = about.created().ok().and_then(|born| born.duration_since(since).ok());
        let born = born.map_or(0, |born| born.as_nanos());
        format!("{}.{born}", about.ino())
    }

    /// Checks that the ledger is at least as far as it was noted, the same one, and no copy.
    pub(crate) async fn check(&self, db: &Db) -> Result<(), OpenError> {
        let shown = self.path.display().to_string();
        let found = newest(db).await?.map_or(TreeSize::EMPTY, |head| head.size);
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                let is_new = found == TreeSize::EMPTY;
                return if is_new { Ok(()) } else { Err(OpenError::NoMark { path: shown, found }) };
            }
            Err(source) => return Err(OpenError::Io { path: shown, source }),
        };
        let Some((size, root, about)) = parse(&text) else {
            return Err(OpenError::BadMark { path: shown });
        };
        if found < size {
            return Err(OpenError::Older { path: shown, found, noted: size });
        }
        let one = "SELECT size, root, note, at FROM checkpoint WHERE size = $1";
        let stored = db.first(one, &args![size]).await?.map(checkpoint).transpose()?;
        let is_same = stored.is_some_and(|row| *row.head.root.digest() == root);
        if !is_same && size != TreeSize::EMPTY {
            return Err(OpenError::Damaged(Mismatch {
                table: "checkpoint",
                key: size.to_string(),
                what: format!("it is not the one that `{shown}` names"),
            }));
        }
        if about.is_some_and(|about| about != self.about()) {
            return Err(OpenError::Copied { path: shown });
        }
        Ok(())
    }
}

async fn newest(db: &Db) -> Result<Option<TreeHead>, StoreError> {
    let newest = "SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1";
    let row = db.first(newest, &[]).await?;
    Ok(row.map(checkpoint).transpose()?.map(|row| row.head))
}

/// Size, root, and which file it is about, where it says so.
fn parse(text: &str) -> Option<(TreeSize, Digest, Option<String>)> {
    let mut lines = text.lines();
    let first = lines.next().filter(|line| FIRST.contains(line))?;
    let size = lines.next()?.parse().ok().and_then(|size| TreeSize::new(size).ok())?;
    let root = Digest::parse(lines.next()?).ok()?;
    let about = if first == FIRST[0] { None } else { Some(lines.next()?.to_owned()) };
    lines.next().is_none().then_some((size, root, about))
}
