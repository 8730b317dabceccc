//! What is in force now: the active estate with its compiled policy, swapped as one.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use bailiwick_connect::dns::ZoneServers;
use bailiwick_core::estate::{
    ActiveEstate, DelegationSeen, Estate, EstateHistory, ZoneKey, ZoneNames,
};
use bailiwick_core::names::Digest;
use bailiwick_core::policy::{PolicyProblem, PolicySet};

use crate::fault::Fault;

/// The active estate and everything made from it.
///
/// Always: all parts are of the same estate; replaced as a whole, never altered.
pub(crate) struct Live {
    /// The estate, with who owns which name and since when.
    pub active: ActiveEstate,
    /// The digest of its stored form; `None` until the first estate was activated.
    pub digest: Option<Digest>,
    /// Its policies and the default ones, compiled and validated.
    pub policy: PolicySet,
    /// The servers of its zones that are asked directly, of both views of a name together.
    pub servers: ZoneServers,
    /// The names of its services by zone.
    pub names: Arc<ZoneNames>,
}

impl Live {
    /// An estate with its history, its policies compiled, and what was seen of the delegations of its
    /// zones; `None` where that is not taken over yet.
    pub(crate) fn new(
        estate: Estate,
        history: EstateHistory,
        digest: Option<Digest>,
        seen: Option<BTreeMap<ZoneKey, DelegationSeen>>,
    ) -> Result<Self, Fault> {
        let policy = PolicySet::compile(&estate.policies).map_err(|problems| Fault::Damaged {
            message: format!("the policies of the active estate: {}", worded(&problems)),
        })?;
        let served = estate.zones.iter().filter(|(_, zone)| !zone.servers.is_empty());
        let servers = served.map(|(key, zone)| (key.name.clone(), zone.servers.clone())).collect();
        let names = Arc::new(ZoneNames::of(&estate));
        let active = ActiveEstate::new(estate, history).with_delegations(seen);
        Ok(Self { active, digest, policy, servers, names })
    }

    /// The same with what was seen of delegations.
    pub(crate) fn with_delegations(&self, seen: Option<BTreeMap<ZoneKey, DelegationSeen>>) -> Self {
        let active = self.active.clone().with_delegations(seen);
        let (policy, servers) = (self.policy.clone(), self.servers.clone());
        Self { active, digest: self.digest, policy, servers, names: Arc::clone(&self.names) }
    }

    /// The estate.
    pub(crate) const fn estate(&self) -> &Estate {
        self.active.estate()
    }

    /// Since when services have their owners.
    pub(crate) const fn history(&self) -> &EstateHistory {
        self.active.history()
    }
}

fn worded(problems: &[PolicyProblem]) -> String {
    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
    all.join("; ")
}

/// Holds the one [`Live`].
pub(crate) struct LiveCell(RwLock<Arc<Live>>);

impl LiveCell {
    pub(crate) fn new(live: Live) -> Self {
        Self(RwLock::new(Arc::new(live)))
    }

    /// What is in force now. Work with one copy through a whole use case.
    pub(crate) fn get(&self) -> Arc<Live> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in force.
    pub(crate) fn set(&self, live: Live) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
    }
}
