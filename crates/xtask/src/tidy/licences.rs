//! Licences of everything that is linked into the program.

use std::path::Path;

use serde_json::Value;

use super::Problem;
use crate::run;
use crate::stop::Stop;

/// Licences that fit a product under MIT or Apache-2.0 without asking more of its users.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub(super) fn check(root: &Path) -> Result<Vec<Problem>, Stop> {
    let command = "cargo metadata --format-version 1";
    let printed = run::read("cargo", &["metadata", "--format-version", "1"], root)?;
    let json: Value = serde_json::from_str(&printed)
        .map_err(|source| Stop::NotJson { command: command.to_owned(), source })?;
    let lacks = Stop::Lacks { command: command.to_owned(), field: "packages" };
    let packages = json.get("packages").and_then(Value::as_array).ok_or(lacks)?;
    Ok(packages.iter().filter_map(unfit).collect())
}

fn unfit(package: &Value) -> Option<Problem> {
    let text = |field: &str| package.get(field).and_then(Value::as_str).unwrap_or_default();
    let licence = text("license");
    if fits(licence) {
        return None;
    }
    let what = format!("`{} {}` is under `{licence}`", text("name"), text("version"));
    let remedy =
        "do without it, or accept the licence in crates/xtask/src/tidy/licences.rs and say why";
    Some(Problem::new("Cargo.lock", 0, what, remedy))
}

/// Whether a licence expression leaves us a way that we accept. Parentheses appear only around one
/// side's alternatives, so each side of an `AND` is read by itself.
fn fits(licence: &str) -> bool {
    // An old spelling of OR.
    let licence = licence.replace('/', " OR ");
    let licence = licence.trim();
    if let Some(inner) = licence.strip_prefix('(').and_then(|l| l.strip_suffix(')'))
        && !inner.contains(['(', ')'])
    {
        return fits(inner);
    }
    if let Some((left, right)) = split_outside(licence, " OR ") {
        return fits(left) || fits(right);
    }
    if let Some((left, right)) = split_outside(licence, " AND ") {
        return fits(left) && fits(right);
    }
    let one = licence.trim_matches(['(', ')', ' ']);
    ACCEPTED.contains(&one)
}

/// Splits at the first `word` that is not inside parentheses.
fn split_outside<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let at = text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text.get(..at).unwrap_or_default();
        before.matches('(').count() == before.matches(')').count()
    })?;
    Some((text.get(..at)?, text.get(at.saturating_add(word.len())..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_understood() {
        let check =
            |licence: &str, expected: bool| assert_eq!(fits(licence), expected, "{licence}");
        check("MIT OR Apache-2.0", true);
        check("MIT/Apache-2.0", true);
        check("GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT", true);
        check("MIT AND GPL-2.0", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("(MIT OR GPL-2.0) AND AGPL-3.0", false);
        check("ISC AND (Apache-2.0 OR ISC) AND OpenSSL", true);
        check("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true);
        check("", false);
    }
}
