//! `bailiwick caa history`: what a running server saw.

use clap::Args;

use crate::cli::client::Server;
use crate::cli::failed;
use crate::cli::remote::{GlobalOutput, caa_history};

/// What was seen of a name.
#[derive(Args)]
pub(crate) struct History {
    /// The name, such as www.shop.example
    name: String,
    /// A moment, such as 2026-03-03T10:00:00Z; now where absent
    #[arg(long, value_name = "MOMENT")]
    at: Option<String>,
    /// Only as this server or resolver saw it
    #[arg(long = "of", value_name = "ADDR:PORT")]
    of: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: GlobalOutput,
}

pub(super) async fn run(wish: History) -> u8 {
    let seen = caa_history(&wish.server, wish.output, &wish.name, wish.at, wish.of).await;
    seen.unwrap_or_else(|cause| failed(&cause, cause.code()))
}
