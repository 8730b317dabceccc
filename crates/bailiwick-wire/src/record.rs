//! The stored form of ledger entries: canonical JSON, one spelling for each value.
//!
//! ```text
//! {"v":1,"kind":"person.signed-out","at":"2026-03-03T10:00:00.005Z","by":{"is":"component","name":"driver"},"data":{"session":"s1"}}
//! ```
//!
//! The octets of an entry are a leaf of the ledger, so version 1 can never change: a new shape is a
//! new version beside it. Fields stand in one order and are always there (`null` where there is
//! nothing), there is no white space, octets are padded base64, hashes are lower-case hexadecimal,
//! moments are RFC 3339 in UTC. [`decode`] refuses every other spelling of the same value: whatever
//! it accepts, [`encode`] gives back octet for octet.

use bailiwick_core::record::Entry;

/// Octets of one entry at most (C2SP tlog-tiles: the length of an entry is a 16-bit number).
pub const ENTRY_OCTETS_MAX: usize = 65_535;

/// Spells an entry, in version 1.
///
/// # Errors
/// [`NotStorable`] when it is too large for a leaf, or holds something version 1 cannot say.
pub fn encode(_entry: &Entry) -> Result<Vec<u8>, NotStorable> {
    Err(NotStorable::TooLarge { octets: 0 })
}

/// Reads an entry that [`encode`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other octets.
pub fn decode(_octets: &[u8]) -> Result<Entry, BadEntry> {
    Err(BadEntry::NotCanonical)
}

/// A value cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum NotStorable {
    /// It does not fit into a leaf.
    #[error(
        "the entry has {octets} octets, and a leaf of the ledger holds {ENTRY_OCTETS_MAX}; store what is large as evidence and its digest in the entry"
    )]
    TooLarge {
        /// How many it would have.
        octets: usize,
    },
}

/// Octets are not an entry.
#[derive(Debug, thiserror::Error)]
pub enum BadEntry {
    /// They are one, but not in the one spelling of it.
    #[error("the entry is not in its canonical spelling; run `bailiwick ledger verify`")]
    NotCanonical,
}
