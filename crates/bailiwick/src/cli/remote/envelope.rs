//! `bailiwick envelope`: what stands, asking for more, giving something up.

use std::fmt::Write as _;

use super::commands::{Asked, EnvelopeCommand};
use super::{NoAnswer, answer, print};
use crate::http::api::bodies::{
    Because, ChangeBody, EnvelopeBody, EnvelopeStory, NarrowBody, NewEnvelopeBody,
};

pub(super) async fn run(asked: Asked<EnvelopeCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    let changed: ChangeBody = match asked.what {
        EnvelopeCommand::List { service } => {
            let all: Vec<EnvelopeBody> =
                client.get(&format!("services/{service}/envelopes")).await?;
            return answer(asked.output, &all, |all| list(all));
        }
        EnvelopeCommand::Show { id } => {
            let one: EnvelopeStory = client.get(&format!("envelopes/{id}")).await?;
            return answer(asked.output, &one, show);
        }
        EnvelopeCommand::Request {
            service,
            names,
            profiles,
            issuer,
            account,
            until,
            uses,
            reason,
        } => {
            let wish =
                NewEnvelopeBody { names, issuer, profiles, account, until, uses_max: uses, reason };
            client.post(&format!("services/{service}/envelopes"), &wish).await?
        }
        EnvelopeCommand::Narrow { id, names, until, uses, reason } => {
            let names = (!names.is_empty()).then_some(names);
            let wish = NarrowBody { names, until, uses_max: uses, reason };
            client.post(&format!("envelopes/{id}/narrow"), &wish).await?
        }
        EnvelopeCommand::End { id, reason } => {
            client.post(&format!("envelopes/{id}/end"), &Because { reason }).await?
        }
    };
    answer(asked.output, &changed, print::change)
}

/// Appends a line; writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)+) => { writeln!($text, $($format)+).unwrap_or_default() };
}

fn list(all: &[EnvelopeBody]) -> String {
    if all.is_empty() {
        return "No envelopes: each order of this service is decided by itself.".to_owned();
    }
    let mut text = String::new();
    for one in all {
        let state = one
            .ended
            .as_ref()
            .map_or_else(|| format!("until {}", one.until), |ended| format!("ended: {ended}"));
        line!(text, "{}  {state}", one.id);
        line!(
            text,
            "    {} from {} as {}",
            one.names.join(", "),
            one.issuer,
            one.profiles.join(", ")
        );
        line!(
            text,
            "    used {} times, granted {} by change {}",
            used(one),
            one.granted_at,
            one.change
        );
        findings(&mut text, one);
    }
    text
}

fn used(one: &EnvelopeBody) -> String {
    one.uses_max.map_or_else(|| one.uses.to_string(), |max| format!("{} of {max}", one.uses))
}

fn findings(text: &mut String, one: &EnvelopeBody) {
    for finding in &one.findings {
        line!(text, "    ! {}: {}; {}", finding.finding, finding.says, finding.remedy);
    }
    if !one.findings.is_empty() {
        let told = one.told.iter().map(|(team, person)| {
            format!("{} ({team})", person.as_deref().unwrap_or("NOBODY ON DUTY"))
        });
        line!(text, "    told: {}", told.collect::<Vec<_>>().join(", "));
    }
}

fn show(story: &EnvelopeStory) -> String {
    let one = &story.line;
    let mut text = String::new();
    line!(text, "envelope {} of {}", one.id, one.service);
    line!(text, "  names     {}", one.names.join(", "));
    line!(text, "  issuer    {}", one.issuer);
    line!(text, "  profiles  {}", one.profiles.join(", "));
    line!(text, "  account   {}", one.account.as_deref().unwrap_or("any of the service"));
    line!(text, "  granted   {} by change {}", one.granted_at, one.change);
    line!(text, "  until     {}", one.until);
    line!(text, "  used      {} times", used(one));
    if let Some(ended) = &one.ended {
        line!(text, "  ended     {ended}");
    }
    line!(text, "  asked by  {}: {}", story.requested_by, story.reason);
    for approved in &story.approved {
        let index = approved.ledger_index;
        line!(text, "  [{index}] approved by {} at {}", approved.by, approved.at);
    }
    findings(&mut text, one);
    for certificate in &story.certificates {
        line!(text, "  issued {}  until {}", certificate.serial, certificate.not_after);
        line!(text, "    {}", certificate.names.join(", "));
    }
    text
}
