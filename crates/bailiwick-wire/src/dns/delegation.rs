//! NS and DS: what hands a zone on.

use std::fmt::Write as _;

use super::rdata::RecordKind;

/// NS (RFC 1035, section 3.3.11), as the name it holds; the reader of messages hands the name over
/// without compression.
#[derive(Clone, Copy, Debug)]
pub enum Ns {}

/// DS (RFC 4034, section 5.1), as `KEYTAG ALGORITHM TYPE DIGEST`.
#[derive(Clone, Copy, Debug)]
pub enum Ds {}

impl RecordKind for Ns {
    const TYPE: u16 = 2;
    type Value = String;

    fn read(rdata: &[u8]) -> Option<String> {
        let (mut name, mut rest) = (String::new(), rdata);
        loop {
            let (length, after) = rest.split_first()?;
            if *length == 0 {
                return (after.is_empty() && !name.is_empty()).then_some(name);
            }
            let (label, after) = after.split_at_checked(usize::from(*length))?;
            // A label with anything else in it names no server that anybody reaches.
            let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_".contains(octet);
            if !label.iter().all(plain) {
                return None;
            }
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
            rest = after;
        }
    }
}

impl RecordKind for Ds {
    const TYPE: u16 = 43;
    type Value = String;

    fn read(rdata: &[u8]) -> Option<String> {
        let (head, digest) = rdata.split_at_checked(4)?;
        let [high, low, algorithm, kind] = head else { return None };
        if digest.is_empty() {
            return None;
        }
        let mut text = format!("{} {algorithm} {kind} ", u16::from_be_bytes([*high, *low]));
        digest.iter().try_for_each(|octet| write!(text, "{octet:02x}")).ok()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_digests_are_spelled_one_way() {
        assert_eq!(Ns::read(b"\x03NS1\x04shop\x07example\0"), Some("ns1.shop.example".to_owned()));
        assert_eq!(Ds::read(&[0x30, 0x39, 13, 2, 0xab, 0xcd]), Some("12345 13 2 abcd".to_owned()));
        for bad in [&b""[..], b"\0", b"\x03ns", b"\x02n.\0", b"\x01a\0x"] {
            assert_eq!(Ns::read(bad), None, "{bad:?}");
        }
        assert_eq!(Ds::read(&[0, 1, 13, 2]), None);
    }
}
