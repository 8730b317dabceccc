//! Issuing: sign exactly the prepared octets, once; what was signed is stored before it is handed
//! out. Undoing revokes the serial, whether or not a certificate with it ever reached us.

use std::sync::Arc;

use bailiwick_core::change::{
    Change, Event, IssueCertificate, IssuedCertificate, Outcome, Prepared, Receipt,
    RevocationReason, Revoked, Touched,
};
use bailiwick_core::gate::{Order, OrderStatus, ProblemKind};
use bailiwick_core::names::{CertFingerprint, CertSerial, ChangeId, OrderId};
use bailiwick_core::record::{Batch, Entry, Fact, Work};

use super::Fresh;
use crate::app::{App, Live, Loaded, News};
use crate::drive::changes::DRIVER;
use crate::drive::issue;
use crate::fault::Fault;

/// Signs; says which certificate was signed here and now, where one was.
pub(super) async fn apply(
    app: &App,
    fresh: Option<&Fresh>,
    change: &ChangeId,
    wanted: &IssueCertificate,
    prepared: &Prepared,
) -> (Outcome, Option<CertFingerprint>) {
    let failed = |why: String| (Outcome::Failed(why), None);
    let Prepared::ToBeSigned { serial, tbs, .. } = prepared else {
        return failed("nothing was prepared for signing".to_owned());
    };
    let live = app.live.get();
    let now = app.now();
    // An intent that was stored just now has no certificate yet; should another driver have taken it
    // up meanwhile, only one of the two commits.
    let proved = fresh.filter(|fresh| fresh.is_for(wanted, serial, tbs, &live));
    if proved.is_none() {
        match app.store.certificate_by_serial(&wanted.issuer, serial).await {
            Ok(Some(known)) => return (Outcome::Done(Receipt::Issued(Box::new(known))), None),
            Ok(None) => {}
            Err(cause) => return (Outcome::Unknown(cause.to_string()), None),
        }
    }
    let signable = match proved {
        Some(fresh) => Ok(fresh.tbs.clone()),
        None => issue::signable(app, &live, wanted, serial, tbs, now),
    };
    let signable = match signable {
        Ok(signable) => signable,
        Err(why) => return failed(why),
    };
    let Some(issuer) = app.issuers.of(&wanted.issuer, serial) else {
        return failed(format!("issuer `{}` does not run here", wanted.issuer));
    };
    let der = match issuer.sign_tbs(&signable) {
        Ok(der) => der,
        Err(cause) => return failed(cause.to_string()),
    };
    let spec = signable.spec();
    let certificate = IssuedCertificate {
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
    };
    let signed = Some(certificate.fingerprint);
    (Outcome::Done(Receipt::Issued(Box::new(certificate))), signed)
}

impl Fresh {
    /// Whether the proof is about exactly these octets, made for exactly what was approved, under
    /// what is still in force.
    fn is_for(
        &self,
        wanted: &IssueCertificate,
        serial: &CertSerial,
        tbs: &[u8],
        live: &Arc<Live>,
    ) -> bool {
        let spec = self.tbs.spec();
        Arc::ptr_eq(&self.live, live)
            && self.tbs.bytes() == tbs
            && spec.serial == *serial
            && spec.issuer == wanted.issuer
            && spec.profile == wanted.profile
            && spec.names.iter().eq(&wanted.names)
            && spec.key.spki_der() == wanted.spki
            && spec.workload == wanted.workload
            && spec.lifetime_seconds() <= i64::from(wanted.lifetime_seconds_max)
    }
}

/// The certificate that a receipt says was issued.
pub(super) fn fingerprint(receipt: &Receipt) -> Option<CertFingerprint> {
    if let Receipt::Issued(certificate) = receipt { Some(certificate.fingerprint) } else { None }
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

/// The order ends in the same transaction as its change; gives it as it will stand then. `known` is the
/// order as it is stored, where that is known.
pub(super) async fn settle_order(
    app: &App,
    known: Option<Order>,
    loaded: &Loaded,
    batch: &mut Batch,
) -> Result<Option<Order>, Fault> {
    let (order, certificate, why) = match &loaded.change {
        Change::Closed { plan, done, .. } => {
            let Some(wanted) = issue::wanted(plan.steps()) else { return Ok(None) };
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
            (ordered(app, &request.id).await?, None, why.clone())
        }
        Change::Requested(_)
        | Change::Awaiting(_)
        | Change::Executing(_)
        | Change::Verifying(_)
        | Change::RollingBack(_)
        | Change::WithPerson(_)
        | Change::Refused { .. }
        | Change::Withdrawn { .. }
        | Change::Expired { .. } => return Ok(None),
    };
    let Some(id) = order else { return Ok(None) };
    let known = match known.filter(|known| known.id == id) {
        None => app.store.order(&id).await?,
        known => known,
    };
    let Some(mut order) = known else { return Ok(None) };
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
    batch.work.push(Work::PutOrder(Box::new(order.clone())));
    Ok(Some(order))
}

/// The order that a change answers, as its plan says.
async fn ordered(app: &App, change: &ChangeId) -> Result<Option<OrderId>, Fault> {
    let events = app.store.change_events(change).await?;
    Ok(events.into_iter().find_map(|stored| {
        let Event::Validated { plan, .. } = stored.event else { return None };
        issue::wanted(plan.steps())?.order.clone()
    }))
}
