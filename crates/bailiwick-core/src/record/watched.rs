//! Which row a fact of the watch causes.

use super::entry::Fact;
use crate::names::{FindingId, PersonId};
use crate::time::Time;
use crate::watch::{
    CanaryRun, ClosedBy, Finding, Incident, Observation, PartHandedOn, PointVerdict, Track,
};

/// One alteration of the rows that follow from watching.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WatchRow {
    /// A server says something from a moment on; what it said before ends then.
    PutObservation(Box<Observation>),
    /// A finding is open.
    OpenFinding(Box<Finding>),
    /// Somebody else has to act on it.
    HandOnFinding {
        /// Which.
        finding: FindingId,
        /// Who.
        assignee: PersonId,
        /// Who is next.
        next: Option<PersonId>,
        /// By when.
        due: Time,
    },
    /// A finding is over.
    CloseFinding {
        /// Which.
        finding: FindingId,
        /// What ended it.
        how: ClosedBy,
        /// What somebody says about it.
        note: String,
    },
    /// A point of the control, in place of its verdict before.
    PutPoint(Box<PointVerdict>),
    /// A canary, in place of the one of the same issuer, zone and sense before.
    PutCanary(Box<CanaryRun>),
    /// An incident is open.
    OpenIncident(Box<Incident>),
    /// A track was told about.
    TellIncident {
        /// Which incident.
        incident: FindingId,
        /// Which track.
        track: Track,
        /// What.
        says: String,
        /// Whether it is answered.
        answered: bool,
    },
    /// Somebody else has to do a part of it.
    HandOnIncident(Box<PartHandedOn>),
    /// An incident is over.
    ReviewIncident {
        /// Which.
        incident: FindingId,
        /// The conclusion.
        says: String,
    },
}

/// The row of one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these facts only")]
pub(super) fn watch_row(fact: &Fact) -> Option<WatchRow> {
    Some(match fact {
        Fact::Observed(seen) => WatchRow::PutObservation(seen.clone()),
        Fact::FindingOpened(finding) => WatchRow::OpenFinding(finding.clone()),
        Fact::FindingHandedOn { finding, assignee, next, due, .. } => WatchRow::HandOnFinding {
            finding: finding.clone(),
            assignee: assignee.clone(),
            next: next.clone(),
            due: *due,
        },
        Fact::FindingClosed { finding, how, note, .. } => {
            let (finding, note) = (finding.clone(), note.clone());
            WatchRow::CloseFinding { finding, how: *how, note }
        }
        Fact::PointJudged(verdict) => WatchRow::PutPoint(verdict.clone()),
        Fact::CanaryTried(run) => WatchRow::PutCanary(run.clone()),
        Fact::IncidentOpened(incident) => WatchRow::OpenIncident(incident.clone()),
        Fact::IncidentTold { incident, track, says, answered, .. } => WatchRow::TellIncident {
            incident: incident.clone(),
            track: *track,
            says: says.clone(),
            answered: *answered,
        },
        Fact::IncidentHandedOn(on) => WatchRow::HandOnIncident(on.clone()),
        Fact::IncidentReviewed { incident, says, .. } => {
            WatchRow::ReviewIncident { incident: incident.clone(), says: says.clone() }
        }
        _ => return None,
    })
}
