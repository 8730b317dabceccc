//! Enrolment of workloads over the API: the token is the proof, nobody signs in.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{Extensions, StatusCode};
use bailiwick_core::names::{AccountId, ServiceId};

use super::bodies::{AttestedBody, CredentialBody, EnrolBody, EnrolledBody};
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::App;
use crate::fault::Fault;

/// Show anew what a workload is: the account that it registered goes on with what is attested now. The
/// token is the proof: no other is sent.
#[utoipa::path(post, path = "/enrolments/{account}", tag = "services", params(("account" = String, Path)),
    request_body = EnrolBody,
    responses((status = 200, body = AttestedBody), (status = 403, body = ErrorBody),
        (status = 502, body = ErrorBody, description = "the attestor's keys cannot be had")))]
pub(super) async fn enrol_again(
    State(app): State<Arc<App>>,
    extensions: Extensions,
    Path(account): Path<String>,
    Json(wish): Json<EnrolBody>,
) -> Result<Json<AttestedBody>, ApiError> {
    let service =
        ServiceId::parse(&wish.service).map_err(|cause| Fault::input("service", cause))?;
    let id = AccountId::parse(&account).map_err(|cause| Fault::input("account", cause))?;
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let attested = app.enrol_again(&service, &id, &wish.token, peer).await?;
    Ok(Json(AttestedBody {
        account,
        attestor: attested.attestor.to_string(),
        subject: attested.subject,
        claims: attested.claims,
        attested_until: attested.until.to_string(),
    }))
}

/// Show what a workload is, and get a credential that any ACME client can register with. Its key is
/// shown this once. The token is the proof: no other is sent.
#[utoipa::path(post, path = "/enrolments", tag = "services", request_body = EnrolBody,
    responses((status = 201, body = EnrolledBody), (status = 403, body = ErrorBody),
        (status = 502, body = ErrorBody, description = "the attestor's keys cannot be had")))]
pub(super) async fn enrol(
    State(app): State<Arc<App>>,
    extensions: Extensions,
    Json(wish): Json<EnrolBody>,
) -> Result<(StatusCode, Json<EnrolledBody>), ApiError> {
    let service =
        ServiceId::parse(&wish.service).map_err(|cause| Fault::input("service", cause))?;
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let enrolled = app.enrol(&service, &wish.token, peer).await?;
    let (fresh, attested) = (enrolled.fresh, enrolled.attested);
    let body = EnrolledBody {
        credential: CredentialBody {
            kid: fresh.credential.id.to_string(),
            hmac_key: fresh.hmac_key,
            directory: format!("{}/acme/directory", app.settings.base_url),
            expires_at: fresh.credential.expires_at.to_string(),
        },
        attestor: attested.attestor.to_string(),
        subject: attested.subject,
        claims: attested.claims,
        attested_until: attested.until.to_string(),
    };
    Ok((StatusCode::CREATED, Json(body)))
}
