//! The certificate of an OCSP responder to which a CA delegates (RFC 6960, section 4.2.2.2).

use bailiwick_core::certificate::{IssuerIdentity, SubjectKey};
use bailiwick_core::names::{CertSerial, Digest};
use bailiwick_core::time::{DAY_MS, Time};

use super::authority::{BadAuthority, key_id, verify_authority};
use super::key::PublicKey;
use super::oids;
use super::signature::write_algorithm;
use super::tbs::authority_key_id;
use super::write::{self, Criticality};

/// A responder's certificate cannot be revoked where it matters (id-pkix-ocsp-nocheck), so it lives
/// as long as what is called short-lived (BR 1.6.1) and no longer.
const RESPONDER_MS_MAX: i64 = 7 * DAY_MS;

/// To-be-signed bytes of a responder's certificate, of our own writing: nothing else makes one, so
/// what signs it needs no check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResponderTbs {
    bytes: Vec<u8>,
    serial: CertSerial,
    not_after: Time,
    issuer_key: SubjectKey,
}

impl ResponderTbs {
    /// Writes the bytes: for one key, for OCSP signing alone, for at most 7 days and no longer than
    /// the issuer.
    ///
    /// # Errors
    /// [`BadAuthority::Moment`] or [`BadAuthority::Key`].
    pub fn write(
        issuer: &IssuerIdentity,
        key: &SubjectKey,
        serial: CertSerial,
        not_before: Time,
    ) -> Result<Self, BadAuthority> {
        let public = PublicKey::from_spki(key.spki_der())?;
        let not_after = not_before.plus_ms(RESPONDER_MS_MAX - 1_000).min(issuer.not_after);
        let validity = write::sequence(&[write::moment(not_before)?, write::moment(not_after)?]);
        let digits: String = Digest::of(key.spki_der()).to_string().chars().take(8).collect();
        let name = write::set_of_one(&write::sequence(&[
            write::oid(oids::COMMON_NAME),
            write::utf8(&format!("OCSP responder {digits}")),
        ]));
        let bytes = write::sequence(&[
            write::explicit(0, &[write::unsigned(&[2])]),
            write::unsigned(serial.as_bytes()),
            write_algorithm(issuer.signing),
            issuer.name_der.clone(),
            validity,
            write::sequence(&[name]),
            key.spki_der().to_vec(),
            write::explicit(3, &[write::sequence(&extensions(issuer, &public))]),
        ]);
        Ok(Self { bytes, serial, not_after, issuer_key: issuer.key.clone() })
    }

    /// The bytes a signature is made over.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its serial number.
    #[must_use]
    pub const fn serial(&self) -> &CertSerial {
        &self.serial
    }

    /// Last second of its validity.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }
}

/// Puts a responder's certificate together, and checks that `issuer` signed it.
///
/// # Errors
/// [`BadAuthority::OtherIssuer`] or [`BadAuthority::Signature`].
pub fn assemble_responder(
    tbs: &ResponderTbs,
    issuer: &IssuerIdentity,
    signature: &[u8],
) -> Result<Vec<u8>, BadAuthority> {
    if tbs.issuer_key != issuer.key {
        return Err(BadAuthority::OtherIssuer);
    }
    let der = write::sequence(&[
        tbs.bytes.clone(),
        write_algorithm(issuer.signing),
        write::bit_string(signature),
    ]);
    verify_authority(&der, issuer)?;
    Ok(der)
}

fn extensions(issuer: &IssuerIdentity, key: &PublicKey) -> Vec<Vec<u8>> {
    use Criticality::{Critical, NotCritical};
    let purposes = write::sequence(&[write::oid(oids::OCSP_SIGNING)]);
    let key_id = write::octet_string(&key_id(key));
    vec![
        write::extension(oids::KEY_USAGE, Critical, &write::named_bits(&[0])),
        write::extension(oids::EXT_KEY_USAGE, NotCritical, &purposes),
        write::extension(oids::OCSP_NO_CHECK, NotCritical, &write::null()),
        write::extension(oids::AUTHORITY_KEY_ID, NotCritical, &authority_key_id(&issuer.key_id)),
        write::extension(oids::SUBJECT_KEY_ID, NotCritical, &key_id),
    ]
}
