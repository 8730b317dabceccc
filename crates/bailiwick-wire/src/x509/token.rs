//! The octets of keys and signatures as PKCS#11 tokens speak them (PKCS#11 3.1, section 6.3).

use bailiwick_core::certificate::KeyKind;

use super::oids;
use super::read::{OCTET_STRING, Reader};
use super::write;

/// CKA_EC_PARAMS of a curve that CA keys may be on; `None` for kinds without a curve.
#[must_use]
pub fn curve_parameters(kind: KeyKind) -> Option<Vec<u8>> {
    match kind {
        KeyKind::EcdsaP256 => Some(write::oid(oids::SECP256R1)),
        KeyKind::EcdsaP384 => Some(write::oid(oids::SECP384R1)),
        KeyKind::Ed25519 => Some(write::oid(oids::ED25519)),
        KeyKind::Rsa => None,
    }
}

/// The octets of a point out of CKA_EC_POINT: a DER OCTET STRING around them, as the standard has
/// it, or the bare point, as some tokens give it.
#[must_use]
pub fn point_of_attribute(attribute: &[u8], point_octets: usize) -> Option<&[u8]> {
    if attribute.len() == point_octets {
        return Some(attribute);
    }
    let wrapped = Reader::only(attribute, OCTET_STRING).ok()?.content;
    (wrapped.len() == point_octets).then_some(wrapped)
}

/// An ECDSA-Sig-Value (RFC 3279, section 2.2.3) out of the two numbers that a token gives one
/// behind the other, each as long as the curve's order.
#[must_use]
pub fn ecdsa_signature(raw: &[u8]) -> Option<Vec<u8>> {
    let half = raw.len() / 2;
    let (r, s) = raw.split_at_checked(half)?;
    let is_pair = half > 0 && r.len() == s.len();
    is_pair.then(|| write::sequence(&[write::unsigned(r), write::unsigned(s)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_wrapped_or_bare_and_nothing_else_is_one() {
        let point = [0x04_u8; 65];
        let wrapped = [&[0x04, 65][..], &point].concat();
        assert_eq!(point_of_attribute(&wrapped, 65), Some(&point[..]));
        assert_eq!(point_of_attribute(&point, 65), Some(&point[..]));
        let cut = wrapped.iter().take(66).copied().collect::<Vec<_>>();
        for other in [&[][..], &wrapped[1..66][..64], &cut, &[0x04, 2, 1, 1]] {
            assert_eq!(point_of_attribute(other, 65), None, "{other:?}");
        }
    }

    #[test]
    fn numbers_of_a_signature_lose_zeros_in_front_and_stay_positive() {
        let raw = [0x00, 0x01, 0x80, 0x02];
        assert_eq!(
            ecdsa_signature(&raw),
            Some(vec![0x30, 8, 0x02, 1, 0x01, 0x02, 3, 0x00, 0x80, 0x02])
        );
        for none in [&[][..], &[1], &[1, 2, 3]] {
            assert_eq!(ecdsa_signature(none), None);
        }
    }
}
