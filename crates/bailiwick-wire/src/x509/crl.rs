//! CRLs (RFC 5280, section 5), written and read.

use bailiwick_core::certificate::{
    BadCrlSpec, CrlEntrySeen, CrlFacts, CrlScope, CrlSpec, IssuerIdentity, RevocationReason,
    SerialSeen, check_crl,
};
use bailiwick_core::names::CertSerial;
use thiserror::Error;

use super::key::{BadKey, PublicKey};
use super::names::{URI, show};
use super::oids;
use super::parts::{Extension, all, authority_key_id, read_extensions};
use super::read::{
    BIT_STRING, BadDer, ENUMERATED, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, Tlv, UTC_TIME,
    context_constructed, moment, octets_of_bits, unsigned,
};
use super::signature::{BadSignature, SignatureAlgorithm, write_algorithm};
use super::tbs::{BadTbs, authority_key_id as write_authority_key_id, full_name};
use super::write::{self, BadMoment, Criticality};

/// Octets of a CRL at most: a million entries of 30 octets.
pub const CRL_OCTETS_MAX: usize = 32 * 1024 * 1024;
/// INTEGER 1: v2 (RFC 5280, section 5.1.2.1).
const VERSION_2: [u8; 1] = [1];

/// Why there is no CRL, or octets are not the one they should be.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum BadCrl {
    /// The spec must not be signed.
    #[error("the crl must not be signed: {0}")]
    Spec(#[from] BadCrlSpec),
    /// A moment that X.509 cannot spell.
    #[error("a moment of the crl cannot be written: {0}")]
    Moment(#[from] BadMoment),
    /// The URL of the scope cannot stand in a CRL.
    #[error("the url `{url}` cannot stand in a crl; use plain http and ascii")]
    Url {
        /// The URL.
        url: String,
    },
    /// More than 32 MiB.
    #[error("the crl has more than {CRL_OCTETS_MAX} octets")]
    TooBig,
    /// Not DER, or not the structure of a CRL.
    #[error("the crl is not der: {0}")]
    Der(#[from] BadDer),
    /// It says something else than the spec.
    #[error("the crl differs from what it is to say")]
    Differs,
    /// The issuer's key is refused.
    #[error("the issuer's key is refused: {0}")]
    IssuerKey(#[from] BadKey),
    /// The signature is not the issuer's.
    #[error("the crl's signature is refused: {0}")]
    Signature(#[from] BadSignature),
}

/// The to-be-signed bytes of a CRL.
///
/// The authority key identifier names the key that signs the CRL, which is the issuer's own: a
/// CRL with the identifier of the issuer's issuer is refused by strict clients.
///
/// # Errors
/// [`BadCrl`] when the spec must not be signed or cannot be spelled.
pub fn write_crl(spec: &CrlSpec, issuer: &IssuerIdentity) -> Result<Vec<u8>, BadCrl> {
    check_crl(spec, &issuer.id)?;
    let mut entries = Vec::with_capacity(spec.entries.len());
    for (serial, entry) in &spec.entries {
        let mut fields = vec![write::unsigned(serial.as_bytes()), write::moment(entry.revoked_at)?];
        // Reason 0 is said by saying nothing (RFC 5280, section 5.3.1; BR 7.2.2).
        if entry.reason != RevocationReason::Unspecified {
            let reason = write::tlv(ENUMERATED, &[entry.reason.code()]);
            let extension = write::extension(oids::REASON_CODE, Criticality::NotCritical, &reason);
            fields.push(write::sequence(&[extension]));
        }
        entries.push(write::sequence(&fields));
    }
    let mut parts = vec![
        write::unsigned(&VERSION_2),
        write_algorithm(issuer.signing),
        issuer.name_der.clone(),
        write::moment(spec.this_update)?,
        write::moment(spec.next_update)?,
    ];
    // An empty list is absent, not empty (RFC 5280, section 5.1.2.6).
    if !entries.is_empty() {
        parts.push(write::sequence(&entries));
    }
    parts.push(write::explicit(0, &[write::sequence(&extensions(spec, issuer)?)]));
    Ok(write::sequence(&parts))
}

fn extensions(spec: &CrlSpec, issuer: &IssuerIdentity) -> Result<Vec<Vec<u8>>, BadCrl> {
    use Criticality::{Critical, NotCritical};
    let key_id = write_authority_key_id(&issuer.key_id);
    let number = write::unsigned(&spec.number.to_be_bytes());
    let mut extensions = vec![
        write::extension(oids::AUTHORITY_KEY_ID, NotCritical, &key_id),
        write::extension(oids::CRL_NUMBER, NotCritical, &number),
    ];
    match &spec.scope {
        CrlScope::Whole => {}
        CrlScope::PointedAt { url } => {
            let name = full_name(url).map_err(|_: BadTbs| BadCrl::Url { url: url.clone() })?;
            let point = write::sequence(&[write::explicit(0, &[name])]);
            extensions.push(write::extension(oids::ISSUING_DISTRIBUTION_POINT, Critical, &point));
        }
    }
    Ok(extensions)
}

/// Puts the bytes of a CRL and its signature together.
#[must_use]
pub fn assemble_crl(tbs: &[u8], issuer: &IssuerIdentity, signature: &[u8]) -> Vec<u8> {
    write::sequence(&[tbs.to_vec(), write_algorithm(issuer.signing), write::bit_string(signature)])
}

/// A CRL taken apart.
struct CrlParts<'a> {
    tbs: Tlv<'a>,
    signature_algorithm: Tlv<'a>,
    signature: &'a [u8],
}

fn take_apart(der: &[u8]) -> Result<CrlParts<'_>, BadDer> {
    let mut crl = Reader::only(der, SEQUENCE)?.inside();
    let tbs = crl.expect(SEQUENCE)?;
    let signature_algorithm = crl.expect(SEQUENCE)?;
    let signature = octets_of_bits(&crl.expect(BIT_STRING)?)?;
    crl.end()?;
    Ok(CrlParts { tbs, signature_algorithm, signature })
}

/// Reads a CRL of whatever making. It does not verify the signature.
///
/// # Errors
/// [`BadCrl::TooBig`] or [`BadCrl::Der`].
pub fn read_crl(der: &[u8]) -> Result<CrlFacts, BadCrl> {
    if der.len() > CRL_OCTETS_MAX {
        return Err(BadCrl::TooBig);
    }
    let mut fields = take_apart(der)?.tbs.inside();
    fields.optional(INTEGER)?;
    fields.expect(SEQUENCE)?;
    let issuer = fields.expect(SEQUENCE)?;
    let this_update = moment(&fields.next()?)?;
    let next_update = match fields.optional(UTC_TIME)? {
        Some(time) => Some(time),
        None => fields.optional(GENERALIZED_TIME)?,
    };
    let revoked = fields.optional(SEQUENCE)?;
    let extensions = match fields.optional(context_constructed(0))? {
        Some(wrapped) => read_extensions(&Reader::only(wrapped.content, SEQUENCE)?)?,
        None => Vec::new(),
    };
    fields.end()?;
    let mut facts = CrlFacts {
        issuer_name_der: issuer.whole.to_vec(),
        issuer_key_id: None,
        number: None,
        this_update,
        next_update: next_update.map(|time| moment(&time)).transpose()?,
        scope_url: None,
        has_unknown_critical: false,
        entries: match revoked {
            Some(list) => read_entries(&list)?,
            None => Vec::new(),
        },
    };
    for extension in &extensions {
        note_extension(extension, &mut facts)?;
    }
    Ok(facts)
}

fn note_extension(extension: &Extension<'_>, facts: &mut CrlFacts) -> Result<(), BadDer> {
    if extension.id == oids::AUTHORITY_KEY_ID {
        facts.issuer_key_id = authority_key_id(extension.value)?.0.map(<[u8]>::to_vec);
    } else if extension.id == oids::CRL_NUMBER {
        facts.number = Some(unsigned(&Reader::only(extension.value, INTEGER)?)?.to_vec());
    } else if extension.id == oids::ISSUING_DISTRIBUTION_POINT {
        // Only certain certificates, only certain reasons, or indirect: more than the place.
        match place(extension.value)? {
            Some(url) => facts.scope_url = Some(url),
            None => facts.has_unknown_critical = true,
        }
    } else if extension.is_critical {
        facts.has_unknown_critical = true;
    }
    Ok(())
}

/// The URL of an issuing distribution point that holds one URL and nothing else.
fn place(value: &[u8]) -> Result<Option<String>, BadDer> {
    let mut fields = Reader::only(value, SEQUENCE)?.inside();
    let Some(point) = fields.optional(context_constructed(0))? else { return Ok(None) };
    let Some(full) = point.inside().optional(context_constructed(0))? else { return Ok(None) };
    let names = all(full.inside())?;
    match (names.as_slice(), fields.is_empty()) {
        ([name], true) if name.tag == URI => Ok(Some(show(name.content))),
        _ => Ok(None),
    }
}

fn read_entries(list: &Tlv<'_>) -> Result<Vec<CrlEntrySeen>, BadDer> {
    let mut entries = Vec::new();
    let mut rest = list.inside();
    while !rest.is_empty() {
        let mut entry = rest.expect(SEQUENCE)?.inside();
        let number = entry.expect(INTEGER)?;
        let revoked_at = moment(&entry.next()?)?;
        let extensions = match entry.optional(SEQUENCE)? {
            Some(list) => read_extensions(&list)?,
            None => Vec::new(),
        };
        entry.end()?;
        let reason = extensions.iter().find(|extension| extension.id == oids::REASON_CODE);
        let reason_code = match reason {
            Some(extension) => match Reader::only(extension.value, ENUMERATED)?.content {
                [code] => Some(*code),
                _ => return Err(BadDer::Value),
            },
            None => None,
        };
        let is_positive = number.content.first().is_some_and(|first| *first < 0x80);
        let serial = match CertSerial::from_bytes(number.content) {
            Ok(serial) if is_positive => SerialSeen::Regular(serial),
            _ => SerialSeen::Odd(number.content.to_vec()),
        };
        entries.push(CrlEntrySeen { serial, revoked_at, reason_code });
    }
    Ok(entries)
}

/// Whether a signed CRL says exactly what `spec` says and `issuer` signed it.
///
/// # Errors
/// [`BadCrl`] says in what it fails.
pub fn verify_crl(der: &[u8], spec: &CrlSpec, issuer: &IssuerIdentity) -> Result<(), BadCrl> {
    let facts = read_crl(der)?;
    let parts = take_apart(der)?;
    let expected = CrlFacts {
        issuer_name_der: issuer.name_der.clone(),
        issuer_key_id: Some(issuer.key_id.clone()),
        number: Some(spec.number.to_be_bytes().into_iter().skip_while(|o| *o == 0).collect()),
        this_update: to_second(spec.this_update),
        next_update: Some(to_second(spec.next_update)),
        scope_url: match &spec.scope {
            CrlScope::Whole => None,
            CrlScope::PointedAt { url } => Some(url.clone()),
        },
        has_unknown_critical: false,
        entries: spec
            .entries
            .iter()
            .map(|(serial, entry)| CrlEntrySeen {
                serial: SerialSeen::Regular(serial.clone()),
                revoked_at: to_second(entry.revoked_at),
                reason_code: Some(entry.reason.code()).filter(|code| *code != 0),
            })
            .collect(),
    };
    if facts != expected {
        return Err(BadCrl::Differs);
    }
    if parts.signature_algorithm.whole != write_algorithm(issuer.signing) {
        return Err(BadCrl::Signature(BadSignature::Algorithm));
    }
    let key = PublicKey::from_spki(issuer.key.spki_der())?;
    SignatureAlgorithm::from(issuer.signing).verify(&key, parts.tbs.whole, parts.signature)?;
    Ok(())
}

const fn to_second(time: bailiwick_core::time::Time) -> bailiwick_core::time::Time {
    bailiwick_core::time::Time::from_unix_seconds(time.unix_seconds())
}
