//! What registries say about the registration of our zones, by RDAP: kept beside what their parents say.
//! A change of status, registrar or name servers that no decision explains freezes issuance too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use bailiwick_connect::egress::{Target, Trust};
use bailiwick_connect::rdap::{NotTold, Registration, registration};
use bailiwick_core::estate::{View, ZoneKey};
use bailiwick_core::gate::DelegationKind;
use bailiwick_core::names::DnsName;
use bailiwick_core::time::{HOUR_MS, Time};
use futures::stream::{self, StreamExt as _};

use super::App;
use super::delegation::Facts;
use crate::fault::Fault;

/// Registries are asked this often about one domain: they count requests, and registrations change seldom.
const EVERY_MS: i64 = HOUR_MS;

/// Domains asked about at once: fewer than a resolver is asked about, because registries count requests.
const AT_ONCE: usize = 4;

/// When each zone's registration is asked about again.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<BTreeMap<ZoneKey, Time>>);

impl Asked {
    /// Whether it is time to ask; from now on it is not.
    fn is_due(&self, key: &ZoneKey, now: Time) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = all.get(key).is_none_or(|at| *at <= now);
        if due {
            all.insert(key.clone(), now.plus_ms(EVERY_MS));
        }
        due
    }
}

impl App {
    /// Asks about every zone that is due.
    pub(crate) async fn look_at_due_registrations(&self) -> Result<(), Fault> {
        let Some(server) = &self.settings.rdap else { return Ok(()) };
        let now = self.now();
        let live = self.live.get();
        let due: BTreeSet<ZoneKey> = live
            .estate()
            .zones
            .keys()
            .filter(|key| self.asked_registries.is_due(key, now))
            .cloned()
            .collect();
        self.look_at_registrations(server, &due).await
    }

    /// Asks about these zones, and puts down what differs. Nobody registers an internal view.
    pub(crate) async fn look_at_registrations(
        &self,
        server: &Target,
        zones: &BTreeSet<ZoneKey>,
    ) -> Result<(), Fault> {
        let live = &self.live.get();
        let trust = &Trust::system().map_err(|cause| Fault::bug(cause.to_string()))?;
        let (web, seen_at) = (&self.web(live), &format!("RDAP server {}", server.authority()));
        let external: Vec<ZoneKey> =
            zones.iter().filter(|key| key.view == View::External).cloned().collect();
        let looks = stream::iter(external).for_each_concurrent(AT_ONCE, |key| async move {
            let Ok(name) = DnsName::parse(key.name.as_str()) else { return };
            match registration(web.as_ref(), server, trust.clone(), &name).await {
                Ok(seen) => {
                    if let Err(fault) = self.keep_facts(live, &key, facts(seen), seen_at).await {
                        tracing::error!(zone.name = %key, error = %fault, "its registration could not be put down; trying again");
                    }
                }
                // A zone below a registered domain has no registration of its own.
                Err(NotTold::Unknown { .. }) => {}
                // Silence is no change. What was seen last stands.
                Err(why) => tracing::warn!(zone.name = %key, %why, "no registration was told"),
            }
        });
        looks.await;
        self.refresh_delegations().await
    }
}

fn facts(seen: Registration) -> Facts {
    vec![
        (DelegationKind::Status, seen.status),
        (DelegationKind::RegistryNs, seen.nameservers),
        (DelegationKind::Registrar, seen.registrar.into_iter().collect()),
        (DelegationKind::Expiry, seen.expires.into_iter().collect()),
    ]
}
