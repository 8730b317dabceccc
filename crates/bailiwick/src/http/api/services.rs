//! Services and credentials over the API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bailiwick_core::names::{CredentialId, ServiceId};
use bailiwick_core::policy::{Access, ResourceKind};

use super::bodies::{CredentialBody, NewCredentialBody, ServiceBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use crate::app::{App, Asking, NewCredential, Scope};
use crate::fault::Fault;

/// The services you may see, with who answers for them.
#[utoipa::path(get, path = "/services", tag = "services",
    responses((status = 200, body = [ServiceBody])))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Json<Vec<ServiceBody>> {
    Json(visible(&app, &asking))
}

/// The services that somebody may see.
pub(crate) fn visible(app: &App, asking: &Asking) -> Vec<ServiceBody> {
    let live = app.live.get();
    let now = app.now();
    live.estate()
        .services
        .iter()
        .filter(|(id, _)| {
            let scope = Scope::Service(ResourceKind::Service, id.to_string(), (*id).clone());
            app.may(asking, Access::Read, &scope)
        })
        .map(|(id, service)| ServiceBody {
            id: id.to_string(),
            name: service.name.clone(),
            environment: service.environment.to_string(),
            names: service.names.iter().map(ToString::to_string).collect(),
            duties: service
                .duties
                .each()
                .iter()
                .map(|(duty, team)| {
                    let person = live.estate().person_on_duty(team, now).ok();
                    let person = person.map(|on_duty| on_duty.person().to_string());
                    (duty.to_string(), team.to_string(), person)
                })
                .collect(),
        })
        .collect()
}

/// Make a credential for an ACME client of a service. Its key is shown this once.
#[utoipa::path(post, path = "/credentials", tag = "services", request_body = NewCredentialBody,
    responses((status = 201, body = CredentialBody), (status = 403, body = ErrorBody)))]
pub(super) async fn make_credential(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<NewCredentialBody>,
) -> Result<(StatusCode, Json<CredentialBody>), ApiError> {
    let service =
        ServiceId::parse(&wish.service).map_err(|cause| Fault::input("service", cause))?;
    let wanted = NewCredential {
        service,
        environment: wish.environment,
        namespace: wish.namespace,
        attestations: wish.attestations,
        hours: wish.hours,
    };
    let fresh = app.make_credential(&asking, wanted).await?;
    let body = CredentialBody {
        kid: fresh.credential.id.to_string(),
        hmac_key: fresh.hmac_key,
        directory: format!("{}/acme/directory", app.settings.base_url),
        expires_at: fresh.credential.expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Revoke a credential: no account can be registered with it any more.
#[utoipa::path(delete, path = "/credentials/{credential}", tag = "services",
    params(("credential" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke_credential(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(credential): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = CredentialId::parse(&credential).map_err(|cause| Fault::input("credential", cause))?;
    app.revoke_credential(&asking, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
