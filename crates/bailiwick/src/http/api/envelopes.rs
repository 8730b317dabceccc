//! Envelopes over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bailiwick_core::gate::Narrowing;
use bailiwick_core::names::{AccountId, EnvelopeId, IssuerId, ProfileId, SanName, ServiceId};
use bailiwick_core::time::Time;

use super::bodies::{
    Because, ChangeBody, EnvelopeBody, EnvelopeStory, NarrowBody, NewEnvelopeBody,
};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, Asking, NewEnvelope};
use crate::fault::Fault;

/// The envelopes of a service, the newest first.
#[utoipa::path(get, path = "/services/{service}/envelopes", tag = "services",
    params(("service" = String, Path)),
    responses((status = 200, body = [EnvelopeBody]), (status = 404, body = ErrorBody)))]
pub(super) async fn envelopes(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(service): Path<String>,
) -> Result<Json<Vec<EnvelopeBody>>, ApiError> {
    Ok(Json(of_service(&app, &asking, &service).await?))
}

/// The envelopes of a service as the API and the console show them.
pub(crate) async fn of_service(
    app: &App,
    asking: &Asking,
    service: &str,
) -> Result<Vec<EnvelopeBody>, Fault> {
    let service = ServiceId::parse(service).map_err(|cause| Fault::input("service", cause))?;
    let live = app.live.get();
    let mut all = Vec::new();
    for envelope in app.envelopes(asking, &service).await? {
        all.push(EnvelopeBody::of(&app.watch_envelope(&live, envelope).await?));
    }
    Ok(all)
}

/// An envelope: who approved it and at which leaf, and what was issued under it.
#[utoipa::path(get, path = "/envelopes/{envelope}", tag = "services",
    params(("envelope" = String, Path)),
    responses((status = 200, body = EnvelopeStory), (status = 404, body = ErrorBody)))]
pub(super) async fn envelope(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(envelope): Path<String>,
) -> Result<Json<EnvelopeStory>, ApiError> {
    let view = app.envelope_view(&asking, &envelope_id(&envelope)?).await?;
    Ok(Json(EnvelopeStory::of(&view)))
}

pub(crate) fn envelope_id(text: &str) -> Result<EnvelopeId, Fault> {
    EnvelopeId::parse(text).map_err(|cause| Fault::input("envelope", cause))
}

/// Ask for a standing approval: a change that whoever answers for the zones decides about.
#[utoipa::path(post, path = "/services/{service}/envelopes", tag = "services",
    params(("service" = String, Path)), request_body = NewEnvelopeBody,
    responses((status = 200, body = ChangeBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(super) async fn request_envelope(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(service): Path<String>,
    Json(wish): Json<NewEnvelopeBody>,
) -> Result<Json<ChangeBody>, ApiError> {
    let loaded = app.request_envelope(&asking, wanted(&service, wish)?).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// Parses what an envelope is asked for.
pub(crate) fn wanted(service: &str, wish: NewEnvelopeBody) -> Result<NewEnvelope, Fault> {
    let profile = |text: &String| ProfileId::parse(text);
    Ok(NewEnvelope {
        service: ServiceId::parse(service).map_err(|cause| Fault::input("service", cause))?,
        names: names(&wish.names)?,
        issuer: match &wish.issuer {
            Some(id) => Some(IssuerId::parse(id).map_err(|cause| Fault::input("issuer", cause))?),
            None => None,
        },
        profiles: wish
            .profiles
            .iter()
            .map(profile)
            .collect::<Result<_, _>>()
            .map_err(|cause| Fault::input("profiles", cause))?,
        account: match &wish.account {
            Some(id) => Some(AccountId::parse(id).map_err(|cause| Fault::input("account", cause))?),
            None => None,
        },
        until: Time::parse(&wish.until).map_err(|cause| Fault::input("until", cause))?,
        uses_max: wish.uses_max,
        reason: wish.reason,
    })
}

fn names(texts: &[String]) -> Result<Vec<SanName>, Fault> {
    let parse = |text: &String| {
        SanName::parse(text).map_err(|cause| Fault::input("names", format!("`{text}`: {cause}")))
    };
    texts.iter().map(parse).collect()
}

/// Give up a part of an envelope: fewer names, an earlier end, fewer certificates. Done at once where
/// the service's own team asks; for more, ask for a new envelope.
#[utoipa::path(post, path = "/envelopes/{envelope}/narrow", tag = "services",
    params(("envelope" = String, Path)), request_body = NarrowBody,
    responses((status = 200, body = ChangeBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(super) async fn narrow_envelope(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(envelope): Path<String>,
    Json(wish): Json<NarrowBody>,
) -> Result<Json<ChangeBody>, ApiError> {
    let (narrowing, why) = narrowing(wish)?;
    let id = envelope_id(&envelope)?;
    let loaded = app.narrow_envelope(&asking, &id, &narrowing, &why).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// Parses what is given up, and why.
pub(crate) fn narrowing(wish: NarrowBody) -> Result<(Narrowing, String), Fault> {
    let until = wish.until.as_deref().map(Time::parse).transpose();
    let narrowing = Narrowing {
        names: wish.names.as_deref().map(names).transpose()?,
        until: until.map_err(|cause| Fault::input("until", cause))?,
        uses_max: wish.uses_max,
    };
    Ok((narrowing, wish.reason))
}

/// Ask for an envelope to end before its time.
#[utoipa::path(post, path = "/envelopes/{envelope}/end", tag = "services",
    params(("envelope" = String, Path)), request_body = Because,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody)))]
pub(super) async fn end_envelope(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(envelope): Path<String>,
    Json(wish): Json<Because>,
) -> Result<(StatusCode, Json<ChangeBody>), ApiError> {
    let id = envelope_id(&envelope)?;
    let loaded = app.end_envelope(&asking, &id, &wish.reason).await?;
    Ok((StatusCode::OK, Json(super::changes::body(&app, &asking, &loaded.id).await?)))
}
