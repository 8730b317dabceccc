//! `cargo xtask tidy`: the house rules that a program can check.
//!
//! Every problem is found before any is shown, each with its place and its remedy.

mod licences;
mod manifests;
mod printed;
mod rooms;
mod rust_text;
mod sources;
mod texts;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use crate::repo;
use crate::stop::Stop;

pub(crate) const HELP: &str = "\
Checks the house rules, and shows every breach with file, line and remedy.

usage: cargo xtask tidy [--full]

  --full   also build the program and check what it prints: generated files are
           fresh, every HTTP route appears in the authorisation table

The rules are in CONTRIBUTING.md.
";

/// How far a check looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// What is written in the repository.
    Sources,
    /// What the built program prints.
    Printed,
}

impl Reach {
    /// The words to type to check it again.
    pub(crate) fn repeat(self) -> &'static str {
        match self {
            Self::Sources => "cargo xtask tidy",
            Self::Printed => "cargo xtask tidy --full",
        }
    }
}

/// A breach of a rule.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Problem {
    file: String,
    /// From 1; 0 stands for the file as a whole.
    line: usize,
    what: String,
    remedy: String,
}

impl Problem {
    fn new(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}\n    {}", self.what, self.remedy)
    }
}

pub(crate) fn main(words: &[String]) -> Result<ExitCode, Stop> {
    let full = match words {
        [] => false,
        [word] if word == "--full" => true,
        _ => return Err(Stop::Usage("tidy takes nothing but --full".to_owned())),
    };
    let root = repo::root();
    let mut fine = run(Reach::Sources, &root)?;
    if full {
        fine &= run(Reach::Printed, &root)?;
    }
    Ok(ExitCode::from(u8::from(!fine)))
}

/// Checks, and shows what it found; true when that is nothing.
pub(crate) fn run(reach: Reach, root: &Path) -> Result<bool, Stop> {
    let (mut problems, seen) = match reach {
        Reach::Sources => check_sources(root)?,
        Reach::Printed => printed::check(root)?,
    };
    problems.sort();
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => println!("tidy: {seen}; nothing to mend"),
        1 => println!("tidy: {seen}; 1 problem"),
        n => println!("tidy: {seen}; {n} problems"),
    }
    Ok(problems.is_empty())
}

fn check_sources(root: &Path) -> Result<(Vec<Problem>, String), Stop> {
    let files = repo::files(root)?;
    let mut problems = Vec::new();
    for name in &files {
        if let Some(text) = repo::text(root, name)? {
            problems.extend(sources::check(name, &text));
            problems.extend(texts::check(name, &text));
            problems.extend(manifests::check(name, &text));
        }
    }
    problems.extend(texts::check_set(&files));
    problems.extend(rooms::check(root)?);
    problems.extend(licences::check(root)?);
    Ok((problems, format!("{} files", files.len())))
}
