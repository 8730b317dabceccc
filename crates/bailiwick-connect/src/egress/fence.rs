//! The fence: which addresses an outgoing connection may touch (RFC 8555, section 10.4; threat T10).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A range of addresses, such as `10.0.0.0/8`.
///
/// Always: no bit after the prefix is set, and an IPv4 range is never written as IPv6.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    first: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Parses `10.0.0.0/8`, `fd00::/8`, or a single address.
    ///
    /// # Errors
    /// [`BadNetwork`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| BadNetwork::Address)?;
        if first != first.to_canonical() {
            return Err(BadNetwork::Mapped);
        }
        let width = width(first);
        let prefix_bits = match bits {
            Some(bits) => {
                bits.parse().ok().filter(|bits| *bits <= width).ok_or(BadNetwork::Prefix)?
            }
            None => width,
        };
        let network = Self { first, prefix_bits };
        if network.masked(first) == bits_of(first) {
            Ok(network)
        } else {
            Err(BadNetwork::HostBits)
        }
    }

    /// Whether `address` lies in the range.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && self.masked(address) == bits_of(self.first)
    }

    /// The address's bits (left-aligned in 128) with everything after the prefix cleared.
    fn masked(&self, address: IpAddr) -> u128 {
        let keep = u32::from(self.prefix_bits);
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(keep)).unwrap_or(0);
        bits_of(address) & mask
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(four.to_bits()) << 96,
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// A text is not a range of addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadNetwork {
    /// What stands before the `/` is no address.
    #[error("not an address; write `10.0.0.0/8`, `fd00::/8` or one address")]
    Address,
    /// An IPv4 address in IPv6 clothes.
    #[error("an IPv4 range written as IPv6; write it as IPv4")]
    Mapped,
    /// What stands after the `/` is no prefix length.
    #[error("not a prefix length; it is 0 to 32 for IPv4 and 0 to 128 for IPv6")]
    Prefix,
    /// Bits after the prefix are set.
    #[error("bits after the prefix are set; write the first address of the range")]
    HostBits,
}

/// Says which addresses may be connected to: every public one, and what the operator listed.
///
/// Always asked about the address that is connected to, after resolution, so that a name that
/// answers differently the second time gains nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fence {
    listed: Vec<Network>,
}

impl Fence {
    /// Public addresses, and these ranges on top.
    #[must_use]
    pub const fn new(listed: Vec<Network>) -> Self {
        Self { listed }
    }

    /// The right to connect there, if there is one.
    ///
    /// # Errors
    /// [`Fenced`].
    pub fn permit(&self, to: SocketAddr) -> Result<Permit, Fenced> {
        self.check(to.ip()).map(|()| Permit(to))
    }

    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// [`Fenced`] says what kind of address it is.
    pub fn check(&self, address: IpAddr) -> Result<(), Fenced> {
        if self.listed.iter().any(|network| network.holds(address)) {
            return Ok(());
        }
        match special(address) {
            Some(kind) => Err(Fenced { address, kind }),
            None => Ok(()),
        }
    }
}

/// The right to connect to one address: the fence looked at it, or the operator named it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Permit(SocketAddr);

impl Permit {
    /// For an address that stands in the approved estate or in the settings: a zone's name server, a
    /// resolver. Never for one that an answer supplied.
    #[must_use]
    pub const fn named_by_operator(to: SocketAddr) -> Self {
        Self(to)
    }

    /// Where.
    #[must_use]
    pub const fn address(self) -> SocketAddr {
        self.0
    }
}

/// An address lies outside the fence.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{address} is {kind} and is not on the list of networks this server may connect to; ask its operator to list it"
)]
pub struct Fenced {
    /// Which address.
    pub address: IpAddr,
    /// What kind of address it is.
    pub kind: &'static str,
}

/// What kind of special address it is (IANA special-purpose address registries); `None`: public.
fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(four) => special_v4(four),
        IpAddr::V6(six) => special_v6(six),
    }
}

fn special_v4(four: Ipv4Addr) -> Option<&'static str> {
    Some(match four.octets() {
        [0, ..] => "an address of this network",
        [127, ..] => "a loopback address",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [169, 254, ..] => "a link-local address",
        [100, 64..=127, ..] => "a shared address of a carrier",
        // The platform service of a large cloud answers here, outside every registry.
        [168, 63, 129, 16] => "a platform's metadata address",
        [192, 0, 0 | 2, _] | [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            "a reserved address"
        }
        [192, 88, 99, _] => "a relay address",
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

fn special_v6(six: Ipv6Addr) -> Option<&'static str> {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        special_v4(Ipv4Addr::new(a, b, c, d))
    };
    Some(match six.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "an address of this network",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        [0, 0, 0, 0, 0, 0, ..] => "an IPv4 address in disguise",
        // A translator or relay would carry the packet to the embedded IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => return embedded(high, low),
        [0x2002, high, low, ..] => return embedded(high, low),
        [0x64, 0xff9b, 1, ..] => "a private translation address",
        [0x100, 0, 0, 0 | 1, ..] => "a discard address",
        [0x2001, 0..=0x1ff, ..] => "a reserved address",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x5f00, ..] => "a reserved address",
        [0xfc00..=0xfdff, ..] => "a private address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a site-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        // Only 2000::/3 is handed out as public (RFC 4291, section 2.4).
        [0x2000..=0x3fff, ..] => return None,
        _ => "a reserved address",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, listed: &[&str], expected: Result<(), &str>) {
        let fence = Fence::new(listed.iter().map(|text| Network::parse(text).unwrap()).collect());
        let given = fence.check(address.parse().unwrap()).map_err(|fenced| fenced.kind);
        assert_eq!(given, expected, "{address} with {listed:?}");
    }

    #[test]
    fn only_public_addresses_pass_by_themselves() {
        for public in ["1.1.1.1", "9.9.9.9", "2a00:1450::1", "2002:101:101::1", "64:ff9b::8.8.8.8"]
        {
            check(public, &[], Ok(()));
        }
        for (special, kind) in [
            ("0.0.0.0", "an address of this network"),
            ("127.0.0.1", "a loopback address"),
            ("127.255.0.9", "a loopback address"),
            ("10.1.2.3", "a private address"),
            ("172.16.0.1", "a private address"),
            ("172.31.255.255", "a private address"),
            ("192.168.1.1", "a private address"),
            ("169.254.169.254", "a link-local address"),
            ("100.100.100.200", "a shared address of a carrier"),
            ("168.63.129.16", "a platform's metadata address"),
            ("192.0.2.1", "a reserved address"),
            ("198.18.0.1", "a reserved address"),
            ("224.0.0.1", "a multicast address"),
            ("255.255.255.255", "a reserved address"),
            ("::", "an address of this network"),
            ("::1", "a loopback address"),
            ("::ffff:127.0.0.1", "a loopback address"),
            ("::ffff:169.254.169.254", "a link-local address"),
            ("::10.0.0.1", "an IPv4 address in disguise"),
            ("64:ff9b::127.0.0.1", "a loopback address"),
            ("64:ff9b::a9fe:a9fe", "a link-local address"),
            ("64:ff9b:1::1", "a private translation address"),
            ("2002:7f00:1::", "a loopback address"),
            ("2002:a00:1::1", "a private address"),
            ("2001::1", "a reserved address"),
            ("fd00:ec2::254", "a private address"),
            ("fe80::1", "a link-local address"),
            ("fec0::1", "a site-local address"),
            ("ff02::1", "a multicast address"),
            ("2001:db8::1", "a reserved address"),
            ("4000::1", "a reserved address"),
        ] {
            check(special, &[], Err(kind));
        }
    }

    #[test]
    fn what_the_operator_listed_passes() {
        check("127.0.0.1", &["127.0.0.0/8"], Ok(()));
        check("::ffff:127.0.0.1", &["127.0.0.0/8"], Ok(()));
        check("127.0.0.2", &["127.0.0.1"], Err("a loopback address"));
        check("fd00::5", &["fd00::/8"], Ok(()));
        check("::1", &["127.0.0.0/8"], Err("a loopback address"));
        check("169.254.169.254", &["10.0.0.0/8"], Err("a link-local address"));
        check("127.0.0.1", &["::/0"], Err("a loopback address"));
    }

    #[test]
    fn a_range_has_one_spelling() {
        assert_eq!(Network::parse("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(Network::parse("0.0.0.0/0").unwrap().to_string(), "0.0.0.0/0");
        assert_eq!(Network::parse("::1").unwrap().to_string(), "::1/128");
        assert_eq!(Network::parse("10.0.0.1/8"), Err(BadNetwork::HostBits));
        assert_eq!(Network::parse("10.0.0.0/33"), Err(BadNetwork::Prefix));
        assert_eq!(Network::parse("10.0.0.0/-1"), Err(BadNetwork::Prefix));
        assert_eq!(Network::parse("::ffff:10.0.0.0/104"), Err(BadNetwork::Mapped));
        assert_eq!(Network::parse("localhost"), Err(BadNetwork::Address));
        assert_eq!(Network::parse("0x7f.1"), Err(BadNetwork::Address));
    }
}
