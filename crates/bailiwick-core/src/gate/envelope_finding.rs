//! What is to be said about an envelope before somebody is surprised: that it is about to end, that
//! it is nearly used up, that nobody uses it, that it is void. Pure: what closes a finding is that
//! its cause is gone.

use std::fmt;

use crate::time::{DAY_MS, Time};

use super::envelope::Envelope;

/// The part of an envelope's life that is left when its end is announced: one fifth, so that a week
/// and a year are announced on clocks of their own.
const LAST_PART: i64 = 5;
/// No end is announced earlier than this: nobody acts on it.
const EARLIEST_MS: i64 = 30 * DAY_MS;
/// The part of its uses that is left when that is announced.
const LAST_USES: u32 = 10;

/// Something that somebody should look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum EnvelopeFinding {
    /// The service has other owners since it was granted; it covers nothing any more.
    Void {
        /// Since when.
        since: Time,
    },
    /// Every certificate it allowed was issued.
    UsedUp,
    /// It ends soon.
    EndsSoon {
        /// When.
        until: Time,
    },
    /// Few uses are left.
    FewUses {
        /// How many.
        left: u32,
    },
    /// Nothing was issued under it for long: a standing right that nobody needs.
    Unused {
        /// Since when.
        since: Time,
    },
}

impl EnvelopeFinding {
    /// A stable word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Void { .. } => "void",
            Self::UsedUp => "used-up",
            Self::EndsSoon { .. } => "ends-soon",
            Self::FewUses { .. } => "few-uses",
            Self::Unused { .. } => "unused",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Void { .. } => "request a new envelope for the new owners, and end this one",
            Self::UsedUp | Self::EndsSoon { .. } | Self::FewUses { .. } => {
                "request the next envelope, or let this one end"
            }
            Self::Unused { .. } => "end it or narrow it; a right that nobody uses is only a risk",
        }
    }
}

impl fmt::Display for EnvelopeFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void { since } => {
                write!(f, "it covers nothing: the service has other owners since {since}")
            }
            Self::UsedUp => f.write_str("all its certificates were issued"),
            Self::EndsSoon { until } => write!(f, "it ends at {until}"),
            Self::FewUses { left: 1 } => f.write_str("one more certificate can be issued under it"),
            Self::FewUses { left } => {
                write!(f, "{left} more certificates can be issued under it")
            }
            Self::Unused { since } => write!(f, "nothing was issued under it since {since}"),
        }
    }
}

/// What is known about the use of an envelope.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeUse {
    /// When the last certificate was issued under it, if ever.
    pub last: Option<Time>,
    /// When the service's owners last changed, if they ever did.
    pub owners_since: Option<Time>,
    /// After how long without use that is said.
    pub unused_ms: i64,
}

impl Envelope {
    /// Whether it covers orders at `now`, as far as time and its end go.
    #[must_use]
    pub fn in_force(&self, now: Time) -> bool {
        self.ended.is_none() && now < self.until
    }

    /// What is to be said about it at `now`, the gravest first; nothing once it is over.
    #[must_use]
    pub fn findings(&self, seen: &EnvelopeUse, now: Time) -> Vec<EnvelopeFinding> {
        let mut found = Vec::new();
        if !self.in_force(now) {
            return found;
        }
        let void = seen.owners_since.filter(|at| *at > self.granted_at);
        found.extend(void.map(|since| EnvelopeFinding::Void { since }));
        let left = self.uses_max.map(|max| max.saturating_sub(self.uses));
        match (left, self.uses_max) {
            (Some(0), _) => found.push(EnvelopeFinding::UsedUp),
            // An envelope for one certificate is not announced before anybody used it.
            (Some(left), Some(max)) if self.uses > 0 && left <= max.div_ceil(LAST_USES) => {
                found.push(EnvelopeFinding::FewUses { left });
            }
            _ => {}
        }
        let life = self.until.ms_since(self.granted_at);
        let early = life.div_euclid(LAST_PART).min(EARLIEST_MS);
        if self.until.ms_since(now) <= early {
            found.push(EnvelopeFinding::EndsSoon { until: self.until });
        }
        let since = seen.last.unwrap_or(self.granted_at);
        if now.ms_since(since) >= seen.unused_ms {
            found.push(EnvelopeFinding::Unused { since });
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::EnvelopeEnd;
    use crate::names::{ChangeId, EnvelopeId, IssuerId, ServiceId};

    fn day(day: i64) -> Time {
        Time::from_unix_ms(day * DAY_MS)
    }

    fn envelope(until: i64, uses: u32, uses_max: Option<u32>) -> Envelope {
        Envelope {
            id: EnvelopeId::parse("c1").unwrap(),
            change: ChangeId::parse("c1").unwrap(),
            service: ServiceId::parse("pay-api").unwrap(),
            names: Vec::new(),
            issuer: IssuerId::parse("house").unwrap(),
            profiles: Vec::new(),
            account: None,
            granted_at: day(0),
            until: day(until),
            uses_max,
            uses,
            ended: None,
        }
    }

    #[test]
    fn an_end_is_announced_on_the_envelopes_own_clock_and_disuse_is_found() {
        let check = |envelope: &Envelope, now: i64, last: Option<i64>, expected: &[&str]| {
            let seen =
                EnvelopeUse { last: last.map(day), owners_since: None, unused_ms: 30 * DAY_MS };
            let found: Vec<&str> =
                envelope.findings(&seen, day(now)).iter().map(|it| it.word()).collect();
            assert_eq!(found, expected, "{envelope:?} at day {now}");
        };
        let year = envelope(365, 0, None);
        check(&year, 29, None, &[]);
        check(&year, 30, None, &["unused"]);
        check(&year, 334, Some(330), &[]);
        check(&year, 335, Some(330), &["ends-soon"]);
        check(&year, 365, None, &[]);
        let week = envelope(7, 0, None);
        check(&week, 5, None, &[]);
        check(&week, 6, None, &["ends-soon"]);
        check(&envelope(365, 9, Some(10)), 1, Some(1), &["few-uses"]);
        check(&envelope(365, 8, Some(10)), 1, Some(1), &[]);
        check(&envelope(365, 10, Some(10)), 1, Some(1), &["used-up"]);
        check(&envelope(365, 0, Some(1)), 1, None, &[]);
        let ended = EnvelopeEnd { at: day(3), why: "sold".to_owned() };
        check(&Envelope { ended: Some(ended), ..year.clone() }, 200, None, &[]);
        let seen = EnvelopeUse { last: None, owners_since: Some(day(2)), unused_ms: 30 * DAY_MS };
        let void = EnvelopeFinding::Void { since: day(2) };
        assert_eq!(year.findings(&seen, day(3)), [void]);
    }
}
