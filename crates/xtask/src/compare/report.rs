//! What came of it: medians of each, and medians of the ratios of pairs.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

use super::server::Server;
use crate::repo;
use crate::stop::Stop;

const PAGE: &str = "docs/performance.md";
const FIGURES: &str = "docs/compare.json";
const BEGIN: &str = "<!-- compare:begin (written by cargo xtask campaign compare) -->";
const END: &str = "<!-- compare:end -->";

/// Figures of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    per_second: f64,
    cpu_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
    memory_mib: f64,
    written_kib: f64,
    failed: u64,
    /// CPU seconds that strangers used meanwhile.
    others_s: f64,
}

/// Two runs that followed each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) clients: u32,
    pub(crate) other: Server,
    pub(crate) own: Run,
    pub(crate) theirs: Run,
}

/// What is read off a run.
type Field = fn(&Run) -> f64;

impl Run {
    /// Out of a report of acmeload; nothing where it did not get one certificate.
    pub(crate) fn read(report: &Value) -> Option<Self> {
        let number = |path: &str| report.pointer(path).and_then(Value::as_f64);
        if number("/result/orders_ok")? < 1.0 {
            return None;
        }
        Some(Self {
            per_second: number("/result/orders_per_s")?,
            cpu_ms: number("/server/cpu_s_per_order")? * 1_000.0,
            p50_ms: number("/result/latency/p50_ms")?,
            p99_ms: number("/result/latency/p99_ms")?,
            memory_mib: number("/server/rss_kib_peak")? / 1_024.0,
            written_kib: number("/server/write_bytes_per_order")? / 1_024.0,
            failed: report.pointer("/result/orders_failed").and_then(Value::as_u64)?,
            others_s: number("/machine/other_cpu_s")?,
        })
    }

    fn json(&self) -> Value {
        json!({
            "orders_per_s": self.per_second, "cpu_ms": self.cpu_ms, "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms, "memory_mib": self.memory_mib, "written_kib": self.written_kib,
            "failed": self.failed, "cpu_s_of_strangers": self.others_s,
        })
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} orders/s, {:.2} ms of CPU each, p50 {:.0} ms, p99 {:.0} ms, {:.0} MiB, {:.0} KiB written each, \
             {} failed, {:.1} s of CPU by strangers",
            self.per_second,
            self.cpu_ms,
            self.p50_ms,
            self.p99_ms,
            self.memory_mib,
            self.written_kib,
            self.failed,
            self.others_s,
        )
    }
}

/// The machine in a few words.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    let model = model.map_or("unknown", |(_, model)| model);
    format!("{cores} cores ({model}), load {load} at the end")
}

/// Everything, for programs.
pub(crate) fn json(pairs: &[Pair], machine: &str) -> String {
    let rows: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            json!({
                "clients": pair.clients, "other": pair.other.name(),
                "bailiwick": pair.own.json(), "theirs": pair.theirs.json(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "machine": machine, "pairs": rows }))
}

/// A table for people.
pub(crate) fn table(pairs: &[Pair], machine: &str) -> String {
    let count = pairs.len() / super::MEETINGS.len().max(1);
    let mut out = format!(
        "\nMeasured on {machine}; {count} pairs of runs of each, medians; servers and client share the cores.\n\n\
         | clients | server | orders/s | CPU an order | p50 | p99 | memory | written an order | failed |\n\
         |---:|---|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for (other, clients) in super::MEETINGS {
        let of: Vec<&Pair> =
            pairs.iter().filter(|one| one.other == other && one.clients == clients).collect();
        let own: Vec<Run> = of.iter().map(|pair| pair.own).collect();
        let theirs: Vec<Run> = of.iter().map(|pair| pair.theirs).collect();
        out += &row(clients, Server::Bailiwick.name(), &own);
        out += &row(clients, other.name(), &theirs);
        let ratio = |field: Field| {
            median(of.iter().map(|pair| field(&pair.own) / field(&pair.theirs)).collect())
        };
        out += &format!(
            "| {clients} | *ratio* | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | |\n",
            ratio(|run| run.per_second),
            ratio(|run| run.cpu_ms),
            ratio(|run| run.p50_ms),
            ratio(|run| run.p99_ms),
            ratio(|run| run.memory_mib),
            ratio(|run| run.written_kib),
        );
    }
    out + "\n"
}

fn row(clients: u32, name: &str, runs: &[Run]) -> String {
    let of = |field: Field| median(runs.iter().map(field).collect());
    let failed: u64 = runs.iter().map(|run| run.failed).sum();
    format!(
        "| {clients} | {name} | {:.0} | {:.2} ms | {:.0} ms | {:.0} ms | {:.0} MiB | {:.0} KiB | {failed} |\n",
        of(|run| run.per_second),
        of(|run| run.cpu_ms),
        of(|run| run.p50_ms),
        of(|run| run.p99_ms),
        of(|run| run.memory_mib),
        of(|run| run.written_kib),
    )
}

/// The middle one; of two in the middle the lower.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Writes the table between its markers, and the figures beside it.
pub(crate) fn write(root: &Path, table: &str, json: &str) -> Result<(), Stop> {
    let page = repo::text(root, PAGE)?.unwrap_or_default();
    let markers = || Stop::NoMarkers { path: PAGE.into(), begin: BEGIN, end: END };
    let (before, rest) = page.split_once(BEGIN).ok_or_else(markers)?;
    let (_, after) = rest.split_once(END).ok_or_else(markers)?;
    repo::write(root, PAGE, &format!("{before}{BEGIN}\n{table}{END}{after}"))?;
    repo::write(root, FIGURES, json)?;
    println!("{PAGE} and {FIGURES} written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(per_second: f64) -> Run {
        Run {
            per_second,
            cpu_ms: 2.0,
            p50_ms: 30.0,
            p99_ms: 50.0,
            memory_mib: 50.0,
            written_kib: 60.0,
            failed: 0,
            others_s: 0.5,
        }
    }

    #[test]
    fn ratios_are_of_pairs_and_not_of_medians() {
        let pair = |own, theirs| Pair {
            clients: 16,
            other: Server::Caddy,
            own: run(own),
            theirs: run(theirs),
        };
        let pairs = [pair(100.0, 50.0), pair(300.0, 100.0), pair(200.0, 10.0)];
        let table = table(&pairs, "2 cores");
        assert!(table.contains("| 16 | Bailiwick | 200 | 2.00 ms |"), "{table}");
        assert!(table.contains("| 16 | Caddy | 50 |"), "{table}");
        assert!(table.contains("| 16 | *ratio* | 3.00 | 1.00 |"), "{table}");
    }

    #[test]
    fn a_report_without_a_certificate_is_none() {
        let report = json!({ "result": { "orders_ok": 0 } });
        assert_eq!(Run::read(&report), None);
    }
}
