//! What a page's form or address brings. What is wrong with it is told on a page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bailiwick_core::shown::told;
use serde::de::DeserializeOwned;

use super::page::not_read;
use crate::app::App;
use crate::http::intake::{NotTaken, body_of};

/// What forms of pages send.
const FORM: &str = "application/x-www-form-urlencoded";

/// A form.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM) {
            let message = format!("`content-type`: send `{FORM}`, as the form of the page does");
            return Err(not_read(app, StatusCode::UNSUPPORTED_MEDIA_TYPE, &message));
        }
        let taken = |cause: NotTaken| not_read(app, cause.status(), &format!("`body`: {cause}"));
        let (parts, body) = request.into_parts();
        let octets = body_of(&parts.extensions, body).await.map_err(taken)?;
        let whole = Request::from_parts(parts, Body::from(octets));
        let read = axum::Form::from_request(whole, app).await;
        read.map(|axum::Form(form)| Self(form))
            .map_err(|cause| bad(app, "body", &cause.body_text()))
    }
}

/// The parameters behind the `?`.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let read = axum::extract::Query::from_request_parts(parts, app).await;
        read.map(|axum::extract::Query(params)| Self(params))
            .map_err(|cause| bad(app, "query", &cause.body_text()))
    }
}

/// What stands in the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let read = axum::extract::Path::from_request_parts(parts, app).await;
        read.map(|axum::extract::Path(path)| Self(path))
            .map_err(|cause| bad(app, "path", &cause.body_text()))
    }
}

fn bad(app: &App, field: &str, cause: &str) -> Response {
    let message = format!("`{field}`: {}; go back and use the page's own form", told(cause));
    not_read(app, StatusCode::BAD_REQUEST, &message)
}
