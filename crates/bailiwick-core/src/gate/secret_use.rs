//! A secret of the house, opened.

use crate::names::ChangeId;

/// A provider's credential was opened: for a step of an approved change, or for one of the chores that
/// a change left. Which secret and for what; never the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretUse {
    /// What it is for, such as `tsig`.
    pub purpose: String,
    /// Whose it is, such as a zone.
    pub name: String,
    /// By which change; `None` for a chore.
    pub change: Option<ChangeId>,
    /// For which kind of step, or which chore.
    pub step: String,
}
