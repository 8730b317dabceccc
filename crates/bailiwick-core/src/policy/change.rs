//! Facts about a change, as questions: one for every zone it touches, and one for the organisation
//! when it touches none or more than services.

use std::collections::BTreeSet;

use crate::estate::{GatedKind, ZoneGate};
use crate::names::TeamId;

use super::approvals::{Approvers, Only};
use super::facts::{AuthorKind, ChangeFacts, ChangeKind, ZoneFacts};
use super::issue::{zone_fields, zone_texts};
use super::question::{FieldList, Question, flag, long, record};
use super::rule::GrantWord;
use super::template::Texts;

/// What one question is about: a zone, or with `None` the organisation.
pub(super) fn resources(facts: &ChangeFacts) -> Vec<Option<&ZoneFacts>> {
    let zones: Vec<Option<&ZoneFacts>> =
        facts.zones.known().into_iter().flatten().map(Some).collect();
    let wide = facts.kind == ChangeKind::EditEstate && facts.services_only.known() != Some(&true);
    let organisation = (zones.is_empty() || wide).then_some(None);
    zones.into_iter().chain(organisation).collect()
}

pub(super) fn question<'f>(facts: &'f ChangeFacts, zone: Option<&'f ZoneFacts>) -> Question<'f> {
    let (kind, id) = match &facts.author.kind {
        AuthorKind::Person(person) => ("Person", person.as_str()),
        AuthorKind::Agent(person) => ("Agent", person.as_str()),
        AuthorKind::Account(account, _) => ("Account", account.as_str()),
        AuthorKind::Component => ("Component", "bailiwick"),
    };
    let resource = match zone {
        Some(zone) => ("Zone", zone.key.to_string(), zone_fields(zone, None)),
        None => ("Organisation", "organisation".to_owned(), FieldList::new()),
    };
    Question {
        principal: (kind, id, FieldList::new()),
        action: facts.kind.as_str(),
        resource,
        context: vec![
            ("trust_impacting", facts.trust_impacting.known().and_then(|it| flag(*it))),
            ("services_only", facts.services_only.known().and_then(|it| flag(*it))),
            ("gates_open", zone.and_then(|zone| long(open_count(facts, zone)))),
            ("emergency", facts.emergency.known().and_then(|it| flag(*it))),
            ("author_holds", record(author_holds(facts, zone))),
            ("approvals", record(approvals(facts, zone))),
        ],
        zone: zone.map(|zone| &zone.key),
        profile: None,
    }
}

/// The policy owners and the operators of the services touched; each of them has to be asked.
fn service_teams(facts: &ChangeFacts) -> (Vec<&TeamId>, Vec<&TeamId>) {
    let duties = || facts.services.known().into_iter().flat_map(|services| services.values());
    (duties().map(|it| &it.policy_owner).collect(), duties().map(|it| &it.operator).collect())
}

/// What the author answers for. An agent, an account or a component answers for nothing by itself.
fn author_holds(facts: &ChangeFacts, zone: Option<&ZoneFacts>) -> FieldList {
    let none = BTreeSet::new();
    let teams = match facts.author.kind {
        AuthorKind::Person(_) => facts.author.teams.known().unwrap_or(&none),
        AuthorKind::Agent(_) | AuthorKind::Account(..) | AuthorKind::Component => &none,
    };
    let all = |of: &[&TeamId]| flag(!of.is_empty() && of.iter().all(|team| teams.contains(*team)));
    let (policy_owners, operators) = service_teams(facts);
    let own = match &facts.author.kind {
        AuthorKind::Account(_, service) => facts.services.known().is_some_and(|services| {
            !services.is_empty() && services.keys().all(|id| id == service)
        }),
        AuthorKind::Person(_) | AuthorKind::Agent(_) | AuthorKind::Component => false,
    };
    vec![
        ("own_service", flag(own)),
        ("control_owner", all(&[&facts.control_owner])),
        ("service_policy_owner", all(&policy_owners)),
        ("service_operator", all(&operators)),
        (
            "zone_policy_owner",
            all(&zone.map(|it| &it.policy_owner).into_iter().collect::<Vec<_>>()),
        ),
        ("zone_operator", all(&zone.map(|it| &it.operator).into_iter().collect::<Vec<_>>())),
    ]
}

fn zones_of(facts: &ChangeFacts) -> impl Iterator<Item = &ZoneFacts> {
    facts.zones.known().into_iter().flatten()
}

/// The gates of a zone that ask for more for this change.
pub(super) fn gates<'f>(
    facts: &ChangeFacts,
    zone: &'f ZoneFacts,
) -> impl Iterator<Item = &'f ZoneGate> {
    let kinds = gated_kinds(facts.kind);
    let caa = facts.caa_zones.contains(&zone.key);
    zone.gates.iter().filter(move |gate| {
        kinds.iter().any(|kind| gate.kinds.contains(kind))
            || (caa && gate.kinds.contains(&GatedKind::EditCaa))
    })
}

/// What gates call a kind of change; giving rights up is never gated. A change of records may issue a
/// certificate too, so it passes the gates of both.
const fn gated_kinds(kind: ChangeKind) -> &'static [GatedKind] {
    match kind {
        ChangeKind::EditEstate | ChangeKind::GrantException => &[GatedKind::EditEstate],
        ChangeKind::GrantEnvelope => &[GatedKind::GrantEnvelope],
        ChangeKind::IssueCertificate => &[GatedKind::IssueCertificate],
        ChangeKind::TrustChange => &[GatedKind::TrustChange, GatedKind::IssueCertificate],
        ChangeKind::PublishRecords => &[GatedKind::TrustChange],
        ChangeKind::RevokeCertificate
        | ChangeKind::EndEnvelope
        | ChangeKind::NarrowEnvelope
        | ChangeKind::RegisterAccount
        | ChangeKind::RotateIssuer
        | ChangeKind::RotateKey => &[],
    }
}

/// The gates that are not open yet, each with how many count so far.
fn open<'f>(facts: &ChangeFacts, zone: &'f ZoneFacts) -> Vec<(&'f ZoneGate, i64)> {
    let approvers = Approvers::of(facts);
    let counted = |gate: &'f ZoneGate| {
        let only = if gate.independent { Only::Independent } else { Only::All };
        (gate, approvers.in_team(&gate.team, only))
    };
    let all = gates(facts, zone).map(counted);
    all.filter(|(gate, have)| *have < i64::from(gate.approvals)).collect()
}

fn open_count(facts: &ChangeFacts, zone: &ZoneFacts) -> i64 {
    i64::try_from(open(facts, zone).len()).unwrap_or(i64::MAX)
}

/// What the gates of a zone ask for, as text.
fn gate_texts(texts: &mut Texts, facts: &ChangeFacts, zone: &ZoneFacts) {
    let open = open(facts, zone).into_iter();
    let open: Vec<String> =
        open.map(|(gate, have)| format!("approval by {gate} (it has {have})")).collect();
    texts.insert("zone.gates", open.join("; and "));
    let teams: BTreeSet<String> =
        gates(facts, zone).map(|gate| format!("`{}`", gate.team)).collect();
    let teams: Vec<String> = teams.into_iter().collect();
    texts.insert("zone.gate_teams", teams.join(" and "));
}

/// Everybody whose approval of this change means something.
fn concerned(facts: &ChangeFacts) -> BTreeSet<TeamId> {
    let zones = facts.zones.known().into_iter().flatten();
    let of_zones = zones.flat_map(|zone| [&zone.policy_owner, &zone.operator]);
    let services = facts.services.known().into_iter().flat_map(|services| services.values());
    let of_services = services.flat_map(|it| it.each().map(|(_, team)| team));
    let others = facts.also_concerned.iter().chain([&facts.control_owner]);
    let asked = zones_of(facts).flat_map(|zone| gates(facts, zone)).map(|gate| &gate.team);
    let others = others.chain(asked);
    of_zones.chain(of_services).chain(others).cloned().collect()
}

fn approvals(facts: &ChangeFacts, zone: Option<&ZoneFacts>) -> FieldList {
    let approvers = Approvers::of(facts);
    let concerned = concerned(facts);
    let (policy_owners, operators) = service_teams(facts);
    let each = |teams: &[&TeamId], only| long(approvers.in_each(teams.iter().copied(), only));
    let of_zone = |team: fn(&ZoneFacts) -> &TeamId, only| {
        long(zone.map_or(0, |zone| approvers.in_team(team(zone), only)))
    };
    let (all, independent) = (Only::All, Only::Independent);
    let control = |only| long(approvers.in_team(&facts.control_owner, only));
    vec![
        ("total", long(approvers.in_any(&concerned, all))),
        ("independent", long(approvers.in_any(&concerned, independent))),
        ("control_owner", control(all)),
        ("independent_control_owner", control(independent)),
        ("zone_policy_owner", of_zone(|zone| &zone.policy_owner, all)),
        ("independent_zone_policy_owner", of_zone(|zone| &zone.policy_owner, independent)),
        ("zone_operator", of_zone(|zone| &zone.operator, all)),
        ("independent_zone_operator", of_zone(|zone| &zone.operator, independent)),
        ("service_policy_owner", each(&policy_owners, all)),
        ("independent_service_policy_owner", each(&policy_owners, independent)),
        ("service_operator", each(&operators, all)),
        ("independent_service_operator", each(&operators, independent)),
    ]
}

/// The facts that are not known, by the name people know them under.
pub(super) fn unknown(facts: &ChangeFacts) -> Vec<&'static str> {
    [
        ("the teams of the author", facts.author.teams.known().is_some()),
        ("who stands behind the author", facts.author.chain.known().is_some()),
        ("the zones it touches", facts.zones.known().is_some()),
        ("the services it touches", facts.services.known().is_some()),
        ("whether it touches services only", facts.services_only.known().is_some()),
        ("whether it alters trust", facts.trust_impacting.known().is_some()),
        ("whether it is an emergency", facts.emergency.known().is_some()),
    ]
    .into_iter()
    .filter_map(|(name, known)| (!known).then_some(name))
    .collect()
}

/// The teams that a grant word means here.
pub(super) fn teams(
    facts: &ChangeFacts,
    zone: Option<&ZoneFacts>,
    word: GrantWord,
) -> BTreeSet<TeamId> {
    let (policy_owners, operators) = service_teams(facts);
    let teams = match word {
        GrantWord::Nobody => Vec::new(),
        GrantWord::ControlOwner => vec![&facts.control_owner],
        GrantWord::ZonePolicyOwner => zone.map(|zone| &zone.policy_owner).into_iter().collect(),
        GrantWord::ZoneOperator => zone.map(|zone| &zone.operator).into_iter().collect(),
        GrantWord::ServicePolicyOwner => policy_owners,
        GrantWord::ServiceOperator => operators,
        GrantWord::ZoneGates => {
            let open = zone.map(|zone| open(facts, zone)).unwrap_or_default();
            open.into_iter().map(|(gate, _)| &gate.team).collect()
        }
    };
    teams.into_iter().cloned().collect()
}

/// The facts as text, for what rules say.
pub(super) fn texts(facts: &ChangeFacts, zone: Option<&ZoneFacts>) -> Texts {
    let mut texts = Texts::new();
    if let Some(zone) = zone {
        zone_texts(&mut texts, zone);
        gate_texts(&mut texts, facts, zone);
    }
    let approvers = Approvers::of(facts);
    let concerned = concerned(facts);
    let author = match &facts.author.kind {
        AuthorKind::Person(person) => person.to_string(),
        AuthorKind::Agent(person) => format!("an agent of {person}"),
        AuthorKind::Account(account, service) => format!("account {account} of {service}"),
        AuthorKind::Component => "bailiwick".to_owned(),
    };
    let join = |items: Vec<String>| (!items.is_empty()).then(|| items.join("`, `"));
    let (policy_owners, operators) = service_teams(facts);
    let names = |teams: Vec<&TeamId>| {
        let distinct: BTreeSet<String> = teams.into_iter().map(ToString::to_string).collect();
        join(distinct.into_iter().collect())
    };
    let services = facts.services.known().map(|services| {
        let ids = services.keys().map(|id| format!("`{id}`")).collect::<Vec<_>>();
        if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
    });
    let first = facts.services.known().and_then(|services| services.keys().next());
    let given = [
        ("change", Some(facts.change.to_string())),
        ("kind", Some(facts.kind.to_string())),
        ("author", Some(author)),
        ("organisation.control_owner", Some(facts.control_owner.to_string())),
        ("approvals.total", Some(approvers.in_any(&concerned, Only::All).to_string())),
        (
            "approvals.independent",
            Some(approvers.in_any(&concerned, Only::Independent).to_string()),
        ),
        ("service", first.map(ToString::to_string)),
        ("services", services),
        ("service.policy_owner", names(policy_owners)),
        ("service.operator", names(operators)),
    ];
    texts.extend(given.into_iter().filter_map(|(key, value)| Some((key, value?))));
    texts
}
