//! The stored form (v1) of what the judge was told and what it answered.
//!
//! A stored decision can be asked again: [`read_facts`] takes back exactly what [`facts_json`]
//! gave.

use bailiwick_core::policy::{Facts, Verdict};

/// Why a stored text is not the facts of a decision.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadFacts {
    /// It cannot be read yet.
    #[error("stored facts cannot be read; take a Bailiwick that can")]
    Unreadable,
}

/// The facts of a decision as they are stored.
#[must_use]
pub fn facts_json(_facts: &Facts) -> String {
    String::new()
}

/// Takes back what [`facts_json`] gave.
pub fn read_facts(_text: &str) -> Result<Facts, BadFacts> {
    Err(BadFacts::Unreadable)
}

/// A verdict as it is stored with its decision.
#[must_use]
pub fn verdict_json(_verdict: &Verdict) -> String {
    String::new()
}
