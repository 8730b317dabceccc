//! Names, ids, hexadecimal, moments: whatever is accepted prints as something that reads the same.

use std::fmt::{Debug, Display};

use bailiwick_core::caa::{AliasName, CaaName, CaaSubject};
use bailiwick_core::estate::{Environment, ZoneKey};
use bailiwick_core::ledger::{Frontier, TreeSize};
use bailiwick_core::names::{CertSerial, Digest, DnsName, PersonId, SanName, SpiffeId, ZoneName};
use bailiwick_core::shown::{acts, shown, told};
use bailiwick_core::time::Time;

use crate::fuzzing::refusal::{No, check_text};
use crate::fuzzing::{Read, Shape, Target};

const NAMES: [&str; 10] = [
    "www.shop.example",
    "*.shop.example",
    "shop.example",
    "a.b.c.d.e.f.g.example",
    "xn--bcher-kva.example",
    "xn--nxasmq6b.example",
    "_acme-challenge.shop.example",
    "WWW.Shop.Example.",
    "127.0.0.1",
    "2001:DB8::7",
];
const WORDS: [&str; 12] = [
    "*.",
    "xn--",
    "xn--a",
    "xn--bcher-kva",
    ".",
    "-",
    "_",
    "example",
    "\u{fc}",
    "\u{130}",
    "\u{3002}",
    "xn--ls8h",
];

/// What holds of every name: it prints as text that is the same name, and only shows.
fn round<T: Display + Debug + PartialEq>(name: &T, parse: impl Fn(&str) -> Option<T>) {
    let text = name.to_string();
    check_text(&text);
    assert_eq!(parse(&text).as_ref(), Some(name), "{text}");
}

#[test]
fn fuzz_name() {
    let long = [["a"; 62].concat(), ["b"; 62].concat(), ["c"; 62].concat(), "d.example".to_owned()];
    let target = Target::new("fuzz_name", Shape::Text).seeds([long.join(".")]).words(WORDS);
    let read = |octets: &[u8]| -> Read {
        let text = std::str::from_utf8(octets)?;
        let name = DnsName::parse(text)?;
        round(&name, |text| DnsName::parse(text).ok());
        assert!(name.as_str().len() <= 253 && name.labels().all(|label| label.len() <= 63));
        assert!(name.is_at_or_below(&name));
        if let Some(parent) = name.parent() {
            assert!(name.is_at_or_below(&parent) && !parent.is_at_or_below(&name));
        }
        assert_eq!(ZoneName::parse(text).unwrap().as_str(), name.as_str());
        Ok(())
    };
    target.run(read);
    Target::new("fuzz_name", Shape::Text)
        .seeds(NAMES.into_iter().filter(|name| !name.contains(['*', ':'])))
        .refused(["", ".", "a..b", "-a.example", "xn--www-.example", "b\u{fc}cher.example"])
        .words(WORDS)
        .run(read);
}

#[test]
fn fuzz_san() {
    let seeds = NAMES.into_iter().filter(|name| !name.contains('_'));
    let target = Target::new("fuzz_san", Shape::Text).seeds(seeds).words(WORDS);
    target.refused(["*", "*.", "*.example", "*.*.example", "a*.example"]).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let name = SanName::parse(text)?;
        round(&name, |text| SanName::parse(text).ok());
        assert_eq!(SanName::new(name.base(), name.is_wildcard()), Ok(name));
        Ok(())
    });
}

/// What `caa check` takes from a command line.
#[test]
fn fuzz_caa_subject() {
    let target = Target::new("fuzz_caa_subject", Shape::Text).seeds(NAMES).seeds(["192.0.2.1."]);
    target.words(WORDS).words(["onion", "::1", "192.0.2.1", "fe80::1%eth0"]).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let subject = CaaSubject::parse(text)?;
        round(&subject, |text| CaaSubject::parse(text).ok());
        if let Ok(name) = CaaName::parse(text) {
            round(&name, |text| CaaName::parse(text).ok());
        }
        Ok(())
    });
}

#[test]
fn fuzz_zone_key() {
    let seeds = ["shop.example", "corp.example/internal"];
    let words = ["/internal", "/external", "/", "internal"];
    Target::new("fuzz_zone_key", Shape::Text).seeds(seeds).words(words).run(|octets| {
        let key = ZoneKey::parse(std::str::from_utf8(octets)?).ok_or(No)?;
        round(&key, ZoneKey::parse);
        Ok(())
    });
}

#[test]
fn fuzz_workload() {
    let seeds = ["spiffe://shop.example/pay/api", "spiffe://a/b"];
    let words = ["spiffe://", "/", "/../", "/./", "%2f", "SPIFFE://", "?a", "#a", ":443"];
    Target::new("fuzz_workload", Shape::Text).seeds(seeds).words(words).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let id = SpiffeId::parse(text)?;
        assert_eq!(id.to_string(), text, "an id has one spelling");
        Ok(())
    });
}

#[test]
fn fuzz_id() {
    let seeds = ["ana", "01hx.a-b_c", "0"];
    Target::new("fuzz_id", Shape::Text).seeds(seeds).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let id = PersonId::parse(text)?;
        assert_eq!(id.as_str(), text);
        assert!(text.len() <= 64 && text.is_ascii());
        assert_eq!(Environment::parse(text).unwrap().as_str(), text);
        Ok(())
    });
}

#[test]
fn fuzz_hex() {
    let digest = Digest::of(b"x").to_string();
    let seeds = [digest.as_str(), "01ff", "aa:bb:0c"];
    Target::new("fuzz_hex", Shape::Text).seeds(seeds).words([":", "0x", "00"]).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        if let Ok(digest) = Digest::parse(text) {
            round(&digest, |text| Digest::parse(text).ok());
            return Ok(());
        }
        let serial = CertSerial::parse(text)?;
        round(&serial, |text| CertSerial::parse(text).ok());
        assert!((1..=20).contains(&serial.as_bytes().len()));
        Ok(())
    });
}

#[test]
fn fuzz_time() {
    let seeds = [
        "2026-03-03T10:00:00Z",
        "2026-11-22",
        "2026-03-03T10:00:00.005+01:00",
        "9999-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
    ];
    let words = ["-23:59", "+23:59", "Z", "t", "24:00:00", "-02-29", ".999999999", "9999"];
    Target::new("fuzz_time", Shape::Text)
        .seeds(seeds)
        .refused(["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59"])
        .words(words)
        .run(|octets| {
            let time = Time::parse(std::str::from_utf8(octets)?)?;
            round(&time, |text| Time::parse(text).ok());
            Ok(())
        });
}

/// A name as it stands in stored evidence.
#[test]
fn fuzz_alias_name() {
    let seeds = ["www.a\\.b\\027.example", ".", "cdn.example"];
    Target::new("fuzz_alias_name", Shape::Text).seeds(seeds).words(["\\.", "\\0"]).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let name = AliasName::from_stored(text).ok_or(No)?;
        assert_eq!(name.as_str(), text);
        check_text(&shown(text).to_string());
        Ok(())
    });
}

/// The head of a ledger as it is stored: as many roots as its size has, and no others.
#[test]
fn fuzz_frontier() {
    let (size, roots) = (TreeSize::new(7).unwrap(), [1_u8; 96]);
    Target::new("fuzz_frontier", Shape::Octets).seeds([roots]).run(|octets| {
        let frontier = Frontier::from_parts(size, octets)?;
        assert_eq!(frontier.to_parts(), (size, octets.to_vec()));
        Ok(())
    });
}

/// Somebody else's text inside a message: short, and nothing in it acts.
#[test]
fn fuzz_shown() {
    let seeds = ["plain", "Zürich", "a `b` \\ c"];
    Target::new("fuzz_shown", Shape::Text).seeds(seeds).run(|octets| {
        let text = std::str::from_utf8(octets)?;
        let (quoted, sentence) = (shown(text).to_string(), told(text).to_string());
        assert!(!quoted.contains('`') && quoted.chars().count() <= 121 * 10);
        assert!(!quoted.chars().chain(sentence.chars()).any(acts));
        assert!(sentence.chars().count() <= 401 * 10);
        Ok(())
    });
}
