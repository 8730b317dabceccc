//! Who there is: the organisation, its people and its teams.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use crate::names::{DnsName, PersonId, TeamId};
use crate::time::Time;

use super::deployment::Freeze;
use super::words::spelled;
use super::zone::View;

/// The organisation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organisation {
    /// Its name, for people.
    pub name: String,
    /// The team that owns the control objective: security.
    pub control_owner: TeamId,
    /// Who looks and never touches, where there is such a team.
    pub auditors: Option<TeamId>,
    /// Who keeps the installation running. Administering grants no approval and no issuance.
    pub administrators: BTreeSet<PersonId>,
    /// When nothing is changed, by a name.
    pub freezes: BTreeMap<String, Freeze>,
    /// Resolvers through which the DNS is watched, by a name of the organisation's own.
    pub vantages: BTreeMap<String, VantagePoint>,
}

spelled! {
    /// How a vantage resolver is asked.
    VantageTransport {
        /// Over UDP, and over TCP where an answer does not fit (RFC 7766).
        Udp = "udp",
        /// Over TCP only.
        Tcp = "tcp",
        /// Over TLS (RFC 7858).
        Tls = "tls",
        /// Over HTTPS (RFC 8484).
        Https = "https",
        /// Through a `bailiwick vantage` that stands elsewhere: over TLS, each side showing a
        /// certificate of our own vantage CA.
        Helper = "helper",
    }
}

impl VantageTransport {
    /// Whether the way is encrypted, and the other side shows a certificate.
    #[must_use]
    pub const fn is_certified(self) -> bool {
        match self {
            Self::Udp | Self::Tcp => false,
            Self::Tls | Self::Https | Self::Helper => true,
        }
    }
}

spelled! {
    /// The five Regional Internet Registries, as regions of the network in which something stands
    /// (BR 3.2.2.9).
    Rir {
        /// Africa.
        Afrinic = "afrinic",
        /// Asia and the Pacific.
        Apnic = "apnic",
        /// North America.
        Arin = "arin",
        /// Latin America and the Caribbean.
        Lacnic = "lacnic",
        /// Europe, the Middle East and Central Asia.
        RipeNcc = "ripe-ncc",
    }
}

/// A resolver somewhere, through which zones are seen as others see them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VantagePoint {
    /// Where it listens.
    pub server: SocketAddr,
    /// How it is asked.
    pub transport: VantageTransport,
    /// Whether its word on DNSSEC is believed: it validates, and nobody between it and us can change
    /// its answers (RFC 4035, section 4.9.3).
    pub validates: bool,
    /// Which view it sees.
    pub view: View,
    /// The team that runs it.
    pub operator: TeamId,
    /// The name in its certificate, where it shows one; its address where absent.
    pub name: Option<DnsName>,
    /// Roots that its certificate must chain to, PEM; the system's where absent.
    pub trust_roots: Option<String>,
    /// The path of its HTTPS endpoint; `/dns-query` where absent (RFC 8484, section 4.1).
    pub path: Option<String>,
    /// In which region of the network it stands; a vantage without one is no remote perspective of
    /// a CA's corroboration (BR 3.2.2.9).
    pub region: Option<Rir>,
}

/// A person of the organisation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    /// Their name, for people.
    pub name: String,
    /// Where alerts reach them.
    pub email: String,
    /// When they left, once they did. The entry stays: old approvals name them.
    pub left: Option<Time>,
}

impl Person {
    /// Whether the person still works here at `now`.
    #[must_use]
    pub fn works_here(&self, now: Time) -> bool {
        self.left.is_none_or(|left| now < left)
    }
}

/// A team. A duty is held by a team, so that it survives people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Team {
    /// The unit of the organisation it belongs to.
    pub unit: String,
    /// Its people.
    pub members: BTreeSet<PersonId>,
    /// Teams inside this one: their people are its people.
    pub parts: BTreeSet<TeamId>,
    /// Who is alerted.
    pub on_call: PersonId,
    /// Who is alerted when that person does not answer or has left.
    pub deputy: PersonId,
}

spelled! {
    /// What somebody answers for.
    Duty {
        /// Defines the issuance policy of a zone or a service, and is accountable for it.
        PolicyOwner = "policy-owner",
        /// Operates: publishes records, runs issuance.
        Operator = "operator",
        /// Integrates: deploys the certificate where it is used.
        IntegrationOwner = "integration-owner",
        /// Owns the control objective of the whole organisation.
        ControlOwner = "control-owner",
    }
}
