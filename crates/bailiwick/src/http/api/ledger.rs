//! The ledger over the API, as C2SP tlog-tiles lays it out, and decisions.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailiwick_core::names::DecisionId;
use bailiwick_core::policy::Access;
use bailiwick_core::shown::shown;
use bailiwick_wire::ledger::layout::Resource;

use super::bodies::EntryBody;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, Scope};
use crate::fault::Fault;

/// The newest signed checkpoint.
#[utoipa::path(get, path = "/ledger/checkpoint", tag = "ledger",
    responses((status = 200, content_type = "text/plain", body = String)))]
pub(super) async fn checkpoint(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Response, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Ledger)?;
    let note = app.checkpoint().await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// One entry, with the proof that it is in the ledger.
#[utoipa::path(get, path = "/ledger/entries/{index}", tag = "ledger", params(("index" = u64, Path)),
    responses((status = 200, body = EntryBody), (status = 404, body = ErrorBody)))]
pub(super) async fn entry(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(index): Path<u64>,
) -> Result<Json<EntryBody>, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Ledger)?;
    let (octets, proof) = app.entry_with_proof(index).await?;
    let entry = serde_json::from_slice(&octets)
        .map_err(|cause| Fault::Damaged { message: format!("entry {index}: {cause}") })?;
    Ok(Json(EntryBody { index, entry, proof: Some(proof) }))
}

/// A tile or entry bundle, such as `tile/0/000` or `tile/entries/000.p/5`.
#[utoipa::path(get, path = "/ledger/{path}", tag = "ledger", params(("path" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody)))]
pub(super) async fn tile(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(path): Path<String>,
) -> Result<Response, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Ledger)?;
    let missing = || Fault::not_found(format!("tile `{}`", shown(&path)));
    let resource = Resource::parse(&path).ok_or_else(missing)?;
    let octets = app.ledger_resource(resource).await?.ok_or_else(missing)?;
    Ok(([(header::CONTENT_TYPE, resource.content_type())], octets).into_response())
}

/// A decision with the facts it was made from.
#[utoipa::path(get, path = "/decisions/{decision}", tag = "ledger",
    params(("decision" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = ErrorBody)))]
pub(super) async fn decision(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(decision): Path<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Ledger)?;
    let id = DecisionId::parse(&decision).map_err(|cause| Fault::input("decision", cause))?;
    let found = app.store.decision(&id).await.map_err(Fault::from)?;
    let found = found.ok_or_else(|| Fault::not_found(format!("decision `{id}`")))?;
    let facts = app.facts_of(&found.decision).await?;
    let read = |text: &str| serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
    Ok(Json(serde_json::json!({
        "id": found.decision.id.to_string(),
        "action": found.decision.action,
        "allowed": found.decision.allowed,
        "rule": found.decision.rule,
        "policy": found.decision.policy.to_string(),
        "at": found.at.to_string(),
        "facts": read(&facts),
        "reasons": read(&found.decision.reasons),
    })))
}
