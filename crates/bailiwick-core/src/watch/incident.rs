//! Canaries as they were run, and incidents with their two tracks (CAA-7).

use super::points::Stands;
use crate::estate::{ZoneKey, spelled};
use crate::names::{CertFingerprint, Digest, DnsName, FindingId, IssuerId, PersonId};
use crate::time::Time;

/// One request to an issuer that shows whether it obeys CAA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryRun {
    /// Which issuer was asked.
    pub issuer: IssuerId,
    /// In which zone the name lies.
    pub zone: ZoneKey,
    /// For which name.
    pub name: DnsName,
    /// Whether CAA permits it.
    pub permitted: bool,
    /// Whether the issuer did what it should.
    pub stands: Stands,
    /// What it did, in words.
    pub says: String,
    /// What it issued, where it did.
    pub certificate: Option<CertFingerprint>,
    /// Whether that was revoked.
    pub revoked: bool,
    /// The order at the CA, where one was placed.
    pub order: Option<String>,
    /// CAA of the name as we saw it just before the order: evidence under this digest.
    pub caa: Option<Digest>,
}

spelled! {
    /// One of the two sides of an incident: both have to be answered before it can be reviewed.
    Track {
        /// Why the record let it happen, or was not there.
        Record = "dns-record",
        /// Why the CA did not do what the record says.
        Enforcement = "ca-enforcement",
    }
}

impl Track {
    /// What has to be found out on it.
    #[must_use]
    pub const fn question(self) -> &'static str {
        match self {
            Self::Record => "did the record say at that moment what was decided, everywhere?",
            Self::Enforcement => "did the CA read it, and why did it issue all the same?",
        }
    }
}

/// Something that must be answered: a certificate out of policy, or the report of one.
///
/// Always: one person on each track and one who reviews both together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: FindingId,
    /// In which zone.
    pub zone: ZoneKey,
    /// The name or issuer it is about.
    pub subject: String,
    /// What happened, or what is said to have happened.
    pub says: String,
    /// Where that is known from: `canary`, or who reported.
    pub source: String,
    /// Who answers for the record.
    pub record: PersonId,
    /// Who answers for the CA.
    pub enforcement: PersonId,
    /// Who reviews both.
    pub owner: PersonId,
    /// By when.
    pub due: Time,
    /// The leaves of the ledger that show it.
    pub evidence: Vec<u64>,
}
