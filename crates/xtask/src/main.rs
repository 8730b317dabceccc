//! The project's own chores, as a program: nothing here is part of Bailiwick.
//!
//! `cargo xtask --help` lists them. Exit codes: 0 all is well, 1 something was found, 2 wrong usage.

mod bench;
mod campaign;
mod compare;
mod generate;
mod install;
mod repo;
mod run;
mod stages;
mod stop;
mod tally;
mod test;
mod tidy;

use std::process::ExitCode;

use stop::Stop;

const HELP: &str = "\
Chores of the Bailiwick project.

usage: cargo xtask COMMAND [OPTIONS]

  test       install what the tests need, then check everything (this is what CI runs)
  tidy       check the house rules; --full also checks what the built program prints
  install    install the Debian packages that the tests use
  gen        write the files that the program generates
  bench      measure a release build and write docs/performance.md
  campaign   run one of the long test campaigns

`cargo xtask COMMAND --help` says more.
exit codes: 0 all is well, 1 something was found or failed, 2 wrong usage
";

/// A chore, given the words after its name.
type Chore = fn(&[String]) -> Result<ExitCode, Stop>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match chore(&words) {
        Ok(code) => code,
        Err(stop) => {
            eprintln!("error: {stop}");
            ExitCode::from(stop.exit_code())
        }
    }
}

fn chore(words: &[String]) -> Result<ExitCode, Stop> {
    let Some((command, rest)) = words.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    let wants_help = rest.iter().any(|w| w == "--help" || w == "-h");
    let (help, body): (&str, Chore) = match command.as_str() {
        "test" => (test::HELP, test::main),
        "tidy" => (tidy::HELP, tidy::main),
        "install" => (install::HELP, install::main),
        "gen" => (generate::HELP, generate::main),
        "bench" => (bench::HELP, bench::main),
        "campaign" => (campaign::HELP, campaign::main),
        "--help" | "-h" | "help" => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        other => return Err(Stop::Usage(format!("no chore is called `{other}`; see --help"))),
    };
    if wants_help {
        print!("{help}");
        if command == "campaign" {
            print!("{}", campaign::table());
        }
        if command == "test" {
            print!("{}", stages::table());
        }
        return Ok(ExitCode::SUCCESS);
    }
    body(rest)
}
