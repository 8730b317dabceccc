//! `bailiwick caa …`: works without a server.

mod audit;
mod check;
mod failsafe;
mod history;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum CaaCommand {
    /// May an issuer issue for a name, as CAA says now? Exit code 0: allow, 1: deny, 2: could not
    /// decide, which a CA has to treat as no
    Check(check::Check),
    /// Audit many names: who may issue for each, and what is wrong. Exit code 0: nothing of high
    /// severity, 1: something, 2: some names could not be decided, 3: not finished
    Audit(audit::Audit),
    /// Would issuance for a name fail safely if CAA were ignored: which controls still stand, as a
    /// grade. Exit code 0: A, B or C, 1: D or E
    #[command(name = "failsafe")]
    FailSafe(failsafe::FailSafeArgs),
    /// Suggest CAA records from the estate, explain each that would be added or dropped, and say who
    /// could no longer issue. Exit code 0: nothing would change, 1: something would
    Suggest(failsafe::Suggest),
    /// What a running server saw CAA say for a name, now or at a moment, at every server and vantage
    History(history::History),
}

/// Runs a command.
pub(crate) async fn run(command: CaaCommand) -> u8 {
    match command {
        CaaCommand::Check(check) => check::run(check).await,
        CaaCommand::Audit(audit) => audit::run(audit).await,
        CaaCommand::FailSafe(wish) => failsafe::failsafe(&wish),
        CaaCommand::Suggest(wish) => failsafe::suggestions(&wish),
        CaaCommand::History(wish) => history::run(wish).await,
    }
}
