//! Problem documents (RFC 9457; RFC 8555, section 6.7).

use bailiwick_core::gate::{Problem, ProblemKind};
use serde::Serialize;

/// The namespace of registered types.
const NAMESPACE: &str = "urn:ietf:params:acme:error:";

/// A problem document as it goes out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ProblemAnswer {
    r#type: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithms: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<Identifier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subproblems: Vec<Self>,
}

/// An identifier (RFC 8555, section 7.1.4).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Identifier {
    r#type: &'static str,
    value: String,
}

impl Identifier {
    /// The type follows from the text: no DNS name that is ordered reads as an address.
    pub(super) fn of(value: &impl ToString) -> Self {
        let value = value.to_string();
        let is_address = value.parse::<core::net::IpAddr>().is_ok();
        Self { r#type: if is_address { "ip" } else { "dns" }, value }
    }
}

impl ProblemAnswer {
    /// The document, to be sent with this HTTP status.
    #[must_use]
    pub fn new(problem: &Problem, status: u16) -> Self {
        let mut answer = Self::inner(problem);
        answer.status = Some(status);
        answer
    }

    /// Lists the signature algorithms that are accepted (RFC 8555, section 6.2).
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[&'static str]) -> Self {
        self.algorithms = Some(algorithms.to_vec());
        self
    }

    /// The document as it stands inside an order or a challenge.
    pub(super) fn inner(problem: &Problem) -> Self {
        Self {
            r#type: format!("{NAMESPACE}{}", problem.kind.as_str()),
            detail: problem.detail.clone(),
            status: None,
            instance: problem.instance.clone(),
            algorithms: None,
            identifier: None,
            subproblems: problem
                .subproblems
                .iter()
                .map(|(name, sub)| Self {
                    identifier: Some(Identifier::of(name)),
                    ..Self::inner(sub)
                })
                .collect(),
        }
    }

    /// Its JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        super::answer::json(self)
    }
}

/// The HTTP status a problem goes out with, where its place does not ask for another.
#[must_use]
pub const fn status_of(kind: ProblemKind) -> u16 {
    match kind {
        ProblemKind::AccountDoesNotExist
        | ProblemKind::AlreadyRevoked
        | ProblemKind::BadCsr
        | ProblemKind::BadNonce
        | ProblemKind::BadPublicKey
        | ProblemKind::BadRevocationReason
        | ProblemKind::BadSignatureAlgorithm
        | ProblemKind::Connection
        | ProblemKind::Dns
        | ProblemKind::InvalidContact
        | ProblemKind::InvalidProfile
        | ProblemKind::Malformed
        | ProblemKind::RejectedIdentifier
        | ProblemKind::Tls
        | ProblemKind::UnsupportedContact
        | ProblemKind::UnsupportedIdentifier => 400,
        ProblemKind::Caa
        | ProblemKind::Compound
        | ProblemKind::ExternalAccountRequired
        | ProblemKind::IncorrectResponse
        | ProblemKind::OrderNotReady
        | ProblemKind::Unauthorized
        | ProblemKind::UserActionRequired => 403,
        ProblemKind::AlreadyReplaced => 409,
        ProblemKind::RateLimited => 429,
        ProblemKind::ServerInternal => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_registered_types_and_puts_names_into_subproblems_only() {
        let sub = Problem {
            kind: ProblemKind::RejectedIdentifier,
            detail: "no zone holds it".to_owned(),
            instance: None,
            subproblems: Vec::new(),
        };
        let problem = Problem {
            kind: ProblemKind::UserActionRequired,
            detail: "approve it".to_owned(),
            instance: Some("https://ca.example/changes/1".to_owned()),
            subproblems: vec![("a.example".to_owned(), sub)],
        };
        assert_eq!(
            ProblemAnswer::new(&problem, 403).to_json(),
            r#"{"type":"urn:ietf:params:acme:error:userActionRequired","detail":"approve it","status":403,"instance":"https://ca.example/changes/1","subproblems":[{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"no zone holds it","identifier":{"type":"dns","value":"a.example"}}]}"#
        );
    }
}
