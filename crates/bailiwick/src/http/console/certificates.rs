//! Certificates: the list, and the story of one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_store::IssuedRow;
use maud::{Markup, html};
use serde::Deserialize;

use super::input::{Path, Query};
use super::page::{Visitor, failed, moment, page, state};
use crate::app::{App, CertificateQuery, Story};
use crate::fault::Fault;

/// What the list is narrowed to.
#[derive(Deserialize)]
pub(super) struct ListParams {
    name: Option<String>,
    revoked: Option<bool>,
    expires_within_days: Option<u32>,
    after: Option<String>,
}

/// The list.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Query(params): Query<ListParams>,
) -> Response {
    let name = params.name.filter(|name| !name.trim().is_empty());
    let query = CertificateQuery {
        name: name.clone(),
        revoked: params.revoked,
        expires_within_days: params.expires_within_days,
        after: params.after,
        ..CertificateQuery::default()
    };
    match app.certificates(&asking, query).await {
        Ok(listed) => {
            let body = html! {
                form.filters method="get" role="search" {
                    label { "Name contains " input type="search" name="name" value=[name.as_ref()]; }
                    button { "Search" }
                }
                section #list data-live="certificates" {
                    @if listed.items.is_empty() {
                        p.clear { "No certificates here. They appear as ACME clients get them." }
                    } @else {
                        (table(&listed.items, app.now()))
                    }
                }
                @if let Some(next) = &listed.next {
                    p { a.button href={ "/certificates?after=" (next) } { "More" } }
                }
            };
            page(&app, Some(&asking), "Certificates", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// A table of certificates.
pub(super) fn table(rows: &[IssuedRow], now: Time) -> Markup {
    html! {
        table {
            thead { tr { th { "Names" } th { "Service" } th { "Until" } th { "State" } th { "Serial" } } }
            tbody {
                @for row in rows {
                    @let one = &row.certificate;
                    tr {
                        td {
                            a href={ "/certificates/" (one.fingerprint) } {
                                (one.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                            }
                        }
                        td { (one.service) }
                        td { (moment(&one.not_after.to_string())) " " (left(one.not_after, now)) }
                        td { (state(standing(row, now))) }
                        td { code { (one.serial) } }
                    }
                }
            }
        }
    }
}

fn standing(row: &IssuedRow, now: Time) -> &'static str {
    if row.revoked.is_some() {
        "revoked"
    } else if now > row.certificate.not_after {
        "expired"
    } else {
        "valid"
    }
}

fn left(until: Time, now: Time) -> String {
    let days = until.ms_since(now) / DAY_MS;
    match days {
        ..0 => String::new(),
        0 => "(today)".to_owned(),
        1 => "(1 day)".to_owned(),
        many => format!("({many} days)"),
    }
}

/// The story of one.
pub(super) async fn story(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(certificate): Path<String>,
) -> Response {
    let told = async {
        let which = crate::http::api::certificates::which(&certificate)?;
        app.story(&asking, &which).await
    };
    match told.await {
        Ok(story) => {
            page(&app, Some(&asking), "Why this certificate exists", render(&story)).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault as &Fault),
    }
}

fn render(story: &Story) -> Markup {
    html! {
        p.lead {
            (state(if story.explained { "explained" } else { "unknown" })) " " (story.summary)
        }
        dl.facts {
            @if !story.names.is_empty() { dt { "Names" } dd { (story.names.join(", ")) } }
            @if let Some(serial) = &story.serial { dt { "Serial" } dd { code { (serial) } } }
            dt { "Fingerprint" } dd { code.digest { (story.fingerprint) } }
            @if let (Some(from), Some(until)) = (&story.not_before, &story.not_after) {
                dt { "In date" } dd { (moment(from)) " to " (moment(until)) }
            }
        }
        ol.story {
            @for chapter in &story.chapters {
                li class={ "chapter " (chapter.about) } {
                    h2 {
                        span.about { (chapter.about) }
                        " " (chapter.headline)
                    }
                    p.when {
                        @if let Some(at) = &chapter.at { (moment(at)) }
                        @if let Some(by) = &chapter.by { " by " (by) }
                        @if let Some(index) = chapter.ledger_index {
                            " · leaf " span.leaf { (index) } " of the ledger"
                        }
                    }
                    details {
                        summary { "Details" }
                        dl.facts {
                            @for (label, text) in &chapter.details { dt { (label) } dd { code { (text) } } }
                        }
                    }
                }
            }
        }
    }
}
