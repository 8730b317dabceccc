//! Bytes that may be signed: the proof that they say what was approved, and nothing more.

use std::collections::BTreeSet;

use crate::certificate::generation::Generation;
use crate::certificate::lint::{LintFinding, lint};
use crate::certificate::profile::{CertificateProfile, KeyPurpose, ProfileRules};
use crate::certificate::spec::{CertificateSpec, IssuerIdentity, SigningAlgorithm};
use crate::names::{CertSerial, Digest, SanName, SpiffeId};
use crate::time::Time;

/// The policy of certificates whose names were validated by control of the domain (BR 7.1.6.1).
pub const DOMAIN_VALIDATED: &str = "2.23.140.1.2.1";

/// One bit of the key usage (RFC 5280, section 4.2.1.3) by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct KeyUsageBit(pub u8);

impl KeyUsageBit {
    /// `digitalSignature`: all that TLS 1.3 needs.
    pub const DIGITAL_SIGNATURE: Self = Self(0);
}

/// One extension as read from to-be-signed bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ExtensionRead {
    /// `authorityKeyIdentifier` with nothing but the key identifier.
    AuthorityKeyId(Vec<u8>),
    /// `keyUsage`.
    KeyUsage(BTreeSet<KeyUsageBit>),
    /// `extKeyUsage`, holding known purposes only.
    ExtendedKeyUsage(Vec<KeyPurpose>),
    /// `subjectAltName`, holding dNSNames, then iPAddresses, then at most one workload, in the order
    /// they stand.
    SubjectAltName(Vec<SanName>, Option<SpiffeId>),
    /// `cRLDistributionPoints`: one full name each.
    CrlUrls(Vec<String>),
    /// `authorityInfoAccess` with `id-ad-ocsp` first and then `caIssuers`, and nothing else.
    AuthorityInfo {
        /// The OCSP responders.
        ocsp: Vec<String>,
        /// The issuer's certificate.
        ca_issuers: Vec<String>,
    },
    /// `certificatePolicies` without qualifiers: the dotted object identifiers.
    Policies(Vec<String>),
    /// `basicConstraints` of an end entity.
    EndEntity,
    /// Anything else, or one of the above with something in it that no spec asks for.
    Unexpected,
}

/// The content of to-be-signed bytes, as an independent reader of DER found it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TbsContent {
    /// The serial number.
    pub serial: CertSerial,
    /// The signature algorithm.
    pub signing: SigningAlgorithm,
    /// The issuer's name in DER.
    pub issuer_name_der: Vec<u8>,
    /// First second of the validity.
    pub not_before: Time,
    /// Last second of the validity.
    pub not_after: Time,
    /// Whether the subject is the empty sequence.
    pub subject_is_empty: bool,
    /// The public key in DER.
    pub spki_der: Vec<u8>,
    /// The extensions in the order they stand, each with whether it is critical.
    pub extensions: Vec<(bool, ExtensionRead)>,
}

impl TbsContent {
    /// Every way in which the content is not what `spec` says under `profile` and `issuer`: what
    /// is issued is what was approved, no more and no less (promise P1).
    #[must_use]
    pub fn differences(
        &self,
        spec: &CertificateSpec,
        profile: &CertificateProfile,
        issuer: &IssuerIdentity,
    ) -> Vec<LintFinding> {
        let mut findings = Vec::new();
        if spec.issuer != issuer.id || Generation::of(&spec.serial) != issuer.generation {
            findings.push(LintFinding::OtherIssuer);
        }
        compare_fields(self, spec, issuer, &mut findings);
        compare_extensions(self, spec, profile, issuer, &mut findings);
        findings
    }
}

/// To-be-signed bytes that hold exactly what their spec says, and that no rule forbids to sign.
///
/// Only [`Tbs::new`] makes one, so a signer that takes it needs no check:
///
/// ```compile_fail
/// # use bailiwick_core::certificate::{CertificateSpec, Tbs};
/// # use bailiwick_core::names::Digest;
/// fn cheat(bytes: Vec<u8>, spec: CertificateSpec) -> Tbs {
///     Tbs { digest: Digest::of(&bytes), bytes, spec }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tbs {
    bytes: Vec<u8>,
    digest: Digest,
    spec: CertificateSpec,
}

impl Tbs {
    /// Takes bytes that a reader found to hold `content`.
    ///
    /// # Errors
    /// Every finding of [`lint`], and one for each way in which the content is not the spec's.
    pub fn new(
        bytes: Vec<u8>,
        content: &TbsContent,
        spec: CertificateSpec,
        profile: &CertificateProfile,
        issuer: &IssuerIdentity,
        now: Time,
    ) -> Result<Self, Vec<LintFinding>> {
        let mut findings = lint(&spec, profile, now);
        if spec.not_after > issuer.not_after {
            findings.push(LintFinding::OutlivesIssuer);
        }
        if profile.revocation.crl && issuer.places.crl_url_of(&spec.serial).is_none() {
            findings.push(LintFinding::IssuerHasNoPlace { what: "crl" });
        }
        if profile.revocation.ocsp && issuer.places.ocsp_url.is_none() {
            findings.push(LintFinding::IssuerHasNoPlace { what: "ocsp responder" });
        }
        let outside = spec.names.iter().filter(|name| !issuer.permits(name));
        findings
            .extend(outside.map(|name| LintFinding::OutsideNameConstraints { name: name.clone() }));
        findings.extend(content.differences(&spec, profile, issuer));
        if findings.is_empty() {
            Ok(Self { digest: Digest::of(&bytes), bytes, spec })
        } else {
            Err(findings)
        }
    }

    /// The bytes a signature is made over.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the bytes: what a grant to sign names.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What the bytes say.
    #[must_use]
    pub const fn spec(&self) -> &CertificateSpec {
        &self.spec
    }
}

fn compare_fields(
    content: &TbsContent,
    spec: &CertificateSpec,
    issuer: &IssuerIdentity,
    findings: &mut Vec<LintFinding>,
) {
    let mut same = |field, is_same: bool| {
        if !is_same {
            findings.push(LintFinding::BytesDiffer { field });
        }
    };
    same("serialNumber", content.serial == spec.serial);
    same("signature", content.signing == issuer.signing);
    same("issuer", content.issuer_name_der == issuer.name_der);
    same("notBefore", content.not_before == spec.not_before);
    same("notAfter", content.not_after == spec.not_after);
    same("subject", content.subject_is_empty);
    same("subjectPublicKeyInfo", content.spki_der == spec.key.spki_der());
}

fn compare_extensions(
    content: &TbsContent,
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
    findings: &mut Vec<LintFinding>,
) {
    let expected = expected_extensions(spec, profile, issuer);
    for (field, wanted) in &expected {
        let found = content.extensions.iter().filter(|extension| *extension == wanted).count();
        if found != 1 {
            findings.push(LintFinding::BytesDiffer { field });
        }
    }
    if content.extensions.len() > expected.len() {
        findings.push(LintFinding::BytesHoldMore { what: "extension" });
    }
}

/// The extensions a certificate of `spec` has, each named, with whether it is critical.
fn expected_extensions(
    spec: &CertificateSpec,
    profile: &CertificateProfile,
    issuer: &IssuerIdentity,
) -> Vec<(&'static str, (bool, ExtensionRead))> {
    let usage = [KeyUsageBit::DIGITAL_SIGNATURE].into();
    let purposes = profile.purposes.iter().copied().collect();
    let mut expected = vec![
        ("authorityKeyIdentifier", (false, ExtensionRead::AuthorityKeyId(issuer.key_id.clone()))),
        ("keyUsage", (true, ExtensionRead::KeyUsage(usage))),
        ("extKeyUsage", (false, ExtensionRead::ExtendedKeyUsage(purposes))),
        // Critical because the subject is empty (RFC 5280, section 4.2.1.6).
        (
            "subjectAltName",
            (
                true,
                ExtensionRead::SubjectAltName(
                    spec.names.iter().cloned().collect(),
                    spec.workload.clone(),
                ),
            ),
        ),
        ("basicConstraints", (true, ExtensionRead::EndEntity)),
    ];
    let crl = issuer.places.crl_url_of(&spec.serial).filter(|_| profile.revocation.crl);
    if let Some(url) = crl {
        expected.push(("cRLDistributionPoints", (false, ExtensionRead::CrlUrls(vec![url]))));
    }
    let ocsp = issuer.places.ocsp_url.clone().filter(|_| profile.revocation.ocsp);
    let ca_issuers = issuer.places.ca_issuers_url.clone();
    if ocsp.is_some() || ca_issuers.is_some() {
        let (ocsp, ca_issuers) = (ocsp.into_iter().collect(), ca_issuers.into_iter().collect());
        let info = ExtensionRead::AuthorityInfo { ocsp, ca_issuers };
        expected.push(("authorityInfoAccess", (false, info)));
    }
    if profile.rules == ProfileRules::PublicTls {
        let policies = ExtensionRead::Policies(vec![DOMAIN_VALIDATED.to_owned()]);
        expected.push(("certificatePolicies", (false, policies)));
    }
    expected
}
