//! `cargo xtask test`: everything that must hold before a change lands.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::repo;
use crate::stages::{self, Depth, STAGES, Stage};
use crate::stop::Stop;
use crate::tally::Tally;

pub(crate) const HELP: &str = "\
Installs what the tests need, then checks everything, and prints one table.

usage: cargo xtask test [--fast] [--skip STAGE]... [--only STAGE]...

  --fast         leave out what needs servers or a second build
  --skip STAGE   leave out a stage; may be repeated
  --only STAGE   run this stage alone; may be repeated

A stage that fails does not stop the others, except `install`.
The last line is `N passed, N failed`: the tests, and one more for each other stage that failed.
";

/// What was asked for on the command line.
#[derive(Debug, Eq, PartialEq)]
struct Wish {
    depth: Depth,
    skip: Vec<String>,
    only: Vec<String>,
}

/// A line of the closing table.
struct Ran {
    name: &'static str,
    fine: bool,
    tests: Tally,
    took: Duration,
    repeat: String,
}

pub(crate) fn main(words: &[String]) -> Result<ExitCode, Stop> {
    let wish = parse(words)?;
    let root = repo::root();
    let mut ran = Vec::new();
    for stage in STAGES.iter().filter(|stage| wish.wants(stage)) {
        println!("\n=== {} ===", stage.name);
        let one = run_one(stage, wish.depth, &root);
        let give_up = stage.name == "install" && !one.fine;
        ran.push(one);
        if give_up {
            break;
        }
    }
    print!("{}", summary(&ran));
    Ok(ExitCode::from(u8::from(ran.iter().any(|one| !one.fine))))
}

fn run_one(stage: &Stage, depth: Depth, root: &Path) -> Ran {
    let begun = Instant::now();
    let result = stage.run(depth, root).unwrap_or_else(|stop| {
        eprintln!("error: {stop}");
        let repeat = format!("cargo xtask test --only {}", stage.name);
        stages::Result { fine: false, tests: Tally::default(), repeat }
    });
    let stages::Result { fine, tests, repeat } = result;
    Ran { name: stage.name, fine, tests, took: begun.elapsed(), repeat }
}

fn parse(words: &[String]) -> Result<Wish, Stop> {
    let mut wish = Wish { depth: Depth::Whole, skip: Vec::new(), only: Vec::new() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--fast" => wish.depth = Depth::Fast,
            "--skip" => wish.skip.push(stage_name(words.next())?),
            "--only" => wish.only.push(stage_name(words.next())?),
            other => {
                return Err(Stop::Usage(format!("`{other}` is not an option of test; see --help")));
            }
        }
    }
    Ok(wish)
}

fn stage_name(word: Option<&String>) -> Result<String, Stop> {
    let names: Vec<&str> = STAGES.iter().map(|s| s.name).collect();
    match word {
        Some(word) if names.contains(&word.as_str()) => Ok(word.clone()),
        Some(word) => {
            Err(Stop::Usage(format!("no stage is called `{word}`; there are {}", names.join(", "))))
        }
        None => Err(Stop::Usage("--skip and --only want a stage; see --help".to_owned())),
    }
}

impl Wish {
    fn wants(&self, stage: &Stage) -> bool {
        let named = |names: &[String]| names.iter().any(|n| n == stage.name);
        let chosen = if self.only.is_empty() {
            self.depth == Depth::Whole || stage.fast
        } else {
            named(&self.only)
        };
        chosen && !named(&self.skip)
    }
}

fn summary(ran: &[Ran]) -> String {
    let mut text =
        format!("\n{:<10}{:<8}{:>9}{:>9}{:>9}\n", "stage", "result", "seconds", "passed", "failed");
    let mut all = Tally::default();
    for one in ran {
        let result = if one.fine { "ok" } else { "FAILED" };
        let (passed, failed) = match one.tests.total() {
            0 => (String::new(), String::new()),
            _ => (one.tests.passed.to_string(), one.tests.failed.to_string()),
        };
        let seconds = one.took.as_secs_f64();
        text += &format!("{:<10}{result:<8}{seconds:>9.1}{passed:>9}{failed:>9}\n", one.name);
        all.add(one.tests);
        // A red run must never close with `0 failed`.
        if !one.fine && one.tests.failed == 0 {
            all.failed = all.failed.saturating_add(1);
        }
    }
    for one in ran.iter().filter(|one| !one.fine) {
        text += &format!("\n{} failed; to repeat: {}", one.name, one.repeat);
    }
    text + &format!("\n{} passed, {} failed\n", all.passed, all.failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn check(given: &str, expected: &[&str]) {
        let wish = parse(&words(given)).unwrap();
        let names: Vec<&str> = STAGES.iter().filter(|s| wish.wants(s)).map(|s| s.name).collect();
        assert_eq!(names, expected, "{given}");
    }

    #[test]
    fn options_choose_stages() {
        check("--fast", &["fmt", "tidy", "clippy", "test"]);
        check("--fast --skip clippy", &["fmt", "tidy", "test"]);
        check("--only doc --only fuzz", &["doc", "fuzz"]);
        check("", &["install", "fmt", "tidy", "clippy", "doc", "test", "fuzz", "printed"]);
    }

    #[test]
    fn an_unknown_stage_is_wrong_usage() {
        for text in ["--only nothing", "--skip", "--quick"] {
            assert_eq!(parse(&words(text)).unwrap_err().exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn a_failed_stage_without_tests_still_counts_as_failed() {
        let ran = [
            ("fmt", false, Tally::default()),
            ("test", true, Tally { passed: 7, failed: 0 }),
            ("fuzz", false, Tally { passed: 1, failed: 2 }),
        ]
        .map(|(name, fine, tests)| Ran {
            name,
            fine,
            tests,
            took: Duration::ZERO,
            repeat: format!("repeat {name}"),
        });
        let text = summary(&ran);
        assert_eq!(text.lines().last(), Some("8 passed, 3 failed"), "{text}");
        assert!(text.contains("fmt failed; to repeat: repeat fmt"), "{text}");
    }
}
