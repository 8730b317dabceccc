//! Certificates from anywhere, read for stories and imports: forgiving about content, never
//! about bounds (threats T13 and T27).

use std::collections::BTreeSet;

use bailiwick_core::certificate::{CertificateFacts, KeyPurpose, SerialSeen};
use bailiwick_core::names::{CertFingerprint, CertSerial, SpkiHash};
use const_oid::ObjectIdentifier;
use thiserror::Error;

use super::content::key_usage;
use super::key::describe;
use super::names::{NameAttribute, URI, attributes, general_name, show, show_name};
use super::oids;
use super::parts::{
    CertificateParts, TbsParts, accesses, authority_key_id, basic_constraints, distribution_points,
    general_names, policies, purposes,
};
use super::read::{BadDer, OCTET_STRING, Reader, Tlv, moment};

/// Octets of one certificate at most; one with an ML-DSA key and signature has 6,000.
pub const CERTIFICATE_OCTETS_MAX: usize = 64 * 1024;
/// Names kept of one certificate; CDNs have been seen with some hundreds.
const NAMES_MAX: usize = 2_000;
/// URLs kept of one certificate.
const URLS_MAX: usize = 32;

/// Why octets are not a certificate that can be told about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadCertificate {
    /// More than 64 KiB.
    #[error("the certificate has more than {CERTIFICATE_OCTETS_MAX} octets")]
    TooBig,
    /// Not the structure of a certificate.
    #[error("the certificate is not der: {0}")]
    Der(#[from] BadDer),
    /// More names than are kept.
    #[error("the certificate has more than {NAMES_MAX} names")]
    TooManyNames,
}

/// Reads a certificate of whatever making.
///
/// # Errors
/// [`BadCertificate`] when it is too big, or no structure that could be told about.
pub fn read_certificate(der: &[u8]) -> Result<CertificateFacts, BadCertificate> {
    if der.len() > CERTIFICATE_OCTETS_MAX {
        return Err(BadCertificate::TooBig);
    }
    let certificate = CertificateParts::read(der)?;
    let tbs = &certificate.tbs;
    let subject = attributes(tbs.subject)?;
    let purposes = seen_purposes(tbs);
    Ok(CertificateFacts {
        fingerprint: CertFingerprint::of(der),
        serial: serial(&tbs.serial),
        issuer_name: show_name(&attributes(tbs.issuer)?),
        issuer_name_der: tbs.issuer.whole.to_vec(),
        issuer_key_id: value_of(tbs, oids::AUTHORITY_KEY_ID)
            .and_then(|value| authority_key_id(value).ok())
            .and_then(|(id, _)| id.map(<[u8]>::to_vec)),
        subject_name: show_name(&subject),
        common_names: common_names(&subject),
        subject_key_id: value_of(tbs, oids::SUBJECT_KEY_ID)
            .and_then(|value| Reader::only(value, OCTET_STRING).ok())
            .map(|id| id.content.to_vec()),
        key: SpkiHash::of(tbs.spki.whole),
        key_kind: describe(&tbs.spki),
        names: names(tbs)?,
        not_before: moment(&tbs.not_before)?,
        not_after: moment(&tbs.not_after)?,
        purposes: known(&purposes),
        purposes_other: purposes
            .iter()
            .filter(|id| purpose_of(**id).is_none())
            .map(ObjectIdentifier::to_string)
            .collect(),
        crl_urls: urls(value_of(tbs, oids::CRL_DISTRIBUTION_POINTS), distribution_points),
        ca_issuers_urls: urls(value_of(tbs, oids::AUTHORITY_INFO_ACCESS), |value| {
            accesses(value).map(|found| (found.ca_issuers, found.is_plain))
        }),
        ocsp_urls: urls(value_of(tbs, oids::AUTHORITY_INFO_ACCESS), |value| {
            accesses(value).map(|found| (found.ocsp, found.is_plain))
        }),
        policies: value_of(tbs, oids::CERTIFICATE_POLICIES)
            .and_then(|value| policies(value).ok())
            .map(|(ids, _)| ids.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        key_usage: value_of(tbs, oids::KEY_USAGE).and_then(key_usage),
        is_ca: says_ca(tbs),
        is_precertificate: tbs.extensions.iter().any(|extension| extension.id == oids::CT_POISON),
    })
}

/// The value of the first extension of this kind.
fn value_of<'a>(tbs: &TbsParts<'a>, id: ObjectIdentifier) -> Option<&'a [u8]> {
    tbs.extensions.iter().find(|extension| extension.id == id).map(|extension| extension.value)
}

fn serial(value: &Tlv<'_>) -> SerialSeen {
    let is_positive = value.content.first().is_some_and(|first| *first < 0x80);
    match CertSerial::from_bytes(value.content) {
        Ok(serial) if is_positive => SerialSeen::Regular(serial),
        _ => SerialSeen::Odd(value.content.to_vec()),
    }
}

fn common_names(subject: &[NameAttribute<'_>]) -> Vec<String> {
    subject
        .iter()
        .filter(|attribute| attribute.id == oids::COMMON_NAME)
        .map(|attribute| show(attribute.value.content))
        .collect()
}

fn names(tbs: &TbsParts<'_>) -> Result<Vec<bailiwick_core::certificate::NameSeen>, BadCertificate> {
    let mut seen = Vec::new();
    for extension in tbs.extensions.iter().filter(|found| found.id == oids::SUBJECT_ALT_NAME) {
        for value in general_names(extension.value)? {
            if seen.len() >= NAMES_MAX {
                return Err(BadCertificate::TooManyNames);
            }
            seen.push(general_name(&value));
        }
    }
    Ok(seen)
}

fn seen_purposes(tbs: &TbsParts<'_>) -> Vec<ObjectIdentifier> {
    value_of(tbs, oids::EXT_KEY_USAGE).and_then(|value| purposes(value).ok()).unwrap_or_default()
}

fn known(ids: &[ObjectIdentifier]) -> BTreeSet<KeyPurpose> {
    ids.iter().filter_map(|id| purpose_of(*id)).collect()
}

/// The purpose that an object identifier stands for, where we know it.
pub(super) fn purpose_of(id: ObjectIdentifier) -> Option<KeyPurpose> {
    KeyPurpose::ALL.into_iter().find(|purpose| purpose_id(*purpose) == id)
}

/// The object identifier of a purpose (RFC 5280, section 4.2.1.12).
pub(super) const fn purpose_id(purpose: KeyPurpose) -> ObjectIdentifier {
    match purpose {
        KeyPurpose::ServerAuth => oids::SERVER_AUTH,
        KeyPurpose::ClientAuth => oids::CLIENT_AUTH,
    }
}

type Places<'a> = Result<(Vec<Tlv<'a>>, bool), BadDer>;

fn urls<'a>(value: Option<&'a [u8]>, places: fn(&'a [u8]) -> Places<'a>) -> Vec<String> {
    let Some(Ok((names, _))) = value.map(places) else { return Vec::new() };
    names
        .iter()
        .filter(|name| name.tag == URI)
        .take(URLS_MAX)
        .map(|name| show(name.content))
        .collect()
}

/// Doubt counts as CA: who asks wants to know whether this may sign others.
fn says_ca(tbs: &TbsParts<'_>) -> bool {
    value_of(tbs, oids::BASIC_CONSTRAINTS).is_some_and(|value| {
        basic_constraints(value).is_ok_and(|(is_ca, _)| is_ca) || basic_constraints(value).is_err()
    })
}
