//! Updates of a zone (RFC 2136): sets come, go and change, and only while what stands there is what
//! was looked at.

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::name::WireName;
use super::query::CLASS_IN;

/// "Not this record", and "no such set" (RFC 2136, sections 2.4.3 and 2.5.4).
const CLASS_NONE: u16 = 254;
/// "Whatever it is" (RFC 2136, sections 2.4.1 and 2.5.2).
const CLASS_ANY: u16 = 255;
/// Operation code 5 in the header's flags (RFC 2136, section 1.3).
pub(super) const FLAGS_UPDATE: u16 = 0x2800;
/// Octets of a message, the room for its signature left free (RFC 1035, section 4.2.2; RFC 8945).
const MESSAGE_OCTETS_MAX: usize = 65_535 - 512;

/// The types that must not be beside a CNAME (RFC 2181, section 10.1) and that people edit. A server
/// skips an addition that would bring the two together and says "done" (RFC 2136, section 3.4.2.2),
/// so that there is none is made a condition.
const BESIDE_CNAME: &[RecordType] = &[
    RecordType::A,
    RecordType::NS,
    RecordType::PTR,
    RecordType::MX,
    RecordType::TXT,
    RecordType::AAAA,
    RecordType::SRV,
    RecordType::NAPTR,
    RecordType::DNAME,
    RecordType::DS,
    RecordType::SSHFP,
    RecordType::TLSA,
    RecordType::SVCB,
    RecordType::HTTPS,
    RecordType::CAA,
    RecordType::SMIMEA,
    RecordType::OPENPGPKEY,
];

/// One message that is carried out whole or not at all (RFC 2136, section 3.7).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update {
    zone: WireName,
    conditions: Vec<Line>,
    changes: Vec<Line>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Line {
    owner: WireName,
    kind: u16,
    class: u16,
    ttl_seconds: u32,
    rdata: Vec<u8>,
}

/// An update that does not fit into one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the edits need more than {MESSAGE_OCTETS_MAX} octets in one message; split the change")]
pub struct TooLarge;

impl Update {
    /// An update of a zone that changes nothing and requires nothing.
    #[must_use]
    pub fn of(zone: &ZoneName) -> Self {
        Self { zone: WireName::from(zone), conditions: Vec::new(), changes: Vec::new() }
    }

    /// The types that must not be beside an alias, as far as people edit them.
    #[must_use]
    pub const fn beside_alias() -> &'static [RecordType] {
        BESIDE_CNAME
    }

    /// Edits of one zone, each on the condition that its pre-image stands there (promise P13).
    #[must_use]
    pub fn of_edits(zone: &ZoneName, edits: &[RecordEdit]) -> Self {
        let mut update = Self::of(zone);
        for edit in edits {
            update.require(edit.owner(), edit.kind(), edit.before());
        }
        for edit in edits.iter().filter(|edit| edit.after().is_some() && edit.before().is_none()) {
            let edited =
                |kind| edits.iter().any(|it| it.owner() == edit.owner() && it.kind() == kind);
            let beside: &[RecordType] = match edit.kind() {
                RecordType::CNAME => BESIDE_CNAME,
                _ => &[RecordType::CNAME],
            };
            for kind in beside.iter().filter(|kind| !edited(**kind)) {
                update.require(edit.owner(), *kind, None);
            }
        }
        // What goes first makes room: an alias cannot come while other records stand there. The last
        // NS of a zone cannot go before the next has come (section 3.4.2.4).
        let (last, first): (Vec<_>, Vec<_>) =
            edits.iter().partition(|edit| update.is_zones_own(edit));
        first.into_iter().for_each(|edit| update.take_away(edit));
        edits.iter().for_each(|edit| update.bring(edit));
        last.into_iter().for_each(|edit| update.take_away(edit));
        update
    }

    /// Whether an edit is of the zone's own NS set.
    fn is_zones_own(&self, edit: &RecordEdit) -> bool {
        edit.kind() == RecordType::NS && WireName::from(edit.owner()) == self.zone
    }

    /// The condition that a set has exactly these records, or that there is no such set (sections
    /// 2.4.2 and 2.4.3). TTLs are not compared.
    pub fn require(&mut self, owner: &OwnerName, kind: RecordType, set: Option<&RRset>) {
        match set {
            None => self.conditions.push(line(owner, kind, CLASS_NONE, 0, Vec::new())),
            Some(set) => {
                for rdata in set.rdata() {
                    self.conditions.push(line(owner, kind, CLASS_IN, 0, rdata.clone()));
                }
            }
        }
    }

    /// The condition that there is a set of this type, whatever it holds (section 2.4.1).
    pub fn require_some(&mut self, owner: &OwnerName, kind: RecordType) {
        self.conditions.push(line(owner, kind, CLASS_ANY, 0, Vec::new()));
    }

    fn take_away(&mut self, edit: &RecordEdit) {
        let (owner, kind) = (edit.owner(), edit.kind());
        match (edit.before(), edit.after()) {
            (Some(_), None) => self.changes.push(line(owner, kind, CLASS_ANY, 0, Vec::new())),
            // Not every server gives a record that is there already another TTL, so it comes anew.
            (Some(before), Some(after))
                if before.ttl_seconds() != after.ttl_seconds() && !self.is_zones_own(edit) =>
            {
                self.changes.push(line(owner, kind, CLASS_ANY, 0, Vec::new()));
            }
            (Some(before), Some(after)) => {
                for rdata in before.rdata().difference(after.rdata()) {
                    self.changes.push(line(owner, kind, CLASS_NONE, 0, rdata.clone()));
                }
            }
            (None, Some(_) | None) => {}
        }
    }

    /// All records of the set and not only the new ones, so that each gets the TTL it shall have.
    fn bring(&mut self, edit: &RecordEdit) {
        let Some(after) = edit.after() else { return };
        for rdata in after.rdata() {
            let ttl = after.ttl_seconds();
            self.changes.push(line(edit.owner(), edit.kind(), CLASS_IN, ttl, rdata.clone()));
        }
    }

    /// The message, not signed yet (RFC 2136, section 2).
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn octets(&self, id: u16) -> Result<Vec<u8>, TooLarge> {
        let count = |lines: &[Line]| u16::try_from(lines.len()).map_err(|_| TooLarge);
        let mut octets = Vec::with_capacity(512);
        for field in [id, FLAGS_UPDATE, 1, count(&self.conditions)?, count(&self.changes)?, 0] {
            octets.extend(field.to_be_bytes());
        }
        self.zone.write(&mut octets);
        for field in [RecordType::SOA.number(), CLASS_IN] {
            octets.extend(field.to_be_bytes());
        }
        for line in self.conditions.iter().chain(&self.changes) {
            line.write(&mut octets)?;
        }
        if octets.len() > MESSAGE_OCTETS_MAX { Err(TooLarge) } else { Ok(octets) }
    }
}

fn line(owner: &OwnerName, kind: RecordType, class: u16, ttl_seconds: u32, rdata: Vec<u8>) -> Line {
    Line { owner: WireName::from(owner), kind: kind.number(), class, ttl_seconds, rdata }
}

impl Line {
    fn write(&self, octets: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.owner.write(octets);
        octets.extend(self.kind.to_be_bytes());
        octets.extend(self.class.to_be_bytes());
        octets.extend(self.ttl_seconds.to_be_bytes());
        octets.extend(u16::try_from(self.rdata.len()).map_err(|_| TooLarge)?.to_be_bytes());
        octets.extend(&self.rdata);
        Ok(())
    }
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
                "the server refuses; let its `update-policy` or `allow-update` name the connector's key for this name, or look in its log for a record that it does not take",
            ),
            Self::NotAuthoritative => f.write_str(
                "the server does not serve the zone or does not know the key; compare the connector's `server` and `key` with its configuration",
            ),
            Self::OutsideZone => f.write_str("the name lies outside the zone"),
            Self::Other(code) => write!(f, "the server answered with code {code}; its log says why"),
        }
    }
}
