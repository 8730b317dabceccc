//! Changes that bind records and certificates, over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::policy::Access;

use super::bodies::{ChangeBody, IntentBody, ProposalBody};
use super::caller::Caller;
use super::changes::{body, permitted};
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, Rehearsal};

/// What would be done, in which order and when, and what the checks see. Changes nothing.
#[utoipa::path(post, path = "/changes/plan", tag = "changes", request_body = IntentBody,
    responses((status = 200, body = ProposalBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<IntentBody>,
) -> Result<Json<ProposalBody>, ApiError> {
    let proposal = app.propose(&asking, wish.wish()).await?;
    Ok(Json(ProposalBody::of(&proposal)))
}

/// Ask for records and a certificate as one change.
#[utoipa::path(post, path = "/changes", tag = "changes", request_body = IntentBody,
    responses((status = 200, body = ChangeBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(super) async fn request(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<IntentBody>,
) -> Result<Json<ChangeBody>, ApiError> {
    let loaded = app.request_joint(&asking, wish.wish(), &wish.reason).await?;
    Ok(Json(body(&app, &asking, &loaded.id).await?))
}

/// Rehearse a change that waits for approval: its whole plan and its way back on copies of its zones, with
/// CAs of the rehearsal's own. Touches nothing real; the result stays with the change.
#[utoipa::path(post, path = "/changes/{change}/rehearse", tag = "changes",
    params(("change" = String, Path)),
    responses((status = 200, body = Rehearsal), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn rehearse(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
) -> Result<Json<Rehearsal>, ApiError> {
    let id = permitted(&app, &asking, Access::Request, &change).await?;
    Ok(Json(app.rehearse(&asking, &id).await?))
}
