//! Revoking: the row that the receipt causes, then a CRL that lists it.

use bailiwick_core::change::{Outcome, Receipt, RevokeCertificate, Revoked, Warrant};

use crate::app::App;
use crate::drive::upstream::revoke_at_ca;

pub(super) async fn apply(app: &App, warrant: &Warrant, revoke: &RevokeCertificate) -> Outcome {
    match app.store.revocation(&revoke.issuer, &revoke.serial).await {
        Ok(Some(_)) => Outcome::Done(Receipt::Nothing),
        Ok(None) => {
            let (issuer, fingerprint) = (&revoke.issuer, &revoke.fingerprint);
            match revoke_at_ca(app, warrant, issuer, fingerprint, revoke.reason).await {
                Err(outcome) => outcome,
                Ok(()) => Outcome::Done(Receipt::Revoked(Revoked {
                    issuer: revoke.issuer.clone(),
                    serial: revoke.serial.clone(),
                    fingerprint: Some(revoke.fingerprint),
                    reason: revoke.reason,
                    at: app.now(),
                })),
            }
        }
        // Reading failed: nothing was done yet, so this is no unknown revocation.
        Err(cause) => Outcome::Failed(cause.to_string()),
    }
}

/// Publishes a CRL where the newest does not list the serial yet, and looks at it.
pub(super) async fn verify(app: &App, revoke: &RevokeCertificate) -> Outcome {
    // The CA publishes it; its word at the revocation is what there is.
    if !app.issuers.contains_key(&revoke.issuer) {
        return Outcome::Done(Receipt::Nothing);
    }
    match app.crl_lists(&revoke.issuer, &revoke.serial).await {
        Ok(true) => return Outcome::Done(Receipt::Nothing),
        Ok(false) => {}
        Err(fault) => return Outcome::Unknown(fault.to_string()),
    }
    if let Err(fault) = app.publish_crl(&revoke.issuer, &revoke.serial).await {
        return Outcome::Unknown(fault.to_string());
    }
    match app.crl_lists(&revoke.issuer, &revoke.serial).await {
        Ok(true) => Outcome::Done(Receipt::Nothing),
        Ok(false) => Outcome::Failed("the CRL does not list the certificate".to_owned()),
        Err(fault) => Outcome::Unknown(fault.to_string()),
    }
}
