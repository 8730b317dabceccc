//! What a certificate names: DNS names, with or without a star, and IP addresses.

use core::net::IpAddr;
use std::borrow::Cow;
use std::fmt;

use super::dns::{BadName, DnsName};

/// What an account shows control of (RFC 8555, section 7.1.4; RFC 8738): a DNS name or an address.
///
/// Always, when parsed: the last label of a DNS name is no number, so that no text is both; an
/// address is that of one host, and an IPv4 address is never spelled as an IPv6 one.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum AcmeIdentifier {
    /// Type `dns`.
    Dns(DnsName),
    /// Type `ip` (RFC 8738, section 3).
    Ip(IpAddr),
}

impl AcmeIdentifier {
    /// Parses `www.example.com`, `192.0.2.7` or `2001:db8::7`.
    ///
    /// # Errors
    /// [`BadName`]; a star is `Character`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::of_address(address);
        }
        let name = DnsName::parse(text)?;
        // Programs read what ends in a number as an IPv4 address (WHATWG URL, "ends in a number").
        let last = name.labels().next_back().unwrap_or_default();
        if last.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(BadName::Address);
        }
        Ok(Self::Dns(name))
    }

    /// Takes an address.
    ///
    /// # Errors
    /// [`BadName::Address`] for one that no single host has, or that stands for an IPv4 address in
    /// another form.
    pub fn of_address(address: IpAddr) -> Result<Self, BadName> {
        let many = match address {
            IpAddr::V4(four) => four.is_broadcast(),
            IpAddr::V6(six) => six.to_ipv4_mapped().is_some(),
        };
        if many || address.is_unspecified() || address.is_multicast() {
            return Err(BadName::Address);
        }
        Ok(Self::Ip(address))
    }

    /// The registered type of identifier.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Ip(_) => "ip",
        }
    }

    /// The DNS name; `None` for an address.
    #[must_use]
    pub const fn dns(&self) -> Option<&DnsName> {
        match self {
            Self::Dns(name) => Some(name),
            Self::Ip(_) => None,
        }
    }

    /// The address; `None` for a DNS name.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Dns(_) => None,
            Self::Ip(address) => Some(*address),
        }
    }

    /// The name it stands under in the DNS: itself, or the reverse name of an address (RFC 1035,
    /// section 3.5; RFC 3596, section 2.5). The zone of that name is who governs it, and a TLS client
    /// that means an address asks for that name (RFC 8738, section 6).
    #[must_use]
    pub fn place_in_dns(&self) -> Cow<'_, DnsName> {
        match self {
            Self::Dns(name) => Cow::Borrowed(name),
            Self::Ip(address) => Cow::Owned(DnsName::of_checked(reverse(*address))),
        }
    }
}

fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(six) => {
            let octets = six.octets();
            let digits = octets.iter().rev().flat_map(|octet| [octet & 0x0f, octet >> 4]);
            digits.map(|digit| format!("{digit:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

impl fmt::Display for AcmeIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => name.fmt(f),
            // The one form of RFC 5952.
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// A name of a certificate: a dNSName, which may have `*.` in front (RFC 6125, section 6.4.3), or an
/// iPAddress.
///
/// Always: what [`AcmeIdentifier`] says of its base; a DNS name has at least two labels, without a
/// star, and no underscore (BR 7.1.4.2.1); an address has no star. DNS names sort before addresses, as
/// they stand in certificates.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct SanName {
    base: AcmeIdentifier,
    wildcard: bool,
}

impl SanName {
    /// Parses `www.example.com`, `*.example.com` or an address.
    ///
    /// # Errors
    /// [`BadName`]; a single label is `Label`, an underscore or a second star is `Character`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let (wildcard, rest) = text.strip_prefix("*.").map_or((false, text), |rest| (true, rest));
        let base = AcmeIdentifier::parse(rest)?;
        match &base {
            AcmeIdentifier::Ip(_) if wildcard => return Err(BadName::Address),
            AcmeIdentifier::Ip(_) => {}
            AcmeIdentifier::Dns(name) if name.as_str().contains('_') => {
                return Err(BadName::Character);
            }
            AcmeIdentifier::Dns(name) if name.parent().is_none() => return Err(BadName::Label),
            AcmeIdentifier::Dns(_) => {}
        }
        Ok(Self { base, wildcard })
    }

    /// The same base with or without the star.
    ///
    /// # Errors
    /// As [`SanName::parse`].
    pub fn new(base: &AcmeIdentifier, wildcard: bool) -> Result<Self, BadName> {
        if wildcard { Self::star(base) } else { Self::parse(&base.to_string()) }
    }

    /// `*.` in front of a name.
    ///
    /// # Errors
    /// As [`SanName::parse`].
    pub fn star(base: &impl fmt::Display) -> Result<Self, BadName> {
        Self::parse(&format!("*.{base}"))
    }

    /// Takes an address.
    ///
    /// # Errors
    /// As [`AcmeIdentifier::of_address`].
    pub fn of_address(address: IpAddr) -> Result<Self, BadName> {
        Ok(Self { base: AcmeIdentifier::of_address(address)?, wildcard: false })
    }

    /// The name without `*.`.
    #[must_use]
    pub const fn base(&self) -> &AcmeIdentifier {
        &self.base
    }

    /// The DNS name without `*.`; `None` for an address.
    #[must_use]
    pub const fn dns(&self) -> Option<&DnsName> {
        self.base.dns()
    }

    /// The address; `None` for a DNS name.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.base.address()
    }

    /// See [`AcmeIdentifier::place_in_dns`].
    #[must_use]
    pub fn place_in_dns(&self) -> Cow<'_, DnsName> {
        self.base.place_in_dns()
    }

    /// Whether it starts with `*.`.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// Whether a client that asks for this host takes a certificate with this name: `*` stands for one
    /// whole label (RFC 9525, section 6.3).
    #[must_use]
    pub fn covers(&self, host: &DnsName) -> bool {
        if self.is_wildcard() {
            host.parent().is_some_and(|parent| self.dns() == Some(&parent))
        } else {
            self.dns() == Some(host)
        }
    }

    /// Whether it is a DNS name strictly below `base`. No address is below anything.
    #[must_use]
    pub fn is_below(&self, base: &DnsName) -> bool {
        self.dns().is_some_and(|name| name != base && name.is_at_or_below(base))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_names_refuse_what_no_ca_may_sign() {
        assert!(SanName::parse("*.shop.example").unwrap().is_wildcard());
        for bad in
            ["*", "*.", "*.*.example", "a.*.example", "*a.example", "_x.example", "com", "*.com"]
        {
            assert!(SanName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_covers_one_whole_label() {
        for (name, host, covers) in [
            ("www.shop.example", "www.shop.example", true),
            ("www.shop.example", "a.www.shop.example", false),
            ("*.shop.example", "www.shop.example", true),
            ("*.shop.example", "shop.example", false),
            ("*.shop.example", "a.www.shop.example", false),
            ("192.0.2.7", "shop.example", false),
        ] {
            let (name, host) = (SanName::parse(name).unwrap(), DnsName::parse(host).unwrap());
            assert_eq!(name.covers(&host), covers, "{name} {host}");
        }
    }

    #[test]
    fn an_address_has_one_spelling_and_no_star() {
        let shown = |text| SanName::parse(text).map(|name| name.to_string());
        assert_eq!(shown("192.0.2.7"), Ok("192.0.2.7".to_owned()));
        assert_eq!(shown("2001:DB8:0:0::0007"), Ok("2001:db8::7".to_owned()));
        for bad in [
            "*.192.0.2.7",
            "192.0.2.7.",
            "192.0.2.256",
            "192.0.2",
            "10.1",
            "0x7f.1",
            "a.example.7",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::",
            "ff02::1",
            "::ffff:192.0.2.7",
            "[2001:db8::7]",
            "fe80::1%eth0",
        ] {
            assert!(SanName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_stands_under_its_reverse_name() {
        let place = |text| SanName::parse(text).unwrap().place_in_dns().to_string();
        assert_eq!(place("192.0.2.7"), "7.2.0.192.in-addr.arpa");
        // The example of RFC 3596, section 2.5.
        assert_eq!(
            place("4321:0:1:2:3:4:567:89ab"),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa"
        );
        assert_eq!(place("*.shop.example"), "shop.example");
    }

    #[test]
    fn names_stand_before_addresses() {
        let mut names = ["192.0.2.7", "2001:db8::7", "www.shop.example"]
            .map(|text| SanName::parse(text).unwrap());
        names.sort();
        let [first, ..] = &names;
        assert_eq!(first.to_string(), "www.shop.example");
    }
}
