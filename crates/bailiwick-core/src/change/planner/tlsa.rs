//! TLSA around a change of key (RFC 7671, section 8): for every combination of usage, selector and
//! matching type that is published, a record matches what is served, at every moment.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

use crate::estate::ZoneKey;
use crate::records::{OwnerName, RRset};

/// Certificate usage DANE-EE (RFC 6698, section 2.1.1).
const DANE_EE: u8 = 3;
/// Selector SPKI (section 2.1.2): known as soon as the key is, before anything is issued.
const SPKI: u8 = 1;
/// Matching types (section 2.1.3).
const EXACT: u8 = 0;
const SHA_256: u8 = 1;
const SHA_512: u8 = 2;

/// Where TLSA names the key of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsaWish {
    /// The zone that holds it.
    pub zone: ZoneKey,
    /// The set's name, such as `_443._tcp.www.shop.example`.
    pub owner: OwnerName,
    /// The set as it is now.
    pub now: Option<RRset>,
    /// The new key, SubjectPublicKeyInfo DER.
    pub spki: Vec<u8>,
    /// The TTL of a set that is not there yet.
    pub ttl_seconds: u32,
}

/// A TLSA set holds a record that is not made out of the key alone, so that it cannot be published
/// before the certificate exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotByKey {
    /// Where.
    pub owner: OwnerName,
    /// The record's usage, selector and matching type.
    pub combination: (u8, u8, u8),
}

impl fmt::Display for NotByKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (usage, selector, matching) = self.combination;
        write!(
            f,
            "`{}` TLSA {usage} {selector} {matching} does not name a key alone, so its successor cannot stand beside it before the certificate exists; replace it by `3 1 1` of the key that is served now, in a change of its own",
            self.owner
        )
    }
}

/// The RDATA of DANE-EE(3) SPKI(1) with this matching type, for a key; `None` for a matching type
/// that is not known.
#[must_use]
pub fn tlsa_for(matching: u8, spki: &[u8]) -> Option<Vec<u8>> {
    let data = match matching {
        EXACT => spki.to_vec(),
        SHA_256 => Sha256::digest(spki).to_vec(),
        SHA_512 => Sha512::digest(spki).to_vec(),
        _ => return None,
    };
    let mut rdata = vec![DANE_EE, SPKI, matching];
    rdata.extend(data);
    Some(rdata)
}

impl TlsaWish {
    /// The set while both keys are in use, and the set in the end. Where there is none now, none is
    /// published until the new key is served everywhere: the old one would not match it.
    pub(super) fn states(&self) -> Result<(Option<RRset>, RRset), NotByKey> {
        let mut new = BTreeSet::new();
        for rdata in self.now.iter().flat_map(RRset::rdata) {
            let combination = match rdata.as_slice() {
                [usage, selector, matching, ..] => (*usage, *selector, *matching),
                _ => (0, 0, 0),
            };
            let by_key = combination.0 == DANE_EE && combination.1 == SPKI;
            let record = tlsa_for(combination.2, &self.spki).filter(|_| by_key);
            let not_by_key = || NotByKey { owner: self.owner.clone(), combination };
            new.insert(record.ok_or_else(not_by_key)?);
        }
        if new.is_empty() {
            new.extend(tlsa_for(SHA_256, &self.spki));
        }
        let ttl = self.now.as_ref().map_or(self.ttl_seconds, RRset::ttl_seconds);
        let first = self.now.as_ref().and_then(|now| {
            RRset::new(ttl, now.rdata().union(&new).cloned().collect::<BTreeSet<_>>())
        });
        let none = || NotByKey { owner: self.owner.clone(), combination: (0, 0, 0) };
        Ok((first, RRset::new(ttl, new).ok_or_else(none)?))
    }
}
