//! Zones over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::estate::ZoneKey;
use serde::Deserialize;

use super::bodies::{FreshKeyBody, KeyRotationBody, RotateKeyBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, FreshKey, RecordsView, RotateKeyWish, ZoneTried, ZoneView};
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

/// Ask that a zone be written with another credential: the new one is sealed, and a change waits for
/// somebody else. A TSIG key that is made here is shown in this answer and never again.
#[utoipa::path(post, path = "/zones/{zone}/rotate-key", tag = "zones", params(("zone" = String, Path, description = "Its name"), ViewParams),
    request_body = RotateKeyBody,
    responses((status = 200, body = KeyRotationBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn rotate_key(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(zone): Path<String>,
    Query(params): Query<ViewParams>,
    Json(wish): Json<RotateKeyBody>,
) -> Result<Json<KeyRotationBody>, ApiError> {
    let key = key(&zone, params.view.as_deref())?;
    let wish = RotateKeyWish {
        name: wish.name,
        secret: wish.secret.map(Into::into),
        within_hours: wish.within_hours,
        reason: wish.reason,
    };
    let (loaded, made) = app.rotate_zone_key(&asking, &key, wish).await?;
    let change = super::changes::body(&app, &asking, &loaded.id).await?;
    Ok(Json(KeyRotationBody { change, made: made.as_ref().map(spelled) }))
}

/// A key as servers want it in their configuration.
fn spelled(key: &FreshKey) -> FreshKeyBody {
    let (name, secret) = (&key.name, key.secret.as_str());
    FreshKeyBody {
        name: name.clone(),
        algorithm: "hmac-sha256".to_owned(),
        secret: secret.to_owned(),
        bind: format!(
            "key \"{name}\" {{\n    algorithm hmac-sha256;\n    secret \"{secret}\";\n}};\n"
        ),
        knot: format!("key:\n  - id: {name}\n    algorithm: hmac-sha256\n    secret: {secret}\n"),
    }
}
