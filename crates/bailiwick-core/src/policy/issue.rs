//! Facts about a certificate, as questions: one for every name in every zone it lies in.

use std::collections::BTreeSet;

use crate::estate::Mode;
use crate::names::{PersonId, TeamId};
use crate::time::{DAY_MS, SECOND_MS, Time};

use super::facts::{
    EnvelopeApproval, EnvelopeFacts, IssueFacts, NameFacts, ServiceFacts, Stage, UsesLeft,
    ZoneFacts,
};
use super::question::{FieldList, Question, flag, long, record, text, words};
use super::rule::GrantWord;
use super::template::Texts;
use super::{attestation, delegation};

/// Milliseconds since a moment as whole seconds, so that a limit is never passed early: an age is
/// rounded up, a moment in the future stays negative.
fn age_seconds(now: Time, then: Time) -> i64 {
    let ms = now.ms_since(then);
    if ms < 0 { ms.div_euclid(SECOND_MS) } else { seconds_up(ms) }
}

fn seconds_up(ms: i64) -> i64 {
    ms.saturating_add(SECOND_MS - 1).div_euclid(SECOND_MS)
}

/// The action a stage asks for.
pub(super) const fn action(facts: &IssueFacts) -> &'static str {
    match facts.stage {
        Stage::Order => "order",
        Stage::Finalize(_) => "issue",
    }
}

/// The question for one name. `as_if` stands in for the zone's own mode.
pub(super) fn question<'f>(
    facts: &'f IssueFacts,
    name: &'f NameFacts,
    zone: &'f ZoneFacts,
    as_if: Option<Mode>,
) -> Question<'f> {
    let count = distinct_names(facts);
    Question {
        principal: ("Account", facts.account.id.as_str(), account(facts)),
        action: action(facts),
        resource: ("Zone", zone.key.to_string(), zone_fields(zone, as_if)),
        context: vec![
            ("name", name_record(name)),
            ("names_count", long(i64::try_from(count).unwrap_or(i64::MAX))),
            ("lifetime_seconds", facts.lifetime_seconds.known().and_then(|it| long(*it))),
            ("service", facts.service.known().and_then(|it| service(it, facts.now))),
            ("profile", profile(facts)),
            ("issuer", issuer(facts, name, zone)),
            ("envelope", standing(facts).and_then(|it| envelope(it, facts, name, zone))),
            ("csr", csr(facts, name)),
            (
                "attestation",
                facts.attestation.as_ref().and_then(|it| attestation::value(it, facts.now)),
            ),
        ],
        zone: Some(&zone.key),
        profile: facts.profile.known().map(|profile| &profile.id),
    }
}

/// How many different names are asked for; a name that lies in two zones is one.
pub(super) fn distinct_names(facts: &IssueFacts) -> usize {
    facts.names.iter().map(|name| &name.name).collect::<BTreeSet<_>>().len()
}

fn standing(facts: &IssueFacts) -> Option<&EnvelopeFacts> {
    facts.envelope.known()?.as_ref()
}

fn account(facts: &IssueFacts) -> FieldList {
    let account = &facts.account;
    let namespace = account.namespace.known();
    vec![
        ("usable", account.usable.known().and_then(|it| flag(*it))),
        ("service", account.service.known().and_then(text)),
        ("environment", account.environment.known().and_then(text)),
        ("namespace", namespace.and_then(|it| text(&spelled(it.as_ref())))),
        ("attestations", account.attestations.known().and_then(words)),
    ]
}

/// What may be absent by right is the empty text; no word of the estate is empty.
fn spelled<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

pub(super) fn zone_fields(zone: &ZoneFacts, as_if: Option<Mode>) -> FieldList {
    vec![
        ("name", text(&zone.key.name)),
        ("view", text(&zone.key.view)),
        ("class", text(&zone.class)),
        ("pattern", text(&zone.pattern)),
        ("mode", text(&as_if.unwrap_or(zone.mode))),
        ("policy_owner", text(&zone.policy_owner)),
        ("operator", text(&zone.operator)),
        ("names_per_certificate_max", long(zone.limits.names_per_certificate_max)),
        ("wildcard_allowed", flag(zone.limits.wildcard_allowed)),
        ("lifetime_days_max", long(zone.limits.lifetime_days_max)),
        ("ownership_days_max", long(zone.limits.ownership_days_max)),
        ("delegation_changed", delegation::changed(zone)),
    ]
}

type Value = Option<cedar_policy::RestrictedExpression>;

fn name_record(name: &NameFacts) -> Value {
    let owner = name.owner.known().and_then(Option::as_ref);
    record(vec![
        ("text", text(&name.name)),
        ("wildcard", flag(name.name.is_wildcard())),
        ("owner", owner.and_then(text)),
    ])
}

pub(super) fn service(service: &ServiceFacts, now: Time) -> Value {
    let verified = service.ownership.as_ref().map(|ownership| ownership.verified_at);
    let since = service.owner_since.known().copied();
    let confirmed = verified.zip(since).map(|(verified, since)| verified >= since);
    record(vec![
        ("id", text(&service.id)),
        ("environment", text(&service.environment)),
        ("namespace", text(&spelled(service.namespace.as_ref()))),
        ("profiles", words(&service.profiles)),
        ("ownership_age_seconds", verified.and_then(|then| long(age_seconds(now, then)))),
        ("confirmed_by_owner", confirmed.and_then(flag)),
    ])
}

fn profile(facts: &IssueFacts) -> Value {
    let profile = facts.profile.known()?;
    record(vec![
        ("id", text(&profile.id)),
        ("environments", words(&profile.environments)),
        ("lifetime_seconds_max", long(profile.lifetime_seconds_max)),
        ("keys_allowed", words(&profile.keys_allowed)),
        ("rsa_bits_min", long(profile.rsa_bits_min)),
        ("names_max", long(profile.names_max)),
        ("wildcard_allowed", flag(profile.wildcard_allowed)),
        ("attestation_required", text(&spelled(profile.attestation_required.as_ref()))),
    ])
}

fn issuer(facts: &IssueFacts, name: &NameFacts, zone: &ZoneFacts) -> Value {
    let issuer = facts.issuer.known()?;
    let intended = zone.caa.names_issuer(&issuer.caa_domains, name.name.is_wildcard());
    record(vec![
        ("id", text(&issuer.id)),
        ("environments", words(&issuer.environments)),
        ("profiles", words(&issuer.profiles)),
        ("intended_by_zone", flag(intended)),
    ])
}

fn envelope(
    envelope: &EnvelopeFacts,
    facts: &IssueFacts,
    name: &NameFacts,
    zone: &ZoneFacts,
) -> Value {
    let covers = facts.service.known().is_some_and(|it| it.id == envelope.service)
        && facts.issuer.known().is_some_and(|it| it.id == envelope.issuer)
        && facts.profile.known().is_some_and(|it| envelope.profiles.contains(&it.id))
        && envelope.account.as_ref().is_none_or(|account| *account == facts.account.id)
        && envelope.names.contains(&name.name);
    let since = facts.service.known().and_then(|it| it.owner_since.known().copied());
    let approved = |independent: bool| {
        let approvals = envelope.approvals.known()?;
        long(approvers(approvals, &zone.policy_owner, independent))
    };
    let uses = |uses: &UsesLeft| match uses {
        UsesLeft::Unlimited => long(i64::MAX),
        UsesLeft::Limited(left) => long(*left),
    };
    record(vec![
        ("id", text(&envelope.id)),
        ("covers", flag(covers)),
        ("age_seconds", long(age_seconds(facts.now, envelope.granted_at))),
        ("seconds_left", long(seconds_up(envelope.until.ms_since(facts.now)))),
        ("uses_left", envelope.uses_left.known().and_then(uses)),
        ("owner_unchanged", since.and_then(|since| flag(envelope.granted_at >= since))),
        ("policy_owner_approvals", approved(false)),
        ("independent_policy_owner_approvals", approved(true)),
    ])
}

fn approvers(approvals: &[EnvelopeApproval], team: &TeamId, independent: bool) -> i64 {
    let counts = |approval: &&EnvelopeApproval| {
        approval.teams.contains(team) && (approval.independent || !independent)
    };
    let people: BTreeSet<&PersonId> =
        approvals.iter().filter(counts).map(|approval| &approval.person).collect();
    i64::try_from(people.len()).unwrap_or(i64::MAX)
}

fn csr(facts: &IssueFacts, name: &NameFacts) -> Value {
    let Stage::Finalize(csr) = &facts.stage else {
        return None;
    };
    let method = csr.validated.known().map(|validated| spelled(validated.get(&name.name)));
    record(vec![
        ("key_kind", csr.key.known().and_then(|key| text(&key.kind))),
        ("key_bits", csr.key.known().and_then(|key| long(key.bits))),
        ("validated", method.and_then(|method| text(&method))),
        ("caa", csr.caa.known().and_then(text)),
    ])
}

/// The facts that are not known, by the name people know them under.
pub(super) fn unknown(facts: &IssueFacts) -> Vec<&'static str> {
    let mut unknown = Vec::new();
    let mut ask = |name: &'static str, known: bool| {
        if !known && !unknown.contains(&name) {
            unknown.push(name);
        }
    };
    let account = &facts.account;
    ask("the standing of the account", account.usable.known().is_some());
    ask("the service of the account", account.service.known().is_some());
    ask("the environment of the account", account.environment.known().is_some());
    ask("the namespace of the account", account.namespace.known().is_some());
    ask("the attestations of the account", account.attestations.known().is_some());
    ask("the service", facts.service.known().is_some());
    let service = facts.service.known();
    ask("when the owners last changed", service.is_none_or(|it| it.owner_since.known().is_some()));
    ask("the profile", facts.profile.known().is_some());
    ask("the issuer", facts.issuer.known().is_some());
    ask("the lifetime", facts.lifetime_seconds.known().is_some());
    ask("whether an envelope covers the order", facts.envelope.known().is_some());
    if let Some(envelope) = standing(facts) {
        ask("what is left of the envelope", envelope.uses_left.known().is_some());
        ask("who approved the envelope", envelope.approvals.known().is_some());
    }
    ask("who owns a name", facts.names.iter().all(|name| name.owner.known().is_some()));
    if let Some(unknown) = facts.attestation.as_ref().and_then(attestation::unknown_of) {
        ask(unknown, false);
    }
    if let Stage::Finalize(csr) = &facts.stage {
        ask("the key", csr.key.known().is_some());
        ask("how control was shown", csr.validated.known().is_some());
        ask("what CAA says", csr.caa.known().is_some());
    }
    unknown
}

/// The teams that a grant word means here.
pub(super) fn teams(
    facts: &IssueFacts,
    zone: Option<&ZoneFacts>,
    word: GrantWord,
) -> BTreeSet<TeamId> {
    team_of(facts.service.known(), &facts.control_owner, zone, word)
}

pub(super) fn team_of(
    service: Option<&ServiceFacts>,
    control_owner: &TeamId,
    zone: Option<&ZoneFacts>,
    word: GrantWord,
) -> BTreeSet<TeamId> {
    let duties = service.map(|service| &service.duties);
    let team = match word {
        GrantWord::Nobody | GrantWord::ZoneGates => None,
        GrantWord::ControlOwner => Some(control_owner),
        GrantWord::ZonePolicyOwner => zone.map(|zone| &zone.policy_owner),
        GrantWord::ZoneOperator => zone.map(|zone| &zone.operator),
        GrantWord::ServicePolicyOwner => duties.map(|duties| &duties.policy_owner),
        GrantWord::ServiceOperator => duties.map(|duties| &duties.operator),
    };
    team.into_iter().cloned().collect()
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> =
        values.into_iter().map(|value| format!("`{}`", value.to_string())).collect();
    if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(", ") }
}

fn quoted<T: ToString>(value: Option<&T>, none: &str) -> String {
    value.map_or_else(|| none.to_owned(), |value| format!("`{}`", value.to_string()))
}

/// The facts as text, for what rules say.
pub(super) fn texts(facts: &IssueFacts, name: &NameFacts, zone: &ZoneFacts) -> Texts {
    let mut texts = Texts::new();
    zone_texts(&mut texts, zone);
    if let Some(service) = facts.service.known() {
        service_texts(&mut texts, service, facts.now);
    }
    if let Some(facts) = &facts.attestation {
        attestation::put_texts(&mut texts, facts);
    }
    let account = &facts.account;
    let mut put = |key: &'static str, value: Option<String>| {
        texts.extend(value.map(|value| (key, value)));
    };
    put("organisation.control_owner", Some(facts.control_owner.to_string()));
    put("name", Some(name.name.to_string()));
    put("name.owner", name.owner.known().map(|owner| quoted(owner.as_ref(), "nobody")));
    put("names_count", Some(distinct_names(facts).to_string()));
    put("account", Some(account.id.to_string()));
    put("account.service", account.service.known().map(|it| format!("`{it}`")));
    put("account.environment", account.environment.known().map(ToString::to_string));
    let no_namespace = "no namespace";
    let namespace = account.namespace.known();
    put("account.namespace", namespace.map(|it| quoted(it.as_ref(), no_namespace)));
    put("account.attestations", account.attestations.known().map(list));
    put("lifetime", facts.lifetime_seconds.known().map(|it| span(i64::from(*it))));
    if let Some(profile) = facts.profile.known() {
        put("profile", Some(profile.id.to_string()));
        put("profile.environments", Some(list(&profile.environments)));
        put("profile.keys_allowed", Some(list(&profile.keys_allowed)));
        put("profile.names_max", Some(profile.names_max.to_string()));
        put("profile.lifetime_max", Some(span(i64::from(profile.lifetime_seconds_max))));
        let required = profile.attestation_required.as_ref();
        put("profile.attestation_required", Some(quoted(required, "nothing")));
    }
    if let Some(issuer) = facts.issuer.known() {
        put("issuer", Some(issuer.id.to_string()));
        put("issuer.environments", Some(list(&issuer.environments)));
        put("issuer.profiles", Some(list(&issuer.profiles)));
    }
    if let Some(envelope) = standing(facts) {
        put("envelope", Some(envelope.id.to_string()));
        put("envelope.granted_at", Some(envelope.granted_at.to_string()));
        put("envelope.until", Some(envelope.until.to_string()));
    }
    if let Stage::Finalize(csr) = &facts.stage {
        let key = csr.key.known();
        put("key", key.map(|key| format!("`{}` of {} bits", key.kind, key.bits)));
        put("caa", csr.caa.known().map(ToString::to_string));
        let method = csr.validated.known();
        put("validated", method.map(|it| quoted(it.get(&name.name), "nothing")));
    }
    texts
}

pub(super) fn service_texts(texts: &mut Texts, service: &ServiceFacts, now: Time) {
    let mut put = |key: &'static str, value: Option<String>| {
        texts.extend(value.map(|value| (key, value)));
    };
    put("service", Some(service.id.to_string()));
    put("services", Some(format!("`{}`", service.id)));
    put("service.environment", Some(service.environment.to_string()));
    put("service.namespace", Some(quoted(service.namespace.as_ref(), "no namespace")));
    put("service.profiles", Some(list(&service.profiles)));
    put("service.policy_owner", Some(service.duties.policy_owner.to_string()));
    put("service.operator", Some(service.duties.operator.to_string()));
    put("ownership", Some(ownership(service, now)));
    put("owner_since", service.owner_since.known().map(ToString::to_string));
}

pub(super) fn zone_texts(texts: &mut Texts, zone: &ZoneFacts) {
    texts.extend([
        ("zone", zone.key.to_string()),
        ("zone.pattern", zone.pattern.to_string()),
        ("zone.mode", zone.mode.to_string()),
        ("zone.policy_owner", zone.policy_owner.to_string()),
        ("zone.operator", zone.operator.to_string()),
        ("zone.names_per_certificate_max", zone.limits.names_per_certificate_max.to_string()),
        ("zone.lifetime_days_max", zone.limits.lifetime_days_max.to_string()),
        ("zone.ownership_days_max", zone.limits.ownership_days_max.to_string()),
        ("zone.delegation", delegation::text(zone)),
    ]);
}

fn ownership(service: &ServiceFacts, now: Time) -> String {
    match &service.ownership {
        None => "never confirmed".to_owned(),
        Some(ownership) => {
            let (at, by) = (ownership.verified_at, &ownership.by);
            match now.ms_since(at) {
                ms if ms < 0 => format!("confirmed by `{by}` at {at}, which is in the future"),
                ms => format!("confirmed {} days ago, at {at}, by `{by}`", ms.div_euclid(DAY_MS)),
            }
        }
    }
}

/// A span of time in the largest unit that says it exactly.
fn span(seconds: i64) -> String {
    const UNITS: [(i64, &str); 3] = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let exact = UNITS.iter().find(|(unit, _)| seconds != 0 && seconds % unit == 0);
    exact.map_or_else(
        || format!("{seconds} seconds"),
        |(unit, name)| format!("{} {name}", seconds.div_euclid(*unit)),
    )
}
