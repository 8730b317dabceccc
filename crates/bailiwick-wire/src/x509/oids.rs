//! Object identifiers, under the names that their standards give them.

use const_oid::ObjectIdentifier as Oid;

// Keys (RFC 3279, RFC 5480, RFC 8410).
pub(super) const RSA_ENCRYPTION: Oid = Oid::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC_PUBLIC_KEY: Oid = Oid::new_unwrap("1.2.840.10045.2.1");
pub(super) const SECP256R1: Oid = Oid::new_unwrap("1.2.840.10045.3.1.7");
pub(super) const SECP384R1: Oid = Oid::new_unwrap("1.3.132.0.34");
pub(super) const ED25519: Oid = Oid::new_unwrap("1.3.101.112");

// Signatures (RFC 5758, RFC 4055).
pub(super) const ECDSA_SHA256: Oid = Oid::new_unwrap("1.2.840.10045.4.3.2");
pub(super) const ECDSA_SHA384: Oid = Oid::new_unwrap("1.2.840.10045.4.3.3");
pub(super) const ECDSA_SHA512: Oid = Oid::new_unwrap("1.2.840.10045.4.3.4");
pub(super) const RSA_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.1.1.11");
pub(super) const RSA_SHA384: Oid = Oid::new_unwrap("1.2.840.113549.1.1.12");
pub(super) const RSA_SHA512: Oid = Oid::new_unwrap("1.2.840.113549.1.1.13");

// Extensions (RFC 5280, sections 4.2 and 5.2; RFC 6962).
pub(super) const SUBJECT_KEY_ID: Oid = Oid::new_unwrap("2.5.29.14");
pub(super) const KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.15");
pub(super) const SUBJECT_ALT_NAME: Oid = Oid::new_unwrap("2.5.29.17");
pub(super) const BASIC_CONSTRAINTS: Oid = Oid::new_unwrap("2.5.29.19");
pub(super) const CRL_NUMBER: Oid = Oid::new_unwrap("2.5.29.20");
pub(super) const REASON_CODE: Oid = Oid::new_unwrap("2.5.29.21");
pub(super) const ISSUING_DISTRIBUTION_POINT: Oid = Oid::new_unwrap("2.5.29.28");
pub(super) const NAME_CONSTRAINTS: Oid = Oid::new_unwrap("2.5.29.30");
pub(super) const CRL_DISTRIBUTION_POINTS: Oid = Oid::new_unwrap("2.5.29.31");
pub(super) const CERTIFICATE_POLICIES: Oid = Oid::new_unwrap("2.5.29.32");
pub(super) const AUTHORITY_KEY_ID: Oid = Oid::new_unwrap("2.5.29.35");
pub(super) const EXT_KEY_USAGE: Oid = Oid::new_unwrap("2.5.29.37");
pub(super) const AUTHORITY_INFO_ACCESS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.1.1");
pub(super) const CT_POISON: Oid = Oid::new_unwrap("1.3.6.1.4.1.11129.2.4.3");

// Inside extensions.
pub(super) const SERVER_AUTH: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.1");
pub(super) const CLIENT_AUTH: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.2");
pub(super) const OCSP: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1");
pub(super) const OCSP_SIGNING: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.3.9");
pub(super) const CA_ISSUERS: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.2");

pub(super) const DOMAIN_VALIDATED: Oid =
    Oid::new_unwrap(bailiwick_core::certificate::DOMAIN_VALIDATED);

// OCSP (RFC 6960) and the hashes in its questions.
pub(super) const OCSP_BASIC: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.1");
pub(super) const OCSP_NONCE: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.2");
pub(super) const OCSP_NO_CHECK: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1.5");
pub(super) const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");
pub(super) const SHA256: Oid = Oid::new_unwrap("2.16.840.1.101.3.4.2.1");

// Attributes of requests (RFC 2985) and of names (RFC 4519, section 2).
pub(super) const EXTENSION_REQUEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.14");
/// id-pe-acmeIdentifier (RFC 8737, section 6.1).
pub(super) const ACME_IDENTIFIER: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.1.31");
pub(super) const COMMON_NAME: Oid = Oid::new_unwrap("2.5.4.3");
pub(super) const ORGANIZATION: Oid = Oid::new_unwrap("2.5.4.10");

/// The short names of RFC 4514, section 3, and the one that is common beside them.
pub(super) fn short_name(id: Oid) -> Option<&'static str> {
    const NAMES: [(&str, &str); 10] = [
        ("2.5.4.3", "CN"),
        ("2.5.4.7", "L"),
        ("2.5.4.8", "ST"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("2.5.4.6", "C"),
        ("2.5.4.9", "STREET"),
        ("2.5.4.5", "SERIALNUMBER"),
        ("0.9.2342.19200300.100.1.25", "DC"),
        ("0.9.2342.19200300.100.1.1", "UID"),
    ];
    let text = id.to_string();
    NAMES.iter().find(|(dotted, _)| *dotted == text).map(|(_, name)| *name)
}
