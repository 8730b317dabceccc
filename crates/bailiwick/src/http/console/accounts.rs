//! One ACME account: whose it is, who answers, what it needs, what it got.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bailiwick_core::names::ServiceId;
use bailiwick_core::policy::{Access, ResourceKind};
use maud::{Markup, html};
use serde::Deserialize;

use super::input::{Form, Path};
use super::page::{Visitor, failed, moment, page, state};
use crate::app::{App, Asking, Scope};
use crate::fault::Fault;
use crate::http::api::bodies::{AccountBody, AccountStory, CertificateBody};
use crate::http::api::registry as api;

/// The page.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(account): Path<String>,
) -> Response {
    match api::account_story(&app, &asking, &account).await {
        Ok(story) => {
            let alters = may_alter(&app, &asking, &story.line);
            page(&app, Some(&asking), "ACME account", whole(&story, alters)).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn may_alter(app: &App, asking: &Asking, one: &AccountBody) -> bool {
    ServiceId::parse(&one.service).is_ok_and(|service| {
        let scope = Scope::Service(ResourceKind::Account, one.id.clone(), service);
        app.may(asking, Access::Administer, &scope)
    })
}

fn whole(story: &AccountStory, alters: bool) -> Markup {
    let one = &story.line;
    html! {
        article #account {
            p.lead { (state(&one.status)) " " code { (one.url) } " of "
                a href={ "/services/" (one.service) "/clients" } { (one.service) } }
            @if let Some(terms) = &one.terms_due { (terms_due(one, terms, alters)) }
            dl.facts {
                @for (duty, team, person) in &one.owners {
                    dt { (duty) }
                    dd { (team) ": " @match person {
                        Some(person) => (person),
                        None => strong.problem { "nobody is on duty" },
                    } }
                }
                dt { "Runs in" } dd { (one.environment) @if let Some(place) = &one.namespace { ", " (place) } }
                dt { "Contact" } dd { @if one.contacts.is_empty() { "none given" } @else { (one.contacts.join(", ")) } }
                dt { "Key" } dd { code { (one.thumbprint) } }
                dt { "Registered" } dd { (moment(&one.registered_at)) " with credential " code { (one.credential) } " made by " (one.made_by) }
                dt { "Last order" } dd { @match &one.last_order_at { Some(at) => (moment(at)), None => "never" } }
                @if let Some((terms, at)) = &one.terms { dt { "Agreed to" } dd { a href=(terms) { (terms) } " " (moment(at)) } }
            }
            h2 { "CAA records that name it" }
            p { "They let this account, and no other, have certificates for the service's names (RFC 8657), where no record without "
                code { "accounturi" } " stands beside them." }
            @if one.caa.is_empty() { p.clear { "None: no issuer that runs here serves the service." } }
            @else { pre #caa { (one.caa.join("\n")) } }
            h2 { "Certificates" }
            (certificates(&story.newest, one.certificates))
            @if alters && one.status == "valid" { (deactivate_form(one)) }
        }
    }
}

fn terms_due(one: &AccountBody, terms: &str, alters: bool) -> Markup {
    html! {
        section.decide aria-labelledby="terms-title" {
            h2 #terms-title { "The terms of service have changed" }
            p { "Nothing new is given to this account before somebody agrees to "
                a href=(terms) { (terms) } "." }
            @if alters {
                form method="post" action={ "/accounts/" (one.id) "/agree" } {
                    input type="hidden" name="terms" value=(terms);
                    button.primary { "I have read them and agree for this account" }
                }
            } @else { p { "Somebody who answers for the service does it here." } }
        }
    }
}

fn certificates(newest: &[CertificateBody], all: u64) -> Markup {
    html! {
        @if newest.is_empty() { p.clear { "None yet." } } @else {
            table {
                thead { tr { th { "Names" } th { "Until" } th { "" } } }
                tbody {
                    @for one in newest {
                        tr {
                            td { a href={ "/certificates/" (one.fingerprint) } { (one.names.join(", ")) } }
                            td { (moment(&one.not_after)) }
                            td { @if one.revoked_at.is_some() { (state("revoked")) } }
                        }
                    }
                }
            }
            @if u64::try_from(newest.len()).is_ok_and(|shown| shown < all) {
                p { "The newest " (newest.len()) " of " (all) "." }
            }
        }
    }
}

fn deactivate_form(one: &AccountBody) -> Markup {
    html! {
        section.decide aria-labelledby="end-title" {
            h2 #end-title { "End this account" }
            p { "From then on its key is of no use here. Its certificates stay; revoke them by themselves." }
            form method="post" action={ "/accounts/" (one.id) "/deactivate" } {
                label { "Why " input name="reason" maxlength="2000" required; }
                button { "End it" }
            }
        }
    }
}

/// What the page sends.
#[derive(Deserialize)]
pub(super) struct AccountForm {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    terms: String,
}

/// Ends it.
pub(super) async fn deactivate(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(account): Path<String>,
    Form(form): Form<AccountForm>,
) -> Response {
    let done = async {
        let id = api::account_id(&account)?;
        app.revoke_account(&asking, &id, &form.reason).await
    };
    answered(&app, &asking, &account, done.await.map(drop))
}

/// Agrees to the terms for it.
pub(super) async fn agree(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(account): Path<String>,
    Form(form): Form<AccountForm>,
) -> Response {
    let done = async {
        let id = api::account_id(&account)?;
        app.agree_for_account(&asking, &id, &form.terms).await
    };
    answered(&app, &asking, &account, done.await.map(drop))
}

fn answered(app: &App, asking: &Asking, account: &str, done: Result<(), Fault>) -> Response {
    match done {
        Ok(()) => Redirect::to(&format!("/accounts/{account}")).into_response(),
        Err(fault) => failed(app, Some(asking), &fault),
    }
}
