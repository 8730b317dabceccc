//! Further generations of an issuing CA, below the same root.
//!
//! The first is the folder's `intermediate`; the ones after it are `intermediate-2`, `intermediate-3` …
//! each with a key where the estate says that keys are made now. A key comes first and waits; its
//! certificate comes from the root that lies here, or from one elsewhere. What has a certificate is
//! never made anew.

use std::path::Path;

use bailiwick_core::certificate::{Generation, IssuerIdentity, SubjectKey};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{
    AuthorityKind, Organisation, assemble_authority, assemble_request, organisation_of,
    read_request, verify_authority, write_authority, write_chain, write_pem, write_request,
};

use super::builtin::BuiltinIssuer;
use super::fault::IssuerFault;
use super::folder::{Before, CaFolder, INTERMEDIATE, IssuerPlan, Made, ROOT};
use crate::keys::Sealer;

/// A key that waits for its certificate.
pub struct Standby {
    /// Of which generation it will be.
    pub generation: Generation,
    /// Its public half.
    pub key: SubjectKey,
    /// Its request, for a root that is elsewhere, PEM.
    pub request: String,
}

/// The generations of one CA.
pub struct Generations<'a> {
    ca: CaFolder<'a>,
}

impl<'a> Generations<'a> {
    /// Those in a folder.
    #[must_use]
    pub fn new(folder: &'a Path, plan: &'a IssuerPlan, sealer: &'a Sealer) -> Self {
        Self { ca: CaFolder::new(folder, plan, sealer) }
    }

    /// Every generation after the first that has a certificate.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn later(&self) -> Result<Vec<Generation>, IssuerFault> {
        let mut found = Vec::new();
        let mut next = Generation::FIRST.next();
        while let Some(generation) = next {
            if self.certificate(generation)?.is_none() {
                break;
            }
            found.push(generation);
            next = generation.next();
        }
        Ok(found)
    }

    /// The next generation: its key is made, or found where an earlier wish made it.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn standby(&self) -> Result<Standby, IssuerFault> {
        let last = self.later()?.last().copied().unwrap_or(Generation::FIRST);
        let issuer = self.ca.plan.id.clone();
        let generation = last.next().ok_or(IssuerFault::NoMoreGenerations { issuer })?;
        let role = role(generation);
        let home = self.ca.home_of(&role);
        let key = match home.read(&role)? {
            Some(key) => key,
            None => home.make(&role, self.ca.plan.key)?,
        };
        let (root, _) = self.root()?;
        let organisation = match organisation_of(&root) {
            Some(of_the_root) => of_the_root,
            None => Organisation::parse(&self.ca.plan.organisation)?,
        };
        let info = write_request(&organisation, key.subject())?;
        let der = assemble_request(&info, key.subject(), &key.sign(&info)?);
        read_request(&der)?;
        let request = write_pem("CERTIFICATE REQUEST", &der);
        Ok(Standby { generation, key: key.subject().clone(), request })
    }

    /// Whether the root's key lies here, so that nothing has to be carried.
    ///
    /// # Errors
    /// [`IssuerFault`] when it cannot be known.
    pub fn root_is_here(&self) -> Result<bool, IssuerFault> {
        Ok(self.ca.home_of(ROOT).read(ROOT)?.is_some())
    }

    /// The octets that the root here may sign for this generation.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn prepare(
        &self,
        generation: Generation,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<Vec<u8>, IssuerFault> {
        let (root, _) = self.root()?;
        let key = self.key(generation)?;
        let kind = AuthorityKind::Issuing { parent: &root };
        let spec = self.ca.spec(kind, &key, serials, now)?;
        write_authority(&spec).map_err(IssuerFault::Brought)
    }

    /// Lets the root here sign what was prepared, checks it, and keeps it. Twice is the same as once.
    ///
    /// # Errors
    /// [`IssuerFault`]; then nothing was kept.
    pub fn certify(
        &self,
        generation: Generation,
        tbs: &[u8],
    ) -> Result<BuiltinIssuer, IssuerFault> {
        if self.certificate(generation)?.is_none() {
            let (root, _) = self.root()?;
            let home = self.ca.home_of(ROOT);
            let signer = home.read(ROOT)?.ok_or_else(|| home.lost(ROOT))?;
            if signer.subject().hash() != root.key.hash() {
                return Err(IssuerFault::OtherKey { path: self.ca.certificate_path(ROOT) });
            }
            let der = assemble_authority(tbs, signer.subject(), &signer.sign(tbs)?);
            self.keep(generation, &root, &der)?;
        }
        self.open(generation)
    }

    /// Takes a certificate that a root elsewhere made for the key of this generation.
    ///
    /// # Errors
    /// [`IssuerFault`]; then nothing was kept.
    pub fn install(
        &self,
        generation: Generation,
        der: &[u8],
        now: Time,
    ) -> Result<BuiltinIssuer, IssuerFault> {
        let (root, _) = self.root()?;
        let brought = self.checked(generation, &root, der)?;
        if now < brought.not_before || brought.not_after < now {
            let (from, to) = (brought.not_before, brought.not_after);
            return Err(IssuerFault::NotInForce { from, to });
        }
        match self.certificate(generation)? {
            Some(there) if there == der => {}
            Some(_) => {
                let path = self.ca.certificate_path(&role(generation));
                return Err(IssuerFault::Exists { path });
            }
            None => self.keep(generation, &root, der)?,
        }
        self.open(generation)
    }

    /// Opens a generation that has its certificate.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn open(&self, generation: Generation) -> Result<BuiltinIssuer, IssuerFault> {
        let role = role(generation);
        let path = self.ca.certificate_path(&role);
        let (root, root_der) = self.root()?;
        let issuing_der = self
            .certificate(generation)?
            .ok_or_else(|| IssuerFault::Lost { path: path.clone() })?;
        let home = self.ca.home_of(&role);
        let issuing_key = home.read(&role)?.ok_or_else(|| home.lost(&role))?;
        let identity = IssuerIdentity { generation, ..self.ca.identity(&path, &issuing_der)? };
        if identity.key.hash() != issuing_key.subject().hash() {
            return Err(IssuerFault::OtherKey { path });
        }
        verify_authority(&issuing_der, &root)
            .map_err(|cause| IssuerFault::Authority { path, cause })?;
        Ok(BuiltinIssuer::of(Made { identity, issuing_key, issuing_der, root_der }))
    }

    fn root(&self) -> Result<(IssuerIdentity, Vec<u8>), IssuerFault> {
        // Complete: whoever rotates has a root, and none is made here.
        self.ca.root(Before::Complete, &|| None, Time::from_unix_seconds(0))
    }

    fn key(&self, generation: Generation) -> Result<SubjectKey, IssuerFault> {
        let role = role(generation);
        let home = self.ca.home_of(&role);
        let key = home.read(&role)?.ok_or_else(|| home.lost(&role))?;
        Ok(key.subject().clone())
    }

    fn certificate(&self, generation: Generation) -> Result<Option<Vec<u8>>, IssuerFault> {
        self.ca.certificate(&self.ca.certificate_path(&role(generation)))
    }

    /// Whether a certificate is this root's, for our key, and permits what the estate says.
    fn checked(
        &self,
        generation: Generation,
        root: &IssuerIdentity,
        der: &[u8],
    ) -> Result<IssuerIdentity, IssuerFault> {
        let plan = self.ca.plan;
        let read = bailiwick_wire::x509::read_issuer(der, plan.id.clone(), plan.places.clone());
        let issuing = read.map_err(IssuerFault::Brought)?;
        verify_authority(der, root).map_err(IssuerFault::Brought)?;
        if self.key(generation)?.hash() != issuing.key.hash() {
            return Err(IssuerFault::NotOurKey);
        }
        super::ceremony::same_constraints(&issuing, plan)?;
        Ok(issuing)
    }

    fn keep(
        &self,
        generation: Generation,
        root: &IssuerIdentity,
        der: &[u8],
    ) -> Result<(), IssuerFault> {
        self.checked(generation, root, der)?;
        let path = self.ca.certificate_path(&role(generation));
        self.ca.write(&path, write_chain([der]).as_bytes())
    }
}

/// What a generation's files and keys are called.
fn role(generation: Generation) -> String {
    if generation == Generation::FIRST {
        INTERMEDIATE.to_owned()
    } else {
        format!("{INTERMEDIATE}-{generation}")
    }
}
