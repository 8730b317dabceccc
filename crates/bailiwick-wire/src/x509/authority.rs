//! CA certificates: the root and the issuing intermediate of the built-in CA.

use std::collections::BTreeSet;

use bailiwick_core::certificate::{
    Generation, IssuerIdentity, IssuerPlaces, KeyPurpose, SubjectKey,
};
use bailiwick_core::names::{CertSerial, Digest, DnsName, IssuerId};
use bailiwick_core::shown::acts;
use bailiwick_core::time::Time;
use thiserror::Error;

use super::facts::{CERTIFICATE_OCTETS_MAX, purpose_id};
use super::key::{BadKey, PublicKey};
use super::names::{DNS_NAME, IP_ADDRESS, attributes, text_of};
use super::oids;
use super::parts::{CertificateParts, TbsParts, all, basic_constraints};
use super::read::{
    BIT_STRING, BadDer, OCTET_STRING, Reader, SEQUENCE, bit_string, check_strict,
    context_constructed, moment,
};
use super::signature::{BadSignature, SignatureAlgorithm, signing_of, write_algorithm};
use super::tbs::{authority_key_id, full_name, uri};
use super::write::{self, BadMoment, Criticality};

/// RFC 5280, appendix A.1: `ub-organization-name`.
const ORGANISATION_CHARS_MAX: usize = 64;
/// RFC 7093, section 2, method 1: the leftmost 160 bits of the key's SHA-256.
const KEY_ID_OCTETS: usize = 20;
/// Hexadecimal digits of the key in a CA's common name: a new key has a new name, so that no
/// client mixes two chains up.
const KEY_DIGITS_IN_NAME: usize = 8;
/// keyCertSign and cRLSign (RFC 5280, section 4.2.1.3).
const CA_USAGE: [u8; 2] = [5, 6];
/// The first octet of that key usage.
const CA_USAGE_OCTET: u8 = 0b0000_0110;

/// The organisation in the names of its CA.
///
/// Always: 1 to 64 characters, each of which only shows, and no space at either end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organisation(String);

/// A text is not an organisation's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[error(
    "an organisation's name has 1 to 64 visible characters; remove controls, direction marks and spaces at its ends"
)]
pub struct BadOrganisation;

impl Organisation {
    /// Parses a name as the estate gives it.
    ///
    /// # Errors
    /// [`BadOrganisation`].
    pub fn parse(text: &str) -> Result<Self, BadOrganisation> {
        let count = text.chars().count();
        let is_bounded = (1..=ORGANISATION_CHARS_MAX).contains(&count);
        if is_bounded && text.trim() == text && !text.chars().any(acts) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadOrganisation)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which CA certificate.
#[derive(Clone, Debug)]
pub enum AuthorityKind<'a> {
    /// One that signs itself.
    Root,
    /// One that signs end-entity certificates and nothing below them (pathLenConstraint 0).
    Issuing {
        /// Who signs it.
        parent: &'a IssuerIdentity,
    },
}

/// Exactly what a CA certificate is to hold.
#[derive(Clone, Debug)]
pub struct AuthoritySpec<'a> {
    /// Which one.
    pub kind: AuthorityKind<'a>,
    /// Whose.
    pub organisation: Organisation,
    /// Its key.
    pub key: SubjectKey,
    /// Its serial number at its signer.
    pub serial: CertSerial,
    /// First second of its validity.
    pub not_before: Time,
    /// Last second of its validity.
    pub not_after: Time,
    /// The DNS names that an issuing CA may certify, at or below; `None` for any.
    pub permitted: Option<BTreeSet<DnsName>>,
    /// Where what its signer publishes is found.
    pub places: IssuerPlaces,
}

/// Why there is no CA certificate, or octets are not the one they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadAuthority {
    /// More than 64 KiB.
    #[error("the certificate has more than {CERTIFICATE_OCTETS_MAX} octets")]
    TooBig,
    /// It is not DER, or not a certificate.
    #[error("the ca certificate is not der: {0}")]
    Der(#[from] BadDer),
    /// Its key is refused.
    #[error("the ca certificate's key is refused: {0}")]
    Key(#[from] BadKey),
    /// A moment that X.509 cannot spell.
    #[error("the ca certificate's validity cannot be written: {0}")]
    Moment(#[from] BadMoment),
    /// It may not sign certificates and CRLs, or has no key identifier.
    #[error("the certificate is not one of a ca that signs certificates and crls")]
    NotAuthority,
    /// Its name constraints are not DNS names alone.
    #[error(
        "the ca certificate has name constraints of another form than permitted dns names without addresses; sign it from the request that was made here"
    )]
    Constraints,
    /// It names another issuer than the one that should have signed it.
    #[error("the ca certificate names another issuer")]
    OtherIssuer,
    /// The signature is not its issuer's.
    #[error("the ca certificate's signature is refused: {0}")]
    Signature(#[from] BadSignature),
}

/// The to-be-signed bytes of a CA certificate.
///
/// # Errors
/// [`BadAuthority::Moment`], or [`BadAuthority::Key`] for a key that no CA may have.
pub fn write_authority(spec: &AuthoritySpec<'_>) -> Result<Vec<u8>, BadAuthority> {
    let key = PublicKey::from_spki(spec.key.spki_der())?;
    let subject = name(spec, &key);
    let (issuer, signing) = match &spec.kind {
        AuthorityKind::Root => (subject.clone(), signing_of(key.kind())),
        AuthorityKind::Issuing { parent } => (parent.name_der.clone(), parent.signing),
    };
    let validity =
        write::sequence(&[write::moment(spec.not_before)?, write::moment(spec.not_after)?]);
    Ok(write::sequence(&[
        write::explicit(0, &[write::unsigned(&[2])]),
        write::unsigned(spec.serial.as_bytes()),
        write_algorithm(signing),
        issuer,
        validity,
        subject,
        spec.key.spki_der().to_vec(),
        write::explicit(3, &[write::sequence(&extensions(spec, &key))]),
    ]))
}

/// Puts the bytes of a CA certificate and its signature together. `signer` is the key that signed.
#[must_use]
pub fn assemble_authority(tbs: &[u8], signer: &SubjectKey, signature: &[u8]) -> Vec<u8> {
    write::sequence(&[
        tbs.to_vec(),
        write_algorithm(signing_of(signer.kind())),
        write::bit_string(signature),
    ])
}

fn name(spec: &AuthoritySpec<'_>, key: &PublicKey) -> Vec<u8> {
    match spec.kind {
        AuthorityKind::Root => named(&spec.organisation, "Root CA", key),
        AuthorityKind::Issuing { .. } => issuing_name(&spec.organisation, key),
    }
}

/// The name of an issuing CA.
pub(super) fn issuing_name(organisation: &Organisation, key: &PublicKey) -> Vec<u8> {
    named(organisation, "Issuing CA", key)
}

fn named(organisation: &Organisation, role: &str, key: &PublicKey) -> Vec<u8> {
    let digits: String =
        Digest::of(key.octets()).to_string().chars().take(KEY_DIGITS_IN_NAME).collect();
    let attribute =
        |id, text: &str| write::set_of_one(&write::sequence(&[write::oid(id), write::utf8(text)]));
    write::sequence(&[
        attribute(oids::ORGANIZATION, organisation.as_str()),
        attribute(oids::COMMON_NAME, &format!("{role} {digits}")),
    ])
}

fn extensions(spec: &AuthoritySpec<'_>, key: &PublicKey) -> Vec<Vec<u8>> {
    use Criticality::{Critical, NotCritical};
    let constraints = match spec.kind {
        AuthorityKind::Root => vec![write::boolean_true()],
        AuthorityKind::Issuing { .. } => vec![write::boolean_true(), write::unsigned(&[0])],
    };
    let mut extensions = vec![
        write::extension(oids::BASIC_CONSTRAINTS, Critical, &write::sequence(&constraints)),
        write::extension(oids::KEY_USAGE, Critical, &write::named_bits(&CA_USAGE)),
        write::extension(oids::SUBJECT_KEY_ID, NotCritical, &write::octet_string(&key_id(key))),
    ];
    if let AuthorityKind::Issuing { parent } = &spec.kind {
        let purposes = KeyPurpose::ALL.map(|purpose| write::oid(purpose_id(purpose)));
        extensions.push(write::extension(
            oids::AUTHORITY_KEY_ID,
            NotCritical,
            &authority_key_id(&parent.key_id),
        ));
        // Bounds what a stolen intermediate is good for (BR 7.1.2.10).
        extensions.push(write::extension(
            oids::EXT_KEY_USAGE,
            NotCritical,
            &write::sequence(&purposes),
        ));
        if let Some(permitted) = &spec.permitted {
            let value = name_constraints(permitted);
            extensions.push(write::extension(oids::NAME_CONSTRAINTS, Critical, &value));
        }
        extensions.extend(pointers(&spec.places));
    }
    extensions
}

/// Where the CRL and the certificate of the signer are found.
fn pointers(places: &IssuerPlaces) -> Vec<Vec<u8>> {
    use Criticality::NotCritical;
    let mut extensions = Vec::new();
    if let Some(name) = places.crl_url.as_ref().and_then(|url| full_name(url).ok()) {
        let point = write::sequence(&[write::explicit(0, &[name])]);
        let points = write::sequence(&[point]);
        extensions.push(write::extension(oids::CRL_DISTRIBUTION_POINTS, NotCritical, &points));
    }
    if let Some(place) = places.ca_issuers_url.as_ref().and_then(|url| uri(url).ok()) {
        let access = write::sequence(&[write::oid(oids::CA_ISSUERS), place]);
        let info = write::sequence(&[access]);
        extensions.push(write::extension(oids::AUTHORITY_INFO_ACCESS, NotCritical, &info));
    }
    extensions
}

/// NameConstraints: these DNS names, and no address at all, because a CA that is good for names
/// only must not certify addresses (RFC 5280, section 4.2.1.10; BR 7.1.2.5.2).
pub(super) fn name_constraints(permitted: &BTreeSet<DnsName>) -> Vec<u8> {
    let subtree = |name: Vec<u8>| write::sequence(&[name]);
    let names: Vec<Vec<u8>> = permitted
        .iter()
        .map(|base| subtree(write::tlv(DNS_NAME, base.as_str().as_bytes())))
        .collect();
    let all_addresses: Vec<Vec<u8>> =
        [8, 32].iter().map(|octets| subtree(write::tlv(IP_ADDRESS, &vec![0; *octets]))).collect();
    write::sequence(&[write::explicit(0, &names), write::explicit(1, &all_addresses)])
}

/// The DNS names of name constraints of our own making; any other constraint is refused, because
/// we could not say which names it permits.
fn permitted(tbs: &TbsParts<'_>) -> Result<Option<BTreeSet<DnsName>>, BadAuthority> {
    match tbs.extension(oids::NAME_CONSTRAINTS)? {
        Some(extension) => read_name_constraints(extension.value).map(Some),
        None => Ok(None),
    }
}

/// Reads name constraints that [`name_constraints`] spells.
pub(super) fn read_name_constraints(value: &[u8]) -> Result<BTreeSet<DnsName>, BadAuthority> {
    let mut fields = Reader::only(value, SEQUENCE)?.inside();
    let names = fields.optional(context_constructed(0))?.ok_or(BadAuthority::Constraints)?;
    let mut permitted = BTreeSet::new();
    for subtree in all(names.inside())? {
        let mut inside = subtree.inside();
        let base = inside.expect(DNS_NAME).map_err(|_| BadAuthority::Constraints)?;
        inside.end().map_err(|_| BadAuthority::Constraints)?;
        let text = std::str::from_utf8(base.content).map_err(|_| BadAuthority::Constraints)?;
        permitted.insert(DnsName::parse(text).map_err(|_| BadAuthority::Constraints)?);
    }
    if permitted.is_empty() || name_constraints(&permitted) != value {
        return Err(BadAuthority::Constraints);
    }
    Ok(permitted)
}

pub(super) fn key_id(key: &PublicKey) -> Vec<u8> {
    Digest::of(key.octets()).as_bytes().iter().copied().take(KEY_ID_OCTETS).collect()
}

/// Reads a CA certificate into what the certificates below it need to know, as of a first generation.
///
/// # Errors
/// [`BadAuthority`] when it is not a CA's, or its key is one we do not sign with.
pub fn read_issuer(
    der: &[u8],
    id: IssuerId,
    places: IssuerPlaces,
) -> Result<IssuerIdentity, BadAuthority> {
    if der.len() > CERTIFICATE_OCTETS_MAX {
        return Err(BadAuthority::TooBig);
    }
    check_strict(der)?;
    let certificate = CertificateParts::read(der)?;
    let tbs = &certificate.tbs;
    // What is signed below repeats this name: it has to be one.
    attributes(tbs.issuer)?;
    attributes(tbs.subject)?;
    let constraints = tbs.extension(oids::BASIC_CONSTRAINTS)?.ok_or(BadAuthority::NotAuthority)?;
    let usage = tbs.extension(oids::KEY_USAGE)?.ok_or(BadAuthority::NotAuthority)?;
    let (_, usage_octets) = bit_string(&Reader::only(usage.value, BIT_STRING)?)?;
    let may_sign =
        usage_octets.first().is_some_and(|octet| octet & CA_USAGE_OCTET == CA_USAGE_OCTET);
    if !basic_constraints(constraints.value)?.0 || !may_sign {
        return Err(BadAuthority::NotAuthority);
    }
    let key_id = tbs.extension(oids::SUBJECT_KEY_ID)?.ok_or(BadAuthority::NotAuthority)?;
    let key = PublicKey::from_spki(tbs.spki.whole)?;
    Ok(IssuerIdentity {
        id,
        generation: Generation::FIRST,
        name_der: tbs.subject.whole.to_vec(),
        key_id: Reader::only(key_id.value, OCTET_STRING)?.content.to_vec(),
        signing: signing_of(key.kind()),
        key: key.to_subject_key(),
        not_before: moment(&tbs.not_before)?,
        not_after: moment(&tbs.not_after)?,
        places,
        permitted: permitted(tbs)?,
    })
}

/// The organisation in a CA's name; `None` where there is none that we would write.
#[must_use]
pub fn organisation_of(issuer: &IssuerIdentity) -> Option<Organisation> {
    let name = Reader::only(&issuer.name_der, SEQUENCE).ok()?;
    let found = attributes(name).ok()?;
    let ours = found.iter().find(|attribute| attribute.id == oids::ORGANIZATION)?;
    Organisation::parse(text_of(&ours.value)?).ok()
}

/// Whether `signer` signed the CA certificate `der`; a root is its own signer.
///
/// # Errors
/// [`BadAuthority::OtherIssuer`] or [`BadAuthority::Signature`], or it is no certificate.
pub fn verify_authority(der: &[u8], signer: &IssuerIdentity) -> Result<(), BadAuthority> {
    check_strict(der)?;
    let certificate = CertificateParts::read(der)?;
    if certificate.tbs.issuer.whole != signer.name_der {
        return Err(BadAuthority::OtherIssuer);
    }
    if certificate.tbs.algorithm.whole != certificate.signature_algorithm.whole {
        return Err(BadAuthority::Signature(BadSignature::Algorithm));
    }
    let algorithm = SignatureAlgorithm::read(&certificate.signature_algorithm)?;
    let key = PublicKey::from_spki(signer.key.spki_der())?;
    algorithm.verify(&key, certificate.tbs.whole, certificate.signature)?;
    Ok(())
}
