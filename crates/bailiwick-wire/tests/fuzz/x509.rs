//! Keys, requests, certificates, CRLs and PEM (threat T13).

use bailiwick_core::certificate::{CertificateFacts, IssuerPlaces, NameSeen};
use bailiwick_core::names::{CertFingerprint, IssuerId};
use bailiwick_wire::x509::{
    AriId, CERTIFICATE_OCTETS_MAX, CSR_OCTETS_MAX, Organisation, PublicKey, assemble_authority,
    read_certificate, read_chain, read_crl, read_csr, read_issuer, read_pem, read_request,
    read_tbs, restore_tbs, subject_key, verify_authority, verify_crl, verify_issued, verify_signed,
    write_chain,
};

use crate::authority::{Authority, crl_spec, key, key_of, now, profile, spec};
use crate::fuzzing::refusal::check_text;
use crate::fuzzing::{Shape, Target};

const CSRS: [&str; 4] = [
    include_str!("seeds/csr-p256.pem"),
    include_str!("seeds/csr-p384.pem"),
    include_str!("seeds/csr-rsa.pem"),
    include_str!("seeds/csr-ed25519.pem"),
];
const CERTIFICATES: [&str; 2] =
    [include_str!("seeds/certificate-odd.pem"), include_str!("seeds/certificate-rsa.pem")];

fn der_of(pem: &str, label: &'static str) -> Vec<u8> {
    read_pem(pem.as_bytes(), label).unwrap().remove(0)
}

fn csrs() -> Vec<Vec<u8>> {
    CSRS.map(|pem| der_of(pem, "CERTIFICATE REQUEST")).to_vec()
}

fn certificates() -> Vec<Vec<u8>> {
    let authority = Authority::new();
    let mut all = CERTIFICATES.map(|pem| der_of(pem, "CERTIFICATE")).to_vec();
    all.extend([authority.certificate().1, authority.issuing_der, authority.root_der]);
    all
}

/// Words that stand inside requests and certificates.
const WORDS: [&str; 10] = [
    "www.shop.example",
    "*.shop.example",
    "shop.example",
    "a",
    "-a.example",
    "xn--bcher-kva.example",
    "20500101000000Z",
    "491231235959Z",
    "991231235959Z",
    "http://crl.example/a.crl",
];

/// The values inside a DER value, each whole.
fn inside(octets: &[u8]) -> Vec<&[u8]> {
    let length = |octets: &[u8]| match octets[1] {
        0x81 => (3, usize::from(octets[2])),
        0x82 => (4, usize::from(octets[2]) << 8 | usize::from(octets[3])),
        short => (2, usize::from(short)),
    };
    let mut rest = &octets[length(octets).0..];
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (header, content) = length(rest);
        let (value, after) = rest.split_at(header + content);
        values.push(value);
        rest = after;
    }
    values
}

/// No changed request has a good signature.
#[test]
fn fuzz_csr() {
    Target::new("fuzz_csr", Shape::Der)
        .one_in(3)
        .seeds(csrs())
        .refused([vec![0x30; CSR_OCTETS_MAX + 1], vec![0x30, 0x00], Vec::new()])
        .words(WORDS)
        .run_sealed(|octets| {
            read_csr(octets)?;
            Ok(())
        });
}

/// The same of a CA's request, of which the key alone is taken.
#[test]
fn fuzz_ca_request() {
    Target::new("fuzz_ca_request", Shape::Der)
        .one_in(3)
        .seeds(csrs())
        .refused([vec![0x30; CSR_OCTETS_MAX + 1], vec![0x30, 0x00], Vec::new()])
        .words(WORDS)
        .run_sealed(|octets| {
            read_request(octets)?;
            Ok(())
        });
}

/// A changed request signed anew by its owner: the rules alone can refuse it.
#[test]
fn fuzz_csr_content() {
    let key = key(9);
    let own = key_of(&key);
    let with_own_key = |info: &[u8]| {
        let mut parts: Vec<Vec<u8>> = inside(info).iter().map(|part| part.to_vec()).collect();
        parts[2] = own.spki_der().to_vec();
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [vec![0x30, 0x82], length.to_vec(), content].concat()
    };
    let infos = csrs();
    let infos =
        infos.iter().map(|csr| with_own_key(inside(csr)[0])).filter(|info| info.len() > 259);
    Target::new("fuzz_csr_content", Shape::Der).one_in(3).seeds(infos).words(WORDS).run(|info| {
        // A request has the form of a certificate: content, algorithm, signature.
        let csr = assemble_authority(info, &own, key.sign(info).as_ref());
        let csr = read_csr(&csr)?;
        assert_eq!(csr.key(), &own, "the key that signed");
        assert!((1..=100).contains(&csr.names().count()));
        csr.extras().iter().for_each(|extra| check_text(&extra.to_string()));
        assert!(csr.refused_requests().len() <= csr.extras().len());
        Ok(())
    });
}

#[test]
fn fuzz_public_key() {
    let csrs = csrs();
    let seeds = csrs.iter().map(|csr| inside(inside(csr)[0])[2].to_vec());
    Target::new("fuzz_public_key", Shape::Der).one_in(3).seeds(seeds).run(|octets| {
        let key = PublicKey::from_spki(octets)?;
        assert_eq!(key.to_spki(), octets, "a key has one spelling");
        assert_eq!(subject_key(octets).unwrap(), key.to_subject_key());
        Ok(())
    });
}

fn check_facts(octets: &[u8], facts: &CertificateFacts) {
    assert_eq!(facts.fingerprint, CertFingerprint::of(octets));
    let texts = [&facts.issuer_name, &facts.subject_name].into_iter();
    let texts = texts.chain(&facts.common_names).chain(&facts.crl_urls);
    let texts = texts.chain(&facts.ca_issuers_urls).chain(&facts.purposes_other);
    let names = facts.names.iter().filter_map(|name| match name {
        NameSeen::OddDns(text) | NameSeen::Email(text) | NameSeen::Uri(text) => Some(text),
        NameSeen::Dns(_) | NameSeen::Ip(_) | NameSeen::Other { .. } => None,
    });
    for text in texts.chain(names) {
        assert!(text.chars().all(crate::fuzzing::refusal::is_plain), "{text:?}");
    }
}

#[test]
fn fuzz_certificate() {
    Target::new("fuzz_certificate", Shape::Der)
        .one_in(3)
        .seeds(certificates())
        .refused([vec![0x30; CERTIFICATE_OCTETS_MAX + 1], vec![0x30, 0x00], Vec::new()])
        .words(WORDS)
        .run(|octets| {
            check_facts(octets, &read_certificate(octets)?);
            Ok(())
        });
}

/// Nothing but the certificate that was issued passes as it; nothing but a CA's as its own.
#[test]
fn fuzz_signed_certificate() {
    let authority = Authority::new();
    let (tbs, certificate) = authority.certificate();
    let tbs = restore_tbs(tbs, &spec(), &profile(), &authority.issuer, now()).unwrap();
    Target::new("fuzz_signed_certificate", Shape::Der)
        .one_in(3)
        .seeds([certificate, authority.issuing_der.clone(), authority.root_der.clone()])
        .words(WORDS)
        .run_sealed(|octets| {
            let authority_signed = verify_authority(octets, &authority.root);
            let signed = verify_signed(octets, &tbs, &authority.issuer);
            let issued = verify_issued(octets, &spec(), &profile(), &authority.issuer);
            assert_eq!(signed.is_ok(), issued.is_ok());
            if authority_signed.is_err() {
                signed?;
                issued?;
            }
            Ok(())
        });
}

/// What is to be signed is exactly what was approved, or it is not signed.
#[test]
fn fuzz_to_be_signed() {
    let authority = Authority::new();
    let seeds = [authority.certificate().0];
    Target::new("fuzz_to_be_signed", Shape::Der).one_in(3).seeds(seeds).words(WORDS).run_sealed(
        |octets| {
            let read = read_tbs(octets).map(|_| ());
            let octets = octets.to_vec();
            let restored = restore_tbs(octets, &spec(), &profile(), &authority.issuer, now());
            assert!(restored.is_err() || read.is_ok());
            restored?;
            Ok(())
        },
    );
}

#[test]
fn fuzz_issuer() {
    let authority = Authority::new();
    let id = IssuerId::parse("x").unwrap();
    Target::new("fuzz_issuer", Shape::Der)
        .one_in(3)
        .seeds([authority.root_der, authority.issuing_der])
        .words(WORDS)
        .run(|octets| {
            let issuer = read_issuer(octets, id.clone(), IssuerPlaces::default())?;
            // Whoever may issue is told about as a CA.
            assert!(read_certificate(octets).unwrap().is_ca);
            assert_eq!(subject_key(issuer.key.spki_der()).unwrap(), issuer.key);
            Ok(())
        });
}

#[test]
fn fuzz_crl() {
    let seeds = [Authority::new().crl()];
    Target::new("fuzz_crl", Shape::Der).one_in(3).seeds(seeds).words(WORDS).run(|octets| {
        let facts = read_crl(octets)?;
        facts.scope_url.iter().for_each(|url| check_text(url));
        Ok(())
    });
}

#[test]
fn fuzz_signed_crl() {
    let authority = Authority::new();
    Target::new("fuzz_signed_crl", Shape::Der)
        .one_in(3)
        .seeds([authority.crl()])
        .words(WORDS)
        .run_sealed(|octets| {
            verify_crl(octets, &crl_spec(), &authority.issuer)?;
            Ok(())
        });
}

#[test]
fn fuzz_pem() {
    let certificates = certificates();
    let two = write_chain(certificates.iter().take(2).map(Vec::as_slice));
    let remarks = format!("subject=x\r\n{}\r\ntail", CERTIFICATES[0].replace('\n', "\r\n"));
    Target::new("fuzz_pem", Shape::Text)
        .seeds([two, remarks, CERTIFICATES[1].to_owned()])
        .refused([
            "-----BEGIN \u{1b}[31m-----\n".to_owned(),
            format!("-----BEGIN {}-----\n", "A".repeat(5_000)),
            format!("-----END {}-----\n", "A".repeat(5_000)),
        ])
        .words([
            "-----BEGIN CERTIFICATE-----\n",
            "-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\n",
            "-----END X509 CRL-----\n",
            "AA==",
        ])
        .octets_max(300 * 1_024)
        .run(|octets| {
            let blocks = read_chain(octets)?;
            let written = write_chain(blocks.iter().map(Vec::as_slice));
            assert_eq!(read_chain(written.as_bytes()).unwrap(), blocks);
            Ok(())
        });
}

#[test]
fn fuzz_renewal_id() {
    Target::new("fuzz_renewal_id", Shape::Text)
        .seeds(["aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", "AA.AQ"])
        .run(|octets| {
            let text = std::str::from_utf8(octets)?;
            assert_eq!(AriId::parse(text)?.to_string(), text);
            Ok(())
        });
}

#[test]
fn fuzz_organisation() {
    Target::new("fuzz_organisation", Shape::Text).seeds(["Kaufhaus Beispiel, Zürich", "A"]).run(
        |octets| {
            let text = std::str::from_utf8(octets)?;
            let organisation = Organisation::parse(text)?;
            assert_eq!(organisation.as_str(), text);
            check_text(organisation.as_str());
            Ok(())
        },
    );
}
