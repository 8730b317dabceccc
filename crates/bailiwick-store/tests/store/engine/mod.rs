//! Where the suite runs: a place for one store, with a key and a clock.

mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bailiwick_core::ledger::TreeHead;
use bailiwick_core::time::Time;
use bailiwick_store::{CheckpointSigner, Clock, OpenError, Past, SignFailed, Store, StoreUrl};
use bailiwick_wire::ledger::{KeyName, LedgerKey, Trust};
use sqlx::{Connection as _, Row as _};

pub(crate) use server::Server;

/// A place for one store.
pub(crate) struct Place {
    pub(crate) url: StoreUrl,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) signer: Arc<TestSigner>,
    /// Removed at the end.
    folder: Option<tempfile::TempDir>,
    /// A server of its own, where a test stops it.
    pub(crate) server: Option<Server>,
}

/// One server for all tests of this process; it ends with the process.
static SHARED: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::sqlite(folder.path().join("bailiwick.db"));
        Self::at(url, Some(folder), None)
    }

    pub(crate) async fn postgres() -> Self {
        let server = SHARED.get_or_init(Server::start);
        let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let url = server.database(&name).await;
        Self::at(StoreUrl::parse(&url).unwrap(), None, None)
    }

    /// With a server that this test may stop.
    pub(crate) async fn own_postgres() -> Self {
        let server = Server::start();
        let url = server.database("own").await;
        Self::at(StoreUrl::parse(&url).unwrap(), None, Some(server))
    }

    fn at(url: StoreUrl, folder: Option<tempfile::TempDir>, server: Option<Server>) -> Self {
        let clock = Arc::new(TestClock::default());
        Self { url, clock, signer: Arc::new(TestSigner::new()), folder, server }
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Store, OpenError> {
        Store::open(&self.url, self.signer.clone(), self.clock.clone()).await
    }

    /// The same, and somebody says something about its past.
    pub(crate) async fn try_open_after(&self, past: &Past) -> Result<Store, OpenError> {
        Store::open_after(&self.url, self.signer.clone(), self.clock.clone(), past).await
    }

    /// The data folder of an embedded store.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().to_owned()
    }

    /// The text that names this place to another process.
    pub(crate) fn name(&self) -> String {
        match &self.url {
            StoreUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            StoreUrl::Postgres(url) => url.clone(),
        }
    }

    /// Runs one statement beside the store, as somebody would who has the database.
    pub(crate) async fn sql(&self, text: &str) -> u64 {
        let text = &text.replace("BYTES", if self.is_sqlite() { "BLOB" } else { "BYTEA" });
        match &self.url {
            StoreUrl::Sqlite(path) => {
                let one = rusqlite::Connection::open(path).unwrap();
                one.execute_batch(text).unwrap_or_else(|why| panic!("{text}: {why}"));
                one.changes()
            }
            StoreUrl::Postgres(url) => {
                let sql = sqlx::AssertSqlSafe(text.to_owned());
                let mut one = sqlx::PgConnection::connect(url).await.unwrap();
                let done = sqlx::raw_sql(sql).execute(&mut one).await;
                let done = done.unwrap_or_else(|why| panic!("{text}: {why}"));
                one.close().await.unwrap();
                done.rows_affected()
            }
        }
    }

    /// Reads numbers beside the store.
    pub(crate) async fn numbers(&self, text: &str) -> Vec<i64> {
        match &self.url {
            StoreUrl::Sqlite(path) => {
                let one = rusqlite::Connection::open(path).unwrap();
                let mut query = one.prepare(text).unwrap();
                query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            StoreUrl::Postgres(url) => {
                let sql = sqlx::AssertSqlSafe(text.to_owned());
                let mut one = sqlx::PgConnection::connect(url).await.unwrap();
                let rows = sqlx::query(sql).fetch_all(&mut one).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.url, StoreUrl::Sqlite(_))
    }
}

/// The clock of the machine, moved by what a test says.
#[derive(Default)]
pub(crate) struct TestClock {
    moved_ms: AtomicI64,
}

impl TestClock {
    pub(crate) fn go(&self, ms: i64) {
        self.moved_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ms = i64::try_from(since.as_millis()).unwrap();
        Time::from_unix_ms(ms).plus_ms(self.moved_ms.load(Ordering::SeqCst))
    }
}

/// A real ledger key, and a switch that makes it fail.
pub(crate) struct TestSigner {
    key: LedgerKey,
    fails: AtomicBool,
}

impl TestSigner {
    pub(crate) fn new() -> Self {
        let name = KeyName::parse("ledger.test.example").unwrap();
        let seed = zeroize::Zeroizing::new([7; 32]);
        Self { key: LedgerKey::from_seed(name, &seed).unwrap(), fails: AtomicBool::new(false) }
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::in_key(self.key.verifier().clone()).unwrap()
    }
}

impl CheckpointSigner for TestSigner {
    fn sign(&self, head: TreeHead) -> Result<Vec<u8>, SignFailed> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(SignFailed("the test says so".into()));
        }
        let note = self.key.sign_checkpoint(head).map_err(|why| SignFailed(Box::new(why)))?;
        Ok(note.to_string().into_bytes())
    }
}

/// Checks that a store is sound in every respect.
pub(crate) async fn assert_sound(store: &Store, place: &Place) {
    let audited = store.audit(&place.signer.trust(), Vec::new()).await.unwrap();
    assert!(audited.is_sound(), "{} {:?}", audited.report, audited.rows);
    assert_eq!(audited.report.head, store.head().await.unwrap());
    assert_eq!(audited.report.unconfirmed(), 0);
    assert_eq!(store.fsck().await.unwrap(), Vec::new());
}
