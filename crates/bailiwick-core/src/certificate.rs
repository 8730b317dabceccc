//! What a certificate is to hold, and what one was seen to hold.
//!
//! [`CertificateSpec`] is everything that may be signed, [`lint`] says what forbids signing it, and
//! [`Tbs`] is the proof that certain bytes say what the spec says and that nothing forbids them.
//! The bytes themselves are spelled in `bailiwick-wire`.

mod crl;
mod facts;
mod lint;
mod profile;
mod spec;
mod tbs;

pub use crl::{
    BadCrlSpec, CrlEntry, CrlEntrySeen, CrlFacts, CrlScope, CrlSpec, RevocationReason, check_crl,
};
pub use facts::{CertificateFacts, NameSeen, SerialSeen};
pub use lint::{LintFinding, lint};
pub use profile::{CertificateProfile, KeyKind, KeyPurpose};
pub use spec::{
    BadSanSet, CertificateSpec, IssuerIdentity, SanSet, SigningAlgorithm, SubjectKey, random_serial,
};
pub use tbs::{ExtensionRead, KeyUsageBit, Tbs, TbsContent};
