//! Which row a fact about an ACME client causes: its account, its credential.

use crate::gate::AccountStatus;
use crate::time::Time;

use super::entry::Fact;
use super::row::Row;

/// The row of one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these facts only")]
pub(super) fn client_rows(fact: &Fact, at: Time) -> Option<Row> {
    Some(match fact {
        Fact::AccountRegistered(account) => Row::PutAccount(account.clone()),
        Fact::AccountUpdated { account, contacts } => {
            Row::SetContacts { account: account.clone(), contacts: contacts.clone() }
        }
        Fact::AccountKeyChanged { account, thumbprint, jwk } => Row::SetAccountKey {
            account: account.clone(),
            thumbprint: thumbprint.clone(),
            jwk: jwk.clone(),
        },
        Fact::AccountEnded { account, status } => {
            Row::SetAccountStatus { account: account.clone(), status: *status }
        }
        Fact::AccountRevoked { account, .. } => {
            Row::SetAccountStatus { account: account.clone(), status: AccountStatus::Revoked }
        }
        Fact::TermsAgreed { account, terms } => {
            Row::SetAccountTerms { account: account.clone(), terms: terms.clone(), at }
        }
        Fact::AccountAttested { account, credential } => {
            Row::BindAccount { account: account.clone(), credential: credential.clone() }
        }
        Fact::CredentialMade(credential) => Row::PutCredential(credential.clone()),
        Fact::CredentialRevoked { credential } => {
            Row::RevokeCredential { credential: credential.clone(), at }
        }
        Fact::CredentialRotated { credential, successor, until } => Row::RotateCredential {
            credential: credential.clone(),
            successor: successor.clone(),
            until: *until,
            at,
        },
        _ => return None,
    })
}
