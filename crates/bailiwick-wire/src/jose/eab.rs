//! External account binding (RFC 8555, section 7.3.4): a credential that we gave out earlier says
//! whose account a new key is.

use aws_lc_rs::hmac;
use serde_json::{Map, Value};
use thiserror::Error;

use super::json::read_object;
use super::jwk::{BadJwk, Jwk, Thumbprint};
use super::jws::{JwsParts, parameter};
use super::jws_error::{JwsError, JwsProblem};

/// Octets of the payload at most: it is one public key.
const PAYLOAD_OCTETS_MAX: usize = 4_096;

/// The MACs that a binding may use (RFC 7518, section 3.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MacAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl MacAlgorithm {
    const ALL: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    /// Its name in a header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Octets a key needs at least: those of the hash (RFC 7518, section 3.2).
    #[must_use]
    pub const fn key_octets_min(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }

    const fn implementation(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }
}

/// Why a binding is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum BadBinding {
    /// It is not a JSON object with the parts of a JWS.
    #[error("the external account binding is refused: {0}")]
    Jws(#[from] JwsError),
    /// It is no object.
    #[error("the external account binding is not an object")]
    NoObject,
    /// The algorithm is not a MAC.
    #[error("the binding's algorithm is not one of HS256, HS384, HS512")]
    Algorithm,
    /// A `nonce` or a `jwk` in its header.
    #[error("the binding's header must not have `{parameter}`")]
    RefusedParameter {
        /// Which.
        parameter: &'static str,
    },
    /// Its `url` is not that of the request around it.
    #[error("the binding's `url` is not that of the request")]
    OtherUrl,
    /// The credential's key is too short for the algorithm.
    #[error("the credential's key is too short for {}; use HS256", .algorithm.as_str())]
    KeyTooShort {
        /// The algorithm.
        algorithm: MacAlgorithm,
    },
    /// The MAC is not the credential's.
    #[error("the binding's mac is not the credential's; check key id and key")]
    Mac,
    /// The payload is no public key.
    #[error("the binding's payload is no public key: {0}")]
    Payload(BadJwk),
    /// The payload is another key than the one that signs the request.
    #[error("the binding is for another account key")]
    OtherKey,
}

impl BadBinding {
    /// The problem it is told as: a binding that does not verify is `unauthorized`, one that
    /// cannot be read is `malformed`.
    #[must_use]
    pub const fn problem(self) -> JwsProblem {
        match self {
            Self::Mac | Self::OtherKey | Self::OtherUrl => JwsProblem::Unauthorized,
            Self::Jws(_)
            | Self::NoObject
            | Self::Algorithm
            | Self::RefusedParameter { .. }
            | Self::KeyTooShort { .. }
            | Self::Payload(_) => JwsProblem::Malformed,
        }
    }
}

/// A binding whose form is right; its MAC has not been looked at.
pub struct ExternalBinding {
    kid: String,
    algorithm: MacAlgorithm,
    url: String,
    payload: Vec<u8>,
    input: Vec<u8>,
    mac: Vec<u8>,
}

/// A binding that proves: who holds this credential wants this account key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedBinding {
    kid: String,
    account_key: Thumbprint,
}

impl VerifiedBinding {
    /// The credential's key id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The account key it is for.
    #[must_use]
    pub const fn account_key(&self) -> Thumbprint {
        self.account_key
    }
}

impl ExternalBinding {
    /// Reads the value of `externalAccountBinding`: steps 1 and 2 of section 7.3.4.
    ///
    /// # Errors
    /// [`BadBinding`] says what is refused.
    pub fn parse(value: &Value) -> Result<Self, BadBinding> {
        let object: &Map<String, Value> = value.as_object().ok_or(BadBinding::NoObject)?;
        let parts = JwsParts::read(object)?;
        let header = &parts.header;
        for refused in ["nonce", "jwk"] {
            if header.contains_key(refused) {
                return Err(BadBinding::RefusedParameter { parameter: refused });
            }
        }
        let name = parameter(header, "alg")?;
        let algorithm = MacAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(BadBinding::Algorithm)?;
        Ok(Self {
            kid: parameter(header, "kid")?.to_owned(),
            algorithm,
            url: parameter(header, "url")?.to_owned(),
            payload: parts.payload,
            input: parts.input,
            mac: parts.signature,
        })
    }

    /// The key id of the credential whose MAC key [`ExternalBinding::verify`] needs: step 3.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Verifies the MAC and that the payload is the key that signs the request: steps 4 and 5,
    /// and the `url` of step 2.
    ///
    /// # Errors
    /// [`BadBinding`] says which step fails.
    pub fn verify(
        &self,
        mac_key: &[u8],
        requested_url: &str,
        account_key: &Jwk,
    ) -> Result<VerifiedBinding, BadBinding> {
        if self.url != requested_url {
            return Err(BadBinding::OtherUrl);
        }
        if mac_key.len() < self.algorithm.key_octets_min() {
            return Err(BadBinding::KeyTooShort { algorithm: self.algorithm });
        }
        let key = hmac::Key::new(self.algorithm.implementation(), mac_key);
        hmac::verify(&key, &self.input, &self.mac).map_err(|_| BadBinding::Mac)?;
        let payload = read_object(&self.payload, PAYLOAD_OCTETS_MAX)
            .map_err(|_| BadBinding::Payload(BadJwk::NoObject))?;
        let bound = Jwk::from_object(&payload).map_err(BadBinding::Payload)?;
        if bound.thumbprint() != account_key.thumbprint() {
            return Err(BadBinding::OtherKey);
        }
        Ok(VerifiedBinding { kid: self.kid.clone(), account_key: bound.thumbprint() })
    }
}
