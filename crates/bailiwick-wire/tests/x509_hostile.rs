//! Certificates, CRLs and PEM from anywhere: never a panic, never past a bound (threat T13).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the test CA")]

mod x509_ca;

use std::collections::BTreeMap;

use bailiwick_core::certificate::IssuerPlaces;
use bailiwick_core::certificate::{
    CrlEntry, CrlScope, CrlSpec, NameSeen, RevocationReason, SerialSeen, random_serial,
};
use bailiwick_core::names::IssuerId;
use bailiwick_core::time::DAY_MS;
use bailiwick_wire::x509::{
    AriId, BadAuthority, BadCertificate, BadCrl, BadDer, CERTIFICATE_OCTETS_MAX, build_tbs,
    read_certificate, read_chain, read_crl, read_csr, read_issuer, restore_tbs, verify_crl,
    verify_issued, write_chain,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, KeyPair, SanType,
    SerialNumber,
};
use x509_ca::{CRL_URL, TestCa, der, new_key, now, profile, spec, subject_key};

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

fn crl_spec() -> CrlSpec {
    let entry = |index: u8| {
        let reason = RevocationReason::ALL[usize::from(index) % 6];
        (
            random_serial([index; 16]).unwrap(),
            CrlEntry { revoked_at: now().plus_ms(-DAY_MS), reason },
        )
    };
    CrlSpec {
        issuer: IssuerId::parse("builtin").unwrap(),
        number: 300,
        this_update: now(),
        next_update: now().plus_ms(4 * DAY_MS),
        scope: CrlScope::PointedAt { url: CRL_URL.to_owned() },
        entries: (0..6).map(entry).collect::<BTreeMap<_, _>>(),
    }
}

#[test]
fn any_octets_for_any_reader() {
    let ca = TestCa::new();
    let spec = spec(&["www.shop.example"], subject_key(&new_key()), 1);
    let tbs = build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap();
    let certificate = ca.issue(&tbs);
    let crl = ca.sign_crl(&crl_spec());
    let chain = write_chain([certificate.as_slice(), &ca.issuing_der]).into_bytes();
    let seeds = [certificate, crl, chain, tbs.bytes().to_vec(), ca.root_der.clone()];
    let id = IssuerId::parse("x").unwrap();
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let octets = (0..6_usize, damage, prop::collection::vec(any::<u8>(), 0..120));
    runner(20_000)
        .run(&octets, |(seed, damage, random)| {
            let mut octets = seeds.get(seed).cloned().unwrap_or(random);
            for (index, octet) in damage {
                if !octets.is_empty() {
                    let index = index.index(octets.len());
                    octets[index] = octet;
                }
            }
            let is_untouched = seeds.contains(&octets);
            let _facts = read_certificate(&octets);
            let _facts = read_crl(&octets);
            let _blocks = read_chain(&octets);
            let _issuer = read_issuer(&octets, id.clone(), IssuerPlaces::default());
            let _id = AriId::parse(&String::from_utf8_lossy(&octets));
            let _request = read_csr(&octets);
            let issued = verify_issued(&octets, &spec, &profile(), &ca.issuer);
            prop_assert!(issued.is_err() || is_untouched);
            let believed = verify_crl(&octets, &crl_spec(), &ca.issuer);
            prop_assert!(believed.is_err() || is_untouched);
            let restored = restore_tbs(octets.clone(), &spec, &profile(), &ca.issuer, now());
            prop_assert!(restored.is_err() || is_untouched);
            Ok(())
        })
        .unwrap();
}

#[test]
fn odd_certificates_are_told_about_without_being_believed() {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&[0x80; 21]));
    params.distinguished_name.push(DnType::CommonName, "a\u{202e}b\r\n\x1b[2J");
    params.subject_alt_names = vec![
        SanType::DnsName("no_underscore.example".try_into().unwrap()),
        SanType::DnsName("*.*.example".try_into().unwrap()),
        SanType::DnsName("fine.example".try_into().unwrap()),
        SanType::IpAddress([192, 0, 2, 1].into()),
        SanType::Rfc822Name("a@example.com".try_into().unwrap()),
        SanType::URI("spiffe://shop/a\r\nb".try_into().unwrap()),
        SanType::OtherName((vec![1, 2, 3], rcgen::OtherNameValue::Utf8String("upn".into()))),
    ];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(2051, 1, 1);
    let poison =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11_129, 2, 4, 3], vec![5, 0]);
    params.custom_extensions = vec![poison];
    let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    let facts = read_certificate(&der).unwrap();
    assert!(matches!(&facts.serial, SerialSeen::Odd(octets) if octets.len() == 22));
    assert_eq!(facts.common_names, ["a\\u{202e}b\\u{d}\\u{a}\\u{1b}[2J"]);
    assert!(matches!(
        facts.names.as_slice(),
        [
            NameSeen::OddDns(_),
            NameSeen::OddDns(_),
            NameSeen::Dns(_),
            NameSeen::Ip(_),
            NameSeen::Email(_),
            NameSeen::Uri(_),
            NameSeen::Other { tag: 0xa0, .. }
        ]
    ));
    assert!(facts.is_ca && facts.is_precertificate);
    assert_eq!(facts.not_after.to_string(), "2051-01-01T00:00:00Z");
}

#[test]
fn bounds_hold() {
    assert_eq!(read_certificate(&vec![0; CERTIFICATE_OCTETS_MAX + 1]), Err(BadCertificate::TooBig));
    let with_names = |count: usize| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName("a.example".try_into().unwrap()); count];
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    };
    assert_eq!(read_certificate(&with_names(2_000)).unwrap().names.len(), 2_000);
    assert_eq!(read_certificate(&with_names(2_001)), Err(BadCertificate::TooManyNames));
}

#[test]
fn an_empty_list_of_purposes_is_no_purpose() {
    // step-ca CVE-2026-40097: an empty list was indexed.
    let mut params = CertificateParams::default();
    params.custom_extensions =
        vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], der(0x30, &[]))];
    let octets = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    let facts = read_certificate(&octets).unwrap();
    assert!(facts.purposes.is_empty() && facts.purposes_other.is_empty());
}

#[test]
fn only_a_ca_can_be_an_issuer() {
    let ca = TestCa::new();
    let id = IssuerId::parse("x").unwrap();
    let leaf = ca.issue(
        &build_tbs(
            &spec(&["a.shop.example"], subject_key(&new_key()), 1),
            &profile(),
            &ca.issuer,
            now(),
        )
        .unwrap(),
    );
    assert_eq!(
        read_issuer(&leaf, id.clone(), IssuerPlaces::default()),
        Err(BadAuthority::NotAuthority)
    );
    let ok = read_issuer(&ca.issuing_der, id, IssuerPlaces::default()).unwrap();
    assert_eq!(ok.name_der, ca.issuer.name_der);
}

#[test]
fn a_crl_with_an_empty_bit_string_in_its_distribution_point_is_no_panic() {
    // RUSTSEC-2026-0104.
    let ca = TestCa::new();
    let spec = crl_spec();
    let good = ca.sign_crl(&spec);
    let idp = [0x55, 0x1d, 0x1c];
    let at = good.windows(3).position(|window| window == idp).unwrap();
    let mut bad = good.clone();
    // The OCTET STRING's SEQUENCE content starts with [0]; turn it into an empty [3] BIT STRING.
    let content = at + 3 + 3 + 2 + 2;
    assert_eq!(bad[content], 0xa0);
    bad[content] = 0x83;
    let facts = read_crl(&bad).unwrap();
    assert!(facts.has_unknown_critical && facts.scope_url.is_none());
    assert_eq!(verify_crl(&bad, &spec, &ca.issuer), Err(BadCrl::Differs));
    assert_eq!(read_crl(&good[..good.len() - 1]), Err(BadCrl::Der(BadDer::Truncated)));
}

#[test]
fn a_crl_is_believed_only_word_for_word() {
    let ca = TestCa::new();
    let spec = crl_spec();
    let der = ca.sign_crl(&spec);
    let check = |change: &dyn Fn(&mut CrlSpec)| {
        let mut other = spec.clone();
        change(&mut other);
        assert!(verify_crl(&der, &other, &ca.issuer).is_err());
    };
    assert!(verify_crl(&der, &spec, &ca.issuer).is_ok());
    check(&|spec| spec.number += 1);
    check(&|spec| spec.next_update = spec.next_update.plus_ms(1_000));
    check(&|spec| spec.scope = CrlScope::Whole);
    check(&|spec| {
        spec.entries.pop_first();
    });
    check(&|spec| {
        for entry in spec.entries.values_mut() {
            entry.reason = RevocationReason::KeyCompromise;
        }
    });
    let signed_by_root = {
        let tbs = bailiwick_wire::x509::write_crl(&spec, &ca.issuer).unwrap();
        bailiwick_wire::x509::assemble_crl(&tbs, &ca.issuer, &ca.sign_as_root(&tbs))
    };
    assert!(matches!(verify_crl(&signed_by_root, &spec, &ca.issuer), Err(BadCrl::Signature(_))));
}
