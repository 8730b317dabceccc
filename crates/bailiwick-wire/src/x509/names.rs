//! Distinguished names and general names, as text that is safe to show (threat T16).

use core::net::IpAddr;
use std::fmt::Write as _;

use bailiwick_core::certificate::NameSeen;
use bailiwick_core::names::SanName;

use super::oids;
use super::read::{
    BadDer, IA5_STRING, PRINTABLE_STRING, SEQUENCE, SET, Tlv, UTF8_STRING, context, oid,
};

/// Octets of one text shown at most; the rest is counted.
const SHOWN_OCTETS_MAX: usize = 1_024;

const RFC822_NAME: u8 = context(1);
pub(super) const DNS_NAME: u8 = context(2);
pub(super) const URI: u8 = context(6);
pub(super) const IP_ADDRESS: u8 = context(7);

/// One attribute of a distinguished name.
pub(super) struct NameAttribute<'a> {
    pub(super) id: const_oid::ObjectIdentifier,
    pub(super) value: Tlv<'a>,
}

/// The attributes of a distinguished name, in the order they stand.
pub(super) fn attributes(name: Tlv<'_>) -> Result<Vec<NameAttribute<'_>>, BadDer> {
    let mut found = Vec::new();
    let mut rdns = name.inside();
    while !rdns.is_empty() {
        let mut rdn = rdns.expect(SET)?.inside();
        while !rdn.is_empty() {
            let mut pair = rdn.expect(SEQUENCE)?.inside();
            let id = oid(&pair.next()?)?;
            let value = pair.next()?;
            pair.end()?;
            found.push(NameAttribute { id, value });
        }
    }
    Ok(found)
}

/// A distinguished name as `CN=..., O=...`, in the order it stands.
pub(super) fn show_name(attributes: &[NameAttribute<'_>]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        if !text.is_empty() {
            text.push_str(", ");
        }
        match oids::short_name(attribute.id) {
            Some(name) => text.push_str(name),
            None => text.push_str(&attribute.id.to_string()),
        }
        text.push('=');
        text.push_str(&show(attribute.value.content));
    }
    text
}

/// The text of an attribute, where it has one of the types that are text without doubt.
pub(super) fn text_of<'a>(value: &Tlv<'a>) -> Option<&'a str> {
    match value.tag {
        UTF8_STRING | PRINTABLE_STRING | IA5_STRING => std::str::from_utf8(value.content).ok(),
        _ => None,
    }
}

/// Octets as text in which nothing can move a cursor, turn the direction or end a field.
pub(super) fn show(octets: &[u8]) -> String {
    let (shown, rest) = octets.split_at_checked(SHOWN_OCTETS_MAX).unwrap_or((octets, &[]));
    let mut text = String::new();
    for character in String::from_utf8_lossy(shown).chars() {
        if character == ' '
            || character.is_ascii_graphic() && character != '\\'
            || is_letter(character)
        {
            text.push(character);
        } else {
            text.extend(character.escape_unicode());
        }
    }
    if !rest.is_empty() && write!(text, "... ({} octets more)", rest.len()).is_err() {
        text.push_str("...");
    }
    text
}

fn is_letter(character: char) -> bool {
    !character.is_ascii() && character.is_alphanumeric()
}

/// A GeneralName as it stands in a subject alternative name, told by its whole tag, so that an
/// INTEGER or a constructed value is never taken for a dNSName.
pub(super) fn general_name(value: &Tlv<'_>) -> NameSeen {
    let octets = value.content;
    let other = || NameSeen::Other { tag: value.tag, octets: octets.to_vec() };
    if value.tag == RFC822_NAME {
        NameSeen::Email(show(octets))
    } else if value.tag == DNS_NAME {
        match std::str::from_utf8(octets).map(SanName::parse) {
            // Upper case is one and the same name; a trailing dot in a certificate is not, nor is an
            // address that is spelled as a name.
            Ok(Ok(name)) if !octets.ends_with(b".") && name.dns().is_some() => NameSeen::Dns(name),
            _ => NameSeen::OddDns(show(octets)),
        }
    } else if value.tag == URI {
        NameSeen::Uri(show(octets))
    } else if value.tag == IP_ADDRESS {
        match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
            (Ok(four), _) => NameSeen::Ip(IpAddr::from(four)),
            (_, Ok(sixteen)) => NameSeen::Ip(IpAddr::from(sixteen)),
            _ => other(),
        }
    } else {
        other()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_cannot_act() {
        assert_eq!(show(b"plain, text"), "plain, text");
        assert_eq!(show("B\u{fc}cher".as_bytes()), "B\u{fc}cher");
        assert_eq!(show(b"a\x1b[31m\r\n"), "a\\u{1b}[31m\\u{d}\\u{a}");
        assert_eq!(show("x\u{202e}y".as_bytes()), "x\\u{202e}y");
        assert_eq!(show(b"\\u{d}"), "\\u{5c}u{d}");
        assert_eq!(show(&[b'a'; 1_030]).len(), 1_024 + "... (6 octets more)".len());
    }
}
