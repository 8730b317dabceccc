//! Rows of ACME accounts.

use bailiwick_core::gate::{Account, AccountStatus};
use bailiwick_core::names::{AccountId, CredentialId};
use bailiwick_core::record::Row;
use bailiwick_core::time::Time;
use bailiwick_wire::rows::encode_list;

use super::{found, new};
use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// Writes one of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these rows only")]
pub(super) async fn apply(tx: &mut Tx, row: &Row) -> Result<(), Rejected> {
    match row {
        Row::PutAccount(account) => put(tx, account).await,
        Row::SetContacts { account, contacts } => set_contacts(tx, account, contacts).await,
        Row::SetAccountKey { account, thumbprint, jwk } => {
            set_key(tx, account, thumbprint, jwk).await
        }
        Row::SetAccountStatus { account, status } => set_status(tx, account, *status).await,
        Row::SetAccountTerms { account, terms, at } => set_terms(tx, account, terms, *at).await,
        Row::BindAccount { account, credential } => bind(tx, account, credential).await,
        _ => Ok(()),
    }
}

async fn put(tx: &mut Tx, account: &Account) -> Result<(), Rejected> {
    key_is_free(tx, &account.thumbprint).await?;
    let bind = "UPDATE credential SET account = $2 \
        WHERE id = $1 AND account IS NULL AND revoked_at IS NULL AND expires_at > $3";
    let given = args![&account.credential, &account.id, account.created_at];
    if tx.exec(bind, &given).await? != 1 {
        return Err(Conflict::CredentialUnusable { id: account.credential.clone() }.into());
    }
    let put = "INSERT INTO account (id, thumbprint, jwk, contacts, status, credential, made_by, \
        service, environment, namespace, attestations, binding, created_at, chain) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
    let given = args![
        &account.id,
        &account.thumbprint,
        &account.jwk,
        encode_list(&account.contacts),
        account.status.as_str(),
        &account.credential,
        &account.made_by,
        &account.service,
        &account.environment,
        account.namespace.as_ref(),
        encode_list(&account.attestations),
        &account.binding,
        account.created_at,
        encode_list(&account.chain),
    ];
    new(tx.exec(put, &given).await?, "account", &account.id)
}

async fn set_key(
    tx: &mut Tx,
    account: &AccountId,
    thumbprint: &str,
    jwk: &str,
) -> Result<(), Rejected> {
    key_is_free(tx, thumbprint).await?;
    let set = "UPDATE account SET thumbprint = $2, jwk = $3 WHERE id = $1";
    found(tx.exec(set, &args![account, thumbprint, jwk]).await?, "account", account)
}

/// A key names one account, ended ones too.
async fn key_is_free(tx: &mut Tx, thumbprint: &str) -> Result<(), Rejected> {
    let known = "SELECT 1 FROM account WHERE thumbprint = $1";
    match tx.first(known, &args![thumbprint]).await? {
        Some(_) => Err(Conflict::AccountKeyUsed { thumbprint: thumbprint.to_owned() }.into()),
        None => Ok(()),
    }
}

/// Binds an account by another credential, which is spent with it.
async fn bind(tx: &mut Tx, account: &AccountId, credential: &CredentialId) -> Result<(), Rejected> {
    let spend = "UPDATE credential SET account = $2 \
        WHERE id = $1 AND account IS NULL AND revoked_at IS NULL";
    if tx.exec(spend, &args![credential, account]).await? != 1 {
        return Err(Conflict::CredentialUnusable { id: credential.clone() }.into());
    }
    let set = "UPDATE account SET credential = $2, \
        made_by = (SELECT created_by FROM credential WHERE id = $2), \
        chain = (SELECT chain FROM credential WHERE id = $2), \
        attestations = (SELECT attestations FROM credential WHERE id = $2) WHERE id = $1";
    found(tx.exec(set, &args![account, credential]).await?, "account", account)
}

async fn set_contacts(
    tx: &mut Tx,
    account: &AccountId,
    contacts: &[String],
) -> Result<(), Rejected> {
    let set = "UPDATE account SET contacts = $2 WHERE id = $1";
    found(tx.exec(set, &args![account, encode_list(contacts)]).await?, "account", account)
}

async fn set_status(
    tx: &mut Tx,
    account: &AccountId,
    status: AccountStatus,
) -> Result<(), Rejected> {
    let set = "UPDATE account SET status = $2 WHERE id = $1";
    found(tx.exec(set, &args![account, status.as_str()]).await?, "account", account)
}

async fn set_terms(
    tx: &mut Tx,
    account: &AccountId,
    terms: &str,
    at: Time,
) -> Result<(), Rejected> {
    let put = "INSERT INTO account_terms (account, terms, at) VALUES ($1, $2, $3) \
        ON CONFLICT (account) DO UPDATE SET terms = excluded.terms, at = excluded.at";
    tx.exec(put, &args![account, terms, at]).await?;
    Ok(())
}
