//! The rehearsal of a change on its page: what happened on copies, step by step, there and back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use bailiwick_core::policy::Access;
use maud::{Markup, html};

use super::input::Path;
use super::page::{Visitor, failed, moment};
use crate::app::{App, Rehearsal};
use crate::http::api::bodies::ChangeBody;
use crate::http::api::changes as api;

/// Rehearses it, and shows the page again.
pub(super) async fn rehearse(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(change): Path<String>,
) -> Response {
    let done = async {
        let id = api::permitted(&app, &asking, Access::Request, &change).await?;
        app.rehearse(&asking, &id).await
    };
    match done.await {
        Ok(_) => Redirect::to(&format!("/changes/{change}#rehearsal")).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// What came of the newest one, and the way to another while the change waits.
pub(super) fn rehearsal(body: &ChangeBody) -> Markup {
    let waiting = body.line.state == "awaiting-approval" && !body.timeline.is_empty();
    html! {
        @if waiting || body.rehearsal.is_some() {
            section #rehearsal {
                h2 { "Rehearsal" }
                @if let Some(one) = &body.rehearsal { (told(one)) }
                @if waiting {
                    form method="post" action={ "/changes/" (body.line.id) "/rehearse" } {
                        p {
                            "Carries out the whole plan and its way back on copies, with CAs of the rehearsal's own. "
                            "Nothing real is touched. "
                            button { @if body.rehearsal.is_some() { "Rehearse again" } @else { "Rehearse" } }
                        }
                    }
                }
            }
        }
    }
}

fn told(one: &Rehearsal) -> Markup {
    html! {
        p {
            span class={ "badge " (if one.holds { "good" } else { "bad" }) } {
                (if one.holds { "went well" } else { "went wrong" })
            }
            " " (one.says) ". By " (one.by) " " (moment(&one.at)) "."
        }
        p {
            "With the real TTLs the way there takes at least " (one.there_seconds)
            " s, the way back from its end at least " (one.back_seconds) " s and at most "
            (one.back_seconds_max) " s."
        }
        table {
            thead { tr { th { "Step" } th { "What happened" } th { "Waits" } } }
            tbody {
                @for step in &one.steps {
                    tr {
                        td { (step.step) " " (step.kind) @if step.back { ", back" } }
                        td { @if !step.done { strong { "Not done: " } } (step.says) }
                        td { (step.waits_seconds) " s" }
                    }
                }
            }
        }
        ul { @for note in &one.notes { li { (note) } } }
    }
}
