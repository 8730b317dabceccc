//! What whoever applies a folder should know beside the difference.

use bailiwick_core::estate::{Estate, Service};
use bailiwick_core::names::ServiceId;
use bailiwick_core::time::{DAY_MS, Time};

use crate::app::Live;

/// A note for each service whose confirmation will not count.
pub(super) fn of(live: &Live, wanted: &Estate, now: Time) -> Vec<String> {
    wanted.services.iter().filter_map(|(id, service)| unconfirmed(live, id, service, now)).collect()
}

/// Owners confirm after they became owners (MIS-2). A `verified` that is a date only is the beginning
/// of that day, so on the day when owners change it lies before them.
fn unconfirmed(live: &Live, id: &ServiceId, service: &Service, now: Time) -> Option<String> {
    let verified = service.ownership.as_ref()?.verified_at;
    let before = live.estate().services.get(id)?;
    let since = if before.duties == service.duties { live.history().owner_since(id)? } else { now };
    if verified >= since {
        return None;
    }
    let write = format!("write the moment of their confirmation, such as `verified = {now}`");
    if before.duties != service.duties {
        return Some(format!(
            "service `{id}` gets other owners, who have not confirmed its names yet: its orders are \
             refused until they do; {write} in an edit after this one is active"
        ));
    }
    let day = |time: Time| time.unix_ms().div_euclid(DAY_MS);
    let is_date_only = verified.unix_ms().rem_euclid(DAY_MS) == 0;
    (is_date_only && day(verified) == day(since)).then(|| {
        format!(
            "service `{id}`: `verified` is the beginning of the day, and its owners are its owners \
             since {since} only, so it does not count as theirs; {write}"
        )
    })
}
