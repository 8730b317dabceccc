//! The server killed with SIGKILL at random moments of a change (promise P2): exactly before, exactly
//! after, or with a named person within a minute; and no client is cut off in between.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::client::Client;
use super::scene::{Scene, Wanted};
use super::servers::Kind;
use crate::stories::kill9::dice::{Dice, times};

/// Kills in the short run; `cargo xtask campaign trust-change N` makes it more.
const KILLS: u64 = 5;
const SCALE: &str = "BAILIWICK_TRUST_KILLS";
/// From so many on they are shared among the three kinds of servers.
const SHARED_FROM: u64 = 30;
/// Kills are at most this far apart, in milliseconds: a change takes some seconds.
const APART_MS: u64 = 2_500;
/// Promise P2.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// What came of the kills on one kind of server.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    changes: u64,
    closed: u64,
    turned: u64,
    with_person: u64,
    slowest: Duration,
    handshakes: u64,
}

#[test]
fn trust_change_killed_at_random_moments_ends_before_or_after() {
    let all = times(SCALE, KILLS);
    let seed = Dice::seed();
    let kinds: &[Kind] =
        if all < SHARED_FROM { &[Kind::Bind] } else { &[Kind::Bind, Kind::Knot, Kind::PowerDns] };
    let parts = u64::try_from(kinds.len()).expect("few");
    let each = all.div_ceil(parts);
    std::thread::scope(|scope| {
        for (index, kind) in (0_u64..).zip(kinds) {
            let mut left = each.min(all.saturating_sub(index * each));
            scope.spawn(move || {
                let mut dice = Dice::new(seed.wrapping_add(index));
                let tally = killed(*kind, &mut dice, &mut left);
                let kills = tally.kills.saturating_sub(left);
                eprintln!("trust change on {kind:?}: {kills} kills, {tally:?}");
            });
        }
    });
}

type Stands = (BTreeMap<&'static str, Vec<String>>, Option<String>, Option<String>);

/// What all servers show, and what lies at both load balancers.
fn stands(scene: &Scene) -> Stands {
    (scene.records(), scene.file("lb1"), scene.file("lb2"))
}

fn killed(kind: Kind, dice: &mut Dice, left: &mut u64) -> Tally {
    let mut scene = Scene::start(kind);
    let mut tally = Tally { kills: *left, ..Tally::default() };
    let first = Wanted { issuer: "house", deploy: &["lb1"], at: None, retire: None };
    assert_eq!(scene.carried_out(&first)["state"], "closed", "{}", scene.log());
    let ways = [("house", "lb1", "127.0.0.1"), ("annex", "lb2", "127.0.0.2")];
    let at = BTreeMap::from([
        ([127, 0, 0, 1], scene.endpoint("lb1")),
        ([127, 0, 0, 2], scene.endpoint("lb2")),
    ]);
    let client = Client::start(scene.servers.addresses(), at);
    let (mut here, mut there) = (0, 1);
    // A place that never shows what lies in it: a change that needs it turns back.
    scene.breaks("lb4");
    while *left > 0 {
        let (_, _, address) = ways[there];
        let broken = dice.below(3) == 0;
        let places = [ways[there].1, "lb4"];
        let wanted = Wanted {
            issuer: ways[there].0,
            deploy: &places[..if broken { 2 } else { 1 }],
            at: Some(address),
            retire: Some(ways[here].0),
        };
        let before = stands(&scene);
        let id = scene.approved(&wanted);
        // Several times in the same change, at moments all along it.
        let mut began = Instant::now();
        for _ in 0..(1 + dice.below(3)).min(*left) {
            std::thread::sleep(Duration::from_millis(dice.below(APART_MS)));
            if scene.is_over(&id) {
                break;
            }
            scene.server.kill9();
            began = Instant::now();
            scene.server.restart();
            *left -= 1;
        }
        let ended = scene.ended(&id);
        tally.slowest = tally.slowest.max(began.elapsed());
        tally.changes += 1;
        match ended["state"].as_str() {
            Some("closed") => {
                assert!(!broken, "{ended:#}");
                let after = stands(&scene);
                assert_eq!(after.0["A"], [address], "{ended:#}");
                assert_eq!(after.0["CAA"].len(), 1, "{ended:#}");
                assert_eq!(after.0["TLSA"].len(), 1, "{ended:#}");
                assert_ne!(after.0["TLSA"], before.0["TLSA"], "{ended:#}");
                assert_ne!((after.1, after.2), (before.1, before.2), "{ended:#}");
                tally.closed += 1;
                (here, there) = (there, here);
            }
            Some("rolled-back") => {
                assert_eq!(stands(&scene), before, "{ended:#}");
                tally.turned += 1;
            }
            Some("unknown") => {
                let outcome = ended["outcome"].as_str().unwrap_or("");
                assert!(outcome.contains(" has to find out how this stands"), "{ended:#}");
                tally.with_person += 1;
                // What a person found is not known here; the rest goes on from a new beginning.
                break;
            }
            other => panic!("{other:?}: {ended:#}\n{}", scene.log()),
        }
    }
    assert!(tally.slowest < SETTLED_WITHIN, "{tally:?}");
    let looked = client.ends();
    assert_eq!(looked.cut_off, Vec::<String>::new(), "{tally:?}");
    assert!(looked.handshakes > 0, "the client reached nobody");
    tally.handshakes = looked.handshakes;
    scene.is_sound();
    tally
}
