//! One CAA record, exactly as it was published, and the property tags.

use std::fmt;

/// One CAA resource record (RFC 8659, section 4.1).
///
/// Holds the octets of the wire, also when they break the rules: evidence is never tidied up.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct CaaRecord {
    /// The flags octet, reserved bits included.
    pub flags: u8,
    /// The property tag as published, any octets.
    pub tag: Vec<u8>,
    /// The property value, any octets.
    pub value: Vec<u8>,
}

/// Bit 0 of the flags, counted from the most significant (RFC 8659, section 4.1).
const ISSUER_CRITICAL: u8 = 0b1000_0000;

impl CaaRecord {
    /// Whether an issuer that does not know the property must stop (RFC 8659, section 4.1).
    /// All other bits are reserved and ignored.
    #[must_use]
    pub const fn is_issuer_critical(&self) -> bool {
        self.flags & ISSUER_CRITICAL != 0
    }

    /// The property tag, read.
    ///
    /// # Errors
    /// [`IllegalTag`] when it is empty or holds anything but letters and digits.
    pub fn property_tag(&self) -> Result<PropertyTag, IllegalTag> {
        PropertyTag::read(&self.tag)
    }
}

impl fmt::Display for CaaRecord {
    /// Presentation form (RFC 8659, section 4.1.1), safe to print: everything outside printable
    /// ASCII is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.flags)?;
        self.tag.iter().try_for_each(|octet| write_octet(f, *octet))?;
        f.write_str(" \"")?;
        self.value.iter().try_for_each(|octet| write_octet(f, *octet))?;
        f.write_str("\"")
    }
}

/// One octet of a character string as a zone file spells it (RFC 1035, section 5.1).
fn write_octet(f: &mut fmt::Formatter<'_>, octet: u8) -> fmt::Result {
    match octet {
        b'"' | b'\\' => write!(f, "\\{}", char::from(octet)),
        b' '..=b'~' => write!(f, "{}", char::from(octet)),
        other => write!(f, "\\{other:03}"),
    }
}

/// A property tag; compares without case (RFC 8659, section 4.1).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum PropertyTag {
    /// Who may issue (RFC 8659, section 4.2).
    Issue,
    /// Who may issue wildcards (RFC 8659, section 4.3).
    IssueWild,
    /// Who may issue for e-mail (RFC 9495).
    IssueMail,
    /// Who may issue mark certificates (IANA registry of CAA properties).
    IssueVmc,
    /// Where to report (RFC 8659, section 4.4).
    Iodef,
    /// Contact for validation (BR, appendix A.1.1).
    ContactEmail,
    /// Contact for validation (BR, appendix A.1.2).
    ContactPhone,
    /// Any other well-formed tag.
    Other(OtherTag),
}

/// A well-formed tag that no specification known to us defines, in lower case.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct OtherTag(String);

impl PropertyTag {
    /// The tags of the IANA registry that are in use.
    pub const REGISTERED: [Self; 7] = [
        Self::Issue,
        Self::IssueWild,
        Self::IssueMail,
        Self::IssueVmc,
        Self::Iodef,
        Self::ContactEmail,
        Self::ContactPhone,
    ];

    /// Reads a tag from its octets.
    ///
    /// # Errors
    /// [`IllegalTag`] when it is empty or holds anything but letters and digits (RFC 8659,
    /// section 4.1).
    pub fn read(octets: &[u8]) -> Result<Self, IllegalTag> {
        if octets.is_empty() || !octets.iter().all(u8::is_ascii_alphanumeric) {
            return Err(IllegalTag);
        }
        let text: String = octets.iter().map(|b| char::from(b.to_ascii_lowercase())).collect();
        let registered = Self::REGISTERED.into_iter().find(|tag| tag.as_str() == text);
        Ok(registered.unwrap_or(Self::Other(OtherTag(text))))
    }

    /// Whether it is one of [`PropertyTag::REGISTERED`].
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// The tag in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Issue => "issue",
            Self::IssueWild => "issuewild",
            Self::IssueMail => "issuemail",
            Self::IssueVmc => "issuevmc",
            Self::Iodef => "iodef",
            Self::ContactEmail => "contactemail",
            Self::ContactPhone => "contactphone",
            Self::Other(OtherTag(text)) => text,
        }
    }
}

impl fmt::Display for PropertyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A property tag is empty or holds octets other than letters and digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IllegalTag;

impl fmt::Display for IllegalTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property tag holds letters and digits only; correct the record")
    }
}

impl std::error::Error for IllegalTag {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_bit_is_critical() {
        for flags in 0..=u8::MAX {
            let record = CaaRecord { flags, tag: b"issue".to_vec(), value: Vec::new() };
            assert_eq!(record.is_issuer_critical(), flags >= 128, "{flags}");
        }
    }

    #[test]
    fn tags_have_no_case_and_no_other_characters() {
        assert_eq!(PropertyTag::read(b"IsSuE"), Ok(PropertyTag::Issue));
        assert_eq!(PropertyTag::read(b"TBS").unwrap().as_str(), "tbs");
        for bad in [&b""[..], b"is-sue", b"issue ", b"\xffssue", b"i\0", b"iss\xc3\xbce"] {
            assert_eq!(PropertyTag::read(bad), Err(IllegalTag), "{bad:?}");
        }
    }

    #[test]
    fn printing_a_record_cannot_break_a_terminal() {
        let record =
            CaaRecord { flags: 0, tag: b"issue\n".to_vec(), value: b"\x1b[2J\"\\;\xe9".to_vec() };
        assert_eq!(record.to_string(), r#"0 issue\010 "\027[2J\"\\;\233""#);
    }
}
