//! Who asks: a token in the header, or a session in the cookie. Taken before the body is read.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};

use super::error::ApiError;
use crate::app::{App, Asking};
use crate::fault::Fault;

/// The session cookie. `__Host-` pins it to this host, path `/` and TLS.
pub(crate) const COOKIE: &str = "__Host-bailiwick";

/// A caller who proved who they are.
pub(crate) struct Caller(pub(crate) Asking);

/// The value of our cookie, where the request carries it.
pub(crate) fn cookie_of(parts: &Parts) -> Option<&str> {
    parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

fn bearer_of(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A browser sends cookies by itself, so an unsafe request with one must come from our own pages.
pub(crate) fn from_our_pages(app: &App, parts: &Parts) -> bool {
    let same_site = parts
        .headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none");
    let same_origin = parts
        .headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() == app.settings.base_url.as_bytes());
    same_site && same_origin
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let unknown = || {
            ApiError(Fault::NotSignedIn {
                message: "send `Authorization: Bearer TOKEN` with a token that is not over; \
                          `bailiwick token new` makes one"
                    .to_owned(),
            })
        };
        if let Some(secret) = bearer_of(parts) {
            return app.token(secret).await?.map(Self).ok_or_else(unknown);
        }
        let Some(cookie) = cookie_of(parts) else { return Err(unknown()) };
        let asking = app.session(cookie).await?.ok_or_else(unknown)?;
        if !matches!(parts.method, Method::GET | Method::HEAD) && !from_our_pages(app, parts) {
            return Err(ApiError(Fault::NotAllowed {
                rule: "same-origin".to_owned(),
                message: "this request comes from another site; use the console's own pages"
                    .to_owned(),
            }));
        }
        Ok(Self(asking))
    }
}
