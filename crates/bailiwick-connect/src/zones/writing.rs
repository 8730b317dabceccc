//! Doors at places that do not compare themselves: look, compare, write, look again.

use bailiwick_core::records::{RRset, RecordEdit, RecordType};
use futures::future::BoxFuture;

use super::door::{Applied, Cause, How, NotApplied, Refused, Stands, There};
use super::edits::{check, others};
use super::look::Authorities;

/// A place whose records we write.
pub(super) trait Place: Send + Sync {
    /// The servers that answer for it.
    fn authorities(&self) -> &Authorities;

    /// What stands there now, one for each edit.
    fn standing_of<'a>(
        &'a self,
        edits: &'a [RecordEdit],
    ) -> BoxFuture<'a, Result<Vec<Option<RRset>>, Refused>>;

    /// Writes edits whose pre-images stood there a moment ago, all or none.
    fn write<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<(), NotWritten>>;
}

/// A write did not come to its end.
pub(super) enum NotWritten {
    /// Nothing happened.
    No(Refused),
    /// Something else stands there now, found while writing; nothing happened.
    Other,
    /// It may have happened.
    NotKnown(String),
}

/// How often is looked again when the place found something else while writing.
const LOOKS_MAX: u32 = 4;

pub(super) async fn apply(
    place: &dyn Place,
    edits: &[RecordEdit],
    cause: Cause<'_>,
) -> Result<Applied, NotApplied> {
    check(place.authorities().zone(), edits)?;
    for _ in 0..LOOKS_MAX {
        let sets = place.standing_of(edits).await?;
        let stands = |(edit, set): (&RecordEdit, &Option<RRset>)| Stands::of(edit, set.as_ref());
        let all: Vec<Stands> = edits.iter().zip(&sets).map(stands).collect();
        if all.iter().all(|one| *one == Stands::After) {
            let seen = place.authorities().seen(edits).await;
            return Ok(Applied { how: How::Already, seen });
        }
        if all.contains(&Stands::Other) {
            return Err(NotApplied::OtherBefore { there: others(edits, &sets) });
        }
        let open = edits.iter().zip(&all).filter(|(_, it)| **it == Stands::Before);
        let open: Vec<RecordEdit> = open.map(|(edit, _)| edit.clone()).collect();
        return match place.write(&open, cause).await {
            Ok(()) => read_back(place, edits, How::Written).await,
            Err(NotWritten::No(why)) => match beside(place, edits).await? {
                there if there.is_empty() => Err(why.into()),
                there => Err(NotApplied::OtherBefore { there }),
            },
            Err(NotWritten::Other) => continue,
            Err(NotWritten::NotKnown(why)) => {
                match read_back(place, edits, How::AnswerLost).await {
                    Ok(applied) => Ok(applied),
                    Err(_) => Err(NotApplied::Unknown {
                        why,
                        seen: place.authorities().seen(edits).await,
                    }),
                }
            }
        };
    }
    Err(Refused::Said(
        "somebody else writes into the zone all the time; try again in a moment".to_owned(),
    )
    .into())
}

/// Sets beside which an alias must not come, or the alias beside which nothing must come (RFC 2181,
/// section 10.1), as far as the edits do not take them away.
async fn beside(place: &dyn Place, edits: &[RecordEdit]) -> Result<Vec<There>, Refused> {
    let mut probes = Vec::new();
    for edit in edits.iter().filter(|edit| edit.after().is_some() && edit.before().is_none()) {
        let kinds: &[RecordType] = match edit.kind() {
            RecordType::CNAME => bailiwick_wire::dns::Update::beside_alias(),
            _ => &[RecordType::CNAME],
        };
        let edited = |kind| edits.iter().any(|it| it.owner() == edit.owner() && it.kind() == kind);
        for kind in kinds.iter().filter(|kind| !edited(**kind)) {
            // The set that the place is asked for; what it would be edited to is not used.
            let any = RRset::new(0, [Vec::new()]);
            let probe = RecordEdit::new(edit.owner().clone(), *kind, None, any);
            probes.extend(probe.ok());
        }
    }
    let sets = place.standing_of(&probes).await?;
    let found = probes.iter().zip(sets).filter_map(|(probe, set)| {
        let (owner, kind) = (probe.owner().clone(), probe.kind());
        set.map(|set| There { owner, kind, set: Some(set) })
    });
    Ok(found.collect())
}

async fn read_back(
    place: &dyn Place,
    edits: &[RecordEdit],
    how: How,
) -> Result<Applied, NotApplied> {
    let left = place.standing_of(edits).await.map(|sets| others(edits, &sets));
    let seen = place.authorities().seen(edits).await;
    match left {
        Ok(there) if there.is_empty() => Ok(Applied { how, seen }),
        Ok(there) => Err(NotApplied::Differs { there, seen }),
        Err(why) => Err(NotApplied::Unknown { why: why.to_string(), seen }),
    }
}
