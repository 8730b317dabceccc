//! The commands about ACME clients: credentials, accounts, standing records.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What a list is narrowed to.
#[derive(Args)]
pub(crate) struct Listing {
    /// Only of this service
    #[arg(long)]
    pub service: Option<String>,
    /// The `next` of the page before
    #[arg(long)]
    pub after: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum CredentialCommand {
    /// Make a credential for an ACME client of a service; its key is shown this once
    New {
        /// The service
        #[arg(long)]
        service: String,
        /// Where the client runs; the service's own environment where absent
        #[arg(long)]
        environment: Option<String>,
        /// In which namespace; the service's own where absent
        #[arg(long)]
        namespace: Option<String>,
        /// What you vouch for, by kind; may be repeated
        #[arg(long = "attest", value_name = "KIND")]
        attestations: Vec<String>,
        /// How long it can be used to register
        #[arg(long)]
        hours: Option<i64>,
        /// Write the options for certbot to a new file (`certbot -c FILE`) instead of showing the key
        #[arg(long, value_name = "FILE")]
        certbot: Option<PathBuf>,
    },
    /// List credentials: who made each, until when, which account it bound, where it stands
    List(Listing),
    /// Make a credential in place of another one, for the same service and place; its key is shown
    /// this once. Accounts stay
    Rotate {
        /// The kid of the one before
        kid: String,
        /// For how many hours the one before can still register an account; at once nothing more
        /// where absent
        #[arg(long = "overlap", value_name = "HOURS", default_value_t = 0)]
        overlap_hours: u32,
        /// Write the options for certbot to a new file (`certbot -c FILE`) instead of showing the key
        #[arg(long, value_name = "FILE")]
        certbot: Option<PathBuf>,
    },
    /// Revoke a credential
    Revoke {
        /// Its kid
        kid: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// List accounts: service, status, contact, last order
    List(Listing),
    /// Show an account: who answers for it, its CAA records, what it got
    Show {
        /// The account's id, the last part of its URL
        id: String,
    },
    /// End an account, whatever its holder wants; its certificates stay
    Deactivate {
        /// The account's id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Agree to the terms of service for an account that was registered under others
    Agree {
        /// The account's id
        id: String,
        /// Where the terms are that you read
        #[arg(long, value_name = "URL")]
        terms: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum StandingCommand {
    /// List standing records by name
    List(Listing),
}
