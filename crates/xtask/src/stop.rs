//! Why a chore cannot go on.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What stopped a chore; every one says what to do.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The command line was wrong.
    Usage(String),
    /// A program could not be started at all.
    CannotStart { program: String, source: io::Error },
    /// A program ended with an error, or was killed (no code).
    Failed { command: String, code: Option<i32> },
    /// A file could not be read or written.
    File { doing: &'static str, path: PathBuf, source: io::Error },
    /// A program's answer was not the JSON it should be.
    NotJson { command: String, source: serde_json::Error },
    /// JSON came, but without what is needed.
    Lacks { command: String, field: &'static str },
    /// The text between two markers was to be replaced, and they are not there.
    NoMarkers { path: PathBuf, begin: &'static str, end: &'static str },
    /// The bailiwick program does not know this subcommand yet.
    NotYet { subcommand: &'static str },
    /// Packages are missing and this user may not install them.
    NotRoot { command: String },
}

impl Stop {
    /// 2 for a wrong command line, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { 2 } else { 1 }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => f.write_str(what),
            Self::CannotStart { program, source } => {
                write!(f, "`{program}` cannot be started: {source}; is it installed?")
            }
            Self::Failed { command, code: Some(code) } => {
                write!(f, "`{command}` ended with exit code {code}; repeat it to see why")
            }
            Self::Failed { command, code: None } => {
                write!(f, "`{command}` was killed; repeat it to see why")
            }
            Self::File { doing, path, source } => {
                write!(f, "cannot {doing} `{}`: {source}", path.display())
            }
            Self::NotJson { command, source } => {
                write!(f, "`{command}` did not print JSON: {source}")
            }
            Self::Lacks { command, field } => {
                write!(f, "the JSON of `{command}` lacks `{field}`; see its reader in crates/xtask")
            }
            Self::NoMarkers { path, begin, end } => {
                write!(
                    f,
                    "`{}` needs the lines `{begin}` and `{end}`, in this order",
                    path.display()
                )
            }
            Self::NotYet { subcommand } => {
                write!(f, "the bailiwick program has no `{subcommand}` command yet; add it first")
            }
            Self::NotRoot { command } => {
                write!(f, "packages are missing and only root can install them; run: {command}")
            }
        }
    }
}

impl std::error::Error for Stop {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CannotStart { source, .. } | Self::File { source, .. } => Some(source),
            Self::NotJson { source, .. } => Some(source),
            Self::Usage(_)
            | Self::Failed { .. }
            | Self::Lacks { .. }
            | Self::NoMarkers { .. }
            | Self::NotYet { .. }
            | Self::NotRoot { .. } => None,
        }
    }
}
