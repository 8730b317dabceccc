//! What an account may still ask for, counted from what is stored (RFC 8555, section 6.6).

use bailiwick_core::gate::Account;
use bailiwick_core::time::Time;

use super::App;
use crate::fault::Fault;
use crate::limits::Limit;
use crate::world::{id_from, time_of_id};

/// Too much was asked for.
#[derive(Debug)]
pub(crate) struct Limited {
    /// Which limit, and what to do.
    pub detail: String,
    /// When asking again is of use, in seconds.
    pub retry_after_seconds: u32,
}

impl App {
    /// Whether an account may place one more order.
    pub(crate) async fn may_order(&self, account: &Account) -> Result<Result<(), Limited>, Fault> {
        let now = self.now();
        if let Some(limit) = self.settings.limits.orders_per_account {
            let (since, n) =
                (id_from(now.plus_ms(-limit.period_ms)), limit.count.saturating_sub(1));
            let found = self.store.order_of_account_back(&account.id, &since, n).await?;
            if let Some(oldest) = found {
                return Ok(Err(limited("orders of this account", limit, oldest.as_str(), now)));
            }
        }
        if let Some(limit) = self.settings.limits.orders_per_service {
            let (since, n) =
                (id_from(now.plus_ms(-limit.period_ms)), limit.count.saturating_sub(1));
            let found = self.store.order_of_service_back(&account.service, &since, n).await?;
            if let Some(oldest) = found {
                let what = format!("orders of service `{}`", account.service);
                return Ok(Err(limited(&what, limit, oldest.as_str(), now)));
            }
        }
        self.may_try(account).await
    }

    /// Whether an account may have one more name looked at, or one more order judged.
    pub(crate) async fn may_try(&self, account: &Account) -> Result<Result<(), Limited>, Fault> {
        let Some(limit) = self.settings.limits.failures_per_account else { return Ok(Ok(())) };
        let now = self.now();
        let (since, n) = (id_from(now.plus_ms(-limit.period_ms)), limit.count.saturating_sub(1));
        let found = self.store.failure_of_account_back(&account.id, &since, n).await?;
        Ok(match found {
            Some(oldest) => {
                let what = "failed validations and refused orders of this account";
                Err(limited(what, limit, &oldest, now))
            }
            None => Ok(()),
        })
    }
}

/// The limit is reached for as long as the oldest that counts is not past the period.
fn limited(what: &str, limit: Limit, oldest: &str, now: Time) -> Limited {
    let made = time_of_id(oldest).unwrap_or(now);
    let wait_ms = made.plus_ms(limit.period_ms).ms_since(now).clamp(0, limit.period_ms);
    let retry_after_seconds = u32::try_from(wait_ms / 1_000).unwrap_or(u32::MAX).saturating_add(1);
    Limited {
        detail: format!("too many {what}: {limit}; try again in {retry_after_seconds} s"),
        retry_after_seconds,
    }
}
