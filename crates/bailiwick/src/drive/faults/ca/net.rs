//! What lies between the driver and the simulated CA: the way there, where a driver can die before or
//! after each request, and the zone.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bailiwick_connect::dns::{ChallengeRecords, NotWritten};
use bailiwick_connect::egress::{Answer, Call, Fence, Host, Network, NoAnswer, Web};
use bailiwick_core::change::Warrant;
use bailiwick_core::names::{ChangeId, DnsName};
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::acme::{Asked, Ca, Carried};
use super::clock::SimClock;
use crate::app::{App, Live, Outside};

/// How long an answer may take; as outside of tests.
const DEADLINE: Duration = Duration::from_secs(8);

/// The zone of the names, as its servers show it.
#[derive(Default)]
pub(super) struct Zone {
    records: Mutex<BTreeSet<(DnsName, String)>>,
    looks: AtomicU32,
}

impl Zone {
    fn records(&self) -> std::sync::MutexGuard<'_, BTreeSet<(DnsName, String)>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shows(&self, owner: &DnsName, value: &str) -> bool {
        self.records().contains(&(owner.clone(), value.to_owned()))
    }

    pub(super) fn left(&self) -> Vec<(DnsName, String)> {
        self.records().iter().cloned().collect()
    }
}

/// When the driver dies: at this request or record, before or after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crash {
    pub(super) at: u32,
    pub(super) after: bool,
}

/// How requests get to the CA.
pub(super) enum Way {
    /// Without a socket; time passes by the clock of the simulation.
    Memory(Arc<Ca>),
    /// Through our own way out, TLS and all.
    Wire(Arc<dyn Web>),
}

/// What the drivers of one run see of the world.
pub(super) struct Net {
    way: Way,
    base: String,
    pub(super) zone: Arc<Zone>,
    clock: Arc<SimClock>,
    app: OnceLock<Weak<App>>,
    change: Mutex<Option<ChangeId>>,
    crashes: Mutex<Vec<Crash>>,
    acts: AtomicU32,
    orders_lost: AtomicU32,
    wrongs: Mutex<Vec<String>>,
    /// The driver is dead: drop it.
    pub(super) died: Notify,
}

impl Net {
    pub(super) fn new(way: Way, base: &str, zone: Arc<Zone>, clock: Arc<SimClock>) -> Self {
        Self {
            way,
            base: base.to_owned(),
            zone,
            clock,
            app: OnceLock::new(),
            change: Mutex::default(),
            crashes: Mutex::default(),
            acts: AtomicU32::new(0),
            orders_lost: AtomicU32::new(0),
            wrongs: Mutex::default(),
            died: Notify::new(),
        }
    }

    pub(super) fn know(&self, app: &Arc<App>) {
        assert!(self.app.set(Arc::downgrade(app)).is_ok());
    }

    /// A run begins.
    pub(super) fn begin(&self, change: &ChangeId, crashes: Vec<Crash>) {
        *self.change.lock().unwrap() = Some(change.clone());
        *self.crashes.lock().unwrap() = crashes;
        self.acts.store(0, Ordering::SeqCst);
        self.orders_lost.store(0, Ordering::SeqCst);
    }

    /// Nobody dies any more in this run.
    pub(super) fn calm(&self) {
        self.crashes.lock().unwrap().clear();
    }

    /// Requests and records since then.
    pub(super) fn acts(&self) -> u32 {
        self.acts.load(Ordering::SeqCst)
    }

    /// Answers to newOrder that did not come, or said nothing, since then.
    pub(super) fn orders_lost(&self) -> u32 {
        self.orders_lost.load(Ordering::SeqCst)
    }

    /// What was done that never may be.
    pub(super) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap().clone()
    }

    fn wrong(&self, what: String) {
        self.wrongs.lock().unwrap().push(what);
    }

    /// Counts an act; says whether the driver dies before and after it.
    fn act(&self) -> (bool, bool) {
        let number = self.acts.fetch_add(1, Ordering::SeqCst);
        let mut crashes = self.crashes.lock().unwrap();
        let dies = |after| move |one: &Crash| one.at == number && one.after == after;
        let found = (crashes.iter().any(dies(false)), crashes.iter().any(dies(true)));
        crashes.retain(|one| one.at != number);
        found
    }

    async fn die(&self) -> ! {
        self.died.notify_one();
        std::future::pending().await
    }

    /// The order's URL is durable before finalize is sent.
    async fn look_at(&self, call: &Call) {
        let path = call.target.path();
        let (Some(order), Some(app)) =
            (path.strip_prefix("/finalize/"), self.app.get().and_then(Weak::upgrade))
        else {
            return;
        };
        let change = self.change.lock().unwrap().clone().unwrap();
        let kept = app.store.upstream_order(&change).await.unwrap().map(|row| row.url);
        let url = format!("{}/order/{order}", self.base);
        if kept.as_deref() != Some(url.as_str()) {
            self.wrong(format!("finalized {url} while {kept:?} was kept"));
        }
    }

    async fn carry(&self, call: Call) -> Result<Answer, NoAnswer> {
        self.clock.goes_on(20 + u64::from(self.acts() % 7) * 40);
        match &self.way {
            Way::Wire(web) => web.call(call).await,
            Way::Memory(ca) => self.in_memory(ca, call),
        }
    }

    fn in_memory(&self, ca: &Ca, call: Call) -> Result<Answer, NoAnswer> {
        let Host::Address(address) = call.target.host() else { return Err(NoAnswer::NoAddress) };
        let there = SocketAddr::new(*address, call.target.port());
        fence().permit(there)?;
        if format!("https://{there}") != self.base {
            self.wrong(format!("{there} was connected to"));
            return Err(NoAnswer::Connect(std::io::ErrorKind::ConnectionRefused));
        }
        let body = call.body.map(|(_, octets)| octets).unwrap_or_default();
        let path = call.target.path().to_owned();
        let reply = ca.answer(&Asked { method: call.method, path, body });
        match reply.carried {
            Carried::Whole if reply.body.len() > 64 * 1024 => Err(NoAnswer::TooLong),
            Carried::Whole => {
                let whole = Answer::new(reply.status, reply.body);
                Ok(reply.fields.iter().fold(whole, |all, (name, value)| all.with(name, value)))
            }
            Carried::Lost | Carried::CutShort => Err(NoAnswer::Http("cut short".to_owned())),
            Carried::NeverArrived => Err(NoAnswer::Http("reset".to_owned())),
            Carried::Late => {
                self.clock.goes_on(8_000);
                Err(NoAnswer::AnswerTimeout(DEADLINE))
            }
            Carried::OtherName => Err(NoAnswer::Tls("for another name".to_owned())),
        }
    }
}

/// Only the simulated CA's own address lies inside.
pub(super) fn fence() -> Fence {
    Fence::new(vec![Network::parse("127.0.0.1/32").unwrap()])
}

impl Web for Net {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            let (before, after) = self.act();
            if before {
                self.die().await;
            }
            self.look_at(&call).await;
            let is_order = call.target.path() == "/order";
            let answer = self.carry(call).await;
            let fine = answer.as_ref().is_ok_and(|answer| answer.field("location").is_some());
            if is_order && (after || !fine) {
                self.orders_lost.fetch_add(1, Ordering::SeqCst);
            }
            if after {
                self.die().await;
            }
            answer
        })
    }
}

impl ChallengeRecords for Net {
    fn place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(async move {
            let (before, after) = self.act();
            if before {
                self.die().await;
            }
            if !owner.as_str().ends_with(".shop.example") {
                self.wrong(format!("a record was placed at {owner}"));
            }
            self.zone.records().insert((owner.clone(), value.to_owned()));
            if after {
                self.die().await;
            }
            Ok(())
        })
    }

    fn clear<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(async move {
            let (before, after) = self.act();
            if before {
                self.die().await;
            }
            self.zone.records().remove(&(owner.clone(), value.to_owned()));
            if after {
                self.die().await;
            }
            Ok(())
        })
    }

    fn waiting_for<'a>(&'a self, _: &'a DnsName, _: &'a str) -> BoxFuture<'a, Vec<SocketAddr>> {
        // One of the zone's servers is slow now and then.
        let slow = self.zone.looks.fetch_add(1, Ordering::SeqCst) % 5 == 4;
        let server = SocketAddr::new(IpAddr::from([192, 0, 2, 53]), 53);
        Box::pin(async move { if slow { vec![server] } else { Vec::new() } })
    }
}

/// The world of a simulation for the app.
pub(super) struct Simulated(pub(super) Arc<Net>);

impl Outside for Simulated {
    fn web(&self, _: &App, _: &Live) -> Arc<dyn Web> {
        Arc::clone(&self.0) as Arc<dyn Web>
    }

    fn records<'a>(
        &'a self,
        _: &'a App,
        _: &'a Live,
        _: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a> {
        Box::new(Borrowed(&self.0))
    }
}

struct Borrowed<'a>(&'a Net);

impl ChallengeRecords for Borrowed<'_> {
    fn place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        self.0.place(owner, value)
    }

    fn clear<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        self.0.clear(owner, value)
    }

    fn waiting_for<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Vec<SocketAddr>> {
        self.0.waiting_for(owner, value)
    }
}
