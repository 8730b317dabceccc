//! No room on the disk.

use bailiwick_core::ledger::LeafIndex;
use bailiwick_store::{CommitError, DbError, Unavailable};

use crate::engine::{Place, assert_sound};
use crate::sample;

/// SQLite is told how many pages the file may have; PostgreSQL has no such switch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_commits_and_nothing_else() {
    let place = Place::sqlite();
    let store = place.open().await;
    for batch in sample::life(store.now()) {
        store.commit(batch).await.unwrap();
    }
    let pages = place.numbers("PRAGMA page_count").await[0];
    let octets = u64::try_from(pages + 30).unwrap() * 4_096;
    store.limit_octets(octets).await.unwrap();
    let mut stored = 0_u32;
    let refused = loop {
        let batch = sample::denied(store.now(), &"x".repeat(10_000));
        match store.commit(batch).await {
            Ok(_) => stored += 1,
            Err(why) => break why,
        }
        assert!(stored < 1_000, "the file grew beyond its limit");
    };
    assert!(
        matches!(refused, CommitError::Unavailable(Unavailable::Database(DbError::Full(_)))),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("full"), "{refused}");
    // Many at once are all refused, one by one.
    let tries = (0..20).map(|_| store.commit(sample::denied(store.now(), &"x".repeat(10_000))));
    for result in futures::future::join_all(tries).await {
        assert!(matches!(result, Err(CommitError::Unavailable(_))), "{result:?}");
    }
    // Reading goes on.
    let head = store.head().await.unwrap();
    let last = LeafIndex::new(head.size.get() - 1).unwrap();
    assert!(store.entry(last).await.unwrap().is_some());
    assert_sound(&store, &place).await;
    // Room again: nothing has to be mended.
    store.limit_octets(octets * 100).await.unwrap();
    let committed = store.commit(sample::denied(store.now(), &"x".repeat(10_000))).await.unwrap();
    assert_eq!(committed.first_index.get(), head.size.get());
    assert_sound(&store, &place).await;
    store.close().await;
}
