//! Steps that bind records and certificates: edits of zones, waiting until everybody sees them,
//! putting a certificate where it is served, and looking whether it is.

use core::net::SocketAddr;
use std::fmt;

use crate::estate::{Deployment, ZoneKey};
use crate::names::{CertFingerprint, DnsName, ServiceId, SpkiHash};
use crate::records::{RRset, RecordEdit};

/// Edits of sets in one zone: all of them or none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishRecords {
    /// For which service; `None` where the records are the zone's own, such as its CAA policy.
    pub service: Option<ServiceId>,
    /// In which zone and view.
    pub zone: ZoneKey,
    /// The edits, each with its pre-image; no two of one set.
    pub edits: Vec<RecordEdit>,
    /// What they are for, in words.
    pub why: String,
    /// When it is taken back: how long is waited after every server shows the old state again, so that
    /// nobody remembers the new one when the steps before it are undone.
    pub undo_hold_seconds: u32,
    /// When it is taken back: how long servers may take to show that.
    pub within_seconds: u32,
}

/// Waiting until every authoritative server shows edits, and until what was there before is forgotten
/// everywhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AwaitPropagation {
    /// For which service; `None` where the records are the zone's own.
    pub service: Option<ServiceId>,
    /// In which zone and view.
    pub zone: ZoneKey,
    /// What has to be seen.
    pub edits: Vec<RecordEdit>,
    /// How long it has to stay so, in seconds: as long as a resolver may remember the state before.
    pub hold_seconds: u32,
    /// How long servers may take, in seconds; after that the change turns back.
    pub within_seconds: u32,
}

/// Putting the certificate that an earlier step issued where it is served.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeployCertificate {
    /// For which service.
    pub service: ServiceId,
    /// The step of the same plan that issues it: which bytes it will be is not known at approval.
    pub issued_by: usize,
    /// Its key, which is.
    pub key: SpkiHash,
    /// The place's name in the estate.
    pub place: String,
    /// The place, as the estate describes it at approval.
    pub target: Deployment,
    /// The pre-image: the certificate that is there now; `None` where there is none.
    pub before: Option<CertFingerprint>,
}

/// One server that speaks TLS under a name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    /// The name that a client asks for (RFC 6066, section 3).
    pub name: DnsName,
    /// Where it listens.
    pub at: SocketAddr,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.at)
    }
}

/// Looking whether endpoints show the certificate that an earlier step issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifyServed {
    /// For which service.
    pub service: ServiceId,
    /// The step of the same plan that issues it.
    pub issued_by: usize,
    /// Which endpoints.
    pub endpoints: Vec<Endpoint>,
    /// How long they may take to show it, in seconds; after that the change turns back.
    pub within_seconds: u32,
}

/// What one server or endpoint shows, compared with what it has to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lane {
    /// Who, such as `192.0.2.53:53`.
    pub who: String,
    /// Whether it shows what it has to.
    pub shows: bool,
    /// What it shows, in one line.
    pub saw: String,
}

/// How one set stands, compared with an edit of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// As before the edit.
    Before,
    /// As after it.
    After,
    /// As somebody else left it, and nothing that the edit adds is there.
    Foreign,
    /// As somebody else left it, with something in it that the edit adds.
    Mixed,
}

impl Standing {
    /// How `seen` stands, compared with `edit`.
    #[must_use]
    pub fn of(edit: &RecordEdit, seen: Option<&RRset>) -> Self {
        if seen == edit.after() {
            return Self::After;
        }
        if seen == edit.before() {
            return Self::Before;
        }
        let added = |octets: &Vec<u8>| {
            edit.after().is_some_and(|set| set.rdata().contains(octets))
                && !edit.before().is_some_and(|set| set.rdata().contains(octets))
        };
        match seen {
            Some(set) if set.rdata().iter().any(added) => Self::Mixed,
            Some(_) | None => Self::Foreign,
        }
    }
}
