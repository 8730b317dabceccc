//! What serde says about a text that is not of its form, made safe to repeat: the names of unknown
//! fields stand in it as they were sent.

use std::fmt;

use bailiwick_core::shown::told;

/// A text is not JSON, or not of the form asked for.
#[derive(Debug)]
pub struct BadForm(serde_json::Error);

impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", told(&self.0.to_string()))
    }
}

impl std::error::Error for BadForm {}

impl From<serde_json::Error> for BadForm {
    fn from(cause: serde_json::Error) -> Self {
        Self(cause)
    }
}
