//! When a certificate should be renewed (RFC 9773): out of its own lifetime, never a fixed number of
//! days, so that a certificate of an hour and one of a year are both renewed in time.

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Time};

/// Up to this lifetime a certificate counts as short-lived and is renewed when half of it is over,
/// because a failure then has to be noticed and mended within days.
const SHORT_LIVED_MS: i64 = 10 * DAY_MS;
/// The window is this part of the lifetime, so that clients do not all come at once.
const WINDOW_PART: i64 = 24;
/// A client looks again this many times in a lifetime, so that a window pulled forward is seen.
const LOOKS: i64 = 40;
/// RFC 9773, section 4.3: clients take a pause of one minute to one day; public CAs say six hours.
const PAUSE_MS_MIN: i64 = MINUTE_MS;
const PAUSE_MS_MAX: i64 = 6 * HOUR_MS;

/// The window in which a client should renew, and when it should look again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RenewalWindow {
    /// Its begin.
    pub start: Time,
    /// Its end; always later than the begin.
    pub end: Time,
    /// The pause until the next look, in seconds.
    pub retry_after_seconds: u32,
}

impl RenewalWindow {
    /// The window of a certificate; one that is revoked should have been replaced before.
    #[must_use]
    pub fn of(not_before: Time, not_after: Time, revoked_at: Option<Time>) -> Self {
        let lifetime_ms = not_after.ms_since(not_before).max(PAUSE_MS_MIN);
        let pause_ms = (lifetime_ms / LOOKS).clamp(PAUSE_MS_MIN, PAUSE_MS_MAX);
        let retry_after_seconds = u32::try_from(pause_ms / 1_000).unwrap_or(u32::MAX);
        let width_ms = (lifetime_ms / WINDOW_PART).max(1_000);
        let start = match revoked_at {
            Some(at) => at.plus_ms(-width_ms),
            None if lifetime_ms <= SHORT_LIVED_MS => not_before.plus_ms(lifetime_ms / 2),
            None => not_before.plus_ms(lifetime_ms / 3 * 2),
        };
        Self { start, end: start.plus_ms(width_ms), retry_after_seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Time = Time::from_unix_seconds(1_800_000_000);

    fn check(lifetime_ms: i64, starts: i64, ends: i64, looks_again_seconds: u32) {
        let window = RenewalWindow::of(BEGIN, BEGIN.plus_ms(lifetime_ms), None);
        let found = (window.start.ms_since(BEGIN), window.end.ms_since(BEGIN));
        assert_eq!((found, window.retry_after_seconds), ((starts, ends), looks_again_seconds));
        assert!(ends < lifetime_ms, "it can be renewed before it ends");
    }

    #[test]
    fn the_window_follows_the_lifetime() {
        check(90 * DAY_MS, 60 * DAY_MS, 63 * DAY_MS + 18 * HOUR_MS, 21_600);
        check(7 * DAY_MS, 84 * HOUR_MS, 91 * HOUR_MS, 15_120);
        check(HOUR_MS, 30 * MINUTE_MS, 32 * MINUTE_MS + 30_000, 90);
        check(10 * MINUTE_MS, 5 * MINUTE_MS, 5 * MINUTE_MS + 25_000, 60);
    }

    #[test]
    fn a_revoked_certificate_should_have_been_replaced() {
        let revoked = BEGIN.plus_ms(DAY_MS);
        let window = RenewalWindow::of(BEGIN, BEGIN.plus_ms(90 * DAY_MS), Some(revoked));
        assert!(window.start < window.end && window.end <= revoked);
    }
}
