//! What becomes of a canary's order at the CA.

use std::time::Duration;

use bailiwick_connect::upstream::{AcmeClient, Came, Over, Progress, Work, advance, what_came};
use bailiwick_core::change::Warrant;
use bailiwick_core::names::SanName;
use bailiwick_core::record::CanaryFlight;
use bailiwick_core::time::{DAY_MS, MINUTE_MS};
use bailiwick_core::watch::CanaryCame;

use super::Tested;
use crate::drive::upstream::{ChangeJournal, Turn, identity};
use crate::fault::Fault;

/// How long one turn works on an order at most.
const TURN: Duration = Duration::from_secs(8);
/// How long a CA that takes no request is waited for.
const PATIENCE_MS: i64 = 10 * MINUTE_MS;
/// How long a CA that may have issued is asked what came of it (promise P3).
const MAY_HAVE_ISSUED_MS: i64 = DAY_MS;

/// What is known after a turn.
pub(super) enum Turned {
    /// Nothing new; there is another turn.
    NotYet,
    /// These were issued, DER, the one of the order first.
    Issued(Vec<Vec<u8>>),
    /// Nothing was.
    Ended(CanaryCame),
}

impl Tested<'_> {
    /// Takes the order as far as it goes in one turn.
    pub(super) async fn ask(
        &self,
        flight: &CanaryFlight,
        turn: &Turn<'_>,
    ) -> Result<Turned, Fault> {
        let journal = self.journal(flight);
        let past = journal.read().await?;
        if !past.shown.is_empty() {
            return Ok(Turned::Issued(past.shown));
        }
        let warrant = self.warrant(&flight.name);
        let identity = identity(self.app, &warrant, &self.account).await?;
        let Some((key, account)) = identity else {
            return self.gone(flight, "the account for canaries is over").await;
        };
        let web = self.app.web(self.live);
        let open = self.app.open_upstream(web.as_ref(), &self.plan.place, &key, Some(account));
        let client = match open.await {
            Ok(client) => client,
            Err(trouble) => {
                turn.rest(self.app.now().plus_ms(ms(trouble.after())));
                return self.later(flight, trouble.to_string()).await;
            }
        };
        self.order(flight, &client, (&warrant, turn)).await
    }

    /// What is remembered of the order, under the run.
    pub(super) fn journal<'a>(&'a self, flight: &'a CanaryFlight) -> ChangeJournal<'a> {
        ChangeJournal { app: self.app, change: &flight.run, issuer: &self.account }
    }

    async fn order(
        &self,
        flight: &CanaryFlight,
        client: &AcmeClient<'_>,
        (warrant, turn): (&Warrant, &Turn<'_>),
    ) -> Result<Turned, Fault> {
        let names: Vec<SanName> = SanName::parse(flight.name.as_str()).into_iter().collect();
        let (csr, key) = (flight.csr.as_slice(), flight.key);
        let work = Work { names: &names, csr, key, profile: None, replaces: None };
        let records = self.app.records(self.live, warrant);
        let journal = self.journal(flight);
        let clock = &self.app.world.clock;
        let began = clock.steady();
        loop {
            let progress = advance(client, records.as_ref(), &journal, &work).await;
            match progress {
                Progress::Issued(chain) => {
                    let shown = journal.read().await?.shown;
                    let shown =
                        if shown.is_empty() { chain.into_iter().take(1).collect() } else { shown };
                    return Ok(Turned::Issued(shown));
                }
                Progress::NotYet { after, .. }
                    if clock.steady().saturating_duration_since(began) + after < TURN =>
                {
                    clock.pause(after).await;
                }
                Progress::NotYet { after, why } | Progress::Lost { after, why } => {
                    turn.rest(self.app.now().plus_ms(ms(after)));
                    return self.later(flight, why).await;
                }
                Progress::Over(over) => return self.over(flight, client, &work, over).await,
            }
        }
    }

    /// The order is over. Where it was finalized the CA is asked whether it issued all the same.
    async fn over(
        &self,
        flight: &CanaryFlight,
        client: &AcmeClient<'_>,
        work: &Work<'_>,
        Over { why, kind }: Over,
    ) -> Result<Turned, Fault> {
        let journal = self.journal(flight);
        let came = what_came(client, &journal, work).await;
        let came = came.map_err(|cause| Fault::Busy { message: cause.to_string() })?;
        match came {
            Came::Certificates(ders) => Ok(Turned::Issued(ders)),
            Came::Nothing => Ok(Turned::Ended(CanaryCame::Refused { kind, says: why })),
            // The CA says that it has not issued, in so many words.
            Came::NotYet(_) | Came::Unclear(_) if kind == "caa" => {
                Ok(Turned::Ended(CanaryCame::Refused { kind, says: why }))
            }
            Came::NotYet(why) => self.later(flight, why).await,
            Came::Unclear(why) => Ok(Turned::Ended(CanaryCame::NotKnown(why))),
        }
    }

    /// Waits, until patience ends.
    async fn later(&self, flight: &CanaryFlight, why: String) -> Result<Turned, Fault> {
        let past = self.journal(flight).read().await?;
        let patience = if past.may_have_issued() { MAY_HAVE_ISSUED_MS } else { PATIENCE_MS };
        if self.app.now() < flight.at.plus_ms(patience) {
            return Ok(Turned::NotYet);
        }
        self.gone(flight, &why).await
    }

    /// Nobody is waited for any more.
    async fn gone(&self, flight: &CanaryFlight, why: &str) -> Result<Turned, Fault> {
        let past = self.journal(flight).read().await?;
        let says = match past
            .url
            .filter(|_| past.finalized != bailiwick_connect::upstream::Finalized::Never)
        {
            Some(url) => format!(
                "{why}; order `{url}` was finalized and may have been issued: ask the CA, or look for a certificate in the transparency logs"
            ),
            None => format!("{why}; nothing can have been issued"),
        };
        Ok(Turned::Ended(CanaryCame::NotKnown(says)))
    }
}

fn ms(pause: Duration) -> i64 {
    i64::try_from(pause.as_millis()).unwrap_or(MINUTE_MS)
}
