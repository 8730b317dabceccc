//! The name of a certificate in ACME renewal information (RFC 9773, section 4.1).

use std::fmt;

use bailiwick_core::names::CertSerial;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

use super::write::unsigned_content;

/// Octets of a key identifier at most; RFC 5280 has 20, and nobody more than 64.
const KEY_ID_OCTETS_MAX: usize = 64;

/// A certificate by its issuer's key identifier and its serial.
///
/// Always: the key identifier has 1 to 64 octets. Text and value name each other one to one.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct AriId {
    key_id: Vec<u8>,
    serial: CertSerial,
}

/// A text is not the name of a certificate in renewal information.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[error("not a certificate's name; it is base64url of key identifier, a dot, base64url of serial")]
pub struct BadAriId;

impl AriId {
    /// Takes the authority key identifier and the serial of a certificate.
    ///
    /// # Errors
    /// [`BadAriId`] when the key identifier is empty or longer than 64 octets.
    pub fn new(key_id: &[u8], serial: CertSerial) -> Result<Self, BadAriId> {
        if key_id.is_empty() || key_id.len() > KEY_ID_OCTETS_MAX {
            return Err(BadAriId);
        }
        Ok(Self { key_id: key_id.to_vec(), serial })
    }

    /// Parses the last part of a renewalInfo URL, or an order's `replaces`.
    ///
    /// # Errors
    /// [`BadAriId`] for anything that is not the one spelling of such a name.
    pub fn parse(text: &str) -> Result<Self, BadAriId> {
        let (key_id, serial) = text.split_once('.').ok_or(BadAriId)?;
        let key_id = URL_SAFE_NO_PAD.decode(key_id).map_err(|_| BadAriId)?;
        let serial = URL_SAFE_NO_PAD.decode(serial).map_err(|_| BadAriId)?;
        let number = CertSerial::from_bytes(&serial).map_err(|_| BadAriId)?;
        // A negative number, or zeros that DER does not write, would be a second spelling.
        if unsigned_content(&serial) != serial {
            return Err(BadAriId);
        }
        Self::new(&key_id, number)
    }

    /// The issuer's key identifier.
    #[must_use]
    pub fn key_id(&self) -> &[u8] {
        &self.key_id
    }

    /// The serial.
    #[must_use]
    pub const fn serial(&self) -> &CertSerial {
        &self.serial
    }
}

impl fmt::Display for AriId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = unsigned_content(self.serial.as_bytes());
        write!(f, "{}.{}", URL_SAFE_NO_PAD.encode(&self.key_id), URL_SAFE_NO_PAD.encode(serial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_9773_reads_and_writes() {
        let text = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
        let id = AriId::parse(text).unwrap();
        assert_eq!(id.serial().to_string(), "87654321");
        assert_eq!(id.key_id().len(), 20);
        assert_eq!(id.to_string(), text);
    }

    #[test]
    fn there_is_no_second_spelling() {
        for bad in [
            "",
            ".",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.",
            ".AIdlQyE",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AACHZUMh",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyF",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE.AIdlQyE",
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdl QyE",
        ] {
            assert_eq!(AriId::parse(bad), Err(BadAriId), "{bad}");
        }
    }
}
