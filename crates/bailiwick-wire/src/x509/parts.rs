//! The parts of a certificate, found once and kept as they stand (RFC 5280, section 4.1).

use super::oids;
use super::read::{
    BIT_STRING, BOOLEAN, BadDer, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, Tlv, boolean,
    context_constructed, octets_of_bits, oid,
};

/// Extensions in a certificate at most; the largest seen in public have about 20.
const EXTENSIONS_MAX: usize = 64;

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    pub(super) id: const_oid::ObjectIdentifier,
    pub(super) is_critical: bool,
    pub(super) value: &'a [u8],
}

/// A certificate taken apart.
#[derive(Debug)]
pub(super) struct CertificateParts<'a> {
    pub(super) tbs: TbsParts<'a>,
    pub(super) signature_algorithm: Tlv<'a>,
    pub(super) signature: &'a [u8],
}

/// To-be-signed bytes taken apart.
#[derive(Debug)]
pub(super) struct TbsParts<'a> {
    pub(super) whole: &'a [u8],
    /// 0 for v1, 2 for v3.
    pub(super) version: u8,
    pub(super) serial: Tlv<'a>,
    pub(super) algorithm: Tlv<'a>,
    pub(super) issuer: Tlv<'a>,
    pub(super) not_before: Tlv<'a>,
    pub(super) not_after: Tlv<'a>,
    pub(super) subject: Tlv<'a>,
    pub(super) spki: Tlv<'a>,
    pub(super) has_unique_ids: bool,
    pub(super) extensions: Vec<Extension<'a>>,
}

impl<'a> CertificateParts<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, BadDer> {
        let mut certificate = Reader::only(der, SEQUENCE)?.inside();
        let tbs = TbsParts::take(&certificate.expect(SEQUENCE)?)?;
        let signature_algorithm = certificate.expect(SEQUENCE)?;
        let signature = octets_of_bits(&certificate.expect(BIT_STRING)?)?;
        certificate.end()?;
        Ok(Self { tbs, signature_algorithm, signature })
    }
}

impl<'a> TbsParts<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, BadDer> {
        Self::take(&Reader::only(der, SEQUENCE)?)
    }

    fn take(tbs: &Tlv<'a>) -> Result<Self, BadDer> {
        let mut parts = tbs.inside();
        let version = match parts.optional(context_constructed(0))? {
            Some(wrapped) => match Reader::only(wrapped.content, INTEGER)?.content {
                [version] => *version,
                _ => return Err(BadDer::Value),
            },
            None => 0,
        };
        let serial = parts.expect(INTEGER)?;
        let algorithm = parts.expect(SEQUENCE)?;
        let issuer = parts.expect(SEQUENCE)?;
        let mut validity = parts.expect(SEQUENCE)?.inside();
        let (not_before, not_after) = (validity.next()?, validity.next()?);
        validity.end()?;
        let subject = parts.expect(SEQUENCE)?;
        let spki = parts.expect(SEQUENCE)?;
        let mut has_unique_ids = false;
        for number in [1, 2] {
            // IMPLICIT BIT STRING: primitive in DER; anything else is left for `end` to refuse.
            has_unique_ids |= parts.optional(0x80 | number)?.is_some();
        }
        let extensions = match parts.optional(context_constructed(3))? {
            Some(wrapped) => read_extensions(&Reader::only(wrapped.content, SEQUENCE)?)?,
            None => Vec::new(),
        };
        parts.end()?;
        Ok(Self {
            whole: tbs.whole,
            version,
            serial,
            algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            has_unique_ids,
            extensions,
        })
    }

    /// The value of an extension; `None` when it is absent, an error when it stands twice.
    pub(super) fn extension(
        &self,
        id: const_oid::ObjectIdentifier,
    ) -> Result<Option<Extension<'a>>, BadDer> {
        let mut found = self.extensions.iter().filter(|extension| extension.id == id);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(BadDer::Value),
            (found, None) => Ok(found.copied()),
        }
    }
}

/// The extensions of a certificate, a CRL or one of its entries.
pub(super) fn read_extensions<'a>(list: &Tlv<'a>) -> Result<Vec<Extension<'a>>, BadDer> {
    let mut extensions = Vec::new();
    let mut rest = list.inside();
    while !rest.is_empty() {
        if extensions.len() >= EXTENSIONS_MAX {
            return Err(BadDer::TooMany);
        }
        let mut extension = rest.expect(SEQUENCE)?.inside();
        let id = oid(&extension.expect(OID)?)?;
        let is_critical = match extension.optional(BOOLEAN)? {
            Some(flag) => boolean(&flag)?,
            None => false,
        };
        let value = extension.expect(OCTET_STRING)?.content;
        extension.end()?;
        extensions.push(Extension { id, is_critical, value });
    }
    Ok(extensions)
}

/// The key identifier of an authorityKeyIdentifier, and whether it holds nothing else.
pub(super) fn authority_key_id(value: &[u8]) -> Result<(Option<&[u8]>, bool), BadDer> {
    let mut parts = Reader::only(value, SEQUENCE)?.inside();
    let key_id = parts.optional(0x80)?.map(|id| id.content);
    Ok((key_id, key_id.is_some() && parts.is_empty()))
}

/// Whether basicConstraints says CA, and the pathLenConstraint as it stands.
pub(super) fn basic_constraints(value: &[u8]) -> Result<(bool, Option<&[u8]>), BadDer> {
    let mut parts = Reader::only(value, SEQUENCE)?.inside();
    let is_ca = match parts.optional(BOOLEAN)? {
        Some(flag) => boolean(&flag)?,
        None => false,
    };
    let path_length = parts.optional(INTEGER)?.map(|length| length.content);
    parts.end()?;
    Ok((is_ca, path_length))
}

/// The object identifiers of an extKeyUsage. An empty list is a fault, never "any purpose".
pub(super) fn purposes(value: &[u8]) -> Result<Vec<const_oid::ObjectIdentifier>, BadDer> {
    let mut list = Reader::only(value, SEQUENCE)?.inside();
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push(oid(&list.expect(OID)?)?);
    }
    if found.is_empty() || found.len() > EXTENSIONS_MAX { Err(BadDer::Value) } else { Ok(found) }
}

/// The names of a GeneralNames, as they stand.
pub(super) fn general_names(value: &[u8]) -> Result<Vec<Tlv<'_>>, BadDer> {
    all(Reader::only(value, SEQUENCE)?.inside())
}

/// Every value that is left.
pub(super) fn all(mut list: Reader<'_>) -> Result<Vec<Tlv<'_>>, BadDer> {
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push(list.next()?);
    }
    Ok(found)
}

/// The general names of the distribution points that have a full name, and whether there is
/// nothing else in them (RFC 5280, section 4.2.1.13).
pub(super) fn distribution_points(value: &[u8]) -> Result<(Vec<Tlv<'_>>, bool), BadDer> {
    let mut names = Vec::new();
    let mut is_plain = true;
    let mut points = Reader::only(value, SEQUENCE)?.inside();
    while !points.is_empty() {
        let mut fields = points.expect(SEQUENCE)?.inside();
        let full_name = match fields.optional(context_constructed(0))? {
            Some(wrapped) => {
                let mut inner = wrapped.inside();
                let full = inner.optional(context_constructed(0))?;
                is_plain &= inner.is_empty();
                full
            }
            None => None,
        };
        let found = match full_name {
            Some(full) => all(full.inside())?,
            None => Vec::new(),
        };
        is_plain &= fields.is_empty() && found.len() == 1;
        names.extend(found);
    }
    Ok((names, is_plain))
}

/// The locations of an authorityInfoAccess.
pub(super) struct Accesses<'a> {
    /// Under `id-ad-ocsp`.
    pub(super) ocsp: Vec<Tlv<'a>>,
    /// Under `id-ad-caIssuers`.
    pub(super) ca_issuers: Vec<Tlv<'a>>,
    /// Whether there is nothing else, and OCSP stands first.
    pub(super) is_plain: bool,
}

/// Reads an authorityInfoAccess (RFC 5280, section 4.2.2.1).
pub(super) fn accesses(value: &[u8]) -> Result<Accesses<'_>, BadDer> {
    let mut found = Accesses { ocsp: Vec::new(), ca_issuers: Vec::new(), is_plain: true };
    let mut accesses = Reader::only(value, SEQUENCE)?.inside();
    while !accesses.is_empty() {
        let mut fields = accesses.expect(SEQUENCE)?.inside();
        let method = oid(&fields.expect(OID)?)?;
        let place = fields.next()?;
        fields.end()?;
        if method == oids::CA_ISSUERS {
            found.ca_issuers.push(place);
        } else {
            found.is_plain &= method == oids::OCSP && found.ca_issuers.is_empty();
            if method == oids::OCSP {
                found.ocsp.push(place);
            }
        }
    }
    Ok(found)
}

/// The policies of a certificatePolicies, and whether none has a qualifier.
pub(super) fn policies(value: &[u8]) -> Result<(Vec<const_oid::ObjectIdentifier>, bool), BadDer> {
    let mut found = Vec::new();
    let mut is_plain = true;
    for policy in all(Reader::only(value, SEQUENCE)?.inside())? {
        let mut fields = policy.inside();
        found.push(oid(&fields.expect(OID)?)?);
        is_plain &= fields.is_empty();
    }
    if found.len() > EXTENSIONS_MAX { Err(BadDer::TooMany) } else { Ok((found, is_plain)) }
}
