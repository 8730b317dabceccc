//! Words an organisation chooses itself, each its own type.

use std::fmt;

use crate::names::BadId;

/// Characters of a word at most; the same limit as an id has.
const WORD_CHARS_MAX: usize = 64;

fn check(text: &str) -> Result<(), BadId> {
    if text.is_empty() || text.len() > WORD_CHARS_MAX {
        return Err(BadId::Length);
    }
    let fits =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    if text.bytes().all(fits) { Ok(()) } else { Err(BadId::Character) }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Always: 1..=64 characters out of small letters, digits, `-`, `_` and `.`.
        #[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses a word.
            ///
            /// # Errors
            /// [`BadId`] when the text is not one.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                check(text).map(|()| Self(text.to_owned()))
            }

            /// The word as text.
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

words! {
    /// Where something runs, such as `production` or `staging`.
    Environment;
    /// The part of a platform a service lives in, such as a Kubernetes namespace.
    Namespace;
    /// A kind of proof about a client, such as `workload` or `host-key`.
    AttestationKind;
    /// The id of a policy rule, such as `ownership-unverified`.
    RuleId;
}

impl RuleId {
    /// The id of a rule that stands in our own code; it is spelled right there.
    pub(crate) fn fixed(word: &'static str) -> Self {
        Self(word.to_owned())
    }
}

/// Declares an enum whose variants are spelled by one word each.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word it is spelled with.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use spelled;
