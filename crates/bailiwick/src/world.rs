//! What is injected: the clock and randomness. Nothing else in this crate asks the system for them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bailiwick_core::time::Time;

/// Says what time it is.
pub(crate) trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Time;
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
}

/// The system's randomness, through the crypto library's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(octets).map_err(|_| NoRandomness)
    }
}

/// Clock and randomness together, as they are handed around.
#[derive(Clone)]
pub(crate) struct World {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub random: Arc<dyn Random>,
}

impl World {
    /// The real one.
    pub(crate) fn system() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
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
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let random: [u8; 10] = self.octets()?;
        let ms = u64::try_from(self.now().unix_ms()).unwrap_or(0) & 0xffff_ffff_ffff;
        let tail = random.iter().fold(0_u128, |value, octet| value << 8 | u128::from(*octet));
        let value = u128::from(ms) << 80 | tail;
        let letter = |shift: u32| {
            let index = usize::try_from(value >> shift & 31).unwrap_or(0);
            ALPHABET.get(index).map_or('0', |octet| char::from(*octet))
        };
        Ok((0..26).rev().map(|place| letter(place * 5)).collect())
    }

    /// A secret of 256 bits as URL-safe text.
    pub(crate) fn secret(&self) -> Result<String, NoRandomness> {
        use base64::Engine as _;
        let octets: [u8; 32] = self.octets()?;
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets))
    }
}
