//! What a process used, as the kernel counts it (proc(5)).

use std::path::PathBuf;

/// Clock ticks a second in `/proc`: `USER_HZ`, which is 100 on every architecture that Linux runs
/// Rust's standard library on.
const TICKS_PER_SECOND: u32 = 100;

/// A process to look at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Process {
    /// This one.
    Own,
    /// Another, by its id.
    Other(u32),
}

impl Process {
    fn file(self, name: &str) -> Option<String> {
        let process = match self {
            Self::Own => "self".to_owned(),
            Self::Other(id) => id.to_string(),
        };
        std::fs::read_to_string(PathBuf::from("/proc").join(process).join(name)).ok()
    }

    /// CPU time so far, user and system, of all its threads, in seconds; children are not counted.
    pub(super) fn cpu_seconds(self) -> Option<f64> {
        let ticks = ticks(&self.file("stat")?)?;
        Some(f64::from(ticks) / f64::from(TICKS_PER_SECOND))
    }

    /// Memory in use now, in MiB.
    pub(super) fn memory_mib(self) -> Option<f64> {
        kib(&self.file("status")?, "VmRSS:").map(mib)
    }

    /// The most memory it ever used, in MiB.
    pub(super) fn memory_peak_mib(self) -> Option<f64> {
        kib(&self.file("status")?, "VmHWM:").map(mib)
    }

    /// KiB it caused to be written to disk so far.
    pub(super) fn written_kib(self) -> Option<f64> {
        written_kib(&self.file("io")?)
    }
}

/// A stretch of CPU time of this process.
pub(super) struct Cpu {
    began: Option<f64>,
}

impl Cpu {
    /// Begins now.
    pub(super) fn of_this_process() -> Self {
        Self { began: Process::Own.cpu_seconds() }
    }

    /// CPU microseconds since then; not a number where `/proc` cannot be read, so that nobody takes
    /// it for none.
    pub(super) fn spent_us(&self) -> f64 {
        let spent = self.began.zip(Process::Own.cpu_seconds()).map(|(began, now)| now - began);
        spent.map_or(f64::NAN, |seconds| seconds * 1e6)
    }
}

fn mib(kib: u32) -> f64 {
    f64::from(kib) / 1024.0
}

/// `utime` and `stime` of a `stat` line. The name in parentheses may hold anything, so the fields
/// are counted from the last one that closes.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    user.checked_add(system)
}

fn kib(status: &str, field: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn written_kib(io: &str) -> Option<f64> {
    let octets: u64 =
        io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()?;
    u32::try_from(octets / 1024).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "17 (a (b) c) S 1 17 17 0 -1 4194560 900 0 0 0 120 34 7 8 20 0 3 0 55 1000 200";
        assert_eq!(ticks(stat), Some(154));
        assert_eq!(ticks("17 (x) S 1"), None);
    }

    #[test]
    fn memory_and_writes_are_read_by_name() {
        let status = "VmPeak:\t  900 kB\nVmHWM:\t  40960 kB\nVmRSS:\t   2048 kB\n";
        assert_eq!((kib(status, "VmHWM:"), kib(status, "VmRSS:")), (Some(40_960), Some(2_048)));
        assert_eq!(kib(status, "VmSwap:"), None);
        let io = "rchar: 5\nwrite_bytes: 20480\ncancelled_write_bytes: 0\n";
        assert_eq!(written_kib(io), Some(20.0));
    }

    #[test]
    fn this_process_can_be_read() {
        assert!(Process::Own.cpu_seconds().is_some());
        assert!(Process::Own.memory_mib().unwrap() <= Process::Own.memory_peak_mib().unwrap());
    }
}
