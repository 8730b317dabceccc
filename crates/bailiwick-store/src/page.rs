//! Pages of lists: from a place in an index on, so that a million rows feel like a hundred.

use std::fmt;

use bailiwick_core::time::Time;

/// Rows of one page at most.
pub const LIMIT_MAX: u32 = 1_000;

/// The row behind which a page begins, as a text that goes into a link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct After {
    /// Its moment in the order of the list.
    pub at: Time,
    /// Its key.
    pub key: String,
}

impl After {
    /// Reads what `Display` spelled.
    ///
    /// # Errors
    /// [`BadAfter`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadAfter> {
        let (at, key) = text.split_once('~').ok_or(BadAfter)?;
        let at = at.parse().map(Time::from_unix_ms).map_err(|_| BadAfter)?;
        // Keys of rows are ids and fingerprints; PostgreSQL takes no text with a NUL.
        if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(BadAfter);
        }
        Ok(Self { at, key: key.to_owned() })
    }
}

/// A text is not the place of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the place of a row; take it from the page before, or leave it out")]
pub struct BadAfter;

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.at.unix_ms(), self.key)
    }
}

/// One page of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins, if there is more.
    pub next: Option<After>,
}

impl<T> Page<T> {
    /// Makes a page out of up to `limit` + 1 rows.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> After) -> Self {
        let limit = usize::try_from(clamp(limit)).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(place) } else { None };
        Self { items, next }
    }
}

/// A limit that no caller can exceed.
pub(crate) fn clamp(limit: u32) -> u32 {
    limit.clamp(1, LIMIT_MAX)
}
