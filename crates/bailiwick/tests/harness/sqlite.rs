//! The SQLite shell: somebody who reads and writes the file behind Bailiwick's back.

use std::path::Path;
use std::time::Duration;

use super::process::{self, Ran};
use super::programs;

/// Runs SQL on a database file; rows come as lines, columns separated by `|`.
pub(crate) fn sql(file: &Path, text: &str) -> Ran {
    let mut command = process::bounded(&programs::find("sqlite3"), Duration::from_secs(60));
    command.args(["-batch", "-bail"]).arg(file).arg(text);
    process::run(command)
}
