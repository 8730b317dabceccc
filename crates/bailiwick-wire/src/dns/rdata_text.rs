//! RDATA as text and text as RDATA (RFC 1035, section 5; RFC 3597, section 5).

use core::net::{Ipv4Addr, Ipv6Addr};

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RRset, RecordType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::layout::{Field, fields_of};
use super::name::WireName;
use super::name_text::{Origin, owner_in};
use super::params;
use super::words::{BadText, Word, octets, quoted, words};

/// Octets of one character-string (RFC 1035, section 3.3).
const STRING_OCTETS_MAX: usize = 255;

/// A record's data as a zone file spells it, names with their final dot. Never fails: octets that
/// break the type's format, and types without a form of their own, are written as RFC 3597 says.
#[must_use]
pub fn rdata_text(kind: RecordType, rdata: &[u8]) -> String {
    let spelled = fields_of(kind).and_then(|fields| spelled(fields, rdata));
    spelled.unwrap_or_else(|| match rdata {
        [] => "\\# 0".to_owned(),
        some => format!("\\# {} {}", some.len(), hex(some)),
    })
}

fn spelled(fields: &[Field], rdata: &[u8]) -> Option<String> {
    let mut rest = rdata;
    let mut words = Vec::new();
    for field in fields {
        let (word, after) = spell(*field, rest)?;
        words.push(word);
        rest = after;
    }
    words.retain(|word| !word.is_empty());
    rest.is_empty().then(|| words.join(" "))
}

fn spell(field: Field, rest: &[u8]) -> Option<(String, &[u8])> {
    let some = |rest: &[u8]| (!rest.is_empty()).then_some(());
    Some(match field {
        Field::U8 => rest.split_first().map(|(one, rest)| (one.to_string(), rest))?,
        Field::U16 => {
            let (octets, rest) = rest.split_first_chunk::<2>()?;
            (u16::from_be_bytes(*octets).to_string(), rest)
        }
        Field::U32 => {
            let (octets, rest) = rest.split_first_chunk::<4>()?;
            (u32::from_be_bytes(*octets).to_string(), rest)
        }
        Field::V4 => {
            let (octets, rest) = rest.split_first_chunk::<4>()?;
            (Ipv4Addr::from(*octets).to_string(), rest)
        }
        Field::V6 => {
            let (octets, rest) = rest.split_first_chunk::<16>()?;
            (Ipv6Addr::from(*octets).to_string(), rest)
        }
        Field::Name => {
            let (name, rest) = WireName::read_plain(rest)?;
            (name.to_string(), rest)
        }
        Field::String => {
            let (string, rest) = string(rest)?;
            (quoted(string), rest)
        }
        Field::Strings => {
            let mut strings = Vec::new();
            let mut left = rest;
            while strings.is_empty() || !left.is_empty() {
                let (string, after) = string(left)?;
                strings.push(quoted(string));
                left = after;
            }
            (strings.join(" "), left)
        }
        Field::Tag => {
            let (tag, rest) = string(rest)?;
            let plain = !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric);
            (String::from_utf8(tag.to_vec()).ok().filter(|_| plain)?, rest)
        }
        Field::Value => (quoted(rest), &[]),
        Field::Hex => some(rest).map(|()| (hex(rest), [].as_slice()))?,
        Field::Base64 => some(rest).map(|()| (STANDARD.encode(rest), [].as_slice()))?,
        Field::Params => (params::spelled(rest)?, &[]),
    })
}

fn string(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = rest.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Reads a record's data as a zone file spells it; names in it come out in lower case.
///
/// # Errors
/// [`BadText`].
pub fn read_rdata(kind: RecordType, text: &str, origin: Origin<'_>) -> Result<Vec<u8>, BadText> {
    rdata_of(kind, &words(text)?, origin)
}

pub(super) fn rdata_of(
    kind: RecordType,
    words: &[Word<'_>],
    origin: Origin<'_>,
) -> Result<Vec<u8>, BadText> {
    if let Some((first, rest)) = words.split_first()
        && first.raw == "\\#"
        && !first.quoted
    {
        return generic(rest);
    }
    let fields = fields_of(kind).ok_or_else(|| BadText::NoForm(kind.to_string()))?;
    let mut rdata = Vec::new();
    let mut rest = words;
    for field in fields {
        rest = read_field(*field, rest, origin, &mut rdata)?;
    }
    match rest {
        [] => Ok(rdata),
        [more, ..] => Err(BadText::TooMuch(more.raw.to_owned())),
    }
}

fn generic(words: &[Word<'_>]) -> Result<Vec<u8>, BadText> {
    let (length, digits) = words.split_first().ok_or(BadText::Missing("the number of octets"))?;
    let said = number(length.raw, u32::from(u16::MAX))?;
    let said = usize::try_from(said).unwrap_or(usize::MAX);
    let octets = unhex(digits)?;
    let given = octets.len();
    if said == given { Ok(octets) } else { Err(BadText::Length { said, given }) }
}

fn number(word: &str, max: u32) -> Result<u32, BadText> {
    let plain = word.bytes().all(|digit| digit.is_ascii_digit());
    let number = word.parse::<u32>().ok().filter(|number| plain && *number <= max);
    number.ok_or_else(|| BadText::Number { word: word.to_owned(), max })
}

fn joined(words: &[Word<'_>]) -> String {
    words.iter().map(|word| word.raw).collect()
}

fn unhex(words: &[Word<'_>]) -> Result<Vec<u8>, BadText> {
    let digits = joined(words);
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    let octet = |pair: &[u8; 2]| {
        let text =
            core::str::from_utf8(pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit));
        text.and_then(|text| u8::from_str_radix(text, 16).ok())
    };
    let octets: Option<Vec<u8>> = pairs.iter().map(octet).collect();
    octets.filter(|_| odd.is_empty()).ok_or(BadText::Hex(digits))
}

/// Reads what one field takes of the words, and leaves the rest.
fn read_field<'w, 'a>(
    field: Field,
    words: &'w [Word<'a>],
    origin: Origin<'_>,
    rdata: &mut Vec<u8>,
) -> Result<&'w [Word<'a>], BadText> {
    let next = |what| words.split_first().ok_or(BadText::Missing(what));
    match field {
        Field::U8 | Field::U16 | Field::U32 => {
            let (word, rest) = next("a number")?;
            read_number(field, word.raw, rdata)?;
            Ok(rest)
        }
        Field::V4 => {
            let (word, rest) = next("an IPv4 address")?;
            let bad = |_| BadText::Address { word: word.raw.to_owned(), family: "IPv4" };
            rdata.extend(word.raw.parse::<Ipv4Addr>().map_err(bad)?.octets());
            Ok(rest)
        }
        Field::V6 => {
            let (word, rest) = next("an IPv6 address")?;
            let bad = |_| BadText::Address { word: word.raw.to_owned(), family: "IPv6" };
            rdata.extend(word.raw.parse::<Ipv6Addr>().map_err(bad)?.octets());
            Ok(rest)
        }
        Field::Name => {
            let (word, rest) = next("a name")?;
            WireName::from_text(word.raw, origin)?.write(rdata);
            Ok(rest)
        }
        Field::String => {
            let (word, rest) = next("a text")?;
            push_string(&octets(word.raw)?, rdata)?;
            Ok(rest)
        }
        Field::Strings => {
            next("a text")?;
            for word in words {
                push_string(&octets(word.raw)?, rdata)?;
            }
            Ok(&[])
        }
        Field::Tag => {
            let (word, rest) = next("the tag of a CAA property")?;
            let plain =
                !word.raw.is_empty() && word.raw.bytes().all(|it| it.is_ascii_alphanumeric());
            if !plain {
                return Err(BadText::Tag(word.raw.to_owned()));
            }
            push_string(word.raw.as_bytes(), rdata)?;
            Ok(rest)
        }
        Field::Value => {
            let (word, rest) = next("the value of the property")?;
            rdata.extend(octets(word.raw)?);
            Ok(rest)
        }
        Field::Hex => {
            next("a row of hexadecimal digits")?;
            rdata.extend(unhex(words)?);
            Ok(&[])
        }
        Field::Base64 => {
            next("Base64")?;
            let text = joined(words);
            rdata.extend(STANDARD.decode(&text).map_err(|_| BadText::Base64(text))?);
            Ok(&[])
        }
        Field::Params => {
            rdata.extend(params::read(words)?);
            Ok(&[])
        }
    }
}

fn read_number(field: Field, word: &str, rdata: &mut Vec<u8>) -> Result<(), BadText> {
    let (octets, max) = match field {
        Field::U8 => (1, u32::from(u8::MAX)),
        Field::U16 => (2, u32::from(u16::MAX)),
        Field::U32
        | Field::V4
        | Field::V6
        | Field::Name
        | Field::String
        | Field::Strings
        | Field::Tag
        | Field::Value
        | Field::Hex
        | Field::Base64
        | Field::Params => (4, u32::MAX),
    };
    let number = number(word, max)?.to_be_bytes();
    rdata.extend(number.iter().skip(number.len().saturating_sub(octets)));
    Ok(())
}

fn push_string(octets: &[u8], rdata: &mut Vec<u8>) -> Result<(), BadText> {
    let long = |_| BadText::LongString { octets: octets.len() };
    rdata.push(u8::try_from(octets.len()).map_err(long)?);
    rdata.extend(octets);
    Ok(())
}

/// The RDATA of a TXT record that says a text, which is cut into as many strings as it needs.
#[must_use]
pub fn txt_rdata(value: &[u8]) -> Vec<u8> {
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

/// One record as a line of text says it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordLine {
    /// Where.
    pub owner: OwnerName,
    /// How long it may be remembered, where that is said.
    pub ttl_seconds: Option<u32>,
    /// Of which type.
    pub kind: RecordType,
    /// Its data, in wire form.
    pub rdata: Vec<u8>,
}

/// Reads a record as a person writes it, such as `www 300 A 192.0.2.1` or `@ CAA 0 issue "ca.example"`:
/// owner, then in any order a TTL and the class `IN`, which may be left out, then type and data. A name
/// in the data that has several labels and no dot at its end is refused, because it could mean two.
///
/// # Errors
/// [`BadText`].
pub fn read_record(text: &str, zone: &ZoneName) -> Result<RecordLine, BadText> {
    let words = words(text)?;
    let (owner, mut rest) = words.split_first().ok_or(BadText::Missing("the owner"))?;
    let owner = owner_in(owner.raw, zone)?;
    let mut ttl_seconds = None;
    let kind = loop {
        let (word, after) = rest.split_first().ok_or(BadText::Missing("the type"))?;
        rest = after;
        if word.raw.starts_with(|first: char| first.is_ascii_digit()) && ttl_seconds.is_none() {
            ttl_seconds = Some(read_ttl(word.raw)?);
        } else if !word.raw.eq_ignore_ascii_case("IN") {
            let kind = RecordType::parse(word.raw);
            break kind.ok_or_else(|| BadText::Type(word.raw.to_owned()))?;
        }
    };
    let apex = WireName::from(zone);
    let rdata = rdata_of(kind, rest, Origin::OneLabel(&apex))?;
    Ok(RecordLine { owner, ttl_seconds, kind, rdata })
}

/// Reads a TTL: seconds, or numbers with a unit each, as BIND writes them.
///
/// # Errors
/// [`BadText::Ttl`]; more than 2^31 - 1 seconds is one (RFC 2181, section 8).
pub fn read_ttl(text: &str) -> Result<u32, BadText> {
    let bad = || BadText::Ttl(text.to_owned());
    let mut total: u32 = 0;
    let mut number: Option<u32> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            let more = number.unwrap_or(0).checked_mul(10).and_then(|it| it.checked_add(digit));
            number = Some(more.ok_or_else(bad)?);
            continue;
        }
        let unit = match character.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(bad()),
        };
        let seconds = number.take().and_then(|number| number.checked_mul(unit));
        total = seconds.and_then(|it| total.checked_add(it)).ok_or_else(bad)?;
    }
    total = total.checked_add(number.unwrap_or(0)).ok_or_else(bad)?;
    if text.is_empty() || i32::try_from(total).is_err() { Err(bad()) } else { Ok(total) }
}

/// A set as lines of a zone file, the owner in full.
#[must_use]
pub fn set_lines(owner: &OwnerName, kind: RecordType, set: &RRset) -> Vec<String> {
    let ttl = set.ttl_seconds();
    let line = |rdata: &Vec<u8>| format!("{owner}. {ttl} IN {kind} {}", rdata_text(kind, rdata));
    set.rdata().iter().map(line).collect()
}
