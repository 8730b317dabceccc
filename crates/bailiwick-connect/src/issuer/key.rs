//! A CA's private key, in memory and as it is sealed.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::{KeyKind, SubjectKey};
use bailiwick_wire::x509::PublicKey;

use crate::keys::{KeyFault, KeyFiles, Sealer, SecretBytes};

/// Octets of a P-256 private key.
const SCALAR_OCTETS: usize = 32;
/// Draws of a private key at most; one in 2^32 is not below the order of the curve.
const DRAWS_MAX: usize = 8;

/// A P-256 key pair of a CA.
pub(super) struct CaKey {
    pair: EcdsaKeyPair,
    subject: SubjectKey,
}

impl CaKey {
    /// The sealed key of this role; `None` when there is no such file.
    pub(super) fn read(
        files: &KeyFiles<'_>,
        purpose: &str,
        role: &str,
    ) -> Result<Option<Self>, KeyFault> {
        let Some(scalar) = files.get(purpose, role)? else { return Ok(None) };
        let damaged = |_| KeyFault::damaged(&files.path(role));
        Self::from_scalar(&scalar).map(Some).map_err(damaged)
    }

    /// A new key, sealed under this role before anybody gets it.
    pub(super) fn make(
        files: &KeyFiles<'_>,
        sealer: &Sealer,
        purpose: &str,
        role: &str,
    ) -> Result<Self, KeyFault> {
        for _ in 0..DRAWS_MAX {
            let scalar = SecretBytes::from(sealer.random_octets::<SCALAR_OCTETS>()?.to_vec());
            // Zero, or not below the order of the curve: draw again.
            let Ok(key) = Self::from_scalar(&scalar) else { continue };
            files.put(purpose, role, &scalar)?;
            return Ok(key);
        }
        Err(KeyFault::NoRandomness)
    }

    fn from_scalar(scalar: &[u8]) -> Result<Self, KeyFault> {
        let private = PrivateKey::from_private_key(&ECDH_P256, scalar)
            .map_err(|_| KeyFault::Crypto("making a key"))?;
        let public = private.compute_public_key().map_err(|_| KeyFault::Crypto("making a key"))?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            scalar,
            public.as_ref(),
        )
        .map_err(|_| KeyFault::Crypto("making a key"))?;
        let subject = PublicKey::from_point(KeyKind::EcdsaP256, pair.public_key().as_ref())
            .map_err(|_| KeyFault::Crypto("reading the public key"))?
            .to_subject_key();
        Ok(Self { pair, subject })
    }

    /// Its public half.
    pub(super) const fn subject(&self) -> &SubjectKey {
        &self.subject
    }

    /// Signs. The library draws the nonce itself; it takes the argument and does not use it.
    pub(super) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let signature = self.pair.sign(&SystemRandom::new(), octets);
        signature
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| KeyFault::Crypto("signing"))
    }
}
