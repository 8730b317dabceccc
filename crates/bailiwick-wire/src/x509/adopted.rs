//! Certificates of a CA that is not ours: whether what came is what was asked for, before anybody
//! gets it (promises: "CA wrong").

use std::collections::BTreeSet;

use bailiwick_core::certificate::{CertificateFacts, KeyPurpose, NameSeen, SerialSeen};
use bailiwick_core::names::{CertSerial, SanName, SpkiHash};
use bailiwick_core::time::{HOUR_MS, SECOND_MS, Time};
use thiserror::Error;

use super::facts::{BadCertificate, read_certificate};
use super::key::PublicKey;
use super::parts::CertificateParts;
use super::signature::SignatureAlgorithm;

/// Certificates of one chain at most; public ones have two or three.
const CHAIN_MAX: usize = 8;
/// How far a CA's clock may be ahead of ours.
const AHEAD_MS: i64 = HOUR_MS;

/// Names of a wrong certificate that a message lists.
const NAMES_SHOWN: usize = 5;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Exactly these names, sorted and distinct.
    pub names: &'a [SanName],
    /// The key of the request.
    pub key: SpkiHash,
    /// The longest validity, in seconds.
    pub lifetime_seconds_max: u32,
    /// The moment it came.
    pub now: Time,
}

/// Why a certificate is not handed out. Each is a fault of the CA, or somebody stands in between.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum NotAdopted {
    /// No certificate, or too many.
    #[error("the answer holds {0} certificates; a chain has 2 to {CHAIN_MAX}")]
    Length(usize),
    /// One of them cannot be read.
    #[error("a certificate of the chain cannot be read: {0}")]
    Unreadable(#[from] BadCertificate),
    /// Its serial is none that we can name.
    #[error("the certificate has no regular serial")]
    Serial,
    /// Its names are others.
    #[error("the certificate names {0}; that is not what was asked for")]
    Names(String),
    /// Its key is another.
    #[error("the certificate is for another key than the request's")]
    Key,
    /// It may sign others.
    #[error("the certificate is one of a CA")]
    Ca,
    /// It is not for servers.
    #[error("the certificate is not for servers")]
    Purpose,
    /// It is not good now, or for too long.
    #[error("the certificate is good from {from} to {to}; {what}")]
    Validity {
        /// From when.
        from: Time,
        /// Until when.
        to: Time,
        /// What is wrong with that.
        what: &'static str,
    },
    /// One does not follow from the next.
    #[error("certificate {0} of the chain does not follow from the one behind it")]
    Link(usize),
}

/// Checks a chain, the leaf first, and gives what the leaf says.
///
/// # Errors
/// [`NotAdopted`] says what differs.
pub fn check_adopted(
    chain: &[Vec<u8>],
    asked: &Asked<'_>,
) -> Result<(CertificateFacts, CertSerial), NotAdopted> {
    let (leaf, rest) = match chain.split_first() {
        Some((leaf, rest)) if !rest.is_empty() && chain.len() <= CHAIN_MAX => (leaf, rest),
        Some(_) | None => return Err(NotAdopted::Length(chain.len())),
    };
    let facts = read_certificate(leaf)?;
    let SerialSeen::Regular(serial) = facts.serial.clone() else { return Err(NotAdopted::Serial) };
    if facts.key != asked.key {
        return Err(NotAdopted::Key);
    }
    check_names(&facts, asked.names)?;
    if facts.is_ca || facts.is_precertificate {
        return Err(NotAdopted::Ca);
    }
    if !facts.purposes.contains(&KeyPurpose::ServerAuth) {
        return Err(NotAdopted::Purpose);
    }
    check_validity(&facts, asked)?;
    let mut child = leaf;
    for (number, parent) in (1..).zip(rest) {
        linked(child, parent, asked.now).ok_or(NotAdopted::Link(number))?;
        child = parent;
    }
    Ok((facts, serial))
}

/// The certificates of an answer that may have been issued for a request with this key, wherever they
/// stand in it: those for the key; where there is none, those that are no CA's; where all are, the first.
#[must_use]
pub fn answered_leaves(chain: &[Vec<u8>], key: SpkiHash) -> Vec<&Vec<u8>> {
    let facts = |der: &Vec<u8>| read_certificate(der).ok();
    let of_key = |der: &&Vec<u8>| facts(der).is_some_and(|facts| facts.key == key);
    let no_ca = |der: &&Vec<u8>| facts(der).is_none_or(|facts| !facts.is_ca);
    let mut found: Vec<&Vec<u8>> = chain.iter().filter(of_key).collect();
    if found.is_empty() {
        found = chain.iter().filter(no_ca).collect();
    }
    if found.is_empty() {
        found.extend(chain.first());
    }
    found
}

fn check_names(facts: &CertificateFacts, asked: &[SanName]) -> Result<(), NotAdopted> {
    let mut seen: BTreeSet<&SanName> = BTreeSet::new();
    let regular = facts.names.iter().all(|name| match name {
        NameSeen::Dns(name) => seen.insert(name),
        NameSeen::OddDns(_)
        | NameSeen::Ip(_)
        | NameSeen::Email(_)
        | NameSeen::Uri(_)
        | NameSeen::Other { .. } => false,
    });
    if regular && seen.into_iter().eq(asked.iter()) {
        return Ok(());
    }
    let spelled = |name: &NameSeen| match name {
        NameSeen::Dns(name) => format!("`{name}`"),
        NameSeen::OddDns(_)
        | NameSeen::Ip(_)
        | NameSeen::Email(_)
        | NameSeen::Uri(_)
        | NameSeen::Other { .. } => format!("{name:?}"),
    };
    let shown: Vec<String> = facts.names.iter().take(NAMES_SHOWN).map(spelled).collect();
    Err(NotAdopted::Names(shown.join(", ")))
}

fn check_validity(facts: &CertificateFacts, asked: &Asked<'_>) -> Result<(), NotAdopted> {
    let (from, to) = (facts.not_before, facts.not_after);
    let wrong = |what| Err(NotAdopted::Validity { from, to, what });
    // Validity includes its last second (RFC 5280, section 4.1.2.5).
    let lasts = to.ms_since(from).saturating_add(SECOND_MS);
    if lasts > i64::from(asked.lifetime_seconds_max).saturating_mul(SECOND_MS) {
        return wrong("that is longer than was approved");
    }
    if asked.now > to {
        return wrong("that is over");
    }
    if from > asked.now.plus_ms(AHEAD_MS) {
        return wrong("that begins in the future");
    }
    Ok(())
}

/// Whether `parent` is a CA that is good now, names itself as `child` names its issuer, and signed it.
fn linked(child: &[u8], parent: &[u8], now: Time) -> Option<()> {
    let parent_facts = read_certificate(parent).ok()?;
    if now < parent_facts.not_before || now > parent_facts.not_after {
        return None;
    }
    let child = CertificateParts::read(child).ok()?;
    let parent = CertificateParts::read(parent).ok()?;
    if !parent_facts.is_ca || child.tbs.issuer.whole != parent.tbs.subject.whole {
        return None;
    }
    let algorithm = SignatureAlgorithm::read(&child.signature_algorithm).ok()?;
    let key = PublicKey::from_spki(parent.tbs.spki.whole).ok()?;
    algorithm.verify(&key, child.tbs.whole, child.signature).ok()
}
