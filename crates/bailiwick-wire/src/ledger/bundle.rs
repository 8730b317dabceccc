//! Tiles and entry bundles as bytes (c2sp.org/tlog-tiles).

use bailiwick_core::ledger::{EntryBytes, LeafHash, TileWidth};
use bailiwick_core::names::Digest;

/// Octets of one hash in a tile.
const HASH_BYTES: usize = 32;

/// Octets of the length before an entry.
const LENGTH_BYTES: usize = 2;

/// Why bytes are not the tile asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a tile of {bytes} bytes where {width} hashes of 32 bytes belong; fetch it again")]
pub struct TileRefused {
    /// How many octets there are.
    pub bytes: usize,
    /// How many hashes there should be.
    pub width: TileWidth,
}

/// Why bytes are not the entry bundle asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundleRefused {
    /// It ends before its last entry does.
    #[error("the bundle ends within entry {entry}; fetch it again")]
    Short {
        /// Which, counted from 0.
        entry: usize,
    },
    /// Bytes follow the last entry.
    #[error("{bytes} bytes follow the last entry of the bundle; fetch it again")]
    Long {
        /// How many.
        bytes: usize,
    },
    /// An entry is not the one whose leaf hash stands in the tile.
    #[error(
        "entry {entry} of the bundle does not hash to its leaf hash; it was altered, keep it and alert"
    )]
    OtherEntry {
        /// Which, counted from 0.
        entry: usize,
    },
}

/// The bytes of a tile.
#[must_use]
pub fn tile_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(Digest::as_bytes).copied().collect()
}

/// Reads a tile of that width.
///
/// # Errors
/// [`TileRefused`] for any other number of bytes.
pub fn parse_tile(bytes: &[u8], width: TileWidth) -> Result<Vec<Digest>, TileRefused> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if hashes.len() != usize::from(width.get()) || !rest.is_empty() {
        return Err(TileRefused { bytes: bytes.len(), width });
    }
    Ok(hashes.iter().copied().map(Digest::from_bytes).collect())
}

/// The bytes of an entry bundle: each entry after its length in 16 bits, big-endian.
pub fn bundle_bytes<'a>(entries: impl IntoIterator<Item = &'a EntryBytes>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        // An entry is never longer than 65,535 octets: its type says so.
        let length = u16::try_from(entry.as_bytes().len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry.as_bytes());
    }
    bytes
}

/// Reads a bundle of that width. Its entries may still be anything.
///
/// # Errors
/// [`BundleRefused`] when it is shorter or longer.
pub fn parse_bundle(bytes: &[u8], width: TileWidth) -> Result<Vec<EntryBytes>, BundleRefused> {
    let mut rest = bytes;
    let mut entries = Vec::new();
    for entry in 0..usize::from(width.get()) {
        let short = BundleRefused::Short { entry };
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (bytes, after) = after.split_at_checked(length).ok_or(short)?;
        entries.push(EntryBytes::new(bytes.to_vec()).map_err(|_| short)?);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BundleRefused::Long { bytes: rest.len() }) }
}

/// Reads a bundle and checks every entry against the leaf hashes of its level 0 tile.
///
/// # Errors
/// [`BundleRefused`] names the first entry that is wrong.
pub fn open_bundle(bytes: &[u8], leaves: &[Digest]) -> Result<Vec<EntryBytes>, BundleRefused> {
    let width = u16::try_from(leaves.len()).ok().and_then(TileWidth::new);
    let Some(width) = width else { return Err(BundleRefused::Long { bytes: bytes.len() }) };
    let entries = parse_bundle(bytes, width)?;
    let other = entries
        .iter()
        .zip(leaves)
        .position(|(entry, leaf)| entry.leaf_hash() != LeafHash::from_digest(*leaf));
    other.map_or(Ok(entries), |entry| Err(BundleRefused::OtherEntry { entry }))
}
