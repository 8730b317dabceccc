//! What a ledger's store holds, as it is handed to the audit.

use std::fmt;

use super::super::frontier::Frontier;
use super::super::tile::{TileId, tiles_filled_by};
use super::super::tree::{LeafHash, LeafIndex, TREE_SIZE_MAX, TreeHead, TreeSize};
use crate::names::Digest;

/// Leaves of a block: those of one full tile.
pub(super) const LEAVES: u64 = 256;

/// One stored row.
#[derive(Clone, Copy, Debug)]
pub struct StoredLeaf<'a> {
    /// The index it claims.
    pub index: LeafIndex,
    /// The bytes of the entry.
    pub entry: &'a [u8],
    /// The leaf hash stored beside them.
    pub leaf_hash: LeafHash,
}

/// One stored full tile.
#[derive(Clone, Copy, Debug)]
pub struct StoredTile<'a> {
    /// Which tile.
    pub id: TileId,
    /// Its hashes as stored.
    pub hashes: &'a [Digest],
}

/// Leaves 256 n to 256 n + 255 and what was stored about them.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The n. Blocks come in order, from 0.
    pub number: u64,
    /// The rows in this range, by index; fewer only at the end of the ledger.
    pub leaves: &'a [StoredLeaf<'a>],
    /// The stored tiles out of [`tiles_ending_in`] this block.
    pub tiles: &'a [StoredTile<'a>],
    /// The stored checkpoints, their signatures checked, of sizes 256 n + 1 to 256 n + 256; block 0
    /// takes size 0 too.
    pub checkpoints: &'a [TreeHead],
}

/// What the ledger keeps beside its rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// Every full tile; a missing one is a finding.
    Tiles,
    /// No tiles.
    LeavesOnly,
}

/// What is known when the last row has been read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending<'a> {
    /// The stored head row.
    pub head: Option<&'a Frontier>,
    /// The stored tiles that are not full yet, where such are kept.
    pub partial_tiles: &'a [StoredTile<'a>],
    /// The stored checkpoint of the largest size, its signature checked.
    pub largest_checkpoint: Option<TreeHead>,
}

/// The caller handed over something that is not of this block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadBlock {
    /// Blocks come in order from 0, each once.
    Number {
        /// The number that was due.
        due: u64,
    },
    /// A checkpoint of another block's size.
    Checkpoint(TreeSize),
    /// A tile that does not end in this block.
    Tile(TileId),
}

impl fmt::Display for BadBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { due } => write!(f, "block {due} is due; hand over blocks in order"),
            Self::Checkpoint(size) => {
                write!(
                    f,
                    "the checkpoint of size {size} belongs to another block; hand it over there"
                )
            }
            Self::Tile(id) => {
                write!(f, "`{id}` does not end in this block; hand it over where it ends")
            }
        }
    }
}

impl std::error::Error for BadBlock {}

/// The tiles whose last leaf is the last of that block: level 0 always, higher ones rarely.
pub fn tiles_ending_in(block: u64) -> impl Iterator<Item = TileId> {
    let last = block
        .checked_mul(LEAVES)
        .and_then(|first| LeafIndex::new(first.checked_add(LEAVES - 1)?).ok());
    last.into_iter().flat_map(tiles_filled_by)
}

pub(super) fn check(block: &Block<'_>, due: u64) -> Result<(), BadBlock> {
    if block.number != due {
        return Err(BadBlock::Number { due });
    }
    let end = end_of(due);
    let first = if due == 0 { 0 } else { end.saturating_sub(LEAVES).saturating_add(1) };
    let outside = |head: &&TreeHead| head.size.get() < first || head.size.get() > end;
    if let Some(head) = block.checkpoints.iter().find(outside) {
        return Err(BadBlock::Checkpoint(head.size));
    }
    let stray = block.tiles.iter().find(|tile| !tiles_ending_in(due).any(|id| id == tile.id));
    stray.map_or(Ok(()), |tile| Err(BadBlock::Tile(tile.id)))
}

/// One beyond the last leaf of a block.
pub(super) fn end_of(block: u64) -> u64 {
    block.saturating_add(1).saturating_mul(LEAVES).min(TREE_SIZE_MAX)
}
