//! CAs that run here, over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::certificate::Generation;
use bailiwick_core::names::IssuerId;
use bailiwick_wire::x509::read_chain;

use super::bodies::{AwaitsRootBody, GenerationBody, IssuerBody, RotateIssuerBody, RotationBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, Asking, GenerationView, IssuerView, RotateWish, Rotation};
use crate::fault::Fault;

/// The CAs that run here, with every generation of each.
#[utoipa::path(get, path = "/issuers", tag = "estate",
    responses((status = 200, body = [IssuerBody]), (status = 403, body = ErrorBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<Vec<IssuerBody>>, ApiError> {
    Ok(Json(all(&app, &asking).await?))
}

/// One CA that runs here.
#[utoipa::path(get, path = "/issuers/{issuer}", tag = "estate", params(("issuer" = String, Path)),
    responses((status = 200, body = IssuerBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(issuer): Path<String>,
) -> Result<Json<IssuerBody>, ApiError> {
    let view = app.issuer_view(&asking, &issuer_id(&issuer)?).await?;
    Ok(Json(body(&app, &view)))
}

/// Ask that new certificates of a CA come from another generation: the next one with a new key, or
/// one that is there already.
#[utoipa::path(post, path = "/issuers/{issuer}/rotate", tag = "estate", params(("issuer" = String, Path)),
    request_body = RotateIssuerBody,
    responses((status = 200, body = RotationBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(issuer): Path<String>,
    Json(wish): Json<RotateIssuerBody>,
) -> Result<Json<RotationBody>, ApiError> {
    let rotation = app.rotate_issuer(&asking, &issuer_id(&issuer)?, wanted(wish)?).await?;
    Ok(Json(match rotation {
        Rotation::Asked(loaded) => RotationBody {
            change: Some(super::changes::body(&app, &asking, &loaded.id).await?),
            awaits_root: None,
        },
        Rotation::AwaitsRoot { generation, key, request } => {
            let (generation, key) = (generation.number(), key.to_string());
            let awaits = AwaitsRootBody { generation, key, request };
            RotationBody { change: None, awaits_root: Some(awaits) }
        }
    }))
}

/// What is asked for, parsed.
pub(crate) fn wanted(wish: RotateIssuerBody) -> Result<RotateWish, Fault> {
    let number = |number| {
        Generation::new(number)
            .ok_or_else(|| Fault::input("to", "generations are counted from 1 to 127"))
    };
    let certificate = |pem: String| match read_chain(pem.as_bytes()) {
        Ok(mut all) if all.len() == 1 => Ok(all.remove(0)),
        Ok(all) => {
            let message = format!("it holds {} certificates; give the new one alone", all.len());
            Err(Fault::input("certificate", message))
        }
        Err(cause) => Err(Fault::input("certificate", cause.to_string())),
    };
    Ok(RotateWish {
        to: wish.to.map(number).transpose()?,
        certificate: wish.certificate.map(certificate).transpose()?,
        reason: wish.reason,
    })
}

/// An issuer's id.
pub(crate) fn issuer_id(text: &str) -> Result<IssuerId, Fault> {
    IssuerId::parse(text).map_err(|cause| Fault::input("issuer", cause))
}

/// Every CA that runs here, as pages and the API show them.
pub(crate) async fn all(app: &App, asking: &Asking) -> Result<Vec<IssuerBody>, Fault> {
    let views = app.issuer_views(asking).await?;
    Ok(views.iter().map(|view| body(app, view)).collect())
}

fn body(app: &App, view: &IssuerView) -> IssuerBody {
    IssuerBody {
        id: view.id.to_string(),
        generation: view.active.number(),
        root: view.root.to_string(),
        generations: view.generations.iter().map(|one| generation(app, one)).collect(),
        waiting: view.waiting.as_ref().map(ToString::to_string),
    }
}

fn generation(app: &App, one: &GenerationView) -> GenerationBody {
    let (not_before, not_after) = one.validity;
    let state = match one.issues {
        true => "issues",
        false if not_after < app.now() => "over",
        false => "answers",
    };
    GenerationBody {
        generation: one.generation.number(),
        state: state.to_owned(),
        key_kind: one.key.0.to_string(),
        key: one.key.1.to_string(),
        certificate: one.certificate.to_string(),
        not_before: not_before.to_string(),
        not_after: not_after.to_string(),
        since: one.since.as_ref().map(|(at, _)| at.to_string()),
        change: one.since.as_ref().map(|(_, change)| change.to_string()),
        last_certificate_ends: one.last_certificate_ends.map(|at| at.to_string()),
        crl_url: one.crl_url.clone(),
        crl_number: one.crl.map(|(number, _)| number),
        crl_until: one.crl.map(|(_, until)| until.to_string()),
    }
}
