//! Commands that ask a running server.

mod commands;
mod enroll;
mod envelope;
mod evidence;
mod incident;
mod issuer;
mod joint;
mod keep;
pub(crate) mod power;
mod print;
mod registry;
mod rehearsal;
mod secrets;
mod watch;
mod zone;

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::Output;
use super::client::{Client, NoAnswer, token_path};
use super::exit;
use crate::app::Story;
use crate::http::api::bodies::{
    Because, CertificateBody, ChangeBody, ChangeLine, ExchangeLink, FreshLink, FreshTokenBody, Me,
    NewToken, PageOf, Resolve, RevokeBody, ServiceBody, TokenBody,
};

use commands::{
    Asked, CertificateCommand, ChangeCommand, Login, PersonCommand, Plain, ServiceCommand,
    TokenCommand,
};
pub(crate) use commands::{GlobalOutput, RemoteCommand};
pub(crate) use watch::history as caa_history;

/// Runs a command.
pub(crate) async fn run(command: RemoteCommand) -> u8 {
    let done = match command {
        RemoteCommand::Change(asked) => change(asked).await,
        RemoteCommand::Certificate(asked) => certificate(asked).await,
        RemoteCommand::Credential(asked) => registry::credential(asked).await,
        RemoteCommand::Account(asked) => registry::account(asked).await,
        RemoteCommand::StandingRecord(asked) => registry::standing(asked).await,
        RemoteCommand::Enroll(asked) => enroll::run(asked).await,
        RemoteCommand::Attestor(asked) => enroll::attestors(asked).await,
        RemoteCommand::Envelope(asked) => envelope::run(asked).await,
        RemoteCommand::Issuer(asked) => issuer::run(asked).await,
        RemoteCommand::Connector(asked) => secrets::connector(asked).await,
        RemoteCommand::Zone(asked) => zone::run(asked).await,
        RemoteCommand::Service(asked) => service(asked).await,
        RemoteCommand::Notices(asked) => secrets::notices(asked).await,
        RemoteCommand::Duties(asked) => power::duties(asked).await,
        RemoteCommand::Token(asked) => token(asked).await,
        RemoteCommand::Person(asked) => person(asked).await,
        RemoteCommand::Login(login) => sign_in(login).await,
        RemoteCommand::Whoami(plain) => whoami(plain).await,
        RemoteCommand::Findings(asked) => watch::findings(asked).await,
        RemoteCommand::Finding(asked) => watch::finding(asked).await,
        RemoteCommand::Control(asked) => watch::control(asked).await,
        RemoteCommand::Incident(asked) => incident::run(asked).await,
        RemoteCommand::Lab(asked) => watch::lab(asked).await,
    };
    match done {
        Ok(code) => code,
        Err(cause) => super::failed(&cause, cause.code()),
    }
}

/// Prints an answer as JSON, or as `text` renders it.
fn answer<T: Serialize>(
    output: GlobalOutput,
    body: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<u8, NoAnswer> {
    if output.json {
        let json = serde_json::to_string_pretty(body);
        super::say(json.map_err(|cause| NoAnswer::Strange(cause.to_string()))?);
    } else {
        super::say(text(body).trim_end());
    }
    Ok(exit::YES)
}

async fn change(asked: Asked<ChangeCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    let output = asked.output;
    let body: ChangeBody = match asked.what {
        ChangeCommand::List { review: true, .. } => return power::reviews(&client, output).await,
        ChangeCommand::Emergency(what) => return power::emergency(&client, output, what).await,
        ChangeCommand::List { state, service, after, ids, review: false } => {
            let query = query(&[("state", state), ("service", service), ("after", after)]);
            let page: PageOf<ChangeLine> = client.get(&format!("changes{query}")).await?;
            return answer(output, &page, if ids { print::change_ids } else { print::changes });
        }
        ChangeCommand::Show { id } => client.get(&format!("changes/{id}")).await?,
        ChangeCommand::Plan { file, csr } => {
            return joint::plan(&client, output, (&file, csr.as_deref())).await;
        }
        ChangeCommand::Request { file, csr, reason } => {
            return joint::request(&client, output, (&file, csr.as_deref()), reason).await;
        }
        ChangeCommand::Rehearse { id } => return rehearsal::rehearse(&client, output, &id).await,
        ChangeCommand::Approve { id, plan, comment } => {
            return approve(&client, output, &id, plan, comment).await;
        }
        ChangeCommand::Refuse { id, reason } => {
            client.post(&format!("changes/{id}/refuse"), &Because { reason }).await?
        }
        ChangeCommand::Withdraw { id } => {
            client.post(&format!("changes/{id}/withdraw"), &Value::Null).await?
        }
        ChangeCommand::Resolve { id, carried_out, note } => {
            client.post(&format!("changes/{id}/resolve"), &Resolve { carried_out, note }).await?
        }
    };
    answer(output, &body, print::change)
}

async fn approve(
    client: &Client,
    output: GlobalOutput,
    id: &str,
    plan: Option<String>,
    comment: String,
) -> Result<u8, NoAnswer> {
    let plan_digest = if let Some(digest) = plan {
        digest
    } else {
        let shown: ChangeBody = client.get(&format!("changes/{id}")).await?;
        if !output.json {
            super::say(format!("You approve exactly this plan:\n{}", print::plan(&shown)));
        }
        shown.plan_digest.ok_or_else(|| NoAnswer::Refused {
            status: 409,
            message: format!("change `{id}` is `{}` and has no plan to approve", shown.line.state),
        })?
    };
    let wish = crate::http::api::bodies::Approve { plan_digest, comment };
    let body: ChangeBody = client.post(&format!("changes/{id}/approve"), &wish).await?;
    answer(output, &body, print::change)
}

async fn certificate(asked: Asked<CertificateCommand>) -> Result<u8, NoAnswer> {
    if let CertificateCommand::Lint { file, profile, estate } = &asked.what {
        return super::lint::run(file, profile, estate.as_ref(), asked.output.json);
    }
    let client = asked.server.client()?;
    match asked.what {
        CertificateCommand::List { service, name, expires_within, after } => {
            let days = expires_within.map(|days| days.to_string());
            let query = query(&[
                ("service", service),
                ("name", name),
                ("expires_within_days", days),
                ("after", after),
            ]);
            let page: PageOf<CertificateBody> = client.get(&format!("certificates{query}")).await?;
            answer(asked.output, &page, print::certificates)
        }
        CertificateCommand::Fetch { certificate } => {
            let which = named(&certificate)?;
            let body: CertificateBody = client.get(&format!("certificates/{which}")).await?;
            answer(asked.output, &body, print::chain)
        }
        CertificateCommand::Story { certificate } => {
            let which = named(&certificate)?;
            let story: Story = client.get(&format!("certificates/{which}/story")).await?;
            let code = if story.explained { exit::YES } else { exit::NO };
            answer(asked.output, &story, print::story).map(|_| code)
        }
        CertificateCommand::Lint { .. } => Ok(exit::YES),
        CertificateCommand::Revoke { certificate, reason, why } => {
            let which = named(&certificate)?;
            let wish = RevokeBody { reason, why };
            let body: ChangeBody =
                client.post(&format!("certificates/{which}/revoke"), &wish).await?;
            answer(asked.output, &body, print::change)
        }
    }
}

/// A serial or fingerprint as it stands, or the fingerprint of the certificate in a file.
fn named(text: &str) -> Result<String, NoAnswer> {
    let path = Path::new(text);
    if !path.is_file() {
        return Ok(text.replace(':', "").to_lowercase());
    }
    let octets = std::fs::read(path).map_err(|cause| NoAnswer::File {
        path: text.to_owned(),
        cause: cause.to_string(),
        remedy: "give a certificate in PEM or DER",
    })?;
    let der = first_certificate(&octets).map_err(|cause| NoAnswer::File {
        path: text.to_owned(),
        cause: cause.to_string(),
        remedy: "give a certificate in PEM or DER",
    })?;
    Ok(bailiwick_core::names::CertFingerprint::of(&der).to_string())
}

/// The first certificate of a PEM text, or the DER as it stands.
fn first_certificate(octets: &[u8]) -> Result<Vec<u8>, String> {
    if octets.first() == Some(&0x30) {
        return Ok(octets.to_vec());
    }
    let chain = bailiwick_wire::x509::read_chain(octets).map_err(|cause| cause.to_string())?;
    chain.into_iter().next().ok_or_else(|| "it holds no certificate".to_owned())
}

async fn service(asked: Asked<ServiceCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        ServiceCommand::List => {
            let all: Vec<ServiceBody> = client.get("services").await?;
            answer(asked.output, &all, |all| print::services(all))
        }
    }
}

async fn token(asked: Asked<TokenCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        TokenCommand::New { scopes, services, hours, purpose } => {
            let services = (!services.is_empty()).then_some(services);
            let wish = NewToken { scopes, services, hours, purpose };
            let body: FreshTokenBody = client.post("tokens", &wish).await?;
            answer(asked.output, &body, print::fresh_token)
        }
        TokenCommand::List => {
            let all: Vec<TokenBody> = client.get("tokens").await?;
            answer(asked.output, &all, |all| print::tokens(all))
        }
        TokenCommand::Revoke { id } => {
            client.delete(&format!("tokens/{id}")).await?;
            answer(asked.output, &serde_json::json!({ "revoked": id }), |_| {
                format!("token {id} is revoked")
            })
        }
    }
}

async fn person(asked: Asked<PersonCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        PersonCommand::Link { person } => {
            let body: FreshLink =
                client.post(&format!("people/{person}/link"), &Value::Null).await?;
            answer(asked.output, &body, |link| {
                format!("{}\n\nIt works once, until {}.", link.url, link.expires_at)
            })
        }
    }
}

async fn sign_in(login: Login) -> Result<u8, NoAnswer> {
    let client = login.server.client_of_nobody()?;
    let body: FreshTokenBody = client.post("sign-in", &ExchangeLink { link: login.link }).await?;
    let path = token_path();
    keep::token(&path, &body.token)?;
    super::say(format!("signed in until {}; the token is in {}", body.expires_at, path.display()));
    Ok(exit::YES)
}

async fn whoami(plain: Plain) -> Result<u8, NoAnswer> {
    let me: Me = plain.server.client()?.get("me").await?;
    answer(plain.output, &me, print::me)
}

/// `?a=b&c=d` of what is given, percent-encoded.
fn query(pairs: &[(&str, Option<String>)]) -> String {
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            serializer.append_pair(name, value);
        }
    }
    let query = serializer.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

/// How commands that print JSON or text are told which.
impl From<GlobalOutput> for Output {
    fn from(output: GlobalOutput) -> Self {
        Self { json: output.json }
    }
}

/// A change as text, for the other commands that show one.
pub(crate) fn change_text(body: &ChangeBody) -> String {
    print::change(body)
}
