//! To-be-signed bytes of an end-entity certificate, out of the approved fields only (threat T18).

use core::net::IpAddr;

use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, IssuerIdentity, LintFinding, ProfileRules, SanSet, Tbs,
};
use bailiwick_core::names::SanName;
use bailiwick_core::time::Time;
use thiserror::Error;

use super::content::read_tbs;
use super::facts::purpose_id;
use super::names::{DNS_NAME, IP_ADDRESS, URI};
use super::oids;
use super::read::BadDer;
use super::signature::write_algorithm;
use super::write::{self, BadMoment, Criticality};

/// INTEGER 2: v3.
const VERSION_3: [u8; 1] = [2];
/// BR 7.1.2.11.2: CRL and OCSP are fetched over plain HTTP, so that it needs no certificate itself.
const HTTP: &str = "http://";

/// Why there are no to-be-signed bytes.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum BadTbs {
    /// Something forbids signing them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Findings(Vec<LintFinding>),
    /// A moment that X.509 cannot spell.
    #[error("the validity cannot be written: {0}")]
    Moment(#[from] BadMoment),
    /// Stored bytes that are no to-be-signed bytes.
    #[error("the stored bytes are damaged: {0}; restore them from the backup")]
    Damaged(#[from] BadDer),
    /// Stored bytes that say what was approved in another spelling than the one it is written in:
    /// extensions in another order, a default that stands there. Nobody has seen them yet, so
    /// whoever changed them was not us.
    #[error("the stored bytes are not as they were written; restore them from the backup")]
    OtherSpelling,
    /// A URL of the issuer that is not plain ASCII, or a CRL not under `http`.
    #[error("the issuer's url `{url}` cannot stand in a certificate; use plain http and ascii")]
    Url {
        /// The URL.
        url: String,
    },
}

/// Builds the bytes for `spec`, reads them back, and proves that nothing forbids signing them.
///
/// # Errors
/// [`BadTbs::Findings`] holds every rule that is broken.
pub fn build_tbs(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
    now: Time,
) -> Result<Tbs, BadTbs> {
    prove(write_tbs(spec, profile, issuer)?, spec, profile, issuer, now)
}

/// Takes bytes that were stored before a crash and proves anew what [`build_tbs`] proved.
///
/// # Errors
/// As [`build_tbs`], and [`BadTbs::Damaged`] or [`BadTbs::OtherSpelling`].
pub fn restore_tbs(
    bytes: Vec<u8>,
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
    now: Time,
) -> Result<Tbs, BadTbs> {
    let tbs = prove(bytes, spec, profile, issuer, now)?;
    if write_tbs(spec, profile, issuer)? == tbs.bytes() {
        Ok(tbs)
    } else {
        Err(BadTbs::OtherSpelling)
    }
}

/// Reads the bytes with the other hand, and compares.
fn prove(
    bytes: Vec<u8>,
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
    now: Time,
) -> Result<Tbs, BadTbs> {
    let content = read_tbs(&bytes)?;
    Tbs::new(bytes, &content, spec.clone(), profile, issuer, now).map_err(BadTbs::Findings)
}

fn write_tbs(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
) -> Result<Vec<u8>, BadTbs> {
    let validity =
        write::sequence(&[write::moment(spec.not_before)?, write::moment(spec.not_after)?]);
    let extensions = extensions(spec, profile, issuer)?;
    Ok(write::sequence(&[
        write::explicit(0, &[write::unsigned(&VERSION_3)]),
        write::unsigned(spec.serial.as_bytes()),
        write_algorithm(issuer.signing),
        issuer.name_der.clone(),
        validity,
        write::sequence(&[]),
        spec.key.spki_der().to_vec(),
        write::explicit(3, &[write::sequence(&extensions)]),
    ]))
}

fn extensions(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
) -> Result<Vec<Vec<u8>>, BadTbs> {
    use Criticality::{Critical, NotCritical};
    let purposes: Vec<Vec<u8>> =
        profile.purposes.iter().map(|purpose| write::oid(purpose_id(*purpose))).collect();
    let mut extensions = vec![
        write::extension(oids::KEY_USAGE, Critical, &write::named_bits(&[0])),
        write::extension(oids::EXT_KEY_USAGE, NotCritical, &write::sequence(&purposes)),
        write::extension(oids::BASIC_CONSTRAINTS, Critical, &write::sequence(&[])),
        write::extension(oids::AUTHORITY_KEY_ID, NotCritical, &authority_key_id(&issuer.key_id)),
    ];
    let places = &issuer.places;
    let mut accesses = Vec::new();
    if let Some(url) = places.ocsp_url.as_ref().filter(|_| profile.revocation.ocsp) {
        accesses.push(write::sequence(&[write::oid(oids::OCSP), http(url)?]));
    }
    if let Some(url) = &places.ca_issuers_url {
        accesses.push(write::sequence(&[write::oid(oids::CA_ISSUERS), uri(url)?]));
    }
    if !accesses.is_empty() {
        extensions.push(write::extension(
            oids::AUTHORITY_INFO_ACCESS,
            NotCritical,
            &write::sequence(&accesses),
        ));
    }
    if profile.rules == ProfileRules::PublicTls {
        let policy = write::sequence(&[write::oid(oids::DOMAIN_VALIDATED)]);
        let policies = write::sequence(&[policy]);
        extensions.push(write::extension(oids::CERTIFICATE_POLICIES, NotCritical, &policies));
    }
    // The subject is empty, so the names are critical (RFC 5280, section 4.2.1.6).
    extensions.push(write::extension(oids::SUBJECT_ALT_NAME, Critical, &names(spec)));
    if let Some(url) = places.crl_url_of(&spec.serial).filter(|_| profile.revocation.crl) {
        extensions.push(write::extension(
            oids::CRL_DISTRIBUTION_POINTS,
            NotCritical,
            &crl_pointer(&url)?,
        ));
    }
    Ok(extensions)
}

/// An authorityKeyIdentifier of nothing but the key identifier.
pub(super) fn authority_key_id(key_id: &[u8]) -> Vec<u8> {
    write::sequence(&[write::implicit(0, key_id)])
}

/// The DNS names in order, the addresses in order, then the workload.
fn names(spec: &CertificateSpec) -> Vec<u8> {
    let workload = spec.workload.iter().map(|id| write::tlv(URI, id.as_str().as_bytes()));
    write::sequence(&spec.names.iter().map(general_name).chain(workload).collect::<Vec<_>>())
}

/// The names as GeneralNames, in order.
pub(super) fn general_names(names: &SanSet) -> Vec<u8> {
    write::sequence(&names.iter().map(general_name).collect::<Vec<_>>())
}

fn general_name(name: &SanName) -> Vec<u8> {
    match name.address() {
        // Octets in network order (RFC 5280, section 4.2.1.6).
        Some(IpAddr::V4(four)) => write::tlv(IP_ADDRESS, &four.octets()),
        Some(IpAddr::V6(six)) => write::tlv(IP_ADDRESS, &six.octets()),
        None => write::tlv(DNS_NAME, name.to_string().as_bytes()),
    }
}

fn crl_pointer(url: &str) -> Result<Vec<u8>, BadTbs> {
    let point = write::sequence(&[write::explicit(0, &[full_name(url)?])]);
    Ok(write::sequence(&[point]))
}

/// A DistributionPointName with one URL (RFC 5280, section 4.2.1.13).
pub(super) fn full_name(url: &str) -> Result<Vec<u8>, BadTbs> {
    Ok(write::explicit(0, &[http(url)?]))
}

/// A URL under plain `http`.
fn http(url: &str) -> Result<Vec<u8>, BadTbs> {
    if !url.starts_with(HTTP) {
        return Err(BadTbs::Url { url: url.to_owned() });
    }
    uri(url)
}

pub(super) fn uri(url: &str) -> Result<Vec<u8>, BadTbs> {
    if url.is_empty() || !url.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(BadTbs::Url { url: url.to_owned() });
    }
    Ok(write::tlv(URI, url.as_bytes()))
}
