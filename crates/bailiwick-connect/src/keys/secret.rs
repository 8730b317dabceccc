//! Octets that must not be seen.

use std::ops::Deref;

use zeroize::Zeroizing;

/// A secret: wiped when it is dropped, and without any way to print or to serialise it
/// (promise P14, threat T22).
///
/// ```compile_fail
/// # use bailiwick_connect::keys::SecretBytes;
/// fn leak(secret: &SecretBytes) -> String { format!("{secret:?}") }
/// ```
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The octets, to be used and not to be kept.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBytes {
    fn from(octets: Zeroizing<Vec<u8>>) -> Self {
        Self(octets)
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
