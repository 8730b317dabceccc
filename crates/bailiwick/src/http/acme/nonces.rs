//! Replay nonces (RFC 8555, section 6.5): unguessable, good once, and nothing stored to make one.
//!
//! A nonce is a number and a moment under a key that only this process has. What is remembered is
//! which numbers were used; when that is too much, everything up to the smallest of them is over, so
//! that a nonce can never be used twice. A client with an older one gets `badNonce` and a fresh one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use bailiwick_core::time::{MINUTE_MS, Time};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::world::{NoRandomness, World};

/// How long a nonce is good. Clients use one at once, or fetch another.
const LIFETIME_MS: i64 = 30 * MINUTE_MS;
/// Used numbers remembered: about 2 MiB, and more than any server answers within a client's pause.
const USED_MAX: usize = 65_536;
/// Octets of the number and the moment.
const BODY_OCTETS: usize = 16;
/// Octets of the code: 128 bits (RFC 8555, section 6.5: cannot be guessed).
const CODE_OCTETS: usize = 16;

/// Makes nonces and takes each of them once.
pub(super) struct Nonces {
    key: hmac::Key,
    next: AtomicU64,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    /// Every number up to this one is over.
    floor: u64,
    numbers: BTreeSet<u64>,
}

impl Nonces {
    /// With a key of its own.
    pub(super) fn new(world: &World) -> Result<Self, NoRandomness> {
        let key: [u8; 32] = world.octets()?;
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            next: AtomicU64::new(1),
            used: Mutex::default(),
        })
    }

    /// A fresh one.
    pub(super) fn fresh(&self, now: Time) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut octets = Vec::with_capacity(BODY_OCTETS + CODE_OCTETS);
        octets.extend(number.to_be_bytes());
        octets.extend(now.unix_ms().to_be_bytes());
        let code = hmac::sign(&self.key, &octets);
        octets.extend(code.as_ref().iter().take(CODE_OCTETS));
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// Takes a nonce, so that it is over; `false` when it is not ours, too old or used.
    pub(super) fn take(&self, nonce: &str, now: Time) -> bool {
        let Some((number, at)) = self.read(nonce) else { return false };
        let age_ms = now.ms_since(at);
        if !(0..LIFETIME_MS).contains(&age_ms) {
            return false;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if number <= used.floor || !used.numbers.insert(number) {
            return false;
        }
        if used.numbers.len() > USED_MAX
            && let Some(smallest) = used.numbers.pop_first()
        {
            used.floor = smallest;
        }
        true
    }

    /// Number and moment of a nonce that this process made.
    fn read(&self, nonce: &str) -> Option<(u64, Time)> {
        let octets = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (body, code) = octets.split_at_checked(BODY_OCTETS)?;
        let expected = hmac::sign(&self.key, body);
        let expected = expected.as_ref().get(..CODE_OCTETS)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(expected, code).ok()?;
        let (number, at) = body.split_first_chunk::<8>()?;
        let at = i64::from_be_bytes(at.try_into().ok()?);
        Some((u64::from_be_bytes(*number), Time::from_unix_ms(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica() -> Nonces {
        Nonces::new(&World::system()).unwrap()
    }

    const NOW: Time = Time::from_unix_seconds(1_800_000_000);

    #[test]
    fn a_nonce_is_good_once() {
        let nonces = replica();
        let (one, two) = (nonces.fresh(NOW), nonces.fresh(NOW));
        assert_ne!(one, two);
        assert!(nonces.take(&two, NOW));
        assert!(nonces.take(&one, NOW), "another order is fine");
        assert!(!nonces.take(&one, NOW) && !nonces.take(&two, NOW));
    }

    #[test]
    fn what_this_process_did_not_make_is_no_nonce() {
        let nonces = replica();
        let good = nonces.fresh(NOW);
        let mut octets = URL_SAFE_NO_PAD.decode(&good).unwrap();
        for place in 0..octets.len() {
            octets[place] ^= 1;
            assert!(!nonces.take(&URL_SAFE_NO_PAD.encode(&octets), NOW), "octet {place}");
            octets[place] ^= 1;
        }
        for odd in ["", "AAAA", good.get(1..).unwrap(), &format!("{good}A"), &format!("{good}=")] {
            assert!(!nonces.take(odd, NOW), "{odd}");
        }
        assert!(!replica().take(&good, NOW), "another replica's");
        assert!(nonces.take(&good, NOW));
    }

    #[test]
    fn a_nonce_grows_old() {
        let nonces = replica();
        let (early, late) = (nonces.fresh(NOW), nonces.fresh(NOW));
        assert!(nonces.take(&early, NOW.plus_ms(LIFETIME_MS - 1)));
        assert!(!nonces.take(&late, NOW.plus_ms(LIFETIME_MS)));
        assert!(!nonces.take(&nonces.fresh(NOW.plus_ms(1)), NOW), "from the future");
    }

    #[test]
    fn forgetting_never_makes_a_nonce_good_again() {
        let nonces = replica();
        let unused = nonces.fresh(NOW);
        let spent: Vec<String> = (0..=USED_MAX).map(|_| nonces.fresh(NOW)).collect();
        assert!(spent.iter().all(|nonce| nonces.take(nonce, NOW)));
        assert_eq!(nonces.used.lock().unwrap().numbers.len(), USED_MAX);
        assert!(spent.iter().all(|nonce| !nonces.take(nonce, NOW)));
        assert!(!nonces.take(&unused, NOW), "older than what is remembered");
        assert!(nonces.take(&nonces.fresh(NOW), NOW));
    }
}
