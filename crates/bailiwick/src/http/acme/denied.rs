//! Every way in which ACME says no, and the one place where a fault becomes a problem document.

use bailiwick_core::gate::{Problem, ProblemKind};
use bailiwick_wire::acme::status_of;

use crate::app::Limited;
use crate::fault::Fault;

/// When a client may try again after a fault of ours, in seconds.
const RETRY_SECONDS: u32 = 5;

/// A refusal with all that goes around it.
#[derive(Debug)]
pub(super) struct Denied {
    /// The HTTP status.
    pub status: u16,
    /// The problem document.
    pub problem: Box<Problem>,
    /// Whether it lists the signature algorithms that are accepted.
    pub algorithms: Algorithms,
    /// `Location`, where the protocol has one (RFC 8555, section 7.3.5).
    pub location: Option<String>,
    /// `Retry-After`, where waiting helps.
    pub retry_after_seconds: Option<u32>,
    /// `Link`s: where it is explained, or what has to be agreed to.
    pub links: Vec<(String, &'static str)>,
    /// `Allow`, where the method is wrong (RFC 9110, section 15.5.6).
    pub allow: Option<&'static str>,
}

/// Whether a problem document lists signature algorithms (RFC 8555, section 6.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithms {
    /// It does.
    Listed,
    /// It does not.
    NotListed,
}

impl Denied {
    /// A problem with the status of its kind.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let problem =
            Problem { kind, detail: detail.into(), instance: None, subproblems: Vec::new() };
        Self::from(problem)
    }

    /// The same with another status.
    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The method is wrong; this one is right.
    pub(super) fn allowing(mut self, method: &'static str) -> Self {
        self.allow = Some(method);
        self
    }

    /// A request that is not what its resource takes.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Malformed, detail)
    }

    /// There is no such object, or it belongs to somebody else: the answers do not differ.
    pub(super) fn missing(what: &str) -> Self {
        Self::malformed(format!("there is no such {what} of this account; check the URL"))
            .with_status(404)
    }

    /// Too much was asked for; `help` is where the limits are explained (RFC 8555, section 6.6).
    pub(super) fn limited(limited: Limited, help: String) -> Self {
        Self {
            retry_after_seconds: Some(limited.retry_after_seconds),
            links: vec![(help, "help")],
            ..Self::new(ProblemKind::RateLimited, limited.detail)
        }
    }

    /// With a `Link`.
    pub(super) fn link(mut self, url: String, relation: &'static str) -> Self {
        self.links.push((url, relation));
        self
    }

    /// The account is over (RFC 8555, section 7.3.6).
    pub(super) fn account_over(status: &str) -> Self {
        Self::new(
            ProblemKind::Unauthorized,
            format!(
                "the account is {status}; register another with a new key and a new credential"
            ),
        )
        .with_status(401)
    }
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self {
            status: status_of(problem.kind),
            problem: Box::new(problem),
            algorithms: Algorithms::NotListed,
            location: None,
            retry_after_seconds: None,
            links: Vec::new(),
            allow: None,
        }
    }
}

impl From<Fault> for Denied {
    /// What is the client's fault is told; what is ours is logged, and the client learns only that
    /// it is not to blame.
    fn from(fault: Fault) -> Self {
        let ours = |status, detail: &str| {
            tracing::error!(fault = fault.label(), error = %fault, "an ACME request failed");
            Self::new(ProblemKind::ServerInternal, detail).with_status(status)
        };
        match &fault {
            Fault::BadInput { .. } => Self::malformed(fault.to_string()),
            // ACME requests prove themselves; nobody signs in here.
            Fault::NotSignedIn { .. } | Fault::NotAllowed { .. } => {
                Self::new(ProblemKind::Unauthorized, fault.to_string())
            }
            Fault::NotFound { .. } => Self::malformed(fault.to_string()).with_status(404),
            Fault::Conflict { .. } => Self::malformed(fault.to_string()).with_status(409),
            Fault::Unreachable { .. } | Fault::Busy { .. } => Self {
                retry_after_seconds: Some(RETRY_SECONDS),
                ..ours(503, "the server cannot do this at the moment; try again")
            },
            Fault::Damaged { .. } | Fault::Bug { .. } => {
                ours(500, "the server failed; its operator finds the reason in its log")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fault: Fault, expected: (u16, ProblemKind)) {
        let label = fault.label();
        let denied = Denied::from(fault);
        assert_eq!((denied.status, denied.problem.kind), expected, "{label}");
        assert!(!denied.problem.detail.contains("secret"), "{label}: {}", denied.problem.detail);
    }

    #[test]
    fn faults_of_ours_say_nothing_of_the_inside() {
        let message = || "secret: table x".to_owned();
        let unreachable = Fault::Unreachable { peer: "secret".to_owned(), message: message() };
        check(unreachable, (503, ProblemKind::ServerInternal));
        check(Fault::Busy { message: message() }, (503, ProblemKind::ServerInternal));
        check(Fault::Damaged { message: message() }, (500, ProblemKind::ServerInternal));
        check(Fault::Bug { message: message() }, (500, ProblemKind::ServerInternal));
    }

    #[test]
    fn faults_of_the_client_are_told() {
        let message = || "what to do".to_owned();
        check(Fault::input("names", "x"), (400, ProblemKind::Malformed));
        let rule = "own-objects".to_owned();
        check(Fault::NotAllowed { rule, message: message() }, (403, ProblemKind::Unauthorized));
        check(Fault::not_found("order"), (404, ProblemKind::Malformed));
        check(Fault::conflict(message()), (409, ProblemKind::Malformed));
        assert!(Denied::from(Fault::conflict(message())).problem.detail.contains("what to do"));
    }
}
