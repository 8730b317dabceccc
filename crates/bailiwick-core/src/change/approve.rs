//! Separation of duties, as a type.

use std::fmt;

use crate::actor::{Actor, SignedIn};
use crate::names::{DecisionId, Digest, PersonId, TeamId};
use crate::time::Time;

use super::plan::{Plan, PlanDigest, Step};

/// One person's yes to exactly one plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approval {
    /// Who approves, and who stands behind the sign-in.
    pub by: SignedIn,
    /// The teams the person was in at that moment, nested ones resolved.
    pub teams: Vec<TeamId>,
    /// The plan that was shown.
    pub of: PlanDigest,
    /// When.
    pub at: Time,
    /// From this moment on it no longer counts.
    pub expires_at: Time,
    /// What the person wrote.
    pub comment: String,
}

/// Why a plan may be carried out: which decision, and whose approvals it rests on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Basis {
    /// The stored decision that says: this is enough.
    pub decision: DecisionId,
    /// The policy that decided.
    pub policy: Digest,
    /// The plan it decided about.
    pub of: PlanDigest,
    /// How many people's approval the policy asked for; 0 when policy alone approves.
    pub approvals_needed: u32,
}

/// A plan that was approved for its requester, for exactly what was shown.
///
/// Only `ApprovedPlan::new` makes one, and only [`Change::decide`](super::Change::decide) and
/// [`Change::apply`](super::Change::apply) can call that, so a function that takes one needs no
/// check. Everybody can look into one:
///
/// ```
/// # use bailiwick_core::change::{Approval, ApprovedPlan, Basis, Plan};
/// fn look(approved: &ApprovedPlan) -> (&Plan, &Basis, &[Approval]) {
///     (approved.plan(), approved.basis(), approved.approvals())
/// }
/// ```
///
/// Nobody can put one together (E0451: private fields), and nobody else can ask for one (E0624: a
/// private function):
///
/// ```compile_fail,E0451
/// # use bailiwick_core::change::{Approval, ApprovedPlan, Basis, Plan};
/// fn cheat(plan: Plan, basis: Basis, approvals: Vec<Approval>) -> ApprovedPlan {
///     ApprovedPlan { plan, basis, approvals }
/// }
/// ```
///
/// ```compile_fail,E0624
/// # use bailiwick_core::{actor::Actor, time::Time};
/// # use bailiwick_core::change::{ApprovedPlan, Basis, Plan};
/// fn cheat(plan: &Plan, by: &Actor, basis: &Basis, now: Time) -> Option<ApprovedPlan> {
///     ApprovedPlan::new(plan, by, &[], basis, now).ok()
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApprovedPlan {
    plan: Plan,
    basis: Basis,
    approvals: Vec<Approval>,
}

impl ApprovedPlan {
    /// The one constructor. Whatever a policy says, these hold: nobody approves their own change or
    /// one that somebody in their chain requested, an approval is for this plan and not expired, and
    /// the people counted are different people.
    pub(super) fn new(
        plan: &Plan,
        requester: &Actor,
        approvals: &[Approval],
        basis: &Basis,
        now: Time,
    ) -> Result<Self, NotApproved> {
        let digest = plan.digest();
        if basis.of != digest {
            return Err(NotApproved::OtherPlan { by: None });
        }
        let mut people: Vec<&PersonId> = Vec::new();
        for approval in approvals {
            check(approval, digest, requester, now)?;
            if approval.by.everybody().all(|person| !people.contains(&person)) {
                people.extend(approval.by.everybody());
            } else {
                return Err(NotApproved::CountedTwice { by: approval.by.person.clone() });
            }
        }
        if approvals.len() < usize::try_from(basis.approvals_needed).unwrap_or(usize::MAX) {
            return Err(NotApproved::TooFew {
                have: approvals.len(),
                need: basis.approvals_needed,
            });
        }
        Ok(Self { plan: plan.clone(), basis: basis.clone(), approvals: approvals.to_vec() })
    }

    /// The approved plan.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        self.plan.steps()
    }

    /// The decision it rests on.
    #[must_use]
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The approvals it rests on; empty where policy alone approved.
    #[must_use]
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }
}

/// Whether one approval counts for this plan of this requester.
pub(super) fn check(
    approval: &Approval,
    digest: PlanDigest,
    requester: &Actor,
    now: Time,
) -> Result<(), NotApproved> {
    let by = approval.by.person.clone();
    if requester.shares_somebody_with(&approval.by) {
        return Err(NotApproved::OwnChange { by });
    }
    if approval.of != digest {
        return Err(NotApproved::OtherPlan { by: Some(by) });
    }
    if now >= approval.expires_at {
        return Err(NotApproved::Expired { by, at: approval.expires_at });
    }
    Ok(())
}

/// Why a plan is not approved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotApproved {
    /// The approver requested it, or stands in the requester's chain.
    OwnChange {
        /// Who tried.
        by: PersonId,
    },
    /// The approval or the decision is for another plan than this one.
    OtherPlan {
        /// Whose approval; `None` for the decision.
        by: Option<PersonId>,
    },
    /// The approval is too old.
    Expired {
        /// Whose.
        by: PersonId,
        /// Since when.
        at: Time,
    },
    /// One human approved twice, directly or through somebody they vouched for.
    CountedTwice {
        /// The second time.
        by: PersonId,
    },
    /// More people have to agree.
    TooFew {
        /// How many did.
        have: usize,
        /// How many have to.
        need: u32,
    },
}

impl fmt::Display for NotApproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnChange { by } => write!(
                f,
                "`{by}` requested this change or vouched for who did; ask somebody independent to approve it"
            ),
            Self::OtherPlan { by: Some(by) } => write!(
                f,
                "the approval of `{by}` is for another plan than this one; show the plan again and approve that"
            ),
            Self::OtherPlan { by: None } => f.write_str(
                "the decision is for another plan than this one; ask for a new decision",
            ),
            Self::Expired { by, at } => {
                write!(f, "the approval of `{by}` expired at {at}; approve again")
            }
            Self::CountedTwice { by } => write!(
                f,
                "`{by}` or somebody behind that sign-in approved already; another person has to"
            ),
            Self::TooFew { have, need } => {
                write!(f, "{have} of {need} approvals are there; ask the others")
            }
        }
    }
}

impl std::error::Error for NotApproved {}
