//! Opening a store, and closing it.

mod refused;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_core::ledger::{Frontier, TreeHead, TreeSize};
use bailiwick_core::record::Mismatch;
use bailiwick_core::time::Time;
use tokio::sync::{mpsc, oneshot};

use crate::db::{Checkpointer, Copy, Db, Engine, Lock, LockHeld, Reader, Sql, Tx, Wal, args};
use crate::error::StoreError;
use crate::kept::Kept;
use crate::lease;
use crate::mark::{Mark, Noting};
use crate::schema;
use crate::url::StoreUrl;
use crate::writer::{self, Job};

pub use refused::OpenError;

/// Signs the head of the ledger.
pub trait CheckpointSigner: Send + Sync + 'static {
    /// The signed note of a checkpoint with this size and root.
    ///
    /// # Errors
    /// [`SignFailed`] when it cannot be signed; nothing is stored then.
    fn sign(&self, head: TreeHead) -> Result<Vec<u8>, SignFailed>;
}

/// A checkpoint could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the checkpoint could not be signed")]
pub struct SignFailed(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Time;
}

/// What is remembered. Cheap to clone: all clones are one store.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    /// Nothing when it was opened for reading.
    pub(crate) jobs: Option<mpsc::Sender<Job>>,
    clock: Option<Arc<dyn Clock>>,
    /// Time of the last leaf this process knows of.
    last_at: Arc<AtomicI64>,
    background: Mutex<Background>,
    /// Rows that the writer keeps in step with what is stored.
    pub(crate) kept: Arc<Kept>,
    /// How far it is noted; nothing when it was opened for reading.
    noting: Option<Noting>,
}

/// What is said of the past of a store that is opened.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Where it is noted how far a ledger on a server is; an embedded one has its mark beside it.
    pub mark: Option<PathBuf>,
    /// Somebody says that it was restored or copied: the mark is not asked, and written anew only once
    /// [`Store::settled`] says that what was not spent is void.
    pub restored: bool,
}

/// What lives as long as the store, and ends in this order.
#[derive(Default)]
struct Background {
    /// Says something when the writer ended by itself.
    writer: Option<oneshot::Receiver<()>>,
    checkpointer: Option<Checkpointer>,
    /// Notes how far a ledger on a server is.
    noter: Option<tokio::task::JoinHandle<()>>,
    copy: Option<Copy>,
    lock: Option<Arc<Lock>>,
}

impl Store {
    /// Opens a store for writing and makes it where there is none.
    ///
    /// # Errors
    /// [`OpenError`]; a newer schema, a second process on one file and a server that may lose
    /// what it acknowledged are refused.
    pub async fn open(
        url: &StoreUrl,
        signer: Arc<dyn CheckpointSigner>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::open_after(url, signer, clock, &Past::default()).await
    }

    /// The same for a store of which somebody says something about its past.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_after(
        url: &StoreUrl,
        signer: Arc<dyn CheckpointSigner>,
        clock: Arc<dyn Clock>,
        past: &Past,
    ) -> Result<Self, OpenError> {
        let (db, lock) = match url {
            StoreUrl::Sqlite(path) => {
                let lock = lock(path)?;
                (Db::sqlite(path)?, Some(Arc::new(lock)))
            }
            StoreUrl::Postgres(url) => (Db::postgres(url, false).await?, None),
        };
        let mark = match url {
            StoreUrl::Sqlite(path) => Some(Mark::beside(path)),
            StoreUrl::Postgres(_) => past.mark.as_deref().map(Mark::at),
        };
        let noting = Noting::new(mark.clone(), past.restored);
        let asked = mark.filter(|_| !past.restored);
        let prepared = prepare(&db, url, clock.now(), (asked, &noting)).await;
        let (last_at, id, checkpointer) = match prepared {
            Ok(prepared) => prepared,
            Err(refused) => {
                db.close().await;
                return Err(refused);
            }
        };
        let last_at = Arc::new(AtomicI64::new(last_at.unix_ms()));
        // Whoever else writes on a server is not heard here.
        let kept = Arc::new(if lock.is_some() { Kept::here() } else { Kept::default() });
        let (jobs, queue) = mpsc::channel(writer::QUEUE_MAX);
        let writer = writer::Writer {
            db: db.clone(),
            signer,
            clock: clock.clone(),
            last_at: last_at.clone(),
            kept: kept.clone(),
            id,
            commits: 0,
            pace: None,
            _lock: lock.clone(),
        };
        let background = Background {
            writer: Some(begin(writer, queue)?),
            noter: match url {
                StoreUrl::Sqlite(_) => None,
                StoreUrl::Postgres(_) => Some(tokio::spawn(noting.clone().keep(db.clone()))),
            },
            checkpointer,
            copy: None,
            lock,
        };
        let inner = Inner {
            db,
            jobs: Some(jobs),
            clock: Some(clock),
            last_at,
            background: Mutex::new(background),
            kept,
            noting: Some(noting),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens a store for reading only, such as a copied data folder. Nothing of it is written.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_read_only(url: &StoreUrl) -> Result<Self, OpenError> {
        let (db, copy) = match url {
            StoreUrl::Sqlite(path) => {
                let io = |source| OpenError::Io { path: path.display().to_string(), source };
                path.metadata().map_err(|_| OpenError::NoStore)?;
                if Lock::is_held(path).map_err(io)? {
                    (Db::sqlite_read_only(path, Wal::Live)?, None)
                } else if Copy::is_needed(path) {
                    let copy = Copy::of(path).map_err(io)?;
                    (Db::sqlite_read_only(&copy.path(), Wal::Live)?, Some(copy))
                } else {
                    (Db::sqlite_read_only(path, Wal::Still)?, None)
                }
            }
            StoreUrl::Postgres(url) => (Db::postgres(url, true).await?, None),
        };
        if let Err(refused) = schema::check_only(&db).await {
            db.close().await;
            return Err(refused);
        }
        let inner = Inner {
            db,
            jobs: None,
            clock: None,
            last_at: Arc::new(AtomicI64::new(i64::MIN)),
            background: Mutex::new(Background { copy, ..Background::default() }),
            kept: Arc::default(),
            noting: None,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which engine it is on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.db.engine()
    }

    /// The time by the store's clock, never earlier than the last leaf. Decide with this time: then
    /// a leaf never has to be stored with a later one than was decided with.
    #[must_use]
    pub fn now(&self) -> Time {
        let last = Time::from_unix_ms(self.inner.last_at.load(Ordering::Acquire));
        self.inner.clock.as_ref().map_or(last, |clock| clock.now().max(last))
    }

    /// After a restore: what was not spent is void now, and that is stored.
    pub async fn settled(&self) {
        if let Some(noting) = &self.inner.noting {
            noting.settle();
            noting.note(&self.inner.db).await;
        }
    }

    /// Commits what is queued, then lets go of everything. Later commits are refused.
    pub async fn close(&self) {
        if let Some(jobs) = &self.inner.jobs {
            // A closed queue means that the writer ended already.
            drop(jobs.send(Job::Stop).await);
        }
        let background = std::mem::take(
            &mut *self.inner.background.lock().unwrap_or_else(PoisonError::into_inner),
        );
        if let Some(writer) = background.writer
            && writer.await.is_err()
        {
            tracing::error!("the writer of the store did not end by itself");
        }
        if let Some(checkpointer) = background.checkpointer {
            checkpointer.stop().await;
        }
        if let Some(noter) = background.noter {
            noter.abort();
            // A cancelled task is what was asked for.
            drop(noter.await);
        }
        if let Some(noting) = &self.inner.noting {
            noting.note(&self.inner.db).await;
        }
        self.inner.db.close().await;
        drop((background.copy, background.lock));
    }
}

/// Starts the writer. On SQLite a commit waits for the disk in the thread that makes it, so the writer
/// has a thread of its own.
fn begin(
    writer: writer::Writer,
    queue: mpsc::Receiver<Job>,
) -> Result<oneshot::Receiver<()>, OpenError> {
    let (ends, ended) = oneshot::channel();
    let engine = writer.db.engine();
    let run = async move {
        writer.run(queue).await;
        // Whoever does not close the store does not wait for this.
        let _nobody_waits = ends.send(());
    };
    match engine {
        Engine::Postgres => drop(tokio::spawn(run)),
        Engine::Sqlite => {
            let runtime = tokio::runtime::Handle::current();
            let thread = std::thread::Builder::new().name("store writer".to_owned());
            let started = thread.spawn(move || runtime.block_on(run));
            let why = |source| OpenError::Io { path: "a thread for the writer".to_owned(), source };
            drop(started.map_err(why)?);
        }
    }
    Ok(ended)
}

/// Brings a store that was just opened into use: the time of its last leaf, a name for this process,
/// and what moves the log.
async fn prepare(
    db: &Db,
    url: &StoreUrl,
    now: Time,
    (mark, noting): (Option<Mark>, &Noting),
) -> Result<(Time, String, Option<Checkpointer>), OpenError> {
    if let StoreUrl::Sqlite(path) = url {
        check_file(db, path).await?;
    }
    schema::migrate(db).await?;
    let last_at = check_head(db).await?;
    let id = writer_id(db, now).await?;
    if let Some(mark) = mark {
        mark.check(db).await?;
    }
    // From the first moment on, so that a store without one is a copy.
    noting.note(db).await;
    let StoreUrl::Sqlite(path) = url else { return Ok((last_at, id, None)) };
    lease::free_all(db).await?;
    Ok((last_at, id, Some(Checkpointer::start(path, noting.clone())?)))
}

fn lock(path: &Path) -> Result<Lock, OpenError> {
    let shown = path.display().to_string();
    match Lock::take(path) {
        Ok(Ok(lock)) => Ok(lock),
        Ok(Err(LockHeld)) => Err(OpenError::InUse { path: shown }),
        Err(source) => Err(OpenError::Io { path: shown, source }),
    }
}

/// A file up to this size is checked page by page when it is opened; larger ones take too long, and
/// `bailiwick ledger fsck` does it.
const CHECKED_OCTETS_MAX: u64 = 64 * 1024 * 1024;

async fn check_file(db: &Db, path: &Path) -> Result<(), OpenError> {
    if path.metadata().is_ok_and(|about| about.len() > CHECKED_OCTETS_MAX) {
        return Ok(());
    }
    for row in db.all("PRAGMA quick_check(1)", &[]).await? {
        let what = Reader::new("file", row).text()?;
        if what != "ok" {
            let (table, key) = ("file", path.display().to_string());
            return Err(OpenError::Damaged(Mismatch { table, key, what }));
        }
    }
    Ok(())
}

/// A name for this process among all that ever wrote; old ones are forgotten.
async fn writer_id(db: &Db, now: Time) -> Result<String, OpenError> {
    const FORGET_AFTER_DAYS: i64 = 30;
    let random = Sql::Both {
        sqlite: "SELECT lower(hex(randomblob(16)))",
        postgres: "SELECT CAST(gen_random_uuid() AS TEXT)",
    };
    let mut tx = db.begin().await?;
    let row = tx.first(random, &[]).await?.unwrap_or_default();
    let id = Reader::new("writer", row).text()?;
    let long_ago = now.plus_ms(-FORGET_AFTER_DAYS * bailiwick_core::time::DAY_MS);
    tx.exec("DELETE FROM writer WHERE seen_at < $1", &args![long_ago]).await?;
    tx.commit().await?;
    Ok(id)
}

/// Checks that head, leaves and newest checkpoint fit together; gives the time of the last leaf.
async fn check_head(db: &Db) -> Result<Time, OpenError> {
    let mut tx = db.snapshot().await?;
    let checked = check_head_in(&mut tx).await;
    tx.rollback().await?;
    checked
}

async fn check_head_in(tx: &mut Tx) -> Result<Time, OpenError> {
    let (frontier, last_at) = head(tx, "SELECT size, frontier, last_at FROM ledger_head").await?;
    let damaged = |what: &str| {
        let (table, key) = ("ledger_head", "1".to_owned());
        OpenError::Damaged(Mismatch { table, key, what: what.to_owned() })
    };
    let leaves = tx.first("SELECT COALESCE(MAX(idx) + 1, 0) FROM entry", &[]).await?;
    let leaves = Reader::new("entry", leaves.unwrap_or_default()).int()?;
    if leaves != frontier.size().as_i64() {
        return Err(damaged(&format!(
            "it says {} leaves, and there are {leaves}",
            frontier.size()
        )));
    }
    let newest = "SELECT size, root FROM checkpoint ORDER BY size DESC LIMIT 1";
    match tx.first(newest, &[]).await? {
        None if frontier.size() == TreeSize::EMPTY => {}
        None => return Err(damaged("there is no checkpoint")),
        Some(row) => {
            let mut row = Reader::new("checkpoint", row);
            let (size, root) = (row.int()?, row.digest()?);
            if size != leaves || root != *frontier.root().digest() {
                return Err(damaged("the newest checkpoint is for another tree"));
            }
        }
    }
    Ok(last_at)
}

/// Reads the head with a query for size, frontier and time of the last leaf.
pub(crate) async fn head(
    tx: &mut Tx,
    query: impl Into<Sql>,
) -> Result<(Frontier, Time), StoreError> {
    let row = tx.first(query, &[]).await?.unwrap_or_default();
    let mut row = Reader::new("ledger_head", row);
    let size = TreeSize::from_i64(row.int()?).map_err(|why| row.damaged(why))?;
    let roots = row.bytes()?;
    let frontier = Frontier::from_parts(size, &roots).map_err(|why| row.damaged(why))?;
    Ok((frontier, row.time()?))
}
