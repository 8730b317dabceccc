//! Durations of single operations: collected, and read as percentiles.

use std::time::{Duration, Instant};

use super::figure::Figure;
use super::process::Cpu;

/// Durations kept at most: 16 MiB.
const SAMPLES_MAX: u32 = 1_000_000;

/// How long each operation of a measure took, and what all of them took together.
pub(super) struct Samples {
    sorted: Vec<Duration>,
    wall: Duration,
}

impl Samples {
    /// Takes durations in any order.
    pub(super) fn new(mut each: Vec<Duration>, wall: Duration) -> Self {
        each.sort_unstable();
        Self { sorted: each, wall }
    }

    /// How many.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.sorted.len()).unwrap_or(u32::MAX)
    }

    /// How many a second, by the clock.
    pub(super) fn per_second(&self) -> f64 {
        f64::from(self.count()) / self.wall.as_secs_f64().max(f64::EPSILON)
    }

    /// The shortest duration that `percent` of all operations did not exceed (nearest rank).
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let rank = self.sorted.len().saturating_mul(percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// `total` shared among all operations.
    pub(super) fn each(&self, total: f64) -> f64 {
        total / f64::from(self.count().max(1))
    }

    /// A figure of these.
    pub(super) fn figure(&self, name: impl Into<String>, unit: &'static str) -> Figure {
        Figure::new(name, self.per_second(), unit).took(self.percentile(50), self.percentile(99))
    }
}

/// Does `one` again and again on this thread for as long as `wanted`, and gives what each took and
/// the CPU microseconds of each. The first few are not counted: caches fill, branches are learned.
pub(super) fn repeat<E>(
    wanted: Duration,
    mut one: impl FnMut() -> Result<(), E>,
) -> Result<(Samples, f64), E> {
    const WARM_UP: u32 = 20;
    for _ in 0..WARM_UP {
        one()?;
    }
    let mut each = Vec::new();
    let cpu = Cpu::of_this_process();
    let began = Instant::now();
    let mut at = began;
    for _ in 0..SAMPLES_MAX {
        one()?;
        let now = Instant::now();
        each.push(now.duration_since(at));
        at = now;
        if now.duration_since(began) >= wanted {
            break;
        }
    }
    let samples = Samples::new(each, began.elapsed());
    let cpu_us = samples.each(cpu.spent_us());
    Ok((samples, cpu_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ms: impl IntoIterator<Item = u64>) -> Samples {
        Samples::new(ms.into_iter().map(Duration::from_millis).collect(), Duration::from_secs(2))
    }

    #[test]
    fn percentiles_are_durations_that_were_measured() {
        let samples = of((1..=200).rev());
        assert_eq!(samples.percentile(50), Duration::from_millis(100));
        assert_eq!(samples.percentile(99), Duration::from_millis(198));
        assert_eq!(samples.percentile(100), Duration::from_millis(200));
        assert_eq!(of([7]).percentile(1), Duration::from_millis(7));
        assert_eq!(of([]).percentile(99), Duration::ZERO);
    }

    #[test]
    fn rates_are_by_the_clock() {
        assert!((of(1..=200).per_second() - 100.0).abs() < 1e-9);
        assert!((of(1..=200).each(50.0) - 0.25).abs() < 1e-9);
    }

    #[test]
    fn a_repeated_operation_stops_at_its_time_and_at_its_error() {
        let mut count = 0;
        let (samples, _) = repeat(Duration::from_millis(5), || {
            count += 1;
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(samples.count() + 20, count);
        assert!(repeat(Duration::from_secs(60), || Err(())).is_err());
    }
}
