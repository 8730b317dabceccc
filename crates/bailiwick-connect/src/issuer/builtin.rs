//! The built-in CA: a root and an issuing intermediate, their keys sealed in its folder.
//!
//! Making it is safe to repeat: keys are written before the certificates that name them, and a start
//! that finds keys without certificates finishes the work with those keys.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::{
    CrlSpec, IssuerIdentity, KeyKind, SubjectKey, Tbs, check_crl, random_serial,
};
use bailiwick_core::names::IssuerId;
use bailiwick_core::time::{DAY_MS, SECOND_MS, Time};
use bailiwick_wire::x509::{
    AuthorityKind, AuthoritySpec, IssuerPlaces, Organisation, PublicKey, assemble, assemble_authority,
    assemble_crl, read_chain, read_issuer, verify_authority, verify_crl, verify_signed, write_authority,
    write_chain, write_crl,
};
use zeroize::Zeroizing;

use crate::keys::{KeyFault, KeyFiles, Sealer, write_new};

/// How long a root lasts: ten years, so that it outlives two generations of intermediates.
const ROOT_MS: i64 = 3_650 * DAY_MS;
/// How long an intermediate lasts.
const INTERMEDIATE_MS: i64 = 1_825 * DAY_MS;
/// How far validity begins in the past, for clocks that are slow.
const BACKDATE_MS: i64 = 3_600 * SECOND_MS;

/// Why the built-in CA cannot be had or does not sign.
#[derive(Debug, thiserror::Error)]
pub enum IssuerFault {
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeyFault),
    /// A certificate of its own is not what it should be.
    #[error("`{path}` is not the CA certificate it should be: {why}; restore it from a backup")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What should be signed cannot be.
    #[error("issuer `{issuer}` does not sign this: {why}")]
    Refused {
        /// Which issuer.
        issuer: IssuerId,
        /// Why.
        why: String,
    },
}

/// What a CA is to be made of, should it not exist yet.
#[derive(Clone, Debug)]
pub struct IssuerPlan {
    /// Its key in the estate.
    pub id: IssuerId,
    /// The organisation, for the CA's names.
    pub organisation: String,
    /// Where its CRL is fetched.
    pub crl_url: String,
    /// Where its certificate is fetched.
    pub ca_issuers_url: String,
}

/// A CA that signs in this process.
pub struct BuiltinIssuer {
    identity: IssuerIdentity,
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    chain: String,
}

impl fmt::Debug for BuiltinIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltinIssuer").field("id", &self.identity.id).finish_non_exhaustive()
    }
}

struct Made {
    key: EcdsaKeyPair,
    subject: SubjectKey,
}

impl BuiltinIssuer {
    /// Opens the CA of a folder, and makes what is missing of it.
    ///
    /// # Errors
    /// [`IssuerFault`]; nothing that exists is ever replaced.
    pub fn open(
        folder: &Path,
        plan: &IssuerPlan,
        sealer: &Sealer,
        serials: &dyn Fn() -> Option<[u8; 16]>,
        now: Time,
    ) -> Result<Self, IssuerFault> {
        let files = KeyFiles::new(folder.to_owned(), sealer);
        let root_key = key(&files, plan, "root")?;
        let key = key(&files, plan, "intermediate")?;
        let root_path = folder.join("root.pem");
        let places = IssuerPlaces::default();
        if !root_path.exists() {
            let spec = authority(plan, AuthorityKind::Root, &root_key, serials, (now, ROOT_MS))?;
            let der = sign_authority(plan, &spec, &root_key)?;
            write_new(&root_path, write_chain([der.as_slice()]).as_bytes())?;
        }
        let root_der = one_certificate(&root_path)?;
        let root = identity(&root_path, &root_der, plan, places, &root_key)?;
        verify_authority(&root_der, &root).map_err(damaged(&root_path))?;
        let path = folder.join("intermediate.pem");
        if !path.exists() {
            let kind = AuthorityKind::Issuing { parent: &root };
            let spec = authority(plan, kind, &key, serials, (now, INTERMEDIATE_MS))?;
            let der = sign_authority(plan, &spec, &root_key)?;
            write_new(&path, write_chain([der.as_slice()]).as_bytes())?;
        }
        let der = one_certificate(&path)?;
        let places = IssuerPlaces {
            crl_url: Some(plan.crl_url.clone()),
            ca_issuers_url: Some(plan.ca_issuers_url.clone()),
        };
        let identity = identity(&path, &der, plan, places, &key)?;
        verify_authority(&der, &root).map_err(damaged(&path))?;
        // The root is for trust stores; a chain that is served holds what leads to it.
        let chain = write_chain([der.as_slice()]);
        Ok(Self { identity, key: key.key, certificate: der, chain })
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

    /// What is served behind a leaf, PEM.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain
    }

    /// Signs exactly these octets, and checks the result before anybody gets it.
    ///
    /// # Errors
    /// [`IssuerFault::Refused`].
    pub fn sign_tbs(&self, tbs: &Tbs) -> Result<Vec<u8>, IssuerFault> {
        let signature = self.sign(tbs.bytes())?;
        let der = assemble(tbs, &self.identity, &signature);
        verify_signed(&der, tbs, &self.identity).map_err(self.refused())?;
        Ok(der)
    }

    /// Signs a CRL, and checks the result.
    ///
    /// # Errors
    /// [`IssuerFault::Refused`].
    pub fn sign_crl(&self, spec: &CrlSpec) -> Result<Vec<u8>, IssuerFault> {
        check_crl(spec, &self.identity.id).map_err(self.refused())?;
        let tbs = write_crl(spec, &self.identity).map_err(self.refused())?;
        let signature = self.sign(&tbs)?;
        let der = assemble_crl(&tbs, &self.identity, &signature);
        verify_crl(&der, spec, &self.identity).map_err(self.refused())?;
        Ok(der)
    }

    fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, IssuerFault> {
        let signature = self.key.sign(&SystemRandom::new(), octets);
        signature.map(|signature| signature.as_ref().to_vec()).map_err(self.refused())
    }

    fn refused<E: fmt::Display>(&self) -> impl Fn(E) -> IssuerFault + '_ {
        |cause| IssuerFault::Refused { issuer: self.identity.id.clone(), why: cause.to_string() }
    }
}

fn damaged<E: fmt::Display>(path: &Path) -> impl Fn(E) -> IssuerFault + '_ {
    move |cause| IssuerFault::Damaged { path: path.to_owned(), why: cause.to_string() }
}

/// A P-256 key pair out of its sealed file; made at the first time.
fn key(files: &KeyFiles<'_>, plan: &IssuerPlan, role: &str) -> Result<Made, IssuerFault> {
    let name = format!("{}-{role}", plan.id);
    let pkcs8 = files.get_or_make("ca-key", &name, || {
        let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
        let fresh = fresh.map_err(|_| KeyFault::Crypto("making a key"))?;
        Ok(Zeroizing::new(fresh.as_ref().to_vec()))
    })?;
    let broken = || KeyFault::Damaged { what: format!("the key `{name}`") };
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8).map_err(|_| broken())?;
    let spki = key.public_key().as_der().map_err(|_| broken())?;
    let spki: &[u8] = spki.as_ref();
    let subject = PublicKey::from_spki(spki).map_err(|_| broken())?.to_subject_key();
    if subject.kind() != KeyKind::EcdsaP256 {
        return Err(broken().into());
    }
    Ok(Made { key, subject })
}

fn authority<'a>(
    plan: &IssuerPlan,
    kind: AuthorityKind<'a>,
    key: &Made,
    serials: &dyn Fn() -> Option<[u8; 16]>,
    (now, lasts_ms): (Time, i64),
) -> Result<AuthoritySpec<'a>, IssuerFault> {
    let refused = |why: String| IssuerFault::Refused { issuer: plan.id.clone(), why };
    let random = serials().ok_or(KeyFault::NoRandomness)?;
    let serial = random_serial(random).map_err(|cause| refused(cause.to_string()))?;
    let organisation =
        Organisation::parse(&plan.organisation).map_err(|cause| refused(cause.to_string()))?;
    // Certificates count whole seconds.
    let start = Time::from_unix_seconds(now.unix_seconds()).plus_ms(-BACKDATE_MS);
    Ok(AuthoritySpec {
        kind,
        organisation,
        key: key.subject.clone(),
        serial,
        not_before: start,
        not_after: start.plus_ms(lasts_ms - SECOND_MS),
    })
}

fn sign_authority(
    plan: &IssuerPlan,
    spec: &AuthoritySpec<'_>,
    signer: &Made,
) -> Result<Vec<u8>, IssuerFault> {
    let refused = |why: String| IssuerFault::Refused { issuer: plan.id.clone(), why };
    let tbs = write_authority(spec).map_err(|cause| refused(cause.to_string()))?;
    let signature = signer
        .key
        .sign(&SystemRandom::new(), &tbs)
        .map_err(|_| KeyFault::Crypto("signing a CA certificate"))?;
    Ok(assemble_authority(&tbs, &signer.subject, signature.as_ref()))
}

fn one_certificate(path: &Path) -> Result<Vec<u8>, IssuerFault> {
    let octets = std::fs::read(path)
        .map_err(|cause| KeyFault::Io { path: path.to_owned(), cause })?;
    let chain = read_chain(&octets).map_err(damaged(path))?;
    match <[Vec<u8>; 1]>::try_from(chain) {
        Ok([der]) => Ok(der),
        Err(many) => Err(damaged(path)(format!("it holds {} certificates instead of 1", many.len()))),
    }
}

/// Reads a CA certificate and checks that it is for the sealed key.
fn identity(
    path: &Path,
    der: &[u8],
    plan: &IssuerPlan,
    places: IssuerPlaces,
    key: &Made,
) -> Result<IssuerIdentity, IssuerFault> {
    let identity = read_issuer(der, plan.id.clone(), places).map_err(damaged(path))?;
    if identity.key.hash() != key.subject.hash() {
        return Err(damaged(path)("it is for another key than the sealed one".to_owned()));
    }
    Ok(identity)
}
