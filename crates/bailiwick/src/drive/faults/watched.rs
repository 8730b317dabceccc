//! What time does to findings and incidents, on a clock of the test's own: what was not done when its moment
//! passes goes to the next person, and a finding that an exception set aside is back when the exception ends
//! (CAA-5, CAA-7, CAA-9, promise P11).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::estate::{ZoneClass, ZoneKey};
use bailiwick_core::names::PersonId;
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};
use bailiwick_core::watch::{FindingKind, Track, due_ms};
use bailiwick_store::{FindingFilter, FindingRow};
use bailiwick_wire::evidence::Pack;
use futures::future::BoxFuture;

use super::super::watch::Watcher;
use super::scene::{certificate, issued_by, open_in};
use crate::app::{App, Asking, CertificateQuery, IncidentNote, Shaky};
use crate::evidence::{NotSound, check};
use crate::world::{Clock, SystemRandom, World};

/// A clock that stands still until it is set.
pub(super) struct TestClock {
    steady: Instant,
    ms: AtomicI64,
}

impl TestClock {
    /// Begins at a fixed moment.
    pub(super) fn new() -> Self {
        Self { steady: Instant::now(), ms: AtomicI64::new(BEGIN_MS) }
    }

    fn set(&self, at: Time) {
        self.ms.store(at.unix_ms(), Ordering::SeqCst);
    }

    pub(super) fn forward_ms(&self, ms: i64) {
        self.ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_unix_ms(self.ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Instant {
        self.steady
    }

    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// 2027-01-15.
const BEGIN_MS: i64 = 1_800_000_000_000;

struct Scene {
    app: Arc<App>,
    clock: Arc<TestClock>,
    shaky: Shaky,
    turn: u64,
    _folder: tempfile::TempDir,
    _estate: tempfile::TempDir,
    _opened: crate::app::start::Opened,
}

fn zone() -> ZoneKey {
    ZoneKey::parse("shop.example").unwrap()
}

/// The lab's estate, with the server of the zone at an address.
pub(super) fn estate(into: &Path, server: &str, more: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estates/lab");
    for folder in ["", "zones", "services", "policies"] {
        std::fs::create_dir_all(into.join(folder)).unwrap();
        for entry in std::fs::read_dir(root.join(folder)).unwrap().flatten() {
            if !entry.path().is_file() {
                continue;
            }
            let mut text = std::fs::read_to_string(entry.path()).unwrap();
            if text.contains("name = \"shop.example\"") {
                text = format!("servers = [\"{server}\"]\n{text}");
            }
            std::fs::write(into.join(folder).join(entry.file_name()), text).unwrap();
        }
    }
    if !more.is_empty() {
        std::fs::write(into.join("exceptions.toml"), more).unwrap();
    }
}

fn asking(person: &str) -> Asking {
    let by = SignedIn::alone(PersonId::parse(person).unwrap());
    Asking { by, session: None, token: None }
}

impl Scene {
    async fn new(exceptions: &str) -> Self {
        let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // Nobody listens there.
        estate(files.path(), "127.0.0.1:1", exceptions);
        let clock = Arc::new(TestClock::new());
        let outside = World::system().outside;
        let world = World { clock: clock.clone(), random: Arc::new(SystemRandom), outside };
        let opened = open_in(folder.path(), Some(files.path()), world).await;
        let app = Arc::clone(&opened.app);
        let shaky = Shaky::default();
        Self { app, clock, shaky, turn: 0, _folder: folder, _estate: files, _opened: opened }
    }

    /// Looks twice: a failure counts when it is seen again.
    async fn look(&mut self) -> Vec<FindingRow> {
        for _ in 0..2 {
            self.turn += 1;
            self.app.look_at_zone(&zone(), &self.shaky, self.turn, false).await.unwrap();
        }
        let filter = FindingFilter { open: true, zone: Some(zone()), ..FindingFilter::default() };
        let all = self.app.store.findings(&filter, 10).await.unwrap();
        all.into_iter().filter(|row| row.finding.kind == FindingKind::Unreachable).collect()
    }

    fn class(&self) -> ZoneClass {
        self.app.live.get().estate().zones[&zone()].class
    }

    async fn told(&self, person: &PersonId) -> usize {
        self.told_of(person.as_str(), "CAA cannot be read there").await
    }

    async fn told_of(&self, person: &str, what: &str) -> usize {
        let all = self.app.store.outbox(0, 100).await.unwrap();
        let told = |row: &&bailiwick_store::OutboxRow| {
            row.notice.to.as_str() == person && row.notice.subject.contains(what)
        };
        all.iter().filter(told).count()
    }

    /// The findings that are open out of reports.
    async fn reported(&self) -> Vec<FindingRow> {
        let filter = FindingFilter { open: true, zone: Some(zone()), ..FindingFilter::default() };
        let all = self.app.store.findings(&filter, 10).await.unwrap();
        all.into_iter().filter(|row| row.finding.kind == FindingKind::Reported).collect()
    }

    /// Who answers for the record, who for the CA, and who reviews the only open incident.
    async fn hold(&self) -> [String; 3] {
        let one = self.app.store.open_incidents(&zone()).await.unwrap().remove(0).incident;
        [one.record, one.enforcement, one.owner].map(|person| person.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_whose_moment_passes_goes_to_the_next_person_without_anybody_asking() {
    let mut scene = Scene::new("").await;
    let first = scene.look().await.remove(0);
    let (dana, dov) = (PersonId::parse("dana").unwrap(), PersonId::parse("dov").unwrap());
    assert_eq!((&first.finding.assignee, first.finding.next.as_ref()), (&dana, Some(&dov)));
    assert_eq!((scene.told(&dana).await, scene.told(&dov).await), (1, 0));
    let due = due_ms(FindingKind::Unreachable, scene.class());
    assert_eq!(first.finding.due, scene.app.now().plus_ms(due));
    // A moment before, nothing moves.
    scene.clock.forward_ms(due - 1);
    assert_eq!(scene.look().await[0].finding.assignee, dana);
    scene.clock.forward_ms(1);
    let handed = scene.look().await.remove(0);
    assert_eq!(handed.finding.id, first.finding.id, "it is the same finding");
    assert_eq!(handed.finding.assignee, dov);
    assert_eq!(handed.finding.due, scene.app.now().plus_ms(due), "with a moment of its own");
    assert_eq!((scene.told(&dana).await, scene.told(&dov).await), (1, 1));
    // Once: it stays with them until their moment passes too, and then goes up the ladder, to an end.
    assert_eq!(scene.look().await[0].finding.assignee, dov);
    let mut held = BTreeSet::from([dana, dov]);
    for _ in 0..20 {
        scene.clock.forward_ms(due);
        held.insert(scene.look().await.remove(0).finding.assignee);
    }
    assert!(held.len() >= 4, "{held:?}");
    assert!(scene.app.store.fsck().await.unwrap().is_empty(), "every row follows from the ledger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exception_ends_and_the_finding_is_back_without_anybody_acting() {
    let start = Time::from_unix_ms(BEGIN_MS);
    let until = start.plus_ms(3 * DAY_MS);
    let exception = format!(
        "[quiet]\nzone = \"shop.example\"\nrule = \"caa-unreachable\"\nreason = \"the server moves\"\n\
         approver = \"sol\"\ncompensating_control = \"looked at daily\"\nuntil = {until}\n"
    );
    let mut scene = Scene::new(&exception).await;
    for hours in [0, 24, 47] {
        scene.clock.set(start.plus_ms(hours * HOUR_MS));
        assert_eq!(scene.look().await.len(), 0, "after {hours} hours the exception holds");
    }
    scene.clock.set(until.plus_ms(-1));
    assert_eq!(scene.look().await.len(), 0);
    scene.clock.set(until);
    let back = scene.look().await;
    assert_eq!(back.len(), 1, "the finding is there");
    assert_eq!(back[0].finding.assignee.as_str(), "dana");
}

/// Nobody signs the summary, the zone and the period: each of their octets is tried, and one in some of the
/// rest (every octet of a small pack is tried in the tests of `bailiwick_wire::evidence`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_altered_in_the_evidence_of_a_zone_is_found() {
    let mut scene = Scene::new("").await;
    let first = scene.look().await.remove(0);
    scene.clock.forward_ms(due_ms(FindingKind::Unreachable, scene.class()));
    scene.look().await;
    let asking = asking("ada");
    let (from, until) = (Time::from_unix_ms(BEGIN_MS), scene.app.now());
    let made = scene.app.control_evidence(&asking, &zone(), (from, until)).await.unwrap();
    let trust = super::trust(&scene.app).await;
    let whole = made.encode();
    let sound = check(&whole, &trust).unwrap();
    assert_eq!(sound.leaves, made.leaves.len());
    assert!(sound.verdicts >= 3, "{} verdicts", sound.verdicts);
    let handed = format!("finding {} is handed on to dov", first.finding.id);
    assert!(made.summary.iter().any(|line| line.contains(&handed)), "{:?}", made.summary);
    let text = String::from_utf8(whole.clone()).unwrap();
    let unsigned = text.find("\"checkpoint\"").unwrap();
    let rest = (unsigned..whole.len()).step_by(whole.len() / 100 + 1);
    for at in (0..unsigned).step_by(3).chain(rest) {
        let mut octets = whole.clone();
        octets[at] ^= 1;
        assert!(check(&octets, &trust).is_err(), "octet {at} was altered, and nobody noticed");
    }
    let mut altered = made.clone();
    altered.summary[4].push('!');
    let why = check(&altered.encode(), &trust).unwrap_err();
    assert!(matches!(why, NotSound::Summary(5)), "{why}");
    // Verdicts of the period that are left out, with their lines, are missed by nobody; what they rest on is.
    let look =
        |pack: &Pack| pack.leaves.iter().position(|one| one.entry.contains("watch.observed"));
    altered = made.clone();
    altered.leaves.remove(look(&made).unwrap());
    assert!(check(&altered.encode(), &trust).is_err(), "what a verdict rests on is gone");
    // A period before all that is a pack, too, and one that ends before it begins is none.
    let before = (from.plus_ms(-2 * DAY_MS), from.plus_ms(-DAY_MS));
    let nothing = scene.app.control_evidence(&asking, &zone(), before).await.unwrap();
    assert_eq!(check(&nothing.encode(), &trust).unwrap().verdicts, 0);
    assert!(scene.app.control_evidence(&asking, &zone(), (until, from)).await.is_err());
}

/// One moment for the incident; each part that could be done and was not goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_whose_moment_passes_goes_on_part_by_part_until_it_is_concluded() {
    let mut scene = Scene::new("").await;
    let report = b"We saw a certificate for www.shop.example";
    let id = scene.app.take_report(report, None).await.unwrap();
    let due = due_ms(FindingKind::EnforcementFailed, scene.class());
    let note = |track, says: &str| IncidentNote { track, says: says.to_owned(), answered: true };
    scene.look().await;
    let finding = scene.reported().await.remove(0).finding;
    assert_eq!((finding.subject.as_str(), finding.assignee.as_str()), ("www.shop.example", "pia"));
    assert!(finding.remedy.contains(id.as_str()), "{}", finding.remedy);
    scene.clock.forward_ms(due - 1);
    scene.look().await;
    assert_eq!(scene.reported().await.len(), 1, "it is open once");
    assert_eq!(scene.hold().await, ["dana", "pia", "sol"]);
    scene.clock.forward_ms(1);
    scene.look().await;
    assert_eq!(scene.hold().await, ["dov", "sol", "sol"], "who reviews waits for the tracks");
    let (record, ca) = ("answer for the DNS record until", "answer for the CA until");
    let told = [scene.told_of("dov", record).await, scene.told_of("sol", ca).await];
    assert_eq!(told, [1, 1], "each is told once");
    let row = scene.app.store.incident(&id).await.unwrap().unwrap();
    assert_eq!(row.incident.due, scene.app.now().plus_ms(due), "with a new moment");
    // What is answered stays with whoever answered it.
    scene.app.tell_incident(&asking("dov"), &id, &note(Track::Record, "it said so")).await.unwrap();
    scene.clock.forward_ms(due);
    scene.look().await;
    assert_eq!(scene.hold().await, ["dov", "dana", "sol"]);
    let answer = note(Track::Enforcement, "it did not read it");
    scene.app.tell_incident(&asking("dana"), &id, &answer).await.unwrap();
    scene.clock.forward_ms(due);
    scene.look().await;
    assert_eq!(scene.hold().await, ["dov", "dana", "pia"], "now the review is late");
    assert_eq!(scene.told_of("pia", "review them together until").await, 1);
    let view = scene.app.review_incident(&asking("pia"), &id, "we left that CA").await.unwrap();
    let says: Vec<&str> = view.timeline.iter().map(|line| line.says.as_str()).collect();
    let on = says.iter().filter(|says| says.contains("is handed on to")).count();
    assert_eq!(on, 4, "each with a leaf: {says:#?}");
    assert!(says.iter().any(|says| says.contains("`dana` did not end it in time")), "{says:#?}");
    scene.clock.forward_ms(10 * due);
    scene.look().await;
    assert_eq!(scene.reported().await.len(), 0, "the finding ends with the incident");
    let row = scene.app.store.incident(&id).await.unwrap().unwrap();
    assert_eq!(row.incident.owner.as_str(), "pia", "what is over stays as it is");
    assert!(scene.app.store.fsck().await.unwrap().is_empty(), "every row follows from the ledger");
}

/// A day later what was issued before has expired, and only the other one still expires.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_not_among_what_expires_soon() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::new());
    let outside = World::system().outside;
    let world = World { clock: clock.clone(), random: Arc::new(SystemRandom), outside };
    let opened = open_in(folder.path(), None, world).await;
    let app = &opened.app;
    let soon = || async {
        let query = CertificateQuery { expires_within_days: Some(30), ..Default::default() };
        let listed = app.certificates(&asking("ada"), query).await.unwrap();
        listed.items.into_iter().map(|row| row.certificate.change).collect::<Vec<_>>()
    };
    let first = issued_by(app, certificate()).await;
    assert_eq!(soon().await, [first]);
    clock.forward_ms(2 * DAY_MS);
    assert_eq!(soon().await, []);
    let second = issued_by(app, certificate()).await;
    assert_eq!(soon().await, [second]);
}

/// CAA-7: however many notes there are, whoever answered a track concludes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_answered_a_track_does_not_conclude_an_incident_of_a_thousand_notes() {
    let scene = Scene::new("").await;
    let app = &scene.app;
    let report = b"We saw a certificate for www.shop.example";
    let id = app.take_report(report, None).await.unwrap();
    let told = Fact::IncidentTold {
        incident: id.clone(),
        zone: zone(),
        track: Track::Record,
        says: "nothing new".to_owned(),
        answered: false,
    };
    let by = Actor::Person(asking("dov").by);
    let entry = Entry { at: app.now(), by, fact: told };
    app.commit(Batch { entries: vec![entry; 1_000], ..Batch::default() }).await.unwrap();
    for (track, person) in [(Track::Record, "dana"), (Track::Enforcement, "sol")] {
        let note = IncidentNote { track, says: "it did".to_owned(), answered: true };
        app.tell_incident(&asking(person), &id, &note).await.unwrap();
    }
    let refused = app.review_incident(&asking("sol"), &id, "all is well").await.map(drop);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("you answered one of its tracks"), "{refused}");
    assert!(app.review_incident(&asking("pia"), &id, "we left that CA").await.is_ok());
}

/// Of two servers on one store one looks, until it lets go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_on_one_store_one_watches() {
    let scene = Scene::new("").await;
    let server = |name: &str| Watcher::new(Arc::clone(&scene.app), name.to_owned());
    let (mut first, mut second) = (server("first"), server("second"));
    let looked_at = || async { scene.app.store.looked_at(&zone()).await.unwrap() };
    // The first turn of a server always puts down when it looked.
    first.round().await.unwrap();
    let begin = Some(Time::from_unix_ms(BEGIN_MS));
    assert_eq!(looked_at().await, begin, "the first one looks");
    scene.clock.forward_ms(60_000);
    second.round().await.unwrap();
    assert_eq!(looked_at().await, begin, "the second one does not while the first one watches");
    first.lets_go().await;
    second.round().await.unwrap();
    assert_eq!(looked_at().await, Some(scene.app.now()), "then it does");
    scene.clock.forward_ms(60_000);
    first.round().await.unwrap();
    assert_ne!(looked_at().await, Some(scene.app.now()), "and the first one waits");
}
