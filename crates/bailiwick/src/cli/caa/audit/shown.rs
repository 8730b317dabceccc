//! What an audit says while it runs and at its end.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_connect::dns::sweep::SweepTally;
use bailiwick_wire::caa_audit::Summary;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::audit::{About, NameList};

/// Where nobody watches a bar, a line is written after so many ticks of a quarter of a second.
const LINE_TICKS: u64 = 120;
/// Kinds of findings shown.
const KINDS_SHOWN: usize = 12;

/// How far it is, on standard error.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    already: u64,
    total: u64,
    ticks: AtomicU64,
}

impl Progress {
    pub(super) fn begin(already: u64, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "{bar:30} {human_pos} of {human_len} names, {per_sec}, {eta} to go",
            );
            let bar = ProgressBar::new(total).with_position(already);
            bar.reset_eta();
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, already, total, ticks: AtomicU64::new(0) }
    }

    pub(super) fn at(&self, seen: u64) {
        let position = self.already.saturating_add(seen);
        match &self.bar {
            Some(bar) => bar.set_position(position),
            None if self.ticks.fetch_add(1, Ordering::Relaxed) % LINE_TICKS == LINE_TICKS - 1 => {
                eprintln!("{position} of {} names", self.total);
            }
            None => {}
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// For programs.
pub(super) fn json(about: &About, summary: &Summary, tally: SweepTally) -> Value {
    json!({
        "about": about,
        "names": summary.names,
        "with_set": summary.with_set,
        "without_set": summary.without_set,
        "unknown": summary.unknown,
        "names_high": summary.names_high,
        "names_medium": summary.names_medium,
        "findings": summary
            .findings_worst_first()
            .into_iter()
            .map(|(kind, found)| (kind.as_str().to_owned(), found.count.into()))
            .collect::<serde_json::Map<String, Value>>(),
        "questions": tally.questions,
        "repeated": tally.repeated,
        "careful": tally.careful,
    })
}

fn zones(count: usize) -> String {
    if count == 1 { "one zone".to_owned() } else { format!("{count} zones") }
}

/// For people.
pub(super) fn text(
    summary: &Summary,
    list: &NameList,
    tally: SweepTally,
    milliseconds: i64,
    outs: &[PathBuf],
) -> String {
    let mut text = format!(
        "{} names in {}: {} with CAA, {} without, {} could not be decided.\n",
        summary.names,
        zones(summary.zones.len()),
        summary.with_set,
        summary.without_set,
        summary.unknown
    );
    for (kind, found) in summary.findings_worst_first().into_iter().take(KINDS_SHOWN) {
        let line =
            format!("  {:<6} {:>8}  {}", kind.severity().to_string(), found.count, kind.title());
        // Writing into a String cannot fail.
        writeln!(text, "{line}").unwrap_or_default();
    }
    if list.rejected.count > 0 {
        let first = list.rejected.kept.first();
        let first = first.map_or_else(String::new, |(place, line, why)| {
            format!(", the first at {place}: `{line}`: {why}")
        });
        writeln!(text, "{} lines are no names and were not audited{first}", list.rejected.count)
            .unwrap_or_default();
    }
    let tenths = milliseconds / 100;
    let wholes: Vec<String> = outs.iter().map(|path| path.display().to_string()).collect();
    write!(
        text,
        "{} questions ({} repeated, {} looked up one by one), {}.{} s. Report: {}",
        tally.questions,
        tally.repeated,
        tally.careful,
        tenths / 10,
        tenths % 10,
        wholes.join(", ")
    )
    .unwrap_or_default();
    text
}
