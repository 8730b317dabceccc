//! The ledger as a Merkle tree: what was written stays written, and anyone can check it.
//!
//! Hashing, proofs and tiles follow RFC 6962 section 2.1 and c2sp.org/tlog-tiles. Nothing here reads
//! or writes: hashes that are stored somewhere come in through [`Nodes`] or as [`audit::Block`]s.
//! The bytes of notes, checkpoints and files are spelled in the wire crate.

mod edge;
mod frontier;
mod proof;
mod tile;
mod tree;

pub mod audit;

pub use edge::{DamagedEdge, FullTile, RightEdge};
pub use frontier::{Appended, DamagedFrontier, Frontier, TileHash};
pub use proof::{
    ConsistencyProof, Growth, InclusionProof, NoProof, Node, Nodes, PATH_MAX, ProofRefused,
    TileSet, consistency_proof, consistency_tiles, inclusion_proof, inclusion_tiles,
};
pub use tile::{
    BadTile, Bundle, TILE_WIDTH, Tile, TileId, TileLevel, TileWidth, bundles_between,
    tiles_between, tiles_filled_by, tiles_of,
};
pub use tree::{
    ENTRY_BYTES_MAX, EntryBytes, EntryTooLong, LeafHash, LeafIndex, LeafRange, RootHash,
    TREE_SIZE_MAX, TreeHead, TreeSize, TreeTooLarge,
};
