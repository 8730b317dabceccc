//! What would help: the same question asked again, as if something more had been granted.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::{Ownership, Pattern};
use crate::names::{EnvelopeId, PersonId, TeamId};
use crate::time::DAY_MS;

use super::change::{gates, resources};
use super::compile::PolicySet;
use super::facts::{
    ApprovalFacts, ApproverKind, ChangeFacts, EnvelopeApproval, EnvelopeFacts, Fact, Facts,
    IssueFacts, UsesLeft, ZoneFacts,
};
use super::judge::decide;
use super::verdict::{Decision, GrantAct, Grantable, Grantor, MissingApproval, Reason, Role};

/// Approvals that are tried together at most: no default rule asks for more, and a person has to
/// find these people.
const TRIED_TOGETHER_MAX: usize = 3;
/// Kinds of approval that are tried at most, so that one question stays a matter of milliseconds.
const KINDS_MAX: usize = 12;
/// Zones up to which approvals are looked for in one go; with more, zone by zone.
const ZONES_TOGETHER_MAX: usize = 3;
/// A team that exists in hypothetical questions only: whoever shares it is not independent.
const SHARED_TEAM: &str = "hypothetical";

/// One kind of approval to try. The order is the order of preference.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
struct Kind {
    independent: bool,
    role: Role,
    team: TeamId,
}

/// The approvals whose absence is all that stands between this change and a yes; empty when no set
/// that is tried would do.
pub(super) fn missing_approvals(policies: &PolicySet, facts: &ChangeFacts) -> Vec<MissingApproval> {
    let zones = resources(facts);
    let mut needed: BTreeMap<Kind, u32> = BTreeMap::new();
    if zones.len() <= ZONES_TOGETHER_MAX {
        needed = smallest(policies, facts).unwrap_or_default();
    } else {
        for zone in zones {
            let zones = zone.cloned().into_iter().collect();
            let one = ChangeFacts { zones: Fact::Known(zones), ..facts.clone() };
            for (kind, count) in smallest(policies, &one).unwrap_or_default() {
                let most = needed.entry(kind).or_default();
                *most = count.max(*most);
            }
        }
    }
    if !allows(policies, &Facts::Change(with(facts, &needed))) {
        return Vec::new();
    }
    let missing = |(kind, count): (Kind, u32)| MissingApproval {
        team: kind.team,
        role: kind.role,
        count,
        independent: kind.independent,
    };
    needed.into_iter().map(missing).collect()
}

/// The smallest set of further approvals that makes `facts` pass.
fn smallest(policies: &PolicySet, facts: &ChangeFacts) -> Option<BTreeMap<Kind, u32>> {
    let kinds = kinds(facts);
    (0..=TRIED_TOGETHER_MAX).find_map(|size| {
        let sets = multisets(kinds.len(), size);
        sets.into_iter().find_map(|set| {
            let mut counts: BTreeMap<Kind, u32> = BTreeMap::new();
            for kind in set.iter().filter_map(|at| kinds.get(*at)) {
                let count = counts.entry(kind.clone()).or_default();
                *count = count.saturating_add(1);
            }
            allows(policies, &Facts::Change(with(facts, &counts))).then_some(counts)
        })
    })
}

/// Every way to choose `size` out of `kinds` with repetition, in order of preference.
fn multisets(kinds: usize, size: usize) -> Vec<Vec<usize>> {
    let mut sets = vec![Vec::new()];
    for _ in 0..size {
        sets = sets
            .into_iter()
            .flat_map(|set: Vec<usize>| {
                let from = set.last().copied().unwrap_or(0);
                (from..kinds).map(move |next| set.iter().copied().chain([next]).collect())
            })
            .collect();
    }
    sets
}

/// The kinds of approval that could matter. Nobody is independent of a team they share.
fn kinds(facts: &ChangeFacts) -> Vec<Kind> {
    let zones = || facts.zones.known().into_iter().flatten();
    let duties = || facts.services.known().into_iter().flat_map(|services| services.values());
    let of_zones = |role: Role, team: fn(&ZoneFacts) -> &TeamId| {
        zones().map(move |zone| (role, team(zone).clone())).collect::<Vec<_>>()
    };
    let mut pairs = of_zones(Role::ZonePolicyOwner, |zone| &zone.policy_owner);
    let asked = zones().flat_map(|zone| gates(facts, zone));
    pairs.extend(asked.map(|gate| (Role::ZoneGate, gate.team.clone())));
    pairs.extend(duties().map(|it| (Role::ServicePolicyOwner, it.policy_owner.clone())));
    pairs.push((Role::ControlOwner, facts.control_owner.clone()));
    pairs.extend(of_zones(Role::ZoneOperator, |zone| &zone.operator));
    pairs.extend(duties().map(|it| (Role::ServiceOperator, it.operator.clone())));
    pairs.extend(facts.also_concerned.iter().map(|team| (Role::OtherDuty, team.clone())));
    let none = BTreeSet::new();
    let own = facts.author.teams.known().unwrap_or(&none);
    let mut seen = BTreeSet::new();
    pairs.retain(|(_, team)| seen.insert(team.clone()));
    pairs.truncate(KINDS_MAX / 2);
    let independents: Vec<Kind> = pairs
        .iter()
        .filter(|(_, team)| !own.contains(team))
        .map(|(role, team)| Kind { independent: true, role: *role, team: team.clone() })
        .collect();
    let dependents = pairs.into_iter().map(|(role, team)| Kind { independent: false, role, team });
    dependents.chain(independents).collect()
}

/// `facts` as if these approvals had been given too, each by a person nobody has met.
fn with(facts: &ChangeFacts, further: &BTreeMap<Kind, u32>) -> ChangeFacts {
    let mut facts = facts.clone();
    let shared = TeamId::parse(SHARED_TEAM).ok();
    if let Fact::Known(teams) = &mut facts.author.teams {
        teams.extend(shared.clone());
    }
    let each = further.iter().flat_map(|(kind, count)| (0..*count).map(move |_| kind));
    for (number, kind) in each.enumerate() {
        let Ok(person) = PersonId::parse(&format!("hypothetical.{number}")) else { continue };
        let mut teams = BTreeSet::from([kind.team.clone()]);
        teams.extend(shared.clone().filter(|_| !kind.independent));
        facts.approvals.push(ApprovalFacts {
            person,
            kind: ApproverKind::Person,
            works_here: Fact::Known(true),
            teams: Fact::Known(teams),
            chain: Fact::Known(BTreeSet::new()),
        });
    }
    facts
}

/// What could be granted so that the same order passes: an envelope, a confirmed ownership, or
/// both. Nothing, when some reason is one that nobody grants.
pub(super) fn grantable(
    policies: &PolicySet,
    facts: &IssueFacts,
    reasons: &[Reason],
) -> Option<Grantable> {
    if reasons.iter().any(|reason| reason.grantor == Grantor::Nobody) {
        return None;
    }
    let passes = |facts: &Option<(IssueFacts, Vec<GrantAct>)>| {
        facts.as_ref().is_some_and(|(facts, _)| allows(policies, &Facts::Issue(facts.clone())))
    };
    let own = |facts: &IssueFacts| (facts.clone(), Vec::new());
    let tries = [
        with_envelope(own(facts)),
        with_ownership(own(facts)),
        with_ownership(own(facts)).and_then(with_envelope),
    ];
    tries.into_iter().find(passes).flatten().map(|(_, acts)| Grantable { acts })
}

fn allows(policies: &PolicySet, facts: &Facts) -> bool {
    decide(policies, facts) == Decision::Allow
}

type Granted = (IssueFacts, Vec<GrantAct>);

/// As if a standing approval covered the whole order, given now by independent people of the policy
/// owner of every zone that asks for one.
fn with_envelope((mut facts, mut acts): Granted) -> Option<Granted> {
    let asks = facts.names.iter().filter_map(|name| name.zone.known());
    let by: BTreeSet<TeamId> = asks
        .filter(|zone| zone.pattern != Pattern::ServiceTeam)
        .map(|zone| zone.policy_owner.clone())
        .collect();
    let approval = |team: &TeamId| {
        let person = PersonId::parse(&format!("hypothetical.{team}")).ok()?;
        let teams = BTreeSet::from([team.clone()]);
        Some(EnvelopeApproval { person, teams, independent: true })
    };
    let envelope = EnvelopeFacts {
        id: EnvelopeId::parse(SHARED_TEAM).ok()?,
        service: facts.service.known()?.id.clone(),
        names: facts.names.iter().map(|name| name.name.clone()).collect(),
        issuer: facts.issuer.known()?.id.clone(),
        profiles: BTreeSet::from([facts.profile.known()?.id.clone()]),
        account: None,
        granted_at: facts.now,
        until: facts.now.plus_ms(DAY_MS),
        uses_left: Fact::Known(UsesLeft::Limited(1)),
        approvals: Fact::Known(by.iter().filter_map(approval).collect()),
    };
    facts.envelope = Fact::Known(Some(envelope));
    acts.push(GrantAct::Envelope { by });
    Some((facts, acts))
}

/// As if the policy owner of the service had confirmed its ownership now.
fn with_ownership((mut facts, mut acts): Granted) -> Option<Granted> {
    let Fact::Known(service) = &mut facts.service else {
        return None;
    };
    let by = service.duties.policy_owner.clone();
    let person = PersonId::parse(SHARED_TEAM).ok()?;
    service.ownership = Some(Ownership { verified_at: facts.now, by: person });
    acts.push(GrantAct::ConfirmOwnership { by });
    Some((facts, acts))
}
