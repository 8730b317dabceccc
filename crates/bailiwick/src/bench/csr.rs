//! A certificate request (RFC 2986) for one name and a fresh P-256 key, octet by octet: a client
//! that asks for nothing else needs no more.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::KeyKind;
use bailiwick_core::names::SpkiHash;
use bailiwick_wire::x509::PublicKey;

use super::fault::NotMeasured;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `attributes` of the request, and `dNSName` of a general name.
const CONTEXT_0: u8 = 0xa0;
const DNS_NAME: u8 = 0x82;

/// ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758, section 3.2).
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// extensionRequest, 1.2.840.113549.1.9.14 (RFC 2985, section 5.4.2).
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
/// subjectAltName, 2.5.29.17 (RFC 5280, section 4.2.1.6).
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// A request, and the key it is for.
pub(super) struct Request {
    /// The request, DER.
    pub(super) der: Vec<u8>,
    /// Names the key that the certificate must have.
    pub(super) key: SpkiHash,
}

impl Request {
    /// For one name, with a key of its own.
    pub(super) fn fresh(name: &str) -> Result<Self, NotMeasured> {
        let broken = |_| NotMeasured::Constant("a P-256 key");
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(broken)?;
        let public = PublicKey::from_point(KeyKind::EcdsaP256, key.public_key().as_ref())
            .map_err(|_| NotMeasured::Constant("a P-256 point"))?;
        let spki = public.to_spki();
        let san = tlv(SEQUENCE, &[&tlv(DNS_NAME, &[name.as_bytes()])]);
        let extension =
            tlv(SEQUENCE, &[&tlv(OID, &[SUBJECT_ALT_NAME]), &tlv(OCTET_STRING, &[&san])]);
        let extensions = tlv(SET, &[&tlv(SEQUENCE, &[&extension])]);
        let attribute = tlv(SEQUENCE, &[&tlv(OID, &[EXTENSION_REQUEST]), &extensions]);
        let version = tlv(INTEGER, &[&[0]]);
        let subject = tlv(SEQUENCE, &[]);
        let info = tlv(SEQUENCE, &[&version, &subject, &spki, &tlv(CONTEXT_0, &[&attribute])]);
        let signature = key.sign(&SystemRandom::new(), &info).map_err(broken)?;
        let algorithm = tlv(SEQUENCE, &[&tlv(OID, &[ECDSA_SHA256])]);
        let der =
            tlv(SEQUENCE, &[&info, &algorithm, &tlv(BIT_STRING, &[&[0], signature.as_ref()])]);
        Ok(Self { der, key: SpkiHash::of(&spki) })
    }
}

/// One value of DER (X.690, section 8.1). What is written here never has 64 KiB.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut octets = vec![tag];
    match (high, low) {
        (0, 0..0x80) => octets.push(low),
        (0, _) => octets.extend([0x81, low]),
        (_, _) => octets.extend([0x82, high, low]),
    }
    octets.extend(content);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_reads_what_the_client_writes() {
        let long = format!("{}.bench.example", ["a"; 100].join("."));
        for name in ["n1.bench.example", long.as_str()] {
            let request = Request::fresh(name).unwrap();
            let read = bailiwick_wire::x509::read_csr(&request.der).unwrap();
            assert_eq!(read.key().hash(), request.key);
            let names: Vec<String> = read.names().iter().map(ToString::to_string).collect();
            assert_eq!(names, [name]);
            assert!(read.refused_requests().is_empty());
        }
    }
}
