//! Workload identities: SPIFFE ids (SPIFFE-ID specification, section 2).

use std::fmt;

/// SPIFFE-ID, section 2.3: an id has at most 2,048 octets.
const ID_OCTETS_MAX: usize = 2_048;
/// SPIFFE-ID, section 2.1: a trust domain has at most 255 octets.
const TRUST_DOMAIN_OCTETS_MAX: usize = 255;
/// How every id begins.
const SCHEME: &str = "spiffe://";

/// The id of one workload, such as `spiffe://example.org/pay/api`.
///
/// Always: one spelling, a trust domain and a path of at least one segment; no segment is empty,
/// `.` or `..`. A trust domain alone names a CA and is no workload (X509-SVID, section 3.1).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct SpiffeId(String);

/// A text is no workload's id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadSpiffeId {
    /// Another scheme, or longer than any id.
    Form,
    /// The trust domain holds something else than small letters, digits, `-`, `_` and `.`.
    TrustDomain,
    /// No path, or a segment that is empty, a dot, or holds another character.
    Path,
}

impl fmt::Display for BadSpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a workload id; write `spiffe://example.org/team/workload`",
            Self::TrustDomain => {
                "the trust domain is not one; use small letters, digits, `-`, `_` and `.`"
            }
            Self::Path => {
                "the path is not one; use segments of letters, digits, `-`, `_` and `.` between single slashes"
            }
        })
    }
}

impl std::error::Error for BadSpiffeId {}

impl SpiffeId {
    /// Parses an id. There is one spelling: what would have to be changed is refused.
    ///
    /// # Errors
    /// [`BadSpiffeId`].
    pub fn parse(text: &str) -> Result<Self, BadSpiffeId> {
        let rest = text.strip_prefix(SCHEME).ok_or(BadSpiffeId::Form)?;
        if text.len() > ID_OCTETS_MAX {
            return Err(BadSpiffeId::Form);
        }
        let (domain, path) = rest.split_once('/').ok_or(BadSpiffeId::Path)?;
        let plain = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'-' | b'_' | b'.');
        let in_domain = |octet: u8| octet.is_ascii_lowercase() || plain(octet);
        if domain.is_empty()
            || domain.len() > TRUST_DOMAIN_OCTETS_MAX
            || !domain.bytes().all(in_domain)
        {
            return Err(BadSpiffeId::TrustDomain);
        }
        let in_path = |octet: u8| octet.is_ascii_alphabetic() || plain(octet);
        let is_segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(in_path);
        if path.split('/').all(is_segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSpiffeId::Path)
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_trust_domain_and_a_path_in_one_spelling() {
        for good in ["spiffe://example.org/pay/api", "spiffe://a_b-c.d/X.y_Z-1"] {
            assert_eq!(SpiffeId::parse(good).unwrap().as_str(), good);
        }
        let check =
            |text: &str, expected| assert_eq!(SpiffeId::parse(text), Err(expected), "{text}");
        check("https://example.org/pay", BadSpiffeId::Form);
        check("SPIFFE://example.org/pay", BadSpiffeId::Form);
        check("spiffe://example.org", BadSpiffeId::Path);
        check("spiffe://example.org/", BadSpiffeId::Path);
        check("spiffe://example.org/pay/", BadSpiffeId::Path);
        check("spiffe://example.org//pay", BadSpiffeId::Path);
        check("spiffe://example.org/../pay", BadSpiffeId::Path);
        check("spiffe://example.org/p%61y", BadSpiffeId::Path);
        check("spiffe://example.org/pay?x=1", BadSpiffeId::Path);
        check("spiffe://Example.org/pay", BadSpiffeId::TrustDomain);
        check("spiffe://user@example.org/pay", BadSpiffeId::TrustDomain);
        check("spiffe://example.org:443/pay", BadSpiffeId::TrustDomain);
        check(&format!("spiffe://{}/pay", "a".repeat(256)), BadSpiffeId::TrustDomain);
        check(&format!("spiffe://a/{}", "b".repeat(2_048)), BadSpiffeId::Form);
    }
}
