//! Figures, and how they are printed: a table for people, JSON for `cargo xtask bench`.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// One figure.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    p50: Option<Duration>,
    p99: Option<Duration>,
    cpu_us: Option<f64>,
    how: String,
}

impl Figure {
    /// A value of a thing.
    pub(super) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (p50, p99, cpu_us, how) = (None, None, None, String::new());
        Self { name: name.into(), value, unit, p50, p99, cpu_us, how }
    }

    /// With how long one took: half took at most the first, all but one in a hundred the second.
    pub(super) const fn took(mut self, p50: Duration, p99: Duration) -> Self {
        (self.p50, self.p99) = (Some(p50), Some(p99));
        self
    }

    /// With the CPU time of one.
    pub(super) const fn cpu(mut self, each_us: f64) -> Self {
        self.cpu_us = Some(each_us);
        self
    }

    /// With what exactly was done.
    pub(super) fn how(mut self, how: impl Into<String>) -> Self {
        self.how = how.into();
        self
    }

    /// Tells whoever waits, at once.
    pub(super) fn tell(&self) {
        eprintln!("          {}: {} {}; {}", self.name, shown(self.value), self.unit, self.how);
    }

    fn json(&self) -> Value {
        let mut row = Map::new();
        row.insert("name".to_owned(), self.name.as_str().into());
        row.insert("value".to_owned(), rounded(self.value).into());
        row.insert("unit".to_owned(), self.unit.into());
        let ms = |took: Duration| rounded(took.as_secs_f64() * 1_000.0);
        let optional = [
            ("p50_ms", self.p50.map(ms)),
            ("p99_ms", self.p99.map(ms)),
            ("cpu_us", self.cpu_us.map(rounded)),
        ];
        let known = optional.into_iter().filter_map(|(key, value)| Some((key, value?)));
        row.extend(known.map(|(key, value)| (key.to_owned(), value.into())));
        if !self.how.is_empty() {
            row.insert("how".to_owned(), self.how.as_str().into());
        }
        Value::Object(row)
    }

    fn line(&self) -> String {
        let ms = |took: Option<Duration>| {
            took.map_or_else(|| "-".to_owned(), |took| shown(took.as_secs_f64() * 1_000.0))
        };
        let cpu = self.cpu_us.map_or_else(|| "-".to_owned(), shown);
        format!(
            "{:<52} {:>10} {:<8} {:>9} {:>9} {:>10}",
            self.name,
            shown(self.value),
            self.unit,
            ms(self.p50),
            ms(self.p99),
            cpu
        )
    }
}

/// Every figure of a run.
pub(super) struct Report {
    machine: String,
    figures: Vec<Figure>,
    began: Instant,
}

impl Report {
    /// Of this machine.
    pub(super) fn new(machine: String) -> Self {
        Self { machine, figures: Vec::new(), began: Instant::now() }
    }

    /// Tells whoever waits what is measured next.
    pub(super) fn begin(&self, what: &str) {
        eprintln!("[{:>5.1} s] measuring {what}", self.began.elapsed().as_secs_f64());
    }

    /// Adds figures, and tells whoever waits.
    pub(super) fn extend(&mut self, figures: impl IntoIterator<Item = Figure>) {
        for figure in figures {
            eprintln!("          {}: {} {}", figure.name, shown(figure.value), figure.unit);
            self.figures.push(figure);
        }
    }

    /// Adds figures that were told.
    pub(super) fn keep(&mut self, figures: Vec<Figure>) {
        self.figures.extend(figures);
    }

    /// For programs; `cargo xtask bench` reads it.
    pub(super) fn json(&self) -> String {
        let results: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        let report = json!({
            "machine": self.machine,
            "version": version(),
            "results": results,
        });
        format!("{report:#}")
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "bailiwick {} on {}\n\n{:<52} {:>10} {:<8} {:>9} {:>9} {:>10}\n",
            version(),
            self.machine,
            "",
            "",
            "",
            "p50 ms",
            "p99 ms",
            "CPU µs"
        );
        for figure in &self.figures {
            text.push_str(&figure.line());
            text.push('\n');
        }
        text.push_str("\nHow each was measured stands in `bailiwick bench --json`.");
        text
    }
}

fn version() -> String {
    let build = if cfg!(debug_assertions) { " (debug build)" } else { "" };
    format!("{}{build}", env!("CARGO_PKG_VERSION"))
}

/// Three digits behind the point: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// As many digits as a person reads.
fn shown(value: f64) -> String {
    let places = match value.abs() {
        below if below < 1.0 => 3,
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_what_xtask_reads() {
        let mut report = Report::new("2 cores".to_owned());
        let (p50, p99) = (Duration::from_micros(1_500), Duration::from_millis(9));
        report.extend([
            Figure::new("appends", 1234.5, "/s").took(p50, p99).cpu(81.25).how("64 tasks"),
            Figure::new("memory", 40.0, "MiB"),
        ]);
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["machine"], "2 cores");
        assert_eq!(
            json["results"],
            json!([
                {"name": "appends", "value": 1234.5, "unit": "/s", "p50_ms": 1.5, "p99_ms": 9.0,
                 "cpu_us": 81.25, "how": "64 tasks"},
                {"name": "memory", "value": 40.0, "unit": "MiB"},
            ])
        );
    }

    #[test]
    fn a_figure_has_no_more_digits_than_it_is_worth() {
        let check = |value: f64, expected: &str| assert_eq!(shown(value), expected);
        check(0.04567, "0.046");
        check(4.567, "4.57");
        check(45.67, "45.7");
        check(45_678.9, "45679");
    }
}
