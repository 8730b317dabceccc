//! Incidents: the list, and one with its two tracks, what happened, and what the CA has to do.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::input::{Form, Path};
use super::page::{Visitor, failed, moment, page};
use crate::app::App;
use crate::fault::Fault;
use crate::http::api::bodies::{IncidentBody, IncidentStory, NoteBody, TrackBody};
use crate::http::api::incidents as api;

/// The list.
pub(super) async fn list(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match app.incidents(&asking).await {
        Ok(rows) => {
            let all: Vec<IncidentBody> = rows.iter().map(IncidentBody::of).collect();
            let body = html! {
                p.lead { "A certificate out of policy, or the report of one: answered for the record and for the CA, then reviewed together." }
                section #list data-live="watch" {
                    @if all.is_empty() {
                        p.clear { "No incidents. Checked " (moment(&app.now().to_string())) "." }
                    } @else { (table(&all)) }
                }
            };
            page(&app, Some(&asking), "Incidents", body).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn table(all: &[IncidentBody]) -> Markup {
    html! {
        table {
            thead { tr { th { "Incident" } th { "Zone" } th { "Record" } th { "CA" } th { "Reviews" } th { "Until" } th { "Opened" } } }
            tbody {
                @for one in all {
                    tr {
                        td { a href={ "/incidents/" (one.id) } { (one.subject) } " " (badge(one)) }
                        td { a href={ "/controls/" (one.zone) } { (one.zone) } }
                        @for track in &one.tracks { td { (track.person) @if track.answered_at.is_some() { ", answered" } } }
                        td { (one.owner) }
                        td { (moment(&one.due)) }
                        td { (moment(&one.opened_at)) }
                    }
                }
            }
        }
    }
}

fn badge(one: &IncidentBody) -> Markup {
    html! {
        @if one.reviewed_at.is_some() { span.badge.over { "over" } } @else { span.badge.bad { "open" } }
    }
}

/// One, as the home page shows it.
pub(super) fn card(one: &IncidentBody) -> Markup {
    html! {
        article.card {
            h3 { a href={ "/incidents/" (one.id) } { "Incident: " (one.subject) } }
            p { (one.says) }
            p { "act until " (moment(&one.due)) }
            a.button href={ "/incidents/" (one.id) } { "See what to do" }
        }
    }
}

/// One.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(incident): Path<String>,
) -> Response {
    let told = async {
        let view = app.incident(&asking, &api::incident_id(&app, &asking, &incident)?).await?;
        Ok::<IncidentStory, Fault>(IncidentStory::of(&view))
    };
    match told.await {
        Ok(story) => {
            let title = format!("Incident: {}", story.incident.subject);
            page(&app, Some(&asking), &title, whole(&story)).into_response()
        }
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn whole(story: &IncidentStory) -> Markup {
    let one = &story.incident;
    html! {
        article #incident data-live="watch" {
            @match (&one.reviewed_at, &one.conclusion) {
                (Some(at), Some(conclusion)) => { p.outcome { "Concluded " (moment(at)) ": " (conclusion) } }
                _ => { p.lead { (badge(one)) " act until " (moment(&one.due)) } }
            }
            p { (one.says) }
            dl.facts {
                dt { "Zone" } dd { a href={ "/controls/" (one.zone) } { (one.zone) } }
                dt { "Known from" } dd { (one.source) }
                dt { "Reviews both tracks" } dd { (one.owner) }
                dt { "Opened" } dd { (moment(&one.opened_at)) " · leaf " a.leaf href={ "/api/v1/ledger/entries/" (one.leaf) } { (one.leaf) } " of the ledger" }
            }
            @for track in &one.tracks { (track_of(one, track)) }
            @if let Some(ca) = &story.ca {
                h2 { "What the CA has to do" }
                dl.facts {
                    dt { "Report it to" } dd { @match &ca.report_to {
                        Some(to) => { (to) }
                        None => { "not known here: the CCADB lists it; write it down as " code { "problem_reports" } " in issuers.toml" }
                    } }
                    dt { "It answers by" } dd { (moment(&ca.answers_by)) " (BR 4.9.5)" }
                    dt { "It revokes by" } dd { (moment(&ca.revokes_by)) " (BR 4.9.1.1)" }
                }
                pre.report { (ca.report) }
            }
            h2 { "What happened" }
            table {
                thead { tr { th { "When" } th { "Who" } th { "What" } th { "Leaf" } } }
                tbody {
                    @for line in &story.timeline {
                        tr {
                            td { (moment(&line.at)) } td { (line.by) } td { (line.says) }
                            td { a.leaf href={ "/api/v1/ledger/entries/" (line.leaf) } { (line.leaf) } }
                        }
                    }
                }
            }
        }
        @if one.reviewed_at.is_none() { (conclude(one)) }
    }
}

fn track_of(one: &IncidentBody, track: &TrackBody) -> Markup {
    let name = if track.track == "dns-record" { "The DNS record" } else { "The CA" };
    html! {
        section.card aria-labelledby=(track.track) {
            h2 id=(track.track) { (name) ": " (track.person) " answers" }
            p { (track.question) }
            @match (&track.answered_at, &track.says) {
                (Some(at), Some(says)) => { p { span.badge.good { "answered" } " " (moment(at)) ": " (says) } }
                (None, Some(says)) => { p { span.badge.open { "not answered" } " so far: " (says) } }
                _ => { p { span.badge.open { "not answered" } } }
            }
            @if one.reviewed_at.is_none() {
                form method="post" action={ "/incidents/" (one.id) "/note" } {
                    input type="hidden" name="track" value=(track.track);
                    label { "What was found out " input name="says" maxlength="2000" required; }
                    button.primary name="answered" value="true" { "That answers it" }
                    button name="answered" value="false" { "Only note it" }
                }
            }
        }
    }
}

fn conclude(one: &IncidentBody) -> Markup {
    let answered = one.tracks.iter().all(|track| track.answered_at.is_some());
    html! {
        section.decide aria-labelledby="end-title" {
            h2 #end-title { "Review both together" }
            @if answered {
                p { "Whoever concludes it owns the control and answered neither track." }
                form method="post" action={ "/incidents/" (one.id) "/close" } {
                    label { "What is concluded, and what follows " input name="says" maxlength="2000" required; }
                    button.primary { "Conclude it" }
                }
            } @else {
                p { "When both tracks are answered, " (one.owner) " or somebody else who owns the control concludes it." }
            }
        }
    }
}

/// A note from the page.
#[derive(Deserialize)]
pub(super) struct NoteForm {
    track: String,
    says: String,
    answered: bool,
}

/// Puts it down.
pub(super) async fn tell(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(incident): Path<String>,
    Form(form): Form<NoteForm>,
) -> Response {
    let done = async {
        let id = api::incident_id(&app, &asking, &incident)?;
        let wish = NoteBody { track: form.track, says: form.says, answered: form.answered };
        app.tell_incident(&asking, &id, &api::note(wish)?).await
    };
    match done.await {
        Ok(view) => Redirect::to(&format!("/incidents/{}", view.row.incident.id)).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

/// A conclusion from the page.
#[derive(Deserialize)]
pub(super) struct CloseForm {
    says: String,
}

/// Ends it.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    Visitor(asking): Visitor,
    Path(incident): Path<String>,
    Form(form): Form<CloseForm>,
) -> Response {
    let done = async {
        let id = api::incident_id(&app, &asking, &incident)?;
        app.review_incident(&asking, &id, &form.says).await
    };
    match done.await {
        Ok(view) => Redirect::to(&format!("/incidents/{}", view.row.incident.id)).into_response(),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}
