//! Service parameters of SVCB and HTTPS records as text (RFC 9460, sections 2.1 and 14.3.2).

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::words::{BadText, Word, octets, quoted};

const KEYS: [(u16, &str); 8] = [
    (0, "mandatory"),
    (1, "alpn"),
    (2, "no-default-alpn"),
    (3, "port"),
    (4, "ipv4hint"),
    (5, "ech"),
    (6, "ipv6hint"),
    (7, "dohpath"),
];

fn key_name(key: u16) -> String {
    let known = KEYS.iter().find(|(number, _)| *number == key);
    known.map_or_else(|| format!("key{key}"), |(_, name)| (*name).to_owned())
}

fn key_of(name: &str) -> Option<u16> {
    let known = KEYS.iter().find(|(_, known)| *known == name).map(|(number, _)| *number);
    known.or_else(|| {
        let digits = name.strip_prefix("key")?;
        let plain = digits == "0" || !digits.starts_with('0');
        digits.parse().ok().filter(|_| plain && digits.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

/// The parameters as text, in the order of their keys; `None` where they break the format.
pub(super) fn spelled(mut rest: &[u8]) -> Option<String> {
    let mut words = Vec::new();
    let mut last = None;
    while !rest.is_empty() {
        let (key, after) = number(rest)?;
        let (length, after) = number(after)?;
        let (value, after) = after.split_at_checked(usize::from(length))?;
        if last.is_some_and(|last| last >= key) {
            return None;
        }
        words.push(param(key, value)?);
        (last, rest) = (Some(key), after);
    }
    Some(words.join(" "))
}

fn number(octets: &[u8]) -> Option<(u16, &[u8])> {
    let (two, rest) = octets.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*two), rest))
}

fn param(key: u16, value: &[u8]) -> Option<String> {
    let name = key_name(key);
    let listed =
        |items: Vec<String>| (!items.is_empty()).then(|| format!("{name}={}", items.join(",")));
    match key {
        0 => {
            let (keys, rest) = value.as_chunks::<2>();
            let names = keys.iter().map(|key| key_name(u16::from_be_bytes(*key)));
            rest.is_empty().then(|| listed(names.collect())).flatten()
        }
        1 => alpn(value).map(|ids| format!("{name}={}", quoted(&ids))),
        2 => value.is_empty().then_some(name),
        3 => Some(format!("{name}={}", u16::from_be_bytes(value.try_into().ok()?))),
        4 => {
            let (all, rest) = value.as_chunks::<4>();
            let all = all.iter().map(|one| Ipv4Addr::from(*one).to_string());
            rest.is_empty().then(|| listed(all.collect())).flatten()
        }
        5 => (!value.is_empty()).then(|| format!("{name}={}", STANDARD.encode(value))),
        6 => {
            let (all, rest) = value.as_chunks::<16>();
            let all = all.iter().map(|one| Ipv6Addr::from(*one).to_string());
            rest.is_empty().then(|| listed(all.collect())).flatten()
        }
        _ if value.is_empty() => Some(name),
        _ => Some(format!("{name}={}", quoted(value))),
    }
}

/// Protocol ids, joined by commas; a comma or a backslash inside one is escaped (appendix A.1).
fn alpn(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while let Some((length, after)) = rest.split_first() {
        let (id, after) = after.split_at_checked(usize::from(*length))?;
        if id.is_empty() {
            return None;
        }
        if !text.is_empty() {
            text.push(b',');
        }
        for octet in id {
            if matches!(octet, b',' | b'\\') {
                text.push(b'\\');
            }
            text.push(*octet);
        }
        rest = after;
    }
    (!text.is_empty()).then_some(text)
}

/// Reads parameters in any order; on the wire they stand in the order of their keys.
pub(super) fn read(words: &[Word<'_>]) -> Result<Vec<u8>, BadText> {
    let mut params: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    for word in words {
        let bad = || BadText::Param(word.raw.to_owned());
        let (name, value) = match word.raw.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.raw, None),
        };
        let key = key_of(&name.to_ascii_lowercase()).filter(|_| !word.quoted).ok_or_else(bad)?;
        let value =
            value.map(|it| it.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(it));
        let value = octets(value.unwrap_or_default())?;
        let value = value_of(key, &value).ok_or_else(bad)?;
        if params.insert(key, value).is_some() {
            return Err(BadText::ParamTwice(name.to_owned()));
        }
    }
    let mut rdata = Vec::new();
    for (key, value) in params {
        let length = u16::try_from(value.len()).map_err(|_| BadText::Param(key_name(key)))?;
        rdata.extend(key.to_be_bytes());
        rdata.extend(length.to_be_bytes());
        rdata.extend(value);
    }
    Ok(rdata)
}

fn value_of(key: u16, value: &[u8]) -> Option<Vec<u8>> {
    let text = || core::str::from_utf8(value).ok().filter(|text| !text.is_empty());
    match key {
        0 => {
            let keys: Option<Vec<u16>> = text()?.split(',').map(key_of).collect();
            let mut keys = keys?;
            keys.sort_unstable();
            keys.dedup();
            Some(keys.into_iter().flat_map(u16::to_be_bytes).collect())
        }
        1 => alpn_of(value),
        2 => value.is_empty().then(Vec::new),
        3 => text()?.parse::<u16>().ok().map(|port| port.to_be_bytes().to_vec()),
        4 => {
            let all: Result<Vec<Ipv4Addr>, _> = text()?.split(',').map(str::parse).collect();
            Some(all.ok()?.iter().flat_map(Ipv4Addr::octets).collect())
        }
        5 => STANDARD.decode(value).ok().filter(|octets| !octets.is_empty()),
        6 => {
            let all: Result<Vec<Ipv6Addr>, _> = text()?.split(',').map(str::parse).collect();
            Some(all.ok()?.iter().flat_map(Ipv6Addr::octets).collect())
        }
        _ => Some(value.to_vec()),
    }
}

fn alpn_of(value: &[u8]) -> Option<Vec<u8>> {
    let mut ids: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = value.iter();
    while let Some(octet) = rest.next() {
        let octet = match octet {
            b',' => {
                ids.push(Vec::new());
                continue;
            }
            b'\\' => rest.next()?,
            other => other,
        };
        ids.last_mut()?.push(*octet);
    }
    let mut octets = Vec::new();
    for id in ids {
        let length = u8::try_from(id.len()).ok().filter(|length| *length > 0)?;
        octets.push(length);
        octets.extend(id);
    }
    Some(octets)
}
