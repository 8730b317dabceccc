//! The commands about zones, as they are typed.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum ZoneCommand {
    /// Show a zone: its servers and the way in, who decides and may, its delegation, what is open
    Show {
        /// The zone; `corp.example/internal` for an internal view
        zone: String,
    },
    /// Show records: one set as each server shows it, or all by a transfer
    Records {
        /// The zone; `corp.example/internal` for an internal view
        zone: String,
        /// Only at this name: `www`, `@`, or the whole name
        #[arg(long)]
        owner: Option<String>,
        /// Only of this type, such as CAA
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
    /// Try whether the way into a zone works, without altering anything; exits 1 if not
    Try {
        /// The zone; `corp.example/internal` for an internal view
        zone: String,
    },
    /// Ask for another key in place of the one that a zone is written with
    ///
    /// The new secret is sealed, and a change waits for somebody else's approval. Then the server has
    /// to take the new key (it is tried with an update that alters nothing) before it is used, and to
    /// refuse the old one before that is forgotten. Without --secret-file a TSIG key is made and shown
    /// once, as BIND and Knot want it; it is always hmac-sha256. A failure on the way lets the old key
    /// stay or come back.
    RotateKey {
        /// The zone; `corp.example/internal` for an internal view
        zone: String,
        /// The name of the new TSIG key; none for the key of an HTTP API
        #[arg(long, value_name = "NAME")]
        key_name: Option<String>,
        /// The file that holds the new secret: of a TSIG key in base64, the key of an API as it is
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// How long whoever runs the server has for each of the two stages, in hours
        #[arg(long, value_name = "HOURS", default_value_t = 72)]
        within_hours: u32,
        /// Why
        #[arg(long)]
        reason: String,
    },
}
