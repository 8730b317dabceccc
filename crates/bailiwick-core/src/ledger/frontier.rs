//! The roots of the full subtrees: all that is needed to append and to name the root.

use std::fmt;

use super::tile::{TILE_HEIGHT, TileId, TileLevel, tiles_filled_by};
use super::tree::{self, LeafHash, LeafIndex, RootHash, TreeHead, TreeSize, TreeTooLarge};
use crate::names::Digest;

/// Octets of one stored root.
const ROOT_BYTES: usize = 32;

/// A tree reduced to its size and the roots of its full subtrees, the largest first.
///
/// Always: one root for each bit that is set in the size; at most 63, so 2,016 octets.
/// Appending and the root cost O(log n). Stored in one row, it is the head of the ledger.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Frontier {
    size: TreeSize,
    roots: Vec<Digest>,
}

/// What one append completed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Appended {
    index: LeafIndex,
    leaf: LeafHash,
    /// Roots of the tiles that this leaf filled, from level 0 up.
    above: Vec<Digest>,
}

/// One hash of a tile: at which level, and the how-manieth of that level.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TileHash {
    /// The level of the tile it stands in.
    pub level: TileLevel,
    /// Its position among all hashes of that level.
    pub position: u64,
    /// The hash.
    pub hash: Digest,
}

/// Stored roots do not belong to the stored size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DamagedFrontier {
    /// The stored size.
    pub size: TreeSize,
    /// How many octets of roots were stored with it.
    pub bytes: usize,
}

impl fmt::Display for DamagedFrontier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, bytes } = self;
        write!(
            f,
            "the stored ledger head of size {size} has {bytes} bytes of roots; rebuild it from the entries"
        )
    }
}

impl std::error::Error for DamagedFrontier {}

impl Frontier {
    /// Before the first leaf.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// How many leaves were appended.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// Appends one leaf.
    ///
    /// # Errors
    /// [`TreeTooLarge`] when the tree is full; nothing has changed then.
    pub fn append(&mut self, leaf: LeafHash) -> Result<Appended, TreeTooLarge> {
        let index = self.size.next_leaf()?;
        let grown = self.size.grown()?;
        // Each trailing one of the size is a full subtree that this leaf completes to a larger one.
        let merged = usize::try_from(index.get().trailing_ones()).map_err(|_| TreeTooLarge)?;
        let kept = self.roots.len().saturating_sub(merged);
        let mut above = Vec::new();
        let mut node = *leaf.digest();
        for (height, left) in (1_u32..).zip(self.roots.drain(kept..).rev()) {
            node = tree::parent_of(&left, &node);
            if height.is_multiple_of(TILE_HEIGHT) {
                above.push(node);
            }
        }
        self.roots.push(node);
        self.size = grown;
        Ok(Appended { index, leaf, above })
    }

    /// The root of everything appended so far.
    #[must_use]
    pub fn root(&self) -> RootHash {
        tree::bag(self.roots.iter().copied()).map_or_else(RootHash::empty, RootHash::from_digest)
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }

    /// The roots of the full subtrees, the largest first.
    #[must_use]
    pub fn roots(&self) -> &[Digest] {
        &self.roots
    }

    /// What to store: the size, and the roots one after the other.
    #[must_use]
    pub fn to_parts(&self) -> (TreeSize, Vec<u8>) {
        (self.size, self.roots.iter().flat_map(Digest::as_bytes).copied().collect())
    }

    /// Reads back what [`Frontier::to_parts`] gave.
    ///
    /// # Errors
    /// [`DamagedFrontier`] when the number of roots does not follow from the size.
    pub fn from_parts(size: TreeSize, roots: &[u8]) -> Result<Self, DamagedFrontier> {
        let damaged = DamagedFrontier { size, bytes: roots.len() };
        let (roots, rest) = roots.as_chunks::<ROOT_BYTES>();
        let expected = usize::try_from(size.get().count_ones()).map_err(|_| damaged)?;
        if roots.len() != expected || !rest.is_empty() {
            return Err(damaged);
        }
        Ok(Self { size, roots: roots.iter().copied().map(Digest::from_bytes).collect() })
    }

    /// Takes roots that are known to belong to the size.
    pub(super) const fn of(size: TreeSize, roots: Vec<Digest>) -> Self {
        Self { size, roots }
    }
}

impl Appended {
    /// The index that the leaf got.
    #[must_use]
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The leaf that was appended.
    #[must_use]
    pub const fn leaf(&self) -> LeafHash {
        self.leaf
    }

    /// Every tile hash that is now known: the leaf itself at level 0, and for each tile that it
    /// filled, that tile's root at the level above.
    pub fn tile_hashes(&self) -> impl Iterator<Item = TileHash> + '_ {
        let index = self.index.get();
        std::iter::once(self.leaf.digest()).chain(&self.above).zip(TileLevel::all()).map(
            move |(hash, level)| TileHash {
                level,
                position: level.hash_position(index),
                hash: *hash,
            },
        )
    }

    /// The tiles that this leaf filled, from level 0 up; most often none.
    pub fn filled_tiles(&self) -> impl Iterator<Item = TileId> {
        tiles_filled_by(self.index)
    }
}
