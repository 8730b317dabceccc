//! What was seen of a name, as the API gives it.

use bailiwick_core::caa::Proof;
use bailiwick_core::watch::{Asked, Seen};
use bailiwick_store::ObservationRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::WatchedName;

/// What one server said from a moment to another.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ObservationBody {
    /// The name asked.
    pub owner: String,
    /// From where.
    pub vantage: String,
    /// In which zone.
    pub zone: String,
    /// `caa` or `serial`.
    pub asked: String,
    /// What was answered, a record a line.
    pub seen: Vec<String>,
    /// What DNSSEC says, where somebody validated.
    pub dnssec: Option<String>,
    /// The TTL, where a server of the zone was asked.
    pub ttl_seconds: Option<u32>,
    /// From when on.
    pub since: String,
    /// Until when; nothing: it still stands.
    pub until: Option<String>,
    /// The leaf of the ledger that says so.
    pub leaf: u64,
}

impl ObservationBody {
    pub(crate) fn of(row: &ObservationRow) -> Self {
        let one = &row.observation;
        let (proof, ttl_seconds) = match &one.seen {
            Seen::Set { proof, ttl_seconds, .. } => (Some(*proof), *ttl_seconds),
            Seen::Nothing { proof } => (Some(*proof), None),
            Seen::Large { .. } | Seen::Elsewhere | Seen::Failed(_) | Seen::Serial(_) => {
                (None, None)
            }
        };
        let word = |proof| match proof {
            Proof::Secure => Some("secure".to_owned()),
            Proof::Insecure => Some("insecure".to_owned()),
            Proof::Indeterminate => None,
        };
        Self {
            owner: one.owner.to_string(),
            vantage: one.vantage.to_string(),
            zone: one.zone.to_string(),
            asked: match one.asked {
                Asked::Caa => "caa".to_owned(),
                Asked::Serial => "serial".to_owned(),
            },
            seen: one.seen.lines(),
            dnssec: proof.and_then(word),
            ttl_seconds,
            since: row.since.to_string(),
            until: row.until.map(|at| at.to_string()),
            leaf: row.leaf,
        }
    }
}

/// What decided for a name at one vantage at a moment.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ThenBody {
    /// In which zone.
    pub zone: String,
    /// Which vantage.
    pub vantage: String,
    /// The names asked on the way up; the last one decided.
    pub way: Vec<ObservationBody>,
    /// The serial that the server had.
    pub serial: Option<String>,
}

/// What CAA said for a name.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CaaHistory {
    /// The name.
    pub name: String,
    /// The moment asked about.
    pub at: String,
    /// What decided then, at each vantage.
    pub then: Vec<ThenBody>,
    /// What was seen at the name itself over time, the newest first.
    pub history: Vec<ObservationBody>,
}

impl CaaHistory {
    pub(crate) fn of(view: &WatchedName) -> Self {
        Self {
            name: view.name.to_string(),
            at: view.at.to_string(),
            then: view
                .then
                .iter()
                .map(|then| ThenBody {
                    zone: then.zone.to_string(),
                    vantage: then.vantage.to_string(),
                    way: then.way.iter().map(ObservationBody::of).collect(),
                    serial: then.serial.as_ref().map(|row| row.observation.seen.lines().join(", ")),
                })
                .collect(),
            history: view.history.iter().map(ObservationBody::of).collect(),
        }
    }
}
