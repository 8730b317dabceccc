//! Updates of a zone (RFC 2136): TXT records come and go, and only while the set they belong to is
//! the one that was looked at.

use super::name::WireName;
use super::query::CLASS_IN;
use super::rdata::{RecordKind as _, Txt};

const TYPE_SOA: u16 = 6;
/// "Not this record", and "no such set" (RFC 2136, sections 2.4.3 and 2.5.4).
const CLASS_NONE: u16 = 254;
/// Operation code 5 in the header's flags (RFC 2136, section 1.3).
pub(super) const FLAGS_UPDATE: u16 = 0x2800;
/// Octets of one string of a TXT record (RFC 1035, section 3.3).
const STRING_OCTETS_MAX: usize = 255;

/// One alteration of the TXT records at a name, as one message that is carried out whole or not at
/// all (RFC 2136, section 3.7).
///
/// Always: the set that was looked at stands in the message as a prerequisite, so an alteration
/// that was planned on one state cannot land on another (promise P13).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TxtUpdate {
    /// The zone's apex.
    pub zone: WireName,
    /// The name whose records are altered.
    pub owner: WireName,
    /// Every TXT record that is there now; empty where there is none.
    pub before: Vec<Vec<u8>>,
    /// The one record that comes or goes.
    pub edit: TxtEdit,
}

/// What is done with one record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TxtEdit {
    /// It is added.
    Add {
        /// Its text.
        value: Vec<u8>,
        /// How long it may be remembered.
        ttl_seconds: u32,
    },
    /// It is taken away.
    Remove {
        /// Its text.
        value: Vec<u8>,
    },
}

impl TxtUpdate {
    /// The message, not signed yet (RFC 2136, section 2).
    #[must_use]
    pub fn octets(&self, id: u16) -> Vec<u8> {
        let prerequisites = self.before.len().max(1);
        let mut octets = Vec::with_capacity(512);
        let count = u16::try_from(prerequisites).unwrap_or(u16::MAX);
        for field in [id, FLAGS_UPDATE, 1, count, 1, 0] {
            octets.extend(field.to_be_bytes());
        }
        self.zone.write(&mut octets);
        for field in [TYPE_SOA, CLASS_IN] {
            octets.extend(field.to_be_bytes());
        }
        if self.before.is_empty() {
            // "RRset does not exist" (section 2.4.3).
            record(&mut octets, &self.owner, CLASS_NONE, 0, &[]);
        }
        for value in &self.before {
            // "RRset exists, with exactly these" (section 2.4.2).
            record(&mut octets, &self.owner, CLASS_IN, 0, &rdata(value));
        }
        match &self.edit {
            TxtEdit::Add { value, ttl_seconds } => {
                record(&mut octets, &self.owner, CLASS_IN, *ttl_seconds, &rdata(value));
            }
            TxtEdit::Remove { value } => {
                record(&mut octets, &self.owner, CLASS_NONE, 0, &rdata(value));
            }
        }
        octets
    }
}

fn record(octets: &mut Vec<u8>, owner: &WireName, class: u16, ttl_seconds: u32, rdata: &[u8]) {
    owner.write(octets);
    octets.extend(Txt::TYPE.to_be_bytes());
    octets.extend(class.to_be_bytes());
    octets.extend(ttl_seconds.to_be_bytes());
    octets.extend(u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
    octets.extend(rdata);
}

/// The strings of a TXT record; a long text is cut into as many as it needs.
fn rdata(value: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(value.len().saturating_add(2));
    if value.is_empty() {
        octets.push(0);
    }
    for string in value.chunks(STRING_OCTETS_MAX) {
        octets.push(u8::try_from(string.len()).unwrap_or(0));
        octets.extend(string);
    }
    octets
}

/// What the server said to an update (RFC 2136, section 2.2; RFC 8945, section 3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UpdateCode {
    /// It is done.
    Done,
    /// The set is not the one that was looked at (YXDOMAIN, YXRRSET, NXRRSET, and NXDOMAIN).
    OtherBefore,
    /// The server may not or will not (REFUSED): the key has no right to the name.
    Refused,
    /// The server does not serve the zone, or does not know the key (NOTAUTH).
    NotAuthoritative,
    /// The name lies outside the zone (NOTZONE).
    OutsideZone,
    /// Something else, with its number.
    Other(u16),
}

impl UpdateCode {
    pub(super) const fn of(code: u16) -> Self {
        match code {
            0 => Self::Done,
            3 | 6 | 7 | 8 => Self::OtherBefore,
            5 => Self::Refused,
            9 => Self::NotAuthoritative,
            10 => Self::OutsideZone,
            other => Self::Other(other),
        }
    }
}

impl std::fmt::Display for UpdateCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::OtherBefore => f.write_str(
                "the records changed between looking and writing; look again",
            ),
            Self::Refused => f.write_str(
                "the server refuses; let its `update-policy` or `allow-update` name the connector's key for this name",
            ),
            Self::NotAuthoritative => f.write_str(
                "the server does not serve the zone or does not know the key; compare the connector's `server` and `key` with its configuration",
            ),
            Self::OutsideZone => f.write_str("the name lies outside the zone"),
            Self::Other(code) => write!(f, "the server answered with code {code}; its log says why"),
        }
    }
}
