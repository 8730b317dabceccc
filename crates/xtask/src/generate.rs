//! `cargo xtask gen`: the files that the program itself prints.

use std::path::Path;
use std::process::ExitCode;

use crate::repo;
use crate::run::{self, Line};
use crate::stop::Stop;

pub(crate) const HELP: &str = "\
Writes the files that the bailiwick program prints about itself.

usage: cargo xtask gen

  docs/openapi.json   from `bailiwick openapi`
  docs/cli.md         from `bailiwick help-all`

They are committed, and `cargo xtask tidy --full` fails when they are stale.
";

/// A committed file and the subcommand that prints it.
pub(crate) struct Printed {
    pub(crate) file: &'static str,
    pub(crate) subcommand: &'static str,
}

pub(crate) const PRINTED: &[Printed] = &[
    Printed { file: "docs/openapi.json", subcommand: "openapi" },
    Printed { file: "docs/cli.md", subcommand: "help-all" },
];

pub(crate) fn main(words: &[String]) -> Result<ExitCode, Stop> {
    if !words.is_empty() {
        return Err(Stop::Usage("gen takes no arguments".to_owned()));
    }
    let root = repo::root();
    build(&root)?;
    for printed in PRINTED {
        let fresh = bailiwick(&[printed.subcommand], printed.subcommand, &root)?;
        let old = repo::text(&root, printed.file).ok().flatten();
        if old.as_deref() == Some(&fresh) {
            println!("{} is fresh", printed.file);
        } else {
            repo::write(&root, printed.file, &fresh)?;
            println!("{} written", printed.file);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the program; apart from running it, so that an error of the compiler is not taken for one of the
/// program.
pub(crate) fn build(root: &Path) -> Result<(), Stop> {
    // As the tests build it: other features of what it needs would compile half of it once more.
    Line::new("cargo", &["test", "--quiet", "--workspace", "--test", "it", "--no-run"]).must(root)
}

/// Runs a subcommand of the debug build and hands back what it printed, ending in one line end.
pub(crate) fn bailiwick(
    words: &[&str],
    subcommand: &'static str,
    root: &Path,
) -> Result<String, Stop> {
    let line = apart(words, root);
    let (code, text) = run::try_read(&line, root)?;
    match code {
        Some(0) if !text.trim().is_empty() => Ok(format!("{}\n", text.trim_end())),
        // 2 is wrong usage: the subcommand is not known.
        Some(0 | 2) => Err(Stop::NotYet { subcommand }),
        code => Err(Stop::Failed { command: line.shown(), code }),
    }
}

/// The command without what this terminal and this user's settings would put into its answer: the width of
/// help texts, and the variables that help texts show with their values.
fn apart(words: &[&str], root: &Path) -> Line {
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let ours = ours.filter(|name| name.starts_with("BAILIWICK_"));
    let mut line = Line::new("env", &[]).env("COLUMNS", "100");
    line.args.extend(ours.flat_map(|name| ["-u".to_owned(), name]));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    line.args.push(target.join("debug/bailiwick").display().to_string());
    line.args.extend(words.iter().map(|&word| word.to_owned()));
    line
}
