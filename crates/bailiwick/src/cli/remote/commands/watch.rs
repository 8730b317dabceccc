//! Commands about what is seen.

use bailiwick_wire::ledger::Trust;
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
    /// End it by putting the decided set back: a change that somebody else approves
    Revert {
        /// The finding
        id: String,
        /// Why what was decided is right
        #[arg(long, required_unless_present = "nsupdate")]
        reason: Option<String>,
        /// Ask for nothing and print the update instead, for zones that Bailiwick does not write into
        #[arg(long, conflicts_with = "reason")]
        nsupdate: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum ControlCommand {
    /// Every zone: is the record there, does everybody see it, does the CA obey it
    Show,
    /// Write the evidence of one zone for a period into a file that an auditor checks without us
    Evidence {
        /// The zone, such as shop.example or corp.example/internal
        #[arg(long)]
        zone: String,
        /// From when, such as 2026-03-01 or 2026-03-01T10:00:00Z; 90 days before the end where absent
        #[arg(long, value_name = "MOMENT")]
        from: Option<String>,
        /// Until when, a date with its whole day; now where absent
        #[arg(long, value_name = "MOMENT")]
        to: Option<String>,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: std::path::PathBuf,
    },
    /// Check such a file without a server: every entry against the signed checkpoint, every verdict
    /// recomputed. Exit code 0: sound, 1: altered, 2: cannot be told, 3: could not be read
    Verify {
        /// The file
        file: std::path::PathBuf,
        /// The ledger's verifier key, from somewhere else than the file: `bailiwick ledger entry 0` names it
        #[arg(long, value_name = "KEY", value_parser = super::super::evidence::trusted)]
        key: Box<Trust>,
    },
}

#[derive(Subcommand)]
pub(crate) enum IncidentCommand {
    /// List incidents, open ones first
    List,
    /// One: its two tracks, what happened, what the CA has to do, and what can be sent to it
    Show {
        /// The incident
        id: String,
    },
    /// Put down what was found out on one track
    Note {
        /// The incident
        id: String,
        /// On which track
        #[arg(long, value_parser = ["dns-record", "ca-enforcement"])]
        track: String,
        /// What was found out
        #[arg(long)]
        says: String,
        /// The track is answered with it
        #[arg(long)]
        answered: bool,
    },
    /// Conclude one whose two tracks are answered; whoever does it answered neither
    Close {
        /// The incident
        id: String,
        /// What is concluded, and what follows
        #[arg(long)]
        says: String,
    },
    /// Hand in a report that reached you, such as mail to the iodef address of a zone
    Report {
        /// The file that holds it: IODEF or plain text
        #[arg(long, value_name = "FILE")]
        file: std::path::PathBuf,
        /// From whom it came
        #[arg(long)]
        from: String,
    },
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
