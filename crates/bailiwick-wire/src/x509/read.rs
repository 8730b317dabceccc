//! Reading DER (X.690): a cursor over tag, length and value that cannot loop, recurse or panic.

use bailiwick_core::time::Time;
use const_oid::ObjectIdentifier;
use thiserror::Error;
use time::{Date, Month, PrimitiveDateTime, Time as Clock};

/// Nested values at most (threat T13): a certificate needs 9.
const DEPTH_MAX: usize = 16;
/// Values in one document at most: a CSR with 100 names has about 150.
const VALUES_MAX: usize = 4_096;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag `[number]` with a primitive value.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag `[number]` with a constructed value.
pub(super) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// Why octets are not the DER they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadDer {
    /// They end too early.
    #[error("the bytes end too early; send them whole")]
    Truncated,
    /// A length is indefinite, not in its shortest form, or beyond any document.
    #[error("a length is not in the one form that der allows; encode it as der")]
    Length,
    /// Another tag than the one that must stand here.
    #[error("a value has another type than the one that must stand there")]
    Tag,
    /// Something follows where nothing may.
    #[error("something follows after the end; send one document")]
    Trailing,
    /// The content of a value breaks the rules of its type.
    #[error("a value breaks the rules of its type")]
    Value,
    /// Nested deeper than 16 levels.
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// More than 4,096 values.
    #[error("more than {VALUES_MAX} values")]
    TooMany,
}

/// One value: its tag, its content, and all its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tlv<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader of what the value holds.
    pub(super) const fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }
}

/// A place in octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// The only value of `octets`, which must have `tag`.
    pub(super) fn only(octets: &'a [u8], tag: u8) -> Result<Tlv<'a>, BadDer> {
        let mut reader = Self::new(octets);
        let value = reader.expect(tag)?;
        reader.end()?;
        Ok(value)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value.
    pub(super) fn next(&mut self) -> Result<Tlv<'a>, BadDer> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(BadDer::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(BadDer::Tag);
        }
        let (length, after_length) = read_length(after_tag)?;
        let (content, rest) = after_length.split_at_checked(length).ok_or(BadDer::Truncated)?;
        let whole_length = self.rest.len().saturating_sub(rest.len());
        let (whole, _) = self.rest.split_at_checked(whole_length).ok_or(BadDer::Truncated)?;
        self.rest = rest;
        Ok(Tlv { tag, content, whole })
    }

    /// The next value, which must have `tag`.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, BadDer> {
        self.optional(tag)?.ok_or(BadDer::Tag)
    }

    /// The next value if it has `tag`; the reader stays where it is otherwise.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, BadDer> {
        if self.rest.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    /// Refuses anything that is left.
    pub(super) const fn end(self) -> Result<(), BadDer> {
        if self.rest.is_empty() { Ok(()) } else { Err(BadDer::Trailing) }
    }
}

fn read_length(octets: &[u8]) -> Result<(usize, &[u8]), BadDer> {
    let (&first, rest) = octets.split_first().ok_or(BadDer::Truncated)?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err(BadDer::Length);
    }
    let (digits, rest) = rest.split_at_checked(count).ok_or(BadDer::Truncated)?;
    let length = digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
    if digits.first() == Some(&0) || length < 0x80 {
        return Err(BadDer::Length);
    }
    Ok((length, rest))
}

/// Refuses octets that are not one DER value, are nested too deep, or hold too many values.
///
/// It walks with a list of places instead of calling itself, so depth costs no stack. The checks
/// that DER adds to BER are made for every universal type that a request may hold.
pub(super) fn check_strict(octets: &[u8]) -> Result<(), BadDer> {
    let mut places: Vec<(Reader<'_>, Option<&[u8]>)> = vec![(Reader::new(octets), None)];
    let mut values = 0_usize;
    while let Some((reader, last_of_set)) = places.last_mut() {
        if reader.is_empty() {
            places.pop();
            continue;
        }
        let value = reader.next()?;
        values += 1;
        if values > VALUES_MAX {
            return Err(BadDer::TooMany);
        }
        // The values of a SET OF stand in the order of their octets (X.690, section 11.6).
        if let Some(last) = last_of_set {
            if *last > value.whole {
                return Err(BadDer::Value);
            }
            *last = value.whole;
        }
        if value.tag & 0x20 == 0 {
            check_primitive(&value)?;
        } else {
            if value.tag & 0xc0 == 0 && value.tag != SEQUENCE && value.tag != SET {
                return Err(BadDer::Value);
            }
            if places.len() > DEPTH_MAX {
                return Err(BadDer::TooDeep);
            }
            let empty: &[u8] = &[];
            places.push((value.inside(), (value.tag == SET).then_some(empty)));
        }
    }
    Ok(())
}

fn check_primitive(value: &Tlv<'_>) -> Result<(), BadDer> {
    match value.tag {
        BOOLEAN => boolean(value).map(|_| ()),
        INTEGER | ENUMERATED => integer(value).map(|_| ()),
        BIT_STRING => bit_string(value).map(|_| ()),
        NULL if !value.content.is_empty() => Err(BadDer::Value),
        OID => oid(value).map(|_| ()),
        UTC_TIME | GENERALIZED_TIME => moment(value).map(|_| ()),
        // SEQUENCE and SET without the bit that says constructed.
        0x10 | 0x11 => Err(BadDer::Value),
        _ => Ok(()),
    }
}

/// A BOOLEAN, which DER spells as 00 or FF.
pub(super) fn boolean(value: &Tlv<'_>) -> Result<bool, BadDer> {
    match (value.tag, value.content) {
        (BOOLEAN | 0x80..=0xbf, [0x00]) => Ok(false),
        (BOOLEAN | 0x80..=0xbf, [0xff]) => Ok(true),
        _ => Err(BadDer::Value),
    }
}

/// The octets of an INTEGER in their shortest form, sign included.
pub(super) fn integer<'a>(value: &Tlv<'a>) -> Result<&'a [u8], BadDer> {
    match value.content {
        [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(BadDer::Value),
        octets => Ok(octets),
    }
}

/// The octets of an INTEGER that is not negative, without the zero in front.
pub(super) fn unsigned<'a>(value: &Tlv<'a>) -> Result<&'a [u8], BadDer> {
    match integer(value)? {
        [0x80..=0xff, ..] => Err(BadDer::Value),
        [0x00, rest @ ..] if !rest.is_empty() => Ok(rest),
        octets => Ok(octets),
    }
}

/// A BIT STRING: how many bits of the last octet do not count, and the octets.
pub(super) fn bit_string<'a>(value: &Tlv<'a>) -> Result<(u8, &'a [u8]), BadDer> {
    let (&unused, octets) = value.content.split_first().ok_or(BadDer::Value)?;
    let mask = 1_u8.checked_shl(u32::from(unused)).ok_or(BadDer::Value)?.wrapping_sub(1);
    match octets.last() {
        None if unused != 0 => Err(BadDer::Value),
        Some(last) if last & mask != 0 => Err(BadDer::Value),
        _ => Ok((unused, octets)),
    }
}

/// A BIT STRING that consists of whole octets.
pub(super) fn octets_of_bits<'a>(value: &Tlv<'a>) -> Result<&'a [u8], BadDer> {
    match bit_string(value)? {
        (0, octets) => Ok(octets),
        _ => Err(BadDer::Value),
    }
}

/// An OBJECT IDENTIFIER.
pub(super) fn oid(value: &Tlv<'_>) -> Result<ObjectIdentifier, BadDer> {
    ObjectIdentifier::from_bytes(value.content).map_err(|_| BadDer::Value)
}

/// A UTCTime or GeneralizedTime as RFC 5280, section 4.1.2.5 has them: to the second, in UTC.
pub(super) fn moment(value: &Tlv<'_>) -> Result<Time, BadDer> {
    let digits = value.content.strip_suffix(b"Z").ok_or(BadDer::Value)?;
    let (year, rest) = match (value.tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = two_digits(digits)?;
            (if year < 50 { 2_000 + i32::from(year) } else { 1_900 + i32::from(year) }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (century, rest) = two_digits(digits)?;
            let (year, rest) = two_digits(rest)?;
            (i32::from(century) * 100 + i32::from(year), rest)
        }
        _ => return Err(BadDer::Value),
    };
    let (month, rest) = two_digits(rest)?;
    let (day, rest) = two_digits(rest)?;
    let (hour, rest) = two_digits(rest)?;
    let (minute, rest) = two_digits(rest)?;
    let (second, _) = two_digits(rest)?;
    let month = Month::try_from(month).map_err(|_| BadDer::Value)?;
    let date = Date::from_calendar_date(year, month, day).map_err(|_| BadDer::Value)?;
    let clock = Clock::from_hms(hour, minute, second).map_err(|_| BadDer::Value)?;
    let seconds = PrimitiveDateTime::new(date, clock).assume_utc().unix_timestamp();
    Ok(Time::from_unix_seconds(seconds))
}

fn two_digits(octets: &[u8]) -> Result<(u8, &[u8]), BadDer> {
    let ([tens, ones], rest) = octets.split_first_chunk::<2>().ok_or(BadDer::Value)?;
    let digit =
        |octet: u8| if octet.is_ascii_digit() { Ok(octet - b'0') } else { Err(BadDer::Value) };
    Ok((digit(*tens)? * 10 + digit(*ones)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octets: &[u8], expected: Result<(), BadDer>) {
        assert_eq!(check_strict(octets), expected, "{octets:02x?}");
    }

    #[test]
    fn only_der_passes() {
        check(&[0x30, 0x03, 0x02, 0x01, 0x00], Ok(()));
        check(&[0x30, 0x80, 0x00, 0x00], Err(BadDer::Length));
        check(&[0x30, 0x81, 0x01, 0x00], Err(BadDer::Length));
        check(&[0x30, 0x82, 0x00, 0x81], Err(BadDer::Length));
        check(&[0x30, 0x85, 0, 0, 0, 0, 1], Err(BadDer::Length));
        check(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Err(BadDer::Truncated));
        check(&[0x30, 0x02, 0x02], Err(BadDer::Truncated));
        check(&[0x1f, 0x81, 0x01, 0x00], Err(BadDer::Tag));
        check(&[0x01, 0x01, 0x01], Err(BadDer::Value));
        check(&[0x02, 0x00], Err(BadDer::Value));
        check(&[0x02, 0x02, 0x00, 0x7f], Err(BadDer::Value));
        check(&[0x02, 0x02, 0xff, 0x80], Err(BadDer::Value));
        check(&[0x03, 0x00], Err(BadDer::Value));
        check(&[0x03, 0x01, 0x01], Err(BadDer::Value));
        check(&[0x03, 0x02, 0x01, 0x01], Err(BadDer::Value));
        check(&[0x03, 0x02, 0x08, 0x00], Err(BadDer::Value));
        check(&[0x05, 0x01, 0x00], Err(BadDer::Value));
        check(&[0x06, 0x00], Err(BadDer::Value));
        check(&[0x24, 0x03, 0x04, 0x01, 0x00], Err(BadDer::Value));
        check(&[0x10, 0x00], Err(BadDer::Value));
        check(&[0x31, 0x06, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01], Err(BadDer::Value));
        check(&[0x31, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x02], Ok(()));
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let nested = |depth: u8| {
            (0..depth).fold(vec![0x05, 0x00], |inner, _| super::super::write::sequence(&[inner]))
        };
        check(&nested(16), Ok(()));
        check(&nested(17), Err(BadDer::TooDeep));
        check(&[0x05, 0x00].repeat(VALUES_MAX), Ok(()));
        check(&[0x05, 0x00].repeat(VALUES_MAX + 1), Err(BadDer::TooMany));
    }

    #[test]
    fn moments_have_one_spelling() {
        let at = |tag, text: &str| {
            moment(&Tlv { tag, content: text.as_bytes(), whole: &[] }).map(|time| time.to_string())
        };
        assert_eq!(at(UTC_TIME, "491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(at(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(at(GENERALIZED_TIME, "20500101000000Z").unwrap(), "2050-01-01T00:00:00Z");
        assert_eq!(at(GENERALIZED_TIME, "20480229000000Z").unwrap(), "2048-02-29T00:00:00Z");
        for bad in
            ["490229000000Z", "4912312359Z", "491231235960Z", "491331235959Z", "+91231235959Z"]
        {
            assert_eq!(at(UTC_TIME, bad), Err(BadDer::Value), "{bad}");
        }
        assert_eq!(at(GENERALIZED_TIME, "20500101000000+0000"), Err(BadDer::Value));
    }
}
