//! Ids: one type per kind, so that a change's id cannot stand where an order's belongs.

use std::fmt;

/// Characters of an id at most: a UUID has 36, a key out of an estate file is chosen by people.
const ID_CHARS_MAX: usize = 64;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadId {
    /// Empty or longer than 64 characters.
    Length,
    /// Something other than a small letter, digit, `-`, `_` or `.`.
    Character,
}

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "an id has 1 to 64 characters",
            Self::Character => "an id holds small letters, digits, `-`, `_` and `.` only",
        })
    }
}

impl std::error::Error for BadId {}

fn check(text: &str) -> Result<(), BadId> {
    if text.is_empty() || text.len() > ID_CHARS_MAX {
        return Err(BadId::Length);
    }
    let fits =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    if text.bytes().all(fits) { Ok(()) } else { Err(BadId::Character) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Always: 1..=64 characters out of small letters, digits, `-`, `_` and `.`.
        #[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// [`BadId`] when the text is not one.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                check(text).map(|()| Self(text.to_owned()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// One change: the ticket.
    ChangeId;
    /// One stored decision of the policy.
    DecisionId;
    /// One envelope: a standing approval.
    EnvelopeId;
    /// One exception to a policy.
    ExceptionId;
    /// An ACME account (RFC 8555, section 7.1.2).
    AccountId;
    /// An ACME order (RFC 8555, section 7.1.3).
    OrderId;
    /// An ACME authorization (RFC 8555, section 7.1.4).
    AuthzId;
    /// An ACME challenge (RFC 8555, section 7.1.5).
    ChallengeId;
    /// An external account binding credential (RFC 8555, section 7.3.4): its `kid`.
    CredentialId;
    /// A person of the organisation, by the key in the estate.
    PersonId;
    /// A team, by the key in the estate.
    TeamId;
    /// A service that owns names, by the key in the estate.
    ServiceId;
    /// A CA of any kind, by the key in the estate.
    IssuerId;
    /// A certificate profile, by the key in the estate.
    ProfileId;
    /// Somebody whose word about workloads counts, by the key in the estate.
    AttestorId;
    /// An API token.
    TokenId;
    /// A signed-in browser session.
    SessionId;
    /// A difference between what was decided and what is seen.
    FindingId;
}
