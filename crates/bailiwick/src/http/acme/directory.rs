//! The directory and nonces: what is had without a signature (RFC 8555, sections 7.1.1 and 7.2).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bailiwick_wire::acme::{self, DirectoryMeta};

use super::Acme;
use super::answer::{Answer, Index};

/// Seconds of a day, for profiles.
const DAY_SECONDS: u32 = 86_400;

pub(super) async fn directory(State(acme): State<Arc<Acme>>) -> Response {
    let live = acme.app.live.get();
    let issuers = live.estate().issuers.iter().filter(|(id, _)| acme.app.issuers.contains_key(*id));
    let caa: BTreeSet<String> =
        issuers.flat_map(|(_, issuer)| issuer.caa_domains.iter().cloned()).collect();
    let about = |seconds: u32| format!("certificates of up to {} days", seconds / DAY_SECONDS);
    let profiles = live
        .estate()
        .profiles
        .iter()
        .map(|(id, profile)| (id.to_string(), about(profile.certificate.lifetime_seconds_max)));
    let meta = DirectoryMeta {
        website: Some(acme.app.settings.base_url.clone()),
        caa_identities: caa.into_iter().collect(),
        profiles: profiles.collect(),
    };
    acme.render(Answer::json(acme::directory(&acme.urls, meta)), Index::Itself)
}

pub(super) async fn nonce(State(acme): State<Arc<Acme>>) -> Response {
    acme.render(Answer::nothing().no_content(), Index::Linked)
}

pub(super) async fn nonce_head(State(acme): State<Arc<Acme>>) -> Response {
    acme.render(Answer::nothing(), Index::Linked)
}
