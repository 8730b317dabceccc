//! Faults as HTTP answers: the one place that maps them.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bailiwick_core::shown::shown;
use serde::Serialize;

use crate::fault::Fault;

/// A fault on its way to a client.
pub(crate) struct ApiError(pub(crate) Fault);

/// What a client is told when something did not go.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    /// A stable word machines may match on, such as `bad-input`, `not-allowed`, `conflict`.
    pub error: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// The field that has to be mended.
    #[schema(value_type = Option<String>)]
    pub field: Option<Cow<'static, str>>,
    /// The rule that refused.
    pub rule: Option<String>,
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

/// The HTTP status of a fault.
pub(crate) const fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::BadInput { .. } => StatusCode::BAD_REQUEST,
        Fault::NotSignedIn { .. } => StatusCode::UNAUTHORIZED,
        Fault::NotAllowed { .. } => StatusCode::FORBIDDEN,
        Fault::NotFound { .. } => StatusCode::NOT_FOUND,
        Fault::Conflict { .. } => StatusCode::CONFLICT,
        Fault::Unreachable { .. } => StatusCode::BAD_GATEWAY,
        Fault::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Damaged { .. } | Fault::Bug { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(fault) = self;
        let status = status(&fault);
        if status.is_server_error() {
            tracing::error!(error = %fault, "a request could not be served");
        }
        let (field, rule) = match &fault {
            Fault::BadInput { field, .. } => (Some(Cow::Borrowed(*field)), None),
            Fault::NotAllowed { rule, .. } => (None, Some(rule.clone())),
            Fault::NotSignedIn { .. }
            | Fault::NotFound { .. }
            | Fault::Conflict { .. }
            | Fault::Unreachable { .. }
            | Fault::Busy { .. }
            | Fault::Damaged { .. }
            | Fault::Bug { .. } => (None, None),
        };
        let body = ErrorBody { error: fault.label(), message: fault.to_string(), field, rule };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: a 401 says how to prove who one is (RFC 6750, section 3).
            let challenge = HeaderValue::from_static("Bearer realm=\"bailiwick\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Nothing is served under this path.
pub(super) async fn no_route() -> ApiError {
    ApiError(Fault::not_found("such route; see /docs/api"))
}

/// This path is not for this method; the router says in `Allow` for which it is.
pub(super) async fn wrong_method(method: Method) -> Response {
    let body = ErrorBody {
        error: "wrong-method",
        message: format!(
            "this route is not for {}; use a method of `Allow`, /docs/api describes them",
            shown(method.as_str())
        ),
        field: None,
        rule: None,
    };
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}
