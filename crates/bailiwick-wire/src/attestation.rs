//! What workloads show to prove what they are: signed tokens (RFC 7519, RFC 8725), read strictly.
//!
//! One form for all kinds: a compact JWS whose payload is claims. What differs is whose key it has
//! to be. OpenID providers, Kubernetes and JWT-SVIDs: a key of the attestor's set. An X.509-SVID: the
//! key of a certificate in the header that the trust domain issued. A host: the key in the header
//! whose thumbprint the estate names. A token never says which algorithm or key is believed: the
//! algorithm belongs to the key, and the key to the attestor.

mod bad_token;
mod key_set;
mod svid;
mod token;

pub use bad_token::BadToken;
pub use key_set::{BadKeySet, KEY_SET_OCTETS_MAX, KeySet, read_discovery};
pub use token::{PROOF_SECONDS, TOKEN_OCTETS_MAX, UnverifiedToken, VerifiedToken};
