//! DNS names, zone names and names as they stand in a certificate.

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

/// A dNSName of a certificate: a host name, or `*.` in front of one (RFC 6125, section 6.4.3).
///
/// Always: the base has at least two labels, and no label holds an underscore (BR 7.1.4.2.1).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct SanName {
    base: DnsName,
    wildcard: bool,
}

impl SanName {
    /// Parses `www.example.com` or `*.example.com`.
    ///
    /// # Errors
    /// [`BadName`]; a single label is `Label`, an underscore or a second star is `Character`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let (wildcard, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        let base = DnsName::parse(rest)?;
        if base.as_str().contains('_') {
            return Err(BadName::Character);
        }
        if base.parent().is_none() {
            return Err(BadName::Label);
        }
        Ok(Self { base, wildcard })
    }

    /// The same base with or without the star.
    ///
    /// # Errors
    /// As [`SanName::parse`].
    pub fn new(base: &DnsName, wildcard: bool) -> Result<Self, BadName> {
        if wildcard { Self::parse(&format!("*.{base}")) } else { Self::parse(base.as_str()) }
    }

    /// The name without `*.`.
    #[must_use]
    pub const fn base(&self) -> &DnsName {
        &self.base
    }

    /// Whether it starts with `*.`.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard
    }
}

impl fmt::Display for SanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wildcard {
            f.write_str("*.")?;
        }
        self.base.fmt(f)
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

    #[test]
    fn certificate_names_refuse_what_no_ca_may_sign() {
        assert!(SanName::parse("*.shop.example").unwrap().is_wildcard());
        for bad in
            ["*", "*.", "*.*.example", "a.*.example", "*a.example", "_x.example", "com", "*.com"]
        {
            assert!(SanName::parse(bad).is_err(), "{bad}");
        }
    }
}
