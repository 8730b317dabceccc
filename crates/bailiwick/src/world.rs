//! What is injected: the clock, randomness, and what lies outside. Nothing else in this crate asks the
//! system for them.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bailiwick_core::time::Time;
use futures::future::BoxFuture;

use crate::app::{Network, Outside};

/// Says what time it is.
pub(crate) trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Time;

    /// A moment to measure from, on a clock that nobody sets.
    fn steady(&self) -> Instant;

    /// Waits.
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// Gives octets nobody can guess.
pub(crate) trait Random: Send + Sync {
    /// Fills all of `octets`.
    ///
    /// # Errors
    /// [`NoRandomness`] when the system has none to give; then nothing may be made of `octets`.
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness; check that /dev/urandom can be read")]
pub(crate) struct NoRandomness;

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let ms = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Time::from_unix_ms(ms)
    }

    fn steady(&self) -> Instant {
        Instant::now()
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// The system's randomness, through the crypto library's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(octets).map_err(|_| NoRandomness)
    }
}

/// The letters of ids, in the order of their octets.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an id.
const ID_CHARS: u32 = 26;
/// The first of them say when it was made.
const ID_TIME_CHARS: u32 = 10;

/// Before every id that is made at this moment or later, and behind every earlier one.
pub(crate) fn id_from(at: Time) -> String {
    letters(u128::from(id_ms(at)), ID_TIME_CHARS)
}

/// When an id was made.
pub(crate) fn time_of_id(id: &str) -> Option<Time> {
    let mut digits = id.as_bytes().iter().take(usize::try_from(ID_TIME_CHARS).ok()?);
    let value = digits.try_fold(0_i64, |value, octet| {
        let digit = ALPHABET.iter().position(|letter| letter == octet)?;
        Some(value << 5 | i64::try_from(digit).ok()?)
    });
    value.map(Time::from_unix_ms)
}

fn id_ms(at: Time) -> u64 {
    u64::try_from(at.unix_ms()).unwrap_or(0) & 0xffff_ffff_ffff
}

fn letters(value: u128, count: u32) -> String {
    let letter = |shift: u32| {
        let index = usize::try_from(value >> shift & 31).unwrap_or(0);
        ALPHABET.get(index).map_or('0', |octet| char::from(*octet))
    };
    (0..count).rev().map(|place| letter(place * 5)).collect()
}

/// Clock, randomness and the way out together, as they are handed around.
#[derive(Clone)]
pub(crate) struct World {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub random: Arc<dyn Random>,
    /// CAs behind ACME and the zones of other people.
    pub outside: Arc<dyn Outside>,
}

impl World {
    /// The real one.
    pub(crate) fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            outside: Arc::new(Network),
        }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// `N` unguessable octets.
    pub(crate) fn octets<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut octets = [0; N];
        self.random.fill(&mut octets)?;
        Ok(octets)
    }

    /// A new id: 48 bits of milliseconds, then 80 random bits, as 26 small base-32 letters, so that
    /// ids sort by the time they were made (time-ordered keys keep indexes compact).
    pub(crate) fn id(&self) -> Result<String, NoRandomness> {
        let random: [u8; 10] = self.octets()?;
        let tail = random.iter().fold(0_u128, |value, octet| value << 8 | u128::from(*octet));
        Ok(letters(u128::from(id_ms(self.now())) << 80 | tail, ID_CHARS))
    }

    /// A secret of 256 bits as URL-safe text.
    pub(crate) fn secret(&self) -> Result<String, NoRandomness> {
        use base64::Engine as _;
        let octets: [u8; 32] = self.octets()?;
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_moment_they_were_made() {
        let world = World::system();
        let before = world.now();
        let id = world.id().unwrap();
        assert_eq!(id.len(), 26);
        let made = time_of_id(&id).unwrap();
        assert!(before <= made && made <= world.now());
        assert!(id_from(made) <= id && id < id_from(made.plus_ms(1)), "{id}");
        assert_eq!(time_of_id("not an id!"), None);
    }
}
