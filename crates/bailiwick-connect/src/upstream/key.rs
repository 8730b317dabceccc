//! The key of an account of ours at a CA.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::KeyKind;
use bailiwick_core::names::SpkiHash;
use bailiwick_wire::jose::{Jwk, Thumbprint};
use bailiwick_wire::x509::PublicKey;
use serde_json::{Map, Value};

use crate::keys::{KeyFault, SecretBytes};

/// A P-256 key that signs requests to a CA. Never printed.
pub struct AccountKey {
    pair: EcdsaKeyPair,
    jwk: Jwk,
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey")
    }
}

impl AccountKey {
    /// A fresh key as PKCS #8, to be sealed before anybody hears of it.
    ///
    /// # Errors
    /// [`KeyFault::Crypto`].
    pub fn fresh() -> Result<SecretBytes, KeyFault> {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| KeyFault::Crypto("making an account key"))?;
        Ok(SecretBytes::from(made.as_ref().to_vec()))
    }

    /// Takes a key as [`AccountKey::fresh`] made it.
    ///
    /// # Errors
    /// [`KeyFault::Crypto`] when it is none.
    pub fn open(pkcs8: &[u8]) -> Result<Self, KeyFault> {
        let none = || KeyFault::Crypto("reading an account key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| none())?;
        let key = PublicKey::from_point(KeyKind::EcdsaP256, pair.public_key().as_ref())
            .map_err(|_| none())?;
        Ok(Self { pair, jwk: jwk(&key).ok_or_else(none)? })
    }

    /// Its public half.
    #[must_use]
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Names it.
    #[must_use]
    pub fn hash(&self) -> SpkiHash {
        self.jwk.spki_hash()
    }

    /// Names it in key authorizations.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.jwk.thumbprint()
    }

    /// Signs with ES256 (RFC 7518, section 3.4).
    pub(super) fn sign(&self, input: &str) -> Result<Vec<u8>, KeyFault> {
        self.pair
            .sign(&SystemRandom::new(), input.as_bytes())
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| KeyFault::Crypto("signing for a CA"))
    }
}

fn jwk(key: &PublicKey) -> Option<Jwk> {
    use base64::Engine as _;
    let (x, y) = key.octets().split_first()?.1.split_at_checked(32)?;
    let text =
        |octets| Value::from(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets));
    let members: Map<String, Value> = [
        ("kty".to_owned(), Value::from("EC")),
        ("crv".to_owned(), Value::from("P-256")),
        ("x".to_owned(), text(x)),
        ("y".to_owned(), text(y)),
    ]
    .into_iter()
    .collect();
    Jwk::from_object(&members).ok()
}
