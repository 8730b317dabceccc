//! The policy body of MTA-STS (RFC 8461, section 3.2): what senders of mail read before they believe what
//! a `_mta-sts` record announces.

use bailiwick_core::names::DnsName;

/// Octets of a body at most; what senders have to take is as much (RFC 8461, section 3.3).
pub const OCTETS_MAX: usize = 64 * 1024;
/// Seconds for which a policy may be kept at most (RFC 8461, section 3.2).
const MAX_AGE_SECONDS_MAX: u32 = 31_557_600;
/// Patterns that are shown where a policy is told in one line.
const MX_SHOWN: usize = 4;
/// Digits of `max_age`.
const MAX_AGE_DIGITS_MAX: usize = 10;

/// How senders treat mail that cannot be delivered as the policy says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// They do not deliver it.
    Enforce,
    /// They deliver it and report.
    Testing,
    /// There is no policy.
    None,
}

/// A policy that senders take. Where its mode is not [`Mode::None`] it has at least one pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MtaSts {
    /// How it is applied.
    pub mode: Mode,
    /// Patterns of mail servers: a name, or `*.` and a name for one label more; in lower case.
    pub mx: Vec<String>,
    /// For how long it is kept, in seconds.
    pub max_age_seconds: u32,
}

/// Senders would not take it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadMtaSts {
    /// More octets than [`OCTETS_MAX`].
    #[error("it has more than {OCTETS_MAX} octets")]
    TooLong,
    /// No UTF-8.
    #[error("it is no text in UTF-8")]
    NoText,
    /// A line is no `key: value`; counted from 1.
    #[error("its line {0} is not `key: value`")]
    Line(usize),
    /// A key that has to be there is not.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// A value that senders do not know.
    #[error("its `{key}` is `{value}`; it has to be {expected}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
}

impl MtaSts {
    /// Reads a body. Keys that are not known are passed over, and of a key that stands twice the first
    /// counts, but for `mx` (RFC 8461, section 3.2).
    ///
    /// # Errors
    /// [`BadMtaSts`].
    pub fn read(body: &[u8]) -> Result<Self, BadMtaSts> {
        if body.len() > OCTETS_MAX {
            return Err(BadMtaSts::TooLong);
        }
        let text = core::str::from_utf8(body).map_err(|_| BadMtaSts::NoText)?;
        let mut fields = Vec::new();
        for (line, number) in text.strip_suffix('\n').unwrap_or(text).split('\n').zip(1..) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let (key, value) = line.split_once(':').ok_or(BadMtaSts::Line(number))?;
            if !is_key(key) {
                return Err(BadMtaSts::Line(number));
            }
            fields.push((key, value.trim_matches([' ', '\t'])));
        }
        let first = |wanted: &'static str| {
            let found = fields.iter().find(|(key, _)| *key == wanted);
            found.map(|(_, value)| *value).ok_or(BadMtaSts::Missing(wanted))
        };
        let wrong = |key, value: &str, expected| BadMtaSts::Value {
            key,
            // It is somebody else's text: what could act in a terminal or a page is escaped.
            value: value.chars().take(64).flat_map(shown).collect(),
            expected,
        };
        let version = first("version")?;
        if version != "STSv1" {
            return Err(wrong("version", version, "`STSv1`"));
        }
        let mode = match first("mode")? {
            "enforce" => Mode::Enforce,
            "testing" => Mode::Testing,
            "none" => Mode::None,
            other => return Err(wrong("mode", other, "`enforce`, `testing` or `none`")),
        };
        let age = first("max_age")?;
        let seconds = "a number of seconds, at most 31557600";
        let max_age_seconds = max_age(age).ok_or_else(|| wrong("max_age", age, seconds))?;
        let patterns = fields.iter().filter(|(key, _)| *key == "mx").map(|(_, value)| *value);
        let named = "the name of a mail server, or `*.` and a name";
        let mx: Vec<String> = patterns
            .map(|one| pattern(one).ok_or_else(|| wrong("mx", one, named)))
            .collect::<Result<_, _>>()?;
        if mx.is_empty() && mode != Mode::None {
            return Err(BadMtaSts::Missing("mx"));
        }
        Ok(Self { mode, mx, max_age_seconds })
    }
}

impl core::fmt::Display for MtaSts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mode = match self.mode {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        };
        write!(f, "mode {mode}, {} s", self.max_age_seconds)?;
        for one in self.mx.iter().take(MX_SHOWN) {
            write!(f, ", mx {one}")?;
        }
        match self.mx.len().saturating_sub(MX_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What is printable as it is, everything else escaped.
fn shown(one: char) -> impl Iterator<Item = char> {
    let plain = one.is_ascii_graphic() || one == ' ';
    let escaped = (!plain).then(|| one.escape_unicode());
    plain.then_some(one).into_iter().chain(escaped.into_iter().flatten())
}

/// Letters and digits, and behind the first of them also `_`, `-` and `.`; 32 octets at most.
fn is_key(key: &str) -> bool {
    let plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-' | '.');
    key.len() <= 32
        && key.starts_with(|one: char| one.is_ascii_alphanumeric())
        && key.chars().all(plain)
}

fn max_age(value: &str) -> Option<u32> {
    let digits = value.len() <= MAX_AGE_DIGITS_MAX && value.bytes().all(|it| it.is_ascii_digit());
    let seconds = digits.then(|| value.parse().ok()).flatten()?;
    (seconds <= MAX_AGE_SECONDS_MAX).then_some(seconds)
}

fn pattern(value: &str) -> Option<String> {
    let (star, name) = match value.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", value),
    };
    DnsName::parse(name).ok().map(|name| format!("{star}{name}"))
}
