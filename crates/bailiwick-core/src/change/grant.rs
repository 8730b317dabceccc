//! The right to do one step once.

use crate::names::ChangeId;
use crate::time::Time;

use super::plan::{PlanDigest, Step};
use super::state::{Change, Direction, Next};
use super::warrant::Warrant;

/// How long a grant lasts: one effect, not a shift. An effect that takes longer asks again.
pub const GRANT_MS: i64 = 5 * crate::time::MINUTE_MS;

/// A short-lived right to apply or undo one step of one approved plan.
///
/// Minted only from a change whose events allow exactly that step now, and consumed by value: an
/// executor that was handed one can use it once,
///
/// ```
/// # use bailiwick_core::{change::{Grant, Step}, time::Time};
/// fn once(grant: Grant, now: Time) -> Option<Step> {
///     grant.open(now).map(|(_, _, step)| step)
/// }
/// ```
///
/// but not twice (E0382: moved away), and not a copy of it (E0599: there is no `clone`):
///
/// ```compile_fail,E0382
/// # use bailiwick_core::{change::{Grant, Step}, time::Time};
/// fn twice(grant: Grant, now: Time) -> Option<Step> {
///     grant.open(now)?;
///     grant.open(now).map(|(_, _, step)| step)
/// }
/// ```
///
/// ```compile_fail,E0599
/// # use bailiwick_core::change::Grant;
/// fn twice(grant: Grant) -> (Grant, Grant) {
///     (grant.clone(), grant)
/// }
/// ```
#[derive(Debug, Eq, PartialEq)]
pub struct Grant {
    change: ChangeId,
    plan: PlanDigest,
    index: usize,
    direction: Direction,
    step: Step,
    expires_at: Time,
}

impl Grant {
    /// Mints the grant for what [`Change::next`] names; `None` when no effect is due.
    #[must_use]
    pub fn mint(id: &ChangeId, change: &Change, now: Time) -> Option<Self> {
        let (index, direction, step) = match change.next() {
            Next::Apply { index, step, .. } => (index, Direction::Forward, step),
            Next::Undo { index, step, .. } | Next::LookAgain { index, step, .. } => {
                (index, Direction::Back, step)
            }
            Next::Validate
            | Next::AwaitApproval
            | Next::Start { .. }
            | Next::StartUndo { .. }
            | Next::Verify { .. }
            | Next::AwaitPerson
            | Next::Finished => return None,
        };
        let plan = change.approved()?.plan().digest();
        Some(Self {
            change: id.clone(),
            plan,
            index,
            direction,
            step: step.clone(),
            expires_at: now.plus_ms(GRANT_MS),
        })
    }

    /// Opens the grant: gives the step, with the right to the secrets that it needs, and ends the right
    /// to do it. `None` when it came too late.
    #[must_use]
    pub fn open(self, now: Time) -> Option<(Warrant, Direction, Step)> {
        if now >= self.expires_at {
            return None;
        }
        let warrant = Warrant::of_step(&self.change, &self.step, self.expires_at);
        Some((warrant, self.direction, self.step))
    }

    /// Which change it belongs to.
    #[must_use]
    pub const fn change(&self) -> &ChangeId {
        &self.change
    }

    /// Which step of the plan.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The digest of the approved plan.
    #[must_use]
    pub const fn plan(&self) -> &PlanDigest {
        &self.plan
    }
}
