//! Questions about an estate.

use std::collections::BTreeSet;
use std::fmt;

use crate::names::{DnsName, PersonId, SanName, ServiceId, TeamId};
use crate::time::Time;

use super::zone::{View, Zone, ZoneKey};
use super::{Estate, Service};

/// Who answers for a team right now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OnDuty {
    /// The person on call.
    OnCall(PersonId),
    /// The deputy: the person on call has left or is not known.
    Deputy(PersonId),
}

impl OnDuty {
    /// The person.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        match self {
            Self::OnCall(person) | Self::Deputy(person) => person,
        }
    }
}

/// Why nobody answers for a team.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoPerson {
    /// There is no such team.
    NoTeam,
    /// Both the person on call and the deputy have left or are not known.
    AllLeft,
}

impl fmt::Display for NoPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTeam => "there is no such team; name another",
            Self::AllLeft => "the person on call and the deputy have left; name others",
        })
    }
}

impl std::error::Error for NoPerson {}

impl Estate {
    /// The service that owns `name`: by its exact names first, then by the closest `below`.
    #[must_use]
    pub fn service_owning(&self, name: &SanName) -> Option<(&ServiceId, &Service)> {
        let exact = self.services.iter().find(|(_, service)| service.names.contains(name));
        exact.or_else(|| {
            let closest = |service: &Service| {
                let bases = service.below.iter().filter(|base| name.is_below(base));
                bases.map(|base| base.as_str().len()).max()
            };
            let owning = self.services.iter().filter(|(_, service)| service.owns(name));
            owning.max_by_key(|(_, service)| closest(service))
        })
    }

    /// The zone of `view` that `name` lies in: the one with the longest apex.
    #[must_use]
    pub fn zone_of(&self, name: &DnsName, view: View) -> Option<(&ZoneKey, &Zone)> {
        std::iter::successors(Some(name.clone()), DnsName::parent).find_map(|apex| {
            let name = crate::names::ZoneName::parse(apex.as_str()).ok()?;
            self.zones.get_key_value(&ZoneKey { name, view })
        })
    }

    /// The zones that `name` lies in, the external view first: one, two or none. `view` limits the
    /// look to one view.
    #[must_use]
    pub fn zones_of(&self, name: &DnsName, view: Option<View>) -> Vec<(&ZoneKey, &Zone)> {
        View::ALL
            .iter()
            .filter(|one| view.is_none_or(|only| only == **one))
            .filter_map(|one| self.zone_of(name, *one))
            .collect()
    }

    /// Everybody in `team` and in the teams inside it, whether they still work here or not. A team
    /// that contains itself is visited once.
    #[must_use]
    pub fn members_of(&self, team: &TeamId) -> BTreeSet<&PersonId> {
        let teams = self.teams_within(team);
        teams.iter().filter_map(|id| self.teams.get(*id)).flat_map(|team| &team.members).collect()
    }

    /// `team` and every team inside it; empty when there is no such team.
    #[must_use]
    pub fn teams_within(&self, team: &TeamId) -> BTreeSet<&TeamId> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&TeamId> =
            self.teams.get_key_value(team).map(|(id, _)| id).into_iter().collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                let parts = self.teams.get(id).into_iter().flat_map(|team| &team.parts);
                open.extend(
                    parts.filter_map(|part| self.teams.get_key_value(part).map(|(id, _)| id)),
                );
            }
        }
        seen
    }

    /// Every team that `person` belongs to, directly or because one of its parts holds them.
    #[must_use]
    pub fn teams_of(&self, person: &PersonId) -> BTreeSet<TeamId> {
        let holds = |team: &&TeamId| self.members_of(team).contains(person);
        self.teams.keys().filter(holds).cloned().collect()
    }

    /// Whether `person` is known and still works here at `now`.
    #[must_use]
    pub fn works_here(&self, person: &PersonId, now: Time) -> bool {
        self.people.get(person).is_some_and(|person| person.works_here(now))
    }

    /// Who answers for `team` at `now`: the person on call, or the deputy once that person left.
    ///
    /// # Errors
    /// [`NoPerson`] when nobody does.
    pub fn person_on_duty(&self, team: &TeamId, now: Time) -> Result<OnDuty, NoPerson> {
        let team = self.teams.get(team).ok_or(NoPerson::NoTeam)?;
        if self.works_here(&team.on_call, now) {
            Ok(OnDuty::OnCall(team.on_call.clone()))
        } else if self.works_here(&team.deputy, now) {
            Ok(OnDuty::Deputy(team.deputy.clone()))
        } else {
            Err(NoPerson::AllLeft)
        }
    }

    /// The same estate with every confirmed ownership confirmed again at `at`: what `up --lab` does
    /// at its first start, so that a lab does not age on the shelf.
    #[must_use]
    pub fn with_ownership_confirmed_at(mut self, at: Time) -> Self {
        for ownership in self.services.values_mut().filter_map(|service| service.ownership.as_mut())
        {
            ownership.verified_at = at;
        }
        self
    }
}
