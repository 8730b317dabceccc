//! What stands at the issuance gate: accounts, credentials, validations.

use bailiwick_core::gate::{
    Account, AccountStatus, ChallengeKind, Credential, StandingRecord, ValidationEvidence,
};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AuthzId, CredentialId, DnsName, PersonId, ServiceId,
};

use bailiwick_core::time::Time;

use super::select::Select;
use crate::db::{Arg, Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

macro_rules! account {
    ($rest:literal) => {
        concat!(
            "SELECT id, thumbprint, jwk, contacts, status, credential, made_by, service, \
             environment, namespace, attestations, binding, created_at, chain FROM account ",
            $rest
        )
    };
}

macro_rules! credential {
    ($rest:literal) => {
        concat!(
            "SELECT id, service, environment, namespace, attestations, created_by, created_at, \
             expires_at, revoked_at, account, chain FROM credential ",
            $rest
        )
    };
}

macro_rules! standing {
    ($rest:literal) => {
        concat!(
            "SELECT name, account, service, issuer, wildcard, until, text, first_at, seen_at, \
             gone_at FROM standing_record ",
            $rest
        )
    };
}

/// A standing validation record, and when it was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StandingRow {
    /// As it was seen last.
    pub record: StandingRecord,
    /// When it was first relied on.
    pub first_at: Time,
    /// When it was last seen.
    pub seen_at: Time,
    /// Since when it is gone.
    pub gone_at: Option<Time>,
}

impl Store {
    /// The account with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let kept = &self.inner.kept;
        if let Some(account) = kept.account(id) {
            return Ok(Some(account));
        }
        let since = kept.since();
        let row = self.inner.db.first(account!("WHERE id = $1"), &args![id]).await?;
        let found = row.map(account).transpose()?;
        if let Some(account) = &found {
            kept.keep_account(since, account);
        }
        Ok(found)
    }

    /// The account whose key has that RFC 7638 thumbprint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_by_key(&self, thumbprint: &str) -> Result<Option<Account>, StoreError> {
        let one = account!("WHERE thumbprint = $1");
        self.inner.db.first(one, &args![thumbprint]).await?.map(account).transpose()
    }

    /// Accounts by id behind one, those of one service where one is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts(
        &self,
        service: Option<&ServiceId>,
        after: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        let after = after.map_or("", AccountId::as_str);
        let rows = match service {
            Some(service) => {
                let some = account!("WHERE service = $1 AND id > $2 ORDER BY id LIMIT $3");
                self.inner.db.all(some, &args![service, after, clamp(limit)]).await?
            }
            None => {
                let some = account!("WHERE id > $1 ORDER BY id LIMIT $2");
                self.inner.db.all(some, &args![after, clamp(limit)]).await?
            }
        };
        rows.into_iter().map(account).collect()
    }

    /// Whoever made a valid account of a service, and everybody who stands behind them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn makers_of_accounts(&self) -> Result<Vec<(ServiceId, PersonId)>, StoreError> {
        let db = &self.inner.db;
        let made = "SELECT DISTINCT service, made_by FROM account WHERE status = 'valid'";
        let behind = "SELECT DISTINCT service, chain FROM account \
            WHERE status = 'valid' AND chain <> '[]'";
        let mut all = Vec::new();
        for row in db.all(made, &[]).await? {
            let mut row = Reader::new("account", row);
            all.push((row.parsed(ServiceId::parse)?, row.parsed(PersonId::parse)?));
        }
        for row in db.all(behind, &[]).await? {
            let mut row = Reader::new("account", row);
            let service = row.parsed(ServiceId::parse)?;
            let chain: Vec<PersonId> = row.list(PersonId::parse)?;
            all.extend(chain.into_iter().map(|person| (service.clone(), person)));
        }
        Ok(all)
    }

    /// The credential with that `kid`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credential(&self, id: &CredentialId) -> Result<Option<Credential>, StoreError> {
        let row = self.inner.db.first(credential!("WHERE id = $1"), &args![id]).await?;
        row.map(credential).transpose()
    }

    /// Credentials by id behind one, those of one service where one is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials(
        &self,
        service: Option<&ServiceId>,
        after: Option<&CredentialId>,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        let after = after.map_or("", CredentialId::as_str);
        let rows = match service {
            Some(service) => {
                let some = credential!("WHERE service = $1 AND id > $2 ORDER BY id LIMIT $3");
                self.inner.db.all(some, &args![service, after, clamp(limit)]).await?
            }
            None => {
                let some = credential!("WHERE id > $1 ORDER BY id LIMIT $2");
                self.inner.db.all(some, &args![after, clamp(limit)]).await?
            }
        };
        rows.into_iter().map(credential).collect()
    }

    /// The credential that took the place of this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credential_successor(
        &self,
        id: &CredentialId,
    ) -> Result<Option<CredentialId>, StoreError> {
        let one = "SELECT successor FROM credential_rotation WHERE credential = $1";
        let row = self.inner.db.first(one, &args![id]).await?;
        row.map(|row| Reader::new("credential_rotation", row).parsed(CredentialId::parse))
            .transpose()
    }

    /// The terms of service that the holder of an account agreed to last, and when.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account_terms(
        &self,
        id: &AccountId,
    ) -> Result<Option<(String, Time)>, StoreError> {
        let one = "SELECT terms, at FROM account_terms WHERE account = $1";
        let read = |row| {
            let mut row = Reader::new("account_terms", row);
            Ok((row.text()?, row.time()?))
        };
        self.inner.db.first(one, &args![id]).await?.map(read).transpose()
    }

    /// The sealed MAC key of a credential.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credential_secret(
        &self,
        id: &CredentialId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let one = "SELECT sealed FROM credential_secret WHERE credential = $1";
        let row = self.inner.db.first(one, &args![id]).await?;
        row.map(|row| Reader::new("credential_secret", row).bytes()).transpose()
    }

    /// How an account showed control of a name, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn validations(
        &self,
        account: &AccountId,
        name: &AcmeIdentifier,
        limit: u32,
    ) -> Result<Vec<ValidationEvidence>, StoreError> {
        let some = "SELECT authorization_id, account, name, wildcard, kind, seen_at, at, expires_at \
            FROM validation WHERE account = $1 AND name = $2 \
            ORDER BY at DESC, authorization_id LIMIT $3";
        let given = [Arg::from(account), Arg::from(name), Arg::from(clamp(limit))];
        self.inner.db.all(some, &given).await?.into_iter().map(validation).collect()
    }

    /// Standing validation records by name and account behind one, those of one service where one
    /// is given; only those that stand, or all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing_records(
        &self,
        service: Option<&ServiceId>,
        standing_only: bool,
        after: Option<(&DnsName, &AccountId)>,
        limit: u32,
    ) -> Result<Vec<StandingRow>, StoreError> {
        let mut select = Select::new(standing!(""));
        if let Some(service) = service {
            select.and("service = ?", args![service]);
        }
        if standing_only {
            select.and("gone_at IS NULL", []);
        }
        if let Some((name, account)) = after {
            select.and("(name, account) > (?, ?)", [Arg::from(name), Arg::from(account)]);
        }
        select.push(" ORDER BY name, account LIMIT ?", args![clamp(limit)]);
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(standing).collect()
    }

    /// The standing record of a name that names this account, where one was relied on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing_record(
        &self,
        name: &DnsName,
        account: &AccountId,
    ) -> Result<Option<StandingRow>, StoreError> {
        let one = standing!("WHERE name = $1 AND account = $2");
        let given = [Arg::from(name), Arg::from(account)];
        self.inner.db.first(one, &given).await?.map(standing).transpose()
    }

    /// What was seen when this authorization became valid.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn validation(&self, id: &AuthzId) -> Result<Option<ValidationEvidence>, StoreError> {
        let one = "SELECT authorization_id, account, name, wildcard, kind, seen_at, at, expires_at \
            FROM validation WHERE authorization_id = $1";
        self.inner.db.first(one, &args![id]).await?.map(validation).transpose()
    }
}

fn standing(row: Vec<Cell>) -> Result<StandingRow, StoreError> {
    let mut row = Reader::new("standing_record", row);
    let record = StandingRecord {
        name: row.parsed(DnsName::parse)?,
        account: row.parsed(AccountId::parse)?,
        service: row.parsed(ServiceId::parse)?,
        issuer: row.text()?,
        wildcard: row.flag()?,
        until: row.time_maybe()?,
        text: row.text()?,
    };
    let (first_at, seen_at, gone_at) = (row.time()?, row.time()?, row.time_maybe()?);
    Ok(StandingRow { record, first_at, seen_at, gone_at })
}

fn account(row: Vec<Cell>) -> Result<Account, StoreError> {
    let mut row = Reader::new("account", row);
    Ok(Account {
        id: row.parsed(AccountId::parse)?,
        thumbprint: row.text()?,
        jwk: row.text()?,
        contacts: row.texts()?,
        status: row.word(AccountStatus::parse)?,
        credential: row.parsed(CredentialId::parse)?,
        made_by: row.parsed(PersonId::parse)?,
        service: row.parsed(ServiceId::parse)?,
        environment: row.text()?,
        namespace: row.text_maybe()?,
        attestations: row.texts()?,
        binding: row.text()?,
        created_at: row.time()?,
        chain: row.list(PersonId::parse)?,
    })
}

fn credential(row: Vec<Cell>) -> Result<Credential, StoreError> {
    let mut row = Reader::new("credential", row);
    Ok(Credential {
        id: row.parsed(CredentialId::parse)?,
        service: row.parsed(ServiceId::parse)?,
        environment: row.text()?,
        namespace: row.text_maybe()?,
        attestations: row.texts()?,
        created_by: row.parsed(PersonId::parse)?,
        created_at: row.time()?,
        expires_at: row.time()?,
        revoked_at: row.time_maybe()?,
        account: row.parsed_maybe(AccountId::parse)?,
        chain: row.list(PersonId::parse)?,
    })
}

fn validation(row: Vec<Cell>) -> Result<ValidationEvidence, StoreError> {
    let mut row = Reader::new("validation", row);
    Ok(ValidationEvidence {
        authorization: row.parsed(AuthzId::parse)?,
        account: row.parsed(AccountId::parse)?,
        name: row.parsed(AcmeIdentifier::parse)?,
        wildcard: row.flag()?,
        kind: row.word(ChallengeKind::parse)?,
        seen_at: row.texts()?,
        at: row.time()?,
        expires_at: row.time()?,
    })
}
