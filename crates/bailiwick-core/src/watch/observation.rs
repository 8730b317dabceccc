//! What one server answered to one question.

use core::net::SocketAddr;
use std::fmt;

use crate::caa::{CaaRecord, LookupAnswer, LookupFailure, Proof, Source, SourceRole};
use crate::estate::{ZoneKey, spelled};
use crate::names::{Digest, DnsName};

/// Octets of a set that stand in an entry of the ledger; of a larger one its digest does. An entry
/// has 65,535 octets, and base64 takes a third more.
const SET_OCTETS_MAX: usize = 16 * 1_024;

spelled! {
    /// What was asked for.
    Asked {
        /// The CAA set at a name (RFC 8659).
        Caa = "caa",
        /// The serial of the zone (RFC 1035, section 3.3.13).
        Serial = "serial",
    }
}

/// From where something was seen: a server of the zone, or a resolver somewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Vantage(pub Source);

impl Vantage {
    /// A server of the zone itself.
    #[must_use]
    pub const fn authority(server: SocketAddr) -> Self {
        Self(Source { role: SourceRole::Authority, server })
    }

    /// A resolver.
    #[must_use]
    pub const fn resolver(server: SocketAddr) -> Self {
        Self(Source { role: SourceRole::Resolver, server })
    }

    /// Whether it serves the zone itself.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.0.role == SourceRole::Authority
    }

    /// Where it listens.
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.0.server
    }

    /// Reads `authority 192.0.2.1:53` or `resolver [2001:db8::1]:53`.
    ///
    /// # Errors
    /// [`BadVantage`] for any other text.
    pub fn parse(text: &str) -> Result<Self, BadVantage> {
        let (role, server) = text.split_once(' ').ok_or(BadVantage)?;
        let server = server.parse().map_err(|_| BadVantage)?;
        match role {
            "authority" => Ok(Self::authority(server)),
            "resolver" => Ok(Self::resolver(server)),
            _ => Err(BadVantage),
        }
    }
}

impl fmt::Display for Vantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if self.is_authority() { "authority" } else { "resolver" };
        write!(f, "{role} {}", self.0.server)
    }
}

/// A text names no vantage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadVantage;

impl fmt::Display for BadVantage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a vantage; write `authority 192.0.2.1:53` or `resolver 192.0.2.1:53`")
    }
}

impl std::error::Error for BadVantage {}

/// What was answered. Not knowing is a value: [`Seen::Failed`] is never the same as no records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seen {
    /// There is a CAA set, its records in order and none twice.
    Set {
        /// The records.
        records: Vec<CaaRecord>,
        /// Its TTL; only a server of the zone knows it, a resolver counts it down.
        ttl_seconds: Option<u32>,
        /// What DNSSEC says of it.
        proof: Proof,
    },
    /// A set too large for the ledger.
    Large {
        /// How many records.
        records: u32,
        /// SHA-256 of their texts, one a line.
        digest: Digest,
    },
    /// There is no CAA set at the name.
    Nothing {
        /// What DNSSEC says of that.
        proof: Proof,
    },
    /// The server says that other servers know: the name lies in a zone below, or is an alias of a
    /// name outside the zone.
    Elsewhere,
    /// There was no answer to rely on.
    Failed(LookupFailure),
    /// The serial of the zone's SOA; compare it with [`serial_is_ahead`].
    Serial(u32),
}

impl Seen {
    /// What an answer from a vantage says.
    #[must_use]
    pub fn of(answer: &LookupAnswer<CaaRecord>, vantage: Vantage) -> Self {
        match answer {
            LookupAnswer::Records(found) => {
                let mut records = found.records.clone();
                records.sort();
                records.dedup();
                let octets: usize =
                    records.iter().map(|one| one.tag.len() + one.value.len() + 16).sum();
                if octets > SET_OCTETS_MAX {
                    let texts: String = records.iter().map(|one| format!("{one}\n")).collect();
                    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
                    return Self::Large { records: count, digest: Digest::of(texts.as_bytes()) };
                }
                let ttl_seconds = vantage.is_authority().then_some(found.ttl_seconds);
                Self::Set { records, ttl_seconds, proof: found.proof }
            }
            LookupAnswer::NoData(empty) | LookupAnswer::NxDomain(empty) => {
                Self::Nothing { proof: empty.proof }
            }
            LookupAnswer::Delegated { .. } => Self::Elsewhere,
            // An alias out of the zone: its servers do not know what stands there.
            LookupAnswer::Failed { failure: LookupFailure::NoServer, aliases }
                if vantage.is_authority() && !aliases.is_empty() =>
            {
                Self::Elsewhere
            }
            LookupAnswer::Failed { failure, .. } => Self::Failed(*failure),
        }
    }

    /// What an answer to a question for the SOA says.
    #[must_use]
    pub fn of_serial(answer: &LookupAnswer<u32>) -> Self {
        match answer {
            LookupAnswer::Records(found) => match found.records.as_slice() {
                [serial] => Self::Serial(*serial),
                _ => Self::Failed(LookupFailure::Malformed),
            },
            // A server of a zone always has its SOA.
            LookupAnswer::NoData(_) | LookupAnswer::NxDomain(_) => {
                Self::Failed(LookupFailure::NotAuthoritative)
            }
            LookupAnswer::Delegated { .. } => Self::Failed(LookupFailure::NotAuthoritative),
            LookupAnswer::Failed { failure, .. } => Self::Failed(*failure),
        }
    }

    /// Whether there was no answer to rely on.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Whether it says the same of who may issue: the same records, or both none. TTL and DNSSEC
    /// state are another matter. Never for a failure.
    #[must_use]
    pub fn same_records(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Set { records: a, .. }, Self::Set { records: b, .. }) => a == b,
            (Self::Large { digest: a, .. }, Self::Large { digest: b, .. }) => a == b,
            (Self::Nothing { .. } | Self::Elsewhere, Self::Nothing { .. } | Self::Elsewhere) => {
                true
            }
            (
                Self::Set { .. }
                | Self::Large { .. }
                | Self::Nothing { .. }
                | Self::Elsewhere
                | Self::Failed(_)
                | Self::Serial(_),
                _,
            ) => false,
        }
    }

    /// The records; `None` where it is not known which there are, or that there are none.
    #[must_use]
    pub fn records(&self) -> Option<&[CaaRecord]> {
        match self {
            Self::Set { records, .. } => Some(records),
            Self::Nothing { .. } | Self::Elsewhere => Some(&[]),
            Self::Large { .. } | Self::Failed(_) | Self::Serial(_) => None,
        }
    }

    /// Each record as a zone file spells it, or one line that says what there is instead.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Set { records, .. } => records.iter().map(ToString::to_string).collect(),
            Self::Large { records, digest } => vec![format!("{records} records, digest {digest}")],
            Self::Nothing { .. } => vec!["no CAA".to_owned()],
            Self::Elsewhere => vec!["other servers know".to_owned()],
            Self::Failed(failure) => vec![format!("no answer: {failure}")],
            Self::Serial(serial) => vec![format!("serial {serial}")],
        }
    }
}

/// Whether serial `a` comes after `b` (RFC 1982, section 3.2). Of two that are half the circle apart
/// neither does.
#[must_use]
pub const fn serial_is_ahead(a: u32, b: u32) -> bool {
    let distance = a.wrapping_sub(b);
    distance != 0 && distance < 0x8000_0000
}

/// One answer of one server, as it was from a moment on.
///
/// Stored only when it differs from the one before, so what a server said at a moment is one look-up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Observation {
    /// Of which zone and view.
    pub zone: ZoneKey,
    /// The name asked.
    pub owner: DnsName,
    /// What was asked for.
    pub asked: Asked,
    /// From where.
    pub vantage: Vantage,
    /// What was answered.
    pub seen: Seen,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_go_round() {
        assert!(serial_is_ahead(2, 1) && !serial_is_ahead(1, 2) && !serial_is_ahead(1, 1));
        assert!(serial_is_ahead(0, u32::MAX) && serial_is_ahead(5, u32::MAX - 5));
        assert!(!serial_is_ahead(0x8000_0000, 0) && !serial_is_ahead(0, 0x8000_0000));
    }

    #[test]
    fn a_vantage_is_spelled_one_way() {
        for text in ["authority 192.0.2.1:53", "resolver [2001:db8::1]:853"] {
            assert_eq!(Vantage::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "192.0.2.1:53", "server 192.0.2.1:53", "resolver 192.0.2.1"] {
            assert_eq!(Vantage::parse(bad), Err(BadVantage), "{bad}");
        }
    }

    #[test]
    fn a_failure_is_never_the_same_as_anything() {
        let failed = Seen::Failed(LookupFailure::Timeout);
        let nothing = Seen::Nothing { proof: Proof::Indeterminate };
        assert!(!failed.same_records(&failed) && !failed.same_records(&nothing));
        assert!(nothing.same_records(&Seen::Nothing { proof: Proof::Secure }));
    }
}
