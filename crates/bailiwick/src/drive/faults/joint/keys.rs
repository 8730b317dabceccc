//! The keys that Bailiwick makes for a change lie sealed as long as the change may need them, on the
//! way back too, and are wiped with its end (TRW-7).

use bailiwick_core::change::{Change, Step};
use bailiwick_core::gate::SealedSecret;

use super::{At, Faulty, Goes, Scene, Strike, When};

/// Whether these octets are in any file of a folder.
fn is_on_disk(folder: &std::path::Path, octets: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return is_on_disk(&path, octets);
        }
        let all = std::fs::read(&path).unwrap_or_default();
        all.windows(octets.len()).any(|window| window == octets)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_7_the_key_of_a_change_is_wiped_from_the_disk_when_the_change_is_over() {
    let scene = Scene::new().await;
    let verify = Strike { at: At::Verify, goes: Goes::Fails, when: When::Nth(0) };
    let mut wiped = Vec::new();
    for strikes in [&[][..], &[verify]] {
        let (id, plan) = scene.change().await;
        let deploy = plan.steps().iter().find_map(|step| {
            if let Step::DeployCertificate(deploy) = step { Some(deploy) } else { None }
        });
        let deploy = deploy.unwrap();
        let key = SealedSecret::SubjectKey(deploy.key);
        let sealed = scene.app.store.sealed(&key).await.unwrap().unwrap();
        assert!(is_on_disk(scene.folder.path(), &sealed), "not even before");
        let change = scene.drive(&Faulty::new(&scene.app, strikes), &id).await.unwrap();
        let ended = matches!(change, Change::Closed { .. } | Change::RolledBack { .. });
        assert!(ended, "{change:?}");
        assert_eq!(scene.app.store.sealed(&key).await.unwrap(), None, "still stored");
        let before = SealedSecret::DeployedBefore(id, deploy.place.clone());
        assert_eq!(scene.app.store.sealed(&before).await.unwrap(), None, "still stored");
        wiped.push(sealed);
    }
    // The log in front of the database file goes with the last who has it open.
    scene.app.store.close().await;
    for sealed in wiped {
        assert!(!is_on_disk(scene.folder.path(), &sealed), "still on the disk");
    }
}
