//! Zones of which somebody said that they changed (NOTIFY, RFC 1996).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_connect::zones::notify::Wakes;
use bailiwick_core::estate::{Connector, Zone, ZoneKey};
use bailiwick_wire::dns::Notify;
use tokio::sync::Notify as Bell;

use super::super::App;

/// Zones that wait for their look; more are looked at in their turn.
const WAITING_MAX: usize = 4_096;
/// Zones that are looked at in one go.
const AT_ONCE: usize = 64;

/// Zones that wait to be looked at before their turn.
#[derive(Default)]
pub(crate) struct Woken {
    waiting: Mutex<BTreeSet<ZoneKey>>,
    bell: Bell,
}

impl Woken {
    /// Lets a zone be looked at before its turn.
    pub(crate) fn add(&self, zone: &ZoneKey) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX {
            waiting.insert(zone.clone());
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Waits until some zone waits.
    pub(crate) async fn rings(&self) {
        self.bell.notified().await;
    }

    /// Takes some of them; each stands in it once, however often it was heard of.
    pub(crate) fn take(&self) -> Vec<ZoneKey> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let some: Vec<ZoneKey> = waiting.iter().take(AT_ONCE).cloned().collect();
        some.iter().for_each(|zone| {
            waiting.remove(zone);
        });
        if !waiting.is_empty() {
            self.bell.notify_one();
        }
        some
    }
}

/// Hears for the whole installation. What is heard proves nothing and costs one look at a zone that is
/// ours, and only when it comes from an address that is one of its servers.
pub(crate) struct Listening(pub(crate) Arc<App>);

impl Wakes for Listening {
    fn heard(&self, notify: &Notify, from: IpAddr) -> bool {
        let live = self.0.live.get();
        let from = from.to_canonical();
        let zones = live.estate().zones.iter();
        let mut known = false;
        for (key, zone) in zones.filter(|(key, _)| notify.is_about(&key.name)) {
            if is_server(zone, from) {
                self.0.woken.add(key);
                known = true;
            }
        }
        known
    }
}

fn is_server(zone: &Zone, address: IpAddr) -> bool {
    let primary = zone.connector.as_ref().and_then(Connector::server);
    let transfer = zone.transfer.as_ref().map(|from| from.server);
    let all = zone.servers.iter().copied().chain(primary).chain(transfer);
    all.map(|server| server.ip().to_canonical()).any(|ip| ip == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_waits_once_and_a_flood_is_taken_in_parts() {
        let woken = Woken::default();
        for n in (0..200).chain(0..200) {
            woken.add(&ZoneKey::parse(&format!("z{n}.example")).unwrap());
        }
        let parts: Vec<usize> = (0..5).map(|_| woken.take().len()).collect();
        assert_eq!(parts, [64, 64, 64, 8, 0]);
        for n in 0..10_000 {
            woken.add(&ZoneKey::parse(&format!("z{n}.example")).unwrap());
        }
        assert_eq!(woken.waiting.lock().unwrap().len(), WAITING_MAX);
    }
}
