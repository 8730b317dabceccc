//! What every page shares: the frame, who is signed in, the security headers, the error page.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use crate::app::{App, Asking};
use crate::fault::Fault;
use crate::http::api::{cookie_of, from_our_pages, status};

/// Nothing but our own style, script, images and connections; script text only through our policy.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                   connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                   require-trusted-types-for 'script'; trusted-types bailiwick";

/// A rendered page.
pub(crate) struct Page {
    status: StatusCode,
    markup: Markup,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.markup).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
        response
    }
}

/// A page in its frame.
pub(super) fn page(app: &App, who: Option<&Asking>, title: &str, body: Markup) -> Page {
    framed(StatusCode::OK, app, who, title, body)
}

fn framed(status: StatusCode, app: &App, who: Option<&Asking>, title: &str, body: Markup) -> Page {
    let live = app.live.get();
    let estate = live.estate();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Bailiwick" }
                link rel="stylesheet" href="/assets/style.css";
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                script src="/assets/app.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { "Bailiwick" }
                    @if who.is_some() {
                        nav aria-label="Main" {
                            (tab("/", "Home", title))
                            (tab("/changes", "Changes", title))
                            (tab("/certificates", "Certificates", title))
                            (tab("/services", "Services", title))
                            (tab("/controls", "Controls", title))
                            (tab("/findings", "Findings", title))
                            (tab("/incidents", "Incidents", title))
                            (tab("/issuers", "Issuers", title))
                            (tab("/duties", "Who can do what", title))
                            (tab("/emergencies", "Emergencies", title))
                        }
                    }
                    @if app.settings.lab { span.lab title="Nothing here is real" { "lab" } }
                    @if let Some(who) = who {
                        form.who method="post" action="/sign-out" {
                            span { (estate.people.get(&who.by.person).map_or(who.by.person.as_str(), |p| p.name.as_str())) }
                            button.quiet { "Sign out" }
                        }
                    }
                }
                main #main {
                    h1 { (title) }
                    (body)
                }
                footer { (estate.organisation.name) " · every act is in the ledger" }
            }
        }
    };
    Page { status, markup }
}

fn tab(href: &str, label: &str, title: &str) -> Markup {
    html! {
        @if label == title { a href=(href) aria-current="page" { (label) } }
        @else { a href=(href) { (label) } }
    }
}

/// A person signed in to the console. Whoever is not is sent to the sign-in page.
pub(crate) struct Visitor(pub(crate) Asking);

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let cookie = cookie_of(parts).map(str::to_owned);
        let asking = match cookie {
            Some(cookie) => {
                app.session(&cookie).await.map_err(|fault| failed(app, None, &fault))?
            }
            None => None,
        };
        let Some(asking) = asking else {
            return Err(Redirect::to("/sign-in").into_response());
        };
        if !matches!(parts.method, Method::GET | Method::HEAD) && !from_our_pages(app, parts) {
            let fault = Fault::NotAllowed {
                rule: "same-origin".to_owned(),
                message: "this request comes from another site".to_owned(),
            };
            return Err(failed(app, Some(&asking), &fault));
        }
        Ok(Self(asking))
    }
}

/// The page for what did not go: what is wrong and what to do, and the way back.
pub(super) fn failed(app: &App, who: Option<&Asking>, fault: &Fault) -> Response {
    let status = status(fault);
    if status.is_server_error() {
        tracing::error!(error = %fault, "a page could not be served");
    }
    let title = match fault {
        Fault::NotFound { .. } => "Not found",
        Fault::NotSignedIn { .. } => "Not signed in",
        Fault::NotAllowed { .. } => "Not allowed",
        Fault::BadInput { .. } | Fault::Conflict { .. } => "That did not go",
        Fault::Unreachable { .. } | Fault::Busy { .. } => "Not now",
        Fault::Damaged { .. } | Fault::Bug { .. } => "Something is wrong on our side",
    };
    problem(status, app, who, title, &fault.to_string())
}

/// The page for a form or an address that could not be read.
pub(super) fn not_read(app: &App, status: StatusCode, message: &str) -> Response {
    problem(status, app, None, "That did not go", message)
}

fn problem(
    status: StatusCode,
    app: &App,
    who: Option<&Asking>,
    title: &str,
    message: &str,
) -> Response {
    let body = html! {
        p.problem role="alert" { (message) }
        p { a href="/" { "Back to what needs you" } }
    };
    framed(status, app, who, title, body).into_response()
}

/// There is such a page, but not for this method; the router says in `Allow` for which.
pub(super) async fn wrong_method(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
) -> Response {
    let message = "this page is not for this method; use a method of `Allow`";
    not_read(&app, StatusCode::METHOD_NOT_ALLOWED, message)
}

/// Nothing is served under this path.
pub(super) async fn missing(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
    visitor: Result<Visitor, Response>,
) -> Response {
    match visitor {
        Ok(Visitor(asking)) => failed(&app, Some(&asking), &Fault::not_found("such page")),
        Err(elsewhere) => elsewhere,
    }
}

/// A moment, for people: to the minute, with the exact one behind it.
pub(super) fn moment(text: &str) -> Markup {
    let shown: String = text.chars().take(16).collect();
    html! { time datetime=(text) title=(text) { (shown.replace('T', " ")) } }
}

/// A lifetime, in the largest unit that says it exactly.
pub(super) fn duration(seconds: u32) -> String {
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let exact = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, word) = exact.unwrap_or((1, "seconds"));
    format!("{} {word}", seconds / unit)
}

/// A state as a badge: the word, and a colour that only repeats it.
pub(super) fn state(word: &str) -> Markup {
    let kind = match word {
        "closed" | "valid" | "explained" | "usable" | "stands" | "holds" | "issues" => "good",
        "awaiting-approval" | "requested" | "executing" | "verifying" => "open",
        "unknown" | "rolling-back" | "fails" => "bad",
        _ => "over",
    };
    html! { span class={ "badge " (kind) } { (word) } }
}
