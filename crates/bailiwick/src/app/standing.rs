//! Standing validation records (dns-persist-01): which issuer's name they have to hold, who answers
//! for each, and whether they still stand.

use std::collections::BTreeSet;
use std::sync::Arc;

use bailiwick_connect::validate::{Fence, Stand, Validator};
use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::gate::{
    Account, Authorization, ChallengeKind, ChallengeStatus, StandingRecord,
};
use bailiwick_core::names::{AccountId, DnsName, IssuerId, OrderId, SanName, ServiceId};
use bailiwick_core::policy::{Access, ResourceKind, Stage};
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_store::StandingRow;
use bailiwick_wire::acme::Standing;
use futures::stream::{self, StreamExt as _};

use super::authorizations::made_before;
use super::lists::{Listed, limit, listed};
use super::orders::default_profile;
use super::registry::{Answering, answering};
use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// Orders looked through for those that an authorization was made for.
const ORDERS_READ: u32 = 20;
/// Records of one page when all of them are looked at.
const PAGE: u32 = 200;
/// Records looked at at once: somebody's name servers answer for many of them.
const AT_ONCE: usize = 4;

/// A standing record with who answers for it.
pub(crate) struct StandingView {
    /// The record, and when it was seen.
    pub row: StandingRow,
    /// Who answers for the service that it serves.
    pub owners: Vec<Answering>,
    /// Where it stands: `stands`, `ended` or `gone`.
    pub state: &'static str,
}

impl App {
    /// A page of standing records by name and account, of one service or of all that the caller may
    /// see.
    pub(crate) async fn standing_records(
        &self,
        asking: &Asking,
        service: Option<&ServiceId>,
        after: Option<(&DnsName, &AccountId)>,
        rows: Option<u32>,
    ) -> Result<Listed<StandingView>, Fault> {
        self.permit_service(asking, service)?;
        let rows = limit(rows)?;
        let page = self.store.standing_records(service, false, after, rows).await?;
        let key = |row: &StandingRow| format!("{} {}", row.record.name, row.record.account);
        let (page, next) = listed(page, rows, key);
        let (live, now) = (self.live.get(), self.now());
        let seen = |row: &StandingRow| {
            let (account, service) = (row.record.account.to_string(), row.record.service.clone());
            self.may(asking, Access::Read, &Scope::Service(ResourceKind::Account, account, service))
        };
        let shown = page.into_iter().filter(seen).map(|row| StandingView {
            owners: answering(live.estate(), &row.record.service, now),
            state: state(&row, now),
            row,
        });
        Ok(Listed { items: shown.collect(), next })
    }

    /// The issuer domain names that a standing record for this authorization may hold: those of the
    /// issuer that would issue, and of no other.
    pub(crate) async fn standing_issuers(
        &self,
        account: &Account,
        authz: &Authorization,
    ) -> Result<Vec<String>, Fault> {
        let live = self.live.get();
        let each: BTreeSet<&BTreeSet<String>> =
            live.estate().issuers.values().map(|issuer| &issuer.caa_domains).collect();
        if let (Some(only), 1) = (each.first(), each.len()) {
            return Ok(only.iter().cloned().collect());
        }
        let before = made_before(&authz.id).and_then(|text| OrderId::parse(text).ok());
        let orders = self.store.orders_of(&account.id, before.as_ref(), ORDERS_READ).await?;
        let ordered: BTreeSet<IssuerId> = orders
            .into_iter()
            .filter(|order| order.authorizations.contains(&authz.id))
            .map(|order| order.issuer)
            .collect();
        let issuers = match ordered.is_empty() {
            true => self.issuer_without_order(&live, account, authz).await?.into_iter().collect(),
            false => ordered,
        };
        let domains: BTreeSet<String> =
            issuers.iter().flat_map(|issuer| domains(&live, issuer)).collect();
        Ok(domains.into_iter().collect())
    }

    /// Who would issue for a name that was authorized before it was ordered.
    async fn issuer_without_order(
        &self,
        live: &Live,
        account: &Account,
        authz: &Authorization,
    ) -> Result<Option<IssuerId>, Fault> {
        let Some(profile) = default_profile(live, account) else { return Ok(None) };
        let Ok(name) = SanName::new(&authz.name, authz.wildcard) else { return Ok(None) };
        let (names, stage) = ([name], (Stage::Order, None));
        let judged = self.judge_issue(live, account, &names, &profile, stage, self.now()).await?;
        Ok(Some(judged.issuer))
    }

    /// Whether what this account showed with a standing record was shown to this issuer.
    pub(super) async fn stood_for(
        &self,
        live: &Live,
        account: &AccountId,
        name: &DnsName,
        issuer: &IssuerId,
    ) -> Result<bool, Fault> {
        let row = self.store.standing_record(name, account).await?;
        let named = row.map(|row| row.record.issuer);
        Ok(named.is_some_and(|named| domains(live, issuer).any(|domain| domain == named)))
    }

    /// Whether an authorization may be used for a certificate of this issuer.
    pub(super) async fn serves(
        &self,
        live: &Live,
        authz: &Authorization,
        issuer: &IssuerId,
    ) -> Result<bool, Fault> {
        let by_standing = authz.challenges.iter().any(|one| {
            one.kind == ChallengeKind::DnsPersist01 && one.status == ChallengeStatus::Valid
        });
        if !by_standing {
            return Ok(true);
        }
        match authz.name.dns() {
            Some(name) => self.stood_for(live, &authz.account, name, issuer).await,
            None => Ok(false),
        }
    }

    /// Looks at every standing record again, and notes those that are gone or ended.
    pub(crate) async fn look_at_standing_records(self: &Arc<Self>) -> Result<(), Fault> {
        let mut after: Option<(DnsName, AccountId)> = None;
        loop {
            let behind = after.as_ref().map(|(name, account)| (name, account));
            let page = self.store.standing_records(None, true, behind, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.record.name.clone(), last.record.account.clone()));
            let looks = page.into_iter().map(|row| async move {
                let (name, account) = (row.record.name.clone(), row.record.account.clone());
                if let Err(fault) = self.look_at_standing_record(row).await {
                    tracing::warn!(record.name = %name, account.id = %account, error = %fault,
                        "a standing record could not be looked after; it is tried again");
                }
            });
            stream::iter(looks).buffer_unordered(AT_ONCE).collect::<()>().await;
        }
    }

    /// Looks at the standing record of a name that an account failed with, where there was one.
    pub(super) async fn look_at_standing_of(
        &self,
        name: &DnsName,
        account: &AccountId,
    ) -> Result<(), Fault> {
        match self.store.standing_record(name, account).await? {
            Some(row) if row.gone_at.is_none() => self.look_at_standing_record(row).await,
            Some(_) | None => Ok(()),
        }
    }

    /// An end that has come needs no look. A look that fails says nothing.
    async fn look_at_standing_record(&self, row: StandingRow) -> Result<(), Fault> {
        let now = self.now();
        let record = row.record;
        let over = record.until.is_some_and(|until| now >= until);
        let seen = if over { Stand::Gone } else { self.seen_standing(&record, now).await? };
        let fact = match seen {
            Stand::Gone => {
                Fact::StandingRecordGone { name: record.name.to_string(), account: record.account }
            }
            Stand::Stands(seen) if seen.text == record.text => return Ok(()),
            Stand::Stands(seen) => Fact::StandingRecordSeen(Box::new(StandingRecord {
                wildcard: seen.stands.wildcard,
                until: seen.stands.until,
                text: seen.text,
                ..record
            })),
            Stand::Unknown(why) => {
                tracing::debug!(record.name = %record.name, %why, "a standing record cannot be seen");
                return Ok(());
            }
        };
        let entry = Entry { at: now, by: Actor::Component(Component::Gate), fact };
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await.map(drop)
    }

    async fn seen_standing(&self, record: &StandingRecord, now: Time) -> Result<Stand, Fault> {
        let fence = Fence::new(self.settings.allowed_networks.clone());
        let view = self.view(&self.live.get());
        let validator = Validator::new(self.dns.clone(), view, fence, self.settings.http01_port);
        let issuers = [record.issuer.clone()];
        let account_url = self.settings.account_url(&record.account);
        let standing = Standing { issuers: &issuers, account_url: &account_url, now };
        Ok(validator.standing(&record.name, &standing).await)
    }
}

fn domains<'a>(live: &'a Live, issuer: &IssuerId) -> impl Iterator<Item = String> + 'a {
    let found = live.estate().issuers.get(issuer);
    found.into_iter().flat_map(|issuer| issuer.caa_domains.iter().cloned())
}

fn state(row: &StandingRow, now: Time) -> &'static str {
    let over = row.record.until.is_some_and(|until| now >= until);
    match (over, row.gone_at) {
        (true, _) => "ended",
        (false, Some(_)) => "gone",
        (false, None) => "stands",
    }
}
