//! A message with every record kept whole: for sets that are compared and for transfers.

use bailiwick_core::records::RecordType;

use super::layout::expand;
use super::message::{Flags, Question};
use super::name::WireName;
use super::query::TYPE_OPT;
use super::reader::{NotMessage, Reader};

/// A record with its data as it is compared: names in it written out, in lower case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Held {
    pub(super) owner: WireName,
    pub(super) kind: RecordType,
    pub(super) class: u16,
    pub(super) ttl_seconds: u32,
    pub(super) rdata: Vec<u8>,
}

/// A message that was read to its end; or, if it is truncated, to the end of its question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sections {
    pub(super) id: u16,
    pub(super) flags: Flags,
    /// With the upper bits from EDNS (RFC 6891, section 6.1.3).
    pub(super) code: u16,
    pub(super) question: Option<Question>,
    pub(super) answers: Vec<Held>,
    pub(super) authority: Vec<Held>,
}

impl Sections {
    pub(super) fn read(octets: &[u8]) -> Result<Self, NotMessage> {
        let mut reader = Reader { octets, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let [questions, answers, authority, additional] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let question = match questions {
            0 => None,
            1 => Some(reader.question()?),
            _ => return Err(NotMessage),
        };
        let mut message = Self {
            id,
            flags: Flags::of(flags),
            code: flags & 0x000f,
            question,
            answers: Vec::new(),
            authority: Vec::new(),
        };
        if message.flags.truncated() {
            return Ok(message);
        }
        message.answers = reader.held(answers)?;
        message.authority = reader.held(authority)?;
        for record in reader.held(additional)? {
            if record.kind.number() == TYPE_OPT {
                let [extended, ..] = record.ttl_seconds.to_be_bytes();
                message.code |= u16::from(extended) << 4;
            }
        }
        if reader.at == octets.len() { Ok(message) } else { Err(NotMessage) }
    }
}

impl Reader<'_> {
    /// A count in the header is a claim; the octets that are there bound the work.
    fn held(&mut self, count: u16) -> Result<Vec<Held>, NotMessage> {
        (0..count).map(|_| self.held_record()).collect()
    }

    fn held_record(&mut self) -> Result<Held, NotMessage> {
        let owner = self.name()?;
        let kind = RecordType::of(self.u16()?);
        let (class, ttl_seconds) = (self.u16()?, self.u32()?);
        let length = usize::from(self.u16()?);
        let rdata = expand(self, kind, length)?;
        Ok(Held { owner, kind, class, ttl_seconds, rdata })
    }
}
