//! Zone transfers from real servers: whole, by steps, and what a NOTIFY brings about.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bailiwick_connect::zones::notify::{NotifyListener, Wakes};
use bailiwick_connect::zones::transfer::{
    NotTransferred, Read, TransferLimits, TransferSource, read_zone, transfer,
};
use bailiwick_core::records::{RecordType, SetChange, ZoneSnapshot};
use bailiwick_wire::dns::{BadTransfer, NotSigned, Notify, TransferBounds, Transferred, TsigKey};
use base64::Engine as _;
use tokio::sync::mpsc;

use super::contract::{RECORDS, ZONE, client, name, owner, zone};
use crate::harness::bind::{self, Bind};
use crate::harness::knot::Knot;
use crate::harness::zone::Zone;

fn key(key: &bind::TsigKey) -> TsigKey {
    let secret = base64::engine::general_purpose::STANDARD.decode(&key.secret).expect("base64");
    TsigKey::new(&name(&key.name), &secret).expect("long enough")
}

fn source(server: SocketAddr, with: &bind::TsigKey) -> TransferSource {
    TransferSource { server, key: Some(key(with)) }
}

async fn read(source: &TransferSource, held: Option<&ZoneSnapshot>) -> Read {
    let came = read_zone(&client(), &zone(), source, held, &TransferLimits::default()).await;
    came.unwrap_or_else(|why| panic!("{why}"))
}

async fn whole(source: &TransferSource) -> ZoneSnapshot {
    match read(source, None).await {
        Read::New(snapshot) => snapshot,
        Read::UpToDate(serial) => panic!("only {serial}"),
    }
}

/// Steps that a server tells lead to what it tells as a whole.
async fn steps_lead_to_the_whole(source: &TransferSource, update: &dyn Fn(&str)) {
    let first = whole(source).await;
    assert!(matches!(read(source, Some(&first)).await, Read::UpToDate(it) if it == first.serial()));
    update("update delete www.shop.example. A 192.0.2.1");
    update("update add new.shop.example. 300 TXT \"shadow\"\nupdate delete last.shop.example. TXT");
    update(
        "update delete mail.shop.example. MX\nupdate add mail.shop.example. 60 MX 10 www.shop.example.",
    );
    let since = Some(first.serial());
    let limits = TransferLimits::default();
    let steps = transfer(&client(), &zone(), source, since, &limits).await.expect("steps");
    assert!(matches!(&steps, Transferred::Steps(steps) if steps.len() == 3), "{steps:?}");
    let Read::New(stepped) = read(source, Some(&first)).await else { panic!("nothing new") };
    assert_eq!(stepped, whole(source).await);
    assert!(stepped.serial().is_after(first.serial()));
    let changes = first.differences(&stepped);
    let owners = changes.iter().map(|change| match change {
        SetChange::Edit(edit) => format!("{} {}", edit.owner(), edit.kind()),
        SetChange::Odd { owner, .. } => owner.clone(),
    });
    let expected = [
        "last.shop.example TXT",
        "mail.shop.example MX",
        "new.shop.example TXT",
        "www.shop.example A",
    ];
    assert_eq!(owners.collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_bind_and_knot_lead_to_the_whole_zone() {
    // More than what is altered, or a server sends the whole as the shorter.
    let more: String = (0..300).map(|it| format!("h{it} IN TXT \"{it}\"\n")).collect();
    let zones = [Zone::new(ZONE, &format!("{RECORDS}{more}")).updatable()];
    let bind = Bind::start(&zones);
    let update = |text: &str| drop(bind.update(ZONE, text).expect_success());
    steps_lead_to_the_whole(&source(bind.address(), bind.key()), &update).await;
    let knot = Knot::start(&zones);
    let update = |text: &str| drop(knot.update(ZONE, text).expect_success());
    steps_lead_to_the_whole(&source(knot.address(), knot.key()), &update).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_zone_comes_in_many_signed_messages_and_has_bounds() {
    let many: String = (0..20_000).map(|it| format!("h{it} IN TXT \"{it:>40}\"\n")).collect();
    let bind = Bind::start(&[Zone::new(ZONE, &many)]);
    let source = source(bind.address(), bind.key());
    let snapshot = whole(&source).await;
    assert_eq!(snapshot.sets().len(), 20_002);
    let set = snapshot.set(&owner("h19999"), RecordType::TXT).expect("the last one");
    assert_eq!(set.ttl_seconds(), 1);
    let bounds = TransferBounds { records_max: 10_000, ..TransferBounds::default() };
    let limits = TransferLimits { bounds, ..TransferLimits::default() };
    let why = transfer(&client(), &zone(), &source, None, &limits).await.expect_err("too much");
    assert!(matches!(why, NotTransferred::Bad { cause: BadTransfer::TooMuch, .. }), "{why:?}");
    let wrong = TransferSource {
        key: Some(TsigKey::new(&name("bailiwick-test"), &[7; 32]).expect("long enough")),
        ..source.clone()
    };
    let why = transfer(&client(), &zone(), &wrong, None, &limits).await.expect_err("a wrong key");
    let bad = NotSigned::BadSignature;
    assert!(matches!(why, NotTransferred::Signature { cause, .. } if cause == bad), "{why:?}");
    let none = TransferSource { key: None, ..source };
    let why = transfer(&client(), &zone(), &none, None, &limits).await.expect_err("no key");
    assert!(why.to_string().contains("allow-transfer"), "{why}");
}

/// Tells every NOTIFY of a known server.
struct Ears {
    heard: mpsc::UnboundedSender<String>,
}

impl Wakes for Ears {
    fn heard(&self, notify: &Notify, from: IpAddr) -> bool {
        let is_known = notify.is_about(&zone()) && from.is_loopback();
        if is_known {
            self.heard.send(notify.zone()).expect("somebody listens");
        }
        is_known
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_past_us_is_told_by_notify_and_read_at_once() {
    let at = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = NotifyListener::bind(at).await.expect("a port");
    let address = listener.address().expect("an address");
    let (heard, mut told) = mpsc::unbounded_channel();
    let ears = tokio::spawn(listener.run(Arc::new(Ears { heard })));
    let (bind, secondaries) =
        Bind::with_secondaries(&[Zone::new(ZONE, RECORDS).updatable()], 2, &[address]);
    // The secondaries are read like the primary: none of them needs to know us.
    let source = source(secondaries[1].address(), bind.key());
    let first = whole(&source).await;
    while tokio::time::timeout(Duration::from_millis(200), told.recv()).await.is_ok() {}
    bind.update(ZONE, "update add shadow.shop.example. 300 A 192.0.2.66").expect_success();
    let moment = Duration::from_secs(10);
    let zone = tokio::time::timeout(moment, told.recv()).await.expect("told in time");
    assert_eq!(zone.as_deref(), Some("shop.example."));
    for secondary in &secondaries {
        secondary.wait_for_serial(ZONE, bind.serial(ZONE));
    }
    let Read::New(now) = read(&source, Some(&first)).await else { panic!("nothing new") };
    assert_eq!(first.differences(&now).len(), 1);
    ears.abort();
}
