//! A store that was restored from a copy: what was approved and not spent by then may have been spent since,
//! so none of it counts, and what was under way is a person's before any effect (promises P4, P18).

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{Change, Command, Next, Outcome, Prepared};
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::Time;

use super::{App, Loaded};
use crate::fault::Fault;

/// Who says it: whoever started the server, whom the server does not know.
const BY: Actor = Actor::Component(Component::FirstStart);
/// Turns that take a change to a person at most: a step started and failed, an undo tried three times.
const TURNS_MAX: usize = 20;
/// Entries of one commit, about: a commit takes 1,024, and one change adds a few dozen at most.
const ENTRIES_TOGETHER: usize = 500;

impl App {
    /// Voids approvals that were given and not spent, and hands what is under way to people. The restore is
    /// told first, then change after change in as many commits as they need, and only then is the store taken
    /// for the present: a start that is cut short in between is refused, and the next one with `--restored`
    /// finds the rest.
    pub(crate) async fn restored(&self) -> Result<(), Fault> {
        // All at one moment, so that what is said here is not taken for news of a change.
        let now = self.now();
        let mut batch = Batch { work: vec![Work::VoidLinks], ..Batch::default() };
        let (mut void, mut handed) = (0_usize, 0_usize);
        let epoch = self.store.restores().await?.saturating_add(1);
        let leaves = self.store.head().await?.size.get();
        let fact = Fact::StoreRestored { epoch, leaves };
        batch.entries.push(Entry { at: now, by: BY, fact });
        for id in self.store.open_changes().await? {
            let mut loaded = self.load_change(&id).await?;
            match self.not_unspent(&mut loaded, &mut batch, now)? {
                Became::AsItWas => {}
                Became::Void => void = void.saturating_add(1),
                Became::Somebodys => handed = handed.saturating_add(1),
            }
            if batch.entries.len() >= ENTRIES_TOGETHER {
                self.commit(std::mem::take(&mut batch)).await?;
            }
        }
        if !batch.entries.is_empty() {
            self.commit(batch).await?;
        }
        self.store.settled().await;
        tracing::warn!(
            epoch,
            leaves,
            void,
            handed,
            "the store was restored: approvals that were not spent are void, what was under way is a person's; certificates, revocations and records of after the copy are not known here"
        );
        Ok(())
    }

    /// Whether nothing was said of a change since the store was restored. What a CA shows of it then may be
    /// in use: what was done since the copy is not known here.
    pub(crate) async fn is_before_a_restore(&self, id: &ChangeId) -> Result<bool, Fault> {
        let Some(restored_at) = self.store.restored_at().await? else { return Ok(false) };
        let events = self.store.change_events(id).await?;
        Ok(events.last().is_some_and(|last| last.at <= restored_at))
    }

    fn not_unspent(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        now: Time,
    ) -> Result<Became, Fault> {
        let why = "the store was restored from a copy, and this may have been carried out since; look, and ask again where it is still wanted";
        match &loaded.change {
            Change::Awaiting(waiting) if waiting.approvals.is_empty() => Ok(Became::AsItWas),
            Change::Requested(_) | Change::Awaiting(_) => {
                Self::add(loaded, batch, Command::Refuse { by: BY, why: why.to_owned() }, now)?;
                self.notify(loaded, batch);
                Ok(Became::Void)
            }
            Change::Executing(_) | Change::Verifying(_) | Change::RollingBack(_) => {
                self.hand_over(loaded, batch, (why, now))?;
                self.notify(loaded, batch);
                Ok(Became::Somebodys)
            }
            Change::WithPerson(_)
            | Change::Closed { .. }
            | Change::RolledBack { .. }
            | Change::Refused { .. }
            | Change::Withdrawn { .. }
            | Change::Expired { .. } => Ok(Became::AsItWas),
        }
    }

    /// Nothing is applied and nothing undone: whether its step was is not known, and that is what is said.
    fn hand_over(
        &self,
        loaded: &mut Loaded,
        batch: &mut Batch,
        (why, now): (&str, Time),
    ) -> Result<(), Fault> {
        let assignee = self.assignee(&self.live.get(), &loaded.change);
        let report = |outcome| Command::Report { outcome, assignee: assignee.clone() };
        for _ in 0..TURNS_MAX {
            let command = match loaded.change.next() {
                Next::Start { .. } => Command::Start { prepared: Prepared::Nothing },
                Next::StartUndo { .. } => Command::StartUndo,
                Next::Apply { .. } => report(Outcome::Unknown(why.to_owned())),
                Next::Verify { .. } | Next::Undo { .. } => report(Outcome::Failed(why.to_owned())),
                Next::Validate
                | Next::AwaitApproval
                | Next::AwaitPerson
                | Next::LookAgain { .. }
                | Next::Finished => return Ok(()),
            };
            Self::add(loaded, batch, command, now)?;
        }
        Err(Fault::bug(format!("change `{}` does not come to a person", loaded.id)))
    }

    fn add(
        loaded: &mut Loaded,
        batch: &mut Batch,
        command: Command,
        now: Time,
    ) -> Result<(), Fault> {
        let events = loaded.change.decide(command, now).map_err(Fault::from)?;
        Self::add_events(loaded, batch, events, &BY, now)
    }
}

/// What became of a change.
enum Became {
    /// Nobody had approved it, or it is over.
    AsItWas,
    /// Refused.
    Void,
    /// A person finds out.
    Somebodys,
}
