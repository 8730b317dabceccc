//! Killed at any moment: what was acknowledged is there, and the ledger verifies.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::record::Fact;
use bailiwick_store::{CommitError, Store, StoreUrl};

use crate::engine::{Place, TestClock, TestSigner, assert_sound};
use crate::sample;

crate::both! { a_killed_writer_loses_nothing_it_acknowledged }

const KILLS: u64 = 20;
const CHILD: &str = "BAILIWICK_STORE_TEST_CHILD";

/// The process that is killed: commits and says what was acknowledged. Does nothing as a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_writes() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let url = StoreUrl::parse(&name).unwrap();
    let store = Store::open(&url, Arc::new(TestSigner::new()), Arc::new(TestClock::default()));
    let store = store.await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                // Until it is killed; a minute is far beyond that.
                for n in 0..100_000 {
                    let object = format!("{}/{task}/{n}", std::process::id());
                    let batch = if n % 10 == 9 {
                        let (_, mut batch) = sample::issuance(store.now(), &["www.shop.example"]);
                        batch.entries.splice(0..0, sample::denied(store.now(), &object).entries);
                        batch
                    } else {
                        sample::denied(store.now(), &object)
                    };
                    let committed = store.commit(batch).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "\nack {} {object}", committed.first_index).unwrap();
                    out.flush().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Runs the child for that long; gives what it acknowledged.
fn run_and_kill(place: &Place, wait: Duration) -> BTreeMap<u64, String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child_that_writes", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, place.name())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    let mut killer = None;
    for line in output.lines() {
        let line = line.unwrap();
        let Some(rest) = line.strip_prefix("ack ") else { continue };
        // The last line may be torn.
        let Some((index, object)) = rest.split_once(' ') else { continue };
        acknowledged.insert(index.parse().unwrap(), object.to_owned());
        // The time runs from the first acknowledgement, so that every round gets some.
        let pid = child.id();
        killer.get_or_insert_with(|| {
            std::thread::spawn(move || {
                std::thread::sleep(wait);
                Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
            })
        });
    }
    killer.expect("the child acknowledges something").join().unwrap();
    assert!(!child.wait().unwrap().success(), "it was killed");
    acknowledged
}

async fn assert_there(store: &Store, acknowledged: &BTreeMap<u64, String>) {
    for (index, object) in acknowledged {
        let entry = store.entry(LeafIndex::new(*index).unwrap()).await.unwrap();
        let entry = entry.unwrap_or_else(|| panic!("acknowledged leaf {index} is gone"));
        let Fact::AccessDenied { object: stored, .. } = entry.fact else {
            panic!("leaf {index} is another: {entry:?}")
        };
        // The last acknowledgement may have been torn while it was printed.
        assert!(stored.starts_with(object), "leaf {index}: {stored}");
    }
}

async fn a_killed_writer_loses_nothing_it_acknowledged(place: &Place) {
    let mut all = BTreeMap::new();
    for round in 0..KILLS {
        // Spread over a group's whole course: gathering, writing, waiting for the disk.
        let wait = Duration::from_micros(5_000 + round * 7_919 % 100_000);
        let acknowledged = run_and_kill(place, wait);
        let store = place.open().await;
        assert_there(&store, &acknowledged).await;
        all.extend(acknowledged);
        let size = store.head().await.unwrap().size.get();
        assert!(all.last_key_value().is_none_or(|(last, _)| *last < size));
        store.commit(sample::denied(store.now(), "between")).await.unwrap();
        store.close().await;
    }
    let store = place.open().await;
    assert_there(&store, &all).await;
    assert_sound(&store, place).await;
    store.close().await;
}

/// What was committed, and what was answered.
type Answer = (String, Result<u64, CommitError>);

/// The server stops at once under load, several times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_loses_nothing_it_acknowledged() {
    let mut place = Place::own_postgres().await;
    let store = place.open().await;
    for round in 0..5_u64 {
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let over: Arc<AtomicBool> = Arc::default();
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let (store, answers, over) = (store.clone(), answers.clone(), over.clone());
                tokio::spawn(async move {
                    for n in 0..100_000 {
                        if over.load(Ordering::SeqCst) {
                            return;
                        }
                        let object = format!("{round}/{task}/{n}");
                        let result = store.commit(sample::denied(store.now(), &object)).await;
                        let result = result.map(|committed| committed.first_index.get());
                        let failed = result.is_err();
                        answers.lock().unwrap().push((object, result));
                        if failed {
                            return;
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(200 + round * 37)).await;
        let mut server = place.server.take().unwrap();
        let stopping = tokio::task::spawn_blocking(move || {
            server.stop();
            server.restart("");
            server
        });
        place.server = Some(stopping.await.unwrap());
        over.store(true, Ordering::SeqCst);
        for task in tasks {
            task.await.unwrap();
        }
        let answers = std::mem::take(&mut *answers.lock().unwrap());
        assert!(answers.iter().filter(|(_, result)| result.is_ok()).count() > 16);
        assert_answers_hold(&store, answers).await;
    }
    let store_again = place.open().await;
    assert_sound(&store_again, &place).await;
    store.close().await;
    store_again.close().await;
}

/// What was acknowledged is there; what was said not to be stored is not.
async fn assert_answers_hold(store: &Store, answers: Vec<Answer>) {
    let mut stored = BTreeMap::new();
    let mut from = LeafIndex::default();
    loop {
        let page = store.entries(from, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        from = LeafIndex::new(last.index.get() + 1).unwrap();
        for one in page {
            if let Fact::AccessDenied { object, .. } = one.entry.fact {
                assert_eq!(stored.insert(object, one.index.get()), None, "stored twice");
            }
        }
    }
    for (object, result) in answers {
        match result {
            Ok(index) => assert_eq!(stored.get(&object), Some(&index), "{object}"),
            Err(CommitError::Unavailable(_)) => assert_eq!(stored.get(&object), None, "{object}"),
            Err(CommitError::Unknown(_)) => {}
            Err(other) => panic!("{object}: {other:?}"),
        }
    }
}
