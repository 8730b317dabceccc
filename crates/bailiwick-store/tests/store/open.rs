//! What is opened, and what is not.

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_core::names::Digest;
use bailiwick_store::{CommitError, OpenError, Past, Store, StoreUrl, Unavailable};

use crate::engine::{Place, assert_sound};
use crate::sample;

crate::both! {
    other_schemas_are_refused,
    a_head_that_does_not_fit_is_refused,
    a_reader_changes_nothing,
    a_store_without_its_mark_is_a_copy,
    a_start_after_a_restore_that_is_cut_short_is_refused_again,
}

async fn other_schemas_are_refused(place: &Place) {
    place.open().await.close().await;
    place.sql("INSERT INTO schema_version (version, name, digest) VALUES (99, 'later', CAST('' AS BYTES))").await;
    let refused = place.try_open().await.err();
    assert!(matches!(refused, Some(OpenError::NewSchema { .. })), "{refused:?}");
    place.sql("DELETE FROM schema_version WHERE version = 99").await;
    place.sql("UPDATE schema_version SET name = 'theirs' WHERE version = 2").await;
    let refused = place.try_open().await.err();
    assert!(matches!(refused, Some(OpenError::OtherSchema { .. })), "{refused:?}");
    place.sql("DELETE FROM schema_version WHERE version > 1").await;
    let refused = Store::open_read_only(&place.url).await.err();
    assert!(matches!(refused, Some(OpenError::OldSchema { found: 1 })), "{refused:?}");
    place.sql("DROP TABLE schema_version").await;
    let refused = Store::open_read_only(&place.url).await.err();
    assert!(matches!(refused, Some(OpenError::NoStore)), "{refused:?}");
}

async fn a_head_that_does_not_fit_is_refused(place: &Place) {
    let store = place.open().await;
    for n in 0..3 {
        store.commit(sample::denied(store.now(), &format!("{n}"))).await.unwrap();
    }
    store.close().await;
    for (damage, mend) in [
        ("UPDATE ledger_head SET size = 2", "UPDATE ledger_head SET size = 3"),
        (
            "UPDATE checkpoint SET size = 9 WHERE size = 3",
            "UPDATE checkpoint SET size = 3 WHERE size = 9",
        ),
        ("UPDATE entry SET idx = 7 WHERE idx = 2", "UPDATE entry SET idx = 2 WHERE idx = 7"),
    ] {
        place.sql(damage).await;
        let refused = place.try_open().await.err();
        assert!(matches!(refused, Some(OpenError::Damaged(_))), "{damage}: {refused:?}");
        place.sql(mend).await;
    }
    place.open().await.close().await;
}

/// Every file of a folder with its octets.
fn files(folder: &Path) -> BTreeMap<String, Digest> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let file = file.unwrap();
            let octets = std::fs::read(file.path()).unwrap();
            (file.file_name().into_string().unwrap(), Digest::of(&octets))
        })
        .collect()
}

async fn a_reader_changes_nothing(place: &Place) {
    let store = place.open().await;
    for batch in sample::life(store.now()) {
        store.commit(batch).await.unwrap();
    }
    // Beside the one that writes.
    let reader = Store::open_read_only(&place.url).await.unwrap();
    assert_sound(&reader, place).await;
    store.commit(sample::denied(store.now(), "meanwhile")).await.unwrap();
    assert_eq!(reader.head().await.unwrap(), store.head().await.unwrap());
    let refused = reader.commit(sample::denied(store.now(), "x")).await;
    assert!(matches!(refused, Err(CommitError::Unavailable(Unavailable::ReadOnly))));
    reader.close().await;
    if place.is_sqlite() {
        // A copy taken while it was written, with its log.
        let copy = tempfile::tempdir().unwrap();
        for file in ["bailiwick.db", "bailiwick.db-wal"] {
            std::fs::copy(place.folder().join(file), copy.path().join(file)).unwrap();
        }
        let before = files(copy.path());
        let url = StoreUrl::sqlite(copy.path().join("bailiwick.db"));
        let reader = Store::open_read_only(&url).await.unwrap();
        assert_sound(&reader, place).await;
        assert_eq!(reader.head().await.unwrap(), store.head().await.unwrap());
        reader.close().await;
        assert_eq!(files(copy.path()), before);
    }
    store.close().await;
    let before = place.is_sqlite().then(|| files(&place.folder()));
    let reader = Store::open_read_only(&place.url).await.unwrap();
    assert_sound(&reader, place).await;
    reader.close().await;
    assert_eq!(place.is_sqlite().then(|| files(&place.folder())), before);
}

#[tokio::test]
async fn a_file_that_went_back_is_refused() {
    let place = Place::sqlite();
    let store = place.open().await;
    store.commit(sample::denied(store.now(), "first")).await.unwrap();
    store.close().await;
    let file = place.folder().join("bailiwick.db");
    let older = std::fs::read(&file).unwrap();
    let store = place.open().await;
    store.commit(sample::denied(store.now(), "second")).await.unwrap();
    store.close().await;
    let newer = std::fs::read(&file).unwrap();
    std::fs::write(&file, &older).unwrap();
    let refused = place.try_open().await.err();
    assert!(matches!(refused, Some(OpenError::Older { .. })), "{refused:?}");
    // The same number of other leaves.
    let mark = place.folder().join("bailiwick.db.mark");
    let ours = std::fs::read(&mark).unwrap();
    std::fs::remove_file(&mark).unwrap();
    let restored = Past { restored: true, ..Past::default() };
    let store = place.try_open_after(&restored).await.unwrap();
    store.settled().await;
    store.commit(sample::denied(store.now(), "another second")).await.unwrap();
    store.close().await;
    std::fs::write(&mark, ours).unwrap();
    let refused = place.try_open().await.err();
    assert!(matches!(refused, Some(OpenError::Damaged(_))), "{refused:?}");
    std::fs::write(&mark, "?").unwrap();
    assert!(matches!(place.try_open().await.err(), Some(OpenError::BadMark { .. })));
    std::fs::remove_file(&mark).unwrap();
    std::fs::write(&file, &newer).unwrap();
    assert!(matches!(place.try_open().await.err(), Some(OpenError::NoMark { .. })));
    place.try_open_after(&restored).await.unwrap().close().await;
}

/// A data folder that was copied with its mark is another file, wherever it lies.
#[tokio::test]
async fn a_copy_with_its_mark_is_refused() {
    let place = Place::sqlite();
    let store = place.open().await;
    store.commit(sample::denied(store.now(), "first")).await.unwrap();
    store.close().await;
    place.open().await.close().await;
    let file = place.folder().join("bailiwick.db");
    // As a backup is put back: the same octets in a file that is made anew.
    let octets = std::fs::read(&file).unwrap();
    std::fs::rename(&file, place.folder().join("kept")).unwrap();
    std::fs::write(&file, octets).unwrap();
    let refused = place.try_open().await.err();
    assert!(matches!(refused, Some(OpenError::Copied { .. })), "{refused:?}");
    assert!(refused.unwrap().to_string().contains("up --restored"));
    // The file itself is taken, wherever it is moved within its file system.
    std::fs::rename(place.folder().join("kept"), &file).unwrap();
    place.open().await.close().await;
}

/// A mark of a place: beside the file, or where the caller keeps it.
fn past(place: &Place, folder: &tempfile::TempDir, restored: bool) -> (Past, std::path::PathBuf) {
    let mark = if place.is_sqlite() {
        place.folder().join("bailiwick.db.mark")
    } else {
        folder.path().join("postgres.mark")
    };
    (Past { mark: Some(mark.clone()), restored }, mark)
}

async fn a_store_without_its_mark_is_a_copy(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let (says_nothing, mark) = past(place, &folder, false);
    let store = place.try_open_after(&says_nothing).await.unwrap();
    assert!(mark.exists(), "an empty store is marked before anything is in it");
    store.commit(sample::denied(store.now(), "first")).await.unwrap();
    store.close().await;
    place.try_open_after(&says_nothing).await.unwrap().close().await;
    let kept = std::fs::read(&mark).unwrap();
    std::fs::remove_file(&mark).unwrap();
    let refused = place.try_open_after(&says_nothing).await.err();
    assert!(matches!(refused, Some(OpenError::NoMark { .. })), "{refused:?}");
    assert!(!mark.exists(), "a refusal alters nothing");
    // A mark that is further than the store: the store is older.
    let text = String::from_utf8(kept.clone()).unwrap().replacen("\n1\n", "\n5\n", 1);
    std::fs::write(&mark, text).unwrap();
    let refused = place.try_open_after(&says_nothing).await.err();
    assert!(matches!(refused, Some(OpenError::Older { .. })), "{refused:?}");
    std::fs::write(&mark, kept).unwrap();
    place.try_open_after(&says_nothing).await.unwrap().close().await;
}

async fn a_start_after_a_restore_that_is_cut_short_is_refused_again(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let (says_nothing, mark) = past(place, &folder, false);
    let (restored, _) = past(place, &folder, true);
    let store = place.try_open_after(&says_nothing).await.unwrap();
    store.commit(sample::denied(store.now(), "first")).await.unwrap();
    store.close().await;
    std::fs::remove_file(&mark).unwrap();
    // Opened, written to, closed: but nobody said that what was not spent is void.
    let store = place.try_open_after(&restored).await.unwrap();
    store.commit(sample::denied(store.now(), "second")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    store.close().await;
    let refused = place.try_open_after(&says_nothing).await.err();
    assert!(matches!(refused, Some(OpenError::NoMark { .. })), "{refused:?}");
    let store = place.try_open_after(&restored).await.unwrap();
    store.settled().await;
    store.close().await;
    place.try_open_after(&says_nothing).await.unwrap().close().await;
}

/// Octets of the file are altered, not rows: the ledger or the file's own checks notice.
#[tokio::test]
async fn a_damaged_file_is_found() {
    let place = Place::sqlite();
    let store = place.open().await;
    let commits =
        (0..600).map(|n| store.commit(sample::denied(store.now(), &format!("object {n}"))));
    for result in futures::future::join_all(commits).await {
        result.unwrap();
    }
    store.close().await;
    let file = place.folder().join("bailiwick.db");
    let good = std::fs::read(&file).unwrap();
    // Whole pages with leaves in them, one at a time.
    let pages: Vec<usize> = (1..good.len() / 4_096)
        .filter(|page| good[page * 4_096..][..4_096].windows(10).any(|part| part == b"object 300"))
        .collect();
    assert!(!pages.is_empty());
    for page in pages {
        let mut bad = good.clone();
        bad[page * 4_096..][..4_096].fill(0xff);
        std::fs::write(&file, &bad).unwrap();
        let refused = place.try_open().await.err();
        assert!(matches!(refused, Some(OpenError::Damaged(_))), "{refused:?}");
        let reader = Store::open_read_only(&place.url).await.unwrap();
        let audited = reader.audit(&place.signer.trust(), Vec::new()).await.unwrap();
        let leaf = audited.report.finding.unwrap().leaves().first();
        assert!(leaf > 0 && leaf <= 300, "the first leaf of the page, not the last: {leaf}");
        assert!(!reader.fsck().await.unwrap().is_empty());
        reader.close().await;
    }
    std::fs::write(&file, &good).unwrap();
    place.open().await.close().await;
}

#[tokio::test]
async fn a_server_that_may_lose_commits_is_refused() {
    let mut place = Place::own_postgres().await;
    let mut server = place.server.take().unwrap();
    server.stop();
    server.restart("-F");
    let refused = place.try_open().await.err();
    assert!(
        matches!(&refused, Some(OpenError::Setting { name, .. }) if name == "fsync"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = StoreUrl::sqlite(folder.path().join("nothing.db"));
    assert!(matches!(Store::open_read_only(&nothing).await.err(), Some(OpenError::NoStore)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, whatever it is called").unwrap();
    let place = StoreUrl::sqlite(&text);
    assert!(Store::open_read_only(&place).await.is_err());
}
