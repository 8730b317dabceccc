//! What stands at the issuance gate: accounts, credentials, orders, authorizations, envelopes.
//!
//! These are values of RFC 8555 and of our own, without any protocol: `wire` spells them.

mod account;
mod envelope;
mod order;
mod renewal;
mod standing;

pub use account::{Account, AccountStatus, Credential};
pub use envelope::{Coverage, Envelope, EnvelopeEnd, NotCovered};
pub use order::{
    Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus, Order,
    OrderStatus, Problem, ProblemKind, ValidationEvidence,
};
pub use renewal::RenewalWindow;
pub use standing::StandingRecord;
