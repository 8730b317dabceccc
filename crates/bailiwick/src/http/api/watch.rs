//! Findings, the control and what was seen, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{DnsName, FindingId, ZoneName};
use bailiwick_core::policy::Access;
use bailiwick_core::time::{DAY_MS, Time};
use serde::Deserialize;

use super::bodies::{
    Because, CaaHistory, ChangeBody, ControlBody, FindingLine, LabEdit, LabEdited, RevertBody,
};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, Asking, Scope};
use crate::fault::Fault;

/// What findings are narrowed to.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingParams {
    /// Only those that you have to act on.
    #[serde(default)]
    mine: bool,
    /// Also those that are over.
    #[serde(default)]
    all: bool,
    /// Only those of a zone, such as `shop.example` or `corp.example/internal`.
    zone: Option<String>,
}

/// Differences between what was decided and what is seen: open ones, those due first.
#[utoipa::path(get, path = "/findings", tag = "watch", params(FindingParams),
    responses((status = 200, body = [FindingLine]), (status = 400, body = ErrorBody)))]
pub(super) async fn findings(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<FindingParams>,
) -> Result<Json<Vec<FindingLine>>, ApiError> {
    let zone = params.zone.as_deref().map(zone_key).transpose()?;
    let rows = app.findings(&asking, params.mine, !params.all, zone).await?;
    Ok(Json(rows.iter().map(FindingLine::of).collect()))
}

pub(crate) fn zone_key(text: &str) -> Result<ZoneKey, Fault> {
    ZoneKey::parse(text).ok_or_else(|| {
        Fault::input("zone", "not a zone; write `shop.example` or `corp.example/internal`")
    })
}

/// Whether somebody may look is asked before what they sent is read.
pub(crate) fn finding_id(app: &App, asking: &Asking, text: &str) -> Result<FindingId, Fault> {
    app.may_watch(asking)?;
    FindingId::parse(text).map_err(|cause| Fault::input("finding", cause))
}

/// One finding.
#[utoipa::path(get, path = "/findings/{finding}", tag = "watch", params(("finding" = String, Path)),
    responses((status = 200, body = FindingLine), (status = 404, body = ErrorBody)))]
pub(super) async fn finding(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(finding): Path<String>,
) -> Result<Json<FindingLine>, ApiError> {
    let row = app.finding_row(&asking, &finding_id(&app, &asking, &finding)?).await?;
    Ok(Json(FindingLine::of(&row)))
}

/// End a finding by deciding that what is there is right: a change of the estate that somebody
/// independent approves.
#[utoipa::path(post, path = "/findings/{finding}/adopt", tag = "watch",
    params(("finding" = String, Path)), request_body = Because,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn adopt_finding(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(finding): Path<String>,
    Json(wish): Json<Because>,
) -> Result<Json<ChangeBody>, ApiError> {
    let loaded =
        app.adopt_finding(&asking, &finding_id(&app, &asking, &finding)?, &wish.reason).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// End a finding by putting the decided set back: a change of the zone's records that somebody else
/// approves. The finding ends by itself once every server shows the set.
#[utoipa::path(post, path = "/findings/{finding}/revert", tag = "watch",
    params(("finding" = String, Path)), request_body = Because,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn put_back(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(finding): Path<String>,
    Json(wish): Json<Because>,
) -> Result<Json<ChangeBody>, ApiError> {
    let loaded =
        app.revert_finding(&asking, &finding_id(&app, &asking, &finding)?, &wish.reason).await?;
    Ok(Json(super::changes::body(&app, &asking, &loaded.id).await?))
}

/// The update that puts the decided set back by hand, for zones that Bailiwick does not write into.
#[utoipa::path(get, path = "/findings/{finding}/revert", tag = "watch",
    params(("finding" = String, Path)),
    responses((status = 200, body = RevertBody), (status = 409, body = ErrorBody)))]
pub(super) async fn revert_finding(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(finding): Path<String>,
) -> Result<Json<RevertBody>, ApiError> {
    let nsupdate = app.revert_text(&asking, &finding_id(&app, &asking, &finding)?).await?;
    Ok(Json(RevertBody { nsupdate }))
}

/// The control as a whole: every zone at its three points, coverage, canaries, incidents.
#[utoipa::path(get, path = "/control", tag = "watch",
    responses((status = 200, body = ControlBody)))]
pub(super) async fn control(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<ControlBody>, ApiError> {
    Ok(Json(ControlBody::of(&app.control(&asking).await?)))
}

/// Of which zone, from when to when.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceParams {
    /// Such as `shop.example` or `corp.example/internal`; it has to be given.
    zone: Option<String>,
    /// From when; 90 days before the end where it is not given.
    from: Option<String>,
    /// Until when, a date with its whole day; now where it is not given.
    to: Option<String>,
}

impl EvidenceParams {
    /// The period; a form sends a field that nobody filled in as an empty one.
    fn period(&self, now: Time) -> Result<(Time, Time), Fault> {
        let read = |name: &'static str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            let at = text.map(Time::parse).transpose();
            let at = at.map_err(|cause| Fault::input(name, cause))?;
            let is_date = text.is_some_and(|text| text.len() == DATE_CHARS);
            Ok::<_, Fault>(at.map(|at| (at, is_date)))
        };
        let until = read("to", &self.to)?.map_or(now, |(at, is_date)| {
            if is_date { at.plus_ms(DAY_MS - 1).min(now) } else { at }
        });
        let from = read("from", &self.from)?.map(|(at, _)| at);
        Ok((from.unwrap_or_else(|| until.plus_ms(-EVIDENCE_DAYS * DAY_MS)), until))
    }
}

/// Characters of `2026-11-22`.
const DATE_CHARS: usize = 10;

/// Days of evidence where nobody says from when.
const EVIDENCE_DAYS: i64 = 90;

/// Evidence of a zone's control for a period: its entries of the ledger, each with the proof that it is
/// there, what they name, and a summary to read. `bailiwick control verify` checks it without a server.
#[utoipa::path(get, path = "/control/evidence", tag = "watch", params(EvidenceParams),
    responses((status = 200, content_type = "application/json", body = String), (status = 400, body = ErrorBody)))]
pub(super) async fn control_evidence(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<EvidenceParams>,
) -> Result<Response, ApiError> {
    app.permit(&asking, Access::Read, &Scope::Ledger)?;
    let zone = params.zone.as_deref().ok_or_else(|| Fault::input("zone", "say which zone"))?;
    let zone = zone_key(zone)?;
    let (from, until) = params.period(app.now())?;
    let pack = app.control_evidence(&asking, &zone, (from, until)).await?;
    let name = format!("attachment; filename=\"caa-{}-{}.json\"", zone.name, zone.view);
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, pack.encode()).into_response())
}

/// Which moment, which server.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryParams {
    /// A moment; now where none is given.
    at: Option<String>,
    /// Only as this server saw it, such as `192.0.2.1:53`.
    server: Option<String>,
}

/// What CAA said for a name, at every vantage, then and over time.
#[utoipa::path(get, path = "/caa/{name}/history", tag = "watch",
    params(("name" = String, Path), HistoryParams),
    responses((status = 200, body = CaaHistory), (status = 400, body = ErrorBody)))]
pub(super) async fn caa_history(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(name): Path<String>,
    Query(params): Query<HistoryParams>,
) -> Result<Json<CaaHistory>, ApiError> {
    let name = caa_name(&name)?;
    let at = params.at.as_deref().map(Time::parse).transpose();
    let at = at.map_err(|cause| Fault::input("at", cause))?;
    let server = params.server.as_deref().map(str::parse).transpose();
    let server = server.map_err(|_| Fault::input("server", "write it as `192.0.2.1:53`"))?;
    Ok(Json(CaaHistory::of(&app.watched_name(&asking, &name, at, server).await?)))
}

pub(crate) fn caa_name(text: &str) -> Result<DnsName, Fault> {
    let text = text.strip_prefix("*.").unwrap_or(text);
    DnsName::parse(text).map_err(|cause| Fault::input("name", cause))
}

/// In the lab only: put records into one of its zones, as a DNS administrator does who asks nobody.
#[utoipa::path(post, path = "/lab/zones/{zone}", tag = "watch",
    params(("zone" = String, Path)), request_body = LabEdit,
    responses((status = 200, body = LabEdited), (status = 404, body = ErrorBody)))]
pub(super) async fn edit_lab_zone(
    State(app): State<Arc<App>>,
    Caller(_asking): Caller,
    Path(zone): Path<String>,
    Json(wish): Json<LabEdit>,
) -> Result<Json<LabEdited>, ApiError> {
    let no_lab = || Fault::not_found("lab: this is a real installation");
    let zones = app.lab_zones.as_ref().ok_or_else(no_lab)?;
    let zone = ZoneName::parse(&zone).map_err(|cause| Fault::input("zone", cause))?;
    let edited = zones.edit(&zone, &wish.records).await;
    let serial = edited.map_err(|why| Fault::input("records", why))?;
    Ok(Json(LabEdited { zone: zone.to_string(), serial }))
}
