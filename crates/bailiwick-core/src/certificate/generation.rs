//! Generations of an issuing CA: one key after the other under one name of the estate.

use std::fmt;

use crate::names::{BadHex, CertSerial};

/// Octets of a serial of ours: one for the generation, 16 random ones.
const SERIAL_OCTETS: usize = 17;
/// The largest first octet of a positive serial (RFC 5280, section 4.1.2.2).
const NUMBER_MAX: u8 = 127;

/// Which of the CAs that an issuer has been, counted from 1.
///
/// Always 1 to 127, and written in the first octet of each serial: which generation answers for a
/// certificate follows from its serial alone, whatever happened to its row. A certificate of a CA
/// that is not ours counts as of the first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Generation(u8);

impl Generation {
    /// The one that every issuer begins with.
    pub const FIRST: Self = Self(1);

    /// Takes a number.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= NUMBER_MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The one after it; `None` after the last there can be.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0.saturating_add(1))
    }

    /// The generation that a serial belongs to.
    #[must_use]
    pub fn of(serial: &CertSerial) -> Self {
        let first = match serial.as_bytes() {
            octets if octets.len() == SERIAL_OCTETS => octets.first().copied(),
            _ => None,
        };
        first.and_then(Self::new).unwrap_or(Self::FIRST)
    }

    /// A serial of this generation out of 16 random octets.
    ///
    /// Always positive, below 2^159, of the same length, with 128 random bits
    /// (RFC 5280, section 4.1.2.2; BR 7.1.2.7 asks for 64).
    ///
    /// # Errors
    /// Never with 17 octets; the error type is [`CertSerial`]'s.
    pub fn serial(self, random: [u8; 16]) -> Result<CertSerial, BadHex> {
        let mut octets = vec![self.0];
        octets.extend_from_slice(&random);
        CertSerial::from_bytes(&octets)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_says_its_generation() {
        let mut count = 0;
        for number in 0..=u8::MAX {
            let Some(generation) = Generation::new(number) else { continue };
            for random in [[0; 16], [0xff; 16], [number; 16]] {
                let serial = generation.serial(random).unwrap();
                assert_eq!(Generation::of(&serial), generation);
                assert_eq!(serial.as_bytes().len(), SERIAL_OCTETS);
                assert!(serial.as_bytes()[0] < 0x80);
            }
            count += 1;
        }
        assert_eq!(count, 127);
        let others: [&[u8]; 3] = [&[2], &[9; 16], &[9; 18]];
        for other in others {
            let serial = CertSerial::from_bytes(other).unwrap();
            assert_eq!(Generation::of(&serial), Generation::FIRST);
        }
        assert_eq!(Generation::new(127).unwrap().next(), None);
    }
}
