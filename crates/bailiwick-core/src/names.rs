//! Names of the field, each parsed once at the edge; everything behind it takes the type.

mod dns;
mod ids;
mod keys;
mod san;
mod workload;

pub use dns::{BadName, DnsName, ZoneName};
pub use ids::{
    AccountId, AttestorId, AuthzId, BadId, ChallengeId, ChangeId, CredentialId, DecisionId,
    EnvelopeId, ExceptionId, FindingId, IssuerId, OrderId, PersonId, ProfileId, ServiceId,
    SessionId, TeamId, TokenId,
};
pub use keys::{BadHex, CertFingerprint, CertSerial, Digest, SpkiHash};
pub use san::{AcmeIdentifier, SanName};
pub use workload::{BadSpiffeId, SpiffeId};
