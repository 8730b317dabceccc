//! Ledger appends a second: durable commits, one after the other and many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::ledger::TreeHead;
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_store::{CheckpointSigner, Clock, SignFailed, Store, StoreUrl};
use bailiwick_wire::ledger::{KeyName, LedgerKey};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::fault::NotMeasured;
use super::figure::Figure;
use super::folder::Folder;
use super::process::Cpu;
use super::samples::Samples;
use crate::world::World;

/// How long each is repeated.
const EACH: Duration = Duration::from_secs(4);
/// Commits of one task at most.
const COMMITS_MAX: u32 = 100_000;

/// How commits are made.
#[derive(Clone, Copy)]
struct Shape {
    tasks: u32,
    entries: u32,
}

/// Every figure about the ledger.
pub(super) async fn measure(folder: &Folder, world: &World) -> Result<Vec<Figure>, NotMeasured> {
    let key_name = "bench.example/ledger";
    let name = KeyName::parse(key_name).map_err(|_| NotMeasured::Constant(key_name))?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(world.octets()?);
    let key = LedgerKey::from_seed(name, &seed).map_err(|_| NotMeasured::Constant("a seed"))?;
    let url = StoreUrl::sqlite(folder.at("ledger.db"));
    let store =
        Store::open(&url, Arc::new(Signer(key)), Arc::new(StoreClock(world.clone()))).await?;
    let shapes = [
        ("ledger: durable commits, one task", Shape { tasks: 1, entries: 1 }),
        ("ledger: durable commits, 64 tasks", Shape { tasks: 64, entries: 1 }),
        ("ledger: durable entries, 64 tasks of 8", Shape { tasks: 64, entries: 8 }),
    ];
    let mut figures = Vec::new();
    let mut written: u64 = 0;
    for (name, shape) in shapes {
        let cpu = Cpu::of_this_process();
        let samples = commits(&store, world, shape).await?;
        let entries = samples.count().saturating_mul(shape.entries);
        written = written.saturating_add(entries.into());
        let each_us = cpu.spent_us() / f64::from(entries.max(1));
        let rate = samples.per_second() * f64::from(shape.entries);
        let how = format!(
            "SQLite, fsync before each answer, signed checkpoint per group; {} of {} in a commit; p50 and p99 of a commit",
            if shape.entries == 1 { "one entry" } else { "entries" },
            shape.entries,
        );
        figures.push(
            Figure::new(name, rate, "/s")
                .took(samples.percentile(50), samples.percentile(99))
                .cpu(each_us)
                .how(how),
        );
    }
    let head = store
        .head()
        .await
        .map_err(|cause| NotMeasured::Wrong { what: "the ledger", came: cause.to_string() })?;
    store.close().await;
    if head.size.get() == written {
        Ok(figures)
    } else {
        let came = format!("{} leaves after {written} appends", head.size);
        Err(NotMeasured::Wrong { what: "the ledger", came })
    }
}

async fn commits(store: &Store, world: &World, shape: Shape) -> Result<Samples, NotMeasured> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..shape.tasks {
        let (store, world) = (store.clone(), world.clone());
        tasks.spawn(async move {
            let mut each = Vec::new();
            for commit in 0..COMMITS_MAX {
                let entries =
                    (0..shape.entries).map(|_| entry(world.now(), task, commit)).collect();
                let at = Instant::now();
                store.commit(Batch { entries, ..Batch::default() }).await?;
                each.push(at.elapsed());
                if began.elapsed() >= EACH {
                    break;
                }
            }
            Ok::<_, NotMeasured>(each)
        });
    }
    let mut all = Vec::new();
    for each in tasks.join_all().await {
        all.extend(each?);
    }
    Ok(Samples::new(all, began.elapsed()))
}

/// The kind of entry without rows of its own: what is measured is the ledger.
fn entry(at: Time, task: u32, commit: u32) -> Entry {
    Entry {
        at,
        by: Actor::Component(Component::Gate),
        fact: Fact::AccessDenied {
            action: "read".to_owned(),
            object: format!("certificate/{task:04}-{commit:08}"),
            service: None,
        },
    }
}

struct Signer(LedgerKey);

impl CheckpointSigner for Signer {
    fn sign(&self, head: TreeHead) -> Result<Vec<u8>, SignFailed> {
        let note = self.0.sign_checkpoint(head);
        note.map(|note| note.to_string().into_bytes()).map_err(|cause| SignFailed(Box::new(cause)))
    }
}

struct StoreClock(World);

impl Clock for StoreClock {
    fn now(&self) -> Time {
        self.0.now()
    }
}
