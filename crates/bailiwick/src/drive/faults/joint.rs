//! Every fault at every effect of a plan that binds records and a certificate, in a simulated zone
//! with two servers, a place and an endpoint (promises P2, P12, P13; TRW-4).

mod again;
mod alone;
mod asked;
mod keys;
mod outside;

use std::sync::Arc;
use std::time::Duration;

use bailiwick_connect::keys::SubjectPair;
use bailiwick_core::change::{
    AwaitPropagation, Change, DeployCertificate, Endpoint, Plan, PublishRecords, Step, VerifyServed,
};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{CertFingerprint, ChangeId, Digest, DnsName, SpkiHash};
use bailiwick_core::record::Work;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use tempfile::TempDir;

use self::outside::{Outer, World as Simulated};
use super::scene::{approved, certificate, open_in, shop};
use super::strikes::{At, Faulty, Goes, Strike, When};
use super::{always, nth};
use crate::app::App;
use crate::app::start::Opened;
use crate::drive::changes::{drive, drive_with};
use crate::fault::Fault;
use crate::world::{SystemClock, SystemRandom, World};

/// How often a driver is called again at most, until a change waits for nothing but people.
const CALLS_MAX: usize = 400;

struct Scene {
    app: Arc<App>,
    outer: Arc<Outer>,
    _opened: Opened,
    folder: TempDir,
}

fn zone() -> ZoneKey {
    ZoneKey::parse("shop.example").unwrap()
}

fn target() -> Deployment {
    Deployment::Files { folder: "/lb".to_owned(), reload: Vec::new() }
}

fn edit(owner: &str, kind: RecordType, before: &[u8], after: &[u8]) -> RecordEdit {
    let set = |of: &[u8]| RRset::new(0, of.iter().map(|last| vec![192, 0, 2, *last]));
    let owner = OwnerName::parse(owner).unwrap();
    RecordEdit::new(owner, kind, set(before), set(after)).unwrap()
}

/// What is published before the certificate, and what after it.
fn edits() -> [RecordEdit; 2] {
    [
        edit("shop.example", RecordType::CAA, &[1], &[1, 2]),
        edit("www.shop.example", RecordType::A, &[1], &[2]),
    ]
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outer = Arc::new(Outer::default());
        let world = World {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            outside: Arc::new(Simulated(Arc::clone(&outer))),
        };
        let opened = open_in(folder.path(), None, world).await;
        let scene = Self { app: Arc::clone(&opened.app), outer, _opened: opened, folder };
        scene.list_place().await;
        scene
    }

    /// The estate lists the place from here on.
    async fn list_place(&self) {
        let live = self.app.live.get();
        let mut estate = live.estate().clone();
        estate.services.get_mut(&shop()).unwrap().deployments.insert("lb".to_owned(), target());
        let octets = bailiwick_wire::estate::encode(&estate);
        let after = Digest::of(&octets);
        let work = vec![Work::PutEvidence { digest: after, kind: "estate/v1", octets }];
        let id = ChangeId::parse(&self.app.world.id().unwrap()).unwrap();
        let edit = Step::EditEstate { before: live.digest, after };
        approved(&self.app, &id, &[edit], work).await;
        let change = drive(&self.app, self.app.load_change(&id).await.unwrap()).await.unwrap();
        assert!(matches!(change, Change::Closed { .. }), "{change:?}");
    }

    /// Sets the world as it is before, and an approved change that nobody has begun to carry out.
    async fn change(&self) -> (ChangeId, Plan) {
        self.outer.reset(edits().iter().map(|edit| (edit, edit.before())));
        let pair = SubjectPair::fresh().unwrap();
        let key = SpkiHash::of(&pair.spki);
        let sealed = self.app.sealed_secret(SealedSecret::SubjectKey(key), &pair.pkcs8).unwrap();
        let id = ChangeId::parse(&self.app.world.id().unwrap()).unwrap();
        let plan = plan(&pair.spki, self.outer.fingerprint());
        approved(&self.app, &id, plan.steps(), vec![sealed]).await;
        (id, plan)
    }

    /// Lets a driver go on until nothing is left to wait for.
    async fn drive(&self, faulty: &Faulty<'_>, id: &ChangeId) -> Option<Change> {
        for _ in 0..CALLS_MAX {
            let loaded = self.app.load_change(id).await.unwrap();
            let ended = tokio::select! {
                biased;
                () = faulty.died.notified() => return None,
                ended = drive_with(&self.app, faulty, loaded) => ended,
            };
            match ended {
                Ok(change) if is_over(&change) => return Some(change),
                Ok(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(Fault::Busy { .. }) => return None,
                Err(fault) => panic!("{fault}"),
            }
        }
        panic!("change `{id}` does not come to an end");
    }

    /// Carries a change out under strikes, then as after a restart, and looks how it ended.
    async fn run(&self, lasting: &[Strike], strikes: &[Strike]) -> Ended {
        let (id, _) = self.change().await;
        let (change, all_struck) = self.struck(&id, lasting, strikes).await;
        Ended { all_struck, stands: self.stands(&id).await, change }
    }

    /// The same with a change that is there; how it ended, and whether all the strikes struck.
    async fn struck(
        &self,
        id: &ChangeId,
        lasting: &[Strike],
        strikes: &[Strike],
    ) -> (Change, bool) {
        let all = [lasting, strikes].concat();
        let first = Faulty::new(&self.app, &all);
        self.drive(&first, id).await;
        self.app.refresh_live().await.unwrap();
        let second = Faulty::new(&self.app, lasting);
        let change = self.drive(&second, id).await.unwrap();
        let mut struck = first.struck();
        for (one, again) in struck.iter_mut().zip(second.struck()) {
            *one |= again;
        }
        (change, struck.iter().all(|one| *one))
    }

    async fn stands(&self, id: &ChangeId) -> Stands {
        let certificates = self.app.store.certificates_of_change(id).await.unwrap();
        let mut in_force = Vec::new();
        for row in certificates {
            let one = row.certificate;
            let revoked = self.app.store.revocation(&one.issuer, &one.serial).await.unwrap();
            if revoked.is_none() {
                in_force.push(one.fingerprint);
            }
        }
        let after = edits().iter().all(|edit| self.outer.shows(edit, edit.after()));
        let before = edits().iter().all(|edit| self.outer.shows(edit, edit.before()));
        match (before, after, in_force.as_slice()) {
            (false, true, [one]) if self.outer.fingerprint() == Some(*one) => Stands::After,
            (true, false, []) if self.outer.is_old() => Stands::Before,
            _ => Stands::Otherwise,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stands {
    Before,
    After,
    Otherwise,
}

struct Ended {
    all_struck: bool,
    stands: Stands,
    change: Change,
}

impl Ended {
    /// Exactly before, exactly after, or with a named person.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other state is no end")]
    fn check(&self, what: &str) {
        match &self.change {
            Change::Closed { .. } => assert_eq!(self.stands, Stands::After, "{what}"),
            Change::RolledBack { .. } => assert_eq!(self.stands, Stands::Before, "{what}"),
            Change::WithPerson(with) => assert!(!with.why.is_empty(), "{what}"),
            other => panic!("{what}: ended as {}", other.name()),
        }
    }
}

const fn is_over(change: &Change) -> bool {
    matches!(change, Change::Closed { .. } | Change::RolledBack { .. } | Change::WithPerson(_))
}

fn plan(spki: &[u8], before: Option<CertFingerprint>) -> Plan {
    let [caa, address] = edits();
    let publish = |edit: &RecordEdit| {
        Step::PublishRecords(PublishRecords {
            service: Some(shop()),
            zone: zone(),
            edits: vec![edit.clone()],
            why: "a test".to_owned(),
            undo_hold_seconds: 0,
            within_seconds: 60,
        })
    };
    let wait = |edit: &RecordEdit| {
        Step::AwaitPropagation(AwaitPropagation {
            service: Some(shop()),
            zone: zone(),
            edits: vec![edit.clone()],
            hold_seconds: 0,
            within_seconds: 60,
        })
    };
    let mut issue = certificate();
    issue.account = None;
    issue.spki = spki.to_vec();
    issue.key = SpkiHash::of(spki);
    let deploy = DeployCertificate {
        service: shop(),
        issued_by: 2,
        key: issue.key,
        place: "lb".to_owned(),
        target: target(),
        before,
    };
    let served = VerifyServed {
        service: shop(),
        issued_by: 2,
        endpoints: vec![Endpoint {
            name: DnsName::parse("www.shop.example").unwrap(),
            at: "192.0.2.2:443".parse().unwrap(),
        }],
        within_seconds: 60,
    };
    Plan::new(vec![
        publish(&caa),
        wait(&caa),
        Step::IssueCertificate(issue),
        Step::DeployCertificate(deploy),
        Step::VerifyServed(served),
        publish(&address),
        wait(&address),
    ])
    .unwrap()
}

/// Every kind of fault at every visit of a place, as long as it strikes.
async fn everywhere(scene: &Scene, lasting: &[Strike], places: &[(At, Goes)]) -> usize {
    let mut runs = 0;
    for (at, goes) in places {
        for visit in 0.. {
            let strike = nth(*at, *goes, visit);
            let ended = scene.run(lasting, &[strike]).await;
            ended.check(&format!("{lasting:?} {strike:?}"));
            if !ended.all_struck {
                break;
            }
            runs += 1;
        }
    }
    runs
}

const THERE: [(At, Goes); 10] = [
    (At::Prepare, Goes::CrashBefore),
    (At::Prepare, Goes::CrashAfter),
    (At::Apply, Goes::Fails),
    (At::Apply, Goes::CrashBefore),
    (At::Apply, Goes::CrashAfter),
    (At::Apply, Goes::LostWithEffect),
    (At::Apply, Goes::LostWithoutEffect),
    (At::Apply, Goes::Twice),
    (At::Append, Goes::CrashBefore),
    (At::Appended, Goes::CrashBefore),
];

const BACK: [(At, Goes); 6] = [
    (At::Undo, Goes::Fails),
    (At::Undo, Goes::CrashBefore),
    (At::Undo, Goes::CrashAfter),
    (At::Undo, Goes::LostWithEffect),
    (At::Undo, Goes::LostWithoutEffect),
    (At::Undo, Goes::Twice),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_4_faults_in_a_joint_change_end_before_after_or_with_a_person() {
    let scene = Scene::new().await;
    let ended = scene.run(&[], &[]).await;
    assert!(matches!(ended.change, Change::Closed { .. }), "{:#?}", ended.change);
    ended.check("without faults");
    let there = everywhere(&scene, &[], &THERE).await;
    let verify = Strike { at: At::Verify, goes: Goes::Fails, when: When::Nth(0) };
    let ended = scene.run(&[], &[verify]).await;
    assert!(matches!(ended.change, Change::RolledBack { .. }), "{:#?}", ended.change);
    ended.check("turned back at the end");
    let mut back = 0;
    for (at, goes) in BACK {
        for visit in 0.. {
            let ended = scene.run(&[], &[verify, nth(at, goes, visit)]).await;
            ended.check(&format!("{at:?} {goes:?} {visit} on the way back"));
            if !ended.all_struck {
                break;
            }
            back += 1;
        }
    }
    for goes in [Goes::Fails, Goes::LostWithEffect, Goes::LostWithoutEffect] {
        let ended = scene.run(&[always(At::Undo, goes)], &[verify]).await;
        assert!(matches!(ended.change, Change::WithPerson(_)), "{goes:?}: {:?}", ended.change);
    }
    eprintln!("joint change: {there} runs struck on the way there, {back} on the way back");
    assert!(there > 80 && back > 20, "{there} {back}");
    super::sound_but_for_people(&scene.app).await;
}

/// TRW-5, P13: somebody edits the zone before a step, or after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_wrote_is_never_overwritten() {
    let scene = Scene::new().await;
    let [caa, address] = edits();
    // Before the first step: nothing was done, nothing is overwritten, and it is said who looks.
    let (id, _) = scene.change().await;
    let theirs = RRset::new(0, [vec![203, 0, 113, 9]]);
    scene.outer.edit(&caa, theirs.as_ref());
    let change = scene.drive(&Faulty::new(&scene.app, &[]), &id).await.unwrap();
    let Change::RolledBack { why, .. } = &change else { panic!("{change:#?}") };
    assert!(why.contains("Dana Deene (dns) has to look"), "{why}");
    assert!(scene.outer.shows(&caa, theirs.as_ref()), "overwritten");
    // Before a later step: what was done before it is undone, what is theirs stays.
    let (id, _) = scene.change().await;
    scene.outer.edit(&address, theirs.as_ref());
    let change = scene.drive(&Faulty::new(&scene.app, &[]), &id).await.unwrap();
    assert!(matches!(change, Change::RolledBack { .. }), "{change:#?}");
    assert!(scene.outer.shows(&address, theirs.as_ref()), "overwritten");
    assert!(scene.outer.shows(&caa, caa.before()), "left behind");
    // After a step that is then taken back: a person is asked, and nothing is overwritten.
    let (id, _) = scene.change().await;
    scene.outer.edit_when_shown(&address, &caa, RRset::new(0, [vec![192, 0, 2, 2], vec![9; 4]]));
    let verify = Strike { at: At::Verify, goes: Goes::Fails, when: When::Nth(0) };
    let change = scene.drive(&Faulty::new(&scene.app, &[verify]), &id).await.unwrap();
    let Change::WithPerson(with) = &change else { panic!("{change:#?}") };
    assert!(with.why.contains("was edited after this change wrote it"), "{}", with.why);
}
