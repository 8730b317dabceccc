//! The registry of ACME accounts: whose each is, who answers for it, what it got, what it needs; and
//! what people do with them.

use bailiwick_core::actor::Actor;
use bailiwick_core::estate::{Duty, Estate, Issuer};
use bailiwick_core::gate::{Account, AccountStatus, Problem, ProblemKind};
use bailiwick_core::names::{AccountId, IssuerId, PersonId, ServiceId, TeamId};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::{Batch, Entry, Expect, Fact};
use bailiwick_core::time::Time;
use bailiwick_store::IssuedRow;

use super::lists::{Listed, limit, listed};
use super::orders::problem;
use super::words::said;
use super::{App, Asking, Live, Scope};
use crate::fault::Fault;
use crate::world::time_of_id;

/// Certificates of an account that are shown; the count tells of the others.
const CERTIFICATES_SHOWN: u32 = 50;

/// Somebody who answers: which duty, which team, who is on duty in it.
pub(crate) type Answering = (Duty, TeamId, Option<PersonId>);

/// An account with all that people want to know about it.
pub(crate) struct AccountView {
    /// The account.
    pub account: Account,
    /// Its URL.
    pub url: String,
    /// Who answers for its service; nobody where the service is not in the estate any more.
    pub owners: Vec<Answering>,
    /// When it last placed an order; `None`: never.
    pub last_order_at: Option<Time>,
    /// How many certificates it got.
    pub certificates: u64,
    /// The CAA records that let it, and nobody else, have certificates (RFC 8657), as a zone file
    /// holds them.
    pub caa: Vec<String>,
    /// The terms of service that were agreed to for it, and when.
    pub terms: Option<(String, Time)>,
    /// The terms that have to be agreed to before it gets anything more.
    pub terms_due: Option<String>,
}

impl App {
    /// A page of accounts by id, of one service or of all that the caller may see.
    pub(crate) async fn accounts(
        &self,
        asking: &Asking,
        service: Option<&ServiceId>,
        after: Option<&AccountId>,
        rows: Option<u32>,
    ) -> Result<Listed<AccountView>, Fault> {
        self.permit_service(asking, service)?;
        let rows = limit(rows)?;
        let page = self.store.accounts(service, after, rows).await?;
        let (page, next) = listed(page, rows, |one| one.id.to_string());
        let mut items = Vec::new();
        for account in page {
            if self.may(asking, Access::Read, &of(&account)) {
                items.push(self.seen(account).await?);
            }
        }
        Ok(Listed { items, next })
    }

    /// One account, and what it got, the newest first.
    pub(crate) async fn account_view(
        &self,
        asking: &Asking,
        id: &AccountId,
    ) -> Result<(AccountView, Vec<IssuedRow>), Fault> {
        let account = self.account_for(asking, id, Access::Read).await?;
        let certificates = self.store.certificates_of_account(id, CERTIFICATES_SHOWN).await?;
        Ok((self.seen(account).await?, certificates))
    }

    /// Ends an account, whatever its holder wants: from the commit on its key is of no use here. Its
    /// certificates stay; revoking them is a decision of its own.
    pub(crate) async fn revoke_account(
        &self,
        asking: &Asking,
        id: &AccountId,
        why: &str,
    ) -> Result<AccountView, Fault> {
        let mut account = self.account_for(asking, id, Access::Administer).await?;
        if account.status != AccountStatus::Valid {
            let status = account.status.as_str();
            return Err(Fault::conflict(format!("the account is {status} already")));
        }
        let fact = Fact::AccountRevoked {
            account: id.clone(),
            why: said("why", why, "say why; its holder reads it")?,
        };
        self.note_about(asking, &account, fact).await?;
        account.status = AccountStatus::Revoked;
        self.seen(account).await
    }

    /// Agrees to the terms of service for an account that was registered under others.
    pub(crate) async fn agree_for_account(
        &self,
        asking: &Asking,
        id: &AccountId,
        terms: &str,
    ) -> Result<AccountView, Fault> {
        let account = self.account_for(asking, id, Access::Administer).await?;
        if self.settings.terms_of_service.as_deref() != Some(terms) {
            let message = match &self.settings.terms_of_service {
                Some(now) => format!("the terms are at {now} now; read those and agree to them"),
                None => {
                    "this server has no terms of service; nothing is to be agreed to".to_owned()
                }
            };
            return Err(Fault::input("terms", message));
        }
        if self.terms_due(&account).await?.is_some() {
            let fact = Fact::TermsAgreed { account: id.clone(), terms: terms.to_owned() };
            self.note_about(asking, &account, fact).await?;
        }
        self.seen(account).await
    }

    /// What an account is told that asks for something new while its holder has not agreed to the
    /// terms as they are now (RFC 8555, section 7.3.3), with where the terms are.
    pub(crate) async fn terms_unmet(
        &self,
        account: &Account,
    ) -> Result<Option<(Problem, String)>, Fault> {
        let Some(terms) = self.terms_due(account).await? else { return Ok(None) };
        let page = self.settings.page(&format!("accounts/{}", account.id));
        let detail = format!(
            "the terms of service are at {terms} now and nobody agreed to them for this account; \
             somebody who answers for service `{}` does it at {page}",
            account.service
        );
        let unmet =
            Problem { instance: Some(page), ..problem(ProblemKind::UserActionRequired, detail) };
        Ok(Some((unmet, terms)))
    }

    /// The terms of service that were not agreed to for this account.
    async fn terms_due(&self, account: &Account) -> Result<Option<String>, Fault> {
        let Some(terms) = &self.settings.terms_of_service else { return Ok(None) };
        let agreed = self.store.account_terms(&account.id).await?;
        let current = agreed.is_some_and(|(agreed, _)| agreed == *terms);
        Ok((!current).then(|| terms.clone()))
    }

    async fn account_for(
        &self,
        asking: &Asking,
        id: &AccountId,
        access: Access,
    ) -> Result<Account, Fault> {
        let found = self.store.account(id).await?;
        let found = found.ok_or_else(|| Fault::not_found(format!("account `{id}`")))?;
        self.permit(asking, access, &of(&found))?;
        Ok(found)
    }

    /// Commits what a person did with an account, unless it ended or got another key meanwhile.
    async fn note_about(
        &self,
        asking: &Asking,
        account: &Account,
        fact: Fact,
    ) -> Result<(), Fault> {
        let (id, thumbprint) = (account.id.clone(), account.thumbprint.clone());
        let batch = Batch {
            expects: vec![Expect::AccountHasKey { id, thumbprint }],
            entries: vec![Entry { at: self.now(), by: Actor::Person(asking.by.clone()), fact }],
            ..Batch::default()
        };
        self.commit(batch).await.map(drop)
    }

    async fn seen(&self, account: Account) -> Result<AccountView, Fault> {
        let live = self.live.get();
        let last = self.store.order_of_account_back(&account.id, "", 0).await?;
        Ok(AccountView {
            url: self.settings.account_url(&account.id),
            owners: answering(live.estate(), &account.service, self.now()),
            last_order_at: last.and_then(|order| time_of_id(order.as_str())),
            certificates: self.store.certificate_count_of(&account.id).await?,
            caa: self.caa_for(&live, &account).await?,
            terms: self.store.account_terms(&account.id).await?,
            terms_due: self.terms_due(&account).await?,
            account,
        })
    }

    /// A record for each name of the service and each issuer domain name of an issuer that may serve
    /// it. At a CA behind ACME the account is ours there, whoever asked here.
    async fn caa_for(&self, live: &Live, account: &Account) -> Result<Vec<String>, Fault> {
        let Some(service) = live.estate().services.get(&account.service) else {
            return Ok(Vec::new());
        };
        let mut values = Vec::new();
        for (id, issuer) in &live.estate().issuers {
            if issuer.profiles.is_disjoint(&service.profiles) {
                continue;
            }
            if let Some(uri) = self.account_uri(account, id, issuer).await? {
                values
                    .extend(issuer.caa_domains.iter().map(|it| format!("{it}; accounturi={uri}")));
            }
        }
        // Addresses have no CAA (RFC 8738, section 5 leaves them out).
        let names = service.names.iter().filter_map(|name| Some((name, name.dns()?)));
        let lines = names.flat_map(|(name, base)| {
            let tag = if name.is_wildcard() { "issuewild" } else { "issue" };
            let line = move |value| format!("{base}. IN CAA 0 {tag} \"{value}\"");
            values.iter().map(line)
        });
        Ok(lines.collect())
    }

    async fn account_uri(
        &self,
        account: &Account,
        id: &IssuerId,
        issuer: &Issuer,
    ) -> Result<Option<String>, Fault> {
        if issuer.upstream.is_some() {
            return Ok(self.upstream_account(id).await?.map(|there| there.uri));
        }
        Ok(self.issuers.contains_key(id).then(|| self.settings.account_url(&account.id)))
    }
}

/// Who answers for a service now.
pub(super) fn answering(estate: &Estate, service: &ServiceId, now: Time) -> Vec<Answering> {
    let duties = estate.services.get(service).map(|service| service.duties.each());
    let each = duties.into_iter().flatten().map(|(duty, team)| {
        let person = estate.person_on_duty(team, now).ok();
        (duty, team.clone(), person.map(|on_duty| on_duty.person().clone()))
    });
    each.collect()
}

fn of(one: &Account) -> Scope {
    Scope::Service(ResourceKind::Account, one.id.to_string(), one.service.clone())
}
