//! Home: what needs me, then how things stand.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bailiwick_core::time::DAY_MS;
use maud::{Markup, html};

use super::page::{Visitor, failed, moment, page};
use crate::app::{App, Asking, CertificateQuery, ChangeQuery};
use crate::fault::Fault;
use crate::http::api::bodies::{
    ChangeLine, EmergencyBody, EnvelopeBody, FindingLine, IncidentBody,
};

/// Days ahead in which an expiry is shown on the home page.
const SOON_DAYS: u32 = 30;
/// Rows of each list on the home page.
const ROWS: u32 = 8;

/// The page.
pub(super) async fn show(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match body(&app, &asking).await {
        Ok(body) => page(&app, Some(&asking), "Home", body).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

async fn body(app: &App, asking: &Asking) -> Result<Markup, Fault> {
    let mine = app.needs(asking).await?;
    let envelopes: Vec<EnvelopeBody> =
        app.envelopes_needing(asking).await?.iter().map(EnvelopeBody::of).collect();
    let findings: Vec<FindingLine> =
        app.findings(asking, true, true, None).await?.iter().map(FindingLine::of).collect();
    let incidents: Vec<IncidentBody> =
        app.incidents_of(asking).await?.iter().map(IncidentBody::of).collect();
    let reviews = reviews(app, asking).await?;
    let recent =
        app.changes(asking, ChangeQuery { limit: Some(ROWS), ..ChangeQuery::default() }).await?;
    let soon = CertificateQuery {
        expires_within_days: Some(SOON_DAYS),
        revoked: Some(false),
        limit: Some(ROWS),
        ..CertificateQuery::default()
    };
    let soon = app.certificates(asking, soon).await?;
    let now = app.now();
    let counts = app
        .store
        .certificate_counts(now, now.plus_ms(i64::from(SOON_DAYS).saturating_mul(DAY_MS)))
        .await?;
    let checked = now.to_string();
    Ok(html! {
        section #needs data-live="change" aria-labelledby="needs-title" {
            h2 #needs-title { "What needs you" }
            @for one in &incidents { (super::incidents::card(one)) }
            @for one in &findings { (super::watch::card(one)) }
            @if incidents.is_empty() && mine.is_empty() && envelopes.is_empty() && findings.is_empty() && reviews.is_empty() {
                p.clear { "Nothing. Checked " (moment(&checked)) "." }
            }
            @for row in &mine {
                @let line = ChangeLine::of(row);
                article.card {
                    h3 { a href={ "/changes/" (line.id) } { (line.title) } }
                    p { "asked by " (line.by) " " (moment(&line.at)) }
                    @if let Some(until) = &line.expires_at {
                        p { "decide until " (moment(until)) }
                    }
                    a.button href={ "/changes/" (line.id) } { "Look at the plan" }
                }
            }
            @for one in &reviews { (super::power::open_review(one)) }
            @for one in &envelopes { (envelope(one)) }
        }
        section.numbers aria-label="Numbers" {
            (number("in date", counts.in_date, "/certificates"))
            (number(&format!("expire within {SOON_DAYS} days"), counts.expiring, "/certificates?expires_within_days=30"))
            (number("revoked", counts.revoked, "/certificates?revoked=true"))
        }
        section #recent data-live="change" aria-labelledby="recent-title" {
            h2 #recent-title { "Recent changes" }
            (super::changes::table(&recent.items.iter().map(ChangeLine::of).collect::<Vec<_>>()))
        }
        section aria-labelledby="soon-title" {
            h2 #soon-title { "Next to expire" }
            @if soon.items.is_empty() {
                p.clear { "No certificate expires within " (SOON_DAYS) " days." }
            } @else {
                (super::certificates::table(&soon.items, now))
            }
        }
    })
}

/// An envelope that somebody has to look at.
fn envelope(one: &EnvelopeBody) -> Markup {
    html! {
        article.card {
            h3 { a href={ "/envelopes/" (one.id) } { "Envelope of " (one.service) " for " (one.names.join(", ")) } }
            (super::envelopes::findings(one))
            p { "told: " (super::envelopes::told(one)) }
            a.button href={ "/envelopes/" (one.id) } { "Look at the envelope" }
        }
    }
}

/// Emergencies that wait for this person's review, and those that waited too long for another's.
async fn reviews(app: &App, asking: &Asking) -> Result<Vec<EmergencyBody>, Fault> {
    let person = asking.by.person.as_str();
    let open = crate::http::api::power::emergency_list(app, asking, true).await?;
    Ok(open.into_iter().filter(|one| one.reviewer == person || one.overdue).collect())
}

fn number(label: &str, value: u64, href: &str) -> Markup {
    html! { a.number href=(href) { strong { (value) } " " span { (label) } } }
}

/// The API reference.
pub(super) async fn api(State(app): State<Arc<App>>) -> Response {
    match crate::http::api::reference_page() {
        Ok(body) => page(&app, None, "API", body).into_response(),
        Err(fault) => failed(&app, None, &fault),
    }
}

/// Measures, for Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.measured().await {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(fault) => failed(&app, None, &fault),
    }
}
