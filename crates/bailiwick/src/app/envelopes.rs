//! Envelopes as people meet them: what stands, and ending one.

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{Plan, Request, Step};
use bailiwick_core::gate::Envelope;
use bailiwick_core::names::{ChangeId, EnvelopeId, ServiceId};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::Batch;

use super::{App, Asking, Loaded, Scope};
use crate::fault::Fault;

impl App {
    /// The envelopes of a service, the newest first.
    pub(crate) async fn envelopes(
        &self,
        asking: &Asking,
        service: &ServiceId,
    ) -> Result<Vec<Envelope>, Fault> {
        let scope = Scope::Service(ResourceKind::Service, service.to_string(), service.clone());
        self.permit(asking, Access::Read, &scope)?;
        let mut all = self.store.envelopes_of_service(service).await?;
        all.sort_by_key(|envelope| std::cmp::Reverse(envelope.granted_at));
        Ok(all)
    }

    /// Asks for an envelope to end before its time.
    pub(crate) async fn end_envelope(
        &self,
        asking: &Asking,
        id: &EnvelopeId,
        why: &str,
    ) -> Result<Loaded, Fault> {
        let envelope = self.store.envelope(id).await?;
        let envelope = envelope.ok_or_else(|| Fault::not_found(format!("envelope `{id}`")))?;
        let scope =
            Scope::Service(ResourceKind::Envelope, id.to_string(), envelope.service.clone());
        self.permit(asking, Access::Request, &scope)?;
        if let Some(end) = &envelope.ended {
            return Err(Fault::conflict(format!("it ended at {}", end.at)));
        }
        if why.trim().is_empty() {
            return Err(Fault::input("reason", "say why it ends"));
        }
        let live = self.live.get();
        let request = Request {
            id: ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?,
            title: format!("end the envelope {id} of {}", envelope.service),
            reason: why.trim().to_owned(),
            by: Actor::Person(asking.by.clone()),
            service: Some(envelope.service.clone()),
            zones: super::orders::zones(&live, &envelope.names),
            at: self.now(),
        };
        let plan = Plan::of(Step::EndEnvelope {
            envelope: id.clone(),
            service: envelope.service.clone(),
            why: why.trim().to_owned(),
        });
        self.submit(request, plan, Vec::new(), Batch::default()).await
    }
}
