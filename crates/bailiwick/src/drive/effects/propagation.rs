//! Waiting until everybody sees something, and until nobody remembers what was there before.

use std::time::Duration;

use bailiwick_core::change::{AwaitPropagation, Lane, Outcome, Receipt};
use bailiwick_core::names::ChangeId;
use bailiwick_core::time::SECOND_MS;

use super::Applied;
use super::flight::Flight;
use super::records::{behind, who_looks};
use crate::app::App;

/// How long one turn of a driver waits at most; then somebody else's change has its turn.
const TURN: Duration = Duration::from_secs(2);
/// Between two looks of one turn, at least.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Between two looks, at most: a record that everybody must see is looked at this often.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How long something has to hold, and how long it may take until it does, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub hold: u32,
    pub within: u32,
}

pub(super) async fn apply(app: &App, change: &ChangeId, wanted: &AwaitPropagation) -> Applied {
    let live = app.live.get();
    let zone = match app.sight(&live, &wanted.zone) {
        Ok(zone) => zone,
        Err(why) => return Outcome::Failed(why).into(),
    };
    let flight = match Flight::read(app, change).await {
        Ok(flight) => flight,
        Err(why) => return Outcome::Unknown(why).into(),
    };
    let bounds = Wait { hold: wanted.hold_seconds, within: wanted.within_seconds };
    let whose = who_looks(app, &live, &wanted.zone);
    wait(app, &flight, bounds, &whose, || zone.seen(&wanted.edits)).await
}

/// Looks again and again, for one turn. What decides is stored before anything follows from it. `whose`
/// it is to mend stands in the failure.
pub(super) async fn wait<F: Future<Output = Vec<Lane>>>(
    app: &App,
    flight: &Flight,
    bounds: Wait,
    whose: &str,
    look: impl Fn() -> F,
) -> Applied {
    let began = app.world.clock.steady();
    loop {
        let lanes = look().await;
        let holds = !lanes.is_empty() && lanes.iter().all(|lane| lane.shows);
        if flight.is_news(holds, &lanes) {
            return Applied::Seen { holds, lanes };
        }
        let now = app.now();
        let left = match flight.holds_since {
            Some(since) if holds => {
                let over = since.plus_ms(i64::from(bounds.hold).saturating_mul(SECOND_MS));
                if now >= over {
                    return Outcome::Done(Receipt::Nothing).into();
                }
                over.ms_since(now)
            }
            Some(_) | None => {
                // Somebody who comes and goes gets no more time than twice everything.
                let (within, hold) = (u64::from(bounds.within), u64::from(bounds.hold));
                let limit = if flight.ever_held {
                    within.saturating_mul(2).saturating_add(hold)
                } else {
                    within
                };
                if flight.is_older_than(limit, now) {
                    let why = format!(
                        "not everybody shows it within {} s: {}; {whose} has to look",
                        bounds.within,
                        behind(&lanes)
                    );
                    return Outcome::Failed(why).into();
                }
                SECOND_MS
            }
        };
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let pause = left.clamp(PAUSE_MIN, PAUSE_MAX);
        let spent = app.world.clock.steady().saturating_duration_since(began);
        if spent.saturating_add(pause) > TURN {
            return Applied::Wait { why: behind(&lanes), after: pause };
        }
        app.world.clock.pause(pause).await;
    }
}
