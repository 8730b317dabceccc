//! Leases: one holder at a time, and stale ones refused at the commit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_core::change::{Change, Event};
use bailiwick_core::record::{Batch, Entry, Expect, Fact};
use bailiwick_store::{ChangeFilter, CommitError, Store};

use crate::engine::{Place, assert_sound};
use crate::sample;

crate::both! {
    a_lease_has_one_holder_and_a_growing_number,
    every_job_is_done_once,
    a_stale_worker_is_refused,
    what_lapsed_is_claimed_too,
}

async fn a_lease_has_one_holder_and_a_growing_number(place: &Place) {
    let store = place.open().await;
    let first = store.acquire("crl", "a", 60_000).await.unwrap().unwrap();
    assert_eq!(first.fence, 1);
    assert_eq!(store.acquire("crl", "b", 60_000).await.unwrap(), None);
    assert_eq!(store.acquire("crl", "a", 60_000).await.unwrap(), None);
    assert!(store.renew(&first, 60_000).await.unwrap());
    store.release(&first).await.unwrap();
    assert!(!store.renew(&first, 60_000).await.unwrap(), "given back is given back");
    let second = store.acquire("crl", "b", 1).await.unwrap().unwrap();
    assert_eq!(second.fence, 2);
    // It runs out by itself, by the database's clock.
    let third = loop {
        if let Some(lease) = store.acquire("crl", "c", 60_000).await.unwrap() {
            break lease;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert_eq!(third.fence, 3);
    assert!(!store.renew(&second, 60_000).await.unwrap());
    store.release(&second).await.unwrap();
    assert_eq!(store.acquire("crl", "d", 1).await.unwrap(), None, "only its holder gives it back");
    // Many want the same one.
    let tries = (0..20).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.acquire("other", &format!("w{n}"), 60_000).await.unwrap() })
    });
    let got = futures::future::join_all(tries).await;
    assert_eq!(got.into_iter().filter(|one| one.as_ref().unwrap().is_some()).count(), 1);
    store.close().await;
}

/// The file has one process at a time: what a killed one held is free as soon as the next one opens it.
#[tokio::test]
async fn the_dead_hold_nothing() {
    let place = Place::sqlite();
    let store = place.open().await;
    let held = store.acquire("change/one", "killed", 60_000).await.unwrap().unwrap();
    store.close().await;
    let store = place.open().await;
    let next = store.acquire("change/one", "next", 60_000).await.unwrap().unwrap();
    assert!(next.fence > held.fence);
    assert!(!store.renew(&held, 60_000).await.unwrap());
    store.close().await;
}

const WORKERS: usize = 8;
const JOBS: usize = 500;

async fn open_changes(store: &Store, count: usize) {
    for _ in 0..count / 100 {
        let mut batch = Batch::default();
        for _ in 0..100 {
            batch.entries.push(sample::Story::new().request(store.now()));
        }
        store.commit(batch).await.unwrap();
    }
}

async fn every_job_is_done_once(place: &Place) {
    let store = place.open().await;
    open_changes(&store, JOBS).await;
    let done: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let workers = (0..WORKERS).map(|n| {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            let holder = format!("worker-{n}");
            loop {
                let claims = store.claim_changes(&holder, 60_000, 10).await.unwrap();
                if claims.is_empty() {
                    return;
                }
                for claim in claims {
                    *done.lock().unwrap().entry(claim.change.to_string()).or_default() += 1;
                    let refused = refusal(&store, &claim.change).await;
                    let lease = Expect::LeaseHeld {
                        name: claim.lease.name.clone(),
                        fence: claim.lease.fence,
                    };
                    let batch = Batch { expects: vec![lease], ..sample::batch(vec![refused]) };
                    store.commit(batch).await.unwrap();
                    store.release(&claim.lease).await.unwrap();
                }
            }
        })
    });
    for worker in futures::future::join_all(workers).await {
        worker.unwrap();
    }
    let done = done.lock().unwrap().clone();
    assert_eq!(done.len(), JOBS);
    assert!(done.values().all(|times| *times == 1), "{done:?}");
    let filter = ChangeFilter { state: Some("requested".to_owned()), ..ChangeFilter::default() };
    assert!(store.changes(&filter, None, 10).await.unwrap().items.is_empty());
    assert_sound(&store, place).await;
    store.close().await;
}

/// The event that ends a change which was only requested.
async fn refusal(store: &Store, id: &bailiwick_core::names::ChangeId) -> Entry {
    let stored = store.change_events(id).await.unwrap();
    let change = Change::replay(stored.iter().map(|one| (one.event.clone(), one.at))).unwrap();
    assert_eq!(change.name(), "requested");
    let event =
        Event::Refused { by: sample::DRIVER, why: "not now".to_owned(), prechecks: Vec::new() };
    let seq = u32::try_from(stored.len()).unwrap();
    let (id, state, event) = (id.clone(), "refused".to_owned(), Box::new(event));
    sample::entry(store.now(), sample::DRIVER, Fact::Change { id, seq, state, event })
}

async fn a_stale_worker_is_refused(place: &Place) {
    let store = place.open().await;
    open_changes(&store, 100).await;
    let stale = store.claim_changes("slow", 1, 1).await.unwrap().remove(0);
    let fresh = loop {
        let claims = store.claim_changes("quick", 60_000, 200).await.unwrap();
        if let Some(claim) = claims.into_iter().find(|one| one.change == stale.change) {
            break claim;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert!(fresh.lease.fence > stale.lease.fence);
    let batch = |claim: &bailiwick_store::Claim, entry| Batch {
        expects: vec![Expect::LeaseHeld {
            name: claim.lease.name.clone(),
            fence: claim.lease.fence,
        }],
        ..sample::batch(vec![entry])
    };
    let size = store.head().await.unwrap().size;
    let late = store.commit(batch(&stale, refusal(&store, &stale.change).await)).await;
    assert!(matches!(late, Err(CommitError::Expectation(_))), "{late:?}");
    assert_eq!(store.head().await.unwrap().size, size);
    store.commit(batch(&fresh, refusal(&store, &fresh.change).await)).await.unwrap();
    store.close().await;
}

async fn what_lapsed_is_claimed_too(place: &Place) {
    let store = place.open().await;
    let at = store.now();
    let (_, granting) = sample::envelope(at, None);
    // Requested and validated, not approved.
    store.commit(sample::batch(granting.entries[..2].to_vec())).await.unwrap();
    assert!(store.claim_changes("a", 60_000, 10).await.unwrap().is_empty());
    assert!(store.unfinished_changes(at.plus_ms(1), 10).await.unwrap().is_empty());
    let later = at.plus_ms(bailiwick_core::time::DAY_MS);
    assert_eq!(store.lapsed_changes(at).await.unwrap().len(), 0);
    assert_eq!(store.lapsed_changes(later).await.unwrap().len(), 1);
    place.clock.go(bailiwick_core::time::DAY_MS);
    assert_eq!(store.claim_changes("a", 60_000, 10).await.unwrap().len(), 1);
    store.close().await;
}
