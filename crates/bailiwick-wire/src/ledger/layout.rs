//! What a tlog-tiles server has at which path (c2sp.org/tlog-tiles).
//!
//! Paths are relative to the log's prefix. Tiles and bundles never change, so a server may keep
//! them as files and let anyone cache them; the checkpoint is the one thing that moves.

use std::fmt;

use bailiwick_core::ledger::{Bundle, Tile, TileWidth, TreeSize, bundles_between, tiles_between};
use bailiwick_core::names::Digest;

use super::bundle::tile_bytes;

/// Something a log serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Resource {
    /// The latest signed checkpoint.
    Checkpoint,
    /// Hashes.
    Tile(Tile),
    /// Entries.
    Entries(Bundle),
}

impl Resource {
    /// What a path relative to the prefix names; nothing when it is not spelled exactly so.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        if path == "checkpoint" {
            return Some(Self::Checkpoint);
        }
        let bundle = Bundle::parse(path).map(Self::Entries);
        bundle.or_else(|_| Tile::parse(path).map(Self::Tile)).ok()
    }

    /// Whether a tree of that size has it. A partial tile goes on being served when it has grown
    /// wider, since someone may hold the checkpoint that asks for it.
    #[must_use]
    pub fn is_in(self, size: TreeSize) -> bool {
        let wide =
            |asked: TileWidth, there: Option<TileWidth>| there.is_some_and(|there| asked <= there);
        match self {
            Self::Checkpoint => true,
            Self::Tile(tile) => wide(tile.width, tile.id.width_in(size)),
            Self::Entries(bundle) => {
                wide(bundle.width, Bundle::in_tree(bundle.index, size).map(|bundle| bundle.width))
            }
        }
    }

    /// The media type to serve it with.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Checkpoint => "text/plain; charset=utf-8",
            Self::Tile(_) | Self::Entries(_) => "application/octet-stream",
        }
    }

    /// Whether it may be cached for ever.
    #[must_use]
    pub const fn is_immutable(self) -> bool {
        match self {
            Self::Checkpoint => false,
            Self::Tile(_) | Self::Entries(_) => true,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Tile(tile) => tile.fmt(f),
            Self::Entries(bundle) => bundle.fmt(f),
        }
    }
}

/// What to write, and in this order, when a log grows from one published size to another: entries,
/// then hashes, and the checkpoint last, so that it never promises what is not there yet.
pub fn grown(from: TreeSize, to: TreeSize) -> impl Iterator<Item = Resource> {
    let entries = bundles_between(from, to).map(Resource::Entries);
    let tiles = tiles_between(from, to).map(Resource::Tile);
    entries.chain(tiles).chain(std::iter::once(Resource::Checkpoint))
}

/// The bytes of a tile of that width out of hashes that may be more; nothing when they are fewer.
#[must_use]
pub fn cut(hashes: &[Digest], width: TileWidth) -> Option<Vec<u8>> {
    hashes.get(..usize::from(width.get())).map(tile_bytes)
}
