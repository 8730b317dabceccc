//! Records of a zone: written only where every pre-image stands, read back, and put back only where
//! what was written still stands (promise P13). Anything else is left as somebody made it, and they
//! are named.

use std::time::Duration;

use bailiwick_core::change::{
    Change, Lane, Outcome, Plan, PublishRecords, Receipt, Standing, Step, Touched, Warrant,
};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{ChangeId, TeamId};
use bailiwick_core::records::RecordEdit;

use super::Applied;
use super::flight::Flight;
use super::propagation::{Wait, wait};
use crate::app::{App, Live, Put, Rid, ZoneRecords};

/// Between two tries to reach a server that does not answer.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn apply(app: &App, warrant: &Warrant, wanted: &PublishRecords) -> Applied {
    let live = app.live.get();
    let Some(change) = warrant.change() else { return super::no_change().into() };
    let zone = match app.zone(&live, &wanted.zone, warrant).await {
        Ok(zone) => zone,
        Err(why) => return Outcome::Failed(why).into(),
    };
    let stands = match standings(zone.as_ref(), &wanted.edits).await {
        Ok(stands) => stands,
        // Reading failed, so nothing is written in this try.
        Err(why) => return patient(app, change, wanted, why).await,
    };
    if stands.iter().all(|stand| *stand == Standing::After) {
        return Outcome::Done(Receipt::Nothing).into();
    }
    if let Some(index) = stands.iter().position(|stand| *stand != Standing::Before) {
        return Outcome::Failed(differs(app, &live, wanted, index)).into();
    }
    let put = zone.put(&wanted.edits, &format!("change {change}")).await;
    let now = standings(zone.as_ref(), &wanted.edits).await.unwrap_or_default();
    let all_after = !now.is_empty() && now.iter().all(|stand| *stand == Standing::After);
    let other = now.iter().position(|stand| *stand != Standing::Before);
    match put {
        Put::Done => Outcome::Done(Receipt::Nothing),
        Put::Unknown(_) if all_after => Outcome::Done(Receipt::Nothing),
        Put::Unknown(why) => Outcome::Unknown(why),
        Put::Nothing(why) => {
            Outcome::Failed(other.map_or(why, |index| differs(app, &live, wanted, index)))
        }
    }
    .into()
}

/// A server that cannot be read is waited for, as long as servers may take.
async fn patient(app: &App, change: &ChangeId, wanted: &PublishRecords, why: String) -> Applied {
    match Flight::read(app, change).await {
        Ok(flight) if !flight.is_older_than(u64::from(wanted.within_seconds), app.now()) => {
            Applied::Wait { why, after: AGAIN }
        }
        Ok(_) | Err(_) => Outcome::Unknown(why).into(),
    }
}

/// How the set of each edit stands where edits are written.
async fn standings(zone: &dyn ZoneRecords, edits: &[RecordEdit]) -> Result<Vec<Standing>, String> {
    let mut all = Vec::new();
    for edit in edits {
        let seen = zone.standing(edit.owner(), edit.kind()).await?;
        all.push(Standing::of(edit, seen.as_ref()));
    }
    Ok(all)
}

/// Somebody edited the zone meanwhile: what differs, and who has to look.
pub(crate) fn differs(app: &App, live: &Live, wanted: &PublishRecords, index: usize) -> String {
    let edit = wanted.edits.get(index);
    let set = edit
        .map_or_else(|| "a set".to_owned(), |edit| format!("`{}` {}", edit.owner(), edit.kind()));
    format!(
        "{set} in zone `{}` is not as it was when this was approved, so nothing was overwritten; {} has to look, then ask again",
        wanted.zone,
        who_looks(app, live, &wanted.zone)
    )
}

/// Whoever publishes the records of a zone: the person on duty and their team.
pub(super) fn who_looks(app: &App, live: &Live, zone: &ZoneKey) -> String {
    let operator = live.estate().zones.get(zone).map(|zone| &zone.operator);
    operator.map_or_else(|| "whoever runs the zone".to_owned(), |team| on_duty(app, live, team))
}

/// The person on duty of a team, and the team.
pub(super) fn on_duty(app: &App, live: &Live, team: &TeamId) -> String {
    let estate = live.estate();
    match estate.person_on_duty(team, app.now()) {
        Ok(on_duty) => {
            let person = on_duty.person();
            let name = estate.people.get(person).map_or(person.as_str(), |it| it.name.as_str());
            format!("{name} ({team})")
        }
        Err(_) => team.to_string(),
    }
}

/// Puts back what still stands as it was written, and waits until nobody remembers it.
pub(super) async fn undo(
    app: &App,
    warrant: &Warrant,
    wanted: &PublishRecords,
    touched: &Touched,
) -> Applied {
    let Some(change) = warrant.change() else { return super::no_change().into() };
    match try_undo(app, (warrant, change), wanted, touched).await {
        Ok(applied) => applied,
        Err(why) => patient(app, change, wanted, why).await,
    }
}

async fn try_undo(
    app: &App,
    (warrant, change): (&Warrant, &ChangeId),
    wanted: &PublishRecords,
    touched: &Touched,
) -> Result<Applied, String> {
    let live = app.live.get();
    let zone = app.zone(&live, &wanted.zone, warrant).await?;
    let flight = Flight::read(app, change).await?;
    let mut back = Vec::new();
    let mut written = Vec::new();
    for edit in &wanted.edits {
        let seen = zone.standing(edit.owner(), edit.kind()).await?;
        match Standing::of(edit, seen.as_ref()) {
            Standing::After => written.push(edit.reversed()),
            Standing::Before => {}
            // It was never ours, or is not any more: whoever edited it decides.
            Standing::Foreign if touched.receipt.is_none() => continue,
            Standing::Foreign | Standing::Mixed => {
                return Ok(Outcome::Failed(format!(
                    "`{}` {} in zone `{}` was edited after this change wrote it, so it is left as it is; {} has to look and say how it stands",
                    edit.owner(),
                    edit.kind(),
                    wanted.zone,
                    who_looks(app, &live, &wanted.zone)
                ))
                .into());
            }
        }
        back.push(edit.reversed());
    }
    // What was never written, or was put back by somebody else, needs no waiting; what an earlier try of
    // this undo put back does.
    if written.is_empty() && flight.last.is_none() && !flight.is_again {
        return Ok(Outcome::Done(Receipt::Nothing).into());
    }
    if flight.last.is_none() {
        // From here on it is on record that it is put back, and how long is waited then.
        let lanes = zone.seen(&back).await;
        return Ok(Applied::Seen { holds: false, lanes });
    }
    if !written.is_empty() {
        match zone.put(&written, &format!("change {change} turns back")).await {
            Put::Done => {}
            Put::Nothing(why) => return Ok(Outcome::Failed(why).into()),
            Put::Unknown(why) => return Ok(Outcome::Unknown(why).into()),
        }
    }
    let bounds = Wait { hold: wanted.undo_hold_seconds, within: wanted.within_seconds };
    let whose = who_looks(app, &live, &wanted.zone);
    // Half of the time for whoever is silent; then it counts that nobody ever saw the edits there.
    let is_late = flight.is_older_than(u64::from(wanted.within_seconds).div_ceil(2), app.now());
    let look = || async {
        let seen = zone.rid(&back).await.into_iter();
        seen.map(|rid| given_up(rid, &flight, is_late)).collect()
    };
    Ok(wait(app, &flight, bounds, &whose, look).await)
}

/// A server that nobody hears of, and that never showed what the change wrote, does not hold up the way
/// back: what it asks for when it is there again is the state before.
fn given_up(rid: Rid, flight: &Flight, is_late: bool) -> Lane {
    let mut lane = rid.lane;
    if rid.is_silent && is_late && !flight.showed.contains(&lane.who) {
        lane.shows = true;
        lane.saw = format!("{}; it was never seen to show the change", lane.saw);
    }
    lane
}

/// The sets stand as the plan leaves them: those that a later step edits are that step's.
pub(super) async fn verify(
    app: &App,
    plan: &Plan,
    index: usize,
    wanted: &PublishRecords,
) -> Outcome {
    let later = plan.steps().iter().skip(index.saturating_add(1));
    let edited_later: Vec<(&ZoneKey, &RecordEdit)> = later
        .filter_map(|step| if let Step::PublishRecords(one) = step { Some(one) } else { None })
        .flat_map(|publish| publish.edits.iter().map(|edit| (&publish.zone, edit)))
        .collect();
    let live = app.live.get();
    let zone = match app.sight(&live, &wanted.zone) {
        Ok(zone) => zone,
        Err(why) => return Outcome::Unknown(why),
    };
    for edit in &wanted.edits {
        let is_same = |(zone, other): &(&ZoneKey, &RecordEdit)| {
            **zone == wanted.zone && other.owner() == edit.owner() && other.kind() == edit.kind()
        };
        if edited_later.iter().any(is_same) {
            continue;
        }
        match zone.standing(edit.owner(), edit.kind()).await {
            Ok(seen) if seen.as_ref() == edit.after() => {}
            Ok(_) => {
                return Outcome::Failed(format!(
                    "`{}` {} is not as this change wrote it; {} has to look",
                    edit.owner(),
                    edit.kind(),
                    who_looks(app, &live, &wanted.zone)
                ));
            }
            Err(why) => return Outcome::Unknown(why),
        }
    }
    Outcome::Done(Receipt::Nothing)
}

/// Lets the zones be looked at that a change has just written: what was the matter with them may be over.
pub(super) fn look_again(app: &App, change: &Change) {
    let Change::Closed { plan, .. } = change else { return };
    for step in plan.steps() {
        if let Step::PublishRecords(publish) = step {
            app.woken.add(&publish.zone);
        }
    }
}

/// Lanes as text, for messages.
pub(super) fn behind(lanes: &[Lane]) -> String {
    let late: Vec<String> = lanes
        .iter()
        .filter(|lane| !lane.shows)
        .map(|lane| format!("{} ({})", lane.who, lane.saw))
        .collect();
    late.join(", ")
}
