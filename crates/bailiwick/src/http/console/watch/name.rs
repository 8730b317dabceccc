//! What was seen of a name: then, and over time.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::input::{Path, Query};
use super::super::page::{Visitor, failed, moment, page};
use super::{leaves, records};
use crate::app::App;
use crate::fault::Fault;
use crate::http::api::bodies::CaaHistory;
use crate::http::api::watch as api;

/// Which moment.
#[derive(Deserialize)]
pub(crate) struct AtParams {
    #[serde(default)]
    at: String,
    /// Only as this server or resolver saw it.
    #[serde(default)]
    of: String,
}

/// The page.
pub(crate) async fn name(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(name): Path<String>,
    Query(params): Query<AtParams>,
) -> Response {
    let told = async {
        let name = api::caa_name(&name)?;
        let given = Some(params.at.trim()).filter(|text| !text.is_empty());
        let at = given.map(|text| Time::parse(&whole_moment(text))).transpose();
        let at = at.map_err(|cause| Fault::input("at", cause))?;
        let of = Some(params.of.trim()).filter(|text| !text.is_empty());
        let of = of.map(str::parse).transpose();
        let of = of.map_err(|_| Fault::input("of", "write it as `192.0.2.1:53`"))?;
        let view = app.watched_name(&asking, &name, at, of).await?;
        Ok::<(CaaHistory, String), Fault>((CaaHistory::of(&view), params.of.trim().to_owned()))
    };
    match told.await {
        Ok((view, of)) => {
            let title = format!("CAA of {}", view.name);
            page(&app, Some(&asking), &title, whole(&view, &of)).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// People write a moment to the minute, and without a zone of time.
fn whole_moment(text: &str) -> String {
    let text = text.replace(' ', "T");
    match text.len() {
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text,
    }
}

fn whole(view: &CaaHistory, of: &str) -> Markup {
    html! {
        form.filters method="get" action={ "/caa/" (view.name) } {
            label { "What did it say at (UTC) " input name="at" value=(view.at.chars().take(16).collect::<String>()); }
            label { "only at server " input name="of" value=(of) placeholder="192.0.2.1:53, or every one"; }
            button { "Show" }
        }
        section #then data-live="watch" {
            h2 { "At " (moment(&view.at)) }
            @if view.then.is_empty() { p.clear { "Nothing had been seen of it by then." } }
            @else {
                table {
                    thead { tr { th { "Seen at" } th { "What decided" } th { "On the way" } th { "Evidence" } } }
                    tbody { @for one in &view.then {
                        tr {
                            td { (one.vantage) br; span.soft { (one.zone) @if let Some(serial) = &one.serial { ", " (serial) } } }
                            td { @match one.way.last() {
                                Some(last) => { "at " (last.owner) (records(&last.seen)) @if let Some(dnssec) = &last.dnssec { span.soft { "DNSSEC: " (dnssec) } } }
                                None => { span.soft { "not seen" } }
                            } }
                            td { @for step in one.way.iter().rev().skip(1).rev() { p { (step.owner) ": " (step.seen.join(", ")) } } }
                            td { (leaves(&one.way.iter().map(|step| step.leaf).collect::<Vec<_>>())) }
                        }
                    } }
                }
            }
            h2 { "Over time" }
            @if view.history.is_empty() { p.clear { "It is not watched." } }
            @else {
                table {
                    thead { tr { th { "From" } th { "Until" } th { "Seen at" } th { "What" } th { "Leaf" } } }
                    tbody { @for one in &view.history {
                        tr {
                            td { (moment(&one.since)) }
                            td { @match &one.until { Some(until) => { (moment(until)) } None => { "now" } } }
                            td { (one.vantage) }
                            td { (records(&one.seen)) }
                            td { (leaves(&[one.leaf])) }
                        }
                    } }
                }
            }
        }
    }
}
