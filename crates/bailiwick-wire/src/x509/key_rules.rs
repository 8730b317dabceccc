//! Rules for numbers in keys: sizes, exponents, and moduli that are known to be weak.

use std::sync::LazyLock;

use super::key::BadKey;

/// BR 6.1.5 and threat T13.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;
/// BR 6.1.6: at least 2^16 + 1; the upper end keeps verification cheap (threat T13).
const EXPONENT: std::ops::Range<u64> = 65_537..(1 << 33);
/// BR 6.1.6: a modulus has no factor below 752.
const FACTOR_MAX: u64 = 752;
/// A modulus of the ROCA kind (CVE-2017-15361) is a power of 65,537 modulo each odd prime up to
/// here. Together they are wrong about one honest key in 10^8.
const ROCA_PRIME_MAX: u64 = 167;
/// The y coordinates, sign bit cleared, of the Ed25519 points whose order divides 8, in every
/// encoding: 0, 1, the two of order 8, p-1, and p and p+1, which stand for 0 and 1 again.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    first_octet(0x01),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];

const fn first_octet(octet: u8) -> [u8; 32] {
    let mut value = [0; 32];
    value[0] = octet;
    value
}

const fn near_p(octet: u8) -> [u8; 32] {
    let mut value = [0xff; 32];
    value[0] = octet;
    value[31] = 0x7f;
    value
}

pub(super) fn has_small_order(key: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(key) else { return true };
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&y)
}

/// Bits of a big-endian number without zeros in front.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

pub(super) fn rsa_bits(modulus: &[u8]) -> Result<u16, BadKey> {
    let bits = bit_length(modulus);
    match u16::try_from(bits) {
        Ok(size) if RSA_BITS.contains(&bits) && bits.is_multiple_of(8) => Ok(size),
        _ => Err(BadKey::RsaSize { bits }),
    }
}

pub(super) fn check_exponent(exponent: &[u8]) -> Result<(), BadKey> {
    if exponent.len() > 8 {
        return Err(BadKey::RsaExponent);
    }
    let value = exponent.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
    if EXPONENT.contains(&value) && value % 2 == 1 { Ok(()) } else { Err(BadKey::RsaExponent) }
}

pub(super) fn check_modulus(modulus: &[u8]) -> Result<(), BadKey> {
    let rests = remainders(modulus);
    let has_small_factor = rests.iter().any(|(_, rest)| *rest == 0);
    if has_small_factor || is_roca(&rests) { Err(BadKey::RsaWeak) } else { Ok(()) }
}

fn is_roca(rests: &[(u64, u64)]) -> bool {
    rests
        .iter()
        .filter(|(prime, _)| (3..=ROCA_PRIME_MAX).contains(prime))
        .all(|(prime, rest)| is_power_of_65537(*rest, *prime))
}

fn is_power_of_65537(value: u64, prime: u64) -> bool {
    let mut power = 1 % prime;
    for _ in 0..prime {
        if power == value {
            return true;
        }
        power = power * 65_537 % prime;
    }
    false
}

/// The primes below 752 in groups whose product fits 32 bits, so that a long number is divided
/// once for each group instead of once for each prime.
static PRIME_GROUPS: LazyLock<Vec<(u64, Vec<u64>)>> = LazyLock::new(|| {
    let mut groups: Vec<(u64, Vec<u64>)> = Vec::new();
    for prime in (2..FACTOR_MAX).filter(|n| (2..*n).all(|divisor| n % divisor != 0)) {
        match groups.last_mut() {
            Some((product, primes)) if *product * prime <= u64::from(u32::MAX) => {
                *product *= prime;
                primes.push(prime);
            }
            _ => groups.push((prime, vec![prime])),
        }
    }
    groups
});

/// What is left of `number` after division by each prime below 752.
fn remainders(number: &[u8]) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    for (product, primes) in PRIME_GROUPS.iter() {
        let rest =
            number.iter().fold(0_u64, |rest, octet| (rest << 8 | u64::from(*octet)) % product);
        found.extend(primes.iter().map(|prime| (*prime, rest % prime)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_odd_and_of_a_sane_size() {
        for good in [&[0x01, 0x00, 0x01][..], &[0x01, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(check_exponent(good), Ok(()), "{good:02x?}");
        }
        for bad in [
            &[][..],
            &[0x01],
            &[0x03],
            &[0xff, 0xff],
            &[0x01, 0x00, 0x00],
            &[0x01, 0x00, 0x02],
            &[0x02, 0x00, 0x00, 0x00, 0x01],
            &[0x01, 0, 0, 0, 0, 0, 0, 0, 0x01],
        ] {
            assert_eq!(check_exponent(bad), Err(BadKey::RsaExponent), "{bad:02x?}");
        }
    }

    #[test]
    fn powers_of_65537_are_told_from_other_moduli() {
        // 65537^k has the property for every prime; as a stand-in for a ROCA modulus it suffices.
        let mut power = vec![1_u8];
        for _ in 0..60 {
            let shifted: Vec<u8> = [&power[..], &[0, 0]].concat();
            let mut sum = vec![0; shifted.len()];
            let mut carry = 0_u16;
            for (index, digit) in shifted.iter().enumerate().rev() {
                let other = index.checked_sub(2).map_or(0, |at| u16::from(power[at]));
                let total = u16::from(*digit) + other + carry;
                sum[index] = u8::try_from(total & 0xff).unwrap();
                carry = total >> 8;
            }
            power = if carry > 0 { [&[1][..], &sum].concat() } else { sum };
        }
        assert!(is_roca(&remainders(&power)));
        power[0] ^= 0x10;
        assert!(!is_roca(&remainders(&power)));
    }

    #[test]
    fn remainders_are_those_of_every_prime() {
        let rests = remainders(&[0x12, 0x34, 0x56, 0x78, 0x9a]);
        assert_eq!(rests.len(), 133, "there are 133 primes below 752");
        for (prime, rest) in rests {
            assert_eq!(rest, 0x0012_3456_789a % prime);
        }
    }

    #[test]
    fn sizes_are_bounded_and_whole_octets() {
        let size = |octets: usize, first: u8| {
            let mut number = vec![0; octets];
            number[0] = first;
            rsa_bits(&number)
        };
        assert_eq!(size(256, 0x80), Ok(2_048));
        assert_eq!(size(512, 0xff), Ok(4_096));
        assert_eq!(size(256, 0x7f), Err(BadKey::RsaSize { bits: 2_047 }));
        assert_eq!(size(257, 0x01), Err(BadKey::RsaSize { bits: 2_049 }));
        assert_eq!(size(513, 0x80), Err(BadKey::RsaSize { bits: 4_104 }));
        assert_eq!(rsa_bits(&[]), Err(BadKey::RsaSize { bits: 0 }));
    }

    #[test]
    fn points_of_small_order_are_known_with_either_sign() {
        for mut y in SMALL_ORDER {
            assert!(has_small_order(&y));
            y[31] |= 0x80;
            assert!(has_small_order(&y));
        }
        assert!(!has_small_order(&[0x58; 32]));
    }
}
