//! The way back: whatever a CA issued for a change that nobody gets is revoked there; what cannot be
//! known is a person's.

use bailiwick_connect::upstream::{
    AcmeClient, Came, Trouble, Work as OrderWork, revoke, what_came,
};
use bailiwick_core::certificate::SerialSeen;
use bailiwick_core::change::{
    IssueCertificate, Outcome, Prepared, Receipt, RevocationReason, Revoked, Touched, Warrant,
};
use bailiwick_core::names::{CertFingerprint, CertSerial, ChangeId, IssuerId};
use bailiwick_wire::x509;

use super::journal::ChangeJournal;
use super::turns::Turn;
use super::{Flight, failed, flight, identity, waiting};
use crate::app::App;
use crate::drive::effects::Applied;
use crate::fault::Fault;

/// Whatever the CA may have issued for the change is revoked; what it has not issued stays so.
pub(in crate::drive) async fn undo(
    app: &App,
    warrant: &Warrant,
    wanted: &IssueCertificate,
    touched: &Touched,
) -> Applied {
    let Some(change) = warrant.change() else { return failed("the grant belongs to no change") };
    let turn = match app.turns.begin(change, app.now()) {
        Ok(turn) => turn,
        Err(why) => return Applied::NotYet(why),
    };
    match try_undo(app, (warrant, change), wanted, touched, &turn).await {
        Ok(applied) => applied,
        Err(fault) => Applied::NotYet(fault.to_string()),
    }
}

const NOTHING: Applied = Applied::Came(Outcome::Done(Receipt::Nothing));

async fn try_undo(
    app: &App,
    (warrant, change): (&Warrant, &ChangeId),
    wanted: &IssueCertificate,
    touched: &Touched,
    turn: &Turn<'_>,
) -> Result<Applied, Fault> {
    let Prepared::Forwarded { csr, .. } = &touched.prepared else { return Ok(NOTHING) };
    let flight = flight(app, change).await?;
    let journal = ChangeJournal { app, change, issuer: &wanted.issuer };
    let past = journal.read().await?;
    let Some(url) = past.url.as_ref().filter(|_| past.may_have_issued()) else {
        // Without finalize no CA issues.
        return Ok(NOTHING);
    };
    let live = app.live.get();
    let upstream = app.upstream(&live, &wanted.issuer);
    let identity = identity(app, warrant, &wanted.issuer).await?;
    let (Some(upstream), Some((key, account))) = (upstream, identity) else {
        return Ok(failed(format!("order `{url}` cannot be asked about: the account is gone")));
    };
    let web = app.web(&live);
    let back = Back { app, change, wanted, flight, turn };
    let client = match app.open_upstream(web.as_ref(), upstream, &key, Some(account)).await {
        Ok(client) => client,
        Err(trouble) => return Ok(back.later(&trouble, format!("order `{url}`"))),
    };
    let (names, profile, replaces) = (wanted.names.as_slice(), None, None);
    let work = OrderWork { names, csr, key: wanted.key, profile, replaces };
    let came = what_came(&client, &journal, &work).await;
    let mut ders = match came.map_err(|cause| Fault::Busy { message: cause.to_string() })? {
        Came::Nothing => Vec::new(),
        Came::Certificates(ders) => ders,
        Came::NotYet(why) => return Ok(back.wait(why)),
        Came::Unclear(why) => return Ok(failed(why)),
    };
    if let Some(Receipt::Adopted { certificate, .. }) = &touched.receipt
        && !ders.contains(&certificate.der)
    {
        ders.push(certificate.der.clone());
    }
    back.disown(&client, &ders).await
}

/// A change on its way back.
struct Back<'a> {
    app: &'a App,
    change: &'a ChangeId,
    wanted: &'a IssueCertificate,
    flight: Flight,
    turn: &'a Turn<'a>,
}

impl Back<'_> {
    /// Looks again later; in the end a person has to find out.
    fn wait(&self, why: String) -> Applied {
        self.turn.rest(self.flight.pace(self.app.now(), std::time::Duration::ZERO));
        waiting(self.app, &self.flight, why)
    }

    fn later(&self, trouble: &Trouble, about: String) -> Applied {
        self.turn.rest(self.flight.pace(self.app.now(), trouble.after()));
        waiting(self.app, &self.flight, format!("{about}: {trouble}"))
    }

    /// Revokes what nobody gets. One certificate is recorded; of more than one a person hears.
    async fn disown(&self, client: &AcmeClient<'_>, ders: &[Vec<u8>]) -> Result<Applied, Fault> {
        for der in ders {
            if let Some(why) = self.not_ours_to_revoke(der).await? {
                return Ok(failed(why));
            }
        }
        let reason = RevocationReason::CessationOfOperation;
        for der in ders {
            let fingerprint = CertFingerprint::of(der);
            if let Err(trouble) = revoke(client, der, reason.code()).await {
                let about = format!("certificate {fingerprint} is not wanted and not revoked");
                if trouble.passes() {
                    return Ok(self.later(&trouble, about));
                }
                return Ok(failed(format!("{about}: {trouble}; revoke it at the CA")));
            }
        }
        let [der] = ders else {
            let all: Vec<String> =
                ders.iter().map(|der| CertFingerprint::of(der).to_string()).collect();
            return Ok(match all.as_slice() {
                [] => NOTHING,
                all => failed(format!(
                    "the CA issued {} certificates for one order; revoked there: {}; ask the CA why",
                    all.len(),
                    all.join(", ")
                )),
            });
        };
        let fingerprint = CertFingerprint::of(der);
        let Some(serial) = serial(der) else {
            return Ok(failed(format!(
                "certificate {fingerprint} is revoked, but has no regular serial"
            )));
        };
        let issuer = self.wanted.issuer.clone();
        let at = self.app.now();
        let revoked = Revoked { issuer, serial, fingerprint: Some(fingerprint), reason, at };
        let receipt = Receipt::Disowned { der: der.clone(), revoked };
        Ok(Applied::Came(Outcome::Done(receipt)))
    }

    /// Revoking a certificate that somebody else uses would be worse than one too many.
    async fn not_ours_to_revoke(&self, der: &[u8]) -> Result<Option<String>, Fault> {
        let store = &self.app.store;
        let fingerprint = CertFingerprint::of(der);
        let stored = store.certificate(&fingerprint).await?.map(|one| one.change);
        let elsewhere = match stored.filter(|owner| owner != self.change) {
            Some(owner) => Some(owner),
            None => store.shown_to_another(self.change, der).await?,
        };
        if let Some(owner) = elsewhere {
            return Ok(Some(format!(
                "the CA showed certificate {fingerprint}, which belongs to change `{owner}`; nothing was revoked; ask the CA what it issued"
            )));
        }
        let Some(serial) = serial(der) else { return Ok(None) };
        let same = store.certificate_by_serial(&self.wanted.issuer, &serial).await?;
        Ok(same.filter(|same| same.fingerprint != fingerprint).map(|same| {
            format!(
                "the CA used serial {serial} for {} and for {fingerprint}; revoking one would revoke both; ask the CA for new ones",
                same.fingerprint
            )
        }))
    }
}

fn serial(der: &[u8]) -> Option<CertSerial> {
    match x509::read_certificate(der).ok()?.serial {
        SerialSeen::Regular(serial) => Some(serial),
        SerialSeen::Odd(_) => None,
    }
}

/// Revokes a stored certificate at its CA.
pub(in crate::drive) async fn revoke_at_ca(
    app: &App,
    warrant: &Warrant,
    issuer: &IssuerId,
    fingerprint: &CertFingerprint,
    reason: RevocationReason,
) -> Result<(), Outcome> {
    let live = app.live.get();
    let no = |why: String| Outcome::Failed(why);
    let Some(upstream) = app.upstream(&live, issuer) else { return Ok(()) };
    let found = app.store.certificate(fingerprint).await.map_err(|cause| no(cause.to_string()))?;
    let certificate = found.ok_or_else(|| no("the certificate is not stored".to_owned()))?;
    let identity = identity(app, warrant, issuer).await.map_err(|fault| no(fault.to_string()))?;
    let (key, account) =
        identity.ok_or_else(|| no(format!("there is no account at issuer `{issuer}`")))?;
    let web = app.web(&live);
    let client = app.open_upstream(web.as_ref(), upstream, &key, Some(account)).await;
    let client = client.map_err(|trouble| no(trouble.to_string()))?;
    revoke(&client, &certificate.der, reason.code()).await.map_err(|trouble| {
        let sent = matches!(trouble, Trouble::NoAnswer { sent: true, .. });
        if sent { Outcome::Unknown(trouble.to_string()) } else { no(trouble.to_string()) }
    })
}
