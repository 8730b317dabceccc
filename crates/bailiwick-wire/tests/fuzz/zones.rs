//! Sets, transfers, NOTIFY and zone files from whoever sends them.

use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::{RecordType, SoaSerial};
use bailiwick_wire::dns::{
    Notify, NotifyAnswer, Origin, Query, Relayed, Relaying, SetReply, SignedAnswers,
    TransferBounds, TransferQuery, TransferReader, TsigKey, WireName, ZoneFile, rdata_text,
    read_rdata, read_record, read_set,
};

use bailiwick_wire::zone_file::read_zone_file;

use crate::authority::now;
use crate::fuzzing::refusal::{No, check_text};
use crate::fuzzing::{Shape, Target};

const ID: u16 = 4_711;
const WORDS: [&str; 6] = [
    "\x03www\x04shop\x07example\0",
    "\0\x06\0\x01",
    "\0\x01\0\x01",
    "\u{c0}\x0c",
    "\x3f",
    "\0\x29",
];

fn zone() -> ZoneName {
    ZoneName::parse("shop.example").unwrap()
}

fn fields(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|field| field.to_be_bytes()).collect()
}

const APEX: &[u8] = b"\x04shop\x07example\0";

fn record(owner: &[u8], kind: u16, rdata: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rdata.len()).unwrap();
    [owner, &fields(&[kind, 1, 0, 300, length]), rdata].concat()
}

fn soa(serial: u8) -> Vec<u8> {
    let rdata = [&b"\x02ns\xc0\x0c\x03dns\xc0\x0c\0\0\0"[..], &[serial], &[0; 16]].concat();
    record(b"\xc0\x0c", 6, &rdata)
}

fn reply(
    flags: u16,
    kind: u16,
    name: &[u8],
    answers: &[Vec<u8>],
    authority: &[Vec<u8>],
) -> Vec<u8> {
    let count = |all: &[Vec<u8>]| u16::try_from(all.len()).unwrap();
    let header = fields(&[ID, flags, 1, count(answers), count(authority), 0]);
    [header, name.to_vec(), fields(&[kind, 1]), answers.concat(), authority.concat()].concat()
}

/// A set is told only by a server that answers for the zone, and is what its text says.
#[test]
fn fuzz_dns_set() {
    let mx = RecordType::MX;
    let name = WireName::from(&DnsName::parse("shop.example").unwrap());
    let query = Query::to_authority(ID, name.clone(), mx.number());
    let answers = [
        record(b"\xc0\x0c", 15, b"\0\x0a\x04mail\xc0\x0c"),
        record(b"\xc0\x0c", 15, b"\0\x14\xc0\x0c"),
    ];
    let seeds = [reply(0x8400, 15, APEX, &answers, &[]), reply(0x8403, 15, APEX, &[], &[soa(1)])];
    Target::new("fuzz_dns_set", Shape::Octets).seeds(seeds).words(WORDS).run(
        |octets| match read_set(octets, &query, &name) {
            SetReply::NotOurs => Err(No.into()),
            SetReply::Truncated => Ok(()),
            SetReply::Failed(failure) => {
                check_text(&failure.to_string());
                Ok(())
            }
            SetReply::Shown(set) => {
                for rdata in set.iter().flat_map(|set| set.rdata()) {
                    let text = rdata_text(mx, rdata);
                    check_text(&text);
                    let root = WireName::default();
                    assert_eq!(read_rdata(mx, &text, Origin::Appended(&root)).as_ref(), Ok(rdata));
                }
                Ok(())
            }
        },
    );
}

/// Whatever comes as a transfer is bounded, and what is taken holds the zone's records only.
#[test]
fn fuzz_dns_transfer() {
    let www = record(b"\x03www\xc0\x0c", 1, &[192, 0, 2, 1]);
    let whole = [soa(9), www.clone(), soa(9)];
    let steps = [soa(9), soa(7), www.clone(), soa(8), www.clone(), soa(8), www, soa(9), soa(9)];
    let seeds = [
        reply(0x8400, 252, APEX, &whole, &[]),
        reply(0x8400, 251, APEX, &steps, &[]),
        reply(0x8400, 251, APEX, &[soa(7)], &[]),
    ];
    Target::new("fuzz_dns_transfer", Shape::Octets).seeds(seeds).words(WORDS).run(|octets| {
        let query = TransferQuery::new(&zone(), Some(SoaSerial::of(7)));
        let mut reader = TransferReader::new(query, ID, TransferBounds::default());
        let came = reader.read(octets)?;
        came.map(|_| ()).ok_or_else(|| No.into())
    });
}

/// Nothing without the key's signature is taken where there is a key.
#[test]
fn fuzz_dns_signed_transfer() {
    let key = TsigKey::new(&DnsName::parse("key.shop.example").unwrap(), &[7; 32]).unwrap();
    let sent = key.sign(&TransferQuery::new(&zone(), None).octets(ID), now());
    let refusal = fields(&[ID, 0x8005, 0, 0, 0, 0]);
    let whole = reply(0x8400, 252, APEX, &[soa(9), soa(9)], &[]);
    Target::new("fuzz_dns_signed_transfer", Shape::Octets)
        .seeds([refusal])
        .refused([whole, vec![0xff; 12]])
        .words(WORDS)
        .run(|octets| {
            let covered = SignedAnswers::new(&key, &sent).check(octets)?;
            assert_eq!(covered, bailiwick_wire::dns::Covered::NotYet, "a forged signature");
            Ok(())
        });
}

/// A NOTIFY is answered with its own question and nothing else.
#[test]
fn fuzz_dns_notify() {
    let seeds = [reply(0x2400, 6, APEX, &[soa(9)], &[]), reply(0x2000, 6, APEX, &[], &[])];
    Target::new("fuzz_dns_notify", Shape::Octets).seeds(seeds).words(WORDS).run(|octets| {
        let notify = Notify::read(octets).ok_or(No)?;
        check_text(&notify.zone());
        let answer = notify.answer(NotifyAnswer::Refused);
        assert!(answer.len() <= octets.len().max(17), "an answer larger than the question");
        assert!(Notify::read(&answer).is_none(), "an answer that asks again");
        Ok(())
    });
}

/// A record that a person wrote is written back so that it reads the same.
#[test]
fn fuzz_record_text() {
    let seeds = [
        "www 300 IN A 192.0.2.1",
        "@ CAA 128 issue \"ca.example; accounturi=https://ca/1\"",
        "_443._tcp TLSA 3 1 1 00ff",
        "*.x 1h HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 ech=AAEC key700=\"a\\\"b\"",
        "t TXT \"a\\200\" b",
        "u TYPE65280 \\# 2 00ff",
    ];
    Target::new("fuzz_record_text", Shape::Text).seeds(seeds).run(|octets| {
        let text = core::str::from_utf8(octets).map_err(|_| No)?;
        let line = read_record(text, &zone())?;
        let spelled = rdata_text(line.kind, &line.rdata);
        let again = read_record(&format!("{}. {} {spelled}", line.owner, line.kind), &zone())?;
        assert_eq!((again.owner, again.kind, again.rdata), (line.owner, line.kind, line.rdata));
        Ok(())
    });
}

/// The names of a zone file lie in its zone, and are none below a delegation of it.
#[test]
fn fuzz_zone_names() {
    let seeds = [
        "$ORIGIN shop.example.\n$TTL 60\n@ IN SOA ns1 dns ( 7 ; serial\n 1 2 3 4 )\n NS ns1\nns1 A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.2\n*.a CNAME www\n",
        "@ 60 SOA ns1 dns 1 1 2 3 4\nwww.shop.example. 1h AAAA 2001:db8::1\n_dmarc TXT \"v=DMARC1; p=none\"\n@ MX 10 mail\n",
    ];
    let words = ["$INCLUDE x", "$GENERATE 1-9 a$ A 192.0.2.$", "(", ")", "\"", ";", "\\", "@"];
    Target::new("fuzz_zone_names", Shape::Text).seeds(seeds).words(words).run(|octets| {
        let text = core::str::from_utf8(octets).map_err(|_| No)?;
        let names = read_zone_file(text, Some(zone().apex()))?;
        for name in &names.names {
            assert!(name.base().is_at_or_below(&names.apex), "{name}");
        }
        Ok(())
    });
}

/// What a helper passes on is a name and a type, whatever else it was sent.
#[test]
fn fuzz_relayed_question() {
    let name = || WireName::from(&DnsName::parse("www.shop.example").unwrap());
    let seeds = [257, 6, 2, 43].map(|kind| Query::to_resolver(ID, name(), kind).octets());
    Target::new("fuzz_relayed_question", Shape::Octets).seeds(seeds).words(WORDS).run(|octets| {
        match Relayed::read(octets) {
            Relaying::Ask(question) => {
                let asked = question.with_id(1);
                assert!(asked.len() <= 300 && matches!(Relayed::read(&asked), Relaying::Ask(_)));
                assert_eq!(question.answer(asked, 1), None, "a question is no answer");
                Ok(())
            }
            Relaying::Refuse(answer) => {
                assert!(answer.len() <= 300);
                Err(No.into())
            }
            Relaying::NoQuestion => Err(No.into()),
        }
    });
}

/// A zone file that is read can be given its next serial, and nothing else moves.
#[test]
fn fuzz_zone_file() {
    let seeds = [
        "$TTL 60\n@ IN SOA ns1 dns ( 7 ; serial\n 1 2 3 4 )\n NS ns1\nns1 A 192.0.2.1 ; here\na\\ b TXT \"x;y\" ( z\n )\n",
        "$ORIGIN shop.example.\n@ 60 SOA ns1 dns 4294967295 1 2 3 4\nwww.shop.example. 1h A 192.0.2.1",
    ];
    Target::new("fuzz_zone_file", Shape::Text).seeds(seeds).run(|octets| {
        let text = core::str::from_utf8(octets).map_err(|_| No)?;
        let file = ZoneFile::read(text, &zone())?;
        let edited = file.edited(&[])?;
        let (old, new) = (file.snapshot(), ZoneFile::read(&edited, &zone())?.snapshot());
        assert_eq!(new.serial(), old.serial().next());
        assert_eq!(new.sets(), old.sets());
        Ok(())
    });
}
