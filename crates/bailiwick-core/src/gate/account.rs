//! ACME accounts and the credentials that bind them to a service.

use crate::names::{AccountId, CredentialId, PersonId, ServiceId};
use crate::time::Time;

/// An external account binding credential (RFC 8555, section 7.3.4), without its secret.
///
/// Always: made by a person for exactly one service in one environment. It binds at most one
/// account; a second registration with it is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// The `kid` a client sends.
    pub id: CredentialId,
    /// Whose certificates it may ask for.
    pub service: ServiceId,
    /// Where the client runs, such as `production`.
    pub environment: String,
    /// The namespace it runs in, such as that of a cluster, where the service has one.
    pub namespace: Option<String>,
    /// What is vouched for about the client, by kind, such as `host-key`.
    pub attestations: Vec<String>,
    /// Who made it.
    pub created_by: PersonId,
    /// Everybody behind that sign-in: nobody of them is independent of what is asked for with it.
    pub chain: Vec<PersonId>,
    /// When it was made.
    pub created_at: Time,
    /// After this moment no account can be registered with it.
    pub expires_at: Time,
    /// Set when it was revoked.
    pub revoked_at: Option<Time>,
    /// The account it bound, once it did.
    pub account: Option<AccountId>,
}

/// An ACME account (RFC 8555, section 7.1.2).
///
/// Always: bound to one service by one credential; the key is named by its RFC 7638 thumbprint and
/// is unique among accounts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its id, the last part of the account URL.
    pub id: AccountId,
    /// RFC 7638 thumbprint of the account key, base64url.
    pub thumbprint: String,
    /// The account key as canonical JWK text.
    pub jwk: String,
    /// Contact URLs as given.
    pub contacts: Vec<String>,
    /// Where it stands.
    pub status: AccountStatus,
    /// The credential that bound it.
    pub credential: CredentialId,
    /// Who made that credential: never independent of what the account asks for.
    pub made_by: PersonId,
    /// Everybody who stood behind that sign-in.
    pub chain: Vec<PersonId>,
    /// The service it asks for.
    pub service: ServiceId,
    /// The environment its credential was made for.
    pub environment: String,
    /// The namespace its credential was made for, where there is one.
    pub namespace: Option<String>,
    /// What the credential vouches for.
    pub attestations: Vec<String>,
    /// The inner JWS of the binding, kept as evidence and shown in the account object.
    pub binding: String,
    /// When it was registered.
    pub created_at: Time,
}

/// Where an account stands (RFC 8555, section 7.1.6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountStatus {
    /// It may order.
    Valid,
    /// Its holder ended it.
    Deactivated,
    /// We ended it.
    Revoked,
}

impl AccountStatus {
    /// The word of RFC 8555.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Deactivated => "deactivated",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Valid, Self::Deactivated, Self::Revoked].into_iter().find(|s| s.as_str() == word)
    }
}
