//! The stage of a rehearsal: an installation of its own with the same estate, in a folder that is thrown away,
//! with a clock that jumps over what would be waited for.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bailiwick_connect::keys::SubjectPair;
use bailiwick_core::change::{
    Basis, Change, Command, Event, Grant, Next, Outcome, Plan, Prepared, Request, Step, Touched,
};
use bailiwick_core::estate::{AuthorityPlan, Estate, IssuerKind};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{ChangeId, DecisionId};
use bailiwick_core::record::{Batch, Decision, Entry, Fact};
use bailiwick_core::time::{DAY_MS, SECOND_MS, Time};
use futures::future::BoxFuture;

use super::shadow::{OnStage, Shadow};
use crate::app::start::{Opened, Options};
use crate::app::{App, Live, Loaded, NoticeOptions};
use crate::drive::changes::{DRIVER, drive_with};
use crate::drive::effects::{Applied, Effects, Real};
use crate::fault::Fault;
use crate::settings::Settings;
use crate::world::{Clock, World};

/// Looks of one rehearsal at most: the clock jumps over waits, so that few are needed.
const LOOKS_MAX: usize = 2_000;
/// How long a rehearsal may take by the real clock.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation for one rehearsal.
pub(super) struct Stage {
    pub(super) app: Arc<App>,
    clock: Arc<Jumping>,
}

/// A clock that stands still but for its jumps.
struct Jumping {
    began: Time,
    steady: Instant,
    ms: AtomicI64,
}

impl Jumping {
    fn jump(&self, ms: i64) {
        self.ms.fetch_add(ms.max(0), Ordering::Relaxed);
    }
}

impl Clock for Jumping {
    fn now(&self) -> Time {
        self.began.plus_ms(self.ms.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Instant {
        let ms = u64::try_from(self.ms.load(Ordering::Relaxed)).unwrap_or(0);
        let later = self.steady.checked_add(Duration::from_millis(ms));
        later.unwrap_or(self.steady)
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.jump(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        Box::pin(async {})
    }
}

impl Stage {
    /// Opens an installation with the estate of `of`, whose zones are the copies and whose CAs are its own.
    pub(super) async fn open(
        of: &App,
        live: &Live,
        shadow: Arc<Shadow>,
        folder: &Path,
    ) -> Result<Self, Fault> {
        let failed = |cause: &dyn std::fmt::Display| Fault::Busy {
            message: format!("the stage of the rehearsal cannot be set: {cause}"),
        };
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(|cause| failed(&cause))?;
        }
        crate::app::start::make_private(folder).map_err(|cause| failed(&cause))?;
        let estate = estate(live.estate(), &shadow);
        let clock =
            Arc::new(Jumping { began: of.now(), steady: Instant::now(), ms: AtomicI64::new(0) });
        let world = World {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::clone(&of.world.random),
            outside: Arc::new(OnStage(shadow)),
        };
        let settings = Settings {
            data: folder.to_path_buf(),
            watch: None,
            ways: crate::app::Ways::default(),
            lab: false,
            ..of.settings.clone()
        };
        let opened = Opened::with(&options(folder.to_path_buf(), estate), settings, world).await;
        let opened = opened.map_err(|cause| failed(&cause))?;
        Ok(Self { app: opened.app, clock })
    }

    /// The plan as a change that may be carried out here, and nowhere else: its approval is the rehearsal's.
    pub(super) async fn approved(
        &self,
        of: &App,
        plan: &Plan,
        request: &Request,
    ) -> Result<ChangeId, Fault> {
        let now = self.app.now();
        let id = ChangeId::parse(&self.app.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let decision = DecisionId::parse(&self.app.world.id()?);
        let decision = decision.map_err(|_| Fault::bug("bad decision id"))?;
        let policy = self.app.live.get().policy.digest();
        let made = Decision {
            id: decision.clone(),
            action: "rehearse".to_owned(),
            allowed: true,
            policy,
            facts: "{}".to_owned(),
            reasons: "{}".to_owned(),
            rule: "rehearsal".to_owned(),
        };
        let basis = Basis { decision, policy, of: plan.digest(), approvals_needed: 0 };
        let mut batch = Batch::default();
        for step in plan.steps() {
            // Where the real key is sealed, another one stands for it: the real one stays where it is.
            let Step::IssueCertificate(wanted) = step else { continue };
            let secret = SealedSecret::SubjectKey(wanted.key);
            if of.has_secret(&secret).await? {
                let pair = SubjectPair::fresh().map_err(|cause| Fault::bug(cause.to_string()))?;
                batch.work.push(self.app.sealed_secret(secret, &pair.pkcs8)?);
            }
        }
        // Whether people may is asked of them; here nobody asks but the rehearsal.
        let request = Request { id: id.clone(), by: DRIVER, at: now, ..request.clone() };
        let mut loaded = App::open_change(request, &mut batch);
        let fact = Fact::Decided { decision: Box::new(made), change: Some(id.clone()) };
        batch.entries.push(Entry { at: now, by: DRIVER, fact });
        let expires_at = now.plus_ms(DAY_MS);
        for command in [
            Command::Validate { plan: plan.clone(), prechecks: Vec::new(), expires_at },
            Command::Approve { approval: None, basis: Some(basis) },
        ] {
            let events = loaded.change.decide(command, now).map_err(Fault::from)?;
            App::add_events(&mut loaded, &mut batch, events, &DRIVER, now)?;
        }
        self.app.commit(batch).await?;
        Ok(id)
    }

    /// Drives it to its end, jumping over every wait.
    pub(super) async fn drive<E: Effects>(
        &self,
        effects: &E,
        id: &ChangeId,
    ) -> Result<Change, Fault> {
        let began = Instant::now();
        for _ in 0..LOOKS_MAX {
            if began.elapsed() > PATIENCE {
                break;
            }
            let loaded = self.app.load_change(id).await?;
            let change = drive_with(&self.app, effects, loaded).await?;
            match change.next() {
                Next::Finished | Next::AwaitPerson | Next::LookAgain { .. } => return Ok(change),
                Next::Validate
                | Next::AwaitApproval
                | Next::Start { .. }
                | Next::StartUndo { .. }
                | Next::Apply { .. }
                | Next::Undo { .. }
                | Next::Verify { .. } => {}
            }
            let wait = self.left(id, &change).await?;
            self.clock.jump(wait);
        }
        Err(Fault::Busy {
            message: format!(
                "the rehearsal does not come to an end within {} s; try again",
                PATIENCE.as_secs()
            ),
        })
    }

    /// How long until what is waited for is over, in milliseconds: a second where nothing says so.
    async fn left(&self, id: &ChangeId, change: &Change) -> Result<i64, Fault> {
        let next = change.next();
        let hold = if let Next::Apply { step: Step::AwaitPropagation(wait), .. } = &next {
            wait.hold_seconds
        } else if let Next::Undo { step: Step::PublishRecords(publish), .. } = &next {
            publish.undo_hold_seconds
        } else {
            return Ok(SECOND_MS);
        };
        let mut since = None;
        for stored in self.app.store.change_events(id).await? {
            if let Event::StepSeen { holds, .. } = stored.event {
                since = holds.then(|| since.unwrap_or(stored.at));
            } else {
                since = None;
            }
        }
        let over = |since: Time| since.plus_ms(i64::from(hold).saturating_mul(SECOND_MS));
        Ok(since.map_or(SECOND_MS, |since| over(since).ms_since(self.app.now()).max(1)))
    }

    /// Closes what was opened.
    pub(super) async fn close(self) {
        self.app.store.close().await;
    }
}

/// The estate with the copies as its zones, and every CA one of this stage.
fn estate(real: &Estate, shadow: &Shadow) -> Estate {
    let mut estate = real.clone();
    for (key, zone) in &mut estate.zones {
        zone.servers = shadow.server(key).into_iter().collect();
        (zone.connector, zone.transfer) = (None, None);
    }
    for issuer in estate.issuers.values_mut() {
        issuer.kind = IssuerKind::BuiltIn;
        issuer.authority =
            AuthorityPlan { crl_parts: None, key_home: None, ..issuer.authority.clone() };
        (issuer.upstream, issuer.canary) = (None, None);
    }
    estate
}

fn options(data: PathBuf, estate: Estate) -> Options {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Options {
        data,
        restored: false,
        estate: None,
        given: Some(estate),
        lab: false,
        database: None,
        listen: nowhere,
        listen_http: nowhere,
        listen_notify: None,
        base_url: None,
        http_url: None,
        resolver: None,
        http01_port: None,
        tls_alpn01_port: None,
        terms_of_service: None,
        limit: Vec::new(),
        allow_network: Vec::new(),
        envelope_unused_days: 30,
        watch_seconds: 0,
        rdap: None,
        notices: NoticeOptions::default(),
        lab_dns: nowhere,
        token: crate::app::start_token::TokenOptions::default(),
    }
}

/// The real effects, but the end is not believed: so everything is undone from the end.
pub(super) struct Back<'a>(Real<'a>);

impl<'a> Back<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self(Real::new(app))
    }
}

impl Effects for Back<'_> {
    async fn prepare(
        &self,
        loaded: &Loaded,
        step: &Step,
        batch: &mut Batch,
    ) -> Result<Prepared, String> {
        self.0.prepare(loaded, step, batch).await
    }

    async fn apply(&self, grant: Grant, prepared: &Prepared) -> Applied {
        self.0.apply(grant, prepared).await
    }

    async fn undo(&self, grant: Grant, touched: &Touched) -> Applied {
        self.0.undo(grant, touched).await
    }

    async fn verify(&self, _: &ChangeId, _: &Plan, _: &[Touched]) -> Outcome {
        Outcome::Failed("the rehearsal turns back here".to_owned())
    }

    fn verify_at_once(&self, _: &Plan, _: &[Touched]) -> Option<Outcome> {
        None
    }

    async fn accompany(&self, loaded: &Loaded, batch: &mut Batch) -> Result<(), Fault> {
        self.0.accompany(loaded, batch).await
    }

    async fn committed(&self, loaded: &Loaded) -> Result<(), Fault> {
        self.0.committed(loaded).await
    }
}
