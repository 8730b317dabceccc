//! Looking whether endpoints show a certificate: each is spoken to, and what it shows is compared
//! octet for octet. An endpoint whose policy for mail the plan announces has to serve that as well.

use std::collections::BTreeSet;

use bailiwick_core::change::planner::mta_sts_host;
use bailiwick_core::change::{Endpoint, Lane, Outcome, Plan, Receipt, Step, VerifyServed};
use bailiwick_core::names::{CertFingerprint, ChangeId, DnsName, SpkiHash};
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
    wait(app, &flight, bounds, &whose, || look(app, wanted, &expected)).await
}

/// What endpoints have to serve.
struct Expected {
    certificate: CertFingerprint,
    /// Hosts whose policy for mail the plan announces.
    announced: BTreeSet<DnsName>,
}

/// The certificate of the step that the plan names: the key of that step is in the approved plan.
async fn expected(app: &App, change: &ChangeId, wanted: &VerifyServed) -> Result<Expected, String> {
    let loaded = app.load_change(change).await.map_err(|fault| fault.to_string())?;
    let plan = loaded.change.approved().map(|approved| approved.plan().clone());
    let key = plan.as_ref().and_then(|plan| key_of(plan, wanted.issued_by));
    let key = key.ok_or_else(|| "the plan issues no such certificate".to_owned())?;
    let certificate = issued(app, change, |one| one.key == key).await?.fingerprint;
    Ok(Expected { certificate, announced: plan.as_ref().map(announced).unwrap_or_default() })
}

fn key_of(plan: &Plan, index: usize) -> Option<SpkiHash> {
    let step = plan.steps().get(index)?;
    if let Step::IssueCertificate(issue) = step { Some(issue.key) } else { None }
}

fn announced(plan: &Plan) -> BTreeSet<DnsName> {
    let edits = plan.steps().iter().filter_map(|step| {
        let Step::PublishRecords(publish) = step else { return None };
        Some(&publish.edits)
    });
    edits.flatten().filter_map(mta_sts_host).collect()
}

async fn look(app: &App, wanted: &VerifyServed, expected: &Expected) -> Vec<Lane> {
    join_all(wanted.endpoints.iter().map(|endpoint| async move {
        let (shows, saw) = look_at(app, endpoint, expected).await;
        Lane { who: endpoint.to_string(), shows, saw }
    }))
    .await
}

async fn look_at(app: &App, endpoint: &Endpoint, expected: &Expected) -> (bool, String) {
    let seen = match app.shown(endpoint).await {
        Ok(der) => CertFingerprint::of(&der),
        Err(why) => return (false, why),
    };
    if seen != expected.certificate {
        return (false, format!("another certificate, {seen}"));
    }
    let saw = format!("the new certificate, {seen}");
    if !expected.announced.contains(&endpoint.name) {
        return (true, saw);
    }
    match app.mail_policy(endpoint).await {
        Ok(policy) => (true, format!("{saw}, and a policy of MTA-STS: {policy}")),
        Err(why) => (false, format!("{saw}, and no policy of MTA-STS: {why}")),
    }
}

pub(super) async fn verify(app: &App, change: &ChangeId, wanted: &VerifyServed) -> Outcome {
    let expected = match expected(app, change, wanted).await {
        Ok(expected) => expected,
        Err(why) => return Outcome::Unknown(why),
    };
    let lanes = look(app, wanted, &expected).await;
    if lanes.iter().all(|lane| lane.shows) {
        Outcome::Done(Receipt::Nothing)
    } else {
        Outcome::Failed(format!("the certificate is not served any more: {}", behind(&lanes)))
    }
}
