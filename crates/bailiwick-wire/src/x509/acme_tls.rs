//! The certificate that shows control of a name in a TLS handshake (RFC 8737, section 3).

use bailiwick_core::certificate::NameSeen;
use bailiwick_core::names::AcmeIdentifier;
use thiserror::Error;

use super::facts::CERTIFICATE_OCTETS_MAX;
use super::names::general_name;
use super::oids;
use super::parts::{CertificateParts, general_names};
use super::read::{BadDer, OCTET_STRING, Reader};

/// Why a certificate does not show control.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum NotShown {
    /// It is too big to be one.
    #[error("the certificate has more than {CERTIFICATE_OCTETS_MAX} octets")]
    TooBig,
    /// It cannot be read.
    #[error("the certificate is not der: {0}")]
    Der(#[from] BadDer),
    /// It is for other names, or for more.
    #[error("the certificate is not for exactly this name")]
    Names,
    /// It has no acmeIdentifier, or one that readers may ignore.
    #[error(
        "the certificate has no critical acmeIdentifier; is this the web server's everyday one?"
    )]
    NoIdentifier,
    /// Its acmeIdentifier is not the digest of the key authorization.
    #[error("the certificate's acmeIdentifier is of another token or account key")]
    OtherIdentifier,
}

/// The SubjectPublicKeyInfo of a certificate of whatever making, DER.
///
/// # Errors
/// [`BadDer`] when it is no certificate.
pub fn certificate_spki(der: &[u8]) -> Result<Vec<u8>, BadDer> {
    Ok(CertificateParts::read(der)?.tbs.spki.whole.to_vec())
}

/// Whether this certificate is for exactly `name` and holds `digest`, the SHA-256 of the key
/// authorization. Who signed it and for how long does not matter: the handshake shows that whoever
/// answers has its key.
///
/// # Errors
/// [`NotShown`] says what is missing.
pub fn check_acme_tls(
    der: &[u8],
    name: &AcmeIdentifier,
    digest: &[u8; 32],
) -> Result<(), NotShown> {
    if der.len() > CERTIFICATE_OCTETS_MAX {
        return Err(NotShown::TooBig);
    }
    let tbs = CertificateParts::read(der)?.tbs;
    let names = tbs.extension(oids::SUBJECT_ALT_NAME)?.ok_or(NotShown::Names)?;
    let same = match general_names(names.value)?.as_slice() {
        [only] => match (general_name(only), name) {
            (NameSeen::Dns(shown), AcmeIdentifier::Dns(name)) => {
                !shown.is_wildcard() && shown.dns() == Some(name)
            }
            // RFC 8738, section 6.
            (NameSeen::Ip(shown), AcmeIdentifier::Ip(address)) => shown == *address,
            (_, AcmeIdentifier::Dns(_) | AcmeIdentifier::Ip(_)) => false,
        },
        _ => false,
    };
    if !same {
        return Err(NotShown::Names);
    }
    let identifier = tbs.extension(oids::ACME_IDENTIFIER)?.ok_or(NotShown::NoIdentifier)?;
    if !identifier.is_critical {
        return Err(NotShown::NoIdentifier);
    }
    let held = Reader::only(identifier.value, OCTET_STRING)?;
    if held.content == digest { Ok(()) } else { Err(NotShown::OtherIdentifier) }
}
