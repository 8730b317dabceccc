//! Carries out approved changes. The normal path and the way on after a crash are this function.

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{Change, Command, Grant, Next, Outcome};
use bailiwick_core::record::Batch;
use bailiwick_core::time::SECOND_MS;

use super::effects::{Applied, Effects};
use crate::app::{App, LastLook, Loaded, News};
use crate::fault::Fault;

/// Turns of one run at most: every step of the longest plan started, applied three times, undone
/// three times. More means that the core does not get on, which is a bug.
const TURNS_MAX: usize = bailiwick_core::change::STEPS_MAX * 10;

/// Who carries out: never a person, so executor, requester and approver differ.
pub(crate) const DRIVER: Actor = Actor::Component(Component::Driver);

/// Drives a change with the real effects until it is finished or waits for somebody.
///
/// # Errors
/// [`Fault::Conflict`] when another driver moved the change meanwhile: that one goes on with it.
pub(crate) async fn drive(app: &App, loaded: Loaded) -> Result<Change, Fault> {
    drive_with(app, &super::effects::Real::new(app), loaded).await
}

/// As [`drive`], with other effects: tests strike faults here.
pub(crate) async fn drive_with<E: Effects>(
    app: &App,
    effects: &E,
    mut loaded: Loaded,
) -> Result<Change, Fault> {
    let id = loaded.id.clone();
    for _ in 0..TURNS_MAX {
        let mut batch = Batch::default();
        match turn(app, effects, &mut loaded, &mut batch).await? {
            Turn::Went => {}
            Turn::Waits => return Ok(loaded.change),
        }
        store(app, effects, &loaded, batch).await?;
    }
    Err(Fault::bug(format!("change `{id}` does not come to an end")))
}

/// Looks again at what a person is asked about, and goes on where that ended it: nothing is stored
/// before it did (promise P3).
///
/// # Errors
/// As [`drive`].
pub(crate) async fn look_again<E: Effects>(
    app: &App,
    effects: &E,
    mut loaded: Loaded,
) -> Result<Change, Fault> {
    let Next::LookAgain { touched, .. } = loaded.change.next() else { return Ok(loaded.change) };
    if app.is_before_a_restore(&loaded.id).await? {
        return Ok(loaded.change);
    }
    let grant = mint(&loaded, app.now())?;
    let Applied::Came(outcome @ Outcome::Done(_)) = effects.undo(grant, touched).await else {
        return Ok(loaded.change);
    };
    let mut batch = Batch::default();
    let command = report(app, &loaded, outcome);
    add(app, &mut loaded, &mut batch, command)?;
    store(app, effects, &loaded, batch).await?;
    drive_with(app, effects, loaded).await
}

async fn store<E: Effects>(
    app: &App,
    effects: &E,
    loaded: &Loaded,
    mut batch: Batch,
) -> Result<(), Fault> {
    effects.accompany(loaded, &mut batch).await?;
    app.commit(batch).await?;
    effects.committed(loaded).await?;
    app.tell(News::Change(loaded.id.clone()));
    Ok(())
}

enum Turn {
    Went,
    Waits,
}

/// One turn: decides what is next, does it, and puts how it went into the batch.
async fn turn<E: Effects>(
    app: &App,
    effects: &E,
    loaded: &mut Loaded,
    batch: &mut Batch,
) -> Result<Turn, Fault> {
    let now = app.now();
    let command = match loaded.change.next() {
        Next::Validate
        | Next::AwaitApproval
        | Next::AwaitPerson
        | Next::LookAgain { .. }
        | Next::Finished => return Ok(Turn::Waits),
        Next::Start { index, step } => {
            // Before the first effect: an approval is for the world that it was given in. What is
            // issued later is looked at again in its own moment.
            match app.last_look(&loaded.change, (index, step)).await? {
                LastLook::Fine => {}
                LastLook::Never(why) => return cannot_start(app, loaded, batch, why),
                LastLook::NotYet(why) => return Ok(not_yet(app, loaded, &why)),
            }
            match effects.prepare(loaded, step, batch).await {
                Ok(prepared) => Command::Start { prepared },
                Err(why) => return cannot_start(app, loaded, batch, why),
            }
        }
        Next::StartUndo { .. } => Command::StartUndo,
        Next::Apply { prepared, .. } => {
            let grant = mint(loaded, now)?;
            match effects.apply(grant, prepared).await {
                Applied::Came(outcome) => report(app, loaded, outcome),
                Applied::Seen { holds, lanes } => Command::See { holds, lanes },
                Applied::NotYet(why) => return Ok(not_yet(app, loaded, &why)),
                Applied::Wait { why, after } => return Ok(wait(app, loaded, &why, after)),
            }
        }
        Next::Undo { touched, .. } => {
            let grant = mint(loaded, now)?;
            match effects.undo(grant, touched).await {
                Applied::Came(outcome) => report(app, loaded, outcome),
                Applied::Seen { holds, lanes } => Command::See { holds, lanes },
                Applied::NotYet(why) => return Ok(not_yet(app, loaded, &why)),
                Applied::Wait { why, after } => return Ok(wait(app, loaded, &why, after)),
            }
        }
        Next::Verify { plan, done } => {
            report(app, loaded, effects.verify(&loaded.id, plan, done).await)
        }
    };
    add(app, loaded, batch, command)?;
    // What an effect left is compared with the intent at once where that needs nothing but what was
    // just seen; both facts are then stored together.
    if let Change::Verifying(_) = &loaded.change
        && let Next::Verify { plan, done } = loaded.change.next()
        && let Some(outcome) = effects.verify_at_once(plan, done)
    {
        let command = report(app, loaded, outcome);
        add(app, loaded, batch, command)?;
    }
    Ok(Turn::Went)
}

/// A step that cannot even be prepared: the intent and its failure are stored together, so that
/// the ledger says why the change turned back.
fn cannot_start(
    app: &App,
    loaded: &mut Loaded,
    batch: &mut Batch,
    why: String,
) -> Result<Turn, Fault> {
    let prepared = bailiwick_core::change::Prepared::Nothing;
    add(app, loaded, batch, Command::Start { prepared })?;
    let failed = report(app, loaded, Outcome::Failed(why));
    add(app, loaded, batch, failed)?;
    Ok(Turn::Went)
}

/// What an effect waits for stands outside; it is looked at again, and whoever is outside says when it is
/// their turn.
fn not_yet(app: &App, loaded: &Loaded, why: &str) -> Turn {
    tracing::info!(change.id = %loaded.id, %why, "not yet");
    app.waiting.note(&loaded.id, app.now().plus_ms(2 * SECOND_MS));
    Turn::Waits
}

/// What an effect waits for comes by itself; it is looked at again soon.
fn wait(app: &App, loaded: &Loaded, why: &str, after: std::time::Duration) -> Turn {
    tracing::debug!(change.id = %loaded.id, %why, "waits");
    let ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    app.waiting.note(&loaded.id, app.now().plus_ms(ms));
    Turn::Waits
}

fn mint(loaded: &Loaded, now: bailiwick_core::time::Time) -> Result<Grant, Fault> {
    Grant::mint(&loaded.id, &loaded.change, now)
        .ok_or_else(|| Fault::bug("an effect is due, but no grant can be minted for it"))
}

fn report(app: &App, loaded: &Loaded, outcome: Outcome) -> Command {
    let assignee = app.assignee(&app.live.get(), &loaded.change);
    Command::Report { outcome, assignee }
}

fn add(app: &App, loaded: &mut Loaded, batch: &mut Batch, command: Command) -> Result<(), Fault> {
    let now = app.now();
    let events = loaded.change.decide(command, now).map_err(Fault::from)?;
    App::add_events(loaded, batch, events, &DRIVER, now)
}
