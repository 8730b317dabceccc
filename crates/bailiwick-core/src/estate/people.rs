//! Who there is: the organisation, its people and its teams.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use crate::names::{PersonId, TeamId};
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
