//! A CA whose keys and times never change, so that a case is the same in every run: Ed25519 signs
//! without randomness.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, CrlEntry, CrlScope, CrlSpec, IssuerIdentity, IssuerPlaces,
    KeyKind, KeyPurpose, ProfileRules, RevocationPointers, RevocationReason, SanSet, SubjectKey,
    random_serial,
};
use bailiwick_core::names::{IssuerId, ProfileId, SanName};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::x509::{
    AuthorityKind, AuthoritySpec, Organisation, PublicKey, assemble, assemble_authority,
    assemble_crl, build_tbs, read_issuer, write_authority, write_crl,
};

const CRL_URL: &str = "http://pki.shop.example/issuing.crl";

pub(crate) struct Authority {
    pub(crate) root_der: Vec<u8>,
    pub(crate) issuing_der: Vec<u8>,
    pub(crate) root: IssuerIdentity,
    pub(crate) issuer: IssuerIdentity,
    issuing_key: Ed25519KeyPair,
}

pub(crate) fn now() -> Time {
    Time::parse("2026-03-03T10:00:00Z").unwrap()
}

pub(crate) fn key(octet: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[octet; 32]).unwrap()
}

pub(crate) fn key_of(key: &Ed25519KeyPair) -> SubjectKey {
    PublicKey::from_ed25519(key.public_key().as_ref()).unwrap().to_subject_key()
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (root_key, issuing_key) = (key(1), key(2));
        let spec = |kind, key: &Ed25519KeyPair, octet| AuthoritySpec {
            kind,
            organisation: Organisation::parse("Kaufhaus Beispiel, Zürich").unwrap(),
            key: key_of(key),
            serial: random_serial([octet; 16]).unwrap(),
            not_before: now().plus_ms(-DAY_MS),
            not_after: now().plus_ms(3_650 * DAY_MS),
            permitted: None,
            places: IssuerPlaces::default(),
        };
        let id = IssuerId::parse("builtin").unwrap();
        let sign =
            |tbs: &[u8]| assemble_authority(tbs, &key_of(&root_key), root_key.sign(tbs).as_ref());
        let root_der = sign(&write_authority(&spec(AuthorityKind::Root, &root_key, 1)).unwrap());
        let root = read_issuer(&root_der, id.clone(), IssuerPlaces::default()).unwrap();
        let kind = AuthorityKind::Issuing { parent: &root };
        let issuing_der = sign(&write_authority(&spec(kind, &issuing_key, 2)).unwrap());
        let issuer = read_issuer(&issuing_der, id, places()).unwrap();
        Self { root_der, issuing_der, root, issuer, issuing_key }
    }

    /// The octets that are signed, and the certificate.
    pub(crate) fn certificate(&self) -> (Vec<u8>, Vec<u8>) {
        let tbs = build_tbs(&spec(), &profile(), &self.issuer, now()).unwrap();
        let signature = self.issuing_key.sign(tbs.bytes());
        (tbs.bytes().to_vec(), assemble(&tbs, &self.issuer, signature.as_ref()))
    }

    pub(crate) fn crl(&self) -> Vec<u8> {
        let tbs = write_crl(&crl_spec(), &self.issuer).unwrap();
        assemble_crl(&tbs, &self.issuer, self.issuing_key.sign(&tbs).as_ref())
    }
}

pub(crate) fn places() -> IssuerPlaces {
    IssuerPlaces {
        crl_url: Some(CRL_URL.to_owned()),
        ca_issuers_url: Some("http://pki.shop.example/issuing.cer".to_owned()),
        ..IssuerPlaces::default()
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

pub(crate) fn spec() -> CertificateSpec {
    let (not_before, not_after) = CertificateSpec::validity(&profile(), now(), u32::MAX);
    let names = ["www.shop.example", "*.shop.example"].map(|name| SanName::parse(name).unwrap());
    CertificateSpec {
        issuer: IssuerId::parse("builtin").unwrap(),
        profile: profile().id,
        names: SanSet::new(names).unwrap(),
        key: key_of(&key(3)),
        not_before,
        not_after,
        serial: random_serial([7; 16]).unwrap(),
        workload: None,
    }
}

pub(crate) fn crl_spec() -> CrlSpec {
    let entry = |index: u8| {
        let reason = RevocationReason::ALL[usize::from(index) % RevocationReason::ALL.len()];
        let revoked_at = now().plus_ms(-DAY_MS);
        (random_serial([index; 16]).unwrap(), CrlEntry { revoked_at, reason })
    };
    CrlSpec {
        issuer: IssuerId::parse("builtin").unwrap(),
        number: 300,
        this_update: now(),
        next_update: now().plus_ms(4 * DAY_MS),
        scope: CrlScope::PointedAt { url: CRL_URL.to_owned() },
        entries: (0..6).map(entry).collect(),
    }
}
