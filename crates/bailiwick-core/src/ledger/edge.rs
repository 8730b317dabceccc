//! The right edge: the tiles that are still growing, so that full ones can be stored as they fill.

use std::fmt;

use super::frontier::{Appended, Frontier};
use super::tile::{TILE_WIDTH, Tile, TileId, TileLevel, TileWidth};
use super::tree::{self, LeafHash, TreeSize, TreeTooLarge};
use crate::names::Digest;

/// A [`Frontier`] together with the partial tile of each level.
///
/// Always: the partial tiles hash to the frontier. Holds at most 8 × 255 hashes.
/// A writer that keeps it needs to read nothing to append, and gets each tile when it is full.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RightEdge {
    frontier: Frontier,
    partial: Vec<Vec<Digest>>,
}

/// A tile that will never change again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FullTile {
    /// Which tile.
    pub id: TileId,
    /// Its 256 hashes.
    pub hashes: Vec<Digest>,
}

/// A partial tile is missing or has another width.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DamagedEdge {
    /// The tile that was asked for.
    pub tile: Tile,
}

impl fmt::Display for DamagedEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the hashes of `{}` are not there; rebuild the tiles from the entries", self.tile)
    }
}

impl std::error::Error for DamagedEdge {}

impl RightEdge {
    /// Before the first leaf.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Takes up a tree of that size again; `partial` gives the hashes of each partial tile, of which
    /// there is at most one a level.
    ///
    /// # Errors
    /// [`DamagedEdge`] when a tile is not given, or not with its width. Whether its hashes are
    /// the right ones shows in [`RightEdge::frontier`].
    pub fn load(
        size: TreeSize,
        mut partial: impl FnMut(Tile) -> Option<Vec<Digest>>,
    ) -> Result<Self, DamagedEdge> {
        let mut rows = Vec::new();
        let mut roots = Vec::new();
        for level in TileLevel::all() {
            let hashes = level.hash_position(size.get());
            let last = TileId { level, index: hashes / u64::from(TILE_WIDTH) }.in_tree(size);
            let row = match last {
                None => Vec::new(),
                Some(tile) => partial(tile)
                    .filter(|row| row.len() == usize::from(tile.width.get()))
                    .ok_or(DamagedEdge { tile })?,
            };
            // Level by level upward, so the smallest subtrees come first here.
            roots.extend(subtrees(&row).into_iter().rev());
            rows.push(row);
        }
        roots.reverse();
        Ok(Self { frontier: Frontier::of(size, roots), partial: rows })
    }

    /// Appends one leaf; gives what it completed, and the tiles that are full now.
    ///
    /// # Errors
    /// [`TreeTooLarge`] when the tree is full; nothing has changed then.
    pub fn append(&mut self, leaf: LeafHash) -> Result<(Appended, Vec<FullTile>), TreeTooLarge> {
        let appended = self.frontier.append(leaf)?;
        let mut full = Vec::new();
        for (row, hash) in appended.tile_hashes().enumerate() {
            if self.partial.len() <= row {
                self.partial.push(Vec::new());
            }
            if let Some(hashes) = self.partial.get_mut(row) {
                hashes.push(hash.hash);
                if hashes.len() == usize::from(TILE_WIDTH) {
                    let index = hash.position / u64::from(TILE_WIDTH);
                    let hashes = std::mem::take(hashes);
                    full.push(FullTile { id: TileId { level: hash.level, index }, hashes });
                }
            }
        }
        Ok((appended, full))
    }

    /// Size and roots.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The tile of a level that is not full yet; nothing when the last one just became full.
    #[must_use]
    pub fn partial(&self, level: TileLevel) -> Option<(Tile, &[Digest])> {
        let hashes = self.partial.get(usize::from(level.get()))?;
        let width = u16::try_from(hashes.len()).ok().and_then(TileWidth::new)?;
        let index = level.hash_position(self.frontier.size().get()) / u64::from(TILE_WIDTH);
        Some((Tile { id: TileId { level, index }, width }, hashes))
    }
}

/// The roots of the full subtrees in a partial tile, the largest first.
fn subtrees(row: &[Digest]) -> Vec<Digest> {
    let mut rest = row;
    let mut roots = Vec::new();
    while let Some(power) = rest.len().checked_ilog2() {
        let (full, after) = rest.split_at_checked(1 << power).unwrap_or((rest, &[]));
        roots.extend(tree::subtree(full));
        rest = after;
    }
    roots
}
