//! Leaves, and the tiles they fill.

use bailiwick_core::change::Event;
use bailiwick_core::ledger::{Frontier, LeafHash, TILE_WIDTH, TileHash, TileId, TileLevel};
use bailiwick_core::names::{ChangeId, Digest};
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::Time;

use crate::commit::Unavailable;
use crate::db::{Arg, Reader, Tx, args};

use super::Rejected;

/// An entry on its way into the ledger.
pub(super) struct Leaf {
    at: Time,
    kind: String,
    pub(super) subject: Option<String>,
    body: Vec<u8>,
    hash: LeafHash,
}

impl Leaf {
    pub(super) fn new(entry: &Entry, body: Vec<u8>) -> Self {
        let hash = LeafHash::of(&body);
        Self { at: entry.at, kind: entry.fact.kind(), subject: entry.fact.subject(), body, hash }
    }

    /// The event of that change in it.
    pub(super) fn event(&self, id: &ChangeId) -> Option<(Event, Time)> {
        bailiwick_wire::record::decode(&self.body).ok().and_then(|entry| event_of(&entry, id))
    }
}

/// The event of that change in an entry.
pub(super) fn event_of(entry: &Entry, change: &ChangeId) -> Option<(Event, Time)> {
    let Fact::Change { id, event, .. } = &entry.fact else { return None };
    (id == change).then(|| ((**event).clone(), entry.at))
}

/// Statements for many leaves at once, the largest first: a round trip costs more than a row.
const INSERTS: [(usize, &str); 3] = [
    (
        16,
        "INSERT INTO entry (idx, at, kind, subject, body, leaf_hash) VALUES \
         ($1, $2, $3, $4, $5, $6), ($7, $8, $9, $10, $11, $12), \
         ($13, $14, $15, $16, $17, $18), ($19, $20, $21, $22, $23, $24), \
         ($25, $26, $27, $28, $29, $30), ($31, $32, $33, $34, $35, $36), \
         ($37, $38, $39, $40, $41, $42), ($43, $44, $45, $46, $47, $48), \
         ($49, $50, $51, $52, $53, $54), ($55, $56, $57, $58, $59, $60), \
         ($61, $62, $63, $64, $65, $66), ($67, $68, $69, $70, $71, $72), \
         ($73, $74, $75, $76, $77, $78), ($79, $80, $81, $82, $83, $84), \
         ($85, $86, $87, $88, $89, $90), ($91, $92, $93, $94, $95, $96)",
    ),
    (
        4,
        "INSERT INTO entry (idx, at, kind, subject, body, leaf_hash) VALUES \
         ($1, $2, $3, $4, $5, $6), ($7, $8, $9, $10, $11, $12), \
         ($13, $14, $15, $16, $17, $18), ($19, $20, $21, $22, $23, $24)",
    ),
    (
        1,
        "INSERT INTO entry (idx, at, kind, subject, body, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6)",
    ),
];

/// Writes the leaves behind the frontier, and every tile that they fill.
pub(super) async fn append(
    tx: &mut Tx,
    frontier: &mut Frontier,
    leaves: &[Leaf],
) -> Result<(), Rejected> {
    let full = || Rejected::Broken(Unavailable::Stopped);
    let mut numbered = Vec::with_capacity(leaves.len());
    let mut filled: Vec<(TileId, Digest)> = Vec::new();
    for leaf in leaves {
        let appended = frontier.append(leaf.hash).map_err(|_| full())?;
        // The root of a tile that is full now is the next hash of the level above.
        let roots = appended.tile_hashes().skip(1).map(|TileHash { hash, .. }| hash);
        filled.extend(appended.filled_tiles().zip(roots));
        numbered.push((appended.index(), leaf));
    }
    let mut rest = numbered.as_slice();
    for (count, statement) in INSERTS {
        while let Some((now, after)) = rest.split_at_checked(count) {
            let mut given: Vec<Arg<'_>> = Vec::with_capacity(count.saturating_mul(6));
            for (index, leaf) in now {
                let subject = leaf.subject.as_deref();
                given.extend(args![*index, leaf.at, &leaf.kind, subject, &leaf.body, &leaf.hash]);
            }
            tx.exec(statement, &given).await?;
            rest = after;
        }
    }
    for (tile, root) in filled {
        put_tile(tx, tile, &root).await?;
    }
    Ok(())
}

/// Stores a full tile. Its hashes are the leaf hashes, or the roots of the tiles below.
async fn put_tile(tx: &mut Tx, tile: TileId, root: &Digest) -> Result<(), Rejected> {
    let hashes = read_hashes(tx, tile).await?;
    if hashes.len() != usize::from(TILE_WIDTH).saturating_mul(32) {
        // Leaves of before are missing: what is stored does not fit the head.
        return Err(Rejected::Broken(Unavailable::Stopped));
    }
    let (level, index) =
        (i64::from(tile.level.get()), i64::try_from(tile.index).unwrap_or(i64::MAX));
    tx.exec(
        "INSERT INTO tile (level, idx, hashes, root) VALUES ($1, $2, $3, $4)",
        &args![level, index, hashes, root],
    )
    .await?;
    Ok(())
}

async fn read_hashes(tx: &mut Tx, tile: TileId) -> Result<Vec<u8>, Rejected> {
    let first = i64::try_from(tile.index).unwrap_or(i64::MAX).saturating_mul(i64::from(TILE_WIDTH));
    let end = first.saturating_add(i64::from(TILE_WIDTH));
    let rows = if tile.level == TileLevel::LEAVES {
        let leaves = "SELECT leaf_hash FROM entry WHERE idx >= $1 AND idx < $2 ORDER BY idx";
        tx.all(leaves, &args![first, end]).await?
    } else {
        let below = i64::from(tile.level.get()).saturating_sub(1);
        let roots =
            "SELECT root FROM tile WHERE level = $1 AND idx >= $2 AND idx < $3 ORDER BY idx";
        tx.all(roots, &args![below, first, end]).await?
    };
    let mut hashes = Vec::with_capacity(rows.len().saturating_mul(32));
    for row in rows {
        hashes.extend(Reader::new("tile", row).digest()?.as_bytes());
    }
    Ok(hashes)
}
