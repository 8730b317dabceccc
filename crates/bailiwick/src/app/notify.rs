//! Notices leave the house: each to a person who can act, with the page where they do. At least once,
//! under an id that stays the same; what is not taken is tried again, later and later.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_connect::egress::{Egress, Fence, Limits, Target, Trust};
use bailiwick_connect::notify::{self, NotTaken, Relay};
use bailiwick_core::change::{Chore, Warrant};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::time::{DAY_MS, HOUR_MS, SECOND_MS, Time};
use bailiwick_store::OutboxRow;
use bailiwick_wire::notice::Message;
use futures::future::join_all;

use super::App;
use crate::fault::Fault;

/// Notices of one round.
const ROUND: usize = 64;
/// Notices that are read for one round at most: beyond it, those that wait for another try would cost as much
/// as they are many; the next round goes on behind them.
const READ_MAX: usize = 2_000;
/// Notices that are read at once.
const PAGE: u32 = 500;
/// Notices that one way is given at once.
const AT_ONCE: usize = 8;
/// The longest pause before a notice is tried again.
const PAUSE_MS_MAX: i64 = HOUR_MS;
/// The longest pause of a way where nobody answers.
const WAY_PAUSE_MS_MAX: i64 = 30 * SECOND_MS;

/// After this time a notice is not tried any more: it misleads, and it stands on the pages all the same.
const GIVEN_UP_MS: i64 = 3 * DAY_MS;
/// Notices that were sent or given up so long ago are deleted.
const KEPT_MS: i64 = 30 * DAY_MS;
/// How often it is looked for old ones, and how many one statement deletes: commits wait for it.
const TENDED_EVERY_MS: i64 = HOUR_MS;
const FORGOTTEN_AT_ONCE: u32 = 500;

/// How long one notice may take, so that one round stays short.
const LIMITS: Limits = Limits {
    connect_timeout: std::time::Duration::from_secs(4),
    answer_timeout: std::time::Duration::from_secs(8),
    whole_timeout: std::time::Duration::from_secs(10),
};

/// By which ways notices leave, as the operator set them. Every way takes every notice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ways {
    /// A URL that takes signed JSON.
    pub webhook: Option<Target>,
    /// A mail relay.
    pub relay: Option<Relay>,
    /// A command that takes JSON on its standard input.
    pub command: Option<PathBuf>,
}

impl Ways {
    /// Whether there is none: then notices stay where they are.
    pub(crate) const fn is_empty(&self) -> bool {
        self.webhook.is_none() && self.relay.is_none() && self.command.is_none()
    }
}

/// What is known of notices that are on their way; gone with the process, which is why a notice may come twice.
#[derive(Default)]
pub(crate) struct Tries(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Each notice that some way took or did not take, with when it was written.
    of: BTreeMap<i64, (Time, [Tried; WAYS])>,
    /// Each way, as a whole.
    ways: [Tried; WAYS],
    /// Behind which notice the next round goes on.
    behind: i64,
    tended_at: Option<Time>,
}

const WAYS: usize = 3;

/// What came of trying.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    taken: bool,
    times: u32,
    next_at: Option<Time>,
}

impl App {
    /// Sends what is due, and lets go of what is old. Each way goes on for itself: one that takes nothing holds no
    /// other up, and a notice that is not taken holds none behind it up.
    pub(crate) async fn send_notices(&self) -> Result<(), Fault> {
        self.tend_outbox().await?;
        if self.settings.ways.is_empty() {
            return Ok(());
        }
        let due = self.due_notices().await?;
        let (webhook, mail, command) =
            futures::join!(self.send_all(0, &due), self.send_all(1, &due), self.send_all(2, &due));
        webhook.and(mail).and(command)
    }

    /// Gives up what is too old to be sent, also where no way is set, and deletes what was sent long ago.
    async fn tend_outbox(&self) -> Result<(), Fault> {
        let now = self.now();
        let too_old = now.plus_ms(-GIVEN_UP_MS);
        if !self.tries.begins_tending(now, too_old) {
            return Ok(());
        }
        self.store.give_up_notices(too_old, now).await?;
        let kept_since = now.plus_ms(-KEPT_MS);
        while self.store.forget_notices(kept_since, FORGOTTEN_AT_ONCE).await? > 0 {}
        Ok(())
    }

    /// Notices that some way is due to be given, past those that wait for another try.
    async fn due_notices(&self) -> Result<Vec<(OutboxRow, Message)>, Fault> {
        let now = self.now();
        let mut due = Vec::new();
        let (mut read, mut behind) = (0, self.tries.known().behind);
        while read < READ_MAX && due.len() < ROUND {
            let page = self.store.outbox(behind, PAGE).await?;
            let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            read = read.saturating_add(page.len());
            for row in page {
                if due.len() >= ROUND {
                    self.tries.known().behind = behind;
                    return Ok(due);
                }
                behind = row.id;
                let is_due = (0..WAYS).any(|way| self.is_way_due(way, &row, now));
                if !is_due || now.ms_since(row.at) >= GIVEN_UP_MS {
                    continue;
                }
                match self.message(&row) {
                    Some(message) => due.push((row, message)),
                    // Whoever it was for is gone from the estate.
                    None => self.store.mark_sent(row.id, now).await?,
                }
            }
            if is_last {
                behind = 0;
                break;
            }
        }
        self.tries.known().behind = behind;
        Ok(due)
    }

    fn is_wanted(&self, way: usize) -> bool {
        let ways = &self.settings.ways;
        let wanted = [ways.webhook.is_some(), ways.relay.is_some(), ways.command.is_some()];
        wanted.get(way).copied().unwrap_or(false)
    }

    fn is_way_due(&self, way: usize, row: &OutboxRow, now: Time) -> bool {
        self.is_wanted(way) && self.tries.is_due(way, row.id, now)
    }

    /// Gives one way what it is due, some at once; where nobody answers, it is left alone for a while.
    async fn send_all(&self, way: usize, rows: &[(OutboxRow, Message)]) -> Result<(), Fault> {
        let now = self.now();
        let due: Vec<_> = rows.iter().filter(|(row, _)| self.is_way_due(way, row, now)).collect();
        for some in due.chunks(AT_ONCE) {
            let sending = some.iter().map(|(_, message)| self.send_by(way, message, now));
            let (mut is_taking, mut answers) = (false, false);
            for ((row, message), came) in some.iter().zip(join_all(sending).await) {
                let taken = came?;
                self.tries.note(way, row, taken.is_ok(), self.now());
                answers |= !matches!(taken, Err(NotTaken::NoAnswer(_)));
                match taken {
                    Ok(()) => {
                        is_taking = true;
                        if (0..WAYS).all(|one| !self.is_wanted(one) || self.tries.took(one, row.id))
                        {
                            self.store.mark_sent(row.id, now).await?;
                            self.tries.known().of.remove(&row.id);
                        }
                    }
                    Err(why) => {
                        tracing::warn!(notice = %message.id, to = %message.person, %why, "a notice was not taken; trying again");
                    }
                }
            }
            if !answers {
                self.tries.pause(way, self.now());
                break;
            }
            if is_taking {
                self.tries.resume(way);
            }
        }
        Ok(())
    }

    async fn send_by(
        &self,
        way: usize,
        message: &Message,
        now: Time,
    ) -> Result<Result<(), NotTaken>, Fault> {
        let ways = &self.settings.ways;
        let warrant = Warrant::to_do(Chore::Notify, now);
        let no = |why: &str| Ok(Err(NotTaken::Refused(why.to_owned())));
        match (way, &ways.webhook, &ways.relay, &ways.command) {
            (0, Some(target), ..) => {
                let Some(key) = self.secret(&warrant, &SealedSecret::WebhookKey).await? else {
                    return no(
                        "the webhook has no key; hand it in with `bailiwick notices set-secret webhook`",
                    );
                };
                let Ok(trust) = Trust::system() else { return no("no roots of this system") };
                let body = message.signed_json(key.as_slice(), now);
                let web = self.web(&self.live.get());
                Ok(notify::post(web.as_ref(), target, trust, body).await)
            }
            (1, _, Some(relay), _) => {
                let password = match relay.user {
                    Some(_) => self.secret(&warrant, &SealedSecret::SmtpPassword).await?,
                    None => None,
                };
                if relay.user.is_some() && password.is_none() {
                    return no(
                        "the relay has no password; hand it in with `bailiwick notices set-secret smtp`",
                    );
                }
                let live = self.live.get();
                let fence = Fence::new(self.settings.allowed_networks.clone());
                let egress = Egress::new(self.dns.clone(), self.view(&live), fence, LIMITS);
                let mail = message.mail(&relay.from);
                let password = password.as_ref().map(|secret| secret.as_slice());
                Ok(notify::send(&egress, relay, password, &message.email, &mail).await)
            }
            (2, _, _, Some(program)) => Ok(notify::run(program, &message.json()).await),
            _ => Ok(Ok(())),
        }
    }

    /// A notice with what its reader needs; `None` where there is no such person any more.
    fn message(&self, row: &OutboxRow) -> Option<Message> {
        let live = self.live.get();
        let notice = &row.notice;
        let person = live.estate().people.get(&notice.to)?;
        let host = self.settings.base_url.split("://").nth(1).unwrap_or("bailiwick");
        let host: String =
            host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Some(Message {
            id: format!("{host}-{}", row.id),
            at: row.at,
            person: notice.to.to_string(),
            name: person.name.clone(),
            email: person.email.clone(),
            subject: notice.subject.clone(),
            url: self.settings.page(&notice.page),
        })
    }
}

impl Tries {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look for old notices; those that are too old are forgotten here.
    fn begins_tending(&self, now: Time, too_old: Time) -> bool {
        let mut known = self.known();
        if known.tended_at.is_some_and(|at| now.ms_since(at) < TENDED_EVERY_MS) {
            return false;
        }
        known.tended_at = Some(now);
        known.of.retain(|_, (at, _)| *at >= too_old);
        true
    }

    fn is_due(&self, way: usize, id: i64, now: Time) -> bool {
        let known = self.known();
        let of_notice = known.of.get(&id).and_then(|(_, ways)| ways.get(way));
        let waits = |tried: &Tried| tried.taken || tried.next_at.is_some_and(|at| now < at);
        !of_notice.is_some_and(waits) && !known.ways.get(way).is_some_and(waits)
    }

    fn took(&self, way: usize, id: i64) -> bool {
        let known = self.known();
        let tried = known.of.get(&id).and_then(|(_, ways)| ways.get(way));
        tried.is_some_and(|tried| tried.taken)
    }

    fn note(&self, way: usize, row: &OutboxRow, taken: bool, now: Time) {
        let mut known = self.known();
        let (_, ways) = known.of.entry(row.id).or_insert((row.at, [Tried::default(); WAYS]));
        if let Some(tried) = ways.get_mut(way) {
            tried.taken = taken;
            tried.wait(now, PAUSE_MS_MAX);
        }
    }

    fn pause(&self, way: usize, now: Time) {
        if let Some(tried) = self.known().ways.get_mut(way) {
            tried.wait(now, WAY_PAUSE_MS_MAX);
        }
    }

    fn resume(&self, way: usize) {
        if let Some(tried) = self.known().ways.get_mut(way) {
            *tried = Tried::default();
        }
    }
}

impl Tried {
    /// Twice as long as the time before.
    fn wait(&mut self, now: Time, ms_max: i64) {
        self.times = self.times.saturating_add(1);
        let pause = SECOND_MS.saturating_mul(1 << self.times.min(12)).min(ms_max);
        self.next_at = Some(now.plus_ms(pause));
    }
}

/// Sends notices until `stop` turns true; of several servers one at a time.
pub(crate) async fn run(
    app: Arc<App>,
    holder: String,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    /// How often it is looked; where no way is set, only old ones are looked for.
    const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
    const PAUSE_WITHOUT_WAYS: std::time::Duration = std::time::Duration::from_secs(60);
    /// The longest one round should take; then another server may begin one.
    const ROUND_MS: u32 = 600_000;
    let pause = if app.settings.ways.is_empty() { PAUSE_WITHOUT_WAYS } else { PAUSE };
    loop {
        let round = async {
            let Some(held) = app.store.acquire("notices", &holder, ROUND_MS).await? else {
                return Ok(());
            };
            let sent = app.send_notices().await;
            app.store.release(&held).await?;
            sent
        };
        let sent: Result<(), Fault> = round.await;
        if let Err(fault) = sent {
            tracing::error!(error = %fault, "notices could not be sent; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return,
        }
    }
}
