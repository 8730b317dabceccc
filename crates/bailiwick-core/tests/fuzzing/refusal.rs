//! What every refusal of outside bytes must be: short, printable, and one line.

use std::error::Error;

/// Characters of a message with all its causes at most: it goes into a log line and an answer.
const CHARS_MAX: usize = 1_200;

/// A reader that says no without a reason.
#[derive(Debug)]
pub(crate) struct No;

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no")
    }
}

impl Error for No {}

/// Checks the text of a refusal and of each of its causes.
pub(crate) fn check(refusal: &(dyn Error + 'static)) {
    let mut cause = Some(refusal);
    let mut chars = 0;
    while let Some(error) = cause {
        let text = error.to_string();
        check_text(&text);
        chars += text.chars().count();
        cause = error.source();
    }
    assert!(chars <= CHARS_MAX, "a refusal of {chars} characters: {refusal}");
}

/// Checks one line that people read.
pub(crate) fn check_text(text: &str) {
    let chars = text.chars().count();
    assert!(chars <= CHARS_MAX, "a text of {chars} characters: {text}");
    assert!(text.chars().all(is_plain), "what people read holds control characters: {text:?}");
}

/// Neither a control character, nor one that breaks lines or turns their direction (Unicode's
/// general categories Cc, Zl, Zp, and the bidirectional controls; CVE-2021-42574).
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
