//! Tiles: the tree cut into pieces of 256 hashes, and their paths (c2sp.org/tlog-tiles).

use std::fmt;

use super::tree::{LeafIndex, LeafRange, TREE_SIZE_MAX, TreeSize};

/// Levels of the tree in one tile.
pub(super) const TILE_HEIGHT: u32 = 8;

/// Hashes of a full tile.
pub const TILE_WIDTH: u16 = 256;

/// The highest level of tiles: a hash there covers 2^56 leaves, and a tree has fewer than 2^63.
const LEVEL_MAX: u8 = 7;

/// The level of a tile; at level 0 stand the leaf hashes.
///
/// Always: 0 to 7. The format allows 63, but no tree that can be counted here is so high.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TileLevel(u8);

impl TileLevel {
    /// The level of the leaf hashes.
    pub const LEAVES: Self = Self(0);

    /// Takes a level.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level > LEVEL_MAX { None } else { Some(Self(level)) }
    }

    /// Every level, from the leaves up.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=LEVEL_MAX).map(Self)
    }

    /// The level as a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The next level up.
    #[must_use]
    pub const fn above(self) -> Option<Self> {
        Self::new(self.0.saturating_add(1))
    }

    /// How many times the tree is halved below one hash of this level.
    pub(super) fn height(self) -> u32 {
        // At most 7 * 8.
        TILE_HEIGHT.saturating_mul(u32::from(self.0))
    }

    /// Which hash of this level covers a leaf.
    pub(super) fn hash_position(self, leaf: u64) -> u64 {
        leaf >> self.height()
    }
}

impl fmt::Display for TileLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many hashes a tile, or entries a bundle, has.
///
/// Always: 1 to 256.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TileWidth(u16);

impl TileWidth {
    /// A full tile.
    pub const FULL: Self = Self(TILE_WIDTH);

    /// Takes a width.
    #[must_use]
    pub const fn new(width: u16) -> Option<Self> {
        if width == 0 || width > TILE_WIDTH { None } else { Some(Self(width)) }
    }

    /// The width as a number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether nothing can be added any more.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.0 == TILE_WIDTH
    }

    /// How wide piece `index` is when `count` things are cut into pieces of 256.
    fn of_piece(index: u64, count: u64) -> Option<Self> {
        let full = count >> TILE_HEIGHT;
        match index.cmp(&full) {
            std::cmp::Ordering::Less => Some(Self::FULL),
            std::cmp::Ordering::Equal => {
                u16::try_from(count % u64::from(TILE_WIDTH)).ok().and_then(Self::new)
            }
            std::cmp::Ordering::Greater => None,
        }
    }
}

impl fmt::Display for TileWidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which tile: its level, and the how-manieth of that level.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TileId {
    /// The level.
    pub level: TileLevel,
    /// Its position in the level.
    pub index: u64,
}

impl TileId {
    /// How wide it is in a tree of that size; nothing when it has no hash there.
    #[must_use]
    pub fn width_in(self, size: TreeSize) -> Option<TileWidth> {
        TileWidth::of_piece(self.index, self.level.hash_position(size.get()))
    }

    /// The tile as a tree of that size has it.
    #[must_use]
    pub fn in_tree(self, size: TreeSize) -> Option<Tile> {
        self.width_in(size).map(|width| Tile { id: self, width })
    }

    /// The leaves that its hashes cover when it is full.
    #[must_use]
    pub fn leaves(self) -> LeafRange {
        let edge = |index: u64| {
            1_u64
                .checked_shl(self.level.height().saturating_add(TILE_HEIGHT))
                .and_then(|span| index.checked_mul(span))
                .map_or(if index == 0 { 0 } else { TREE_SIZE_MAX }, |leaf| leaf.min(TREE_SIZE_MAX))
        };
        LeafRange::spanning(edge(self.index), edge(self.index.saturating_add(1)))
    }

    /// The leaves that one of its hashes covers.
    #[must_use]
    pub fn leaves_of(self, slot: u8) -> LeafRange {
        let position =
            self.index.saturating_mul(u64::from(TILE_WIDTH)).saturating_add(u64::from(slot));
        let edge = |position: u64| {
            position
                .checked_mul(1 << self.level.height())
                .map_or(TREE_SIZE_MAX, |leaf| leaf.min(TREE_SIZE_MAX))
        };
        LeafRange::spanning(edge(position), edge(position.saturating_add(1)))
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_index(self.index, f)
    }
}

/// A tile of one width, as it is published. Spelled as its path: `tile/0/x001/234.p/67`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Tile {
    /// Which tile.
    pub id: TileId,
    /// How many of its hashes.
    pub width: TileWidth,
}

/// A run of entries of one width, as it is published. Spelled as its path: `tile/entries/000.p/9`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Bundle {
    /// Its position; it holds the entries of the level 0 tile with the same one.
    pub index: u64,
    /// How many of its entries.
    pub width: TileWidth,
}

impl Bundle {
    /// The bundle with that index as a tree of that size has it.
    #[must_use]
    pub fn in_tree(index: u64, size: TreeSize) -> Option<Self> {
        TileWidth::of_piece(index, size.get()).map(|width| Self { index, width })
    }

    /// The leaves whose entries it holds.
    #[must_use]
    pub fn leaves(self) -> LeafRange {
        let first = self.index.saturating_mul(u64::from(TILE_WIDTH));
        LeafRange::spanning(first, first.saturating_add(u64::from(self.width.get())))
    }
}

/// A path names no tile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadTile;

impl fmt::Display for BadTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not the path of a tile; write it as `tile/0/x001/234` or `tile/entries/000.p/9`",
        )
    }
}

impl std::error::Error for BadTile {}

impl Tile {
    /// Parses a path such as `tile/0/x001/234.p/67`.
    ///
    /// # Errors
    /// [`BadTile`] for anything that is not spelled exactly as this type spells it.
    pub fn parse(path: &str) -> Result<Self, BadTile> {
        let rest = path.strip_prefix("tile/").ok_or(BadTile)?;
        let (level, rest) = rest.split_once('/').ok_or(BadTile)?;
        let level = decimal(level)
            .and_then(|n| u8::try_from(n).ok())
            .and_then(TileLevel::new)
            .ok_or(BadTile)?;
        let (index, width) = parse_piece(rest)?;
        Ok(Self { id: TileId { level, index }, width })
    }
}

impl Bundle {
    /// Parses a path such as `tile/entries/000.p/9`.
    ///
    /// # Errors
    /// [`BadTile`] for anything that is not spelled exactly as this type spells it.
    pub fn parse(path: &str) -> Result<Self, BadTile> {
        let (index, width) = parse_piece(path.strip_prefix("tile/entries/").ok_or(BadTile)?)?;
        Ok(Self { index, width })
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)?;
        write_width(self.width, f)
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_index(self.index, f)?;
        write_width(self.width, f)
    }
}

/// The tiles that a leaf fills, from level 0 up.
pub fn tiles_filled_by(leaf: LeafIndex) -> impl Iterator<Item = TileId> {
    let size = leaf.size_after().get();
    let filled = size.trailing_zeros().checked_div(TILE_HEIGHT).unwrap_or(0);
    TileLevel::all()
        .filter_map(|level| level.above().map(|above| (level, above)))
        .take_while(move |(_, above)| u32::from(above.get()) <= filled)
        .map(move |(level, above)| TileId {
            level,
            index: above.hash_position(size).saturating_sub(1),
        })
}

/// Every tile of a tree, full and partial, level by level.
pub fn tiles_of(size: TreeSize) -> impl Iterator<Item = Tile> {
    tiles_between(TreeSize::EMPTY, size)
}

/// The tiles that a tree of size `to` has and one of size `from` had not, or had less wide.
pub fn tiles_between(from: TreeSize, to: TreeSize) -> impl Iterator<Item = Tile> {
    TileLevel::all().flat_map(move |level| {
        let (from, to) = (level.hash_position(from.get()), level.hash_position(to.get()));
        pieces_between(from, to)
            .map(move |(index, width)| Tile { id: TileId { level, index }, width })
    })
}

/// The bundles that a tree of size `to` has and one of size `from` had not, or had less wide.
pub fn bundles_between(from: TreeSize, to: TreeSize) -> impl Iterator<Item = Bundle> {
    pieces_between(from.get(), to.get()).map(|(index, width)| Bundle { index, width })
}

fn pieces_between(from: u64, to: u64) -> impl Iterator<Item = (u64, TileWidth)> {
    let end = if from < to { to.div_ceil(u64::from(TILE_WIDTH)) } else { 0 };
    (from >> TILE_HEIGHT..end)
        .filter_map(move |index| Some((index, TileWidth::of_piece(index, to)?)))
}

/// Three digits a path element, all but the last after an `x`.
fn write_index(index: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if index >= 1_000 {
        write_upper(index / 1_000, f)?;
    }
    write!(f, "{:03}", index % 1_000)
}

fn write_upper(index: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if index >= 1_000 {
        write_upper(index / 1_000, f)?;
    }
    write!(f, "x{:03}/", index % 1_000)
}

fn write_width(width: TileWidth, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if width.is_full() { Ok(()) } else { write!(f, ".p/{width}") }
}

/// `<N>[.p/<W>]`.
fn parse_piece(text: &str) -> Result<(u64, TileWidth), BadTile> {
    let (index, width) = match text.split_once(".p/") {
        None => (text, TileWidth::FULL),
        Some((index, width)) => {
            let width = decimal(width).and_then(|n| u16::try_from(n).ok()).and_then(TileWidth::new);
            (index, width.filter(|width| !width.is_full()).ok_or(BadTile)?)
        }
    };
    parse_index(index).map(|index| (index, width)).ok_or(BadTile)
}

/// `x001/x234/067`.
fn parse_index(text: &str) -> Option<u64> {
    let (upper, last) = match text.rsplit_once('/') {
        None => (None, text),
        Some((upper, last)) => (Some(upper), last),
    };
    let mut index = 0;
    for (element, digits) in upper.iter().flat_map(|upper| upper.split('/').enumerate()) {
        let thousands = three_digits(digits.strip_prefix('x')?)?;
        if element == 0 && thousands == 0 {
            return None;
        }
        index = thousands.checked_add(index)?.checked_mul(1_000)?;
    }
    let index = three_digits(last)?.checked_add(index)?;
    (index <= TREE_SIZE_MAX >> TILE_HEIGHT).then_some(index)
}

fn three_digits(text: &str) -> Option<u64> {
    (text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A decimal number without leading zeros or sign.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
