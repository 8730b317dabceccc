//! All that is known of one zone now: the newest observation of each kind from each vantage.

use std::collections::{BTreeMap, BTreeSet};

use super::observation::{Asked, Observation, Seen, Vantage};
use crate::names::DnsName;
use crate::time::Time;

/// An observation that stands, with when it began and what stood before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// What is seen.
    pub seen: Seen,
    /// Since when.
    pub since: Time,
    /// The leaf of the ledger that says so.
    pub leaf: u64,
    /// What was seen before, with when that began; `None` for the first look.
    pub before: Option<(Seen, Time)>,
}

/// A zone as it is seen now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Picture {
    known: BTreeMap<(Asked, Vantage, DnsName), Known>,
}

/// The set that decides about a name, as one vantage sees it (RFC 8659, section 3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effective<'a> {
    /// This one, at this owner.
    Set(&'a DnsName, &'a Known),
    /// No name from this one to the apex has a set.
    Nothing,
    /// Some name on the way was not seen, or could not be.
    Unknown,
}

impl Picture {
    /// Puts an observation in.
    pub fn put(&mut self, of: &Observation, known: Known) {
        self.known.insert((of.asked, of.vantage, of.owner.clone()), known);
    }

    /// The same without vantages and names that are not watched any more.
    #[must_use]
    pub fn only(mut self, vantages: &BTreeSet<Vantage>, owners: &BTreeSet<DnsName>) -> Self {
        self.known
            .retain(|(_, vantage, owner), _| vantages.contains(vantage) && owners.contains(owner));
        self
    }

    /// What is known of one name at one vantage.
    #[must_use]
    pub fn at(&self, asked: Asked, vantage: Vantage, owner: &DnsName) -> Option<&Known> {
        self.known.get(&(asked, vantage, owner.clone()))
    }

    /// Everything, with where it belongs.
    pub fn iter(&self) -> impl Iterator<Item = (Asked, Vantage, &DnsName, &Known)> {
        self.known.iter().map(|((asked, vantage, owner), known)| (*asked, *vantage, owner, known))
    }

    /// The vantages that something was seen from, servers of the zone first.
    #[must_use]
    pub fn vantages(&self) -> BTreeSet<Vantage> {
        self.known.keys().map(|(_, vantage, _)| *vantage).collect()
    }

    /// The names whose CAA was asked for.
    #[must_use]
    pub fn owners(&self) -> BTreeSet<&DnsName> {
        let caa = self.known.keys().filter(|(asked, _, _)| *asked == Asked::Caa);
        caa.map(|(_, _, owner)| owner).collect()
    }

    /// The set that decides about `name` at a vantage, climbing to `apex` and no further.
    #[must_use]
    pub fn effective<'a>(
        &'a self,
        vantage: Vantage,
        name: &DnsName,
        apex: &DnsName,
    ) -> Effective<'a> {
        let way = std::iter::successors(Some(name.clone()), DnsName::parent);
        for owner in way.take_while(|one| one.is_at_or_below(apex)) {
            let found = self.known.get_key_value(&(Asked::Caa, vantage, owner));
            let Some(((_, _, owner), known)) = found else { return Effective::Unknown };
            match &known.seen {
                Seen::Set { .. } | Seen::Large { .. } => return Effective::Set(owner, known),
                Seen::Nothing { .. } => {}
                Seen::Elsewhere | Seen::Failed(_) | Seen::Serial(_) => return Effective::Unknown,
            }
        }
        Effective::Nothing
    }
}
