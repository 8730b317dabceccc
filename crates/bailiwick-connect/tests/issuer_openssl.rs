//! The built-in CA against OpenSSL: chain, CRL, and a revoked leaf that is refused.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the world")]

mod issuer_world;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use bailiwick_connect::issuer::{BuiltinIssuer, IssuerFault};
use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, CrlEntry, CrlScope, CrlSpec, KeyKind, KeyPurpose,
    ProfileRules, RevocationPointers, RevocationReason, SanSet, random_serial,
};
use bailiwick_core::names::{CertSerial, IssuerId, ProfileId, SanName};
use bailiwick_core::time::DAY_MS;
use bailiwick_wire::x509::{build_tbs, read_certificate, read_csr, verify_issued, write_pem};
use issuer_world::{local, now, start};

fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn profile() -> CertificateProfile {
    CertificateProfile {
        id: ProfileId::parse("server").unwrap(),
        lifetime_seconds_max: 47 * 86_400,
        backdate_seconds: 300,
        purposes: [KeyPurpose::ServerAuth].into(),
        keys_allowed: KeyKind::ALL.into(),
        rsa_bits_min: 2_048,
        names_max: 10,
        wildcard_allowed: false,
        revocation: RevocationPointers { crl: true, ocsp: false },
        workload_uri: false,
        rules: ProfileRules::Private,
    }
}

/// Certifies a key that OpenSSL made, out of the request that OpenSSL wrote.
fn issue(issuer: &BuiltinIssuer, request: &[u8], serial: u8) -> (CertSerial, Vec<u8>) {
    let csr = read_csr(request).unwrap();
    let (not_before, not_after) = CertificateSpec::validity(&profile(), now(), u32::MAX);
    let spec = CertificateSpec {
        issuer: issuer.identity().id.clone(),
        profile: profile().id,
        names: csr.names().clone(),
        key: csr.key().clone(),
        not_before,
        not_after,
        serial: random_serial([serial; 16]).unwrap(),
        workload: None,
    };
    let tbs = build_tbs(&spec, &profile(), issuer.identity(), now()).unwrap();
    let der = issuer.sign_tbs(&tbs).unwrap();
    verify_issued(&der, &spec, &profile(), issuer.identity()).unwrap();
    (spec.serial, der)
}

#[test]
fn requests_of_openssl_are_certified_verified_and_revoked() {
    let data = tempfile::tempdir().unwrap();
    let issuer = start(local(), data.path()).unwrap();
    let folder = data.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("chain.pem", issuer.chain_pem());
    for (kind, options) in [
        ("p256", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]),
        ("p384", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]),
        ("rsa", ["-newkey", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("ed25519", ["-newkey", "ed25519", "-batch", "-verbose"]),
    ] {
        let common = [
            "req",
            "-new",
            "-nodes",
            "-subj",
            "/CN=www.shop.example",
            "-addext",
            "subjectAltName=DNS:www.shop.example",
            "-keyout",
            "leaf.key",
            "-outform",
            "DER",
            "-out",
            "leaf.csr",
        ];
        let (made, text) = openssl(folder, &[&common[..], &options].concat());
        assert!(made, "{kind}: {text}");
        let request = std::fs::read(folder.join("leaf.csr")).unwrap();
        let (_, good) = issue(&issuer, &request, 1);
        let (serial, revoked) = issue(&issuer, &request, 2);
        write("good.pem", &write_pem("CERTIFICATE", &good));
        write("revoked.pem", &write_pem("CERTIFICATE", &revoked));
        let entry = CrlEntry { revoked_at: now(), reason: RevocationReason::Superseded };
        let spec = CrlSpec {
            issuer: issuer.identity().id.clone(),
            number: 1,
            this_update: now(),
            next_update: now().plus_ms(7 * DAY_MS),
            scope: CrlScope::Whole,
            entries: BTreeMap::from([(serial, entry)]),
        };
        write("ca.crl", &write_pem("X509 CRL", &issuer.sign_crl(&spec).unwrap()));
        let verify = [
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-CAfile",
            "ca/root.pem",
            "-untrusted",
            "chain.pem",
            "-crl_check",
            "-CRLfile",
            "ca.crl",
        ];
        let (is_good, text) = openssl(folder, &[&verify[..], &["good.pem"]].concat());
        assert!(is_good, "{kind}: {text}");
        let (is_good, text) = openssl(folder, &[&verify[..], &["revoked.pem"]].concat());
        assert!(!is_good && text.contains("certificate revoked"), "{kind}: {text}");
    }
}

#[test]
fn the_chain_holds_the_organisation_and_its_bounds() {
    let data = tempfile::tempdir().unwrap();
    let issuer = start(local(), data.path()).unwrap();
    let (root, issuing) = (
        read_certificate(issuer.root_der()).unwrap(),
        read_certificate(issuer.certificate_der()).unwrap(),
    );
    assert!(root.subject_name.starts_with("O=Kaufhaus Beispiel, CN=Root CA "));
    assert!(issuing.subject_name.starts_with("O=Kaufhaus Beispiel, CN=Issuing CA "));
    assert_eq!(issuing.issuer_name_der, root.issuer_name_der);
    assert_eq!(issuing.issuer_key_id, root.subject_key_id);
    assert!(root.is_ca && issuing.is_ca && issuing.not_after < root.not_after);
    let (_, text) =
        openssl(data.path(), &["x509", "-in", "ca/intermediate.pem", "-noout", "-text"]);
    assert!(text.contains("CA:TRUE, pathlen:0"), "{text}");
    assert!(text.contains("Certificate Sign, CRL Sign"), "{text}");
}

#[test]
fn an_issuer_signs_only_what_was_made_for_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (start(local(), one.path()).unwrap(), start(local(), other.path()).unwrap());
    let (not_before, not_after) = CertificateSpec::validity(&profile(), now(), 3_600);
    let mut spec = CertificateSpec {
        issuer: one.identity().id.clone(),
        profile: profile().id,
        names: SanSet::new([SanName::parse("www.shop.example").unwrap()]).unwrap(),
        key: other.identity().key.clone(),
        not_before,
        not_after,
        serial: random_serial([3; 16]).unwrap(),
        workload: None,
    };
    // The same id, another CA: the bytes name another issuer.
    let tbs = build_tbs(&spec, &profile(), one.identity(), now()).unwrap();
    assert!(matches!(other.sign_tbs(&tbs), Err(IssuerFault::Certificate(_))));
    spec.issuer = IssuerId::parse("elsewhere").unwrap();
    let mut elsewhere = one.identity().clone();
    elsewhere.id = spec.issuer.clone();
    let tbs = build_tbs(&spec, &profile(), &elsewhere, now()).unwrap();
    assert!(matches!(one.sign_tbs(&tbs), Err(IssuerFault::OtherIssuer { .. })));
    let crl = CrlSpec {
        issuer: spec.issuer,
        number: 1,
        this_update: now(),
        next_update: now().plus_ms(DAY_MS),
        scope: CrlScope::Whole,
        entries: BTreeMap::new(),
    };
    assert!(matches!(one.sign_crl(&crl), Err(IssuerFault::Crl(_))));
}
