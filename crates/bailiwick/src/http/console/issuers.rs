//! The CAs that run here, their generations, and the wish for another one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bailiwick_core::policy::Access;
use maud::{Markup, html};
use serde::Deserialize;

use super::input::{Form, Path};
use super::page::{Visitor, failed, moment, page, state};
use crate::app::{App, Rotation, Scope};
use crate::http::api::bodies::{GenerationBody, IssuerBody, RotateIssuerBody};
use crate::http::api::issuers as api;

/// The page.
pub(super) async fn list(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match api::all(&app, &asking).await {
        Ok(all) => {
            let may_ask = app.may(&asking, Access::Request, &Scope::Estate);
            let body = html! {
                @if all.is_empty() { p.clear { "No CA runs here. Built-in issuers are written down in the estate." } }
                @for one in &all { (card(one, may_ask)) }
                p { a href="/attestors" { "Attestors" } ": whose word about workloads counts." }
            };
            page(&app, Some(&asking), "Issuers", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn card(one: &IssuerBody, may_ask: bool) -> Markup {
    html! {
        article.card id=(one.id) {
            h2 { (one.id) }
            p { "New certificates come from generation " strong { (one.generation) }
                ". Clients trust the root " code { (one.root) } ", which certified every generation." }
            table {
                thead { tr { th { "Generation" } th { "" } th { "Key" } th { "Until" } th { "Last certificate ends" } th { "CRL" } } }
                tbody { @for generation in &one.generations { (row(generation)) } }
            }
            @match &one.waiting {
                Some(change) => p.lead { a href={ "/changes/" (change) } { "A rotation waits for approval" } "." },
                None => @if may_ask { (rotate_form(one)) },
            }
        }
    }
}

fn row(one: &GenerationBody) -> Markup {
    html! {
        tr {
            td { (one.generation) }
            td { (state(&one.state)) @if let (Some(since), Some(change)) = (&one.since, &one.change) {
                " since " a href={ "/changes/" (change) } { (moment(since)) } } }
            td { (one.key_kind) " " code title=(one.key) { (one.key.chars().take(16).collect::<String>()) } }
            td { (moment(&one.not_after)) }
            td { @match &one.last_certificate_ends { Some(at) => (moment(at)), None => "none in date" } }
            td { @match (&one.crl_url, &one.crl_until) {
                (Some(url), Some(until)) => { a href=(url) { "number " (one.crl_number.unwrap_or_default()) } " until " (moment(until)) },
                _ => strong.problem { "none yet" },
            } }
        }
    }
}

fn rotate_form(one: &IssuerBody) -> Markup {
    let others = || one.generations.iter().filter(|it| it.state == "answers");
    html! {
        section.decide aria-labelledby={ "rotate-" (one.id) } {
            h3 id={ "rotate-" (one.id) } { "Rotate" }
            p { "Somebody of the control owner approves it. What was issued stays as it is: older generations answer for it." }
            form method="post" action={ "/issuers/" (one.id) "/rotate" } {
                label { "To " select name="to" {
                    option value="" { "the next generation, with a new key" }
                    @for other in others() { option value=(other.generation) { "generation " (other.generation) } }
                } }
                label { "Why " input name="reason" maxlength="2000" required; }
                button { "Ask for it" }
            }
        }
    }
}

/// What the page sends.
#[derive(Deserialize)]
pub(super) struct RotateForm {
    #[serde(default)]
    to: String,
    reason: String,
}

/// Asks for it.
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(issuer): Path<String>,
    Form(form): Form<RotateForm>,
) -> Response {
    let done = async {
        let id = api::issuer_id(&issuer)?;
        let to = match form.to.as_str() {
            "" => None,
            number => Some(number.parse().unwrap_or_default()),
        };
        let wish = RotateIssuerBody { to, certificate: None, reason: form.reason };
        app.rotate_issuer(&asking, &id, api::wanted(wish)?).await
    };
    match done.await {
        Ok(Rotation::Asked(loaded)) => {
            Redirect::to(&format!("/changes/{}", loaded.id)).into_response()
        }
        Ok(Rotation::AwaitsRoot { generation, key, request }) => {
            let body = html! {
                p.lead { "The root's key is not here, so its certificate comes from there." }
                ol {
                    li { "Save this request as a file, such as " code { "house.csr" } ", and write down the key's name: " code { (key) } }
                    li { "At the root: " code { "bailiwick ceremony sign --request house.csr --confirm KEY --out house.pem" } }
                    li { "Here: " code { "bailiwick issuer rotate " (issuer) " --certificate house.pem --reason …" } }
                }
                pre #request { (request) }
            };
            let title = format!("Generation {generation} of {issuer}");
            page(&app, Some(&asking), &title, body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}
