//! The fail-safe analysis in words.

use std::fmt;

use super::{Control, DAY_SECONDS, Grade, Stand};

/// A time span in the unit in which people say it.
pub(super) struct Span(pub(super) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(DAY_SECONDS, "day"), (60 * 60, "hour"), (60, "minute"), (1, "second")];
        let fits = |(unit, _): &&(u64, &str)| {
            self.0 >= *unit && (self.0.is_multiple_of(*unit) || self.0 >= unit.saturating_mul(10))
        };
        let (unit, name) = units.iter().find(fits).copied().unwrap_or((1, "second"));
        let count = self.0.checked_div(unit).unwrap_or(self.0);
        let ending = if count == 1 { "" } else { "s" };
        write!(f, "{count} {name}{ending}")
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        })
    }
}

impl Control {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::AccountBinding => "account binding",
            Self::MethodLimits => "method limits",
            Self::CtDetection => "CT detection",
            Self::Revocation => "revocation",
        }
    }
}

impl Stand {
    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::Falls => "falls",
            Self::Unknown => "unknown",
            Self::NotApplicable => "does not apply",
        }
    }
}
