//! The server killed with SIGKILL at random moments of a change (promise P2): exactly before, exactly
//! after, or `unknown` with a named person.

use std::time::Duration;

use super::scene::{Scene, Wanted};
use crate::stories::kill9::dice::{Dice, times};

/// Kills in the short run; `cargo xtask campaign trust-change N` makes it more.
const KILLS: u64 = 5;
const SCALE: &str = "BAILIWICK_TRUST_KILLS";
/// Kills are at most this far apart, in milliseconds: a change takes some seconds.
const APART_MS: u64 = 2_500;

#[test]
fn trust_change_killed_at_random_moments_ends_before_or_after() {
    let mut scene = Scene::start();
    let mut dice = Dice::new(Dice::seed());
    let first = Wanted { issuer: "house", deploy: &["lb1"], at: None, retire: None };
    assert_eq!(scene.carried_out(&first)["state"], "closed", "{}", scene.log());
    let mut kills = times(SCALE, KILLS);
    let (mut here, mut there) = ("house", "annex");
    let (mut closed, mut turned) = (0, 0);
    while kills > 0 {
        let before = (scene.records(), scene.file("lb2"));
        let place = if here == "house" { "127.0.0.2" } else { "127.0.0.1" };
        let wanted =
            Wanted { issuer: there, deploy: &["lb2"], at: Some(place), retire: Some(here) };
        let id = scene.approved(&wanted);
        // Several times in the same change, at moments all along it.
        for _ in 0..kills.min(1 + dice.below(3)) {
            std::thread::sleep(Duration::from_millis(dice.below(APART_MS)));
            scene.server.kill9();
            scene.server.restart();
            kills -= 1;
        }
        let ended = scene.ended(&id);
        let after = (scene.records(), scene.file("lb2"));
        match ended["state"].as_str() {
            Some("closed") => {
                assert_ne!(after.1, before.1, "{ended:#}");
                assert_eq!(after.0["A"], [place], "{ended:#}");
                assert_eq!(after.0["CAA"].len(), 1, "{ended:#}");
                assert_eq!(after.0["TLSA"].len(), 1, "{ended:#}");
                closed += 1;
                (here, there) = (there, here);
            }
            Some("rolled-back") => {
                assert_eq!(after, before, "{ended:#}");
                turned += 1;
            }
            other => panic!("{other:?}: {ended:#}\n{}", scene.log()),
        }
    }
    eprintln!("trust change: {closed} closed, {turned} rolled back");
    scene.is_sound();
}
