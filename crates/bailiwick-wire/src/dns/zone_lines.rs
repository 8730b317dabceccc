//! The entries of a zone file (RFC 1035, section 5.1), each with the octets of the text it is made of.

use super::words::{BadText, Word};

/// One entry: a record or a directive, over as many lines as its parentheses hold together; or a line
/// that says nothing.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// The number of its first line, counted from 1.
    pub(super) line: usize,
    /// Where it starts and where the next one does.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether it begins with a space: its owner is that of the record before.
    pub(super) is_indented: bool,
    pub(super) words: Vec<Placed<'a>>,
}

/// A word and where it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) word: Word<'a>,
    pub(super) at: usize,
}

/// Cuts a text into entries; together they are the whole text.
pub(super) fn entries(text: &str) -> Result<Vec<Entry<'_>>, (usize, BadText)> {
    let mut scan = Scan { text, at: 0, line: 1 };
    let mut entries = Vec::new();
    while scan.at < text.len() {
        let line = scan.line;
        entries.push(scan.entry().map_err(|why| (line, why))?);
    }
    Ok(entries)
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        if self.peek() == Some(b'\n') {
            self.line = self.line.saturating_add(1);
        }
        self.at = self.at.saturating_add(1);
    }

    fn entry(&mut self) -> Result<Entry<'a>, BadText> {
        let (line, from) = (self.line, self.at);
        let is_indented = matches!(self.peek(), Some(b' ' | b'\t'));
        let mut words = Vec::new();
        let mut depth: u32 = 0;
        loop {
            match self.peek() {
                None if depth > 0 => return Err(BadText::Special('(')),
                None => break,
                Some(b'\n') => {
                    self.step();
                    if depth == 0 {
                        break;
                    }
                }
                Some(b';') => self.skip_comment(),
                Some(b'(') => {
                    depth = depth.saturating_add(1);
                    self.step();
                }
                Some(b')') => {
                    depth = depth.checked_sub(1).ok_or(BadText::Special(')'))?;
                    self.step();
                }
                Some(space) if space.is_ascii_whitespace() => self.step(),
                Some(_) => words.push(self.word()?),
            }
        }
        Ok(Entry { line, from, to: self.at, is_indented, words })
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|octet| octet != b'\n') {
            self.step();
        }
    }

    fn word(&mut self) -> Result<Placed<'a>, BadText> {
        let quoted = self.peek() == Some(b'"');
        if quoted {
            self.step();
        }
        let at = self.at;
        let mut in_quotes = quoted;
        loop {
            match self.peek() {
                None | Some(b'\n') if in_quotes => return Err(BadText::Quote),
                None => break,
                Some(b'\\') => {
                    self.step();
                    if self.peek().is_none_or(|octet| octet == b'\n') {
                        return Err(BadText::Escape);
                    }
                    self.step();
                }
                Some(b'"') if quoted => break,
                Some(b'"') => {
                    in_quotes = !in_quotes;
                    self.step();
                }
                Some(octet) if !in_quotes && is_end(octet) => break,
                Some(_) => self.step(),
            }
        }
        // A cut inside a character of several octets cannot be: every octet above is ASCII.
        let raw = self.text.get(at..self.at).ok_or(BadText::Escape)?;
        if quoted {
            self.step();
        }
        Ok(Placed { word: Word { raw, quoted }, at })
    }
}

const fn is_end(octet: u8) -> bool {
    octet.is_ascii_whitespace() || matches!(octet, b';' | b'(' | b')')
}
