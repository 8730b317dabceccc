//! What stands around every request: limits, a net under panics, headers, measures.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::intake::BODY_OCTETS_MAX;
use crate::app::App;

/// A request takes at most this long; issuing includes DNS look-ups with their own, shorter limits.
const REQUEST_MAX: Duration = Duration::from_secs(60);

/// Puts the guards around a router.
pub(super) fn around(router: Router, app: &Arc<App>) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_OCTETS_MAX))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(app), measured))
}

/// Counts and times each request, and adds the headers that every answer carries.
async fn measured(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let began = app.now();
    let mut response = next.run(request).await;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of one request fit a float")]
    let seconds = app.now().ms_since(began) as f64 / 1_000.0;
    app.metrics.request(&route, response.status().as_u16(), seconds);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    response
}
