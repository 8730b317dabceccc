//! Certificates over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::certificate::RevocationReason;
use bailiwick_core::names::{CertFingerprint, CertSerial, ServiceId};
use serde::Deserialize;

use super::bodies::{CertificateBody, ChangeBody, PageOf, RevokeBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, CertificateQuery, Story, Which};
use crate::fault::Fault;

/// What a list of certificates is narrowed to.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only of this service.
    service: Option<String>,
    /// Only with a name that contains this.
    name: Option<String>,
    /// Only revoked ones (`true`) or only others (`false`).
    revoked: Option<bool>,
    /// Only those that expire within this many days.
    expires_within_days: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 200.
    limit: Option<u32>,
}

/// A fingerprint (64 hexadecimal digits) or a serial.
pub(crate) fn which(text: &str) -> Result<Which, Fault> {
    if let Ok(fingerprint) = CertFingerprint::parse(text) {
        return Ok(Which::Fingerprint(fingerprint));
    }
    CertSerial::parse(text).map(Which::Serial).map_err(|_| {
        Fault::input("certificate", "give a fingerprint (64 hexadecimal digits) or a serial")
    })
}

/// The certificates you may see, the next to expire first.
#[utoipa::path(get, path = "/certificates", tag = "certificates", params(ListParams),
    responses((status = 200, body = PageOf<CertificateBody>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<PageOf<CertificateBody>>, ApiError> {
    let service = match &params.service {
        Some(id) => Some(ServiceId::parse(id).map_err(|cause| Fault::input("service", cause))?),
        None => None,
    };
    let query = CertificateQuery {
        service,
        name: params.name,
        revoked: params.revoked,
        expires_within_days: params.expires_within_days,
        after: params.after,
        limit: params.limit,
    };
    let page = app.certificates(&asking, query).await?;
    let items = page
        .items
        .iter()
        .map(|row| {
            CertificateBody::of(
                &row.certificate,
                row.revoked.as_ref().map(|one| one.at.to_string()),
            )
        })
        .collect();
    Ok(Json(PageOf { items, next: page.next }))
}

/// A certificate, with its PEM and its chain.
#[utoipa::path(get, path = "/certificates/{certificate}", tag = "certificates",
    params(("certificate" = String, Path)),
    responses((status = 200, body = CertificateBody), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(certificate): Path<String>,
) -> Result<Json<CertificateBody>, ApiError> {
    let found = app.find_certificate(&asking, &which(&certificate)?).await?;
    let found = found.ok_or_else(|| Fault::not_found(format!("certificate `{certificate}`")))?;
    let revoked = app.store.revocation(&found.issuer, &found.serial).await.map_err(Fault::from)?;
    let mut body = CertificateBody::of(&found, revoked.map(|one| one.at.to_string()));
    body.pem = Some(bailiwick_wire::x509::write_pem("CERTIFICATE", &found.der));
    body.chain = app.certificate_chains(&found).await?.into_iter().next();
    Ok(Json(body))
}

/// Why a certificate exists, with where the ledger says so.
#[utoipa::path(get, path = "/certificates/{certificate}/story", tag = "certificates",
    params(("certificate" = String, Path)),
    responses((status = 200, body = Story), (status = 404, body = ErrorBody)))]
pub(super) async fn story(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(certificate): Path<String>,
) -> Result<Json<Story>, ApiError> {
    Ok(Json(app.story(&asking, &which(&certificate)?).await?))
}

/// Ask for a certificate to be revoked. Carried out at once where the policy needs nobody else.
#[utoipa::path(post, path = "/certificates/{certificate}/revoke", tag = "certificates",
    params(("certificate" = String, Path)), request_body = RevokeBody,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(certificate): Path<String>,
    Json(wish): Json<RevokeBody>,
) -> Result<Json<ChangeBody>, ApiError> {
    let found = app.find_certificate(&asking, &which(&certificate)?).await?;
    let found = found.ok_or_else(|| Fault::not_found(format!("certificate `{certificate}`")))?;
    let reason = RevocationReason::parse(&wish.reason).ok_or_else(|| {
        let known: Vec<&str> = RevocationReason::ALL.iter().map(|one| one.as_str()).collect();
        Fault::input("reason", format!("use one of {}", known.join(", ")))
    })?;
    let loaded = app.revoke_as_person(&asking, &found.fingerprint, reason, &wish.why).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}
