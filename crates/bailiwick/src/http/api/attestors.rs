//! Whose word about workloads counts, over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::estate::{Attestor, AttestorKeys, Estate};
use bailiwick_core::names::AttestorId;
use bailiwick_core::policy::Access;

use super::bodies::{AttestorBody, WorkloadBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::Json;
use crate::app::{App, Asking, Scope};
use crate::fault::Fault;

/// Whose word about workloads counts, and which workloads act for which service on it.
#[utoipa::path(get, path = "/attestors", tag = "estate",
    responses((status = 200, body = [AttestorBody]), (status = 403, body = ErrorBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<Vec<AttestorBody>>, ApiError> {
    Ok(Json(all(&app, &asking)?))
}

/// All of them, as pages and the API show them.
pub(crate) fn all(app: &App, asking: &Asking) -> Result<Vec<AttestorBody>, Fault> {
    app.permit(asking, Access::Read, &Scope::Estate)?;
    let live = app.live.get();
    let estate = live.estate();
    Ok(estate.attestors.iter().map(|(id, attestor)| body(estate, id, attestor)).collect())
}

fn body(estate: &Estate, id: &AttestorId, attestor: &Attestor) -> AttestorBody {
    let keys = match &attestor.keys {
        AttestorKeys::Written(_) => "in the estate".to_owned(),
        AttestorKeys::At(url) => url.clone(),
        AttestorKeys::Discovered => {
            format!("{}/.well-known/openid-configuration", attestor.issuer)
        }
        AttestorKeys::WithWorkloads => "with each workload".to_owned(),
    };
    let workloads = estate.services.iter().flat_map(|(service, it)| {
        let ours = it.attested.iter().filter(|(_, rule)| rule.attestor == *id);
        ours.map(|(name, rule)| WorkloadBody {
            service: service.to_string(),
            name: name.clone(),
            claims: rule
                .claims
                .iter()
                .map(|(claim, values)| (claim.clone(), values.iter().cloned().collect()))
                .collect(),
            answers: rule.answers.to_string(),
        })
    });
    AttestorBody {
        id: id.to_string(),
        kind: attestor.kind.to_string(),
        issuer: attestor.issuer.clone(),
        audience: attestor.audience.clone(),
        keys,
        vouches_for: attestor.vouches_for.iter().map(ToString::to_string).collect(),
        holds_minutes: attestor.holds_minutes,
        workloads: workloads.collect(),
    }
}
