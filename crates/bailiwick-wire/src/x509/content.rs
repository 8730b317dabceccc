//! To-be-signed bytes read back, strictly: what the core compares with what was approved.

use std::collections::BTreeSet;

use bailiwick_core::certificate::{
    ExtensionRead, KeyPurpose, KeyUsageBit, NameSeen, SigningAlgorithm, TbsContent,
};
use bailiwick_core::names::{CertSerial, SanName, SpiffeId};

use super::facts::purpose_of;
use super::names::{URI, general_name};
use super::oids;
use super::parts::{
    Extension, TbsParts, accesses, authority_key_id, basic_constraints, distribution_points,
    general_names, policies, purposes,
};
use super::read::{BIT_STRING, BadDer, Reader, Tlv, bit_string, check_strict, moment, unsigned};
use super::signature::write_algorithm;

/// v3 (RFC 5280, section 4.1.2.1).
const VERSION_3: u8 = 2;

/// Reads to-be-signed bytes.
///
/// # Errors
/// [`BadDer`] when they are no bytes of a version 3 certificate by one of our issuers' algorithms.
pub fn read_tbs(der: &[u8]) -> Result<TbsContent, BadDer> {
    check_strict(der)?;
    let tbs = TbsParts::read(der)?;
    if tbs.version != VERSION_3 || tbs.has_unique_ids {
        return Err(BadDer::Value);
    }
    Ok(TbsContent {
        serial: CertSerial::from_bytes(unsigned(&tbs.serial)?).map_err(|_| BadDer::Value)?,
        signing: signing(&tbs.algorithm)?,
        issuer_name_der: tbs.issuer.whole.to_vec(),
        not_before: moment(&tbs.not_before)?,
        not_after: moment(&tbs.not_after)?,
        subject_is_empty: tbs.subject.content.is_empty(),
        spki_der: tbs.spki.whole.to_vec(),
        extensions: tbs
            .extensions
            .iter()
            .map(|extension| {
                let read = read_extension(extension).unwrap_or(ExtensionRead::Unexpected);
                (extension.is_critical, read)
            })
            .collect(),
    })
}

fn signing(identifier: &Tlv<'_>) -> Result<SigningAlgorithm, BadDer> {
    [
        SigningAlgorithm::EcdsaP256Sha256,
        SigningAlgorithm::EcdsaP384Sha384,
        SigningAlgorithm::Ed25519,
        SigningAlgorithm::RsaSha256,
    ]
    .into_iter()
    .find(|signing| write_algorithm(*signing) == identifier.whole)
    .ok_or(BadDer::Value)
}

/// `None` stands for everything that our own certificates never hold.
fn read_extension(extension: &Extension<'_>) -> Option<ExtensionRead> {
    let value = extension.value;
    check_strict(value).ok()?;
    let id = extension.id;
    if id == oids::AUTHORITY_KEY_ID {
        match authority_key_id(value).ok()? {
            (Some(key_id), true) => Some(ExtensionRead::AuthorityKeyId(key_id.to_vec())),
            _ => None,
        }
    } else if id == oids::KEY_USAGE {
        key_usage(value).map(ExtensionRead::KeyUsage)
    } else if id == oids::EXT_KEY_USAGE {
        let known: Option<Vec<KeyPurpose>> =
            purposes(value).ok()?.into_iter().map(purpose_of).collect();
        known.map(ExtensionRead::ExtendedKeyUsage)
    } else if id == oids::SUBJECT_ALT_NAME {
        subject_alt_name(&general_names(value).ok()?)
    } else if id == oids::CRL_DISTRIBUTION_POINTS {
        match distribution_points(value).ok()? {
            (names, true) => urls(&names).map(ExtensionRead::CrlUrls),
            _ => None,
        }
    } else if id == oids::AUTHORITY_INFO_ACCESS {
        let found = accesses(value).ok().filter(|found| found.is_plain)?;
        let (ocsp, ca_issuers) = (urls(&found.ocsp)?, urls(&found.ca_issuers)?);
        Some(ExtensionRead::AuthorityInfo { ocsp, ca_issuers })
    } else if id == oids::CERTIFICATE_POLICIES {
        match policies(value).ok()? {
            (ids, true) => {
                Some(ExtensionRead::Policies(ids.iter().map(ToString::to_string).collect()))
            }
            _ => None,
        }
    } else if id == oids::BASIC_CONSTRAINTS {
        match basic_constraints(value).ok()? {
            (false, None) => Some(ExtensionRead::EndEntity),
            _ => None,
        }
    } else {
        None
    }
}

pub(super) fn key_usage(value: &[u8]) -> Option<BTreeSet<KeyUsageBit>> {
    let (unused, octets) = bit_string(&Reader::only(value, BIT_STRING).ok()?).ok()?;
    // Named bits end with their last one (X.690, section 11.2.2).
    if octets.last()?.trailing_zeros() != u32::from(unused) {
        return None;
    }
    let mut bits = BTreeSet::new();
    for (index, octet) in octets.iter().enumerate() {
        for bit in 0..8_u8 {
            if octet & 0x80_u8.checked_shr(u32::from(bit))? != 0 {
                let number = u8::try_from(index).ok()?.checked_mul(8)?.checked_add(bit)?;
                bits.insert(KeyUsageBit(number));
            }
        }
    }
    Some(bits)
}

/// DNS names and addresses as we spell them, and behind them at most one workload.
fn subject_alt_name(names: &[Tlv<'_>]) -> Option<ExtensionRead> {
    let (workload, names) = match names.split_last() {
        Some((last, before)) if last.tag == URI => {
            let text = std::str::from_utf8(last.content).ok()?;
            (Some(SpiffeId::parse(text).ok()?), before)
        }
        _ => (None, names),
    };
    let names: Option<Vec<SanName>> = names.iter().map(plain_name).collect();
    names.map(|names| ExtensionRead::SubjectAltName(names, workload))
}

/// A dNSName or an iPAddress spelled exactly as we spell it.
fn plain_name(value: &Tlv<'_>) -> Option<SanName> {
    match general_name(value) {
        NameSeen::Dns(name) if name.to_string().as_bytes() == value.content => Some(name),
        NameSeen::Ip(address) => SanName::of_address(address).ok(),
        NameSeen::Dns(_)
        | NameSeen::OddDns(_)
        | NameSeen::Email(_)
        | NameSeen::Uri(_)
        | NameSeen::Other { .. } => None,
    }
}

fn urls(names: &[Tlv<'_>]) -> Option<Vec<String>> {
    names
        .iter()
        .map(|name| {
            let text = std::str::from_utf8(name.content).ok()?;
            (name.tag == URI && text.is_ascii()).then(|| text.to_owned())
        })
        .collect()
}
