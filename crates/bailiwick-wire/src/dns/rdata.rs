//! The content of the record types that are looked up.

use core::net::{Ipv4Addr, Ipv6Addr};

use bailiwick_core::caa::CaaRecord;

/// A record type and how its RDATA is read.
pub trait RecordKind {
    /// The type's number (IANA DNS parameters).
    const TYPE: u16;
    /// What one record says.
    type Value: Clone + Ord;
    /// Reads the RDATA; `None` when it breaks the type's format.
    fn read(rdata: &[u8]) -> Option<Self::Value>;
}

/// CAA (RFC 8659, section 4.1).
#[derive(Clone, Copy, Debug)]
pub enum Caa {}

/// TXT (RFC 1035, section 3.3.14): the strings of one record, joined.
#[derive(Clone, Copy, Debug)]
pub enum Txt {}

/// A (RFC 1035, section 3.4.1).
#[derive(Clone, Copy, Debug)]
pub enum A {}

/// AAAA (RFC 3596, section 2.2).
#[derive(Clone, Copy, Debug)]
pub enum Aaaa {}

/// SOA, of which only the serial is read (RFC 1035, section 3.3.13): its names are compressed, so the
/// reader of messages hands over the four octets of the serial.
#[derive(Clone, Copy, Debug)]
pub enum SoaSerial {}

impl RecordKind for SoaSerial {
    const TYPE: u16 = 6;
    type Value = u32;

    fn read(serial: &[u8]) -> Option<u32> {
        <[u8; 4]>::try_from(serial).ok().map(u32::from_be_bytes)
    }
}

impl RecordKind for Caa {
    const TYPE: u16 = 257;
    type Value = CaaRecord;

    /// Flags, tag length, tag, value. Which octets a tag may hold is the core's to judge.
    fn read(rdata: &[u8]) -> Option<CaaRecord> {
        let (flags, rest) = rdata.split_first()?;
        let (tag_octets, rest) = rest.split_first()?;
        let (tag, value) = rest.split_at_checked(usize::from(*tag_octets))?;
        (!tag.is_empty()).then(|| CaaRecord {
            flags: *flags,
            tag: tag.to_vec(),
            value: value.to_vec(),
        })
    }
}

impl RecordKind for Txt {
    const TYPE: u16 = 16;
    type Value = Vec<u8>;

    fn read(rdata: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(rdata.len());
        let mut rest = rdata;
        // At least one string, which may be empty.
        loop {
            let (length, after) = rest.split_first()?;
            let (string, after) = after.split_at_checked(usize::from(*length))?;
            text.extend(string);
            rest = after;
            if rest.is_empty() {
                return Some(text);
            }
        }
    }
}

impl RecordKind for A {
    const TYPE: u16 = 1;
    type Value = Ipv4Addr;

    fn read(rdata: &[u8]) -> Option<Ipv4Addr> {
        <[u8; 4]>::try_from(rdata).ok().map(Ipv4Addr::from)
    }
}

impl RecordKind for Aaaa {
    const TYPE: u16 = 28;
    type Value = Ipv6Addr;

    fn read(rdata: &[u8]) -> Option<Ipv6Addr> {
        <[u8; 16]>::try_from(rdata).ok().map(Ipv6Addr::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caa_octets_are_kept_and_damage_is_not_skipped() {
        let read = |octets: &[u8]| Caa::read(octets);
        let record = |flags, tag: &[u8], value: &[u8]| {
            Some(CaaRecord { flags, tag: tag.to_vec(), value: value.to_vec() })
        };
        assert_eq!(read(b"\x81\x05IsSuE\xff\0"), record(0x81, b"IsSuE", b"\xff\0"));
        assert_eq!(read(b"\0\x05issue"), record(0, b"issue", b""));
        assert_eq!(read(b"\0\x03a\xff.v"), record(0, b"a\xff.", b"v"));
        let long = [&[0, 255][..], &[b'x'; 255], b"v"].concat();
        assert_eq!(read(&long), record(0, &[b'x'; 255], b"v"));
        for bad in [&b""[..], b"\0", b"\0\0", b"\0\0v", b"\0\xffi", b"\0\x05iss"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn text_strings_are_joined() {
        assert_eq!(Txt::read(b"\x01a\x02bc"), Some(b"abc".to_vec()));
        assert_eq!(Txt::read(b"\0"), Some(Vec::new()));
        for bad in [&b""[..], b"\x02a", b"\x01a\x05b"] {
            assert_eq!(Txt::read(bad), None, "{bad:?}");
        }
    }
}
