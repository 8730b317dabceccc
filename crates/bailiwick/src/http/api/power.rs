//! Emergencies, duties and acts over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::change::RevocationReason;
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{CertFingerprint, IssuerId, PersonId, ProfileId, ServiceId};
use bailiwick_core::record::ActClass;
use bailiwick_core::records::RecordType;
use bailiwick_wire::dns::{Origin, WireName, owner_in, read_rdata};
use serde::Deserialize;

use super::bodies::{
    ActBody, ChangeBody, CloseReview, DelegateBody, DelegatedBody, DutyBody, EmergencyBody,
    EmergencyPublishBody, NewEmergencyBody, ToxicBody,
};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, Asking, EmergencyVerb, Loaded, NewEmergency, NewZoneEmergency};
use crate::fault::Fault;

/// What a list of emergencies is narrowed to.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EmergencyParams {
    /// Only those whose review is open.
    open: Option<bool>,
}

/// What a list of acts is narrowed to.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ActParams {
    /// Only on this, such as `zone/shop.example` or `issuer/house`.
    about: Option<String>,
    /// Only of this class: `key`, `account`, `zone`, `registrar`, `estate`.
    class: Option<String>,
    /// Only before this leaf: the `index` of the last one of the page before.
    before: Option<u64>,
}

/// An emergency of either kind.
pub(crate) enum Wanted {
    /// One certificate of a service.
    OfService(NewEmergency),
    /// One set of records of a zone.
    OfZone(NewZoneEmergency),
}

/// Declares an emergency, out of what was sent.
pub(crate) async fn declared(
    app: &App,
    asking: &Asking,
    wish: NewEmergencyBody,
) -> Result<Loaded, Fault> {
    match wanted(wish)? {
        Wanted::OfService(wanted) => app.declare_emergency(asking, wanted).await,
        Wanted::OfZone(wanted) => app.declare_zone_emergency(asking, wanted).await,
    }
}

fn wanted(wish: NewEmergencyBody) -> Result<Wanted, Fault> {
    let one = || Fault::input("issue", "send exactly one of `issue`, `revoke` and `publish`");
    if let Some(publish) = wish.publish {
        if wish.issue.is_some() || wish.revoke.is_some() {
            return Err(one());
        }
        if wish.service.is_some() {
            let message = "records are of a zone; leave it out";
            return Err(Fault::input("service", message));
        }
        return Ok(Wanted::OfZone(of_zone(&publish, wish.reason)?));
    }
    let service = wish.service.ok_or_else(|| Fault::input("service", "say of which service"))?;
    let service = ServiceId::parse(&service).map_err(|cause| Fault::input("service", cause))?;
    let verb = match (wish.issue, wish.revoke) {
        (Some(issue), None) => EmergencyVerb::Issue {
            csr: csr(&issue.csr)?,
            profile: ProfileId::parse(&issue.profile)
                .map_err(|cause| Fault::input("issue.profile", cause))?,
            issuer: match &issue.issuer {
                Some(id) => {
                    Some(IssuerId::parse(id).map_err(|cause| Fault::input("issue.issuer", cause))?)
                }
                None => None,
            },
        },
        (None, Some(revoke)) => EmergencyVerb::Revoke {
            certificate: CertFingerprint::parse(&revoke.certificate)
                .map_err(|cause| Fault::input("revoke.certificate", cause))?,
            reason: RevocationReason::parse(&revoke.reason).ok_or_else(|| {
                Fault::input("revoke.reason", "not a reason of RFC 5280; write `superseded`")
            })?,
        },
        (Some(_), Some(_)) | (None, None) => return Err(one()),
    };
    Ok(Wanted::OfService(NewEmergency { service, verb, reason: wish.reason }))
}

fn of_zone(wish: &EmergencyPublishBody, reason: String) -> Result<NewZoneEmergency, Fault> {
    let zone = super::watch::zone_key(&wish.zone)?;
    let name = wish.name.trim();
    let owner = owner_in(name, &zone.name).map_err(|cause| Fault::input("name", cause))?;
    let kind = RecordType::parse(wish.kind.trim()).ok_or_else(|| {
        Fault::input("type", format!("`{}` is not a record type; write such as `CAA`", wish.kind))
    })?;
    let origin = WireName::from(owner.base());
    let record = |text: &String| {
        read_rdata(kind, text, Origin::OneLabel(&origin))
            .map_err(|why| Fault::input("values", format!("`{text}`: {why}")))
    };
    let rdata = wish.values.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    Ok(NewZoneEmergency { zone, owner, kind, rdata, ttl_seconds: wish.ttl_seconds, reason })
}

fn csr(pem: &str) -> Result<Vec<u8>, Fault> {
    let read = bailiwick_wire::x509::read_pem(pem.as_bytes(), "CERTIFICATE REQUEST");
    let blocks = read.map_err(|cause| Fault::input("issue.csr", cause))?;
    let [csr] = blocks.as_slice() else {
        return Err(Fault::input("issue.csr", "send one certificate request, PEM"));
    };
    Ok(csr.clone())
}

/// Declare an emergency: one certificate issued or revoked, or one set of records edited, within the hour,
/// reviewed afterwards.
#[utoipa::path(post, path = "/emergencies", tag = "changes", request_body = NewEmergencyBody,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 400, body = ErrorBody)))]
pub(super) async fn declare(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<NewEmergencyBody>,
) -> Result<Json<ChangeBody>, ApiError> {
    let loaded = declared(&app, &asking, wish).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// Emergencies you may see; with `open=true` those whose review is open, the most urgent first.
#[utoipa::path(get, path = "/emergencies", tag = "changes", params(EmergencyParams),
    responses((status = 200, body = [EmergencyBody])))]
pub(super) async fn emergencies(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<EmergencyParams>,
) -> Result<Json<Vec<EmergencyBody>>, ApiError> {
    Ok(Json(emergency_list(&app, &asking, params.open.unwrap_or(false)).await?))
}

/// Emergencies as the API and the console show them.
pub(crate) async fn emergency_list(
    app: &App,
    asking: &Asking,
    open: bool,
) -> Result<Vec<EmergencyBody>, Fault> {
    let (now, rows) = (app.now(), app.emergencies(asking, open).await?);
    Ok(rows.iter().map(|row| EmergencyBody::of(row, now)).collect())
}

/// Close the review of an emergency you took no part in.
#[utoipa::path(post, path = "/emergencies/{change}/review", tag = "changes",
    params(("change" = String, Path)), request_body = CloseReview,
    responses((status = 200, body = EmergencyBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn review(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
    Json(wish): Json<CloseReview>,
) -> Result<Json<EmergencyBody>, ApiError> {
    let id = super::changes::change_id(&change)?;
    let row = app.review_emergency(&asking, &id, wish.justified, &wish.note).await?;
    Ok(Json(EmergencyBody::of(&row, app.now())))
}

/// Let somebody declare emergencies of a service for a while; you stay accountable.
#[utoipa::path(post, path = "/services/{service}/delegated-executions", tag = "services",
    params(("service" = String, Path)), request_body = DelegateBody,
    responses((status = 200, body = DelegatedBody), (status = 403, body = ErrorBody)))]
pub(super) async fn delegate(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(service): Path<String>,
    Json(wish): Json<DelegateBody>,
) -> Result<Json<DelegatedBody>, ApiError> {
    let service = ServiceId::parse(&service).map_err(|cause| Fault::input("service", cause))?;
    let to = PersonId::parse(&wish.person).map_err(|cause| Fault::input("person", cause))?;
    let made = app.delegate_execution(&asking, &service, &to, wish.hours, &wish.reason).await?;
    Ok(Json(made.into()))
}

/// Everybody with power over both the certificates and the records of a zone.
#[utoipa::path(get, path = "/duties/toxic", tag = "people",
    responses((status = 200, body = [ToxicBody]), (status = 403, body = ErrorBody)))]
pub(super) async fn toxic(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<Vec<ToxicBody>>, ApiError> {
    Ok(Json(app.toxic_combinations(&asking).await?.into_iter().map(ToxicBody::from).collect()))
}

/// Who can do what about a zone or a service.
#[utoipa::path(get, path = "/duties/of/{*subject}", tag = "people", params(("subject" = String, Path)),
    responses((status = 200, body = [DutyBody]), (status = 404, body = ErrorBody)))]
pub(super) async fn duties(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(subject): Path<String>,
) -> Result<Json<Vec<DutyBody>>, ApiError> {
    Ok(Json(app.duties_of(&asking, &subject).await?.into_iter().map(DutyBody::from).collect()))
}

/// Acts on keys, accounts, zones and registrations, the newest first.
#[utoipa::path(get, path = "/acts", tag = "ledger", params(ActParams),
    responses((status = 200, body = [ActBody]), (status = 403, body = ErrorBody)))]
pub(super) async fn acts(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<ActParams>,
) -> Result<Json<Vec<ActBody>>, ApiError> {
    let class = match &params.class {
        Some(word) => Some(ActClass::parse(word).ok_or_else(|| {
            Fault::input("class", "write `key`, `account`, `zone`, `registrar` or `estate`")
        })?),
        None => None,
    };
    let before = match params.before {
        Some(index) => Some(
            i64::try_from(index)
                .ok()
                .and_then(|index| LeafIndex::from_i64(index).ok())
                .ok_or_else(|| Fault::input("before", "not a leaf of this ledger"))?,
        ),
        None => None,
    };
    let acts = app.acts(&asking, params.about.as_deref(), class, before).await?;
    Ok(Json(acts.into_iter().map(ActBody::from).collect()))
}
