//! Changes of DER that keep the lengths around them right, and a few that break one length.

use super::dice::Dice;
use super::octets;

/// Tags that mean something: universal types, and the context's own.
const TAGS: [u8; 20] = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x82,
    0x86, 0xa0, 0xa3, 0x24,
];

/// Levels around a value at most.
const NESTED_MAX: usize = 2_000;
/// How deep a value is taken apart; deeper it is content.
const DEPTH_MAX: usize = 24;

/// A value: its tag, octets before what is inside (a bit string's count), and what is inside.
#[derive(Clone)]
struct Node {
    tag: u8,
    before: Vec<u8>,
    inside: Inside,
    length: Length,
}

#[derive(Clone)]
enum Inside {
    Octets(Vec<u8>),
    Values(Vec<Node>),
}

/// How the length is spelled.
#[derive(Clone, Copy)]
enum Length {
    Right,
    Longer,
    Indefinite,
    Off(u8),
    Huge,
}

/// One change. Octets that are no DER are changed as octets.
pub(crate) fn change(given: &mut Vec<u8>, other: &[u8], words: &[Vec<u8>], dice: &mut Dice) {
    let Some(mut values) = read(given, 0) else {
        return octets::change(given, other, words, dice);
    };
    let count = values.iter().map(size).sum();
    let place = dice.below(count);
    let donors = read(other, 0).unwrap_or_default();
    let donor = dice.below(donors.iter().map(size).sum());
    let donor = donors.iter().find_map(|node| nth(node, &mut { donor })).cloned();
    at_place(&mut values, &mut { place }, &mut |siblings, at| {
        edit(siblings, at, donor.clone(), (other, words), dice);
    });
    *given = values.iter().flat_map(write).collect();
}

fn edit(
    siblings: &mut Vec<Node>,
    at: usize,
    donor: Option<Node>,
    (other, words): (&[u8], &[Vec<u8>]),
    dice: &mut Dice,
) {
    let to = dice.below(siblings.len());
    let Some(node) = siblings.get_mut(at) else { return };
    match dice.below(12) {
        0 => drop(siblings.remove(at)),
        1 => {
            let copy = node.clone();
            siblings.insert(to, copy);
        }
        2 => siblings.swap(at, to),
        3 => *node = donor.unwrap_or_else(|| node.clone()),
        4 => siblings.insert(at, donor.unwrap_or_else(|| leaf(0x05, Vec::new()))),
        5 => node.tag = dice.pick(&TAGS).copied().unwrap_or(0x30),
        6 => node.tag ^= 1 << dice.below(8),
        7 => nest(node, dice),
        8 => {
            let off = dice.octet() % 4;
            let all = [
                Length::Longer,
                Length::Indefinite,
                Length::Off(off),
                Length::Off(off.wrapping_neg()),
                Length::Huge,
            ];
            node.length = dice.pick(&all).copied().unwrap_or(Length::Right);
        }
        9 => {
            let content = dice.pick(words).cloned().unwrap_or_default();
            node.inside = Inside::Octets(content);
        }
        10 => {
            let many = if dice.one_in(8) { 5_000 } else { 40 };
            let copy = node.clone();
            let copies = std::iter::repeat_n(copy, dice.below(many));
            drop(siblings.splice(at..at, copies));
        }
        _ => {
            let mut content = node.content();
            octets::change(&mut content, other, words, dice);
            node.inside = Inside::Octets(content);
            node.before.clear();
        }
    }
}

/// Wraps a value in sequences, sometimes in very many.
fn nest(node: &mut Node, dice: &mut Dice) {
    let most = if dice.one_in(8) { NESTED_MAX } else { 20 };
    let tag = dice.pick(&[0x30, 0x31, 0xa0, 0x04]).copied().unwrap_or(0x30);
    let mut content = write(node);
    for _ in 0..dice.below(most) {
        content = write(&leaf(tag, content));
    }
    *node = leaf(tag, content);
}

const fn leaf(tag: u8, content: Vec<u8>) -> Node {
    Node { tag, before: Vec::new(), inside: Inside::Octets(content), length: Length::Right }
}

impl Node {
    fn content(&self) -> Vec<u8> {
        let inside = match &self.inside {
            Inside::Octets(octets) => octets.clone(),
            Inside::Values(values) => values.iter().flat_map(write).collect(),
        };
        [self.before.as_slice(), &inside].concat()
    }
}

/// Takes octets apart; `None` where they are no series of values.
fn read(octets: &[u8], depth: usize) -> Option<Vec<Node>> {
    let mut rest = octets;
    let mut values = Vec::new();
    while let [tag, length, after @ ..] = rest {
        let count = usize::from(length & 0x7f);
        let (length, after) = match (*length & 0x80, count) {
            (0, short) => (short, after),
            (_, 1..=3) => {
                let (digits, after) = after.split_at_checked(count)?;
                let sum = |sum: usize, digit: &u8| sum << 8 | usize::from(*digit);
                (digits.iter().fold(0, sum), after)
            }
            _ => return None,
        };
        let (content, after) = after.split_at_checked(length)?;
        values.push(open(*tag, content, depth));
        rest = after;
    }
    (rest.is_empty() && !values.is_empty()).then_some(values)
}

/// What a value holds: values, where it is constructed or wraps one in a string.
fn open(tag: u8, content: &[u8], depth: usize) -> Node {
    let (before, inner) = match (tag, content) {
        (0x03, [unused, inner @ ..]) => (vec![*unused], inner),
        _ => (Vec::new(), content),
    };
    let wraps = tag & 0x20 != 0 || tag == 0x03 || tag == 0x04;
    let values = if wraps && depth < DEPTH_MAX { read(inner, depth + 1) } else { None };
    let inside = match values {
        Some(values) => Inside::Values(values),
        None => Inside::Octets(inner.to_vec()),
    };
    Node { tag, before, inside, length: Length::Right }
}

fn write(node: &Node) -> Vec<u8> {
    let content = node.content();
    let length = content.len();
    let digits: Vec<u8> =
        length.to_be_bytes().into_iter().skip_while(|digit| *digit == 0).collect();
    let count = 0x80 | u8::try_from(digits.len()).unwrap_or(8);
    let short = u8::try_from(length).ok().filter(|length| *length < 0x80);
    let spelled = match (node.length, short) {
        (Length::Right, Some(short)) => vec![short],
        (Length::Right, None) => [vec![count], digits].concat(),
        (Length::Longer, _) => [vec![count + 1, 0], digits].concat(),
        (Length::Indefinite, _) => vec![0x80],
        (Length::Off(by), _) => vec![short.unwrap_or(0x7f).wrapping_add(by)],
        (Length::Huge, _) => vec![0x84, 0xff, 0xff, 0xff, 0xff],
    };
    [vec![node.tag], spelled, content].concat()
}

/// How many values there are in one, itself included.
fn size(node: &Node) -> usize {
    match &node.inside {
        Inside::Octets(_) => 1,
        Inside::Values(values) => 1 + values.iter().map(size).sum::<usize>(),
    }
}

/// The value at a place, counted from the outside in.
fn nth<'a>(node: &'a Node, place: &mut usize) -> Option<&'a Node> {
    if *place == 0 {
        return Some(node);
    }
    *place -= 1;
    match &node.inside {
        Inside::Octets(_) => None,
        Inside::Values(values) => values.iter().find_map(|value| nth(value, place)),
    }
}

/// Calls `act` with the list that the value at `place` stands in.
fn at_place(
    values: &mut Vec<Node>,
    place: &mut usize,
    act: &mut dyn FnMut(&mut Vec<Node>, usize),
) -> bool {
    for at in 0..values.len() {
        if *place == 0 {
            act(values, at);
            return true;
        }
        *place -= 1;
        let inside = values.get_mut(at).map(|node| &mut node.inside);
        if let Some(Inside::Values(inner)) = inside
            && at_place(inner, place, act)
        {
            return true;
        }
    }
    false
}
