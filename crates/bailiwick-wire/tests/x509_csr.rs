//! Requests: a CSR gives key and names, whatever else stands in it (threat T18), and hostile
//! octets cost nothing but a refusal (threat T13).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the test CA")]

mod x509_ca;

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use bailiwick_core::certificate::{CertificateSpec, KeyKind, NameSeen, random_serial};
use bailiwick_core::names::SanName;
use bailiwick_wire::x509::{
    BadCsr, BadDer, BadKey, BadSignature, CSR_OCTETS_MAX, CsrExtra, build_tbs, read_certificate,
    read_csr,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rcgen::{
    Attribute, BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, RsaKeySize, SanType,
};
use x509_ca::{TestCa, der, new_key, now, profile, sign, subject_key};

/// One key of each kind and size; making an RSA key takes long.
static KEYS: LazyLock<Vec<(KeyKind, KeyPair)>> = LazyLock::new(|| {
    vec![
        (KeyKind::EcdsaP256, KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()),
        (KeyKind::EcdsaP384, KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap()),
        (KeyKind::Ed25519, KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap()),
        (
            KeyKind::Rsa,
            KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
        ),
        (
            KeyKind::Rsa,
            KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA512, RsaKeySize::_3072).unwrap(),
        ),
    ]
});

/// What a random request asks for.
#[derive(Clone, Debug)]
struct Wish {
    key: usize,
    names: Vec<String>,
    ips: Vec<IpAddr>,
    email: bool,
    common_name: bool,
    organisation: bool,
    ca: bool,
    usages: bool,
    custom: Option<Vec<u8>>,
    challenge_password: bool,
}

fn wish() -> impl Strategy<Value = Wish> {
    let label = "[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?";
    let name = (prop::bool::weighted(0.2), prop::collection::vec(label, 1..4), "[a-z]{2,8}")
        .prop_filter_map("a name", |(wildcard, labels, last)| {
            let text = format!("{}{}.{last}", if wildcard { "*." } else { "" }, labels.join("."));
            SanName::parse(&text).ok().map(|name| name.to_string())
        });
    (
        (
            prop_oneof![30 => 0..3_usize, 1 => 3..5_usize],
            prop::collection::vec(name, 1..8),
            prop::collection::btree_set(address(), 0..3).prop_map(|all| all.into_iter().collect()),
        ),
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    )
        .prop_map(
            |(
                (key, names, ips),
                (email, common_name, organisation, ca, usages, challenge_password),
                custom,
            )| Wish {
                key,
                names,
                ips,
                email,
                common_name,
                organisation,
                ca,
                usages,
                custom,
                challenge_password,
            },
        )
}

fn address() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>().prop_filter("of one host", |it| SanName::of_address(*it).is_ok())
}

fn request(wish: &Wish) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if wish.organisation {
        params.distinguished_name.push(DnType::OrganizationName, "Evil Corp");
    }
    if wish.common_name {
        params.distinguished_name.push(DnType::CommonName, wish.names[0].as_str());
    }
    params.subject_alt_names =
        wish.names.iter().map(|name| SanType::DnsName(name.as_str().try_into().unwrap())).collect();
    params.subject_alt_names.extend(wish.ips.iter().map(|ip| SanType::IpAddress(*ip)));
    if wish.email {
        params.subject_alt_names.push(SanType::Rfc822Name("root@evil.example".try_into().unwrap()));
    }
    if wish.ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    if wish.usages {
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    }
    if let Some(content) = &wish.custom {
        let value = der(0x04, std::slice::from_ref(content));
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3, 4], value)];
    }
    let password = der(0x31, &[der(0x0c, &[b"open sesame".to_vec()])]);
    let attributes = if wish.challenge_password {
        vec![Attribute { oid: &[1, 2, 840, 113_549, 1, 9, 7], values: password }]
    } else {
        Vec::new()
    };
    let (_, key) = &KEYS[wish.key];
    params.serialize_request_with_attributes(key, attributes).unwrap().der().to_vec()
}

/// Issues for a request as the gate does, and says whether the facts are the spec's and only those.
fn issue_for(ca: &TestCa, request: &[u8], serial: [u8; 16]) -> Result<(), BadCsr> {
    let csr = read_csr(request)?;
    let (not_before, not_after) = CertificateSpec::validity(&profile(), now(), 3_600);
    let spec = CertificateSpec {
        issuer: ca.issuer.id.clone(),
        profile: profile().id,
        names: csr.names().clone(),
        key: csr.key().clone(),
        not_before,
        not_after,
        serial: random_serial(serial).unwrap(),
        workload: None,
    };
    let issued = ca.issue(&build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap());
    let facts = read_certificate(&issued).unwrap();
    let seen = |name: &SanName| match name.address() {
        Some(address) => NameSeen::Ip(address),
        None => NameSeen::Dns(name.clone()),
    };
    let expected: Vec<NameSeen> = spec.names.iter().map(seen).collect();
    assert_eq!(facts.names, expected);
    assert_eq!(facts.key, spec.key.hash());
    assert_eq!(facts.key_kind, Some((spec.key.kind(), spec.key.bits())));
    assert_eq!(facts.serial.regular(), Some(&spec.serial));
    assert_eq!((facts.not_before, facts.not_after), (not_before, not_after));
    assert_eq!((facts.subject_name.as_str(), facts.is_ca), ("", false));
    assert_eq!(facts.purposes, profile().purposes);
    assert!(facts.purposes_other.is_empty());
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

#[test]
fn of_10_000_requests_only_key_and_names_reach_the_certificate() {
    let ca = TestCa::new();
    runner(10_000)
        .run(&(wish(), any::<[u8; 16]>()), |(wish, serial)| {
            let request = request(&wish);
            let csr = read_csr(&request).unwrap();
            let mut asked: BTreeSet<String> = wish.names.iter().cloned().collect();
            asked.extend(wish.ips.iter().map(ToString::to_string));
            let got: BTreeSet<String> = csr.names().iter().map(ToString::to_string).collect();
            prop_assert_eq!(got, asked);
            prop_assert_eq!(csr.key().kind(), KEYS[wish.key].0);
            let is_plain = !(wish.ca
                || wish.organisation
                || wish.challenge_password
                || wish.custom.is_some()
                || wish.email);
            prop_assert_eq!(csr.refused_requests().is_empty(), is_plain);
            let has = |found: fn(&CsrExtra) -> bool| csr.extras().iter().any(found);
            prop_assert_eq!(has(|extra| *extra == CsrExtra::AsksForCa), wish.ca);
            prop_assert_eq!(has(|extra| matches!(extra, CsrExtra::Habit { .. })), wish.usages);
            prop_assert_eq!(
                has(|extra| matches!(extra, CsrExtra::SubjectAttribute { .. })),
                wish.organisation
            );
            prop_assert_eq!(
                has(|extra| matches!(extra, CsrExtra::Attribute { .. })),
                wish.challenge_password
            );
            prop_assert_eq!(
                has(|extra| matches!(extra, CsrExtra::Extension { .. })),
                wish.custom.is_some()
            );
            prop_assert_eq!(has(|extra| matches!(extra, CsrExtra::OtherName(_))), wish.email);
            issue_for(&ca, &request, serial).unwrap();
            Ok(())
        })
        .unwrap();
}

#[test]
fn of_10_000_damaged_requests_none_passes_with_other_content() {
    let ca = TestCa::new();
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    let cut = prop::option::weighted(0.2, any::<prop::sample::Index>());
    runner(10_000)
        .run(&(wish(), damage, cut), |(wish, damage, cut)| {
            let whole = request(&wish);
            let mut octets = whole.clone();
            for (index, octet) in damage {
                let index = index.index(octets.len());
                octets[index] = octet;
            }
            if let Some(cut) = cut {
                octets.truncate(cut.index(octets.len()));
            }
            // Only what leaves the signed part and the signature alone can pass at all.
            match issue_for(&ca, &octets, [5; 16]) {
                Ok(()) => prop_assert_eq!(octets, whole),
                Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_octets_are_refused_without_a_panic() {
    runner(20_000)
        .run(&prop::collection::vec(any::<u8>(), 0..200), |octets| {
            prop_assert!(read_csr(&octets).is_err());
            Ok(())
        })
        .unwrap();
}

/// A request written by hand and signed with a P-256 key.
struct ByHand {
    version: Vec<u8>,
    subject: Vec<u8>,
    attributes: Vec<Vec<u8>>,
    algorithm: Vec<u8>,
    spki: Option<Vec<u8>>,
}

const ECDSA_SHA256: [u8; 10] = [0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

impl ByHand {
    fn new(names: &[&str]) -> Self {
        let names =
            names.iter().map(|name| der(0x82, &[name.as_bytes().to_vec()])).collect::<Vec<_>>();
        Self {
            version: der(0x02, &[vec![0]]),
            subject: der(0x30, &[]),
            attributes: vec![extension_request(&[extension(
                &[0x55, 0x1d, 0x11],
                &der(0x30, &names),
            )])],
            algorithm: der(0x30, &[ECDSA_SHA256.to_vec()]),
            spki: None,
        }
    }

    fn common_name(mut self, text: &str) -> Self {
        let pair = der(0x30, &[vec![0x06, 3, 0x55, 4, 3], der(0x0c, &[text.as_bytes().to_vec()])]);
        self.subject = der(0x30, &[der(0x31, &[pair])]);
        self
    }

    fn sign(self) -> Vec<u8> {
        let key = new_key();
        let spki = self.spki.unwrap_or_else(|| subject_key(&key).spki_der().to_vec());
        let info = der(0x30, &[self.version, self.subject, spki, der(0xa0, &self.attributes)]);
        let signature = [vec![0], sign(&key, &info)].concat();
        der(0x30, &[info, self.algorithm, der(0x03, &[signature])])
    }
}

fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der(0x30, &[der(0x06, &[oid.to_vec()]), der(0x04, &[value.to_vec()])])
}

fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    let oid = vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x0e];
    der(0x30, &[oid, der(0x31, &[der(0x30, extensions)])])
}

fn check(request: ByHand, expected: Result<&[&str], BadCsr>) {
    let read = read_csr(&request.sign());
    let names = read.map(|csr| csr.names().iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        names.as_deref().map_err(Clone::clone),
        expected
            .map(|names| { names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>() })
            .as_deref()
            .map_err(Clone::clone)
    );
}

#[test]
fn common_names_repeat_a_name_or_stand_for_one() {
    check(ByHand::new(&["a.shop.example"]).common_name("A.shop.example"), Ok(&["a.shop.example"]));
    check(
        ByHand::new(&["a.shop.example"]).common_name("b.shop.example"),
        Err(BadCsr::CommonNameNotInSan),
    );
    check(
        ByHand::new(&["a.shop.example"]).common_name("My Server"),
        Err(BadCsr::CommonNameNotInSan),
    );
    check(ByHand::new(&["a.shop.example"]).common_name(""), Err(BadCsr::CommonNameNotInSan));
    let mut alone = ByHand::new(&[]).common_name("a.shop.example");
    alone.attributes.clear();
    check(alone, Ok(&["a.shop.example"]));
    let mut nothing = ByHand::new(&[]);
    nothing.attributes.clear();
    check(nothing, Err(BadCsr::NoNames));
    check(ByHand::new(&[]), Err(BadCsr::NoNames));
}

#[test]
fn names_that_no_certificate_may_hold_are_refused() {
    for bad in [
        "*",
        "*.*.example",
        "shop",
        "a_b.shop.example",
        "a.shop.example.",
        "a b.example",
        "xn--a.example",
        "a\0.example",
        "",
    ] {
        let Err(BadCsr::Name { name }) = read_csr(&ByHand::new(&[bad]).sign()) else {
            panic!("{bad}")
        };
        assert!(!name.contains('\0'));
    }
    check(ByHand::new(&["A.Shop.Example"]), Ok(&["a.shop.example"]));
    check(ByHand::new(&["a.shop.example", "a.shop.example"]), Ok(&["a.shop.example"]));
}

#[test]
fn the_count_of_names_is_bounded() {
    let names: Vec<String> = (0..101).map(|index| format!("n{index}.shop.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(read_csr(&ByHand::new(&names[..100]).sign()).unwrap().names().count(), 100);
    check(ByHand::new(&names), Err(BadCsr::TooManyNames));
}

#[test]
fn an_integer_is_never_taken_for_a_name() {
    let mut request = ByHand::new(&["a.shop.example"]);
    let sneaky = der(
        0x30,
        &[der(0x82, &[b"a.shop.example".to_vec()]), der(0x02, &[b"b.shop.example".to_vec()])],
    );
    request.attributes = vec![extension_request(&[extension(&[0x55, 0x1d, 0x11], &sneaky)])];
    let csr = read_csr(&request.sign()).unwrap();
    assert_eq!(csr.names().count(), 1);
    assert!(matches!(csr.extras(), [CsrExtra::OtherName(NameSeen::Other { tag: 0x02, .. })]));
}

#[test]
fn structure_is_checked_before_anything_else() {
    assert_eq!(read_csr(&vec![0x30; CSR_OCTETS_MAX + 1]), Err(BadCsr::TooBig));
    assert_eq!(read_csr(&vec![0x30; CSR_OCTETS_MAX]), Err(BadCsr::Der(BadDer::Truncated)));
    let deep = (0..18).fold(vec![5, 0], |inner, _| der(0x30, &[inner]));
    assert_eq!(read_csr(&deep), Err(BadCsr::Der(BadDer::TooDeep)));
    let wide = der(0x30, &[[5, 0].repeat(5_000)]);
    assert_eq!(read_csr(&wide), Err(BadCsr::Der(BadDer::TooMany)));
    let mut version = ByHand::new(&["a.shop.example"]);
    version.version = der(0x02, &[vec![1]]);
    check(version, Err(BadCsr::Version));
    let mut twice = ByHand::new(&["a.shop.example"]);
    twice.attributes.push(twice.attributes[0].clone());
    assert!(matches!(read_csr(&twice.sign()), Err(BadCsr::Twice { .. })));
    let mut bomb = ByHand::new(&["a.shop.example"]);
    let deep_value = (0..17).fold(vec![5, 0], |inner, _| der(0x30, &[inner]));
    bomb.attributes = vec![extension_request(&[extension(&[0x2a, 3, 4], &deep_value)])];
    check(bomb, Err(BadCsr::Der(BadDer::TooDeep)));
}

#[test]
fn proof_of_possession_and_algorithm_are_checked() {
    let mut other_key = ByHand::new(&["a.shop.example"]);
    other_key.spki = Some(subject_key(&new_key()).spki_der().to_vec());
    let refused = read_csr(&other_key.sign()).unwrap_err();
    assert_eq!(refused, BadCsr::Signature(BadSignature::Wrong));
    assert!(!refused.is_key_fault() && !refused.is_algorithm_fault());

    let mut sha1 = ByHand::new(&["a.shop.example"]);
    sha1.algorithm = der(0x30, &[vec![0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]]);
    assert!(read_csr(&sha1.sign()).unwrap_err().is_algorithm_fault());
    let mut rsa = ByHand::new(&["a.shop.example"]);
    rsa.algorithm =
        der(0x30, &[vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b], vec![5, 0]]);
    assert_eq!(read_csr(&rsa.sign()), Err(BadCsr::Signature(BadSignature::OtherKind)));
}

#[test]
fn weak_and_unknown_keys_are_refused() {
    let ec = |curve: &[u8], point: Vec<u8>| {
        let algorithm = der(
            0x30,
            &[vec![0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], der(0x06, &[curve.to_vec()])],
        );
        der(0x30, &[algorithm, der(0x03, &[[vec![0], point].concat()])])
    };
    let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let real = subject_key(&new_key()).spki_der()[26..].to_vec();
    let rsa = |modulus: Vec<u8>, exponent: Vec<u8>| {
        let algorithm =
            der(0x30, &[vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], vec![5, 0]]);
        let numbers = der(0x30, &[der(0x02, &[modulus]), der(0x02, &[exponent])]);
        der(0x30, &[algorithm, der(0x03, &[[vec![0], numbers].concat()])])
    };
    let modulus =
        |octets: usize, last: u8| [vec![0, 0xc1], vec![0x5a; octets - 2], vec![last]].concat();
    let ed25519 = |octets: Vec<u8>| {
        der(
            0x30,
            &[
                der(0x30, &[vec![0x06, 3, 0x2b, 0x65, 0x70]]),
                der(0x03, &[[vec![0], octets].concat()]),
            ],
        )
    };
    let off_curve = {
        let mut point = real.clone();
        point[64] ^= 1;
        point
    };
    for (what, spki, expected) in [
        ("p-224", ec(&[0x2b, 0x81, 4, 0, 0x21], real.clone()), BadKey::Curve),
        ("off the curve", ec(&p256, off_curve), BadKey::Point),
        ("compressed", ec(&p256, [vec![2], real[1..33].to_vec()].concat()), BadKey::Point),
        ("infinity", ec(&p256, vec![0]), BadKey::Point),
        ("zeros", ec(&p256, [vec![4], vec![0; 64]].concat()), BadKey::Point),
        ("rsa 1024", rsa(modulus(128, 1), vec![1, 0, 1]), BadKey::RsaSize { bits: 1_024 }),
        ("rsa 8192", rsa(modulus(1_024, 1), vec![1, 0, 1]), BadKey::RsaSize { bits: 8_192 }),
        ("rsa even", rsa(modulus(256, 2), vec![1, 0, 1]), BadKey::RsaWeak),
        ("rsa exponent 3", rsa(modulus(256, 1), vec![3]), BadKey::RsaExponent),
        ("rsa exponent even", rsa(modulus(256, 1), vec![1, 0, 2]), BadKey::RsaExponent),
        ("ed25519 zero", ed25519(vec![0; 32]), BadKey::SmallOrder),
        ("ed25519 short", ed25519(vec![7; 31]), BadKey::Point),
        (
            "dsa",
            der(
                0x30,
                &[
                    der(0x30, &[vec![0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1]]),
                    der(0x03, &[vec![0, 1]]),
                ],
            ),
            BadKey::Algorithm,
        ),
    ] {
        let mut request = ByHand::new(&["a.shop.example"]);
        request.spki = Some(spki);
        let refused = read_csr(&request.sign()).unwrap_err();
        assert_eq!(refused, BadCsr::Key(expected), "{what}");
        assert!(refused.is_key_fault());
    }
}
