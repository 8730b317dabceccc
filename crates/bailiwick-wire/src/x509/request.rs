//! Requests of a CA's own (RFC 2986): the issuing CA's key, carried to a root that has no network.

use bailiwick_core::certificate::SubjectKey;

use super::authority::{Organisation, issuing_name};
use super::csr::{BadCsr, CSR_OCTETS_MAX};
use super::key::PublicKey;
use super::read::{
    BIT_STRING, INTEGER, Reader, SEQUENCE, check_strict, context_constructed, octets_of_bits,
};
use super::signature::{SignatureAlgorithm, signing_of, write_algorithm};
use super::write;

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
    if der.len() > CSR_OCTETS_MAX {
        return Err(BadCsr::TooBig);
    }
    check_strict(der)?;
    let mut request = Reader::only(der, SEQUENCE)?.inside();
    let info = request.expect(SEQUENCE)?;
    let algorithm = SignatureAlgorithm::read(&request.expect(SEQUENCE)?)?;
    let signature = request.expect(BIT_STRING)?;
    request.end()?;
    let mut parts = info.inside();
    if parts.expect(INTEGER)?.content != [0] {
        return Err(BadCsr::Version);
    }
    parts.expect(SEQUENCE)?;
    let key = PublicKey::from_spki(parts.expect(SEQUENCE)?.whole)?;
    parts.optional(context_constructed(0))?;
    parts.end()?;
    algorithm.verify(&key, info.whole, octets_of_bits(&signature)?)?;
    Ok(key.to_subject_key())
}
