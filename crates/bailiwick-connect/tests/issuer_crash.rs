//! Making the CA and its seal is killed at every step on the disk; the next start finishes it with
//! the keys that are there, and never makes a second one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the world")]

mod issuer_world;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use issuer_world::{Cut, FailingDisk, files, local, start};

/// What must never change once it stands under its own name.
fn named(data: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = files(data);
    found.retain(|(path, _)| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
    found
}

#[test]
fn killed_at_any_step_the_next_start_finishes_without_a_second_key() {
    let mut steps = 0;
    for cut in [Cut::NotDone, Cut::HalfDone, Cut::Done] {
        for at in 0.. {
            let data = tempfile::tempdir().unwrap();
            let disk = Arc::new(FailingDisk::new(at, cut));
            if start(disk.clone(), data.path()).is_ok() {
                assert!(disk.steps.load(Ordering::SeqCst) <= at);
                steps = at;
                break;
            }
            let before = named(data.path());
            let issuer = start(local(), data.path())
                .unwrap_or_else(|fault| panic!("step {at} {cut:?}: {fault}"));
            let after = named(data.path());
            for file in &before {
                assert!(after.contains(file), "step {at} {cut:?}: {:?} was replaced", file.0);
            }
            let again = start(local(), data.path()).unwrap();
            assert_eq!(again.identity(), issuer.identity());
            assert_eq!(named(data.path()), after, "a complete start writes nothing");
        }
    }
    assert!(steps >= 20, "{steps} steps were tried");
}

#[test]
fn killed_twice_in_a_row_at_any_two_steps() {
    for first in 0..28 {
        for second in 0..8 {
            let data = tempfile::tempdir().unwrap();
            let _killed = start(Arc::new(FailingDisk::new(first, Cut::HalfDone)), data.path());
            let _again = start(Arc::new(FailingDisk::new(second, Cut::Done)), data.path());
            let issuer = start(local(), data.path())
                .unwrap_or_else(|fault| panic!("steps {first}, {second}: {fault}"));
            let again = start(local(), data.path()).unwrap();
            assert_eq!(again.identity(), issuer.identity());
        }
    }
}

#[test]
fn a_disk_that_cannot_be_read_is_never_taken_for_an_empty_one() {
    let data = tempfile::tempdir().unwrap();
    start(local(), data.path()).unwrap();
    let before = named(data.path());
    // A folder in the file's place: it exists, and it cannot be read as a file.
    let path = data.path().join("ca/root.sealed");
    std::fs::remove_file(data.path().join("data.key")).unwrap();
    std::fs::create_dir(data.path().join("data.key")).unwrap();
    assert!(start(local(), data.path()).is_err());
    assert!(path.exists());
    for (path, octets) in before {
        if !path.ends_with("data.key") {
            assert_eq!(std::fs::read(&path).unwrap(), octets, "{}", path.display());
        }
    }
}
