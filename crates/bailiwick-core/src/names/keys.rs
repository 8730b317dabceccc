//! Names made of octets: serials, fingerprints, key hashes, digests.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A text is not the octets it should spell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadHex;

impl fmt::Display for BadHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not hexadecimal, or not of the right length")
    }
}

impl std::error::Error for BadHex {}

fn hex(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

fn unhex(text: &str) -> Result<Vec<u8>, BadHex> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| *b != b':')
        .map(|b| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(BadHex))
        .collect::<Result<_, _>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if rest.is_empty() { Ok(pairs.iter().map(|[h, l]| h << 4 | l).collect()) } else { Err(BadHex) }
}

macro_rules! hashes {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Always: a SHA-256 value, 32 octets.
        #[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Hashes `octets` with SHA-256.
            #[must_use]
            pub fn of(octets: &[u8]) -> Self {
                Self(Sha256::digest(octets).into())
            }

            /// Takes a value that was computed elsewhere.
            #[must_use]
            pub const fn from_bytes(octets: [u8; 32]) -> Self {
                Self(octets)
            }

            /// Parses 64 hexadecimal digits; colons between them are accepted.
            ///
            /// # Errors
            /// [`BadHex`] for anything else.
            pub fn parse(text: &str) -> Result<Self, BadHex> {
                unhex(text)?.try_into().map(Self).map_err(|_| BadHex)
            }

            /// The 32 octets.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}

hashes! {
    /// Names the bytes of one certificate (its DER); never a key.
    CertFingerprint;
    /// Names a public key: the hash of its SubjectPublicKeyInfo DER; never a certificate.
    SpkiHash;
    /// Names any other bytes: a plan, a policy, an evidence file.
    Digest;
}

/// A certificate's serial number (RFC 5280, section 4.1.2.2).
///
/// Always: 1..=20 octets, big-endian, positive, without leading zero octets. Spelled as hex.
#[derive(Clone, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct CertSerial(Vec<u8>);

impl CertSerial {
    /// Takes big-endian octets; leading zeros are dropped.
    ///
    /// # Errors
    /// [`BadHex`] when nothing is left or more than 20 octets are.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, BadHex> {
        let value: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
        if value.is_empty() || value.len() > 20 { Err(BadHex) } else { Ok(Self(value)) }
    }

    /// Parses hexadecimal digits; colons between octets are accepted.
    ///
    /// # Errors
    /// As [`CertSerial::from_bytes`].
    pub fn parse(text: &str) -> Result<Self, BadHex> {
        let even = if text.len() % 2 == 1 && !text.contains(':') {
            format!("0{text}")
        } else {
            text.to_owned()
        };
        Self::from_bytes(&unhex(&even)?)
    }

    /// The octets, big-endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for CertSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for CertSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
