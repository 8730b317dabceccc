//! Control of names as it was shown, out of the ledger: a working row proves nothing.

use std::collections::BTreeMap;

use bailiwick_core::gate::{
    Account, AuthorizationStatus, ChallengeKind, Order, Problem, ProblemKind, ValidationEvidence,
};
use bailiwick_core::names::{IssuerId, SanName};
use bailiwick_core::policy::ValidationMethod;
use bailiwick_core::time::Time;

use super::App;
use super::orders::problem;
use crate::fault::Fault;

/// The newest validations of a name that are looked at: an older one is over.
const VALIDATIONS_READ: u32 = 8;

impl App {
    /// The method by which each name was validated, out of the ledger, not out of working rows.
    pub(super) async fn validated(
        &self,
        account: &Account,
        order: &Order,
        now: Time,
    ) -> Result<Result<BTreeMap<SanName, ValidationMethod>, Problem>, Fault> {
        let mut methods = BTreeMap::new();
        for name in &order.names {
            let shown = self.shown_by(account, name, Some(&order.issuer), now).await?;
            let Some(kind) = shown else {
                return Ok(Err(problem(
                    ProblemKind::Unauthorized,
                    format!("control of `{name}` was not shown, or too long ago; order again"),
                )));
            };
            let method = match kind {
                ChallengeKind::Http01 => ValidationMethod::Http01,
                ChallengeKind::Dns01 => ValidationMethod::Dns01,
                ChallengeKind::TlsAlpn01 => ValidationMethod::TlsAlpn01,
                ChallengeKind::DnsAccount01 => ValidationMethod::DnsAccount01,
                ChallengeKind::DnsPersist01 => ValidationMethod::DnsPersist01,
            };
            methods.insert(name.clone(), method);
        }
        for id in &order.authorizations {
            let state = self.store.authorization(id).await?.map(|one| (one.status, one.expires_at));
            let holds =
                state.is_some_and(|(s, until)| s == AuthorizationStatus::Valid && now < until);
            if !holds {
                return Ok(Err(problem(
                    ProblemKind::Unauthorized,
                    "an authorization of this order was given up or is too old; order again",
                )));
            }
        }
        Ok(Ok(methods))
    }

    /// How this account showed control of a name that may be relied on now, out of the ledger; to
    /// `issuer`, where one is to issue.
    pub(super) async fn shown_by(
        &self,
        account: &Account,
        name: &SanName,
        issuer: Option<&IssuerId>,
        now: Time,
    ) -> Result<Option<ChallengeKind>, Fault> {
        let seen = self.store.validations(&account.id, name.base(), VALIDATIONS_READ).await?;
        let holds = |seen: &&ValidationEvidence| {
            seen.wildcard == name.is_wildcard() && now < seen.expires_at
        };
        for one in seen.iter().filter(holds) {
            // A standing record speaks to the issuer that it names, and to no other.
            let other = match (one.kind, issuer, name.dns()) {
                (ChallengeKind::DnsPersist01, Some(issuer), Some(name)) => {
                    !self.stood_for(&self.live.get(), &account.id, name, issuer).await?
                }
                (_, _, _) => false,
            };
            if !other {
                return Ok(Some(one.kind));
            }
        }
        Ok(None)
    }
}
