//! Envelopes as people meet them: what stands, asking for one, narrowing one, ending one.

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{NarrowEnvelope, Plan, Precheck, Request, Step};
use bailiwick_core::gate::{Envelope, Narrowing};
use bailiwick_core::names::{
    AccountId, ChangeId, EnvelopeId, IssuerId, ProfileId, SanName, ServiceId,
};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::Batch;
use bailiwick_core::time::{DAY_MS, Time};

use super::orders::{listed, zones};
use super::words::said;
use super::{App, Asking, Live, Loaded, Scope};
use crate::fault::Fault;

/// An envelope is looked at again after this long at the latest; the same as the longest
/// certificate ever was.
const ENVELOPE_MS_MAX: i64 = 398 * DAY_MS;
/// Names of one envelope at most: a person has to read them.
const NAMES_MAX: usize = 100;

/// What an envelope is asked for.
pub(crate) struct NewEnvelope {
    /// Whose orders it covers.
    pub service: ServiceId,
    /// Which names.
    pub names: Vec<SanName>,
    /// From which issuer; `None` where the estate has only one for these profiles.
    pub issuer: Option<IssuerId>,
    /// Under which profiles.
    pub profiles: Vec<ProfileId>,
    /// Only for this account.
    pub account: Option<AccountId>,
    /// Until when.
    pub until: Time,
    /// How many certificates at most.
    pub uses_max: Option<u32>,
    /// Why.
    pub reason: String,
}

impl App {
    /// The envelopes of a service, the newest first.
    pub(crate) async fn envelopes(
        &self,
        asking: &Asking,
        service: &ServiceId,
    ) -> Result<Vec<Envelope>, Fault> {
        let scope = Scope::Service(ResourceKind::Service, service.to_string(), service.clone());
        self.permit(asking, Access::Read, &scope)?;
        if !self.live.get().estate().services.contains_key(service) {
            return Err(Fault::not_found(format!("service `{service}`")));
        }
        let mut all = self.store.envelopes_of_service(service).await?;
        all.sort_by_key(|envelope| std::cmp::Reverse(envelope.granted_at));
        Ok(all)
    }

    /// Asks for a standing approval. Whoever answers for its zones decides.
    pub(crate) async fn request_envelope(
        &self,
        asking: &Asking,
        wanted: NewEnvelope,
    ) -> Result<Loaded, Fault> {
        let scope = Scope::Service(
            ResourceKind::Envelope,
            wanted.service.to_string(),
            wanted.service.clone(),
        );
        self.permit(asking, Access::Request, &scope)?;
        let live = self.live.get();
        let now = self.now();
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let reason = why(&wanted.reason)?;
        let envelope = checked(&live, wanted, &id, now)?;
        if let Some(account) = &envelope.account {
            let bound = self.store.account(account).await?.map(|account| account.service);
            if bound.as_ref() != Some(&envelope.service) {
                let message = format!("`{account}` is no account of `{}`", envelope.service);
                return Err(Fault::input("account", message));
            }
        }
        let request = Request {
            id,
            title: format!(
                "let {} get certificates for {}",
                envelope.service,
                listed(&envelope.names)
            ),
            reason,
            by: Actor::Person(asking.by.clone()),
            service: Some(envelope.service.clone()),
            zones: zones(&live, &envelope.names),
            at: now,
        };
        let owned = vec![Precheck {
            name: "names-owned".to_owned(),
            holds: true,
            saw: format!("{} belong to `{}`", listed(&envelope.names), envelope.service),
            assignee: None,
        }];
        self.submit(request, Plan::of(Step::GrantEnvelope(envelope)), owned, Batch::default()).await
    }

    /// Asks for an envelope to reach less far. The service's own team needs nobody for that: it only
    /// gives something up.
    pub(crate) async fn narrow_envelope(
        &self,
        asking: &Asking,
        id: &EnvelopeId,
        wish: &Narrowing,
        why: &str,
    ) -> Result<Loaded, Fault> {
        let envelope = self.envelope_to_alter(asking, id).await?;
        let why = self::why(why)?;
        let after = envelope.narrowed(wish, self.now());
        let after = after.map_err(|not| Fault::input(not.field(), not))?;
        let request = self.about(asking, &envelope, "narrow", why.clone())?;
        let plan = Plan::of(Step::NarrowEnvelope(NarrowEnvelope {
            envelope: envelope.id.clone(),
            service: envelope.service.clone(),
            before: envelope.bounds(),
            after,
            why,
        }));
        self.submit(request, plan, Vec::new(), Batch::default()).await
    }

    /// Asks for an envelope to end before its time.
    pub(crate) async fn end_envelope(
        &self,
        asking: &Asking,
        id: &EnvelopeId,
        why: &str,
    ) -> Result<Loaded, Fault> {
        let envelope = self.envelope_to_alter(asking, id).await?;
        if let Some(end) = &envelope.ended {
            return Err(Fault::conflict(format!("it ended at {}", end.at)));
        }
        let why = self::why(why)?;
        let request = self.about(asking, &envelope, "end", why.clone())?;
        let plan = Plan::of(Step::EndEnvelope {
            envelope: id.clone(),
            service: envelope.service.clone(),
            why,
        });
        self.submit(request, plan, Vec::new(), Batch::default()).await
    }

    /// The envelope, where the caller may ask for a change to it.
    async fn envelope_to_alter(&self, asking: &Asking, id: &EnvelopeId) -> Result<Envelope, Fault> {
        let envelope = self.store.envelope(id).await?;
        let envelope = envelope.ok_or_else(|| Fault::not_found(format!("envelope `{id}`")))?;
        let scope =
            Scope::Service(ResourceKind::Envelope, id.to_string(), envelope.service.clone());
        self.permit(asking, Access::Request, &scope)?;
        Ok(envelope)
    }

    fn about(
        &self,
        asking: &Asking,
        envelope: &Envelope,
        verb: &str,
        reason: String,
    ) -> Result<Request, Fault> {
        Ok(Request {
            id: ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?,
            title: format!("{verb} the envelope {} of {}", envelope.id, envelope.service),
            reason,
            by: Actor::Person(asking.by.clone()),
            service: Some(envelope.service.clone()),
            zones: zones(&self.live.get(), &envelope.names),
            at: self.now(),
        })
    }
}

/// Why, for whoever decides.
fn why(text: &str) -> Result<String, Fault> {
    said("reason", text, "say why; whoever decides reads it")
}

/// The envelope that is asked for, where it can be granted at all: a change for names that are not
/// the service's would be a waste of an approver's time.
fn checked(live: &Live, wanted: NewEnvelope, id: &ChangeId, now: Time) -> Result<Envelope, Fault> {
    let estate = live.estate();
    let service = estate.services.get(&wanted.service);
    let service = service.ok_or_else(|| {
        Fault::input("service", format!("there is no service `{}` in the estate", wanted.service))
    })?;
    let mut names = wanted.names;
    names.sort();
    names.dedup();
    if names.is_empty() || names.len() > NAMES_MAX {
        return Err(Fault::input("names", format!("name 1 to {NAMES_MAX} names")));
    }
    let other = |name: &&SanName| live.active.owners().owner(name) != Some(&wanted.service);
    if let Some(name) = names.iter().find(other) {
        let message = format!("`{name}` is not a name of `{}`; leave it out", wanted.service);
        return Err(Fault::input("names", message));
    }
    let mut profiles = wanted.profiles;
    profiles.sort();
    profiles.dedup();
    let foreign = |profile: &&ProfileId| !service.profiles.contains(*profile);
    if profiles.is_empty() || profiles.iter().any(|profile| foreign(&profile)) {
        let known: Vec<&str> = service.profiles.iter().map(ProfileId::as_str).collect();
        let message = format!("the service may use {}; name at least one", known.join(", "));
        return Err(Fault::input("profiles", message));
    }
    let serves = |issuer: &&IssuerId| {
        let found = estate.issuers.get(*issuer);
        found.is_some_and(|it| profiles.iter().all(|profile| it.profiles.contains(profile)))
    };
    let all: Vec<&IssuerId> = estate.issuers.keys().filter(serves).collect();
    let issuer = match (&wanted.issuer, all.as_slice()) {
        (Some(issuer), all) if all.contains(&issuer) => issuer.clone(),
        (None, [only]) => (*only).clone(),
        _ => {
            let known: Vec<&str> = all.into_iter().map(IssuerId::as_str).collect();
            let message = format!("issuers of these profiles are: {}; name one", known.join(", "));
            return Err(Fault::input("issuer", message));
        }
    };
    if wanted.until <= now || wanted.until > now.plus_ms(ENVELOPE_MS_MAX) {
        let message = "an envelope ends in the future, at most 398 days from now";
        return Err(Fault::input("until", message));
    }
    if wanted.uses_max == Some(0) {
        return Err(Fault::input("uses_max", "allow at least one certificate, or leave it out"));
    }
    Ok(Envelope {
        id: EnvelopeId::parse(id.as_str()).map_err(|_| Fault::bug("bad envelope id"))?,
        change: id.clone(),
        service: wanted.service,
        names,
        issuer,
        profiles,
        account: wanted.account,
        granted_at: now,
        until: wanted.until,
        uses_max: wanted.uses_max,
        uses: 0,
        ended: None,
    })
}
