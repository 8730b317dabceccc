//! The effects of steps on the world.

mod deploy;
mod envelope;
mod estate;
mod flight;
mod issued;
mod propagation;
mod records;
mod registered;
mod revoked;
mod rotated;
mod served;

use bailiwick_core::change::{
    Change, Direction, Grant, Lane, Outcome, Plan, Prepared, Receipt, Step, Touched,
};
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::Batch;

use crate::app::{App, Loaded};
use crate::fault::Fault;

pub(crate) use deploy::SUBJECT_KEY;

/// How an effect went, or that it is not over: then nothing is stored, and the next turn of a driver
/// goes on.
#[derive(Debug)]
pub(crate) enum Applied {
    /// It came to an end.
    Came(Outcome),
    /// It did not yet; why, for the log.
    NotYet(String),
    /// It did not yet, and what is seen meanwhile is stored; then it is looked at again at once.
    Seen {
        /// Whether it is as it has to be.
        holds: bool,
        /// What each server or endpoint shows.
        lanes: Vec<Lane>,
    },
    /// It did not yet, and comes by itself: it is looked at again after a while.
    Wait {
        /// Why, for the log.
        why: String,
        /// After how long.
        after: std::time::Duration,
    },
}

impl From<Outcome> for Applied {
    fn from(outcome: Outcome) -> Self {
        Self::Came(outcome)
    }
}

/// What can be done to the world. The real ones are [`Real`]; tests wrap them to strike faults.
pub(crate) trait Effects {
    /// Chooses what has to be chosen before the effect; evidence goes into the batch.
    fn prepare(
        &self,
        loaded: &Loaded,
        step: &Step,
        batch: &mut Batch,
    ) -> impl Future<Output = Result<Prepared, String>> + Send;

    /// Applies the granted step. Twice is the same as once.
    fn apply(&self, grant: Grant, prepared: &Prepared) -> impl Future<Output = Applied> + Send;

    /// Undoes the granted step. Undoing what never happened changes nothing anybody sees.
    fn undo(&self, grant: Grant, touched: &Touched) -> impl Future<Output = Applied> + Send;

    /// Compares the world with the plan.
    fn verify(
        &self,
        id: &ChangeId,
        plan: &Plan,
        done: &[Touched],
    ) -> impl Future<Output = Outcome> + Send;

    /// The same, where what was just seen is enough.
    fn verify_at_once(&self, plan: &Plan, done: &[Touched]) -> Option<Outcome>;

    /// Adds what has to be stored together with the new state: orders, notices.
    fn accompany(
        &self,
        loaded: &Loaded,
        batch: &mut Batch,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// After the commit: refreshes what is kept in memory.
    fn committed(&self, loaded: &Loaded) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The real effects.
pub(crate) struct Real<'a> {
    /// What they need.
    pub app: &'a App,
}

/// Whether the step goes to a CA behind ACME.
const fn is_forwarded(prepared: &Prepared) -> bool {
    matches!(prepared, Prepared::Forwarded { .. })
}

impl Effects for Real<'_> {
    async fn prepare(
        &self,
        loaded: &Loaded,
        step: &Step,
        batch: &mut Batch,
    ) -> Result<Prepared, String> {
        match step {
            Step::IssueCertificate(wanted) => {
                super::issue::prepare_again(self.app, &loaded.change, wanted, batch).await
            }
            Step::RevokeCertificate(_)
            | Step::GrantEnvelope(_)
            | Step::EndEnvelope { .. }
            | Step::NarrowEnvelope(_)
            | Step::EditEstate { .. }
            | Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::VerifyServed(_) => Ok(Prepared::Nothing),
            Step::DeployCertificate(wanted) => {
                deploy::prepare(self.app, loaded, wanted, batch).await
            }
            Step::RegisterAccount(wanted) => registered::prepare(self.app, wanted).await,
            Step::RotateIssuer(wanted) => rotated::prepare(self.app, wanted),
        }
    }

    async fn apply(&self, grant: Grant, prepared: &Prepared) -> Applied {
        let now = self.app.now();
        let Some((change, Direction::Forward, step)) = grant.open(now) else {
            return Outcome::Failed("the grant for this step is over".to_owned()).into();
        };
        let outcome = match step {
            Step::IssueCertificate(wanted) if is_forwarded(prepared) => {
                return super::upstream::apply(self.app, &change, &wanted, prepared).await;
            }
            Step::IssueCertificate(wanted) => {
                issued::apply(self.app, &change, &wanted, prepared).await
            }
            Step::RevokeCertificate(revoke) => revoked::apply(self.app, &revoke).await,
            Step::GrantEnvelope(wanted) => envelope::grant(&wanted, now),
            Step::EndEnvelope { envelope, why, .. } => {
                envelope::end(self.app, &envelope, &why).await
            }
            Step::NarrowEnvelope(narrow) => envelope::narrow(self.app, &narrow, now).await,
            Step::EditEstate { before, after } => estate::activate(self.app, before, after).await,
            Step::RegisterAccount(wanted) => registered::apply(self.app, &wanted, prepared).await,
            Step::PublishRecords(wanted) => {
                return records::apply(self.app, &change, &wanted).await;
            }
            Step::AwaitPropagation(wanted) => {
                return propagation::apply(self.app, &change, &wanted).await;
            }
            Step::DeployCertificate(wanted) => deploy::apply(self.app, &change, &wanted).await,
            Step::VerifyServed(wanted) => return served::apply(self.app, &change, &wanted).await,
            Step::RotateIssuer(wanted) => rotated::apply(self.app, &wanted, prepared).await,
        };
        outcome.into()
    }

    async fn undo(&self, grant: Grant, touched: &Touched) -> Applied {
        let now = self.app.now();
        let Some((change, Direction::Back, step)) = grant.open(now) else {
            return Outcome::Failed("the grant for this step is over".to_owned()).into();
        };
        let outcome = match step {
            Step::IssueCertificate(wanted) if is_forwarded(&touched.prepared) => {
                return super::upstream::undo(self.app, &change, &wanted, touched).await;
            }
            Step::IssueCertificate(wanted) => issued::undo(self.app, &wanted, touched).await,
            Step::RevokeCertificate(_) => Outcome::Failed(
                "a revocation cannot be taken back; find out whether it is published".to_owned(),
            ),
            Step::GrantEnvelope(wanted) => envelope::undo_grant(self.app, &wanted).await,
            Step::EndEnvelope { envelope, .. } => {
                envelope::undo_end(self.app, &envelope, touched).await
            }
            Step::NarrowEnvelope(narrow) => envelope::undo_narrow(self.app, &narrow, touched).await,
            Step::EditEstate { before, after } => estate::restore(self.app, before, after).await,
            Step::RegisterAccount(wanted) => registered::undo(self.app, &wanted, touched).await,
            Step::PublishRecords(wanted) => {
                return records::undo(self.app, &change, &wanted, touched).await;
            }
            Step::DeployCertificate(wanted) => {
                deploy::undo(self.app, &change, &wanted, touched).await
            }
            // They looked, and altered nothing.
            Step::AwaitPropagation(_) | Step::VerifyServed(_) => Outcome::Done(Receipt::Nothing),
            Step::RotateIssuer(wanted) => rotated::undo(self.app, &wanted, touched),
        };
        outcome.into()
    }

    async fn verify(&self, id: &ChangeId, plan: &Plan, done: &[Touched]) -> Outcome {
        for (index, (step, touched)) in plan.steps().iter().zip(done).enumerate() {
            let seen = match step {
                Step::IssueCertificate(wanted) => issued::verify(self.app, wanted, touched),
                Step::RevokeCertificate(revoke) => revoked::verify(self.app, revoke).await,
                Step::GrantEnvelope(envelope) => {
                    envelope::verify(self.app, &envelope.id, true).await
                }
                Step::EndEnvelope { envelope, .. } => {
                    envelope::verify(self.app, envelope, false).await
                }
                Step::NarrowEnvelope(narrow) => envelope::verify_narrow(self.app, narrow).await,
                Step::EditEstate { after, .. } => estate::verify(self.app, *after).await,
                Step::RegisterAccount(wanted) => registered::verify(self.app, wanted).await,
                Step::PublishRecords(wanted) => {
                    records::verify(self.app, plan, index, wanted).await
                }
                Step::DeployCertificate(wanted) => deploy::verify(self.app, id, wanted).await,
                Step::VerifyServed(wanted) => served::verify(self.app, id, wanted).await,
                Step::AwaitPropagation(_) => Outcome::Done(Receipt::Nothing),
                Step::RotateIssuer(wanted) => rotated::verify(self.app, wanted).await,
            };
            if !matches!(seen, Outcome::Done(_)) {
                return seen;
            }
        }
        Outcome::Done(Receipt::Nothing)
    }

    fn verify_at_once(&self, plan: &Plan, done: &[Touched]) -> Option<Outcome> {
        match (plan.steps(), done) {
            ([Step::IssueCertificate(wanted)], [touched]) => {
                Some(issued::verify(self.app, wanted, touched))
            }
            _ => None,
        }
    }

    async fn accompany(&self, loaded: &Loaded, batch: &mut Batch) -> Result<(), Fault> {
        issued::settle_order(self.app, loaded, batch).await?;
        estate::expect(loaded, batch);
        self.app.notify(loaded, batch);
        Ok(())
    }

    async fn committed(&self, loaded: &Loaded) -> Result<(), Fault> {
        if let Change::RolledBack { .. } | Change::Closed { .. } | Change::WithPerson(_) =
            &loaded.change
        {
            super::upstream::tidy_change(self.app, &self.app.live.get(), &loaded.id).await;
        }
        if let Change::RolledBack { .. } | Change::Closed { .. } = &loaded.change {
            super::upstream::forget_marks(self.app, &loaded.id).await?;
        }
        if let Change::Verifying(_) | Change::RolledBack { .. } | Change::Closed { .. } =
            &loaded.change
        {
            estate::refresh(self.app).await?;
            rotated::refresh(self.app, &loaded.change).await?;
        }
        Ok(())
    }
}
