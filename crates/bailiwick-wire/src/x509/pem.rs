//! PEM (RFC 7468): certificates and CRLs as people and ACME clients carry them.

use bailiwick_core::shown::shown;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

/// Octets of a chain's text at most (threat T13).
pub const CHAIN_OCTETS_MAX: usize = 256 * 1024;
/// Certificates in one chain at most; the longest in use have five.
const CHAIN_COUNT_MAX: usize = 16;
/// RFC 7468, section 2: lines of 64 characters.
const LINE_CHARS: usize = 64;
/// The label of a certificate.
const CERTIFICATE: &str = "CERTIFICATE";

/// Why a text is not the PEM it should be.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum BadPem {
    /// More than 256 KiB.
    #[error("the text has more than {CHAIN_OCTETS_MAX} octets; give one chain")]
    TooBig,
    /// Not text in ASCII between the markers.
    #[error("the text is not pem; look for `-----BEGIN` and `-----END` lines")]
    NoPem,
    /// A block does not end, or ends under another label.
    #[error("the block `{}` does not end; give it whole", shown(.label))]
    NoEnd {
        /// The label it began with.
        label: String,
    },
    /// A block of another kind stands there.
    #[error("a block is `{}`, not `{wanted}`; give only that kind", shown(.label))]
    Label {
        /// What stands there.
        label: String,
        /// What should.
        wanted: &'static str,
    },
    /// A block's content is not base64.
    #[error("the block `{}` is not base64; give it unchanged", shown(.label))]
    Base64 {
        /// The label of the block.
        label: String,
    },
    /// More certificates than any chain has.
    #[error("the text holds more than {CHAIN_COUNT_MAX} certificates")]
    TooMany,
}

/// Writes one block.
#[must_use]
pub fn write_pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(LINE_CHARS) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Writes certificates, the end entity's first (RFC 8555, section 9.1).
#[must_use]
pub fn write_chain<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> String {
    certificates.into_iter().map(|der| write_pem(CERTIFICATE, der)).collect()
}

/// Reads the certificates of a chain; text outside the blocks is passed over.
///
/// # Errors
/// [`BadPem`]; also when another kind of block stands there, so that a private key that was
/// pasted by mistake is refused instead of kept.
pub fn read_chain(text: &[u8]) -> Result<Vec<Vec<u8>>, BadPem> {
    read_pem(text, CERTIFICATE)
}

/// Reads every block of a text, all of which must have `label`.
///
/// # Errors
/// [`BadPem`], also when there is no block.
pub fn read_pem(text: &[u8], label: &'static str) -> Result<Vec<Vec<u8>>, BadPem> {
    if text.len() > CHAIN_OCTETS_MAX {
        return Err(BadPem::TooBig);
    }
    let text = std::str::from_utf8(text).map_err(|_| BadPem::NoPem)?;
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        if let Some(found) = marker(line, "-----BEGIN ") {
            if open.is_some() {
                return Err(BadPem::NoEnd { label: label.to_owned() });
            }
            if found != label {
                return Err(BadPem::Label { label: found.to_owned(), wanted: label });
            }
            open = Some(String::new());
        } else if let Some(found) = marker(line, "-----END ") {
            let base64 = open.take().filter(|_| found == label);
            let base64 = base64.ok_or_else(|| BadPem::NoEnd { label: found.to_owned() })?;
            let der =
                STANDARD.decode(base64).map_err(|_| BadPem::Base64 { label: label.to_owned() })?;
            if blocks.len() >= CHAIN_COUNT_MAX {
                return Err(BadPem::TooMany);
            }
            blocks.push(der);
        } else if let Some(base64) = &mut open {
            base64.push_str(line);
        }
    }
    if open.is_some() {
        return Err(BadPem::NoEnd { label: label.to_owned() });
    }
    if blocks.is_empty() { Err(BadPem::NoPem) } else { Ok(blocks) }
}

fn marker<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_read_back() {
        let long = vec![7_u8; 300];
        let text = write_chain([&[1, 2, 3][..], &long]);
        assert!(text.lines().all(|line| line.len() <= 64));
        let with_remarks = format!("subject=x\r\n{}\n\ntail", text.replace('\n', "\r\n"));
        assert_eq!(read_chain(with_remarks.as_bytes()), Ok(vec![vec![1, 2, 3], long]));
    }

    #[test]
    fn anything_else_is_refused() {
        let check = |text: &str, expected: BadPem| {
            assert_eq!(read_chain(text.as_bytes()), Err(expected), "{text}");
        };
        let own = || "CERTIFICATE".to_owned();
        check("", BadPem::NoPem);
        check("nothing here", BadPem::NoPem);
        check("-----BEGIN CERTIFICATE-----\nAQID\n", BadPem::NoEnd { label: own() });
        check("-----END CERTIFICATE-----\n", BadPem::NoEnd { label: own() });
        check(
            "-----BEGIN CERTIFICATE-----\nAQID\n-----END X509 CRL-----\n",
            BadPem::NoEnd { label: "X509 CRL".to_owned() },
        );
        check(
            "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n",
            BadPem::Label { label: "PRIVATE KEY".to_owned(), wanted: "CERTIFICATE" },
        );
        for bad in ["AQ ID", "AQI", "AQID=", "AQIé", "AR=="] {
            check(
                &format!("-----BEGIN CERTIFICATE-----\n{bad}\n-----END CERTIFICATE-----\n"),
                BadPem::Base64 { label: own() },
            );
        }
        check(&write_pem("CERTIFICATE", &[1]).repeat(17), BadPem::TooMany);
        check(&"x".repeat(CHAIN_OCTETS_MAX + 1), BadPem::TooBig);
    }
}
