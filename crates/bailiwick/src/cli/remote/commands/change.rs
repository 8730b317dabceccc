//! Commands about changes, as they are typed.

use std::path::PathBuf;

use clap::Subcommand;

use super::power::EmergencyCommand;

#[derive(Subcommand)]
pub(crate) enum ChangeCommand {
    /// List changes, the newest first
    List {
        /// Only in this state, such as awaiting-approval
        #[arg(long)]
        state: Option<String>,
        /// Only of this service
        #[arg(long)]
        service: Option<String>,
        /// The `next` of the page before
        #[arg(long)]
        after: Option<String>,
        /// Print only the ids, one a line
        #[arg(long, conflicts_with = "json")]
        ids: bool,
        /// Only emergencies whose review is open, the most urgent first
        #[arg(long, conflicts_with_all = ["state", "service", "after", "ids"])]
        review: bool,
    },
    /// Emergencies: two people, one hour, and a review afterwards
    #[command(subcommand)]
    Emergency(EmergencyCommand),
    /// Show a change: plan, checks, approvals, history
    Show {
        /// The change's id
        id: String,
    },
    /// Show what a file of intent would do: steps, timeline, checks. Changes nothing
    Plan {
        /// The file (TOML): service, records, certificate, endpoints; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// A certificate request (PEM) with exactly the names of the change; its key never comes here
        #[arg(long, value_name = "FILE")]
        csr: Option<PathBuf>,
    },
    /// Ask for records and a certificate as one change
    Request {
        /// The file (TOML): service, records, certificate, endpoints; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// A certificate request (PEM) with exactly the names of the change; its key never comes here
        #[arg(long, value_name = "FILE")]
        csr: Option<PathBuf>,
        /// Why, for whoever decides
        #[arg(long)]
        reason: String,
    },
    /// Carry out a waiting change's whole plan and its way back on copies. Touches nothing real
    Rehearse {
        /// The change's id
        id: String,
    },
    /// Approve exactly the plan that is shown
    Approve {
        /// The change's id
        id: String,
        /// The digest you saw; where absent, the plan is shown and its digest taken
        #[arg(long, value_name = "DIGEST")]
        plan: Option<String>,
        /// What to remember with it
        #[arg(long, default_value = "")]
        comment: String,
    },
    /// Refuse a change
    Refuse {
        /// The change's id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take back a change that you requested
    Withdraw {
        /// The change's id
        id: String,
    },
    /// Say how a change stands that Bailiwick could not settle by itself
    Resolve {
        /// The change's id
        id: String,
        /// The world is as after the change; without it, as before
        #[arg(long)]
        carried_out: bool,
        /// What you found and did
        #[arg(long)]
        note: String,
    },
}
