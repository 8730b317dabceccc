//! Signed updates on BIND.

use std::io::Write as _;
use std::sync::Arc;

use bailiwick_connect::zones::{
    Authorities, Happened, How, NotApplied, Refused, UpdateDoor, UpdatePlace, ZoneDoor,
};
use bailiwick_core::records::{RecordEdit, RecordType};
use bailiwick_wire::dns::{NotSigned, TsigKey};
use base64::Engine as _;

use super::contract::{
    CAUSE, RECORDS, Stage, ZONE, client, edit, keeps_the_contract, name, owner, set, zone,
};
use crate::harness::bind::Bind;
use crate::harness::place::Folder;
use crate::harness::process::{self, Piped, Server};
use crate::harness::programs;
use crate::harness::zone::Zone;

fn bind() -> Bind {
    Bind::start(&[Zone::new(ZONE, RECORDS).updatable()])
}

fn key(bind: &Bind) -> TsigKey {
    let secret = base64::engine::general_purpose::STANDARD.decode(&bind.key().secret);
    TsigKey::new(&name(&bind.key().name), &secret.expect("base64")).expect("long enough")
}

fn door_with(bind: &Bind, key: TsigKey) -> UpdateDoor {
    let place = UpdatePlace { primary: bind.address(), key };
    UpdateDoor::new(&Authorities::new(client(), zone(), &[]), place)
}

fn add(bind: &Bind, line: &str) {
    let (owner, rest) = line.split_once(' ').expect("an owner and the rest");
    bind.update(ZONE, &format!("update add {owner}.{ZONE}. {rest}")).expect_success();
}

#[tokio::test(flavor = "multi_thread")]
async fn bind_keeps_the_contract() {
    let bind = bind();
    let door = Arc::new(door_with(&bind, key(&bind)));
    keeps_the_contract(&Stage {
        name: "bind",
        door,
        human: &|line| add(&bind, line),
        deploy: &|| {},
    })
    .await;
}

/// A server that signs the zone shows another SOA than the one that updates are compared with.
#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_bind_signs_is_written_into() {
    let bind = Bind::start(&[Zone::new(ZONE, RECORDS).updatable().signed()]);
    let door = door_with(&bind, key(&bind));
    let edits = [edit("new", RecordType::A, &[], &["192.0.2.7"])];
    let applied = door.apply(&edits, CAUSE).await.expect("it is written");
    assert_eq!(applied.how, How::Written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_whose_it_is_and_nothing_happened() {
    let bind = bind();
    let edits = [edit("new", RecordType::A, &[], &["192.0.2.7"])];
    let refusal = async |door: UpdateDoor| {
        let why = door.apply(&edits, CAUSE).await.expect_err("it is refused");
        assert_eq!(why.happened(), Happened::Nothing, "{why:?}");
        why
    };
    let wrong = TsigKey::new(&name(&bind.key().name), &[7; 32]).expect("long enough");
    let why = refusal(door_with(&bind, wrong)).await;
    let cause = NotSigned::BadSignature;
    assert!(
        matches!(&why, NotApplied::Refused(Refused::Signature { cause: it, .. }) if *it == cause)
    );
    assert!(why.to_string().contains("set-secret"), "{why}");
    let fixed = Bind::start(&[Zone::new(ZONE, RECORDS)]);
    let why = refusal(door_with(&fixed, key(&fixed))).await;
    assert!(matches!(&why, NotApplied::Refused(Refused::Code { .. })), "{why:?}");
    assert!(why.to_string().contains("update-policy"), "{why}");
    let elsewhere = Bind::start(&[Zone::new("other.example", "")]);
    let why = refusal(door_with(&elsewhere, key(&elsewhere))).await;
    assert!(matches!(&why, NotApplied::Refused(Refused::NotRead { .. })), "{why:?}");
    bind.fall_silent();
    let why = refusal(door_with(&bind, key(&bind))).await;
    assert!(matches!(&why, NotApplied::Refused(Refused::NotRead { .. })), "{why:?}");
    bind.speak_again();
    let standing = door_with(&bind, key(&bind)).standing(&owner("new"), RecordType::A).await;
    assert_eq!(standing, Ok(None));
}

/// A person at the server, with a hand that is never far from the keys.
struct Person {
    stdin: std::process::ChildStdin,
    _nsupdate: Server,
    _folder: Folder,
}

impl Person {
    fn at(bind: &Bind) -> Self {
        let folder = Folder::new("person");
        let key = bind.key();
        let mut command = process::server(&programs::find("nsupdate"));
        command.args(["-y", &format!("{}:{}:{}", key.algorithm, key.name, key.secret)]);
        let mut nsupdate =
            Server::start("nsupdate", command, &folder.file("nsupdate.log"), Piped::Both);
        let mut stdin = nsupdate.stdin();
        let port = bind.address().port();
        stdin
            .write_all(format!("server 127.0.0.1 {port}\nzone {ZONE}\n").as_bytes())
            .expect("sent");
        Self { stdin, _nsupdate: nsupdate, _folder: folder }
    }

    /// Puts one address in place of whatever is there, and does not look.
    fn writes(&mut self, ttl: u32, address: &str) {
        let www = format!("www.{ZONE}.");
        let text = format!("del {www} A\nadd {www} {ttl} A {address}\nsend\n");
        self.stdin.write_all(text.as_bytes()).expect("sent");
    }
}

/// Promise P13: a person edits the zone between our look and our write, five hundred times; what
/// they wrote is never overwritten, and we say what stands there.
#[tokio::test(flavor = "multi_thread")]
async fn p13_a_person_is_never_overwritten_in_500_races() {
    const RACES: u64 = 500;
    let bind = bind();
    let mut person = Person::at(&bind);
    let door = door_with(&bind, key(&bind));
    let a = RecordType::A;
    let (mut first, mut last) = (0, 0);
    // Whoever was late starts earlier the next time, so that it stays a race on any machine.
    let mut head_start: i64 = 0;
    let mut stands = set(300, a, &["192.0.2.1", "192.0.2.2"]);
    for race in 0..RACES {
        let ours = set(300, a, &[&format!("198.51.100.{}", race % 250)]);
        // Every other person alters the TTL alone, when the set is theirs.
        let round = u32::try_from(race).expect("small");
        let address = format!("203.0.113.{}", if race < 2 { 1 } else { race / 2 % 2 });
        let theirs = set(1_000 + round, a, &[&address]);
        let edit = RecordEdit::new(owner("www"), a, stands.clone(), ours.clone()).expect("an edit");
        let (we_wait, they_wait) = (head_start.max(0), (-head_start).max(0));
        let hand = async {
            tokio::time::sleep(std::time::Duration::from_micros(they_wait.unsigned_abs())).await;
            person.writes(1_000 + round, &address);
        };
        let edits = [edit];
        let ours_now = async {
            tokio::time::sleep(std::time::Duration::from_micros(we_wait.unsigned_abs())).await;
            door.apply(&edits, CAUSE).await
        };
        let (us, ()) = tokio::join!(ours_now, hand);
        match &us {
            Ok(_) | Err(NotApplied::Differs { .. }) => {
                first += 1;
                head_start = (head_start + 150).min(20_000);
            }
            Err(why) => {
                last += 1;
                head_start = (head_start - 150).max(-20_000);
                assert_eq!(why.happened(), Happened::Nothing, "race {race}: {why:?}");
            }
        }
        // Theirs comes to stand whatever we did: before us, and we leave it; or after us.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(3);
        loop {
            stands = door.standing(&owner("www"), a).await.expect("it is read");
            if stands == theirs {
                break;
            }
            assert!(std::time::Instant::now() < end, "race {race}: overwritten by {us:?}");
        }
    }
    assert!(first > 20 && last > 20, "not a race: {first} times first, {last} times last");
}
