//! DNS names and zone names.

use std::fmt;

/// Octets of a whole name without the trailing dot (RFC 1035, section 2.3.4: 255 in wire form).
const NAME_OCTETS_MAX: usize = 253;
/// Octets of one label (RFC 1035, section 2.3.4).
const LABEL_OCTETS_MAX: usize = 63;

/// A fully qualified DNS name: lower case, no trailing dot, at least one label.
///
/// Always: 1..=253 octets, labels of 1..=63 octets out of letters, digits, hyphen and underscore,
/// no hyphen at either end of a label, and every `xn--` label decodes to text that encodes to the
/// same label again (RFC 5891, section 4.4). The root is not a `DnsName`.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct DnsName(String);

impl DnsName {
    /// Parses a name as a person or a protocol writes it; one trailing dot and upper case are
    /// accepted. Text outside ASCII is refused: the A-label is what a certificate holds.
    ///
    /// # Errors
    /// [`BadName`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > NAME_OCTETS_MAX {
            return Err(BadName::Length);
        }
        let name = text.to_ascii_lowercase();
        for label in name.split('.') {
            check_label(label)?;
        }
        Ok(Self(name))
    }

    /// A name that the caller built out of checked parts.
    pub(super) const fn of_checked(name: String) -> Self {
        Self(name)
    }

    /// The name as text, without a trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels, the leftmost first.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// The name without its leftmost label; `None` for a name of one label.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_once('.').map(|(_, rest)| Self(rest.to_owned()))
    }

    /// Whether this name is `zone` or lies below it.
    #[must_use]
    pub fn is_at_or_below(&self, zone: &Self) -> bool {
        self.0
            .strip_suffix(zone.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The name with one more label in front, such as `_acme-challenge`.
    ///
    /// # Errors
    /// [`BadName`] when the label is not one or the result is too long.
    pub fn child(&self, label: &str) -> Result<Self, BadName> {
        Self::parse(&format!("{label}.{}", self.0))
    }
}

fn check_label(label: &str) -> Result<(), BadName> {
    if label.is_empty() || label.len() > LABEL_OCTETS_MAX {
        return Err(BadName::Label);
    }
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if !label.bytes().all(fits) {
        return Err(BadName::Character);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(BadName::Hyphen);
    }
    if label.starts_with("xn--") && !is_true_a_label(label) {
        return Err(BadName::ALabel);
    }
    Ok(())
}

/// Whether an `xn--` label survives decoding and encoding again, and is not plain ASCII in disguise.
fn is_true_a_label(label: &str) -> bool {
    let (unicode, decoded) = idna::domain_to_unicode(label);
    decoded.is_ok()
        && !unicode.is_ascii()
        && idna::domain_to_ascii_strict(&unicode).is_ok_and(|again| again == label)
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The apex of a DNS zone (RFC 9499, section 7).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct ZoneName(DnsName);

impl ZoneName {
    /// Parses a zone's name.
    ///
    /// # Errors
    /// As [`DnsName::parse`].
    pub fn parse(text: &str) -> Result<Self, BadName> {
        DnsName::parse(text).map(Self)
    }

    /// The apex.
    #[must_use]
    pub const fn apex(&self) -> &DnsName {
        &self.0
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not the name it should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadName {
    /// Empty, or longer than 253 octets.
    Length,
    /// A label is empty or longer than 63 octets, or there are too few of them.
    Label,
    /// A character that is not a letter, digit or hyphen (underscore only where DNS allows it).
    Character,
    /// A label starts or ends with a hyphen.
    Hyphen,
    /// An `xn--` label that does not decode, or does not encode to itself again.
    ALabel,
    /// Digits that programs read as an address but that are none, a star in front of an address, or
    /// an address that no single host has.
    Address,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a name has 1 to 253 characters; shorten it",
            Self::Label => {
                "a label between dots has 1 to 63 characters; look for a double or missing dot"
            }
            Self::Character => {
                "a name holds letters, digits and hyphens only; write other scripts as `xn--` labels"
            }
            Self::Hyphen => "a label starts or ends with a hyphen; remove it",
            Self::ALabel => {
                "an `xn--` label does not decode to the text it stands for; encode it again"
            }
            Self::Address => {
                "an address is that of one host, such as `192.0.2.7` or `2001:db8::7`, without a star and without a dot at its end"
            }
        })
    }
}

impl std::error::Error for BadName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, BadName>) {
        let parsed = DnsName::parse(text);
        assert_eq!(parsed.as_ref().map(DnsName::as_str), expected.as_ref().copied(), "{text}");
    }

    #[test]
    fn names_have_one_spelling() {
        check("WWW.Example.COM.", Ok("www.example.com"));
        check("_acme-challenge.example.com", Ok("_acme-challenge.example.com"));
        check("xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
        check("", Err(BadName::Length));
        check(".", Err(BadName::Length));
        check("a..b", Err(BadName::Label));
        check("example.com..", Err(BadName::Label));
        check("-a.example", Err(BadName::Hyphen));
        check("bücher.example", Err(BadName::Character));
        check("xn--example-.org", Err(BadName::Hyphen));
        check("xn--ls8h=.la", Err(BadName::Character));
        check("xn--a.example", Err(BadName::ALabel));
        check("a\0.example", Err(BadName::Character));
        check("*.example.com", Err(BadName::Character));
        check(&"a.".repeat(127), Ok("a.".repeat(127).trim_end_matches('.')));
        check(&"a.".repeat(128), Err(BadName::Length));
    }

    #[test]
    fn below_is_by_label_not_by_text() {
        let name = |t| DnsName::parse(t).unwrap();
        assert!(name("a.shop.example").is_at_or_below(&name("shop.example")));
        assert!(name("shop.example").is_at_or_below(&name("shop.example")));
        assert!(!name("badshop.example").is_at_or_below(&name("shop.example")));
    }
}
