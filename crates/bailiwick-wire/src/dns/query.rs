//! One question to one server.

use super::name::WireName;

/// How large a datagram we take: what fits any path without fragments (RFC 9715, section 3.2;
/// 1,280 octets of the smallest IPv6 link less the headers).
pub const UDP_PAYLOAD_OCTETS: u16 = 1_232;

/// A question with its identifier. What is read as a reply must carry both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    id: u16,
    name: WireName,
    kind: u16,
    recursive: bool,
}

pub(super) const CLASS_IN: u16 = 1;
pub(super) const TYPE_OPT: u16 = 41;

/// Recursion desired, and AD: "tell me whether you validated it" (RFC 6840, section 5.7).
const FLAGS_TO_RESOLVER: u16 = 0x0120;
/// DNSSEC OK (RFC 3225, section 3; RFC 6891, section 6.1.4).
const EDNS_DO: u16 = 0x8000;

impl Query {
    /// A question to a resolver: it shall resolve and validate.
    #[must_use]
    pub const fn to_resolver(id: u16, name: WireName, kind: u16) -> Self {
        Self { id, name, kind, recursive: true }
    }

    /// A question to a server of the zone itself.
    #[must_use]
    pub const fn to_authority(id: u16, name: WireName, kind: u16) -> Self {
        Self { id, name, kind, recursive: false }
    }

    /// The identifier.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// The name asked.
    #[must_use]
    pub const fn name(&self) -> &WireName {
        &self.name
    }

    /// The type asked.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        self.kind
    }

    /// The message (RFC 1035, section 4.1), with EDNS (RFC 6891).
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let (flags, edns) = if self.recursive { (FLAGS_TO_RESOLVER, EDNS_DO) } else { (0, 0) };
        let mut octets = Vec::with_capacity(300);
        for field in [self.id, flags, 1, 0, 0, 1] {
            octets.extend(field.to_be_bytes());
        }
        self.name.write(&mut octets);
        for field in [self.kind, CLASS_IN] {
            octets.extend(field.to_be_bytes());
        }
        // OPT: the root, the type, our size, extended code and version 0, flags, no options.
        octets.push(0);
        for field in [TYPE_OPT, UDP_PAYLOAD_OCTETS, 0, edns, 0] {
            octets.extend(field.to_be_bytes());
        }
        octets
    }
}
