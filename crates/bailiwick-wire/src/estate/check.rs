//! What only shows when every file has been read: references, duties, owners, policies.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{View, ZoneKey};
use bailiwick_core::names::{DnsName, PersonId, SanName, SpiffeId, TeamId, ZoneName};
use bailiwick_core::policy::{PolicyProblem, PolicySet};

use super::places::{Kind, NameAt, Owned, Reading, Spot};
use super::problem::{EstateProblem, PROBLEMS_MAX, Place};
use super::similar::hint;

/// Teams and people that are looked at to see who works in each team. Teams inside teams inside
/// teams cost the square of their number; no organisation comes near.
const WALK_MAX: usize = 1_000_000;
/// Problems up to which what was meant is looked for: it costs a comparison with every name there is.
const HINTED_MAX: usize = 100;

/// Checks everything that was read.
pub(super) fn everything(
    files: &[(String, String)],
    reading: &Reading,
    problems: &mut Vec<EstateProblem>,
) {
    let mut check = Check { files, reading, problems, walked: 0 };
    check.references();
    check.teams();
    check.duties();
    check.stand_ins();
    check.names_in_zones();
    check.two_owners();
    check.workloads();
    check.canaries();
    check.policies();
}

struct Check<'r> {
    files: &'r [(String, String)],
    reading: &'r Reading,
    problems: &'r mut Vec<EstateProblem>,
    /// How much of [`WALK_MAX`] is used up.
    walked: usize,
}

impl<'r> Check<'r> {
    fn problem(
        &mut self,
        spot: Spot,
        rule: &'static str,
        message: String,
        remedy: impl Into<String>,
    ) {
        if self.is_full() {
            return;
        }
        if let Some((path, text)) = self.files.get(spot.file) {
            let source = (path.as_str(), text.as_str());
            self.problems.push(EstateProblem::new(source, spot.place, rule, message, remedy));
        }
    }

    /// Whether nothing more will be told.
    const fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// File and line of a spot, for a remedy.
    fn spelled(&self, spot: Spot) -> String {
        self.files.get(spot.file).map_or_else(String::new, |(path, text)| {
            let source = (path.as_str(), text.as_str());
            let at = EstateProblem::new(source, spot.place, "", String::new(), "");
            format!("{path}:{}:{}", at.line, at.column)
        })
    }

    fn references(&mut self) {
        for (kind, id, spot) in &self.reading.references {
            if self.is_full() {
                return;
            }
            // What is missing may stand in a file that could not be read.
            let seen = &self.reading.seen;
            if seen.contains_key(&(*kind, canonical(*kind, id)))
                || self.reading.unread.contains(kind)
            {
                continue;
            }
            let known = seen.keys().filter(|(its, _)| its == kind).map(|(_, id)| id.as_str());
            let is_hinted = self.problems.len() < HINTED_MAX;
            let hint = if is_hinted { hint(id, known) } else { String::new() };
            let word = kind.as_str();
            let message = format!("there is no {word} `{id}`{hint}");
            self.problem(*spot, "unknown-reference", message, format!("add it to {}", kind.file()));
        }
    }

    /// Everybody in a team and the teams inside it, and whether it is one of those; a circle is
    /// walked once. `None` when too much was walked already.
    fn members(&mut self, team: &'r TeamId) -> Option<(BTreeSet<&'r PersonId>, bool)> {
        let reading: &'r Reading = self.reading;
        let (mut people, mut is_inside) = (BTreeSet::new(), false);
        let mut seen = BTreeSet::new();
        let mut open = vec![team];
        while let Some(id) = open.pop() {
            if let Some((id, it)) = reading.teams.get_key_value(id)
                && seen.insert(id)
            {
                self.walked += 1 + it.members.len() + it.parts.len();
                if self.walked > WALK_MAX {
                    return None;
                }
                people.extend(&it.members);
                is_inside |= it.parts.contains(team);
                open.extend(&it.parts);
            }
        }
        Some((people, is_inside))
    }

    /// Of somebody who is not known nothing is said twice: the reference is a problem already.
    fn works_here(&self, person: &PersonId) -> bool {
        self.reading.people.get(person).is_none_or(|person| person.left.is_none())
    }

    fn teams(&mut self) {
        for (id, team) in &self.reading.teams {
            let Some(spot) = self.reading.on_call.get(id).copied() else {
                continue;
            };
            let Some((members, is_inside)) = self.members(id) else {
                let message = "the teams contain each other too often to see who works in each";
                let remedy = "put fewer teams inside others";
                return self.problem(spot, "too-many-parts", message.to_owned(), remedy);
            };
            if is_inside {
                let message = format!("team `{id}` contains itself");
                self.problem(spot, "team-circle", message, "take it out of its own `parts`");
            }
            if !members.iter().any(|person| self.works_here(person)) {
                let message = format!("nobody works in team `{id}`");
                let remedy = "add people who have not left to its `members`";
                self.problem(spot, "team-without-people", message, remedy);
                continue;
            }
            let outside = [("on call", &team.on_call), ("deputy", &team.deputy)];
            for (what, person) in outside.into_iter().filter(|(_, it)| !members.contains(it)) {
                if self.reading.seen.contains_key(&(Kind::Person, person.to_string())) {
                    let message =
                        format!("`{person}` is {what} for team `{id}` and not one of its people");
                    self.problem(spot, "not-a-member", message, "name one of its `members`");
                }
            }
        }
    }

    /// A duty needs a person: the team's person on call or deputy, still here.
    fn duties(&mut self) {
        for duty in &self.reading.duties {
            let Some(team) = self.reading.teams.get(&duty.team) else {
                continue;
            };
            if !self.works_here(&team.on_call) && !self.works_here(&team.deputy) {
                let (what, id) = (&duty.what, &duty.team);
                let (on_call, deputy) = (&team.on_call, &team.deputy);
                let message = format!(
                    "{what} is team `{id}`, where both `{on_call}` (on call) and `{deputy}` (deputy) have left"
                );
                let remedy = format!("name others as `on_call` and `deputy` of team `{id}`");
                self.problem(duty.spot, "duty-without-person", message, remedy);
            }
        }
    }

    /// Only what somebody has in a team can be done for them.
    fn stand_ins(&mut self) {
        for (id, (one, spot)) in &self.reading.stand_ins {
            let Some((members, _)) = self.members(&one.team) else { return };
            let known = self.reading.teams.contains_key(&one.team);
            if known && self.reading.people.contains_key(&one.of) && !members.contains(&one.of) {
                let (of, team) = (&one.of, &one.team);
                let message =
                    format!("stand-in `{id}` is for `{of}`, who is not one of team `{team}`");
                self.problem(*spot, "not-a-member", message, "name a team they are in");
            }
        }
    }

    fn names_in_zones(&mut self) {
        if self.reading.unread.contains(&Kind::Zone) {
            return;
        }
        let zones: BTreeSet<&str> = self
            .reading
            .seen
            .keys()
            .filter(|(kind, _)| *kind == Kind::Zone)
            .map(|(_, id)| id.as_str())
            .collect();
        for name in &self.reading.names {
            let views = View::ALL.iter().filter(|view| name.view.is_none_or(|only| only == **view));
            let lies = |view: &View| {
                let place = name.owned.place_in_dns().into_owned();
                let above = std::iter::successors(Some(place), DnsName::parent);
                above.filter_map(|apex| ZoneName::parse(apex.as_str()).ok()).any(|apex| {
                    zones.contains(ZoneKey { name: apex, view: *view }.to_string().as_str())
                })
            };
            if !views.copied().any(|view| lies(&view)) {
                let view = name.view.map(|view| format!(" of the {view} view")).unwrap_or_default();
                let base = name.owned.base_text();
                let message = format!("`{base}` lies in no zone{view}");
                let remedy = match name.owned.dns() {
                    Some(_) => {
                        "add the zone to zones/, or correct the name or its `view`".to_owned()
                    }
                    None => format!(
                        "an address is governed by its reverse zone: add one above `{}` to zones/, or correct the address or its `view`",
                        name.owned.place_in_dns()
                    ),
                };
                self.problem(name.spot, "name-outside-zones", message, remedy);
            }
        }
    }

    fn canaries(&mut self) {
        let unread = &self.reading.unread;
        if unread.contains(&Kind::Zone) || unread.contains(&Kind::Service) {
            return;
        }
        for (spot, rule, message, remedy) in super::canaries::problems(self.reading) {
            self.problem(spot, rule, message, remedy);
        }
    }

    /// Every name has one owner: nobody else owns it, a wildcard over it, or everything above it.
    fn two_owners(&mut self) {
        let mut exact: BTreeMap<&SanName, &NameAt> = BTreeMap::new();
        let mut below: BTreeMap<&DnsName, &NameAt> = BTreeMap::new();
        let mut clashes: Vec<(&NameAt, &NameAt)> = Vec::new();
        for name in &self.reading.names {
            let other = match &name.owned {
                Owned::Exactly(one) => exact.insert(one, name),
                Owned::Below(base) => below.insert(base, name),
            };
            clashes.extend(other.map(|other| (name, other)));
        }
        for name in &self.reading.names {
            // An address has one owner by its exact spelling alone.
            let Some(base) = name.owned.dns() else { continue };
            let mut above = std::iter::successors(base.parent(), DnsName::parent);
            clashes.extend(above.find_map(|up| below.get(&up)).map(|other| (name, *other)));
            if let (Owned::Exactly(one), Some(parent)) = (&name.owned, base.parent())
                && !one.is_wildcard()
                && let Ok(star) = SanName::star(&parent)
            {
                clashes.extend(exact.get(&star).map(|other| (name, *other)));
            }
            if let Owned::Below(base) = &name.owned
                && let Ok(star) = SanName::star(base)
            {
                clashes.extend(exact.get(&star).map(|other| (name, *other)));
            }
        }
        for (name, other) in clashes.into_iter().filter(|(one, two)| one.service != two.service) {
            if self.is_full() {
                return;
            }
            let (mine, its) = (spelled(&name.owned), spelled(&other.owned));
            let (service, theirs) = (&name.service, &other.service);
            let message = format!(
                "service `{service}` owns {mine}, and service `{theirs}` owns {its}: two owners of one name"
            );
            let remedy =
                format!("give it to one of them; the other stands at {}", self.spelled(other.spot));
            self.problem(name.spot, "two-owners", message, remedy);
        }
    }

    /// A workload is one service's, and a profile that names workloads needs one to name.
    fn workloads(&mut self) {
        let mut seen: BTreeMap<&SpiffeId, Spot> = BTreeMap::new();
        for (service, workload, spot) in &self.reading.workloads {
            if let Some(other) = seen.insert(workload, *spot) {
                let message =
                    format!("`{workload}` of service `{service}` is another's workload too");
                let remedy =
                    format!("give each its own; the other stands at {}", self.spelled(other));
                self.problem(*spot, "two-owners", message, remedy);
            }
        }
        for (id, service) in &self.reading.services {
            let named = service.profiles.iter().find(|profile| {
                let profile = self.reading.profiles.get(profile);
                profile.is_some_and(|profile| profile.certificate.workload_uri)
            });
            let spot = self.reading.seen.get(&(Kind::Service, id.to_string())).copied();
            if let (None, Some(profile), Some(spot)) = (&service.workload, named, spot) {
                let message =
                    format!("profile `{profile}` names the workload, and service `{id}` has none");
                let remedy = format!("write `workload = \"spiffe://example.org/{id}\"`");
                self.problem(spot, "workload-missing", message, remedy);
            }
        }
    }

    fn policies(&mut self) {
        let compiled = PolicySet::compile(&self.reading.policies);
        let mut found = match &compiled {
            Ok(_) => Vec::new(),
            Err(problems) => problems.clone(),
        };
        if let Ok(set) = &compiled {
            let seen = |kind: Kind, id: &str| {
                self.reading.unread.contains(&kind)
                    || self.reading.seen.contains_key(&(kind, id.to_owned()))
            };
            let zone = |name: &str| {
                seen(Kind::Zone, name)
                    || (!name.contains('/') && seen(Kind::Zone, &format!("{name}/internal")))
            };
            let profile = |id: &str| seen(Kind::Profile, id);
            found.extend(set.misplaced(&zone, &profile));
            self.exceptions(set);
        }
        for problem in found {
            self.policy(&problem);
        }
    }

    fn policy(&mut self, problem: &PolicyProblem) {
        let file = self.files.iter().position(|(path, _)| *path == problem.file);
        let (at, length) = problem.span.unwrap_or((0, 1));
        let place = Place { at, end: at.saturating_add(length) };
        let rule = problem.kind.as_str();
        match file {
            Some(file) => {
                let spot = Spot { file, place };
                self.problem(spot, rule, problem.message.clone(), problem.remedy.clone());
            }
            None => self.problems.push(EstateProblem::new(
                (&problem.file, ""),
                place,
                rule,
                problem.message.clone(),
                problem.remedy.clone(),
            )),
        }
    }

    fn exceptions(&mut self, set: &PolicySet) {
        let rules = set.rule_ids();
        let excepted = set.excepted_rules();
        for at in &self.reading.rules {
            let named = |rule: &&bailiwick_core::estate::RuleId| rule.as_str() == at.rule;
            // What the watch finds may be set aside too, for a while and with a reason.
            if bailiwick_core::watch::FindingKind::parse(&at.rule).is_some() {
                continue;
            }
            if !rules.iter().any(named) {
                let hint = hint(&at.rule, rules.iter().map(|rule| rule.as_str()));
                let message = format!("there is no rule `{}`{hint}", at.rule);
                let remedy = "name a rule as refusals and `@rule` or `@id` of policies do";
                self.problem(at.spot, "unknown-reference", message, remedy);
            } else if !excepted.iter().any(named) {
                let words: Vec<String> = excepted.iter().map(|rule| format!("`{rule}`")).collect();
                let message = format!("rule `{}` allows no exception", at.rule);
                let remedy = format!("rules that allow one: {}", words.join(", "));
                self.problem(at.spot, "exception-not-allowed", message, remedy);
            }
        }
    }
}

/// An id as `seen` spells it: a zone may be written in another case.
fn canonical(kind: Kind, id: &str) -> String {
    match kind {
        Kind::Zone => ZoneKey::parse(id).map_or_else(|| id.to_owned(), |key| key.to_string()),
        Kind::Person
        | Kind::Team
        | Kind::Service
        | Kind::Issuer
        | Kind::Profile
        | Kind::Attestor
        | Kind::Exception => id.to_owned(),
    }
}

fn spelled(owned: &Owned) -> String {
    match owned {
        Owned::Exactly(name) => format!("`{name}`"),
        Owned::Below(base) => format!("every name below `{base}`"),
    }
}
