//! How much one client may ask for (RFC 8555, section 6.6; threats T15 and T26).
//!
//! Limits on orders and failures are counted from what is stored, so they hold over restarts and over
//! every server on one database. The limit on requests without an account is kept in memory: it
//! protects this process, and whoever restarts it has protected it already.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use bailiwick_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Time};

/// Addresses remembered at once; about 5 MiB. Beyond, those that have paid off are forgotten, and if
/// none has, all: a flood from so many addresses is not held by counting them.
const ADDRESSES_MAX: usize = 65_536;
/// The longest period: ids tell times apart for this long with room to spare.
pub(crate) const PERIOD_MS_MAX: i64 = 31 * DAY_MS;

/// So many in a period.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Limit {
    /// How many.
    pub count: u32,
    /// In what time.
    pub period_ms: i64,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s")]
            .into_iter()
            .find(|(ms, _)| self.period_ms % ms == 0)
            .map_or((self.period_ms, "ms"), |(ms, unit)| (self.period_ms / ms, unit));
        write!(f, "{} in {count}{unit}", self.count)
    }
}

/// Every limit; `None`: there is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Limits {
    /// Orders of one account that replace nothing.
    pub orders_per_account: Option<Limit>,
    /// The same of all accounts of a service.
    pub orders_per_service: Option<Limit>,
    /// Authorizations of one account that failed, and orders of it that were turned away.
    pub failures_per_account: Option<Limit>,
    /// Requests without an account, by address.
    pub requests_per_address: Option<Limit>,
}

impl Default for Limits {
    /// Orders are bounded by policy and envelopes already; what costs others, or needs no account,
    /// is bounded from the start.
    fn default() -> Self {
        Self {
            orders_per_account: None,
            orders_per_service: None,
            failures_per_account: Some(Limit { count: 600, period_ms: HOUR_MS }),
            requests_per_address: Some(Limit { count: 6_000, period_ms: MINUTE_MS }),
        }
    }
}

/// A text is no limit.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadLimit {
    /// It has no name, or one of none.
    #[error(
        "`{0}` names no limit; write orders-per-account, orders-per-service, failures-per-account or requests-per-address, `=`, and a limit"
    )]
    Name(String),
    /// What follows is no limit.
    #[error("`{0}` is no limit; write such as `300/3h`, with s, m, h or d, or `off`")]
    Value(String),
}

impl Limits {
    /// Reads settings such as `orders-per-account=300/3h`; what is not named stays as it is.
    ///
    /// # Errors
    /// [`BadLimit`] for the first that is none.
    pub(crate) fn parse(texts: &[String]) -> Result<Self, BadLimit> {
        let mut limits = Self::default();
        for text in texts {
            let (name, value) = text.split_once('=').ok_or_else(|| BadLimit::Name(text.clone()))?;
            let place = match name {
                "orders-per-account" => &mut limits.orders_per_account,
                "orders-per-service" => &mut limits.orders_per_service,
                "failures-per-account" => &mut limits.failures_per_account,
                "requests-per-address" => &mut limits.requests_per_address,
                other => return Err(BadLimit::Name(other.to_owned())),
            };
            *place = read(value).ok_or_else(|| BadLimit::Value(value.to_owned()))?;
        }
        Ok(limits)
    }

    /// Each by its name.
    pub(crate) fn each(&self) -> [(&'static str, Option<Limit>); 4] {
        [
            ("orders-per-account", self.orders_per_account),
            ("orders-per-service", self.orders_per_service),
            ("failures-per-account", self.failures_per_account),
            ("requests-per-address", self.requests_per_address),
        ]
    }
}

fn read(text: &str) -> Option<Option<Limit>> {
    if text == "off" {
        return Some(None);
    }
    let (count, period) = text.split_once('/')?;
    let unit_ms = match period.chars().next_back()? {
        's' => SECOND_MS,
        'm' => MINUTE_MS,
        'h' => HOUR_MS,
        'd' => DAY_MS,
        _ => return None,
    };
    let units: i64 = match period.get(..period.len().checked_sub(1)?)? {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    let period_ms = units.checked_mul(unit_ms)?;
    let count: u32 = count.parse().ok()?;
    let sound = count > 0 && (SECOND_MS..=PERIOD_MS_MAX).contains(&period_ms);
    sound.then_some(Some(Limit { count, period_ms }))
}

/// Counts requests by address: each pays its part of the period, and may be a whole count in debt
/// (the generic cell rate algorithm).
#[derive(Default)]
pub(crate) struct ByAddress {
    /// When an address has paid off.
    paid_at: Mutex<BTreeMap<IpAddr, i64>>,
}

impl ByAddress {
    /// Takes one request, or says in how many seconds to come again.
    pub(crate) fn take(&self, limit: Limit, from: IpAddr, now: Time) -> Result<(), u32> {
        let now_ms = now.unix_ms();
        // In thousandths of a millisecond, so that a high limit is kept exactly.
        let price = limit.period_ms.saturating_mul(1_000) / i64::from(limit.count.max(1));
        let (now, period) = (now_ms.saturating_mul(1_000), limit.period_ms.saturating_mul(1_000));
        let mut all = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES_MAX {
            all.retain(|_, paid| *paid > now);
            if all.len() >= ADDRESSES_MAX {
                all.clear();
            }
        }
        let paid = all.entry(network(from)).or_insert(now);
        let next = (*paid).max(now).saturating_add(price);
        let too_much = next.saturating_sub(now).saturating_sub(period);
        if too_much > 0 {
            return Err(u32::try_from(too_much / 1_000_000).unwrap_or(u32::MAX).saturating_add(1));
        }
        *paid = next;
        Ok(())
    }
}

/// Whoever has one address of an IPv6 network has all of its /64 (RFC 4291, section 2.5.4).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<Limit>, BadLimit> {
        Limits::parse(&[format!("orders-per-account={text}")]).map(|all| all.orders_per_account)
    }

    #[test]
    fn limits_are_written_as_a_count_and_a_period() {
        let limit = |count, period_ms| Ok(Some(Limit { count, period_ms }));
        assert_eq!(parsed("300/3h"), limit(300, 3 * HOUR_MS));
        assert_eq!(parsed("5/s"), limit(5, SECOND_MS));
        assert_eq!(parsed("5/31d"), limit(5, 31 * DAY_MS));
        assert_eq!(parsed("off"), Ok(None));
        for bad in ["", "5", "5/", "0/h", "-1/h", "5/0s", "5/32d", "5/h5", "5/1w", "x/h", "5/ü"] {
            assert_eq!(parsed(bad), Err(BadLimit::Value(bad.to_owned())), "{bad}");
        }
        let name = Limits::parse(&["orders=1/h".to_owned()]);
        assert_eq!(name, Err(BadLimit::Name("orders".to_owned())));
        assert_eq!(Limit { count: 300, period_ms: 3 * HOUR_MS }.to_string(), "300 in 3h");
        assert_eq!(Limit { count: 1, period_ms: 90_000 }.to_string(), "1 in 90s");
    }

    #[test]
    fn an_address_may_ask_so_often_and_again_when_it_waited() {
        let (limit, all) = (Limit { count: 3, period_ms: 60_000 }, ByAddress::default());
        let now = Time::from_unix_seconds(1_800_000_000);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(all.take(limit, one, now), Ok(()));
        }
        assert_eq!(all.take(limit, one, now), Err(21));
        assert_eq!(all.take(limit, "192.0.2.2".parse().unwrap(), now), Ok(()), "somebody else");
        assert_eq!(all.take(limit, one, now.plus_ms(20_000)), Ok(()));
        assert!(all.take(limit, one, now.plus_ms(20_000)).is_err());
        // One IPv6 network is one client; an IPv4 address in disguise is that address.
        for (n, text) in ["2001:db8::1", "2001:db8::2", "2001:db8::3"].into_iter().enumerate() {
            assert_eq!(all.take(limit, text.parse().unwrap(), now), Ok(()), "{n}");
        }
        assert!(all.take(limit, "2001:db8:0:0:ffff::".parse().unwrap(), now).is_err());
        assert!(all.take(limit, "::ffff:192.0.2.1".parse().unwrap(), now).is_err());
    }
}
