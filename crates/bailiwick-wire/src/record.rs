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

pub(crate) mod v1;

use bailiwick_core::change::BadPlan;
use bailiwick_core::names::{BadHex, BadId, BadName, BadSpiffeId};
use bailiwick_core::record::Entry;
use bailiwick_core::shown::shown;
use bailiwick_core::time::{BadTime, Time};

use crate::form::BadForm;

/// Octets of one entry at most (C2SP tlog-tiles: the length of an entry is a 16-bit number).
pub const ENTRY_OCTETS_MAX: usize = 65_535;

/// Spells an entry, in version 1.
///
/// # Errors
/// [`NotStorable`] when it is too large for a leaf, or holds something version 1 cannot say.
pub fn encode(entry: &Entry) -> Result<Vec<u8>, NotStorable> {
    let octets = v1::encode(entry)?;
    if octets.len() > ENTRY_OCTETS_MAX {
        return Err(NotStorable::TooLarge { octets: octets.len() });
    }
    Ok(octets)
}

/// Reads an entry that [`encode`] spelled.
///
/// # Errors
/// [`BadEntry`] for any other octets.
pub fn decode(octets: &[u8]) -> Result<Entry, BadEntry> {
    if octets.len() > ENTRY_OCTETS_MAX {
        return Err(BadEntry::TooLarge { octets: octets.len() });
    }
    let entry = v1::decode(octets)?;
    canonical(octets, encode(&entry)).map(|()| entry)
}

/// Whether what was read is spelled as it would be written.
pub(crate) fn canonical(
    octets: &[u8],
    again: Result<Vec<u8>, NotStorable>,
) -> Result<(), BadEntry> {
    match again {
        Ok(again) if again == octets => Ok(()),
        Ok(_) | Err(_) => Err(BadEntry::NotCanonical),
    }
}

/// A value cannot be stored. Nothing of it was.
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
    /// A moment outside the years that RFC 3339 spells.
    #[error("the moment `{0}` lies outside the years 0 to 9999; choose an earlier one")]
    Time(Time),
    /// A step's place that is none: plans are far shorter.
    #[error("the step number {0} is too large; this is a bug")]
    Index(usize),
    /// A subproblem with subproblems (RFC 8555, section 6.7.1 knows one level).
    #[error("a subproblem has subproblems of its own; list them all at the first level")]
    NestedProblem,
    /// The JSON writer gave up.
    #[error("the value cannot be written as JSON; this is a bug")]
    Form(#[source] serde_json::Error),
}

/// Octets are not what they should be: not an entry, an order, an authorization of version 1.
#[derive(Debug, thiserror::Error)]
pub enum BadEntry {
    /// They are too many.
    #[error("{octets} octets are too many for an entry; `bailiwick ledger verify` names the leaf")]
    TooLarge {
        /// How many.
        octets: usize,
    },
    /// They are of another version.
    #[error("version {v} is not known to this Bailiwick; read it with a newer one")]
    Version {
        /// Which.
        v: u64,
    },
    /// They are of a kind that version 1 does not have.
    #[error("version 1 has no kind `{}`; `bailiwick ledger verify` names the leaf", shown(.kind))]
    Kind {
        /// Which.
        kind: String,
    },
    /// They are not JSON, or not of the shape that their kind has.
    #[error("not the JSON of its kind; `bailiwick ledger verify` names the leaf")]
    Form(#[from] BadForm),
    /// A field holds a text that is not its value.
    #[error("a field does not hold what it should; `bailiwick ledger verify` names the leaf")]
    Value(#[from] BadValue),
    /// They say it in another spelling than the one there is.
    #[error("not in its canonical spelling; `bailiwick ledger verify` names the leaf")]
    NotCanonical,
}

impl From<serde_json::Error> for BadEntry {
    fn from(cause: serde_json::Error) -> Self {
        Self::Form(cause.into())
    }
}

/// A text in a field is not the field's value.
#[derive(Debug, thiserror::Error)]
pub enum BadValue {
    /// Not an id.
    #[error("not an id")]
    Id(#[from] BadId),
    /// Not a name.
    #[error("not a name")]
    Name(#[from] BadName),
    /// Not a workload's id.
    #[error("not a workload id")]
    Workload(#[from] BadSpiffeId),
    /// Not a serial, hash or digest.
    #[error("not a serial, hash or digest")]
    Hex(#[from] BadHex),
    /// Not a moment.
    #[error("not a moment")]
    Time(#[from] BadTime),
    /// Not octets.
    #[error("not base64")]
    Base64(#[from] base64::DecodeError),
    /// Not a word of its list.
    #[error("`{}` is no {of}", shown(.word))]
    Word {
        /// What it should be.
        of: &'static str,
        /// What it is.
        word: String,
    },
    /// A step number that this machine cannot count to.
    #[error("the step number {0} is too large")]
    Index(u32),
    /// Steps that are not a plan.
    #[error("the steps are not a plan: {0:?}")]
    Plan(BadPlan),
}
