//! The estate over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::policy::Access;

use super::bodies::{ChangeBody, EstateBody, EstateFolder, EstatePlanBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::Json;
use crate::app::{App, Scope};

/// The active estate, as files.
#[utoipa::path(get, path = "/estate", tag = "estate", responses((status = 200, body = EstateBody)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<EstateBody>, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Organisation)?;
    let live = app.live.get();
    Ok(Json(EstateBody {
        digest: live.digest.map(|digest| digest.to_string()),
        files: bailiwick_wire::estate::write(live.estate()),
    }))
}

/// What a folder would change. Changes nothing.
#[utoipa::path(post, path = "/estate/plan", tag = "estate", request_body = EstateFolder,
    responses((status = 200, body = EstatePlanBody)))]
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(folder): Json<EstateFolder>,
) -> Result<Json<EstatePlanBody>, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Organisation)?;
    let plan = app.plan_estate(&folder.files).await;
    Ok(Json(match plan {
        Ok(plan) => EstatePlanBody {
            changes: plan.changes,
            text: plan.text,
            markdown: plan.markdown,
            diff: plan.diff,
            problems: None,
        },
        Err(problems) => EstatePlanBody {
            changes: false,
            text: String::new(),
            markdown: String::new(),
            diff: serde_json::Value::Null,
            problems: Some(problems),
        },
    }))
}

/// Ask for a folder to become the active estate: one change, approved by people.
#[utoipa::path(post, path = "/estate/apply", tag = "estate", request_body = EstateFolder,
    responses((status = 200, body = ChangeBody), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn apply(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(folder): Json<EstateFolder>,
) -> Result<Json<ChangeBody>, ApiError> {
    app.permit(&asking, Access::Request, &Scope::Estate)?;
    let loaded = app.apply_estate(&asking, &folder.files, &folder.reason).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}
