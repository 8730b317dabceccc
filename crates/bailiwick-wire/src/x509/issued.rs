//! Signed certificates: put together, and verified before anybody gets them
//! (promise P1; "verify your own signature after signing").

use bailiwick_core::certificate::{
    CertificateFacts, CertificateProfile, CertificateSpec, IssuerIdentity, LintFinding, Tbs,
};
use bailiwick_core::names::CertFingerprint;
use thiserror::Error;

use super::content::read_content;
use super::facts::{BadCertificate, read_certificate};
use super::key::{BadKey, PublicKey};
use super::parts::CertificateParts;
use super::read::{BadDer, check_strict};
use super::signature::{BadSignature, SignatureAlgorithm, write_algorithm};
use super::write;

/// Why a certificate is not the one that was approved.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum NotAsApproved {
    /// It is no certificate.
    #[error("the signed bytes are no certificate: {0}")]
    Certificate(#[from] BadCertificate),
    /// It is not DER.
    #[error("the signed bytes are not der: {0}")]
    Der(#[from] BadDer),
    /// Its content is not what the spec says.
    #[error("the certificate differs from what was approved: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Content(Vec<LintFinding>),
    /// The algorithm beside the signature is not the issuer's.
    #[error("the certificate is signed with another algorithm than its issuer's")]
    Algorithm,
    /// The issuer's key is refused.
    #[error("the issuer's key is refused: {0}")]
    IssuerKey(#[from] BadKey),
    /// The signature is not the issuer's.
    #[error("the certificate's signature is not its issuer's: {0}")]
    Signature(#[from] BadSignature),
}

/// A certificate that holds exactly what was approved, signed by the issuer that was approved.
///
/// Only [`verify_issued`] makes one:
///
/// ```compile_fail
/// # use bailiwick_wire::x509::IssuedCertificate;
/// fn cheat(der: Vec<u8>) -> IssuedCertificate { IssuedCertificate { der } }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuedCertificate {
    der: Vec<u8>,
    facts: CertificateFacts,
}

impl IssuedCertificate {
    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The hash of its bytes.
    #[must_use]
    pub const fn fingerprint(&self) -> CertFingerprint {
        self.facts.fingerprint
    }

    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }
}

/// Puts bytes and signature together (RFC 5280, section 4.1.1).
#[must_use]
pub fn assemble(tbs: &Tbs, issuer: &IssuerIdentity, signature: &[u8]) -> Vec<u8> {
    write::sequence(&[
        tbs.bytes().to_vec(),
        write_algorithm(issuer.signing),
        write::bit_string(signature),
    ])
}

/// Proves that a signed certificate is what `spec` says, no more and no less, and that `issuer`
/// signed it. It does not ask whether it may be signed now; [`Tbs`] proved that.
///
/// # Errors
/// [`NotAsApproved`] says in what it differs.
pub fn verify_issued(
    der: &[u8],
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
) -> Result<IssuedCertificate, NotAsApproved> {
    let facts = read_certificate(der)?;
    check_strict(der)?;
    let certificate = CertificateParts::read(der)?;
    let content = read_content(certificate.tbs.whole)?;
    let findings = content.differences(spec, profile, issuer);
    if !findings.is_empty() {
        return Err(NotAsApproved::Content(findings));
    }
    if certificate.signature_algorithm.whole != write_algorithm(issuer.signing) {
        return Err(NotAsApproved::Algorithm);
    }
    let key = PublicKey::from_spki(issuer.key.spki_der())?;
    SignatureAlgorithm::from(issuer.signing).verify(
        &key,
        certificate.tbs.whole,
        certificate.signature,
    )?;
    Ok(IssuedCertificate { der: der.to_vec(), facts })
}
