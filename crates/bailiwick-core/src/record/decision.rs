//! A decision of the policy as the ledger keeps it.

use crate::names::{DecisionId, Digest};

/// A decision of the policy, with what it was made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// What was asked, such as `issue`, `revoke`, `approve`.
    pub action: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The policy it was made with.
    pub policy: Digest,
    /// The facts, canonical JSON of `wire::policy`, so that it can be made again.
    pub facts: String,
    /// The reasons, canonical JSON of `wire::policy`.
    pub reasons: String,
    /// The rule that decided, for lists.
    pub rule: String,
}
