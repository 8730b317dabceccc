//! What any door asks of edits before it carries them out, and what is left of them after.

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{RRset, RecordEdit, RecordType};

use super::door::{Refused, There};

/// What is not as wanted.
pub(crate) fn others(edits: &[RecordEdit], sets: &[Option<RRset>]) -> Vec<There> {
    let open = edits.iter().zip(sets).filter(|(edit, set)| edit.after() != set.as_ref());
    let there = |(edit, set): (&RecordEdit, &Option<RRset>)| There {
        owner: edit.owner().clone(),
        kind: edit.kind(),
        set: set.clone(),
    };
    open.map(there).collect()
}

/// Edits that any door can take: inside the zone, each set once, and never what makes it a zone.
pub(crate) fn check(zone: &ZoneName, edits: &[RecordEdit]) -> Result<(), Refused> {
    for (at, edit) in edits.iter().enumerate() {
        let (owner, kind) = (edit.owner().clone(), edit.kind());
        if !owner.base().is_at_or_below(zone.apex()) {
            return Err(Refused::Outside { owner, zone: zone.clone() });
        }
        let is_apex = !owner.is_wildcard() && owner.base() == zone.apex();
        let why = if kind == RecordType::SOA {
            "the server keeps the SOA record itself; leave it out"
        } else if is_apex && kind == RecordType::NS && edit.after().is_none() {
            "a zone without NS records is none; replace them instead"
        } else if is_apex && kind == RecordType::CNAME {
            "the apex of a zone cannot be an alias; write addresses there"
        } else if edits
            .iter()
            .skip(at.saturating_add(1))
            .any(|it| *it.owner() == owner && it.kind() == kind)
        {
            "two edits of the same set; make them one"
        } else {
            continue;
        };
        return Err(Refused::NoSuchEdit { owner, kind, why });
    }
    Ok(())
}
