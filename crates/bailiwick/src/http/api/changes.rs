//! Changes over the API.

use std::sync::Arc;

use axum::extract::State;
use bailiwick_core::change::{Event, NarrowEnvelope, RotateIssuer, Step};
use bailiwick_core::gate::{Bounds, Envelope};
use bailiwick_core::names::{ChangeId, Digest, SanName, ServiceId};
use bailiwick_core::policy::Access;
use serde::Deserialize;

use super::bodies::{Approve, Because, ChangeBody, ChangeLine, PageOf, Resolve};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, Asking, ChangeQuery, Scope};
use crate::fault::Fault;

/// What a list of changes is narrowed to.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Only in this state, such as `awaiting-approval`.
    state: Option<String>,
    /// Only of this service.
    service: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 200.
    limit: Option<u32>,
}

pub(crate) fn change_id(text: &str) -> Result<ChangeId, Fault> {
    ChangeId::parse(text).map_err(|cause| Fault::input("change", cause))
}

/// The changes you may see, the newest first.
#[utoipa::path(get, path = "/changes", tag = "changes", params(ListParams),
    responses((status = 200, body = PageOf<ChangeLine>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<PageOf<ChangeLine>>, ApiError> {
    let service = match &params.service {
        Some(id) => Some(ServiceId::parse(id).map_err(|cause| Fault::input("service", cause))?),
        None => None,
    };
    let query =
        ChangeQuery { state: params.state, service, after: params.after, limit: params.limit };
    let page = app.changes(&asking, query).await?;
    let items = page.items.iter().map(ChangeLine::of).collect();
    Ok(Json(PageOf { items, next: page.next }))
}

/// A change with its plan, checks, approvals and history.
#[utoipa::path(get, path = "/changes/{change}", tag = "changes", params(("change" = String, Path)),
    responses((status = 200, body = ChangeBody), (status = 404, body = ErrorBody)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
) -> Result<Json<ChangeBody>, ApiError> {
    Ok(Json(body(&app, &asking, &change_id(&change)?).await?))
}

/// A change as the API and the console show it.
pub(crate) async fn body(app: &App, asking: &Asking, id: &ChangeId) -> Result<ChangeBody, Fault> {
    let row = app.change_row(id).await?;
    app.permit(asking, Access::Read, &Scope::Change(id.clone(), row.request.service.clone()))?;
    let view = app.change_view(id).await?;
    let missing = app.missing_words(view.verdict.as_ref());
    Ok(ChangeBody::of(&view, &row, missing))
}

/// The id, where the caller may do this to that change.
pub(crate) async fn permitted(
    app: &App,
    asking: &Asking,
    access: Access,
    id: &str,
) -> Result<ChangeId, Fault> {
    let id = change_id(id)?;
    let row = app.change_row(&id).await?;
    app.permit(asking, access, &Scope::Change(id.clone(), row.request.service))?;
    Ok(id)
}

/// Approve exactly the plan you saw. Never your own change.
#[utoipa::path(post, path = "/changes/{change}/approve", tag = "changes",
    params(("change" = String, Path)), request_body = Approve,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
    Json(wish): Json<Approve>,
) -> Result<Json<ChangeBody>, ApiError> {
    let id = permitted(&app, &asking, Access::Approve, &change).await?;
    let digest =
        Digest::parse(&wish.plan_digest).map_err(|cause| Fault::input("plan_digest", cause))?;
    app.approve(&asking.by, &id, digest, &wish.comment).await?;
    Ok(Json(body(&app, &asking, &id).await?))
}

/// Say no, and why.
#[utoipa::path(post, path = "/changes/{change}/refuse", tag = "changes",
    params(("change" = String, Path)), request_body = Because,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn refuse(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
    Json(wish): Json<Because>,
) -> Result<Json<ChangeBody>, ApiError> {
    let id = permitted(&app, &asking, Access::Approve, &change).await?;
    app.refuse(&asking.by, &id, &wish.reason).await?;
    Ok(Json(body(&app, &asking, &id).await?))
}

/// Take back what you asked for.
#[utoipa::path(post, path = "/changes/{change}/withdraw", tag = "changes",
    params(("change" = String, Path)),
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody)))]
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
) -> Result<Json<ChangeBody>, ApiError> {
    let id = permitted(&app, &asking, Access::Request, &change).await?;
    app.withdraw(&asking.by, &id).await?;
    Ok(Json(body(&app, &asking, &id).await?))
}

/// Say how a change stands that Bailiwick could not settle by itself.
#[utoipa::path(post, path = "/changes/{change}/resolve", tag = "changes",
    params(("change" = String, Path)), request_body = Resolve,
    responses((status = 200, body = ChangeBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub(super) async fn resolve(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(change): Path<String>,
    Json(wish): Json<Resolve>,
) -> Result<Json<ChangeBody>, ApiError> {
    let id = permitted(&app, &asking, Access::Request, &change).await?;
    app.resolve(&asking.by, &id, wish.carried_out, &wish.note).await?;
    Ok(Json(body(&app, &asking, &id).await?))
}

/// What a step does, and every field that an approval binds.
pub(crate) fn describe(step: &Step) -> (String, Vec<(&'static str, String)>) {
    match step {
        Step::IssueCertificate(issue) => (
            format!("issue a certificate for {}", joined(&issue.names)),
            vec![
                ("service", issue.service.to_string()),
                ("names", joined(&issue.names)),
                ("key", issue.key.to_string()),
                ("issuer", issue.issuer.to_string()),
                ("profile", issue.profile.to_string()),
                ("longest validity", format!("{} s", issue.lifetime_seconds_max)),
                (
                    "envelope",
                    issue.envelope.as_ref().map_or("none".to_owned(), ToString::to_string),
                ),
            ],
        ),
        Step::RevokeCertificate(revoke) => (
            format!("revoke certificate {} of {}", revoke.serial, revoke.service),
            vec![
                ("service", revoke.service.to_string()),
                ("fingerprint", revoke.fingerprint.to_string()),
                ("issuer", revoke.issuer.to_string()),
                ("serial", revoke.serial.to_string()),
                ("reason", revoke.reason.as_str().to_owned()),
            ],
        ),
        Step::GrantEnvelope(envelope) => granting(envelope),
        Step::EndEnvelope { envelope, service, why } => (
            format!("end envelope {envelope} of {service}"),
            vec![
                ("envelope", envelope.to_string()),
                ("service", service.to_string()),
                ("why", why.clone()),
            ],
        ),
        Step::NarrowEnvelope(narrow) => narrowing(narrow),
        Step::EditEstate { before, after } => (
            "make another estate the active one".to_owned(),
            vec![
                ("before", before.map_or("none".to_owned(), |digest| digest.to_string())),
                ("after", after.to_string()),
            ],
        ),
        Step::PublishRecords(_)
        | Step::AwaitPropagation(_)
        | Step::DeployCertificate(_)
        | Step::VerifyServed(_) => super::joint_words::describe(step),
        Step::RotateIssuer(rotate) => rotating(rotate),
        Step::RotateKey(_) | Step::RetireKey(_) => super::key_words::describe(step),
        Step::RegisterAccount(register) => (
            format!("register an account at issuer {}", register.issuer),
            vec![
                ("issuer", register.issuer.to_string()),
                ("directory", register.directory.clone()),
                ("contacts", register.contacts.join(", ")),
                ("binding", register.binding.clone().unwrap_or_else(|| "none".to_owned())),
            ],
        ),
    }
}

fn rotating(rotate: &RotateIssuer) -> (String, Vec<(&'static str, String)>) {
    let does = format!(
        "let new certificates of issuer {} come from generation {}",
        rotate.issuer, rotate.after
    );
    let certificate = rotate.certificate.map_or_else(
        || "the root signs it once this is approved".to_owned(),
        |print| print.to_string(),
    );
    let fields = vec![
        ("issuer", rotate.issuer.to_string()),
        ("issues now", format!("generation {}", rotate.before)),
        ("will issue", format!("generation {}", rotate.after)),
        ("key", rotate.key.to_string()),
        ("certificate", certificate),
    ];
    (does, fields)
}

fn narrowing(narrow: &NarrowEnvelope) -> (String, Vec<(&'static str, String)>) {
    let uses = |bounds: &Bounds| bounds.uses_max.map_or("any".to_owned(), |max| max.to_string());
    let (before, after) = (&narrow.before, &narrow.after);
    let does = format!("narrow envelope {} of {}", narrow.envelope, narrow.service);
    let fields = vec![
        ("envelope", narrow.envelope.to_string()),
        ("service", narrow.service.to_string()),
        ("names before", joined(&before.names)),
        ("names", joined(&after.names)),
        ("until before", before.until.to_string()),
        ("until", after.until.to_string()),
        ("uses before", uses(before)),
        ("uses at most", uses(after)),
        ("why", narrow.why.clone()),
    ];
    (does, fields)
}

fn granting(envelope: &Envelope) -> (String, Vec<(&'static str, String)>) {
    let names = joined(&envelope.names);
    let profiles: Vec<String> = envelope.profiles.iter().map(ToString::to_string).collect();
    let does = format!(
        "let {} get certificates for {names} without asking again until {}",
        envelope.service, envelope.until
    );
    let account = envelope.account.as_ref().map_or_else(|| "any".to_owned(), ToString::to_string);
    let uses = envelope.uses_max.map_or_else(|| "any".to_owned(), |max| max.to_string());
    let fields = vec![
        ("service", envelope.service.to_string()),
        ("names", names),
        ("issuer", envelope.issuer.to_string()),
        ("profiles", profiles.join(", ")),
        ("account", account),
        ("until", envelope.until.to_string()),
        ("uses at most", uses),
    ];
    (does, fields)
}

fn joined(names: &[SanName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What an event says beyond its kind.
pub(crate) fn says(event: &Event) -> String {
    match event {
        Event::Requested(request) => request.reason.clone(),
        Event::Validated { prechecks, .. } => match prechecks.len() {
            1 => "1 check holds".to_owned(),
            many => format!("{many} checks hold"),
        },
        Event::Refused { why, .. }
        | Event::StepFailed { why, .. }
        | Event::StepUnknown { why, .. }
        | Event::UndoNotDone { why, .. }
        | Event::VerifyFailed { why }
        | Event::VerifyUnknown { why } => why.clone(),
        Event::ApprovalGiven(approval) => approval.comment.clone(),
        Event::Approved(basis) => match basis.approvals_needed {
            0 => "policy alone approves".to_owned(),
            1 => "1 approval is enough".to_owned(),
            many => format!("{many} approvals are enough"),
        },
        Event::HandedOver { person, why, .. } => format!("{person} has to find out: {why}"),
        Event::Resolved { note, .. } => note.clone(),
        Event::StepStarted { index, .. }
        | Event::StepDone { index, .. }
        | Event::UndoStarted { index }
        | Event::UndoDone { index, .. } => format!("step {}", index.saturating_add(1)),
        Event::StepSeen { index, holds, lanes } => super::joint_words::seen(*index, *holds, lanes),
        Event::Withdrawn { .. } | Event::Expired | Event::Verified => String::new(),
    }
}
