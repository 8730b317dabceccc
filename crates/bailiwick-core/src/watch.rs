//! Watching: what was seen is compared with what was decided, and every difference has somebody who
//! answers for it.
//!
//! An [`Observation`] is one answer of one server from one [`Vantage`]; a [`Picture`] is all that is known
//! of a zone now. [`judge`] is a pure function of decided, observed and now; what it gives are [`Cause`]s.
//! [`reconcile`] holds them against the findings that are open: a new cause opens one, a cause that is
//! gone closes it, nobody has to. [`points`] are the three points at which the control is tested (CAA-2).

mod canary;

mod duty;

mod finding;

mod incident;

mod judge;

mod observation;

mod picture;

mod points;

mod reconcile;

mod zone;

pub use canary::{CanaryCame, canary_is_due, canary_verdict};
pub use duty::{due_ms, ladder, passes_to, team_of};
pub use finding::{Cause, ClosedBy, Finding, FindingKind};
pub use incident::{CanaryRun, Incident, IncidentPart, PartHandedOn, REPORTED, Track, handed_on};
pub use judge::{Decided, Excepted, Judged, Pace, Quorum, judge, quorum};
pub use observation::{Asked, BadVantage, Observation, Seen, Vantage, serial_is_ahead};
pub use picture::{Effective, Known, Picture};
pub use points::{Canaries, Canary, Point, PointVerdict, Stands, changed_at, points};
pub use reconcile::{Reconciled, reconcile};
pub use zone::{Permitted, intended_set, permitted_domains, to_intent, to_records};
