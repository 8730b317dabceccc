//! Orders at CAs behind ACME inside the spine: the intent first, the order's URL before finalize, and
//! whatever came is checked before anybody gets it.

mod journal;

use std::time::{Duration, Instant};

use bailiwick_connect::upstream::{
    AccountKey, AcmeClient, Progress, Trouble, Work as OrderWork, advance, revoke, tidy,
};
use bailiwick_core::change::{
    Event, IssueCertificate, IssuedCertificate, Outcome, Prepared, Receipt, RevocationReason,
    Revoked, Touched,
};
use bailiwick_core::names::{CertFingerprint, ChangeId, Digest, IssuerId};
use bailiwick_core::record::{Batch, Work};
use bailiwick_core::time::{HOUR_MS, Time};
use bailiwick_wire::x509::{self, AriId, Asked};

use self::journal::ChangeJournal;
use super::effects::Applied;
use crate::app::{App, EstateRecords, Live};
use crate::fault::Fault;

/// How long one turn of a driver works on an order at most, one request more or less: well below the
/// time after which another driver takes the change over.
const TURN: Duration = Duration::from_secs(8);
/// How long a CA that cannot be asked, or does not come to an end, is waited for.
const PATIENCE_MS: i64 = HOUR_MS;

/// What the spine knows of the step in flight.
struct Flight {
    /// When the intent was stored.
    since: Time,
    /// Whether it is on record already that an answer was lost.
    lost_before: bool,
}

/// Takes the order one way further.
pub(super) async fn apply(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    prepared: &Prepared,
) -> Applied {
    let Prepared::Forwarded { csr, replaces, .. } = prepared else {
        return failed("the client's request is gone; let it order again");
    };
    match try_apply(app, change, wanted, csr, replaces.as_ref()).await {
        Ok(applied) => applied,
        Err(fault) => Applied::NotYet(fault.to_string()),
    }
}

async fn try_apply(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    csr: &[u8],
    replaces: Option<&CertFingerprint>,
) -> Result<Applied, Fault> {
    let live = app.live.get();
    let flight = flight(app, change).await?;
    let Some(upstream) = app.upstream(&live, &wanted.issuer) else {
        return Ok(failed(format!("the estate names no CA `{}` any more", wanted.issuer)));
    };
    let Some((key, account)) = identity(app, &wanted.issuer).await? else {
        return Ok(failed(format!("there is no account at issuer `{}`", wanted.issuer)));
    };
    let egress = app.egress(&live);
    let client = match app.open_upstream(&egress, upstream, &key, Some(account)).await {
        Ok(client) => client,
        Err(trouble) => return Ok(of_trouble(app, &flight, &trouble)),
    };
    let replaces = ari_id(app, replaces).await?;
    let work = OrderWork {
        names: &wanted.names,
        csr,
        profile: upstream.ca_profiles.get(&wanted.profile).map(String::as_str),
        replaces: replaces.as_deref(),
    };
    let records = EstateRecords { app, live: &live };
    let journal = ChangeJournal { app, change, issuer: &wanted.issuer };
    let began = Instant::now();
    loop {
        match advance(&client, &records, &journal, &work).await {
            Progress::NotYet { after, .. } if began.elapsed() + after < TURN => {
                tokio::time::sleep(after).await;
            }
            Progress::NotYet { why, .. } => return Ok(waiting(app, &flight, why)),
            Progress::Lost { why, .. } => return Ok(lost(app, &flight, why)),
            Progress::Over(why) => return Ok(failed(why)),
            Progress::Issued(chain) => return adopt(app, change, wanted, &chain).await,
        }
    }
}

/// Account key and URL, where there is an account.
async fn identity(app: &App, issuer: &IssuerId) -> Result<Option<(AccountKey, String)>, Fault> {
    let Some(account) = app.upstream_account(issuer).await? else { return Ok(None) };
    let key = app.account_key(issuer).await?;
    Ok(key.filter(|key| key.hash() == account.key).map(|key| (key, account.uri)))
}

/// The name of the replaced certificate in renewal information (RFC 9773, section 4.1).
async fn ari_id(app: &App, replaces: Option<&CertFingerprint>) -> Result<Option<String>, Fault> {
    let Some(replaces) = replaces else { return Ok(None) };
    let Some(old) = app.store.certificate(replaces).await? else { return Ok(None) };
    let facts = x509::read_certificate(&old.der).ok();
    let key_id = facts.and_then(|facts| facts.issuer_key_id);
    let id = key_id.and_then(|key_id| AriId::new(&key_id, old.serial).ok());
    Ok(id.map(|id| id.to_string()))
}

/// What came is stored if it is what was approved; otherwise the change turns back, and the
/// certificate is revoked.
async fn adopt(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    chain: &[Vec<u8>],
) -> Result<Applied, Fault> {
    let now = app.now();
    let asked = Asked {
        names: &wanted.names,
        key: wanted.key,
        lifetime_seconds_max: wanted.lifetime_seconds_max,
        now,
    };
    let (facts, serial) = match x509::check_adopted(chain, &asked) {
        Ok(seen) => seen,
        Err(cause) => return Ok(failed(format!("the CA issued something else: {cause}"))),
    };
    let known = app.store.certificate_by_serial(&wanted.issuer, &serial).await?;
    if known.is_some_and(|known| known.fingerprint != facts.fingerprint) {
        return Ok(failed(format!("the CA used serial {serial} a second time")));
    }
    let (der, rest) =
        chain.split_first().map(|(der, rest)| (der.clone(), rest)).unwrap_or_default();
    let pem = x509::write_chain(rest.iter().map(Vec::as_slice)).into_bytes();
    let digest = Digest::of(&pem);
    let stored = Work::PutEvidence { digest, kind: "chain/v1", octets: pem };
    app.commit(Batch { work: vec![stored], ..Batch::default() }).await?;
    let certificate = IssuedCertificate {
        fingerprint: facts.fingerprint,
        issuer: wanted.issuer.clone(),
        serial,
        key: wanted.key,
        names: wanted.names.clone(),
        not_before: facts.not_before,
        not_after: facts.not_after,
        profile: wanted.profile.clone(),
        service: wanted.service.clone(),
        account: wanted.account.clone(),
        order: wanted.order.clone(),
        envelope: wanted.envelope.clone(),
        change: change.clone(),
        der,
        issued_at: now,
    };
    let receipt = Receipt::Adopted { certificate: Box::new(certificate), chain: digest };
    Ok(Applied::Came(Outcome::Done(receipt)))
}

/// Whatever the CA may have issued for the change is revoked; what it has not issued stays so.
pub(super) async fn undo(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    touched: &Touched,
) -> Applied {
    match try_undo(app, change, wanted, touched).await {
        Ok(applied) => applied,
        Err(fault) => Applied::NotYet(fault.to_string()),
    }
}

async fn try_undo(
    app: &App,
    change: &ChangeId,
    wanted: &IssueCertificate,
    touched: &Touched,
) -> Result<Applied, Fault> {
    let flight = flight(app, change).await?;
    let live = app.live.get();
    let order = app.store.upstream_order(change).await?;
    let Some(order) = order else { return Ok(Applied::Came(Outcome::Done(Receipt::Nothing))) };
    let upstream = app.upstream(&live, &wanted.issuer);
    let (Some(upstream), Some((key, account))) = (upstream, identity(app, &wanted.issuer).await?)
    else {
        return Ok(failed(format!(
            "order `{}` cannot be asked about: the account is gone",
            order.url
        )));
    };
    let egress = app.egress(&live);
    let client = match app.open_upstream(&egress, upstream, &key, Some(account)).await {
        Ok(client) => client,
        Err(trouble) => return Ok(unclear(app, &flight, trouble.to_string())),
    };
    if let Some(Receipt::Adopted { certificate, .. }) = &touched.receipt {
        return disown(app, &flight, &client, wanted, &certificate.der).await;
    }
    let Prepared::Forwarded { csr, .. } = &touched.prepared else {
        return Ok(Applied::Came(Outcome::Done(Receipt::Nothing)));
    };
    let seen = match client.get(&order.url).await {
        Ok(answer) => bailiwick_wire::acme_client::OrderSeen::read(&answer.body),
        Err(trouble) => return Ok(unclear(app, &flight, trouble.to_string())),
    };
    use bailiwick_wire::acme_client::Status;
    match seen.as_ref().map(|order| order.status) {
        Ok(Status::Pending | Status::Ready | Status::Over) => {
            Ok(Applied::Came(Outcome::Done(Receipt::Nothing)))
        }
        Ok(Status::Processing) => Ok(unclear(app, &flight, "the CA still signs".to_owned())),
        Ok(Status::Valid) => {
            let records = EstateRecords { app, live: &live };
            let journal = ChangeJournal { app, change, issuer: &wanted.issuer };
            let names = seen.map(|order| order.names).unwrap_or_default();
            let work = OrderWork { names: &names, csr, profile: None, replaces: None };
            match advance(&client, &records, &journal, &work).await {
                Progress::Issued(chain) => match chain.first() {
                    Some(der) => disown(app, &flight, &client, wanted, der).await,
                    None => Ok(unclear(app, &flight, "the CA sends no certificate".to_owned())),
                },
                Progress::NotYet { why, .. } | Progress::Lost { why, .. } | Progress::Over(why) => {
                    Ok(unclear(app, &flight, why))
                }
            }
        }
        Err(bad) => Ok(unclear(app, &flight, bad.to_string())),
    }
}

async fn disown(
    app: &App,
    flight: &Flight,
    client: &AcmeClient<'_>,
    wanted: &IssueCertificate,
    der: &[u8],
) -> Result<Applied, Fault> {
    let reason = RevocationReason::CessationOfOperation;
    if let Err(trouble) = revoke(client, der, reason.code()).await {
        return Ok(unclear(app, flight, format!("it could not be revoked: {trouble}")));
    }
    let fingerprint = CertFingerprint::of(der);
    let serial = x509::read_certificate(der).ok().and_then(|facts| match facts.serial {
        bailiwick_core::certificate::SerialSeen::Regular(serial) => Some(serial),
        bailiwick_core::certificate::SerialSeen::Odd(_) => None,
    });
    let Some(serial) = serial else {
        return Ok(failed(format!(
            "certificate {fingerprint} is revoked, but has no regular serial"
        )));
    };
    let known = app.store.certificate_by_serial(&wanted.issuer, &serial).await?;
    if known.is_some_and(|known| known.fingerprint != fingerprint) {
        return Ok(failed(format!(
            "the CA used serial {serial} for two certificates; find out which of them it revoked"
        )));
    }
    let issuer = wanted.issuer.clone();
    let revoked = Revoked { issuer, serial, fingerprint: Some(fingerprint), reason, at: app.now() };
    let receipt = Receipt::Disowned { der: der.to_vec(), revoked };
    Ok(Applied::Came(Outcome::Done(receipt)))
}

/// Revokes a stored certificate at its CA.
pub(super) async fn revoke_at_ca(
    app: &App,
    issuer: &IssuerId,
    fingerprint: &CertFingerprint,
    reason: RevocationReason,
) -> Result<(), Outcome> {
    let live = app.live.get();
    let no = |why: String| Outcome::Failed(why);
    let Some(upstream) = app.upstream(&live, issuer) else { return Ok(()) };
    let found = app.store.certificate(fingerprint).await.map_err(|cause| no(cause.to_string()))?;
    let certificate = found.ok_or_else(|| no("the certificate is not stored".to_owned()))?;
    let identity = identity(app, issuer).await.map_err(|fault| no(fault.to_string()))?;
    let (key, account) =
        identity.ok_or_else(|| no(format!("there is no account at issuer `{issuer}`")))?;
    let egress = app.egress(&live);
    let client = app.open_upstream(&egress, upstream, &key, Some(account)).await;
    let client = client.map_err(|trouble| no(trouble.to_string()))?;
    revoke(&client, &certificate.der, reason.code()).await.map_err(|trouble| {
        let sent = matches!(trouble, Trouble::NoAnswer { sent: true, .. });
        if sent { Outcome::Unknown(trouble.to_string()) } else { no(trouble.to_string()) }
    })
}

/// Takes away the records of changes that are over. Nothing depends on it but tidiness, so what does
/// not work is tried again at the next turn.
pub(super) async fn tidy_up(app: &App, limit: u32) -> Result<(), Fault> {
    let live = app.live.get();
    let mut changes: Vec<ChangeId> =
        app.store.forgotten_records(limit).await?.into_iter().map(|one| one.change).collect();
    changes.dedup();
    for change in &changes {
        tidy_change(app, &live, change).await;
    }
    Ok(())
}

/// Takes away the records of one change.
pub(super) async fn tidy_change(app: &App, live: &Live, change: &ChangeId) {
    let records = EstateRecords { app, live };
    // The issuer is only needed where an order is kept.
    let Ok(issuer) = IssuerId::parse("none") else { return };
    let journal = ChangeJournal { app, change, issuer: &issuer };
    if let Err(why) = tidy(&records, &journal).await {
        tracing::warn!(change.id = %change, %why, "a record could not be taken away; trying again");
    }
}

async fn flight(app: &App, change: &ChangeId) -> Result<Flight, Fault> {
    let mut flight = Flight { since: app.now(), lost_before: false };
    for stored in app.store.change_events(change).await? {
        if let Event::StepStarted { .. } | Event::UndoStarted { .. } = &stored.event {
            flight = Flight { since: stored.at, lost_before: false };
        } else if let Event::StepUnknown { .. } | Event::UndoNotDone { .. } = &stored.event {
            flight.lost_before = true;
        }
    }
    Ok(flight)
}

fn patient(app: &App, flight: &Flight) -> bool {
    app.now() < flight.since.plus_ms(PATIENCE_MS)
}

fn failed(why: impl Into<String>) -> Applied {
    Applied::Came(Outcome::Failed(why.into()))
}

/// An answer was lost: that goes on record once, then the CA is asked until patience ends.
fn lost(app: &App, flight: &Flight, why: String) -> Applied {
    if flight.lost_before && patient(app, flight) {
        Applied::NotYet(why)
    } else {
        Applied::Came(Outcome::Unknown(why))
    }
}

fn waiting(app: &App, flight: &Flight, why: String) -> Applied {
    if patient(app, flight) { Applied::NotYet(why) } else { Applied::Came(Outcome::Unknown(why)) }
}

/// As [`waiting`], while undoing: in the end a person has to find out.
fn unclear(app: &App, flight: &Flight, why: String) -> Applied {
    waiting(app, flight, why)
}

fn of_trouble(app: &App, flight: &Flight, trouble: &Trouble) -> Applied {
    if trouble.passes() {
        lost(app, flight, trouble.to_string())
    } else {
        failed(trouble.to_string())
    }
}
