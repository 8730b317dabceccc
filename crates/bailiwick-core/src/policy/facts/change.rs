//! What the judge is told about a change.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::{Duties, ZoneKey, spelled};
use crate::names::{AccountId, ChangeId, PersonId, ServiceId, TeamId};
use crate::time::Time;

use super::{Fact, ZoneFacts};

spelled! {
    /// What a change does.
    ChangeKind {
        /// Makes another estate the active one.
        EditEstate = "edit-estate",
        /// Grants a standing approval.
        GrantEnvelope = "grant-envelope",
        /// Ends a standing approval before its time.
        EndEnvelope = "end-envelope",
        /// Issues one certificate.
        IssueCertificate = "issue-certificate",
        /// Revokes one certificate.
        RevokeCertificate = "revoke-certificate",
        /// Sets a rule aside for a while.
        GrantException = "grant-exception",
        /// Lets a standing approval reach less far.
        NarrowEnvelope = "narrow-envelope",
        /// Registers an account of ours at a CA.
        RegisterAccount = "register-account",
        /// Edits records, with or without a certificate.
        TrustChange = "trust-change",
        /// Lets new certificates come from another generation of a CA of ours.
        RotateIssuer = "rotate-issuer",
        /// Lets another credential of ours take the place of one.
        RotateKey = "rotate-key",
        /// Puts records of a zone right that belong to no service, such as its CAA policy.
        PublishRecords = "publish-records",
    }
}

/// Is this change approved enough?
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeFacts {
    /// The moment of the question.
    pub now: Time,
    /// The team that owns the control objective.
    pub control_owner: TeamId,
    /// The change.
    pub change: ChangeId,
    /// What it does.
    pub kind: ChangeKind,
    /// Who asks for it.
    pub author: AuthorFacts,
    /// The approvals it has; those of another digest or expired ones are not handed in.
    pub approvals: Vec<ApprovalFacts>,
    /// The zones it touches.
    pub zones: Fact<Vec<ZoneFacts>>,
    /// The owners of each service it touches.
    pub services: Fact<BTreeMap<ServiceId, Duties>>,
    /// Teams with a duty elsewhere whose approval counts towards two: for a change that reaches
    /// further than its zones and services, everybody who answers for a zone.
    pub also_concerned: BTreeSet<TeamId>,
    /// Whether it touches nothing but services.
    pub services_only: Fact<bool>,
    /// Whether it alters who or what is trusted.
    pub trust_impacting: Fact<bool>,
    /// The zones whose CAA records it alters, intended or published.
    pub caa_zones: BTreeSet<ZoneKey>,
    /// Whether it is asked for as an emergency, to be reviewed afterwards.
    pub emergency: Fact<bool>,
}

/// Who asks for a change, with everybody who stands behind them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorFacts {
    /// Who.
    pub kind: AuthorKind,
    /// Their teams, nested ones resolved.
    pub teams: Fact<BTreeSet<TeamId>>,
    /// The people who delegated to them, made their sign-in possible or made their credential.
    pub chain: Fact<BTreeSet<PersonId>>,
}

/// What kind of author.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuthorKind {
    /// A person.
    Person(PersonId),
    /// An agent that acts for a person.
    Agent(PersonId),
    /// An ACME account, with the service it is bound to.
    Account(AccountId, ServiceId),
    /// A part of Bailiwick.
    Component,
}

/// One approval of a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApprovalFacts {
    /// Who approved.
    pub person: PersonId,
    /// As what.
    pub kind: ApproverKind,
    /// Whether they still work here.
    pub works_here: Fact<bool>,
    /// Their teams, nested ones resolved.
    pub teams: Fact<BTreeSet<TeamId>>,
    /// The people who made their sign-in possible.
    pub chain: Fact<BTreeSet<PersonId>>,
}

spelled! {
    /// As what somebody approves.
    ApproverKind {
        /// As themselves.
        Person = "person",
        /// An agent in their name: never counts.
        Agent = "agent",
    }
}
