//! What a certificate from anywhere was seen to say.
//!
//! It is attacker input: texts are escaped, URLs are never followed because they stand here, and
//! nothing here grants anything.

use core::net::IpAddr;
use std::collections::BTreeSet;

use crate::certificate::profile::{KeyKind, KeyPurpose};
use crate::certificate::tbs::KeyUsageBit;
use crate::names::{CertFingerprint, CertSerial, SanName, SpkiHash};
use crate::time::Time;

/// A serial number as it stands in a certificate of whatever making.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum SerialSeen {
    /// One that RFC 5280 allows.
    Regular(CertSerial),
    /// Zero, negative or too long; these are the octets of the INTEGER.
    Odd(Vec<u8>),
}

impl SerialSeen {
    /// The serial, where it is a regular one.
    #[must_use]
    pub const fn regular(&self) -> Option<&CertSerial> {
        match self {
            Self::Regular(serial) => Some(serial),
            Self::Odd(_) => None,
        }
    }
}

/// One name of a certificate of whatever making (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum NameSeen {
    /// A dNSName that we would sign ourselves.
    Dns(SanName),
    /// A dNSName that is not one: single label, underscore, bad A-label, star inside; escaped.
    OddDns(String),
    /// An iPAddress of 4 or 16 octets.
    Ip(IpAddr),
    /// An rfc822Name; escaped.
    Email(String),
    /// A uniformResourceIdentifier; escaped.
    Uri(String),
    /// Any other kind, by its tag octet.
    Other {
        /// The tag octet.
        tag: u8,
        /// Its content.
        octets: Vec<u8>,
    },
}

/// What one certificate says. Never proof of anything but that somebody wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFacts {
    /// The hash of its bytes.
    pub fingerprint: CertFingerprint,
    /// Its serial number.
    pub serial: SerialSeen,
    /// The issuer's distinguished name, as text; escaped.
    pub issuer_name: String,
    /// The issuer's distinguished name in DER.
    pub issuer_name_der: Vec<u8>,
    /// The issuer's key by its authority key identifier.
    pub issuer_key_id: Option<Vec<u8>>,
    /// The subject's distinguished name, as text; escaped.
    pub subject_name: String,
    /// The common names of the subject; escaped.
    pub common_names: Vec<String>,
    /// The subject key identifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// The hash of its SubjectPublicKeyInfo.
    pub key: SpkiHash,
    /// Kind and size of its key, where we know the kind.
    pub key_kind: Option<(KeyKind, u16)>,
    /// Its subject alternative names in the order they stand.
    pub names: Vec<NameSeen>,
    /// First second of its validity.
    pub not_before: Time,
    /// Last second of its validity.
    pub not_after: Time,
    /// The purposes we know.
    pub purposes: BTreeSet<KeyPurpose>,
    /// The other purposes, as dotted object identifiers.
    pub purposes_other: Vec<String>,
    /// Where its CRLs are said to be; escaped.
    pub crl_urls: Vec<String>,
    /// Where its issuer's certificate is said to be; escaped.
    pub ca_issuers_urls: Vec<String>,
    /// Where its status is said to be told (OCSP); escaped.
    pub ocsp_urls: Vec<String>,
    /// The certificate policies it names, as dotted object identifiers.
    pub policies: Vec<String>,
    /// Its key usage; `None` when it has none, or one that cannot be read.
    pub key_usage: Option<BTreeSet<KeyUsageBit>>,
    /// Whether it says that it is a CA (RFC 5280, section 4.2.1.9).
    pub is_ca: bool,
    /// Whether it holds the poison of a precertificate (RFC 6962, section 3.1).
    pub is_precertificate: bool,
}
