//! The names that are asked about, and those that CAA does not cover.

use core::net::IpAddr;
use std::fmt;

use crate::names::{AcmeIdentifier, BadName, DnsName, SanName};

/// A name of a certificate as CAA sees it: where the climb starts, and whether it is a wildcard.
///
/// Unlike [`SanName`] it may have a single label: CAA is also asked of top-level domains
/// (RFC 8659, section 3).
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct CaaName {
    base: DnsName,
    wildcard: bool,
}

impl CaaName {
    /// Parses `www.example.com` or `*.example.com` (RFC 8659, section 2: one star, leftmost, alone).
    ///
    /// # Errors
    /// [`BadName`]; nothing has been asked of any server then.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let (wildcard, base) = text.strip_prefix("*.").map_or((false, text), |base| (true, base));
        Ok(Self { base: DnsName::parse(base)?, wildcard })
    }

    /// The plain name.
    #[must_use]
    pub const fn plain(base: DnsName) -> Self {
        Self { base, wildcard: false }
    }

    /// `*.` in front of the name.
    #[must_use]
    pub const fn wildcard(base: DnsName) -> Self {
        Self { base, wildcard: true }
    }

    /// Where the climb starts: for `*.x` it is `x` (RFC 8659, section 3).
    #[must_use]
    pub const fn base(&self) -> &DnsName {
        &self.base
    }

    /// Whether `issuewild` governs it (RFC 8659, section 4.3).
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard
    }
}

impl From<&SanName> for CaaSubject {
    fn from(san: &SanName) -> Self {
        match san.base() {
            AcmeIdentifier::Dns(base) => {
                Self::Name(CaaName { base: base.clone(), wildcard: san.is_wildcard() })
            }
            AcmeIdentifier::Ip(address) => Self::Exempt(Exempt::IpAddress(*address)),
        }
    }
}

impl fmt::Display for CaaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wildcard {
            f.write_str("*.")?;
        }
        self.base.fmt(f)
    }
}

/// What one identifier of a request is to CAA: a name to climb from, or outside its reach.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CaaSubject {
    /// A DNS name.
    Name(CaaName),
    /// CAA says nothing about it, and nothing may be asked.
    Exempt(Exempt),
}

/// Identifiers that CAA does not cover.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Exempt {
    /// CAA binds dNSNames only (RFC 8659, section 3; RFC 8738; BR 3.2.2.8).
    IpAddress(IpAddr),
    /// BR 3.2.2.8 leaves onion names out, and RFC 7686 forbids to ask DNS for them.
    Onion(CaaName),
}

impl CaaSubject {
    /// Parses what a person typed: an IP address, an onion name, or a DNS name with or without `*.`.
    ///
    /// # Errors
    /// [`BadName`]; nothing has been asked of any server then.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        // Written like a name, with a dot at its end, it is an address still.
        match text.strip_suffix('.').unwrap_or(text).parse::<IpAddr>() {
            Ok(address) => Ok(Self::Exempt(Exempt::IpAddress(address))),
            Err(_) => CaaName::parse(text).and_then(Self::of_name),
        }
    }

    /// A dNSName: exempt only under `onion`.
    ///
    /// # Errors
    /// [`BadName::Label`] for `onion` alone, which is neither an onion name nor a name to ask for.
    pub fn of_name(name: CaaName) -> Result<Self, BadName> {
        if name.base.labels().next_back() != Some("onion") {
            return Ok(Self::Name(name));
        }
        match name.base.parent() {
            Some(_) => Ok(Self::Exempt(Exempt::Onion(name))),
            None => Err(BadName::Label),
        }
    }
}

impl fmt::Display for CaaSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) | Self::Exempt(Exempt::Onion(name)) => name.fmt(f),
            Self::Exempt(Exempt::IpAddress(address)) => address.fmt(f),
        }
    }
}
