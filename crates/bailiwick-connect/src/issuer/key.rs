//! A CA's private key, in memory and as it is sealed.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use bailiwick_core::certificate::{KeyKind, SubjectKey};
use bailiwick_core::estate::AuthorityKey;
use bailiwick_wire::x509::PublicKey;

use crate::keys::{KeyFault, KeyFiles, Sealer, SecretBytes};
use crate::token::TokenKey;

/// Octets of a P-256 private key, and of an Ed25519 seed.
const SCALAR_OCTETS: usize = 32;
/// Octets of a P-384 private key.
const SCALAR_384_OCTETS: usize = 48;
/// Draws of a private key at most; one in 2^32 is not below the order of the curve.
const DRAWS_MAX: usize = 8;
/// What a sealed key begins with, by its kind. A bare scalar of 32 octets is P-256: so it was
/// before there were other kinds.
const MARK_P384: u8 = 1;
const MARK_ED25519: u8 = 2;
const MARK_RSA: u8 = 3;

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Token(TokenKey),
}

/// A key pair of a CA, or of its OCSP responder.
pub(super) struct CaKey {
    pair: Pair,
    subject: SubjectKey,
}

impl CaKey {
    /// The sealed key of this role; `None` when there is no such file.
    pub(super) fn read(
        files: &KeyFiles<'_>,
        purpose: &str,
        role: &str,
    ) -> Result<Option<Self>, KeyFault> {
        let Some(sealed) = files.get(purpose, role)? else { return Ok(None) };
        let damaged = |_| KeyFault::damaged(&files.path(role));
        Self::from_sealed(&sealed).map(Some).map_err(damaged)
    }

    /// A new key, sealed under this role before anybody gets it.
    pub(super) fn make(
        files: &KeyFiles<'_>,
        sealer: &Sealer,
        purpose: &str,
        role: &str,
        kind: AuthorityKey,
    ) -> Result<Self, KeyFault> {
        for _ in 0..DRAWS_MAX {
            let secret = fresh(sealer, kind)?;
            // Zero, or not below the order of the curve: draw again.
            let Ok(key) = Self::from_sealed(&secret) else { continue };
            files.put(purpose, role, &secret)?;
            return Ok(key);
        }
        Err(KeyFault::NoRandomness)
    }

    /// A new key that is not kept anywhere.
    pub(super) fn fresh(sealer: &Sealer, kind: AuthorityKey) -> Result<Self, KeyFault> {
        for _ in 0..DRAWS_MAX {
            if let Ok(key) = Self::from_sealed(&fresh(sealer, kind)?) {
                return Ok(key);
            }
        }
        Err(KeyFault::NoRandomness)
    }

    fn from_sealed(secret: &[u8]) -> Result<Self, KeyFault> {
        let failed = || KeyFault::Crypto("reading a key");
        match (secret.len(), secret.split_first()) {
            (SCALAR_OCTETS, _) => {
                Self::ecdsa(KeyKind::EcdsaP256, &ECDSA_P256_SHA256_ASN1_SIGNING, &ECDH_P256, secret)
            }
            (_, Some((&MARK_P384, scalar))) => {
                Self::ecdsa(KeyKind::EcdsaP384, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDH_P384, scalar)
            }
            (_, Some((&MARK_ED25519, seed))) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| failed())?;
                let public = PublicKey::from_ed25519(pair.public_key().as_ref());
                Self::of(Pair::Ed25519(pair), public)
            }
            (_, Some((&MARK_RSA, pkcs8))) => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| failed())?;
                let spki = pair.public_key().as_der().map_err(|_| failed())?;
                let public = PublicKey::from_spki(spki.as_ref());
                Self::of(Pair::Rsa(pair), public)
            }
            (_, _) => Err(failed()),
        }
    }

    fn ecdsa(
        kind: KeyKind,
        signing: &'static EcdsaSigningAlgorithm,
        agreeing: &'static agreement::Algorithm,
        scalar: &[u8],
    ) -> Result<Self, KeyFault> {
        let failed = || KeyFault::Crypto("making a key");
        let private =
            agreement::PrivateKey::from_private_key(agreeing, scalar).map_err(|_| failed())?;
        let public = private.compute_public_key().map_err(|_| failed())?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, scalar, public.as_ref())
            .map_err(|_| failed())?;
        let public = PublicKey::from_point(kind, pair.public_key().as_ref());
        Self::of(Pair::Ecdsa(pair), public)
    }

    fn of(
        pair: Pair,
        public: Result<PublicKey, bailiwick_wire::x509::BadKey>,
    ) -> Result<Self, KeyFault> {
        let subject =
            public.map_err(|_| KeyFault::Crypto("reading the public key"))?.to_subject_key();
        Ok(Self { pair, subject })
    }

    /// Its public half.
    pub(super) const fn subject(&self) -> &SubjectKey {
        &self.subject
    }

    /// Signs. The library draws the nonces itself; it takes the argument and does not use it.
    pub(super) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let failed = |_| KeyFault::Crypto("signing");
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&SystemRandom::new(), octets).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(octets).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Pair::Token(key) => Ok(key.sign(octets)?),
        }
    }
}

impl From<TokenKey> for CaKey {
    fn from(key: TokenKey) -> Self {
        let subject = key.subject().clone();
        Self { pair: Pair::Token(key), subject }
    }
}

/// A new private key in the form in which it is sealed.
fn fresh(sealer: &Sealer, kind: AuthorityKey) -> Result<SecretBytes, KeyFault> {
    let marked = |mark: u8, secret: &[u8]| SecretBytes::from([&[mark], secret].concat());
    Ok(match kind {
        AuthorityKey::EcdsaP256 => {
            SecretBytes::from(sealer.random_octets::<SCALAR_OCTETS>()?.to_vec())
        }
        AuthorityKey::EcdsaP384 => {
            let scalar = SecretBytes::from(sealer.random_octets::<SCALAR_384_OCTETS>()?.to_vec());
            marked(MARK_P384, &scalar)
        }
        AuthorityKey::Ed25519 => {
            let seed = SecretBytes::from(sealer.random_octets::<SCALAR_OCTETS>()?.to_vec());
            marked(MARK_ED25519, &seed)
        }
        // Primes come out of the library's own generator: there is no way to hand it randomness.
        AuthorityKey::Rsa2048 => marked(MARK_RSA, &rsa(KeySize::Rsa2048)?),
        AuthorityKey::Rsa3072 => marked(MARK_RSA, &rsa(KeySize::Rsa3072)?),
        AuthorityKey::Rsa4096 => marked(MARK_RSA, &rsa(KeySize::Rsa4096)?),
    })
}

fn rsa(size: KeySize) -> Result<SecretBytes, KeyFault> {
    let failed = |_| KeyFault::Crypto("making a key");
    let pair = RsaKeyPair::generate(size).map_err(failed)?;
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    Ok(SecretBytes::from(pkcs8.as_ref().to_vec()))
}
