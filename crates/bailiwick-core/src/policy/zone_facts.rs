//! A zone, as far as policy asks, and changes of what belongs to zones alone.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{ApprovalFacts, AuthorFacts, ChangeFacts, ChangeKind, Fact, ZoneFacts};
use crate::estate::{ActiveEstate, DelegationSeen, Estate, Zone, ZoneKey};
use crate::names::{ChangeId, DnsName};
use crate::time::Time;

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

impl ChangeFacts {
    /// The same with the zones that the change writes into, whatever its names say: each of them is asked,
    /// too. One that the estate does not hold is not known, and nothing is allowed in it.
    #[must_use]
    pub fn also_in(mut self, active: &ActiveEstate, keys: &BTreeSet<ZoneKey>) -> Self {
        let Fact::Known(mut zones) = self.zones else { return self };
        let mut all_known = true;
        for key in keys {
            match active.estate().zones.get(key) {
                Some(_) if zones.iter().any(|zone| zone.key == *key) => {}
                Some(zone) => {
                    let seen = Fact::of(active.delegation(key));
                    zones.push(ZoneFacts::of(key, zone, key.name.apex(), seen));
                }
                None => all_known = false,
            }
        }
        zones.sort_by(|one, other| one.key.cmp(&other.key));
        self.zones = Fact::of(all_known.then_some(zones));
        self
    }

    /// The facts of a change about the credential that a zone is written with.
    #[must_use]
    pub fn about_zone(
        now: Time,
        (change, kind): (ChangeId, ChangeKind),
        author: AuthorFacts,
        approvals: Vec<ApprovalFacts>,
        (estate, zone): (&Estate, &ZoneKey),
    ) -> Self {
        let facts = Self::about_organisation(now, (change, kind), author, approvals, estate);
        // Nothing is issued: whether the delegation changed is asked when something is.
        let unasked = Fact::Known(DelegationSeen::Unwatched);
        let found = estate.zones.get(zone);
        let found = found.map(|it| ZoneFacts::of(zone, it, zone.name.apex(), unasked));
        Self { zones: Fact::of(found.map(|it| vec![it])), ..facts }
    }

    /// The facts of a change of records that belong to zones and to no service. A zone that the estate
    /// does not hold is not known, and nothing is allowed in it.
    #[must_use]
    pub fn about_zones(
        now: Time,
        (change, kind): (ChangeId, ChangeKind),
        author: AuthorFacts,
        approvals: Vec<ApprovalFacts>,
        (active, keys): (&ActiveEstate, &BTreeSet<ZoneKey>),
    ) -> Self {
        let estate = active.estate();
        // Publishing issues nothing: whether the delegation changed is asked when something is.
        let unasked = || Fact::Known(DelegationSeen::Unwatched);
        let facts = |key: &ZoneKey| {
            let zone = estate.zones.get(key)?;
            Some(ZoneFacts::of(key, zone, key.name.apex(), unasked()))
        };
        let zones: Option<Vec<ZoneFacts>> = keys.iter().map(facts).collect();
        Self {
            now,
            control_owner: estate.organisation.control_owner.clone(),
            change,
            kind,
            author,
            approvals,
            zones: Fact::of(zones.filter(|zones| !zones.is_empty())),
            services: Fact::Known(BTreeMap::new()),
            also_concerned: BTreeSet::new(),
            services_only: Fact::Known(false),
            trust_impacting: Fact::Known(true),
            caa_zones: BTreeSet::new(),
            emergency: Fact::Known(false),
        }
    }
}
