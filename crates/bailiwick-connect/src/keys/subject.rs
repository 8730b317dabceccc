//! Keys of certificates that Bailiwick makes for a service, so that it can put both where they are
//! served.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::KeyKind;
use bailiwick_wire::x509::{PublicKey, write_pem};

use super::{KeyFault, SecretBytes};

/// A P-256 key pair: PKCS #8 to be sealed, and the public half.
pub struct SubjectPair {
    /// The private key, PKCS #8.
    pub pkcs8: SecretBytes,
    /// The public key, SubjectPublicKeyInfo DER.
    pub spki: Vec<u8>,
}

impl SubjectPair {
    /// A fresh one.
    ///
    /// # Errors
    /// [`KeyFault::Crypto`].
    pub fn fresh() -> Result<Self, KeyFault> {
        let fault = || KeyFault::Crypto("making a key");
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| fault())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref())
            .map_err(|_| fault())?;
        let key = PublicKey::from_point(KeyKind::EcdsaP256, pair.public_key().as_ref())
            .map_err(|_| fault())?;
        Ok(Self { pkcs8: SecretBytes::from(made.as_ref().to_vec()), spki: key.to_spki() })
    }
}

/// A private key as servers read it.
#[must_use]
pub fn key_pem(pkcs8: &SecretBytes) -> SecretBytes {
    SecretBytes::from(write_pem("PRIVATE KEY", pkcs8).into_bytes())
}
