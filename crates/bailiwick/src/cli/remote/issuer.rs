//! `bailiwick issuer …`: the CAs that run here with their generations, and those behind ACME.

use std::path::{Path, PathBuf};

use super::commands::{Asked, GlobalOutput, IssuerCommand};
use super::{answer, print, secrets};
use crate::cli::client::{Client, NoAnswer};
use crate::http::api::bodies::{
    AwaitsRootBody, Because, CaAccountBody, ChangeBody, GenerationBody, IssuerBody, RegisterBody,
    RotateIssuerBody, RotationBody,
};

pub(super) async fn run(asked: Asked<IssuerCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        IssuerCommand::List => {
            let all: Vec<IssuerBody> = client.get("issuers").await?;
            answer(asked.output, &all, |all| all.iter().map(shown).collect::<Vec<_>>().join("\n"))
        }
        IssuerCommand::Show { issuer } => {
            let one: IssuerBody = client.get(&format!("issuers/{issuer}")).await?;
            answer(asked.output, &one, shown)
        }
        IssuerCommand::Rotate { issuer, to, certificate, out, reason } => {
            let certificate = certificate.as_deref().map(read).transpose()?;
            let wish = RotateIssuerBody { to, certificate, reason };
            rotate(&client, asked.output, &issuer, &wish, out).await
        }
        IssuerCommand::Accounts => {
            let all: Vec<CaAccountBody> = client.get("ca-accounts").await?;
            answer(asked.output, &all, |all| {
                let line = |one: &CaAccountBody| {
                    let state = if one.usable { "usable" } else { "ended" };
                    format!("{}  {state}  {}  since {}\n", one.issuer, one.uri, one.since)
                };
                all.iter().map(line).collect()
            })
        }
        IssuerCommand::Register { issuer, reason } => {
            let wish = RegisterBody { issuer, reason };
            let body: ChangeBody = client.post("ca-accounts", &wish).await?;
            answer(asked.output, &body, print::change)
        }
        IssuerCommand::RotateAccountKey { issuer, reason } => {
            let path = format!("ca-accounts/{issuer}/rotate-key");
            let body: ChangeBody = client.post(&path, &Because { reason }).await?;
            answer(asked.output, &body, print::change)
        }
        IssuerCommand::SetSecret { issuer, file } => {
            secrets::set(&client, asked.output, ("issuer", issuer), file).await
        }
    }
}

async fn rotate(
    client: &Client,
    output: GlobalOutput,
    issuer: &str,
    wish: &RotateIssuerBody,
    out: Option<PathBuf>,
) -> Result<u8, NoAnswer> {
    let body: RotationBody = client.post(&format!("issuers/{issuer}/rotate"), wish).await?;
    if let (Some(awaits), Some(file)) = (&body.awaits_root, &out) {
        std::fs::write(file, &awaits.request).map_err(|cause| NoAnswer::File {
            path: file.display().to_string(),
            cause: cause.to_string(),
            remedy: "give a path that can be written",
        })?;
    }
    answer(output, &body, |body| match (&body.change, &body.awaits_root) {
        (Some(change), _) => print::change(change),
        (None, Some(awaits)) => carry(issuer, awaits, out.as_deref()),
        (None, None) => "the server said nothing".to_owned(),
    })
}

fn carry(issuer: &str, awaits: &AwaitsRootBody, out: Option<&Path>) -> String {
    let (where_, file) = match out {
        Some(file) => (format!("is in {}", file.display()), file.display().to_string()),
        None => (format!("is\n\n{}", awaits.request), "FILE".to_owned()),
    };
    format!(
        "The root's key is not on the server. The request of generation {} of issuer `{issuer}` {where_}\n\n\
         \x20 key  {}\n\nWrite the key's name down and carry the request to the root:\n\n\
         \x20 bailiwick ceremony sign --request {file} --confirm KEY --out {issuer}.pem …\n\n\
         Come back with: bailiwick issuer rotate {issuer} --certificate {issuer}.pem --reason …",
        awaits.generation, awaits.key
    )
}

fn shown(one: &IssuerBody) -> String {
    let mut text =
        format!("{}  generation {} issues\n  root  {}\n", one.id, one.generation, one.root);
    for generation in &one.generations {
        text.push_str(&line(generation));
    }
    if let Some(change) = &one.waiting {
        text.push_str(&format!("\n  a rotation waits: bailiwick change show {change}\n"));
    }
    text
}

fn line(one: &GenerationBody) -> String {
    let last = match &one.last_certificate_ends {
        Some(at) => format!("last certificate ends {at}"),
        None => "no certificate in date".to_owned(),
    };
    let crl = match (&one.crl_url, one.crl_number, &one.crl_until) {
        (Some(url), Some(number), Some(until)) => format!("{url}, number {number}, until {until}"),
        _ => "none yet".to_owned(),
    };
    format!(
        "\n  generation {}  {}\n    key          {} {}\n    certificate  {}\n    until        {}; {last}\n    crl          {crl}\n",
        one.generation, one.state, one.key_kind, one.key, one.certificate, one.not_after
    )
}

fn read(file: &Path) -> Result<String, NoAnswer> {
    std::fs::read_to_string(file).map_err(|cause| NoAnswer::File {
        path: file.display().to_string(),
        cause: cause.to_string(),
        remedy: "give the certificate that `bailiwick ceremony sign` wrote",
    })
}
