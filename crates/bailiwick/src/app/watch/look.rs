//! Asking the servers of a zone, and the resolvers of its view.

use std::collections::BTreeSet;
use std::time::Duration;

use bailiwick_connect::dns::{DnsClient, Limits, Resolver, ResolverTrust};
use bailiwick_core::caa::LookupFailure;
use bailiwick_core::estate::{VantagePoint, VantageTransport, Zone, ZoneKey};
use bailiwick_core::names::DnsName;
use bailiwick_core::watch::{Asked, Observation, Picture, Seen, Vantage};
use futures::future::join_all;

use super::super::{App, Live};

/// Names asked for in one look at one server, beside the apex; the others have their turn. With ten
/// seconds between looks, 64 names are asked within the minute in which an edit has to be found.
const NAMES_PER_LOOK: usize = 12;

/// Names asked for at one server when its serial says that something was edited.
const NAMES_AT_ONCE: usize = 128;

/// A server that does not answer within two seconds is asked again at the next look.
const LIMITS: Limits = Limits {
    try_timeout: Duration::from_millis(1_500),
    tries: 2,
    tcp_timeout: Duration::from_secs(3),
    whole_timeout: Duration::from_secs(5),
    questions_max: 20,
    tcp_only: false,
};

/// Everybody who is asked about a zone.
pub(super) fn vantages(live: &Live, key: &ZoneKey, zone: &Zone) -> BTreeSet<Vantage> {
    let servers = zone.servers.iter().map(|server| Vantage::authority(*server));
    let resolvers = points(live, key).map(|point| Vantage::resolver(point.server));
    servers.chain(resolvers).collect()
}

fn points<'a>(live: &'a Live, key: &ZoneKey) -> impl Iterator<Item = &'a VantagePoint> {
    let view = key.view;
    live.estate().organisation.vantages.values().filter(move |point| point.view == view)
}

impl App {
    /// One look: each server and resolver one question after the other, all of them at once.
    pub(super) async fn look_everywhere(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
        owners: &BTreeSet<DnsName>,
        before: &Picture,
        turn: u64,
    ) -> Vec<Observation> {
        let asked = this_turn(key, owners, turn);
        let dns = self.dns.with_limits(LIMITS);
        let everything = everything(key, owners);
        let servers = zone.servers.iter().map(|server| {
            let (dns, asked, everything) = (&dns, &asked, &everything);
            async move {
                let vantage = Vantage::authority(*server);
                let serial = Seen::of_serial(&dns.serial_at(*server, &key.name).await);
                let silent = serial.is_failure();
                let apex = key.name.apex();
                let known = before.at(Asked::Serial, vantage, apex);
                // Another serial says that something was edited: nothing waits for its turn then.
                let moved = known.is_some_and(|known| known.seen != serial);
                let asked = if moved { everything } else { asked };
                let mut all = vec![observation(key, apex, Asked::Serial, vantage, serial)];
                // Who does not say its serial is asked for the apex only: it is not to be flooded.
                for owner in asked.iter().take(if silent { 1 } else { usize::MAX }) {
                    let answer = dns.caa_at(*server, &key.name, owner).await;
                    let seen = Seen::of(&answer, vantage);
                    all.push(observation(key, owner, Asked::Caa, vantage, seen));
                }
                all
            }
        });
        let resolvers = points(live, key).map(|point| {
            let way = self.way_to(&dns, point);
            through(way, key, point, &asked)
        });
        let (servers, resolvers) =
            futures::future::join(join_all(servers), join_all(resolvers)).await;
        servers.into_iter().chain(resolvers).flatten().collect()
    }

    /// The client that asks through a vantage; `None` where there is no way to it, and the log says why.
    fn way_to(&self, dns: &DnsClient, point: &VantagePoint) -> Option<DnsClient> {
        if !point.transport.is_certified() {
            let tcp_only = point.transport == VantageTransport::Tcp;
            return Some(dns.with_limits(Limits { tcp_only, ..LIMITS }));
        }
        match self.channels.to(self, point) {
            Ok(channel) => Some(dns.over(channel)),
            Err(why) => {
                tracing::error!(server = %point.server, %why, "a vantage cannot be asked");
                None
            }
        }
    }
}

async fn through(
    dns: Option<DnsClient>,
    key: &ZoneKey,
    point: &VantagePoint,
    asked: &[DnsName],
) -> Vec<Observation> {
    let vantage = Vantage::resolver(point.server);
    let trust = if point.validates { ResolverTrust::Validates } else { ResolverTrust::Unproven };
    let resolver = Resolver { server: point.server, trust };
    let mut all = Vec::new();
    for owner in asked {
        let seen = match &dns {
            Some(dns) => Seen::of(&dns.caa_through(resolver, owner).await, vantage),
            None => Seen::Failed(LookupFailure::Unreachable),
        };
        let silent = seen.is_failure();
        all.push(observation(key, owner, Asked::Caa, vantage, seen));
        if silent {
            break;
        }
    }
    all
}

/// The apex and all other names, as many as one server may be asked for at once.
fn everything(key: &ZoneKey, owners: &BTreeSet<DnsName>) -> Vec<DnsName> {
    let apex = key.name.apex();
    let others = owners.iter().filter(|one| *one != apex);
    std::iter::once(apex).chain(others).take(NAMES_AT_ONCE).cloned().collect()
}

/// The apex always, and of the other names as many as one look may ask for.
fn this_turn(key: &ZoneKey, owners: &BTreeSet<DnsName>, turn: u64) -> Vec<DnsName> {
    let apex = key.name.apex();
    let others: Vec<&DnsName> = owners.iter().filter(|one| *one != apex).collect();
    let parts = others.len().div_ceil(NAMES_PER_LOOK).max(1);
    let part = usize::try_from(turn).unwrap_or(0).checked_rem(parts).unwrap_or(0);
    let slice = others.chunks(NAMES_PER_LOOK).nth(part).unwrap_or_default();
    std::iter::once(apex).chain(slice.iter().copied()).cloned().collect()
}

fn observation(
    zone: &ZoneKey,
    owner: &DnsName,
    asked: Asked,
    vantage: Vantage,
    seen: Seen,
) -> Observation {
    Observation { zone: zone.clone(), owner: owner.clone(), asked, vantage, seen }
}
