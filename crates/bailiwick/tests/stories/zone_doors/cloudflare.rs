//! The same contract at Cloudflare's API, simulated over a real name server; and what is its own.

use std::sync::Arc;

use bailiwick_connect::egress::{Target, Trust};
use bailiwick_connect::zones::{
    Authorities, CloudflareDoor, CloudflarePlace, Compared, Happened, How, ZoneDoor as _,
};
use bailiwick_core::records::RecordType;
use zeroize::Zeroizing;

use super::contract::{CAUSE, RECORDS, Stage, ZONE, client, edit, keeps_the_contract, owner, zone};
use super::others::web;
use crate::harness::cloudflare::{Cloudflare, TOKEN, ZONE_ID};

fn door(at: &Cloudflare, zone_id: &str, token: &str) -> CloudflareDoor {
    let place = CloudflarePlace {
        api: Target::parse(&at.url()).expect("a URL"),
        zone_id: zone_id.to_owned(),
        token: Zeroizing::new(format!("{token}\n")),
        trust: Trust::anybody().expect("TLS"),
    };
    CloudflareDoor::new(web(), Authorities::new(client(), zone(), &[at.server()]), place)
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_keeps_the_contract() {
    let api = Cloudflare::start(ZONE, RECORDS);
    let door = Arc::new(door(&api, ZONE_ID, TOKEN));
    assert_eq!(door.manner().compared, Compared::JustBefore, "it says that it cannot compare");
    let human = |line: &str| api.add(line);
    let stage = Stage { name: "cloudflare", door, human: &human, deploy: &|| {} };
    keeps_the_contract(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_says_what_is_wrong_and_nothing_is_lost() {
    let api = Cloudflare::start(ZONE, RECORDS);
    let ours = door(&api, ZONE_ID, TOKEN);
    let edits = [edit("new", RecordType::A, &[], &["192.0.2.7"])];
    let other = "fedcba9876543210fedcba9876543210";
    for (door, word) in
        [(door(&api, ZONE_ID, "another"), "set-secret"), (door(&api, other, TOKEN), "zone_id")]
    {
        let why = door.apply(&edits, CAUSE).await.expect_err(word);
        assert!(why.to_string().contains(word) && !why.to_string().contains("another"), "{why}");
        assert_eq!(why.happened(), Happened::Nothing);
    }
    // What the provider itself answers for is no set of the zone.
    api.proxies("www");
    let www = [edit("www", RecordType::A, &["192.0.2.1", "192.0.2.2"], &["192.0.2.3"])];
    let why = ours.apply(&www, CAUSE).await.expect_err("a proxy");
    assert!(why.to_string().contains("proxied"), "{why}");
    assert_eq!(why.happened(), Happened::Nothing);
    // Done, and nobody heard of it: read back, and not done twice.
    api.loses_answers(true);
    let applied = ours.apply(&edits, CAUSE).await.expect("it stands");
    assert_eq!(applied.how, How::AnswerLost);
    api.loses_answers(false);
    assert_eq!(ours.apply(&edits, CAUSE).await.expect("it stands").how, How::Already);
    let standing = ours.standing(&owner("new"), RecordType::A).await;
    assert_eq!(standing.expect("it is read").as_ref(), edits[0].after());
}
