//! Orders at CAs behind ACME inside the spine: the intent first, the order's URL before finalize, and
//! whatever came is checked before anybody gets it.

mod adopt;
mod journal;
mod turns;
mod undo;

use std::time::Duration;

use bailiwick_connect::upstream::{
    AccountKey, Journal as _, Progress, Trouble, Work as OrderWork, advance, tidy,
};
use bailiwick_core::change::{Chore, Event, IssueCertificate, Outcome, Prepared, Warrant};
use bailiwick_core::names::{CertFingerprint, ChangeId, IssuerId};
use bailiwick_core::record::{Batch, Work};
use bailiwick_core::time::{HOUR_MS, MINUTE_MS, Time};

use self::adopt::{adopt, ari_id};
use self::journal::ChangeJournal;
use self::turns::Turn;
use super::effects::Applied;
use crate::app::{App, Live};
use crate::fault::Fault;

pub(crate) use turns::Turns;
pub(super) use undo::{revoke_at_ca, undo};

/// How long one turn of a driver works on an order at most, one request more or less: well below the
/// time after which another driver takes the change over.
const TURN: Duration = Duration::from_secs(8);
/// How long a CA that cannot be asked, or does not come to an end, is waited for.
const PATIENCE_MS: i64 = HOUR_MS;
/// The longest pause between two looks.
const PAUSE_MS_MAX: i64 = MINUTE_MS;
/// An order that took this many times as long may wait this much longer until the next look.
const PAUSE_PART: i64 = 8;

/// What the spine knows of the step in flight.
struct Flight {
    /// When the intent was stored.
    since: Time,
    /// Whether it is on record already that an answer was lost.
    lost_before: bool,
}

impl Flight {
    /// When the CA is asked again: not before it wants to be, and the later the longer it takes.
    fn pace(&self, now: Time, wish: Duration) -> Time {
        let wish = i64::try_from(wish.as_millis()).unwrap_or(PAUSE_MS_MAX);
        let grown = now.ms_since(self.since) / PAUSE_PART;
        now.plus_ms(grown.max(wish).clamp(0, PAUSE_MS_MAX))
    }
}

/// Takes the order one way further.
pub(super) async fn apply(
    app: &App,
    warrant: &Warrant,
    wanted: &IssueCertificate,
    prepared: &Prepared,
) -> Applied {
    let Some(change) = warrant.change() else { return failed("the grant belongs to no change") };
    let Prepared::Forwarded { csr, replaces, .. } = prepared else {
        return failed("the client's request is gone; let it order again");
    };
    let turn = match app.turns.begin(change, app.now()) {
        Ok(turn) => turn,
        Err(why) => return Applied::NotYet(why),
    };
    match try_apply(app, (warrant, change), wanted, (csr, replaces.as_ref()), &turn).await {
        Ok(applied) => applied,
        Err(fault) => Applied::NotYet(fault.to_string()),
    }
}

async fn try_apply(
    app: &App,
    (warrant, change): (&Warrant, &ChangeId),
    wanted: &IssueCertificate,
    (csr, replaces): (&[u8], Option<&CertFingerprint>),
    turn: &Turn<'_>,
) -> Result<Applied, Fault> {
    let live = app.live.get();
    let flight = flight(app, change).await?;
    let Some(upstream) = app.upstream(&live, &wanted.issuer) else {
        return Ok(failed(format!("the estate names no CA `{}` any more", wanted.issuer)));
    };
    let Some((key, account)) = identity(app, warrant, &wanted.issuer).await? else {
        return Ok(failed(format!("there is no account at issuer `{}`", wanted.issuer)));
    };
    let journal = ChangeJournal { app, change, issuer: &wanted.issuer };
    let web = app.web(&live);
    let client = match app.open_upstream(web.as_ref(), upstream, &key, Some(account)).await {
        Ok(client) => client,
        Err(trouble) => {
            turn.rest(flight.pace(app.now(), trouble.after()));
            let begun = journal.read().await?.may_have_issued();
            return Ok(of_trouble(app, &flight, &trouble, begun));
        }
    };
    let replaces = ari_id(app, replaces).await?;
    let work = OrderWork {
        names: &wanted.names,
        csr,
        key: wanted.key,
        profile: upstream.ca_profiles.get(&wanted.profile).map(String::as_str),
        replaces: replaces.as_deref(),
    };
    let records = app.records(&live, warrant);
    let began = app.world.clock.steady();
    let spent = || app.world.clock.steady().saturating_duration_since(began);
    loop {
        match advance(&client, records.as_ref(), &journal, &work).await {
            Progress::NotYet { after, .. } if spent() + after < TURN => {
                app.world.clock.pause(after).await;
            }
            Progress::NotYet { after, why } => {
                turn.rest(flight.pace(app.now(), after));
                return Ok(waiting(app, &flight, why));
            }
            Progress::Lost { after, why } => {
                turn.rest(flight.pace(app.now(), after));
                return Ok(lost(app, &flight, why));
            }
            Progress::Over(why) => return Ok(failed(why)),
            Progress::Issued(chain) => return adopt(app, change, wanted, &chain).await,
        }
    }
}

/// Account key and URL, where there is an account.
async fn identity(
    app: &App,
    warrant: &Warrant,
    issuer: &IssuerId,
) -> Result<Option<(AccountKey, String)>, Fault> {
    let Some(account) = app.upstream_account(issuer).await? else { return Ok(None) };
    let key = app.account_key(warrant, issuer).await?;
    Ok(key.filter(|key| key.hash() == account.key).map(|key| (key, account.uri)))
}

/// Takes away the records of changes that are over. Nothing depends on it but tidiness, so what does
/// not work is tried again at the next turn.
pub(super) async fn tidy_up(app: &App, limit: u32) -> Result<(), Fault> {
    let live = app.live.get();
    let mut changes: Vec<ChangeId> =
        app.store.forgotten_records(limit).await?.into_iter().map(|one| one.change).collect();
    changes.dedup();
    for change in &changes {
        tidy_change(app, &live, change).await;
    }
    Ok(())
}

/// Nobody asks any more how far an order got whose change is over.
pub(super) async fn forget_marks(app: &App, change: &ChangeId) -> Result<(), Fault> {
    if app.store.order_marks(change).await?.is_empty() {
        return Ok(());
    }
    let work = vec![Work::ForgetOrderMarks(change.clone())];
    app.commit(Batch { work, ..Batch::default() }).await.map(drop)
}

/// Takes away the records of one change.
pub(super) async fn tidy_change(app: &App, live: &Live, change: &ChangeId) {
    // The issuer is only needed where an order is kept.
    let Ok(issuer) = IssuerId::parse("none") else { return };
    let journal = ChangeJournal { app, change, issuer: &issuer };
    let owners = match journal.placed().await {
        Ok(placed) if placed.is_empty() => return,
        Ok(placed) => placed.into_iter().map(|(owner, _)| owner).collect(),
        Err(why) => return tracing::warn!(change.id = %change, %why, "records left over"),
    };
    // What the change placed itself, and nothing else: its grants are over.
    let warrant = Warrant::to_do(Chore::TakeAway { change: change.clone(), owners }, app.now());
    let records = app.records(live, &warrant);
    if let Err(why) = tidy(records.as_ref(), &journal).await {
        tracing::warn!(change.id = %change, %why, "a record could not be taken away; trying again");
    }
}

async fn flight(app: &App, change: &ChangeId) -> Result<Flight, Fault> {
    let mut flight = Flight { since: app.now(), lost_before: false };
    for stored in app.store.change_events(change).await? {
        if let Event::StepStarted { .. } | Event::UndoStarted { .. } = &stored.event {
            flight = Flight { since: stored.at, lost_before: false };
        } else if let Event::StepUnknown { .. } | Event::UndoNotDone { .. } = &stored.event {
            flight.lost_before = true;
        }
    }
    Ok(flight)
}

fn patient(app: &App, flight: &Flight) -> bool {
    app.now() < flight.since.plus_ms(PATIENCE_MS)
}

fn failed(why: impl Into<String>) -> Applied {
    Applied::Came(Outcome::Failed(why.into()))
}

/// An answer was lost: that goes on record once, then the CA is asked until patience ends.
fn lost(app: &App, flight: &Flight, why: String) -> Applied {
    if flight.lost_before && patient(app, flight) {
        Applied::NotYet(why)
    } else {
        Applied::Came(Outcome::Unknown(why))
    }
}

fn waiting(app: &App, flight: &Flight, why: String) -> Applied {
    if patient(app, flight) { Applied::NotYet(why) } else { Applied::Came(Outcome::Unknown(why)) }
}

/// A CA that may have issued is asked until patience ends, whatever it says meanwhile.
fn of_trouble(app: &App, flight: &Flight, trouble: &Trouble, may_have_issued: bool) -> Applied {
    if may_have_issued || trouble.passes() {
        lost(app, flight, trouble.to_string())
    } else {
        failed(trouble.to_string())
    }
}
