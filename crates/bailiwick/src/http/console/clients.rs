//! The ACME clients of a service: their credentials, accounts and standing records.

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
use crate::http::api::bodies::{
    AccountBody, CredentialBody, CredentialLine, NewCredentialBody, PageOf, StandingBody,
};
use crate::http::api::registry as api;

/// Rows of each list; the command line has the rest.
const ROWS: u32 = 100;

/// The page.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(service): Path<String>,
) -> Response {
    match told(&app, &asking, &service).await {
        Ok(body) => {
            let title = format!("ACME clients of {service}");
            page(&app, Some(&asking), &title, body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

async fn told(app: &App, asking: &Asking, service: &str) -> Result<Markup, Fault> {
    let params = api::ListParams {
        service: Some(service.to_owned()),
        limit: Some(ROWS),
        ..api::ListParams::default()
    };
    let accounts = api::accounts_page(app, asking, &params).await?;
    let credentials = api::credentials_page(app, asking, &params).await?;
    let standing = api::standing_page(app, asking, &params).await?;
    let makes = may_make(app, asking, service);
    Ok(html! {
        section #accounts aria-labelledby="accounts-title" {
            h2 #accounts-title { "Accounts" }
            (accounts_table(&accounts))
        }
        section #credentials aria-labelledby="credentials-title" {
            h2 #credentials-title { "Credentials" }
            p { "Each binds one account to this service (external account binding)." }
            (credentials_table(&credentials, makes))
        }
        section #standing aria-labelledby="standing-title" {
            h2 #standing-title { "Standing validation records" }
            p { "TXT records with which an account shows control of a name again and again (dns-persist-01)." }
            (standing_table(&standing))
        }
        @if makes { (make_form(service)) }
    })
}

fn may_make(app: &App, asking: &Asking, service: &str) -> bool {
    ServiceId::parse(service).is_ok_and(|id| {
        let scope = Scope::Service(ResourceKind::Credential, service.to_owned(), id);
        app.may(asking, Access::Administer, &scope)
    })
}

fn more<T>(page: &PageOf<T>, command: &str) -> Markup {
    html! {
        @if page.next.is_some() { p { "There are more: " code { (command) } } }
    }
}

fn accounts_table(all: &PageOf<AccountBody>) -> Markup {
    html! {
        @if all.items.is_empty() { p.clear { "No accounts yet. A client registers with a credential." } } @else {
            table {
                thead { tr { th { "Account" } th { "Status" } th { "Contact" } th { "Last order" } th { "Certificates" } } }
                tbody {
                    @for one in &all.items {
                        tr {
                            td { a href={ "/accounts/" (one.id) } { code { (one.id) } } }
                            td { (state(&one.status)) @if one.terms_due.is_some() { " " span.badge.bad { "terms" } } }
                            td { (one.contacts.join(", ")) }
                            td { @match &one.last_order_at { Some(at) => (moment(at)), None => "never" } }
                            td { (one.certificates) }
                        }
                    }
                }
            }
        }
        (more(all, "bailiwick account list"))
    }
}

fn credentials_table(all: &PageOf<CredentialLine>, alters: bool) -> Markup {
    html! {
        @if all.items.is_empty() { p.clear { "No credentials that you may see." } } @else {
            table {
                thead { tr { th { "Key id" } th { "State" } th { "Made" } th { "Until" } th { "Account" } th { "" } } }
                tbody {
                    @for one in &all.items {
                        tr {
                            td { code { (one.kid) } br; (one.environment) @for kind in &one.attestations { " · " (kind) } }
                            td { (state(&one.state)) }
                            td { (one.made_by) " " (moment(&one.made_at)) }
                            td { (moment(&one.expires_at)) }
                            td { @if let Some(account) = &one.account { a href={ "/accounts/" (account) } { code { (account) } } } }
                            td {
                                @if let Some(next) = &one.successor { "now " code { (next) } }
                                @else if alters && one.state == "usable" { (alter_forms(one)) }
                            }
                        }
                    }
                }
            }
        }
        (more(all, "bailiwick credential list"))
    }
}

fn alter_forms(one: &CredentialLine) -> Markup {
    html! {
        form method="post" action={ "/credentials/" (one.kid) "/rotate" } {
            label { "Overlap in hours " input name="overlap_hours" inputmode="numeric" size="3" value="0"; }
            button { "Rotate" }
        }
        form method="post" action={ "/credentials/" (one.kid) "/revoke" } {
            input type="hidden" name="service" value=(one.service);
            button { "Revoke" }
        }
    }
}

fn standing_table(all: &PageOf<StandingBody>) -> Markup {
    html! {
        @if all.items.is_empty() { p.clear { "None." } } @else {
            table {
                thead { tr { th { "Name" } th { "State" } th { "Account" } th { "Since" } th { "End" } } }
                tbody {
                    @for one in &all.items {
                        tr {
                            td { (one.name) @if one.wildcard { " and *." (one.name) } br; code { (one.text) } }
                            td { (state(&one.state)) }
                            td { a href={ "/accounts/" (one.account) } { code { (one.account) } } }
                            td { (moment(&one.since)) }
                            td { @match one.gone_at.as_ref().or(one.until.as_ref()) {
                                Some(end) => (moment(end)),
                                None => "as long as it stands",
                            } }
                        }
                    }
                }
            }
        }
        (more(all, "bailiwick standing-record list"))
    }
}

fn make_form(service: &str) -> Markup {
    html! {
        section.decide aria-labelledby="make-title" {
            h2 #make-title { "A credential for another client" }
            p { "Its key is shown once. Nobody who made it can approve what its account asks for." }
            form method="post" action={ "/services/" (service) "/credentials" } {
                label { "Hours in which it can register, a week where left out " input name="hours" inputmode="numeric"; }
                button.primary { "Make it" }
            }
        }
    }
}

/// What the page sends for another credential; an empty field is one that was left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MakeForm {
    hours: String,
}

/// What it sends to have one rotated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateForm {
    overlap_hours: String,
}

/// What it sends to have one revoked: with the service whose page leads on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeForm {
    service: String,
}

fn number<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<Option<T>, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Fault::input(field, "give a number of hours"))
}

/// Makes a credential, and shows its key once.
pub(super) async fn make(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(service): Path<String>,
    Form(form): Form<MakeForm>,
) -> Response {
    let done = async {
        let wish = NewCredentialBody {
            service: service.clone(),
            environment: None,
            namespace: None,
            attestations: Vec::new(),
            hours: number("hours", &form.hours)?,
        };
        api::made(&app, &asking, wish).await
    };
    shown_once(&app, &asking, done.await)
}

/// Rotates one, and shows the new key once.
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(credential): Path<String>,
    Form(form): Form<RotateForm>,
) -> Response {
    let done = async {
        let overlap = number("overlap_hours", &form.overlap_hours)?.unwrap_or_default();
        api::rotated(&app, &asking, &credential, overlap).await
    };
    shown_once(&app, &asking, done.await)
}

fn shown_once(app: &App, asking: &Asking, done: Result<CredentialBody, Fault>) -> Response {
    let fresh = match done {
        Ok(fresh) => fresh,
        Err(fault) => return failed(app, Some(asking), &fault),
    };
    let body = html! {
        p.lead { "The key is shown this once: give it to the client now." }
        dl.facts #fresh {
            dt { "Directory" } dd { code { (fresh.directory) } }
            dt { "Key id" } dd { code { (fresh.kid) } }
            dt { "HMAC key" } dd { code { (fresh.hmac_key) } }
            dt { "Registers until" } dd { (moment(&fresh.expires_at)) }
        }
        p { a href="/services" { "Back to the services" } }
    };
    page(app, Some(asking), "A new credential", body).into_response()
}

/// Revokes one.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(credential): Path<String>,
    Form(form): Form<RevokeForm>,
) -> Response {
    let done = async {
        let service = ServiceId::parse(&form.service);
        let service = service.map_err(|cause| Fault::input("service", cause))?;
        app.revoke_credential(&asking, &api::credential_id(&credential)?).await?;
        Ok::<_, Fault>(format!("/services/{service}/clients"))
    };
    match done.await {
        Ok(next) => Redirect::to(&next).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}
