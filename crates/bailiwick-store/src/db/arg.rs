//! What is put into statements.

use std::borrow::Cow;

use bailiwick_core::ledger::{LeafHash, LeafIndex, RootHash, TreeSize};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AttestorId, AuthzId, CertFingerprint, CertSerial, ChangeId,
    CredentialId, DecisionId, Digest, DnsName, EnvelopeId, FindingId, IssuerId, OrderId, PersonId,
    ProfileId, ServiceId, SessionId, SpkiHash, TokenId,
};
use bailiwick_core::time::Time;

/// One bound value. A missing one still says of which type, as PostgreSQL wants to know.
#[derive(Clone, Debug)]
pub(crate) enum Arg<'a> {
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    NoInt,
    NoText,
    NoBytes,
}

/// A list of [`Arg`]s out of anything that is one.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::db::Arg::from($value)),*] };
}
pub(crate) use args;

impl Arg<'_> {
    /// The same without borrowing.
    pub(crate) fn to_owned(&self) -> Arg<'static> {
        match self {
            Self::Int(value) => Arg::Int(*value),
            Self::Text(text) => Arg::Text(Cow::Owned(text.as_ref().to_owned())),
            Self::Bytes(bytes) => Arg::Bytes(Cow::Owned(bytes.as_ref().to_owned())),
            Self::NoInt => Arg::NoInt,
            Self::NoText => Arg::NoText,
            Self::NoBytes => Arg::NoBytes,
        }
    }

    /// Whether both engines can hold it: PostgreSQL has no NUL in texts.
    pub(crate) fn is_storable(&self) -> bool {
        match self {
            Self::Text(text) => !text.contains('\0'),
            Self::Int(_) | Self::Bytes(_) | Self::NoInt | Self::NoText | Self::NoBytes => true,
        }
    }
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<Time> for Arg<'_> {
    fn from(value: Time) -> Self {
        Self::Int(value.unix_ms())
    }
}

impl From<LeafIndex> for Arg<'_> {
    fn from(value: LeafIndex) -> Self {
        Self::Int(value.as_i64())
    }
}

impl From<TreeSize> for Arg<'_> {
    fn from(value: TreeSize) -> Self {
        Self::Int(value.as_i64())
    }
}

impl From<Option<Time>> for Arg<'_> {
    fn from(value: Option<Time>) -> Self {
        value.map_or(Self::NoInt, Self::from)
    }
}

impl From<Option<u32>> for Arg<'_> {
    fn from(value: Option<u32>) -> Self {
        value.map_or(Self::NoInt, Self::from)
    }
}

impl From<String> for Arg<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Self::NoText, Self::from)
    }
}

impl<'a> From<Option<&'a String>> for Arg<'a> {
    fn from(value: Option<&'a String>) -> Self {
        value.map_or(Self::NoText, Self::from)
    }
}

impl From<Vec<u8>> for Arg<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Arg<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

macro_rules! texts {
    ($($name:ident)+) => {$(
        impl<'a> From<&'a $name> for Arg<'a> {
            fn from(value: &'a $name) -> Self {
                Self::from(value.as_str())
            }
        }
        impl<'a> From<Option<&'a $name>> for Arg<'a> {
            fn from(value: Option<&'a $name>) -> Self {
                value.map_or(Self::NoText, Self::from)
            }
        }
    )+};
}

texts! {
    AccountId AttestorId AuthzId ChangeId CredentialId DecisionId DnsName EnvelopeId FindingId IssuerId
    OrderId PersonId ProfileId ServiceId SessionId TokenId
}

impl From<&AcmeIdentifier> for Arg<'_> {
    fn from(value: &AcmeIdentifier) -> Self {
        Self::from(value.to_string())
    }
}

macro_rules! octets {
    ($($name:ident)+) => {$(
        impl<'a> From<&'a $name> for Arg<'a> {
            fn from(value: &'a $name) -> Self {
                Self::Bytes(Cow::Borrowed(value.as_bytes()))
            }
        }
        impl<'a> From<Option<&'a $name>> for Arg<'a> {
            fn from(value: Option<&'a $name>) -> Self {
                value.map_or(Self::NoBytes, Self::from)
            }
        }
    )+};
}

octets! { CertFingerprint CertSerial Digest SpkiHash }

impl<'a> From<&'a LeafHash> for Arg<'a> {
    fn from(value: &'a LeafHash) -> Self {
        Self::from(value.digest())
    }
}

impl<'a> From<&'a RootHash> for Arg<'a> {
    fn from(value: &'a RootHash) -> Self {
        Self::from(value.digest())
    }
}
