//! DNS messages from servers that nobody trusts.

use aws_lc_rs::hmac;
use bailiwick_core::caa::{ALIASES_MAX, Alias, LookupAnswer, RECORDS_MAX};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::{self, OwnerName, RRset, RecordEdit};
use bailiwick_wire::dns::{
    A, Aaaa, Caa, Query, RecordKind, Reply, Speaker, TsigKey, Txt, Update, UpdateCode, WireName,
    read_reply, txt_rdata,
};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Asked, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{CNAME, NS, NULL, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::authority::now;
use crate::fuzzing::refusal::{No, check_text};
use crate::fuzzing::{Read, Shape, Target};

const ID: u16 = 4_711;

fn wire(text: &str) -> WireName {
    WireName::from(&DnsName::parse(text).unwrap())
}

fn ascii(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}

fn raw(owner: &str, code: RecordType, octets: &[u8]) -> Record {
    let rdata = NULL::with(octets.to_vec());
    Record::from_rdata(ascii(owner), 300, RData::Unknown { code, rdata })
}

/// Good replies to a question of this kind.
fn seeds(kind: RecordType, rdata: &[u8]) -> Vec<Vec<u8>> {
    let reply = |change: &dyn Fn(&mut Message)| {
        let mut message = Message::new(ID, MessageType::Response, OpCode::Query);
        message.add_query(Asked::query(ascii("www.shop.example"), kind));
        message.metadata.authoritative = true;
        message.set_edns(Edns::new());
        change(&mut message);
        message.to_vec().unwrap()
    };
    let soa = || {
        let soa = SOA::new(ascii("ns.shop.example"), ascii("dns.invalid"), 1, 2, 3, 4, 60);
        Record::from_rdata(ascii("shop.example"), 900, RData::SOA(soa))
    };
    let cname =
        |owner, target| Record::from_rdata(ascii(owner), 200, RData::CNAME(CNAME(ascii(target))));
    vec![
        reply(&|m| {
            m.add_answers([
                raw("www.shop.example", kind, rdata),
                raw("www.shop.example", kind, rdata),
            ]);
        }),
        reply(&|m| {
            m.add_answers([
                cname("www.shop.example", "a.shop.example"),
                cname("a.shop.example", "b.cdn.example"),
                raw("b.cdn.example", kind, rdata),
            ]);
        }),
        reply(&|m| {
            let dname = raw("shop.example", RecordType::DNAME, b"\x04shop\x03org\0");
            m.add_answers([dname, cname("www.shop.example", "www.shop.org")]);
        }),
        reply(&|m| {
            m.add_authority(soa());
        }),
        reply(&|m| {
            m.metadata.response_code = ResponseCode::NXDomain;
            m.metadata.authentic_data = true;
            m.add_authority(soa());
        }),
        reply(&|m| {
            m.metadata.authoritative = false;
            let ns = RData::NS(NS(ascii("ns.invalid")));
            m.add_authority(Record::from_rdata(ascii("www.shop.example"), 900, ns));
        }),
        reply(&|m| {
            m.metadata.response_code = ResponseCode::ServFail;
            let mut edns = Edns::new();
            edns.options_mut().insert(EdnsOption::Unknown(15, vec![0, 6, b'x']));
            m.set_edns(edns);
        }),
        reply(&|m| m.metadata.truncation = true),
    ]
}

fn check_aliases(aliases: &[Alias]) {
    assert!(aliases.len() <= ALIASES_MAX + 1);
    for alias in aliases {
        check_text(alias.from.as_str());
        check_text(alias.to.as_str());
    }
}

/// What any reply may be read as: bounded, printable, and from a zone's server about its zone only.
fn check<K: RecordKind>(octets: &[u8], zone: &WireName) -> Read {
    let query = Query::to_resolver(ID, wire("www.shop.example"), K::TYPE);
    let resolver = Speaker::Resolver { validates: true };
    let mut is_ours = false;
    for speaker in [resolver, Speaker::Resolver { validates: false }, Speaker::Authority { zone }] {
        let answer = match read_reply::<K>(octets, &query, speaker) {
            Reply::NotOurs => continue,
            Reply::Truncated => {
                is_ours = true;
                continue;
            }
            Reply::Follow(way) => {
                is_ours = true;
                check_aliases(&way.aliases);
                assert!(!way.aliases.is_empty());
                continue;
            }
            Reply::Answer(answer) => answer,
        };
        is_ours = true;
        match answer {
            LookupAnswer::Records(found) => {
                assert!((1..=RECORDS_MAX).contains(&found.records.len()));
                check_aliases(&found.aliases);
                let by_authority = matches!(speaker, Speaker::Authority { .. });
                let names = found.aliases.iter().map(|alias| alias.to.as_str());
                let inside = |name: &str| name == "shop.example" || name.ends_with(".shop.example");
                assert!(!by_authority || names.into_iter().all(inside), "spoke beyond its zone");
            }
            LookupAnswer::NoData(empty) | LookupAnswer::NxDomain(empty) => {
                check_aliases(&empty.aliases);
            }
            LookupAnswer::Delegated { cut } => check_text(cut.as_str()),
            LookupAnswer::Failed { failure, aliases } => {
                check_text(&failure.to_string());
                check_aliases(&aliases);
            }
        }
    }
    if is_ours { Ok(()) } else { Err(No.into()) }
}

/// Pointers, lengths and types that mean something.
const WORDS: [&str; 8] = [
    "\x01a\0",
    "\x03www\x04shop\x07example\0",
    "\0\x01\0\x01",
    "\0\x05\0\x01",
    "\0\x27\0\x01",
    "\0\x29",
    "\x3f",
    "\0\x06\0\x01",
];

/// Five thousand records, each with a name of a hundred and more labels behind two octets.
fn many_long_names() -> Vec<u8> {
    let name = [b"\x01a".repeat(126), vec![0]].concat();
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\0";
    let count = 5_000_u16;
    let header = [ID, 0x8180, 1, count, 0, 0].map(u16::to_be_bytes).concat();
    [header, name, b"\0\x01\0\x01".to_vec(), record.repeat(usize::from(count))].concat()
}

fn target(name: &'static str, kind: RecordType, rdata: &[u8]) -> Target {
    let target = Target::new(name, Shape::Octets).seeds(seeds(kind, rdata));
    target.refused([many_long_names(), vec![0xff; 12]]).words(WORDS)
}

#[test]
fn fuzz_dns_caa() {
    let rdata = b"\0\x05issueca.example; validationmethods=dns-01";
    let zone = wire("shop.example");
    target("fuzz_dns_caa", RecordType::CAA, rdata).run(|octets| check::<Caa>(octets, &zone));
}

#[test]
fn fuzz_dns_txt() {
    let zone = wire("shop.example");
    let target = target("fuzz_dns_txt", RecordType::TXT, b"\x03abc\0\x02de");
    target.run(|octets| check::<Txt>(octets, &zone));
}

#[test]
fn fuzz_dns_address() {
    let zone = wire("shop.example");
    let four = target("fuzz_dns_address", RecordType::A, &[192, 0, 2, 1]).one_in(2);
    four.run(|octets| check::<A>(octets, &zone));
    let six = target("fuzz_dns_address", RecordType::AAAA, &[0x20; 16]).one_in(2);
    six.run(|octets| check::<Aaaa>(octets, &zone));
}

/// An answer to a signed update, signed by hand with the same key (RFC 8945, section 5.3).
fn signed_answer(request: &[u8], secret: &[u8]) -> Vec<u8> {
    let name = b"\x03key\x04shop\x07example\0";
    let algorithm = b"\x0bhmac-sha256\0";
    let time = [0, 0, 0x69, 0xa6, 0xb4, 0x20, 0x01, 0x2c];
    let mac_of_request = &request[request.len() - 38..request.len() - 6];
    let header = |additional: u16| [ID, 0xa800, 0, 0, 0, additional].map(u16::to_be_bytes).concat();
    let covered = [
        &[0, 32][..],
        mac_of_request,
        &header(0),
        name,
        &[0, 255, 0, 0, 0, 0],
        algorithm,
        &time,
        &[0, 0, 0, 0],
    ];
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &covered.concat());
    let id = ID.to_be_bytes();
    let rdata = [algorithm, &time[..], &[0, 32], mac.as_ref(), &id, &[0, 0, 0, 0]].concat();
    let length = u16::try_from(rdata.len()).unwrap().to_be_bytes();
    let record = [&[0, 250, 0, 255, 0, 0, 0, 0][..], &length].concat();
    [header(1), name.to_vec(), record, rdata].concat()
}

/// Nothing but the server's own signed word says that an update is done.
#[test]
fn fuzz_dns_update_answer() {
    let secret = [7_u8; 32];
    let key = TsigKey::new(&DnsName::parse("key.shop.example").unwrap(), &secret).unwrap();
    let zone = ZoneName::parse("shop.example").unwrap();
    let owner = OwnerName::parse("_acme-challenge.shop.example").unwrap();
    let after = RRset::new(60, [txt_rdata(b"x")]);
    let edit = RecordEdit::new(owner, records::RecordType::TXT, None, after).unwrap();
    let sent = key.sign(&Update::of_edits(&zone, &[edit]).octets(ID).unwrap(), now());
    let done = signed_answer(&sent.octets, &secret);
    let forged = signed_answer(&sent.octets, &[8; 32]);
    let unsigned_refusal = [ID, 0xa805, 0, 0, 0, 0].map(u16::to_be_bytes).concat();
    let unsigned_done = [ID, 0xa800, 0, 0, 0, 0].map(u16::to_be_bytes).concat();
    Target::new("fuzz_dns_update_answer", Shape::Octets)
        .seeds([done.clone(), unsigned_refusal])
        .refused([forged, unsigned_done, many_long_names()])
        .words(WORDS)
        .run(|octets| {
            let code = key.read_answer(&sent, octets)?;
            check_text(&code.to_string());
            assert!(code != UpdateCode::Done || octets[..12] == done[..12], "a forged answer");
            Ok(())
        });
}
