//! The list of findings, and one with the two ways to end it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bailiwick_core::policy::Access;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::input::{Form, Path, Query};
use super::super::page::{Visitor, failed, moment, page};
use super::{leaves, records, sentence};
use crate::app::{App, Asking, Scope, Way};
use crate::fault::Fault;
use crate::http::api::bodies::FindingLine;
use crate::http::api::watch as api;

/// What the list is narrowed to.
#[derive(Deserialize)]
pub(crate) struct ListParams {
    #[serde(default)]
    all: bool,
    zone: Option<String>,
}

/// The list: mine first.
pub(crate) async fn findings(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Query(params): Query<ListParams>,
) -> Response {
    let told = async {
        let zone = params.zone.as_deref().map(api::zone_key).transpose()?;
        let rows = app.findings(&asking, false, !params.all, zone).await?;
        Ok::<Vec<FindingLine>, Fault>(rows.iter().map(FindingLine::of).collect())
    };
    match told.await {
        Ok(lines) => {
            let me = asking.by.person.as_str();
            let (mine, others): (Vec<_>, Vec<_>) =
                lines.iter().partition(|one| one.assignee == me && one.closed_at.is_none());
            let body = html! {
                nav.filters aria-label="Filter" {
                    a href="/findings" aria-current=[(!params.all).then_some("true")] { "Open" }
                    a href="/findings?all=true" aria-current=[params.all.then_some("true")] { "Also over" }
                }
                section #list data-live="watch" {
                    @if lines.is_empty() {
                        p.clear { "No findings: what is seen is what was decided. Checked " (moment(&app.now().to_string())) "." }
                    }
                    @if !mine.is_empty() {
                        h2 { "Yours" }
                        (table(&mine))
                    }
                    @if !others.is_empty() {
                        @if !mine.is_empty() { h2 { "Others" } }
                        (table(&others))
                    }
                }
            };
            page(&app, Some(&asking), "Findings", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn table(lines: &[&FindingLine]) -> Markup {
    html! {
        table {
            thead { tr { th { "Finding" } th { "Where" } th { "Who acts" } th { "Until" } th { "Since" } } }
            tbody {
                @for one in lines {
                    tr {
                        td { a href={ "/findings/" (one.id) } { (one.subject) ": " (one.title) } @if one.closed_at.is_some() { " " span.badge { "over" } } }
                        td { (one.vantage.as_deref().unwrap_or(&one.zone)) }
                        td { (one.assignee) " (" (one.team) ")" }
                        td { (moment(&one.due)) }
                        td { (moment(&one.opened_at)) }
                    }
                }
            }
        }
    }
}

/// One, as the home page shows it.
pub(crate) fn card(one: &FindingLine) -> Markup {
    html! {
        article.card {
            h3 { a href={ "/findings/" (one.id) } { (one.subject) ": " (one.title) } }
            p { (sentence(&one.says)) "." }
            p { "act until " (moment(&one.due)) }
            a.button href={ "/findings/" (one.id) } { "See what to do" }
        }
    }
}

/// One.
pub(crate) async fn finding(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(finding): Path<String>,
) -> Response {
    match shown(&app, &asking, &finding).await {
        Ok((title, body)) => page(&app, Some(&asking), &title, body).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

async fn shown(app: &App, asking: &Asking, id: &str) -> Result<(String, Markup), Fault> {
    let id = api::finding_id(app, asking, id)?;
    let row = app.finding_row(asking, &id).await?;
    let line = FindingLine::of(&row);
    let asks = app.may(asking, Access::Request, &Scope::Estate);
    let back = match line.revertible {
        true => match app.way_back(&row).await {
            Ok(Way::Change) => asks.then_some(Back::Ask),
            Ok(Way::ByHand(why)) => {
                Some(Back::ByHand { why, text: app.revert_text(asking, &id).await.ok() })
            }
            // The zone left the estate just now: the next look closes the finding.
            Err(Fault::NotFound { .. }) => None,
            Err(fault) => return Err(fault),
        },
        false => None,
    };
    let under_way = match &back {
        Some(_) => app.put_backs(&row.finding).await?.iter().map(ToString::to_string).collect(),
        None => Vec::new(),
    };
    let title = format!("{}: {}", line.subject, line.title);
    Ok((title, whole(&line, line.adoptable && asks, back.as_ref(), &under_way)))
}

/// How the decided set comes back, as the page offers it.
enum Back {
    /// By a change.
    Ask,
    /// By somebody's hand: why, and the update.
    ByHand { why: String, text: Option<String> },
}

fn whole(one: &FindingLine, adopt: bool, back: Option<&Back>, under_way: &[String]) -> Markup {
    html! {
        article #finding data-live="watch" {
            @match &one.closed_at {
                Some(at) => { p.outcome { "Over since " (moment(at)) ": " (one.closed_by.as_deref().unwrap_or_default()) "." } }
                None => { p.lead { span.badge.bad { "open" } " " (one.assignee) " acts until " (moment(&one.due)) } }
            }
            p { (sentence(&one.says)) "." }
            @if !one.diff.is_empty() {
                h2 { "Decided, and there" }
                div.diff {
                    @for line in &one.diff {
                        @if line.starts_with('-') { code.record.gone { (line) } } @else { code.record.new { (line) } }
                    }
                }
                p.soft { "− is decided and not there, + is there and not decided." }
            }
            h2 { "What to do" }
            p { (sentence(&one.remedy)) "." }
            dl.facts {
                dt { "Who acts" } dd { (one.assignee) " (" (one.team) ")" }
                @if let Some(next) = &one.next { dt { "Who is next" } dd { (next) @if one.handed_on > 0 { "; it was handed on " (one.handed_on) " times" } } }
                dt { "Zone" } dd { (super::super::zones::link(&one.zone)) }
                @if let Some(vantage) = &one.vantage { dt { "Seen at" } dd { (vantage) } }
                dt { "Since" } dd { (moment(&one.opened_at)) " · leaf " (leaves(&[one.leaf])) " of the ledger" }
                @if !one.evidence.is_empty() { dt { "Rests on" } dd { "leaves " (leaves(&one.evidence)) } }
                dt { "As an exception" } dd { "rule " code { (one.kind) } }
            }
        }
        @if adopt || back.is_some() {
            section.decide aria-labelledby="end-title" {
                h2 #end-title { @if adopt && back.is_some() { "Two ways to end it" } @else { "How to end it" } }
                p { "It closes by itself as soon as its cause ends; nobody has to close it." }
                @if adopt {
                    h3 { "What is there is right" }
                    p { "The estate takes it over. That is a change, and somebody independent of you approves it." }
                    form method="post" action={ "/findings/" (one.id) "/adopt" } {
                        label { "Why " input name="reason" maxlength="2000" required; }
                        button.primary { "Ask to adopt it" }
                    }
                }
                @if let Some(back) = back { (put_back(one, back, under_way)) }
            }
        }
    }
}

fn put_back(one: &FindingLine, back: &Back, under_way: &[String]) -> Markup {
    html! {
        h3 { "What was decided is right" }
        @for change in under_way {
            p { "A change that writes this set is under way: " a href={ "/changes/" (change) } { (change) } "." }
        }
        @match back {
            Back::Ask => {
                p { "The decided set is put back. That is a change, too: somebody else approves it, and it is written only while the set is still the one that stands there now." }
                form method="post" action={ "/findings/" (one.id) "/revert" } {
                    label { "Why " input name="reason" maxlength="2000" required; }
                    button.primary { "Ask to put it back" }
                }
            }
            Back::ByHand { why, text } => {
                p { (sentence(why)) "." }
                @if let Some(text) = text {
                    p { "By hand, this takes effect only while the set is still the one that was seen:" }
                    (records(&text.lines().map(str::to_owned).collect::<Vec<_>>()))
                }
            }
        }
    }
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct ReasonForm {
    reason: String,
}

/// Asks to adopt what is there.
pub(crate) async fn adopt(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(finding): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Response {
    let done = async {
        let id = api::finding_id(&app, &asking, &finding)?;
        app.adopt_finding(&asking, &id, &form.reason).await
    };
    match done.await {
        Ok(loaded) => Redirect::to(&format!("/changes/{}", loaded.id)).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// Asks to put back what was decided.
pub(crate) async fn revert(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(finding): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Response {
    let done = async {
        let id = api::finding_id(&app, &asking, &finding)?;
        app.revert_finding(&asking, &id, &form.reason).await
    };
    match done.await {
        Ok(loaded) => Redirect::to(&format!("/changes/{}", loaded.id)).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}
