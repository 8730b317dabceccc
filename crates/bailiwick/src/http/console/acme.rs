//! What whoever runs an ACME client has to know about this server: where, how, and how much.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bailiwick_core::gate::ChallengeKind;
use maud::{Markup, html};

use super::page::page;
use crate::app::App;

/// The ways to show control of a name, and what each is for.
const WAYS: [(ChallengeKind, &str); 5] = [
    (ChallengeKind::Http01, "a file at port 80 (RFC 8555, 8.3)"),
    (ChallengeKind::TlsAlpn01, "a TLS handshake at port 443 (RFC 8737)"),
    (ChallengeKind::Dns01, "a TXT record at _acme-challenge (RFC 8555, 8.4); wildcards too"),
    (
        ChallengeKind::DnsAccount01,
        "a TXT record at a place of the account's own, so that two clients can be at it; wildcards too",
    ),
    (
        ChallengeKind::DnsPersist01,
        "a TXT record at _validation-persist that stands; wildcards where it says policy=wildcard",
    ),
];

/// The page.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let body = body(&app);
    page(&app, None, "ACME", body).into_response()
}

fn body(app: &App) -> Markup {
    let live = app.live.get();
    let base = &app.settings.base_url;
    html! {
        p { "The directory is at " code { (base) "/acme/directory" } ". An account is registered with a "
            "credential (external account binding): " code { "bailiwick credential new --service SERVICE" }
            " makes one. Renewal information (RFC 9773) is given; a client that uses it is told when to renew." }
        @if let Some(terms) = &app.settings.terms_of_service {
            p { "Whoever registers agrees to the " a href=(terms) { "terms of service" } "." }
        }
        h2 { "Ways to show control of a name" }
        dl {
            @for (kind, what) in WAYS {
                dt { code { (kind.as_str()) } }
                dd { (what) }
            }
        }
        h2 { "Profiles" }
        dl {
            @for (id, profile) in &live.estate().profiles {
                dt { code { (id) } }
                dd { "at most " (super::page::duration(profile.certificate.lifetime_seconds_max)) }
            }
        }
        h2 #limits { "Limits" }
        p { "Beyond a limit the answer is " code { "rateLimited" } " with " code { "Retry-After" }
            ". An order that says which certificate it replaces (RFC 9773) is not counted against it." }
        dl {
            @for (name, limit) in app.settings.limits.each() {
                dt { code { (name) } }
                dd { @match limit { Some(limit) => (limit), None => "none" } }
            }
        }
    }
}
