//! The built-in CA: signs in this process with keys that lie sealed in its folder.

use std::fmt;
use std::path::Path;

use bailiwick_core::certificate::{CrlSpec, Generation, IssuerIdentity, Tbs};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{
    assemble, assemble_crl, verify_crl, verify_signed, write_chain, write_crl,
};

use super::fault::IssuerFault;
use super::folder::{CaFolder, IssuerPlan, Made};
use super::key::CaKey;
use super::responder::{NewResponder, OcspResponder};
use crate::keys::Sealer;

/// A CA that signs in this process.
///
/// It signs [`Tbs`] and CRLs, nothing else: a CA certificate is made once, when the folder is, and
/// then no more, so that nobody mints a CA with it (threat T21).
pub struct BuiltinIssuer {
    identity: IssuerIdentity,
    key: CaKey,
    certificate: Vec<u8>,
    root: Vec<u8>,
    chain: String,
}

impl fmt::Debug for BuiltinIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltinIssuer").field("id", &self.identity.id).finish_non_exhaustive()
    }
}

impl BuiltinIssuer {
    /// Opens the CA of a folder, and makes it at the first start or finishes making it.
    ///
    /// # Errors
    /// [`IssuerFault`]; what was once complete is never made anew, and nothing is replaced.
    pub fn open(
        folder: &Path,
        plan: &IssuerPlan,
        sealer: &Sealer,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<Self, IssuerFault> {
        Ok(Self::of(CaFolder::new(folder, plan, sealer).open_or_make(serials, now)?))
    }

    pub(super) fn of(made: Made) -> Self {
        // The root is for trust stores; a chain that is served holds what leads to it.
        let chain = write_chain([made.issuing_der.as_slice()]);
        Self {
            identity: made.identity,
            key: made.issuing_key,
            certificate: made.issuing_der,
            root: made.root_der,
            chain,
        }
    }

    /// What certificates need to know of it.
    #[must_use]
    pub const fn identity(&self) -> &IssuerIdentity {
        &self.identity
    }

    /// The intermediate's certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The root's certificate, DER: what relying parties trust.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        &self.root
    }

    /// What is served behind a leaf, PEM.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain
    }

    /// Signs exactly these octets, and checks the result before anybody gets it.
    ///
    /// # Errors
    /// [`IssuerFault::OtherIssuer`], also for another generation; [`IssuerFault::Key`],
    /// [`IssuerFault::Certificate`].
    pub fn sign_tbs(&self, tbs: &Tbs) -> Result<Vec<u8>, IssuerFault> {
        let generation = Generation::of(&tbs.spec().serial);
        if tbs.spec().issuer != self.identity.id || generation != self.identity.generation {
            let (issuer, named) = (self.identity.id.clone(), tbs.spec().issuer.clone());
            return Err(IssuerFault::OtherIssuer { issuer, named });
        }
        let der = assemble(tbs, &self.identity, &self.key.sign(tbs.bytes())?);
        verify_signed(&der, tbs, &self.identity)?;
        Ok(der)
    }

    /// Certifies an OCSP responder, and checks the result before anybody gets it.
    ///
    /// # Errors
    /// [`IssuerFault::Responder`] or [`IssuerFault::Key`].
    pub fn certify_responder(
        &self,
        new: NewResponder,
        now: Time,
    ) -> Result<OcspResponder, IssuerFault> {
        let signature = self.key.sign(new.tbs().bytes())?;
        new.certified(&self.identity, &signature, now)
    }

    /// Signs a CRL, and checks the result before anybody gets it.
    ///
    /// # Errors
    /// [`IssuerFault::Crl`] or [`IssuerFault::Key`].
    pub fn sign_crl(&self, spec: &CrlSpec) -> Result<Vec<u8>, IssuerFault> {
        let tbs = write_crl(spec, &self.identity)?;
        let der = assemble_crl(&tbs, &self.identity, &self.key.sign(&tbs)?);
        verify_crl(&der, spec, &self.identity)?;
        Ok(der)
    }
}
