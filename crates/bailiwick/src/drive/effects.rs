//! The effects of steps on the world.

mod deploy;
mod envelope;
mod estate;
mod flight;
mod issued;
mod keys;
mod propagation;
mod records;
mod registered;
mod revoked;
mod rotated;
mod served;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bailiwick_core::certificate::Tbs;
use bailiwick_core::change::{
    Change, Direction, Grant, Lane, Outcome, Plan, Prepared, Receipt, Step, Touched, Warrant,
};
use bailiwick_core::gate::Order;
use bailiwick_core::names::{CertFingerprint, ChangeId};
use bailiwick_core::record::Batch;

pub(crate) use self::records::differs;
use crate::app::{App, Live, Loaded};
use crate::fault::Fault;

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

/// The real effects, for one run of a driver.
pub(crate) struct Real<'a> {
    /// What they need.
    pub app: &'a App,
    /// What this process made and proved just before the run, so that it is not proved again.
    fresh: Option<Fresh>,
    /// What the run came by.
    came: Mutex<Came>,
}

/// An intent that this process stored just now, with the proof that was made for it.
pub(crate) struct Fresh {
    /// The octets to be signed.
    pub tbs: Tbs,
    /// What was in force when they were proved.
    pub live: Arc<Live>,
    /// The order, as it was stored with the intent.
    pub order: Order,
}

/// What a run came by; nothing of it outlives the run.
#[derive(Default)]
struct Came {
    /// The certificate that was signed: its octets are those of the proof, and the issuer's
    /// signature was verified before it was let go of.
    signed: Option<CertFingerprint>,
    /// The order as it stands after the last commit.
    order: Option<Order>,
}

impl<'a> Real<'a> {
    /// For a change as it is stored.
    pub(crate) fn new(app: &'a App) -> Self {
        Self { app, fresh: None, came: Mutex::default() }
    }

    /// For an intent that was stored just now.
    pub(crate) fn fresh(app: &'a App, fresh: Fresh) -> Self {
        let came = Came { signed: None, order: Some(fresh.order.clone()) };
        Self { app, fresh: Some(fresh), came: Mutex::new(came) }
    }

    /// The order that the intent was for, as it stands now.
    pub(crate) fn into_order(self) -> Option<Order> {
        self.came.into_inner().unwrap_or_else(PoisonError::into_inner).order
    }

    /// The right to what the step needs that is about to begin.
    fn to_begin(&self, loaded: &Loaded) -> Result<Warrant, String> {
        Warrant::to_begin(&loaded.id, &loaded.change, self.app.now())
            .ok_or_else(|| "no step of an approved change begins".to_owned())
    }

    fn came(&self) -> MutexGuard<'_, Came> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a change is over that only had a CA of this process sign: it placed no record in a zone,
/// kept no mark of another CA, and left the estate as it was.
fn is_of_built_in_ca(change: &Change) -> bool {
    let Change::Closed { done, .. } = change else { return false };
    done.iter().all(|touched| matches!(touched.prepared, Prepared::ToBeSigned { .. }))
}

/// Whether the step goes to a CA behind ACME.
const fn is_forwarded(prepared: &Prepared) -> bool {
    matches!(prepared, Prepared::Forwarded { .. })
}

/// A grant is always of a change.
fn no_change() -> Outcome {
    Outcome::Failed("the grant belongs to no change".to_owned())
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
                let warrant = self.to_begin(loaded)?;
                super::issue::prepare_again(self.app, (&warrant, &loaded.change), wanted, batch)
                    .await
            }
            Step::RevokeCertificate(_)
            | Step::GrantEnvelope(_)
            | Step::EndEnvelope { .. }
            | Step::NarrowEnvelope(_)
            | Step::EditEstate { .. }
            | Step::PublishRecords(_)
            | Step::AwaitPropagation(_)
            | Step::VerifyServed(_)
            | Step::RotateKey(_)
            | Step::RetireKey(_) => Ok(Prepared::Nothing),
            Step::DeployCertificate(wanted) => {
                deploy::prepare(self.app, loaded, wanted, batch).await
            }
            Step::RegisterAccount(wanted) => {
                let warrant = self.to_begin(loaded)?;
                registered::prepare(self.app, &warrant, wanted).await
            }
            Step::RotateIssuer(wanted) => rotated::prepare(self.app, wanted),
        }
    }

    async fn apply(&self, grant: Grant, prepared: &Prepared) -> Applied {
        let now = self.app.now();
        let Some((warrant, Direction::Forward, step)) = grant.open(now) else {
            return Outcome::Failed("the grant for this step is over".to_owned()).into();
        };
        let (app, warrant) = (self.app, &warrant);
        let Some(change) = warrant.change() else { return no_change().into() };
        let outcome = match step {
            Step::IssueCertificate(wanted) if is_forwarded(prepared) => {
                return super::upstream::apply(app, warrant, &wanted, prepared).await;
            }
            Step::IssueCertificate(wanted) => {
                let fresh = self.fresh.as_ref();
                let (outcome, signed) = issued::apply(app, fresh, change, &wanted, prepared).await;
                self.came().signed = signed;
                outcome
            }
            Step::RevokeCertificate(revoke) => revoked::apply(app, warrant, &revoke).await,
            Step::GrantEnvelope(wanted) => envelope::grant(&wanted, now),
            Step::EndEnvelope { envelope, why, .. } => envelope::end(app, &envelope, &why).await,
            Step::NarrowEnvelope(narrow) => envelope::narrow(app, &narrow, now).await,
            Step::EditEstate { before, after } => estate::activate(app, before, after).await,
            Step::RegisterAccount(wanted) => {
                registered::apply(app, warrant, &wanted, prepared).await
            }
            Step::PublishRecords(wanted) => {
                return records::apply(app, warrant, &wanted).await;
            }
            Step::AwaitPropagation(wanted) => {
                return propagation::apply(app, change, &wanted).await;
            }
            Step::DeployCertificate(wanted) => deploy::apply(app, warrant, &wanted).await,
            Step::VerifyServed(wanted) => return served::apply(app, change, &wanted).await,
            Step::RotateIssuer(wanted) => rotated::apply(app, &wanted, prepared).await,
            Step::RotateKey(wanted) => return keys::apply(app, warrant, &wanted).await,
            Step::RetireKey(wanted) => return keys::retire(app, warrant, &wanted).await,
        };
        outcome.into()
    }

    async fn undo(&self, grant: Grant, touched: &Touched) -> Applied {
        let now = self.app.now();
        let Some((warrant, Direction::Back, step)) = grant.open(now) else {
            return Outcome::Failed("the grant for this step is over".to_owned()).into();
        };
        let (app, warrant) = (self.app, &warrant);
        let outcome = match step {
            Step::IssueCertificate(wanted) if is_forwarded(&touched.prepared) => {
                return super::upstream::undo(app, warrant, &wanted, touched).await;
            }
            Step::IssueCertificate(wanted) => issued::undo(app, &wanted, touched).await,
            Step::RevokeCertificate(_) => Outcome::Failed(
                "a revocation cannot be taken back; find out whether it is published".to_owned(),
            ),
            Step::GrantEnvelope(wanted) => envelope::undo_grant(app, &wanted).await,
            Step::EndEnvelope { envelope, .. } => envelope::undo_end(app, &envelope, touched).await,
            Step::NarrowEnvelope(narrow) => envelope::undo_narrow(app, &narrow, touched).await,
            Step::EditEstate { before, after } => estate::restore(app, before, after).await,
            Step::RegisterAccount(wanted) => registered::undo(app, warrant, &wanted, touched).await,
            Step::PublishRecords(wanted) => {
                return records::undo(app, warrant, &wanted, touched).await;
            }
            Step::DeployCertificate(wanted) => deploy::undo(app, warrant, &wanted, touched).await,
            // They looked, and altered nothing.
            Step::AwaitPropagation(_) | Step::VerifyServed(_) => Outcome::Done(Receipt::Nothing),
            Step::RotateIssuer(wanted) => rotated::undo(app, &wanted, touched),
            Step::RotateKey(wanted) => keys::undo(app, warrant, &wanted, touched).await,
            Step::RetireKey(wanted) => keys::undo_retire(app, &wanted),
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
                // What was refused once is seen refused.
                Step::AwaitPropagation(_) | Step::RetireKey(_) => Outcome::Done(Receipt::Nothing),
                Step::RotateKey(wanted) => keys::verify(self.app, wanted).await,
                Step::RotateIssuer(wanted) => rotated::verify(self.app, wanted).await,
            };
            if !matches!(seen, Outcome::Done(_)) {
                return seen;
            }
        }
        Outcome::Done(Receipt::Nothing)
    }

    fn verify_at_once(&self, plan: &Plan, done: &[Touched]) -> Option<Outcome> {
        let signed = self.came().signed;
        let is_that = |touched: &Touched| {
            signed.is_some() && touched.receipt.as_ref().and_then(issued::fingerprint) == signed
        };
        match (plan.steps(), done) {
            // Signed in this run: octet for octet what was proved to be what was approved.
            ([Step::IssueCertificate(_)], [touched]) if is_that(touched) => {
                Some(Outcome::Done(Receipt::Nothing))
            }
            ([Step::IssueCertificate(wanted)], [touched]) => {
                Some(issued::verify(self.app, wanted, touched))
            }
            _ => None,
        }
    }

    async fn accompany(&self, loaded: &Loaded, batch: &mut Batch) -> Result<(), Fault> {
        let known = self.came().order.clone();
        let settled = issued::settle_order(self.app, known, loaded, batch).await?;
        if settled.is_some() {
            self.came().order = settled;
        }
        estate::expect(loaded, batch);
        keys::accompany(batch);
        self.app.notify(loaded, batch);
        Ok(())
    }

    async fn committed(&self, loaded: &Loaded) -> Result<(), Fault> {
        if is_of_built_in_ca(&loaded.change) {
            return Ok(());
        }
        records::look_again(self.app, &loaded.change);
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
