//! Issuing: sign exactly the prepared octets, once; what was signed is stored before it is handed
//! out. Undoing revokes the serial, whether or not a certificate with it ever reached us.

use bailiwick_core::change::{
    Change, IssueCertificate, IssuedCertificate, Outcome, Prepared, Receipt, RevocationReason,
    Revoked, Touched,
};
use bailiwick_core::gate::{OrderStatus, ProblemKind};
use bailiwick_core::names::{CertFingerprint, ChangeId};
use bailiwick_core::record::{Batch, Entry, Fact, Work};

use crate::app::{App, Loaded, News};
use crate::drive::changes::DRIVER;
use crate::drive::issue;
use crate::fault::Fault;

pub(super) async fn apply(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    prepared: &Prepared,
) -> Outcome {
    let Prepared::ToBeSigned { serial, tbs, .. } = prepared else {
        return Outcome::Failed("nothing was prepared for signing".to_owned());
    };
    match app.store.certificate_by_serial(&wanted.issuer, serial).await {
        Ok(Some(known)) => return Outcome::Done(Receipt::Issued(Box::new(known))),
        Ok(None) => {}
        Err(cause) => return Outcome::Unknown(cause.to_string()),
    }
    let live = app.live.get();
    let now = app.now();
    let signable = match issue::signable(app, &live, wanted, serial, tbs, now) {
        Ok(signable) => signable,
        Err(why) => return Outcome::Failed(why),
    };
    let Some(issuer) = app.issuers.of(&wanted.issuer, serial) else {
        return Outcome::Failed(format!("issuer `{}` does not run here", wanted.issuer));
    };
    let der = match issuer.sign_tbs(&signable) {
        Ok(der) => der,
        Err(cause) => return Outcome::Failed(cause.to_string()),
    };
    let spec = signable.spec();
    Outcome::Done(Receipt::Issued(Box::new(IssuedCertificate {
        fingerprint: CertFingerprint::of(&der),
        issuer: wanted.issuer.clone(),
        serial: serial.clone(),
        key: wanted.key,
        names: wanted.names.clone(),
        not_before: spec.not_before,
        not_after: spec.not_after,
        profile: wanted.profile.clone(),
        service: wanted.service.clone(),
        account: wanted.account.clone(),
        order: wanted.order.clone(),
        envelope: wanted.envelope.clone(),
        change: change.clone(),
        der,
        issued_at: now,
    })))
}

pub(super) async fn undo(app: &App, wanted: &IssueCertificate, touched: &Touched) -> Outcome {
    let Prepared::ToBeSigned { serial, .. } = &touched.prepared else {
        return Outcome::Done(Receipt::Nothing);
    };
    let known = app.store.certificate_by_serial(&wanted.issuer, serial).await;
    let revoked = app.store.revocation(&wanted.issuer, serial).await;
    match (known, revoked) {
        (Ok(_), Ok(Some(_))) => Outcome::Done(Receipt::Nothing),
        (Ok(known), Ok(None)) => Outcome::Done(Receipt::Revoked(Revoked {
            issuer: wanted.issuer.clone(),
            serial: serial.clone(),
            fingerprint: known.map(|certificate| certificate.fingerprint),
            reason: RevocationReason::CessationOfOperation,
            at: app.now(),
        })),
        (Err(cause), _) | (_, Err(cause)) => Outcome::Unknown(cause.to_string()),
    }
}

/// The certificate holds exactly what was approved, and its signature is the issuer's.
pub(super) fn verify(app: &App, wanted: &IssueCertificate, touched: &Touched) -> Outcome {
    let certificate = match &touched.receipt {
        Some(Receipt::Issued(certificate)) => certificate,
        // Names, key, chain and validity were checked before it was adopted.
        Some(Receipt::Adopted { certificate, .. })
            if certificate.names == wanted.names && certificate.key == wanted.key =>
        {
            return Outcome::Done(Receipt::Nothing);
        }
        _ => return Outcome::Failed("no certificate was stored".to_owned()),
    };
    let live = app.live.get();
    match issue::verify(app, &live, wanted, certificate) {
        Ok(()) => Outcome::Done(Receipt::Nothing),
        Err(why) => Outcome::Failed(why),
    }
}

/// The order ends in the same transaction as its change.
pub(super) async fn settle_order(
    app: &App,
    loaded: &Loaded,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let (order, certificate, why) = match &loaded.change {
        Change::Closed { plan, done, .. } => {
            let Some(wanted) = issue::wanted(plan.steps()) else { return Ok(()) };
            let issued = done.iter().find_map(|touched| match &touched.receipt {
                Some(Receipt::Issued(certificate) | Receipt::Adopted { certificate, .. }) => {
                    Some(certificate.fingerprint)
                }
                _ => None,
            });
            app.tell(News::Certificates);
            (wanted.order.clone(), issued, String::new())
        }
        Change::RolledBack { request, why } => {
            let order = app.store.order_of_change(&request.id).await?.map(|order| order.id);
            (order, None, why.clone())
        }
        Change::Requested(_)
        | Change::Awaiting(_)
        | Change::Executing(_)
        | Change::Verifying(_)
        | Change::RollingBack(_)
        | Change::WithPerson(_)
        | Change::Refused { .. }
        | Change::Withdrawn { .. }
        | Change::Expired { .. } => return Ok(()),
    };
    let Some(id) = order else { return Ok(()) };
    let Some(mut order) = app.store.order(&id).await? else { return Ok(()) };
    if certificate.is_some() {
        order.status = OrderStatus::Valid;
        order.certificate = certificate;
    } else {
        let detail = format!("the certificate could not be issued: {why}; order again");
        order.status = OrderStatus::Invalid;
        order.error = Some(crate::app::problem(ProblemKind::ServerInternal, detail.clone()));
        batch.entries.push(Entry {
            at: app.now(),
            by: DRIVER,
            fact: Fact::OrderFailed {
                order: id,
                problem: ProblemKind::ServerInternal.as_str().to_owned(),
                detail,
            },
        });
    }
    batch.work.push(Work::PutOrder(Box::new(order)));
    Ok(())
}
