//! Records as text: what is written is read again, and hickory reads the same.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RecordType};
use bailiwick_wire::dns::{
    BadText, Origin, WireName, apex_of, owner_in, rdata_text, read_rdata, read_record, read_ttl,
    serial_of, stars_over,
};
use hickory_proto::rr::{Name, RData};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};
use proptest::prelude::*;

fn zone() -> ZoneName {
    ZoneName::parse("shop.example").unwrap()
}

fn read(kind: &str, text: &str) -> Result<Vec<u8>, BadText> {
    let apex = apex_of(&zone());
    read_rdata(RecordType::parse(kind).unwrap(), text, Origin::Appended(&apex))
}

/// Each as people write it, and as it is written back.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("A", "192.0.2.1", "192.0.2.1"),
    ("AAAA", "2001:DB8::1", "2001:db8::1"),
    ("CNAME", "LB.other.example.", "lb.other.example."),
    ("CNAME", "lb", "lb.shop.example."),
    ("NS", "@", "shop.example."),
    ("PTR", "a\\.b.shop.example.", "a\\.b.shop.example."),
    ("MX", "10 mail", "10 mail.shop.example."),
    ("MX", "0 .", "0 ."),
    ("TXT", "plain \"with space; and more\"", "\"plain\" \"with space; and more\""),
    ("TXT", "\"say \\\"hi\\\" \\200\\092\"", "\"say \\\"hi\\\" \\200\\\\\""),
    ("SRV", "1 2 443 www", "1 2 443 www.shop.example."),
    (
        "SOA",
        "ns1 host\\.master 7 3600 600 86400 60",
        "ns1.shop.example. host\\.master.shop.example. 7 3600 600 86400 60",
    ),
    (
        "CAA",
        "0 issue \"ca.example; validationmethods=dns-01\"",
        "0 issue \"ca.example; validationmethods=dns-01\"",
    ),
    ("CAA", "128 issuewild \";\"", "128 issuewild \";\""),
    ("TLSA", "3 1 1 ab CD ef", "3 1 1 ABCDEF"),
    ("SSHFP", "4 2 0011", "4 2 0011"),
    ("DS", "60485 13 2 00ff", "60485 13 2 00FF"),
    ("DNSKEY", "257 3 13 AwEA AQ==", "257 3 13 AwEAAQ=="),
    ("SVCB", "0 svc", "0 svc.shop.example."),
    (
        "HTTPS",
        "1 . ipv4hint=192.0.2.1,192.0.2.2 port=8443 alpn=h2,h3 no-default-alpn mandatory=port,alpn",
        "1 . mandatory=alpn,port alpn=\"h2,h3\" no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2",
    ),
    (
        "HTTPS",
        "1 . ech=AAEC ipv6hint=2001:db8::1 key700=\"x y\"",
        "1 . ech=AAEC ipv6hint=2001:db8::1 key700=\"x y\"",
    ),
    ("NAPTR", "1 2 \"u\" \"x\" \"!^.*$!a!\" .", "1 2 \"u\" \"x\" \"!^.*$!a!\" ."),
    ("TYPE65280", "\\# 3 01 02ff", "\\# 3 0102FF"),
    ("A", "\\# 4 C0000201", "192.0.2.1"),
    ("A", "\\# 1 00", "\\# 1 00"),
];

#[test]
fn records_are_written_as_they_are_read() {
    for (kind, text, expected) in SAMPLES {
        let rdata = read(kind, text).unwrap_or_else(|why| panic!("{kind} {text}: {why}"));
        let kind = RecordType::parse(kind).unwrap();
        assert_eq!(rdata_text(kind, &rdata), *expected, "{kind} {text}");
        let again = read(&kind.to_string(), expected).unwrap();
        assert_eq!(again, rdata, "{kind} {expected}");
    }
}

/// A second opinion for the types that hickory reads as text.
#[test]
fn hickory_reads_the_same_octets() {
    let origin = Name::from_ascii("shop.example.").unwrap();
    let mut compared = 0;
    for (kind, text, _) in SAMPLES {
        let Ok(theirs_kind) = kind.parse::<hickory_proto::rr::RecordType>() else { continue };
        // It takes no generic form, no such names, and reads `\\200` as a character of two octets.
        if text.contains("\\#")
            || text.contains("\\.")
            || text.contains("mandatory")
            || text.contains("\\2")
        {
            continue;
        }
        let tokens = RData::try_from_str(theirs_kind, &with_origin(text, &origin));
        let Ok(theirs) = tokens else { continue };
        let mut octets = Vec::new();
        let mut encoder = BinEncoder::new(&mut octets);
        theirs.emit(&mut encoder).unwrap();
        let ours = read(kind, &with_origin(text, &origin)).unwrap();
        assert_eq!(ours, octets.to_ascii_lowercase_names(kind), "{kind} {text}");
        compared += 1;
    }
    assert!(compared >= 8, "only {compared} were compared");
}

/// Names in full, so that no origin is needed.
fn with_origin(text: &str, origin: &Name) -> String {
    let words = text.split(' ').map(|word| match word {
        "mail" | "www" | "lb" | "svc" => format!("{word}.{origin}"),
        other => other.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

trait LowerNames {
    fn to_ascii_lowercase_names(&self, kind: &str) -> Vec<u8>;
}

impl LowerNames for Vec<u8> {
    fn to_ascii_lowercase_names(&self, kind: &str) -> Vec<u8> {
        if matches!(kind, "CNAME" | "NS" | "PTR") {
            self.to_ascii_lowercase()
        } else {
            self.clone()
        }
    }
}

#[test]
fn a_text_that_is_no_record_is_told_what_to_write() {
    for (kind, text, word) in [
        ("A", "192.0.2", "IPv4"),
        ("A", "192.0.2.1 192.0.2.2", "too much"),
        ("A", "", "missing"),
        ("AAAA", "192.0.2.1", "IPv6"),
        ("MX", "mail", "number"),
        ("MX", "65536 mail", "65535"),
        ("TLSA", "3 1 1 abc", "hexadecimal"),
        ("TLSA", "256 1 1 ab", "255"),
        ("CAA", "0 issue ;", "quotes"),
        ("CAA", "0 is-sue x", "tag"),
        ("TXT", "\"open", "closed"),
        ("TXT", "\"a\\300\"", "255"),
        ("TXT", &"x".repeat(256), "255"),
        ("DNSKEY", "1 2 3 ?", "Base64"),
        ("HTTPS", "1 . port=x", "parameter"),
        ("HTTPS", "1 . port=1 port=2", "twice"),
        ("TYPE65280", "x", "RFC 3597"),
        ("TYPE65280", "\\# 2 00", "octets"),
        ("CNAME", &format!("{}.example.", "x".repeat(64)), "63"),
    ] {
        let why = read(kind, text).expect_err(text).to_string();
        assert!(why.contains(word), "{kind} {text}: `{word}` is not in: {why}");
    }
}

#[test]
fn a_person_writes_a_record_of_a_zone() {
    let line = read_record("www 300 IN A 192.0.2.1", &zone()).unwrap();
    assert_eq!(line.owner.to_string(), "www.shop.example");
    assert_eq!((line.ttl_seconds, line.kind), (Some(300), RecordType::A));
    let line = read_record("_443._tcp.www.shop.example. TLSA 3 1 1 ab", &zone()).unwrap();
    assert_eq!(line.owner.to_string(), "_443._tcp.www.shop.example");
    assert_eq!(line.ttl_seconds, None);
    assert_eq!(read_record("@ 1h IN CAA 0 issue \";\"", &zone()).unwrap().ttl_seconds, Some(3_600));
    assert_eq!(
        read_record("*.www CNAME lb", &zone()).unwrap().owner.to_string(),
        "*.www.shop.example"
    );
    for (text, word) in [
        ("www CNAME lb.other.example", "dot at its end"),
        ("www.other.example. A 192.0.2.1", "outside"),
        ("www B 192.0.2.1", "record type"),
        ("w\u{f6}rld A 192.0.2.1", "letters"),
        ("www", "type"),
    ] {
        let why = read_record(text, &zone()).expect_err(text).to_string();
        assert!(why.contains(word), "{text}: `{word}` is not in: {why}");
    }
    assert_eq!(owner_in("shop.example", &zone()).unwrap().to_string(), "shop.example");
    for (text, seconds) in [
        ("60", Some(60)),
        ("1h30m", Some(5_400)),
        ("2W", Some(1_209_600)),
        ("", None),
        ("1y", None),
        ("4294967295", None),
    ] {
        assert_eq!(read_ttl(text).ok(), seconds, "{text}");
    }
}

#[test]
fn rfc_4592_2_2_1_the_stars_over_a_name() {
    let over = |name: &str| -> Vec<String> {
        let owner = OwnerName::parse(name).unwrap();
        stars_over(&owner, &zone()).iter().map(ToString::to_string).collect()
    };
    assert_eq!(over("a.b.shop.example"), ["*.b.shop.example", "*.shop.example"]);
    assert_eq!(over("shop.example"), Vec::<String>::new());
    assert_eq!(over("*.shop.example"), Vec::<String>::new());
}

#[test]
fn the_serial_of_a_soa_record() {
    let soa = read("SOA", "ns1 hostmaster 4294967295 3600 600 86400 60").unwrap();
    assert_eq!(serial_of(&soa).map(|serial| serial.number()), Some(u32::MAX));
    assert_eq!(serial_of(&soa[..soa.len() - 1]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Whatever octets a record holds, its text leads back to them.
    #[test]
    fn any_octets_are_written_and_read_again(
        kind in prop::sample::select(vec![1_u16, 2, 5, 6, 12, 13, 15, 16, 17, 28, 33, 35, 39, 43, 44, 48, 52, 59, 61, 64, 65, 257, 65_280]),
        octets in prop::collection::vec(prop_oneof![0_u8..5, any::<u8>()], 0..60),
    ) {
        let kind = RecordType::of(kind);
        let text = rdata_text(kind, &octets);
        let root = WireName::default();
        let again = read_rdata(kind, &text, Origin::Appended(&root));
        // Names come back in lower case, and nothing else changes.
        prop_assert_eq!(again.map(|it| it.to_ascii_lowercase()), Ok(octets.to_ascii_lowercase()), "{}", text);
    }
}
