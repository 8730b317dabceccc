//! The audit: recomputes the whole ledger from its entries and names the first wrong leaf.
//!
//! Streams: the caller hands over blocks of 256 leaves with the tiles that end in them and the
//! checkpoints of their sizes; the audit keeps the right edge of the tree and nothing else.
//! Whoever can rewrite the database can rewrite leaves, leaf hashes and tiles together, but not
//! checkpoints that are signed, witnessed or held elsewhere: those decide which side is right.

mod finding;
mod stored;

pub use finding::{AuditFinding, Evidence, Signed};
pub use stored::{BadBlock, Block, Ending, Kept, StoredLeaf, StoredTile, tiles_ending_in};

use std::fmt;

use stored::LEAVES;

use super::edge::{FullTile, RightEdge};
use super::frontier::Frontier;
use super::tile::{TILE_WIDTH, TileId, TileLevel};
use super::tree::{LeafHash, LeafIndex, LeafRange, TreeHead, TreeSize};
use crate::names::Digest;

/// Whether more blocks can tell more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// Hand over the next block.
    GoOn,
    /// The tree cannot be followed further; finish.
    Stop,
}

/// What the audit found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditReport {
    /// The tree as recomputed from the entries that could be followed.
    pub head: TreeHead,
    /// The largest tree that a stored, signed checkpoint confirms.
    pub confirmed: Option<TreeSize>,
    /// The largest tree that a checkpoint held elsewhere confirms.
    pub confirmed_by_held: Option<TreeSize>,
    /// How many checkpoints agreed.
    pub checkpoints: u64,
    /// How many stored tiles agreed.
    pub tiles: u64,
    /// The first thing that is wrong; nothing when all is well.
    pub finding: Option<AuditFinding>,
}

impl AuditReport {
    /// Leaves at the end that no checkpoint confirms. When a finding names a missing leaf, the wrong
    /// may begin with these already: what would confirm them is gone with it.
    #[must_use]
    pub fn unconfirmed(&self) -> u64 {
        let confirmed = self.confirmed.max(self.confirmed_by_held).unwrap_or(TreeSize::EMPTY);
        self.head.size.get().saturating_sub(confirmed.get())
    }
}

impl fmt::Display for AuditReport {
    /// One line: what is wrong and what to do, or what is confirmed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, unconfirmed) = (self.head.size, self.unconfirmed());
        match &self.finding {
            None if unconfirmed == 0 => {
                write!(f, "all {size} leaves are sound and confirmed by signed checkpoints")
            }
            None => write!(
                f,
                "all {size} leaves are sound; the last {unconfirmed} are not confirmed by a signed checkpoint yet"
            ),
            Some(finding @ AuditFinding::Missing { .. }) if unconfirmed > 0 => write!(
                f,
                "{finding}; the {unconfirmed} leaves before it are no longer confirmed either; {}",
                finding.remedy()
            ),
            Some(finding) => write!(f, "{finding}; {}", finding.remedy()),
        }
    }
}

/// An audit under way.
#[derive(Clone, Debug)]
pub struct Audit {
    keeps: Kept,
    /// Checkpoints held elsewhere, the smallest first; `checked` of them are done.
    held: Vec<TreeHead>,
    checked: usize,
    edge: RightEdge,
    next_block: u64,
    stopped: bool,
    confirmed: Option<TreeSize>,
    confirmed_by_held: Option<TreeSize>,
    checkpoints: u64,
    tiles: u64,
    /// The first wrong leaf, as narrow as is known.
    wrong: Option<AuditFinding>,
    /// The first damage that leaves the entries themselves right.
    damage: Option<AuditFinding>,
}

impl Audit {
    /// Begins an audit. `held` are checkpoints, signatures checked, that come from elsewhere: an
    /// older export, a witness.
    #[must_use]
    pub fn new(keeps: Kept, mut held: Vec<TreeHead>) -> Self {
        held.sort_unstable();
        Self {
            keeps,
            held,
            checked: 0,
            edge: RightEdge::empty(),
            next_block: 0,
            stopped: false,
            confirmed: None,
            confirmed_by_held: None,
            checkpoints: 0,
            tiles: 0,
            wrong: None,
            damage: None,
        }
    }

    /// Takes the next block.
    ///
    /// # Errors
    /// [`BadBlock`] when it is not the next, or holds what belongs elsewhere: a fault of the
    /// caller, not of the ledger.
    pub fn block(&mut self, block: &Block<'_>) -> Result<Progress, BadBlock> {
        stored::check(block, self.next_block)?;
        self.next_block = self.next_block.saturating_add(1);
        if self.stopped {
            return Ok(Progress::Stop);
        }
        let mut checkpoints = block.checkpoints.to_vec();
        checkpoints.sort_unstable();
        let mut checkpoints = checkpoints.into_iter().peekable();
        let tile = block.tiles.iter().find(|tile| tile.id.level == TileLevel::LEAVES);
        let tile = tile.filter(|tile| tile.hashes.len() == usize::from(TILE_WIDTH));
        self.heads_at(&mut checkpoints);
        for leaf in block.leaves {
            if !self.follows(leaf.index) {
                return Ok(self.stop());
            }
            let Some(full) = self.leaf(leaf, tile) else { return Ok(self.stop()) };
            self.heads_at(&mut checkpoints);
            full.iter().for_each(|full| self.full_tile(full, block.tiles));
        }
        if let (Some(tile), true) = (tile, self.size().get() < stored::end_of(block.number)) {
            // The tile remembers leaves that are gone.
            self.missing(Evidence::Tile(tile.id));
            return Ok(self.stop());
        }
        if let Some(head) = checkpoints.next() {
            self.missing(Evidence::Checkpoint(head.size));
            return Ok(self.stop());
        }
        Ok(Progress::GoOn)
    }

    /// Says what was found, after the last block.
    #[must_use]
    pub fn finish(mut self, ending: Ending<'_>) -> AuditReport {
        let size = self.size();
        if !self.stopped {
            self.heads_at(&mut std::iter::empty().peekable());
            let due = ending.largest_checkpoint;
            match due.filter(|due| Some(due.size) > self.confirmed && due.size >= size) {
                Some(due) if due.size > size => self.missing(Evidence::Checkpoint(due.size)),
                Some(due) => self.head_is(due, Signed::Stored),
                None => {}
            }
            if let Some(due) = self.held.last().filter(|due| due.size > size) {
                self.missing(Evidence::Held(due.size));
            }
            self.partial_tiles(ending.partial_tiles);
            if let Some(head) = ending.head {
                self.stored_head(head);
            }
        }
        AuditReport {
            head: self.edge.frontier().head(),
            confirmed: self.confirmed,
            confirmed_by_held: self.confirmed_by_held,
            checkpoints: self.checkpoints,
            tiles: self.tiles,
            finding: self.wrong.or(self.damage),
        }
    }

    fn size(&self) -> TreeSize {
        self.edge.frontier().size()
    }

    fn stop(&mut self) -> Progress {
        self.stopped = true;
        Progress::Stop
    }

    /// Whether the row is the one that is due.
    fn follows(&mut self, found: LeafIndex) -> bool {
        match self.size().next_leaf() {
            Ok(due) if due == found => true,
            Ok(due) if due < found => {
                self.missing(Evidence::LaterLeaf(found));
                false
            }
            Ok(_) | Err(_) => {
                self.found_wrong(AuditFinding::OutOfOrder { leaf: found });
                false
            }
        }
    }

    /// Compares the three spellings of one leaf, and appends what its bytes say.
    fn leaf(
        &mut self,
        stored: &StoredLeaf<'_>,
        tile: Option<&StoredTile<'_>>,
    ) -> Option<Vec<FullTile>> {
        let leaf = stored.index;
        let computed = LeafHash::of(stored.entry);
        let slot = usize::try_from(leaf.get() % LEAVES).ok();
        let in_tile = tile.and_then(|tile| Some((tile.id, tile.hashes.get(slot?)?)));
        if computed != stored.leaf_hash {
            self.found_wrong(AuditFinding::EntryAltered { leaf });
        } else if let Some((tile, hash)) = in_tile
            && hash != computed.digest()
        {
            let leaves = LeafRange::one(leaf);
            self.found_wrong(AuditFinding::NotInTile { leaves, tile, denied_by: None });
        }
        self.edge.append(computed).ok().map(|(_, full)| full)
    }

    /// Compares a tile that is full now with the stored one.
    fn full_tile(&mut self, full: &FullTile, stored: &[StoredTile<'_>]) {
        match stored.iter().find(|tile| tile.id == full.id) {
            Some(tile) => self.same_hashes(full.id, &full.hashes, tile.hashes),
            None if self.keeps == Kept::Tiles => {
                self.found_damage(AuditFinding::TileMissing { tile: full.id });
            }
            None => {}
        }
    }

    /// Compares the tiles that are still growing.
    fn partial_tiles(&mut self, stored: &[StoredTile<'_>]) {
        for tile in stored {
            let ours = self.edge.partial(tile.id.level).filter(|(ours, _)| ours.id == tile.id);
            let ours = ours.map_or_else(Vec::new, |(_, hashes)| hashes.to_vec());
            self.same_hashes(tile.id, &ours, tile.hashes);
        }
    }

    fn same_hashes(&mut self, tile: TileId, ours: &[Digest], stored: &[Digest]) {
        if ours.len() != stored.len() {
            return self.found_damage(AuditFinding::TileMissing { tile });
        }
        let mut pairs = (0_u8..=u8::MAX).zip(ours.iter().zip(stored));
        let Some((slot, _)) = pairs.find(|(_, (ours, stored))| ours != stored) else {
            self.tiles = self.tiles.saturating_add(1);
            return;
        };
        let leaves = tile.leaves_of(slot);
        if self.confirms(leaves.end()) {
            self.found_damage(AuditFinding::TileAltered { tile, leaves });
        } else {
            self.found_wrong(AuditFinding::NotInTile { leaves, tile, denied_by: None });
        }
    }

    /// Whether a signed checkpoint agrees with the entries up to there.
    fn confirms(&self, end: u64) -> bool {
        self.confirmed.max(self.confirmed_by_held).is_some_and(|size| end <= size.get())
    }

    /// Compares the tree with every checkpoint of its present size.
    fn heads_at(&mut self, stored: &mut std::iter::Peekable<impl Iterator<Item = TreeHead>>) {
        let size = self.size();
        while let Some(held) = self.held.get(self.checked).copied().filter(|head| head.size <= size)
        {
            self.checked = self.checked.saturating_add(1);
            self.head_is(held, Signed::Held);
        }
        while let Some(head) = stored.next_if(|head| head.size == size) {
            self.head_is(head, Signed::Stored);
        }
    }

    /// Compares the tree with one signed head of its size.
    fn head_is(&mut self, head: TreeHead, signed: Signed) {
        let found = self.edge.frontier().root();
        if found == head.root {
            self.checkpoints = self.checkpoints.saturating_add(1);
            match signed {
                Signed::Held => self.confirmed_by_held = Some(head.size),
                Signed::Stored => self.confirmed = Some(head.size),
            }
            self.leaves_are_right(head.size);
            return;
        }
        if let Some(AuditFinding::NotInTile { denied_by, leaves, .. }) = &mut self.wrong
            && leaves.end() <= head.size.get()
        {
            denied_by.get_or_insert(head.size);
        }
        let good = match signed {
            Signed::Held => self.confirmed_by_held,
            Signed::Stored => self.confirmed.max(self.confirmed_by_held),
        };
        let leaves = LeafRange::spanning(good.unwrap_or(TreeSize::EMPTY).get(), head.size.get());
        self.found_wrong(AuditFinding::OtherRoot { leaves, checkpoint: head, found, signed });
    }

    /// A signed head agrees with the entries, so what contradicted them is itself wrong.
    fn leaves_are_right(&mut self, size: TreeSize) {
        match &self.wrong {
            Some(AuditFinding::NotInTile { leaves, tile, .. }) if leaves.end() <= size.get() => {
                let (tile, leaves) = (*tile, *leaves);
                self.wrong = None;
                self.found_damage(AuditFinding::TileAltered { tile, leaves });
            }
            Some(AuditFinding::EntryAltered { leaf }) if size.holds(*leaf) => {
                self.wrong = Some(AuditFinding::LeafHashAltered { leaf: *leaf });
            }
            Some(_) | None => {}
        }
    }

    /// Compares the recomputed tree with the stored head row.
    fn stored_head(&mut self, head: &Frontier) {
        let size = self.size();
        if let Some(leaves) = first_difference(self.edge.frontier(), head) {
            if self.confirms(leaves.end()) {
                self.found_damage(AuditFinding::HeadAltered { leaves });
            } else {
                self.found_wrong(AuditFinding::NotInHead { leaves });
            }
        }
        if head.size() > size {
            self.missing(Evidence::Head(head.size()));
        } else if let (Ok(leaf), true) = (head.size().next_leaf(), head.size() < size) {
            self.found_wrong(AuditFinding::BeyondHead { leaf });
        }
    }

    /// The leaf that is due next is not there, though something knows of it.
    fn missing(&mut self, known_from: Evidence) {
        if let Ok(leaf) = self.size().next_leaf() {
            self.found_wrong(AuditFinding::Missing { leaf, known_from });
        }
    }

    /// Keeps whichever finding names the earlier leaf, or the same ones more narrowly.
    fn found_wrong(&mut self, new: AuditFinding) {
        let Some(known) = &self.wrong else {
            self.wrong = Some(new);
            return;
        };
        if known.is_denied_by(Signed::Held) && new.is_denied_by(Signed::Stored) {
            // Whoever forged history with a stolen key signed checkpoints to mislead as well.
            return;
        }
        let (old, leaves) = (known.leaves(), new.leaves());
        if leaves.end() <= old.first() {
            self.wrong = Some(new);
        } else if let Some(both) = old.overlap(leaves).filter(|both| *both != old) {
            let denied_by = known.checkpoint();
            self.wrong = Some(new.narrowed(both, denied_by));
        }
    }

    fn found_damage(&mut self, new: AuditFinding) {
        self.damage.get_or_insert(new);
    }
}

/// The leaves under the first root that differs, among the subtrees that both trees have in full.
fn first_difference(ours: &Frontier, stored: &Frontier) -> Option<LeafRange> {
    let (size, other) = (ours.size().get(), stored.size().get());
    // Above the highest bit in which the sizes differ, both have the same subtrees.
    let shared = |power: &u64| size ^ other < *power;
    let powers = (0..u64::BITS).rev().map(|level| 1_u64 << level).take_while(shared);
    let mut first = 0_u64;
    for (power, (ours, stored)) in
        powers.filter(|power| size & power != 0).zip(ours.roots().iter().zip(stored.roots()))
    {
        let end = first.saturating_add(power);
        if ours != stored {
            return Some(LeafRange::spanning(first, end));
        }
        first = end;
    }
    None
}
