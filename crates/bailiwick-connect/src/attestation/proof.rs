//! What a workload signs itself to prove who it is: with the key of its X.509-SVID, or of its host.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use bailiwick_core::certificate::KeyKind;
use bailiwick_core::time::Time;
use bailiwick_wire::attestation::PROOF_SECONDS;
use bailiwick_wire::jose::Jwk;
use bailiwick_wire::x509::{PublicKey, read_pem};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A file is no key that a proof can be signed with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadProofKey {
    /// Not PEM of PKCS #8.
    #[error("the key is not PKCS #8 in PEM; `openssl pkcs8 -topk8 -nocrypt` makes it that")]
    Form,
    /// Of another kind.
    #[error("the key is of a kind that is not taken; use P-256, P-384, Ed25519 or RSA")]
    Kind,
    /// The crypto library refused.
    #[error("the proof could not be signed")]
    Sign,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A private key of a workload or a host.
pub struct ProofKey {
    pair: Pair,
    jwk: Jwk,
}

impl ProofKey {
    /// Reads a private key, PKCS #8 in PEM.
    ///
    /// # Errors
    /// [`BadProofKey`].
    pub fn read(pem: &[u8]) -> Result<Self, BadProofKey> {
        let blocks = read_pem(pem, "PRIVATE KEY").map_err(|_| BadProofKey::Form)?;
        let [der] = blocks.as_slice() else { return Err(BadProofKey::Form) };
        let point = |kind: KeyKind, octets: &[u8]| {
            PublicKey::from_point(kind, octets).map(Jwk::from).map_err(|_| BadProofKey::Kind)
        };
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            let jwk = point(KeyKind::EcdsaP256, pair.public_key().as_ref())?;
            return Ok(Self { pair: Pair::Ecdsa(pair), jwk });
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der) {
            let jwk = point(KeyKind::EcdsaP384, pair.public_key().as_ref())?;
            return Ok(Self { pair: Pair::Ecdsa(pair), jwk });
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            let key = PublicKey::from_ed25519(pair.public_key().as_ref());
            let jwk = key.map(Jwk::from).map_err(|_| BadProofKey::Kind)?;
            return Ok(Self { pair: Pair::Ed25519(pair), jwk });
        }
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| BadProofKey::Kind)?;
        let public = pair.public_key();
        let key = PublicKey::from_rsa(
            public.modulus().big_endian_without_leading_zero(),
            public.exponent().big_endian_without_leading_zero(),
        );
        let jwk = key.map(Jwk::from).map_err(|_| BadProofKey::Kind)?;
        Ok(Self { pair: Pair::Rsa(pair), jwk })
    }

    /// Its thumbprint, as the estate names a host's key.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.jwk.thumbprint().to_string()
    }

    /// A proof for `audience`, good for some minutes and taken once; `id` is its `jti`. With a chain
    /// (DER, the workload's own first) it is that of an X.509-SVID, else that of a host.
    ///
    /// # Errors
    /// [`BadProofKey::Sign`].
    pub fn prove(
        &self,
        chain: &[Vec<u8>],
        (audience, id): (&str, &str),
        now: Time,
    ) -> Result<String, BadProofKey> {
        let mut header = json!({ "typ": "JWT", "alg": self.jwk.algorithm().as_str() });
        let shown = if chain.is_empty() {
            let jwk: Result<Value, _> = serde_json::from_str(&self.jwk.canonical());
            ("jwk", jwk.map_err(|_| BadProofKey::Sign)?)
        } else {
            ("x5c", chain.iter().map(|der| STANDARD.encode(der)).collect())
        };
        if let Some(header) = header.as_object_mut() {
            header.insert(shown.0.to_owned(), shown.1);
        }
        let issued = now.unix_seconds();
        let claims = json!({
            "sub": "self", "aud": audience, "jti": id, "iat": issued,
            "exp": issued.saturating_add(PROOF_SECONDS),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&header), part(&claims));
        let signature = self.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, BadProofKey> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signed = pair.sign(&random, input).map_err(|_| BadProofKey::Sign)?;
                Ok(signed.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(input).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)
                    .map_err(|_| BadProofKey::Sign)?;
                Ok(signature)
            }
        }
    }
}
