//! How long what was seen may be relied on.

use super::climb::CaaEvidence;
use super::lookup::LookupAnswer;
use crate::time::{HOUR_MS, SECOND_MS, Time};

/// Whose limit counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FreshnessRule {
    /// The TTL of the set or 8 hours, whichever is greater (BR 3.2.2.8, 4.2.2.1 since SC-098v2).
    BaselineRequirements,
    /// The same, but never more than one hour (promise I6; RFC 8657, section 5.5).
    Internal,
}

/// Whether evidence may still be relied on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// Yes, up to and including this moment.
    Fresh {
        /// The last moment.
        until: Time,
    },
    /// No; look again.
    Stale {
        /// The last moment it could be.
        since: Time,
    },
    /// It was seen later than now: a clock is wrong, so nothing can be said. Look again.
    FromTheFuture,
}

const BR_FLOOR_MS: i64 = 8 * HOUR_MS;
const INTERNAL_CEILING_MS: i64 = HOUR_MS;

impl CaaEvidence {
    /// The last moment at which this evidence may be relied on, counted from its first question.
    #[must_use]
    pub fn fresh_until(&self, rule: FreshnessRule) -> Time {
        let ttl_ms = match self.relevant_rung().map(|rung| &rung.answer) {
            Some(LookupAnswer::Records(found)) => i64::from(found.ttl_seconds) * SECOND_MS,
            Some(
                LookupAnswer::NoData(_)
                | LookupAnswer::NxDomain(_)
                | LookupAnswer::Delegated { .. }
                | LookupAnswer::Failed { .. },
            )
            | None => 0,
        };
        let by_br = ttl_ms.max(BR_FLOOR_MS);
        let limit_ms = match rule {
            FreshnessRule::BaselineRequirements => by_br,
            FreshnessRule::Internal => by_br.min(INTERNAL_CEILING_MS),
        };
        self.first_asked_at().plus_ms(limit_ms)
    }

    /// Whether this evidence may be relied on now.
    #[must_use]
    pub fn freshness(&self, now: Time, rule: FreshnessRule) -> Freshness {
        let until = self.fresh_until(rule);
        if self.rungs().iter().any(|rung| rung.asked_at > now) {
            Freshness::FromTheFuture
        } else if now <= until {
            Freshness::Fresh { until }
        } else {
            Freshness::Stale { since: until }
        }
    }

    /// A climb has at least one rung; without one it would be as old as can be.
    fn first_asked_at(&self) -> Time {
        let earliest = self.rungs().iter().map(|rung| rung.asked_at).min();
        earliest.unwrap_or(Time::from_unix_ms(i64::MIN))
    }
}
