//! The `iodef` URL of CAA (RFC 8659, section 4.4): whoever saw an issuance that CAA forbids tells it here,
//! by HTTPS POST of IODEF (RFC 7970, RFC 6546) or of plain text. Nobody signs in.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bailiwick_wire::iodef::REPORT_OCTETS_MAX;

use super::api::status;
use super::intake::octets;
use crate::app::App;
use crate::fault::Fault;

/// Takes a report. What is answered tells nothing but that it was taken.
pub(crate) async fn take(State(app): State<Arc<App>>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let body = match octets(request.into_body(), REPORT_OCTETS_MAX).await {
        Ok(body) => body,
        Err(cause) => return (cause.status(), format!("{cause}\n")).into_response(),
    };
    match app.take_report(&body, peer).await {
        Ok(id) => {
            let says = format!("Taken as {id}. A person looks at it within the day.\n");
            (StatusCode::ACCEPTED, says).into_response()
        }
        // Whoever sends that many has to wait; nothing is wrong on our side.
        Err(fault @ Fault::Busy { .. }) => {
            (StatusCode::TOO_MANY_REQUESTS, format!("{fault}\n")).into_response()
        }
        Err(fault) => {
            let status = status(&fault);
            if status.is_server_error() {
                tracing::error!(error = %fault, "a report could not be taken");
                return (status, "try again in a moment\n").into_response();
            }
            (status, format!("{fault}\n")).into_response()
        }
    }
}
