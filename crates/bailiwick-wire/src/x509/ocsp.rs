//! OCSP requests and responses (RFC 6960, profiled by RFC 5019; nonces by RFC 9654).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use bailiwick_core::certificate::{
    IssuerIdentity, OCSP_NONCE_OCTETS_MAX, OcspSpec, OcspStatus, RevocationReason, SubjectKey,
};
use bailiwick_core::names::CertSerial;
use thiserror::Error;

use super::key::{BadKey, PublicKey};
use super::oids;
use super::parts::read_extensions;
use super::read::{
    BadDer, ENUMERATED, INTEGER, NULL, OCTET_STRING, OID, Reader, SEQUENCE, check_strict, context,
    context_constructed, oid, unsigned,
};
use super::signature::{BadSignature, SignatureAlgorithm, signing_of, write_algorithm};
use super::write::{self, BadMoment, Criticality};

/// Octets of a request at most: one question takes about 100.
pub const OCSP_REQUEST_OCTETS_MAX: usize = 4_096;
/// Questions in one request at most; RFC 5019, section 2.1.1 has one.
const QUESTIONS_MAX: usize = 16;

/// Why octets are not a request that can be answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadOcspRequest {
    /// Too many octets.
    #[error("the request has more than {OCSP_REQUEST_OCTETS_MAX} octets")]
    TooBig,
    /// Not DER, or not the structure of a request.
    #[error("the request is not der: {0}")]
    Der(#[from] BadDer),
    /// No question, or too many.
    #[error("the request asks {count} questions; ask 1 to {QUESTIONS_MAX}")]
    Questions {
        /// How many.
        count: usize,
    },
    /// A nonce of no octets or of more than 128 (RFC 9654, section 2.1).
    #[error("the nonce has {octets} octets; take 32")]
    Nonce {
        /// How many.
        octets: usize,
    },
    /// A critical extension that is not understood.
    #[error("the request has a critical extension that is not understood")]
    Critical,
}

/// One question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OcspQuestion {
    /// The whole CertID, DER.
    pub cert_id: Vec<u8>,
    /// The serial it is about; `None` for one that no certificate of ours can have.
    pub serial: Option<CertSerial>,
    hash: IdHash,
    name_hash: Vec<u8>,
    key_hash: Vec<u8>,
}

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OcspRequest {
    /// The questions, at least one.
    pub questions: Vec<OcspQuestion>,
    /// The nonce to be repeated.
    pub nonce: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum IdHash {
    Sha1,
    Sha256,
    Other,
}

impl IdHash {
    fn of(self, octets: &[u8]) -> Option<Vec<u8>> {
        let algorithm = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Other => return None,
        };
        Some(digest(algorithm, octets).as_ref().to_vec())
    }
}

impl OcspQuestion {
    /// Whether it is about a certificate of this issuer: name and key both (RFC 6960, section 4.1.1).
    #[must_use]
    pub fn is_about(&self, issuer: &IssuerIdentity) -> bool {
        let Ok(key) = PublicKey::from_spki(issuer.key.spki_der()) else { return false };
        self.hash.of(&issuer.name_der).is_some_and(|hash| hash == self.name_hash)
            && self.hash.of(key.octets()).is_some_and(|hash| hash == self.key_hash)
    }
}

/// Reads a request. A signature on it is not looked at: what is told is public.
///
/// # Errors
/// [`BadOcspRequest`].
pub fn read_ocsp_request(der: &[u8]) -> Result<OcspRequest, BadOcspRequest> {
    if der.len() > OCSP_REQUEST_OCTETS_MAX {
        return Err(BadOcspRequest::TooBig);
    }
    check_strict(der)?;
    let mut request = Reader::only(der, SEQUENCE)?.inside();
    let mut tbs = request.expect(SEQUENCE)?.inside();
    request.optional(context_constructed(0))?;
    request.end()?;
    // Version and the name of who asks.
    tbs.optional(context_constructed(0))?;
    tbs.optional(context_constructed(1))?;
    let mut list = tbs.expect(SEQUENCE)?.inside();
    let extensions = tbs.optional(context_constructed(2))?;
    tbs.end()?;
    let mut questions = Vec::new();
    while !list.is_empty() {
        let mut one = list.expect(SEQUENCE)?.inside();
        questions.push(question(one.expect(SEQUENCE)?.whole)?);
        if let Some(wrapped) = one.optional(context_constructed(0))? {
            let inside = read_extensions(&Reader::only(wrapped.content, SEQUENCE)?)?;
            if inside.iter().any(|extension| extension.is_critical) {
                return Err(BadOcspRequest::Critical);
            }
        }
        one.end()?;
    }
    let count = questions.len();
    if count == 0 || count > QUESTIONS_MAX {
        return Err(BadOcspRequest::Questions { count });
    }
    let nonce = match extensions {
        Some(wrapped) => nonce(wrapped.content)?,
        None => None,
    };
    Ok(OcspRequest { questions, nonce })
}

fn nonce(extensions: &[u8]) -> Result<Option<Vec<u8>>, BadOcspRequest> {
    let mut found = None;
    for extension in read_extensions(&Reader::only(extensions, SEQUENCE)?)? {
        if extension.id == oids::OCSP_NONCE {
            let octets = Reader::only(extension.value, OCTET_STRING)?.content;
            if octets.is_empty() || octets.len() > OCSP_NONCE_OCTETS_MAX {
                return Err(BadOcspRequest::Nonce { octets: octets.len() });
            }
            found = Some(octets.to_vec());
        } else if extension.is_critical {
            return Err(BadOcspRequest::Critical);
        }
    }
    Ok(found)
}

fn question(cert_id: &[u8]) -> Result<OcspQuestion, BadDer> {
    let mut fields = Reader::only(cert_id, SEQUENCE)?.inside();
    let mut algorithm = fields.expect(SEQUENCE)?.inside();
    let id = oid(&algorithm.expect(OID)?)?;
    algorithm.optional(NULL)?;
    algorithm.end()?;
    let name_hash = fields.expect(OCTET_STRING)?.content.to_vec();
    let key_hash = fields.expect(OCTET_STRING)?.content.to_vec();
    let serial = fields.expect(INTEGER)?;
    fields.end()?;
    let hash = if id == oids::SHA1 {
        IdHash::Sha1
    } else if id == oids::SHA256 {
        IdHash::Sha256
    } else {
        IdHash::Other
    };
    let serial = unsigned(&serial).ok().and_then(|octets| CertSerial::from_bytes(octets).ok());
    Ok(OcspQuestion { cert_id: cert_id.to_vec(), serial, hash, name_hash, key_hash })
}

/// A response that says nothing but why there is none (RFC 6960, section 4.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OcspRefusal {
    /// The request is none.
    MalformedRequest,
    /// Something is wrong here.
    InternalError,
    /// Not now.
    TryLater,
    /// This responder does not speak for that issuer (RFC 5019, section 2.2.3).
    Unauthorized,
}

impl OcspRefusal {
    const fn number(self) -> u8 {
        match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        }
    }

    /// The response, DER.
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        write::sequence(&[write::tlv(ENUMERATED, &[self.number()])])
    }
}

/// Why there is no response, or octets are not the one they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadOcsp {
    /// A moment that cannot be spelled.
    #[error("a moment of the response cannot be written: {0}")]
    Moment(#[from] BadMoment),
    /// The responder's key is refused.
    #[error("the responder's key is refused: {0}")]
    Key(#[from] BadKey),
    /// Not DER.
    #[error("the response is not der: {0}")]
    Der(#[from] BadDer),
    /// It says something else than it was to say.
    #[error("the response differs from what it is to say")]
    Differs,
    /// The signature is not the responder's.
    #[error("the response's signature is refused: {0}")]
    Signature(#[from] BadSignature),
}

/// The octets that a responder signs: ResponseData.
///
/// # Errors
/// [`BadOcsp::Moment`] or [`BadOcsp::Key`].
pub fn write_ocsp(spec: &OcspSpec, responder: &SubjectKey) -> Result<Vec<u8>, BadOcsp> {
    let key = PublicKey::from_spki(responder.spki_der())?;
    // ResponderID byKey: the SHA-1 of the responder's key (RFC 6960, section 4.2.1).
    let key_hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.octets());
    let mut answers = Vec::new();
    for answer in spec.answers() {
        answers.push(write::sequence(&[
            answer.cert_id.clone(),
            status(answer.status)?,
            write::generalized(spec.this_update())?,
            write::explicit(0, &[write::generalized(spec.next_update())?]),
        ]));
    }
    let mut parts = vec![
        write::explicit(2, &[write::octet_string(key_hash.as_ref())]),
        write::generalized(spec.this_update())?,
        write::sequence(&answers),
    ];
    if let Some(nonce) = spec.nonce() {
        let value = write::octet_string(nonce);
        let extension = write::extension(oids::OCSP_NONCE, Criticality::NotCritical, &value);
        parts.push(write::explicit(1, &[write::sequence(&[extension])]));
    }
    Ok(write::sequence(&parts))
}

fn status(status: OcspStatus) -> Result<Vec<u8>, BadMoment> {
    Ok(match status {
        OcspStatus::Good => write::tlv(context(0), &[]),
        OcspStatus::Unknown => write::tlv(context(2), &[]),
        OcspStatus::Revoked { at, reason } => {
            let mut fields = vec![write::generalized(at)?];
            if reason != RevocationReason::Unspecified {
                fields.push(write::explicit(0, &[write::tlv(ENUMERATED, &[reason.code()])]));
            }
            write::explicit(1, &fields)
        }
    })
}

/// Puts signed data, signature and the responder's certificate together.
#[must_use]
pub fn assemble_ocsp(
    data: &[u8],
    responder: &SubjectKey,
    signature: &[u8],
    certificate: &[u8],
) -> Vec<u8> {
    let basic = write::sequence(&[
        data.to_vec(),
        write_algorithm(signing_of(responder.kind())),
        write::bit_string(signature),
        write::explicit(0, &[write::sequence(&[certificate.to_vec()])]),
    ]);
    let bytes = write::sequence(&[write::oid(oids::OCSP_BASIC), write::octet_string(&basic)]);
    write::sequence(&[write::tlv(ENUMERATED, &[0]), write::explicit(0, &[bytes])])
}

/// Whether a response consists of exactly the data that `spec` gives, signed by the responder's
/// key: what a signer asks of its own work before it lets go of it.
///
/// # Errors
/// [`BadOcsp`] says in what it fails.
pub fn verify_ocsp(der: &[u8], spec: &OcspSpec, responder: &SubjectKey) -> Result<(), BadOcsp> {
    let mut response = Reader::only(der, SEQUENCE)?.inside();
    response.expect(ENUMERATED)?;
    let wrapped = response.expect(context_constructed(0))?;
    let mut bytes = Reader::only(wrapped.content, SEQUENCE)?.inside();
    bytes.expect(OID)?;
    let mut basic = Reader::only(bytes.expect(OCTET_STRING)?.content, SEQUENCE)?.inside();
    let data = basic.expect(SEQUENCE)?;
    let algorithm = SignatureAlgorithm::read(&basic.expect(SEQUENCE)?)?;
    let signature = super::read::octets_of_bits(&basic.next()?)?;
    if data.whole != write_ocsp(spec, responder)? {
        return Err(BadOcsp::Differs);
    }
    let key = PublicKey::from_spki(responder.spki_der())?;
    algorithm.verify(&key, data.whole, signature)?;
    Ok(())
}
