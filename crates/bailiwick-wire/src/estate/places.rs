//! Where things stand in the files, and what refers to what: noted while reading, checked when
//! every file has been read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{
    Attestor, Exception, Issuer, Organisation, Person, Profile, Service, StandIn, Team, View, Zone,
    ZoneKey,
};
use bailiwick_core::names::{
    AttestorId, DnsName, ExceptionId, IssuerId, PersonId, ProfileId, SanName, ServiceId, SpiffeId,
    TeamId,
};

use super::canaries::CanaryAt;
use super::document::{At, File};
use super::problem::Place;

/// A place in one of the files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Spot {
    pub(super) file: usize,
    pub(super) place: Place,
}

/// Kinds of object that can be referred to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum Kind {
    Person,
    Team,
    Zone,
    Service,
    Issuer,
    Profile,
    Attestor,
    Exception,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Team => "team",
            Self::Zone => "zone",
            Self::Service => "service",
            Self::Issuer => "issuer",
            Self::Profile => "profile",
            Self::Attestor => "attestor",
            Self::Exception => "exception",
        }
    }

    /// Where such an object is written.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Person => "people.toml",
            Self::Team => "teams.toml",
            Self::Zone => "a file in zones/",
            Self::Service => "a file in services/",
            Self::Issuer => "issuers.toml",
            Self::Profile => "profiles.toml",
            Self::Attestor => "attestors.toml",
            Self::Exception => "exceptions.toml",
        }
    }
}

/// A duty that some team holds.
#[derive(Clone, Debug)]
pub(super) struct DutyAt {
    /// Such as "the operator of zone `shop.example`".
    pub(super) what: String,
    pub(super) team: TeamId,
    pub(super) spot: Spot,
}

/// A name, or everything below one, that a service owns.
#[derive(Clone, Debug)]
pub(super) struct NameAt {
    pub(super) service: ServiceId,
    pub(super) owned: Owned,
    pub(super) view: Option<View>,
    pub(super) spot: Spot,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Owned {
    Exactly(SanName),
    Below(DnsName),
}

impl Owned {
    /// The DNS name, without a star; `None` for an address, which nothing is below.
    pub(super) const fn dns(&self) -> Option<&DnsName> {
        match self {
            Self::Exactly(name) => name.dns(),
            Self::Below(base) => Some(base),
        }
    }

    /// The name that says in which zone it lies.
    pub(super) fn place_in_dns(&self) -> Cow<'_, DnsName> {
        match self {
            Self::Exactly(name) => name.place_in_dns(),
            Self::Below(base) => Cow::Borrowed(base),
        }
    }

    /// The name without a star, or the address.
    pub(super) fn base_text(&self) -> String {
        match self {
            Self::Exactly(name) => name.base().to_string(),
            Self::Below(base) => base.to_string(),
        }
    }
}

/// An exception's rule, to be compared with the rules there are.
#[derive(Clone, Debug)]
pub(super) struct RuleAt {
    pub(super) rule: String,
    pub(super) spot: Spot,
}

/// Everything that was read, as far as it could be.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) organisation: Option<Organisation>,
    pub(super) people: BTreeMap<PersonId, Person>,
    pub(super) teams: BTreeMap<TeamId, Team>,
    pub(super) zones: BTreeMap<ZoneKey, Zone>,
    pub(super) services: BTreeMap<ServiceId, Service>,
    pub(super) issuers: BTreeMap<IssuerId, Issuer>,
    pub(super) profiles: BTreeMap<ProfileId, Profile>,
    pub(super) attestors: BTreeMap<AttestorId, Attestor>,
    pub(super) exceptions: BTreeMap<ExceptionId, Exception>,
    pub(super) stand_ins: BTreeMap<String, (StandIn, Spot)>,
    pub(super) policies: BTreeMap<String, String>,
    /// Names that canaries are sent for.
    pub(super) canaries: Vec<CanaryAt>,
    /// Every object that is there, complete or not, by where it begins.
    pub(super) seen: BTreeMap<(Kind, String), Spot>,
    /// References to be followed.
    pub(super) references: Vec<(Kind, String, Spot)>,
    pub(super) duties: Vec<DutyAt>,
    pub(super) names: Vec<NameAt>,
    pub(super) rules: Vec<RuleAt>,
    /// The workload that each service names.
    pub(super) workloads: Vec<(ServiceId, SpiffeId, Spot)>,
    /// Key sets that stand in files of their own, by the attestor they are named after.
    pub(super) key_sets: BTreeMap<String, (String, Spot)>,
    /// Where each team names who is on call.
    pub(super) on_call: BTreeMap<TeamId, Spot>,
    /// Kinds of which a file could not be read: what is missing may stand there.
    pub(super) unread: BTreeSet<Kind>,
}

impl Reading {
    /// Notes that an object begins here; a second one of the same name is a problem.
    pub(super) fn begins(&mut self, file: &mut File<'_>, kind: Kind, at: At<&str>) -> bool {
        let spot = file.spot(at.place);
        let key = (kind, at.value.to_owned());
        if self.seen.contains_key(&key) {
            let message = format!("there are two of {} `{}`", kind.as_str(), at.value);
            file.problem(at.place, "duplicate", message, "remove or rename one");
            return false;
        }
        self.seen.insert(key, spot);
        true
    }

    /// Reads an id of an object that stands elsewhere, and notes the reference.
    pub(super) fn refers<T, E: std::fmt::Display>(
        &mut self,
        file: &mut File<'_>,
        kind: Kind,
        at: At<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let parsed = file.parsed(at, "bad-id", parse)?;
        self.references.push((kind, at.value.to_owned(), file.spot(at.place)));
        Some(parsed.value)
    }

    /// Reads the ids of a list.
    pub(super) fn refers_to_all<T: Ord, E: std::fmt::Display>(
        &mut self,
        file: &mut File<'_>,
        kind: Kind,
        items: Vec<At<&str>>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> BTreeSet<T> {
        items.into_iter().filter_map(|at| self.refers(file, kind, at, &parse)).collect()
    }

    /// Reads a team that holds a duty.
    pub(super) fn holds(
        &mut self,
        file: &mut File<'_>,
        at: Option<At<&str>>,
        what: String,
    ) -> Option<TeamId> {
        let at = at?;
        let team = self.refers(file, Kind::Team, at, TeamId::parse)?;
        self.duties.push(DutyAt { what, team: team.clone(), spot: file.spot(at.place) });
        Some(team)
    }
}
