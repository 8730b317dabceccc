//! The estate that decisions are made on, with what makes its look-ups quick.

use std::collections::BTreeMap;

use crate::names::{DnsName, SanName, ServiceId};

use super::{DelegationSeen, Estate, EstateHistory, ZoneKey};

/// Which service owns which name, as an index: a hundred thousand services cost what ten do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OwnerIndex {
    exact: BTreeMap<SanName, ServiceId>,
    below: BTreeMap<DnsName, ServiceId>,
}

impl OwnerIndex {
    /// The index of an estate. Of two owners of one name, which `wire` refuses, the first by id
    /// counts.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let mut index = Self::default();
        for (id, service) in &estate.services {
            for name in &service.names {
                index.exact.entry(name.clone()).or_insert_with(|| id.clone());
            }
            for base in &service.below {
                index.below.entry(base.clone()).or_insert_with(|| id.clone());
            }
        }
        index
    }

    /// The owner of `name`: by exact name first, then by the closest `below`.
    #[must_use]
    pub fn owner(&self, name: &SanName) -> Option<&ServiceId> {
        let below = || {
            let above =
                std::iter::successors(name.dns().and_then(DnsName::parent), DnsName::parent);
            above.take_while(|_| !name.is_wildcard()).find_map(|base| self.below.get(&base))
        };
        self.exact.get(name).or_else(below)
    }
}

/// An estate in force, with its history and its index.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActiveEstate {
    estate: Estate,
    history: EstateHistory,
    owners: OwnerIndex,
    /// `None`: what was seen was not taken over yet.
    delegations: Option<BTreeMap<ZoneKey, DelegationSeen>>,
}

impl ActiveEstate {
    /// Indexes an estate. How its delegations stand is not known before
    /// [`with_delegations`](Self::with_delegations): nothing is issued until then.
    #[must_use]
    pub fn new(estate: Estate, history: EstateHistory) -> Self {
        let owners = OwnerIndex::of(&estate);
        Self { estate, history, owners, delegations: None }
    }

    /// The same with what was seen of delegations; `None` where that is not known. A zone that is not
    /// among what was seen is one that nobody looks at.
    #[must_use]
    pub fn with_delegations(self, seen: Option<BTreeMap<ZoneKey, DelegationSeen>>) -> Self {
        Self { delegations: seen, ..self }
    }

    /// What was seen of the delegation of a zone; `None` where that is not known.
    #[must_use]
    pub fn delegation(&self, zone: &ZoneKey) -> Option<DelegationSeen> {
        let seen = self.delegations.as_ref()?.get(zone);
        Some(seen.cloned().unwrap_or(DelegationSeen::Unwatched))
    }

    /// The estate.
    #[must_use]
    pub const fn estate(&self) -> &Estate {
        &self.estate
    }

    /// Since when services have the owners they have.
    #[must_use]
    pub const fn history(&self) -> &EstateHistory {
        &self.history
    }

    /// The index of owners.
    #[must_use]
    pub const fn owners(&self) -> &OwnerIndex {
        &self.owners
    }
}
