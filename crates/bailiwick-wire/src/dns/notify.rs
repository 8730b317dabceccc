//! NOTIFY (RFC 1996): a server says that a zone has changed. It proves nothing and asks for a look.

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{RecordType, SoaSerial};

use super::name::WireName;
use super::query::CLASS_IN;
use super::sections::Sections;
use super::set::serial_of;

/// Operation code 4, and an answer (RFC 1996, section 3).
const OPCODE_BITS: u16 = 0x7800;
const OPCODE_NOTIFY: u16 = 0x2000;
const FLAGS_ANSWER: u16 = 0xa400;

/// What a server said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notify {
    id: u16,
    /// The name of the zone.
    zone: WireName,
    /// The serial it hints at; nothing may be concluded from it (section 3.7).
    pub serial_hint: Option<SoaSerial>,
}

/// How a NOTIFY is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotifyAnswer {
    /// Heard.
    Heard,
    /// A zone or a sender that is not known here (REFUSED).
    Refused,
}

impl Notify {
    /// Reads a message; `None` for anything else than a NOTIFY for the SOA of one zone.
    #[must_use]
    pub fn read(octets: &[u8]) -> Option<Self> {
        let message = Sections::read(octets).ok()?;
        let bits = message.flags.bits();
        let asked = message.question?;
        let is_notify = bits & OPCODE_BITS == OPCODE_NOTIFY && !message.flags.response();
        if !is_notify || asked.kind != RecordType::SOA.number() || asked.class != CLASS_IN {
            return None;
        }
        let hint = message.answers.iter().find(|it| it.kind == RecordType::SOA);
        let serial_hint = hint.and_then(|it| serial_of(&it.rdata));
        Some(Self { id: message.id, zone: asked.name, serial_hint })
    }

    /// Whether it is about a zone.
    #[must_use]
    pub fn is_about(&self, zone: &ZoneName) -> bool {
        self.zone == WireName::from(zone)
    }

    /// The name of the zone, as a zone file spells it.
    #[must_use]
    pub fn zone(&self) -> String {
        self.zone.to_string()
    }

    /// The answer (section 4.7): the same question, and nothing else.
    #[must_use]
    pub fn answer(&self, answer: NotifyAnswer) -> Vec<u8> {
        let code = match answer {
            NotifyAnswer::Heard => 0,
            NotifyAnswer::Refused => 5,
        };
        let mut octets = Vec::with_capacity(300);
        for field in [self.id, FLAGS_ANSWER | code, 1, 0, 0, 0] {
            octets.extend(field.to_be_bytes());
        }
        self.zone.write(&mut octets);
        for field in [RecordType::SOA.number(), CLASS_IN] {
            octets.extend(field.to_be_bytes());
        }
        octets
    }
}
