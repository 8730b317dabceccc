//! What a certificate is to hold, and what one was seen to hold.
//!
//! [`CertificateSpec`] is everything that may be signed, [`lint`] says what forbids signing it, and
//! [`Tbs`] is the proof that certain bytes say what the spec says and that nothing forbids them.
//! The bytes themselves are spelled in `bailiwick-wire`.

mod crl;
mod facts;
mod generation;
mod lint;
mod ocsp;
mod profile;
mod spec;
mod tbs;

pub use crl::{
    BadCrlSpec, CrlEntry, CrlEntrySeen, CrlFacts, CrlScope, CrlSpec, RevocationReason, check_crl,
};
pub use facts::{CertificateFacts, NameSeen, SerialSeen};
pub use generation::Generation;
pub use lint::{LintFinding, SHORT_LIVED_SECONDS_MAX, lint, lint_seen, public_lifetime_days_max};
pub use ocsp::{BadOcspSpec, OCSP_NONCE_OCTETS_MAX, OcspAnswer, OcspSpec, OcspStatus};
pub use profile::{CertificateProfile, KeyKind, KeyPurpose, ProfileRules, RevocationPointers};
pub use spec::{
    BadSanSet, CertificateSpec, CrlParts, IssuerIdentity, IssuerPlaces, SanSet, SigningAlgorithm,
    SubjectKey, random_serial,
};
pub use tbs::{DOMAIN_VALIDATED, ExtensionRead, KeyUsageBit, Tbs, TbsContent};
