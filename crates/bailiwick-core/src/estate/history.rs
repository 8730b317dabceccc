//! What an estate remembers of the ones before it.

use std::collections::BTreeMap;

use crate::names::ServiceId;
use crate::time::Time;

use super::{Estate, Zone, ZoneKey};

/// Since when each service has the owners it has, and each zone the CAA set it should have.
///
/// Always: computed from the estates in the order they became active, never written by hand; a
/// service that is removed and comes back has new owners.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EstateHistory {
    owner_since: BTreeMap<ServiceId, Time>,
    caa_since: BTreeMap<ZoneKey, Time>,
}

impl EstateHistory {
    /// Takes what was stored.
    #[must_use]
    pub const fn from_stored(owner_since: BTreeMap<ServiceId, Time>) -> Self {
        Self { owner_since, caa_since: BTreeMap::new() }
    }

    /// The history after `new` took the place of `old` at `at`.
    #[must_use]
    pub fn advance(&self, old: Option<&Estate>, new: &Estate, at: Time) -> Self {
        let since = |id: &ServiceId| {
            let before = old.and_then(|estate| estate.services.get(id));
            let now = new.services.get(id);
            let same = before.map(|service| &service.duties) == now.map(|service| &service.duties);
            let known = self.owner_since.get(id).copied().filter(|_| same);
            // A service that is new comes with its owners and their confirmation in one approved
            // edit. Owners that take the place of others have to confirm afterwards.
            let confirmed = now
                .filter(|_| before.is_none())
                .and_then(|service| service.ownership.as_ref())
                .map(|ownership| ownership.verified_at.min(at));
            known.or(confirmed).unwrap_or(at)
        };
        let caa = |(key, zone): (&ZoneKey, &Zone)| {
            let before = old.and_then(|estate| estate.zones.get(key));
            let same = before
                .is_some_and(|before| before.caa == zone.caa && before.caa_below == zone.caa_below);
            let known = self.caa_since.get(key).copied().filter(|_| same);
            (key.clone(), known.unwrap_or(at))
        };
        Self {
            owner_since: new.services.keys().map(|id| (id.clone(), since(id))).collect(),
            caa_since: new.zones.iter().map(caa).collect(),
        }
    }

    /// Since when the CAA set that a zone should have is the one it is; `None` when no estate held
    /// the zone yet.
    #[must_use]
    pub fn caa_since(&self, zone: &ZoneKey) -> Option<Time> {
        self.caa_since.get(zone).copied()
    }

    /// Since when the policy owner, operator and integration owner of `service` are the ones they
    /// are; `None` when no estate held the service yet, which is not knowing.
    #[must_use]
    pub fn owner_since(&self, service: &ServiceId) -> Option<Time> {
        self.owner_since.get(service).copied()
    }

    /// Every service with the time, for storing.
    #[must_use]
    pub const fn services(&self) -> &BTreeMap<ServiceId, Time> {
        &self.owner_since
    }
}
