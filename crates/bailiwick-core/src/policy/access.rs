//! Facts about access, as one question.

use std::collections::BTreeSet;

use crate::names::TeamId;
use crate::time::SECOND_MS;

use super::facts::{AccessFacts, Fact, PrincipalKind, TokenFacts};
use super::question::{Question, flag, long, record, text, words};
use super::rule::GrantWord;
use super::template::Texts;

pub(super) fn question(facts: &AccessFacts) -> Question<'_> {
    let kind = match facts.principal.kind {
        PrincipalKind::Person(_) => "Person",
        PrincipalKind::Token(..) => "Token",
        PrincipalKind::Agent(..) => "Agent",
    };
    let person = facts.principal.kind.person();
    let object = &facts.object;
    let service = object.service.as_ref().map(ToString::to_string).unwrap_or_default();
    Question {
        principal: (kind, person.as_str(), Vec::new()),
        action: facts.access.as_str(),
        resource: (
            "Object",
            format!("{}/{}", object.kind, object.id),
            vec![
                ("kind", text(&object.kind)),
                ("id", text(&object.id)),
                ("service", text(&service)),
            ],
        ),
        context: vec![
            ("works_here", facts.principal.works_here.known().and_then(|it| flag(*it))),
            ("administrator", facts.principal.administrator.known().and_then(|it| flag(*it))),
            ("own", flag(object.person.as_ref() == Some(person))),
            ("access", text(&facts.access)),
            ("holds", holds(facts)),
            ("token", facts.principal.kind.token().and_then(|it| token(facts, it))),
        ],
        zone: None,
        profile: None,
    }
}

fn holds(facts: &AccessFacts) -> Option<cedar_policy::RestrictedExpression> {
    let teams = facts.principal.teams.known()?;
    let object = &facts.object;
    let any = |owners: &Fact<BTreeSet<TeamId>>| flag(!owners.known()?.is_disjoint(teams));
    record(vec![
        ("control_owner", flag(teams.contains(&object.control_owner))),
        ("auditor", flag(object.auditors.as_ref().is_some_and(|team| teams.contains(team)))),
        ("policy_owner", any(&object.policy_owners)),
        ("operator", any(&object.operators)),
        ("integration_owner", any(&object.integration_owners)),
    ])
}

fn token(facts: &AccessFacts, token: &TokenFacts) -> Option<cedar_policy::RestrictedExpression> {
    let left = token.until.ms_since(facts.now);
    record(vec![
        ("seconds_left", long(left.saturating_add(SECOND_MS - 1).div_euclid(SECOND_MS))),
        ("allows", words(&token.allows)),
        ("every_service", flag(token.services.is_none())),
        ("services", words(token.services.iter().flatten())),
    ])
}

/// The facts that are not known, by the name people know them under.
pub(super) fn unknown(facts: &AccessFacts) -> Vec<&'static str> {
    let (principal, object) = (&facts.principal, &facts.object);
    [
        ("whether the person works here", principal.works_here.known().is_some()),
        ("the teams of the person", principal.teams.known().is_some()),
        ("whether the person is an administrator", principal.administrator.known().is_some()),
        ("who owns the policy of the object", object.policy_owners.known().is_some()),
        ("who operates the object", object.operators.known().is_some()),
        ("who integrates the object", object.integration_owners.known().is_some()),
    ]
    .into_iter()
    .filter_map(|(name, known)| (!known).then_some(name))
    .collect()
}

/// The teams that a grant word means here.
pub(super) fn teams(facts: &AccessFacts, word: GrantWord) -> BTreeSet<TeamId> {
    let object = &facts.object;
    let of = |teams: &Fact<BTreeSet<TeamId>>| teams.known().cloned().unwrap_or_default();
    match word {
        GrantWord::Nobody | GrantWord::ZoneGates => BTreeSet::new(),
        GrantWord::ControlOwner => BTreeSet::from([object.control_owner.clone()]),
        GrantWord::ZonePolicyOwner | GrantWord::ServicePolicyOwner => of(&object.policy_owners),
        GrantWord::ZoneOperator | GrantWord::ServiceOperator => of(&object.operators),
    }
}

/// The facts as text, for what rules say.
pub(super) fn texts(facts: &AccessFacts) -> Texts {
    let object = &facts.object;
    let mut texts = Texts::from([
        ("access", facts.access.to_string()),
        ("object", format!("{} `{}`", object.kind, object.id)),
        ("principal", facts.principal.kind.person().to_string()),
        ("organisation.control_owner", object.control_owner.to_string()),
    ]);
    let service = object.service.as_ref().map(|service| ("service", service.to_string()));
    texts.extend(service);
    if let Some(token) = facts.principal.kind.token() {
        let allows: Vec<String> = token.allows.iter().map(|access| format!("`{access}`")).collect();
        let allows = if allows.is_empty() { "nothing".to_owned() } else { allows.join(", ") };
        texts.extend([("token.allows", allows), ("token.until", token.until.to_string())]);
    }
    texts
}
