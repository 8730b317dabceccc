//! Serial numbers of zones.

use core::cmp::Ordering;
use std::fmt;

/// A zone's SOA serial (RFC 1035, section 3.3.13).
///
/// Compares as RFC 1982, section 3.2, says; so there is no `Ord`: it goes round, and two serials that
/// are 2^31 apart have no order at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct SoaSerial(u32);

impl SoaSerial {
    /// The serial with this number.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// How it stands to another; `None` where RFC 1982 gives no order.
    #[must_use]
    pub const fn compared(self, other: Self) -> Option<Ordering> {
        const HALF: u32 = 1 << 31;
        match self.0.wrapping_sub(other.0) {
            0 => Some(Ordering::Equal),
            HALF => None,
            ahead if ahead < HALF => Some(Ordering::Greater),
            _ => Some(Ordering::Less),
        }
    }

    /// Whether it is newer than another. Without an order it is not.
    #[must_use]
    pub fn is_after(self, other: Self) -> bool {
        self.compared(other) == Some(Ordering::Greater)
    }

    /// The one that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for SoaSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_1982_3_2_serials_go_round() {
        let compared = |one, other| SoaSerial::of(one).compared(SoaSerial::of(other));
        for (one, other, expected) in [
            (1, 0, Some(Ordering::Greater)),
            (44, 0, Some(Ordering::Greater)),
            (0, u32::MAX, Some(Ordering::Greater)),
            (0x7fff_ffff, 0, Some(Ordering::Greater)),
            (0x8000_0000, 0, None),
            (0, 0x8000_0000, None),
            (0x8000_0001, 0, Some(Ordering::Less)),
            (7, 7, Some(Ordering::Equal)),
            (2_026_112_701, 2_026_112_700, Some(Ordering::Greater)),
        ] {
            assert_eq!(compared(one, other), expected, "{one} to {other}");
            assert_eq!(compared(other, one), expected.map(Ordering::reverse), "{other} to {one}");
        }
        assert_eq!(SoaSerial::of(u32::MAX).next(), SoaSerial::of(0));
        assert!(SoaSerial::of(u32::MAX).next().is_after(SoaSerial::of(u32::MAX)));
    }
}
