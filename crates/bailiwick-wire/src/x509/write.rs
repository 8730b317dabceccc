//! Writing DER (X.690): each function gives the octets of one value.

use bailiwick_core::time::Time;
use const_oid::ObjectIdentifier;
use thiserror::Error;
use time::OffsetDateTime;

use super::read::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, SET,
    UTC_TIME, UTF8_STRING, context, context_constructed,
};

/// RFC 5280, section 4.1.2.5: years up to this one are written as UTCTime.
const UTC_TIME_YEAR_MAX: i32 = 2049;

/// A moment has no year of four digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[error("the moment has no year of four digits; choose an earlier end")]
pub struct BadMoment;

/// A value of any tag.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag];
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|digit| *digit == 0).collect();
    match (digits.as_slice(), u8::try_from(digits.len())) {
        ([], _) => octets.push(0),
        ([short], _) if *short < 0x80 => octets.push(*short),
        (_, count) => {
            octets.push(0x80 | count.unwrap_or(0x7f));
            octets.extend_from_slice(&digits);
        }
    }
    octets.extend_from_slice(content);
    octets
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A SET OF one value, which needs no sorting.
pub(super) fn set_of_one(part: &[u8]) -> Vec<u8> {
    tlv(SET, part)
}

/// `[number]` around whole values.
pub(super) fn explicit(number: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(context_constructed(number), &parts.concat())
}

/// `[number]` instead of the tag of a primitive value.
pub(super) fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(context(number), content)
}

/// An INTEGER that is not negative, from its big-endian octets.
pub(super) fn unsigned(octets: &[u8]) -> Vec<u8> {
    tlv(INTEGER, &unsigned_content(octets))
}

/// The content of such an INTEGER: shortest, with a zero in front where the sign needs it.
pub(super) fn unsigned_content(octets: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    content
}

pub(super) fn boolean_true() -> Vec<u8> {
    tlv(BOOLEAN, &[0xff])
}

pub(super) fn null() -> Vec<u8> {
    tlv(NULL, &[])
}

pub(super) fn oid(id: ObjectIdentifier) -> Vec<u8> {
    tlv(OID, id.as_bytes())
}

pub(super) fn octet_string(content: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, content)
}

/// A BIT STRING of whole octets.
pub(super) fn bit_string(octets: &[u8]) -> Vec<u8> {
    let mut content = vec![0];
    content.extend_from_slice(octets);
    tlv(BIT_STRING, &content)
}

/// A BIT STRING of named bits out of the first eight; zeros at the end are cut (X.690, 11.2.2).
pub(super) fn named_bits(bits: &[u8]) -> Vec<u8> {
    let octet = bits
        .iter()
        .fold(0_u8, |octet, bit| octet | 0x80_u8.checked_shr(u32::from(*bit)).unwrap_or(0));
    match u8::try_from(octet.trailing_zeros()) {
        Ok(unused) if octet != 0 => tlv(BIT_STRING, &[unused, octet]),
        _ => tlv(BIT_STRING, &[0]),
    }
}

pub(super) fn utf8(text: &str) -> Vec<u8> {
    tlv(UTF8_STRING, text.as_bytes())
}

/// A moment to the second, as UTCTime or GeneralizedTime by its year.
pub(super) fn moment(time: Time) -> Result<Vec<u8>, BadMoment> {
    let moment = OffsetDateTime::from_unix_timestamp(time.unix_seconds()).map_err(|_| BadMoment)?;
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second) = moment.to_hms();
    let month = u8::from(month);
    if !(1950..=9999).contains(&year) {
        return Err(BadMoment);
    }
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if year <= UTC_TIME_YEAR_MAX {
        let short = year.rem_euclid(100);
        Ok(tlv(UTC_TIME, format!("{short:02}{rest}").as_bytes()))
    } else {
        Ok(tlv(GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes()))
    }
}

/// A moment to the second as GeneralizedTime, as OCSP has them in every year.
pub(super) fn generalized(time: Time) -> Result<Vec<u8>, BadMoment> {
    let moment = OffsetDateTime::from_unix_timestamp(time.unix_seconds()).map_err(|_| BadMoment)?;
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second) = moment.to_hms();
    let month = u8::from(month);
    if !(1950..=9999).contains(&year) {
        return Err(BadMoment);
    }
    let text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    Ok(tlv(GENERALIZED_TIME, text.as_bytes()))
}

/// One extension (RFC 5280, section 4.2); FALSE is the default and not written.
pub(super) fn extension(id: ObjectIdentifier, criticality: Criticality, value: &[u8]) -> Vec<u8> {
    match criticality {
        Criticality::Critical => sequence(&[oid(id), boolean_true(), octet_string(value)]),
        Criticality::NotCritical => sequence(&[oid(id), octet_string(value)]),
    }
}

/// Whether who does not know an extension must refuse the certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Criticality {
    Critical,
    NotCritical,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_shortest_form() {
        assert_eq!(tlv(0x04, &[]), [0x04, 0x00]);
        assert_eq!(tlv(0x04, &[0; 127]).get(..2), Some([0x04, 0x7f].as_slice()));
        assert_eq!(tlv(0x04, &[0; 128]).get(..3), Some([0x04, 0x81, 0x80].as_slice()));
        assert_eq!(tlv(0x04, &[0; 256]).get(..4), Some([0x04, 0x82, 0x01, 0x00].as_slice()));
        assert_eq!(unsigned(&[]), [0x02, 0x01, 0x00]);
        assert_eq!(unsigned(&[0x00, 0x80]), [0x02, 0x02, 0x00, 0x80]);
        assert_eq!(unsigned(&[0x00, 0x7f]), [0x02, 0x01, 0x7f]);
        assert_eq!(named_bits(&[0]), [0x03, 0x02, 0x07, 0x80]);
        assert_eq!(named_bits(&[5, 6]), [0x03, 0x02, 0x01, 0x06]);
        assert_eq!(named_bits(&[]), [0x03, 0x01, 0x00]);
    }

    #[test]
    fn moments_change_their_type_with_2050() {
        let at = |text: &str| moment(Time::parse(text).unwrap());
        assert_eq!(at("2049-12-31T23:59:59Z").unwrap(), tlv(UTC_TIME, b"491231235959Z"));
        assert_eq!(at("2050-01-01").unwrap(), tlv(GENERALIZED_TIME, b"20500101000000Z"));
        assert_eq!(moment(Time::from_unix_seconds(i64::MAX / 1_000)), Err(BadMoment));
    }
}
