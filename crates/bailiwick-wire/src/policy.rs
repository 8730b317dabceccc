//! The stored form of what the judge was told and what it answered: canonical JSON, version 1.
//!
//! ```text
//! {"v":1,"about":"access","facts":{"now":"2026-03-03T10:00:00Z",…}}
//! ```
//!
//! Facts are stored with their decision so that it can be asked again: [`read_facts`] takes back
//! exactly what [`facts_json`] gave and refuses every other text, so one decision has one spelling.
//! Fields stand in one order and are always there. What is known is `{"known":…}` and what is not
//! is `{"unknown":true}`, so that a missing value is never taken for a known one. Sets are sorted
//! lists and moments are RFC 3339 in UTC. Version 1 never changes: ledgers hold it.
//!
//! A ledger entry is small ([`ENTRY_OCTETS_MAX`](crate::record::ENTRY_OCTETS_MAX)), so the facts of
//! an order hold each zone once, in `zones`, and names that share owner and zone stand together;
//! [`verdict_json`] writes the first reasons and counts the others, which asking again gives in
//! full.

mod access;
mod attestation;
mod change;
mod estate;
mod issue;
mod kept;
mod spell;
mod verdict;

use bailiwick_core::policy::{Facts, Verdict};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::form::BadForm;
use crate::record::BadValue;
pub use kept::{KEPT_PREFIX, kept_facts, kept_facts_json};
use spell::Spell;

/// The version that stands in every document.
const VERSION: u64 = 1;
/// Octets of stored facts that are read at most. An entry of the ledger holds far less; this leaves
/// room for a change of ten thousand zones, kept beside the ledger.
pub const FACTS_OCTETS_MAX: usize = 4 * 1024 * 1024;
/// Octets that the names of an order may unfold to when each gets its zone again: a thousand names
/// over facts that just fit into an entry. Without it, a small text would fill the memory.
const UNFOLDED_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// The facts of a decision as they are stored. The same facts always give the same text.
#[must_use]
pub fn facts_json(facts: &Facts) -> String {
    match facts {
        Facts::Issue(facts) => document(About::Issue, facts.form()),
        Facts::Change(facts) => document(About::Change, facts.form()),
        Facts::Access(facts) => document(About::Access, facts.form()),
        Facts::Enrol(facts) => document(About::Enrol, facts.form()),
    }
}

/// Takes back what [`facts_json`] gave.
///
/// # Errors
/// [`BadFacts`] for any other text; there are no facts in part.
pub fn read_facts(text: &str) -> Result<Facts, BadFacts> {
    if text.len() > FACTS_OCTETS_MAX {
        return Err(BadFacts::TooLarge { octets: text.len() });
    }
    let Version { v } = serde_json::from_str(text)?;
    if v != VERSION {
        return Err(BadFacts::Version { v });
    }
    let Subject { about } = serde_json::from_str(text)?;
    let facts = match about {
        About::Issue => {
            let form: issue::IssueForm = body(text)?;
            if form.names_held().saturating_mul(text.len()) > UNFOLDED_OCTETS_MAX {
                return Err(BadFacts::TooManyNames { names: form.names_held() });
            }
            Facts::Issue(Spell::read(form)?)
        }
        About::Change => Facts::Change(Spell::read(body(text)?)?),
        About::Access => Facts::Access(Spell::read(body(text)?)?),
        About::Enrol => Facts::Enrol(Spell::read(body(text)?)?),
    };
    if facts_json(&facts) == text { Ok(facts) } else { Err(BadFacts::NotCanonical) }
}

/// A verdict as it is stored with its decision: what was decided, by which policies, and why.
///
/// It is read by people and programs, never back into a verdict: asking the stored facts again does
/// that. `left_out` counts what did not fit.
#[must_use]
pub fn verdict_json(verdict: &Verdict) -> String {
    write(&verdict::form(verdict))
}

/// A text is not the facts of a decision in version 1.
#[derive(Debug, thiserror::Error)]
pub enum BadFacts {
    /// It is too long.
    #[error(
        "{octets} octets are too many for the facts of a decision; `bailiwick ledger verify` tells whether they were altered"
    )]
    TooLarge {
        /// How many.
        octets: usize,
    },
    /// It holds more names than any certificate has, each with a large zone.
    #[error(
        "{names} names are too many for the facts of a decision; `bailiwick ledger verify` tells whether they were altered"
    )]
    TooManyNames {
        /// How many.
        names: usize,
    },
    /// It is of another version.
    #[error("facts of version {v} are not known to this Bailiwick; read them with a newer one")]
    Version {
        /// Which.
        v: u64,
    },
    /// It is not JSON, or not of the shape that facts have.
    #[error("not the JSON of facts; `bailiwick ledger verify` tells whether they were altered")]
    Form(#[from] BadForm),
    /// A field holds a text that is not its value.
    #[error(
        "a field of the facts does not hold what it should; `bailiwick ledger verify` tells whether they were altered"
    )]
    Value(#[from] BadValue),
    /// A name lies in a zone that is not listed.
    #[error(
        "there is no zone {place} in the facts; `bailiwick ledger verify` tells whether they were altered"
    )]
    NoSuchZone {
        /// The place that was given, counted from zero.
        place: usize,
    },
    /// It says it in another spelling than the one there is.
    #[error(
        "not the spelling that facts have; `bailiwick ledger verify` tells whether they were altered"
    )]
    NotCanonical,
}

impl From<serde_json::Error> for BadFacts {
    fn from(cause: serde_json::Error) -> Self {
        Self::Form(cause.into())
    }
}

/// What the question is about; the word stands before its facts.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum About {
    Issue,
    Change,
    Access,
    Enrol,
}

/// The part of a document that every version has.
#[derive(Deserialize)]
struct Version {
    v: u64,
}

/// The part of a document that every question has.
#[derive(Deserialize)]
struct Subject {
    about: About,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<Form> {
    v: u64,
    about: About,
    facts: Form,
}

fn document(about: About, facts: impl Serialize) -> String {
    write(&Document { v: VERSION, about, facts })
}

fn body<Form: DeserializeOwned>(text: &str) -> Result<Form, BadFacts> {
    let Document { facts, .. } = serde_json::from_str(text)?;
    Ok(facts)
}

/// Spells a form without white space.
///
/// The writer fails where a map has keys that are not text, and no form here has one. If it did,
/// the text would say so, and nothing reads it as facts.
fn write(form: &impl Serialize) -> String {
    serde_json::to_string(form)
        .unwrap_or_else(|bug| serde_json::json!({ "bug": bug.to_string() }).to_string())
}
