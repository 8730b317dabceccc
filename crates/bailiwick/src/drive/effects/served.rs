//! Looking whether endpoints show a certificate: each is spoken to, and what it shows is compared
//! octet for octet.

use bailiwick_core::change::{Lane, Outcome, Plan, Receipt, Step, VerifyServed};
use bailiwick_core::names::{CertFingerprint, ChangeId};
use futures::future::join_all;

use super::Applied;
use super::deploy::issued;
use super::flight::Flight;
use super::propagation::{Wait, wait};
use super::records::{behind, on_duty};
use crate::app::App;

pub(super) async fn apply(app: &App, change: &ChangeId, wanted: &VerifyServed) -> Applied {
    let expected = match expected(app, change, wanted).await {
        Ok(expected) => expected,
        Err(why) => return Outcome::Failed(why).into(),
    };
    let flight = match Flight::read(app, change).await {
        Ok(flight) => flight,
        Err(why) => return Outcome::Unknown(why).into(),
    };
    let bounds = Wait { hold: 0, within: wanted.within_seconds };
    let live = app.live.get();
    let service = live.estate().services.get(&wanted.service);
    let whose = service.map_or_else(
        || "whoever runs the service".to_owned(),
        |service| on_duty(app, &live, &service.duties.operator),
    );
    wait(app, &flight, bounds, &whose, || look(app, wanted, expected)).await
}

/// The certificate of the step that the plan names: the key of that step is in the approved plan.
async fn expected(
    app: &App,
    change: &ChangeId,
    wanted: &VerifyServed,
) -> Result<CertFingerprint, String> {
    let loaded = app.load_change(change).await.map_err(|fault| fault.to_string())?;
    let plan = loaded.change.approved().map(|approved| approved.plan().clone());
    let key = plan.as_ref().and_then(|plan| key_of(plan, wanted.issued_by));
    let key = key.ok_or_else(|| "the plan issues no such certificate".to_owned())?;
    issued(app, change, |one| one.key == key).await.map(|one| one.fingerprint)
}

fn key_of(plan: &Plan, index: usize) -> Option<bailiwick_core::names::SpkiHash> {
    let step = plan.steps().get(index)?;
    if let Step::IssueCertificate(issue) = step { Some(issue.key) } else { None }
}

async fn look(app: &App, wanted: &VerifyServed, expected: CertFingerprint) -> Vec<Lane> {
    join_all(wanted.endpoints.iter().map(|endpoint| async move {
        let (shows, saw) = match app.shown(endpoint).await {
            Ok(der) => {
                let seen = CertFingerprint::of(&der);
                let it =
                    if seen == expected { "the new certificate" } else { "another certificate" };
                (seen == expected, format!("{it}, {seen}"))
            }
            Err(why) => (false, why),
        };
        Lane { who: endpoint.to_string(), shows, saw }
    }))
    .await
}

pub(super) async fn verify(app: &App, change: &ChangeId, wanted: &VerifyServed) -> Outcome {
    let expected = match expected(app, change, wanted).await {
        Ok(expected) => expected,
        Err(why) => return Outcome::Unknown(why),
    };
    let lanes = look(app, wanted, expected).await;
    if lanes.iter().all(|lane| lane.shows) {
        Outcome::Done(Receipt::Nothing)
    } else {
        Outcome::Failed(format!("the certificate is not served any more: {}", behind(&lanes)))
    }
}
