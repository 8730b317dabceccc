//! Sizes, indexes and hashes of the tree (RFC 6962, section 2.1).

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::names::Digest;

/// Leaves a tree holds at most: what a signed 64-bit column of a database can count.
pub const TREE_SIZE_MAX: u64 = i64::MAX.cast_unsigned();

/// Octets of an entry at most: entry bundles carry a 16-bit length (c2sp.org/tlog-tiles).
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// A number is beyond [`TREE_SIZE_MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TreeTooLarge;

impl fmt::Display for TreeTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a ledger holds at most {TREE_SIZE_MAX} leaves; start a new one")
    }
}

impl std::error::Error for TreeTooLarge {}

/// How many leaves a tree has.
///
/// Always: at most [`TREE_SIZE_MAX`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TreeSize(u64);

impl TreeSize {
    /// No leaves.
    pub const EMPTY: Self = Self(0);

    /// Takes a number of leaves.
    ///
    /// # Errors
    /// [`TreeTooLarge`] beyond [`TREE_SIZE_MAX`].
    pub const fn new(leaves: u64) -> Result<Self, TreeTooLarge> {
        if leaves > TREE_SIZE_MAX { Err(TreeTooLarge) } else { Ok(Self(leaves)) }
    }

    /// Takes the number as a database column holds it.
    ///
    /// # Errors
    /// [`TreeTooLarge`] for a negative number.
    pub fn from_i64(leaves: i64) -> Result<Self, TreeTooLarge> {
        u64::try_from(leaves).map(Self).map_err(|_| TreeTooLarge)
    }

    /// The number of leaves.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a database column holds it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// The size with one leaf more.
    ///
    /// # Errors
    /// [`TreeTooLarge`] when the tree is full.
    pub const fn grown(self) -> Result<Self, TreeTooLarge> {
        Self::new(self.0.saturating_add(1))
    }

    /// The index that the next leaf gets.
    ///
    /// # Errors
    /// [`TreeTooLarge`] when the tree is full.
    pub const fn next_leaf(self) -> Result<LeafIndex, TreeTooLarge> {
        LeafIndex::new(self.0)
    }

    /// Whether a tree of this size has that leaf.
    #[must_use]
    pub const fn holds(self, leaf: LeafIndex) -> bool {
        leaf.0 < self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a leaf stands, counted from 0.
///
/// Always: below [`TREE_SIZE_MAX`], so that the tree holding it has a size.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// Takes a position.
    ///
    /// # Errors
    /// [`TreeTooLarge`] at or beyond [`TREE_SIZE_MAX`].
    pub const fn new(index: u64) -> Result<Self, TreeTooLarge> {
        if index >= TREE_SIZE_MAX { Err(TreeTooLarge) } else { Ok(Self(index)) }
    }

    /// Takes the position as a database column holds it.
    ///
    /// # Errors
    /// [`TreeTooLarge`] for a negative number and the largest one.
    pub fn from_i64(index: i64) -> Result<Self, TreeTooLarge> {
        u64::try_from(index).map_err(|_| TreeTooLarge).and_then(Self::new)
    }

    /// The position.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position as a database column holds it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// The size of the smallest tree that holds this leaf.
    #[must_use]
    pub const fn size_after(self) -> TreeSize {
        TreeSize(self.0.saturating_add(1))
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A run of leaves, from the first to before the end.
///
/// Always: not empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct LeafRange {
    first: u64,
    end: u64,
}

impl LeafRange {
    /// One leaf.
    #[must_use]
    pub const fn one(leaf: LeafIndex) -> Self {
        Self { first: leaf.0, end: leaf.size_after().0 }
    }

    /// From `first` to before `end`; a range that would be empty is the one leaf `first`.
    #[must_use]
    pub(crate) const fn spanning(first: u64, end: u64) -> Self {
        let least = first.saturating_add(1);
        Self { first, end: if end > least { end } else { least } }
    }

    /// The first leaf.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// One beyond the last leaf.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Whether it names exactly one leaf.
    #[must_use]
    pub const fn is_one(self) -> bool {
        self.end.saturating_sub(self.first) == 1
    }

    /// Whether the leaf is in it.
    #[must_use]
    pub const fn holds(self, leaf: LeafIndex) -> bool {
        self.first <= leaf.0 && leaf.0 < self.end
    }

    /// What both have in common.
    #[must_use]
    pub(crate) fn overlap(self, other: Self) -> Option<Self> {
        let (first, end) = (self.first.max(other.first), self.end.min(other.end));
        (first < end).then_some(Self { first, end })
    }
}

impl fmt::Display for LeafRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_one() {
            write!(f, "leaf {}", self.first)
        } else {
            write!(f, "leaves {} to {}", self.first, self.end.saturating_sub(1))
        }
    }
}

/// The bytes of one entry.
///
/// Always: at most [`ENTRY_BYTES_MAX`] octets; larger evidence is stored aside and its hash logged.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct EntryBytes(Vec<u8>);

/// An entry does not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EntryTooLong {
    /// How long it is.
    pub bytes: usize,
}

impl fmt::Display for EntryTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes;
        write!(
            f,
            "an entry of {bytes} bytes, of {ENTRY_BYTES_MAX} allowed; store it aside and log its hash"
        )
    }
}

impl std::error::Error for EntryTooLong {}

impl EntryBytes {
    /// Takes the bytes of an entry.
    ///
    /// # Errors
    /// [`EntryTooLong`] beyond [`ENTRY_BYTES_MAX`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, EntryTooLong> {
        if bytes.len() > ENTRY_BYTES_MAX {
            Err(EntryTooLong { bytes: bytes.len() })
        } else {
            Ok(Self(bytes))
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the bytes away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The hash of this entry as a leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        LeafHash::of(&self.0)
    }
}

/// The hash of an entry: SHA-256 of 0x00 and its bytes (RFC 6962, section 2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct LeafHash(Digest);

impl LeafHash {
    /// Hashes the bytes of an entry.
    #[must_use]
    pub fn of(entry: &[u8]) -> Self {
        Self(Digest::from_bytes(
            Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into(),
        ))
    }

    /// Takes a leaf hash that was computed elsewhere.
    #[must_use]
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The hash.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The Merkle Tree Hash of a whole tree (RFC 6962, section 2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct RootHash(Digest);

impl RootHash {
    /// The root of a tree without leaves: the hash of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self(Digest::of(&[]))
    }

    /// Takes a root that was computed elsewhere.
    #[must_use]
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The hash.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for RootHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tree, told by its size and root. A checkpoint is a signed one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TreeHead {
    /// How many leaves it covers.
    pub size: TreeSize,
    /// Their root.
    pub root: RootHash,
}

/// SHA-256 of 0x01 and two neighbours (RFC 6962, section 2.1).
pub(super) fn parent_of(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new()
        .chain_update([0x01])
        .chain_update(left.as_bytes())
        .chain_update(right.as_bytes())
        .finalize();
    Digest::from_bytes(hash.into())
}

/// The root of neighbouring subtrees that shrink to the right, given from left to right.
pub(super) fn bag(subtrees: impl DoubleEndedIterator<Item = Digest>) -> Option<Digest> {
    subtrees.rev().reduce(|right, left| parent_of(&left, &right))
}

/// The root of `hashes` as the leaves of a subtree, of any number but zero.
pub(super) fn subtree(hashes: &[Digest]) -> Option<Digest> {
    let mut row: Vec<Digest> = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, odd) = row.as_chunks::<2>();
        // A node without a right neighbour moves up unchanged, which is RFC 6962's split at the
        // largest power of two, seen from below.
        row = pairs
            .iter()
            .map(|[left, right]| parent_of(left, right))
            .chain(odd.iter().copied())
            .collect();
    }
    row.first().copied()
}
