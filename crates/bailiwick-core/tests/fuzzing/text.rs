//! Changes of text that keep its words, quotes and brackets whole: JSON, TOML, Cedar, header lines.

use std::ops::Range;

use super::dice::Dice;
use super::octets::insert;

/// What people and machines never meant to write.
const ODD_TEXTS: [&str; 44] = [
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{2066}",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "ß",
    "ı",
    "İ",
    "é",
    "`",
    "'",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\\"",
    "%00",
    "%2e%2e%2f",
    "../",
    "//",
    "..",
    "*",
    "*.",
    "xn--",
    "xn--a",
    "_",
    "-",
    ",",
    "null",
    "true",
    "[]",
    "{}",
];

/// Numbers as text, each strange in another way.
const ODD_NUMBERS: [&str; 24] = [
    "0",
    "-0",
    "-1",
    "1",
    "00",
    "01",
    "0.0",
    "1.5",
    "1e0",
    "1e400",
    "1e-400",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
];

/// Levels of brackets at most.
const NESTED_MAX: usize = 20_000;

/// One change. `other` gives tokens; `words` mean something to the reader.
pub(crate) fn change(octets: &mut Vec<u8>, other: &[u8], words: &[Vec<u8>], dice: &mut Dice) {
    let tokens = tokens(octets);
    let token = dice.pick(&tokens).cloned().unwrap_or(0..0);
    let group = if dice.one_in(2) { token.clone() } else { group(octets, &tokens, &token) };
    let taken = octets.get(group.clone()).unwrap_or_default().to_vec();
    let another = || self::tokens(other);
    match dice.below(16) {
        0 => replace(octets, group, &[]),
        1 => insert(octets, group.end, &taken),
        2 => insert(octets, group.end, &[b",", taken.as_slice()].concat()),
        3 => swap(octets, &tokens, group, dice),
        4 => {
            let from = dice.pick(&another()).cloned().unwrap_or(0..0);
            replace(octets, group, other.get(from).unwrap_or_default());
        }
        5 => {
            let tokens = another();
            let from = dice.pick(&tokens).cloned().unwrap_or(0..0);
            let from = self::group(other, &tokens, &from);
            replace(octets, group, other.get(from).unwrap_or_default());
        }
        6 => replace(octets, token, dice.pick(words).map_or(&[], Vec::as_slice)),
        7 => insert(octets, token.start, dice.pick(words).map_or(&[], Vec::as_slice)),
        8 => replace(octets, token, odd(dice).as_bytes()),
        9 => insert(octets, token.start + dice.below(token.len() + 1), odd(dice).as_bytes()),
        10 | 11 => inside_quotes(octets, &tokens, words, dice),
        12 => number(octets, &tokens, dice),
        13 => replace(octets, token, &other_case(&taken)),
        14 => nest(octets, group, dice),
        _ => line(octets, other, dice),
    }
}

fn odd(dice: &mut Dice) -> &'static str {
    let all: &[&str] = if dice.one_in(3) { &ODD_NUMBERS } else { &ODD_TEXTS };
    dice.pick(all).copied().unwrap_or("")
}

fn replace(octets: &mut Vec<u8>, part: Range<usize>, by: &[u8]) {
    drop(octets.splice(part, by.iter().copied()));
}

/// Words, quoted texts, spaces, and single marks.
fn tokens(octets: &[u8]) -> Vec<Range<usize>> {
    let word = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'_' || *octet >= 0x80;
    let run = |at: usize, of: &dyn Fn(&u8) -> bool| {
        octets.iter().skip(at).take_while(|octet| of(octet)).count()
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = octets.get(at) {
        let length = match first {
            b'"' | b'\'' => quoted(octets, at, *first),
            first if word(first) => run(at, &word),
            first if first.is_ascii_whitespace() => run(at, &u8::is_ascii_whitespace),
            _ => 1,
        };
        found.push(at..at + length.max(1));
        at += length.max(1);
    }
    found
}

/// How long a quoted text is; one octet where the quote does not end on its line.
fn quoted(octets: &[u8], at: usize, quote: u8) -> usize {
    let mut is_escaped = false;
    for (length, octet) in octets.iter().skip(at + 1).enumerate() {
        match octet {
            b'\n' => return 1,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            octet if *octet == quote => return length + 2,
            _ => {}
        }
    }
    1
}

/// From a bracket to the one that closes it; a token that is no bracket stands for itself.
fn group(octets: &[u8], tokens: &[Range<usize>], token: &Range<usize>) -> Range<usize> {
    let opens = |at: &Range<usize>| matches!(octets.get(at.start), Some(b'{' | b'[' | b'('));
    let closes = |at: &Range<usize>| matches!(octets.get(at.start), Some(b'}' | b']' | b')'));
    // A word inside stands for the nearest bracket before it.
    let Some(start) = tokens.iter().rev().find(|at| at.start <= token.start && opens(at)) else {
        return token.clone();
    };
    let mut depth = 0_usize;
    for at in tokens.iter().filter(|at| at.start >= start.start) {
        depth += usize::from(opens(at));
        depth = depth.saturating_sub(usize::from(closes(at)));
        if depth == 0 {
            return start.start..at.end;
        }
    }
    token.clone()
}

fn swap(octets: &mut Vec<u8>, tokens: &[Range<usize>], one: Range<usize>, dice: &mut Dice) {
    let Some(two) = dice.pick(tokens).cloned() else { return };
    let (one, two) = if one.start < two.start { (one, two) } else { (two, one) };
    if one.end > two.start {
        return;
    }
    let first = octets.get(one.clone()).unwrap_or_default().to_vec();
    let second = octets.get(two.clone()).unwrap_or_default().to_vec();
    replace(octets, two, &first);
    replace(octets, one, &second);
}

/// Another content between the quotes of a text.
fn inside_quotes(
    octets: &mut Vec<u8>,
    tokens: &[Range<usize>],
    words: &[Vec<u8>],
    dice: &mut Dice,
) {
    let texts: Vec<_> = tokens
        .iter()
        .filter(|at| at.len() > 1 && matches!(octets.get(at.start), Some(b'"' | b'\'')))
        .collect();
    let Some(text) = dice.pick(&texts) else { return };
    let inside = text.start + 1..text.end - 1;
    let at = inside.start + dice.below(inside.len() + 1);
    match dice.below(6) {
        0 => replace(octets, inside, odd(dice).as_bytes()),
        1 => insert(octets, at, odd(dice).as_bytes()),
        2 => insert(octets, at, &[b'a'].repeat(dice.below(300))),
        3 => replace(octets, inside, dice.pick(words).map_or(&[], Vec::as_slice)),
        4 => insert(octets, at, &[b'a' + dice.octet() % 26]),
        _ => replace(octets, at..(at + 1).min(inside.end), &[b'0' + dice.octet() % 10]),
    }
}

fn number(octets: &mut Vec<u8>, tokens: &[Range<usize>], dice: &mut Dice) {
    let is_number = |at: &&Range<usize>| octets.get(at.start).is_some_and(u8::is_ascii_digit);
    let numbers: Vec<_> = tokens.iter().filter(is_number).collect();
    if let Some(at) = dice.pick(&numbers) {
        let odd = dice.pick(&ODD_NUMBERS).copied().unwrap_or("0");
        replace(octets, (*at).clone(), odd.as_bytes());
    }
}

fn other_case(text: &[u8]) -> Vec<u8> {
    let upper = text.to_ascii_uppercase();
    if upper == text { text.to_ascii_lowercase() } else { upper }
}

/// Wraps a part in brackets, sometimes in very many, sometimes without closing them.
fn nest(octets: &mut Vec<u8>, part: Range<usize>, dice: &mut Dice) {
    let most = if dice.one_in(12) { NESTED_MAX } else { 40 };
    let levels = 1 + dice.below(most);
    let pairs = [("[", "]"), ("{\"a\":", "}"), ("(", ")"), ("{", "}"), ("!(", ")"), ("-", "")];
    let (open, close) = dice.pick(&pairs).copied().unwrap_or(("[", "]"));
    if !dice.one_in(4) {
        insert(octets, part.end, close.repeat(levels).as_bytes());
    }
    insert(octets, part.start, open.repeat(levels).as_bytes());
}

/// Lines removed, doubled, brought in from elsewhere.
fn line(octets: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let lines = |octets: &[u8]| -> Vec<Vec<u8>> {
        octets.split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect()
    };
    let mut all = lines(octets);
    let at = dice.below(all.len());
    match dice.below(4) {
        0 if !all.is_empty() => drop(all.remove(at)),
        1 => {
            let doubled = all.get(at).cloned().unwrap_or_default();
            all.insert(dice.below(all.len() + 1), doubled);
        }
        2 => {
            let brought = dice.pick(&lines(other)).cloned().unwrap_or_default();
            all.insert(at, brought);
        }
        _ => {
            let to = dice.below(all.len());
            if at.max(to) < all.len() {
                all.swap(at, to);
            }
        }
    }
    *octets = all.concat();
}
