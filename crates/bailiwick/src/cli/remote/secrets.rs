//! The secrets that are handed in: of zones' connectors and of CAs.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::answer;
use super::commands::{Asked, ConnectorCommand, GlobalOutput, NoticesCommand};
use crate::cli::client::{Client, NoAnswer};
use crate::http::api::bodies::SecretBody;

pub(super) async fn connector(asked: Asked<ConnectorCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        ConnectorCommand::SetSecret { zone, transfer, file } => {
            let of = if transfer { "transfer" } else { "connector" };
            set(&client, asked.output, (of, zone), file).await
        }
    }
}

pub(super) async fn notices(asked: Asked<NoticesCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        NoticesCommand::SetSecret { way, file } => {
            set(&client, asked.output, (&way, "notices".to_owned()), file).await
        }
    }
}

pub(super) async fn set(
    client: &Client,
    output: GlobalOutput,
    (of, name): (&str, String),
    file: Option<PathBuf>,
) -> Result<u8, NoAnswer> {
    let secret = read(file.as_deref())?;
    let wish =
        SecretBody { of: of.to_owned(), name: name.clone(), secret: secret.trim().to_owned() };
    client.tell("secrets", &wish).await?;
    answer(output, &serde_json::json!({ "sealed": name }), |_| {
        format!("the secret of {of} {name} is sealed; it is not shown again")
    })
}

/// A secret never stands on a command line, where others can see it.
pub(super) fn read(file: Option<&Path>) -> Result<Zeroizing<String>, NoAnswer> {
    let failed = |cause: std::io::Error| NoAnswer::File {
        path: file.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string()),
        cause: cause.to_string(),
        remedy: "give a file that holds the secret in base64",
    };
    let mut text = Zeroizing::new(String::new());
    match file {
        Some(path) => *text = std::fs::read_to_string(path).map_err(failed)?,
        None => {
            std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        }
    }
    Ok(text)
}
