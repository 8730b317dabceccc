//! Canaries as they were run, and incidents with their two tracks (CAA-7).

use std::collections::BTreeSet;

use super::duty::{due_ms, ladder, passes_to, team_of};
use super::finding::{Cause, FindingKind};
use super::points::Stands;
use crate::estate::{Estate, Zone, ZoneKey, spelled};
use crate::names::{CertFingerprint, Digest, DnsName, FindingId, IssuerId, PersonId, TeamId};
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

/// What the source of an incident out of a report begins with; the digest of the report follows.
pub const REPORTED: &str = "report ";

impl Incident {
    /// Whether somebody reported it (RFC 8659, section 4.4).
    #[must_use]
    pub fn is_reported(&self) -> bool {
        self.source.starts_with(REPORTED)
    }

    /// What is the matter in its zone while it is open, where nothing that is seen says so: somebody
    /// reported it. `leaf` opened it.
    #[must_use]
    pub fn cause(&self, zone: &Zone, leaf: u64) -> Option<Cause> {
        let kind = FindingKind::Reported;
        self.is_reported().then(|| Cause {
            kind,
            subject: self.subject.clone(),
            vantage: None,
            team: team_of(kind, zone).clone(),
            says: self.says.clone(),
            remedy: format!(
                "answer incident {} on both tracks and let it be concluded; this finding ends with it",
                self.id
            ),
            diff: Vec::new(),
            evidence: vec![leaf],
        })
    }
}

spelled! {
    /// What somebody has to do for an incident.
    IncidentPart {
        /// Answer for the record.
        Record = "dns-record",
        /// Answer for the CA.
        Enforcement = "ca-enforcement",
        /// Conclude both tracks together.
        Review = "review",
    }
}

impl IncidentPart {
    /// The team that it falls to.
    #[must_use]
    pub const fn team<'a>(self, estate: &'a Estate, zone: &'a Zone) -> &'a TeamId {
        match self {
            Self::Record => &zone.operator,
            Self::Enforcement => &zone.policy_owner,
            Self::Review => &estate.organisation.control_owner,
        }
    }

    /// Who has it.
    #[must_use]
    pub const fn holder(self, incident: &Incident) -> &PersonId {
        match self {
            Self::Record => &incident.record,
            Self::Enforcement => &incident.enforcement,
            Self::Review => &incident.owner,
        }
    }
}

impl From<Track> for IncidentPart {
    fn from(track: Track) -> Self {
        match track {
            Track::Record => Self::Record,
            Track::Enforcement => Self::Enforcement,
        }
    }
}

/// Somebody else has to do a part of an incident: whoever had to did not, or is not there any more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartHandedOn {
    /// Of which incident.
    pub incident: FindingId,
    /// In which zone.
    pub zone: ZoneKey,
    /// Which part.
    pub part: IncidentPart,
    /// Who has it from here on.
    pub person: PersonId,
    /// Until when the incident is due from here on.
    pub due: Time,
    /// Why.
    pub why: String,
}

/// Which parts of an open incident go to somebody else now: those that can be done and were not in time, or
/// whose person is not there any more. The review can be done when both tracks are answered.
///
/// Always: where the moment has passed, everything that goes on then gets one new moment.
#[must_use]
pub fn handed_on(
    (estate, zone): (&Estate, &Zone),
    incident: &Incident,
    answered: &BTreeSet<Track>,
    now: Time,
) -> Vec<PartHandedOn> {
    let open = Track::ALL.iter().copied().filter(|track| !answered.contains(track));
    let mut parts: Vec<IncidentPart> = open.map(IncidentPart::from).collect();
    if parts.is_empty() {
        parts.push(IncidentPart::Review);
    }
    let fresh = now.plus_ms(due_ms(FindingKind::EnforcementFailed, zone.class));
    let due = if now < incident.due { incident.due } else { fresh };
    let on = parts.into_iter().filter_map(|part| {
        let people = ladder(estate, zone, part.team(estate, zone), now);
        let (person, why) = passes_to(&people, part.holder(incident), incident.due, now)?;
        let (id, zone) = (incident.id.clone(), incident.zone.clone());
        Some(PartHandedOn { incident: id, zone, part, person: person.clone(), due, why })
    });
    on.collect()
}
