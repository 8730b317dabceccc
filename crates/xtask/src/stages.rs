//! The stages of `cargo xtask test`, as data.

use std::fmt::Write;
use std::path::Path;

use crate::install;
use crate::run::Line;
use crate::stop::Stop;
use crate::tally::Tally;
use crate::tidy;

/// How much is run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Depth {
    /// Everything; what CI runs.
    Whole,
    /// What needs no server and no second build.
    Fast,
}

/// One stage: its name on the command line, what it shows, and whether `--fast` runs it too.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    shows: &'static str,
    pub(crate) fast: bool,
    act: Act,
}

enum Act {
    Install,
    Tidy(tidy::Reach),
    Run(fn(Depth) -> Line),
}

/// What a stage came to.
pub(crate) struct Result {
    pub(crate) fine: bool,
    pub(crate) tests: Tally,
    pub(crate) repeat: String,
}

/// In the order in which they run: cheap and telling ones first.
pub(crate) const STAGES: &[Stage] = &[
    Stage {
        name: "install",
        shows: "the Debian packages are there",
        fast: false,
        act: Act::Install,
    },
    Stage { name: "fmt", shows: "rustfmt agrees", fast: true, act: Act::Run(fmt) },
    Stage {
        name: "tidy",
        shows: "the house rules hold",
        fast: true,
        act: Act::Tidy(tidy::Reach::Sources),
    },
    Stage { name: "clippy", shows: "no lint fires", fast: true, act: Act::Run(clippy) },
    Stage {
        name: "doc",
        shows: "the documentation builds, its links lead somewhere",
        fast: false,
        act: Act::Run(doc),
    },
    Stage {
        name: "test",
        shows: "all tests and doctests pass (--fast: unit tests)",
        fast: true,
        act: Act::Run(test),
    },
    Stage {
        name: "fuzz",
        shows: "each parser stands a short fuzz run",
        fast: false,
        act: Act::Run(fuzz),
    },
    Stage {
        name: "printed",
        shows: "generated files are fresh, every route is authorised",
        fast: false,
        act: Act::Tidy(tidy::Reach::Printed),
    },
];

/// Inputs per fuzz target in the `fuzz` stage, fewer where one costs more: two minutes in all, in a
/// debug build on two cores.
const FUZZ_CASES: &str = "20000";

/// Tests of one program that run at the same time.
const TEST_THREADS: &str = "3";

/// The stages for `--help`.
pub(crate) fn table() -> String {
    let mut text = String::from("\nstages:\n");
    for stage in STAGES {
        let fast = if stage.fast { "fast" } else { "" };
        // Writing to a String cannot fail.
        let _written = writeln!(text, "  {:<9}{:<6}{}", stage.name, fast, stage.shows);
    }
    text
}

impl Stage {
    /// Runs the stage with its output on the terminal.
    pub(crate) fn run(&self, depth: Depth, root: &Path) -> std::result::Result<Result, Stop> {
        let none = Tally::default();
        match &self.act {
            Act::Install => {
                install::run_install(root)?;
                Ok(Result { fine: true, tests: none, repeat: "cargo xtask install".to_owned() })
            }
            Act::Tidy(reach) => {
                let fine = tidy::run(*reach, root)?;
                Ok(Result { fine, tests: none, repeat: reach.repeat().to_owned() })
            }
            Act::Run(line) => {
                let line = line(depth);
                println!("$ {}", line.shown());
                let (fine, tests) = line.live(root)?;
                Ok(Result { fine, tests, repeat: line.shown() })
            }
        }
    }
}

fn fmt(_: Depth) -> Line {
    Line::new("cargo", &["fmt", "--all", "--check"])
}

fn clippy(_: Depth) -> Line {
    Line::new("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn doc(_: Depth) -> Line {
    Line::new("cargo", &["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings")
}

fn test(depth: Depth) -> Line {
    // The stories mostly wait for the servers that they started: three at a time on two cores.
    let mut line = Line::new("cargo", &["test", "--workspace", "--no-fail-fast"])
        .env("RUST_TEST_THREADS", TEST_THREADS);
    if depth == Depth::Fast {
        line.args.extend(["--lib", "--bins"].map(str::to_owned));
    }
    line
}

/// The fuzz targets are ordinary tests whose names begin with `fuzz_`; the stage only gives them more inputs.
fn fuzz(_: Depth) -> Line {
    let words = ["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "fuzz_"];
    Line::new("cargo", &words).env("BAILIWICK_FUZZ_CASES", FUZZ_CASES)
}
