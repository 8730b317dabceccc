//! Running other programs: shown live, or read.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stop::Stop;
use crate::tally::Tally;

/// One command, as data, so that it can be run and shown for repeating.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    pub(crate) program: &'static str,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(&'static str, String)>,
}

impl Line {
    pub(crate) fn new(program: &'static str, args: &[&str]) -> Self {
        Self { program, args: args.iter().map(|&a| a.to_owned()).collect(), env: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    /// The words to type to run it again.
    pub(crate) fn shown(&self) -> String {
        let env = self.env.iter().map(|(n, v)| format!("{n}={} ", quoted(v)));
        let args = self.args.iter().map(|a| format!(" {}", quoted(a)));
        env.chain([self.program.to_owned()]).chain(args).collect()
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.args).current_dir(folder).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(n, v)| (*n, v)));
        // Set for us by `cargo run`; they would make the inner cargo rebuild what depends on them.
        for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it with its output on the terminal, counting the tests it reports.
    pub(crate) fn live(&self, folder: &Path) -> Result<(bool, Tally), Stop> {
        self.live_to(&mut std::io::stdout().lock(), folder)
    }

    fn live_to(&self, terminal: &mut impl Write, folder: &Path) -> Result<(bool, Tally), Stop> {
        let mut command = self.command(folder);
        if std::io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let start = |source| Stop::CannotStart { program: self.program.to_owned(), source };
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(start)?;
        let mut tally = Tally::default();
        if let Some(out) = child.stdout.take() {
            for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                // A closed terminal must not stop the counting.
                drop(terminal.write_all(&line).and_then(|()| terminal.write_all(b"\n")));
                tally.read(&String::from_utf8_lossy(&line));
            }
        }
        let status = child.wait().map_err(start)?;
        Ok((status.success(), tally))
    }

    /// Runs it with its output on the terminal; an error when it fails.
    pub(crate) fn must(&self, folder: &Path) -> Result<(), Stop> {
        let status = self
            .command(folder)
            .status()
            .map_err(|source| Stop::CannotStart { program: self.program.to_owned(), source })?;
        if status.success() {
            return Ok(());
        }
        Err(Stop::Failed { command: self.shown(), code: status.code() })
    }

    /// Runs it and hands back what it wrote to standard output; its complaints stay on the terminal.
    pub(crate) fn read(&self, folder: &Path) -> Result<String, Stop> {
        let output = self
            .command(folder)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|source| Stop::CannotStart { program: self.program.to_owned(), source })?;
        if !output.status.success() {
            return Err(Stop::Failed { command: self.shown(), code: output.status.code() });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Runs a program and hands back its standard output.
pub(crate) fn read(program: &'static str, args: &[&str], folder: &Path) -> Result<String, Stop> {
    Line::new(program, args).read(folder)
}

/// Runs a program silently; its exit code and standard output, whatever they are.
pub(crate) fn try_read(line: &Line, folder: &Path) -> Result<(Option<i32>, String), Stop> {
    let output = line
        .command(folder)
        .stderr(Stdio::null())
        .output()
        .map_err(|source| Stop::CannotStart { program: line.program.to_owned(), source })?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &Line, expected: &str) {
        assert_eq!(given.shown(), expected);
    }

    #[test]
    fn a_command_is_shown_so_that_a_shell_repeats_it() {
        check(&Line::new("cargo", &["test", "--workspace"]), "cargo test --workspace");
        check(&Line::new("ls", &["two words", "it's"]), "ls 'two words' 'it'\\''s'");
        check(&Line::new("cargo", &["test"]).env("KILLS", "1 0"), "KILLS='1 0' cargo test");
    }

    #[test]
    fn failure_is_seen_and_tests_are_counted() {
        let text = "printf 'test result: ok. 2 passed; 1 failed; 0 ignored\\n'; exit 3";
        let mut shown = Vec::new();
        let line = Line::new("sh", &["-c", text]);
        let (fine, tally) = line.live_to(&mut shown, Path::new(".")).unwrap();
        assert_eq!(shown, b"test result: ok. 2 passed; 1 failed; 0 ignored\n");
        assert!(!fine);
        assert_eq!(tally, Tally { passed: 2, failed: 1 });
    }
}
