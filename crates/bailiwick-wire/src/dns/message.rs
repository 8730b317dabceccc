//! Reading a message: header, question, records (RFC 1035, section 4.1).

use super::name::WireName;
use super::query::TYPE_OPT;
use super::reader::{NotMessage, Reader};

pub(super) const TYPE_NS: u16 = 2;
pub(super) const TYPE_CNAME: u16 = 5;
const TYPE_SOA: u16 = 6;
pub(super) const TYPE_DNAME: u16 = 39;
/// Extended DNS Error (RFC 8914, section 2).
const OPTION_EDE: u16 = 15;

/// A message that was read to its end; or, if it is truncated, to the end of its question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) id: u16,
    pub(super) flags: Flags,
    /// With the upper bits from EDNS (RFC 6891, section 6.1.3).
    pub(super) code: u16,
    pub(super) question: Option<Question>,
    pub(super) answers: Vec<Record>,
    pub(super) authority: Vec<Record>,
    /// Extended DNS Errors, in order.
    pub(super) errors: Vec<u16>,
}

/// The header's bits that matter to us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Flags(u16);

impl Flags {
    pub(super) const fn of(bits: u16) -> Self {
        Self(bits)
    }
    pub(super) const fn bits(self) -> u16 {
        self.0
    }
    pub(super) const fn response(self) -> bool {
        self.0 & 0x8000 != 0
    }
    pub(super) const fn is_standard_query(self) -> bool {
        self.0 & 0x7800 == 0
    }
    pub(super) const fn authoritative(self) -> bool {
        self.0 & 0x0400 != 0
    }
    pub(super) const fn truncated(self) -> bool {
        self.0 & 0x0200 != 0
    }
    pub(super) const fn authentic(self) -> bool {
        self.0 & 0x0020 != 0
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Question {
    pub(super) name: WireName,
    pub(super) kind: u16,
    pub(super) class: u16,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) owner: WireName,
    pub(super) kind: u16,
    pub(super) class: u16,
    pub(super) ttl_seconds: u32,
    pub(super) data: Data,
}

/// Content that has names in it is read here, because the names may be compressed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Data {
    /// CNAME, DNAME and NS.
    Target(WireName),
    /// SOA: its serial, and how long an empty answer may be remembered (RFC 2308, section 4).
    Soa { serial: u32, minimum_seconds: u32 },
    /// Everything else.
    Octets(Vec<u8>),
}

impl Message {
    pub(super) fn read(octets: &[u8]) -> Result<Self, NotMessage> {
        let mut reader = Reader { octets, at: 0 };
        let [id, flags, questions, answers, authority, additional] = [
            reader.u16()?,
            reader.u16()?,
            reader.u16()?,
            reader.u16()?,
            reader.u16()?,
            reader.u16()?,
        ];
        let question = match questions {
            0 => None,
            1 => Some(reader.question()?),
            _ => return Err(NotMessage),
        };
        let mut message = Self {
            id,
            flags: Flags(flags),
            code: flags & 0x000f,
            question,
            answers: Vec::new(),
            authority: Vec::new(),
            errors: Vec::new(),
        };
        if message.flags.truncated() {
            return Ok(message);
        }
        message.answers = reader.records(answers)?;
        message.authority = reader.records(authority)?;
        let additional = reader.records(additional)?;
        message.read_edns(&additional)?;
        if reader.at == octets.len() { Ok(message) } else { Err(NotMessage) }
    }

    fn read_edns(&mut self, additional: &[Record]) -> Result<(), NotMessage> {
        let mut options = additional.iter().filter(|record| record.kind == TYPE_OPT);
        let Some(option) = options.next() else { return Ok(()) };
        if options.next().is_some() {
            return Err(NotMessage);
        }
        let [extended, ..] = option.ttl_seconds.to_be_bytes();
        self.code |= u16::from(extended) << 4;
        let Data::Octets(octets) = &option.data else { return Err(NotMessage) };
        let mut reader = Reader { octets, at: 0 };
        while reader.at < octets.len() {
            let (code, length) = (reader.u16()?, reader.u16()?);
            let content = reader.take(usize::from(length))?;
            if code == OPTION_EDE {
                self.errors.push(Reader { octets: content, at: 0 }.u16()?);
            }
        }
        Ok(())
    }
}

/// A message as far as a signature over it needs: where its last record starts.
pub(super) struct Raw<'a> {
    pub(super) id: u16,
    pub(super) flags: u16,
    /// How many additional records it says it has.
    pub(super) additional: u16,
    pub(super) last: Option<RawRecord<'a>>,
}

/// The last record of a message.
pub(super) struct RawRecord<'a> {
    pub(super) owner: WireName,
    pub(super) kind: u16,
    /// The octet of the message at which it starts.
    pub(super) starts: usize,
    pub(super) rdata: &'a [u8],
}

impl<'a> Raw<'a> {
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, NotMessage> {
        let mut reader = Reader { octets, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let [questions, answers, authority, additional] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        for _ in 0..questions {
            reader.question()?;
        }
        let mut last = None;
        let records = [answers, authority, additional].map(u32::from).iter().sum::<u32>();
        for _ in 0..records {
            let starts = reader.at;
            let owner = reader.name()?;
            let kind = reader.u16()?;
            let _class_ttl = reader.take(6)?;
            let length = usize::from(reader.u16()?);
            let rdata = reader.take(length)?;
            last = Some(RawRecord { owner, kind, starts, rdata });
        }
        if reader.at != octets.len() {
            return Err(NotMessage);
        }
        // A signature is an additional record (RFC 8945, section 5.1).
        let last = last.filter(|_| additional > 0);
        Ok(Self { id, flags, additional, last })
    }
}

/// A message as it was before the signature that starts at an octet was put behind it (RFC 8945,
/// section 4.3.2); `additional` is how many records it says it has there, the signature among them.
pub(super) fn before_signature(
    octets: &[u8],
    starts: usize,
    additional: u16,
    id: u16,
) -> Option<Vec<u8>> {
    let mut body = octets.get(..starts)?.to_vec();
    body.get_mut(10..12)?.copy_from_slice(&additional.saturating_sub(1).to_be_bytes());
    body.get_mut(..2)?.copy_from_slice(&id.to_be_bytes());
    Some(body)
}

impl Reader<'_> {
    pub(super) fn question(&mut self) -> Result<Question, NotMessage> {
        Ok(Question { name: self.name()?, kind: self.u16()?, class: self.u16()? })
    }

    /// A count in the header is a claim; the octets that are there bound the work.
    fn records(&mut self, count: u16) -> Result<Vec<Record>, NotMessage> {
        (0..count).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Result<Record, NotMessage> {
        let owner = self.name()?;
        let (kind, class, ttl_seconds) = (self.u16()?, self.u16()?, self.u32()?);
        let length = usize::from(self.u16()?);
        let end = self.at.checked_add(length).ok_or(NotMessage)?;
        let data = match kind {
            TYPE_CNAME | TYPE_DNAME | TYPE_NS => Data::Target(self.name()?),
            TYPE_SOA => {
                let (_primary, _contact) = (self.name()?, self.name()?);
                let serial = self.u32()?;
                let _refresh_retry_expire = self.take(12)?;
                Data::Soa { serial, minimum_seconds: self.u32()? }
            }
            _ => Data::Octets(self.take(length)?.to_vec()),
        };
        if self.at != end {
            return Err(NotMessage);
        }
        Ok(Record { owner, kind, class, ttl_seconds, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(questions: u16, answers: u16) -> Vec<u8> {
        [7, 0x8180, questions, answers, 0, 0].iter().flat_map(|f: &u16| f.to_be_bytes()).collect()
    }

    fn question(name: &[u8]) -> Vec<u8> {
        [&header(1, 0), name, &[1, 1, 0, 1]].concat()
    }

    #[test]
    fn names_end_and_pointers_go_back() {
        let label = |octets: usize| {
            let length = u8::try_from(octets).unwrap();
            [&[length][..], &vec![b'a'; octets]].concat()
        };
        let long = |last| [label(63), label(63), label(63), label(last), vec![0]].concat();
        assert!(Message::read(&question(b"\x01a\0")).is_ok());
        assert!(Message::read(&question(&long(61))).is_ok());
        assert_eq!(Message::read(&question(&long(62))), Err(NotMessage));
        for bad in [
            &b"\xc0\x0c"[..], // itself
            b"\xc0\x0d\0",    // forward
            b"\x01a\xc0\x0c", // its own beginning
            b"\x41a\0",       // a label type that was withdrawn
            b"\x81a\0",
            b"\x05ab",
        ] {
            assert_eq!(Message::read(&question(bad)), Err(NotMessage), "{bad:?}");
        }
    }

    #[test]
    fn a_ladder_of_pointers_is_cut_off() {
        // Each record's owner points at the pointer before it.
        let mut octets = [&header(1, 400)[..], b"\x01a\0\x01\x01\0\x01"].concat();
        let mut previous: u16 = 12;
        for _ in 0..400 {
            let at = u16::try_from(octets.len()).unwrap();
            octets.extend((0xc000 | previous).to_be_bytes());
            octets.extend(b"\x01\x01\0\x01\0\0\0\0\0\0");
            previous = at;
        }
        assert_eq!(Message::read(&octets), Err(NotMessage));
    }

    #[test]
    fn nothing_may_follow_and_nothing_may_lack() {
        let whole = question(b"\x01a\0");
        assert!(Message::read(&whole).is_ok());
        for cut in 0..whole.len() {
            assert_eq!(Message::read(&whole[..cut]), Err(NotMessage), "{cut}");
        }
        assert_eq!(Message::read(&[&whole[..], b"\0"].concat()), Err(NotMessage));
        let claims = [&header(0, 65_535)[..], b"\0\x01\x01\0\x01\0\0\0\0\0\0"].concat();
        assert_eq!(Message::read(&claims), Err(NotMessage));
    }
}
