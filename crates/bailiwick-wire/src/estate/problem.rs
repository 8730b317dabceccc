//! A problem in an estate folder, and how it is shown.

use std::collections::BTreeMap;

use bailiwick_core::shown::{acts, told};
use serde_json::{Value, json};

/// Characters of a source line that are shown; a longer line is cut around the place.
const LINE_SHOWN_MAX: usize = 120;

/// Problems that are told at most, of the whole folder. A file of another format breaks every rule
/// on every line, and each place has to be looked up.
pub(super) const PROBLEMS_MAX: usize = 1_000;
/// Problems of one file that are told before the files are put together.
pub(super) const PROBLEMS_OF_FILE_MAX: usize = 100;

/// One problem of one place.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct EstateProblem {
    /// The file, as it was handed in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters of the line it is about.
    pub length: usize,
    /// The rule that was broken, such as `two-owners`.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// A place in a text, by octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) end: usize,
}

impl EstateProblem {
    pub(super) fn new(
        (file, text): (&str, &str),
        place: Place,
        rule: &'static str,
        message: String,
        remedy: impl Into<String>,
    ) -> Self {
        let (line, column, length) = locate(text, place);
        let remedy: String = remedy.into();
        Self {
            file: file.to_owned(),
            line,
            column,
            length,
            rule,
            message: told(&message).to_string(),
            remedy: told(&remedy).to_string(),
        }
    }
}

/// Line and column of a place, and how many characters of that line it covers.
fn locate(text: &str, place: Place) -> (usize, usize, usize) {
    let start = floor(text, place.at);
    let before = text.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.get(line_start..).unwrap_or_default().chars().count().saturating_add(1);
    let rest = text.get(start..).unwrap_or_default();
    let on_line = rest.split(['\n', '\r']).next().unwrap_or_default();
    let covered = floor(text, place.end).saturating_sub(start).min(on_line.len());
    let covered = on_line.get(..floor(on_line, covered)).unwrap_or_default();
    (line, column, covered.chars().count().max(1))
}

/// The nearest start of a character at or before an octet.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

/// The problems as people read them: rule, message, the line with a caret, and what to do.
#[must_use]
pub fn render_problems(problems: &[EstateProblem], files: &[(String, String)]) -> String {
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    let mut rendered = String::new();
    for problem in problems {
        let text = texts.get(problem.file.as_str()).copied().unwrap_or_default();
        let line = text.lines().nth(problem.line.saturating_sub(1)).unwrap_or_default();
        let (shown, column, length) = cut(line, problem.column, problem.length);
        let number = problem.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(column.saturating_sub(1));
        let carets = "^".repeat(length.max(1));
        let file = told(&problem.file);
        let (rule, message) = (problem.rule, printable(&problem.message));
        let (at_line, at_column) = (problem.line, problem.column);
        let remedy = printable(&problem.remedy);
        rendered.push_str(&format!(
            "error[{rule}]: {message}\n{margin}--> {file}:{at_line}:{at_column}\n{margin} |\n"
        ));
        if !shown.trim().is_empty() {
            rendered.push_str(&format!("{number} | {shown}\n{margin} | {indent}{carets}\n"));
        }
        rendered.push_str(&format!("{margin} = help: {remedy}\n\n"));
    }
    rendered
}

/// The part of a line that is shown, with the column and length in it.
fn cut(line: &str, column: usize, length: usize) -> (String, usize, usize) {
    let characters: Vec<char> = line.chars().collect();
    let from = column.saturating_sub(LINE_SHOWN_MAX / 2);
    let from = if characters.len() <= LINE_SHOWN_MAX { 0 } else { from };
    let shown: String = characters.iter().skip(from).take(LINE_SHOWN_MAX).collect();
    let column = column.saturating_sub(from);
    let room = LINE_SHOWN_MAX.saturating_sub(column).saturating_add(1);
    (printable(&shown), column, length.min(room.max(1)))
}

/// Text without what a terminal or a reader's eye would obey: controls and direction marks become
/// one visible character each, so that carets stay under what they mean.
fn printable(text: &str) -> String {
    let show = |character| match character {
        '\t' => ' ',
        other if acts(other) => '\u{fffd}',
        other => other,
    };
    text.chars().map(show).collect()
}

/// The problems for programs.
#[must_use]
pub fn problems_json(problems: &[EstateProblem]) -> Value {
    let one = |problem: &EstateProblem| {
        json!({
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "length": problem.length,
            "rule": problem.rule,
            "message": problem.message,
            "remedy": problem.remedy,
        })
    };
    json!({ "problems": problems.iter().map(one).collect::<Vec<_>>() })
}
