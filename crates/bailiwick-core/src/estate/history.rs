//! What an estate remembers of the ones before it.

use std::collections::BTreeMap;

use crate::names::ServiceId;
use crate::time::Time;

use super::Estate;

/// Since when each service has the owners it has.
///
/// Always: computed from the estates in the order they became active, never written by hand; a
/// service that is removed and comes back has new owners.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EstateHistory {
    owner_since: BTreeMap<ServiceId, Time>,
}

impl EstateHistory {
    /// Takes what was stored.
    #[must_use]
    pub const fn from_stored(owner_since: BTreeMap<ServiceId, Time>) -> Self {
        Self { owner_since }
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
        Self { owner_since: new.services.keys().map(|id| (id.clone(), since(id))).collect() }
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
