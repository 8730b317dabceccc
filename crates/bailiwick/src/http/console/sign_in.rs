//! Signing in with a one-time link, and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::input::Path;
use super::page::{Visitor, failed, page};
use crate::app::App;
use crate::fault::Fault;
use crate::http::api::COOKIE;

/// How one signs in.
pub(super) async fn show(State(app): State<Arc<App>>) -> Response {
    let body = html! {
        p { "Open the one-time link that you were given. Your administrator makes one with "
            code { "bailiwick person link YOU" }
            "; the first start of a server prints one for the first administrator." }
        @if app.settings.lab {
            p { "This is the lab: the links of its people stand where the server was started, and "
                code { "bailiwick person link sam --as pia" } " makes another." }
        }
    };
    page(&app, None, "Sign in", body).into_response()
}

/// A link only shows a button: a program that follows links for a preview must not spend it.
pub(super) async fn welcome(State(app): State<Arc<App>>, Path(secret): Path<String>) -> Response {
    let body = html! {
        p { "This link signs you in once." }
        form method="post" action={ "/welcome/" (secret) } { button.primary { "Sign in" } }
    };
    page(&app, None, "Welcome", body).into_response()
}

/// Spends the link for a session.
pub(super) async fn enter(State(app): State<Arc<App>>, Path(secret): Path<String>) -> Response {
    match app.use_link(&secret).await {
        Ok(session) => {
            let seconds = session.expires_at.ms_since(app.now()) / 1_000;
            let cookie = format!(
                "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}",
                session.secret
            );
            with_cookie(&app, &cookie)
        }
        Err(fault) => failed(&app, None, &fault),
    }
}

/// Ends the session.
pub(super) async fn leave(State(app): State<Arc<App>>, Visitor(asking): Visitor) -> Response {
    match app.sign_out(&asking).await {
        Ok(()) => with_cookie(
            &app,
            &format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"),
        ),
        Err(fault) => failed(&app, Some(&asking), &fault),
    }
}

fn with_cookie(app: &App, cookie: &str) -> Response {
    let Ok(value) = HeaderValue::from_str(cookie) else {
        return failed(app, None, &Fault::bug("a cookie that is no header"));
    };
    let mut response = Redirect::to("/").into_response();
    response.headers_mut().insert(header::SET_COOKIE, value);
    response
}
