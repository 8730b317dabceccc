//! Ceremonies: a root that never touches a network, and an issuing CA that waits for its answer.
//!
//! On the server [`request`] makes the issuing key and a request; from then on no root is made
//! there. On the offline machine [`OfflineRoot`] signs that request. Back on the server [`install`]
//! takes root and intermediate, if they are for the key that waits; the next start finds the CA
//! whole. Each step may be repeated: what is there already is not made anew.

use std::collections::BTreeSet;
use std::path::Path;

use bailiwick_core::certificate::{IssuerIdentity, SubjectKey};
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{
    AuthorityKind, Organisation, assemble_authority, assemble_request, read_issuer, read_request,
    verify_authority, write_authority, write_chain, write_pem, write_request,
};

use super::fault::IssuerFault;
use super::folder::{Before, CaFolder, INTERMEDIATE, IssuerPlan, REQUEST, ROOT};
use super::key::CaKey;
use crate::keys::{KeyFault, Sealer};

/// A root in a folder of its own.
pub struct OfflineRoot<'a> {
    folder: CaFolder<'a>,
    identity: IssuerIdentity,
    key: CaKey,
    der: Vec<u8>,
}

impl<'a> OfflineRoot<'a> {
    /// Opens the root of a folder; makes it at the first time.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn open(
        folder: &'a Path,
        plan: &'a IssuerPlan,
        sealer: &'a Sealer,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<Self, IssuerFault> {
        let folder = CaFolder::new(folder, plan, sealer);
        let (identity, der) = folder.root(Before::NotComplete, serials, now)?;
        let key = folder.home.read(ROOT)?.ok_or_else(|| folder.home.lost(ROOT))?;
        if key.subject().hash() != identity.key.hash() {
            return Err(IssuerFault::OtherKey { path: folder.certificate_path(ROOT) });
        }
        Ok(Self { folder, identity, key, der })
    }

    /// Its certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What certificates below it need to know.
    #[must_use]
    pub const fn identity(&self) -> &IssuerIdentity {
        &self.identity
    }

    /// Certifies the issuing CA of a request, and checks the result before anybody gets it.
    ///
    /// # Errors
    /// [`IssuerFault`].
    pub fn certify(
        &self,
        key: &SubjectKey,
        permitted: Option<BTreeSet<DnsName>>,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<Vec<u8>, IssuerFault> {
        let kind = AuthorityKind::Issuing { parent: &self.identity };
        let mut spec = self.folder.spec(kind, key, serials, now)?;
        spec.permitted = permitted;
        let tbs = write_authority(&spec).map_err(IssuerFault::Brought)?;
        let der = assemble_authority(&tbs, self.key.subject(), &self.key.sign(&tbs)?);
        verify_authority(&der, &self.identity).map_err(IssuerFault::Brought)?;
        Ok(der)
    }
}

/// The key of an issuing CA's request, DER.
///
/// # Errors
/// [`IssuerFault::Request`].
pub fn requested_key(der: &[u8]) -> Result<SubjectKey, IssuerFault> {
    Ok(read_request(der)?)
}

/// Makes the key of an issuing CA whose root is elsewhere, and its request, PEM.
///
/// # Errors
/// [`IssuerFault::Exists`] where there is a CA already; else [`IssuerFault`].
pub fn request(folder: &Path, plan: &IssuerPlan, sealer: &Sealer) -> Result<String, IssuerFault> {
    let ca = CaFolder::new(folder, plan, sealer);
    for role in [ROOT, INTERMEDIATE] {
        let path = ca.certificate_path(role);
        if ca.certificate(&path)?.is_some() {
            return Err(IssuerFault::Exists { path });
        }
    }
    let place = folder.join(REQUEST);
    if let Some(before) = ca.read(&place)? {
        return Ok(String::from_utf8_lossy(&before).into_owned());
    }
    let key = match ca.home.read(INTERMEDIATE)? {
        Some(key) => key,
        None => ca.home.make(INTERMEDIATE, plan.key)?,
    };
    let organisation = Organisation::parse(&plan.organisation)?;
    let info = write_request(&organisation, key.subject())?;
    let der = assemble_request(&info, key.subject(), &key.sign(&info)?);
    read_request(&der)?;
    let pem = write_pem("CERTIFICATE REQUEST", &der);
    ca.write(&place, pem.as_bytes())?;
    Ok(pem)
}

/// Takes root and intermediate that a ceremony made for the key that waits here.
///
/// # Errors
/// [`IssuerFault`]; then nothing was written that was not there.
pub fn install(
    folder: &Path,
    plan: &IssuerPlan,
    sealer: &Sealer,
    (root, intermediate): (&[u8], &[u8]),
    now: Time,
) -> Result<IssuerIdentity, IssuerFault> {
    let ca = CaFolder::new(folder, plan, sealer);
    let read = |der: &[u8]| {
        read_issuer(der, plan.id.clone(), plan.places.clone()).map_err(IssuerFault::Brought)
    };
    let (signer, issuing) = (read(root)?, read(intermediate)?);
    verify_authority(root, &signer).map_err(IssuerFault::Brought)?;
    verify_authority(intermediate, &signer).map_err(IssuerFault::Brought)?;
    let key = ca.home.read(INTERMEDIATE)?.ok_or_else(|| -> KeyFault { ca.home.lost(INTERMEDIATE) });
    if key?.subject().hash() != issuing.key.hash() {
        return Err(IssuerFault::NotOurKey);
    }
    same_constraints(&issuing, plan)?;
    for one in [&signer, &issuing] {
        if now < one.not_before || one.not_after < now {
            return Err(IssuerFault::NotInForce { from: one.not_before, to: one.not_after });
        }
    }
    for (role, der) in [(ROOT, root), (INTERMEDIATE, intermediate)] {
        let path = ca.certificate_path(role);
        match ca.certificate(&path)? {
            Some(there) if there == der => {}
            Some(_) => return Err(IssuerFault::Exists { path }),
            None => ca.write(&path, write_chain([der]).as_bytes())?,
        }
    }
    Ok(issuing)
}

/// Whether a certificate permits what the estate says.
pub(super) fn same_constraints(
    issuing: &IssuerIdentity,
    plan: &IssuerPlan,
) -> Result<(), IssuerFault> {
    if issuing.permitted == plan.permitted {
        return Ok(());
    }
    let (brought, planned) = (shown(issuing.permitted.as_ref()), shown(plan.permitted.as_ref()));
    Err(IssuerFault::OtherConstraints { brought, planned })
}

fn shown(permitted: Option<&BTreeSet<DnsName>>) -> String {
    let Some(names) = permitted else { return "any name".to_owned() };
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
