//! Validation: the look at a name, tried a few times, and its result committed with its evidence.
//!
//! It runs beside the request that asked for it and owns no state: a challenge that is `processing`
//! in the store is all it knows, so a killed server takes it up again when it starts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_connect::validate::{Failed, Fence, Seen, StandingSeen, Validator};
use bailiwick_core::gate::{
    Account, AccountStatus, Authorization, AuthorizationStatus, Challenge, ChallengeKind,
    ChallengeStatus, Order, OrderStatus, Problem, StandingRecord, ValidationEvidence,
};
use bailiwick_core::names::{AuthzId, ChallengeId, DnsName, SanName};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::HOUR_MS;
use bailiwick_store::CommitError;
use bailiwick_wire::acme::{Standing, account_label};
use bailiwick_wire::jose::{KeyAuthorization, Thumbprint};
use tokio::sync::{Semaphore, oneshot};

use super::{App, authorization_at, is_open_for, move_on, moved, turn};
use crate::app::orders::{actor, problem};
use crate::fault::Fault;

/// Pauses before the second and third look (RFC 8555, section 8.2: a server may retry, for instance
/// while a record spreads). Clients wait a minute or more.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];
/// Validations at once; more wait.
const AT_ONCE: usize = 64;
/// How long control that was shown may be relied on: as long as a CAA look-up (BR 4.2.2.1: 8 hours),
/// so that what a certificate rests on is all of one day.
const RELIED_ON_MS: i64 = 8 * HOUR_MS;
/// How often a result is committed again when the store is busy, and the pause between.
const COMMITS_MAX: u32 = 10;
const COMMIT_PAUSE: Duration = Duration::from_secs(1);
/// Authorizations of one page when validations left over are looked for.
const PAGE: u32 = 200;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);
static RUNNING: Mutex<BTreeSet<AuthzId>> = Mutex::new(BTreeSet::new());

/// That this process validates an authorization; ends with the value.
struct Running(AuthzId);

impl Running {
    /// `None` when it does already.
    fn begin(id: &AuthzId) -> Option<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id.clone()).then(|| Self(id.clone()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

impl App {
    /// Begins to validate, unless this process does already. Tells whoever waits how it stands once it
    /// is over, or stored that it takes longer. `known` is what is to be validated, where it was just read.
    pub(super) fn begin_validation(
        self: &Arc<Self>,
        id: &AuthzId,
        challenge: &ChallengeId,
        known: Option<Open>,
    ) -> Option<oneshot::Receiver<Authorization>> {
        let running = Running::begin(id)?;
        let (app, challenge) = (Arc::clone(self), challenge.clone());
        let (tell, heard) = oneshot::channel();
        tokio::spawn(async move {
            let id = &running.0;
            if let Err(fault) = app.validate(id, &challenge, known, tell).await {
                tracing::error!(authorization.id = %id, error = %fault, "a validation got stuck; it is taken up again when its client asks or the server starts");
            }
        });
        Some(heard)
    }

    /// Takes up what a killed server left `processing`.
    pub(crate) async fn resume_validations(self: &Arc<Self>) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let left = self.store.pending_authorizations(after.as_ref(), PAGE).await?;
            let Some(last) = left.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for authz in left {
                let authz = authorization_at(authz, self.now());
                if let Some(challenge) = processing(&authz) {
                    tracing::info!(authorization.id = %authz.id, "a validation left over is taken up");
                    drop(self.begin_validation(&authz.id, &challenge.id, None));
                }
            }
        }
    }

    async fn validate(
        &self,
        id: &AuthzId,
        challenge: &ChallengeId,
        mut known: Option<Open>,
        tell: oneshot::Sender<Authorization>,
    ) -> Result<(), Fault> {
        // The semaphore is never closed.
        let _place = PLACES.acquire().await;
        let mut pauses = PAUSES.into_iter();
        let mut tell = Some(tell);
        loop {
            let open = match known.take() {
                None => self.under_validation(id, challenge).await?,
                known => known,
            };
            let Some(open) = open else { return Ok(()) };
            let looked = self.look(&open).await?;
            let (stands, pause) = match (looked, pauses.next()) {
                (Err(failed), Some(pause)) => {
                    (self.note_failed_look(id, challenge, &failed).await?, Some(pause))
                }
                (looked, _) => (self.finish(&open, looked).await?, None),
            };
            if let Some((stands, tell)) = stands.zip(tell.take()) {
                // Whoever waited may have gone.
                drop(tell.send(stands));
            }
            let Some(pause) = pause else { return Ok(()) };
            tokio::time::sleep(pause).await;
        }
    }

    /// What is to be validated, if the challenge still can be looked at.
    async fn under_validation(
        &self,
        id: &AuthzId,
        challenge: &ChallengeId,
    ) -> Result<Option<Open>, Fault> {
        let Some(authz) = self.store.authorization(id).await? else { return Ok(None) };
        let authz = authorization_at(authz, self.now());
        let over = |one: &&Challenge| {
            !matches!(one.status, ChallengeStatus::Pending | ChallengeStatus::Processing)
        };
        let chosen = authz.challenges.iter().find(|one| one.id == *challenge).cloned();
        let open = is_open_for(&authz, challenge);
        let Some(challenge) = chosen.filter(|chosen| open && !over(&chosen)) else {
            return Ok(None);
        };
        let account = self.store.account(&authz.account).await?;
        // For an account that ended nothing is looked at any more (RFC 8555, section 7.3.6).
        let account = account.filter(|account| account.status == AccountStatus::Valid);
        Ok(account.map(|account| Open { account, authz, challenge }))
    }

    async fn look(&self, open: &Open) -> Result<Result<Seen, Failed>, Fault> {
        let Open { account, authz, challenge } = open;
        let fence = Fence::new(self.settings.allowed_networks.clone());
        let (view, port) = (self.view(&self.live.get()), self.settings.http01_port);
        let validator = Validator::new(self.dns.clone(), view, fence, port)
            .with_tls_port(self.settings.tls_alpn01_port);
        let url = self.settings.account_url(&account.id);
        let thumbprint = Thumbprint::parse(&account.thumbprint).ok_or_else(|| Fault::Damaged {
            message: format!("the thumbprint of account `{}` is none", account.id),
        })?;
        let authorization = KeyAuthorization::new(&challenge.token, thumbprint)
            .map_err(|cause| Fault::bug(cause.to_string()))?;
        Ok(match challenge.kind {
            ChallengeKind::Http01 => {
                validator.http01(&authz.name, &challenge.token, authorization.as_str()).await
            }
            ChallengeKind::Dns01 => {
                validator.dns01(by_dns(authz)?, &authorization.dns_01_value()).await
            }
            ChallengeKind::TlsAlpn01 => {
                validator.tls_alpn01(&authz.name, &authorization.digest()).await
            }
            ChallengeKind::DnsAccount01 => {
                let (label, value) = (account_label(&url), authorization.dns_01_value());
                validator.dns_account01(by_dns(authz)?, &label, &value).await
            }
            ChallengeKind::DnsPersist01 => {
                let name = SanName::new(&authz.name, authz.wildcard)
                    .map_err(|cause| Fault::bug(cause.to_string()))?;
                let issuers = self.standing_issuers(account, authz).await?;
                let standing = Standing { issuers: &issuers, account_url: &url, now: self.now() };
                validator.dns_persist01(&name, &standing).await
            }
        })
    }

    /// Tells the client about a look that failed while it is tried again (RFC 8555, section 8.2).
    async fn note_failed_look(
        &self,
        id: &AuthzId,
        challenge: &ChallengeId,
        failed: &Failed,
    ) -> Result<Option<Authorization>, Fault> {
        let _turn = turn(id).await;
        let Some(Open { mut authz, .. }) = self.under_validation(id, challenge).await? else {
            return Ok(None);
        };
        for one in authz.challenges.iter_mut().filter(|one| one.id == *challenge) {
            one.status = ChallengeStatus::Processing;
            one.error = Some(told(failed));
        }
        self.put(&authz, Vec::new()).await?;
        Ok(Some(authz))
    }

    /// Commits the result, with the evidence in the ledger; tries again while the store is busy.
    async fn finish(
        &self,
        open: &Open,
        looked: Result<Seen, Failed>,
    ) -> Result<Option<Authorization>, Fault> {
        let mut tries = 0;
        loop {
            match self.conclude(open, &looked).await {
                Err(Fault::Busy { .. } | Fault::Unreachable { .. }) if tries < COMMITS_MAX => {
                    tries += 1;
                    tokio::time::sleep(COMMIT_PAUSE).await;
                }
                Ok(Some(Concluded { authz, orders_wait })) => {
                    if looked.is_err() && open.challenge.kind == ChallengeKind::DnsPersist01 {
                        self.look_at_standing_of(by_dns(&authz)?, &authz.account).await?;
                    }
                    if orders_wait {
                        self.settle_orders_of(&authz).await?;
                    }
                    return Ok(Some(authz));
                }
                Ok(None) => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Commits the result once, and what it makes of the orders that wait for it, unless the client gave
    /// the authorization up meanwhile.
    async fn conclude(
        &self,
        open: &Open,
        looked: &Result<Seen, Failed>,
    ) -> Result<Option<Concluded>, Fault> {
        let _turn = turn(&open.authz.id).await;
        let still = self.under_validation(&open.authz.id, &open.challenge.id).await?;
        let Some(Open { mut authz, challenge, account }) = still else { return Ok(None) };
        let now = self.now();
        let chosen = authz.challenges.iter_mut().filter(|one| one.id == challenge.id);
        let mut entries = Vec::new();
        let fact = match looked {
            Ok(seen) => {
                for one in chosen {
                    one.status = ChallengeStatus::Valid;
                    one.validated_at = Some(now);
                    one.error = None;
                }
                authz.status = AuthorizationStatus::Valid;
                authz.expires_at = now.plus_ms(RELIED_ON_MS);
                if let Some(standing) = &seen.standing {
                    // Nothing is relied on for longer than the record says.
                    let until = standing.stands.until.unwrap_or(authz.expires_at);
                    authz.expires_at = authz.expires_at.min(until);
                    let fact =
                        Fact::StandingRecordSeen(Box::new(record(&account, &authz, standing)?));
                    entries.push(Entry { at: now, by: actor(&account), fact });
                }
                Fact::NameValidated(Box::new(ValidationEvidence {
                    authorization: authz.id.clone(),
                    account: authz.account.clone(),
                    name: authz.name.clone(),
                    wildcard: authz.wildcard,
                    kind: challenge.kind,
                    seen_at: seen.at.clone(),
                    at: now,
                    expires_at: authz.expires_at,
                }))
            }
            Err(failed) => {
                for one in chosen {
                    one.status = ChallengeStatus::Invalid;
                    one.error = Some(told(failed));
                }
                authz.status = AuthorizationStatus::Invalid;
                Fact::ValidationFailed {
                    account: authz.account.clone(),
                    name: authz.name.to_string(),
                    kind: challenge.kind.as_str().to_owned(),
                    saw: failed.saw.clone(),
                }
            }
        };
        entries.push(Entry { at: now, by: actor(&account), fact });
        let work = vec![Work::PutAuthorization(Box::new(authz.clone()))];
        let alone = Batch { entries, work, ..Batch::default() };
        let (mut batch, mut orders_wait) = (alone.clone(), false);
        for order in self.order_waiting_for(&authz).await? {
            let all = self.authorizations_of(&order, Some(&authz), now).await?;
            match moved(&order, &all).filter(|_| now < order.expires_at) {
                Some(next) => move_on(&next, &mut batch, now),
                None => orders_wait = true,
            }
        }
        match self.store.commit(batch).await {
            Ok(_) => {}
            // An order moved meanwhile: they are looked at anew once this is stored.
            Err(CommitError::Expectation(_)) => {
                orders_wait = true;
                self.commit(alone).await?;
            }
            Err(cause) => return Err(cause.into()),
        }
        Ok(Some(Concluded { authz, orders_wait }))
    }

    /// The orders that wait for an authorization which was pending until now: it belongs to the one that it
    /// was made with.
    async fn order_waiting_for(&self, authz: &Authorization) -> Result<Vec<Order>, Fault> {
        match self.store.order_made_with(&authz.id) {
            Some(order) if order.status == OrderStatus::Pending => Ok(vec![order]),
            _ => self.orders_waiting_for(authz).await,
        }
    }
}

/// A result that is stored.
struct Concluded {
    authz: Authorization,
    /// Whether orders may wait for it that did not move with it.
    orders_wait: bool,
}

/// A standing record as the ledger keeps it.
fn record(
    account: &Account,
    authz: &Authorization,
    seen: &StandingSeen,
) -> Result<StandingRecord, Fault> {
    Ok(StandingRecord {
        name: by_dns(authz)?.clone(),
        account: account.id.clone(),
        service: account.service.clone(),
        issuer: seen.stands.issuer.clone(),
        wildcard: seen.stands.wildcard,
        until: seen.stands.until,
        text: seen.text.clone(),
    })
}

/// The DNS name of an authorization that offers challenges by DNS; an address has none of those.
fn by_dns(authz: &Authorization) -> Result<&DnsName, Fault> {
    authz.name.dns().ok_or_else(|| Fault::bug("an address was to be looked up in the DNS"))
}

/// A challenge under validation, with what it belongs to.
pub(super) struct Open {
    pub(super) account: Account,
    pub(super) authz: Authorization,
    pub(super) challenge: Challenge,
}

/// The challenge that is being looked at.
fn processing(authz: &Authorization) -> Option<&Challenge> {
    let waits = |one: &&Challenge| one.status == ChallengeStatus::Processing;
    let pending = authz.status == AuthorizationStatus::Pending;
    authz.challenges.iter().find(waits).filter(|_| pending)
}

/// A failed look as the client is told it.
fn told(failed: &Failed) -> Problem {
    problem(failed.kind.problem(), failed.saw.clone())
}
