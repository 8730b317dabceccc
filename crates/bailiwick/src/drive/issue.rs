//! From an approved certificate to the exact octets that may be signed, and back.

use std::sync::Arc;

use bailiwick_connect::issuer::BuiltinIssuer;
use bailiwick_core::certificate::{CertificateProfile, CertificateSpec, SanSet, SubjectKey, Tbs};
use bailiwick_core::change::{
    Change, IssueCertificate, IssuedCertificate, Prepared, Step, Warrant,
};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{CertSerial, SanName};
use bailiwick_core::policy::ValidationMethod;
use bailiwick_core::record::Batch;
use bailiwick_core::time::Time;
use bailiwick_wire::x509;

use super::caa::CaaSeen;
use crate::app::{App, Live};

/// The certificate step of a plan, where it has one.
pub(crate) fn wanted(steps: &[Step]) -> Option<&IssueCertificate> {
    steps.iter().find_map(|step| match step {
        Step::IssueCertificate(wanted) => Some(wanted),
        Step::RevokeCertificate(_)
        | Step::GrantEnvelope(_)
        | Step::EndEnvelope { .. }
        | Step::NarrowEnvelope(_)
        | Step::EditEstate { .. }
        | Step::RegisterAccount(_)
        | Step::RotateIssuer(_)
        | Step::RotateKey(_)
        | Step::RetireKey(_)
        | Step::PublishRecords(_)
        | Step::AwaitPropagation(_)
        | Step::DeployCertificate(_)
        | Step::VerifyServed(_) => None,
    })
}

/// Chooses serial and validity, builds the octets out of the approved fields only, and lints them.
/// CAA must have permitted just before. Gives the intent, and the proof that it may be signed.
pub(crate) fn prepare(
    app: &App,
    live: &Live,
    wanted: &IssueCertificate,
    key: &SubjectKey,
    caa: &CaaSeen,
    now: Time,
) -> Result<(Prepared, Tbs), String> {
    if !caa.permits() {
        return Err(caa.refusal());
    }
    let issuing = app.issuers.get(&wanted.issuer).ok_or_else(|| not_here(wanted))?;
    let issuer = issuing.identity();
    let profile = profile(live, wanted)?;
    let random = app.world.octets().map_err(|cause| cause.to_string())?;
    // From here on the serial says which generation signs, whatever is rotated meanwhile.
    let serial = issuer.generation.serial(random).map_err(|cause| cause.to_string())?;
    let (not_before, not_after) =
        CertificateSpec::validity(profile, now, wanted.lifetime_seconds_max);
    let spec = CertificateSpec {
        issuer: wanted.issuer.clone(),
        profile: wanted.profile.clone(),
        names: SanSet::new(wanted.names.iter().cloned()).map_err(|cause| cause.to_string())?,
        key: key.clone(),
        not_before,
        not_after,
        serial: serial.clone(),
        workload: wanted.workload.clone(),
    };
    let tbs = x509::build_tbs(&spec, profile, issuer, now).map_err(|cause| cause.to_string())?;
    let prepared = Prepared::ToBeSigned { serial, tbs: tbs.bytes().to_vec(), caa: caa.digest() };
    Ok((prepared, tbs))
}

/// As [`prepare`], for a driver that finds the step approved but not started: CAA is read anew.
pub(crate) async fn prepare_again(
    app: &App,
    (warrant, change): (&Warrant, &Change),
    wanted: &IssueCertificate,
    batch: &mut Batch,
) -> Result<Prepared, String> {
    let live = app.live.get();
    let now = app.now();
    let domains = live
        .estate()
        .issuers
        .get(&wanted.issuer)
        .map(|issuer| issuer.caa_domains.clone())
        .unwrap_or_default();
    let (account, asked) = asked_as(app, &live, wanted).await?;
    let caa = CaaSeen::look(app, &live, &domains, &account, &asked).await;
    batch.work.push(caa.evidence());
    if app.upstream(&live, &wanted.issuer).is_some() {
        return forwarded(app, warrant, wanted, &caa).await;
    }
    let key = subject_key(wanted)
        .map_err(|cause| format!("the key of `{}`: {cause}", change.request().title))?;
    prepare(app, &live, wanted, &key, &caa, now).map(|(prepared, _)| prepared)
}

/// As whom a certificate is asked for, and how each name is shown to be ours: at a CA behind ACME as our
/// account there, by our records.
pub(crate) async fn asked_as(
    app: &App,
    live: &Live,
    wanted: &IssueCertificate,
) -> Result<(String, Vec<(SanName, Option<String>)>), String> {
    let is_upstream = app.upstream(live, &wanted.issuer).is_some();
    let (account, method) = if is_upstream {
        let account = app.upstream_account(&wanted.issuer).await;
        let account = account.map_err(|fault| fault.to_string())?.map(|account| account.uri);
        (account, Some(ValidationMethod::Dns01.as_str().to_owned()))
    } else {
        (wanted.account.as_ref().map(|id| app.settings.account_url(id)), None)
    };
    let names = wanted.names.iter().map(|name| (name.clone(), method.clone())).collect();
    Ok((account.unwrap_or_default(), names))
}

/// The request that goes to a CA behind ACME: the one that was stored when this was asked for, for exactly
/// the key and the names that were approved.
async fn forwarded(
    app: &App,
    warrant: &Warrant,
    wanted: &IssueCertificate,
    caa: &CaaSeen,
) -> Result<Prepared, String> {
    if !caa.permits() {
        return Err(caa.refusal());
    }
    let stored = app.secret(warrant, &SealedSecret::SubjectRequest(wanted.key)).await;
    let stored = stored.map_err(|fault| fault.to_string())?;
    let csr = stored.ok_or("the request for the key is not kept any more; ask again")?.to_vec();
    let read = x509::read_csr(&csr).map_err(|cause| cause.to_string())?;
    if read.key().hash() != wanted.key || !read.names().iter().eq(&wanted.names) {
        return Err("the stored request is not for what was approved; ask again".to_owned());
    }
    let replaces = app.newest_like(wanted).await.map_err(|fault| fault.to_string())?;
    Ok(Prepared::Forwarded { csr, caa: caa.digest(), replaces })
}

/// The proof that recorded octets say exactly what was approved; only that can be signed.
pub(crate) fn signable(
    app: &App,
    live: &Live,
    wanted: &IssueCertificate,
    serial: &CertSerial,
    tbs: &[u8],
    now: Time,
) -> Result<Tbs, String> {
    let profile = profile(live, wanted)?;
    let issuer = answering(app, wanted, serial)?;
    let content = x509::read_tbs(tbs).map_err(|cause| cause.to_string())?;
    let spec = spec(wanted, serial, content.not_before, content.not_after)?;
    if spec.lifetime_seconds() > i64::from(wanted.lifetime_seconds_max) {
        return Err("the prepared certificate lasts longer than was approved".to_owned());
    }
    x509::restore_tbs(tbs.to_vec(), &spec, profile, issuer.identity(), now)
        .map_err(|cause| cause.to_string())
}

fn subject_key(wanted: &IssueCertificate) -> Result<SubjectKey, String> {
    let key = x509::PublicKey::from_spki(&wanted.spki).map_err(|cause| cause.to_string())?;
    Ok(key.to_subject_key())
}

/// Whether an issued certificate holds exactly what was approved.
pub(crate) fn verify(
    app: &App,
    live: &Live,
    wanted: &IssueCertificate,
    certificate: &IssuedCertificate,
) -> Result<(), String> {
    let profile = profile(live, wanted)?;
    let issuer = answering(app, wanted, &certificate.serial)?;
    let spec = spec(wanted, &certificate.serial, certificate.not_before, certificate.not_after)?;
    x509::verify_issued(&certificate.der, &spec, profile, issuer.identity())
        .map(drop)
        .map_err(|cause| cause.to_string())
}

fn spec(
    wanted: &IssueCertificate,
    serial: &CertSerial,
    not_before: Time,
    not_after: Time,
) -> Result<CertificateSpec, String> {
    Ok(CertificateSpec {
        issuer: wanted.issuer.clone(),
        profile: wanted.profile.clone(),
        names: SanSet::new(wanted.names.iter().cloned()).map_err(|cause| cause.to_string())?,
        key: subject_key(wanted)?,
        not_before,
        not_after,
        serial: serial.clone(),
        workload: wanted.workload.clone(),
    })
}

fn profile<'a>(
    live: &'a Live,
    wanted: &IssueCertificate,
) -> Result<&'a CertificateProfile, String> {
    let profile = live.estate().profiles.get(&wanted.profile);
    let profile = profile.map(|profile| &profile.certificate);
    profile.ok_or_else(|| format!("there is no profile `{}` any more", wanted.profile))
}

/// The generation of the issuer that answers for a serial, whichever issues now.
fn answering(
    app: &App,
    wanted: &IssueCertificate,
    serial: &CertSerial,
) -> Result<Arc<BuiltinIssuer>, String> {
    app.issuers.of(&wanted.issuer, serial).ok_or_else(|| not_here(wanted))
}

fn not_here(wanted: &IssueCertificate) -> String {
    format!("issuer `{}` does not run here", wanted.issuer)
}
