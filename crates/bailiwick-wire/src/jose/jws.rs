//! Flattened JWS as ACME allows it and nothing beside it (RFC 8555, section 6.2).

// tidy: long file because the steps of reading one JWS are read in order

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json::read_object;
use super::jwk::{BadJwk, Jwk};
use super::jws_error::JwsError;

/// Octets of a request's body at most: a CSR of 64 KiB, twice in base64url, and its header.
pub const BODY_OCTETS_MAX: usize = 128 * 1024;
/// Octets of a protected header at most; one with an RSA key of 4,096 bits has about 1,100.
const HEADER_OCTETS_MAX: usize = 8 * 1024;
/// Octets of a `url`, a `kid` or a `nonce` at most.
const TEXT_OCTETS_MAX: usize = 1_024;
/// Header parameters that would change how the JWS is read, or bring a key by another way.
const REFUSED_PARAMETERS: [&str; 8] =
    ["crit", "b64", "zip", "jku", "x5u", "x5c", "x5t", "x5t#S256"];

/// The signature algorithms that ACME requests may use, each for one kind of key
/// (RFC 7518, section 3; RFC 8037, section 3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// Every one, as the `algorithms` of a `badSignatureAlgorithm` problem lists them.
    pub const ALL: [Self; 4] = [Self::Es256, Self::Es384, Self::EdDsa, Self::Rs256];

    /// Its name in a header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// What a JWS is used for; it decides which parameters its header has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JwsKind {
    /// A request (RFC 8555, section 6.2): `nonce`, `url`, and `jwk` or `kid`.
    Request,
    /// The inner JWS of a key change (section 7.3.5): `jwk` and `url`, no `nonce`.
    KeyChange,
}

/// How a JWS names its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyRef {
    /// The key itself.
    Embedded(Jwk),
    /// The URL of an account.
    Account(String),
}

/// A JWS whose form is right and whose signature nobody has looked at. Its payload stays closed.
///
/// ```compile_fail
/// # use bailiwick_wire::jose::UnverifiedJws;
/// fn peek(jws: &UnverifiedJws) -> &[u8] { jws.payload() }
/// ```
#[derive(Clone, Debug)]
pub struct UnverifiedJws {
    algorithm: Algorithm,
    key: KeyRef,
    nonce: Option<String>,
    url: String,
    payload: Vec<u8>,
    input: Vec<u8>,
    signature: Vec<u8>,
}

/// A JWS whose signature is its key's, for the URL that was requested. Only
/// [`UnverifiedJws::verify`] and [`UnverifiedJws::verify_embedded`] make one.
#[derive(Clone, Debug)]
pub struct VerifiedJws {
    key: Jwk,
    payload: Vec<u8>,
}

impl VerifiedJws {
    /// The key that signed.
    #[must_use]
    pub const fn key(&self) -> &Jwk {
        &self.key
    }

    /// What was signed; empty for POST-as-GET (RFC 8555, section 6.3).
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether it only reads (RFC 8555, section 6.3).
    #[must_use]
    pub const fn is_post_as_get(&self) -> bool {
        self.payload.is_empty()
    }
}

impl UnverifiedJws {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`JwsError`] says what is refused.
    pub fn parse(body: &[u8], kind: JwsKind) -> Result<Self, JwsError> {
        let object = read_object(body, BODY_OCTETS_MAX).map_err(JwsError::Body)?;
        Self::from_object(&object, kind)
    }

    /// Reads a JWS that is a value inside another's payload.
    ///
    /// # Errors
    /// As [`UnverifiedJws::parse`].
    pub fn from_object(object: &Map<String, Value>, kind: JwsKind) -> Result<Self, JwsError> {
        let parts = JwsParts::read(object)?;
        let header = &parts.header;
        let name = parameter(header, "alg")?;
        let algorithm = Algorithm::parse(name).ok_or(JwsError::Algorithm)?;
        let url = parameter(header, "url")?.to_owned();
        let key = key_of(header)?;
        let nonce = match (kind, header.get("nonce")) {
            (JwsKind::Request, None) => return Err(JwsError::NoNonce),
            (JwsKind::Request, Some(nonce)) => Some(read_nonce(nonce)?),
            (JwsKind::KeyChange, None) => None,
            (JwsKind::KeyChange, Some(_)) => {
                return Err(JwsError::RefusedParameter { parameter: "nonce" });
            }
        };
        if kind == JwsKind::KeyChange && matches!(key, KeyRef::Account(_)) {
            return Err(JwsError::OtherKeyForm { wanted: "jwk" });
        }
        Ok(Self {
            algorithm,
            key,
            nonce,
            url,
            payload: parts.payload,
            input: parts.input,
            signature: parts.signature,
        })
    }

    /// How it names its key.
    #[must_use]
    pub const fn key(&self) -> &KeyRef {
        &self.key
    }

    /// The nonce to be spent; `None` only in the inner JWS of a key change.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The URL it says it is for.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The account's URL.
    ///
    /// # Errors
    /// [`JwsError::OtherKeyForm`] when the header has a `jwk` instead.
    pub fn account(&self) -> Result<&str, JwsError> {
        match &self.key {
            KeyRef::Account(url) => Ok(url),
            KeyRef::Embedded(_) => Err(JwsError::OtherKeyForm { wanted: "kid" }),
        }
    }

    /// Verifies with the key of the account that [`UnverifiedJws::account`] named.
    ///
    /// # Errors
    /// [`JwsError::OtherKeyForm`], [`JwsError::OtherUrl`], [`JwsError::AlgorithmOfOtherKey`] or
    /// [`JwsError::Signature`].
    pub fn verify(self, account_key: &Jwk, requested_url: &str) -> Result<VerifiedJws, JwsError> {
        self.account()?;
        self.check(account_key.clone(), requested_url)
    }

    /// Verifies with the key in the header (newAccount, revokeCert, key change).
    ///
    /// # Errors
    /// As [`UnverifiedJws::verify`].
    pub fn verify_embedded(self, requested_url: &str) -> Result<VerifiedJws, JwsError> {
        let key = match &self.key {
            KeyRef::Embedded(key) => key.clone(),
            KeyRef::Account(_) => return Err(JwsError::OtherKeyForm { wanted: "jwk" }),
        };
        self.check(key, requested_url)
    }

    fn check(self, key: Jwk, requested_url: &str) -> Result<VerifiedJws, JwsError> {
        if self.url != requested_url {
            return Err(JwsError::OtherUrl);
        }
        if self.algorithm != key.algorithm() {
            return Err(JwsError::AlgorithmOfOtherKey);
        }
        if !key.has_signed(&self.input, &self.signature) {
            return Err(JwsError::Signature);
        }
        Ok(VerifiedJws { key, payload: self.payload })
    }
}

/// The parts of any flattened JWS, decoded.
pub(super) struct JwsParts {
    pub(super) header: Map<String, Value>,
    pub(super) payload: Vec<u8>,
    /// What the signature is made over (RFC 7515, section 5.1).
    pub(super) input: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl JwsParts {
    pub(super) fn read(object: &Map<String, Value>) -> Result<Self, JwsError> {
        if object.contains_key("signatures") {
            return Err(JwsError::ManySignatures);
        }
        if object.contains_key("header") {
            return Err(JwsError::UnprotectedHeader);
        }
        let protected = member(object, "protected")?;
        let payload = member(object, "payload")?;
        let header = decode(protected, "protected")?;
        let header = read_object(&header, HEADER_OCTETS_MAX).map_err(JwsError::Header)?;
        for parameter in REFUSED_PARAMETERS {
            if header.contains_key(parameter) {
                return Err(JwsError::RefusedParameter { parameter });
            }
        }
        Ok(Self {
            payload: decode(payload, "payload")?,
            input: format!("{protected}.{payload}").into_bytes(),
            signature: decode(member(object, "signature")?, "signature")?,
            header,
        })
    }
}

fn member<'a>(object: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, JwsError> {
    object.get(member).and_then(Value::as_str).ok_or(JwsError::Missing { member })
}

/// The engine refuses padding, spaces, and spare bits that are not zero.
fn decode(text: &str, member: &'static str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwsError::Base64 { member })
}

/// A string parameter, neither empty nor too long.
pub(super) fn parameter<'a>(
    header: &'a Map<String, Value>,
    parameter: &'static str,
) -> Result<&'a str, JwsError> {
    header
        .get(parameter)
        .and_then(Value::as_str)
        .filter(|text| (1..=TEXT_OCTETS_MAX).contains(&text.len()))
        .ok_or(JwsError::Parameter { parameter })
}

fn read_nonce(value: &Value) -> Result<String, JwsError> {
    let is_base64url = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    value
        .as_str()
        .filter(|text| (1..=TEXT_OCTETS_MAX).contains(&text.len()))
        .filter(|text| text.bytes().all(is_base64url))
        .map(str::to_owned)
        .ok_or(JwsError::Nonce)
}

fn key_of(header: &Map<String, Value>) -> Result<KeyRef, JwsError> {
    match (header.get("jwk"), header.get("kid")) {
        (Some(Value::Object(jwk)), None) => {
            Jwk::from_object(jwk).map(KeyRef::Embedded).map_err(JwsError::Key)
        }
        (Some(_), None) => Err(JwsError::Key(BadJwk::NoObject)),
        (None, Some(_)) => Ok(KeyRef::Account(parameter(header, "kid")?.to_owned())),
        (None, None) | (Some(_), Some(_)) => Err(JwsError::KeyOrKid),
    }
}
