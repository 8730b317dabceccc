//! What can go wrong in a use case, by who has to do something about it.

use std::fmt;

use crate::world::NoRandomness;

/// Why a use case did not do what was asked. Nothing was changed unless a variant says so.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The caller sent something that cannot be meant.
    BadInput {
        /// The field that has to be mended.
        field: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// The caller did not prove who they are.
    NotSignedIn {
        /// How to.
        message: String,
    },
    /// The caller may not do this.
    NotAllowed {
        /// The rule that says so.
        rule: String,
        /// Why, and who can grant it.
        message: String,
    },
    /// There is no such thing, or the caller may not know of it.
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// It does not fit how things stand now.
    Conflict {
        /// What stands in the way and what to do.
        message: String,
    },
    /// Somebody we depend on did not answer.
    Unreachable {
        /// Who.
        peer: String,
        /// What is known.
        message: String,
    },
    /// We cannot at this moment; nothing was done, trying again is right.
    Busy {
        /// What is known.
        message: String,
    },
    /// What we stored is not what we stored.
    Damaged {
        /// What is known.
        message: String,
    },
    /// We thought this impossible.
    Bug {
        /// Why we thought so.
        message: String,
    },
}

impl Fault {
    /// A bug, with why it was thought impossible.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::Bug { message: message.into() }
    }

    /// Bad input of one field.
    pub(crate) fn input(field: &'static str, message: impl fmt::Display) -> Self {
        Self::BadInput { field, message: message.to_string() }
    }

    /// Nothing found.
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// A conflict.
    pub(crate) fn conflict(message: impl fmt::Display) -> Self {
        Self::Conflict { message: message.to_string() }
    }

    /// The stable label machines match on.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::BadInput { .. } => "bad-input",
            Self::NotSignedIn { .. } => "not-signed-in",
            Self::NotAllowed { .. } => "not-allowed",
            Self::NotFound { .. } => "not-found",
            Self::Conflict { .. } => "conflict",
            Self::Unreachable { .. } => "unreachable",
            Self::Busy { .. } => "busy",
            Self::Damaged { .. } => "damaged",
            Self::Bug { .. } => "bug",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadInput { field, message } => write!(f, "`{field}`: {message}"),
            Self::NotAllowed { rule, message } => write!(f, "{message} (rule `{rule}`)"),
            Self::NotFound { what } => write!(f, "there is no {what}, or you may not see it"),
            Self::NotSignedIn { message } | Self::Conflict { message } | Self::Busy { message } => {
                f.write_str(message)
            }
            Self::Unreachable { peer, message } => {
                write!(f, "{peer} could not be reached: {message}")
            }
            Self::Damaged { message } => {
                write!(f, "stored data is damaged: {message}; run `bailiwick ledger verify`")
            }
            Self::Bug { message } => write!(f, "this is a bug, please report it: {message}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<NoRandomness> for Fault {
    fn from(cause: NoRandomness) -> Self {
        Self::Busy { message: cause.to_string() }
    }
}

impl From<bailiwick_store::StoreError> for Fault {
    fn from(cause: bailiwick_store::StoreError) -> Self {
        match cause {
            bailiwick_store::StoreError::Database(cause) => {
                Self::Unreachable { peer: "the database".to_owned(), message: cause.to_string() }
            }
            bailiwick_store::StoreError::Damaged(mismatch) => Self::Damaged {
                message: format!("{} `{}`: {}", mismatch.table, mismatch.key, mismatch.what),
            },
        }
    }
}

impl From<bailiwick_store::CommitError> for Fault {
    fn from(cause: bailiwick_store::CommitError) -> Self {
        use bailiwick_store::CommitError;
        match cause {
            CommitError::Expectation(_) | CommitError::Conflict(_) => {
                Self::Conflict { message: cause.to_string() }
            }
            // What was asked for is more than one entry of the ledger can say.
            CommitError::TooLarge { what, have, max } => Self::input(
                "request",
                format!("{what} would be {have} large, and {max} fit; ask for less at once"),
            ),
            CommitError::NotStorable(_) => Self::Bug { message: cause.to_string() },
            CommitError::Unavailable(_) => Self::Busy { message: cause.to_string() },
            CommitError::Unknown(_) => {
                Self::Unreachable { peer: "the database".to_owned(), message: cause.to_string() }
            }
        }
    }
}

impl From<bailiwick_core::change::Refusal> for Fault {
    fn from(refusal: bailiwick_core::change::Refusal) -> Self {
        use bailiwick_core::change::Refusal;
        match refusal {
            Refusal::NotApproved(why) => Self::NotAllowed {
                rule: "separation-of-duties".to_owned(),
                message: why.to_string(),
            },
            Refusal::OwnChange { .. } => Self::NotAllowed {
                rule: "separation-of-duties".to_owned(),
                message: refusal.to_string(),
            },
            Refusal::WrongState { .. } | Refusal::Expired { .. } | Refusal::NotExpired { .. } => {
                Self::Conflict { message: refusal.to_string() }
            }
        }
    }
}
