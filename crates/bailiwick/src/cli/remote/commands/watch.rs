//! Commands about what is seen.

use clap::{Args, Subcommand};

use super::GlobalOutput;
use crate::cli::client::Server;

/// Findings.
#[derive(Args)]
pub(crate) struct Findings {
    /// Only those that you have to act on
    #[arg(long)]
    pub mine: bool,
    /// Also those that are over, the newest first
    #[arg(long)]
    pub all: bool,
    /// Only those of a zone, such as shop.example or corp.example/internal
    #[arg(long)]
    pub zone: Option<String>,
    /// Of whom
    #[command(flatten)]
    pub server: Server,
    /// How the answer is printed
    #[command(flatten)]
    pub output: GlobalOutput,
}

#[derive(Subcommand)]
pub(crate) enum FindingCommand {
    /// What was seen and what was decided, who has to act, what to do
    Show {
        /// The finding
        id: String,
    },
    /// End it by deciding that what is there is right; somebody independent approves that
    Adopt {
        /// The finding
        id: String,
        /// Why it is right
        #[arg(long)]
        reason: String,
    },
    /// Print the update that puts the intended set back, for nsupdate
    Revert {
        /// The finding
        id: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum ControlCommand {
    /// Every zone: is the record there, does everybody see it, does the CA obey it
    Show,
}

#[derive(Subcommand)]
pub(crate) enum LabCommand {
    /// Put records into a zone of the lab's DNS behind Bailiwick's back
    EditZone {
        /// The zone, such as shop.example
        zone: String,
        /// Records as a master file spells them; an owner and a type alone take the set away
        #[arg(required = true)]
        records: Vec<String>,
    },
}
