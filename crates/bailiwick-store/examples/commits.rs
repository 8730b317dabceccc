//! Measures durable small commits: `cargo run --release -p bailiwick-store --example commits -- STORE [TASKS] [SECONDS]`.
//!
//! STORE is `sqlite:PATH` or `postgres://…`, and is filled with entries that mean nothing.
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::ledger::TreeHead;
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_store::{CheckpointSigner, Clock, SignFailed, Store, StoreUrl};
use bailiwick_wire::ledger::{KeyName, LedgerKey};

struct Signer(LedgerKey);

impl CheckpointSigner for Signer {
    fn sign(&self, head: TreeHead) -> Result<Vec<u8>, SignFailed> {
        let note = self.0.sign_checkpoint(head).map_err(|why| SignFailed(Box::new(why)))?;
        Ok(note.to_string().into_bytes())
    }
}

struct Wall;

impl Clock for Wall {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Time::from_unix_ms(i64::try_from(since.as_millis()).unwrap())
    }
}

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1);
    let url = StoreUrl::parse(&words.next().unwrap()).unwrap();
    let tasks: usize = words.next().map_or(64, |word| word.parse().unwrap());
    let seconds: u64 = words.next().map_or(10, |word| word.parse().unwrap());
    let name = KeyName::parse("commits.example").unwrap();
    let key = LedgerKey::from_seed(name, &zeroize::Zeroizing::new([1; 32])).unwrap();
    let store = Store::open(&url, Arc::new(Signer(key)), Arc::new(Wall)).await.unwrap();
    let before = store.head().await.unwrap().size.get();
    let until = Instant::now() + Duration::from_secs(seconds);
    let workers: Vec<_> =
        (0..tasks).map(|task| tokio::spawn(commits(store.clone(), task, until))).collect();
    let mut waits = Vec::new();
    for worker in workers {
        waits.extend(worker.await.unwrap());
    }
    waits.sort();
    let done = store.head().await.unwrap().size.get() - before;
    let groups = store.checkpoints(bailiwick_core::ledger::TreeSize::EMPTY, 1_000).await.unwrap();
    let at = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
    println!(
        "{} commits/s of {tasks} tasks, p50 {:?}, p99 {:?}, max {:?}; first groups ended at {:?}",
        done / seconds,
        at(50),
        at(99),
        waits.last().copied().unwrap_or_default(),
        groups.iter().map(|one| one.head.size.get()).take(8).collect::<Vec<_>>(),
    );
    store.close().await;
}

/// Commits one entry after the other; gives how long each took.
async fn commits(store: Store, task: usize, until: Instant) -> Vec<Duration> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let fact = Fact::AccessDenied {
            action: "read".to_owned(),
            object: format!("object {task}/{}", waits.len()),
            service: None,
        };
        let by = Actor::Component(Component::Lab);
        let batch =
            Batch { entries: vec![Entry { at: store.now(), by, fact }], ..Batch::default() };
        let begun = Instant::now();
        store.commit(batch).await.unwrap();
        waits.push(begun.elapsed());
    }
    waits
}
