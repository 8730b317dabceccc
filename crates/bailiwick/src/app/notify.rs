//! Notices leave the house: each to a person who can act, with the page where they do. At least once,
//! under an id that stays the same; what is not taken is tried again, later and later.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_connect::egress::{Egress, Fence, Limits, Target, Trust};
use bailiwick_connect::notify::{self, NotTaken, Relay};
use bailiwick_core::change::{Chore, Warrant};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::time::{DAY_MS, HOUR_MS, SECOND_MS, Time};
use bailiwick_store::OutboxRow;
use bailiwick_wire::notice::Message;

use super::App;
use crate::fault::Fault;

/// Notices of one round.
const ROUND: u32 = 50;
/// The longest pause before a notice is tried again.
const PAUSE_MS_MAX: i64 = HOUR_MS;

/// After this time a notice is not tried any more: none may stand in the way of those behind it.
const GIVEN_UP_MS: i64 = 3 * DAY_MS;

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

/// Notices that were not taken yet: which ways did, how often it was tried, when it is tried again.
#[derive(Default)]
pub(crate) struct Tries(Mutex<BTreeMap<i64, Tried>>);

#[derive(Clone, Debug, Default)]
struct Tried {
    taken: [bool; 3],
    times: u32,
    next_at: Option<Time>,
}

impl App {
    /// Sends what is due.
    pub(crate) async fn send_notices(&self) -> Result<(), Fault> {
        if self.settings.ways.is_empty() {
            return Ok(());
        }
        for row in self.store.outbox(ROUND).await? {
            let mut tried = self.tries.of(row.id);
            if tried.next_at.is_some_and(|at| self.now() < at) {
                continue;
            }
            self.send_notice(&row, &mut tried).await?;
        }
        Ok(())
    }

    async fn send_notice(&self, row: &OutboxRow, tried: &mut Tried) -> Result<(), Fault> {
        let now = self.now();
        let message = self.message(row).filter(|_| now.ms_since(row.at) < GIVEN_UP_MS);
        let Some(message) = message else {
            // Whoever it was for is gone from the estate, or it is so old that it misleads. It stands
            // on the pages all the same.
            return Ok(self.store.mark_sent(row.id, now).await?);
        };
        let ways = &self.settings.ways;
        let wanted = [ways.webhook.is_some(), ways.relay.is_some(), ways.command.is_some()];
        let mut whole = true;
        for (way, wanted) in wanted.into_iter().enumerate() {
            let taken = tried.taken.get(way).copied().unwrap_or(false);
            if !wanted || taken {
                continue;
            }
            match self.send_by(way, &message, now).await? {
                Ok(()) => {
                    if let Some(taken) = tried.taken.get_mut(way) {
                        *taken = true;
                    }
                }
                Err(why) => {
                    whole = false;
                    tracing::warn!(notice = %message.id, to = %message.person, %why, "a notice was not taken; trying again");
                }
            }
        }
        if whole {
            self.tries.forget(row.id);
            return Ok(self.store.mark_sent(row.id, now).await?);
        }
        tried.times = tried.times.saturating_add(1);
        let pause = SECOND_MS.saturating_mul(1 << tried.times.min(12)).min(PAUSE_MS_MAX);
        tried.next_at = Some(now.plus_ms(pause));
        self.tries.keep(row.id, tried.clone());
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
    fn of(&self, id: i64) -> Tried {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).cloned().unwrap_or_default()
    }

    fn keep(&self, id: i64, tried: Tried) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, tried);
    }

    fn forget(&self, id: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Sends notices until `stop` turns true; of several servers one at a time.
pub(crate) async fn run(
    app: Arc<App>,
    holder: String,
    mut stop: tokio::sync::watch::Receiver<bool>,
) {
    /// How often it is looked.
    const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
    /// The longest one round should take; then another server may begin one.
    const ROUND_MS: u32 = 600_000;
    if app.settings.ways.is_empty() {
        return;
    }
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
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.changed() => return,
        }
    }
}
