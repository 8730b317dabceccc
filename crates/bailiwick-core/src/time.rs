//! Time as an argument: the core has no clock.

use std::fmt;

use ::time::format_description::well_known::Rfc3339;
use ::time::{OffsetDateTime, UtcOffset};

/// A moment in UTC, to the millisecond.
///
/// Always handed in by the caller; the core never asks what time it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Time {
    unix_ms: i64,
}

/// Milliseconds of a second, a minute, an hour and a day (86,400 s: BR 6.3.2).
pub const SECOND_MS: i64 = 1_000;
/// See [`SECOND_MS`].
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// See [`SECOND_MS`].
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// See [`SECOND_MS`].
pub const DAY_MS: i64 = 24 * HOUR_MS;

impl Time {
    /// Takes milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self { unix_ms }
    }

    /// Takes seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self { unix_ms: seconds.saturating_mul(SECOND_MS) }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.unix_ms
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.unix_ms.div_euclid(SECOND_MS)
    }

    /// This moment moved by `ms` (may be negative); stays at the end of what can be said.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self { unix_ms: self.unix_ms.saturating_add(ms) }
    }

    /// Milliseconds from `earlier` to this moment.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.unix_ms.saturating_sub(earlier.unix_ms)
    }

    /// Parses RFC 3339 text, or a plain date `2026-11-22`, which means its first moment in UTC.
    ///
    /// # Errors
    /// [`BadTime`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let moment = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|_| BadTime)?;
        // Moved to UTC it may lie outside the years that RFC 3339 spells.
        let utc = moment.checked_to_offset(UtcOffset::UTC).ok_or(BadTime)?;
        if !(0..=9_999).contains(&utc.year()) {
            return Err(BadTime);
        }
        let ms = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(ms).map(Self::from_unix_ms).map_err(|_| BadTime)
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, with milliseconds only where there are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.unix_ms).saturating_mul(1_000_000);
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "unix-ms:{}", self.unix_ms),
        }
    }
}

/// A text is not a moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadTime;

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a moment; write it as `2026-11-22` or `2026-11-22T10:00:00Z`")
    }
}

impl std::error::Error for BadTime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_one_way() {
        let time = Time::parse("2026-03-03T10:00:00Z").unwrap();
        assert_eq!(time.to_string(), "2026-03-03T10:00:00Z");
        assert_eq!(time.plus_ms(5).to_string(), "2026-03-03T10:00:00.005Z");
        assert_eq!(Time::parse("2026-03-03").unwrap().plus_ms(10 * HOUR_MS), time);
        assert!(Time::parse("yesterday").is_err());
    }
}
