//! Signed certificates: put together, and verified before anybody gets them
//! (promise P1; "verify your own signature after signing").

use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, IssuerIdentity, LintFinding, Tbs,
};
use thiserror::Error;

use super::content::read_tbs;
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
    Der(#[from] BadDer),
    /// It holds other bytes than those that were to be signed.
    #[error("the certificate holds other bytes than those that were to be signed")]
    Bytes,
    /// It names another issuer than the one that signs.
    #[error("the certificate names another issuer than the one that signs")]
    OtherIssuer,
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

/// Puts bytes and signature together (RFC 5280, section 4.1.1).
#[must_use]
pub fn assemble(tbs: &Tbs, issuer: &IssuerIdentity, signature: &[u8]) -> Vec<u8> {
    write::sequence(&[
        tbs.bytes().to_vec(),
        write_algorithm(issuer.signing),
        write::bit_string(signature),
    ])
}

/// Whether a certificate is what `spec` says, no more and no less, and signed by `issuer`. It does
/// not ask whether it may be signed now; [`Tbs`] proved that.
///
/// # Errors
/// [`NotAsApproved`] says in what it differs.
pub fn verify_issued(
    der: &[u8],
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
) -> Result<(), NotAsApproved> {
    check_strict(der)?;
    let certificate = CertificateParts::read(der)?;
    let content = read_tbs(certificate.tbs.whole)?;
    let findings = content.differences(spec, profile, issuer);
    if !findings.is_empty() {
        return Err(NotAsApproved::Content(findings));
    }
    verify_signature(&certificate, issuer)
}

/// Whether a certificate consists of exactly these bytes and `issuer`'s signature over them: what
/// a signer asks of its own work before it lets go of it.
///
/// # Errors
/// [`NotAsApproved`] says in what it differs.
pub fn verify_signed(der: &[u8], tbs: &Tbs, issuer: &IssuerIdentity) -> Result<(), NotAsApproved> {
    let certificate = CertificateParts::read(der)?;
    if certificate.tbs.whole != tbs.bytes() {
        return Err(NotAsApproved::Bytes);
    }
    if certificate.tbs.issuer.whole != issuer.name_der {
        return Err(NotAsApproved::OtherIssuer);
    }
    verify_signature(&certificate, issuer)
}

fn verify_signature(
    certificate: &CertificateParts<'_>,
    issuer: &IssuerIdentity,
) -> Result<(), NotAsApproved> {
    if certificate.signature_algorithm.whole != write_algorithm(issuer.signing) {
        return Err(NotAsApproved::Algorithm);
    }
    let key = PublicKey::from_spki(issuer.key.spki_der())?;
    SignatureAlgorithm::from(issuer.signing).verify(
        &key,
        certificate.tbs.whole,
        certificate.signature,
    )?;
    Ok(())
}
