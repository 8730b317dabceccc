//! Splits Rust text into what the compiler reads and what people read.
//!
//! Enough of the language to look for words without being fooled by strings and comments; no more.

/// One line of a Rust file. Strings are emptied in `code`, so a word found there is a word of the program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Line {
    pub(super) code: String,
    pub(super) comment: String,
}

#[derive(Clone, Copy)]
enum Inside {
    Code,
    Text,
    RawText { hashes: usize },
    LineComment,
    BlockComment { depth: usize },
}

/// Splits a whole file.
pub(super) fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader { chars, at: 0, lines: vec![Line::default()] };
    let mut inside = Inside::Code;
    while let Some(&c) = reader.chars.get(reader.at) {
        inside = reader.step(c, inside);
    }
    reader.lines
}

/// How many lines come before the test module at the end of the file.
pub(super) fn lines_before_tests(lines: &[Line]) -> usize {
    let opens = |line: Option<&Line>| {
        line.is_some_and(|l| {
            let code = l.code.trim();
            (code.starts_with("mod ") || code.contains(" mod ")) && code.ends_with('{')
        })
    };
    let marker = lines.iter().enumerate().position(|(i, line)| {
        let rest = lines.iter().skip(i.saturating_add(1));
        let next = rest.map(Some).find(|l| l.is_some_and(|l| !l.code.trim().starts_with("#[")));
        line.code == "#[cfg(test)]" && opens(next.flatten())
    });
    marker.unwrap_or(lines.len())
}

/// Whether `word` stands in `code` by itself, not as part of a longer name.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|s| s.chars().next_back());
        let after = code.get(at.saturating_add(word.len())..).and_then(|s| s.chars().next());
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    lines: Vec<Line>,
}

impl Reader {
    fn step(&mut self, c: char, inside: Inside) -> Inside {
        if c == '\n' {
            self.at = self.at.saturating_add(1);
            self.lines.push(Line::default());
            return if matches!(inside, Inside::LineComment) { Inside::Code } else { inside };
        }
        match inside {
            Inside::Code => self.code(c),
            Inside::Text => self.text(c),
            Inside::RawText { hashes } => self.raw_text(c, hashes),
            Inside::LineComment => {
                self.comment(1);
                inside
            }
            Inside::BlockComment { depth } => self.block_comment(depth),
        }
    }

    fn code(&mut self, c: char) -> Inside {
        if self.sees("//") {
            return Inside::LineComment;
        }
        if self.sees("/*") {
            self.comment(2);
            return Inside::BlockComment { depth: 1 };
        }
        if let Some(hashes) = self.raw_text_opens(c) {
            self.take(hashes.saturating_add(2));
            return Inside::RawText { hashes };
        }
        if c == '\'' {
            let length = self.char_literal();
            self.skip(length);
            return Inside::Code;
        }
        self.take(1);
        if c == '"' { Inside::Text } else { Inside::Code }
    }

    fn text(&mut self, c: char) -> Inside {
        match c {
            // An escaped line end still ends a line.
            '\\' if self.peek(1) != Some('\n') => self.skip(2),
            '"' => {
                self.take(1);
                return Inside::Code;
            }
            _ => self.skip(1),
        }
        Inside::Text
    }

    fn raw_text(&mut self, c: char, hashes: usize) -> Inside {
        if c == '"' && (1..=hashes).all(|n| self.peek(n) == Some('#')) {
            self.take(hashes.saturating_add(1));
            return Inside::Code;
        }
        self.skip(1);
        Inside::RawText { hashes }
    }

    fn block_comment(&mut self, depth: usize) -> Inside {
        let depth = if self.sees("/*") {
            self.comment(2);
            depth.saturating_add(1)
        } else if self.sees("*/") {
            self.comment(2);
            depth.saturating_sub(1)
        } else {
            self.comment(1);
            depth
        };
        if depth == 0 { Inside::Code } else { Inside::BlockComment { depth } }
    }

    /// `r"`, `r#"`, `br"` and so on: the number of hashes.
    fn raw_text_opens(&self, c: char) -> Option<usize> {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at).copied());
        let names_on =
            before.is_some_and(|b| (b.is_alphanumeric() || b == '_') && b != 'b' && b != 'c');
        if c != 'r' || names_on {
            return None;
        }
        let rest = self.chars.iter().skip(self.at.saturating_add(1));
        let hashes = rest.take_while(|&&c| c == '#').count();
        (self.peek(hashes.saturating_add(1)) == Some('"')).then_some(hashes)
    }

    /// The length of a character literal that opens here; 1 for the tick of a lifetime.
    fn char_literal(&self) -> usize {
        if self.peek(1) == Some('\\') {
            // '\u{10ffff}' is the longest.
            return (3..=12)
                .find(|&n| self.peek(n) == Some('\''))
                .map_or(1, |n| n.saturating_add(1));
        }
        if self.peek(2) == Some('\'') { 3 } else { 1 }
    }

    fn sees(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(n, c)| self.peek(n) == Some(c))
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.saturating_add(ahead)).copied()
    }

    fn take(&mut self, count: usize) {
        self.keep(count, |line| &mut line.code);
    }

    fn comment(&mut self, count: usize) {
        self.keep(count, |line| &mut line.comment);
    }

    fn keep(&mut self, count: usize, part: fn(&mut Line) -> &mut String) {
        let end = self.at.saturating_add(count);
        let kept: String = self.chars.get(self.at..end).unwrap_or_default().iter().collect();
        if let Some(line) = self.lines.last_mut() {
            part(line).push_str(&kept);
        }
        self.at = end;
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, code: &[&str], comments: &[&str]) {
        let lines = split(given);
        assert_eq!(lines.iter().map(|l| l.code.as_str()).collect::<Vec<_>>(), code, "{given}");
        assert_eq!(
            lines.iter().map(|l| l.comment.as_str()).collect::<Vec<_>>(),
            comments,
            "{given}"
        );
    }

    #[test]
    fn strings_are_emptied_and_comments_set_apart() {
        check("let a = \"std::fs\"; // why", &["let a = \"\"; "], &["// why"]);
        check("x(\"a\\\"b\", y)", &["x(\"\", y)"], &[""]);
        check("r#\"a\"b\"# + br\"c\" + for_r\"d\"", &["r#\"\"# + br\"\" + for_r\"\""], &[""]);
        check("a /* b /* c */ d */ e", &["a  e"], &["/* b /* c */ d */"]);
        check("\"one\ntwo\" x", &["\"", "\" x"], &["", ""]);
    }

    #[test]
    fn lifetimes_and_character_literals_are_told_apart() {
        check("fn f<'a>(c: &'a str) {}", &["fn f<a>(c: &a str) {}"], &[""]);
        check(
            "match c { '\"' => 1, '\\'' => 2, '\\u{7f}' => 3 } // x",
            &["match c {  => 1,  => 2,  => 3 } "],
            &["// x"],
        );
    }

    #[test]
    fn the_test_module_at_the_end_is_not_counted() {
        let file = "//! Doc.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(lines_before_tests(&split(file)), 3);
        let apart = "//! Doc.\n#[cfg(test)]\nmod tests;\nfn a() {}\n";
        assert_eq!(lines_before_tests(&split(apart)), 5);
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_one() {
        assert!(has_word("use std::fs;", "std::fs"));
        assert!(!has_word("MyHashMapping", "HashMap"));
        assert!(has_word("a: HashMap<", "HashMap"));
    }
}
