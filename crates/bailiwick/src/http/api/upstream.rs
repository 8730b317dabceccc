//! CAs behind ACME and secrets, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::IssuerId;

use super::bodies::{Because, CaAccountBody, ChangeBody, RegisterBody, SecretBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, SecretOf};
use crate::fault::Fault;

/// Our accounts at CAs behind ACME.
#[utoipa::path(get, path = "/ca-accounts", tag = "estate",
    responses((status = 200, body = [CaAccountBody]), (status = 403, body = ErrorBody)))]
pub(super) async fn accounts(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<Vec<CaAccountBody>>, ApiError> {
    let all = app.accounts_at_cas(&asking).await?;
    let body = |row: bailiwick_store::UpstreamAccountRow| CaAccountBody {
        issuer: row.issuer.to_string(),
        uri: row.uri,
        change: row.change.to_string(),
        since: row.at.to_string(),
        usable: !row.ended,
    };
    Ok(Json(all.into_iter().map(body).collect()))
}

/// Ask for an account to be registered at a CA of the estate.
#[utoipa::path(post, path = "/ca-accounts", tag = "estate", request_body = RegisterBody,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody)))]
pub(super) async fn register(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<RegisterBody>,
) -> Result<Json<ChangeBody>, ApiError> {
    let issuer = IssuerId::parse(&wish.issuer).map_err(|cause| Fault::input("issuer", cause))?;
    let loaded = app.register_at_ca(&asking, &issuer, &wish.reason).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// Ask that our account at a CA get another key (RFC 8555, section 7.3.5); the CA refuses the old one.
#[utoipa::path(post, path = "/ca-accounts/{issuer}/rotate-key", tag = "estate", params(("issuer" = String, Path)),
    request_body = Because,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn rotate_key(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(issuer): Path<String>,
    Json(wish): Json<Because>,
) -> Result<Json<ChangeBody>, ApiError> {
    let issuer = IssuerId::parse(&issuer).map_err(|cause| Fault::input("issuer", cause))?;
    let loaded = app.rotate_account_key(&asking, &issuer, &wish.reason).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// Hand in a secret: of a zone's connector or transfers, of an issuer's account binding, or of the way
/// notices take. It is sealed and never shown again.
#[utoipa::path(post, path = "/secrets", tag = "estate", request_body = SecretBody,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 400, body = ErrorBody)))]
pub(super) async fn set_secret(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<SecretBody>,
) -> Result<StatusCode, ApiError> {
    let zone = || {
        let zone = ZoneKey::parse(&wish.name);
        zone.ok_or_else(|| Fault::input("name", "not a zone; write `shop.example`"))
    };
    let of = match wish.of.as_str() {
        "connector" => SecretOf::Connector(zone()?),
        "transfer" => SecretOf::Transfer(zone()?),
        "issuer" => SecretOf::Issuer(
            IssuerId::parse(&wish.name).map_err(|cause| Fault::input("name", cause))?,
        ),
        "webhook" => SecretOf::Webhook,
        "smtp" => SecretOf::Smtp,
        _ => {
            let message = "write `connector`, `transfer`, `issuer`, `webhook` or `smtp`";
            return Err(Fault::input("of", message).into());
        }
    };
    app.set_secret(&asking, &of, &wish.secret).await?;
    Ok(StatusCode::NO_CONTENT)
}
