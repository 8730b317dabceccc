//! Answers: what every ACME response carries, in one place (RFC 8555, sections 6.5, 6.7 and 7.1).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bailiwick_wire::acme::ProblemAnswer;
use bailiwick_wire::jose::Algorithm;

use super::Acme;
use super::denied::{Algorithms, Denied};

/// `Replay-Nonce` (RFC 8555, section 6.5.1).
const REPLAY_NONCE: HeaderName = HeaderName::from_static("replay-nonce");

/// A success.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    content: Content,
    location: Option<String>,
    links: Vec<(String, &'static str)>,
    retry_after_seconds: Option<u32>,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Json(String),
    Chain(String),
}

impl Answer {
    /// An object.
    pub(super) const fn json(json: String) -> Self {
        Self::of(Content::Json(json))
    }

    /// A certificate chain (RFC 8555, section 9.1).
    pub(super) const fn chain(pem: String) -> Self {
        Self::of(Content::Chain(pem))
    }

    /// Nothing but the status.
    pub(super) const fn nothing() -> Self {
        Self::of(Content::Nothing)
    }

    const fn of(content: Content) -> Self {
        Self {
            status: StatusCode::OK,
            content,
            location: None,
            links: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// The object was made just now and lives there.
    pub(super) fn created_at(mut self, url: String) -> Self {
        self.status = StatusCode::CREATED;
        self.location = Some(url);
        self
    }

    /// The object lives there.
    pub(super) fn at(mut self, url: String) -> Self {
        self.location = Some(url);
        self
    }

    /// With a `Link`.
    pub(super) fn link(mut self, url: String, relation: &'static str) -> Self {
        self.links.push((url, relation));
        self
    }

    /// Asking again before is of no use.
    pub(super) const fn retry_after(mut self, seconds: Option<u32>) -> Self {
        self.retry_after_seconds = seconds;
        self
    }

    /// With no content, and a status that says so.
    pub(super) const fn no_content(mut self) -> Self {
        self.status = StatusCode::NO_CONTENT;
        self
    }
}

/// Whether a response points back to the directory (RFC 8555, section 7.1: all but itself).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Index {
    /// It does.
    Linked,
    /// It is the directory.
    Itself,
}

impl Acme {
    /// Renders what a handler came to, with a fresh nonce.
    pub(super) fn respond(&self, result: Result<Answer, Denied>) -> Response {
        match result {
            Ok(answer) => self.render(answer, Index::Linked),
            Err(denied) => self.refuse(denied),
        }
    }

    pub(super) fn render(&self, answer: Answer, index: Index) -> Response {
        let (kind, text) = match answer.content {
            Content::Nothing => (None, String::new()),
            Content::Json(text) => (Some("application/json"), text),
            Content::Chain(text) => (Some("application/pem-certificate-chain"), text),
        };
        let mut response = self.bare(answer.status, kind, text, index);
        let headers = response.headers_mut();
        set(headers, header::LOCATION, answer.location);
        set(headers, header::RETRY_AFTER, answer.retry_after_seconds.map(|s| s.to_string()));
        for (url, relation) in answer.links {
            link(headers, &url, relation);
        }
        response
    }

    fn refuse(&self, denied: Denied) -> Response {
        let mut document = ProblemAnswer::new(&denied.problem, denied.status);
        if denied.algorithms == Algorithms::Listed {
            document = document.with_algorithms(&Algorithm::ALL.map(Algorithm::as_str));
        }
        let status =
            StatusCode::from_u16(denied.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = Some("application/problem+json");
        let mut response = self.bare(status, kind, document.to_json(), Index::Linked);
        let headers = response.headers_mut();
        set(headers, header::LOCATION, denied.location);
        set(headers, header::RETRY_AFTER, denied.retry_after_seconds.map(|s| s.to_string()));
        for (url, relation) in denied.links {
            link(headers, &url, relation);
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            set(headers, header::ALLOW, denied.allow.map(str::to_owned));
        }
        response
    }

    /// What all have in common.
    fn bare(
        &self,
        status: StatusCode,
        kind: Option<&'static str>,
        text: String,
        index: Index,
    ) -> Response {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        set(headers, header::CONTENT_TYPE, kind.map(str::to_owned));
        set(headers, REPLAY_NONCE, Some(self.nonces.fresh(self.app.now())));
        set(headers, header::CACHE_CONTROL, Some("no-store".to_owned()));
        if index == Index::Linked {
            link(headers, &self.urls.directory(), "index");
        }
        response
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    // What cannot stand in a header is left out: our URLs and numbers always can.
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(name, value);
    }
}

fn link(headers: &mut HeaderMap, url: &str, relation: &'static str) {
    if let Ok(value) = HeaderValue::from_str(&format!("<{url}>;rel=\"{relation}\"")) {
        headers.append(header::LINK, value);
    }
}
