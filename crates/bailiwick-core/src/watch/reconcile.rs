//! Causes against open findings: what opens, what closes.

use std::collections::BTreeSet;

use super::finding::{Cause, ClosedBy, Finding};
use super::judge::Judged;
use super::observation::Vantage;
use crate::names::FindingId;

/// What has to happen so that the open findings are those that have a cause.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reconciled {
    /// Causes that no finding is open for.
    pub open: Vec<Cause>,
    /// Findings that are over, with what ended them.
    pub close: Vec<(FindingId, ClosedBy)>,
}

/// Compares what is the matter now with the findings of one zone that are open.
///
/// A finding whose vantage cannot be seen at the moment stays open: not knowing ends nothing. One out of a
/// report ends with its incident, which somebody concludes.
#[must_use]
pub fn reconcile(open: &[Finding], judged: &Judged) -> Reconciled {
    let mut result = Reconciled::default();
    let mut held: BTreeSet<usize> = BTreeSet::new();
    for finding in open {
        let mut causes = judged.causes.iter().enumerate();
        let about = causes.find(|(_, cause)| finding.is_about(cause));
        match about {
            Some((at, cause)) if cause.diff == finding.diff && cause.team == finding.team => {
                held.insert(at);
            }
            Some(_) => result.close.push((finding.id.clone(), ClosedBy::SeenOtherwise)),
            None if judged.excepted.iter().any(|one| finding.is_about(&one.cause)) => {
                result.close.push((finding.id.clone(), ClosedBy::Excepted));
            }
            None if blind(finding, &judged.blind) => {}
            None => result.close.push((finding.id.clone(), ClosedBy::CauseEnded)),
        }
    }
    let fresh = judged.causes.iter().enumerate().filter(|(at, _)| !held.contains(at));
    result.open.extend(fresh.map(|(_, cause)| cause.clone()));
    result
}

/// Whether the place where the finding shows cannot be looked at. That it cannot is a finding of its
/// own, and that one is decided.
fn blind(finding: &Finding, blind: &BTreeSet<Option<Vantage>>) -> bool {
    let seen = !finding.kind.is_about_reach() && !finding.kind.is_from_a_report();
    seen && blind.contains(&finding.vantage)
}
