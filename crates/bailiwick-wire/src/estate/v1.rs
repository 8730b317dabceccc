//! The stored form of an estate, version 1: canonical JSON, one spelling for each value.
//!
//! Fields stand in one order and are always there (`null` where there is nothing), keys of objects
//! are sorted, there is no white space, moments are RFC 3339 in UTC. The SHA-256 of these octets
//! names the estate in approvals and in the ledger, so version 1 can never change.

mod attestor;
mod deployment;
mod from;
mod power;
mod shape;

use bailiwick_core::estate::Estate;
use bailiwick_core::names::{BadId, BadName};
use bailiwick_core::shown::shown;
use bailiwick_core::time::BadTime;

use crate::form::BadForm;

/// Octets of a stored estate at most; `read` lets none through that is larger.
const OCTETS_MAX: usize = 256 * 1_048_576;

/// Octets are not a stored estate.
#[derive(Debug, thiserror::Error)]
pub enum BadEstate {
    /// There are too many of them.
    #[error("the stored estate has {octets} octets; no estate is that large")]
    TooLarge {
        /// How many.
        octets: usize,
    },
    /// Not JSON of this shape.
    #[error("the stored estate is not of version 1; restore it from a backup")]
    Shape(#[source] BadForm),
    /// A version this Bailiwick does not know.
    #[error("the stored estate has version {found}; take a Bailiwick that knows it")]
    Version {
        /// The version.
        found: u32,
    },
    /// A name in it is none.
    #[error("the stored estate holds a bad name; restore it from a backup")]
    Name(#[from] BadName),
    /// An id in it is none.
    #[error("the stored estate holds a bad id; restore it from a backup")]
    Id(#[from] BadId),
    /// A moment in it is none.
    #[error("the stored estate holds a bad moment; restore it from a backup")]
    Time(#[from] BadTime),
    /// A word in it is not known.
    #[error("the stored estate holds the word `{}`; restore it from a backup", shown(.word))]
    Word {
        /// The word.
        word: String,
    },
    /// It says the same in another spelling than the one it is stored in.
    #[error("the stored estate is not spelled as it is stored; restore it from a backup")]
    NotCanonical,
}

/// Spells an estate in its one stored form.
#[must_use]
pub fn encode(estate: &Estate) -> Vec<u8> {
    // Serialising our own plain structs into memory cannot fail: no map has keys other than text.
    // Were it ever to, the empty octets are refused by `decode` and by every comparison.
    serde_json::to_vec(&shape::Estate::of(estate)).unwrap_or_default()
}

/// Reads what [`encode`] spelled.
///
/// # Errors
/// [`BadEstate`] for any other octets.
pub fn decode(octets: &[u8]) -> Result<Estate, BadEstate> {
    if octets.len() > OCTETS_MAX {
        return Err(BadEstate::TooLarge { octets: octets.len() });
    }
    let shape: shape::Estate =
        serde_json::from_slice(octets).map_err(|cause| BadEstate::Shape(cause.into()))?;
    let estate = from::estate(shape)?;
    if encode(&estate) == octets { Ok(estate) } else { Err(BadEstate::NotCanonical) }
}
