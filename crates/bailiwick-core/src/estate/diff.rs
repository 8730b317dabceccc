//! What differs between two estates, object by object and field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::names::ServiceId;

use super::fields::{self, Fields};
use super::words::spelled;
use super::zone::ZoneKey;
use super::{Estate, Scope};

spelled! {
    /// Kinds of object in an estate, in the order people read them.
    ObjectKind {
        /// The organisation itself.
        Organisation = "organisation",
        /// A person.
        Person = "person",
        /// A team.
        Team = "team",
        /// A zone.
        Zone = "zone",
        /// A service.
        Service = "service",
        /// An issuer.
        Issuer = "issuer",
        /// A profile.
        Profile = "profile",
        /// An attestor.
        Attestor = "attestor",
        /// An exception.
        Exception = "exception",
        /// Somebody who stands in for somebody else.
        StandIn = "stand-in",
        /// A file of Cedar policies.
        Policy = "policy",
    }
}

/// Names one object of an estate.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct ObjectRef {
    /// What it is.
    pub kind: ObjectKind,
    /// Its id, name or file name; empty for the organisation.
    pub id: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.id.is_empty() { self.kind.fmt(f) } else { write!(f, "{} {}", self.kind, self.id) }
    }
}

/// One field that changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldChange {
    /// Its path inside the object, such as `limits.lifetime_days_max`.
    pub field: String,
    /// What it was; `None` when it was not there.
    pub old: Option<String>,
    /// What it becomes; `None` when it goes.
    pub new: Option<String>,
    /// Whether the change alters who or what is trusted.
    pub trust_impacting: bool,
}

/// What happens to one object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ObjectChange {
    /// It appears, with these fields.
    Added(Vec<FieldChange>),
    /// It goes, with these fields.
    Removed(Vec<FieldChange>),
    /// Some of its fields change.
    Changed(Vec<FieldChange>),
}

impl ObjectChange {
    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Added(fields) | Self::Removed(fields) | Self::Changed(fields) => fields,
        }
    }
}

/// One object that differs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectDiff {
    /// Which.
    pub object: ObjectRef,
    /// How.
    pub change: ObjectChange,
}

impl ObjectDiff {
    /// Whether the change alters who or what is trusted.
    #[must_use]
    pub fn trust_impacting(&self) -> bool {
        self.change.fields().iter().any(|field| field.trust_impacting)
    }
}

/// The difference between two estates.
///
/// Always: objects in reading order, none without a difference; empty exactly when both are equal.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EstateDiff {
    /// The objects that differ.
    pub objects: Vec<ObjectDiff>,
    /// Zones the difference touches: changed ones, and those that names of changed services lie in,
    /// before or after.
    pub zones: BTreeSet<ZoneKey>,
    /// Services the difference touches.
    pub services: BTreeSet<ServiceId>,
}

impl EstateDiff {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether some difference alters who or what is trusted.
    #[must_use]
    pub fn trust_impacting(&self) -> bool {
        self.objects.iter().any(ObjectDiff::trust_impacting)
    }

    /// Zones whose intended CAA records differ.
    #[must_use]
    pub fn caa_zones(&self) -> BTreeSet<ZoneKey> {
        let alters = |diff: &&ObjectDiff| {
            diff.object.kind == ObjectKind::Zone
                && diff.change.fields().iter().any(|field| field.field.starts_with("caa."))
        };
        let zones = self.objects.iter().filter(alters);
        zones.filter_map(|diff| ZoneKey::parse(&diff.object.id)).collect()
    }

    /// Whether services are all that differs.
    #[must_use]
    pub fn services_only(&self) -> bool {
        self.objects.iter().all(|diff| diff.object.kind == ObjectKind::Service)
    }
}

impl Estate {
    /// What changes when `new` takes the place of this estate.
    #[must_use]
    pub fn diff(&self, new: &Self) -> EstateDiff {
        let (before, after) = (fields::of(self), fields::of(new));
        let refs: BTreeSet<&ObjectRef> = before.keys().chain(after.keys()).collect();
        let objects: Vec<ObjectDiff> = refs
            .into_iter()
            .filter_map(|object| compare(object, before.get(object), after.get(object)))
            .collect();
        let mut diff = EstateDiff { objects, ..EstateDiff::default() };
        for object in diff.objects.iter().map(|diff| diff.object.clone()).collect::<Vec<_>>() {
            for estate in [self, new] {
                touch(&mut diff, &object, estate);
            }
        }
        diff
    }

    /// What a first estate brings, compared with none at all.
    #[must_use]
    pub fn diff_from_nothing(&self) -> EstateDiff {
        let objects = fields::of(self)
            .iter()
            .filter_map(|(object, fields)| compare(object, None, Some(fields)))
            .collect();
        EstateDiff {
            objects,
            zones: self.zones.keys().cloned().collect(),
            services: self.services.keys().cloned().collect(),
        }
    }
}

fn compare(object: &ObjectRef, old: Option<&Fields>, new: Option<&Fields>) -> Option<ObjectDiff> {
    let none = BTreeMap::new();
    let (before, after) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes: Vec<FieldChange> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let (old, new) = (before.get(name).cloned(), after.get(name).cloned());
            FieldChange {
                trust_impacting: fields::alters_trust(
                    object.kind,
                    name,
                    old.as_deref(),
                    new.as_deref(),
                ),
                field: name.clone(),
                old,
                new,
            }
        })
        .collect();
    let change = match (old, new) {
        (None, Some(_)) => ObjectChange::Added(changes),
        (Some(_), None) => ObjectChange::Removed(changes),
        (Some(_), Some(_)) | (None, None) if changes.is_empty() => return None,
        (Some(_), Some(_)) | (None, None) => ObjectChange::Changed(changes),
    };
    Some(ObjectDiff { object: object.clone(), change })
}

/// Adds the zones and services that a changed object means in `estate`.
fn touch(diff: &mut EstateDiff, object: &ObjectRef, estate: &Estate) {
    match object.kind {
        ObjectKind::Zone => {
            let key = estate.zones.keys().find(|key| key.to_string() == object.id);
            diff.zones.extend(key.cloned());
        }
        ObjectKind::Service => touch_service(diff, &object.id, estate),
        ObjectKind::Exception => {
            let exception = estate.exceptions.iter().find(|(id, _)| id.as_str() == object.id);
            match exception.map(|(_, exception)| &exception.scope) {
                Some(Scope::Service(service)) => touch_service(diff, service.as_str(), estate),
                Some(Scope::Zone(zone)) => {
                    diff.zones.insert(zone.clone());
                }
                Some(Scope::Name(name)) => {
                    let zones = estate.zones_of(&name.place_in_dns(), None);
                    diff.zones.extend(zones.into_iter().map(|(key, _)| key.clone()));
                }
                None => {}
            }
        }
        ObjectKind::Organisation
        | ObjectKind::Person
        | ObjectKind::Team
        | ObjectKind::Issuer
        | ObjectKind::Profile
        | ObjectKind::Attestor
        | ObjectKind::StandIn
        | ObjectKind::Policy => {}
    }
}

fn touch_service(diff: &mut EstateDiff, id: &str, estate: &Estate) {
    let Some((id, service)) = estate.services.iter().find(|(key, _)| key.as_str() == id) else {
        return;
    };
    diff.services.insert(id.clone());
    let places = service.names.iter().map(crate::names::SanName::place_in_dns);
    for place in places.chain(service.below.iter().map(std::borrow::Cow::Borrowed)) {
        let zones = estate.zones_of(&place, service.view);
        diff.zones.extend(zones.into_iter().map(|(key, _)| key.clone()));
    }
}
