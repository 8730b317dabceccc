//! What an audit can find, which leaves it names, and what to do about it.

use std::fmt;

use super::super::tile::TileId;
use super::super::tree::{LeafIndex, LeafRange, RootHash, TreeHead, TreeSize};

/// Where a signed checkpoint came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signed {
    /// The ledger's own store.
    Stored,
    /// Somewhere else: an older export, a witness.
    Held,
}

/// What knows of a leaf that is not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Evidence {
    /// A row with a larger index.
    LaterLeaf(LeafIndex),
    /// A stored full tile.
    Tile(TileId),
    /// A stored checkpoint of that size.
    Checkpoint(TreeSize),
    /// A checkpoint of that size from elsewhere.
    Held(TreeSize),
    /// The stored head row.
    Head(TreeSize),
}

/// The first thing that is wrong with a ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuditFinding {
    /// A leaf is gone.
    Missing {
        /// The first that is gone.
        leaf: LeafIndex,
        /// What knows of it.
        known_from: Evidence,
    },
    /// An index comes again or too late.
    OutOfOrder {
        /// The index.
        leaf: LeafIndex,
    },
    /// The bytes of an entry do not hash to the leaf hash stored beside them.
    EntryAltered {
        /// Its leaf.
        leaf: LeafIndex,
    },
    /// The stored leaf hash is wrong; signed checkpoints confirm the entry.
    LeafHashAltered {
        /// Its leaf.
        leaf: LeafIndex,
    },
    /// Entries agree with their leaf hashes but not with a stored tile.
    NotInTile {
        /// The leaves under the first differing hash of the tile.
        leaves: LeafRange,
        /// The tile.
        tile: TileId,
        /// The signed checkpoint that does not confirm the entries either, if one covers them.
        denied_by: Option<TreeSize>,
    },
    /// The entries, leaf hashes and tiles agree, but a signed checkpoint names another root.
    OtherRoot {
        /// From the previous good checkpoint to this one.
        leaves: LeafRange,
        /// What was signed.
        checkpoint: TreeHead,
        /// What the entries give.
        found: RootHash,
        /// Where the checkpoint came from.
        signed: Signed,
    },
    /// A row that the stored head does not know.
    BeyondHead {
        /// The first such row.
        leaf: LeafIndex,
    },
    /// The stored head holds other hashes than the entries give.
    NotInHead {
        /// The leaves under the first differing hash.
        leaves: LeafRange,
    },
    /// A stored tile is wrong; signed checkpoints confirm the entries.
    TileAltered {
        /// The tile.
        tile: TileId,
        /// The leaves under its first wrong hash.
        leaves: LeafRange,
    },
    /// A full tile is not stored, or not with 256 hashes.
    TileMissing {
        /// The tile.
        tile: TileId,
    },
    /// The stored head is wrong; signed checkpoints confirm the entries.
    HeadAltered {
        /// The leaves under its first wrong hash.
        leaves: LeafRange,
    },
}

impl AuditFinding {
    /// The leaves it names: where the first wrong one is.
    #[must_use]
    pub fn leaves(&self) -> LeafRange {
        match self {
            Self::Missing { leaf, .. }
            | Self::OutOfOrder { leaf }
            | Self::EntryAltered { leaf }
            | Self::LeafHashAltered { leaf }
            | Self::BeyondHead { leaf } => LeafRange::one(*leaf),
            Self::NotInTile { leaves, .. }
            | Self::OtherRoot { leaves, .. }
            | Self::NotInHead { leaves }
            | Self::TileAltered { leaves, .. }
            | Self::HeadAltered { leaves } => *leaves,
            Self::TileMissing { tile } => tile.leaves(),
        }
    }

    /// Whether every entry is still right and only what is derived from them is not.
    #[must_use]
    pub const fn entries_are_right(&self) -> bool {
        match self {
            Self::TileAltered { .. }
            | Self::TileMissing { .. }
            | Self::HeadAltered { .. }
            | Self::LeafHashAltered { .. } => true,
            Self::Missing { .. }
            | Self::OutOfOrder { .. }
            | Self::EntryAltered { .. }
            | Self::NotInTile { .. }
            | Self::OtherRoot { .. }
            | Self::BeyondHead { .. }
            | Self::NotInHead { .. } => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        if self.entries_are_right() {
            "rebuild what is derived with `bailiwick ledger fsck`, and find out who wrote to the store"
        } else {
            "stop writing, keep this copy as evidence, compare with a backup from before, and find out who wrote to the store"
        }
    }

    /// Whether it is the word of a checkpoint from there.
    pub(super) fn is_denied_by(&self, whose: Signed) -> bool {
        matches!(self, Self::OtherRoot { signed, .. } if *signed == whose)
    }

    /// The size of the checkpoint that contradicts the entries, where one does.
    pub(super) const fn checkpoint(&self) -> Option<TreeSize> {
        match self {
            Self::OtherRoot { checkpoint, .. } => Some(checkpoint.size),
            Self::NotInTile { denied_by, .. } => *denied_by,
            Self::Missing { .. }
            | Self::OutOfOrder { .. }
            | Self::EntryAltered { .. }
            | Self::LeafHashAltered { .. }
            | Self::BeyondHead { .. }
            | Self::NotInHead { .. }
            | Self::TileAltered { .. }
            | Self::TileMissing { .. }
            | Self::HeadAltered { .. } => None,
        }
    }

    /// The same finding about fewer leaves; `denied` is the checkpoint that led to them.
    pub(super) const fn narrowed(self, leaves: LeafRange, denied: Option<TreeSize>) -> Self {
        match self {
            Self::NotInTile { tile, denied_by, .. } => {
                let denied_by = if denied_by.is_some() { denied_by } else { denied };
                Self::NotInTile { leaves, tile, denied_by }
            }
            Self::OtherRoot { checkpoint, found, signed, .. } => {
                Self::OtherRoot { leaves, checkpoint, found, signed }
            }
            Self::NotInHead { .. } => Self::NotInHead { leaves },
            Self::TileAltered { tile, .. } => Self::TileAltered { tile, leaves },
            Self::HeadAltered { .. } => Self::HeadAltered { leaves },
            // These name one leaf, or a tile that cannot be told in part.
            Self::Missing { .. }
            | Self::OutOfOrder { .. }
            | Self::EntryAltered { .. }
            | Self::LeafHashAltered { .. }
            | Self::BeyondHead { .. }
            | Self::TileMissing { .. } => self,
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LaterLeaf(leaf) => write!(f, "leaf {leaf} comes after it"),
            Self::Tile(tile) => write!(f, "`{tile}` has its hash"),
            Self::Checkpoint(size) => write!(f, "a signed checkpoint covers {size} leaves"),
            Self::Held(size) => write!(f, "the checkpoint you hold covers {size} leaves"),
            Self::Head(size) => write!(f, "the stored head counts {size} leaves"),
        }
    }
}

impl fmt::Display for AuditFinding {
    /// One line: which leaf, and what is wrong with it. What to do is in [`AuditFinding::remedy`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { leaf, known_from } => write!(f, "leaf {leaf} is missing: {known_from}"),
            Self::OutOfOrder { leaf } => write!(f, "leaf {leaf} comes twice or out of order"),
            Self::EntryAltered { leaf } => {
                write!(
                    f,
                    "leaf {leaf} was altered: its entry does not hash to its stored leaf hash"
                )
            }
            Self::LeafHashAltered { leaf } => {
                write!(
                    f,
                    "the leaf hash stored for leaf {leaf} was altered; its entry is confirmed"
                )
            }
            Self::NotInTile { leaves, tile, denied_by: Some(size) } => {
                write!(
                    f,
                    "{leaves}: replaced; `{tile}` has another hash, and the signed checkpoint of size {size} does not confirm what is there"
                )
            }
            Self::NotInTile { leaves, tile, denied_by: None } => {
                write!(
                    f,
                    "{leaves}: `{tile}` has another hash, and no later checkpoint says which is right"
                )
            }
            Self::OtherRoot { leaves, checkpoint, signed, .. } => {
                let whose = match signed {
                    Signed::Stored => "a signed checkpoint",
                    Signed::Held => "the checkpoint you hold",
                };
                write!(
                    f,
                    "history was rewritten within {leaves}: {whose} of size {} names another root",
                    checkpoint.size
                )
            }
            Self::BeyondHead { leaf } => write!(f, "leaf {leaf} was added behind the stored head"),
            Self::NotInHead { leaves } => {
                write!(
                    f,
                    "{leaves}: the stored head has another hash, and no checkpoint says which is right"
                )
            }
            Self::TileAltered { tile, leaves } => {
                write!(
                    f,
                    "`{tile}` was altered where it stands for {leaves}; the entries are confirmed"
                )
            }
            Self::TileMissing { tile } => write!(f, "`{tile}` is missing or not 256 hashes wide"),
            Self::HeadAltered { leaves } => {
                write!(
                    f,
                    "the stored head was altered where it stands for {leaves}; the entries are confirmed"
                )
            }
        }
    }
}
