//! Broken folders: each problem is told with its rule and its place.

use bailiwick_wire::estate::{problems_json, read, render_problems};

use crate::lab::{Files, files};

/// The lab with one text of one file replaced.
fn with(path: &str, from: &str, to: &str) -> Files {
    let mut files = files();
    let (_, text) = files.iter_mut().find(|(its, _)| its == path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {path}");
    *text = text.replacen(from, to, 1);
    files
}

fn without(path: &str) -> Files {
    let mut files = files();
    files.retain(|(its, _)| its != path);
    files
}

fn and(path: &str, text: &str) -> Files {
    let mut files = files();
    files.push((path.to_owned(), text.to_owned()));
    files
}

/// Places of the problems: `file:line:column rule`.
fn places(files: &Files) -> Vec<String> {
    let problems = read(files).map(|_| ()).unwrap_err();
    problems
        .iter()
        .map(|it| {
            assert!(!it.message.is_empty() && !it.remedy.is_empty(), "{it:?}");
            format!("{}:{}:{} {}", it.file, it.line, it.column, it.rule)
        })
        .collect()
}

#[track_caller]
fn check(files: &Files, expected: &[&str]) {
    let found = places(files);
    assert_eq!(
        found,
        expected,
        "\n{}",
        render_problems(&read(files).map(|_| ()).unwrap_err(), files)
    );
}
