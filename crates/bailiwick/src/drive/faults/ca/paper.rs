//! Certificates of the simulated CA: right ones, and every kind of wrong one.

use bailiwick_core::names::SanName;
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};
use bailiwick_wire::x509::PublicKey;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};

use super::mischief::Mischief;

/// One CA certificate with its key.
pub(super) struct Authority {
    pub(super) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn params(name: &str, now: Time) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = called(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = at(now.plus_ms(-DAY_MS));
        params.not_after = at(now.plus_ms(3_650 * DAY_MS));
        params
    }

    pub(super) fn root(name: &str, now: Time) -> Self {
        let (params, key) = (Self::params(name, now), KeyPair::generate().unwrap());
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    pub(super) fn below(&self, name: &str, now: Time) -> Self {
        let (params, key) = (Self::params(name, now), KeyPair::generate().unwrap());
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A certificate for the CA's own HTTPS server.
    pub(super) fn server(&self, name: &str, now: Time) -> (Vec<u8>, Vec<u8>) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = at(now.plus_ms(-DAY_MS));
        params.not_after = at(now.plus_ms(365 * DAY_MS));
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        (der, key.serialize_der())
    }
}

/// The hierarchy of the CA, and one that has nothing to do with it.
pub(super) struct Paper {
    pub(super) root: Authority,
    pub(super) intermediate: Authority,
    other_intermediate: Authority,
    unrelated: Authority,
    other_key: KeyPair,
}

/// What a certificate is to be made for.
pub(super) struct Wanted<'a> {
    pub(super) names: &'a [SanName],
    pub(super) key: &'a [u8],
    pub(super) serial: u128,
    pub(super) now: Time,
}

impl Paper {
    pub(super) fn new(now: Time) -> Self {
        let root = Authority::root("Simulated Root", now);
        Self {
            intermediate: root.below("Simulated Intermediate", now),
            other_intermediate: root.below("Another Intermediate", now),
            unrelated: Authority::root("Unrelated Root", now),
            root,
            other_key: KeyPair::generate().unwrap(),
        }
    }

    /// Signs; what it signs is wrong in the way of the mischief, or right.
    pub(super) fn sign(&self, wanted: &Wanted<'_>, mischief: Mischief) -> Vec<u8> {
        let mut names: Vec<String> = wanted.names.iter().map(ToString::to_string).collect();
        match mischief {
            Mischief::OtherNames => names = vec!["intranet.corp.example".to_owned()],
            Mischief::ExtraName => names.push("pay.example".to_owned()),
            Mischief::MissingName => drop(names.pop()),
            _ => {}
        }
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from(wanted.serial.to_be_bytes().to_vec()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let (mut from, mut to) = (wanted.now.plus_ms(-HOUR_MS), wanted.now.plus_ms(60 * DAY_MS));
        match mischief {
            Mischief::CaTrue => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            Mischief::TooLong => to = wanted.now.plus_ms(396 * DAY_MS),
            Mischief::NotYetValid => {
                (from, to) = (from.plus_ms(30 * DAY_MS), to.plus_ms(20 * DAY_MS));
            }
            Mischief::Expired => {
                (from, to) = (from.plus_ms(-90 * DAY_MS), from.plus_ms(-30 * DAY_MS));
            }
            Mischief::OtherPurpose => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
            _ => {}
        }
        params.not_before = at(from);
        params.not_after = at(to);
        if params.subject_alt_names.is_empty() {
            params.subject_alt_names = vec![SanType::DnsName("x.example".try_into().unwrap())];
        }
        let asked = PublicKey::from_spki(wanted.key).unwrap();
        let issuer = &self.intermediate.issuer;
        let made = match mischief {
            Mischief::OtherKey => params.signed_by(&self.other_key, issuer),
            _ => params.signed_by(&Public(asked.octets().to_vec()), issuer),
        };
        made.unwrap().der().to_vec()
    }

    /// What is shown with a leaf.
    pub(super) fn chain(&self, leaf: &[u8], mischief: Mischief) -> Vec<Vec<u8>> {
        let (leaf, root) = (leaf.to_vec(), self.root.der.clone());
        let intermediate = self.intermediate.der.clone();
        match mischief {
            Mischief::OtherIntermediate => vec![leaf, self.other_intermediate.der.clone()],
            Mischief::NoIntermediate => vec![leaf],
            Mischief::Reordered => vec![leaf, root, intermediate],
            Mischief::UnrelatedRoot => vec![leaf, intermediate, self.unrelated.der.clone()],
            Mischief::LeafLast => vec![intermediate, leaf],
            _ => vec![leaf, intermediate],
        }
    }
}

/// A P-256 key that somebody else has.
struct Public(Vec<u8>);

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}

fn at(time: Time) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(time.unix_ms().div_euclid(1_000)).unwrap()
}
