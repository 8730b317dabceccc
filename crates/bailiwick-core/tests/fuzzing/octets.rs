//! Changes of octets that know nothing of any format.

use super::dice::Dice;

/// Octets at which readers turn: ends of ranges, quotes, line ends, lengths, pointers.
const ODD_OCTETS: [u8; 16] = [
    0x00, 0x01, 0x7f, 0x80, 0x81, 0x84, 0xc0, 0xff, b'"', b'\\', b'\n', b'\r', 0x1b, b' ', 0x30,
    0xa0,
];

/// Numbers at which counters turn.
const ODD_NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Repetitions of a part at most.
const REPEATS_MAX: usize = 3_000;

/// One change. `other` gives pieces; `words` mean something to the reader.
pub(crate) fn change(octets: &mut Vec<u8>, other: &[u8], words: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(octets.len() + 1);
    match dice.below(16) {
        0 | 1 => set(octets, at, |octet, dice| octet ^ (1 << dice.below(8)), dice),
        2 => set(octets, at, |_, dice| dice.octet(), dice),
        3 => set(octets, at, |_, dice| dice.pick(&ODD_OCTETS).copied().unwrap_or(0), dice),
        4 => set(
            octets,
            at,
            |octet, dice| octet.wrapping_add(dice.octet() % 16).wrapping_sub(8),
            dice,
        ),
        5 => octets.insert(at, dice.octet()),
        6 => octets.insert(at, dice.pick(&ODD_OCTETS).copied().unwrap_or(0)),
        7 => drop(octets.drain(dice.part(octets.len()))),
        8 => insert(octets, at, &piece(octets, dice)),
        9 => insert(octets, at, &piece(other, dice)),
        10 => {
            let part = dice.part(octets.len());
            drop(octets.splice(part, piece(other, dice)));
        }
        11 => number(octets, at, dice),
        12 => insert(octets, at, dice.pick(words).map_or(&[], Vec::as_slice)),
        13 => octets.truncate(at),
        14 => {
            octets.truncate(at);
            octets.extend(other.iter().skip(dice.below(other.len() + 1)));
        }
        _ => {
            let most = if dice.one_in(16) { REPEATS_MAX } else { 8 };
            let many = piece(octets, dice).repeat(1 + dice.below(most));
            insert(octets, at, &many);
        }
    }
}

fn set(octets: &mut [u8], at: usize, to: fn(u8, &mut Dice) -> u8, dice: &mut Dice) {
    if let Some(octet) = octets.get_mut(at) {
        *octet = to(*octet, dice);
    }
}

/// Writes a number over two, four or eight octets, or near the number that stands there.
fn number(octets: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let width = dice.pick(&[1_usize, 2, 4, 8]).copied().unwrap_or(1);
    let odd = dice.pick(&ODD_NUMBERS).copied().unwrap_or(0);
    let near =
        octets.iter().skip(at).take(width).fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
    let number = if dice.one_in(2) { odd } else { near.wrapping_add(odd % 3).wrapping_sub(1) };
    let digits: Vec<u8> = number.to_be_bytes().into_iter().skip(8 - width).collect();
    let end = (at + width).min(octets.len());
    drop(octets.splice(at..end, digits));
}

pub(crate) fn insert(octets: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(octets.splice(at..at, piece.iter().copied()));
}

/// A copy of a part.
pub(crate) fn piece(octets: &[u8], dice: &mut Dice) -> Vec<u8> {
    octets.get(dice.part(octets.len())).unwrap_or_default().to_vec()
}
