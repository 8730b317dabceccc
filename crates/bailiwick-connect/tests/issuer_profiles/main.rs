//! Every kind of certificate that an estate may allow, from a CA with every kind of key, is believed
//! by readers that are not ours: OpenSSL, webpki, and pkilint's linters.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![expect(dead_code, reason = "each test binary uses its part of the world")]

#[path = "../issuer_world/mod.rs"]
mod issuer_world;
mod readers;

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::path::Path;

use bailiwick_connect::issuer::{BuiltinIssuer, IssuerPlan, NewResponder};
use bailiwick_core::certificate::{
    CertificateProfile, CertificateSpec, CrlEntry, CrlParts, CrlScope, CrlSpec, IssuerPlaces,
    KeyKind, LintFinding, OcspAnswer, OcspSpec, OcspStatus, RevocationReason, SanSet, SubjectKey,
    lint_seen, random_serial,
};
use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::names::{DnsName, SanName, SpiffeId};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::estate;
use bailiwick_wire::x509::{
    BadTbs, build_tbs, read_certificate, read_ocsp_request, subject_key, verify_issued, write_pem,
};
use issuer_world::{made, now, plan};
use readers::{lint, openssl, webpki_believes};

/// Every field of a profile in some profile, every kind of key in some list.
const PROFILES: &str = r#"
[web]
lifetime_days_max = 90
purposes = ["server"]
keys_allowed = ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa"]
names_max = 10
wildcard_allowed = true
ocsp_pointer = true
environments = ["production"]

[client]
lifetime_days_max = 30
purposes = ["client"]
keys_allowed = ["ecdsa-p256", "ed25519"]
names_max = 10
environments = ["production"]

[told-by-ocsp]
lifetime_days_max = 30
purposes = ["server"]
keys_allowed = ["ecdsa-p256"]
names_max = 10
crl_pointer = false
ocsp_pointer = true
environments = ["production"]

[an-hour]
lifetime_seconds_max = 3600
purposes = ["server", "client"]
keys_allowed = ["ecdsa-p256"]
names_max = 10
crl_pointer = false
environments = ["production"]

[svid]
lifetime_seconds_max = 3600
purposes = ["server", "client"]
keys_allowed = ["ecdsa-p256"]
names_max = 10
crl_pointer = false
workload_uri = true
environments = ["production"]

[public]
lifetime_days_max = 200
purposes = ["server"]
keys_allowed = ["ecdsa-p256", "ecdsa-p384", "rsa"]
names_max = 10
rules = "public-tls"
ocsp_pointer = true
environments = ["production"]
"#;

/// The profiles as the estate reads them, in the lab's estate in place of its own.
fn profiles() -> Vec<CertificateProfile> {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    let text = |path: &str| std::fs::read_to_string(lab.join(path)).unwrap();
    let files: Vec<(String, String)> = ["organisation.toml", "people.toml", "teams.toml"]
        .into_iter()
        .map(|path| (path.to_owned(), text(path)))
        .chain([("profiles.toml".to_owned(), PROFILES.to_owned())])
        .collect();
    let estate = estate::read(&files)
        .unwrap_or_else(|problems| panic!("{}", estate::render_problems(&problems, &files)));
    estate.profiles.into_values().map(|profile| profile.certificate).collect()
}

fn whole(key: AuthorityKey) -> IssuerPlan {
    let base = "http://pki.example.com";
    IssuerPlan {
        token: None,
        key,
        permitted: Some([DnsName::parse("bailiwick-test.com").unwrap()].into()),
        places: IssuerPlaces {
            crl_url: Some(format!("{base}/crl/house.crl")),
            crl_parts: Some(CrlParts {
                count: NonZeroU16::new(4).unwrap(),
                url_start: format!("{base}/crl/house/"),
            }),
            ocsp_url: Some(format!("{base}/ocsp/house")),
            ca_issuers_url: Some(format!("{base}/issuer/house.cer")),
        },
        ..plan()
    }
}

fn leaf_key(kind: KeyKind) -> SubjectKey {
    let algorithm = match kind {
        KeyKind::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        KeyKind::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        KeyKind::Ed25519 => &rcgen::PKCS_ED25519,
        KeyKind::Rsa => &rcgen::PKCS_RSA_SHA256,
    };
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    subject_key(&rcgen::PublicKeyData::subject_public_key_info(&key)).unwrap()
}

fn spec(
    issuer: &BuiltinIssuer,
    profile: &CertificateProfile,
    key: SubjectKey,
    at: Time,
) -> CertificateSpec {
    let (not_before, not_after) = CertificateSpec::validity(profile, at, u32::MAX);
    let mut names = vec!["www.bailiwick-test.com", "shop.bailiwick-test.com"];
    names.extend(profile.wildcard_allowed.then_some("*.apps.bailiwick-test.com"));
    let mut random = [0; 16];
    assert!(issuer_world::random(&mut random));
    CertificateSpec {
        issuer: issuer.identity().id.clone(),
        profile: profile.id.clone(),
        names: SanSet::new(names.into_iter().map(|name| SanName::parse(name).unwrap())).unwrap(),
        key,
        not_before,
        not_after,
        serial: random_serial(random).unwrap(),
        workload: profile
            .workload_uri
            .then(|| SpiffeId::parse("spiffe://bailiwick-test.com/shop/web").unwrap()),
    }
}

#[test]
fn every_profile_from_every_ca_is_believed() {
    let profiles = profiles();
    for key in AuthorityKey::ALL {
        let data = tempfile::tempdir().unwrap();
        let issuer = made(data.path(), &whole(*key));
        std::fs::write(data.path().join("chain.pem"), issuer.chain_pem()).unwrap();
        for profile in &profiles {
            for kind in &profile.keys_allowed {
                let spec = spec(&issuer, profile, leaf_key(*kind), now());
                let tbs = build_tbs(&spec, profile, issuer.identity(), now()).unwrap();
                let der = issuer.sign_tbs(&tbs).unwrap();
                verify_issued(&der, &spec, profile, issuer.identity()).unwrap();
                let what = format!("{key} {} {kind}", profile.id);
                let facts = read_certificate(&der).unwrap();
                assert_eq!(lint_seen(&facts, profile), [], "{what}");
                std::fs::write(data.path().join("leaf.pem"), write_pem("CERTIFICATE", &der))
                    .unwrap();
                let purpose =
                    if profile.id.as_str() == "client" { "sslclient" } else { "sslserver" };
                let (good, text) = openssl(
                    data.path(),
                    &[
                        "verify",
                        "-x509_strict",
                        "-purpose",
                        purpose,
                        "-CAfile",
                        "ca/root.pem",
                        "-untrusted",
                        "chain.pem",
                        "leaf.pem",
                    ],
                );
                assert!(good, "{what}: {text}");
                webpki_believes(&der, &issuer, profile)
                    .unwrap_or_else(|cause| panic!("{what}: {cause}"));
            }
        }
    }
}

#[test]
fn what_is_issued_follows_its_profile_to_the_octet() {
    let data = tempfile::tempdir().unwrap();
    let issuer = made(data.path(), &whole(AuthorityKey::EcdsaP256));
    for profile in profiles() {
        let spec = spec(&issuer, &profile, leaf_key(KeyKind::EcdsaP256), now());
        let tbs = build_tbs(&spec, &profile, issuer.identity(), now()).unwrap();
        let facts = read_certificate(&issuer.sign_tbs(&tbs).unwrap()).unwrap();
        let part = issuer.identity().places.crl_url_of(&spec.serial).unwrap();
        assert_eq!(facts.crl_urls, if profile.revocation.crl { vec![part] } else { vec![] });
        assert_eq!(facts.ocsp_urls.len(), usize::from(profile.revocation.ocsp));
        assert_eq!(facts.subject_name, "");
        let uris = facts.names.iter().filter(|name| format!("{name:?}").contains("spiffe://"));
        assert_eq!(uris.count(), usize::from(profile.workload_uri), "{}", profile.id);
        let seconds = facts.not_after.unix_seconds() - facts.not_before.unix_seconds() + 1;
        assert!(seconds <= i64::from(profile.lifetime_seconds_max), "{}", profile.id);
    }
}

#[test]
fn the_public_limits_hold_from_their_days_on() {
    let data = tempfile::tempdir().unwrap();
    let issuer = made(data.path(), &whole(AuthorityKey::EcdsaP256));
    let profiles = profiles();
    let public = profiles.iter().find(|profile| profile.id.as_str() == "public").unwrap();
    let identity = issuer.identity();
    for (day, days) in
        [("2026-12-01", 200), ("2027-03-15T00:05:00Z", 100), ("2029-03-15T00:05:00Z", 47)]
    {
        let at = Time::parse(day).unwrap();
        let good = spec(&issuer, public, leaf_key(KeyKind::EcdsaP256), at);
        assert_eq!(good.lifetime_seconds(), (days - 1) * 86_400, "shortened by itself");
        let mut longest = good.clone();
        longest.not_after = longest.not_after.plus_ms(DAY_MS);
        build_tbs(&longest, public, identity, at).unwrap();
        let mut longer = longest.clone();
        longer.not_after = longer.not_after.plus_ms(1_000);
        let found = match build_tbs(&longer, public, identity, at) {
            Err(BadTbs::Findings(found)) => found,
            other => panic!("{other:?}"),
        };
        let days_max = u32::try_from(days).unwrap();
        let expected = LintFinding::PublicLifetimeTooLong { seconds: days * 86_400 + 1, days_max };
        assert!(found.contains(&expected), "{day}: {found:?}");
    }
}

#[test]
fn a_ca_signs_only_within_its_name_constraints() {
    let data = tempfile::tempdir().unwrap();
    let issuer = made(data.path(), &whole(AuthorityKey::EcdsaP256));
    let permitted: BTreeSet<DnsName> = [DnsName::parse("bailiwick-test.com").unwrap()].into();
    assert_eq!(issuer.identity().permitted, Some(permitted));
    let (_, text) =
        openssl(data.path(), &["x509", "-in", "ca/intermediate.pem", "-noout", "-text"]);
    assert!(text.contains("X509v3 Name Constraints: critical"), "{text}");
    assert!(text.contains("DNS:bailiwick-test.com"), "{text}");
    let profiles = profiles();
    let web = profiles.iter().find(|profile| profile.id.as_str() == "web").unwrap();
    let mut outside = spec(&issuer, web, leaf_key(KeyKind::EcdsaP256), now());
    let name = SanName::parse("www.bailiwick-test.org").unwrap();
    outside.names = SanSet::new([name.clone()]).unwrap();
    let findings = vec![LintFinding::OutsideNameConstraints { name }];
    assert_eq!(build_tbs(&outside, web, issuer.identity(), now()), Err(BadTbs::Findings(findings)));
}

/// The findings of pkilint that stay, each with its reason. Anything else fails.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("an-hour", NO_SKI, NO_SKI_WHY),
    ("client", NO_SKI, NO_SKI_WHY),
    ("svid", NO_SKI, NO_SKI_WHY),
    ("told-by-ocsp", NO_SKI, NO_SKI_WHY),
    ("web", NO_SKI, NO_SKI_WHY),
    (
        "svid",
        "pkix.invalid_uri_syntax",
        "the linter knows the schemes of web addresses only; RFC 3986 and X509-SVID allow spiffe",
    ),
    (
        "web",
        "pkix.invalid_domain_name_syntax",
        "the linter's rules of RFC 5280 predate wildcards; RFC 6125, section 6.4.3 has them",
    ),
];
#[test]
fn pkilint_finds_nothing_unexplained_in_crls_and_ocsp_answers() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path();
    let issuer = made(folder, &whole(AuthorityKey::EcdsaP256));
    let sealer = issuer_world::sealer(folder);
    let (profile, now) = (profiles().pop().unwrap(), now());
    let spec = spec(&issuer, &profile, leaf_key(KeyKind::EcdsaP256), now);
    let tbs = build_tbs(&spec, &profile, issuer.identity(), now).unwrap();
    let leaf = issuer.sign_tbs(&tbs).unwrap();
    std::fs::write(folder.join("leaf.pem"), write_pem("CERTIFICATE", &leaf)).unwrap();

    let mut random = [0; 16];
    assert!(issuer_world::random(&mut random));
    let new = NewResponder::prepare(issuer.identity(), &sealer, random, now).unwrap();
    let responder = issuer.certify_responder(new, now).unwrap();
    let kind = ["lint_cabf_serverauth_cert", "lint", "-t", "OCSP-RESPONDER"];
    let mut found = lint(folder, "responder", &kind, responder.certificate_der());
    let (made, text) = openssl(
        folder,
        &["ocsp", "-issuer", "ca/intermediate.pem", "-cert", "leaf.pem", "-reqout", "request.der"],
    );
    assert!(made, "{text}");
    let request = read_ocsp_request(&std::fs::read(folder.join("request.der")).unwrap()).unwrap();
    assert!(request.questions[0].is_about(issuer.identity()));
    assert_eq!(request.questions[0].serial, Some(spec.serial.clone()));
    let reason = RevocationReason::KeyCompromise;
    for (what, status, told) in [
        ("good", OcspStatus::Good, "leaf.pem: good"),
        ("revoked", OcspStatus::Revoked { at: now, reason }, "leaf.pem: revoked"),
        ("unknown", OcspStatus::Unknown, "leaf.pem: unknown"),
    ] {
        let answer = OcspAnswer { cert_id: request.questions[0].cert_id.clone(), status };
        let id = issuer.identity().id.clone();
        let spec = OcspSpec::new(id, now, 4 * DAY_MS, request.nonce.clone(), vec![answer]).unwrap();
        let der = responder.sign(&spec).unwrap();
        std::fs::write(folder.join("answer.der"), &der).unwrap();
        let (_, text) = openssl(
            folder,
            &[
                "ocsp",
                "-issuer",
                "ca/intermediate.pem",
                "-cert",
                "leaf.pem",
                "-no_nonce",
                "-respin",
                "answer.der",
                "-CAfile",
                "ca/root.pem",
            ],
        );
        assert!(text.contains("Response verify OK") && text.contains(told), "{what}: {text}");
        found.extend(lint(folder, what, &["lint_ocsp_response", "lint"], &der));
    }
    let part = issuer.identity().places.crl_url_of(&spec.serial).unwrap();
    for (what, scope) in [("whole", CrlScope::Whole), ("part", CrlScope::PointedAt { url: part })] {
        let crl = CrlSpec {
            issuer: issuer.identity().id.clone(),
            number: 1,
            this_update: now,
            next_update: now.plus_ms(7 * DAY_MS),
            scope,
            entries: [(spec.serial.clone(), CrlEntry { revoked_at: now, reason })].into(),
        };
        let der = issuer.sign_crl(&crl).unwrap();
        found.extend(lint(folder, what, &["lint_crl", "lint", "-t", "CRL", "-p", "BR"], &der));
    }
    readers::check_explained(&found, EXPLAINED_ANSWERS);
}

/// The same for what is published about certificates.
const EXPLAINED_ANSWERS: &[(&str, &str, &str)] = &[
    (
        "responder",
        "cabf.serverauth.ca.country_attribute_absent",
        "for public CAs; an estate knows no country",
    ),
    (
        "responder",
        "cabf.serverauth.ca.organization_name_attribute_absent",
        "for public CAs; the organisation stands in the name of the CA that delegates",
    ),
];

const NO_SKI: &str = "pkix.certificate_skid_end_entity_missing";
const NO_SKI_WHY: &str =
    "RFC 5280 says should, BR 7.1.2.7.6 says not recommended; nobody looks a leaf up by its key id";

#[test]
fn pkilint_finds_nothing_unexplained_in_certificates() {
    let profiles = profiles();
    let data = tempfile::tempdir().unwrap();
    let issuer = made(data.path(), &whole(AuthorityKey::EcdsaP256));
    let mut found = lint(data.path(), "root", &["lint_pkix_cert", "lint"], issuer.root_der());
    found.extend(lint(
        data.path(),
        "intermediate",
        &["lint_pkix_cert", "lint"],
        issuer.certificate_der(),
    ));
    for profile in &profiles {
        let spec = spec(&issuer, profile, leaf_key(KeyKind::EcdsaP256), now());
        let tbs = build_tbs(&spec, profile, issuer.identity(), now()).unwrap();
        let der = issuer.sign_tbs(&tbs).unwrap();
        let what = profile.id.as_str();
        let tool: &[&str] = if what == "public" {
            &["lint_cabf_serverauth_cert", "lint", "-t", "DV-FINAL-CERTIFICATE"]
        } else {
            &["lint_pkix_cert", "lint"]
        };
        found.extend(lint(data.path(), what, tool, &der));
    }
    readers::check_explained(&found, EXPLAINED);
}
