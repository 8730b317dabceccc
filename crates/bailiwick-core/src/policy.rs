//! The policy judge: facts in, verdict with reasons out.
//!
//! [`PolicySet::compile`] takes the default policies and those of the estate, [`judge`] asks them
//! about [`Facts`]. Cedar decides; what is built here is everything around a bare yes or no: which
//! rule, which fact, who can grant it, what is still missing. Whatever cannot be evaluated is
//! refused.

mod access;
mod approvals;
mod attestation;
mod bounds;
mod change;
mod compile;
mod delegation;
mod explain;
mod facts;
mod gather;
mod hypothetical;
mod issue;
mod judge;
mod powers;
mod question;
mod rule;
mod slices;
mod template;
mod text;
mod verdict;
mod zone_facts;

pub use compile::{DEFAULTS, PolicyProblem, PolicyProblemKind, PolicySet, SCHEMA};

pub use facts::{
    Access, AccessFacts, AccountFacts, ApprovalFacts, ApproverKind, AttestationFacts, AuthorFacts,
    AuthorKind, CaaFact, ChangeFacts, ChangeKind, EnrolFacts, EnvelopeApproval, EnvelopeFacts,
    ExceptionFacts, Fact, Facts, FinalizeFacts, IssueFacts, IssuerFacts, KeyFacts, NameFacts,
    ObjectFacts, PrincipalFacts, PrincipalKind, ProfileFacts, ResourceKind, ServiceFacts, Stage,
    TokenFacts, UsesLeft, ValidationMethod, ZoneFacts,
};
pub use gather::{EnvelopeAsked, IssueAsked, ObjectAsked, SignIn};
pub use judge::{decide, forbidden, judge};
pub use powers::{
    KnownSecret, Opens, Power, PowersAsked, Side, ToxicCombination, may, powers, powers_in, toxic,
};
pub use verdict::{
    Decision, GrantAct, Grantable, Grantor, MissingApproval, Permit, Reason, Role, Verdict,
};
