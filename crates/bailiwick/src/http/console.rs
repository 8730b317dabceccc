//! The console: server-rendered pages that work without script; one small script of our own keeps
//! them live. Strict CSP, no inline script or style.

mod accounts;
mod acme;
mod assets;
mod attestors;
mod certificates;
mod changes;
mod clients;
mod envelopes;
mod home;
mod incidents;
mod input;
mod issuers;
mod lanes;
mod page;
mod power;
mod rehearsal;
mod services;
mod sign_in;
mod watch;
mod zones;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The console's routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/certificates", get(certificates::list))
        .route("/certificates/{certificate}", get(certificates::story))
        .route("/changes", get(changes::list))
        .route("/changes/{change}", get(changes::show))
        .route("/changes/{change}/approve", post(changes::approve))
        .route("/changes/{change}/refuse", post(changes::refuse))
        .route("/changes/{change}/rehearse", post(rehearsal::rehearse))
        .route("/attestors", get(attestors::list))
        .route("/issuers", get(issuers::list))
        .route("/issuers/{issuer}/rotate", post(issuers::rotate))
        .route("/emergencies", get(power::emergencies).post(power::declare))
        .route("/emergencies/{change}/review", post(power::review))
        .route("/duties", get(power::duties))
        .route("/services", get(services::list))
        .route("/services/{service}/envelopes", get(envelopes::list).post(envelopes::request))
        .route("/services/{service}/clients", get(clients::list))
        .route("/services/{service}/credentials", post(clients::make))
        .route("/credentials/{credential}/rotate", post(clients::rotate))
        .route("/credentials/{credential}/revoke", post(clients::revoke))
        .route("/accounts/{account}", get(accounts::show))
        .route("/accounts/{account}/deactivate", post(accounts::deactivate))
        .route("/accounts/{account}/agree", post(accounts::agree))
        .route("/envelopes/{envelope}", get(envelopes::show))
        .route("/envelopes/{envelope}/narrow", post(envelopes::narrow))
        .route("/envelopes/{envelope}/end", post(envelopes::end))
        .route("/findings", get(watch::findings))
        .route("/findings/{finding}", get(watch::finding))
        .route("/findings/{finding}/adopt", post(watch::adopt))
        .route("/findings/{finding}/revert", post(watch::revert))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{incident}", get(incidents::show))
        .route("/incidents/{incident}/note", post(incidents::tell))
        .route("/incidents/{incident}/close", post(incidents::close))
        .route("/iodef", post(super::iodef::take))
        .route("/controls", get(watch::board))
        .route("/controls/{zone}", get(watch::zone))
        .route("/controls/{zone}/{view}", get(watch::zone_view))
        .route("/zones/{zone}", get(zones::zone))
        .route("/zones/{zone}/{view}", get(zones::zone_view))
        .route("/caa/{name}", get(watch::name))
        .route("/events", get(super::api::events_stream))
        .route("/welcome/{secret}", get(sign_in::welcome).post(sign_in::enter))
        .route("/sign-in", get(sign_in::show))
        .route("/sign-out", post(sign_in::leave))
        .route("/docs/api", get(home::api))
        .route("/docs/acme", get(acme::show))
        .route("/assets/{file}", get(assets::serve))
        .route("/metrics", get(home::metrics))
        .route("/healthz", get(super::plain::health))
        .method_not_allowed_fallback(page::wrong_method)
        .fallback(page::missing)
        .with_state(app)
}
