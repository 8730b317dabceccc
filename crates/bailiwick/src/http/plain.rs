//! Without TLS: CRLs and issuer certificates (a client that checks revocation cannot need TLS for
//! it), health, and a redirect to the HTTPS side.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bailiwick_connect::issuer::BuiltinIssuer;
use bailiwick_core::certificate::Generation;
use bailiwick_core::names::{Digest, IssuerId};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{OCSP_REQUEST_OCTETS_MAX, OcspRefusal};

use super::intake::octets;
use crate::app::{App, OcspReply};
use crate::fault::Fault;

pub(super) fn router(app: Arc<App>) -> Router {
    let state = Arc::clone(&app);
    let router = Router::new()
        .route("/crl/{issuer}", get(crl))
        .route("/crl/{issuer}/{part}", get(crl_part))
        .route("/issuer/{issuer}", get(issuer))
        .route("/issuer/{issuer}/{generation}", get(later_issuer))
        .route("/ocsp/{issuer}", post(ocsp))
        .route("/ocsp/{issuer}/{*request}", get(ocsp_by_path))
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
    crl_response(app.crl(&id).await)
}

async fn crl_part(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
) -> Response {
    let (Ok(id), Some(part)) = (IssuerId::parse(&id), file.strip_suffix(".crl")) else {
        return missing();
    };
    crl_response(app.crl_part(&id, part).await)
}

fn crl_response(found: Result<Vec<u8>, Fault>) -> Response {
    match found {
        Ok(der) => ([(header::CONTENT_TYPE, "application/pkix-crl")], der).into_response(),
        Err(Fault::NotFound { .. }) => missing(),
        Err(fault) => unavailable(&fault),
    }
}

/// The media type of a response (RFC 6960, appendix A.2).
const OCSP_RESPONSE: &str = "application/ocsp-response";
/// How long caches keep an answer: a revocation is seen after this time by everybody who asks.
const OCSP_KEPT: std::time::Duration = std::time::Duration::from_secs(3_600);

/// `POST` with the request as body (RFC 6960, appendix A.1).
async fn ocsp(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let Ok(id) = IssuerId::parse(&id) else { return missing() };
    match octets(request.into_body(), OCSP_REQUEST_OCTETS_MAX).await {
        Ok(body) => ocsp_response(app.ocsp(&id, &body).await),
        Err(cause) => (cause.status(), format!("{cause}\n")).into_response(),
    }
}

/// `GET` with the request in base64 behind the URL (RFC 5019, section 5).
async fn ocsp_by_path(
    State(app): State<Arc<App>>,
    Path((id, request)): Path<(String, String)>,
) -> Response {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let Ok(id) = IssuerId::parse(&id) else { return missing() };
    match STANDARD.decode(request) {
        Ok(request) => ocsp_response(app.ocsp(&id, &request).await),
        Err(_) => ocsp_response(OcspRefusal::MalformedRequest.into()),
    }
}

/// The headers that RFC 5019, section 6.2 asks for.
fn ocsp_response(reply: OcspReply) -> Response {
    let Some((made, holds_until)) = reply.keep else {
        let headers = [(header::CONTENT_TYPE, OCSP_RESPONSE), (header::CACHE_CONTROL, "no-store")];
        return (headers, reply.der).into_response();
    };
    let seconds = OCSP_KEPT.as_secs();
    let headers = [
        (header::CONTENT_TYPE, OCSP_RESPONSE.to_owned()),
        (
            header::CACHE_CONTROL,
            format!("max-age={seconds}, public, no-transform, must-revalidate"),
        ),
        (header::ETAG, format!("\"{}\"", Digest::of(&reply.der))),
        (header::LAST_MODIFIED, http_date(made)),
        (header::EXPIRES, http_date(holds_until)),
    ];
    (headers, reply.der).into_response()
}

fn http_date(time: Time) -> String {
    let seconds = u64::try_from(time.unix_seconds()).unwrap_or(0);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

async fn issuer(State(app): State<Arc<App>>, Path(file): Path<String>) -> Response {
    let first = |id| app.issuers.generation(&id, Generation::FIRST);
    certificate(issuer_id(&file, ".cer").and_then(first))
}

/// `g2.cer` → the certificate of the second generation.
async fn later_issuer(
    State(app): State<Arc<App>>,
    Path((id, file)): Path<(String, String)>,
) -> Response {
    let number = file.strip_prefix('g').and_then(|rest| rest.strip_suffix(".cer"));
    let generation = number.and_then(|number| number.parse().ok()).and_then(Generation::new);
    let found = IssuerId::parse(&id).ok().zip(generation);
    certificate(found.and_then(|(id, generation)| app.issuers.generation(&id, generation)))
}

fn certificate(issuer: Option<Arc<BuiltinIssuer>>) -> Response {
    match issuer {
        Some(issuer) => {
            let der = issuer.certificate_der().to_vec();
            ([(header::CONTENT_TYPE, "application/pkix-cert")], der).into_response()
        }
        None => missing(),
    }
}

/// Healthy: the store answers. CRLs that are late are told; they are for people to look after, and
/// restarting the server would help nobody.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let head = app.store.head().await.map_err(Fault::from);
    match (head, app.crls_are_fresh().await) {
        (Ok(head), Ok(fresh)) => {
            let (size, crls) = (head.size, if fresh { "fresh" } else { "late" });
            let body =
                format!("{{\"status\":\"ok\",\"ledger_entries\":{size},\"crls\":\"{crls}\"}}\n");
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        (Err(fault), _) | (_, Err(fault)) => unavailable(&fault),
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
