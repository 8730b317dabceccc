//! Rotating a credential that Bailiwick holds: the other side takes the new one before it is used, and
//! refuses the old one before its secret is forgotten. What was sealed moves in the same commit as the
//! receipt, so that a kill leaves the one or the other in force.

use std::time::Duration;

use bailiwick_core::change::{
    Event, HeldKey, KeyMark, Lane, Outcome, Receipt, RetireKey, RotateKey, Touched, Warrant,
};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::SECOND_MS;

use super::Applied;
use super::flight::Flight;
use super::records::who_looks;
use crate::app::{App, Changed, KeyHolder, Live, OpenKey, Takes};
use crate::fault::Fault;

/// Between two looks: an eighth of the time that it took so far, within these bounds.
const LOOKS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(300)];

/// Why an effect does not come about.
enum Not {
    /// Nothing of it was done.
    Failed(String),
    /// Nobody knows.
    Unknown(String),
}

impl From<Not> for Outcome {
    fn from(not: Not) -> Self {
        match not {
            Not::Failed(why) => Self::Failed(why),
            Not::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl From<Fault> for Not {
    fn from(fault: Fault) -> Self {
        Self::Unknown(fault.to_string())
    }
}

/// The credential that lies there, if it is the one that was approved.
async fn opened(
    app: &App,
    warrant: &Warrant,
    (of, wanted): (&HeldKey, &KeyMark),
    secret: &SealedSecret,
) -> Result<OpenKey, Not> {
    match app.open_key(warrant, (of, &wanted.name), secret).await? {
        Some(key) if key.mark == *wanted => Ok(key),
        Some(_) | None => Err(Not::Failed(format!(
            "the {} secret of `{}` is not the one that was approved; ask again",
            secret.purpose(),
            of.owner()
        ))),
    }
}

pub(super) async fn apply(app: &App, warrant: &Warrant, wanted: &RotateKey) -> Applied {
    match try_apply(app, warrant, wanted).await {
        Ok(applied) => applied,
        Err(not) => Outcome::from(not).into(),
    }
}

async fn try_apply(app: &App, warrant: &Warrant, wanted: &RotateKey) -> Result<Applied, Not> {
    let live = app.live.get();
    let holder = app.holder(&live, &wanted.of).map_err(Not::Failed)?;
    let of = &wanted.of;
    let old = opened(app, warrant, (of, &wanted.before), &of.now()).await?;
    let new = opened(app, warrant, (of, &wanted.after), &of.next()).await?;
    // Asked first: after a lost answer it may be done already.
    let saw = match holder.takes(&new).await {
        Takes::Yes => return Ok(activated(wanted).into()),
        Takes::No(saw) => match holder.change(&old, &new).await {
            Ok(true) => return Ok(activated(wanted).into()),
            Ok(false) => saw,
            Err(Changed::No(why)) => return Err(Not::Failed(why)),
            Err(Changed::NotKnown(why)) => return Err(Not::Unknown(why)),
        },
        Takes::NotKnown(saw) => saw,
    };
    let flight = flight(app, warrant).await?;
    let whose = whose(app, &live, of);
    if flight.is_older_than(u64::from(wanted.within_seconds), app.now()) {
        return Err(Not::Failed(format!(
            "{} did not take the new key `{}` in time, so the old one stays: {saw}; {whose} has to configure it, then ask again",
            holder.who(),
            wanted.after.name
        )));
    }
    let saw = format!(
        "does not take key `{}` yet: {saw}; {whose} has to configure it there, beside `{}`",
        wanted.after.name, wanted.before.name
    );
    Ok(look_again(app, &flight, &*holder, saw))
}

fn activated(wanted: &RotateKey) -> Outcome {
    let (before, after) = (wanted.before.clone(), wanted.after.clone());
    Outcome::Done(Receipt::KeyActivated { of: wanted.of.clone(), before, after })
}

/// Lets the one before come in force again; only where the other side takes it.
pub(super) async fn undo(
    app: &App,
    warrant: &Warrant,
    wanted: &RotateKey,
    touched: &Touched,
) -> Outcome {
    match try_undo(app, warrant, wanted, touched).await {
        Ok(outcome) => outcome,
        Err(not) => not.into(),
    }
}

async fn try_undo(
    app: &App,
    warrant: &Warrant,
    wanted: &RotateKey,
    touched: &Touched,
) -> Result<Outcome, Not> {
    let of = &wanted.of;
    // Without a receipt nothing moved here; a CA may have changed the key all the same.
    let moved = touched.receipt.is_some();
    if !moved && of.zone().is_some() {
        return Ok(Outcome::Done(Receipt::Nothing));
    }
    let (new_at, old_at) = if moved { (of.now(), of.last()) } else { (of.next(), of.now()) };
    let live = app.live.get();
    let holder = app.holder(&live, of).map_err(Not::Failed)?;
    let old = opened(app, warrant, (of, &wanted.before), &old_at).await?;
    let back = if moved {
        let (before, after) = (wanted.after.clone(), wanted.before.clone());
        Receipt::KeyActivated { of: of.clone(), before, after }
    } else {
        Receipt::Nothing
    };
    let saw = match holder.takes(&old).await {
        Takes::Yes => return Ok(Outcome::Done(back)),
        Takes::NotKnown(why) => return Err(Not::Unknown(why)),
        Takes::No(saw) => saw,
    };
    let new = opened(app, warrant, (of, &wanted.after), &new_at).await?;
    match holder.change(&new, &old).await {
        Ok(true) => Ok(Outcome::Done(back)),
        Ok(false) => Err(Not::Failed(format!(
            "{} does not take the old key `{}` any more, so there is no way back to it: {saw}; {} has to configure it again, or say that the new one stays",
            holder.who(),
            wanted.before.name,
            whose(app, &live, of)
        ))),
        Err(Changed::No(why)) => Err(Not::Failed(why)),
        Err(Changed::NotKnown(why)) => Err(Not::Unknown(why)),
    }
}

/// The ledger says which one is in force, and it lies sealed.
pub(super) async fn verify(app: &App, wanted: &RotateKey) -> Outcome {
    let rows = match app.store.held_keys(&wanted.of).await {
        Ok(rows) => rows,
        Err(cause) => return Outcome::Unknown(cause.to_string()),
    };
    let is_ours = rows.last().is_some_and(|row| row.after == wanted.after);
    match app.has_secret(&wanted.of.now()).await {
        Ok(true) if is_ours => Outcome::Done(Receipt::Nothing),
        Ok(_) => Outcome::Failed(format!(
            "the key in force of `{}` is not the one of this change",
            wanted.of.owner()
        )),
        Err(fault) => Outcome::Unknown(fault.to_string()),
    }
}

/// The old one is refused while the new one is taken, seen in one look.
pub(super) async fn retire(app: &App, warrant: &Warrant, wanted: &RetireKey) -> Applied {
    match try_retire(app, warrant, wanted).await {
        Ok(applied) => applied,
        Err(not) => Outcome::from(not).into(),
    }
}

async fn try_retire(app: &App, warrant: &Warrant, wanted: &RetireKey) -> Result<Applied, Not> {
    let of = &wanted.of;
    let live = app.live.get();
    // What this step sees alters nothing of ours, so it never turns a rotation back: a person looks.
    let unknown = |not: Not| match not {
        Not::Failed(why) | Not::Unknown(why) => Not::Unknown(why),
    };
    let holder = app.holder(&live, of).map_err(Not::Unknown)?;
    let old = opened(app, warrant, (of, &wanted.old), &of.last()).await.map_err(unknown)?;
    let rows = app.store.held_keys(of).await;
    let rows = rows.map_err(|cause| Not::Unknown(cause.to_string()))?;
    let mark = rows.last().map(|row| row.after.clone());
    let mark = mark.ok_or_else(|| Not::Unknown("no key took the place of the old".to_owned()))?;
    let new = opened(app, warrant, (of, &mark), &of.now()).await.map_err(unknown)?;
    let flight = flight(app, warrant).await?;
    let whose = whose(app, &live, of);
    let saw = match (holder.takes(&old).await, holder.takes(&new).await) {
        (Takes::No(_), Takes::Yes) => return Ok(Outcome::Done(Receipt::Nothing).into()),
        (Takes::Yes, _) => still_taken(of, &wanted.old, &whose),
        (Takes::No(_) | Takes::NotKnown(_), Takes::No(why) | Takes::NotKnown(why))
        | (Takes::NotKnown(why), Takes::Yes) => {
            format!("cannot be seen to refuse the old key while it takes the new one: {why}")
        }
    };
    if flight.is_older_than(u64::from(wanted.within_seconds), app.now()) {
        return Err(Not::Unknown(format!("{} {saw}", holder.who())));
    }
    Ok(look_again(app, &flight, &*holder, saw))
}

/// What has to go, in the words of the server's configuration.
fn still_taken(of: &HeldKey, old: &KeyMark, whose: &str) -> String {
    let name = &old.name;
    match of {
        HeldKey::ZoneTsig(_) => format!(
            "still takes the old key `{name}`; {whose} has to remove it: in BIND the statement `key \"{name}\" {{ … }};` and each `key \"{name}\"` in `allow-update`, `update-policy` and `acl`, then `rndc reconfig`; in Knot `- id: {name}` under `key:` and each `key: {name}` under `acl:`, then `knotc reload`"
        ),
        HeldKey::ZoneApi(_) => format!(
            "still takes the old key; {whose} has to replace it in `api-key=` of `pdns.conf` and restart the server"
        ),
        HeldKey::CaAccount(_) => {
            format!("still takes the old key of {name}; {whose} has to ask the CA why")
        }
    }
}

/// Nothing of ours makes a server take the old key again, or hides that it was refused.
pub(super) fn undo_retire(app: &App, wanted: &RetireKey) -> Outcome {
    let live = app.live.get();
    Outcome::Failed(format!(
        "whether the old key `{}` of `{}` is refused has to be found out; {}",
        wanted.old.name,
        wanted.of.owner(),
        still_taken(&wanted.of, &wanted.old, &whose(app, &live, &wanted.of))
    ))
}

async fn flight(app: &App, warrant: &Warrant) -> Result<Flight, Not> {
    let change = warrant.change().ok_or_else(|| Not::Failed("it is of no change".to_owned()))?;
    Flight::read(app, change).await.map_err(Not::Unknown)
}

fn look_again(app: &App, flight: &Flight, holder: &dyn KeyHolder, saw: String) -> Applied {
    let lanes = vec![Lane { who: holder.who(), shows: false, saw: saw.clone() }];
    if flight.is_news(false, &lanes) {
        return Applied::Seen { holds: false, lanes };
    }
    let so_far = app.now().ms_since(flight.since) / SECOND_MS / 8;
    let [least, most] = LOOKS;
    let after = Duration::from_secs(u64::try_from(so_far).unwrap_or(0)).clamp(least, most);
    Applied::Wait { why: format!("{} {saw}", holder.who()), after }
}

/// Who configures the other side.
fn whose(app: &App, live: &Live, of: &HeldKey) -> String {
    match of.zone() {
        Some(zone) => who_looks(app, live, zone),
        None => super::records::on_duty(app, live, &live.estate().organisation.control_owner),
    }
}

/// What lies sealed moves together with the receipt that says so.
pub(super) fn accompany(batch: &mut Batch) {
    let mut moves = Vec::new();
    for entry in &batch.entries {
        moves.extend(moved(entry));
    }
    batch.work.splice(0..0, moves);
}

fn moved(entry: &Entry) -> Vec<Work> {
    let Fact::Change { event, .. } = &entry.fact else { return Vec::new() };
    let go = |from, to| Work::MoveSealed { from, to };
    if let Event::StepDone { receipt: Receipt::KeyActivated { of, .. }, .. } = &**event {
        vec![go(of.now(), of.last()), go(of.next(), of.now())]
    } else if let Event::UndoDone { receipt: Receipt::KeyActivated { of, .. }, .. } = &**event {
        vec![go(of.now(), of.next()), go(of.last(), of.now())]
    } else {
        Vec::new()
    }
}
