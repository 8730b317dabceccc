//! Incidents as the API gives them.

use bailiwick_core::names::PersonId;
use bailiwick_core::time::Time;
use bailiwick_core::watch::Track;
use bailiwick_store::IncidentRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::IncidentView;

/// One side of an incident.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct TrackBody {
    /// `dns-record` or `ca-enforcement`.
    pub track: String,
    /// What has to be found out.
    pub question: String,
    /// Who answers it.
    pub person: String,
    /// What was told so far.
    pub says: Option<String>,
    /// When it was answered.
    pub answered_at: Option<String>,
}

/// Something that must be answered.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct IncidentBody {
    /// Its id.
    pub id: String,
    /// In which zone.
    pub zone: String,
    /// The name or issuer it is about.
    pub subject: String,
    /// What happened.
    pub says: String,
    /// Where that is known from.
    pub source: String,
    /// Who reviews both tracks.
    pub owner: String,
    /// By when.
    pub due: String,
    /// When it was opened.
    pub opened_at: String,
    /// The two tracks.
    pub tracks: Vec<TrackBody>,
    /// When it was reviewed.
    pub reviewed_at: Option<String>,
    /// The conclusion.
    pub conclusion: Option<String>,
    /// The leaf of the ledger that opened it.
    pub leaf: u64,
    /// The leaves that show it.
    pub evidence: Vec<u64>,
}

impl IncidentBody {
    pub(crate) fn of(row: &IncidentRow) -> Self {
        let one = &row.incident;
        let track =
            |track: Track, person: &PersonId, told: &(Option<String>, Option<Time>)| TrackBody {
                track: track.to_string(),
                question: track.question().to_owned(),
                person: person.to_string(),
                says: told.0.clone(),
                answered_at: told.1.map(|at| at.to_string()),
            };
        Self {
            id: one.id.to_string(),
            zone: one.zone.to_string(),
            subject: one.subject.clone(),
            says: one.says.clone(),
            source: one.source.clone(),
            owner: one.owner.to_string(),
            due: one.due.to_string(),
            opened_at: row.opened_at.to_string(),
            tracks: vec![
                track(Track::Record, &one.record, &row.record),
                track(Track::Enforcement, &one.enforcement, &row.enforcement),
            ],
            reviewed_at: row.reviewed.as_ref().map(|(at, _)| at.to_string()),
            conclusion: row.reviewed.as_ref().map(|(_, says)| says.clone()),
            leaf: row.leaf,
            evidence: one.evidence.clone(),
        }
    }
}

/// Something that happened to an incident.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct IncidentLineBody {
    /// When.
    pub at: String,
    /// Who did it.
    pub by: String,
    /// What.
    pub says: String,
    /// The leaf of the ledger.
    pub leaf: u64,
}

/// What the CA has to do.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CaSideBody {
    /// Which CA.
    pub issuer: String,
    /// Where it takes problem reports, as the estate says.
    pub report_to: Option<String>,
    /// Until when it has to answer a report that went out when the incident opened (BR 4.9.5).
    pub answers_by: String,
    /// Until when it has to revoke (BR 4.9.1.1).
    pub revokes_by: String,
    /// What can be sent as it stands.
    pub report: String,
}

/// An incident with what happened and what the CA has to do.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct IncidentStory {
    /// As it stands.
    #[serde(flatten)]
    pub incident: IncidentBody,
    /// What happened, the oldest first.
    pub timeline: Vec<IncidentLineBody>,
    /// The CA's side, where it is known which CA.
    pub ca: Option<CaSideBody>,
}

impl IncidentStory {
    pub(crate) fn of(view: &IncidentView) -> Self {
        let line = |one: &crate::app::IncidentLine| IncidentLineBody {
            at: one.at.to_string(),
            by: one.by.clone(),
            says: one.says.clone(),
            leaf: one.leaf,
        };
        Self {
            incident: IncidentBody::of(&view.row),
            timeline: view.timeline.iter().map(line).collect(),
            ca: view.ca.as_ref().map(|ca| CaSideBody {
                issuer: ca.issuer.to_string(),
                report_to: ca.report_to.clone(),
                answers_by: ca.answers_by.to_string(),
                revokes_by: ca.revokes_by.to_string(),
                report: ca.report.clone(),
            }),
        }
    }
}

/// What somebody found out on one track.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    /// `dns-record` or `ca-enforcement`.
    pub track: String,
    /// What.
    pub says: String,
    /// Whether the track is answered with it.
    #[serde(default)]
    pub answered: bool,
}

/// What is concluded of an incident.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConcludeBody {
    /// What, and what follows.
    pub says: String,
}

/// A report that somebody hands in.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportBody {
    /// From whom it came.
    pub from: String,
    /// Its text: IODEF (RFC 7970) or plain.
    pub report: String,
}

/// A report that was taken.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ReportedBody {
    /// The incident that it belongs to.
    pub incident: String,
}
