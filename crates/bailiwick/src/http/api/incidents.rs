//! Incidents, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bailiwick_core::names::FindingId;
use bailiwick_core::watch::Track;

use super::bodies::{
    ConcludeBody, IncidentBody, IncidentStory, NoteBody, ReportBody, ReportedBody,
};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, Asking, IncidentNote, NewReport};
use crate::fault::Fault;

/// Whether somebody may look is asked before what they sent is read.
pub(crate) fn incident_id(app: &App, asking: &Asking, text: &str) -> Result<FindingId, Fault> {
    app.may_watch(asking)?;
    FindingId::parse(text).map_err(|cause| Fault::input("incident", cause))
}

/// A note as somebody writes it.
pub(crate) fn note(wish: NoteBody) -> Result<IncidentNote, Fault> {
    let track = Track::parse(&wish.track)
        .ok_or_else(|| Fault::input("track", "write `dns-record` or `ca-enforcement`"))?;
    Ok(IncidentNote { track, says: wish.says, answered: wish.answered })
}

/// Incidents: certificates out of policy and reports of some, open ones first.
#[utoipa::path(get, path = "/incidents", tag = "watch",
    responses((status = 200, body = [IncidentBody])))]
pub(super) async fn incidents(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<Vec<IncidentBody>>, ApiError> {
    Ok(Json(app.incidents(&asking).await?.iter().map(IncidentBody::of).collect()))
}

/// Hand in a report of an issuance, such as mail that came to the `iodef` address of a zone. It opens an
/// incident, or belongs to the one that is open about the same name.
#[utoipa::path(post, path = "/incidents", tag = "watch", request_body = ReportBody,
    responses((status = 201, body = ReportedBody), (status = 400, body = ErrorBody)))]
pub(super) async fn report(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<ReportBody>,
) -> Result<(StatusCode, Json<ReportedBody>), ApiError> {
    let report = NewReport { octets: wish.report.as_bytes(), from: wish.from };
    let incident = app.hand_in_report(&asking, &report).await?.to_string();
    Ok((StatusCode::CREATED, Json(ReportedBody { incident })))
}

/// One incident: its two tracks, what happened so far, what the CA has to do.
#[utoipa::path(get, path = "/incidents/{incident}", tag = "watch",
    params(("incident" = String, Path)),
    responses((status = 200, body = IncidentStory), (status = 404, body = ErrorBody)))]
pub(super) async fn incident(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(incident): Path<String>,
) -> Result<Json<IncidentStory>, ApiError> {
    let view = app.incident(&asking, &incident_id(&app, &asking, &incident)?).await?;
    Ok(Json(IncidentStory::of(&view)))
}

/// Put down what was found out on one track.
#[utoipa::path(post, path = "/incidents/{incident}/note", tag = "watch",
    params(("incident" = String, Path)), request_body = NoteBody,
    responses((status = 200, body = IncidentStory), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn note_incident(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(incident): Path<String>,
    Json(wish): Json<NoteBody>,
) -> Result<Json<IncidentStory>, ApiError> {
    let id = incident_id(&app, &asking, &incident)?;
    let view = app.tell_incident(&asking, &id, &note(wish)?).await?;
    Ok(Json(IncidentStory::of(&view)))
}

/// Conclude an incident whose two tracks are answered.
#[utoipa::path(post, path = "/incidents/{incident}/close", tag = "watch",
    params(("incident" = String, Path)), request_body = ConcludeBody,
    responses((status = 200, body = IncidentStory), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn close_incident(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(incident): Path<String>,
    Json(wish): Json<ConcludeBody>,
) -> Result<Json<IncidentStory>, ApiError> {
    let id = incident_id(&app, &asking, &incident)?;
    Ok(Json(IncidentStory::of(&app.review_incident(&asking, &id, &wish.says).await?)))
}
