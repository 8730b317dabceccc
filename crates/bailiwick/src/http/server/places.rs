//! How many connections there may be at once, and what part of them one client may have: so that neither
//! one client nor all of them together keep the others out, or take the descriptors that the store and our
//! own questions need (threats T15 and T26).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections of one listener at once; more wait in the listen queue.
const PLACES_MAX: u32 = 4_096;
/// However few descriptors there are, so many.
const PLACES_MIN: u32 = 16;
/// Listeners that share the descriptors of the process.
const LISTENERS: u32 = 2;
/// Descriptors that no connection takes, at least: the store, keys, and sockets of our own (validation, CAA, notices).
const KEPT_FREE: u32 = 256;
/// How many there are where the system does not say: the usual limit of Linux.
const DESCRIPTORS_USUAL: u32 = 1_024;

/// How many connections one listener may have in this process.
pub(super) fn of_this_process() -> u32 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    places(descriptors(&limits).unwrap_or(DESCRIPTORS_USUAL))
}

/// How many files and sockets the process may have open (proc_pid_limits(5)); `unlimited` is many.
fn descriptors(limits: &str) -> Option<u32> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    Some(soft.parse().unwrap_or(u32::MAX))
}

fn places(descriptors: u32) -> u32 {
    let kept = (descriptors / 4).max(KEPT_FREE);
    (descriptors.saturating_sub(kept) / LISTENERS).clamp(PLACES_MIN, PLACES_MAX)
}

/// The places of one listener.
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: u32,
    taken: Arc<Mutex<BTreeMap<IpAddr, u32>>>,
}

/// A place that nobody has yet.
pub(super) struct FreePlace(OwnedSemaphorePermit);

/// A connection's place; free again with its end.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    taken: Arc<Mutex<BTreeMap<IpAddr, u32>>>,
    by: IpAddr,
}

impl Places {
    pub(super) fn new(all: u32) -> Self {
        let free = Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(Semaphore::MAX_PERMITS)));
        Self { free, all, taken: Arc::default() }
    }

    /// A place, once there is one.
    pub(super) async fn free(&self) -> Option<FreePlace> {
        if self.free.available_permits() == 0 {
            tracing::debug!(places = self.all, "every place is taken; connections wait");
        }
        Arc::clone(&self.free).acquire_owned().await.ok().map(FreePlace)
    }

    /// Gives it to a client, unless that has half of all.
    pub(super) fn give(&self, place: FreePlace, to: IpAddr) -> Option<Place> {
        let by = crate::limits::network(to);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let n = taken.entry(by).or_default();
        if *n >= self.all.div_ceil(2) {
            return None;
        }
        *n = n.saturating_add(1);
        drop(taken);
        Some(Place { _permit: place.0, taken: Arc::clone(&self.taken), by })
    }

    /// Waits until every connection ended.
    pub(super) async fn all_free(&self) {
        // It is closed by nobody.
        let _all = self.free.acquire_many(self.all).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.get(&self.by).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.by);
        } else {
            taken.insert(self.by, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_left_for_everything_else() {
        let said = "Limit   Soft Limit  Hard Limit  Units\n\
            Max processes             7                    7                    processes\n\
            Max open files            1024                 524288               files\n";
        assert_eq!(descriptors(said), Some(1_024));
        assert_eq!(descriptors("Max open files  unlimited  unlimited  files"), Some(u32::MAX));
        assert_eq!(descriptors(""), None);
        for (descriptors, both) in [(1_024, 768), (300, 44), (20_000, 8_192), (u32::MAX, 8_192)] {
            assert_eq!(LISTENERS * places(descriptors), both, "{descriptors}");
        }
        assert_eq!(places(0), PLACES_MIN);
    }

    #[tokio::test]
    async fn one_client_has_half_of_the_places_at_most() {
        let places = Places::new(4);
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut given = Vec::new();
        for (from, is_given) in [(one, true), (one, true), (one, false), (other, true)] {
            let place = places.give(places.free().await.unwrap(), from);
            assert_eq!(place.is_some(), is_given);
            given.extend(place);
        }
        given.remove(0);
        given.extend(places.give(places.free().await.unwrap(), one));
        assert_eq!(given.len(), 3, "what one gave back, it may have again");
        given.clear();
        places.all_free().await;
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
