//! What we sign is believed, and what we revoke is refused, by readers that are not ours:
//! OpenSSL, webpki and x509-cert.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the test CA")]

mod x509_ca;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bailiwick_core::certificate::{CrlEntry, CrlScope, CrlSpec, NameSeen, RevocationReason};
use bailiwick_core::names::CertSerial;
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::x509::{build_tbs, read_certificate, read_crl, write_chain, write_pem};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, KeyUsage,
    RevocationOptionsBuilder, anchor_from_trusted_cert,
};
use x509_ca::{CA_URL, CRL_URL, TestCa, new_key, now, profile, spec, subject_key};
use x509_cert::der::{Decode as _, Encode as _};

struct World {
    ca: TestCa,
    good: Vec<u8>,
    revoked: Vec<u8>,
    crl: Vec<u8>,
}

fn crl_spec(now: Time, revoked: &CertSerial, scope: CrlScope) -> CrlSpec {
    let entry =
        CrlEntry { revoked_at: now.plus_ms(-1_000), reason: RevocationReason::KeyCompromise };
    let other =
        CrlEntry { revoked_at: now.plus_ms(-DAY_MS), reason: RevocationReason::Unspecified };
    CrlSpec {
        issuer: bailiwick_core::names::IssuerId::parse("builtin").unwrap(),
        number: 7,
        this_update: now,
        next_update: now.plus_ms(4 * DAY_MS),
        scope,
        entries: BTreeMap::from([
            (revoked.clone(), entry),
            (CertSerial::from_bytes(&[0x80]).unwrap(), other),
        ]),
    }
}

fn world(scope: CrlScope) -> World {
    let ca = TestCa::new();
    let issue = |serial| {
        let spec =
            spec(&["www.shop.example", "*.api.shop.example"], subject_key(&new_key()), serial);
        ca.issue(&build_tbs(&spec, &profile(), &ca.issuer, now()).unwrap())
    };
    let (good, revoked) = (issue(1), issue(2));
    let serial = read_certificate(&revoked).unwrap().serial.regular().unwrap().clone();
    let crl = ca.sign_crl(&crl_spec(now(), &serial, scope));
    World { good, revoked, crl, ca }
}

fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn openssl_believes_the_chain_and_refuses_the_revoked_leaf() {
    for scope in [CrlScope::Whole, CrlScope::PointedAt { url: CRL_URL.to_owned() }] {
        let world = world(scope);
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("root.pem", write_pem("CERTIFICATE", &world.ca.root_der));
        write("issuing.pem", write_pem("CERTIFICATE", &world.ca.issuing_der));
        write("good.pem", write_chain([world.good.as_slice()]));
        write("revoked.pem", write_chain([world.revoked.as_slice()]));
        write("issuing.crl", write_pem("X509 CRL", &world.crl));
        let verify = ["verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem"];
        let run = |more: &[&str]| openssl(folder.path(), &[&verify[..], more].concat());

        for purpose in ["sslserver", "sslclient"] {
            let (is_good, text) =
                run(&["-purpose", purpose, "-verify_hostname", "www.shop.example", "good.pem"]);
            assert!(is_good, "{text}");
        }
        let (is_good, text) = run(&["-verify_hostname", "x.api.shop.example", "good.pem"]);
        assert!(is_good, "{text}");
        let (is_good, _) = run(&["-verify_hostname", "other.shop.example", "good.pem"]);
        assert!(!is_good);
        let with_crl = ["-crl_check", "-CRLfile", "issuing.crl"];
        let (is_good, text) = run(&[&with_crl[..], &["good.pem"]].concat());
        assert!(is_good, "{text}");
        let (is_good, text) = run(&[&with_crl[..], &["revoked.pem"]].concat());
        assert!(!is_good && text.contains("certificate revoked"), "{text}");

        let (is_good, text) = openssl(
            folder.path(),
            &["crl", "-in", "issuing.crl", "-CAfile", "issuing.pem", "-noout", "-text"],
        );
        assert!(is_good && text.contains("verify OK"), "{text}");
        assert_eq!(text.matches("CRL Reason Code").count(), 1, "reason 0 is left out: {text}");
        let (_, of_crl) = openssl(
            folder.path(),
            &["crl", "-in", "issuing.crl", "-noout", "-text", "-nameopt", "oneline"],
        );
        let (_, of_ca) = openssl(
            folder.path(),
            &["x509", "-in", "issuing.pem", "-noout", "-ext", "subjectKeyIdentifier"],
        );
        let key_id = of_ca.lines().nth(1).unwrap().trim().to_owned();
        assert!(of_crl.contains(&key_id), "the crl names the key of its own issuer: {of_crl}");
    }
}

#[test]
fn webpki_believes_the_leaf_and_refuses_the_revoked_one() {
    let world = world(CrlScope::Whole);
    let root = CertificateDer::from(world.ca.root_der.as_slice());
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let issuing = [CertificateDer::from(world.ca.issuing_der.as_slice())];
    let crl = CertRevocationList::from(BorrowedCertRevocationList::from_der(&world.crl).unwrap());
    let crls = [&crl];
    let at = |time: Time| {
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time.unix_seconds()).unwrap()))
    };
    let verify = |leaf: &[u8], usage: KeyUsage, time: Time| {
        let der = CertificateDer::from(leaf);
        let leaf = EndEntityCert::try_from(&der).unwrap();
        let name = ServerName::try_from("www.shop.example").unwrap();
        leaf.verify_is_valid_for_subject_name(&name).unwrap();
        let revocation = RevocationOptionsBuilder::new(&crls)
            .unwrap()
            .with_depth(webpki::RevocationCheckDepth::EndEntity)
            .build();
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &issuing,
            at(time),
            usage,
            Some(revocation),
            None,
        )
        .map(|_| ())
    };
    assert_eq!(verify(&world.good, KeyUsage::server_auth(), now()), Ok(()));
    assert_eq!(verify(&world.good, KeyUsage::client_auth(), now()), Ok(()));
    assert_eq!(
        verify(&world.revoked, KeyUsage::server_auth(), now()),
        Err(webpki::Error::CertRevoked)
    );
    let last = read_certificate(&world.good).unwrap().not_after;
    assert_eq!(
        verify(&world.good, KeyUsage::server_auth(), last),
        Ok(()),
        "valid in its last second"
    );
    assert!(verify(&world.good, KeyUsage::server_auth(), last.plus_ms(1_000)).is_err());
}

#[test]
fn a_strict_reader_finds_the_same_octets_in_what_we_write() {
    let world = world(CrlScope::PointedAt { url: CRL_URL.to_owned() });
    for der in [&world.good, &world.ca.root_der, &world.ca.issuing_der] {
        let certificate = x509_cert::Certificate::from_der(der).unwrap();
        assert_eq!(&certificate.to_der().unwrap(), der, "there is one der of it");
    }
    let crl =
        x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(&world.crl)
            .unwrap();
    assert_eq!(crl.to_der().unwrap(), world.crl);
}

#[test]
fn what_is_read_is_what_was_written() {
    let world = world(CrlScope::Whole);
    let facts = read_certificate(&world.good).unwrap();
    let names: Vec<String> = facts
        .names
        .iter()
        .map(|name| {
            let NameSeen::Dns(name) = name else { panic!("{name:?} was never asked for") };
            name.to_string()
        })
        .collect();
    assert_eq!(names, ["*.api.shop.example", "www.shop.example"]);
    assert_eq!(facts.subject_name, "");
    assert!(facts.issuer_name.starts_with("O=Kaufhaus Beispiel, Zürich, CN=Issuing CA "));
    assert_eq!(facts.issuer_key_id.as_deref(), Some(world.ca.issuer.key_id.as_slice()));
    assert_eq!(facts.crl_urls, [CRL_URL]);
    assert_eq!(facts.ca_issuers_urls, [CA_URL]);
    assert!(!facts.is_ca && !facts.is_precertificate);
    assert_eq!(facts.not_after.ms_since(facts.not_before), (47 * 86_400 - 1) * 1_000);
    let ca = read_certificate(&world.ca.issuing_der).unwrap();
    assert!(ca.is_ca);
    let crl = read_crl(&world.crl).unwrap();
    assert_eq!(crl.number, Some(vec![7]));
    assert_eq!(crl.entries.len(), 2);
    assert!(crl.lists(read_certificate(&world.revoked).unwrap().serial.regular().unwrap()));
    assert!(!crl.lists(facts.serial.regular().unwrap()));
    assert_eq!(crl.entries.last().unwrap().reason_code, None);
    assert_eq!(crl.entries.first().unwrap().reason_code, Some(1));
}
