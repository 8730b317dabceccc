//! TOML tables that tell everything that is wrong with them, not only the first thing.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;

use bailiwick_core::time::Time;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::places::Spot;
use super::problem::{EstateProblem, PROBLEMS_OF_FILE_MAX, Place};
use super::similar::{hint, nearest};

/// One file and the problems found in it so far.
pub(super) struct File<'s> {
    pub(super) path: &'s str,
    pub(super) text: &'s str,
    /// Which of the files it is.
    pub(super) index: usize,
    pub(super) problems: Vec<EstateProblem>,
    /// Keys that somebody meant, by their section: they are not missing as well.
    meant: Vec<(Place, String)>,
}

/// A value with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl<T> At<T> {
    fn with<U>(self, value: U) -> At<U> {
        At { value, place: self.place }
    }
}

/// A table with what it is called in messages and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'t> {
    table: &'t DeTable<'t>,
    /// Such as "zone `shop.example`".
    pub(super) place: Place,
}

fn place(span: Range<usize>) -> Place {
    Place { at: span.start, end: span.end }
}

/// What a TOML value is, in words.
const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'s> File<'s> {
    pub(super) const fn new(index: usize, path: &'s str, text: &'s str) -> Self {
        Self { path, text, index, problems: Vec::new(), meant: Vec::new() }
    }

    pub(super) const fn spot(&self, place: Place) -> Spot {
        Spot { file: self.index, place }
    }

    pub(super) fn problem(
        &mut self,
        place: Place,
        rule: &'static str,
        message: String,
        remedy: impl Into<String>,
    ) {
        if self.problems.len() >= PROBLEMS_OF_FILE_MAX {
            return;
        }
        let source = (self.path, self.text);
        self.problems.push(EstateProblem::new(source, place, rule, message, remedy));
    }

    /// Parses the file; a file that is not TOML has nothing but its syntax errors.
    pub(super) fn parse(&mut self) -> Option<Spanned<DeTable<'s>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors.iter().take(PROBLEMS_OF_FILE_MAX) {
            let rule =
                if error.message().contains("duplicate") { "duplicate-key" } else { "syntax" };
            let place = place(error.span().unwrap_or(0..0));
            let message = error.message().replace('\n', ", ");
            self.problem(place, rule, message, "correct the TOML");
        }
        errors.is_empty().then_some(table)
    }

    /// The whole file as one section.
    pub(super) fn root<'t>(&mut self, table: &'t Spanned<DeTable<'t>>) -> Section<'t> {
        Section { table: table.get_ref(), place: Place { at: 0, end: 1 } }
    }

    /// Every entry of a section that has to be a table, with its key.
    pub(super) fn entries<'t>(&mut self, section: Section<'t>) -> Vec<(At<&'t str>, Section<'t>)> {
        let mut entries = Vec::new();
        for (key, value) in section.table {
            let place = place(key.span());
            let key = At { value: key.get_ref().as_ref(), place };
            match value.get_ref().as_table() {
                Some(table) => entries.push((key, Section { table, place })),
                None => {
                    let (key, kind) = (key.value, kind(value.get_ref()));
                    let message = format!("`{key}` is {kind}, and a table is expected");
                    self.problem(
                        place,
                        "wrong-type",
                        message,
                        format!("write `[{key}]` above its keys"),
                    );
                }
            }
        }
        entries
    }

    /// The keys of a section whose names mean something.
    pub(super) fn names<'t>(&self, section: Section<'t>) -> Vec<At<&'t str>> {
        let keys = section.table.keys();
        keys.map(|key| At { value: key.get_ref().as_ref(), place: place(key.span()) }).collect()
    }

    /// Tells every key of a section that nobody reads.
    pub(super) fn keys(&mut self, section: Section<'_>, known: &[&str]) {
        for key in section.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let word = key.get_ref();
            if let Some(meant) = nearest(word, known.iter().copied()) {
                self.meant.push((section.place, meant.to_owned()));
            }
            let hint = hint(word, known.iter().copied());
            let message = format!("there is no key `{word}` here{hint}");
            let remedy = format!("use one of {}", listed(known));
            self.problem(place(key.span()), "unknown-key", message, remedy);
        }
    }

    fn value<'t>(section: Section<'t>, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        section.table.iter().find(|(its, _)| its.get_ref() == key).map(|(_, value)| value)
    }

    /// Whether one of `keys` is there, readable or not.
    pub(super) fn has(&self, section: Section<'_>, keys: &[&str]) -> bool {
        keys.iter().any(|key| Self::value(section, key).is_some())
    }

    pub(super) fn missing(&mut self, section: Section<'_>, key: &str, what: &str) {
        if self.meant.iter().any(|(place, meant)| *place == section.place && meant == key) {
            return;
        }
        let message = format!("the key `{key}` is missing");
        self.problem(section.place, "missing-key", message, format!("write {what}"));
    }

    fn wrong(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let message = format!("`{key}` is {}, and {expected} is expected", kind(value.get_ref()));
        self.problem(place(value.span()), "wrong-type", message, format!("write {expected}"));
    }

    /// A text that may be left out.
    pub(super) fn text<'t>(&mut self, section: Section<'t>, key: &str) -> Option<At<&'t str>> {
        let value = Self::value(section, key)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong(key, value, "a text");
            return None;
        };
        Some(At { value: text.as_ref(), place: place(value.span()) })
    }

    /// A text that has to be there and to say something.
    pub(super) fn needed<'t>(&mut self, section: Section<'t>, key: &str) -> Option<At<&'t str>> {
        if Self::value(section, key).is_none() {
            self.missing(section, key, &format!("`{key} = \"…\"`"));
        }
        let text = self.text(section, key)?;
        if text.value.trim().is_empty() {
            self.problem(text.place, "empty-text", format!("`{key}` is empty"), "say what it is");
            return None;
        }
        Some(text)
    }

    /// A text, or a list of them.
    pub(super) fn texts<'t>(&mut self, section: Section<'t>, key: &str) -> Vec<At<&'t str>> {
        if Self::value(section, key).is_some_and(|value| value.get_ref().is_array()) {
            self.list(section, key)
        } else {
            self.text(section, key).into_iter().collect()
        }
    }

    /// A list of texts; one that is left out is empty.
    pub(super) fn list<'t>(&mut self, section: Section<'t>, key: &str) -> Vec<At<&'t str>> {
        let Some(value) = Self::value(section, key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(key, value, "a list of texts");
            return Vec::new();
        };
        let mut texts: Vec<At<&str>> = Vec::new();
        let mut seen = BTreeSet::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(text) if !seen.insert(text) => {
                    let message = format!("`{text}` stands in `{key}` twice");
                    self.problem(place(item.span()), "duplicate", message, "remove one");
                }
                Some(text) => texts.push(At { value: text, place: place(item.span()) }),
                None => self.wrong(key, item, "a text"),
            }
        }
        texts
    }

    /// A list of texts in which one may stand twice, such as the words of a command.
    pub(super) fn words(&mut self, section: Section<'_>, key: &str) -> Vec<String> {
        let Some(value) = Self::value(section, key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(key, value, "a list of texts");
            return Vec::new();
        };
        let mut words = Vec::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(text) => words.push(text.to_owned()),
                None => self.wrong(key, item, "a text"),
            }
        }
        words
    }

    /// A list that must hold something.
    pub(super) fn needed_list<'t>(&mut self, section: Section<'t>, key: &str) -> Vec<At<&'t str>> {
        let texts = self.list(section, key);
        match Self::value(section, key) {
            None => self.missing(section, key, &format!("`{key} = [\"…\"]`")),
            Some(value) if matches!(value.get_ref(), DeValue::Array(items) if items.is_empty()) => {
                let message = format!("`{key}` is empty");
                self.problem(place(value.span()), "empty-list", message, "name at least one");
            }
            Some(_) => {}
        }
        texts
    }

    /// True or false, or `otherwise` when it is left out.
    pub(super) fn flag(
        &mut self,
        section: Section<'_>,
        key: &str,
        otherwise: Option<bool>,
    ) -> Option<bool> {
        let Some(value) = Self::value(section, key) else {
            if otherwise.is_none() {
                self.missing(section, key, &format!("`{key} = true` or `{key} = false`"));
            }
            return otherwise;
        };
        let DeValue::Boolean(flag) = value.get_ref() else {
            self.wrong(key, value, "true or false");
            return None;
        };
        Some(*flag)
    }

    /// A whole number in a range, if it is there.
    pub(super) fn number(
        &mut self,
        section: Section<'_>,
        key: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<At<u32>> {
        let value = Self::value(section, key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong(key, value, "a whole number");
            return None;
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let fits =
            parsed.and_then(|number| u32::try_from(number).ok()).filter(|n| range.contains(n));
        if fits.is_none() {
            let (low, high) = range.into_inner();
            let message = format!("`{key}` is {number}, and {low} to {high} is allowed");
            let remedy = format!("write a number from {low} to {high}");
            self.problem(place(value.span()), "bad-number", message, remedy);
        }
        fits.map(|number| At { value: number, place: place(value.span()) })
    }

    /// A number that has to be there.
    pub(super) fn needed_number(
        &mut self,
        section: Section<'_>,
        key: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        if Self::value(section, key).is_none() {
            self.missing(section, key, &format!("`{key} = …`, a whole number"));
        }
        self.number(section, key, range).map(|at| at.value)
    }

    /// A moment: a TOML date or date-time with offset, or the same as text.
    pub(super) fn time(&mut self, section: Section<'_>, key: &str) -> Option<At<Time>> {
        let value = Self::value(section, key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(moment) => moment.to_string(),
            DeValue::String(text) => text.as_ref().to_owned(),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong(key, value, "a date");
                return None;
            }
        };
        let at = At { value: text.as_str(), place: place(value.span()) };
        self.parsed(at, "bad-time", Time::parse)
    }

    /// A table inside a section, if it is there.
    pub(super) fn table<'t>(&mut self, section: Section<'t>, key: &str) -> Option<Section<'t>> {
        let (its, value) = section.table.iter().find(|(its, _)| its.get_ref() == key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value, "a table");
            return None;
        };
        Some(Section { table, place: place(its.span()) })
    }

    /// A table that has to be there.
    pub(super) fn needed_table<'t>(
        &mut self,
        section: Section<'t>,
        key: &str,
    ) -> Option<Section<'t>> {
        if Self::value(section, key).is_none() {
            self.missing(section, key, &format!("`[{key}]` with its keys"));
        }
        self.table(section, key)
    }

    /// Parses a text; what does not parse is a problem under `rule`.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        at: At<&str>,
        rule: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        match parse(at.value) {
            Ok(value) => Some(at.with(value)),
            Err(cause) => {
                let text: String = at.value.chars().take(80).collect();
                let cause = cause.to_string();
                // Our messages say what is wrong, then what to do.
                let (wrong, todo) = cause.split_once("; ").unwrap_or((&cause, "write another"));
                self.problem(at.place, rule, format!("`{text}`: {wrong}"), todo);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy + Display>(&mut self, at: At<&str>, all: &[T]) -> Option<T> {
        let found = all.iter().copied().find(|value| value.to_string() == at.value);
        if found.is_none() {
            let words: Vec<String> = all.iter().map(ToString::to_string).collect();
            let known: Vec<&str> = words.iter().map(String::as_str).collect();
            let text: String = at.value.chars().take(80).collect();
            let hint = hint(at.value, known.iter().copied());
            let remedy = format!("use one of {}", listed(&known));
            self.problem(at.place, "bad-word", format!("`{text}` is not known here{hint}"), remedy);
        }
        found
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
