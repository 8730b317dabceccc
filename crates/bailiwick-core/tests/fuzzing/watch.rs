//! Time and memory of a fuzz run: no input may hold a worker or fill the machine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One input takes at most this long, on a machine that builds other things beside.
const CASE_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 250 });
/// After this long on one input the run is given up as hanging.
const HANG_AFTER: Duration = Duration::from_secs(60);
/// The whole test process holds at most this much memory at any time.
const MEMORY_KIB_MAX: u64 = 768 * 1_024;

/// Watches a run from a thread of its own.
pub(crate) struct Watch {
    case: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    input: Arc<Mutex<String>>,
    slowest: Duration,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let watch = Self {
            case: Arc::default(),
            over: Arc::default(),
            input: Arc::default(),
            slowest: Duration::ZERO,
        };
        let (case, over) = (Arc::clone(&watch.case), Arc::clone(&watch.over));
        let input = Arc::clone(&watch.input);
        std::thread::spawn(move || {
            let (mut last, mut since) = (0, Instant::now());
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
                let now = case.load(Ordering::Relaxed);
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > HANG_AFTER {
                    let input = input.lock().map(|text| text.clone()).unwrap_or_default();
                    eprintln!("an input holds the reader for over {HANG_AFTER:?}\n{input}");
                    std::process::abort();
                }
            }
        });
        watch
    }

    /// Times one case. One that is too slow is tried again: the machine may have been busy.
    pub(crate) fn time(&mut self, describe: impl Fn() -> String, act: impl Fn()) {
        if let Ok(mut input) = self.input.lock() {
            *input = describe();
        }
        let mut took = CASE_MAX;
        for _ in 0..3 {
            self.case.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            act();
            took = began.elapsed().min(took);
            if took < CASE_MAX {
                break;
            }
        }
        assert!(took < CASE_MAX, "the input holds the reader for over {CASE_MAX:?}");
        self.slowest = self.slowest.max(took);
    }

    pub(crate) const fn slowest(&self) -> Duration {
        self.slowest
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Fails when the process ever held more than it may. Where there is no `/proc`, it says nothing.
pub(crate) fn check_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let words = peak.and_then(|rest| rest.split_whitespace().next());
    let kib: u64 = words.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    assert!(kib <= MEMORY_KIB_MAX, "the process held {kib} KiB");
}
