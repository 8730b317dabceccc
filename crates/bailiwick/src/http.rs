//! The faces that speak HTTP: ACME for machines, the API, the console; and the listeners they share.

pub(crate) mod acme;
pub(crate) mod api;
pub(crate) mod console;
mod guard;
mod intake;
pub(crate) mod iodef;
mod plain;
mod routes;
pub(crate) mod server;

pub(crate) use routes::ROUTES;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The HTTPS side as a whole.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let faces = Router::new()
        .nest("/acme", acme::router(Arc::clone(app)))
        .nest("/api/v1", api::router(Arc::clone(app)))
        .merge(console::router(Arc::clone(app)));
    guard::around(faces, app)
}

/// The plain HTTP side: what has to be had without TLS (CRLs, issuer certificates, health), and a
/// pointer to the HTTPS side for everything else.
pub(crate) fn plain_router(app: &Arc<App>) -> Router {
    plain::router(Arc::clone(app))
}
