//! The key that a zone is written with, at a simulated server.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_connect::dns::ChallengeRecords;
use bailiwick_connect::egress::Web;
use bailiwick_connect::keys::SecretBytes;
use bailiwick_core::change::{Change, HeldKey, KeyMark, Warrant};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::record::Batch;
use bailiwick_core::time::HOUR_MS;
use futures::future::BoxFuture;

use super::{Case, Side, go_on, strike};
use crate::app::start::Opened;
use crate::app::{App, Changed, KeyHolder, Live, Network, OpenKey, Outside, Takes};
use crate::drive::faults::scene::{Stands, open_in};
use crate::drive::faults::strikes::Faulty;
use crate::world::{Clock, SystemClock, SystemRandom, World};

/// A server, by the keys in its configuration.
#[derive(Default)]
struct Server {
    keys: Mutex<BTreeSet<KeyMark>>,
    silent: Mutex<bool>,
}

impl Server {
    fn keys(&self) -> MutexGuard<'_, BTreeSet<KeyMark>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way there.
struct Way(Arc<Server>);

impl Outside for Way {
    fn web(&self, app: &App, live: &Live) -> Arc<dyn Web> {
        Network.web(app, live)
    }

    fn records<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        warrant: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a> {
        Network.records(app, live, warrant)
    }

    fn holder<'a>(
        &'a self,
        _: &'a App,
        _: &'a Live,
        _: &'a HeldKey,
    ) -> Result<Box<dyn KeyHolder + 'a>, String> {
        Ok(Box::new(Holder(&self.0)))
    }
}

struct Holder<'a>(&'a Server);

impl KeyHolder for Holder<'_> {
    fn who(&self) -> String {
        "192.0.2.53:53".to_owned()
    }

    fn takes<'a>(&'a self, key: &'a OpenKey) -> BoxFuture<'a, Takes> {
        // By its octets, as a signature would show.
        let mark = KeyMark::of_secret(&key.mark.name, &key.secret);
        let takes = match (*self.0.silent.lock().unwrap(), self.0.keys().contains(&mark)) {
            (true, _) => Takes::NotKnown("no answer".to_owned()),
            (false, true) => Takes::Yes,
            (false, false) => Takes::No("BADKEY".to_owned()),
        };
        Box::pin(async move { takes })
    }

    fn change<'a>(
        &'a self,
        _: &'a OpenKey,
        _: &'a OpenKey,
    ) -> BoxFuture<'a, Result<bool, Changed>> {
        Box::pin(async { Ok(false) })
    }
}

/// A clock that can be set on.
struct Later(AtomicU32);

impl Clock for Later {
    fn now(&self) -> bailiwick_core::time::Time {
        SystemClock.now().plus_ms(i64::from(self.0.load(Ordering::SeqCst)))
    }

    fn steady(&self) -> std::time::Instant {
        SystemClock.steady()
    }

    fn pause(&self, time: std::time::Duration) -> BoxFuture<'_, ()> {
        SystemClock.pause(time)
    }
}

struct Scene {
    app: Arc<App>,
    server: Arc<Server>,
    clock: Arc<Later>,
    number: AtomicU32,
    of: HeldKey,
    _opened: Opened,
    _folder: tempfile::TempDir,
}

const FIRST: &[u8] = b"the secret that was handed in ..";

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(Server::default());
        let clock = Arc::new(Later(AtomicU32::new(0)));
        let world = World {
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SystemRandom),
            outside: Arc::new(Way(Arc::clone(&server))),
        };
        let opened = open_in(folder.path(), None, world).await;
        let app = Arc::clone(&opened.app);
        let of = HeldKey::ZoneTsig(ZoneKey::parse("shop.example").unwrap());
        let work = vec![app.sealed_secret(of.now(), FIRST).unwrap()];
        app.commit(Batch { work, ..Batch::default() }).await.unwrap();
        let number = AtomicU32::new(0);
        let scene = Self { app, server, clock, number, of, _opened: opened, _folder: folder };
        scene.server.keys().insert(scene.first());
        scene
    }
}

impl Side for Scene {
    fn app(&self) -> &Arc<App> {
        &self.app
    }

    fn of(&self) -> HeldKey {
        self.of.clone()
    }

    fn first(&self) -> KeyMark {
        KeyMark::of_secret("k0.example", FIRST)
    }

    fn fresh(&self) -> (KeyMark, SecretBytes) {
        let number = self.number.fetch_add(1, Ordering::SeqCst) + 1;
        let secret: [u8; 32] = self.app.world.octets().unwrap();
        (KeyMark::of_secret(&format!("k{number}.example"), &secret), secret.to_vec().into())
    }

    fn takes(&self, mark: &KeyMark) -> bool {
        self.server.keys().contains(mark)
    }

    fn people(&self, case: &Case, in_force: bool) {
        let mut keys = self.server.keys();
        keys.insert(case.after.clone());
        if in_force && case.retires {
            keys.remove(&case.before);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_7_faults_at_rotating_the_key_of_a_zone_leave_one_that_its_server_takes() {
    strike(&Scene::new().await).await;
}

/// Nobody configures the new key, and nobody removes the old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trw_7_a_rotation_that_nobody_at_the_server_follows_turns_back_or_asks() {
    let scene = Scene::new().await;
    let calm = Faulty::new(&scene.app, &[]);
    let wait = async |case: &Case, loops: u32| {
        for _ in 0..loops {
            let loaded = scene.app.load_change(&case.id).await.unwrap();
            crate::drive::changes::drive_with(&scene.app, &calm, loaded).await.unwrap();
        }
        scene.app.load_change(&case.id).await.unwrap().change
    };
    // The new one is never taken: nothing was altered, and the old one stays.
    let case = Case::new(&scene, true).await;
    let change = wait(&case, 3).await;
    assert_eq!(change.name(), "executing", "{change:?}");
    scene.clock.0.fetch_add(u32::try_from(HOUR_MS).unwrap(), Ordering::SeqCst);
    let Change::RolledBack { why, .. } = wait(&case, 1).await else { panic!("it goes on") };
    assert!(why.contains("did not take the new key") && why.contains("(dns)"), "{why}");
    assert_eq!(case.stands(&scene).await, Stands::Before);
    case.is_wiped(&scene, "never taken").await;
    // The old one is taken for ever: the new one is in force, and a person is told what has to go.
    let case = Case::new(&scene, true).await;
    scene.server.keys().insert(case.after.clone());
    let change = wait(&case, 3).await;
    assert_eq!(change.name(), "executing", "{change:?}");
    assert_eq!(case.stands(&scene).await, Stands::After);
    // A server that does not answer refuses nothing.
    *scene.server.silent.lock().unwrap() = true;
    assert_eq!(wait(&case, 2).await.name(), "executing");
    *scene.server.silent.lock().unwrap() = false;
    scene.clock.0.fetch_add(u32::try_from(HOUR_MS).unwrap(), Ordering::SeqCst);
    let Change::WithPerson(with) = wait(&case, 1).await else { panic!("nobody is asked") };
    let name = &case.before.name;
    for word in [&format!("key \"{name}\""), &format!("- id: {name}"), "rndc reconfig", "(dns)"] {
        assert!(with.why.contains(word), "`{word}` is not in: {}", with.why);
    }
    // That person says that the rotation is off: the old one comes back.
    let by = bailiwick_core::actor::SignedIn::alone(with.person.clone());
    let over = scene.app.resolve(&by, &case.id, false, "it is needed").await.unwrap();
    assert_eq!(over.change.name(), "rolled-back");
    assert_eq!(case.stands(&scene).await, Stands::Before);
    case.is_wiped(&scene, "called off").await;
    let differing = scene.app.store.fsck().await.unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
    let case = Case::new(&scene, true).await;
    let closed = go_on(&scene, &case, &calm).await.unwrap();
    assert!(matches!(closed, Change::Closed { .. }), "{closed:?}");
}
