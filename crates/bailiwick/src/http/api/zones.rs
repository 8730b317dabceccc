//! Zones over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::estate::ZoneKey;
use serde::Deserialize;

use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, RecordsView, ZoneTried, ZoneView};
use crate::fault::Fault;

/// Which view of a zone.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewParams {
    /// `external` or `internal`; external where absent.
    view: Option<String>,
}

/// What records are narrowed to.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordsParams {
    /// `external` or `internal`; external where absent.
    view: Option<String>,
    /// Only at this name: `www`, `@`, or the whole name.
    owner: Option<String>,
    /// Only of this type, such as `CAA`.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
}

fn key(zone: &str, view: Option<&str>) -> Result<ZoneKey, Fault> {
    let text = view.map_or_else(|| zone.to_owned(), |view| format!("{zone}/{view}"));
    ZoneKey::parse(&text).ok_or_else(|| Fault::input("zone", "not a zone; write `shop.example`"))
}

/// A zone, with its servers as they answer now.
#[utoipa::path(get, path = "/zones/{zone}", tag = "zones", params(("zone" = String, Path, description = "Its name"), ViewParams),
    responses((status = 200, body = ZoneView), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(zone): Path<String>,
    Query(params): Query<ViewParams>,
) -> Result<Json<ZoneView>, ApiError> {
    let key = key(&zone, params.view.as_deref())?;
    Ok(Json(app.zone_view(&asking, &key).await?))
}

/// The records of a zone: one set as each server shows it, or all by a transfer.
#[utoipa::path(get, path = "/zones/{zone}/records", tag = "zones", params(("zone" = String, Path, description = "Its name"), RecordsParams),
    responses((status = 200, body = RecordsView), (status = 404, body = ErrorBody)))]
pub(super) async fn records(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(zone): Path<String>,
    Query(params): Query<RecordsParams>,
) -> Result<Json<RecordsView>, ApiError> {
    let key = key(&zone, params.view.as_deref())?;
    let (owner, kind) = (params.owner.as_deref(), params.kind.as_deref());
    Ok(Json(app.zone_records(&asking, &key, owner, kind).await?))
}

/// Try whether the way into a zone works, without altering anything.
#[utoipa::path(post, path = "/zones/{zone}/try", tag = "zones", params(("zone" = String, Path, description = "Its name"), ViewParams),
    responses((status = 200, body = ZoneTried), (status = 403, body = ErrorBody)))]
pub(super) async fn try_zone(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(zone): Path<String>,
    Query(params): Query<ViewParams>,
) -> Result<Json<ZoneTried>, ApiError> {
    let key = key(&zone, params.view.as_deref())?;
    Ok(Json(app.try_zone(&asking, &key).await?))
}
