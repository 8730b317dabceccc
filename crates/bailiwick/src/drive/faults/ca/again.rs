//! Orders that a person was asked about: when the CA shows them after all, what it issued is found and
//! revoked without anybody (promise P3).

use std::sync::Arc;

use bailiwick_core::names::ChangeId;
use bailiwick_store::{ChangeFilter, LIMIT_MAX};

use super::mischief::{End, Mischief};
use super::net::Way;
use super::scene::Scene;
use super::state::Shows;
use super::{Books, run};
use crate::drive::loops::look_again;

async fn with_a_person(scene: &Scene) -> Vec<ChangeId> {
    let filter = ChangeFilter { state: Some("unknown".to_owned()), ..ChangeFilter::default() };
    let found = scene.app.store.changes(&filter, None, LIMIT_MAX).await.unwrap();
    found.items.into_iter().map(|row| row.request.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_what_comes_to_light_while_a_person_is_asked_is_revoked_by_itself() {
    let scene = Scene::new("https://127.0.0.1:14000", |ca| Way::Memory(Arc::clone(ca))).await;
    let mut found = 0;
    for seed in 0..16 {
        for mischief in [Mischief::ProcessingForEver, Mischief::OrderForgotten] {
            if run(&scene, mischief, seed).await != End::WithPerson {
                continue;
            }
            let what = format!("{mischief:?} seed {seed}");
            let [id] = with_a_person(&scene).await.try_into().expect("this one and no other");
            let before = scene.app.load_change(&id).await.unwrap();
            assert!(Books::of(&scene).issued.iter().all(|one| !one.revoked), "{what}");
            look_again(&scene.app, "again").await.unwrap();
            let same = scene.app.load_change(&id).await.unwrap();
            assert_eq!(same.change, before.change, "{what}: nothing new, so nothing is stored");

            for order in &mut scene.ca.state().orders {
                order.shows = Shows::Truth;
            }
            scene.clock.goes_on(5 * 60 * 1_000);
            look_again(&scene.app, "again").await.unwrap();
            let after = scene.app.load_change(&id).await.unwrap();
            assert_eq!(after.change.name(), "rolled-back", "{what}: {:?}", after.change);
            let issued = Books::of(&scene).issued;
            assert!(
                !issued.is_empty() && issued.iter().all(|one| one.revoked),
                "{what}: {issued:?}"
            );
            assert!(scene.app.store.order_marks(&id).await.unwrap().is_empty(), "{what}");
            found += 1;
        }
    }
    assert!(found >= 5, "only {found} were with a person");
    let differing = scene.app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
}
