//! Requests that we make (RFC 2986): for the issuing CA's key, carried to a root that has no network, and
//! for the key of a certificate that a CA behind ACME shall issue.

use bailiwick_core::certificate::{SanSet, SubjectKey};

use super::authority::{Organisation, issuing_name};
use super::csr::{BadCsr, RequestParts};
use super::key::PublicKey;
use super::signature::{signing_of, write_algorithm};
use super::write::{self, Criticality};
use super::{oids, tbs};

/// The octets of a CA's request that are to be signed: its name and its key, and nothing that the
/// root would have to believe.
///
/// # Errors
/// [`BadCsr::Key`] for a key that no CA may have.
pub fn write_request(organisation: &Organisation, key: &SubjectKey) -> Result<Vec<u8>, BadCsr> {
    let public = PublicKey::from_spki(key.spki_der())?;
    Ok(write::sequence(&[
        write::unsigned(&[0]),
        issuing_name(organisation, &public),
        key.spki_der().to_vec(),
        write::explicit(0, &[]),
    ]))
}

/// The octets of a request for a certificate of these names that are to be signed: an empty subject, the
/// key, and the names as an extension that is asked for (RFC 2985, section 5.4.2).
#[must_use]
pub fn write_subject_request(names: &SanSet, key: &SubjectKey) -> Vec<u8> {
    let san = tbs::general_names(names);
    let extension = write::extension(oids::SUBJECT_ALT_NAME, Criticality::NotCritical, &san);
    let extensions = write::set_of_one(&write::sequence(&[extension]));
    let asked = write::sequence(&[write::oid(oids::EXTENSION_REQUEST), extensions]);
    write::sequence(&[
        write::unsigned(&[0]),
        write::sequence(&[]),
        key.spki_der().to_vec(),
        write::explicit(0, &[asked]),
    ])
}

/// Puts the octets of a request and their signature together.
#[must_use]
pub fn assemble_request(info: &[u8], key: &SubjectKey, signature: &[u8]) -> Vec<u8> {
    write::sequence(&[
        info.to_vec(),
        write_algorithm(signing_of(key.kind())),
        write::bit_string(signature),
    ])
}

/// The key of a CA's request. Its signature was verified: who asks holds the private key. Nothing
/// else of the request is taken.
///
/// # Errors
/// [`BadCsr`] says what is refused.
pub fn read_request(der: &[u8]) -> Result<SubjectKey, BadCsr> {
    let request = RequestParts::read(der)?;
    request.verify()?;
    Ok(request.key.to_subject_key())
}
