//! What a request of the API brings: its body, query and path. What is wrong with them is told as every
//! other error is, with the field and what to do.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bailiwick_core::shown::{shown, told};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::ErrorBody;
use crate::http::intake::{NotTaken, body_of};

/// A request, or a part of it, could not be read.
pub(crate) struct NotRead {
    status: StatusCode,
    field: String,
    message: String,
}

impl NotRead {
    fn bad(field: impl Into<String>, message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, field: field.into(), message }
    }
}

impl IntoResponse for NotRead {
    fn into_response(self) -> Response {
        let message = format!("`{}`: {}", self.field, self.message);
        let body =
            ErrorBody { error: "bad-input", message, field: Some(self.field.into()), rule: None };
        (self.status, axum::Json(body)).into_response()
    }
}

impl From<NotTaken> for NotRead {
    fn from(cause: NotTaken) -> Self {
        Self { status: cause.status(), ..Self::bad("body", cause.to_string()) }
    }
}

/// A JSON body, in and out.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = NotRead;

    async fn from_request(request: Request, _: &S) -> Result<Self, NotRead> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if !kind.and_then(|kind| kind.to_str().ok()).is_some_and(is_json) {
            let message = "send `application/json`".to_owned();
            let unread = NotRead::bad("content-type", message);
            return Err(NotRead { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..unread });
        }
        let (parts, body) = request.into_parts();
        parse(&body_of(&parts.extensions, body).await?).map(Self)
    }
}

/// Whether a media type is JSON, with whatever parameters.
fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(octets: &[u8]) -> Result<T, NotRead> {
    let mut reader = serde_json::Deserializer::from_slice(octets);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|cause| {
        let path = cause.path().to_string();
        let cause = cause.into_inner();
        let text = cause.to_string();
        match cause.classify() {
            Category::Data => NotRead::bad(
                field(&path, &text),
                format!("{}; /docs/api says what may stand here", told(&text)),
            ),
            Category::Syntax | Category::Eof | Category::Io => not_json(&text),
        }
    })?;
    reader.end().map_err(|cause| not_json(&cause.to_string()))?;
    Ok(value)
}

fn not_json(cause: &str) -> NotRead {
    NotRead::bad("body", format!("not JSON: {}; /docs/api says what may stand here", told(cause)))
}

/// What a complaint is about: the place in the body and, where it names a member, that member.
fn field(path: &str, complaint: &str) -> String {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|begin| complaint.strip_prefix(begin))
        .and_then(|rest| rest.split('`').next());
    let field = match (path, named) {
        (".", None) => "body",
        (".", Some(named)) => named,
        (path, _) => path,
    };
    shown(field).to_string()
}

/// The parameters behind the `?`.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = NotRead;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NotRead> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(params)| Self(params))
            .map_err(|cause| bad_query(&cause))
    }
}

fn bad_query(cause: &QueryRejection) -> NotRead {
    let text = cause.body_text();
    let (_, complaint) = text.split_once(": ").unwrap_or(("", &text));
    let named = complaint.split_once(": ").map_or(".", |(name, _)| name);
    let message = format!("{}; /docs/api says what may stand here", told(complaint));
    let field = field(named, complaint);
    NotRead::bad(if field == "body" { "query".to_owned() } else { field }, message)
}

/// What stands in the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = NotRead;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NotRead> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|cause| bad_path(&cause))
    }
}

fn bad_path(cause: &PathRejection) -> NotRead {
    let text = cause.body_text();
    NotRead::bad("path", format!("{}; /docs/api says what may stand here", told(&text)))
}
