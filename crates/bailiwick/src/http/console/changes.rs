//! Changes: the list, and the page on which somebody decides.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bailiwick_core::names::Digest;
use bailiwick_core::policy::Access;
use maud::{Markup, html};
use serde::Deserialize;

use super::input::{Form, Path, Query};
use super::lanes;
use super::page::{Visitor, failed, moment, page, state};
use crate::app::{App, Asking, ChangeQuery, Scope};
use crate::fault::Fault;
use crate::http::api::bodies::{ChangeBody, ChangeLine};
use crate::http::api::changes as api;

/// What the list is narrowed to.
#[derive(Deserialize)]
pub(super) struct ListParams {
    state: Option<String>,
    after: Option<String>,
}

/// The list.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Query(params): Query<ListParams>,
) -> Response {
    let waiting = params.state.as_deref() == Some("awaiting-approval");
    let query = ChangeQuery { state: params.state, after: params.after, ..ChangeQuery::default() };
    match app.changes(&asking, query).await {
        Ok(listed) => {
            let lines: Vec<ChangeLine> = listed.items.iter().map(ChangeLine::of).collect();
            let body = html! {
                nav.filters aria-label="Filter" {
                    a href="/changes" aria-current=[(!waiting).then_some("true")] { "All" }
                    a href="/changes?state=awaiting-approval" aria-current=[waiting.then_some("true")] { "Waiting for approval" }
                }
                section #list data-live="change" { (table(&lines)) }
                @if let Some(next) = &listed.next {
                    p { a.button href={ "/changes?after=" (next) } { "Older" } }
                }
            };
            page(&app, Some(&asking), "Changes", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// A table of changes; an empty one says so.
pub(super) fn table(lines: &[ChangeLine]) -> Markup {
    html! {
        @if lines.is_empty() {
            p.clear { "No changes yet. An ACME client that asks for a certificate makes the first." }
        } @else {
            table {
                thead { tr { th { "Change" } th { "State" } th { "Asked by" } th { "When" } } }
                tbody {
                    @for line in lines {
                        tr {
                            td { a href={ "/changes/" (line.id) } { (line.title) } }
                            td { (state(&line.state)) }
                            td { (line.by) }
                            td { (moment(&line.at)) }
                        }
                    }
                }
            }
        }
    }
}

/// One change.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(change): Path<String>,
) -> Response {
    match shown(&app, &asking, &change).await {
        Ok((title, body)) => page(&app, Some(&asking), &title, body).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

async fn shown(app: &App, asking: &Asking, change: &str) -> Result<(String, Markup), Fault> {
    let id = api::change_id(change)?;
    let body = api::body(app, asking, &id).await?;
    let service = app.change_row(&id).await?.request.service;
    let may = app.may(asking, Access::Approve, &Scope::Change(id, service));
    Ok((body.line.title.clone(), render(&body, may)))
}

fn render(body: &ChangeBody, may_approve: bool) -> Markup {
    let line = &body.line;
    let waiting = line.state == "awaiting-approval";
    html! {
        article #change data-live="change" {
            p.lead { (state(&line.state)) }
            @if let Some(outcome) = &body.outcome { p.outcome { (outcome) } }
            dl.facts {
                dt { "Asked by" } dd { (line.by) " " (moment(&line.at)) }
                dt { "Why" } dd { (body.reason) }
                @if !body.zones.is_empty() { dt { "Zones" } dd { @for (n, zone) in body.zones.iter().enumerate() { @if n > 0 { ", " } (super::zones::link(zone)) } } }
                @if !body.approved_by.is_empty() {
                    dt { "Approved by" } dd { (body.approved_by.join(", ")) }
                }
                @for missing in &body.missing { dt { "Still needed" } dd { (missing) } }
                @if let (true, Some(until)) = (waiting, &line.expires_at) {
                    dt { "Lapses" } dd { (moment(until)) }
                }
            }
            (plan(body))
            (lanes::timeline(&body.steps, &body.timeline))
            (lanes::lanes(&body.lanes))
            (super::rehearsal::rehearsal(body))
            @if waiting && may_approve { (decide(body)) }
            h2 { "History" }
            ol.history {
                @for event in &body.events {
                    li {
                        span.leaf title="leaf of the ledger" { (event.ledger_index) }
                        " " (moment(&event.at)) " " strong { (event.kind) } " by " (event.by)
                        @if !event.says.is_empty() { ": " (event.says) }
                    }
                }
            }
        }
    }
}

fn plan(body: &ChangeBody) -> Markup {
    html! {
        @if let Some(digest) = &body.plan_digest {
            h2 { "Plan" }
            p { "Digest " code.digest { (digest) } }
            ol.steps {
                @for (index, step) in body.steps.iter().enumerate() {
                    @if body.point_of_no_return == Some(index.saturating_add(1)) {
                        li.no-return { "From here on Bailiwick cannot take it back." }
                    }
                    li {
                        p { strong { (step.does) } " " span.undo { (taken_back(&step.undo)) } }
                        dl.facts {
                            @for (label, text) in &step.fields { dt { (label) } dd { (text) } }
                        }
                    }
                }
            }
            @for check in &body.prechecks {
                p {
                    span class={ "badge " (if check.holds { "good" } else { "bad" }) } {
                        (if check.holds { "holds" } else { "fails" })
                    }
                    " " (check.name) ": " (check.saw)
                    @if let (false, Some(person)) = (check.holds, &check.assignee) {
                        "; " (person) " can mend it"
                    }
                }
            }
        }
    }
}

/// How a step is undone, in words.
fn taken_back(undo: &str) -> &'static str {
    match undo {
        "restore" => "can be put back as it was",
        "nothing" => "alters nothing",
        "compensate" => "can be answered: what it made is ended or revoked",
        _ => "cannot be taken back by Bailiwick: a person would have to decide",
    }
}

fn decide(body: &ChangeBody) -> Markup {
    let id = &body.line.id;
    html! {
        section.decide aria-label="Decide" {
            @if let Some(digest) = &body.plan_digest {
                form method="post" action={ "/changes/" (id) "/approve" } {
                    input type="hidden" name="plan_digest" value=(digest);
                    label { "Comment, kept with your approval " input name="comment" maxlength="2000"; }
                    button.primary { "Approve exactly this plan" }
                }
            }
            form method="post" action={ "/changes/" (id) "/refuse" } {
                label { "Why not, told to the requester " input name="reason" maxlength="2000" required; }
                button { "Refuse" }
            }
        }
    }
}

/// A yes from the page.
#[derive(Deserialize)]
pub(super) struct ApproveForm {
    plan_digest: String,
    #[serde(default)]
    comment: String,
}

/// A no from the page.
#[derive(Deserialize)]
pub(super) struct RefuseForm {
    reason: String,
}

/// Approves what the page showed.
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(change): Path<String>,
    Form(form): Form<ApproveForm>,
) -> Response {
    let done = async {
        let id = api::permitted(&app, &asking, Access::Approve, &change).await?;
        let digest =
            Digest::parse(&form.plan_digest).map_err(|cause| Fault::input("plan_digest", cause))?;
        app.approve(&asking.by, &id, digest, &form.comment).await
    };
    answered(&app, &asking, &change, done.await.map(drop))
}

/// Refuses it.
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(change): Path<String>,
    Form(form): Form<RefuseForm>,
) -> Response {
    let done = async {
        let id = api::permitted(&app, &asking, Access::Approve, &change).await?;
        app.refuse(&asking.by, &id, &form.reason).await
    };
    answered(&app, &asking, &change, done.await.map(drop))
}

fn answered(app: &App, asking: &Asking, change: &str, done: Result<(), Fault>) -> Response {
    match done {
        Ok(()) => Redirect::to(&format!("/changes/{change}")).into_response(),
        Err(fault) => failed(app, Some(asking), &fault),
    }
}
