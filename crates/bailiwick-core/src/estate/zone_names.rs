//! Which names of services lie in which zone.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{DnsName, SanName};

use super::{Estate, ZoneKey};

/// The names of services by the zone they lie in, as an index: what one zone holds is found without going
/// through the services of all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ZoneNames(BTreeMap<ZoneKey, BTreeSet<DnsName>>);

impl ZoneNames {
    /// The index of an estate: exact names and those below which a service owns everything, each in the
    /// zones of the views that its service lives in.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        let mut index = Self::default();
        for service in estate.services.values() {
            for name in service.names.iter().filter_map(SanName::dns).chain(&service.below) {
                for (zone, _) in estate.zones_of(name, service.view) {
                    index.0.entry(zone.clone()).or_default().insert(name.clone());
                }
            }
        }
        index
    }

    /// The names in one zone.
    pub fn in_zone(&self, zone: &ZoneKey) -> impl Iterator<Item = &DnsName> {
        self.0.get(zone).into_iter().flatten()
    }
}
