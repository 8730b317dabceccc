//! Notices where some are never taken, where a way is dead, and where there is none: those behind them leave all
//! the same, and what is old is let go of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_connect::notify::Relay;
use bailiwick_core::names::PersonId;
use bailiwick_core::record::{Batch, Notice};
use bailiwick_core::time::{DAY_MS, HOUR_MS, SECOND_MS};

use super::scene::open_telling;
use super::watched::TestClock;
use crate::app::{App, Ways};
use crate::world::{SystemRandom, World};

fn world(clock: &Arc<TestClock>) -> World {
    World { clock: clock.clone(), random: Arc::new(SystemRandom), ..World::system() }
}

/// A command that takes everything but poison, and keeps the JSON of what it took.
fn command(folder: &Path) -> PathBuf {
    let file = folder.join("tell");
    let taken = folder.join("taken").display().to_string();
    let script = format!(
        "#!/bin/sh\nwords=$(/bin/cat)\ncase \"$words\" in *poison*) exit 3;; esac\necho \"$words\" >> {taken}\n"
    );
    std::fs::write(&file, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&file, mode).unwrap();
    file
}

async fn tell(app: &App, subjects: &[&str]) {
    let notice = |subject: &&str| Notice {
        to: PersonId::parse("pia").unwrap(),
        subject: (*subject).to_owned(),
        page: "changes/1".to_owned(),
    };
    let notices = subjects.iter().map(notice).collect();
    app.commit(Batch { notices, ..Batch::default() }).await.unwrap();
}

/// Numbers of notices that were not sent yet.
async fn unsent(app: &App) -> Vec<i64> {
    app.store.outbox(0, 1_000).await.unwrap().iter().map(|row| row.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_that_are_not_taken_and_a_dead_way_hold_no_other_notice_up() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new());
    // Nobody listens there.
    let dead = Relay::parse("smtp://127.0.0.1:1", "bailiwick@corp.example", None).unwrap();
    let ways = Ways { relay: Some(dead), command: Some(command(folder.path())), ..Ways::default() };
    let opened = open_telling(&folder.path().join("data"), world(&clock), ways).await;
    let app = &opened.app;
    let before = unsent(app).await.len();
    tell(app, &["poison"; 100]).await;
    tell(app, &["decide about: bread"]).await;
    let taken = || std::fs::read_to_string(folder.path().join("taken")).unwrap_or_default();
    for _ in 0..4 {
        app.send_notices().await.unwrap();
        clock.forward_ms(SECOND_MS);
    }
    assert_eq!(taken().matches("bread").count(), 1, "{}", taken());
    assert!(!taken().contains("poison"));
    // The relay has not taken it: it stays until that is over.
    assert_eq!(unsent(app).await.len(), before + 101);
    clock.forward_ms(3 * DAY_MS + HOUR_MS);
    app.send_notices().await.unwrap();
    assert!(unsent(app).await.is_empty());
    assert_eq!(taken().matches("bread").count(), 1, "each way once");
    app.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_notices_are_let_go_of_where_no_way_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new());
    let opened = open_telling(folder.path(), world(&clock), Ways::default()).await;
    let app = &opened.app;
    tell(app, &["old", "old too"]).await;
    app.send_notices().await.unwrap();
    let waiting = unsent(app).await;
    assert!(waiting.len() >= 2);
    clock.forward_ms(3 * DAY_MS + HOUR_MS);
    tell(app, &["new"]).await;
    app.send_notices().await.unwrap();
    let last = unsent(app).await;
    assert_eq!(last.len(), 1, "the new one");
    // After another month those that were given up are gone; the last number is not given again.
    clock.forward_ms(31 * DAY_MS);
    app.send_notices().await.unwrap();
    assert_eq!(app.store.forget_notices(app.now(), 1_000).await.unwrap(), 0, "nothing is left");
    tell(app, &["newest"]).await;
    assert_eq!(unsent(app).await, [last[0] + 1]);
    app.store.close().await;
}
