//! One rule: a Cedar policy with what its annotations say about it.

use std::fmt;

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PolicySet, pst};

use crate::estate::{RuleId, View, ZoneKey};
use crate::names::{ProfileId, ZoneName};

use super::template::{BadTemplate, Template};

/// Who can grant what a rule refuses, as `@grantable` spells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GrantWord {
    /// Nobody: the request has to change.
    Nobody,
    /// The policy owner of the zone.
    ZonePolicyOwner,
    /// The operator of the zone.
    ZoneOperator,
    /// The teams that gates of the zone still ask for.
    ZoneGates,
    /// The policy owner of the service.
    ServicePolicyOwner,
    /// The operator of the service.
    ServiceOperator,
    /// The owner of the control objective.
    ControlOwner,
}

impl GrantWord {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "nobody" => Some(Self::Nobody),
            "zone.policy_owner" => Some(Self::ZonePolicyOwner),
            "zone.operator" => Some(Self::ZoneOperator),
            "zone.gates" => Some(Self::ZoneGates),
            "service.policy_owner" => Some(Self::ServicePolicyOwner),
            "service.operator" => Some(Self::ServiceOperator),
            "organisation.control_owner" => Some(Self::ControlOwner),
            _ => None,
        }
    }
}

/// Annotations that mean something. Any other is refused: a typing error must not be silent.
const ANNOTATIONS: [&str; 9] =
    ["id", "rule", "control", "grantable", "exception", "fact", "remedy", "zone", "profile"];
/// Prefix of the annotations that explain the clauses of a permit, counted from 1.
const CLAUSE: &str = "clause_";
/// Clauses of one permit at most: each costs one more evaluation when a refusal is explained.
const CLAUSES_MAX: usize = 16;

/// A rule and what is known about it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The id of its policy.
    pub(super) id: String,
    /// The rule it belongs to: several policies may be one rule.
    pub(super) rule: RuleId,
    /// The file it stands in.
    pub(super) source: String,
    /// Where in the file.
    pub(super) span: Option<(usize, usize)>,
    pub(super) control: Option<String>,
    pub(super) grantable: GrantWord,
    /// Whether an exception may set it aside.
    pub(super) excepted: bool,
    pub(super) fact: Option<Template>,
    pub(super) remedy: Template,
    /// The only zone it holds in.
    pub(super) zone: Option<ZoneScope>,
    /// The only profile it holds for.
    pub(super) profile: Option<ProfileId>,
    /// The actions it speaks about; `None`: every action.
    pub(super) actions: Option<Vec<String>>,
    /// For a permit: the permit without its conditions.
    pub(super) scope: Option<PolicySet>,
    /// For a permit: its conditions, one after the other, to find the one that failed.
    pub(super) clauses: Vec<Clause>,
}

/// A zone as `@zone` names it.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum ZoneScope {
    /// Every view of the name.
    Name(ZoneName),
    /// One view.
    View(ZoneKey),
}

impl fmt::Display for ZoneScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::View(key) => key.fmt(f),
        }
    }
}

/// A condition of a permit.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// The permit with its conditions up to and including this one.
    pub(super) prefix: PolicySet,
    /// What to say when this is the first that fails.
    pub(super) failed: Template,
}

/// Why a policy is not a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum BadRule {
    /// It has no `@id`.
    NoId,
    /// The value of this annotation is not one.
    Value { annotation: String, value: String, expected: &'static str },
    /// There is no such annotation.
    Annotation { name: String },
    /// A text of this annotation has a bad brace.
    Brace { annotation: String },
    /// A text of this annotation names a fact that is not there.
    Key { annotation: String, key: String },
    /// It has more conditions than can be explained.
    Clauses,
}

impl Rule {
    pub(super) fn read(
        policy: &Policy,
        source: &str,
        span: Option<(usize, usize)>,
    ) -> Result<Self, Vec<BadRule>> {
        let mut bad = unknown_annotations(policy);
        let id = policy.annotation("id").unwrap_or_default().to_owned();
        if id.is_empty() {
            bad.push(BadRule::NoId);
        }
        let rule =
            value(policy, "rule", &mut bad, "a word such as `ownership-unverified`", |text| {
                RuleId::parse(text).ok()
            });
        let own = || RuleId::parse(&id).ok();
        if rule.is_none() && own().is_none() && !id.is_empty() {
            let expected = "small letters, digits, `-`, `_` and `.`";
            bad.push(BadRule::Value { annotation: "id".to_owned(), value: id.clone(), expected });
        }
        let grantable = value(
            policy,
            "grantable",
            &mut bad,
            "one of `nobody`, `zone.policy_owner`, `zone.operator`, `zone.gates`, \
             `service.policy_owner`, \
             `service.operator`, `organisation.control_owner`",
            GrantWord::parse,
        );
        let excepted =
            value(policy, "exception", &mut bad, "`allowed` or `never`", |text| match text {
                "allowed" => Some(true),
                "never" => Some(false),
                _ => None,
            });
        let zone = value(policy, "zone", &mut bad, "a zone, such as `shop.example`", zone_scope);
        let profile = value(policy, "profile", &mut bad, "the id of a profile", |text| {
            ProfileId::parse(text).ok()
        });
        let fact = template(policy, "fact", &mut bad);
        let remedy = template(policy, "remedy", &mut bad);
        let (scope, clauses) = clauses(policy, &mut bad);
        match rule.or_else(own) {
            Some(rule) if bad.is_empty() => Ok(Self {
                id,
                rule,
                source: source.to_owned(),
                span,
                control: policy.annotation("control").map(ToOwned::to_owned),
                grantable: grantable.unwrap_or(GrantWord::Nobody),
                excepted: excepted.unwrap_or(false),
                fact,
                remedy: remedy.unwrap_or_default(),
                zone,
                profile,
                actions: actions(policy),
                scope,
                clauses,
            }),
            Some(_) | None => Err(bad),
        }
    }
}

fn zone_scope(text: &str) -> Option<ZoneScope> {
    if text.contains('/') {
        let (name, view) = text.split_once('/')?;
        let view = View::parse(view)?;
        let name = ZoneName::parse(name).ok()?;
        Some(ZoneScope::View(ZoneKey { name, view }))
    } else {
        ZoneName::parse(text).ok().map(ZoneScope::Name)
    }
}

fn value<T>(
    policy: &Policy,
    name: &str,
    bad: &mut Vec<BadRule>,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = policy.annotation(name)?;
    let value = parse(text);
    if value.is_none() {
        let (annotation, value) = (name.to_owned(), text.to_owned());
        bad.push(BadRule::Value { annotation, value, expected });
    }
    value
}

fn template(policy: &Policy, name: &str, bad: &mut Vec<BadRule>) -> Option<Template> {
    let annotation = name.to_owned();
    match Template::parse(policy.annotation(name)?) {
        Ok(template) => Some(template),
        Err(BadTemplate::Brace) => {
            bad.push(BadRule::Brace { annotation });
            None
        }
        Err(BadTemplate::Key(key)) => {
            bad.push(BadRule::Key { annotation, key });
            None
        }
    }
}

fn unknown_annotations(policy: &Policy) -> Vec<BadRule> {
    let clause = |name: &str| policy.effect() == Effect::Permit && clause_number(name).is_some();
    let known = |name: &&str| ANNOTATIONS.contains(name) || clause(name);
    let names = policy.annotations().map(|(name, _)| name).filter(|name| !known(name));
    names.map(|name| BadRule::Annotation { name: name.to_owned() }).collect()
}

fn actions(policy: &Policy) -> Option<Vec<String>> {
    let name = |action: &EntityUid| action.id().unescaped().to_owned();
    match policy.action_constraint() {
        ActionConstraint::Any => None,
        ActionConstraint::Eq(action) => Some(vec![name(&action)]),
        ActionConstraint::In(actions) => Some(actions.iter().map(name).collect()),
    }
}

/// The conditions of a permit, each as the permit cut off after it. A forbid needs none: it is
/// satisfied as a whole or not.
fn clauses(policy: &Policy, bad: &mut Vec<BadRule>) -> (Option<PolicySet>, Vec<Clause>) {
    if policy.effect() == Effect::Forbid {
        return (None, Vec::new());
    }
    let Ok(whole) = policy.to_pst().map(|whole| whole.body().clone()) else {
        return (None, Vec::new());
    };
    let count = whole.clauses().len();
    if count > CLAUSES_MAX {
        bad.push(BadRule::Clauses);
        return (None, Vec::new());
    }
    let beyond = |name: &&str| clause_number(name).is_some_and(|number| number > count);
    let beyond = policy.annotations().map(|(name, _)| name).filter(beyond);
    bad.extend(beyond.map(|name| BadRule::Annotation { name: name.to_owned() }));
    let cut = |clauses: usize| {
        let kept = whole.clauses().iter().take(clauses).cloned();
        let template = whole.clone().try_with_clauses(kept).ok()?;
        let fixed = pst::StaticPolicy::try_from(template).ok()?;
        let policy = Policy::from_pst(pst::Policy::Static(fixed)).ok()?;
        PolicySet::from_policies([policy]).ok()
    };
    let mut clauses = Vec::new();
    for (number, clause) in (1_usize..).zip(whole.clauses()) {
        let failed = template(policy, &format!("{CLAUSE}{number}"), bad);
        if let Some(prefix) = cut(number) {
            let failed = failed.unwrap_or_else(|| Template::plain(&format!("not: {clause}")));
            clauses.push(Clause { prefix, failed });
        }
    }
    (cut(0), clauses)
}

/// The number of a `clause_3`.
fn clause_number(annotation: &str) -> Option<usize> {
    annotation.strip_prefix(CLAUSE)?.parse().ok().filter(|number| *number >= 1)
}
