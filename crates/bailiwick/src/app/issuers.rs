//! The CAs that run here, with every generation of each. One of them issues; every one answers for
//! what it issued, with its CRLs and its OCSP responder, until its own certificate is over.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use bailiwick_connect::issuer::{BuiltinIssuer, Generations, IssuerPlan};
use bailiwick_connect::keys::Sealer;
use bailiwick_core::certificate::Generation;
use bailiwick_core::names::{CertFingerprint, CertSerial, IssuerId};
use bailiwick_store::GenerationRow;

use super::App;
use super::start_keys::{issuer_folder, issuer_plan_at};
use crate::fault::Fault;

/// The CAs of this process by their id in the estate.
#[derive(Default)]
pub(crate) struct Issuers(RwLock<BTreeMap<IssuerId, Family>>);

/// The generations of one.
#[derive(Clone)]
struct Family {
    all: BTreeMap<Generation, Arc<BuiltinIssuer>>,
    active: Generation,
}

impl Issuers {
    /// Adds a generation that was opened; the first one of an issuer is the one that issues.
    pub(crate) fn put(&self, issuer: BuiltinIssuer) {
        let (id, generation) = (issuer.identity().id.clone(), issuer.identity().generation);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let family = all.entry(id).or_insert(Family { all: BTreeMap::new(), active: generation });
        family.all.insert(generation, Arc::new(issuer));
    }

    /// Lets a generation issue; `false` when it was not opened.
    fn activate(&self, id: &IssuerId, generation: Generation) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(family) = all.get_mut(id) else { return false };
        let known = family.all.contains_key(&generation);
        if known {
            family.active = generation;
        }
        known
    }

    fn family(&self, id: &IssuerId) -> Option<Family> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Whether it runs here.
    pub(crate) fn contains_key(&self, id: &IssuerId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// The generation that issues.
    pub(crate) fn get(&self, id: &IssuerId) -> Option<Arc<BuiltinIssuer>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(id).and_then(|family| family.all.get(&family.active)).cloned()
    }

    /// One generation.
    pub(crate) fn generation(
        &self,
        id: &IssuerId,
        generation: Generation,
    ) -> Option<Arc<BuiltinIssuer>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(id).and_then(|family| family.all.get(&generation)).cloned()
    }

    /// The generation that answers for a serial.
    pub(crate) fn of(&self, id: &IssuerId, serial: &CertSerial) -> Option<Arc<BuiltinIssuer>> {
        self.generation(id, Generation::of(serial))
    }

    /// Every generation of one, the first first.
    pub(crate) fn generations(&self, id: &IssuerId) -> Vec<Arc<BuiltinIssuer>> {
        self.family(id).map(|family| family.all.into_values().collect()).unwrap_or_default()
    }

    /// Every generation of every one.
    pub(crate) fn every(&self) -> Vec<Arc<BuiltinIssuer>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.values().flat_map(|family| family.all.values().cloned()).collect()
    }

    /// Whose CAs run here.
    pub(crate) fn ids(&self) -> Vec<IssuerId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Opens what the ledger names and was not opened yet, and lets the newest of each issue.
    ///
    /// # Errors
    /// [`Fault`] where a generation is named that does not lie here as it is named.
    pub(super) fn follow(
        &self,
        rows: &[GenerationRow],
        open: &dyn Fn(&IssuerId, Generation) -> Result<BuiltinIssuer, Fault>,
    ) -> Result<(), Fault> {
        for row in rows.iter().filter(|row| self.contains_key(&row.issuer)) {
            let known = self.generation(&row.issuer, row.generation);
            let print = match &known {
                Some(known) => CertFingerprint::of(known.certificate_der()),
                None => {
                    let opened = open(&row.issuer, row.generation)?;
                    let print = CertFingerprint::of(opened.certificate_der());
                    if print == row.certificate {
                        self.put(opened);
                    }
                    print
                }
            };
            if print != row.certificate {
                return Err(Fault::Damaged {
                    message: format!(
                        "generation {} of issuer `{}` has another certificate than the ledger says; put its files back from the backup",
                        row.generation, row.issuer
                    ),
                });
            }
        }
        // The rows come in order: the last of each issuer counts.
        for row in rows {
            self.activate(&row.issuer, row.generation);
        }
        Ok(())
    }
}

impl App {
    /// How the CA of an issuer is made now, and where it lies.
    pub(crate) fn opening(&self, id: &IssuerId, generation: Generation) -> Opening {
        let live = self.live.get();
        let token = self.token.as_ref();
        let plan = issuer_plan_at(&self.settings, live.estate(), id, token, generation);
        Opening { folder: issuer_folder(&self.settings.data, id), plan }
    }

    /// Follows the ledger: what was rotated here or by another replica issues from now on.
    pub(crate) async fn refresh_issuers(&self) -> Result<(), Fault> {
        let rows = self.store.generations().await?;
        if rows.is_empty() {
            return Ok(());
        }
        self.issuers.follow(&rows, &|id, generation| {
            let opening = self.opening(id, generation);
            opening.generations(&self.sealer).open(generation).map_err(|cause| Fault::Damaged {
                message: format!("generation {generation} of issuer `{id}`: {cause}"),
            })
        })
    }
}

/// The folder of a CA, and how it is made.
pub(crate) struct Opening {
    folder: PathBuf,
    plan: IssuerPlan,
}

impl Opening {
    /// The generations that lie there.
    pub(crate) fn generations<'a>(&'a self, sealer: &'a Sealer) -> Generations<'a> {
        Generations::new(&self.folder, &self.plan, sealer)
    }
}
