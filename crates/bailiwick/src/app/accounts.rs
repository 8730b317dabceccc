//! ACME accounts: registered with a credential that a person made, so that every account belongs to
//! a service and its owners (RFC 8555, sections 7.3 and 7.3.4).

use bailiwick_core::gate::{Account, AccountStatus, Credential, Problem, ProblemKind};
use bailiwick_core::names::{AccountId, CredentialId};
use bailiwick_core::record::{Batch, Entry, Expect, Fact};
use bailiwick_store::{CommitError, Conflict};
use bailiwick_wire::acme::check_contacts;
use bailiwick_wire::jose::{BadBinding, ExternalBinding, Jwk, JwsProblem};
use serde_json::Value;

use super::App;
use super::orders::{actor, problem};
use crate::fault::Fault;

/// What a client that registers sends, its signature verified.
pub(crate) struct NewAccount<'a> {
    /// The key it signed with.
    pub key: &'a Jwk,
    /// The `url` it signed.
    pub url: &'a str,
    /// Contact URLs.
    pub contacts: Vec<String>,
    /// Whether the terms of service are agreed to.
    pub terms_agreed: bool,
    /// The inner JWS of the binding.
    pub binding: Option<Value>,
}

/// What came of a key change.
pub(crate) enum KeyChangeAnswer {
    /// The account has the new key, and only that.
    Changed(Box<Account>),
    /// It has not: this account has that key already.
    Taken(Box<Account>),
}

/// What it gets.
pub(crate) enum AccountAnswer {
    /// An account of its own, just made.
    Registered(Box<Account>),
    /// The account that has its key already.
    Known(Box<Account>),
    /// No, and why.
    Refused(Problem),
}

impl App {
    /// The account with this key.
    pub(crate) async fn account_by_key(&self, key: &Jwk) -> Result<Option<Account>, Fault> {
        Ok(self.store.account_by_key(&key.thumbprint().to_string()).await?)
    }

    /// The account with this id.
    pub(crate) async fn account(&self, id: &AccountId) -> Result<Option<Account>, Fault> {
        Ok(self.store.account(id).await?)
    }

    /// Registers an account, bound by a credential that a person made. A key that has an account
    /// gets that one, whatever else is sent.
    pub(crate) async fn register_account(
        &self,
        wanted: NewAccount<'_>,
    ) -> Result<AccountAnswer, Fault> {
        if let Some(known) = self.account_by_key(wanted.key).await? {
            return Ok(AccountAnswer::Known(Box::new(known)));
        }
        if let Err(problem) = check_contacts(&wanted.contacts) {
            return Ok(AccountAnswer::Refused(problem));
        }
        let terms = self.settings.terms_of_service.clone();
        if let (Some(terms), false) = (&terms, wanted.terms_agreed) {
            return Ok(AccountAnswer::Refused(Problem {
                instance: Some(terms.clone()),
                ..problem(
                    ProblemKind::UserActionRequired,
                    format!(
                        "the terms of service at {terms} have to be agreed to; register again with `termsOfServiceAgreed`"
                    ),
                )
            }));
        }
        let Some(binding) = wanted.binding else {
            return Ok(AccountAnswer::Refused(problem(
                ProblemKind::ExternalAccountRequired,
                "accounts are bound to a service here: ask for a credential (`bailiwick credential create`) and register with its key id and key",
            )));
        };
        let credential = match self.check_binding(wanted.key, wanted.url, &binding).await? {
            Ok(credential) => credential,
            Err(problem) => return Ok(AccountAnswer::Refused(problem)),
        };
        let now = self.now();
        let account = Account {
            id: AccountId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad account id"))?,
            thumbprint: wanted.key.thumbprint().to_string(),
            jwk: wanted.key.canonical(),
            contacts: wanted.contacts,
            status: AccountStatus::Valid,
            credential: credential.id,
            made_by: credential.created_by,
            chain: credential.chain,
            service: credential.service,
            environment: credential.environment,
            namespace: credential.namespace,
            attestations: credential.attestations,
            binding: binding.to_string(),
            created_at: now,
        };
        let fact = Fact::AccountRegistered(Box::new(account.clone()));
        let agreed = terms.map(|terms| Fact::TermsAgreed { account: account.id.clone(), terms });
        let entry = |fact| Entry { at: now, by: actor(&account), fact };
        let entries = [fact].into_iter().chain(agreed).map(entry).collect();
        match self.store.commit(Batch { entries, ..Batch::default() }).await {
            Ok(_) => Ok(AccountAnswer::Registered(Box::new(account))),
            // Two requests at once: the other one made it.
            Err(CommitError::Conflict(Conflict::AccountKeyUsed { .. })) => {
                let known = self.account_by_key(wanted.key).await?;
                known
                    .map(|known| AccountAnswer::Known(Box::new(known)))
                    .ok_or_else(|| Fault::bug("a key that is used has no account"))
            }
            Err(CommitError::Conflict(Conflict::CredentialUnusable { .. })) => {
                Ok(AccountAnswer::Refused(problem(ProblemKind::Unauthorized, SPENT)))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Verifies a binding (RFC 8555, section 7.3.4): the MAC of a credential that can still be used,
    /// over this very account key, for this very URL.
    async fn check_binding(
        &self,
        key: &Jwk,
        url: &str,
        binding: &Value,
    ) -> Result<Result<Credential, Problem>, Fault> {
        let refused = |detail: &str| Ok(Err(problem(ProblemKind::Unauthorized, detail)));
        let binding = match ExternalBinding::parse(binding) {
            Ok(binding) => binding,
            Err(cause) => return Ok(Err(problem(ProblemKind::Malformed, cause.to_string()))),
        };
        let credential = match CredentialId::parse(binding.kid()) {
            Ok(id) => self.store.credential(&id).await?,
            Err(_) => None,
        };
        let Some(credential) = credential else { return refused(UNKNOWN) };
        let sealed = self.store.credential_secret(&credential.id).await?;
        let sealed = sealed
            .ok_or_else(|| Fault::Damaged { message: "a credential has no key".to_owned() })?;
        let mac_key = self.sealer.open_credential(&credential.id, &sealed);
        let mac_key = mac_key.map_err(|cause| Fault::Damaged { message: cause.to_string() })?;
        if let Err(cause) = binding.verify(&mac_key, url, key) {
            return match (cause, cause.problem()) {
                (BadBinding::Mac, _) => refused(UNKNOWN),
                (_, JwsProblem::Unauthorized) => refused(&cause.to_string()),
                (_, _) => Ok(Err(problem(ProblemKind::Malformed, cause.to_string()))),
            };
        }
        if credential.revoked_at.is_some() {
            return refused("the credential was revoked; ask for a new one");
        }
        if self.now() >= credential.expires_at {
            return refused("the credential expired; ask for a new one");
        }
        if credential.account.is_some() {
            return refused(SPENT);
        }
        Ok(Ok(credential))
    }

    /// Changes an account's contacts.
    pub(crate) async fn set_contacts(
        &self,
        mut account: Account,
        contacts: Vec<String>,
    ) -> Result<Result<Account, Problem>, Fault> {
        if let Err(problem) = check_contacts(&contacts) {
            return Ok(Err(problem));
        }
        if account.contacts == contacts {
            return Ok(Ok(account));
        }
        let fact = Fact::AccountUpdated { account: account.id.clone(), contacts: contacts.clone() };
        let entry = Entry { at: self.now(), by: actor(&account), fact };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        account.contacts = contacts;
        Ok(Ok(account))
    }

    /// Gives an account another key (RFC 8555, section 7.3.5). From the commit on the old one is of
    /// no use; orders and authorizations stay, and so do the account's URL, which is what CAA
    /// records name, and its binding to a service.
    pub(crate) async fn change_account_key(
        &self,
        mut account: Account,
        key: &Jwk,
    ) -> Result<KeyChangeAnswer, Fault> {
        if let Some(other) = self.account_by_key(key).await? {
            return Ok(KeyChangeAnswer::Taken(Box::new(other)));
        }
        let (thumbprint, jwk) = (key.thumbprint().to_string(), key.canonical());
        let fact = Fact::AccountKeyChanged {
            account: account.id.clone(),
            thumbprint: thumbprint.clone(),
            jwk: jwk.clone(),
        };
        let (id, before) = (account.id.clone(), account.thumbprint.clone());
        let batch = Batch {
            expects: vec![Expect::AccountHasKey { id, thumbprint: before }],
            entries: vec![Entry { at: self.now(), by: actor(&account), fact }],
            ..Batch::default()
        };
        match self.store.commit(batch).await {
            Ok(_) => {
                account.thumbprint = thumbprint;
                account.jwk = jwk;
                Ok(KeyChangeAnswer::Changed(Box::new(account)))
            }
            // Two requests at once: the other one took the key.
            Err(CommitError::Conflict(Conflict::AccountKeyUsed { .. })) => {
                let other = self.account_by_key(key).await?;
                other
                    .map(|other| KeyChangeAnswer::Taken(Box::new(other)))
                    .ok_or_else(|| Fault::bug("a key that is used has no account"))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Ends an account at its holder's wish. Its certificates stay (RFC 8555, section 7.3.6).
    pub(crate) async fn deactivate_account(&self, mut account: Account) -> Result<Account, Fault> {
        let status = AccountStatus::Deactivated;
        let fact = Fact::AccountEnded { account: account.id.clone(), status };
        let entry = Entry { at: self.now(), by: actor(&account), fact };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        account.status = status;
        Ok(account)
    }
}

/// Told alike for a key id that does not exist and for a wrong key, so that key ids cannot be tried.
const UNKNOWN: &str =
    "the external account binding is of no credential here; check its key id and key";
const SPENT: &str =
    "the credential bound another account already, or was revoked; ask for a new one";
