//! Emergencies: what may be done in one is narrow, soon over, and looked at afterwards.

use std::fmt;

use crate::estate::ZoneKey;
use crate::names::{ChangeId, PersonId, ServiceId};
use crate::time::{DAY_MS, HOUR_MS, Time};

/// How long an emergency lasts: it is approved and done within the hour, or asked for the ordinary way.
pub const EMERGENCY_MS: i64 = HOUR_MS;
/// By when somebody independent has looked at it: long enough for a week-end.
pub const REVIEW_MS: i64 = 3 * DAY_MS;
/// How long execution may be delegated at most: a shift, and the next one.
pub const DELEGATED_MS_MAX: i64 = 24 * HOUR_MS;

/// What an emergency is of; it reaches no further.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EmergencyOf {
    /// One certificate of a service.
    Service(ServiceId),
    /// One set of records of a zone.
    Zone(ZoneKey),
}

/// Before the zone in the text of [`EmergencyOf::Zone`]: no service's id holds a `/`.
const ZONE: &str = "zone/";

impl EmergencyOf {
    /// Reads what [`fmt::Display`] writes: a service's id, or `zone/` and a zone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(ZONE) {
            Some(zone) => ZoneKey::parse(zone).map(Self::Zone),
            None => ServiceId::parse(text).ok().map(Self::Service),
        }
    }

    /// The service, where it is of one.
    #[must_use]
    pub const fn service(&self) -> Option<&ServiceId> {
        match self {
            Self::Service(service) => Some(service),
            Self::Zone(_) => None,
        }
    }

    /// The zone, where it is of one.
    #[must_use]
    pub const fn zone(&self) -> Option<&ZoneKey> {
        match self {
            Self::Service(_) => None,
            Self::Zone(zone) => Some(zone),
        }
    }
}

impl fmt::Display for EmergencyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => service.fmt(f),
            Self::Zone(zone) => write!(f, "{ZONE}{zone}"),
        }
    }
}

/// An emergency as it was declared.
///
/// Always: `accountable` is who answers for the policy of the service or the zone, whoever executes; `reviewer` neither
/// asked for it nor stands behind who did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Emergency {
    /// The change that does it.
    pub change: ChangeId,
    /// Of what.
    pub of: EmergencyOf,
    /// Who answers for it.
    pub accountable: PersonId,
    /// Who let the one who declared it do so, where execution was delegated.
    pub delegated_by: Option<PersonId>,
    /// Until when it can be approved and done.
    pub until: Time,
    /// Who looks at it afterwards.
    pub reviewer: PersonId,
    /// By when.
    pub review_by: Time,
}

/// What somebody independent found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmergencyReview {
    /// Which.
    pub change: ChangeId,
    /// Whether it was one.
    pub justified: bool,
    /// What was found, and what follows.
    pub note: String,
}

/// Somebody may declare emergencies of a service for a while. Accountability stays where it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DelegatedExecution {
    /// Of which service.
    pub service: ServiceId,
    /// Who may.
    pub to: PersonId,
    /// Who let them, and stays accountable.
    pub by: PersonId,
    /// Until when.
    pub until: Time,
    /// Why.
    pub reason: String,
}
