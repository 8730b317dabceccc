//! Changes that bind records and certificates: out of what is wanted and what is there, one plan with
//! its checks.

mod ca;
mod gather;
mod mail;
mod prechecks;

use bailiwick_core::actor::Actor;
use bailiwick_core::change::planner::{CannotPlan, Intent};
use bailiwick_core::change::{Plan, Precheck, Request};
use bailiwick_core::names::{ChangeId, ServiceId, ZoneName};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::Batch;
use bailiwick_wire::intent::{self, WrittenIntent};

use super::words::said;
use super::{App, Asking, Loaded, Scope};
use crate::fault::Fault;

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// The file of intent.
    pub file: &'a str,
    /// A certificate request, PEM, where the key is not to be made here.
    pub csr: Option<&'a str>,
}

/// A plan that nobody asked for yet.
pub(crate) struct Proposal {
    /// The plan.
    pub plan: Plan,
    /// What was looked at.
    pub prechecks: Vec<Precheck>,
    /// The zones that it edits.
    zones: Vec<ZoneName>,
    service: ServiceId,
    title: String,
    /// The key that was made for it, sealed.
    batch: Batch,
}

impl App {
    /// What would be done, and what the checks see. Changes nothing.
    pub(crate) async fn propose(&self, asking: &Asking, wish: Wish<'_>) -> Result<Proposal, Fault> {
        let written = intent::read(wish.file).map_err(|cause| Fault::input("intent", cause))?;
        let service = written.service.clone();
        let scope = Scope::Service(ResourceKind::Service, service.to_string(), service.clone());
        self.permit(asking, Access::Request, &scope)?;
        let live = self.live.get();
        if !live.estate().services.contains_key(&service) {
            return Err(Fault::not_found(format!("service `{service}`")));
        }
        let mut batch = Batch::default();
        let certificate = match &written.certificate {
            Some(wanted) => {
                Some(self.certificate(&live, &service, (wanted, wish.csr), &mut batch)?)
            }
            None if wish.csr.is_some() => {
                return Err(Fault::input("csr", "the file asks for no certificate; leave it out"));
            }
            None => None,
        };
        let intent = self.gather(&live, &written, certificate).await?;
        let plan = intent.plan().map_err(|cause| cannot(&cause))?;
        let prechecks = self.look_before(&live, asking, &written, &intent, &plan).await;
        let zones = zones(&intent);
        let title = title(&written, &intent);
        Ok(Proposal { plan, prechecks, zones, service, title, batch })
    }

    /// Asks for it.
    pub(crate) async fn request_joint(
        &self,
        asking: &Asking,
        wish: Wish<'_>,
        reason: &str,
    ) -> Result<Loaded, Fault> {
        let reason = said("reason", reason, "say why, for whoever decides")?;
        let proposal = self.propose(asking, wish).await?;
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let request = Request {
            id,
            title: proposal.title,
            reason,
            by: Actor::Person(asking.by.clone()),
            service: Some(proposal.service),
            zones: proposal.zones,
            at: self.now(),
        };
        self.submit(request, proposal.plan, proposal.prechecks, proposal.batch).await
    }
}

fn cannot(cause: &CannotPlan) -> Fault {
    Fault::input("intent", cause)
}

fn zones(intent: &Intent) -> Vec<ZoneName> {
    let moves = intent.moves.iter().map(|(zone, _)| zone);
    let caa = intent.caa.iter().map(|wish| &wish.zone);
    let tlsa = intent.tlsa.iter().map(|wish| &wish.zone);
    let mut all: Vec<ZoneName> =
        moves.chain(caa).chain(tlsa).map(|zone| zone.name.clone()).collect();
    all.sort();
    all.dedup();
    all
}

/// One line that reads alone.
fn title(written: &WrittenIntent, intent: &Intent) -> String {
    let owners: std::collections::BTreeSet<String> =
        intent.moves.iter().map(|(_, edit)| edit.owner().to_string()).collect();
    let owners: Vec<String> = owners.into_iter().collect();
    let moves = (!owners.is_empty()).then(|| format!("move {}", owners.join(", ")));
    let certificate = written.certificate.as_ref().map(|wanted| {
        let names = super::orders::listed(&wanted.names);
        format!("a certificate of {} for {names}", wanted.issuer)
    });
    match (moves, certificate) {
        (Some(moves), Some(certificate)) => format!("{moves} with {certificate}"),
        (Some(moves), None) => moves,
        (None, Some(certificate)) => format!("{certificate}, with its records"),
        (None, None) => format!("records of {}", written.service),
    }
}
