//! Changes that bind records and certificates: out of what is wanted and what is there, one plan with
//! its checks.

mod gather;
mod prechecks;

use bailiwick_connect::keys::SubjectPair;
use bailiwick_core::actor::Actor;
use bailiwick_core::change::planner::{CannotPlan, Intent};
use bailiwick_core::change::{IssueCertificate, Plan, Precheck, Request};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{ChangeId, ServiceId, SpkiHash, ZoneName};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::Batch;
use bailiwick_core::time::DAY_MS;
use bailiwick_wire::intent::{self, WrittenCertificate, WrittenIntent};

use super::words::said;
use super::{App, Asking, Live, Loaded, Scope};
use crate::fault::Fault;

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
    pub(crate) async fn propose(&self, asking: &Asking, file: &str) -> Result<Proposal, Fault> {
        let written = intent::read(file).map_err(|cause| Fault::input("intent", cause))?;
        let service = written.service.clone();
        let scope = Scope::Service(ResourceKind::Service, service.to_string(), service.clone());
        self.permit(asking, Access::Request, &scope)?;
        let live = self.live.get();
        if !live.estate().services.contains_key(&service) {
            return Err(Fault::not_found(format!("service `{service}`")));
        }
        let mut batch = Batch::default();
        let certificate = match &written.certificate {
            Some(wanted) => Some(self.certificate(&live, &service, wanted, &mut batch)?),
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
        file: &str,
        reason: &str,
    ) -> Result<Loaded, Fault> {
        let reason = said("reason", reason, "say why, for whoever decides")?;
        let proposal = self.propose(asking, file).await?;
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

    /// The certificate that is wanted, with a key of its own that lies sealed.
    fn certificate(
        &self,
        live: &Live,
        service: &ServiceId,
        wanted: &WrittenCertificate,
        batch: &mut Batch,
    ) -> Result<IssueCertificate, Fault> {
        let estate = live.estate();
        let profile = estate.profiles.get(&wanted.profile).ok_or_else(|| {
            Fault::input("profile", format!("there is no profile `{}`", wanted.profile))
        })?;
        if !estate.issuers.contains_key(&wanted.issuer) {
            return Err(Fault::input("issuer", format!("there is no issuer `{}`", wanted.issuer)));
        }
        if !self.issuers.contains_key(&wanted.issuer) {
            return Err(Fault::input(
                "issuer",
                format!(
                    "`{}` does not run here; a change with records can order from built-in issuers only",
                    wanted.issuer
                ),
            ));
        }
        let days = wanted.lifetime_days.map(|days| i64::from(days).saturating_mul(DAY_MS / 1_000));
        let seconds = days.and_then(|seconds| u32::try_from(seconds).ok());
        let most = profile.certificate.lifetime_seconds_max;
        let pair = SubjectPair::fresh().map_err(|cause| Fault::bug(cause.to_string()))?;
        let key = SpkiHash::of(&pair.spki);
        batch.work.push(self.sealed_secret(SealedSecret::SubjectKey(key), &pair.pkcs8)?);
        Ok(IssueCertificate {
            service: service.clone(),
            account: None,
            order: None,
            envelope: None,
            issuer: wanted.issuer.clone(),
            profile: wanted.profile.clone(),
            names: wanted.names.clone(),
            spki: pair.spki,
            key,
            lifetime_seconds_max: seconds.unwrap_or(most).min(most),
            workload: None,
        })
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
