//! Inclusion and consistency proofs (RFC 6962, sections 2.1.1 and 2.1.2).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::tile::{TILE_HEIGHT, TILE_WIDTH, TileId, TileLevel};
use super::tree::{self, LeafHash, LeafIndex, RootHash, TreeHead, TreeSize};
use crate::names::Digest;

/// Hashes a proof has at most: a tree of fewer than 2^63 leaves is at most 63 levels high, and a
/// consistency proof carries one hash more.
pub const PATH_MAX: usize = 64;

/// A full subtree: 2^`level` leaves, the how-manieth of that height.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Node {
    /// How many levels it stands above the leaves.
    pub level: u32,
    /// Its position among all subtrees of that height.
    pub index: u64,
}

/// Where the hashes of full subtrees come from: tiles, a table, or a test's list.
pub trait Nodes {
    /// The root of a full subtree; nothing when it is not there.
    fn hash_at(&self, node: Node) -> Option<Digest>;
}

impl<F: Fn(Node) -> Option<Digest>> Nodes for F {
    fn hash_at(&self, node: Node) -> Option<Digest> {
        self(node)
    }
}

/// Why a proof could not be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoProof {
    /// The tree does not have that leaf.
    NotInTree {
        /// The leaf.
        leaf: LeafIndex,
        /// The tree.
        size: TreeSize,
    },
    /// Nothing follows from an empty tree, and no tree shrinks.
    NotGrowth {
        /// The older size.
        from: TreeSize,
        /// The newer size.
        to: TreeSize,
    },
    /// A stored hash is missing.
    Missing(Node),
}

impl fmt::Display for NoProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInTree { leaf, size } => {
                write!(f, "leaf {leaf} is not in a tree of {size}; ask for one below {size}")
            }
            Self::NotGrowth { from, to } => {
                write!(
                    f,
                    "no proof leads from a tree of {from} to one of {to}; ask from 1 or more to the same or more"
                )
            }
            Self::Missing(Node { level, index }) => {
                write!(
                    f,
                    "the hash of subtree {index} at height {level} is not stored; run `bailiwick ledger verify`"
                )
            }
        }
    }
}

impl std::error::Error for NoProof {}

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProofRefused {
    /// The leaf is beyond the tree.
    NotInTree,
    /// From an empty tree, or to a smaller one.
    NotGrowth,
    /// Too many or too few hashes for these sizes.
    Length,
    /// The hashes lead to another root than the newer one.
    OtherRoot,
    /// The hashes lead to another root than the older one.
    OtherOldRoot,
}

impl fmt::Display for ProofRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInTree => "the proof is for a leaf beyond the tree; take a newer checkpoint",
            Self::NotGrowth => "nothing can be shown from an empty or larger tree; take an older checkpoint that is not empty",
            Self::Length => "the proof has not the length that these sizes need; ask for a proof of exactly these sizes",
            Self::OtherRoot => "the proof leads to another root than the checkpoint has; the log does not hold what it should, keep both and alert",
            Self::OtherOldRoot => "the proof leads to another root than the older checkpoint has; history was rewritten, keep both and alert",
        })
    }
}

impl std::error::Error for ProofRefused {}

/// Shows that a leaf is in a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InclusionProof {
    /// Where the leaf stands.
    pub index: LeafIndex,
    /// The siblings on the way from the leaf to the root.
    pub path: Vec<Digest>,
}

/// Shows that a tree only grew.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsistencyProof {
    /// The hashes, in the order of RFC 6962, section 2.1.2.
    pub path: Vec<Digest>,
}

/// An older and a newer state of one tree: as sizes to ask for a proof, as heads to check one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Growth<T> {
    /// The older one.
    pub from: T,
    /// The newer one.
    pub to: T,
}

impl InclusionProof {
    /// The root that follows from this proof for a leaf in a tree of that size.
    ///
    /// # Errors
    /// [`ProofRefused`] when index, size and length do not fit together.
    pub fn root_from(&self, leaf: &LeafHash, size: TreeSize) -> Result<RootHash, ProofRefused> {
        if !size.holds(self.index) {
            return Err(ProofRefused::NotInTree);
        }
        // The way up of the leaf, and beside it that of the last leaf (RFC 9162, section 2.1.3.2).
        let (mut here, mut last) = (self.index.get(), size.get().saturating_sub(1));
        let mut hash = *leaf.digest();
        for sibling in &self.path {
            if last == 0 {
                return Err(ProofRefused::Length);
            }
            if here % 2 == 1 || here == last {
                hash = tree::parent_of(sibling, &hash);
                // Levels where this node has no sibling are passed without a hash.
                while here % 2 == 0 && here != 0 {
                    (here, last) = (here / 2, last / 2);
                }
            } else {
                hash = tree::parent_of(&hash, sibling);
            }
            (here, last) = (here / 2, last / 2);
        }
        if last == 0 { Ok(RootHash::from_digest(hash)) } else { Err(ProofRefused::Length) }
    }

    /// Checks that the leaf is in the tree with that head.
    ///
    /// # Errors
    /// [`ProofRefused`] says why this proof does not show it.
    pub fn verify(&self, leaf: &LeafHash, head: &TreeHead) -> Result<(), ProofRefused> {
        let root = self.root_from(leaf, head.size)?;
        if root == head.root { Ok(()) } else { Err(ProofRefused::OtherRoot) }
    }
}

impl ConsistencyProof {
    /// Checks that the newer tree begins with the older one.
    ///
    /// # Errors
    /// [`ProofRefused`] says why this proof does not show it. An empty older tree is refused: it
    /// is the beginning of every tree, so nothing is shown.
    pub fn verify(&self, growth: &Growth<TreeHead>) -> Result<(), ProofRefused> {
        let Growth { from, to } = growth;
        if from.size == TreeSize::EMPTY || from.size > to.size {
            return Err(ProofRefused::NotGrowth);
        }
        if from.size == to.size {
            return match (self.path.is_empty(), from.root == to.root) {
                (false, _) => Err(ProofRefused::Length),
                (true, false) => Err(ProofRefused::OtherRoot),
                (true, true) => Ok(()),
            };
        }
        // RFC 9162, section 2.1.4.2: the path begins with the largest full subtree at the right
        // edge of the older tree, unless that is the whole of it.
        let mut path = self.path.iter();
        let whole = from.size.get().is_power_of_two();
        let first = if whole { Some(from.root.digest()) } else { path.next() };
        let seed = *first.ok_or(ProofRefused::Length)?;
        let skipped = from.size.get().trailing_zeros();
        let mut here = from.size.get().saturating_sub(1) >> skipped;
        let mut last = to.size.get().saturating_sub(1) >> skipped;
        let (mut old, mut new) = (seed, seed);
        for hash in path {
            if last == 0 {
                return Err(ProofRefused::Length);
            }
            if here % 2 == 1 || here == last {
                old = tree::parent_of(hash, &old);
                new = tree::parent_of(hash, &new);
                while here % 2 == 0 && here != 0 {
                    (here, last) = (here / 2, last / 2);
                }
            } else {
                new = tree::parent_of(&new, hash);
            }
            (here, last) = (here / 2, last / 2);
        }
        match (last == 0, old == *from.root.digest(), new == *to.root.digest()) {
            (false, ..) => Err(ProofRefused::Length),
            (true, false, _) => Err(ProofRefused::OtherOldRoot),
            (true, true, false) => Err(ProofRefused::OtherRoot),
            (true, true, true) => Ok(()),
        }
    }
}

/// Makes the proof that a leaf is in a tree of that size (RFC 6962, section 2.1.1).
///
/// # Errors
/// [`NoProof`] when the leaf is beyond the tree or a hash is not stored.
pub fn inclusion_proof(
    leaf: LeafIndex,
    size: TreeSize,
    nodes: &impl Nodes,
) -> Result<InclusionProof, NoProof> {
    let path = hashes_of(&inclusion_spans(leaf, size)?, nodes)?;
    Ok(InclusionProof { index: leaf, path })
}

/// Makes the proof that a tree only grew (RFC 6962, section 2.1.2).
///
/// # Errors
/// [`NoProof`] when it did not grow, began empty, or a hash is not stored.
pub fn consistency_proof(
    growth: Growth<TreeSize>,
    nodes: &impl Nodes,
) -> Result<ConsistencyProof, NoProof> {
    hashes_of(&consistency_spans(growth)?, nodes).map(|path| ConsistencyProof { path })
}

/// The tiles to load into a [`TileSet`] before [`inclusion_proof`].
///
/// # Errors
/// [`NoProof::NotInTree`].
pub fn inclusion_tiles(leaf: LeafIndex, size: TreeSize) -> Result<BTreeSet<TileId>, NoProof> {
    inclusion_spans(leaf, size).map(|spans| tiles_under(&spans))
}

/// The tiles to load into a [`TileSet`] before [`consistency_proof`].
///
/// # Errors
/// [`NoProof::NotGrowth`].
pub fn consistency_tiles(growth: Growth<TreeSize>) -> Result<BTreeSet<TileId>, NoProof> {
    consistency_spans(growth).map(|spans| tiles_under(&spans))
}

/// Tiles in memory, to make proofs from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TileSet(BTreeMap<TileId, Vec<Digest>>);

impl TileSet {
    /// Puts in the hashes of one tile, full or partial.
    pub fn insert(&mut self, tile: TileId, hashes: Vec<Digest>) {
        self.0.insert(tile, hashes);
    }
}

impl Nodes for TileSet {
    fn hash_at(&self, node: Node) -> Option<Digest> {
        let hashes = self.0.get(&node.tile()?)?;
        // Inside the tile the node covers 2^(level mod 8) neighbouring hashes.
        let span = 1_u64.checked_shl(node.level % TILE_HEIGHT)?;
        let first = node.index.checked_mul(span)? % u64::from(TILE_WIDTH);
        let (first, span) = (usize::try_from(first).ok()?, usize::try_from(span).ok()?);
        tree::subtree(hashes.get(first..first.checked_add(span)?)?)
    }
}

impl Node {
    /// The tile in whose hashes this node's leaves stand.
    fn tile(self) -> Option<TileId> {
        let level = TileLevel::new(u8::try_from(self.level / TILE_HEIGHT).ok()?)?;
        let index = self.index.checked_shl(self.level % TILE_HEIGHT)? / u64::from(TILE_WIDTH);
        Some(TileId { level, index })
    }
}

/// A run of leaves whose Merkle Tree Hash stands in a proof; its parts are full subtrees.
type Span = Vec<Node>;

fn inclusion_spans(leaf: LeafIndex, size: TreeSize) -> Result<Vec<Span>, NoProof> {
    if !size.holds(leaf) {
        return Err(NoProof::NotInTree { leaf, size });
    }
    let (mut first, mut end) = (0, size.get());
    let mut spans = Vec::new();
    while let Some(middle) = split(first, end) {
        if leaf.get() < middle {
            spans.push(span(middle, end));
            end = middle;
        } else {
            spans.push(span(first, middle));
            first = middle;
        }
    }
    spans.reverse();
    Ok(spans)
}

fn consistency_spans(growth: Growth<TreeSize>) -> Result<Vec<Span>, NoProof> {
    let Growth { from, to } = growth;
    if from == TreeSize::EMPTY || from > to {
        return Err(NoProof::NotGrowth { from, to });
    }
    let old = from.get();
    let (mut first, mut end) = (0, to.get());
    let mut spans = Vec::new();
    while old != end {
        let Some(middle) = split(first, end) else { break };
        if old <= middle {
            spans.push(span(middle, end));
            end = middle;
        } else {
            spans.push(span(first, middle));
            first = middle;
        }
    }
    // The verifier holds the older root, so a subtree that is all of the older tree is left out.
    if first != 0 {
        spans.push(span(first, end));
    }
    spans.reverse();
    Ok(spans)
}

/// Where RFC 6962 splits a run of more than one leaf: after the largest power of two below its length.
fn split(first: u64, end: u64) -> Option<u64> {
    let below = end.checked_sub(first)?.checked_sub(1)?;
    below.checked_ilog2().and_then(|power| first.checked_add(1 << power))
}

/// The full subtrees of a run that begins where a subtree larger than the run could begin.
fn span(first: u64, end: u64) -> Span {
    let mut at = first;
    let mut nodes = Vec::new();
    while let Some(level) = end.checked_sub(at).and_then(u64::checked_ilog2) {
        nodes.push(Node { level, index: at >> level });
        at = at.saturating_add(1 << level);
    }
    nodes
}

fn hashes_of(spans: &[Span], nodes: &impl Nodes) -> Result<Vec<Digest>, NoProof> {
    let hash = |node: &Node| nodes.hash_at(*node).ok_or(NoProof::Missing(*node));
    spans
        .iter()
        .filter_map(|span| {
            let from_right = span.iter().rev().map(hash);
            from_right.reduce(|right, left| Ok(tree::parent_of(&left?, &right?)))
        })
        .collect()
}

fn tiles_under(spans: &[Span]) -> BTreeSet<TileId> {
    spans.iter().flatten().filter_map(|node| node.tile()).collect()
}
