//! `bailiwick change emergency`, `change list --review`, `duties` and `acts`.

use std::fmt::Write as _;
use std::path::Path;

use super::commands::{Asked, DutiesCommand, EmergencyCommand, GlobalOutput};
use super::{Client, NoAnswer, answer, exit, named, print, query};
use crate::cli::client::Server;
use crate::http::api::bodies::{
    ActBody, ChangeBody, CloseReview, DelegateBody, DelegatedBody, DutyBody, EmergencyBody,
    EmergencyIssueBody, EmergencyPublishBody, EmergencyRevokeBody, NewEmergencyBody, ToxicBody,
};

/// Appends a line; writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)+) => { writeln!($text, $($format)+).unwrap_or_default() };
}

pub(super) async fn emergency(
    client: &Client,
    output: GlobalOutput,
    what: EmergencyCommand,
) -> Result<u8, NoAnswer> {
    let wish = match what {
        EmergencyCommand::Issue { service, csr, profile, issuer, reason } => {
            let issue = EmergencyIssueBody { csr: text_of(&csr)?, profile, issuer };
            let (service, issue) = (Some(service), Some(issue));
            NewEmergencyBody { service, reason, issue, ..NewEmergencyBody::default() }
        }
        EmergencyCommand::Revoke { service, certificate, as_reason, reason } => {
            let revoke =
                EmergencyRevokeBody { certificate: named(&certificate)?, reason: as_reason };
            let (service, revoke) = (Some(service), Some(revoke));
            NewEmergencyBody { service, reason, revoke, ..NewEmergencyBody::default() }
        }
        EmergencyCommand::Publish { zone, name, kind, values, none: _, ttl, reason } => {
            let publish = EmergencyPublishBody { zone, name, kind, values, ttl_seconds: ttl };
            let publish = Some(publish);
            NewEmergencyBody { reason, publish, ..NewEmergencyBody::default() }
        }
        EmergencyCommand::Delegate { service, to, hours, reason } => {
            let wish = DelegateBody { person: to, hours, reason };
            let path = format!("services/{service}/delegated-executions");
            let made: DelegatedBody = client.post(&path, &wish).await?;
            return answer(output, &made, |made| {
                format!(
                    "{} may declare emergencies of {} until {}; {} stays accountable and approves none of them",
                    made.person, made.service, made.until, made.accountable
                )
            });
        }
        EmergencyCommand::Review { id, not_justified, note } => {
            let wish = CloseReview { justified: !not_justified, note };
            let body: EmergencyBody =
                client.post(&format!("emergencies/{id}/review"), &wish).await?;
            return answer(output, &body, |one| emergencies(std::slice::from_ref(one)));
        }
    };
    let body: ChangeBody = client.post("emergencies", &wish).await?;
    answer(output, &body, print::change)
}

fn text_of(path: &Path) -> Result<String, NoAnswer> {
    std::fs::read_to_string(path).map_err(|cause| NoAnswer::File {
        path: path.display().to_string(),
        cause: cause.to_string(),
        remedy: "give a certificate request in PEM",
    })
}

/// Emergencies whose review is open.
pub(super) async fn reviews(client: &Client, output: GlobalOutput) -> Result<u8, NoAnswer> {
    let all: Vec<EmergencyBody> = client.get("emergencies?open=true").await?;
    answer(output, &all, |all| emergencies(all))
}

fn emergencies(all: &[EmergencyBody]) -> String {
    if all.is_empty() {
        return "No review is open.".to_owned();
    }
    let mut text = String::new();
    for one in all {
        line!(text, "{}  emergency of {}, {}", one.change, one.of_what(), one.at);
        line!(text, "    {} answers for it", one.accountable);
        if let Some(by) = &one.delegated_by {
            line!(text, "    execution was delegated by {by}");
        }
        match &one.review {
            None => {
                let late = if one.overdue { ", OVERDUE" } else { "" };
                line!(text, "    {} reviews it by {}{late}", one.reviewer, one.review_by);
                let id = &one.change;
                line!(text, "    bailiwick change emergency review {id} --note 'what you found'");
            }
            Some(review) => {
                let found = if review.justified { "justified" } else { "NOT justified" };
                line!(text, "    {found}, says {}: {}", review.by, review.note);
            }
        }
    }
    text
}

pub(super) async fn duties(asked: Asked<DutiesCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        DutiesCommand::Show { of } => {
            let all: Vec<DutyBody> = client.get(&format!("duties/of/{of}")).await?;
            answer(asked.output, &all, |all| {
                let mut text = String::new();
                for one in all {
                    line!(text, "{:<12} may {}", one.person, one.may.join(", "));
                    one.alone.iter().for_each(|why| line!(text, "             alone: {why}"));
                }
                text
            })
        }
        DutiesCommand::Toxic => {
            let all: Vec<ToxicBody> = client.get("duties/toxic").await?;
            let code = if all.is_empty() { exit::YES } else { exit::NO };
            answer(asked.output, &all, |all| toxic(all)).map(|_| code)
        }
    }
}

fn toxic(all: &[ToxicBody]) -> String {
    if all.is_empty() {
        return "Nobody holds power over both the certificates and the records of a zone."
            .to_owned();
    }
    let mut text = String::new();
    for one in all {
        line!(text, "{} holds both sides of {}", one.person, one.zone);
        one.certificates.iter().for_each(|why| line!(text, "    certificates: {why}"));
        one.records.iter().for_each(|why| line!(text, "    records: {why}"));
    }
    text
}

/// Acts on keys, accounts, zones and registrations.
pub(crate) async fn acts(
    server: Server,
    output: GlobalOutput,
    (about, class, before): (Option<String>, Option<String>, Option<u64>),
) -> Result<u8, NoAnswer> {
    let before = before.map(|index| index.to_string());
    let query = query(&[("about", about), ("class", class), ("before", before)]);
    let all: Vec<ActBody> = server.client()?.get(&format!("acts{query}")).await?;
    answer(output, &all, |all| {
        if all.is_empty() {
            return "No such act is recorded.".to_owned();
        }
        let mut text = String::new();
        for one in all {
            line!(text, "[{}] {}  {:<9}  {}", one.index, one.at, one.class, one.about);
            line!(text, "    {}, by {}", one.what, one.by);
        }
        text
    })
}
