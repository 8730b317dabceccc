//! Certificate signing requests (RFC 2986): they give a key, proof that its owner signs, and the
//! names that are asked for; nothing else of them ever reaches a certificate (threat T18).

use std::collections::BTreeSet;
use std::fmt;

use bailiwick_core::certificate::{NameSeen, SanSet, SubjectKey};
use bailiwick_core::names::SanName;
use const_oid::ObjectIdentifier;
use thiserror::Error;

use super::key::{BadKey, PublicKey};
use super::names::{attributes, general_name, text_of};
use super::oids;
use super::read::{
    BIT_STRING, BOOLEAN, BadDer, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, Tlv, boolean,
    check_strict, context_constructed, octets_of_bits, oid,
};
use super::signature::{BadSignature, SignatureAlgorithm};

/// Octets of a request at most (threat T13).
pub const CSR_OCTETS_MAX: usize = 64 * 1024;
/// Names in a request at most (threat T13).
pub const CSR_NAMES_MAX: usize = 100;
/// Extensions in a request at most; each is reported, none is copied.
const EXTENSIONS_MAX: usize = 32;

/// Why a request is refused. Each is `badCSR` in ACME, except where [`BadCsr::is_key_fault`] and
/// [`BadCsr::is_algorithm_fault`] say otherwise (RFC 8555, section 6.7).
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum BadCsr {
    /// More than 64 KiB.
    #[error("the request has more than {CSR_OCTETS_MAX} octets; send a smaller one")]
    TooBig,
    /// Not DER, or not the structure of a request.
    #[error("the request is not der: {0}")]
    Der(#[from] BadDer),
    /// Another version than 0.
    #[error("the request has another version than 0")]
    Version,
    /// Its key is refused.
    #[error("the request's key is refused: {0}")]
    Key(#[from] BadKey),
    /// Its signature is refused: no proof that the key's owner asks.
    #[error("the request's signature is refused: {0}")]
    Signature(#[from] BadSignature),
    /// An attribute or an extension stands twice.
    #[error("`{oid}` stands twice in the request")]
    Twice {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// More than 100 names.
    #[error("the request has more than {CSR_NAMES_MAX} names; split it")]
    TooManyNames,
    /// More extensions than any program asks for.
    #[error("the request has more than {EXTENSIONS_MAX} extensions; ask for fewer")]
    TooManyExtensions,
    /// A dNSName or an address that no certificate may hold.
    #[error("name `{name}` is not one a certificate may hold; remove it")]
    Name {
        /// The name, escaped.
        name: String,
    },
    /// A common name that is not one of the subject alternative names.
    #[error("the common name is not among the subject alternative names; repeat it there")]
    CommonNameNotInSan,
    /// No dNSName and no address at all.
    #[error("the request names nothing; ask for at least one dns name or address")]
    NoNames,
}

impl BadCsr {
    /// Whether the fault is the key (ACME `badPublicKey`).
    #[must_use]
    pub const fn is_key_fault(&self) -> bool {
        matches!(self, Self::Key(_))
    }

    /// Whether the fault is the algorithm of the signature (ACME `badSignatureAlgorithm`).
    #[must_use]
    pub const fn is_algorithm_fault(&self) -> bool {
        matches!(self, Self::Signature(BadSignature::Algorithm | BadSignature::OtherKind))
    }
}

/// Something a request holds beside key, dNSNames and addresses. It is never copied; the gate may
/// refuse it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CsrExtra {
    /// An attribute of the subject other than the common name.
    SubjectAttribute {
        /// Its type.
        oid: ObjectIdentifier,
    },
    /// A subject alternative name of another kind.
    OtherName(NameSeen),
    /// Key usage, extended key usage, key identifier, or basic constraints of an end entity: the
    /// profile decides these, and many programs ask for them by habit.
    Habit {
        /// Which extension.
        oid: ObjectIdentifier,
    },
    /// Basic constraints that ask for a CA certificate.
    AsksForCa,
    /// Any other extension.
    Extension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// An attribute other than the request for extensions, such as a challenge password.
    Attribute {
        /// Which.
        oid: ObjectIdentifier,
    },
}

impl CsrExtra {
    /// Whether leaving it out cannot surprise who asked.
    #[must_use]
    pub const fn is_habit(&self) -> bool {
        matches!(self, Self::Habit { .. })
    }
}

impl fmt::Display for CsrExtra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectAttribute { oid } => write!(f, "the subject attribute `{oid}`"),
            Self::OtherName(NameSeen::Ip(ip)) => write!(f, "the ip address `{ip}`"),
            Self::OtherName(NameSeen::Email(mail)) => write!(f, "the mail address `{mail}`"),
            Self::OtherName(NameSeen::Uri(uri)) => write!(f, "the uri `{uri}`"),
            Self::OtherName(NameSeen::Dns(_) | NameSeen::OddDns(_) | NameSeen::Other { .. }) => {
                f.write_str("a name that is neither a dns name nor an address")
            }
            Self::Habit { oid } | Self::Extension { oid } => write!(f, "the extension `{oid}`"),
            Self::AsksForCa => f.write_str("a ca certificate"),
            Self::Attribute { oid } => write!(f, "the attribute `{oid}`"),
        }
    }
}

/// What a request asks for. Its signature was verified: who asks holds the private key.
///
/// Only [`read_csr`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Csr {
    key: SubjectKey,
    names: SanSet,
    extras: Vec<CsrExtra>,
}

impl Csr {
    /// The key that signed the request.
    #[must_use]
    pub const fn key(&self) -> &SubjectKey {
        &self.key
    }

    /// The dNSNames and addresses it asks for.
    #[must_use]
    pub const fn names(&self) -> &SanSet {
        &self.names
    }

    /// Everything else it holds.
    #[must_use]
    pub fn extras(&self) -> &[CsrExtra] {
        &self.extras
    }

    /// What it asks for beside key and names, and would be surprised not to get. A profile decides
    /// about usages, so the habit of asking for some is passed over.
    #[must_use]
    pub fn refused_requests(&self) -> Vec<&CsrExtra> {
        self.extras.iter().filter(|extra| !extra.is_habit()).collect()
    }
}

/// Reads a request: caps first, then strict DER, then the rules, then the signature.
///
/// # Errors
/// [`BadCsr`] says what is refused.
pub fn read_csr(der: &[u8]) -> Result<Csr, BadCsr> {
    let request = RequestParts::read(der)?;
    let mut found = Found::default();
    if let Some(attributes) = &request.attributes {
        found.read_attributes(attributes)?;
    }
    found.read_subject(request.subject)?;
    let names = SanSet::new(found.names.clone()).map_err(|_| BadCsr::NoNames)?;
    request.verify()?;
    Ok(Csr { key: request.key.to_subject_key(), names, extras: found.extras })
}

/// The frame of a request (RFC 2986, section 4): caps, strict DER, version and key were checked;
/// nobody has looked at subject and attributes, nor at the signature.
pub(super) struct RequestParts<'a> {
    info: Tlv<'a>,
    subject: Tlv<'a>,
    pub(super) key: PublicKey,
    attributes: Option<Tlv<'a>>,
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
}

impl<'a> RequestParts<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, BadCsr> {
        if der.len() > CSR_OCTETS_MAX {
            return Err(BadCsr::TooBig);
        }
        check_strict(der)?;
        let mut request = Reader::only(der, SEQUENCE)?.inside();
        let info = request.expect(SEQUENCE)?;
        let algorithm = SignatureAlgorithm::read(&request.expect(SEQUENCE)?)?;
        let signature = octets_of_bits(&request.expect(BIT_STRING)?)?;
        request.end()?;
        let mut parts = info.inside();
        if parts.expect(INTEGER)?.content != [0] {
            return Err(BadCsr::Version);
        }
        let subject = parts.expect(SEQUENCE)?;
        let key = PublicKey::from_spki(parts.expect(SEQUENCE)?.whole)?;
        let attributes = parts.optional(context_constructed(0))?;
        parts.end()?;
        Ok(Self { info, subject, key, attributes, algorithm, signature })
    }

    /// That who asks holds the private key.
    pub(super) fn verify(&self) -> Result<(), BadSignature> {
        self.algorithm.verify(&self.key, self.info.whole, self.signature)
    }
}

#[derive(Default)]
struct Found {
    names: BTreeSet<SanName>,
    has_san: bool,
    extras: Vec<CsrExtra>,
    seen: Vec<ObjectIdentifier>,
}

impl Found {
    fn note_once(&mut self, oid: ObjectIdentifier) -> Result<(), BadCsr> {
        if self.seen.contains(&oid) {
            return Err(BadCsr::Twice { oid });
        }
        if self.seen.len() >= EXTENSIONS_MAX {
            return Err(BadCsr::TooManyExtensions);
        }
        self.seen.push(oid);
        Ok(())
    }

    fn read_attributes(&mut self, asked: &Tlv<'_>) -> Result<(), BadCsr> {
        let mut rest = asked.inside();
        while !rest.is_empty() {
            let mut attribute = rest.expect(SEQUENCE)?.inside();
            let id = oid(&attribute.expect(OID)?)?;
            let mut values = attribute.expect(SET)?.inside();
            attribute.end()?;
            self.note_once(id)?;
            if id == oids::EXTENSION_REQUEST {
                let extensions = values.expect(SEQUENCE)?;
                values.end()?;
                self.read_extensions(&extensions)?;
            } else {
                self.extras.push(CsrExtra::Attribute { oid: id });
            }
        }
        Ok(())
    }

    fn read_extensions(&mut self, extensions: &Tlv<'_>) -> Result<(), BadCsr> {
        let mut rest = extensions.inside();
        while !rest.is_empty() {
            let mut extension = rest.expect(SEQUENCE)?.inside();
            let id = oid(&extension.expect(OID)?)?;
            if let Some(critical) = extension.optional(BOOLEAN)? {
                boolean(&critical)?;
            }
            let value = extension.expect(OCTET_STRING)?.content;
            extension.end()?;
            self.note_once(id)?;
            // What an extension wraps was opaque to the check of the whole request.
            check_strict(value)?;
            if id == oids::SUBJECT_ALT_NAME {
                self.read_san(value)?;
            } else if [oids::KEY_USAGE, oids::EXT_KEY_USAGE, oids::SUBJECT_KEY_ID].contains(&id) {
                self.extras.push(CsrExtra::Habit { oid: id });
            } else if id == oids::BASIC_CONSTRAINTS {
                self.read_basic_constraints(value)?;
            } else {
                self.extras.push(CsrExtra::Extension { oid: id });
            }
        }
        Ok(())
    }

    fn read_san(&mut self, value: &[u8]) -> Result<(), BadCsr> {
        self.has_san = true;
        let mut names = Reader::only(value, SEQUENCE)?.inside();
        let mut count = 0_usize;
        while !names.is_empty() {
            count += 1;
            if count > CSR_NAMES_MAX {
                return Err(BadCsr::TooManyNames);
            }
            match general_name(&names.next()?) {
                NameSeen::Dns(name) => {
                    self.names.insert(name);
                }
                NameSeen::Ip(address) => {
                    let name = SanName::of_address(address);
                    let name = name.map_err(|_| BadCsr::Name { name: address.to_string() })?;
                    self.names.insert(name);
                }
                NameSeen::OddDns(name) => return Err(BadCsr::Name { name }),
                other @ (NameSeen::Email(_) | NameSeen::Uri(_) | NameSeen::Other { .. }) => {
                    self.extras.push(CsrExtra::OtherName(other))
                }
            }
        }
        Ok(())
    }

    fn read_basic_constraints(&mut self, value: &[u8]) -> Result<(), BadCsr> {
        let mut parts = Reader::only(value, SEQUENCE)?.inside();
        let is_ca = match parts.optional(BOOLEAN)? {
            Some(flag) => boolean(&flag)?,
            None => false,
        };
        self.extras.push(if is_ca {
            CsrExtra::AsksForCa
        } else {
            CsrExtra::Habit { oid: oids::BASIC_CONSTRAINTS }
        });
        Ok(())
    }

    /// A common name repeats a name (BR 7.1.4.3); without any SAN it stands for one
    /// (RFC 8555, section 7.4).
    fn read_subject(&mut self, subject: Tlv<'_>) -> Result<(), BadCsr> {
        for attribute in attributes(subject)? {
            if attribute.id != oids::COMMON_NAME {
                self.extras.push(CsrExtra::SubjectAttribute { oid: attribute.id });
                continue;
            }
            let name = text_of(&attribute.value)
                .and_then(|text| SanName::parse(text).ok())
                .ok_or(BadCsr::CommonNameNotInSan)?;
            if self.has_san && !self.names.contains(&name) {
                return Err(BadCsr::CommonNameNotInSan);
            }
            self.names.insert(name);
            if self.names.len() > CSR_NAMES_MAX {
                return Err(BadCsr::TooManyNames);
            }
        }
        Ok(())
    }
}
