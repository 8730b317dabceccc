//! JOSE as ACME uses it (RFC 8555, section 6.2; RFC 7515, 7517, 7518, 7638, 8037): flattened JWS,
//! public keys as JWK, external account binding, key authorizations.
//!
//! The algorithm belongs to the key, never to the header (threat T12). A payload can be read only
//! after its signature was verified.

mod eab;
mod json;
mod jwk;
mod jws;
mod jws_error;
mod key_authorization;

pub use eab::{BadBinding, ExternalBinding, MacAlgorithm, VerifiedBinding};
pub use json::{BadJson, read_object};
pub use jwk::{BadJwk, Jwk, Thumbprint};
pub use jws::{Algorithm, BODY_OCTETS_MAX, JwsKind, KeyRef, UnverifiedJws, VerifiedJws};
pub use jws_error::{JwsError, JwsProblem};
pub use key_authorization::{BadToken, KeyAuthorization};
