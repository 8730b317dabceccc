//! Key authorizations: what a client must show where it claims control
//! (RFC 8555, sections 8.1, 8.3 and 8.4).

use std::fmt;

use bailiwick_core::names::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use super::jwk::Thumbprint;

/// 128 bits in base64url (RFC 8555, section 8.1).
const TOKEN_CHARS_MIN: usize = 22;
/// Longer ones do not guess better; the bound keeps URLs short.
const TOKEN_CHARS_MAX: usize = 128;

/// A text is not a challenge's token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[error("a token has 22 to 128 characters of base64url")]
pub struct BadToken;

/// A token joined with the thumbprint of an account key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyAuthorization(String);

impl KeyAuthorization {
    /// Joins a challenge's token and the account key.
    ///
    /// # Errors
    /// [`BadToken`] when the token is too short or not base64url.
    pub fn new(token: &str, account_key: Thumbprint) -> Result<Self, BadToken> {
        let is_base64url =
            |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if !(TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&token.len())
            || !token.bytes().all(is_base64url)
        {
            return Err(BadToken);
        }
        Ok(Self(format!("{token}.{account_key}")))
    }

    /// The whole text, as http-01 serves it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of the TXT record at `_acme-challenge` (RFC 8555, section 8.4).
    #[must_use]
    pub fn dns_01_value(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest())
    }

    /// The SHA-256 of the text: what tls-alpn-01 puts into its certificate (RFC 8737, section 3).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *Digest::of(self.0.as_bytes()).as_bytes()
    }

    /// Whether what a server returned is this text; space at its end does not count
    /// (RFC 8555, section 8.3).
    #[must_use]
    pub fn is_shown_by(&self, body: &[u8]) -> bool {
        body.trim_ascii_end() == self.0.as_bytes()
    }
}

impl fmt::Display for KeyAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
