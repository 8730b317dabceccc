//! The path of a resource. One that cannot be read leads nowhere, and that is told in a problem document.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::Acme;
use super::denied::Denied;

/// What stands in the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Acme>> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, acme: &Arc<Acme>) -> Result<Self, Response> {
        let read = axum::extract::Path::from_request_parts(parts, acme).await;
        read.map(|axum::extract::Path(path)| Self(path)).map_err(|_| {
            let detail = "the path is not UTF-8; take the URLs that this server gave you";
            acme.respond(Err(Denied::malformed(detail).with_status(404)))
        })
    }
}
