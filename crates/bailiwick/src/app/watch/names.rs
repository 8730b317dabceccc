//! Which names of a zone are watched.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{Zone, ZoneKey};
use bailiwick_core::gate::AccountStatus;
use bailiwick_core::names::{AccountId, DnsName, SanName};

use super::super::{App, Live};
use super::Gathered;
use crate::fault::Fault;

/// Names of one zone that are watched at most; beyond, the apex and the first of them are.
const OWNERS_MAX: usize = 512;
/// Names out of certificates of one zone that are read at most.
const ISSUED_MAX: u32 = 1_000;

impl App {
    /// What the judgement of a zone needs out of the store.
    pub(super) async fn gather_zone(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
    ) -> Result<Gathered, Fault> {
        let apex = key.name.apex();
        let issued = self.store.names_in_date_below(apex, self.now(), ISSUED_MAX).await?;
        let mut accounts = BTreeMap::new();
        let mut accounts_over = BTreeMap::new();
        for row in self.store.upstream_accounts().await? {
            if row.ended {
                accounts_over.insert(row.uri, format!("at `{}` is over", row.issuer));
            } else {
                accounts.insert(row.issuer, row.uri);
            }
        }
        for uri in our_accounts(zone, &self.settings.account_url_prefix()) {
            let id = AccountId::parse(uri.rsplit('/').next().unwrap_or_default()).ok();
            let account = match &id {
                Some(id) => self.store.account(id).await?,
                None => None,
            };
            match account.map(|account| account.status) {
                Some(AccountStatus::Valid) => {}
                Some(status) => {
                    accounts_over.insert(uri, format!("is {}", status.as_str()));
                }
                None => {
                    accounts_over.insert(uri, "was never registered".to_owned());
                }
            }
        }
        Ok(Gathered {
            bearing: bearing(live, key, &issued),
            last_use: self.store.last_use_below(apex).await?,
            accounts,
            accounts_over,
            written: BTreeMap::new(),
        })
    }
}

/// Accounts of our own gate that the intended set names.
fn our_accounts(zone: &Zone, prefix: &str) -> Vec<String> {
    let all = std::iter::once(&zone.caa).chain(zone.caa_below.values());
    let values = all.flat_map(|caa| caa.issue.iter().chain(&caa.issuewild));
    let named = values.filter_map(|value| value.split_once("accounturi=").map(|(_, uri)| uri));
    named
        .map(|uri| uri.split([';', ' ']).next().unwrap_or_default().to_owned())
        .filter(|uri| uri.starts_with(prefix))
        .collect()
}

/// The names of a zone that have certificates, or may have some: those of services, and those of
/// certificates in date.
pub(super) fn bearing(live: &Live, key: &ZoneKey, issued: &[String]) -> BTreeSet<DnsName> {
    let estate = live.estate();
    let here = |name: &DnsName| estate.zone_of(name, key.view).is_some_and(|(one, _)| one == key);
    let parsed = issued.iter().filter_map(|name| SanName::parse(name).ok());
    // A name that should have a set of its own is there for a certificate.
    let intended =
        estate.zones.get(key).into_iter().flat_map(|zone| zone.caa_below.keys().cloned());
    let issued = parsed.filter_map(|name| name.dns().cloned());
    let others = issued.chain(intended).filter(here);
    live.names.in_zone(key).cloned().chain(others).collect()
}

/// The names whose CAA decides about those: each of them, and every name above up to the apex.
pub(super) fn owners(key: &ZoneKey, bearing: &BTreeSet<DnsName>) -> BTreeSet<DnsName> {
    let apex = key.name.apex();
    let mut owners = BTreeSet::from([apex.clone()]);
    for name in bearing {
        let way = std::iter::successors(Some(name.clone()), DnsName::parent);
        for owner in way.take_while(|one| one.is_at_or_below(apex)) {
            if owners.len() >= OWNERS_MAX {
                return owners;
            }
            owners.insert(owner);
        }
    }
    owners
}
