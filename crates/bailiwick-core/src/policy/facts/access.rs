//! What the judge is told about an access.

use std::collections::BTreeSet;

use crate::estate::spelled;
use crate::names::{PersonId, ServiceId, TeamId, TokenId};
use crate::time::Time;

use super::Fact;

spelled! {
    /// What a principal wants to do to an object.
    Access {
        /// Look at it.
        Read = "read",
        /// Ask for a change to it.
        Request = "request",
        /// Approve or refuse a change to it.
        Approve = "approve",
        /// Revoke a certificate or end an envelope.
        Revoke = "revoke",
        /// Make or end credentials, tokens and sign-ins.
        Administer = "administer",
    }
}

spelled! {
    /// Kinds of object a request can name.
    ResourceKind {
        /// The installation and its settings.
        Organisation = "organisation",
        /// The estate.
        Estate = "estate",
        /// A zone.
        Zone = "zone",
        /// A service.
        Service = "service",
        /// A change.
        Change = "change",
        /// A certificate.
        Certificate = "certificate",
        /// An envelope.
        Envelope = "envelope",
        /// An ACME account.
        Account = "account",
        /// A credential that binds ACME accounts.
        Credential = "credential",
        /// A stored decision.
        Decision = "decision",
        /// The ledger.
        Ledger = "ledger",
        /// An API token.
        Token = "token",
        /// A person's sign-in.
        Session = "session",
    }
}

/// May this principal do this to this object?
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessFacts {
    /// The moment of the question.
    pub now: Time,
    /// Who asks.
    pub principal: PrincipalFacts,
    /// What for.
    pub access: Access,
    /// To what.
    pub object: ObjectFacts,
}

/// Who asks for access.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrincipalFacts {
    /// As what.
    pub kind: PrincipalKind,
    /// Whether the person still works here.
    pub works_here: Fact<bool>,
    /// The person's teams, nested ones resolved.
    pub teams: Fact<BTreeSet<TeamId>>,
    /// Whether the person is an administrator.
    pub administrator: Fact<bool>,
}

/// As what a principal comes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PrincipalKind {
    /// A person in a signed-in session.
    Person(PersonId),
    /// A token of a person.
    Token(PersonId, TokenFacts),
    /// An agent with a token that a person delegated.
    Agent(PersonId, TokenFacts),
}

impl PrincipalKind {
    /// The person who acts or stands behind the token.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        match self {
            Self::Person(person) | Self::Token(person, _) | Self::Agent(person, _) => person,
        }
    }

    /// The token, where there is one.
    #[must_use]
    pub const fn token(&self) -> Option<&TokenFacts> {
        match self {
            Self::Person(_) => None,
            Self::Token(_, token) | Self::Agent(_, token) => Some(token),
        }
    }
}

/// A token: narrow, and it ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenFacts {
    /// Which.
    pub id: TokenId,
    /// What it may be used for.
    pub allows: BTreeSet<Access>,
    /// The only services it may be used for; `None`: whatever the person may.
    pub services: Option<BTreeSet<ServiceId>>,
    /// When it ends.
    pub until: Time,
}

/// An object of a request, with the teams that answer for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectFacts {
    /// What it is.
    pub kind: ResourceKind,
    /// Which.
    pub id: String,
    /// The service it belongs to, where it belongs to one.
    pub service: Option<ServiceId>,
    /// The person it belongs to, as a token or a session does.
    pub person: Option<PersonId>,
    /// Teams that own the policy of it: of its service and its zones.
    pub policy_owners: Fact<BTreeSet<TeamId>>,
    /// Teams that operate it.
    pub operators: Fact<BTreeSet<TeamId>>,
    /// Teams that integrate it.
    pub integration_owners: Fact<BTreeSet<TeamId>>,
    /// The team that owns the control objective.
    pub control_owner: TeamId,
    /// The team that only looks, where there is one.
    pub auditors: Option<TeamId>,
}
