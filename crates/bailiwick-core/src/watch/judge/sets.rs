//! The sets of a zone, as its primary server serves them, against the intended ones.

use super::{Decided, cause, difference, lines};
use crate::caa::CaaRecord;
use crate::names::DnsName;
use crate::watch::finding::{Cause, FindingKind};
use crate::watch::observation::{Asked, Seen, Vantage};
use crate::watch::picture::{Known, Picture};
use crate::watch::zone::{Permitted, intended_set, permitted_domains, to_records};

pub(super) fn judge(
    decided: &Decided<'_>,
    picture: &Picture,
    reference: Vantage,
    found: &mut Vec<Cause>,
) {
    let apex = decided.key.name.apex();
    for owner in picture.owners() {
        let Some(known) = picture.at(Asked::Caa, reference, owner) else { continue };
        let intended = decided.zone.caa_at(apex, owner).map(intended_set).unwrap_or_default();
        let seen = match &known.seen {
            // A set below that restricts nothing is judged by what it hides.
            Seen::Set { records, .. }
                if owner != apex
                    && intended.is_empty()
                    && hides(decided, picture, reference, owner, records) =>
            {
                found.push(hidden(decided, owner, known, records));
                continue;
            }
            Seen::Failed(_) | Seen::Serial(_) => continue,
            seen @ (Seen::Set { .. }
            | Seen::Large { .. }
            | Seen::Nothing { .. }
            | Seen::Elsewhere) => seen,
        };
        let same =
            seen.records().is_some_and(|records| to_records(records) == to_records(&intended));
        if !same {
            found.push(differs(decided, owner, known, &intended));
        } else if owner == apex && intended.is_empty() && !decided.bearing.is_empty() {
            found.push(missing(decided, apex, known));
        }
    }
}

/// Whether a set below the apex restricts nothing, and one above it does.
fn hides(
    decided: &Decided<'_>,
    picture: &Picture,
    reference: Vantage,
    owner: &DnsName,
    records: &[CaaRecord],
) -> bool {
    let apex = decided.key.name.apex();
    let open = permitted_domains(records) == Permitted::Everybody;
    let above = std::iter::successors(owner.parent(), DnsName::parent);
    open && above.take_while(|one| one.is_at_or_below(apex)).any(|one| {
        let known = picture.at(Asked::Caa, reference, &one);
        let records = known.and_then(|known| known.seen.records());
        records.is_some_and(|records| permitted_domains(records) != Permitted::Everybody)
    })
}

fn hidden(decided: &Decided<'_>, owner: &DnsName, known: &Known, records: &[CaaRecord]) -> Cause {
    let says = format!(
        "the CAA set at `{owner}` restricts nobody and hides the one above it (RFC 8659, section 3): \
         any CA may issue for `{owner}` and what lies below"
    );
    let remedy =
        format!("remove the set at `{owner}`, or add to it the `issue` records from above");
    let mut one = cause(decided, FindingKind::HiddenParent, owner, says, remedy);
    one.diff = difference(&[], &lines(records));
    one.evidence = vec![known.leaf];
    one
}

fn missing(decided: &Decided<'_>, apex: &DnsName, known: &Known) -> Cause {
    let says = format!(
        "`{apex}` has no CAA and none is intended, and {} of its names have or may have certificates: \
         any CA may issue for them",
        decided.bearing.len()
    );
    let remedy =
        "write the issuers into `[caa]` of the zone in the estate, and publish the records";
    let mut one = cause(decided, FindingKind::Missing, apex, says, remedy);
    one.evidence = vec![known.leaf];
    one
}

/// A set that is not the intended one: edited behind our back, not followed yet, or never there.
fn differs(decided: &Decided<'_>, owner: &DnsName, known: &Known, intended: &[CaaRecord]) -> Cause {
    let there = match &known.seen {
        Seen::Nothing { .. } | Seen::Elsewhere => Vec::new(),
        Seen::Set { records, .. } => lines(records),
        Seen::Large { .. } | Seen::Failed(_) | Seen::Serial(_) => known.seen.lines(),
    };
    let (kind, says) = if edited(decided, owner, known) {
        let by = if there.is_empty() { "removed" } else { "changed" };
        let says = format!(
            "the CAA set at `{owner}` was {by} at {}, and no change of ours wrote it",
            known.since
        );
        (FindingKind::ShadowEdit, says)
    } else if there.is_empty() {
        let says = format!("`{owner}` has no CAA, and a set is intended: any CA may issue for it");
        (FindingKind::Missing, says)
    } else if intended.is_empty() {
        let says = format!("`{owner}` has a CAA set that the estate does not know");
        (FindingKind::Drift, says)
    } else {
        (FindingKind::Drift, format!("the CAA set at `{owner}` is not the intended one"))
    };
    let below = intended.is_empty() && owner != decided.key.name.apex();
    let remedy = match (kind == FindingKind::Missing, below) {
        (true, _) => "publish the intended set",
        (false, true) => {
            "remove the set, and the one above counts again; or adopt it, which somebody approves"
        }
        (false, false) => {
            "adopt what is there, which somebody approves, or put the intended set back"
        }
    };
    let mut one = cause(decided, kind, owner, says, remedy);
    one.diff = difference(&lines(intended), &there);
    one.evidence = vec![known.leaf];
    one
}

/// Whether the set became what it is while we watched, after it was intended as it is, by nobody
/// of ours.
fn edited(decided: &Decided<'_>, owner: &DnsName, known: &Known) -> bool {
    let Some((before, _)) = &known.before else { return false };
    let moved = !before.is_failure() && !before.same_records(&known.seen);
    let followed = decided.intended_since.is_some_and(|since| known.since < since);
    let ours = decided.written.get(owner).is_some_and(|sets| {
        let records = known.seen.records().unwrap_or_default();
        sets.iter().any(|set| to_records(set) == to_records(records))
    });
    moved && !followed && !ours
}
