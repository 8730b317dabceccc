//! Envelopes: those of a service, and one with all that hangs on it.

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
use crate::http::api::bodies::{EnvelopeBody, EnvelopeStory, NarrowBody, NewEnvelopeBody};
use crate::http::api::envelopes as api;

/// The envelopes of a service.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(service): Path<String>,
) -> Response {
    match api::of_service(&app, &asking, &service).await {
        Ok(all) => {
            let title = format!("Envelopes of {service}");
            let asks = may_ask(&app, &asking, &service);
            page(&app, Some(&asking), &title, listed(&service, &all, asks)).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn may_ask(app: &App, asking: &Asking, service: &str) -> bool {
    ServiceId::parse(service).is_ok_and(|id| {
        let scope = Scope::Service(ResourceKind::Envelope, service.to_owned(), id);
        app.may(asking, Access::Request, &scope)
    })
}

fn listed(service: &str, all: &[EnvelopeBody], may_ask: bool) -> Markup {
    html! {
        section #list data-live="change" {
            @if all.is_empty() {
                p.clear { "No envelopes: each order of this service is decided by itself." }
            } @else {
                table {
                    thead { tr { th { "Names" } th { "State" } th { "Until" } th { "Used" } th { "To look at" } } }
                    tbody {
                        @for one in all {
                            tr {
                                td { a href={ "/envelopes/" (one.id) } { (one.names.join(", ")) } }
                                td { (state(standing(one))) }
                                td { (moment(&one.until)) }
                                td { (used(one)) }
                                td { (findings(one)) }
                            }
                        }
                    }
                }
            }
        }
        @if may_ask { (request_form(service)) }
    }
}

fn standing(one: &EnvelopeBody) -> &'static str {
    if one.ended.is_some() { "ended" } else { "granted" }
}

fn used(one: &EnvelopeBody) -> String {
    one.uses_max.map_or_else(|| one.uses.to_string(), |max| format!("{} of {max}", one.uses))
}

/// What is to be said about an envelope, each with what to do.
pub(super) fn findings(one: &EnvelopeBody) -> Markup {
    html! {
        @for finding in &one.findings {
            p { span.badge.bad { (finding.finding) } " " (finding.says) "; " (finding.remedy) }
        }
    }
}

/// Whom it is told, in words.
pub(super) fn told(one: &EnvelopeBody) -> String {
    let each = one.told.iter().map(|(team, person)| match person {
        Some(person) => format!("{person} ({team})"),
        None => format!("team {team}, where nobody is on duty"),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn request_form(service: &str) -> Markup {
    html! {
        section.decide aria-labelledby="ask-title" {
            h2 #ask-title { "Ask for another" }
            p { "A standing approval for orders of this service. Whoever answers for its zones decides." }
            form method="post" action={ "/services/" (service) "/envelopes" } {
                label { "Names, separated by spaces " input name="names" required; }
                label { "Profiles, separated by spaces " input name="profiles" required; }
                label { "Issuer, where several have these profiles " input name="issuer"; }
                label { "Until (such as 2027-01-31) " input name="until" required; }
                label { "Certificates at most, where limited " input name="uses_max" inputmode="numeric"; }
                label { "Why, for whoever decides " input name="reason" maxlength="2000" required; }
                button.primary { "Ask for it" }
            }
        }
    }
}

/// One envelope.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(envelope): Path<String>,
) -> Response {
    let told = async {
        let view = app.envelope_view(&asking, &api::envelope_id(&envelope)?).await?;
        let certificates = super::certificates::table(&view.certificates, app.now());
        let asks = may_ask(&app, &asking, view.watched.envelope.service.as_str());
        let open = asks && view.watched.envelope.in_force(app.now());
        Ok::<Markup, Fault>(whole(&EnvelopeStory::of(&view), &certificates, open))
    };
    match told.await {
        Ok(body) => page(&app, Some(&asking), "Envelope", body).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn whole(story: &EnvelopeStory, certificates: &Markup, open: bool) -> Markup {
    let one = &story.line;
    let shown = story.certificates.len();
    html! {
        article #envelope data-live="change" {
            p.lead { (state(standing(one))) " " (one.names.join(", ")) " for " a href={ "/services/" (one.service) "/envelopes" } { (one.service) } }
            @if let Some(ended) = &one.ended { p.outcome { "Ended: " (ended) } }
            @if !one.findings.is_empty() {
                (findings(one))
                p { "Told: " (told(one)) }
            }
            dl.facts {
                dt { "Id" } dd { code { (one.id) } }
                dt { "Issuer" } dd { (one.issuer) }
                dt { "Profiles" } dd { (one.profiles.join(", ")) }
                dt { "Account" } dd { (one.account.as_deref().unwrap_or("any of the service")) }
                dt { "Granted" } dd { (moment(&one.granted_at)) " by change " a href={ "/changes/" (one.change) } { (one.change) } }
                dt { "Until" } dd { (moment(&one.until)) }
                dt { "Used" } dd { (used(one)) }
                dt { "Asked by" } dd { (story.requested_by) ": " (story.reason) }
                @for approved in &story.approved {
                    dt { "Approved by" }
                    dd {
                        (approved.by) " " (moment(&approved.at))
                        " · leaf " span.leaf { (approved.ledger_index) } " of the ledger"
                        @if !approved.says.is_empty() { ": " (approved.says) }
                    }
                }
            }
            h2 { "Issued under it" }
            @if shown == 0 {
                p.clear { "Nothing yet." }
            } @else {
                (certificates)
                @if u32::try_from(shown).is_ok_and(|shown| shown < one.uses) {
                    p { "The newest " (shown) " of " (one.uses) "." }
                }
            }
            @if open { (give_up(one)) }
        }
    }
}

fn give_up(one: &EnvelopeBody) -> Markup {
    html! {
        section.decide aria-labelledby="less-title" {
            h2 #less-title { "Let it reach less far" }
            p { "Done at once: it only gives something up. For more, ask for a new envelope." }
            form method="post" action={ "/envelopes/" (one.id) "/narrow" } {
                label { "Names that remain, separated by spaces " input name="names" value=(one.names.join(" ")); }
                label { "Until, the same or earlier " input name="until" value=(one.until); }
                label { "Certificates at most " input name="uses_max" inputmode="numeric" value=[one.uses_max]; }
                label { "Why " input name="reason" maxlength="2000" required; }
                button { "Narrow it" }
            }
            form method="post" action={ "/envelopes/" (one.id) "/end" } {
                label { "Why it ends " input name="reason" maxlength="2000" required; }
                button { "End it" }
            }
        }
    }
}

/// What the pages send; an empty field is one that was left out.
#[derive(Deserialize)]
pub(super) struct EnvelopeForm {
    #[serde(default)]
    names: String,
    #[serde(default)]
    profiles: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    uses_max: String,
    reason: String,
}

fn words(text: &str) -> Vec<String> {
    text.split([' ', ',', '\n', '\t']).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl EnvelopeForm {
    fn uses_max(&self) -> Result<Option<u32>, Fault> {
        let parse =
            |text: String| text.parse().map_err(|_| Fault::input("uses_max", "not a number"));
        given(&self.uses_max).map(parse).transpose()
    }
}

/// Asks for an envelope.
pub(super) async fn request(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(service): Path<String>,
    Form(form): Form<EnvelopeForm>,
) -> Response {
    let done = async {
        let wish = NewEnvelopeBody {
            names: words(&form.names),
            issuer: given(&form.issuer),
            profiles: words(&form.profiles),
            account: None,
            until: form.until.trim().to_owned(),
            uses_max: form.uses_max()?,
            reason: form.reason.clone(),
        };
        let loaded = app.request_envelope(&asking, api::wanted(&service, wish)?).await?;
        Ok(format!("/changes/{}", loaded.id))
    };
    answered(&app, &asking, done.await)
}

/// Narrows one.
pub(super) async fn narrow(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(envelope): Path<String>,
    Form(form): Form<EnvelopeForm>,
) -> Response {
    let done = async {
        let wish = NarrowBody {
            names: Some(words(&form.names)).filter(|names| !names.is_empty()),
            until: given(&form.until),
            uses_max: form.uses_max()?,
            reason: form.reason.clone(),
        };
        let (narrowing, why) = api::narrowing(wish)?;
        let id = api::envelope_id(&envelope)?;
        app.narrow_envelope(&asking, &id, &narrowing, &why).await?;
        Ok(format!("/envelopes/{id}"))
    };
    answered(&app, &asking, done.await)
}

/// Ends one.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(envelope): Path<String>,
    Form(form): Form<EnvelopeForm>,
) -> Response {
    let done = async {
        let id = api::envelope_id(&envelope)?;
        app.end_envelope(&asking, &id, &form.reason).await?;
        Ok(format!("/envelopes/{id}"))
    };
    answered(&app, &asking, done.await)
}

fn answered(app: &App, asking: &Asking, done: Result<String, Fault>) -> Response {
    match done {
        Ok(next) => Redirect::to(&next).into_response(),
        Err(fault) => failed(app, Some(asking), &fault),
    }
}
