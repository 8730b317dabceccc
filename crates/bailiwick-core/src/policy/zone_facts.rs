//! A zone, as far as policy asks.

use super::facts::{Fact, ZoneFacts};
use crate::estate::{DelegationSeen, Zone, ZoneKey};
use crate::names::DnsName;

impl ZoneFacts {
    /// What an estate says of a zone, asked about one name in it.
    pub(super) fn of(
        key: &ZoneKey,
        zone: &Zone,
        at: &DnsName,
        delegation: Fact<DelegationSeen>,
    ) -> Self {
        Self {
            key: key.clone(),
            class: zone.class,
            pattern: zone.pattern,
            mode: zone.mode,
            policy_owner: zone.policy_owner.clone(),
            operator: zone.operator.clone(),
            caa: zone.caa_for(at).clone(),
            limits: zone.limits,
            gates: zone.gates.clone(),
            delegation,
        }
    }
}
