//! How far an envelope reaches, and narrowing it: whoever answers for a service may give up part of
//! what was granted to it at any moment, and get none of it back without asking anew.

use std::fmt;

use crate::names::SanName;
use crate::time::Time;

use super::envelope::Envelope;

/// How far an envelope reaches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Names it covers, sorted and distinct once narrowed.
    pub names: Vec<SanName>,
    /// Until when.
    pub until: Time,
    /// How many certificates at most, where it is limited.
    pub uses_max: Option<u32>,
}

impl Bounds {
    /// Whether everything these bounds allow is allowed by `other` too.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let uses = match (self.uses_max, other.uses_max) {
            (_, None) => true,
            (Some(ours), Some(theirs)) => ours <= theirs,
            (None, Some(_)) => false,
        };
        uses && self.until <= other.until && self.names.iter().all(|it| other.names.contains(it))
    }
}

/// What is to be given up; what is `None` stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Narrowing {
    /// The names that remain.
    pub names: Option<Vec<SanName>>,
    /// The earlier end.
    pub until: Option<Time>,
    /// The smaller number of certificates.
    pub uses_max: Option<u32>,
}

/// A wish is no narrowing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotNarrower {
    /// A name that the envelope does not hold.
    Name(SanName),
    /// No name would remain.
    NoName,
    /// The end would come later.
    Until {
        /// When it ends now.
        now: Time,
    },
    /// The end would lie in the past.
    Past,
    /// More certificates than now.
    Uses {
        /// How many it allows now.
        now: u32,
    },
    /// Fewer certificates than were issued under it.
    Used {
        /// How many those are.
        uses: u32,
    },
    /// It ended.
    Over {
        /// When.
        since: Time,
    },
    /// Nothing would differ.
    Same,
}

impl NotNarrower {
    /// The field that has to be mended.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Name(_) | Self::NoName => "names",
            Self::Until { .. } | Self::Past => "until",
            Self::Uses { .. } | Self::Used { .. } => "uses_max",
            Self::Over { .. } | Self::Same => "envelope",
        }
    }
}

impl fmt::Display for NotNarrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ANEW: &str = "request a new envelope for more";
        match self {
            Self::Name(name) => write!(f, "the envelope does not hold `{name}`; {ANEW}"),
            Self::NoName => f.write_str("no name would remain; end the envelope instead"),
            Self::Until { now } => write!(f, "it ends at {now} already; {ANEW}"),
            Self::Past => f.write_str("that moment is over; end the envelope instead"),
            Self::Uses { now } => write!(f, "it allows {now} certificates; {ANEW}"),
            Self::Used { uses } => {
                write!(f, "{uses} certificates were issued under it; give that number or end it")
            }
            Self::Over { since } => write!(f, "it ended at {since}; {ANEW}"),
            Self::Same => {
                f.write_str("nothing would differ; name fewer names, an earlier end or fewer uses")
            }
        }
    }
}

impl Envelope {
    /// How far it reaches.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds { names: self.names.clone(), until: self.until, uses_max: self.uses_max }
    }

    /// Its bounds after giving something up at `now`: never wider in any of them, and narrower in
    /// at least one.
    ///
    /// # Errors
    /// [`NotNarrower`], the first that holds.
    pub fn narrowed(&self, wish: &Narrowing, now: Time) -> Result<Bounds, NotNarrower> {
        let over =
            self.ended.as_ref().map(|end| end.at).or((now >= self.until).then_some(self.until));
        if let Some(since) = over {
            return Err(NotNarrower::Over { since });
        }
        let mut names = wish.names.clone().unwrap_or_else(|| self.names.clone());
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Err(NotNarrower::NoName);
        }
        if let Some(name) = names.iter().find(|name| !self.names.contains(name)) {
            return Err(NotNarrower::Name(name.clone()));
        }
        let until = wish.until.unwrap_or(self.until);
        if until > self.until {
            return Err(NotNarrower::Until { now: self.until });
        }
        if until <= now {
            return Err(NotNarrower::Past);
        }
        let uses_max = wish.uses_max.or(self.uses_max);
        match (uses_max, self.uses_max) {
            (Some(wanted), Some(most)) if wanted > most => {
                return Err(NotNarrower::Uses { now: most });
            }
            (Some(wanted), _) if wish.uses_max.is_some() && wanted < self.uses => {
                return Err(NotNarrower::Used { uses: self.uses });
            }
            _ => {}
        }
        let fewer = names.len() < self.names.len();
        if !fewer && until == self.until && uses_max == self.uses_max {
            return Err(NotNarrower::Same);
        }
        Ok(Bounds { names, until, uses_max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{ChangeId, EnvelopeId, IssuerId, ProfileId, ServiceId};
    use crate::time::DAY_MS;

    fn name(text: &str) -> SanName {
        SanName::parse(text).unwrap()
    }

    fn envelope() -> Envelope {
        Envelope {
            id: EnvelopeId::parse("c1").unwrap(),
            change: ChangeId::parse("c1").unwrap(),
            service: ServiceId::parse("pay-api").unwrap(),
            names: vec![name("a.pay.example"), name("b.pay.example")],
            issuer: IssuerId::parse("house").unwrap(),
            profiles: vec![ProfileId::parse("server").unwrap()],
            account: None,
            granted_at: Time::from_unix_ms(0),
            until: Time::from_unix_ms(10 * DAY_MS),
            uses_max: Some(5),
            uses: 2,
            ended: None,
        }
    }

    #[test]
    fn an_envelope_only_ever_shrinks() {
        let now = Time::from_unix_ms(DAY_MS);
        let check = |wish: Narrowing, expected: Result<(usize, i64, Option<u32>), NotNarrower>| {
            let given = envelope().narrowed(&wish, now);
            let seen = given.map(|it| (it.names.len(), it.until.unix_ms() / DAY_MS, it.uses_max));
            assert_eq!(seen, expected, "{wish:?}");
        };
        let wish = Narrowing::default;
        let names = |all: &[&str]| Some(all.iter().map(|one| name(one)).collect());
        let day = |day: i64| Some(Time::from_unix_ms(day * DAY_MS));
        check(wish(), Err(NotNarrower::Same));
        check(Narrowing { names: names(&["b.pay.example"]), ..wish() }, Ok((1, 10, Some(5))));
        check(
            Narrowing { names: names(&["b.pay.example", "c.pay.example"]), ..wish() },
            Err(NotNarrower::Name(name("c.pay.example"))),
        );
        check(Narrowing { names: names(&[]), ..wish() }, Err(NotNarrower::NoName));
        check(Narrowing { until: day(5), ..wish() }, Ok((2, 5, Some(5))));
        check(
            Narrowing { until: day(11), ..wish() },
            Err(NotNarrower::Until { now: day(10).unwrap() }),
        );
        check(Narrowing { until: day(1), ..wish() }, Err(NotNarrower::Past));
        check(Narrowing { uses_max: Some(2), ..wish() }, Ok((2, 10, Some(2))));
        check(Narrowing { uses_max: Some(1), ..wish() }, Err(NotNarrower::Used { uses: 2 }));
        check(Narrowing { uses_max: Some(6), ..wish() }, Err(NotNarrower::Uses { now: 5 }));
        // One part narrower does not buy another that is wider.
        check(
            Narrowing { until: day(5), uses_max: Some(6), ..wish() },
            Err(NotNarrower::Uses { now: 5 }),
        );
        let late = Time::from_unix_ms(10 * DAY_MS);
        let over = envelope().narrowed(&Narrowing { until: day(5), ..wish() }, late);
        assert_eq!(over, Err(NotNarrower::Over { since: late }));
    }
}
