//! Without TLS: CRLs and issuer certificates (a client that checks revocation cannot need TLS for
//! it), health, and a redirect to the HTTPS side.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bailiwick_core::names::IssuerId;

use crate::app::App;
use crate::fault::Fault;

pub(super) fn router(app: Arc<App>) -> Router {
    let state = Arc::clone(&app);
    let router = Router::new()
        .route("/crl/{issuer}", get(crl))
        .route("/issuer/{issuer}", get(issuer))
        .route("/healthz", get(health))
        .fallback(elsewhere)
        .with_state(state);
    super::guard::around(router, &app)
}

/// `ISSUER.crl` → `ISSUER`, where it is one.
fn issuer_id(file: &str, ending: &str) -> Option<IssuerId> {
    IssuerId::parse(file.strip_suffix(ending)?).ok()
}

async fn crl(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    let Some(id) = issuer_id(&file, ".crl") else { return missing() };
    match app.crl(&id).await {
        Ok(der) => ([(header::CONTENT_TYPE, "application/pkix-crl")], der).into_response(),
        Err(Fault::NotFound { .. }) => missing(),
        Err(fault) => unavailable(&fault),
    }
}

async fn issuer(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    let issuer = issuer_id(&file, ".cer").and_then(|id| app.issuers.get(&id).cloned());
    match issuer {
        Some(issuer) => {
            let der = issuer.certificate_der().to_vec();
            ([(header::CONTENT_TYPE, "application/pkix-cert")], der).into_response()
        }
        None => missing(),
    }
}

/// Healthy: the store answers.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    match app.store.head().await {
        Ok(head) => {
            let size = head.size;
            let body = format!("{{\"status\":\"ok\",\"ledger_entries\":{size}}}\n");
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(cause) => unavailable(&Fault::from(cause)),
    }
}

async fn elsewhere(State(app): State<Arc<App>>, uri: Uri) -> Redirect {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::temporary(&format!("{}{path}", app.settings.base_url))
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}

fn unavailable(fault: &Fault) -> Response {
    tracing::error!(error = %fault, "a public document could not be served");
    (StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n").into_response()
}
