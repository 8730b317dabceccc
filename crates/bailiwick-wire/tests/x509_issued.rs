//! Promise P1: what is signed is exactly what was approved. Every bound field, every octet.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the test CA")]

mod x509_ca;

use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, IssuerIdentity, KeyPurpose, LintFinding, ProfileRules,
    SanSet, random_serial,
};
use bailiwick_core::names::{IssuerId, ProfileId, SanName, SpiffeId};
use bailiwick_wire::x509::{BadTbs, NotAsApproved, build_tbs, restore_tbs, verify_issued};
use x509_ca::{TestCa, der, inside, new_key, now, profile, spec, subject_key};

fn approved(ca: &TestCa) -> (CertificateSpec, Vec<u8>) {
    let spec = spec(&["www.shop.example"], subject_key(&new_key()), 3);
    let tbs = build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap();
    (spec, ca.sign_raw(&tbs))
}

/// Each bound field, changed after approval, and the findings that must tell.
type Change = fn(&mut CertificateSpec, &mut CertificateProfile, &mut IssuerIdentity);

const CHANGES: [(&str, Change, &str); 17] = [
    (
        "another issuer",
        |spec, _, _| spec.issuer = IssuerId::parse("other").unwrap(),
        "another issuer",
    ),
    (
        "a name more",
        |spec, _, _| spec.names = names(&["www.shop.example", "pay.shop.example"]),
        "subjectAltName",
    ),
    ("another name", |spec, _, _| spec.names = names(&["pay.shop.example"]), "subjectAltName"),
    ("a wildcard", |spec, _, _| spec.names = names(&["*.shop.example"]), "subjectAltName"),
    ("another key", |spec, _, _| spec.key = subject_key(&new_key()), "subjectPublicKeyInfo"),
    (
        "an earlier start",
        |spec, _, _| spec.not_before = spec.not_before.plus_ms(-1_000),
        "notBefore",
    ),
    ("a later end", |spec, _, _| spec.not_after = spec.not_after.plus_ms(1_000), "notAfter"),
    ("another serial", |spec, _, _| spec.serial = random_serial([9; 16]).unwrap(), "serialNumber"),
    (
        "fewer purposes",
        |_, profile, _| {
            profile.purposes.remove(&KeyPurpose::ClientAuth);
        },
        "extKeyUsage",
    ),
    ("no crl pointer", |_, profile, _| profile.revocation.crl = false, "extension"),
    (
        "another crl",
        |_, _, issuer| issuer.places.crl_url = Some("http://x.example/".to_owned()),
        "cRLDistributionPoints",
    ),
    (
        "a workload",
        |spec, _, _| spec.workload = SpiffeId::parse("spiffe://shop.example/web").ok(),
        "subjectAltName",
    ),
    (
        "an ocsp responder",
        |_, profile, issuer| {
            profile.revocation.ocsp = true;
            issuer.places.ocsp_url = Some("http://x.example/".to_owned());
        },
        "authorityInfoAccess",
    ),
    ("a policy", |_, profile, _| profile.rules = ProfileRules::PublicTls, "certificatePolicies"),
    ("no place of the issuer", |_, _, issuer| issuer.places.ca_issuers_url = None, "extension"),
    ("another issuer key id", |_, _, issuer| issuer.key_id = vec![1; 20], "authorityKeyIdentifier"),
    ("another issuer name", |_, _, issuer| issuer.name_der = vec![0x30, 0], "issuer"),
];

fn names(names: &[&str]) -> SanSet {
    SanSet::new(names.iter().map(|name| SanName::parse(name).unwrap())).unwrap()
}

#[test]
fn a_certificate_that_differs_in_any_bound_field_is_not_accepted() {
    let ca = TestCa::new();
    let (spec, der) = approved(&ca);
    assert!(verify_issued(&der, &spec, &profile(), &ca.issuer).is_ok());
    for (what, change, told) in CHANGES {
        let (mut spec, mut profile, mut issuer) = (spec.clone(), profile(), ca.issuer.clone());
        change(&mut spec, &mut profile, &mut issuer);
        match verify_issued(&der, &spec, &profile, &issuer) {
            Err(NotAsApproved::Content(findings)) => {
                let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
                assert!(text.join("; ").contains(told), "{what}: {text:?}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn bytes_stored_before_a_crash_are_signed_only_for_the_same_approval() {
    let ca = TestCa::new();
    let (spec, _) = approved(&ca);
    let tbs = build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap();
    let stored = tbs.bytes().to_vec();
    assert_eq!(restore_tbs(stored.clone(), &spec, &profile(), &ca.issuer, now()).unwrap(), tbs);
    for (what, change, _) in CHANGES {
        let (mut spec, mut profile, mut issuer) = (spec.clone(), profile(), ca.issuer.clone());
        change(&mut spec, &mut profile, &mut issuer);
        let restored = restore_tbs(stored.clone(), &spec, &profile, &issuer, now());
        assert!(matches!(restored, Err(BadTbs::Findings(_))), "{what}");
    }
    let later = now().plus_ms(3 * 86_400_000);
    let restored = restore_tbs(stored, &spec, &profile(), &ca.issuer, later);
    assert!(matches!(restored, Err(BadTbs::Findings(_))), "bytes of three days ago are stale");
}

#[test]
fn no_octet_of_a_certificate_can_change() {
    let ca = TestCa::new();
    let (spec, der) = approved(&ca);
    for index in 0..der.len() {
        for bit in 0..8 {
            let mut changed = der.clone();
            changed[index] ^= 1 << bit;
            assert!(
                verify_issued(&changed, &spec, &profile(), &ca.issuer).is_err(),
                "octet {index} bit {bit}"
            );
        }
    }
    for length in 0..der.len() {
        assert!(verify_issued(&der[..length], &spec, &profile(), &ca.issuer).is_err());
    }
    let longer = [&der[..], &[0]].concat();
    assert!(verify_issued(&longer, &spec, &profile(), &ca.issuer).is_err());
}

#[test]
fn no_octet_of_stored_bytes_can_change() {
    let ca = TestCa::new();
    let (spec, _) = approved(&ca);
    let stored = build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap().bytes().to_vec();
    for index in 0..stored.len() {
        for octet in 0..=u8::MAX {
            let mut changed = stored.clone();
            changed[index] = octet;
            let restored = restore_tbs(changed.clone(), &spec, &profile(), &ca.issuer, now());
            assert!(restored.is_err() || changed == stored, "octet {index} as {octet:02x}");
        }
    }
}

#[test]
fn another_signer_is_refused() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    let (spec, _) = approved(&ca);
    let tbs = build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap();
    let signed = other.sign_raw(&tbs);
    assert!(matches!(
        verify_issued(&signed, &spec, &profile(), &ca.issuer),
        Err(NotAsApproved::Signature(_))
    ));
}

#[test]
fn bytes_with_an_extension_more_are_never_signed() {
    let ca = TestCa::new();
    let (spec, _) = approved(&ca);
    let tbs = build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap();
    let sneak = |extension: Vec<u8>| {
        let mut fields = inside(tbs.bytes());
        let mut extensions = inside(&inside(&fields.pop().unwrap())[0]);
        extensions.push(extension);
        fields.push(der(0xa3, &[der(0x30, &extensions)]));
        der(0x30, &fields)
    };
    let same = sneak(Vec::new());
    assert_eq!(same, tbs.bytes(), "the surgery itself changes nothing");
    let oid = |octets: &[u8]| der(0x06, &[octets.to_vec()]);
    let ca_true = der(0x30, &[der(0x01, &[vec![0xff]])]);
    let server_auth = oid(&[0x2b, 6, 1, 5, 5, 7, 3, 1]);
    for (what, extension) in [
        ("basicConstraints CA:TRUE", [oid(&[0x55, 0x1d, 0x13]), der(0x04, &[ca_true])].concat()),
        (
            "subjectAltName again",
            [
                oid(&[0x55, 0x1d, 0x11]),
                der(0x04, &[der(0x30, &[der(0x82, &[b"evil.example".to_vec()])])]),
            ]
            .concat(),
        ),
        (
            "extKeyUsage again",
            [oid(&[0x55, 0x1d, 0x25]), der(0x04, &[der(0x30, &[server_auth])])].concat(),
        ),
        ("an unknown one", [oid(&[0x2a, 3, 4]), der(0x04, &[vec![5, 0]])].concat()),
    ] {
        let bytes = sneak(der(0x30, &[extension]));
        match restore_tbs(bytes, &spec, &profile(), &ca.issuer, now()) {
            Err(BadTbs::Findings(findings)) => assert!(
                findings.contains(&LintFinding::BytesHoldMore { what: "extension" }),
                "{what}: {findings:?}"
            ),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn lint_blocks_before_bytes_are_made() {
    let ca = TestCa::new();
    let (mut spec, _) = approved(&ca);
    spec.not_after = spec.not_after.plus_ms(1_000);
    spec.profile = ProfileId::parse("other").unwrap();
    let mut strict = profile();
    strict.wildcard_allowed = false;
    spec.names = names(&["*.shop.example"]);
    let Err(BadTbs::Findings(findings)) = build_tbs(&spec, &strict, &ca.issuer, now()) else {
        panic!("must be refused");
    };
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(findings.iter().all(|finding| !finding.source().is_empty()));
}

#[test]
fn nothing_outlives_its_issuer() {
    let ca = TestCa::new();
    let (spec, _) = approved(&ca);
    let mut issuer = ca.issuer.clone();
    issuer.not_after = spec.not_after.plus_ms(-1_000);
    let refused = build_tbs(&spec, &profile(), &issuer, now());
    assert_eq!(refused, Err(BadTbs::Findings(vec![LintFinding::OutlivesIssuer])));
}
