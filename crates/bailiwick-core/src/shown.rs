//! Somebody else's text inside a message of ours: cut where it gets long, and nothing in it can act
//! on a terminal, a log line or a reader's eye (threat T16).

use std::fmt;

/// Characters of somebody else's text that a message repeats.
const CHARS_MAX: usize = 120;

/// A text as a message repeats it, between backticks: `shown(label)`.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(&'a str);

/// Wraps somebody else's text for a message.
#[must_use]
pub const fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

impl fmt::Display for Shown<'_> {
    /// Letters, digits and ASCII marks stand for themselves. The backtick would end the quotation
    /// that the text stands in, and the backslash begins what is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for (count, character) in self.0.chars().enumerate() {
            if count == CHARS_MAX {
                return f.write_char('…');
            }
            let is_mark = matches!(character, ' '..='~') && !matches!(character, '`' | '\\');
            if is_mark || character.is_alphanumeric() && !acts(character) {
                f.write_char(character)?;
            } else {
                write!(f, "{}", character.escape_unicode())?;
            }
        }
        Ok(())
    }
}

/// Whether a character does something else than show: controls, line and paragraph ends, marks of
/// direction (CVE-2021-42574), and what has no width, so that two texts look like one.
#[must_use]
pub fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_shown_text_acts() {
        assert_eq!(shown("plain, text").to_string(), "plain, text");
        assert_eq!(shown("Z\u{fc}rich").to_string(), "Z\u{fc}rich");
        assert_eq!(
            shown("a\u{1b}[31m`b`\\\n").to_string(),
            "a\\u{1b}[31m\\u{60}b\\u{60}\\u{5c}\\u{a}"
        );
        assert_eq!(shown("\u{202e}evil").to_string(), "\\u{202e}evil");
        for code in 0..=0x0010_ffff {
            let Some(character) = char::from_u32(code) else { continue };
            assert!(!shown(&character.to_string()).to_string().chars().any(acts), "{code:x}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = shown(&"x".repeat(1_000)).to_string();
        assert_eq!((long.chars().count(), long.ends_with('…')), (CHARS_MAX + 1, true));
        assert_eq!(shown(&"x".repeat(CHARS_MAX)).to_string(), "x".repeat(CHARS_MAX));
    }
}
