//! Zones, and what is intended for them.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::names::{DnsName, TeamId, ZoneName};

use super::power::{DelegationIntent, ZoneGate};
use super::words::spelled;

spelled! {
    /// From where a zone is seen (RFC 9499, section 6: view).
    View {
        /// By everybody.
        External = "external",
        /// Inside the organisation only.
        Internal = "internal",
    }
}

spelled! {
    /// How much a zone matters to the people the organisation serves.
    ZoneClass {
        /// Customers meet it.
        CustomerFacing = "customer-facing",
        /// The business stops without it.
        BusinessCritical = "business-critical",
        /// The organisation's own use.
        Corporate = "corporate",
        /// Nothing real depends on it.
        Test = "test",
    }
}

spelled! {
    /// Who decides about certificates in a zone.
    Pattern {
        /// A central team approves; execution is delegated.
        Central = "central",
        /// The service's team acts alone once every mandatory check of policy passes.
        ServiceTeam = "service-team",
        /// The service's team acts; somebody independent approves.
        Shared = "shared",
    }
}

spelled! {
    /// How far Bailiwick goes in a zone.
    Mode {
        /// It looks and notes: the zone's approval pattern and its lifetime limit do not block. The
        /// refusals of MIS-2 block in every mode.
        Observe = "observe",
        /// As `observe`, and the notes are told to the requester as well.
        Advise = "advise",
        /// Every rule blocks.
        Enforce = "enforce",
    }
}

/// Names a zone: the same name may be served with different content in two views.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct ZoneKey {
    /// The apex.
    pub name: ZoneName,
    /// The view.
    pub view: View,
}

impl ZoneKey {
    /// The external view of `name`.
    #[must_use]
    pub const fn external(name: ZoneName) -> Self {
        Self { name, view: View::External }
    }

    /// The internal view of `name`.
    #[must_use]
    pub const fn internal(name: ZoneName) -> Self {
        Self { name, view: View::Internal }
    }

    /// Reads `shop.example` (external) or `shop.example/internal`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, view) = match text.split_once('/') {
            Some((name, view)) => (name, View::parse(view)?),
            None => (text, View::External),
        };
        ZoneName::parse(name).ok().map(|name| Self { name, view })
    }
}

impl fmt::Display for ZoneKey {
    /// The name alone for the external view; `corp.example/internal` for the other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.view {
            View::External => self.name.fmt(f),
            View::Internal => write!(f, "{}/{}", self.name, self.view),
        }
    }
}

/// A zone and who answers for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Zone {
    /// How much it matters.
    pub class: ZoneClass,
    /// Who decides about certificates in it.
    pub pattern: Pattern,
    /// How far Bailiwick goes.
    pub mode: Mode,
    /// The team that defines the issuance policy of the zone (the PKI team, usually).
    pub policy_owner: TeamId,
    /// The team that publishes its records (the DNS administrators).
    pub operator: TeamId,
    /// Its authoritative name servers, for direct questions.
    pub servers: Vec<SocketAddr>,
    /// How records are written into it, where Bailiwick may.
    pub connector: Option<Connector>,
    /// Where the whole zone is read from, where a server lets us.
    pub transfer: Option<TransferFrom>,
    /// The CAA records it should have.
    pub caa: CaaIntent,
    /// The CAA records that names below its apex should have themselves, instead of what they inherit.
    pub caa_below: BTreeMap<DnsName, CaaIntent>,
    /// Limits that the policy compares with.
    pub limits: ZoneLimits,
    /// What it asks for beside its pattern.
    pub gates: Vec<ZoneGate>,
    /// What the parent zone should say about it; `None`: what was seen first counts.
    pub delegation: Option<DelegationIntent>,
}

impl Zone {
    /// The CAA records that a name of the zone should have itself; `None`: none are intended there.
    #[must_use]
    pub fn caa_at(&self, apex: &DnsName, owner: &DnsName) -> Option<&CaaIntent> {
        if owner == apex { Some(&self.caa) } else { self.caa_below.get(owner) }
    }

    /// The intended set that decides about a name: its own, or else that of the nearest name above
    /// (RFC 8659, section 3).
    #[must_use]
    pub fn caa_for(&self, name: &DnsName) -> &CaaIntent {
        self.below_for(name).map_or(&self.caa, |(_, intent)| intent)
    }

    /// The name below the apex whose intended set decides about a name; `None`: the apex' does.
    #[must_use]
    pub fn below_for(&self, name: &DnsName) -> Option<(&DnsName, &CaaIntent)> {
        let mut way = std::iter::successors(Some(name.clone()), DnsName::parent);
        way.find_map(|owner| self.caa_below.get_key_value(&owner))
    }

    /// Every name that should have a set of its own, the apex first.
    pub fn caa_sets<'a>(
        &'a self,
        apex: &'a DnsName,
    ) -> impl Iterator<Item = (&'a DnsName, &'a CaaIntent)> {
        std::iter::once((apex, &self.caa)).chain(&self.caa_below)
    }
}

spelled! {
    /// How a zone's records are written.
    ConnectorKind {
        /// Signed dynamic updates (RFC 2136, RFC 8945).
        Rfc2136 = "rfc2136",
        /// The HTTP API of PowerDNS.
        PowerDns = "powerdns",
        /// The API of Cloudflare.
        Cloudflare = "cloudflare",
        /// A zone file in a Git repository on this host.
        Git = "git",
        /// Not at all: it is looked at only.
        Observe = "observe",
    }
}

/// The way into a zone. Its secret stands in no file: it is handed in with
/// `bailiwick connector set-secret`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Connector {
    /// Signed dynamic updates.
    Rfc2136 {
        /// The primary server, which takes updates.
        server: SocketAddr,
        /// The name of the key as the server knows it.
        key: DnsName,
    },
    /// The HTTP API of PowerDNS.
    PowerDns {
        /// The URL of one server in it, such as `https://ns1.example:8081/api/v1/servers/localhost`.
        url: String,
        /// Roots that its certificate must chain to, PEM; the system's where absent.
        trust_roots: Option<String>,
    },
    /// The API of Cloudflare.
    Cloudflare {
        /// The zone as the API knows it: 32 hexadecimal digits.
        zone_id: String,
        /// The URL of the API.
        url: String,
        /// Roots that its certificate must chain to, PEM; the system's where absent.
        trust_roots: Option<String>,
    },
    /// A zone file in a Git repository on this host.
    Git {
        /// The folder of the repository, from the root of the file system.
        repository: String,
        /// The branch.
        branch: String,
        /// The file, from the top of the repository.
        file: String,
    },
    /// None: the operator is asked.
    Observe,
}

impl Connector {
    /// Where Cloudflare's API is for everybody.
    pub const CLOUDFLARE_URL: &str = "https://api.cloudflare.com/client/v4";

    /// Which way.
    #[must_use]
    pub const fn kind(&self) -> ConnectorKind {
        match self {
            Self::Rfc2136 { .. } => ConnectorKind::Rfc2136,
            Self::PowerDns { .. } => ConnectorKind::PowerDns,
            Self::Cloudflare { .. } => ConnectorKind::Cloudflare,
            Self::Git { .. } => ConnectorKind::Git,
            Self::Observe => ConnectorKind::Observe,
        }
    }

    /// The primary server, where the way leads to one.
    #[must_use]
    pub const fn server(&self) -> Option<SocketAddr> {
        match self {
            Self::Rfc2136 { server, .. } => Some(*server),
            Self::PowerDns { .. } | Self::Cloudflare { .. } | Self::Git { .. } | Self::Observe => {
                None
            }
        }
    }

    /// Whether a secret has to be handed in for it.
    #[must_use]
    pub const fn needs_secret(&self) -> bool {
        match self {
            Self::Rfc2136 { .. } | Self::PowerDns { .. } | Self::Cloudflare { .. } => true,
            Self::Git { .. } | Self::Observe => false,
        }
    }
}

/// A server that a whole zone is read from (AXFR, RFC 5936; IXFR, RFC 1995).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TransferFrom {
    /// The server.
    pub server: SocketAddr,
    /// The name of the key, as the server knows it; where absent, the question is not signed.
    pub key: Option<DnsName>,
}

/// The CAA property values a zone should publish at its apex (RFC 8659, section 4).
///
/// `issue` and `issuewild` hold property values such as `ca.example; accounturi=…`; an empty list
/// means that no such property is published.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CaaIntent {
    /// Values of `issue` (RFC 8659, section 4.2).
    pub issue: Vec<String>,
    /// Values of `issuewild` (RFC 8659, section 4.3).
    pub issuewild: Vec<String>,
    /// Values of `iodef` (RFC 8659, section 4.4).
    pub iodef: Vec<String>,
}

impl CaaIntent {
    /// Whether records as intended let an issuer that answers to one of `domains` issue for an
    /// ordinary or a wildcard name: without a property that applies nothing is restricted, and
    /// `issuewild` replaces `issue` for wildcards (RFC 8659, sections 4.2 and 4.3).
    #[must_use]
    pub fn names_issuer(&self, domains: &BTreeSet<String>, wildcard: bool) -> bool {
        let values =
            if wildcard && !self.issuewild.is_empty() { &self.issuewild } else { &self.issue };
        let issuer = |value: &String| {
            let domain = value.split_once(';').map_or(value.as_str(), |(domain, _)| domain);
            domain.trim().to_ascii_lowercase()
        };
        values.is_empty() || values.iter().any(|value| domains.contains(&issuer(value)))
    }
}

/// Limits of one zone. They are facts that policies compare with, so that ten thousand zones need
/// no ten thousand policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ZoneLimits {
    /// Names in one certificate at most.
    pub names_per_certificate_max: u32,
    /// Whether a wildcard name may be certified.
    pub wildcard_allowed: bool,
    /// Longest lifetime of a certificate.
    pub lifetime_days_max: u32,
    /// How long a confirmation of a service's ownership counts.
    pub ownership_days_max: u32,
}
