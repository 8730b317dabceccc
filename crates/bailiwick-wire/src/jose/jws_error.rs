//! Why a JWS is refused, and the ACME problem that this is told as.

use thiserror::Error;

use super::json::BadJson;
use super::jwk::BadJwk;

/// The ACME problem that an error is told as (RFC 8555, section 6.7).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JwsProblem {
    /// `malformed`.
    Malformed,
    /// `badSignatureAlgorithm`; the problem lists [`Algorithm::ALL`](super::Algorithm::ALL).
    BadSignatureAlgorithm,
    /// `badPublicKey`.
    BadPublicKey,
    /// `badNonce`.
    BadNonce,
    /// `unauthorized`.
    Unauthorized,
}

/// Why a JWS is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
pub enum JwsError {
    /// The body is not one bounded JSON object.
    #[error("the body is refused: {0}")]
    Body(BadJson),
    /// `signatures`: the general form, which may have several.
    #[error("the body has `signatures`; send the flattened form with one signature")]
    ManySignatures,
    /// `header`: an unprotected header.
    #[error("the body has an unprotected `header`; protect all of it")]
    UnprotectedHeader,
    /// A member is missing, or not a string.
    #[error("the body lacks the string `{member}`")]
    Missing {
        /// Which.
        member: &'static str,
    },
    /// A member is not base64url without padding, spaces or spare bits.
    #[error("`{member}` is not base64url without padding")]
    Base64 {
        /// Which.
        member: &'static str,
    },
    /// The protected header is not one bounded JSON object.
    #[error("the protected header is refused: {0}")]
    Header(BadJson),
    /// A header parameter is missing, no string, empty or too long.
    #[error("the protected header lacks the string `{parameter}`")]
    Parameter {
        /// Which.
        parameter: &'static str,
    },
    /// A header parameter that must not be there.
    #[error("the protected header must not have `{parameter}`")]
    RefusedParameter {
        /// Which.
        parameter: &'static str,
    },
    /// Neither `jwk` nor `kid`, or both.
    #[error("the protected header needs either `jwk` or `kid`, not both")]
    KeyOrKid,
    /// `jwk` or `kid` where this request needs the other.
    #[error("the request needs `{wanted}` in its protected header")]
    OtherKeyForm {
        /// Which it needs.
        wanted: &'static str,
    },
    /// No `nonce`.
    #[error("the protected header has no `nonce`; take a fresh one and try again")]
    NoNonce,
    /// A `nonce` that is not base64url (RFC 8555, section 6.5.2).
    #[error("the `nonce` is not base64url")]
    Nonce,
    /// An algorithm that is not on the list: `none` and every MAC among them.
    #[error("the algorithm is not one of ES256, ES384, EdDSA, RS256")]
    Algorithm,
    /// The header names another algorithm than the key's.
    #[error("the algorithm is not the one that this kind of key signs with")]
    AlgorithmOfOtherKey,
    /// The `jwk` is refused.
    #[error("the public key is refused: {0}")]
    Key(BadJwk),
    /// The `url` is not the one that was requested, character by character.
    #[error("the `url` in the protected header is not the one requested")]
    OtherUrl,
    /// The signature is not the key's.
    #[error("the signature is not the key's")]
    Signature,
}

impl JwsError {
    /// The problem it is told as.
    #[must_use]
    pub const fn problem(self) -> JwsProblem {
        match self {
            Self::Body(_)
            | Self::ManySignatures
            | Self::UnprotectedHeader
            | Self::Missing { .. }
            | Self::Base64 { .. }
            | Self::Header(_)
            | Self::Parameter { .. }
            | Self::RefusedParameter { .. }
            | Self::KeyOrKid
            | Self::OtherKeyForm { .. }
            | Self::Nonce
            | Self::Signature => JwsProblem::Malformed,
            Self::NoNonce => JwsProblem::BadNonce,
            Self::Algorithm | Self::AlgorithmOfOtherKey => JwsProblem::BadSignatureAlgorithm,
            Self::Key(_) => JwsProblem::BadPublicKey,
            Self::OtherUrl => JwsProblem::Unauthorized,
        }
    }
}
