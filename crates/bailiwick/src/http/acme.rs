//! The ACME server: the everyday path of RFC 8555 for clients as they are.
//!
//! Each handler permits, parses, calls one use case and renders. `transport` says who may speak,
//! `answer` what every response carries, `denied` how every refusal looks.

mod accounts;
mod answer;
mod authorizations;
mod certificates;
mod denied;
mod directory;
mod key_change;
mod keys;
mod nonces;
mod orders;
mod path;
mod renewal;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{Extensions, Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use bailiwick_wire::acme::Urls;

use crate::app::{App, Limited};
use crate::limits::ByAddress;
use crate::world::NoRandomness;
use denied::Denied;
use keys::Keys;
use nonces::Nonces;

/// What the handlers share.
struct Acme {
    app: Arc<App>,
    nonces: Nonces,
    urls: Urls,
    keys: Keys,
    strangers: ByAddress,
}

impl Acme {
    fn new(app: Arc<App>) -> Result<Self, NoRandomness> {
        let nonces = Nonces::new(&app.world)?;
        let urls = Urls::new(&app.settings.base_url);
        let (keys, strangers) = (Keys::default(), ByAddress::default());
        Ok(Self { app, nonces, urls, keys, strangers })
    }

    /// Takes a request that needs no account, unless its address sent too many.
    fn admit(&self, extensions: &Extensions) -> Result<(), Denied> {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let (Some(limit), Some(ConnectInfo(peer))) =
            (self.app.settings.limits.requests_per_address, peer)
        else {
            return Ok(());
        };
        self.strangers.take(limit, peer.ip(), self.app.now()).map_err(|retry_after_seconds| {
            let detail = format!(
                "too many requests from {}: {limit}; try again in {retry_after_seconds} s",
                peer.ip()
            );
            self.limited(Limited { detail, retry_after_seconds })
        })
    }

    fn limited(&self, limited: Limited) -> Denied {
        Denied::limited(limited, self.urls.of_path("/docs/acme#limits"))
    }
}

/// The routes below `/acme`. Without randomness there are no nonces, and so no ACME.
pub(crate) fn router(app: Arc<App>) -> Router {
    let acme = match Acme::new(app) {
        Ok(acme) => Arc::new(acme),
        Err(cause) => {
            tracing::error!(error = %cause, "ACME is not served");
            return Router::new().fallback(|| async { StatusCode::SERVICE_UNAVAILABLE });
        }
    };
    Router::new()
        .route("/directory", get(directory::directory))
        .route("/new-nonce", get(directory::nonce).head(directory::nonce_head))
        .route("/new-account", post(accounts::register))
        .route("/account/{account}", post(accounts::account))
        .route("/account/{account}/orders", post(orders::list))
        .route("/key-change", post(key_change::change))
        .route("/new-authz", post(authorizations::create))
        .route("/new-order", post(orders::create))
        .route("/order/{order}", post(orders::order))
        .route("/order/{order}/finalize", post(orders::finalize))
        .route("/authz/{authz}", post(authorizations::authorization))
        .route("/challenge/{authz}/{challenge}", post(authorizations::challenge))
        .route("/certificate/{certificate}", post(certificates::certificate))
        .route("/certificate/{certificate}/{chain}", post(certificates::alternate))
        .route("/renewal-info/{certificate}", get(renewal::show))
        .route("/revoke-cert", post(certificates::revoke))
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here)
        .with_state(acme)
}

/// RFC 8555, section 6.3: everything but the directory and nonces is asked for by POST.
async fn wrong_method(State(acme): State<Arc<Acme>>, method: Method) -> Response {
    let other = if method == Method::POST { "GET" } else { "POST" };
    let denied =
        Denied::malformed(format!("this resource is not for {}; use {other}", shown(&method)))
            .with_status(405)
            .allowing(other);
    acme.respond(Err(denied))
}

async fn nothing_here(State(acme): State<Arc<Acme>>) -> Response {
    acme.respond(Err(
        Denied::malformed("there is nothing here; begin at the directory").with_status(404)
    ))
}

/// A method's name, if it is one of the usual ones: others are a client's own text.
fn shown(method: &Method) -> &str {
    let usual =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
    if usual.contains(method) { method.as_str() } else { "this method" }
}
