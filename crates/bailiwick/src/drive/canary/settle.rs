//! The end of a canary: what it shows, an incident where the CA did what CAA forbids, the revocation of
//! what was issued, and nothing left anywhere.

use bailiwick_connect::upstream::revoke;
use bailiwick_core::caa::CaaOutcome;
use bailiwick_core::change::RevocationReason;
use bailiwick_core::estate::CanarySense;
use bailiwick_core::names::{CertFingerprint, Digest};
use bailiwick_core::record::{Batch, CanaryFlight, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, MINUTE_MS};
use bailiwick_core::watch::{CanaryCame, CanaryRun, Stands, canary_verdict};

use super::came::Turned;
use super::{Tested, WATCH};
use crate::app::{App, CanaryIssued, Live, News};
use crate::drive::upstream::{Turn, identity, tidy_change};
use crate::fault::Fault;

/// Characters of what is said of a canary at most.
pub(super) const SAYS_MAX: usize = 900;
/// How long a revocation that the CA does not take is tried: what CAA forbade has to be revoked within 24
/// hours (BR 4.9.1.1); behind that people have the incident.
const REVOKED_WITHIN_MS: i64 = DAY_MS;
/// How long a record that cannot be taken away holds the end up.
const TIDY_WITHIN_MS: i64 = 30 * MINUTE_MS;

/// Canaries in flight whose CA left the estate, or with which nothing is agreed any more: they end.
pub(super) async fn end_without_plan(app: &App, live: &Live) -> Result<(), Fault> {
    for flight in app.store.canary_flights().await? {
        let issuer = live.estate().issuers.get(&flight.issuer);
        if issuer.is_some_and(|issuer| issuer.canary.is_some()) {
            continue;
        }
        tidy_change(app, live, &flight.run).await;
        let order = app.store.upstream_order(&flight.run).await?.map(|row| row.url);
        let says = "what was agreed about canaries left the estate while this one was under way; \
                    ask the CA what came of its order, and revoke it"
            .to_owned();
        let run = run(&flight, Stands::Unknown, says, order);
        app.commit(end(app, &flight, run)).await?;
    }
    Ok(())
}

fn run(flight: &CanaryFlight, stands: Stands, says: String, order: Option<String>) -> CanaryRun {
    CanaryRun {
        issuer: flight.issuer.clone(),
        zone: flight.zone.clone(),
        name: flight.name.clone(),
        permitted: flight.sense == CanarySense::Permitted,
        stands,
        says: says.chars().take(SAYS_MAX).collect(),
        certificate: None,
        revoked: false,
        order,
        caa: Some(flight.caa),
    }
}

/// The last commit of a run.
fn end(app: &App, flight: &CanaryFlight, run: CanaryRun) -> Batch {
    let fact = Fact::CanaryTried(Box::new(run));
    Batch {
        entries: vec![Entry { at: app.now(), by: WATCH, fact }],
        work: vec![
            Work::EndCanaryFlight(flight.run.clone()),
            Work::ForgetOrderMarks(flight.run.clone()),
        ],
        ..Batch::default()
    }
}

impl Tested<'_> {
    /// One turn of a canary in flight.
    pub(super) async fn go_on(&self, flight: &CanaryFlight) -> Result<(), Fault> {
        let Ok(turn) = self.app.turns.begin(&flight.run, self.app.now()) else { return Ok(()) };
        match self.ask(flight, &turn).await? {
            Turned::NotYet => Ok(()),
            Turned::Issued(ders) => self.issued(flight, &ders, &turn).await,
            Turned::Ended(came) => {
                if !self.tidied(flight).await? {
                    turn.rest(self.app.now().plus_ms(MINUTE_MS));
                    return Ok(());
                }
                let (stands, says) = self.verdict(flight, &came).await?;
                let order = self.order_url(flight).await?;
                self.app.commit(end(self.app, flight, run(flight, stands, says, order))).await?;
                self.app.tell(News::Watch);
                Ok(())
            }
        }
    }

    async fn order_url(&self, flight: &CanaryFlight) -> Result<Option<String>, Fault> {
        Ok(self.app.store.upstream_order(&flight.run).await?.map(|row| row.url))
    }

    /// What it shows, with CAA as it is seen now that the answer is there.
    async fn verdict(
        &self,
        flight: &CanaryFlight,
        came: &CanaryCame,
    ) -> Result<(Stands, String), Fault> {
        let after = match self.app.upstream_account(&self.account).await? {
            Some(account) => self.look(&flight.name, &account.uri).await.decision(),
            None => CaaOutcome::Unknown,
        };
        let (stands, says) = canary_verdict(flight.sense, came, after);
        Ok((stands, format!("`{}`, {says}", flight.name)))
    }

    /// Whether no record of the run is left in a zone, or nobody waits for that any more.
    async fn tidied(&self, flight: &CanaryFlight) -> Result<bool, Fault> {
        tidy_change(self.app, self.live, &flight.run).await;
        let left = self.app.store.placed_records(&flight.run).await?;
        if let (Some(one), false) = (left.first(), self.is_early(flight, TIDY_WITHIN_MS)) {
            let (owner, value) = (&one.owner, &one.value);
            tracing::error!(%owner, %value, "a canary's record is left; take it away by hand");
            return Ok(true);
        }
        Ok(left.is_empty())
    }

    fn is_early(&self, flight: &CanaryFlight, within_ms: i64) -> bool {
        self.app.now() < flight.at.plus_ms(within_ms)
    }

    /// The CA issued. That is on record first, then somebody answers for it, then it is revoked.
    async fn issued(
        &self,
        flight: &CanaryFlight,
        ders: &[Vec<u8>],
        turn: &Turn<'_>,
    ) -> Result<(), Fault> {
        let Some(first) = ders.first() else { return Ok(()) };
        let fingerprint = CertFingerprint::of(first);
        let told = self.told(flight, fingerprint, ders).await?;
        if told.stands == Stands::Fails && !told.permitted {
            let issued = CanaryIssued { run: &told, der: first, since: flight.at };
            self.app.open_canary_incident(self.live, &issued).await?;
        }
        let revoked = match self.revoke_all(flight, ders).await? {
            Ok(()) => Ok(()),
            Err((why, passes)) if passes && self.is_early(flight, REVOKED_WITHIN_MS) => {
                tracing::warn!(issuer = %self.id, %why, "a canary is not revoked yet; trying again");
                turn.rest(self.app.now().plus_ms(MINUTE_MS));
                return Ok(());
            }
            Err((why, _)) => Err(why),
        };
        if !self.tidied(flight).await? {
            turn.rest(self.app.now().plus_ms(MINUTE_MS));
            return Ok(());
        }
        let says = match &revoked {
            Ok(()) => format!("{}; it was revoked", told.says),
            Err(why) => format!("{}; it could not be revoked: {why}", told.says),
        };
        let says = says.chars().take(SAYS_MAX).collect();
        let over = CanaryRun { says, revoked: revoked.is_ok(), ..told };
        self.app.commit(end(self.app, flight, over)).await?;
        self.app.tell(News::Watch);
        Ok(())
    }

    /// What is on record of it; put there where nothing is yet.
    async fn told(
        &self,
        flight: &CanaryFlight,
        fingerprint: CertFingerprint,
        ders: &[Vec<u8>],
    ) -> Result<CanaryRun, Fault> {
        let stored = self.app.store.canaries(Some(self.id)).await?;
        let known = stored
            .into_iter()
            .find(|row| row.run.name == flight.name && row.run.certificate == Some(fingerprint));
        if let Some(row) = known {
            return Ok(row.run);
        }
        let (stands, says) = self.verdict(flight, &CanaryCame::Issued).await?;
        let order = self.order_url(flight).await?;
        let told = CanaryRun { certificate: Some(fingerprint), ..run(flight, stands, says, order) };
        let fact = Fact::CanaryTried(Box::new(told.clone()));
        let evidence = ders.iter().map(|der| Work::PutEvidence {
            digest: Digest::of(der),
            kind: "certificate",
            octets: der.clone(),
        });
        let batch = Batch {
            entries: vec![Entry { at: self.app.now(), by: WATCH, fact }],
            work: evidence.collect(),
            ..Batch::default()
        };
        self.app.commit(batch).await?;
        self.app.tell(News::Watch);
        Ok(told)
    }

    /// Revokes them at the CA; why not, and whether that can pass.
    async fn revoke_all(
        &self,
        flight: &CanaryFlight,
        ders: &[Vec<u8>],
    ) -> Result<Result<(), (String, bool)>, Fault> {
        let warrant = self.warrant(&flight.name);
        let identity = identity(self.app, &warrant, &self.account).await?;
        let Some((key, account)) = identity else {
            return Ok(Err(("the account for canaries is over".to_owned(), false)));
        };
        let web = self.app.web(self.live);
        let open = self.app.open_upstream(web.as_ref(), &self.plan.place, &key, Some(account));
        let client = match open.await {
            Ok(client) => client,
            Err(trouble) => return Ok(Err((trouble.to_string(), true))),
        };
        for der in ders {
            let reason = RevocationReason::CessationOfOperation.code();
            if let Err(trouble) = revoke(&client, der, reason).await {
                return Ok(Err((trouble.to_string(), trouble.passes())));
            }
        }
        Ok(Ok(()))
    }
}
