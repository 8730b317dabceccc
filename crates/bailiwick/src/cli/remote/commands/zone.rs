//! The commands about zones, as they are typed.

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
}
