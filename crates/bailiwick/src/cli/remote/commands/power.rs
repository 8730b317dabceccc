//! Emergencies, duties and acts, as they are typed.

use std::path::PathBuf;

use clap::Subcommand;

/// What may be done in an emergency, and around it.
#[derive(Subcommand)]
pub(crate) enum EmergencyCommand {
    /// Issue one certificate of our own CA within the hour, once two people approved
    Issue {
        /// The service whose names it is for
        #[arg(long)]
        service: String,
        /// The certificate request, PEM
        #[arg(long, value_name = "FILE")]
        csr: PathBuf,
        /// A profile of the service
        #[arg(long)]
        profile: String,
        /// By which issuer, where several have the profile
        #[arg(long)]
        issuer: Option<String>,
        /// What is broken, and what it costs
        #[arg(long)]
        reason: String,
    },
    /// Revoke one certificate of the service
    Revoke {
        /// The service whose certificate it is
        #[arg(long)]
        service: String,
        /// Its fingerprint, or a PEM or DER file
        #[arg(long)]
        certificate: String,
        /// keyCompromise, superseded, cessationOfOperation, affiliationChanged, privilegeWithdrawn
        /// or unspecified
        #[arg(long, default_value = "unspecified")]
        as_reason: String,
        /// What is broken, and what it costs
        #[arg(long)]
        reason: String,
    },
    /// Edit one set of records of a zone within the hour, once two people approved
    Publish {
        /// The zone, such as shop.example or corp.example/internal
        #[arg(long)]
        zone: String,
        /// At which name, whole or below the zone; @ is the zone itself
        #[arg(long)]
        name: String,
        /// Of which type, such as CAA
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        /// A record as it shall be, as a zone file spells its data; once for each
        #[arg(long = "value", value_name = "DATA", required_unless_present = "none")]
        values: Vec<String>,
        /// Take the set away
        #[arg(long, conflicts_with = "values")]
        none: bool,
        /// How long they may be remembered; as now, or 300, where it is left out
        #[arg(long, value_name = "SECONDS")]
        ttl: Option<u32>,
        /// What is broken, and what it costs
        #[arg(long)]
        reason: String,
    },
    /// Let somebody declare emergencies of a service for a while; you stay accountable
    Delegate {
        /// The service
        #[arg(long)]
        service: String,
        /// To whom
        #[arg(long, value_name = "PERSON")]
        to: String,
        /// For how many hours, 1 to 24
        #[arg(long, default_value_t = 8)]
        hours: i64,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Close the review of an emergency that you took no part in
    Review {
        /// The change's id
        id: String,
        /// It was none; without it, it was one
        #[arg(long)]
        not_justified: bool,
        /// What you found, and what follows from it
        #[arg(long)]
        note: String,
    },
}

/// Who can do what.
#[derive(Subcommand)]
pub(crate) enum DutiesCommand {
    /// Who may do what about a zone or a service, and what they can do alone
    Show {
        /// A zone such as shop.example or corp.example/internal, or a service
        of: String,
    },
    /// Everybody with power over both the certificates and the records of a zone; exit code 1 where
    /// there is somebody
    Toxic,
}

/// Notices to people.
#[derive(Subcommand)]
pub(crate) enum NoticesCommand {
    /// Hand in what the webhook's notices are signed with, or the password at the mail relay
    SetSecret {
        /// `webhook` or `smtp`
        way: String,
        /// The file that holds it in base64; standard input where absent
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}
