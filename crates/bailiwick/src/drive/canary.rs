//! Canaries at CAs behind ACME: an order that CAA permits and orders that it forbids, on names agreed for
//! it, from an account of its own. Whether the CA obeys is what it answers (CAA-2, promise P9).
//!
//! Nothing is kept here. The intent is a leaf before the order; the order goes by the same journal as any
//! other; whoever is killed goes on from it, or ends it.

mod came;
mod settle;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_connect::upstream::CanaryRequest;
use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{Chore, Warrant};
use bailiwick_core::estate::{CANARY_SUFFIX, CanaryPlan, CanarySense, Issuer, View, ZoneKey};
use bailiwick_core::names::{ChangeId, DnsName, IssuerId, SanName};
use bailiwick_core::record::{Batch, CanaryFlight, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, MINUTE_MS, Time};
use bailiwick_core::watch::{CanaryRun, Stands, canary_is_due};
use futures::future::join_all;
use tokio::sync::watch;

use super::caa::CaaSeen;
use crate::app::{App, Live};
use crate::fault::Fault;

/// The longest pause between two looks at what is due.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The longest a turn of one CA takes: what is in flight gets 8 s, and requests end by themselves. A
/// killed process's turn is over then, well within the minute of promise P2.
const TURN_MS: u32 = 30_000;
/// What could not be sent is tried again after so long, where nothing changed.
const NOT_SENT_MS: i64 = MINUTE_MS;
/// Whoever watches.
pub(super) const WATCH: Actor = Actor::Component(Component::Watch);
/// How control of a canary's name is shown.
const METHOD: &str = "dns-01";

/// One CA that can be tested.
struct Tested<'a> {
    app: &'a App,
    live: &'a Live,
    id: &'a IssuerId,
    issuer: &'a Issuer,
    plan: &'a CanaryPlan,
    /// The account canaries are sent from.
    account: IssuerId,
}

/// Why a canary was not sent, and after how long it is tried again.
struct NotSent {
    why: String,
    after_ms: i64,
}

/// When what could not be sent is tried again, by issuer and name. In memory only: after a restart it is
/// tried once more.
#[derive(Debug, Default)]
struct NotBefore(Mutex<BTreeMap<(IssuerId, DnsName), Time>>);

impl NotBefore {
    fn is_too_soon(&self, issuer: &IssuerId, name: &DnsName, now: Time) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(issuer.clone(), name.clone())).is_some_and(|then| now < *then)
    }

    fn note(&self, issuer: &IssuerId, name: &DnsName, until: Time) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((issuer.clone(), name.clone()), until);
    }
}

/// Runs until `stop` turns true.
pub(super) async fn run(app: Arc<App>, holder: String, mut stop: watch::Receiver<bool>) {
    let Some(watching) = app.settings.watch else { return };
    let not_before = NotBefore::default();
    loop {
        if let Err(fault) = round(&app, &holder, &not_before).await {
            tracing::error!(error = %fault, "canaries could not be sent; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(watching.every.min(PAUSE_MAX)) => {}
            _ = stop.changed() => return,
        }
    }
}

/// One turn of every CA that canaries are agreed with, all of them at once.
async fn round(app: &App, holder: &str, not_before: &NotBefore) -> Result<(), Fault> {
    let live = app.live.get();
    settle::end_without_plan(app, &live).await?;
    let turns = tested(app, &live).into_iter();
    let turns = turns.map(|one| async move {
        match one.held(holder, not_before).await {
            Ok(()) | Err(Fault::Conflict { .. }) => {}
            Err(fault) => {
                tracing::error!(issuer = %one.id, error = %fault, "a canary is stuck; trying again");
            }
        }
    });
    join_all(turns).await;
    Ok(())
}

/// The CAs that canaries are agreed with.
fn tested<'a>(app: &'a App, live: &'a Live) -> Vec<Tested<'a>> {
    let agreed = live.estate().issuers.iter().filter_map(|(id, issuer)| {
        let plan = issuer.canary.as_ref()?;
        let account = IssuerId::parse(&format!("{id}{CANARY_SUFFIX}")).ok()?;
        Some(Tested { app, live, id, issuer, plan, account })
    });
    agreed.collect()
}

/// One turn of everybody, for tests in which nobody waits until a dead one's turn is over: that is told
/// by the database's own clock.
#[cfg(test)]
pub(super) async fn one_round(app: &App) -> Result<(), Fault> {
    let live = app.live.get();
    for one in tested(app, &live) {
        one.turn(&NotBefore::default()).await?;
    }
    Ok(())
}

impl Tested<'_> {
    /// One turn, where nobody else has it.
    async fn held(&self, holder: &str, not_before: &NotBefore) -> Result<(), Fault> {
        let lease = format!("canary/{}", self.id);
        let store = &self.app.store;
        let Some(held) = store.acquire(&lease, holder, TURN_MS).await? else { return Ok(()) };
        let turn = self.turn(not_before).await;
        store.release(&held).await?;
        turn
    }

    /// Goes on with what is in flight, else sends what is due; one canary at a time.
    async fn turn(&self, not_before: &NotBefore) -> Result<(), Fault> {
        let flights = self.app.store.canary_flights().await?;
        if let Some(flight) = flights.iter().find(|flight| flight.issuer == *self.id) {
            return self.go_on(flight).await;
        }
        let stored = self.app.store.canaries(Some(self.id)).await?;
        let changed = self.app.canary_wishes.changed(self.id);
        let now = self.app.now();
        for (sense, name) in self.plan.names() {
            let permitted = sense == CanarySense::Permitted;
            let rows = stored.iter().filter(|row| row.run.name == *name);
            // One that was not sent told nothing, and nobody was asked.
            let rows = rows.filter(|row| row.run.permitted == permitted && row.run.caa.is_some());
            let last = rows.max_by_key(|row| row.at);
            let last = last.map(|row| (row.at, row.run.stands));
            let too_soon = not_before.is_too_soon(self.id, name, now);
            if too_soon || !canary_is_due(self.plan, last, changed, now) {
                continue;
            }
            match self.begin(sense, name).await? {
                Ok(flight) => return self.go_on(&flight).await,
                Err(NotSent { why, after_ms }) => {
                    not_before.note(self.id, name, now.plus_ms(after_ms));
                    self.not_sent(sense, name, why).await?;
                }
            }
        }
        Ok(())
    }

    /// The right to what one turn of a canary for this name needs, and to nothing else.
    fn warrant(&self, name: &DnsName) -> Warrant {
        let chore = Chore::SendCanary { account: self.account.clone(), name: name.clone() };
        Warrant::to_do(chore, self.app.now())
    }

    /// The zone that a canary's name lies in.
    fn zone_of(&self, name: &DnsName) -> Option<&ZoneKey> {
        self.live.estate().zone_of(name, View::External).map(|(key, _)| key)
    }

    /// CAA of a name as this CA has to see it, asked for from our account for canaries.
    async fn look(&self, name: &DnsName, account: &str) -> CaaSeen {
        match SanName::parse(name.as_str()) {
            Ok(san) => {
                let asked = [(san, Some(METHOD.to_owned()))];
                CaaSeen::look(self.app, self.live, &self.issuer.caa_domains, account, &asked).await
            }
            Err(_) => CaaSeen::nothing(),
        }
    }

    /// Stores the intent, or says why nothing is sent.
    async fn begin(
        &self,
        sense: CanarySense,
        name: &DnsName,
    ) -> Result<Result<CanaryFlight, NotSent>, Fault> {
        let no = |why: String, after_ms| Ok(Err(NotSent { why, after_ms }));
        let services = &self.live.estate().services;
        let san = SanName::parse(name.as_str()).map_err(|cause| Fault::bug(cause.to_string()))?;
        if let Some((service, _)) = services.iter().find(|(_, service)| service.owns(&san)) {
            return no(format!("`{name}` is a name of service `{service}`"), NOT_SENT_MS);
        }
        let Some(zone) = self.zone_of(name) else {
            return no(format!("`{name}` lies in no external zone of the estate"), NOT_SENT_MS);
        };
        let Some(account) = self.app.upstream_account(&self.account).await? else {
            let why = format!(
                "there is no account for canaries yet; run `bailiwick issuer register {}`",
                self.account
            );
            return no(why, 0);
        };
        let seen = self.look(name, &account.uri).await;
        if seen.decision() != sense.expects() {
            let why = format!(
                "CAA of `{name}` does not say that this is {}: {}",
                sense.words(),
                seen.summary()
            );
            return no(why, NOT_SENT_MS);
        }
        let request = CanaryRequest::fresh(name);
        let request = request.map_err(|cause| Fault::bug(cause.to_string()))?;
        let run = ChangeId::parse(&self.app.world.id()?).map_err(|_| Fault::bug("bad id"))?;
        let flight = CanaryFlight {
            run,
            issuer: self.id.clone(),
            zone: zone.clone(),
            name: name.clone(),
            sense,
            csr: request.der,
            key: request.key,
            caa: seen.digest(),
            at: self.app.now(),
        };
        let fact = Fact::CanaryBegun {
            issuer: self.id.clone(),
            zone: zone.clone(),
            name: name.clone(),
            permitted: sense == CanarySense::Permitted,
        };
        let entries = vec![Entry { at: flight.at, by: WATCH, fact }];
        let work = vec![seen.evidence(), Work::PutCanaryFlight(Box::new(flight.clone()))];
        self.app.commit(Batch { entries, work, ..Batch::default() }).await?;
        Ok(Ok(flight))
    }

    /// Puts down that nothing was sent, where that is news.
    async fn not_sent(&self, sense: CanarySense, name: &DnsName, why: String) -> Result<(), Fault> {
        let Some(zone) = self.zone_of(name) else { return Ok(()) };
        let says: String = format!("not sent: {why}").chars().take(settle::SAYS_MAX).collect();
        let stored = self.app.store.canaries(Some(self.id)).await?;
        let now = self.app.now();
        let known = stored.iter().any(|row| {
            row.run.name == *name && row.run.says == says && now.ms_since(row.at) < DAY_MS
        });
        if known {
            return Ok(());
        }
        let run = CanaryRun {
            issuer: self.id.clone(),
            zone: zone.clone(),
            name: name.clone(),
            permitted: sense == CanarySense::Permitted,
            stands: Stands::Unknown,
            says,
            certificate: None,
            revoked: false,
            order: None,
            caa: None,
        };
        let entry = Entry { at: now, by: WATCH, fact: Fact::CanaryTried(Box::new(run)) };
        self.app.commit(Batch { entries: vec![entry], ..Batch::default() }).await.map(drop)
    }
}
