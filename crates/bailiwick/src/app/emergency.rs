//! Emergencies: two people, one hour, narrow verbs, and a review that stays open until somebody
//! independent closes it (REN-8).

mod plan;
mod publish;

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{Change, Command, Request, RevocationReason};
use bailiwick_core::estate::{Estate, Service, Zone};
use bailiwick_core::gate::{
    DELEGATED_MS_MAX, DelegatedExecution, EMERGENCY_MS, Emergency, EmergencyOf, EmergencyReview,
    REVIEW_MS,
};
use bailiwick_core::names::{
    CertFingerprint, ChangeId, IssuerId, PersonId, ProfileId, SanName, ServiceId, TeamId,
};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::{Batch, Entry, Fact, Notice};
use bailiwick_core::time::{HOUR_MS, Time};
use bailiwick_store::EmergencyRow;

use self::plan::Planned;
use super::decisions::{JUDGED_MAX, estate_moves};
use super::orders::zones;
use super::words::said;
use super::{App, Asking, Live, Loaded, Scope};
use crate::fault::Fault;

pub(crate) use self::publish::NewZoneEmergency;

/// Emergencies that are listed at most.
const LISTED: u32 = 200;

/// What is to be done in an emergency. There is nothing else: it widens no right.
pub(crate) enum EmergencyVerb {
    /// Issue one certificate of our own CA for names of the service.
    Issue {
        /// The request, DER.
        csr: Vec<u8>,
        /// Under which profile of the service.
        profile: ProfileId,
        /// By which issuer, where several have the profile.
        issuer: Option<IssuerId>,
    },
    /// Revoke one certificate of the service.
    Revoke {
        /// Which.
        certificate: CertFingerprint,
        /// Why, as RFC 5280 calls it.
        reason: RevocationReason,
    },
}

/// Who answers for an emergency, and who looks at it afterwards.
struct Declared {
    of: EmergencyOf,
    accountable: PersonId,
    delegated_by: Option<PersonId>,
    reviewer: PersonId,
}

/// An emergency of a service that somebody declares.
pub(crate) struct NewEmergency {
    /// Of which service.
    pub service: ServiceId,
    /// What is to be done.
    pub verb: EmergencyVerb,
    /// What is broken.
    pub reason: String,
}

impl App {
    /// Declares an emergency: the change that waits for two people, and the review that waits for one
    /// more.
    pub(crate) async fn declare_emergency(
        &self,
        asking: &Asking,
        wanted: NewEmergency,
    ) -> Result<Loaded, Fault> {
        let (now, live) = (self.now(), self.live.get());
        let reason = said("reason", &wanted.reason, "say what is broken and what it costs")?;
        let delegated_by = self.may_declare(asking, &wanted.service, now).await?;
        let service = live.estate().services.get(&wanted.service);
        let service =
            service.ok_or_else(|| Fault::not_found(format!("service `{}`", wanted.service)))?;
        let by = with_behind(&asking.by, delegated_by.as_ref());
        let accountable = match &delegated_by {
            Some(person) => person.clone(),
            None => on_duty(live.estate(), &service.duties.policy_owner, now)?,
        };
        let reviewer =
            reviewer(live.estate(), &zones_of(live.estate(), service), (&by, &accountable), now)?;
        let planned = match wanted.verb {
            EmergencyVerb::Issue { csr, profile, issuer } => {
                self.emergency_issue(&live, &wanted.service, service, &csr, (profile, issuer))?
            }
            EmergencyVerb::Revoke { certificate, reason } => {
                self.emergency_revoke(&wanted.service, &certificate, reason).await?
            }
        };
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let request = Request {
            id,
            title: format!("EMERGENCY: {}", planned.does),
            reason,
            by: Actor::Person(by),
            service: Some(wanted.service.clone()),
            zones: zones(&live, &planned.names),
            at: now,
        };
        let of = EmergencyOf::Service(wanted.service);
        let declared = Declared { of, accountable, delegated_by, reviewer };
        self.open_emergency(&live, request, declared, planned, now).await
    }

    async fn open_emergency(
        &self,
        live: &Live,
        request: Request,
        declared: Declared,
        planned: Planned,
        now: Time,
    ) -> Result<Loaded, Fault> {
        let Declared { of, accountable, delegated_by, reviewer } = declared;
        let (by, until) = (request.by.clone(), now.plus_ms(EMERGENCY_MS));
        let (change, review_by) = (request.id.clone(), now.plus_ms(REVIEW_MS));
        let emergency =
            Emergency { change, of, accountable, delegated_by, until, reviewer, review_by };
        let mut batch = Batch::default();
        let page = format!("changes/{}", emergency.change);
        let subject = format!("review by {}: {}", emergency.review_by, request.title);
        let told = Notice { to: emergency.reviewer.clone(), subject, page };
        let mut loaded = Self::open_change(request, &mut batch);
        let fact = Fact::EmergencyDeclared(Box::new(emergency));
        batch.entries.push(Entry { at: now, by: by.clone(), fact });
        let Planned { plan, prechecks, .. } = planned;
        let validate = Command::Validate { plan, prechecks, expires_at: until };
        let events = loaded.change.decide(validate, now).map_err(Fault::from)?;
        Self::add_events(&mut loaded, &mut batch, events, &by, now)?;
        batch.notices.extend(self.notices_for(live, &loaded, now));
        batch.notices.push(told);
        self.commit(batch).await?;
        let loaded = self.needs_nobody(loaded, &by).await?;
        self.go_on(loaded).await
    }

    /// Taking one's own certificates back needs nobody, in an emergency as ever.
    async fn needs_nobody(&self, mut loaded: Loaded, by: &Actor) -> Result<Loaded, Fault> {
        for _ in 0..JUDGED_MAX {
            self.refresh_live().await?;
            let (live, now) = (self.live.get(), self.now());
            let Change::Awaiting(waiting) = &loaded.change else { return Ok(loaded) };
            let verdict = self.judge_change(&live, waiting, &[], now).await?;
            if !verdict.allows() {
                return Ok(loaded);
            }
            let mut batch = Batch::default();
            let command = self.enough(&live, waiting, None, &verdict, now, &mut batch).await?;
            let events = loaded.change.decide(command, now).map_err(Fault::from)?;
            Self::add_events(&mut loaded, &mut batch, events, by, now)?;
            if self.commit_decided(batch).await? {
                return Ok(loaded);
            }
            loaded = self.load_change(&loaded.id).await?;
        }
        Err(estate_moves())
    }

    /// Whether somebody may declare emergencies of a service: by a duty of theirs, or because
    /// execution was delegated to them; then by whom.
    async fn may_declare(
        &self,
        asking: &Asking,
        service: &ServiceId,
        now: Time,
    ) -> Result<Option<PersonId>, Fault> {
        let scope = Scope::Service(ResourceKind::Service, service.to_string(), service.clone());
        let permitted = self.permit(asking, Access::Request, &scope);
        let Err(refused) = permitted else { return Ok(None) };
        // A token that is not for requests, or not for this service, is not widened by it.
        let token = asking.token.as_ref();
        let narrow = token.is_some_and(|token| {
            !token.allows.contains(&Access::Request)
                || token.services.as_ref().is_some_and(|only| !only.contains(service))
        });
        let person = &asking.by.person;
        let delegated = self.store.execution_delegated(service, person, now).await?;
        match delegated {
            Some(by) if !narrow && self.live.get().estate().works_here(&by, now) => Ok(Some(by)),
            Some(_) | None => Err(refused),
        }
    }

    /// Lets somebody declare emergencies of a service for a while. Whoever does it stays accountable,
    /// and stands behind what is asked for: they approve none of it.
    pub(crate) async fn delegate_execution(
        &self,
        asking: &Asking,
        service: &ServiceId,
        to: &PersonId,
        hours: i64,
        reason: &str,
    ) -> Result<DelegatedExecution, Fault> {
        let scope = Scope::Service(ResourceKind::Credential, service.to_string(), service.clone());
        self.permit(asking, Access::Administer, &scope)
            .map_err(|fault| of_service(fault, service))?;
        let (now, live) = (self.now(), self.live.get());
        let reason = said("reason", reason, "say why they have to be able to")?;
        if !live.estate().works_here(to, now) || asking.by.everybody().any(|one| one == to) {
            return Err(Fault::input("person", "name somebody else who works here"));
        }
        let lasts = hours.saturating_mul(HOUR_MS);
        if lasts <= 0 || lasts > DELEGATED_MS_MAX {
            return Err(Fault::input("hours", "execution is delegated for 1 to 24 hours"));
        }
        let delegated = DelegatedExecution {
            service: service.clone(),
            to: to.clone(),
            by: asking.by.person.clone(),
            until: now.plus_ms(lasts),
            reason,
        };
        let fact = Fact::ExecutionDelegated(Box::new(delegated.clone()));
        let until = delegated.until;
        let batch = Batch {
            entries: vec![Entry { at: now, by: Actor::Person(asking.by.clone()), fact }],
            notices: vec![Notice {
                to: to.clone(),
                subject: format!("until {until} you may declare emergencies of {service}"),
                page: "emergencies".to_owned(),
            }],
            ..Batch::default()
        };
        self.commit(batch).await?;
        Ok(delegated)
    }

    /// Emergencies that somebody may see; only those whose review is open where that is asked for.
    pub(crate) async fn emergencies(
        &self,
        asking: &Asking,
        open: bool,
    ) -> Result<Vec<EmergencyRow>, Fault> {
        let all = self.store.emergencies(open, LISTED).await?;
        let seen = |row: &EmergencyRow| self.may(asking, Access::Read, &scope_of(&row.emergency));
        Ok(all.into_iter().filter(seen).collect())
    }

    /// Closes the review of an emergency. Whoever asked for it, approved it, answers for it or stands
    /// behind one of them does not.
    pub(crate) async fn review_emergency(
        &self,
        asking: &Asking,
        id: &ChangeId,
        justified: bool,
        note: &str,
    ) -> Result<EmergencyRow, Fault> {
        let missing = || Fault::not_found(format!("emergency `{id}`"));
        let row = self.store.emergency(id).await?.ok_or_else(missing)?;
        let of = &row.emergency;
        self.permit(asking, Access::Approve, &scope_of(of))?;
        let note = said("note", note, "say what you found, and what follows from it")?;
        if let Some(review) = &row.review {
            return Err(Fault::conflict(format!("{} closed it at {}", review.by, review.at)));
        }
        let loaded = self.load_change(id).await?;
        if self.took_part(&loaded, of, &asking.by).await? {
            return Err(Fault::NotAllowed {
                rule: "review-independent".to_owned(),
                message: format!(
                    "`{}` took part in it or answers for it; let {} or somebody else independent review it",
                    asking.by.person, of.reviewer
                ),
            });
        }
        if !matches!(loaded.change.next(), bailiwick_core::change::Next::Finished) {
            let message = format!("it is `{}`; review it once it is over", loaded.change.name());
            return Err(Fault::conflict(message));
        }
        let review = EmergencyReview { change: id.clone(), justified, note };
        let (at, by) = (self.now(), Actor::Person(asking.by.clone()));
        let fact = Fact::EmergencyReviewed(Box::new(review));
        self.commit(Batch { entries: vec![Entry { at, by, fact }], ..Batch::default() }).await?;
        self.store.emergency(id).await?.ok_or_else(missing)
    }

    /// Whether somebody stands behind an emergency: who asked, who approved, who answers for it.
    async fn took_part(
        &self,
        loaded: &Loaded,
        of: &Emergency,
        by: &SignedIn,
    ) -> Result<bool, Fault> {
        use bailiwick_core::change::Event;
        let history = self.store.change_events(&loaded.id).await?;
        let by_them = |event: &Event| matches!(event, Event::ApprovalGiven(approval) if approval.by.shares_somebody_with(by));
        let approved = history.iter().any(|stored| by_them(&stored.event));
        let answers = by.everybody().any(|one| *one == of.accountable);
        Ok(approved || answers || loaded.change.request().by.shares_somebody_with(by))
    }
}

/// The change of an emergency, with whoever answers for what it is of.
fn scope_of(it: &Emergency) -> Scope {
    let id = it.change.clone();
    match &it.of {
        EmergencyOf::Service(service) => Scope::Change(id, Some(service.clone())),
        EmergencyOf::Zone(zone) => Scope::Zone(ResourceKind::Change, id.to_string(), zone.clone()),
    }
}

/// The zones that the names of a service lie in.
fn zones_of<'a>(estate: &'a Estate, service: &Service) -> Vec<&'a Zone> {
    let bases = service.names.iter().filter_map(SanName::dns).chain(&service.below);
    let zones = bases.flat_map(|base| estate.zones_of(base, service.view));
    zones.map(|(_, zone)| zone).collect()
}

/// A sign-in with whoever delegated to it behind it.
fn with_behind(by: &SignedIn, delegated_by: Option<&PersonId>) -> SignedIn {
    let mut by = by.clone();
    if let Some(person) = delegated_by.filter(|person| !by.everybody().any(|one| one == *person)) {
        by.chain.push(person.clone());
    }
    by
}

fn on_duty(estate: &Estate, team: &TeamId, now: Time) -> Result<PersonId, Fault> {
    let found = estate.person_on_duty(team, now);
    found
        .map(|on_duty| on_duty.person().clone())
        .map_err(|cause| Fault::conflict(format!("nobody answers for it: team `{team}`: {cause}")))
}

/// Who looks at it afterwards: of the control owner, somebody who does not stand behind it; else of those
/// who answer for the zones.
fn reviewer(
    estate: &Estate,
    zones: &[&Zone],
    (by, accountable): (&SignedIn, &PersonId),
    now: Time,
) -> Result<PersonId, Fault> {
    let mut teams = vec![&estate.organisation.control_owner];
    teams.extend(zones.iter().flat_map(|zone| [&zone.policy_owner, &zone.operator]));
    let on_duty = teams.iter().filter_map(|team| estate.person_on_duty(team, now).ok());
    let on_duty = on_duty.map(|one| one.person().clone());
    let members = teams.iter().flat_map(|team| estate.members_of(team)).cloned();
    on_duty
        .chain(members)
        .find(|person| {
            estate.works_here(person, now)
                && person != accountable
                && !by.everybody().any(|one| one == person)
        })
        .ok_or_else(|| Fault::conflict("nobody independent is there to review it; add somebody"))
}

/// Whoever may hand out credentials of a service may delegate its emergencies; who may not is told of the
/// service, not of a credential.
fn of_service(fault: Fault, service: &ServiceId) -> Fault {
    let (asked, meant) = (format!("credential `{service}`"), format!("service `{service}`"));
    if let Fault::NotAllowed { rule, message } = fault {
        return Fault::NotAllowed { rule, message: message.replace(&asked, &meant) };
    }
    if matches!(fault, Fault::NotFound { .. }) {
        return Fault::not_found(format!("{meant} whose emergencies you may delegate"));
    }
    fault
}
