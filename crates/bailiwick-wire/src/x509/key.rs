//! Public keys: read, checked once, written, and used to verify.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ParsedPublicKey, VerificationAlgorithm,
};
use bailiwick_core::certificate::{KeyKind, SubjectKey};
use thiserror::Error;

use super::key_rules;
use super::oids;
use super::read::{
    BIT_STRING, BadDer, INTEGER, NULL, OID, Reader, SEQUENCE, Tlv, octets_of_bits, oid, unsigned,
};
use super::write;

/// First octet of a point that is not compressed (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 0x04;
/// Octets of an Ed25519 key (RFC 8032, section 5.1.5).
const ED25519_OCTETS: usize = 32;

/// Why a public key is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadKey {
    /// It is not the DER of a SubjectPublicKeyInfo.
    #[error("the public key is not der")]
    Der(#[from] BadDer),
    /// An algorithm that nobody here verifies.
    #[error("the key's algorithm is unknown; use ecdsa p-256 or p-384, ed25519 or rsa")]
    Algorithm,
    /// A curve other than P-256 and P-384.
    #[error("the key's curve is unknown; use p-256 or p-384")]
    Curve,
    /// Not the octets of an uncompressed point, or not a point of the curve.
    #[error("the key is not an uncompressed point of its curve; make a new key")]
    Point,
    /// A modulus below 2,048 or above 4,096 bits, or not a multiple of 8 (BR 6.1.5).
    #[error("the rsa key has {bits} bits; use 2048 to 4096, a multiple of 8")]
    RsaSize {
        /// Its bits.
        bits: usize,
    },
    /// A public exponent that is even, below 65,537 or above 2^33 (BR 6.1.6).
    #[error("the rsa exponent is even, below 65537 or far above; use 65537")]
    RsaExponent,
    /// An even modulus, one with a small factor, or one of the ROCA kind (BR 6.1.1.3).
    #[error("the rsa modulus is known to be weak; make a new key with another program")]
    RsaWeak,
    /// An Ed25519 point of small order, for which anybody can sign.
    #[error("the ed25519 key has a small order; make a new key")]
    SmallOrder,
}

/// A public key that passed every rule for keys that we certify or believe.
///
/// Always: P-256 or P-384 and on the curve, Ed25519 not of small order, or RSA of 2,048 to 4,096
/// bits with an odd exponent of 65,537 or more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    kind: KeyKind,
    bits: u16,
    /// The content of the subjectPublicKey BIT STRING.
    octets: Vec<u8>,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    ///
    /// # Errors
    /// [`BadKey`] says which rule it breaks.
    pub fn from_spki(der: &[u8]) -> Result<Self, BadKey> {
        let mut spki = Reader::only(der, SEQUENCE)?.inside();
        let mut algorithm = spki.expect(SEQUENCE)?.inside();
        let octets = octets_of_bits(&spki.expect(BIT_STRING)?)?;
        spki.end()?;
        let id = oid(&algorithm.expect(OID)?)?;
        let key = if id == oids::EC_PUBLIC_KEY {
            let curve = oid(&algorithm.expect(OID)?)?;
            Self::from_point(curve_of(curve)?, octets)?
        } else if id == oids::ED25519 {
            Self::from_ed25519(octets)?
        } else if id == oids::RSA_ENCRYPTION {
            if !algorithm.expect(NULL)?.content.is_empty() {
                return Err(BadKey::Der(BadDer::Value));
            }
            let (modulus, exponent) = rsa_parts(octets)?;
            Self::from_rsa(modulus, exponent)?
        } else {
            return Err(BadKey::Algorithm);
        };
        algorithm.end()?;
        Ok(key)
    }

    /// Takes the octets of a point.
    ///
    /// # Errors
    /// [`BadKey::Point`], or [`BadKey::Curve`] for a kind that has no points of this form.
    pub fn from_point(kind: KeyKind, point: &[u8]) -> Result<Self, BadKey> {
        let (bits, length, algorithm): (u16, usize, &'static dyn VerificationAlgorithm) = match kind
        {
            KeyKind::EcdsaP256 => (256, 65, &ECDSA_P256_SHA256_ASN1),
            KeyKind::EcdsaP384 => (384, 97, &ECDSA_P384_SHA384_ASN1),
            KeyKind::Ed25519 | KeyKind::Rsa => return Err(BadKey::Curve),
        };
        if point.len() != length || point.first() != Some(&UNCOMPRESSED) {
            return Err(BadKey::Point);
        }
        // The library refuses a point that is not on the curve.
        ParsedPublicKey::new(algorithm, point).map_err(|_| BadKey::Point)?;
        Ok(Self { kind, bits, octets: point.to_vec() })
    }

    /// Takes an Ed25519 key.
    ///
    /// # Errors
    /// [`BadKey::Point`] for another length, [`BadKey::SmallOrder`].
    pub fn from_ed25519(octets: &[u8]) -> Result<Self, BadKey> {
        if octets.len() != ED25519_OCTETS {
            return Err(BadKey::Point);
        }
        if key_rules::has_small_order(octets) {
            return Err(BadKey::SmallOrder);
        }
        Ok(Self { kind: KeyKind::Ed25519, bits: 256, octets: octets.to_vec() })
    }

    /// Takes an RSA key, both numbers big-endian and without zeros in front.
    ///
    /// # Errors
    /// The `Rsa...` variants of [`BadKey`].
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, BadKey> {
        let bits = key_rules::rsa_bits(modulus)?;
        key_rules::check_exponent(exponent)?;
        key_rules::check_modulus(modulus)?;
        let octets = write::sequence(&[write::unsigned(modulus), write::unsigned(exponent)]);
        Ok(Self { kind: KeyKind::Rsa, bits, octets })
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The content of the subjectPublicKey BIT STRING.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Modulus and exponent of an RSA key, big-endian; `None` for other kinds.
    #[must_use]
    pub fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        if self.kind == KeyKind::Rsa { rsa_parts(&self.octets).ok() } else { None }
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        let algorithm = match self.kind {
            KeyKind::EcdsaP256 => {
                write::sequence(&[write::oid(oids::EC_PUBLIC_KEY), write::oid(oids::SECP256R1)])
            }
            KeyKind::EcdsaP384 => {
                write::sequence(&[write::oid(oids::EC_PUBLIC_KEY), write::oid(oids::SECP384R1)])
            }
            KeyKind::Ed25519 => write::sequence(&[write::oid(oids::ED25519)]),
            KeyKind::Rsa => write::sequence(&[write::oid(oids::RSA_ENCRYPTION), write::null()]),
        };
        write::sequence(&[algorithm, write::bit_string(&self.octets)])
    }

    /// The key as the core knows it.
    #[must_use]
    pub fn to_subject_key(&self) -> SubjectKey {
        SubjectKey::new(self.kind, self.bits, self.to_spki())
    }
}

/// Reads a SubjectPublicKeyInfo into the key as the core knows it.
///
/// # Errors
/// [`BadKey`] says which rule it breaks.
pub fn subject_key(spki_der: &[u8]) -> Result<SubjectKey, BadKey> {
    PublicKey::from_spki(spki_der).map(|key| key.to_subject_key())
}

fn curve_of(id: const_oid::ObjectIdentifier) -> Result<KeyKind, BadKey> {
    if id == oids::SECP256R1 {
        Ok(KeyKind::EcdsaP256)
    } else if id == oids::SECP384R1 {
        Ok(KeyKind::EcdsaP384)
    } else {
        Err(BadKey::Curve)
    }
}

/// Modulus and exponent of an RSAPublicKey (RFC 3279, section 2.3.1).
fn rsa_parts(octets: &[u8]) -> Result<(&[u8], &[u8]), BadDer> {
    let mut numbers = Reader::only(octets, SEQUENCE)?.inside();
    let modulus = unsigned(&numbers.expect(INTEGER)?)?;
    let exponent = unsigned(&numbers.expect(INTEGER)?)?;
    numbers.end()?;
    Ok((modulus, exponent))
}

/// Kind and size of a key in a certificate of whatever making; `None` when we do not know it.
///
/// It is for showing only: RSA up to 8,192 bits, and no rule but the form.
pub(super) fn describe(spki: &Tlv<'_>) -> Option<(KeyKind, u16)> {
    let mut parts = spki.inside();
    let mut algorithm = parts.expect(SEQUENCE).ok()?.inside();
    let id = oid(&algorithm.expect(OID).ok()?).ok()?;
    if id == oids::RSA_ENCRYPTION {
        let octets = octets_of_bits(&parts.expect(BIT_STRING).ok()?).ok()?;
        let (modulus, _) = rsa_parts(octets).ok()?;
        let bits = key_rules::bit_length(modulus);
        return u16::try_from(bits)
            .ok()
            .filter(|bits| *bits <= 8_192)
            .map(|bits| (KeyKind::Rsa, bits));
    }
    if id == oids::ED25519 {
        return Some((KeyKind::Ed25519, 256));
    }
    if id != oids::EC_PUBLIC_KEY {
        return None;
    }
    match curve_of(oid(&algorithm.expect(OID).ok()?).ok()?).ok()? {
        KeyKind::EcdsaP384 => Some((KeyKind::EcdsaP384, 384)),
        KeyKind::EcdsaP256 => Some((KeyKind::EcdsaP256, 256)),
        KeyKind::Ed25519 | KeyKind::Rsa => None,
    }
}
