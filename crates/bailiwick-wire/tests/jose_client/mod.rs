//! An ACME client's side of JOSE, written apart from the code under test.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

pub(crate) fn encode(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

pub(crate) enum ClientKey {
    Ec(EcdsaKeyPair, &'static str, &'static str),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl ClientKey {
    pub(crate) fn one_of_each() -> Vec<Self> {
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        vec![
            Self::Ec(p256, "P-256", "ES256"),
            Self::Ec(p384, "P-384", "ES384"),
            Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        ]
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_, _, algorithm) => algorithm,
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa(_) => "RS256",
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Ec(key, curve, _) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key())})
            }
            Self::Rsa(key) => {
                let parts: PublicKeyComponents<Vec<u8>> = key.public_key().into();
                json!({"kty": "RSA", "n": encode(parts.n), "e": encode(parts.e)})
            }
        }
    }

    pub(crate) fn sign(&self, input: &str) -> Vec<u8> {
        match self {
            Self::Ec(key, ..) => {
                key.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(key) => key.sign(input.as_bytes()).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

/// A flattened JWS of these parts, signed by `sign`.
pub(crate) fn flattened(
    header: &str,
    payload: &str,
    sign: impl Fn(&str) -> Vec<u8>,
) -> Map<String, Value> {
    let (protected, payload) = (encode(header), encode(payload));
    let signature = encode(sign(&format!("{protected}.{payload}")));
    let value = json!({"protected": protected, "payload": payload, "signature": signature});
    value.as_object().unwrap().clone()
}

pub(crate) fn mac(algorithm: hmac::Algorithm, key: &[u8]) -> impl Fn(&str) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, key);
    move |input| hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
}
