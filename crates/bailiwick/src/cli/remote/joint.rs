//! Changes that bind records and certificates, from a file of intent.

use std::io::Read as _;
use std::path::Path;

use super::commands::GlobalOutput;
use super::{answer, print};
use crate::cli::client::{Client, NoAnswer};
use crate::cli::exit;
use crate::http::api::bodies::{ChangeBody, IntentBody, ProposalBody};

/// Shows what would be done; ends with 1 where a check does not hold.
pub(super) async fn plan(
    client: &Client,
    output: GlobalOutput,
    (file, csr): (&Path, Option<&Path>),
) -> Result<u8, NoAnswer> {
    let wish = IntentBody { intent: read(file)?, reason: String::new(), csr: request_of(csr)? };
    let body: ProposalBody = client.post("changes/plan", &wish).await?;
    let code = if body.can_be_requested { exit::YES } else { exit::NO };
    answer(output, &body, print::proposal).map(|_| code)
}

/// Asks for it; ends with 1 where it was refused at once.
pub(super) async fn request(
    client: &Client,
    output: GlobalOutput,
    (file, csr): (&Path, Option<&Path>),
    reason: String,
) -> Result<u8, NoAnswer> {
    let wish = IntentBody { intent: read(file)?, reason, csr: request_of(csr)? };
    let body: ChangeBody = client.post("changes", &wish).await?;
    let code = if body.line.state == "refused" { exit::NO } else { exit::YES };
    answer(output, &body, print::change).map(|_| code)
}

fn request_of(csr: Option<&Path>) -> Result<Option<String>, NoAnswer> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|cause| NoAnswer::File {
            path: path.display().to_string(),
            cause: cause.to_string(),
            remedy: "give a certificate request in PEM",
        })
    };
    csr.map(read).transpose()
}

fn read(file: &Path) -> Result<String, NoAnswer> {
    let failed = |cause: std::io::Error| NoAnswer::File {
        path: file.display().to_string(),
        cause: cause.to_string(),
        remedy: "give a TOML file of intent",
    };
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).map_err(failed)
}
