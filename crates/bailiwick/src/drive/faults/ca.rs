//! A public CA that misbehaves, and drivers that die while it does: nothing is lost and nothing doubled
//! (promise P3). The real driver, store and ACME client; the CA, the zone and the clock are simulated.

mod acme;
mod again;
mod canaries;
mod clock;
mod keys;
mod mischief;
mod net;
mod orders;
mod paper;
mod scene;
mod seeded;
mod state;
mod windows;
mod wire;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bailiwick_core::certificate::SerialSeen;
use bailiwick_core::change::{Change, IssueCertificate};
use bailiwick_core::names::ChangeId;
use bailiwick_wire::x509::{read_certificate, write_chain};

use tokio::net::TcpListener;

use super::strikes::{At, Faulty, Goes, Strike, When};
use crate::drive::changes::drive_with;
use crate::drive::upstream::tidy_up;
use crate::fault::Fault;
use mischief::{End, Mischief};
use net::{Crash, Way};
use scene::{Scene, public};
use seeded::Seeded;
use state::{Issued, Plan};

/// Turns of the loop that a run may take.
const TURNS_MAX: usize = 2_000;
/// Requests and records of a run. An hour of patience each way, a look a minute, four requests each.
const ACTS_MAX: u32 = 1_200;

/// What chance makes of a seed.
struct Run {
    plan: Plan,
    crashes: Vec<Crash>,
    strikes: Vec<Strike>,
    chance: Seeded,
}

impl Run {
    fn of(mischief: Mischief, seed: u64) -> Self {
        let mut chance = Seeded::new(seed.wrapping_mul(1_000) + mischief as u64);
        let skip = match chance.below(3) {
            0 => 0,
            1 => chance.below(3),
            _ => chance.below(14),
        };
        let times = match chance.below(4) {
            0 => u64::from(u32::MAX),
            1 => chance.between(2, 9),
            _ => 1,
        };
        let skip = if mischief.is_of_any_request() { skip } else { 0 };
        let [skip, times] = [skip, times].map(|count| u32::try_from(count).unwrap());
        let crashes = (0..chance.below(4))
            .map(|_| Crash {
                at: u32::try_from(chance.below(30)).unwrap(),
                after: chance.once_in(2),
            })
            .collect();
        let at = chance.one_of(&[At::Append, At::Appended]);
        let visit = usize::try_from(chance.below(3)).unwrap();
        let strike = Strike { at, goes: Goes::CrashBefore, when: When::Nth(visit) };
        let strikes = if chance.once_in(3) { vec![strike] } else { Vec::new() };
        Self { plan: Plan { mischief, skip, times }, crashes, strikes, chance }
    }
}

/// Carries an order out to its end, whatever happens, and looks what came of it.
async fn run(scene: &Scene, mischief: Mischief, seed: u64) -> End {
    let Run { plan, crashes, strikes, mut chance } = Run::of(mischief, seed);
    let what = format!("{mischief:?} seed {seed}: {plan:?} {crashes:?} {strikes:?}");
    let (id, wanted) = scene.ordered(&mut chance).await;
    scene.ca.begin(plan, chance.clone());
    scene.net.begin(&id, crashes);
    let began = scene.now();
    let mut strikes = strikes.as_slice();
    let mut turns = 0;
    let change = loop {
        let loaded = scene.app.load_change(&id).await.unwrap();
        if is_over(&loaded.change) {
            break loaded.change;
        }
        turns += 1;
        assert!(turns < TURNS_MAX, "{what}: does not end: {:?}", loaded.change);
        let effects = Faulty::new(&scene.app, strikes);
        let other = loaded.clone();
        let two = chance.once_in(6);
        tokio::select! {
            biased;
            () = effects.died.notified() => scene.clock.goes_on(1_000 * chance.below(90)),
            () = scene.net.died.notified() => scene.clock.goes_on(1_000 * chance.below(90)),
            () = async {
                let one = drive_with(&scene.app, &effects, loaded);
                if two {
                    let calm = Faulty::new(&scene.app, &[]);
                    let (one, other) = futures::join!(one, drive_with(&scene.app, &calm, other));
                    fine(one, &what);
                    fine(other, &what);
                } else {
                    fine(one.await, &what);
                }
            } => {}
        }
        strikes = &[];
        scene.clock.goes_on(1_000 * chance.between(5, 40));
    };
    scene.net.calm();
    tidy_up(&scene.app, 100).await.unwrap();
    let minutes = scene.now().ms_since(began) / 60_000;
    assert!(minutes < 6 * 60, "{what}: took {minutes} minutes");
    let end = check(scene, (&id, &wanted), &change, &what).await;
    if std::env::var_os("BAILIWICK_CA_TOLD").is_some() {
        println!("{what}: {} acts, {minutes} min: {}", scene.net.acts(), told(&change));
    }
    end
}

fn fine(ended: Result<Change, Fault>, what: &str) {
    assert!(matches!(ended, Ok(_) | Err(Fault::Conflict { .. })), "{what}: {ended:?}");
}

const fn is_over(change: &Change) -> bool {
    matches!(change, Change::Closed { .. } | Change::RolledBack { .. } | Change::WithPerson(_))
}

/// What the CA did in the newest run, by its own books.
#[derive(Debug)]
struct Books {
    /// Orders that were placed.
    orders: u32,
    /// Those of them that were finalized.
    finalized: usize,
    /// How often one of them was finalized, at most.
    finalizes: u32,
    /// With which profile, and in place of what.
    asked: Vec<(Option<String>, Option<String>)>,
    issued: Vec<Seen>,
    struck: bool,
}

#[derive(Debug)]
struct Seen {
    der: Vec<u8>,
    right: bool,
    revoked: bool,
}

impl Books {
    fn of(scene: &Scene) -> Self {
        let state = scene.ca.state();
        let orders: Vec<_> = state.orders.iter().filter(|order| order.run == state.run).collect();
        let issued = state.issued.iter().filter(|one| one.run == state.run);
        let seen = |one: &Issued| Seen {
            der: one.der.clone(),
            right: one.right,
            revoked: state.revoked.contains(&one.der),
        };
        Self {
            orders: u32::try_from(orders.len()).unwrap(),
            finalized: orders.iter().filter(|order| order.finalized > 0).count(),
            finalizes: orders.iter().map(|order| order.finalized).max().unwrap_or(0),
            asked: orders
                .iter()
                .map(|order| (order.profile.clone(), order.replaces.clone()))
                .collect(),
            issued: issued.map(seen).collect(),
            struck: state.struck,
        }
    }
}

/// What came of it, by the books of the CA and by ours.
async fn check(
    scene: &Scene,
    (id, wanted): (&ChangeId, &IssueCertificate),
    change: &Change,
    what: &str,
) -> End {
    let store = &scene.app.store;
    let ours = store.certificates_of_change(id).await.unwrap();
    let books = Books::of(scene);
    let fine = |fine: bool, why: &str| {
        assert!(fine, "{what}: {why}\n{}\n{books:?}", told(change));
    };
    fine(scene.net.wrongs().is_empty(), &format!("{:?}", scene.net.wrongs()));
    fine(scene.net.zone.left().is_empty(), "a record is left in the zone");
    fine(store.placed_records(id).await.unwrap().is_empty(), "a record is still in the books");
    fine(scene.net.acts() <= ACTS_MAX, &format!("{} requests and records", scene.net.acts()));
    fine(books.finalized <= 1, "two orders were finalized");
    fine(books.finalizes <= 1, "an order was finalized twice");
    let right = |(profile, replaces): &(Option<String>, Option<String>)| {
        let old = replaces.as_deref().is_none_or(|text| scene.was_adopted(text));
        profile.as_deref() == Some("classic") && old
    };
    fine(books.asked.iter().all(right), "an order for another profile, or in place of nothing");
    fine(books.orders <= 1 + scene.net.orders_lost(), "an order too many was placed");
    {
        let state = scene.ca.state();
        let adopted = scene.adopted.lock().unwrap();
        fine(!adopted.iter().any(|der| state.revoked.contains(der)), "one in use was revoked");
    }
    let end = match change {
        Change::Closed { .. } => {
            let [row] = ours.as_slice() else { panic!("{what}: {} adopted", ours.len()) };
            let certificate = &row.certificate;
            let found = books.issued.iter().find(|one| one.der == certificate.der);
            fine(found.is_some_and(|one| one.right), "what was adopted is not right");
            fine(certificate.names == wanted.names && certificate.key == wanted.key, "other facts");
            let digest = store.certificate_chain(&certificate.fingerprint).await.unwrap().unwrap();
            let chain = scene.app.stored_chain(digest).await.unwrap().unwrap();
            let right = write_chain([scene.ca.paper.intermediate.der.as_slice()]);
            fine(chain == right, "another chain is stored");
            let mut others = books.issued.iter().filter(|one| one.der != certificate.der);
            fine(others.all(|one| one.revoked), "a second certificate is not revoked");
            scene.adopted.lock().unwrap().push(certificate.der.clone());
            End::Adopted
        }
        Change::RolledBack { .. } => {
            for issued in &books.issued {
                fine(issued.revoked, "an orphan");
                let facts = read_certificate(&issued.der).unwrap();
                let SerialSeen::Regular(serial) = facts.serial else { panic!("{what}: serial") };
                let row = store.revocation(&public(), &serial).await.unwrap();
                fine(row.is_some(), "a certificate that nobody knows");
            }
            End::TurnedBack
        }
        Change::WithPerson(with) => {
            let live = scene.app.live.get();
            fine(live.estate().works_here(&with.person, scene.now()), "nobody is there to look");
            fine(!with.why.is_empty(), "nobody knows what to look for");
            let kept = store.upstream_order(id).await.unwrap();
            fine(kept.is_some() || books.issued.is_empty(), "nobody can find the order");
            End::WithPerson
        }
        other => panic!("{what}: ended as {}", other.name()),
    };
    let mischief = scene.ca.state().plan.mischief;
    let ends = if books.struck { mischief.ends() } else { &[End::Adopted] };
    fine(ends.contains(&end), &format!("ends as {end:?}, not as one of {ends:?}"));
    end
}

fn told(change: &Change) -> String {
    match change {
        Change::WithPerson(with) => format!("with {}: {}", with.person, with.why),
        Change::RolledBack { why, .. } => format!("rolled back: {why}"),
        other => other.name().to_owned(),
    }
}

/// Seeds of each mischief.
fn seeds() -> u64 {
    let asked = std::env::var("BAILIWICK_CA_SEEDS").ok();
    asked.map_or(10, |text| text.parse().unwrap())
}

/// These seeds of some mischiefs, one after the other in one installation; then its ledger is sound.
async fn campaign(scene: &Scene, mischiefs: impl Iterator<Item = Mischief>, seeds: Range<u64>) {
    for mischief in mischiefs {
        let began = std::time::Instant::now();
        let mut ends: BTreeMap<End, u32> = BTreeMap::new();
        let mut struck = 0;
        for seed in seeds.clone() {
            *ends.entry(run(scene, mischief, seed).await).or_default() += 1;
            struck += u32::from(scene.ca.state().struck);
        }
        println!("{mischief:?}: struck {struck}, {ends:?}, {:?}", began.elapsed());
    }
    let differing = scene.app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
}

/// How many tests share the mischiefs, so that they run beside each other.
const PARTS: usize = 4;

async fn part(number: usize) {
    let scene = Scene::new("https://127.0.0.1:14000", |ca| Way::Memory(Arc::clone(ca))).await;
    let some = Mischief::ALL.iter().copied().skip(number).step_by(PARTS);
    campaign(&scene, some, 0..seeds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misbehaving_ca_loses_and_doubles_nothing_0() {
    part(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misbehaving_ca_loses_and_doubles_nothing_1() {
    part(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misbehaving_ca_loses_and_doubles_nothing_2() {
    part(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misbehaving_ca_loses_and_doubles_nothing_3() {
    part(3).await;
}

/// The same over TLS and through our own way out: with seeds that the simulation without sockets has
/// as well, so that the two are known to agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misbehaving_ca_behind_https_loses_and_doubles_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let scene = Scene::new(&base, |ca| {
        wire::serve(Arc::clone(ca), listener);
        Way::Wire(wire::way_out())
    })
    .await;
    campaign(&scene, Mischief::ALL.iter().copied(), 0..seeds().div_ceil(10)).await;
}
