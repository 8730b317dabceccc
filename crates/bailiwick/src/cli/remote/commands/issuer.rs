//! The commands about CAs, and about those whose word about workloads counts.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum IssuerCommand {
    /// List the CAs that run here
    List,
    /// Show one: its generations, which of them issues, and until when the others answer
    Show {
        /// The issuer, of kind `built-in`
        issuer: String,
    },
    /// Ask that new certificates come from another generation; what was issued stays as it is
    ///
    /// Without --to a new key is made. Where the root's key lies on the server, approving the change
    /// lets it certify that key. Where the root is elsewhere, a request is written for
    /// `bailiwick ceremony sign`; come back with --certificate.
    Rotate {
        /// The issuer, of kind `built-in`
        issuer: String,
        /// Back (or forth) to a generation that is there already
        #[arg(long, value_name = "NUMBER", conflicts_with = "certificate")]
        to: Option<u8>,
        /// The certificate that `bailiwick ceremony sign` wrote
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// Where the request is written, where the root is elsewhere; standard output where absent
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// List our accounts at CAs
    Accounts,
    /// Ask for an account to be registered at a CA of the estate
    Register {
        /// The issuer, of kind `acme`
        issuer: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Ask for another key of our account at a CA; the CA refuses the old one from then on
    RotateAccountKey {
        /// The issuer, of kind `acme`
        issuer: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Hand in the MAC key of an issuer's account binding
    SetSecret {
        /// The issuer
        issuer: String,
        /// The file that holds it in base64; standard input where absent
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum AttestorCommand {
    /// List attestors, and which workloads act for which service on their word
    List,
}
