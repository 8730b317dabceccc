//! What stands at the issuance gate: accounts, credentials, orders, authorizations, envelopes.
//!
//! These are values of RFC 8555 and of our own, without any protocol: `wire` spells them.

mod account;
mod bounds;
mod delegation;
mod emergency;
mod envelope;
mod envelope_finding;
mod order;
mod renewal;
mod sealed;
mod secret_use;
mod standing;

pub use account::{Account, AccountStatus, Credential};
pub use bounds::{Bounds, Narrowing, NotNarrower};
pub use delegation::{DelegationKind, DelegationObservation, DelegationStands, standing};
pub use emergency::{
    DELEGATED_MS_MAX, DelegatedExecution, EMERGENCY_MS, Emergency, EmergencyOf, EmergencyReview,
    REVIEW_MS,
};
pub use envelope::{Coverage, Envelope, EnvelopeEnd, NotCovered};
pub use envelope_finding::{EnvelopeFinding, EnvelopeUse};
pub use order::{
    Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus, Order,
    OrderStatus, Problem, ProblemKind, ValidationEvidence,
};
pub use renewal::RenewalWindow;
pub use sealed::SealedSecret;
pub use secret_use::SecretUse;
pub use standing::StandingRecord;
