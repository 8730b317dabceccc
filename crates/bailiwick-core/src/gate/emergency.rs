//! Emergencies: what may be done in one is narrow, soon over, and looked at afterwards.

use crate::names::{ChangeId, PersonId, ServiceId};
use crate::time::{DAY_MS, HOUR_MS, Time};

/// How long an emergency lasts: it is approved and done within the hour, or asked for the ordinary way.
pub const EMERGENCY_MS: i64 = HOUR_MS;
/// By when somebody independent has looked at it: long enough for a week-end.
pub const REVIEW_MS: i64 = 3 * DAY_MS;
/// How long execution may be delegated at most: a shift, and the next one.
pub const DELEGATED_MS_MAX: i64 = 24 * HOUR_MS;

/// An emergency as it was declared.
///
/// Always: `accountable` is who answers for the service's policy, whoever executes; `reviewer` neither
/// asked for it nor stands behind who did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Emergency {
    /// The change that does it.
    pub change: ChangeId,
    /// Of which service: it reaches no further.
    pub service: ServiceId,
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
