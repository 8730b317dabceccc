//! Incidents as the API gives them.

use bailiwick_core::names::PersonId;
use bailiwick_core::time::Time;
use bailiwick_core::watch::Track;
use bailiwick_store::IncidentRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
