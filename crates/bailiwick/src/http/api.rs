//! The REST API, version 1. Each handler: who asks, parse, one use case, render.

pub(crate) mod attestors;
pub(crate) mod bodies;
mod caller;
pub(crate) mod certificates;
pub(crate) mod changes;
mod enrolments;
pub(crate) mod envelopes;
mod error;
mod estate;
mod events;
pub(crate) mod incidents;
mod input;
pub(crate) mod issuers;
mod joint;
mod joint_words;
mod key_words;
mod ledger;
mod people;
pub(crate) mod power;
mod reference;
pub(crate) mod registry;
pub(crate) mod services;
mod upstream;
pub(crate) mod watch;
mod zones;

use std::sync::Arc;

use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use utoipa::OpenApi as _;

use super::intake::{ESTATE_OCTETS_MAX, OctetsMax};
use crate::app::App;

pub(crate) use caller::{COOKIE, cookie_of, from_our_pages};
pub(crate) use error::{ApiError, status};
pub(crate) use events::stream as events_stream;

/// The description of the API, made from the handlers below.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Bailiwick",
        description = "Who may cause a certificate or a DNS record to exist, who approved it, and the proof.",
        version = "1"
    ),
    servers((url = "/api/v1")),
    paths(
        people::me, people::make_link, people::exchange_link, people::make_token, people::list_tokens,
        people::revoke_token,
        changes::list, changes::show, changes::approve, changes::refuse, changes::withdraw,
        changes::resolve, joint::plan, joint::request, joint::rehearse,
        certificates::list, certificates::show, certificates::story, certificates::revoke,
        services::list, envelopes::envelopes, envelopes::envelope, envelopes::request_envelope,
        envelopes::narrow_envelope, envelopes::end_envelope,
        registry::credentials, registry::make_credential, registry::rotate_credential,
        registry::revoke_credential,
        registry::accounts, registry::account, registry::deactivate_account, registry::agree,
        registry::standing_records,
        enrolments::enrol, enrolments::enrol_again, attestors::list,
        estate::show, estate::plan, estate::apply,
        issuers::list, issuers::show, issuers::rotate,
        upstream::accounts, upstream::register, upstream::rotate_key, upstream::set_secret,
        zones::show, zones::records, zones::try_zone, zones::rotate_key,
        ledger::checkpoint, ledger::entry, ledger::tile, ledger::decision,
        watch::findings, watch::finding, watch::adopt_finding, watch::put_back, watch::revert_finding,
        incidents::incidents, incidents::report, incidents::incident, incidents::note_incident,
        incidents::close_incident,
        watch::control, watch::control_evidence, watch::caa_history, watch::edit_lab_zone,
        power::declare, power::emergencies, power::review, power::delegate, power::toxic,
        power::duties, power::acts,
        events::stream,
    ),
    modifiers(&Token, &CallNames),
    tags(
        (name = "changes", description = "Tickets: ask, read, approve, refuse"),
        (name = "certificates", description = "What was issued, and why it exists"),
        (name = "services", description = "Owners of names, their envelopes and credentials"),
        (name = "estate", description = "What the organisation decided to have"),
        (name = "watch", description = "What is seen, held against what was decided, and who has to act"),
        (name = "zones", description = "Zones as their servers show them, and the ways into them"),
        (name = "ledger", description = "Proof"),
        (name = "people", description = "Who asks"),
    )
)]
pub(crate) struct Description;

/// The description as JSON text.
pub(crate) fn description() -> Result<String, serde_json::Error> {
    Description::openapi().to_pretty_json()
}

/// The routes under `/api/v1`.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/me", get(people::me))
        .route("/people/{person}/link", post(people::make_link))
        .route("/sign-in", post(people::exchange_link))
        .route("/tokens", get(people::list_tokens).post(people::make_token))
        .route("/tokens/{token}", delete(people::revoke_token))
        .route("/changes", get(changes::list).post(joint::request))
        .route("/changes/plan", post(joint::plan))
        .route("/changes/{change}", get(changes::show))
        .route("/changes/{change}/approve", post(changes::approve))
        .route("/changes/{change}/refuse", post(changes::refuse))
        .route("/changes/{change}/withdraw", post(changes::withdraw))
        .route("/changes/{change}/resolve", post(changes::resolve))
        .route("/changes/{change}/rehearse", post(joint::rehearse))
        .route("/certificates", get(certificates::list))
        .route("/certificates/{certificate}", get(certificates::show))
        .route("/certificates/{certificate}/story", get(certificates::story))
        .route("/certificates/{certificate}/revoke", post(certificates::revoke))
        .route("/services", get(services::list))
        .route(
            "/services/{service}/envelopes",
            get(envelopes::envelopes).post(envelopes::request_envelope),
        )
        .route("/envelopes/{envelope}", get(envelopes::envelope))
        .route("/envelopes/{envelope}/narrow", post(envelopes::narrow_envelope))
        .route("/envelopes/{envelope}/end", post(envelopes::end_envelope))
        .route("/credentials", get(registry::credentials).post(registry::make_credential))
        .route("/credentials/{credential}", delete(registry::revoke_credential))
        .route("/credentials/{credential}/rotate", post(registry::rotate_credential))
        .route("/accounts", get(registry::accounts))
        .route("/accounts/{account}", get(registry::account))
        .route("/accounts/{account}/deactivate", post(registry::deactivate_account))
        .route("/accounts/{account}/agree", post(registry::agree))
        .route("/standing-records", get(registry::standing_records))
        .route("/enrolments", post(enrolments::enrol))
        .route("/enrolments/{account}", post(enrolments::enrol_again))
        .route("/attestors", get(attestors::list))
        .route("/estate", get(estate::show))
        .route("/estate/plan", post(estate::plan).layer(whole_estate()))
        .route("/estate/apply", post(estate::apply).layer(whole_estate()))
        .route("/issuers", get(issuers::list))
        .route("/issuers/{issuer}", get(issuers::show))
        .route("/issuers/{issuer}/rotate", post(issuers::rotate))
        .route("/ca-accounts", get(upstream::accounts).post(upstream::register))
        .route("/ca-accounts/{issuer}/rotate-key", post(upstream::rotate_key))
        .route("/secrets", post(upstream::set_secret))
        .merge(watched())
        .route("/zones/{zone}", get(zones::show))
        .route("/zones/{zone}/records", get(zones::records))
        .route("/zones/{zone}/try", post(zones::try_zone))
        .route("/zones/{zone}/rotate-key", post(zones::rotate_key))
        .route("/ledger/checkpoint", get(ledger::checkpoint))
        .route("/ledger/entries/{index}", get(ledger::entry))
        .route("/ledger/{*path}", get(ledger::tile))
        .route("/decisions/{decision}", get(ledger::decision))
        .route("/emergencies", get(power::emergencies).post(power::declare))
        .route("/emergencies/{change}/review", post(power::review))
        .route("/services/{service}/delegated-executions", post(power::delegate))
        .route("/duties/toxic", get(power::toxic))
        .route("/duties/of/{*subject}", get(power::duties))
        .route("/acts", get(power::acts))
        .route("/events", get(events::stream))
        .route("/openapi.json", get(reference::openapi))
        .method_not_allowed_fallback(error::wrong_method)
        .fallback(error::no_route)
        .with_state(app)
}

/// The routes about what is seen, and who has to act.
fn watched() -> Router<Arc<App>> {
    Router::new()
        .route("/findings", get(watch::findings))
        .route("/findings/{finding}", get(watch::finding))
        .route("/findings/{finding}/adopt", post(watch::adopt_finding))
        .route("/findings/{finding}/revert", get(watch::revert_finding).post(watch::put_back))
        .route("/incidents", get(incidents::incidents).post(incidents::report))
        .route("/incidents/{incident}", get(incidents::incident))
        .route("/incidents/{incident}/note", post(incidents::note_incident))
        .route("/incidents/{incident}/close", post(incidents::close_incident))
        .route("/control", get(watch::control))
        .route("/control/evidence", get(watch::control_evidence))
        .route("/caa/{name}/history", get(watch::caa_history))
        .route("/lab/zones/{zone}", post(watch::edit_lab_zone))
}

/// A folder with everything an organisation has, as one body.
const fn whole_estate() -> Extension<OctetsMax> {
    Extension(OctetsMax(ESTATE_OCTETS_MAX))
}

/// The reference page, which the console serves at `/docs/api`.
pub(crate) use reference::page as reference_page;
use reference::{CallNames, Token};
