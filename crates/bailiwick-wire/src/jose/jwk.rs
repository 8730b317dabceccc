//! Public keys as JWK (RFC 7517, RFC 7518 section 6, RFC 8037), their one canonical form and its
//! thumbprint (RFC 7638).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use bailiwick_core::certificate::KeyKind;
use bailiwick_core::names::{Digest, SpkiHash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use thiserror::Error;

use super::json::read_object;
use super::jws::Algorithm;
use crate::x509::{BadKey, PublicKey};

/// Octets of a key's JSON at most; RSA with 4,096 bits has about 750.
const JWK_OCTETS_MAX: usize = 4_096;

/// Why a JWK is not taken. All are `badPublicKey` in ACME (RFC 8555, section 6.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadJwk {
    /// Not a JSON object, or too long.
    #[error("the jwk is not a json object of up to {JWK_OCTETS_MAX} octets")]
    NoObject,
    /// `kty` or `crv` names nothing we know.
    #[error("the jwk's type is unknown; use EC with P-256 or P-384, OKP with Ed25519, or RSA")]
    Type,
    /// A member that the type needs is missing or no string.
    #[error("the jwk lacks member `{member}`")]
    Missing {
        /// Which.
        member: &'static str,
    },
    /// A member is not base64url of a number in its one form.
    #[error("the jwk's member `{member}` is not base64url in its one form")]
    Number {
        /// Which.
        member: &'static str,
    },
    /// It holds a private key, which its owner must now regard as lost.
    #[error("the jwk holds a private key; make a new key and send its public half only")]
    Private,
    /// `use`, `key_ops` or `alg` says that it does not verify such signatures.
    #[error("the jwk says that it is not for these signatures")]
    OtherUse,
    /// The key itself is refused.
    #[error("the jwk's key is refused: {0}")]
    Key(#[from] BadKey),
}

/// A public key that may sign ACME requests.
#[derive(Clone, Debug)]
pub struct Jwk {
    key: PublicKey,
    /// The same key as the library verifies with; `None` where it takes no such key.
    verifier: Option<Arc<ParsedPublicKey>>,
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Jwk {}

/// The name of a key in ACME (RFC 7638, with SHA-256).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The 32 octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads base64url of 32 octets; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        let algorithm: &'static dyn VerificationAlgorithm = match key.kind() {
            KeyKind::EcdsaP256 => &ECDSA_P256_SHA256_FIXED,
            KeyKind::EcdsaP384 => &ECDSA_P384_SHA384_FIXED,
            KeyKind::Ed25519 => &ED25519,
            KeyKind::Rsa => &RSA_PKCS1_2048_8192_SHA256,
        };
        let verifier = ParsedPublicKey::new(algorithm, key.octets()).ok().map(Arc::new);
        Self { key, verifier }
    }
}

impl Jwk {
    /// Reads the canonical form back, as it is stored with an account.
    ///
    /// # Errors
    /// As [`Jwk::from_object`].
    pub fn parse(text: &str) -> Result<Self, BadJwk> {
        let object = read_object(text.as_bytes(), JWK_OCTETS_MAX).map_err(|_| BadJwk::NoObject)?;
        Self::from_object(&object)
    }

    /// Takes the members of a JWK; those that RFC 7638 leaves out are passed over.
    ///
    /// # Errors
    /// [`BadJwk`] says what is refused.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, BadJwk> {
        // Private members of every type (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037).
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
            .iter()
            .any(|name| object.contains_key(*name))
        {
            return Err(BadJwk::Private);
        }
        let curve = object.get("crv").and_then(Value::as_str);
        let key = match (text(object, "kty")?, curve) {
            ("EC", Some("P-256")) => point(object, KeyKind::EcdsaP256, 32)?,
            ("EC", Some("P-384")) => point(object, KeyKind::EcdsaP384, 48)?,
            ("OKP", Some("Ed25519")) => PublicKey::from_ed25519(&octets(object, "x")?)?,
            ("RSA", _) => PublicKey::from_rsa(&number(object, "n")?, &number(object, "e")?)?,
            _ => return Err(BadJwk::Type),
        };
        let jwk = Self::from(key);
        jwk.check_use(object)?;
        Ok(jwk)
    }

    fn check_use(&self, object: &Map<String, Value>) -> Result<(), BadJwk> {
        let says = |name: &str, wanted: &str| {
            object.get(name).is_none_or(|value| value.as_str() == Some(wanted))
        };
        let operations = object.get("key_ops").is_none_or(|value| {
            value.as_array().is_some_and(|list| list.iter().any(|one| one == "verify"))
        });
        if operations && says("use", "sig") && says("alg", self.algorithm().as_str()) {
            Ok(())
        } else {
            Err(BadJwk::OtherUse)
        }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The hash of the key's SubjectPublicKeyInfo: an account's key must not be a certificate's
    /// (RFC 8555, section 11.1).
    #[must_use]
    pub fn spki_hash(&self) -> SpkiHash {
        SpkiHash::of(&self.key.to_spki())
    }

    /// The one algorithm this key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.key.kind() {
            KeyKind::EcdsaP256 => Algorithm::Es256,
            KeyKind::EcdsaP384 => Algorithm::Es384,
            KeyKind::Ed25519 => Algorithm::EdDsa,
            KeyKind::Rsa => Algorithm::Rs256,
        }
    }

    /// The members that name the key, in their order, without spaces (RFC 7638, section 3.3).
    #[must_use]
    pub fn canonical(&self) -> String {
        let base64 = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let point = self.key.octets().split_first().map_or(&[][..], |(_, point)| point);
        match self.key.kind() {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => {
                let (x, y) = point.split_at_checked(point.len() / 2).unwrap_or((point, &[]));
                let curve = if self.key.kind() == KeyKind::EcdsaP256 { "P-256" } else { "P-384" };
                let (x, y) = (base64(x), base64(y));
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            KeyKind::Ed25519 => {
                let x = base64(self.key.octets());
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
            }
            KeyKind::Rsa => {
                let (n, e) = self.key.rsa_numbers().unwrap_or_default();
                let (n, e) = (base64(n), base64(e));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
        }
    }

    /// The key's name.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint(*Digest::of(self.canonical().as_bytes()).as_bytes())
    }

    /// Whether `signature` is this key's over `input`, by the key's own algorithm.
    #[must_use]
    pub fn has_signed(&self, input: &[u8], signature: &[u8]) -> bool {
        self.verifier.as_ref().is_some_and(|key| key.verify_sig(input, signature).is_ok())
    }
}

fn text<'a>(object: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, BadJwk> {
    object.get(member).and_then(Value::as_str).ok_or(BadJwk::Missing { member })
}

fn octets(object: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, BadJwk> {
    URL_SAFE_NO_PAD.decode(text(object, member)?).map_err(|_| BadJwk::Number { member })
}

/// A Base64urlUInt: no zero in front (RFC 7518, section 2).
fn number(object: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, BadJwk> {
    let octets = octets(object, member)?;
    if octets.first().is_none_or(|first| *first == 0) {
        return Err(BadJwk::Number { member });
    }
    Ok(octets)
}

/// Both coordinates have the full length of the field (RFC 7518, section 6.2.1.2).
fn point(object: &Map<String, Value>, kind: KeyKind, length: usize) -> Result<PublicKey, BadJwk> {
    let mut point = vec![0x04];
    for member in ["x", "y"] {
        let coordinate = octets(object, member)?;
        if coordinate.len() != length {
            return Err(BadJwk::Number { member });
        }
        point.extend(coordinate);
    }
    Ok(PublicKey::from_point(kind, &point)?)
}
