//! The directory and nonces: what is had without a signature (RFC 8555, sections 7.1.1 and 7.2).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_wire::acme::{self, DirectoryMeta};

use super::Acme;
use super::answer::{Answer, Index};

/// Seconds of a day, for profiles.
const DAY_SECONDS: u32 = 86_400;

pub(super) async fn directory(State(acme): State<Arc<Acme>>) -> Response {
    let live = acme.app.live.get();
    let about = |seconds: u32| format!("certificates of up to {} days", seconds / DAY_SECONDS);
    let profiles = live
        .estate()
        .profiles
        .iter()
        .map(|(id, profile)| (id.to_string(), about(profile.certificate.lifetime_seconds_max)));
    let meta = DirectoryMeta {
        website: Some(acme.app.settings.base_url.clone()),
        terms_of_service: acme.app.settings.terms_of_service.clone(),
        caa_identities: acme.app.issuer_domains(),
        profiles: profiles.collect(),
    };
    acme.render(Answer::json(acme::directory(&acme.urls, meta)), Index::Itself)
}

pub(super) async fn nonce(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(acme.admit(request.extensions()).map(|()| Answer::nothing().no_content()))
}

pub(super) async fn nonce_head(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(acme.admit(request.extensions()).map(|()| Answer::nothing()))
}
