//! The command line: one subcommand per use case. Two kinds: those that work on files or DNS by
//! themselves, and those that ask a running server.

mod caa;
mod ceremony;
mod client;
mod estate;
mod help;
mod ledger;
mod lint;
mod remote;
mod up;
mod vantage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Exit codes: what scripts may rely on.
pub(crate) mod exit {
    /// It was done, or the answer is yes.
    pub(crate) const YES: u8 = 0;
    /// The answer is no: refused, forbidden, problems found.
    pub(crate) const NO: u8 = 1;
    /// It could not be decided, or the command line is wrong.
    pub(crate) const UNKNOWN: u8 = 2;
    /// Something failed that has nothing to do with the question.
    pub(crate) const FAILED: u8 = 3;
}

/// The control plane for an organisation's certificate and DNS trust.
#[derive(Parser)]
#[command(name = "bailiwick", version, max_term_width = 110, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server: ACME, API, console and the loops behind them
    Up(Box<up::Up>),
    /// Ask CAA: may an issuer issue for a name, and what did every name up the tree answer
    #[command(subcommand)]
    Caa(caa::CaaCommand),
    /// The estate as code: check a folder, see what it would change, ask for that change
    #[command(subcommand)]
    Estate(estate::EstateCommand),
    /// The ledger: verify it offline, rebuild state from it, read it
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Hold a key ceremony: a root on a machine without a network, and an issuing CA below it
    #[command(subcommand)]
    Ceremony(ceremony::CeremonyCommand),
    /// Look at the DNS from elsewhere: enrol a helper, or be one
    #[command(subcommand)]
    Vantage(vantage::VantageCommand),
    #[command(flatten)]
    Remote(remote::RemoteCommand),
    /// Print every route of the server with the permission it asks for
    Routes(Output),
    /// Print the OpenAPI description of the API
    Openapi,
    /// Print the help of every command, as docs/cli.md holds it
    #[command(hide = true)]
    HelpAll,
    /// Measure this build on this machine
    #[command(hide = true)]
    Bench(crate::bench::BenchCommand),
}

/// How an answer is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Where the data of a server lies, for commands that work on it offline.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataFolder {
    /// The data folder of `bailiwick up`, or a copy of it
    #[arg(long, value_name = "DIR", default_value = "bailiwick-data", env = "BAILIWICK_DATA")]
    pub data: PathBuf,
    /// The database, where it is not the embedded one
    #[arg(long, value_name = "URL", env = "BAILIWICK_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
}

/// Runs the command that the command line names.
pub(crate) async fn run() -> ExitCode {
    let cli = Cli::parse();
    let code = match cli.command {
        Command::Up(up) => up::run(*up).await,
        Command::Caa(command) => caa::run(command).await,
        Command::Estate(command) => estate::run(command).await,
        Command::Ledger(command) => ledger::run(command).await,
        Command::Ceremony(command) => ceremony::run(command),
        Command::Vantage(command) => vantage::run(command).await,
        Command::Remote(command) => remote::run(command).await,
        Command::Routes(output) => help::routes(output),
        Command::Openapi => help::openapi(),
        Command::HelpAll => help::all(),
        Command::Bench(command) => crate::bench::run(command).await,
    };
    ExitCode::from(code)
}

/// Prints an answer. A reader who has seen enough and closes the pipe is no error.
pub(crate) fn say(text: impl std::fmt::Display) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").unwrap_or_default();
}

/// Prints an error as a person wants to read it, and gives the exit code for it.
pub(crate) fn failed(message: impl std::fmt::Display, code: u8) -> u8 {
    eprintln!("error: {message}");
    code
}
