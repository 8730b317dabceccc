//! A clock that only moves when somebody moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bailiwick_core::time::Time;
use futures::future::BoxFuture;

use crate::world::Clock;

pub(super) struct SimClock {
    begin: (Instant, i64),
    now: AtomicI64,
}

impl SimClock {
    pub(super) fn new(now: Time) -> Self {
        Self { begin: (Instant::now(), now.unix_ms()), now: AtomicI64::new(now.unix_ms()) }
    }

    pub(super) fn goes_on(&self, ms: u64) {
        self.now.fetch_add(i64::try_from(ms).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Time {
        Time::from_unix_ms(self.now.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Instant {
        let passed = self.now().unix_ms() - self.begin.1;
        self.begin.0 + Duration::from_millis(u64::try_from(passed).unwrap())
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.goes_on(u64::try_from(time.as_millis()).unwrap()) })
    }
}
