//! A CA with its keys in memory, made of nothing but the functions under test and a signer.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, CrlSpec, IssuerIdentity, IssuerPlaces, KeyKind,
    KeyPurpose, ProfileRules, RevocationPointers, SanSet, SubjectKey, Tbs, random_serial,
};
use bailiwick_core::names::{IssuerId, ProfileId, SanName};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::x509::{
    AuthorityKind, AuthoritySpec, Organisation, PublicKey, assemble, assemble_authority,
    assemble_crl, read_issuer, verify_authority, verify_crl, verify_issued, verify_signed,
    write_authority, write_crl,
};

pub(crate) const CRL_URL: &str = "http://pki.shop.example/issuing.crl";
pub(crate) const CA_URL: &str = "http://pki.shop.example/issuing.cer";

pub(crate) struct TestCa {
    pub(crate) root_der: Vec<u8>,
    pub(crate) issuing_der: Vec<u8>,
    pub(crate) root: IssuerIdentity,
    pub(crate) issuer: IssuerIdentity,
    root_key: EcdsaKeyPair,
    issuing_key: EcdsaKeyPair,
}

pub(crate) fn now() -> Time {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix_seconds(i64::try_from(elapsed.as_secs()).unwrap())
}

pub(crate) fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

pub(crate) fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()
}

pub(crate) fn subject_key(key: &EcdsaKeyPair) -> SubjectKey {
    PublicKey::from_point(KeyKind::EcdsaP256, key.public_key().as_ref()).unwrap().to_subject_key()
}

impl TestCa {
    pub(crate) fn new() -> Self {
        let (root_key, issuing_key) = (new_key(), new_key());
        let organisation = Organisation::parse("Kaufhaus Beispiel, Zürich").unwrap();
        let spec = |kind, key: &EcdsaKeyPair, octet| AuthoritySpec {
            kind,
            organisation: organisation.clone(),
            key: subject_key(key),
            serial: random_serial([octet; 16]).unwrap(),
            not_before: now().plus_ms(-DAY_MS),
            not_after: now().plus_ms(3_650 * DAY_MS),
            permitted: None,
            places: IssuerPlaces::default(),
        };
        let id = IssuerId::parse("builtin").unwrap();
        let tbs = write_authority(&spec(AuthorityKind::Root, &root_key, 1)).unwrap();
        let signature = sign(&root_key, &tbs);
        let root_der = assemble_authority(&tbs, &subject_key(&root_key), &signature);
        let root = read_issuer(&root_der, id.clone(), IssuerPlaces::default()).unwrap();
        verify_authority(&root_der, &root).unwrap();

        let kind = AuthorityKind::Issuing { parent: &root };
        let tbs = write_authority(&spec(kind, &issuing_key, 2)).unwrap();
        let signature = sign(&root_key, &tbs);
        let issuing_der = assemble_authority(&tbs, &subject_key(&root_key), &signature);
        verify_authority(&issuing_der, &root).unwrap();
        let places = IssuerPlaces {
            crl_url: Some(CRL_URL.to_owned()),
            ca_issuers_url: Some(CA_URL.to_owned()),
            ..IssuerPlaces::default()
        };
        let issuer = read_issuer(&issuing_der, id, places).unwrap();
        Self { root_der, issuing_der, root, issuer, root_key, issuing_key }
    }

    pub(crate) fn sign_raw(&self, tbs: &Tbs) -> Vec<u8> {
        assemble(tbs, &self.issuer, &sign(&self.issuing_key, tbs.bytes()))
    }

    pub(crate) fn issue(&self, tbs: &Tbs) -> Vec<u8> {
        let der = self.sign_raw(tbs);
        verify_signed(&der, tbs, &self.issuer).unwrap();
        verify_issued(&der, tbs.spec(), &profile(), &self.issuer).unwrap();
        der
    }

    pub(crate) fn sign_crl(&self, spec: &CrlSpec) -> Vec<u8> {
        let tbs = write_crl(spec, &self.issuer).unwrap();
        let der = assemble_crl(&tbs, &self.issuer, &sign(&self.issuing_key, &tbs));
        verify_crl(&der, spec, &self.issuer).unwrap();
        der
    }

    pub(crate) fn sign_as_root(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.root_key, message)
    }

    pub(crate) fn sign_as_issuer(&self, message: &[u8]) -> Vec<u8> {
        sign(&self.issuing_key, message)
    }
}

pub(crate) fn profile() -> CertificateProfile {
    CertificateProfile {
        id: ProfileId::parse("server").unwrap(),
        lifetime_seconds_max: 47 * 86_400,
        backdate_seconds: 300,
        purposes: [KeyPurpose::ServerAuth, KeyPurpose::ClientAuth].into(),
        keys_allowed: KeyKind::ALL.into(),
        rsa_bits_min: 2_048,
        names_max: 100,
        wildcard_allowed: true,
        revocation: RevocationPointers { crl: true, ocsp: false },
        workload_uri: false,
        rules: ProfileRules::Private,
    }
}

pub(crate) fn spec(names: &[&str], key: SubjectKey, serial: u8) -> CertificateSpec {
    let (not_before, not_after) = CertificateSpec::validity(&profile(), now(), u32::MAX);
    CertificateSpec {
        issuer: IssuerId::parse("builtin").unwrap(),
        profile: profile().id,
        names: SanSet::new(names.iter().map(|name| SanName::parse(name).unwrap())).unwrap(),
        key,
        not_before,
        not_after,
        serial: random_serial([serial; 16]).unwrap(),
        workload: None,
    }
}

/// One DER value, written apart from the code under test.
pub(crate) fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let mut octets = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => octets.push(short),
        Ok(short) => octets.extend([0x81, short]),
        Err(_) => {
            octets.push(0x82);
            octets.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    octets.extend(content);
    octets
}

/// The values inside a DER value, each whole.
pub(crate) fn inside(octets: &[u8]) -> Vec<Vec<u8>> {
    let length = |octets: &[u8]| match octets[1] {
        0x81 => (3, usize::from(octets[2])),
        0x82 => (4, usize::from(octets[2]) << 8 | usize::from(octets[3])),
        short => (2, usize::from(short)),
    };
    let mut rest = &octets[length(octets).0..];
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (header, content) = length(rest);
        values.push(rest[..header + content].to_vec());
        rest = &rest[header + content..];
    }
    values
}
