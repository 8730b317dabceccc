//! Facts about attestation, as a part of the question about a certificate and as the question
//! whether a workload may enrol.

use std::collections::BTreeSet;

use crate::estate::{Attested, WorkloadRule};
use crate::names::TeamId;
use crate::time::Time;

use super::facts::{AttestationFacts, EnrolFacts};
use super::issue;
use super::question::{FieldList, Question, flag, long, record, text, words};
use super::rule::GrantWord;
use super::template::Texts;

/// Workloads of a service that are told at most; the estate holds all.
const WORKLOADS_TOLD: usize = 3;

type Value = Option<cedar_policy::RestrictedExpression>;

/// The attestation as rules see it. What is not known is left out, and no rule allows it.
pub(super) fn value(facts: &AttestationFacts, now: Time) -> Value {
    let shown = facts.shown.known();
    let attested = facts.attested();
    let claim = |name: &str| {
        let said = attested.and_then(|it| it.claims.get(name));
        text(said.map_or("", String::as_str))
    };
    let takes = |it: &Attested| facts.asked.values().any(|rule| rule.takes(it));
    let permitted = shown.and_then(|it| flag(it.as_ref().is_some_and(takes)));
    let all = attested.into_iter().flat_map(|it| &it.claims);
    record(vec![
        ("asked", flag(!facts.asked.is_empty())),
        ("shown", flag(attested.is_some())),
        ("permitted", permitted),
        ("seconds_left", attested.and_then(|it| long(it.until.ms_since(now).div_euclid(1_000)))),
        ("attestor", text(attested.map_or("", |it| it.attestor.as_str()))),
        ("subject", text(attested.map_or("", |it| it.subject.as_str()))),
        ("claims", words(all.map(|(name, said)| format!("{name}={said}")))),
        ("repository", claim("repository")),
        ("ref", claim("ref")),
        ("environment", claim("environment")),
        ("namespace", claim("namespace")),
        ("service_account", claim("service_account")),
        ("spiffe_id", claim("spiffe_id")),
    ])
}

/// May this workload enrol, as a question.
pub(super) fn question(facts: &EnrolFacts) -> Question<'_> {
    let attested = facts.attestation.attested();
    let service = facts.service.known();
    let id = service.map(|it| it.id.to_string()).unwrap_or_default();
    Question {
        principal: ("Workload", attested.map_or("", |it| it.subject.as_str()), FieldList::new()),
        action: "enrol",
        resource: (
            "Object",
            format!("service/{id}"),
            vec![("kind", text("service")), ("id", text(&id)), ("service", text(&id))],
        ),
        context: vec![
            ("service", service.and_then(|it| issue::service(it, facts.now))),
            ("attestation", value(&facts.attestation, facts.now)),
        ],
        zone: None,
        profile: None,
    }
}

/// The facts that are not known, by the name people know them under.
pub(super) fn unknown(facts: &EnrolFacts) -> Vec<&'static str> {
    let mut unknown = Vec::new();
    if facts.service.known().is_none() {
        unknown.push("the service");
    }
    unknown.extend(unknown_of(&facts.attestation));
    unknown
}

pub(super) fn unknown_of(facts: &AttestationFacts) -> Option<&'static str> {
    facts.shown.known().is_none().then_some("what is attested about the workload")
}

/// The teams that a grant word means here.
pub(super) fn teams(facts: &EnrolFacts, word: GrantWord) -> BTreeSet<TeamId> {
    issue::team_of(facts.service.known(), &facts.control_owner, None, word)
}

/// The facts as text, for what rules say.
pub(super) fn texts(facts: &EnrolFacts) -> Texts {
    let mut texts = Texts::from([("organisation.control_owner", facts.control_owner.to_string())]);
    if let Some(service) = facts.service.known() {
        issue::service_texts(&mut texts, service, facts.now);
    }
    put_texts(&mut texts, &facts.attestation);
    texts
}

pub(super) fn put_texts(texts: &mut Texts, facts: &AttestationFacts) {
    let told = facts.asked.values().take(WORKLOADS_TOLD).map(asked);
    let told: Vec<String> = told.collect();
    let asked = if told.is_empty() { "nothing".to_owned() } else { told.join(", or of ") };
    texts.insert("attestation.asked", asked);
    let Some(shown) = facts.shown.known() else { return };
    let Some(shown) = shown else {
        texts.insert("attestation.shown", "nothing is attested about the client".to_owned());
        return;
    };
    texts.insert("attestation.shown", nearest(facts, shown));
    texts.insert("attestation.until", shown.until.to_string());
}

/// What a workload has to have, such as "`forge` with repository `shop/pay`".
fn asked(rule: &WorkloadRule) -> String {
    let claims = rule.claims.iter().map(|(name, values)| {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        format!("{name} {}", values.join(" or "))
    });
    format!("`{}` with {}", rule.attestor, claims.collect::<Vec<_>>().join(" and "))
}

/// What was attested, as far as it differs from the workload that is nearest to it.
fn nearest(facts: &AttestationFacts, shown: &Attested) -> String {
    let ours = facts.asked.values().filter(|rule| rule.attestor == shown.attestor);
    let misses = ours.map(|rule| rule.misses(shown)).min_by_key(Vec::len);
    let said = match misses {
        None => return format!("the client is attested by `{}`", shown.attestor),
        Some(misses) => misses.into_iter().map(|(name, said)| match said {
            Some(said) => format!("{name} `{}`", crate::shown::shown(said)),
            None => format!("no {name}"),
        }),
    };
    let said: Vec<String> = said.collect();
    if said.is_empty() {
        return format!("the token of `{}` says just that", shown.attestor);
    }
    format!("the token of `{}` says {}", shown.attestor, said.join(" and "))
}
