//! The estate: what an organisation has decided to have. People, teams, zones, services, issuers,
//! profiles, exceptions and policies, as values.
//!
//! Start at [`Estate`]; `lookup` answers questions about it, `diff` compares two of them and
//! `history` keeps when owners changed. How it is written down is the business of `wire`.

mod active;
mod attestor;
mod deployment;
mod diff;
mod fields;
mod history;
mod issuer;
mod lookup;
mod people;
mod power;
mod service;
mod words;
mod zone;
mod zone_names;

pub use active::{ActiveEstate, OwnerIndex};
pub use attestor::{Attested, Attestor, AttestorKeys, AttestorKind, WorkloadRule};
pub use deployment::{Deployment, Freeze, RelyingParty};
pub use diff::{EstateDiff, FieldChange, ObjectChange, ObjectDiff, ObjectKind, ObjectRef};
pub use history::EstateHistory;
pub use issuer::{
    AuthorityKey, AuthorityPlan, CANARY_SUFFIX, CanaryPlan, CanarySense, Issuer, IssuerKind,
    KeyHome, NameConstraint, Profile, Upstream,
};
pub use lookup::{NoPerson, OnDuty};
pub use people::{Duty, Organisation, Person, Rir, Team, VantagePoint, VantageTransport};
pub use power::{DelegationIntent, DelegationSeen, GatedKind, StandIn, ZoneGate};
pub use service::{Duties, EnvelopeSpec, Exception, Ownership, Scope, Service};
pub(crate) use words::spelled;
pub use words::{AttestationKind, Environment, Namespace, RuleId};
pub use zone::{
    CaaIntent, Connector, ConnectorKind, Mode, Pattern, TransferFrom, View, Zone, ZoneClass,
    ZoneKey, ZoneLimits,
};
pub use zone_names::ZoneNames;

use std::collections::BTreeMap;

use crate::names::{AttestorId, ExceptionId, IssuerId, PersonId, ProfileId, ServiceId, TeamId};

/// Everything an organisation decided about its trust, at one moment.
///
/// A value read by `wire::estate` keeps these promises, and `wire` checks every one of them: each
/// duty has a person, each name of a service lies in a zone and has one owner, each reference leads
/// somewhere, each exception ends. A value built by hand promises nothing; every look-up here still
/// answers (with `None`) on an estate that keeps none of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Estate {
    /// The organisation itself.
    pub organisation: Organisation,
    /// Its people.
    pub people: BTreeMap<PersonId, Person>,
    /// Its teams.
    pub teams: BTreeMap<TeamId, Team>,
    /// Its DNS zones; one name may have an internal and an external view.
    pub zones: BTreeMap<ZoneKey, Zone>,
    /// Its services: who owns which names.
    pub services: BTreeMap<ServiceId, Service>,
    /// The CAs it uses.
    pub issuers: BTreeMap<IssuerId, Issuer>,
    /// The kinds of certificate it allows.
    pub profiles: BTreeMap<ProfileId, Profile>,
    /// Whose word about workloads counts.
    pub attestors: BTreeMap<AttestorId, Attestor>,
    /// What is allowed although a rule says no, until when.
    pub exceptions: BTreeMap<ExceptionId, Exception>,
    /// Who stands in for whom, by a name of the organisation's own.
    pub stand_ins: BTreeMap<String, StandIn>,
    /// Its own Cedar policies beside the default ones: file name to text.
    pub policies: BTreeMap<String, String>,
}
