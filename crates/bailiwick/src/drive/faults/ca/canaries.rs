//! P9, P3: whoever sends canaries dies before or after any request and any record, and goes on: each is
//! finalized once, whatever was issued is revoked, one incident is open, and nothing is left anywhere.

use std::sync::Arc;

use bailiwick_core::watch::Stands;
use bailiwick_store::CanaryRow;

use super::acme::Ca;
use super::net::{Crash, Way};
use super::scene::{FORBIDDEN, PERMITTED, Scene};
use crate::drive::canary::one_round;

/// Rounds that a run may take.
const ROUNDS_MAX: usize = 100;
/// Requests and records of both canaries, where nobody dies: about 40.
const ACTS: u32 = 48;
/// After so long canaries are due again.
const CYCLE_MS: u64 = 25 * 3_600_000;

/// Everything up to the end of a cycle in which somebody dies once; the two canaries.
async fn cycle(scene: &Scene, crashes: Vec<Crash>) -> Vec<CanaryRow> {
    let what = format!("{crashes:?}");
    scene.clock.goes_on(CYCLE_MS);
    let began = scene.now();
    scene.net.begin_canaries(crashes);
    for _ in 0..ROUNDS_MAX {
        tokio::select! {
            biased;
            () = scene.net.died.notified() => {}
            done = one_round(&scene.app) => done.unwrap(),
        }
        // A dead driver's turn has to be over before another begins.
        scene.clock.goes_on(31_000);
        let rows = scene.app.store.canaries(None).await.unwrap();
        let fresh = rows.iter().filter(|row| began < row.at).count();
        if fresh == 2 && scene.app.store.canary_flights().await.unwrap().is_empty() {
            return rows;
        }
    }
    panic!("{what}: does not end: {:?}", scene.app.store.canaries(None).await.unwrap());
}

async fn check(scene: &Scene, rows: &[CanaryRow], orders_before: usize, what: &str) {
    let of = |name: &str| rows.iter().find(|row| row.run.name.as_str() == name).unwrap();
    let (forbidden, permitted) = (of(FORBIDDEN), of(PERMITTED));
    assert_eq!(forbidden.run.stands, Stands::Fails, "{what}: {forbidden:?}");
    assert_eq!(permitted.run.stands, Stands::Holds, "{what}: {permitted:?}");
    for row in [forbidden, permitted] {
        assert!(row.run.revoked && row.run.certificate.is_some(), "{what}: {row:?}");
    }
    let store = &scene.app.store;
    {
        let state = scene.ca.state();
        let orphan = state.issued.iter().find(|one| !state.revoked.contains(&one.der));
        assert!(orphan.is_none(), "{what}: an orphan");
        assert!(state.orders.iter().all(|order| order.finalized <= 1), "{what}: finalized twice");
        let new = state.orders.len() - orders_before;
        // An order whose answer nobody lived to read was never finalized, and lapses.
        assert!((2..=3).contains(&new), "{what}: {new} orders");
        assert!(state.issued.len() <= state.orders.len(), "{what}");
    }
    assert_eq!(scene.net.wrongs(), Vec::<String>::new(), "{what}");
    assert!(scene.net.zone.left().is_empty(), "{what}: a record is left in the zone");
    let incidents = store.incidents(10).await.unwrap();
    assert_eq!(incidents.len(), 1, "{what}: {incidents:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p9_whoever_sends_canaries_dies_anywhere_and_nothing_is_orphaned_or_doubled() {
    let way = |ca: &Arc<Ca>| Way::Memory(Arc::clone(ca));
    let scene = Scene::of_canaries("https://127.0.0.1:14000", way).await;
    let rows = cycle(&scene, Vec::new()).await;
    let acts = scene.net.acts();
    assert!((20..ACTS).contains(&acts), "{acts} requests and records");
    check(&scene, &rows, 0, "nobody dies").await;
    for at in 0..acts {
        // What is done before a request is what was done after the one before it: some are enough.
        for after in [true, false].into_iter().filter(|after| *after || at % 3 == 0) {
            let orders = scene.ca.state().orders.len();
            let crash = Crash { at, after };
            let rows = cycle(&scene, vec![crash]).await;
            check(&scene, &rows, orders, &format!("{crash:?}")).await;
        }
    }
    let differing = scene.app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
}
