//! The reading side of the ledger's audit: entries, tiles and checkpoints in blocks.

use bailiwick_core::ledger::audit::{
    Audit, AuditReport, Block, Ending, Kept, Progress, StoredLeaf, StoredTile, tiles_ending_in,
};
use bailiwick_core::ledger::{
    Frontier, LeafHash, LeafIndex, TILE_WIDTH, TileId, TreeHead, TreeSize,
};
use bailiwick_core::names::Digest;
use bailiwick_core::record::Mismatch;
use bailiwick_wire::ledger::Trust;

use crate::db::{Reader, Row, Tx, args};
use crate::error::{DbError, StoreError};
use crate::fsck::Findings;
use crate::open::{self, Store};
use crate::read::{CheckpointRow, checkpoint};

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audited {
    /// The tree: whether entries, tiles, checkpoints and head agree, and the first wrong leaf.
    pub report: AuditReport,
    /// Rows beside the tree that are wrong: checkpoints that nobody trusted signed, tiles that
    /// no tree has, tile roots that are not theirs.
    pub rows: Vec<Mismatch>,
}

impl Audited {
    /// Whether nothing at all was found.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.report.finding.is_none() && self.rows.is_empty()
    }
}

/// One row of table `entry`.
struct Leaf {
    index: LeafIndex,
    body: Vec<u8>,
    hash: LeafHash,
}

impl Store {
    /// Recomputes the whole ledger from its entries. Signatures are checked with `trust`; `held` are
    /// checkpoints from elsewhere whose signatures were checked.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read. What is wrong in it is no error but a finding.
    pub async fn audit(&self, trust: &Trust, held: Vec<TreeHead>) -> Result<Audited, StoreError> {
        let mut tx = self.inner.db.snapshot().await?;
        let audited = audit(&mut tx, trust, held).await;
        tx.rollback().await?;
        audited
    }
}

async fn audit(tx: &mut Tx, trust: &Trust, held: Vec<TreeHead>) -> Result<Audited, StoreError> {
    let mut found = Findings::default();
    let mut audit = Audit::new(Kept::Tiles, held);
    let mut number = 0_u64;
    loop {
        let Some(leaves) = leaves(tx, number, &mut found).await? else { break };
        if leaves.is_empty() {
            break;
        }
        let rows: Vec<StoredLeaf<'_>> = leaves
            .iter()
            .map(|leaf| StoredLeaf { index: leaf.index, entry: &leaf.body, leaf_hash: leaf.hash })
            .collect();
        let mut tiles = Vec::new();
        for id in tiles_ending_in(number) {
            tiles.extend(tile(tx, id, &mut found).await?.map(|hashes| (id, hashes)));
        }
        let tiles: Vec<StoredTile<'_>> =
            tiles.iter().map(|(id, hashes)| StoredTile { id: *id, hashes }).collect();
        let checkpoints = checkpoints(tx, number, trust, &mut found).await?;
        let (leaves, tiles, checkpoints) = (&rows, &tiles, &checkpoints);
        let block = Block { number, leaves, tiles, checkpoints };
        match audit.block(&block) {
            Ok(Progress::GoOn) => {}
            Ok(Progress::Stop) => break,
            // Blocks are handed over in order with what belongs to them.
            Err(why) => found.add("entry", number, why),
        }
        number = number.saturating_add(1);
    }
    let head =
        open::head(tx, "SELECT size, frontier, last_at FROM ledger_head WHERE one = 1").await;
    let head = found.or_damage(head)?.map(|(head, _)| head);
    let newest = "SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1";
    let newest = match tx.first(newest, &[]).await? {
        Some(row) => found.or_damage(checkpoint(row))?,
        None => None,
    };
    let largest_checkpoint = newest.and_then(|row| signed(&row, trust, &mut Findings::default()));
    strays(tx, head.as_ref(), &mut found).await?;
    let ending = Ending { head: head.as_ref(), partial_tiles: &[], largest_checkpoint };
    Ok(Audited { report: audit.finish(ending), rows: found.into_all() })
}

/// The rows of a block; where it has none, the next row behind it, which the audit refuses.
async fn leaves(
    tx: &mut Tx,
    number: u64,
    found: &mut Findings,
) -> Result<Option<Vec<Leaf>>, StoreError> {
    let Some((first, end)) = bounds(number) else { return Ok(None) };
    let some = "SELECT idx, body, leaf_hash FROM entry WHERE idx >= $1 ORDER BY idx LIMIT $2";
    let rows = match tx.all(some, &args![first, i64::from(TILE_WIDTH)]).await {
        Err(DbError::Corrupt(_)) => readable(tx, first..end, found).await?,
        rows => rows?,
    };
    let mut leaves = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = Reader::new("entry", row);
        let read = crate::read::index(&mut row)
            .and_then(|index| Ok((index, row.bytes()?, LeafHash::from_digest(row.digest()?))));
        // A row that cannot be read is as good as gone.
        let Some((index, body, hash)) = found.or_damage(read)? else { continue };
        if index.as_i64() < end || leaves.is_empty() {
            leaves.push(Leaf { index, body, hash });
        }
    }
    Ok(Some(leaves))
}

/// The rows of a damaged file up to the first that cannot be read.
async fn readable(
    tx: &mut Tx,
    indexes: std::ops::Range<i64>,
    found: &mut Findings,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for index in indexes {
        let one = "SELECT idx, body, leaf_hash FROM entry WHERE idx = $1";
        match tx.first(one, &args![index]).await {
            Ok(row) => rows.extend(row),
            Err(DbError::Corrupt(why)) => {
                found.add("entry", index, format!("the file is damaged here: {why}"));
                break;
            }
            Err(why) => return Err(why.into()),
        }
    }
    Ok(rows)
}

/// First leaf of a block, and one beyond its last.
fn bounds(number: u64) -> Option<(i64, i64)> {
    let width = i64::from(TILE_WIDTH);
    let first = i64::try_from(number).ok()?.checked_mul(width)?;
    Some((first, first.checked_add(width)?))
}

/// A stored tile, if it is there and can be read. Its root has to be that of its hashes.
async fn tile(
    tx: &mut Tx,
    id: TileId,
    found: &mut Findings,
) -> Result<Option<Vec<Digest>>, StoreError> {
    let (level, index) = (i64::from(id.level.get()), i64::try_from(id.index).unwrap_or(i64::MAX));
    let one = "SELECT hashes, root FROM tile WHERE level = $1 AND idx = $2";
    let Some(row) = tx.first(one, &args![level, index]).await? else { return Ok(None) };
    let mut row = Reader::new("tile", row);
    let read = row.bytes().and_then(|hashes| Ok((hashes, row.digest()?)));
    let Some((octets, root)) = found.or_damage(read)? else { return Ok(None) };
    let (hashes, rest) = octets.as_chunks::<32>();
    if !rest.is_empty() {
        found.add("tile", format!("{level} {index}"), "its hashes are not whole");
        return Ok(None);
    }
    let hashes: Vec<Digest> = hashes.iter().copied().map(Digest::from_bytes).collect();
    if root_of(&hashes) != Some(root) {
        found.add(
            "tile",
            format!("{level} {index}"),
            "column `root` is not the root of its hashes",
        );
    }
    Ok(Some(hashes))
}

/// The root over hashes of any level, as if they were leaves.
fn root_of(hashes: &[Digest]) -> Option<Digest> {
    let mut tree = Frontier::empty();
    for hash in hashes {
        tree.append(LeafHash::from_digest(*hash)).ok()?;
    }
    Some(*tree.root().digest())
}

/// The checkpoints of a block that are signed, in order.
async fn checkpoints(
    tx: &mut Tx,
    number: u64,
    trust: &Trust,
    found: &mut Findings,
) -> Result<Vec<TreeHead>, StoreError> {
    let Some((first, end)) = bounds(number) else { return Ok(Vec::new()) };
    let some = "SELECT size, root, note, at FROM checkpoint \
        WHERE size > $1 AND size <= $2 ORDER BY size";
    let mut heads = Vec::new();
    for row in tx.all(some, &args![first, end]).await? {
        if let Some(row) = found.or_damage(checkpoint(row))? {
            heads.extend(signed(&row, trust, found));
        }
    }
    Ok(heads)
}

/// What a stored checkpoint says, if somebody trusted signed it. The note decides, not the columns.
fn signed(row: &CheckpointRow, trust: &Trust, found: &mut Findings) -> Option<TreeHead> {
    let size = row.head.size;
    match trust.open_bytes(&row.note) {
        Ok(verified) if verified.head() == row.head => Some(row.head),
        Ok(verified) => {
            found.add("checkpoint", size, format!("its note is for size {}", verified.head().size));
            None
        }
        Err(why) => {
            found.add("checkpoint", size, why);
            None
        }
    }
}

/// Tiles and checkpoints beyond the head, which no tree of ours has.
async fn strays(
    tx: &mut Tx,
    head: Option<&Frontier>,
    found: &mut Findings,
) -> Result<(), StoreError> {
    let size = head.map_or(TreeSize::EMPTY, Frontier::size);
    let tiles = "SELECT level, idx FROM tile ORDER BY level, idx";
    for row in tx.all(tiles, &[]).await? {
        let mut row = Reader::new("tile", row);
        let (level, index) = (row.int()?, row.int()?);
        // A tile of that level is full when so many leaves are there.
        let shift =
            level.saturating_add(1).checked_mul(8).and_then(|bits| u32::try_from(bits).ok());
        let full = shift.filter(|shift| *shift < 63).map_or(0, |shift| size.as_i64() >> shift);
        if level < 0 || index < 0 || index >= full {
            found.add("tile", format!("{level} {index}"), "no tree of this size has it");
        }
    }
    let newest = "SELECT 1 FROM checkpoint WHERE size = $1";
    if size != TreeSize::EMPTY && tx.first(newest, &args![size]).await?.is_none() {
        found.add("checkpoint", size, "the newest one is missing");
    }
    let beyond = "SELECT size FROM checkpoint WHERE size > $1 OR size < 1 ORDER BY size LIMIT 100";
    for row in tx.all(beyond, &args![size]).await? {
        let beyond = Reader::new("checkpoint", row).int()?;
        found.add("checkpoint", beyond, format!("the head says {size} leaves"));
    }
    Ok(())
}
