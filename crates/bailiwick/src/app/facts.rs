//! What the judge is told: the core gathers facts out of the estate; here the order, the envelope
//! and the sign-ins are added.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{Approval, AwaitPropagation, Plan, PublishRecords, Request, Step};
use bailiwick_core::estate::{AttestationKind, Attested, Environment, Estate, Namespace, ZoneKey};
use bailiwick_core::gate::{Account, AccountStatus, Envelope};
use bailiwick_core::names::{IssuerId, ProfileId, SanName, ServiceId};
use bailiwick_core::policy::{
    AccountFacts, ApprovalFacts, AuthorFacts, ChangeFacts, ChangeKind, EnvelopeApproval,
    EnvelopeAsked, EnvelopeFacts, Fact, Facts, IssueAsked, IssueFacts, SignIn, Stage, UsesLeft,
};
use bailiwick_core::records::{OwnerName, RecordType};
use bailiwick_core::time::Time;

use super::Live;

/// What an order asks for, before anybody decided about it.
pub(crate) struct Wanted<'a> {
    /// Who asks.
    pub account: &'a Account,
    /// For which names.
    pub names: &'a [SanName],
    /// Under which profile.
    pub profile: &'a ProfileId,
    /// From which issuer.
    pub issuer: &'a IssuerId,
    /// The longest validity, in seconds.
    pub lifetime_seconds: u32,
}

/// An envelope with the approvals that its change closed with.
pub(crate) struct Granted {
    /// The envelope.
    pub envelope: Envelope,
    /// Who approved it.
    pub approvals: Vec<Approval>,
    /// Who requested it.
    pub requester: Actor,
}

/// The facts of an order.
pub(crate) fn issue(
    live: &Live,
    wanted: &Wanted<'_>,
    envelope: Option<&Granted>,
    (stage, attested): (Stage, Option<Attested>),
    now: Time,
) -> Facts {
    let names: BTreeSet<SanName> = wanted.names.iter().cloned().collect();
    let asked = IssueAsked {
        now,
        account: account_facts(wanted.account),
        names: &names,
        issuer: wanted.issuer,
        profile: wanted.profile,
        lifetime_seconds: Fact::Known(wanted.lifetime_seconds),
        envelope: Fact::Known(envelope.map(|granted| envelope_facts(live.estate(), granted, now))),
        attested: Fact::Known(attested),
        stage,
    };
    Facts::Issue(IssueFacts::gather(&live.active, asked))
}

fn account_facts(account: &Account) -> AccountFacts {
    let attestations: Option<BTreeSet<AttestationKind>> =
        account.attestations.iter().map(|kind| AttestationKind::parse(kind).ok()).collect();
    let namespace = match account.namespace.as_deref().map(Namespace::parse) {
        None => Fact::Known(None),
        Some(Ok(namespace)) => Fact::Known(Some(namespace)),
        Some(Err(_)) => Fact::Unknown,
    };
    AccountFacts {
        id: account.id.clone(),
        usable: Fact::Known(account.status == AccountStatus::Valid),
        service: Fact::Known(account.service.clone()),
        environment: Fact::of(Environment::parse(&account.environment).ok()),
        namespace,
        attestations: Fact::of(attestations),
    }
}

/// Whether an approval of an envelope is independent: nobody stands behind both, and they share no
/// team, neither one that the approver was in then nor, should teams have been renamed, one now.
fn independent(estate: &Estate, requester: &Actor, approval: &Approval, now: Time) -> bool {
    let theirs = author(estate, requester, now);
    let shares = theirs.teams.known().is_none_or(|teams| {
        let now_in = estate.teams_at(&approval.by.person, now);
        approval.teams.iter().chain(&now_in).any(|team| teams.contains(team))
    });
    !shares && !requester.shares_somebody_with(&approval.by)
}

fn envelope_facts(estate: &Estate, granted: &Granted, now: Time) -> EnvelopeFacts {
    let envelope = &granted.envelope;
    let uses_left = match envelope.uses_max {
        None => UsesLeft::Unlimited,
        Some(max) => UsesLeft::Limited(max.saturating_sub(envelope.uses)),
    };
    let approvals = granted
        .approvals
        .iter()
        .map(|approval| EnvelopeApproval {
            person: approval.by.person.clone(),
            teams: approval.teams.iter().cloned().collect(),
            independent: independent(estate, &granted.requester, approval, now),
        })
        .collect();
    EnvelopeFacts {
        id: envelope.id.clone(),
        service: envelope.service.clone(),
        names: envelope.names.iter().cloned().collect(),
        issuer: envelope.issuer.clone(),
        profiles: envelope.profiles.iter().cloned().collect(),
        account: envelope.account.clone(),
        granted_at: envelope.granted_at,
        // One that was ended is over since then, whatever it was granted for.
        until: envelope.ended.as_ref().map_or(envelope.until, |end| end.at),
        uses_left: Fact::Known(uses_left),
        approvals: Fact::Known(approvals),
    }
}

/// The facts of a change that waits for approval; `after` is the estate it leads to, where it edits
/// the estate.
pub(crate) fn change(
    live: &Live,
    request: &Request,
    plan: &Plan,
    after: Option<&Estate>,
    approvals: &[Approval],
    now: Time,
) -> Facts {
    let estate = live.estate();
    let author = author(estate, &request.by, now);
    let approvals: Vec<ApprovalFacts> = approvals
        .iter()
        .map(|approval| ApprovalFacts::person(estate, &sign_in(&approval.by), now))
        .collect();
    if let Some(after) = after {
        let (before, diff) = if live.digest.is_some() {
            (Some(estate), estate.diff(after))
        } else {
            (None, after.diff_from_nothing())
        };
        let id = request.id.clone();
        return Facts::Change(ChangeFacts::edit(
            now,
            id,
            author,
            approvals,
            (before, after, &diff),
        ));
    }
    if let Some(Step::RotateKey(rotate)) = plan.steps().first()
        && let Some(zone) = rotate.of.zone()
    {
        let kind = (request.id.clone(), kind_of(plan));
        let facts = ChangeFacts::about_zone(now, kind, author, approvals, (estate, zone));
        return Facts::Change(facts);
    }
    if let Some(Step::RegisterAccount(_) | Step::RotateIssuer(_) | Step::RotateKey(_)) =
        plan.steps().first()
    {
        let kind = (request.id.clone(), kind_of(plan));
        let facts = ChangeFacts::about_organisation(now, kind, author, approvals, estate);
        return Facts::Change(facts);
    }
    let kind = (request.id.clone(), kind_of(plan));
    if kind.1 == ChangeKind::PublishRecords {
        let keys: BTreeSet<ZoneKey> = published(plan).map(|one| one.zone.clone()).collect();
        let asked = (&live.active, &keys);
        let mut facts = ChangeFacts::about_zones(now, kind, author, approvals, asked);
        facts.caa_zones = published_caa(plan);
        return Facts::Change(facts);
    }
    let (service, names) = subject(request, plan);
    let asked = EnvelopeAsked { service: &service, names: &names };
    let facts = ChangeFacts::about_names(now, kind, author, approvals, (&live.active, &asked));
    let mut facts = facts.also_in(&live.active, &edited(plan));
    facts.caa_zones = published_caa(plan);
    Facts::Change(facts)
}

/// What a plan publishes.
fn published(plan: &Plan) -> impl Iterator<Item = &PublishRecords> {
    plan.steps().iter().filter_map(|step| {
        if let Step::PublishRecords(publish) = step { Some(publish) } else { None }
    })
}

/// The zones whose records a plan writes or waits for. A new kind of step has to say here whether it does.
fn edited(plan: &Plan) -> BTreeSet<ZoneKey> {
    let zones = plan.steps().iter().filter_map(|step| match step {
        Step::PublishRecords(PublishRecords { zone, .. })
        | Step::AwaitPropagation(AwaitPropagation { zone, .. }) => Some(zone.clone()),
        Step::IssueCertificate(_)
        | Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_)
        | Step::RotateKey(_)
        | Step::RetireKey(_)
        | Step::DeployCertificate(_)
        | Step::VerifyServed(_) => None,
    });
    zones.collect()
}

/// The zones whose published CAA a plan alters.
fn published_caa(plan: &Plan) -> BTreeSet<ZoneKey> {
    published(plan)
        .filter(|publish| publish.edits.iter().any(|edit| edit.kind() == RecordType::CAA))
        .map(|publish| publish.zone.clone())
        .collect()
}

/// Whose names a plan is about. A plan about no service gets one that no estate holds, so that nothing is
/// known of it and nothing allowed: what belongs to the estate or to zones alone has its own facts.
fn subject(request: &Request, plan: &Plan) -> (ServiceId, BTreeSet<SanName>) {
    let names = plan
        .steps()
        .iter()
        .flat_map(|step| match step {
            Step::IssueCertificate(issue) => issue.names.clone(),
            Step::GrantEnvelope(envelope) => envelope.names.clone(),
            Step::RevokeCertificate(_)
            | Step::EndEnvelope { .. }
            | Step::NarrowEnvelope(_)
            | Step::EditEstate { .. }
            | Step::RegisterAccount(_)
            | Step::RotateIssuer(_)
            | Step::RotateKey(_)
            | Step::RetireKey(_)
            | Step::DeployCertificate(_)
            | Step::VerifyServed(_) => Vec::new(),
            // The names that the records are about, so that their zones are asked too.
            Step::PublishRecords(PublishRecords { zone, edits, .. })
            | Step::AwaitPropagation(AwaitPropagation { zone, edits, .. }) => {
                edits.iter().filter_map(|edit| about(zone, edit.owner())).collect()
            }
        })
        .collect();
    let service =
        request.service.clone().or_else(|| plan.steps().iter().find_map(Step::service).cloned());
    (service.unwrap_or_else(no_service), names)
}

/// The name that a record is about: without the labels in front that only records have
/// (`_443._tcp`), and never above the zone.
fn about(zone: &ZoneKey, owner: &OwnerName) -> Option<SanName> {
    let mut name = owner.base().clone();
    while name.labels().next().is_some_and(|label| label.starts_with('_')) {
        name = name.parent()?;
    }
    let name = if name.is_at_or_below(zone.name.apex()) { name } else { zone.name.apex().clone() };
    SanName::parse(name.as_str()).ok()
}

/// Whether a plan edits records of zones, for no service, and does nothing else.
fn is_of_zones(plan: &Plan) -> bool {
    plan.steps().iter().all(|step| match step {
        Step::PublishRecords(PublishRecords { service, .. })
        | Step::AwaitPropagation(AwaitPropagation { service, .. }) => service.is_none(),
        Step::IssueCertificate(_)
        | Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_)
        | Step::RotateKey(_)
        | Step::RetireKey(_)
        | Step::DeployCertificate(_)
        | Step::VerifyServed(_) => false,
    })
}

fn no_service() -> ServiceId {
    #[expect(clippy::unwrap_used, reason = "a constant that parses; the test below shows it")]
    ServiceId::parse("-").unwrap()
}

/// The kind that the policy knows a plan under: that of its first step. Records that belong to no service
/// are a kind of their own, as long as nothing else is in the plan.
fn kind_of(plan: &Plan) -> ChangeKind {
    if is_of_zones(plan) {
        return ChangeKind::PublishRecords;
    }
    if plan.steps().iter().any(Step::is_joint) {
        return ChangeKind::TrustChange;
    }
    match plan.steps().first() {
        Some(Step::IssueCertificate(_)) => ChangeKind::IssueCertificate,
        Some(Step::RevokeCertificate(_)) => ChangeKind::RevokeCertificate,
        Some(Step::GrantEnvelope(_)) => ChangeKind::GrantEnvelope,
        Some(Step::EndEnvelope { .. }) => ChangeKind::EndEnvelope,
        Some(Step::NarrowEnvelope(_)) => ChangeKind::NarrowEnvelope,
        Some(Step::RegisterAccount(_)) => ChangeKind::RegisterAccount,
        Some(
            Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::DeployCertificate(_)
            | Step::VerifyServed(_),
        ) => ChangeKind::TrustChange,
        Some(Step::RotateIssuer(_)) => ChangeKind::RotateIssuer,
        Some(Step::RotateKey(_) | Step::RetireKey(_)) => ChangeKind::RotateKey,
        // A plan is never empty; an estate edit is the kind that needs most approvals.
        Some(Step::EditEstate { .. }) | None => ChangeKind::EditEstate,
    }
}

/// The zones whose owners a change concerns: those of its service, or every one where it is about the
/// estate. Whether the approval of one of them suffices is for the rules of the change.
pub(super) fn zones_of_change(estate: &Estate, service: Option<&ServiceId>) -> BTreeSet<ZoneKey> {
    let Some(service) = service else { return estate.zones.keys().cloned().collect() };
    let Some(service) = estate.services.get(service) else { return BTreeSet::new() };
    let places = service.names.iter().map(SanName::place_in_dns);
    let places = places.chain(service.below.iter().map(Cow::Borrowed));
    let zones = places.flat_map(|place| estate.zones_of(&place, service.view));
    zones.map(|(key, _)| key.clone()).collect()
}

fn sign_in(signed_in: &SignedIn) -> SignIn {
    SignIn { person: signed_in.person.clone(), chain: signed_in.chain.iter().cloned().collect() }
}

fn author(estate: &Estate, by: &Actor, now: Time) -> AuthorFacts {
    match by {
        Actor::Person(signed_in) => AuthorFacts::person(estate, &sign_in(signed_in), now),
        Actor::Account { account, service, made_by, chain } => AuthorFacts::account(
            account.clone(),
            service.clone(),
            chain.iter().chain([made_by]).cloned().collect(),
            (estate, now),
        ),
        Actor::Component(_) => AuthorFacts::component(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_service_is_an_id() {
        assert_eq!(super::no_service().as_str(), "-");
    }
}
