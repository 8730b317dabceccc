//! Rotation of an issuing CA: another generation issues, the ones before go on answering for what they
//! issued. A key that waits alters nothing; that the root certifies it, and that it issues, is a
//! change that somebody approves.

use bailiwick_core::actor::Actor;
use bailiwick_core::certificate::{Generation, KeyKind};
use bailiwick_core::change::{Plan, Precheck, Request, RotateIssuer, Step};
use bailiwick_core::names::{CertFingerprint, ChangeId, IssuerId, SpkiHash};
use bailiwick_core::policy::Access;
use bailiwick_core::record::Batch;
use bailiwick_core::time::Time;
use bailiwick_store::GenerationRow;
use tokio::sync::Mutex;

use super::words::words;
use super::{App, Asking, Loaded, Scope};
use crate::fault::Fault;

/// One wish at a time: two would find the same key that waits.
static WISHING: Mutex<()> = Mutex::const_new(());

/// What somebody wants of an issuer.
#[derive(Default)]
pub(crate) struct RotateWish {
    /// Which generation; `None` for the next one, with a new key.
    pub to: Option<Generation>,
    /// The certificate of the next one, where a root elsewhere made it, DER.
    pub certificate: Option<Vec<u8>>,
    /// Why.
    pub reason: String,
}

/// What came of it.
pub(crate) enum Rotation {
    /// A change, which somebody has to approve.
    Asked(Box<Loaded>),
    /// The root is elsewhere: this request is to be carried there.
    AwaitsRoot {
        /// For which generation.
        generation: Generation,
        /// The key that waits.
        key: SpkiHash,
        /// The request, PEM.
        request: String,
    },
}

/// One generation of an issuer, as people see it.
pub(crate) struct GenerationView {
    /// Which.
    pub generation: Generation,
    /// Whether new certificates come from it.
    pub issues: bool,
    /// Its key.
    pub key: (KeyKind, SpkiHash),
    /// Its certificate.
    pub certificate: CertFingerprint,
    /// In force from and to.
    pub validity: (Time, Time),
    /// When it was last made the one that issues, and by which change; `None` for a first that
    /// always did.
    pub since: Option<(Time, ChangeId)>,
    /// When its last certificate is over; `None` when none is in date.
    pub last_certificate_ends: Option<Time>,
    /// Number of its newest CRL and until when that holds.
    pub crl: Option<(u64, Time)>,
    /// Where that is.
    pub crl_url: Option<String>,
}

/// One issuer with its generations.
pub(crate) struct IssuerView {
    /// Which.
    pub id: IssuerId,
    /// The generation that issues.
    pub active: Generation,
    /// The root below which all of them are.
    pub root: CertFingerprint,
    /// All, the newest first.
    pub generations: Vec<GenerationView>,
    /// The change that waits to rotate it, where there is one.
    pub waiting: Option<ChangeId>,
}

impl App {
    /// Every CA that runs here.
    pub(crate) async fn issuer_views(&self, asking: &Asking) -> Result<Vec<IssuerView>, Fault> {
        let mut all = Vec::new();
        for id in self.issuers.ids() {
            all.push(self.issuer_view(asking, &id).await?);
        }
        Ok(all)
    }

    /// One of them.
    pub(crate) async fn issuer_view(
        &self,
        asking: &Asking,
        id: &IssuerId,
    ) -> Result<IssuerView, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let active = self.issuing(id)?;
        let rows = self.store.generations().await?;
        let mut generations = Vec::new();
        for issuer in self.issuers.generations(id).into_iter().rev() {
            let identity = issuer.identity();
            let generation = identity.generation;
            let series = super::crl::whole_series(id, generation)?;
            let crl = self.store.latest_crl(&series).await?;
            let made = |row: &&GenerationRow| row.issuer == *id && row.generation == generation;
            let since = rows.iter().rfind(made).map(|row| (row.at, row.change.clone()));
            generations.push(GenerationView {
                generation,
                issues: generation == active.identity().generation,
                key: (identity.key.kind(), identity.key.hash()),
                certificate: CertFingerprint::of(issuer.certificate_der()),
                validity: (identity.not_before, identity.not_after),
                since,
                last_certificate_ends: self.last_end(id, generation).await?,
                crl: crl.map(|crl| (crl.number, crl.next_update)),
                crl_url: identity.places.crl_url.clone(),
            });
        }
        Ok(IssuerView {
            id: id.clone(),
            active: active.identity().generation,
            root: CertFingerprint::of(active.root_der()),
            generations,
            waiting: self.rotation_under_way(id).await?,
        })
    }

    async fn last_end(&self, id: &IssuerId, generation: Generation) -> Result<Option<Time>, Fault> {
        let bug = |_| Fault::bug("no serial of a generation");
        let first = generation.serial([0; 16]).map_err(bug)?;
        let last = generation.serial([0xff; 16]).map_err(bug)?;
        Ok(self.store.last_end_between(id, (&first, &last), self.now()).await?)
    }

    fn issuing(
        &self,
        id: &IssuerId,
    ) -> Result<std::sync::Arc<bailiwick_connect::issuer::BuiltinIssuer>, Fault> {
        self.issuers
            .get(id)
            .ok_or_else(|| Fault::not_found(format!("issuer `{id}` among those that run here")))
    }

    /// A rotation of this issuer that is not over.
    async fn rotation_under_way(&self, id: &IssuerId) -> Result<Option<ChangeId>, Fault> {
        let same = |step: &Step| matches!(step, Step::RotateIssuer(it) if it.issuer == *id);
        self.change_under_way("rotate-issuer", same).await
    }

    /// Asks that new certificates of an issuer come from another generation.
    pub(crate) async fn rotate_issuer(
        &self,
        asking: &Asking,
        id: &IssuerId,
        wish: RotateWish,
    ) -> Result<Rotation, Fault> {
        self.permit(asking, Access::Request, &Scope::Estate)?;
        let reason = words("reason", &wish.reason)?;
        let before = self.issuing(id)?.identity().generation;
        let _turn = WISHING.lock().await;
        if let Some(waiting) = self.rotation_under_way(id).await? {
            return Err(Fault::conflict(format!(
                "change `{waiting}` already rotates issuer `{id}`; approve or withdraw that one"
            )));
        }
        let (step, checks) = match (wish.to, wish.certificate) {
            (Some(_), Some(_)) => {
                return Err(Fault::input(
                    "certificate",
                    "a certificate is brought for the next generation only; leave `to` out",
                ));
            }
            (Some(to), None) => self.back_to(id, before, to)?,
            (None, Some(der)) => self.brought(id, before, &der)?,
            (None, None) => match self.next_generation(id, before)? {
                Ok(step) => step,
                Err(rotation) => return Ok(rotation),
            },
        };
        let request = Request {
            id: ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?,
            title: format!("rotate issuer {id} from generation {before} to {}", step.after),
            reason,
            by: Actor::Person(asking.by.clone()),
            service: None,
            zones: Vec::new(),
            at: self.now(),
        };
        let plan = Plan::of(Step::RotateIssuer(step));
        let loaded = self.submit(request, plan, checks, Batch::default()).await?;
        Ok(Rotation::Asked(Box::new(loaded)))
    }

    /// A generation that is there already.
    fn back_to(
        &self,
        id: &IssuerId,
        before: Generation,
        to: Generation,
    ) -> Result<(RotateIssuer, Vec<Precheck>), Fault> {
        if to == before {
            return Err(Fault::input("to", format!("generation {to} issues already")));
        }
        let Some(there) = self.issuers.generation(id, to) else {
            return Err(Fault::input("to", format!("issuer `{id}` has no generation {to}")));
        };
        let identity = there.identity();
        if identity.not_after < self.now() {
            let over = format!("generation {to} is over since {}", identity.not_after);
            return Err(Fault::input("to", over));
        }
        let print = CertFingerprint::of(there.certificate_der());
        let step = RotateIssuer {
            issuer: id.clone(),
            before,
            after: to,
            key: identity.key.hash(),
            certificate: Some(print),
        };
        Ok((step, vec![chain_check(to, identity.not_after)]))
    }

    /// The next generation by a root elsewhere.
    fn brought(
        &self,
        id: &IssuerId,
        before: Generation,
        der: &[u8],
    ) -> Result<(RotateIssuer, Vec<Precheck>), Fault> {
        let opening = self.opening(id, Generation::FIRST);
        let refused = |cause: bailiwick_connect::issuer::IssuerFault| {
            Fault::input("certificate", cause.to_string())
        };
        let standby = opening.generations(&self.sealer).standby().map_err(refused)?;
        let generation = standby.generation;
        let opening = self.opening(id, generation);
        let installed = opening.generations(&self.sealer).install(generation, der, self.now());
        let installed = installed.map_err(refused)?;
        let not_after = installed.identity().not_after;
        let step = RotateIssuer {
            issuer: id.clone(),
            before,
            after: generation,
            key: installed.identity().key.hash(),
            certificate: Some(CertFingerprint::of(der)),
        };
        self.issuers.put(installed);
        Ok((step, vec![chain_check(generation, not_after)]))
    }

    /// The next generation by the root here; where that is elsewhere, the request for it.
    fn next_generation(
        &self,
        id: &IssuerId,
        before: Generation,
    ) -> Result<Result<(RotateIssuer, Vec<Precheck>), Rotation>, Fault> {
        let opening = self.opening(id, Generation::FIRST);
        let generations = opening.generations(&self.sealer);
        let failed =
            |cause: bailiwick_connect::issuer::IssuerFault| Fault::conflict(cause.to_string());
        let standby = generations.standby().map_err(failed)?;
        let (generation, key) = (standby.generation, standby.key.hash());
        if !generations.root_is_here().map_err(failed)? {
            let request = standby.request;
            return Ok(Err(Rotation::AwaitsRoot { generation, key, request }));
        }
        let step =
            RotateIssuer { issuer: id.clone(), before, after: generation, key, certificate: None };
        let check = Precheck {
            name: "key-waits".to_owned(),
            holds: true,
            saw: format!(
                "the {} key of generation {generation} waits; the root that certifies it lies here",
                standby.key.kind()
            ),
            assignee: None,
        };
        Ok(Ok((step, vec![check])))
    }
}

fn chain_check(generation: Generation, not_after: Time) -> Precheck {
    Precheck {
        name: "chain-continues".to_owned(),
        holds: true,
        saw: format!(
            "generation {generation} is certified by the root that clients trust, until {not_after}"
        ),
        assignee: None,
    }
}
