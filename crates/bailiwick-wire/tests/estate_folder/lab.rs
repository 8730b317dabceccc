//! The lab's folder: it has to be right, and everything else is a change of it.

use std::path::Path;

use bailiwick_core::estate::Estate;
use bailiwick_wire::estate::{read, render_problems};

pub(crate) type Files = Vec<(String, String)>;

/// The files of `estates/lab`.
pub(crate) fn files() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let mut files = Vec::new();
    for folder in ["", "zones", "services", "policies"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The estate of files that have no problem.
pub(crate) fn estate(files: &Files) -> Estate {
    read(files).unwrap_or_else(|problems| panic!("{}", render_problems(&problems, files)))
}

#[test]
fn the_lab_has_no_problem() {
    let estate = estate(&files());
    assert_eq!(estate.zones.len(), 3);
    assert_eq!(estate.services.len(), 3);
    assert_eq!(estate.people.len(), 10);
    assert_eq!(estate.organisation.name, "Example Trading");
}
