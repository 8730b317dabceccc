//! A certificate where it is served: put there with its key, and the one before put back when the
//! change turns back. What was there lies sealed before anything is written.

use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::places::Held;
use bailiwick_core::change::{
    DeployCertificate, IssuedCertificate, Outcome, Prepared, Receipt, Touched, Warrant,
};
use bailiwick_core::estate::Deployment;
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::Batch;

use crate::app::{App, Live, Loaded, Put, fingerprint, held};

/// Seals what is there now.
pub(super) async fn prepare(
    app: &App,
    loaded: &Loaded,
    wanted: &DeployCertificate,
    batch: &mut Batch,
) -> Result<Prepared, String> {
    let live = app.live.get();
    check_listed(&live, wanted)?;
    let found = app.place(&live, &wanted.target).there().await?;
    let before = found.as_ref().and_then(fingerprint);
    if let Some(found) = &found {
        let sealed = app.sealed_secret(before_of(&loaded.id, wanted), &spelled(found));
        batch.work.push(sealed.map_err(|fault| fault.to_string())?);
    }
    Ok(Prepared::Kept { before })
}

fn before_of(change: &ChangeId, wanted: &DeployCertificate) -> SealedSecret {
    SealedSecret::DeployedBefore(change.clone(), wanted.place.clone())
}

fn of_change(warrant: &Warrant) -> Result<&ChangeId, String> {
    warrant.change().ok_or_else(|| "the grant belongs to no change".to_owned())
}

/// Both parts in one text; what is read back is taken apart again.
fn spelled(held: &Held) -> SecretBytes {
    let length = u32::try_from(held.chain.len()).unwrap_or(u32::MAX).to_be_bytes();
    SecretBytes::from([length.as_slice(), &held.chain, &held.key].concat())
}

fn read(sealed: &SecretBytes) -> Option<Held> {
    let (length, rest) = sealed.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (chain, key) = rest.split_at_checked(length)?;
    Some(Held { chain: chain.to_vec(), key: SecretBytes::from(key.to_vec()) })
}

/// Only places that the estate lists, exactly as they were when this was approved.
fn check_listed(live: &Live, wanted: &DeployCertificate) -> Result<(), String> {
    let service = live.estate().services.get(&wanted.service);
    let listed = service.and_then(|service| service.deployments.get(&wanted.place));
    if listed == Some(&wanted.target) {
        return Ok(());
    }
    Err(format!(
        "the estate does not list the place `{}` of service `{}` as it was when this was approved; ask again",
        wanted.place, wanted.service
    ))
}

/// The certificate that the change issued with this key.
pub(super) async fn issued(
    app: &App,
    change: &ChangeId,
    is_it: impl Fn(&IssuedCertificate) -> bool,
) -> Result<IssuedCertificate, String> {
    let all = app.store.certificates_of_change(change).await.map_err(|cause| cause.to_string())?;
    let mut found = all.into_iter().map(|row| row.certificate).filter(is_it);
    found.next().ok_or_else(|| "the change has issued no such certificate".to_owned())
}

/// The new certificate with its chain and key.
async fn new_one(
    app: &App,
    warrant: &Warrant,
    wanted: &DeployCertificate,
) -> Result<(IssuedCertificate, Held), String> {
    let certificate = issued(app, of_change(warrant)?, |one| one.key == wanted.key).await?;
    let chains = app.certificate_chains(&certificate).await.map_err(|fault| fault.to_string())?;
    let chain = chains.into_iter().next().unwrap_or_default();
    let key = app.secret(warrant, &SealedSecret::SubjectKey(wanted.key)).await;
    let key = key.map_err(|fault| fault.to_string())?;
    let held = match (&wanted.target, key) {
        // The client has its own key.
        (Deployment::Client, None) => {
            Held { chain: chain.into_bytes(), key: SecretBytes::from(Vec::new()) }
        }
        (_, Some(key)) => held(chain, &key),
        (Deployment::Files { .. } | Deployment::Webhook { .. }, None) => {
            return Err("its private key is not with Bailiwick; ask again without a CSR".to_owned());
        }
    };
    Ok((certificate, held))
}

pub(super) async fn apply(app: &App, warrant: &Warrant, wanted: &DeployCertificate) -> Outcome {
    let live = app.live.get();
    if let Err(why) = check_listed(&live, wanted) {
        return Outcome::Failed(why);
    }
    let (certificate, new) = match new_one(app, warrant, wanted).await {
        Ok(found) => found,
        Err(why) => return Outcome::Failed(why),
    };
    let place = app.place(&live, &wanted.target);
    let found = match place.there().await {
        Ok(found) => found.as_ref().and_then(fingerprint),
        Err(why) => return Outcome::Failed(why),
    };
    if found != wanted.before && found != Some(certificate.fingerprint) {
        return Outcome::Failed(format!(
            "place `{}` of service `{}` does not hold the certificate that was there when this was approved, so it is left as it is; look who put another one there",
            wanted.place, wanted.service
        ));
    }
    outcome(place.put(Some(&new)).await)
}

fn outcome(put: Put) -> Outcome {
    match put {
        Put::Done => Outcome::Done(Receipt::Nothing),
        Put::Nothing(why) => Outcome::Failed(why),
        Put::Unknown(why) => Outcome::Unknown(why),
    }
}

pub(super) async fn undo(
    app: &App,
    warrant: &Warrant,
    wanted: &DeployCertificate,
    touched: &Touched,
) -> Outcome {
    match try_undo(app, warrant, wanted, touched).await {
        Ok(outcome) => outcome,
        Err(why) => Outcome::Unknown(why),
    }
}

async fn try_undo(
    app: &App,
    warrant: &Warrant,
    wanted: &DeployCertificate,
    touched: &Touched,
) -> Result<Outcome, String> {
    let Prepared::Kept { before } = &touched.prepared else {
        return Ok(Outcome::Done(Receipt::Nothing));
    };
    if wanted.target == Deployment::Client {
        return Ok(Outcome::Failed(format!(
            "the client of service `{}` fetches its certificates itself; see that it serves the one before again",
            wanted.service
        )));
    }
    let live = app.live.get();
    let change = of_change(warrant)?;
    let place = app.place(&live, &wanted.target);
    let there = place.there().await?.as_ref().and_then(fingerprint);
    let new = issued(app, change, |one| one.key == wanted.key).await.ok();
    let new = new.map(|certificate| certificate.fingerprint);
    if there != *before && there != new {
        return Ok(Outcome::Failed(format!(
            "place `{}` of service `{}` holds a certificate that this change did not put there; look who did",
            wanted.place, wanted.service
        )));
    }
    let sealed = app.secret(warrant, &before_of(change, wanted)).await;
    let old = sealed.map_err(|fault| fault.to_string())?.as_ref().and_then(read);
    if before.is_some() && old.is_none() {
        return Ok(Outcome::Failed("what was there before is not kept any more".to_owned()));
    }
    // Also where it is there already: its server may have been told of the new one.
    Ok(outcome(place.put(old.as_ref()).await))
}

/// What was put there is there, as far as it can be seen.
pub(super) async fn verify(app: &App, change: &ChangeId, wanted: &DeployCertificate) -> Outcome {
    if !matches!(wanted.target, Deployment::Files { .. }) {
        return Outcome::Done(Receipt::Nothing);
    }
    let live = app.live.get();
    let there = app.place(&live, &wanted.target).there().await;
    let new = issued(app, change, |one| one.key == wanted.key).await;
    match (there, new) {
        (Ok(there), Ok(new)) => {
            if there.as_ref().and_then(fingerprint) == Some(new.fingerprint) {
                Outcome::Done(Receipt::Nothing)
            } else {
                Outcome::Failed(format!("place `{}` holds another certificate", wanted.place))
            }
        }
        (Err(why), _) | (_, Err(why)) => Outcome::Unknown(why),
    }
}
