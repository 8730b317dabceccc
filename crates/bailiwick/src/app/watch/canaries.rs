//! Canaries at CAs behind ACME: what the newest of them say, and which have to be sent again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bailiwick_core::estate::{CanarySense, Issuer};
use bailiwick_core::names::IssuerId;
use bailiwick_core::time::Time;
use bailiwick_core::watch::{Canaries, Canary, Stands};
use bailiwick_store::CanaryRow;

/// Since when each CA has to be asked again: since policy or record of some zone changed (CAA-6).
/// Found anew at the next look after a restart, so nothing is lost with it.
#[derive(Debug, Default)]
pub(crate) struct CanaryWishes(Mutex<BTreeMap<IssuerId, Time>>);

impl CanaryWishes {
    /// Something changed that the CA has to be asked after.
    pub(super) fn note(&self, issuer: &IssuerId, changed: Time) {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = wishes.entry(issuer.clone()).or_insert(changed);
        *known = changed.max(*known);
    }

    /// When something changed last, as far as it was seen.
    pub(crate) fn changed(&self, issuer: &IssuerId) -> Option<Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).copied()
    }
}

/// One canary, as it is judged.
pub(super) fn told(row: &CanaryRow) -> Canary {
    Canary {
        right: match row.run.stands {
            Stands::Holds => Some(true),
            Stands::Fails => Some(false),
            Stands::Unknown => None,
        },
        says: row.run.says.clone(),
        at: row.at,
        leaf: row.leaf,
    }
}

/// The canaries of a CA behind ACME, on the names that are agreed with it now. Of several forbidden
/// ones the one that went worst speaks for all, among equals the oldest.
pub(super) fn of(stored: &[CanaryRow], id: &IssuerId, issuer: &Issuer) -> Canaries {
    let Some(plan) = &issuer.canary else { return Canaries::default() };
    let newest = |name: &bailiwick_core::names::DnsName, permitted: bool| {
        let rows = stored.iter().filter(|row| row.run.issuer == *id && row.run.name == *name);
        rows.filter(|row| row.run.permitted == permitted).max_by_key(|row| row.at)
    };
    let allowed = newest(&plan.permitted, true);
    let names = plan.names();
    let forbidden: Vec<Option<&CanaryRow>> = names
        .iter()
        .filter(|(sense, _)| *sense != CanarySense::Permitted)
        .map(|(_, name)| newest(name, false))
        .collect();
    let home = stored.iter().find(|row| row.run.issuer == *id && !row.run.permitted);
    Canaries {
        agreed: true,
        home: home.map(|row| row.run.zone.clone()),
        allowed: allowed.map(told),
        forbidden: worst(&forbidden).map(told),
    }
}

/// The one that went worst, among equals the oldest. One that was never tried leaves open what the others
/// cannot show, but for one that failed.
pub(super) fn worst<'a>(all: &[Option<&'a CanaryRow>]) -> Option<&'a CanaryRow> {
    let worst = all.iter().flatten().copied().min_by_key(|row| {
        let rank = match row.run.stands {
            Stands::Fails => 0,
            Stands::Unknown => 1,
            Stands::Holds => 2,
        };
        (rank, row.at)
    })?;
    let complete = worst.run.stands == Stands::Fails || all.iter().all(Option::is_some);
    complete.then_some(worst)
}
