//! Who looks at delegations, and for how long it stays theirs.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::super::delegations::Looker;
use super::scene::open_in;
use super::watched::estate;
use crate::app::App;
use crate::app::start::Opened;
use crate::world::World;

/// Long enough for every look here.
const LONG_MS: u32 = 60_000;

/// A lab in which one zone has a server of its own at an address.
async fn lab(server: &str) -> (Opened, [TempDir; 2]) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    estate(folders[1].path(), server, "");
    let opened = open_in(folders[0].path(), Some(folders[1].path()), World::system()).await;
    (opened, folders)
}

fn server(app: &Arc<App>, name: &str, held_ms: u32) -> Looker {
    Looker::new(Arc::clone(app), name.to_owned(), held_ms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_on_one_store_one_looks_at_delegations() {
    let (opened, _folders) = lab("127.0.0.1:1").await;
    let app = &opened.app;
    let (mut first, mut second) = (server(app, "first", LONG_MS), server(app, "second", LONG_MS));
    for round in 0..2 {
        assert!(first.round().await.unwrap(), "round {round}: the first one looks");
        assert!(!second.round().await.unwrap(), "round {round}: and the second one does not");
    }
    first.lets_go().await;
    assert!(second.round().await.unwrap(), "then the second one does");
    assert!(!first.round().await.unwrap(), "and the first one waits");
}

/// A look at a server that swallows every question takes longer than the lease, which stays; and one whose
/// holder is gone without a word ends by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_takes_long_stays_with_whoever_looks_until_they_are_gone() {
    const SHORT_MS: u32 = 1_500;
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (opened, _folders) = lab(&silent.local_addr().unwrap().to_string()).await;
    let app = &opened.app;
    let mut first = server(app, "first", SHORT_MS);
    let looking = tokio::spawn(async move { first.round().await.unwrap() });
    let mut second = server(app, "second", SHORT_MS);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(u64::from(SHORT_MS))).await;
        assert!(!looking.is_finished(), "it still looks");
        assert!(!second.round().await.unwrap(), "and nobody else does");
    }
    // Killed: nothing is let go, and nothing is made longer any more.
    looking.abort();
    tokio::time::sleep(Duration::from_millis(u64::from(2 * SHORT_MS))).await;
    let taken = tokio::time::timeout(Duration::from_millis(500), second.round()).await;
    assert!(taken.is_err(), "the other one looks now");
}
