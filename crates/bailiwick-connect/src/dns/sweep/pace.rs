//! How fast one server is asked: never more than it answers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Questions in flight at the beginning.
const WINDOW_FIRST: f64 = 32.0;
/// Questions in flight at most: what a socket buffer of the usual size holds several times over.
const WINDOW_MAX: f64 = 768.0;
/// Questions a second to a server in the public network, where nothing else is said. Public resolvers
/// begin to drop somewhere above 1,000 a second of one client.
const PUBLIC_RATE: f64 = 500.0;
/// How long a burst may be, as a part of a second.
const BURST_SECONDS: f64 = 0.02;
/// A server that answers nothing for so long, while asked, is silent; or that never answered at all.
const SILENCE: Duration = Duration::from_secs(8);
/// So many questions must have gone unanswered to the end besides.
const SILENCE_QUESTIONS: u32 = 4;
/// How often a silent server is tried again.
const PROBE: Duration = Duration::from_secs(5);

/// The pace towards one server.
///
/// Questions in flight grow while answers come and halve when one is missed, as TCP does it
/// (RFC 5681, section 3.1); a limit of questions a second lies on top.
#[derive(Debug)]
pub(super) struct Pace {
    window: f64,
    grows_fast: bool,
    last_cut: Option<Instant>,
    rate: Option<f64>,
    tokens: f64,
    refilled: Instant,
    last_sign: Instant,
    ever_answered: bool,
    unanswered: u32,
    last_probe: Option<Instant>,
}

impl Pace {
    /// For a server; `rate` is what the operator said, if anything.
    pub(super) fn new(server: SocketAddr, rate: Option<u32>, now: Instant) -> Self {
        let default = is_public(server.ip()).then_some(PUBLIC_RATE);
        let rate = rate.map_or(default, |rate| (rate > 0).then_some(f64::from(rate)));
        Self {
            window: WINDOW_FIRST,
            grows_fast: true,
            last_cut: None,
            rate,
            tokens: 1.0,
            refilled: now,
            last_sign: now,
            ever_answered: false,
            unanswered: 0,
            last_probe: None,
        }
    }

    /// How many more may be sent now, with so many in flight.
    pub(super) fn room(&mut self, in_flight: usize, now: Instant) -> usize {
        let by_window = whole(self.window).saturating_sub(in_flight);
        let Some(rate) = self.rate else { return by_window };
        let passed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.tokens = (self.tokens + passed * rate).min((rate * BURST_SECONDS).max(1.0));
        by_window.min(whole(self.tokens))
    }

    /// One was sent.
    pub(super) fn sent(&mut self, in_flight_before: usize, now: Instant) {
        if self.rate.is_some() {
            self.tokens -= 1.0;
        }
        if in_flight_before == 0 && self.unanswered == 0 {
            // It could not be silent while nobody asked.
            self.last_sign = now;
        }
    }

    /// It answered one.
    pub(super) fn answered(&mut self, now: Instant) {
        self.last_sign = now;
        self.ever_answered = true;
        self.unanswered = 0;
        let step = if self.grows_fast { 1.0 } else { 1.0 / self.window };
        self.window = (self.window + step).min(WINDOW_MAX);
    }

    /// It did not answer one in time, or asked us to slow down. Counted once in `once_in`.
    pub(super) fn pressed(&mut self, once_in: Duration, now: Instant) {
        if self.last_cut.is_some_and(|cut| now.saturating_duration_since(cut) < once_in) {
            return;
        }
        self.last_cut = Some(now);
        self.grows_fast = false;
        self.window = (self.window / 2.0).max(1.0);
    }

    /// It answered none of the tries of one question.
    pub(super) const fn gave_up(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Whether it says nothing at all.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.unanswered >= SILENCE_QUESTIONS
            && (!self.ever_answered || now.saturating_duration_since(self.last_sign) >= SILENCE)
    }

    /// Whether a silent server is due to be tried again; counts as trying.
    pub(super) fn may_probe(&mut self, now: Instant) -> bool {
        let due = self.last_probe.is_none_or(|at| now.saturating_duration_since(at) >= PROBE);
        if due {
            self.last_probe = Some(now);
        }
        due
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "windows and tokens lie between 0 and a few thousand"
)]
const fn whole(value: f64) -> usize {
    value as usize
}

/// Whether a server is somebody else's: neither on this machine nor in a private network.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(four) => !(four.is_loopback() || four.is_private() || four.is_link_local()),
        IpAddr::V6(six) => {
            !(six.is_loopback() || six.is_unique_local() || six.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTO: Duration = Duration::from_secs(1);

    fn pace(server: &str, rate: Option<u32>, now: Instant) -> Pace {
        Pace::new(server.parse().unwrap(), rate, now)
    }

    #[test]
    fn the_window_grows_with_answers_and_halves_once_with_a_burst_of_losses() {
        let now = Instant::now();
        let mut pace = pace("127.0.0.1:53", None, now);
        assert_eq!(pace.room(0, now), 32);
        (0..10_000).for_each(|_| pace.answered(now));
        assert_eq!(pace.room(0, now), 768);
        (0..100).for_each(|_| pace.pressed(RTO, now));
        assert_eq!(pace.room(0, now), 384);
        (0..20).for_each(|n| pace.pressed(RTO, now + RTO * n));
        assert_eq!(pace.room(0, now), 1);
        assert_eq!(pace.room(1, now), 0);
        pace.answered(now);
        assert_eq!(pace.room(0, now), 2);
    }

    #[test]
    fn a_server_of_somebody_else_is_asked_at_a_limited_rate() {
        let now = Instant::now();
        let count = |mut pace: Pace| {
            (0..1_000_u32).fold(0, |sum, ms| {
                let at = now + Duration::from_millis(ms.into());
                let room = pace.room(0, at);
                (0..room).for_each(|_| pace.sent(0, at));
                sum + room
            })
        };
        assert!((495..=505).contains(&count(pace("9.9.9.9:53", None, now))));
        assert!((95..=105).contains(&count(pace("9.9.9.9:53", Some(100), now))));
        assert!((95..=105).contains(&count(pace("127.0.0.1:53", Some(100), now))));
        assert!(count(pace("9.9.9.9:53", Some(0), now)) > 10_000);
        assert!(count(pace("10.1.2.3:53", None, now)) > 10_000);
    }

    #[test]
    fn a_server_is_silent_only_after_a_while_and_some_questions() {
        let now = Instant::now();
        let mut pace = pace("127.0.0.1:53", None, now);
        let later = now + SILENCE;
        assert!(!pace.is_silent(later));
        (0..SILENCE_QUESTIONS).for_each(|_| pace.gave_up());
        assert!(pace.is_silent(now), "it never answered");
        pace.answered(now);
        (0..SILENCE_QUESTIONS).for_each(|_| pace.gave_up());
        assert!(!pace.is_silent(now) && pace.is_silent(later));
        assert!(pace.may_probe(later) && !pace.may_probe(later));
        pace.answered(later);
        assert!(!pace.is_silent(later + SILENCE));
    }
}
