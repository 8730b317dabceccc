//! Who looks at delegations, and for how long it stays theirs.

use std::sync::Arc;

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
