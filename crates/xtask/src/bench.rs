//! `cargo xtask bench`: measures a release build and writes the table of docs/performance.md.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::repo;
use crate::run::Line;
use crate::stop::Stop;

pub(crate) const HELP: &str = "\
Builds bailiwick for release, measures it, and writes the figures.

usage: cargo xtask bench [-- OPTIONS OF bailiwick bench]

  docs/performance.json   the figures as `bailiwick bench --json` printed them
  docs/performance.md     the table between its markers
";

const BEGIN: &str = "<!-- bench:begin (written by cargo xtask bench) -->";
const END: &str = "<!-- bench:end -->";
const PAGE: &str = "docs/performance.md";
const FIGURES: &str = "docs/performance.json";

pub(crate) fn main(words: &[String]) -> Result<ExitCode, Stop> {
    let options = match words {
        [] => &[],
        [dashes, options @ ..] if dashes == "--" => options,
        _ => return Err(Stop::Usage("options of the measurement come after `--`".to_owned())),
    };
    let root = repo::root();
    Line::new("cargo", &["build", "--release", "-p", "bailiwick"]).must(&root)?;
    let run = ["run", "--quiet", "--release", "-p", "bailiwick", "--", "bench", "--json"];
    let mut line = Line::new("cargo", &run);
    line.args.extend_from_slice(options);
    let printed = line.read(&root)?;
    let json: Value = serde_json::from_str(&printed)
        .map_err(|source| Stop::NotJson { command: line.shown(), source })?;
    let table = table(&json).map_err(|field| Stop::Lacks { command: line.shown(), field })?;
    print!("{table}");
    repo::write(&root, FIGURES, &format!("{}\n", printed.trim_end()))?;
    write_page(&root, &table)?;
    Ok(ExitCode::SUCCESS)
}

fn write_page(root: &Path, table: &str) -> Result<(), Stop> {
    let page = repo::text(root, PAGE)?.unwrap_or_default();
    let markers = Stop::NoMarkers { path: PAGE.into(), begin: BEGIN, end: END };
    let fresh = between(&page, table).ok_or(markers)?;
    repo::write(root, PAGE, &fresh)?;
    println!("{PAGE} and {FIGURES} written");
    Ok(())
}

/// The page with the text between the markers replaced; `None` without the markers.
fn between(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

/// The figures as a Markdown table; the name of what is missing when something is.
///
/// `{"machine": "…", "version": "…", "results": [{"name", "value", "unit", "p50_ms"?, "p99_ms"?, "cpu_us"?, "how"?}]}`
fn table(json: &Value) -> Result<String, &'static str> {
    let text = |value: &Value, field: &'static str| {
        value.get(field).and_then(Value::as_str).map(str::to_owned).ok_or(field)
    };
    let mut out = format!(
        "\nMeasured on {}, bailiwick {}.\n\n\
         | what | figure | p50 | p99 | CPU each | how |\n|---|---:|---:|---:|---:|---|\n",
        text(json, "machine")?,
        text(json, "version")?
    );
    let results = json.get("results").and_then(Value::as_array).ok_or("results")?;
    for row in results {
        let value = row.get("value").and_then(Value::as_f64).ok_or("value")?;
        let optional = |field: &str, unit: &str| {
            let found = row.get(field).and_then(Value::as_f64);
            found.map_or_else(|| "–".to_owned(), |n| format!("{} {unit}", figure(n)))
        };
        let how = row.get("how").and_then(Value::as_str).unwrap_or_default();
        out += &format!(
            "| {} | {} {} | {} | {} | {} | {} |\n",
            cell(&text(row, "name")?),
            figure(value),
            cell(&text(row, "unit")?),
            optional("p50_ms", "ms"),
            optional("p99_ms", "ms"),
            optional("cpu_us", "µs"),
            cell(how)
        );
    }
    out.push('\n');
    Ok(out)
}

/// Three significant digits for small numbers, thousands apart for big ones.
fn figure(n: f64) -> String {
    if n.abs() < 10.0 {
        return format!("{n:.2}");
    }
    if n.abs() < 100.0 {
        return format!("{n:.1}");
    }
    let whole = format!("{n:.0}");
    let digits = whole.trim_start_matches('-').len();
    let mut out = String::new();
    for (place, c) in whole.chars().rev().enumerate() {
        if place > 0 && place < digits && place % 3 == 0 {
            out.insert(0, ',');
        }
        out.insert(0, c);
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        let check = |n: f64, expected: &str| assert_eq!(figure(n), expected);
        check(0.456, "0.46");
        check(45.67, "45.7");
        check(1234.5, "1,234");
        check(9_876_543.0, "9,876,543");
        check(-123.0, "-123");
    }

    #[test]
    fn json_becomes_a_table_between_the_markers() {
        let json = serde_json::json!({"machine": "2 cores", "version": "0.1.0", "results": [
            {"name": "ledger | appends", "value": 10400.0, "unit": "/s", "p99_ms": 41.2, "how": "c16"},
        ]});
        let table = table(&json).unwrap();
        assert!(
            table.contains("| ledger \\| appends | 10,400 /s | – | 41.2 ms | – | c16 |\n"),
            "{table}"
        );
        let page = format!("# Performance\n{BEGIN}\nold\n{END}\nrest\n");
        let fresh = between(&page, &table).unwrap();
        assert_eq!(fresh, format!("# Performance\n{BEGIN}\n{table}{END}\nrest\n"));
        assert_eq!(between(&fresh, &table).unwrap(), fresh);
    }

    #[test]
    fn what_is_missing_is_named() {
        let json = serde_json::json!({"machine": "m", "version": "v", "results": [{"name": "x"}]});
        assert_eq!(table(&json), Err("value"));
        assert_eq!(between("no markers", ""), None);
    }
}
