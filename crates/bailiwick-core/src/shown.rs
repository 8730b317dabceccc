//! Somebody else's text inside a message of ours: cut where it gets long, and nothing in it can act
//! on a terminal, a log line or a reader's eye (threat T16).

use std::fmt;

/// Characters of somebody else's text that a message repeats.
const CHARS_MAX: usize = 120;
/// Characters of another program's message that a message of ours repeats.
const MESSAGE_CHARS_MAX: usize = 400;

/// A text as a message repeats it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    text: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Quoted,
    Sentence,
}

/// Wraps somebody else's word for a message that puts it between backticks.
#[must_use]
pub const fn shown(text: &str) -> Shown<'_> {
    Shown { text, kind: Kind::Quoted }
}

/// Wraps another program's message, which has quotations of its own.
#[must_use]
pub const fn told(text: &str) -> Shown<'_> {
    Shown { text, kind: Kind::Sentence }
}

impl fmt::Display for Shown<'_> {
    /// Letters, digits and ASCII marks stand for themselves. In a quotation the backtick would end
    /// it, and the backslash begins what is escaped. What is too long loses its end, or, where it is
    /// a sentence, its middle: what is wrong often stands at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        let (head, tail) = match self.kind {
            Kind::Quoted => (CHARS_MAX, 0),
            Kind::Sentence => (MESSAGE_CHARS_MAX / 2, MESSAGE_CHARS_MAX / 2),
        };
        let too_many = self.text.chars().count().saturating_sub(head.saturating_add(tail));
        let after = head.saturating_add(too_many);
        for (place, character) in self.text.chars().enumerate() {
            if place < head || place >= after {
                self.character(f, character)?;
            } else if place == head {
                f.write_char('…')?;
            }
        }
        Ok(())
    }
}

impl Shown<'_> {
    fn character(&self, f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
        use fmt::Write as _;
        let is_kept = match self.kind {
            Kind::Quoted => !matches!(character, '`' | '\\'),
            Kind::Sentence => true,
        };
        let is_mark = matches!(character, ' '..='~') && is_kept;
        if is_mark || character.is_alphanumeric() && !acts(character) {
            f.write_char(character)
        } else {
            write!(f, "{}", character.escape_unicode())
        }
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
        assert_eq!(told("unknown field `\u{85}`").to_string(), "unknown field `\\u{85}`");
        let long = told(&format!("{} is too long", "x".repeat(1_000))).to_string();
        assert_eq!(long.chars().count(), MESSAGE_CHARS_MAX + 1);
        assert!(long.ends_with("xxx is too long"), "{long}");
    }
}
