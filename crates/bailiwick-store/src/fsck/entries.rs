//! Every entry once more: its columns, its events, the rows it causes.

use std::collections::BTreeMap;

use bailiwick_core::change::{Change, Event, Next, Prepared, Receipt};
use bailiwick_core::ledger::{LeafHash, LeafIndex};
use bailiwick_core::names::{ChangeId, Digest};
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::Time;

use super::{Findings, PAGE};
use crate::db::{Cell, Reader, Tx, args};
use crate::error::{DbError, StoreError};
use crate::rows;
use crate::writer::Rejected;

/// A change that is not over yet, and how many events it has.
type Open = BTreeMap<ChangeId, (Change, u32)>;

/// Reads all entries in order and applies them to the scratch database.
pub(super) async fn replay(
    theirs: &mut Tx,
    ours: &mut Tx,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let mut open = Open::new();
    let mut due = 0_i64;
    let mut last_at = None;
    loop {
        let page = "SELECT idx, at, kind, subject, body, leaf_hash FROM entry \
            WHERE idx >= $1 ORDER BY idx LIMIT $2";
        // The first page looks at negative positions too, where nothing may be.
        let from = if last_at.is_none() { i64::MIN } else { due };
        let rows = theirs.all(page, &args![from, PAGE]).await?;
        if rows.is_empty() || found.is_full() {
            break;
        }
        for row in rows {
            let index = match row.first() {
                Some(Cell::Int(index)) => *index,
                _ => i64::MIN,
            };
            if index != due {
                found.add(
                    "entry",
                    due.min(index),
                    format!("entry {due} is due, and {index} follows"),
                );
            }
            due = index.saturating_add(1).max(due);
            let read = found.or_damage(entry(row, found_at(last_at)))?;
            let Some((index, entry, differences)) = read else {
                last_at = last_at.or(Some(Time::from_unix_ms(i64::MIN)));
                continue;
            };
            differences.into_iter().for_each(|what| found.add("entry", index, what));
            last_at = Some(entry.at);
            evidence_of(theirs, index, &entry, found).await?;
            event(&mut open, index, &entry, found);
            apply(ours, index, &entry, found).await?;
        }
    }
    check_head(theirs, due, last_at, found).await?;
    check_checkpoints(theirs, found).await
}

fn found_at(last: Option<Time>) -> Time {
    last.unwrap_or(Time::from_unix_ms(i64::MIN))
}

/// Decodes one row; also gives what its columns say otherwise than the body.
fn entry(row: Vec<Cell>, last_at: Time) -> Result<(LeafIndex, Entry, Vec<String>), StoreError> {
    let mut row = Reader::new("entry", row);
    let index = LeafIndex::from_i64(row.int()?).map_err(|why| row.damaged(why))?;
    let (at, kind, subject) = (row.time()?, row.text()?, row.text_maybe()?);
    let (body, hash) = (row.bytes()?, row.digest()?);
    let entry = bailiwick_wire::record::decode(&body).map_err(|why| row.damaged(why))?;
    let mut differences = Vec::new();
    if at != entry.at {
        differences.push(format!("column `at` says {at}, and the entry {}", entry.at));
    }
    if entry.at < last_at {
        differences.push(format!("it says {}, which is before the entry in front of it", entry.at));
    }
    if kind != entry.fact.kind() {
        differences
            .push(format!("column `kind` says `{kind}`, and the entry `{}`", entry.fact.kind()));
    }
    if subject != entry.fact.subject() {
        differences.push("column `subject` is not that of the entry".to_owned());
    }
    if LeafHash::of(&body).digest() != &hash {
        differences.push("column `leaf_hash` is not the hash of the entry".to_owned());
    }
    Ok((index, entry, differences))
}

/// Folds an event into its change, and compares the state that the entry says it led to.
fn event(open: &mut Open, index: LeafIndex, entry: &Entry, found: &mut Findings) {
    let Fact::Change { id, seq, state, event } = &entry.fact else { return };
    let folded = match open.remove(id) {
        None if matches!(**event, Event::Requested(_)) => {
            Change::replay([((**event).clone(), entry.at)]).map(|change| (change, 0))
        }
        None => {
            return found.add("entry", index, format!("change `{id}` was not open before it"));
        }
        Some((change, events)) => {
            change.apply((**event).clone(), entry.at).map(|change| (change, events))
        }
    };
    match folded {
        Err(why) => found.add("entry", index, why),
        Ok((change, events)) => {
            if events != *seq {
                found.add(
                    "entry",
                    index,
                    format!("it is event {events} of `{id}`, and says {seq}"),
                );
            }
            if change.name() != state {
                let is = change.name();
                found.add(
                    "entry",
                    index,
                    format!("`{id}` is `{is}` after it, and it says `{state}`"),
                );
            }
            if !matches!(change.next(), Next::Finished) {
                open.insert(id.clone(), (change, events.saturating_add(1)));
            }
        }
    }
}

async fn apply(
    ours: &mut Tx,
    index: LeafIndex,
    entry: &Entry,
    found: &mut Findings,
) -> Result<(), StoreError> {
    for row in bailiwick_core::record::rows(entry) {
        match rows::apply(ours, index, &row).await {
            Ok(()) => {}
            Err(Rejected::Conflict(why)) => found.add("entry", index, why),
            Err(Rejected::NotStorable(why)) => found.add("entry", index, why),
            Err(Rejected::Expectation(_)) => {}
            Err(Rejected::Broken(crate::commit::Unavailable::Database(why))) => {
                return Err(why.into());
            }
            Err(Rejected::Broken(why)) => {
                return Err(DbError::Lost(Box::new(std::io::Error::other(why))).into());
            }
        }
    }
    Ok(())
}

/// What an entry names by its digest has to be there.
async fn evidence_of(
    theirs: &mut Tx,
    index: LeafIndex,
    entry: &Entry,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let Some(digest) = named_by(entry) else { return Ok(()) };
    let there = theirs.first("SELECT 1 FROM evidence WHERE digest = $1", &args![&digest]).await?;
    if there.is_none() {
        found.add("evidence", digest, format!("entry {index} names it, and it is not there"));
    }
    Ok(())
}

fn named_by(entry: &Entry) -> Option<Digest> {
    if let Fact::CrlPublished { digest, .. } | Fact::ResponderCertified { digest, .. } = &entry.fact
    {
        return Some(*digest);
    }
    let Fact::Change { event, .. } = &entry.fact else { return None };
    if let Event::StepDone { receipt: Receipt::Adopted { chain, .. }, .. } = &**event {
        return Some(*chain);
    }
    let Event::StepStarted { prepared, .. } = &**event else { return None };
    match prepared {
        Prepared::ToBeSigned { caa, .. } | Prepared::Forwarded { caa, .. } => Some(*caa),
        Prepared::Nothing
        | Prepared::ToBeCertified { .. }
        | Prepared::AccountKey { .. }
        | Prepared::Kept { .. } => None,
    }
}

async fn check_head(
    theirs: &mut Tx,
    entries: i64,
    last_at: Option<Time>,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let head = theirs.all("SELECT one, size, last_at FROM ledger_head", &[]).await?;
    let one = match head.as_slice() {
        [row] => row.clone(),
        _ => {
            found.add("ledger_head", "1", "there must be one row");
            return Ok(());
        }
    };
    let mut row = Reader::new("ledger_head", one);
    let (_one, size, at) = (row.int()?, row.int()?, row.time()?);
    if size != entries {
        found.add("ledger_head", "1", format!("it says {size} leaves, and there are {entries}"));
    }
    if last_at.is_some_and(|last| last != at) {
        found.add("ledger_head", "1", "column `last_at` is not the time of the last entry");
    }
    Ok(())
}

/// A checkpoint's time is not signed; it is that of its last leaf. Its number tells whether all
/// before it are there.
async fn check_checkpoints(theirs: &mut Tx, found: &mut Findings) -> Result<(), StoreError> {
    let wrong = "SELECT size FROM checkpoint WHERE NOT EXISTS \
        (SELECT 1 FROM entry WHERE entry.idx = checkpoint.size - 1 AND entry.at = checkpoint.at) \
        ORDER BY size LIMIT 100";
    for row in theirs.all(wrong, &[]).await? {
        let size = Reader::new("checkpoint", row).int()?;
        found.add("checkpoint", size, "its time is not that of its last leaf");
    }
    let numbered = "SELECT size FROM (SELECT size, n, ROW_NUMBER() OVER (ORDER BY size) AS due \
        FROM checkpoint) AS numbered WHERE n <> due ORDER BY size LIMIT 100";
    for row in theirs.all(numbered, &[]).await? {
        let size = Reader::new("checkpoint", row).int()?;
        found.add("checkpoint", size, "its number is not its place; one before it is missing");
    }
    Ok(())
}
