//! What replies of all kinds are read as. hickory-proto writes them, and reads them as a second
//! opinion where it can.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::wildcard_enum_match_arm, reason = "hickory's types, not ours")]

use bailiwick_core::caa::{
    AliasKind, CaaRecord, Empty, Found, LookupAnswer, LookupFailure, Proof, RECORDS_MAX,
};
use bailiwick_core::names::DnsName;
use bailiwick_wire::dns::{Caa, Query, RecordKind, Reply, Speaker, WireName, read_reply};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Asked, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{CNAME, NS, NULL, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use proptest::prelude::*;

const ID: u16 = 4_711;
const RESOLVER: Speaker<'_> = Speaker::Resolver { validates: true };

fn wire(text: &str) -> WireName {
    WireName::from(&DnsName::parse(text).unwrap())
}

fn ascii(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}

fn raw(owner: &str, code: RecordType, octets: &[u8]) -> Record {
    if octets.is_empty() {
        return Record::from_rdata(ascii(owner), 300, RData::Update0(code));
    }
    let rdata = NULL::with(octets.to_vec());
    Record::from_rdata(ascii(owner), 300, RData::Unknown { code, rdata })
}

fn caa(owner: &str, value: &str) -> Record {
    raw(owner, RecordType::CAA, format!("\0\x05issue{value}").as_bytes())
}

fn cname(owner: &str, target: &str) -> Record {
    Record::from_rdata(ascii(owner), 200, RData::CNAME(CNAME(ascii(target))))
}

fn dname(owner: &str, target: &str) -> Record {
    let octets: Vec<u8> = target
        .split('.')
        .flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat())
        .chain([0])
        .collect();
    raw(owner, RecordType::DNAME, &octets)
}

fn soa(owner: &str) -> Record {
    let soa = SOA::new(ascii("ns.invalid"), ascii("dns.invalid"), 1, 2, 3, 4, 60);
    Record::from_rdata(ascii(owner), 900, RData::SOA(soa))
}

fn ns(owner: &str) -> Record {
    Record::from_rdata(ascii(owner), 900, RData::NS(NS(ascii("ns.invalid"))))
}

fn query() -> Query {
    Query::to_resolver(ID, wire("www.shop.example"), Caa::TYPE)
}

/// A good reply to [`query`], then changed.
fn reply(change: impl FnOnce(&mut Message)) -> Vec<u8> {
    let mut message = Message::new(ID, MessageType::Response, OpCode::Query);
    message.add_query(Asked::query(ascii("WWW.shop.example"), RecordType::CAA));
    message.metadata.authoritative = true;
    message.set_edns(Edns::new());
    change(&mut message);
    message.to_vec().unwrap()
}

fn read(speaker: Speaker<'_>, change: impl FnOnce(&mut Message)) -> Reply<CaaRecord> {
    read_reply::<Caa>(&reply(change), &query(), speaker)
}

fn failed(failure: LookupFailure) -> Reply<CaaRecord> {
    Reply::Answer(LookupAnswer::Failed { failure, aliases: Vec::new() })
}

fn failure(reply: &Reply<CaaRecord>) -> Option<LookupFailure> {
    match reply {
        Reply::Answer(LookupAnswer::Failed { failure, .. }) => Some(*failure),
        _ => None,
    }
}

fn found(reply: &Reply<CaaRecord>) -> &Found<CaaRecord> {
    match reply {
        Reply::Answer(LookupAnswer::Records(found)) => found,
        other => panic!("no set: {other:?}"),
    }
}

fn empty(ttl_seconds: Option<u32>, proof: Proof) -> Empty {
    Empty { ttl_seconds, proof, aliases: Vec::new() }
}

#[test]
fn a_question_is_what_hickory_reads() {
    let message = Message::from_vec(&query().octets()).unwrap();
    assert_eq!(message.metadata.id, ID);
    assert!(message.metadata.recursion_desired && message.metadata.authentic_data);
    assert!(!message.metadata.checking_disabled);
    assert_eq!(message.queries, [Asked::query(ascii("www.shop.example"), RecordType::CAA)]);
    let edns = message.edns.unwrap();
    assert!(edns.flags().dnssec_ok && edns.max_payload() == 1_232 && edns.version() == 0);
    let plain = Query::to_authority(ID, wire("shop.example"), Caa::TYPE).octets();
    let message = Message::from_vec(&plain).unwrap();
    assert!(!message.metadata.recursion_desired && !message.edns.unwrap().flags().dnssec_ok);
}

#[test]
fn a_set_is_read_with_its_lowest_ttl_and_its_proof() {
    let set = |m: &mut Message| {
        let mut short = caa("www.SHOP.example", ";");
        short.ttl = 20;
        m.add_answers([caa("www.shop.example", "ca.example"), short]);
        m.add_answer(caa("other.example", "stray.example"));
    };
    let plain = read(RESOLVER, set);
    assert_eq!((found(&plain).ttl_seconds, found(&plain).proof), (20, Proof::Insecure));
    let values: Vec<&[u8]> = found(&plain).records.iter().map(|r| r.value.as_slice()).collect();
    assert_eq!(values, [&b"ca.example"[..], b";"]);
    let secure = |m: &mut Message| {
        set(m);
        m.metadata.authentic_data = true;
    };
    assert_eq!(found(&read(RESOLVER, secure)).proof, Proof::Secure);
    let unvalidated = read(Speaker::Resolver { validates: false }, secure);
    assert_eq!(found(&unvalidated).proof, Proof::Indeterminate);
}

#[test]
fn an_absurd_ttl_counts_as_zero() {
    let read = read(RESOLVER, |m| {
        let mut record = caa("www.shop.example", ";");
        record.ttl = 0x8000_0000;
        m.add_answer(record);
    });
    assert_eq!(found(&read).ttl_seconds, 0);
}

#[test]
fn only_an_answer_to_the_question_counts() {
    let ours = [
        read(RESOLVER, |m| m.metadata.id = ID + 1),
        read(RESOLVER, |m| m.metadata.message_type = MessageType::Query),
        read(RESOLVER, |m| m.metadata.op_code = OpCode::Notify),
        read(RESOLVER, |m| m.queries.clear()),
        read(RESOLVER, |m| m.queries = vec![Asked::query(ascii("shop.example"), RecordType::CAA)]),
        read(RESOLVER, |m| {
            m.queries = vec![Asked::query(ascii("www.shop.example"), RecordType::TXT)];
        }),
        read(RESOLVER, |m| {
            m.add_query(Asked::query(ascii("www.shop.example"), RecordType::CAA));
        }),
        read(RESOLVER, |m| {
            m.queries[0].set_query_class(DNSClass::CH);
        }),
        read_reply::<Caa>(b"", &query(), RESOLVER),
    ];
    for (i, reply) in ours.iter().enumerate() {
        assert_eq!(*reply, Reply::NotOurs, "{i}");
    }
    let refused = read(RESOLVER, |m| {
        m.queries.clear();
        m.metadata.response_code = ResponseCode::Refused;
    });
    assert_eq!(refused, failed(LookupFailure::Refused));
}

#[test]
fn response_codes_are_no_answers() {
    let coded = |code, error: Option<u16>| {
        read(RESOLVER, |m| {
            m.metadata.response_code = code;
            let mut edns = Edns::new();
            if let Some(error) = error {
                let octets = error.to_be_bytes().to_vec();
                edns.options_mut().insert(EdnsOption::Unknown(15, octets));
            }
            m.set_edns(edns);
            m.add_answer(caa("www.shop.example", "ca.example"));
        })
    };
    for (code, error, expected) in [
        (ResponseCode::ServFail, None, LookupFailure::ServFail),
        (ResponseCode::ServFail, Some(22), LookupFailure::ServFail),
        (ResponseCode::ServFail, Some(6), LookupFailure::Bogus),
        (ResponseCode::ServFail, Some(9), LookupFailure::Bogus),
        (ResponseCode::Refused, None, LookupFailure::Refused),
        (ResponseCode::NotImp, None, LookupFailure::NotImp),
        (ResponseCode::FormErr, None, LookupFailure::FormErr),
        (ResponseCode::YXDomain, None, LookupFailure::AliasTooLong),
        (ResponseCode::BADVERS, None, LookupFailure::OtherCode(16)),
        (ResponseCode::NotZone, None, LookupFailure::OtherCode(10)),
        // A name that does not exist cannot have records.
        (ResponseCode::NXDomain, None, LookupFailure::Malformed),
    ] {
        assert_eq!(coded(code, error), failed(expected), "{code:?}");
    }
    let cut = read(RESOLVER, |m| m.metadata.truncation = true);
    assert_eq!(cut, Reply::Truncated);
}

#[test]
fn a_record_that_cannot_be_read_is_never_skipped() {
    for octets in [&b""[..], b"\0", b"\0\0", b"\0\x09issue"] {
        let bad = read(RESOLVER, |m| {
            m.add_answer(caa("www.shop.example", "ca.example"));
            m.add_answer(raw("www.shop.example", RecordType::CAA, octets));
        });
        assert_eq!(bad, failed(LookupFailure::BadRecord), "{octets:?}");
    }
    let chaos = read(RESOLVER, |m| {
        let mut record = caa("www.shop.example", "ca.example");
        record.dns_class = DNSClass::CH;
        m.add_answer(record);
    });
    assert_eq!(chaos, failed(LookupFailure::Malformed));
    let beside_alias = read(RESOLVER, |m| {
        m.add_answer(caa("www.shop.example", "ca.example"));
        m.add_answer(cname("www.shop.example", "x.example"));
    });
    assert_eq!(beside_alias, failed(LookupFailure::Malformed));
}

#[test]
fn a_message_full_of_records_is_bounded() {
    let one = [&b"\xc0\x0c\x01\x01\0\x01\0\0\0\x05\0\x03\0\x01i"[..]];
    let of = |count: usize| {
        let question = query().octets()[12..12 + 22].to_vec();
        let counted = u16::try_from(count).unwrap();
        let header: Vec<u8> =
            [ID, 0x8180, 1, counted, 0, 0].iter().flat_map(|f| f.to_be_bytes()).collect();
        let octets = [header, question, one.repeat(count).concat()].concat();
        assert!(octets.len() <= 65_535);
        read_reply::<Caa>(&octets, &query(), RESOLVER)
    };
    assert_eq!(found(&of(RECORDS_MAX)).records.len(), RECORDS_MAX);
    let many = of(RECORDS_MAX + 1);
    assert_eq!(many, failed(LookupFailure::TooManyRecords));
}

#[test]
fn empty_answers_of_a_resolver() {
    let no_data = read(RESOLVER, |m| {
        m.add_authority(soa("shop.example"));
        m.metadata.authentic_data = true;
    });
    let expected = empty(Some(60), Proof::Secure);
    assert_eq!(no_data, Reply::Answer(LookupAnswer::NoData(expected)));
    let bare = read(RESOLVER, |_| {});
    assert_eq!(bare, Reply::Answer(LookupAnswer::NoData(empty(None, Proof::Insecure))));
    let missing = read(RESOLVER, |m| {
        m.metadata.response_code = ResponseCode::NXDomain;
        m.add_authority(soa("example"));
    });
    let expected = empty(Some(60), Proof::Insecure);
    assert_eq!(missing, Reply::Answer(LookupAnswer::NxDomain(expected)));
    let referral = read(RESOLVER, |m| {
        m.add_authority(ns("shop.example"));
    });
    assert_eq!(referral, failed(LookupFailure::Referral));
}

#[test]
fn aliases_are_followed_inside_the_reply() {
    let chain = read(RESOLVER, |m| {
        m.add_answers([
            cname("a.example", "b.example"),
            cname("www.shop.example", "a.example"),
            caa("b.example", "ca.example"),
        ]);
    });
    let hops: Vec<_> = found(&chain).aliases.iter().map(|a| a.to.as_str()).collect();
    assert_eq!(hops, ["a.example", "b.example"]);
    assert_eq!(found(&chain).ttl_seconds, 200);
    for with_cname in [true, false] {
        let redirected = read(RESOLVER, |m| {
            m.add_answer(dname("shop.example", "saas.example"));
            if with_cname {
                m.add_answer(cname("www.shop.example", "www.saas.example"));
            }
            m.add_answer(caa("www.saas.example", "ca.example"));
        });
        assert_eq!(found(&redirected).aliases[0].by, AliasKind::Dname);
    }
    let lie = read(RESOLVER, |m| {
        m.add_answer(dname("shop.example", "saas.example"));
        m.add_answer(cname("www.shop.example", "elsewhere.example"));
    });
    assert_eq!(lie, failed(LookupFailure::Malformed));
    let own_owner = read(RESOLVER, |m| {
        m.add_answer(dname("www.shop.example", "saas.example"));
        m.add_answer(caa("saas.example", "ca.example"));
        m.add_authority(soa("shop.example"));
    });
    assert_eq!(own_owner, Reply::Answer(LookupAnswer::NoData(empty(Some(60), Proof::Insecure))));
    let two_ways = read(RESOLVER, |m| {
        m.add_answer(cname("www.shop.example", "a.example"));
        m.add_answer(cname("www.shop.example", "b.example"));
    });
    assert_eq!(two_ways, failed(LookupFailure::Malformed));
}

#[test]
fn alias_chains_end() {
    let circle = read(RESOLVER, |m| {
        m.add_answer(cname("www.shop.example", "a.example"));
        m.add_answer(cname("a.example", "www.shop.example"));
    });
    assert_eq!(failure(&circle), Some(LookupFailure::AliasLoop));
    let chain = |links: usize| {
        read(RESOLVER, |m| {
            m.add_answer(cname("www.shop.example", "c0.example"));
            for link in 1..links {
                let (from, to) = (format!("c{}.example", link - 1), format!("c{link}.example"));
                m.add_answer(cname(&from, &to));
            }
            m.add_answer(caa(&format!("c{}.example", links - 1), "ca.example"));
        })
    };
    assert_eq!(found(&chain(16)).aliases.len(), 16);
    assert_eq!(failure(&chain(17)), Some(LookupFailure::TooManyAliases));
    let too_long = read(RESOLVER, |m| {
        let [long, rest] = ["x".repeat(63), "x".repeat(58)];
        m.add_answer(dname("shop.example", &[&*long, &*long, &*long, &*rest].join(".")));
    });
    assert_eq!(failure(&too_long), Some(LookupFailure::AliasTooLong));
}

#[test]
fn an_open_end_is_asked_on_and_not_taken_for_empty() {
    let open = read(RESOLVER, |m| {
        m.add_answer(cname("www.shop.example", "a.example"));
    });
    let Reply::Follow(way) = open else { panic!("{open:?}") };
    assert_eq!((way.target, way.ttl_seconds), (wire("a.example"), 200));
    let dangling = read(RESOLVER, |m| {
        m.add_answer(cname("www.shop.example", "a.example"));
        m.metadata.response_code = ResponseCode::NXDomain;
        m.add_authority(soa("example"));
    });
    assert!(matches!(dangling, Reply::Answer(LookupAnswer::NxDomain(_))));
}

#[test]
fn a_server_speaks_for_its_own_zone_only() {
    let zone = wire("shop.example");
    let server = Speaker::Authority { zone: &zone };
    let read = |change: &dyn Fn(&mut Message)| read(server, change);

    let outside = read(&|m| {
        m.add_answer(cname("www.shop.example", "a.example"));
        m.add_answer(caa("a.example", "ca.example"));
    });
    let Reply::Follow(way) = outside else { panic!("{outside:?}") };
    assert_eq!(way.target, wire("a.example"));

    let inside = read(&|m| {
        m.add_answer(caa("www.shop.example", "ca.example"));
    });
    assert_eq!(found(&inside).proof, Proof::Indeterminate);

    let lame = read(&|m| {
        m.add_answer(caa("www.shop.example", "ca.example"));
        m.metadata.authoritative = false;
    });
    assert_eq!(lame, failed(LookupFailure::NotAuthoritative));
    let upward = read(&|m| {
        m.add_authority(ns("example"));
        m.metadata.authoritative = false;
    });
    assert_eq!(upward, failed(LookupFailure::NotAuthoritative));
    let cut = read(&|m| {
        m.add_authority(ns("www.shop.example"));
        m.metadata.authoritative = false;
    });
    assert!(matches!(cut, Reply::Answer(LookupAnswer::Delegated { .. })), "{cut:?}");

    let proved = read(&|m| {
        m.add_authority(soa("shop.example"));
    });
    assert!(matches!(proved, Reply::Answer(LookupAnswer::NoData(_))));
    for unproved in [
        read(&|_| {}),
        read(&|m| {
            m.add_authority(soa("example"));
        }),
    ] {
        assert_eq!(unproved, failed(LookupFailure::Malformed));
    }
    let elsewhere = Speaker::Authority { zone: &wire("other.example") };
    let asked_outside = read_reply::<Caa>(&reply(|_| {}), &query(), elsewhere);
    assert_eq!(asked_outside, failed(LookupFailure::NotAuthoritative));
}

#[test]
fn hickory_is_stricter_on_tags_and_refuses_whole_messages() {
    // Why CAA is read by hand: the same reply, one reader gives the set, the other nothing.
    let long_tag = b"\0\x19caatestsuitedummypropertytest";
    let octets = reply(|m| {
        m.add_answer(raw("www.shop.example", RecordType::CAA, long_tag));
    });
    assert!(Message::from_vec(&octets).is_err());
    let ours = read_reply::<Caa>(&octets, &query(), RESOLVER);
    assert_eq!(found(&ours).records[0].tag, b"caatestsuitedummyproperty");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_see_the_same_records(
        records in prop::collection::vec(
            (any::<u8>(), "[a-zA-Z0-9]{1,15}", prop::collection::vec(any::<u8>(), 0..300)), 1..20),
    ) {
        let octets = reply(|m| {
            for (flags, tag, value) in &records {
                let head = [*flags, u8::try_from(tag.len()).unwrap()];
                let rdata = [&head, tag.as_bytes(), value].concat();
                m.add_answer(raw("www.shop.example", RecordType::CAA, &rdata));
            }
        });
        let hickory: Vec<CaaRecord> = Message::from_vec(&octets).unwrap().answers.iter().map(|r| {
            match &r.data {
                RData::CAA(caa) => CaaRecord {
                    flags: caa.flags(),
                    tag: caa.tag.as_bytes().to_vec(),
                    value: caa.value.clone(),
                },
                other => panic!("{other:?}"),
            }
        }).collect();
        let ours = read_reply::<Caa>(&octets, &query(), RESOLVER);
        prop_assert_eq!(&found(&ours).records, &hickory);
    }

    #[test]
    fn any_octets_are_read_without_harm(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(read_reply::<Caa>(&octets, &query(), RESOLVER), Reply::NotOurs);
    }

    /// One octet wrong, or the end missing: no panic, no record out of nothing.
    #[test]
    fn damaged_replies_are_read_without_harm(
        at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = reply(|m| {
            m.add_answer(cname("www.shop.example", "a.example"));
            m.add_answer(caa("a.example", "ca.example; accounturi=https://ca.example/1"));
            m.add_authority(soa("example"));
        });
        let whole = octets.len();
        let at = at.index(whole);
        octets[at] = octet;
        if let Reply::Answer(LookupAnswer::Records(found)) =
            read_reply::<Caa>(&octets, &query(), RESOLVER)
        {
            prop_assert_eq!((found.records.len(), found.aliases.len()), (1, 1));
        }
        // A reply that was cut short is never read as an answer.
        let short = cut.index(whole);
        octets.truncate(short);
        let cut_short = read_reply::<Caa>(&octets, &query(), RESOLVER);
        prop_assert!(
            !matches!(cut_short, Reply::Answer(LookupAnswer::Records(_))),
            "{} of {} octets: {:?}", short, whole, cut_short
        );
    }
}
