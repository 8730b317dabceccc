//! The folder of a built-in CA, made in an order that survives being killed on any line.
//!
//! ```text
//! root.sealed → root.pem → intermediate.sealed → intermediate.pem → complete
//! ```
//! A key is on the disk before the certificate that names it, and `complete` names both
//! certificates and comes last. A start that finds no `complete` goes on where the last one
//! stopped, with the keys that are there. A start that finds it makes nothing: what is missing then
//! was lost. Once complete, `root.sealed` may be taken away and kept offline; only making the
//! intermediate needed it. Where the keys live in a token, its objects stand for the sealed files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_core::certificate::{IssuerIdentity, IssuerPlaces, SubjectKey, random_serial};
use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::names::{CertFingerprint, DnsName, IssuerId};
use bailiwick_core::time::{DAY_MS, SECOND_MS, Time};
use bailiwick_wire::x509::{
    AuthorityKind, AuthoritySpec, Organisation, assemble_authority, organisation_of, read_chain,
    read_issuer, verify_authority, write_authority, write_chain,
};

use super::fault::IssuerFault;
use super::home::Home;
use super::key::CaKey;
use crate::keys::{KeyFault, KeyFiles, Readers, Sealer, put};
use crate::token::Token;

/// How long a root lasts: ten years, so that it outlives two generations of intermediates.
const ROOT_MS: i64 = 3_650 * DAY_MS;
/// How long an intermediate lasts.
const INTERMEDIATE_MS: i64 = 1_825 * DAY_MS;
/// How far validity begins in the past, for clocks that are slow.
const BACKDATE_MS: i64 = DAY_MS;

/// What a CA is to be made of, should it not exist yet.
#[derive(Clone, Debug)]
pub struct IssuerPlan {
    /// Its key in the estate.
    pub id: IssuerId,
    /// The organisation, for the CA's names.
    pub organisation: String,
    /// The keys of root and intermediate.
    pub key: AuthorityKey,
    /// The DNS names that the intermediate may certify, at or below; `None` for any.
    pub permitted: Option<BTreeSet<DnsName>>,
    /// Where what it publishes is fetched.
    pub places: IssuerPlaces,
    /// The token that its keys live in; `None` for sealed files.
    pub token: Option<Arc<Token>>,
}

/// A complete CA.
pub(super) struct Made {
    pub(super) identity: IssuerIdentity,
    pub(super) issuing_key: CaKey,
    pub(super) issuing_der: Vec<u8>,
    pub(super) root_der: Vec<u8>,
}

pub(super) struct CaFolder<'a> {
    folder: &'a Path,
    pub(super) plan: &'a IssuerPlan,
    sealer: &'a Sealer,
    pub(super) home: Home<'a>,
}

fn home_of<'a>(folder: &'a Path, plan: &'a IssuerPlan, sealer: &'a Sealer, role: &str) -> Home<'a> {
    let files = KeyFiles::new(folder.to_owned(), sealer);
    let sealed = sealer.disk().read(&files.path(role));
    match &plan.token {
        // A key that was made in a file stays there: the estate says where new ones are made.
        Some(_) if !matches!(sealed, Ok(None)) => Home::sealed(files, sealer, plan),
        Some(token) => Home::Token { token, issuer: plan.id.clone() },
        None => Home::sealed(files, sealer, plan),
    }
}

/// Whether the CA was complete at some start before.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Before {
    Complete,
    NotComplete,
}

/// The request of a CA whose root is elsewhere: from then on no root is made here.
pub(super) const REQUEST: &str = "request.pem";
pub(super) const ROOT: &str = "root";
pub(super) const INTERMEDIATE: &str = "intermediate";

impl<'a> CaFolder<'a> {
    pub(super) fn new(folder: &'a Path, plan: &'a IssuerPlan, sealer: &'a Sealer) -> Self {
        let home = home_of(folder, plan, sealer, INTERMEDIATE);
        Self { folder, plan, sealer, home }
    }

    /// Where the key of a role is, or would be made.
    pub(super) fn home_of(&self, role: &str) -> Home<'a> {
        home_of(self.folder, self.plan, self.sealer, role)
    }

    pub(super) fn open_or_make(
        &self,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<Made, IssuerFault> {
        let complete = self.folder.join("complete");
        let named = self.read(&complete)?;
        let before = if named.is_some() { Before::Complete } else { Before::NotComplete };
        let (root, root_der) = self.root(before, serials, now)?;
        let (issuing_key, issuing_der) = self.intermediate(before, &root, serials, now)?;
        let path = self.certificate_path(INTERMEDIATE);
        let identity = self.identity(&path, &issuing_der)?;
        if identity.key.hash() != issuing_key.subject().hash() {
            return Err(IssuerFault::OtherKey { path });
        }
        verify_authority(&issuing_der, &root)
            .map_err(|cause| IssuerFault::Authority { path, cause })?;
        let names = format!(
            "{ROOT} {}\n{INTERMEDIATE} {}\n",
            CertFingerprint::of(&root_der),
            CertFingerprint::of(&issuing_der)
        );
        match named {
            Some(named) if named == names.as_bytes() => {}
            Some(_) => return Err(IssuerFault::Changed { path: complete }),
            None => self.write(&complete, names.as_bytes())?,
        }
        Ok(Made { identity, issuing_key, issuing_der, root_der })
    }

    /// The root as an issuer, and its certificate.
    pub(super) fn root(
        &self,
        before: Before,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<(IssuerIdentity, Vec<u8>), IssuerFault> {
        let path = self.certificate_path(ROOT);
        let der = match (self.certificate(&path)?, before) {
            (Some(der), _) => der,
            (None, Before::Complete) => return Err(IssuerFault::Lost { path }),
            (None, Before::NotComplete) => {
                // Below the root nothing can have been made yet.
                if self.read(&self.folder.join(REQUEST))?.is_some() {
                    return Err(IssuerFault::AwaitsRoot { issuer: self.plan.id.clone() });
                }
                let below = self.certificate(&self.certificate_path(INTERMEDIATE))?;
                if below.is_some() || self.home.read(INTERMEDIATE)?.is_some() {
                    return Err(IssuerFault::Lost { path });
                }
                let key = match self.home.read(ROOT)? {
                    Some(key) => key,
                    None => self.home.make(ROOT, self.plan.key)?,
                };
                let spec = self.spec(AuthorityKind::Root, key.subject(), serials, now)?;
                self.certify(&path, &spec, &key)?
            }
        };
        let root = self.identity(&path, &der)?;
        verify_authority(&der, &root).map_err(|cause| IssuerFault::Authority { path, cause })?;
        Ok((root, der))
    }

    /// The intermediate's key and certificate.
    fn intermediate(
        &self,
        before: Before,
        root: &IssuerIdentity,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<(CaKey, Vec<u8>), IssuerFault> {
        let path = self.certificate_path(INTERMEDIATE);
        let certificate = self.certificate(&path)?;
        let key = self.home.read(INTERMEDIATE)?;
        match (key, certificate, before) {
            (Some(key), Some(der), _) => Ok((key, der)),
            (None, Some(_), _) | (None, None, Before::Complete) => {
                Err(self.home.lost(INTERMEDIATE).into())
            }
            (Some(_), None, Before::Complete) => Err(IssuerFault::Lost { path }),
            (key, None, Before::NotComplete) => {
                let key = match key {
                    Some(key) => key,
                    None => self.home.make(INTERMEDIATE, self.plan.key)?,
                };
                if self.read(&self.folder.join(REQUEST))?.is_some() {
                    return Err(IssuerFault::AwaitsRoot { issuer: self.plan.id.clone() });
                }
                let signer = self.home.read(ROOT)?.ok_or_else(|| self.home.lost(ROOT))?;
                if signer.subject().hash() != root.key.hash() {
                    return Err(IssuerFault::OtherKey { path: self.certificate_path(ROOT) });
                }
                let spec = self.spec(
                    AuthorityKind::Issuing { parent: root },
                    key.subject(),
                    serials,
                    now,
                )?;
                let der = self.certify(&path, &spec, &signer)?;
                Ok((key, der))
            }
        }
    }

    pub(super) fn spec<'k>(
        &self,
        kind: AuthorityKind<'k>,
        key: &SubjectKey,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<AuthoritySpec<'k>, IssuerFault> {
        let random = serials().ok_or(KeyFault::NoRandomness)?;
        let serial = random_serial(random).map_err(|_| KeyFault::NoRandomness)?;
        // Certificates count whole seconds.
        let not_before = Time::from_unix_seconds(now.unix_seconds()).plus_ms(-BACKDATE_MS);
        let not_after = match &kind {
            AuthorityKind::Root => not_before.plus_ms(ROOT_MS - SECOND_MS),
            AuthorityKind::Issuing { parent } => {
                not_before.plus_ms(INTERMEDIATE_MS - SECOND_MS).min(parent.not_after)
            }
        };
        let organisation = match &kind {
            AuthorityKind::Issuing { parent } => organisation_of(parent),
            AuthorityKind::Root => None,
        };
        let organisation = match organisation {
            Some(of_the_root) => of_the_root,
            None => Organisation::parse(&self.plan.organisation)?,
        };
        let key = key.clone();
        let permitted = self.plan.permitted.clone();
        let places = IssuerPlaces::default();
        Ok(AuthoritySpec {
            kind,
            organisation,
            key,
            serial,
            not_before,
            not_after,
            permitted,
            places,
        })
    }

    fn certify(
        &self,
        path: &Path,
        spec: &AuthoritySpec<'_>,
        signer: &CaKey,
    ) -> Result<Vec<u8>, IssuerFault> {
        let tbs = write_authority(spec)
            .map_err(|cause| IssuerFault::Authority { path: path.to_owned(), cause })?;
        let der = assemble_authority(&tbs, signer.subject(), &signer.sign(&tbs)?);
        self.write(path, write_chain([der.as_slice()]).as_bytes())?;
        Ok(der)
    }

    pub(super) fn identity(&self, path: &Path, der: &[u8]) -> Result<IssuerIdentity, IssuerFault> {
        read_issuer(der, self.plan.id.clone(), self.plan.places.clone())
            .map_err(|cause| IssuerFault::Authority { path: path.to_owned(), cause })
    }

    pub(super) fn certificate_path(&self, role: &str) -> PathBuf {
        self.folder.join(format!("{role}.pem"))
    }

    pub(super) fn certificate(&self, path: &Path) -> Result<Option<Vec<u8>>, IssuerFault> {
        let Some(text) = self.read(path)? else { return Ok(None) };
        let chain = read_chain(&text)
            .map_err(|cause| IssuerFault::Unreadable { path: path.to_owned(), cause })?;
        match <[Vec<u8>; 1]>::try_from(chain) {
            Ok([der]) => Ok(Some(der)),
            Err(many) => Err(IssuerFault::NotOne { path: path.to_owned(), count: many.len() }),
        }
    }

    pub(super) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, IssuerFault> {
        let found = self.sealer.disk().read(path).map_err(KeyFault::io(path))?;
        Ok(found.map(|found| found.octets.to_vec()))
    }

    pub(super) fn write(&self, path: &Path, octets: &[u8]) -> Result<(), IssuerFault> {
        let written = put(self.sealer.disk(), path, octets, Readers::Everybody);
        Ok(written.map_err(KeyFault::io(path))?)
    }
}
