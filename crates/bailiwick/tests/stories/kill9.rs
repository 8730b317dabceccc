//! The server is killed at random moments while clients order certificates, and starts again on what it left.
//!
//! `BAILIWICK_KILLS` says how often, `BAILIWICK_SEED` repeats a run's random moments.

pub(crate) mod dice;
pub(crate) mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::dice::{Dice, times};
use self::load::{Handed, Load, Peer, SETTLED};
use super::acme_gate::Remembers;
use crate::harness::acme::Eab;
use crate::harness::bailiwick::{BailiwickServer, bailiwick};
use crate::harness::place::{Folder, Port};
use crate::harness::postgres::Postgres;
use crate::harness::process::Ran;
use crate::harness::sqlite;

/// Kills of an everyday run.
const KILLS: u64 = 12;
/// The server lives at most so long between two kills: enough for some orders, and for dying in the first one.
const LIFE_MS_MAX: u64 = 1_500;
/// One time in so many it is killed again while it starts.
const AGAIN_EVERY: u64 = 4;
/// It is ready after about so long; a kill while it starts comes before.
const START_MS: u64 = 600;
/// Checkpoints that somebody keeps, spread over the run.
const KEPT_MAX: u64 = 5;
/// States in which nobody has to do anything any more, or a person has.
const AT_REST: &[&str] =
    &["closed", "rolled-back", "refused", "withdrawn", "expired", "awaiting-approval", "unknown"];

/// Dropped in order: the server before its database.
struct Scene {
    server: BailiwickServer,
    postgres: Option<Postgres>,
    http01: Port,
    kept: Folder,
}

impl Scene {
    fn start(remembers: Remembers) -> Self {
        let http01 = Port::free();
        let port = http01.number().to_string();
        let postgres = match remembers {
            Remembers::InSqlite => None,
            Remembers::InPostgres => Some(Postgres::start()),
        };
        let url = postgres.as_ref().map(Postgres::url);
        let mut args = vec!["--lab", "--http01-port", &port];
        if let Some(url) = &url {
            args.extend(["--database", url]);
        }
        let server = BailiwickServer::start(&args);
        Self { server, postgres, http01, kept: Folder::new("kept") }
    }

    fn credential(&self) -> Eab {
        let data = self.server.data().to_string_lossy().into_owned();
        let words = ["credential", "new", "--service", "shop-web", "--json", "--as", "sam"];
        let here = ["--server", self.server.https(), "--data", &data];
        let made = bailiwick(&[&words[..], &here].concat()).expect_success();
        let made: Value = serde_json::from_str(&made.stdout).expect("--json prints JSON");
        let member = |name: &str| made[name].as_str().expect("a credential has it").to_owned();
        Eab { kid: member("kid"), hmac: member("hmac_key") }
    }

    /// An offline command on what lies there.
    fn offline(&self, words: &[&str], data: &str) -> Ran {
        let url = self.postgres.as_ref().map(Postgres::url);
        let place: Vec<&str> = match &url {
            Some(url) => vec!["--database", url],
            None => vec!["--data", data],
        };
        bailiwick(&[words, &place].concat())
    }

    /// Keeps the newest checkpoint, as somebody elsewhere would.
    fn keep_checkpoint(&self, number: u64) -> PathBuf {
        let data = self.server.data().to_string_lossy().into_owned();
        let note = self.offline(&["ledger", "checkpoint"], &data).expect_success().stdout;
        self.kept.write(&format!("checkpoint-{number}"), &note)
    }

    /// Something of the API, as the person on duty for the shop sees it.
    fn api(&self, peer: &Peer, path: &str) -> Value {
        let token = std::fs::read_to_string(self.server.data().join("lab/sam.token"));
        let token = token.expect("the lab keeps its people's tokens");
        let url = format!("{}/api/v1/{path}", self.server.https());
        peer.get(&url, Some(token.trim())).expect(200).json()
    }

    /// All pages of a list.
    fn all(&self, peer: &Peer, list: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.api(peer, &format!("{list}?limit=200{after}"));
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return all,
            }
        }
    }

    /// Rows of the stopped server's database, from a copy where it is a file.
    fn rows(&self, copy: &Folder, text: &str) -> Vec<String> {
        let ran = match &self.postgres {
            Some(postgres) => postgres.sql("bailiwick", text),
            None => sqlite::sql(&copy.file("data/bailiwick.db"), text),
        };
        ran.expect_success().stdout.lines().map(str::to_owned).collect()
    }
}

/// Kills it, and one time in some once more on its way up; back within the time of promise P2.
fn kill_and_restart(scene: &mut Scene, dice: &mut Dice) {
    std::thread::sleep(Duration::from_millis(dice.below(LIFE_MS_MAX)));
    scene.server.kill9();
    if dice.below(AGAIN_EVERY) == 0 {
        scene.server.restart_and_kill9(Duration::from_millis(dice.below(START_MS)));
    }
    let begun = Instant::now();
    scene.server.restart();
    assert!(begun.elapsed() < SETTLED, "it took {:?} to be ready", begun.elapsed());
}

/// What clients hold is in the store, and explained.
fn check_handed(scene: &Scene, peer: &Peer, handed: &[Handed]) {
    for one in handed {
        let story = scene.api(peer, &format!("certificates/{}/story", one.fingerprint));
        assert_eq!(story["explained"], Value::Bool(true), "{one:?}: {story:#}");
    }
}

/// Waits until no change is on its way, and gives all of them.
fn at_rest(scene: &Scene, peer: &Peer) -> Vec<Value> {
    let end = Instant::now() + SETTLED;
    loop {
        let changes = scene.all(peer, "changes");
        let state = |change: &Value| change["state"].as_str().unwrap_or_default().to_owned();
        let moving: Vec<&Value> =
            changes.iter().filter(|one| !AT_REST.contains(&state(one).as_str())).collect();
        if moving.is_empty() {
            return changes;
        }
        assert!(Instant::now() < end, "after {SETTLED:?} still on their way: {moving:#?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Each intent has exactly the effect that it says.
fn check_effects(scene: &Scene, peer: &Peer, changes: &[Value], handed: &[Handed]) {
    let certificates = scene.all(peer, "certificates");
    let text = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let mut issued: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for certificate in &certificates {
        issued.entry(text(certificate, "change")).or_default().push(certificate);
    }
    for change in changes {
        let of_it = issued.remove(&text(change, "id")).unwrap_or_default();
        match (text(change, "kind").as_str(), text(change, "state").as_str()) {
            ("issue-certificate", "closed") => {
                assert_eq!(of_it.len(), 1, "one intent, one certificate: {change:#} {of_it:#?}");
            }
            ("issue-certificate", "unknown") => {
                let shown = scene.api(peer, &format!("changes/{}", text(change, "id")));
                let named = shown["outcome"].as_str().is_some_and(|text| !text.is_empty());
                assert!(named, "somebody is named: {shown:#}");
            }
            _ => {
                let revoked = of_it.iter().all(|one| one["revoked_at"].is_string());
                assert!(revoked, "{change:#} left {of_it:#?}");
            }
        }
    }
    assert!(issued.is_empty(), "certificates without intent: {issued:#?}");
    let known: BTreeSet<String> = certificates.iter().map(|one| text(one, "fingerprint")).collect();
    let lost: Vec<&Handed> = handed.iter().filter(|h| !known.contains(&h.fingerprint)).collect();
    assert!(lost.is_empty(), "handed out, and not in the store: {lost:#?}");
    let orders: BTreeSet<&str> = handed.iter().map(|one| one.order.as_str()).collect();
    assert_eq!(orders.len(), handed.len(), "an order was handed two certificates");
}

/// What the database says twice that may be there once.
fn check_rows(scene: &Scene, copy: &Folder) {
    for (what, text) in [
        (
            "orders with two certificates",
            "SELECT order_id FROM certificate GROUP BY order_id HAVING COUNT(*) > 1",
        ),
        (
            "effects carried out twice",
            "SELECT subject FROM entry WHERE kind = 'change.step-done' AND subject IN \
             (SELECT 'change/' || id FROM change WHERE kind = 'issue-certificate') \
             GROUP BY subject HAVING COUNT(*) > 1",
        ),
        (
            "orders that are valid without a certificate",
            "SELECT id FROM acme_order WHERE status = 'valid' AND NOT EXISTS \
             (SELECT 1 FROM certificate WHERE order_id = acme_order.id)",
        ),
        ("orders left half done", "SELECT id FROM acme_order WHERE status = 'processing'"),
        (
            "uses of envelopes held for changes that are over",
            "SELECT change FROM envelope_hold WHERE change IN \
             (SELECT id FROM change WHERE state IN ('closed', 'rolled-back', 'refused'))",
        ),
    ] {
        let rows = scene.rows(copy, text);
        assert!(rows.is_empty(), "{what}: {rows:?}");
    }
}

/// The ledger of what a last kill left is whole, also to those who kept a checkpoint.
fn check_ledger(scene: &mut Scene, checkpoints: &[PathBuf]) {
    scene.server.kill9();
    let copy = Folder::new("copy");
    let mut command = Command::new("cp");
    command.arg("-a").arg(scene.server.data()).arg(copy.path());
    assert!(command.status().expect("cp runs").success(), "the data folder can be copied");
    let data = copy.file("data").to_string_lossy().into_owned();
    for checkpoint in checkpoints {
        let since = checkpoint.to_string_lossy().into_owned();
        let verified = scene.offline(&["ledger", "verify", "--json", "--since", &since], &data);
        let said: Value =
            serde_json::from_str(&verified.expect_success().stdout).expect("--json prints JSON");
        assert!(said["since"].is_u64(), "the kept checkpoint is confirmed: {said:#}");
    }
    scene.offline(&["ledger", "fsck"], &data).expect_success();
    check_rows(scene, &copy);
}

fn campaign(remembers: Remembers) {
    let (kills, seed) = (times("BAILIWICK_KILLS", KILLS), Dice::seed());
    let mut dice = Dice::new(seed);
    let mut scene = Scene::start(remembers);
    let acme = scene.server.acme(None);
    let peer = Peer::of(&acme);
    let names = ["www.shop.example", "api.shop.example", "www.shop.example"];
    let clients: Vec<(Eab, &str)> =
        names.into_iter().map(|name| (scene.credential(), name)).collect();
    let load = Load::start(&acme, scene.http01.number(), &clients, seed);
    let mut checkpoints = vec![scene.keep_checkpoint(0)];
    let mut checked = 0;
    for kill in 1..=kills {
        kill_and_restart(&mut scene, &mut dice);
        load.check();
        let handed = load.shared.handed();
        check_handed(&scene, &peer, handed.get(checked..).unwrap_or_default());
        checked = handed.len();
        if kill.is_multiple_of(kills.div_ceil(KEPT_MAX)) {
            checkpoints.push(scene.keep_checkpoint(kill));
        }
    }
    let handed = load.finish().handed();
    eprintln!("{kills} kills, {} certificates handed out", handed.len());
    assert!(!handed.is_empty(), "nobody got a certificate, so nothing was shown");
    check_handed(&scene, &peer, handed.get(checked..).unwrap_or_default());
    let changes = at_rest(&scene, &peer);
    check_effects(&scene, &peer, &changes, &handed);
    check_ledger(&mut scene, &checkpoints);
}

#[test]
fn kill9_at_any_moment_leaves_nothing_half_done_in_sqlite() {
    campaign(Remembers::InSqlite);
}

#[test]
fn kill9_at_any_moment_leaves_nothing_half_done_in_postgres() {
    campaign(Remembers::InPostgres);
}
