//! Writing into a real zone: exactly one record comes or goes, whoever else writes there.

use std::net::SocketAddr;
use std::sync::Arc;

use bailiwick_connect::dns::{
    ChallengeRecords as _, DnsClient, Limits, NotWritten, ZoneWriter, random_ids,
};
use bailiwick_connect::zones::{Authorities, UpdateDoor, UpdatePlace};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::time::Time;
use bailiwick_wire::dns::{NotSigned, TsigKey, UpdateCode};
use base64::Engine as _;

use crate::harness::bind::Bind;
use crate::harness::dig;
use crate::harness::zone::Zone;

const OWNER: &str = "_acme-challenge.www.shop.example";
const RECORDS: &str = "www IN A 127.0.0.1\n_acme-challenge.www IN TXT \"of somebody else\"\n\
    alias IN CNAME www\n";

fn bind() -> Bind {
    Bind::start(&[Zone::new("shop.example", RECORDS).updatable()])
}

fn name(text: &str) -> DnsName {
    DnsName::parse(text).expect("a name")
}

fn secret(bind: &Bind) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(&bind.key().secret).expect("base64")
}

fn clock() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Time::from_unix_seconds(i64::try_from(since.expect("after 1970").as_secs()).expect("in range"))
}

fn writer_with(bind: &Bind, key: &str, secret: &[u8], others: &[SocketAddr]) -> ZoneWriter {
    let dns = DnsClient::new(Limits::default(), clock, random_ids);
    let zone = ZoneName::parse("shop.example").expect("a zone");
    let key = TsigKey::new(&name(key), secret).expect("long enough");
    through(dns, bind, zone, others, key)
}

fn through(
    dns: DnsClient,
    bind: &Bind,
    zone: ZoneName,
    others: &[SocketAddr],
    key: TsigKey,
) -> ZoneWriter {
    let servers = [&[bind.address()], others].concat();
    let authorities = Authorities::new(dns.clone(), zone, &servers);
    let place = UpdatePlace { primary: bind.address(), key };
    ZoneWriter::new(dns, Arc::new(UpdateDoor::new(&authorities, place)))
}

fn writer(bind: &Bind) -> ZoneWriter {
    writer_with(bind, &bind.key().name, &secret(bind), &[])
}

fn texts(bind: &Bind, owner: &str) -> Vec<String> {
    let answer = dig::ask(bind.address(), owner, "TXT").expect("an answer");
    let mut all: Vec<String> = answer.data("TXT").iter().map(ToString::to_string).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_record_comes_and_goes() {
    let bind = bind();
    let writer = writer(&bind);
    let owner = name(OWNER);
    for _ in 0..2 {
        writer.place(&owner, "ours").await.expect("it is placed, and placed once");
        assert_eq!(texts(&bind, OWNER), ["\"of somebody else\"", "\"ours\""]);
    }
    assert_eq!(writer.waiting_for(&owner, "ours").await, []);
    for _ in 0..2 {
        writer.clear(&owner, "ours").await.expect("it is taken away, and not missed");
        assert_eq!(texts(&bind, OWNER), ["\"of somebody else\""]);
    }
    let fresh = "_acme-challenge.new.shop.example";
    let long = "x".repeat(300);
    writer.place(&name(fresh), &long).await.expect("a name that was not there");
    assert_eq!(texts(&bind, fresh).len(), 1);
    writer.clear(&name(fresh), &long).await.expect("gone again");
    assert_eq!(texts(&bind, fresh), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_name_do_not_take_each_others_records() {
    let bind = bind();
    let (one, other) = (writer(&bind), writer(&bind));
    let owner = name(OWNER);
    for round in 0..10 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        let (first, second) = tokio::join!(one.place(&owner, &a), other.place(&owner, &b));
        first.expect("the first");
        second.expect("the second");
        assert_eq!(texts(&bind, OWNER).len(), 3, "round {round}");
        let (first, second) = tokio::join!(one.clear(&owner, &a), other.clear(&owner, &b));
        first.expect("the first");
        second.expect("the second");
        assert_eq!(texts(&bind, OWNER), ["\"of somebody else\""], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_to_do() {
    let bind = bind();
    let refused = |code: &NotWritten, word: &str| {
        let text = code.to_string();
        assert!(text.contains(word), "`{word}` is not in: {text}");
        assert!(!text.contains(&bind.key().secret), "the secret is in: {text}");
    };
    let wrong = writer_with(&bind, &bind.key().name, &[7; 32], &[]);
    let why = wrong.place(&name(OWNER), "x").await.expect_err("another secret");
    assert!(matches!(why, NotWritten::Signature { cause: NotSigned::BadSignature, .. }), "{why:?}");
    refused(&why, "set-secret");
    let strange = writer_with(&bind, "strange-key", &secret(&bind), &[]);
    let why = strange.place(&name(OWNER), "x").await.expect_err("an unknown key");
    assert!(matches!(why, NotWritten::Signature { cause: NotSigned::BadKey, .. }), "{why:?}");
    refused(&why, "compare the connector's `key`");
    let why = writer(&bind).place(&name("www.else.example"), "x").await.expect_err("outside");
    assert!(matches!(why, NotWritten::Outside { .. }), "{why:?}");
    // BIND says done and does nothing where a CNAME stands.
    let why = writer(&bind).place(&name("alias.shop.example"), "x").await.expect_err("an alias");
    refused(&why, "CNAME");
    assert_eq!(texts(&bind, OWNER), ["\"of somebody else\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_takes_no_updates_refuses() {
    let bind = Bind::start(&[Zone::new("shop.example", RECORDS)]);
    let why = writer(&bind).place(&name(OWNER), "x").await.expect_err("no updates here");
    assert!(matches!(why, NotWritten::Refused { code: UpdateCode::Refused, .. }), "{why:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_server_of_the_zone_is_asked_whether_it_shows_the_record() {
    let bind = bind();
    let late = Bind::start(&[Zone::new("shop.example", RECORDS)]);
    let writer = writer_with(&bind, &bind.key().name, &secret(&bind), &[late.address()]);
    writer.place(&name(OWNER), "ours").await.expect("the primary takes it");
    assert_eq!(writer.waiting_for(&name(OWNER), "ours").await, [late.address()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_an_answer_is_not_known() {
    let bind = bind();
    let limits = Limits {
        try_timeout: std::time::Duration::from_millis(300),
        tries: 1,
        ..Limits::default()
    };
    let dns = DnsClient::new(limits, clock, random_ids);
    let zone = ZoneName::parse("shop.example").expect("a zone");
    let key = TsigKey::new(&name(&bind.key().name), &secret(&bind)).expect("long enough");
    let writer = through(dns, &bind, zone, &[], key);
    bind.fall_silent();
    let why = writer.place(&name(OWNER), "ours").await.expect_err("nobody answers");
    assert!(matches!(why, NotWritten::NotRead { .. }), "{why:?}");
    bind.speak_again();
    writer.place(&name(OWNER), "ours").await.expect("it goes on");
}
