//! `bailiwick credential`, `account` and `standing-record`: the ACME clients of the services.

use std::fmt::Write as _;

use super::commands::{AccountCommand, Asked, CredentialCommand, Listing, StandingCommand};
use super::{NoAnswer, answer, keep, print, query};
use crate::http::api::bodies::{
    AccountBody, AccountStory, AgreeBody, Because, CredentialBody, CredentialLine,
    NewCredentialBody, PageOf, RotateBody, StandingBody,
};

impl Listing {
    fn path(self, list: &str) -> String {
        format!("{list}{}", query(&[("service", self.service), ("after", self.after)]))
    }
}

pub(super) async fn credential(asked: Asked<CredentialCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    let (path, certbot, wish) = match asked.what {
        CredentialCommand::List(which) => {
            let page: PageOf<CredentialLine> = client.get(&which.path("credentials")).await?;
            return answer(asked.output, &page, credentials);
        }
        CredentialCommand::Revoke { kid } => {
            client.delete(&format!("credentials/{kid}")).await?;
            return answer(asked.output, &serde_json::json!({ "revoked": kid }), |_| {
                format!("credential {kid} is revoked; accounts registered with it stay")
            });
        }
        CredentialCommand::New {
            service,
            environment,
            namespace,
            attestations,
            hours,
            certbot,
        } => {
            let wish = NewCredentialBody { service, environment, namespace, attestations, hours };
            ("credentials".to_owned(), certbot, serde_json::to_value(wish))
        }
        CredentialCommand::Rotate { kid, overlap_hours, certbot } => {
            let wish = RotateBody { overlap_hours };
            (format!("credentials/{kid}/rotate"), certbot, serde_json::to_value(wish))
        }
    };
    let wish = wish.map_err(|cause| NoAnswer::Strange(cause.to_string()))?;
    let Some(options) = certbot else {
        let body: CredentialBody = client.post(&path, &wish).await?;
        return answer(asked.output, &body, print::credential);
    };
    let file = keep::SecretFile::new(&options)?;
    let body: CredentialBody = client.post(&path, &wish).await?;
    file.write(&print::certbot_options(&body))?;
    let kept = serde_json::json!({ "kid": body.kid, "file": options });
    answer(asked.output, &kept, |_| print::credential_kept(&body, &options))
}

pub(super) async fn account(asked: Asked<AccountCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        AccountCommand::List(which) => {
            let page: PageOf<AccountBody> = client.get(&which.path("accounts")).await?;
            answer(asked.output, &page, accounts)
        }
        AccountCommand::Show { id } => {
            let one: AccountStory = client.get(&format!("accounts/{id}")).await?;
            answer(asked.output, &one, story)
        }
        AccountCommand::Deactivate { id, reason } => {
            let path = format!("accounts/{id}/deactivate");
            let one: AccountBody = client.post(&path, &Because { reason }).await?;
            answer(asked.output, &one, |one| {
                format!("account {} is {}; its certificates stay", one.id, one.status)
            })
        }
        AccountCommand::Agree { id, terms } => {
            let path = format!("accounts/{id}/agree");
            let one: AccountBody = client.post(&path, &AgreeBody { terms }).await?;
            answer(asked.output, &one, show)
        }
    }
}

pub(super) async fn standing(asked: Asked<StandingCommand>) -> Result<u8, NoAnswer> {
    let client = asked.server.client()?;
    match asked.what {
        StandingCommand::List(which) => {
            let page: PageOf<StandingBody> = client.get(&which.path("standing-records")).await?;
            answer(asked.output, &page, standing_records)
        }
    }
}

/// Appends a line; writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)+) => { writeln!($text, $($format)+).unwrap_or_default() };
}

fn credentials(page: &PageOf<CredentialLine>) -> String {
    if page.items.is_empty() {
        return "No credentials that you may see.".to_owned();
    }
    let mut text = String::new();
    for one in &page.items {
        line!(text, "{}  {:<8}  {} ({})", one.kid, one.state, one.service, one.environment);
        line!(text, "    made by {} {}, until {}", one.made_by, one.made_at, one.expires_at);
        if let Some(account) = &one.account {
            line!(text, "    bound account {account}");
        }
        if let Some(successor) = &one.successor {
            line!(text, "    {successor} took its place");
        }
        if let Some(at) = &one.revoked_at {
            line!(text, "    revoked {at}");
        }
    }
    print::more(&mut text, page.next.as_ref());
    text
}

fn accounts(page: &PageOf<AccountBody>) -> String {
    if page.items.is_empty() {
        return "No accounts that you may see.".to_owned();
    }
    let mut text = String::new();
    for one in &page.items {
        line!(text, "{}  {:<11}  {}", one.id, one.status, one.service);
        let last = one.last_order_at.as_deref().unwrap_or("never");
        line!(text, "    last order {last}, {} certificates", one.certificates);
        if !one.contacts.is_empty() {
            line!(text, "    contact {}", one.contacts.join(", "));
        }
        if let Some(terms) = &one.terms_due {
            line!(text, "    ! gets nothing new before somebody agrees to {terms}");
        }
    }
    print::more(&mut text, page.next.as_ref());
    text
}

fn show(one: &AccountBody) -> String {
    let mut text = String::new();
    line!(text, "account {} of {}: {}", one.id, one.service, one.status);
    line!(text, "  url         {}", one.url);
    for (duty, team, person) in &one.owners {
        let person = person.as_deref().unwrap_or("NOBODY ON DUTY");
        line!(text, "  {duty:<18} {team}: {person}");
    }
    line!(text, "  contact     {}", one.contacts.join(", "));
    line!(text, "  key         {}", one.thumbprint);
    line!(
        text,
        "  registered  {} with credential {} made by {}",
        one.registered_at,
        one.credential,
        one.made_by
    );
    line!(text, "  last order  {}", one.last_order_at.as_deref().unwrap_or("never"));
    if let Some((terms, at)) = &one.terms {
        line!(text, "  agreed to   {terms} at {at}");
    }
    if let Some(terms) = &one.terms_due {
        line!(
            text,
            "  ! gets nothing new before: bailiwick account agree {} --terms {terms}",
            one.id
        );
    }
    if !one.caa.is_empty() {
        line!(text, "  CAA records for this account and no other (RFC 8657):");
        one.caa.iter().for_each(|record| line!(text, "    {record}"));
    }
    line!(text, "  certificates {}", one.certificates);
    text
}

fn story(story: &AccountStory) -> String {
    let mut text = show(&story.line);
    for certificate in &story.newest {
        line!(text, "    {}  until {}", certificate.serial, certificate.not_after);
        line!(text, "      {}", certificate.names.join(", "));
    }
    text
}

fn standing_records(page: &PageOf<StandingBody>) -> String {
    if page.items.is_empty() {
        return "No standing records that you may see.".to_owned();
    }
    let mut text = String::new();
    for one in &page.items {
        let wildcard = if one.wildcard { " and its wildcard" } else { "" };
        line!(
            text,
            "{}{wildcard}  {}  account {} of {}",
            one.name,
            one.state,
            one.account,
            one.service
        );
        line!(
            text,
            "    since {}, until {}",
            one.since,
            one.until.as_deref().unwrap_or("taken away")
        );
        if let Some(at) = &one.gone_at {
            line!(text, "    gone since {at}");
        }
        let told = one.owners.iter().map(|(duty, team, person)| {
            format!("{duty} {team} ({})", person.as_deref().unwrap_or("NOBODY ON DUTY"))
        });
        line!(text, "    owned by {}", told.collect::<Vec<_>>().join(", "));
        line!(text, "    {}", one.text);
    }
    print::more(&mut text, page.next.as_ref());
    text
}
