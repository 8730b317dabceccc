//! Words of a record as text: what a space ends, what a quote joins, and what a backslash means
//! (RFC 1035, section 5.1).

use bailiwick_core::shown::shown;

/// Why a text is not a record's data. Says what to write instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadText {
    /// It ends too early.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// There is more than the type has.
    #[error("`{it}` is too much; quote what belongs together", it = shown(.0))]
    TooMuch(String),
    /// A number that is none or too large.
    #[error("`{}` is not a number from 0 to {max}", shown(.word))]
    Number {
        /// What was written.
        word: String,
        /// What fits.
        max: u32,
    },
    /// Not an address of that family.
    #[error("`{}` is not an {family} address", shown(.word))]
    Address {
        /// What was written.
        word: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// Not a domain name.
    #[error("`{it}` is not a domain name of at most 255 octets with labels of 1 to 63", it = shown(.0))]
    Name(String),
    /// A name that could mean two things.
    #[error("`{it}` has no dot at its end: write `{it}.` for the whole name, or one label for a name of this zone", it = shown(.0))]
    Ambiguous(String),
    /// Not hexadecimal.
    #[error("`{it}` is not a row of hexadecimal digits, two for each octet", it = shown(.0))]
    Hex(String),
    /// Not Base64.
    #[error("`{it}` is not Base64", it = shown(.0))]
    Base64(String),
    /// A character-string holds 255 octets at most.
    #[error("a string of {octets} octets: cut it into quoted strings of at most 255")]
    LongString {
        /// How long it is.
        octets: usize,
    },
    /// The tag of a CAA property.
    #[error("`{it}` is not a CAA tag; write `issue`, `issuewild` or `iodef`", it = shown(.0))]
    Tag(String),
    /// A quote without its end.
    #[error("a quote is not closed")]
    Quote,
    /// A backslash at the end, or with a number above 255.
    #[error("a backslash is followed by a character or by three digits up to 255")]
    Escape,
    /// A character that means something else in a zone file.
    #[error("`{0}` outside quotes; write the text in quotes")]
    Special(char),
    /// A service parameter.
    #[error("`{it}` is not a service parameter; write for example `alpn=h2,h3` or `port=8443`", it = shown(.0))]
    Param(String),
    /// The same parameter twice.
    #[error("service parameter `{it}` stands there twice", it = shown(.0))]
    ParamTwice(String),
    /// A type without a form of its own.
    #[error("records of type {it} are written as `\\# LENGTH HEX` (RFC 3597): the number of octets and the octets", it = shown(.0))]
    NoForm(String),
    /// The length of the generic form does not fit what follows.
    #[error("`\\#` says {said} octets and {given} follow")]
    Length {
        /// As written.
        said: usize,
        /// As given.
        given: usize,
    },
    /// Not a record type.
    #[error("`{it}` is not a record type; write one such as `A`, `TLSA` or `TYPE65280`", it = shown(.0))]
    Type(String),
    /// Not a time to live.
    #[error("`{it}` is not a TTL; write seconds, or such as `1h30m`", it = shown(.0))]
    Ttl(String),
    /// A name outside the zone.
    #[error("`{it}` lies outside the zone", it = shown(.0))]
    Outside(String),
    /// A name that Bailiwick does not write.
    #[error("`{it}` is not a name that records are written at: letters, digits, hyphens and underscores, or `*.` in front", it = shown(.0))]
    Owner(String),
}

/// One word as it was written; quotes around the whole of it are taken off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Word<'a> {
    pub(super) raw: &'a str,
    pub(super) quoted: bool,
}

/// The words of one line that has no comment and no parentheses.
pub(super) fn words(text: &str) -> Result<Vec<Word<'_>>, BadText> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn word(text: &str) -> Result<(Word<'_>, &str), BadText> {
    let whole = text.strip_prefix('"');
    let text = whole.unwrap_or(text);
    let mut in_quotes = whole.is_some();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next().ok_or(BadText::Escape)?;
            }
            '"' if whole.is_some() => return Ok((split(text, at, true), after(text, at, 1))),
            '"' => in_quotes = !in_quotes,
            _ if in_quotes => {}
            ';' | '(' | ')' => return Err(BadText::Special(character)),
            space if space.is_ascii_whitespace() => {
                return Ok((split(text, at, false), after(text, at, 0)));
            }
            _ => {}
        }
    }
    if in_quotes { Err(BadText::Quote) } else { Ok((Word { raw: text, quoted: false }, "")) }
}

fn split(text: &str, at: usize, quoted: bool) -> Word<'_> {
    Word { raw: text.get(..at).unwrap_or_default(), quoted }
}

fn after(text: &str, at: usize, more: usize) -> &str {
    text.get(at.saturating_add(more)..).unwrap_or_default()
}

/// The octets that a word stands for.
pub(super) fn octets(raw: &str) -> Result<Vec<u8>, BadText> {
    let mut octets = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'\\' {
            let (octet, after) = escaped(rest)?;
            octets.push(octet);
            rest = after;
        } else {
            octets.push(*first);
        }
    }
    Ok(octets)
}

/// What follows a backslash: three digits, or a character that stands for itself.
pub(super) fn escaped(rest: &[u8]) -> Result<(u8, &[u8]), BadText> {
    let (first, after) = rest.split_first().ok_or(BadText::Escape)?;
    if !first.is_ascii_digit() {
        return Ok((*first, after));
    }
    let (digits, after) = rest.split_first_chunk::<3>().ok_or(BadText::Escape)?;
    let text = core::str::from_utf8(digits).map_err(|_| BadText::Escape)?;
    Ok((text.parse().map_err(|_| BadText::Escape)?, after))
}

/// Octets as a quoted string.
pub(super) fn quoted(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().saturating_add(2));
    text.push('"');
    for octet in octets {
        match octet {
            b'"' | b'\\' => text.extend(['\\', char::from(*octet)]),
            b' '..=b'~' => text.push(char::from(*octet)),
            _ => text.push_str(&format!("\\{octet:03}")),
        }
    }
    text.push('"');
    text
}
