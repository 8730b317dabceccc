//! What is kept in memory of rows that nearly every request of a client reads.
//!
//! Only where this process is the only one that writes, which the embedded store's lock makes sure; on a
//! server, and where a store was opened for reading, nothing is kept. The writer says what each commit
//! wrote before it answers, so whoever was told of a commit never reads what was before it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bailiwick_core::change::IssuedCertificate;
use bailiwick_core::gate::{Account, Authorization, Envelope, Order};
use bailiwick_core::names::{AccountId, AuthzId, CertFingerprint, Digest, OrderId, ServiceId};
use bailiwick_core::record::{Row, Work};

/// Rows of one kind at most. Clients that order now are far fewer; beyond, the oldest ids go first.
const KEPT_MAX: usize = 512;

/// Certificates at most: they are fetched right after they were issued.
const CERTIFICATES_MAX: usize = 256;

/// Holds them. Reading order: [`Kept::order`] before a query, [`Kept::keep_order`] behind it.
#[derive(Debug, Default)]
pub(crate) struct Kept(Option<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    /// How often accounts or envelopes were written. What was read before does not go in.
    written: u64,
    accounts: BTreeMap<AccountId, Account>,
    envelopes: BTreeMap<ServiceId, Vec<Envelope>>,
    /// As the writer put them; nobody else writes them.
    orders: BTreeMap<OrderId, Order>,
    authorizations: BTreeMap<AuthzId, Authorization>,
    /// The order that was stored last with an authorization.
    order_of: BTreeMap<AuthzId, OrderId>,
    /// The newest last.
    certificates: VecDeque<NewCertificate>,
}

/// A certificate that was just stored.
#[derive(Clone, Debug)]
pub(crate) struct NewCertificate {
    pub(crate) certificate: IssuedCertificate,
    /// What is served behind it, where it is not the issuer's own chain.
    pub(crate) chain: Option<Digest>,
}

/// What a commit wrote, beside the working state in its batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// Rows of accounts.
    pub(crate) accounts: bool,
    /// Rows of envelopes.
    pub(crate) envelopes: bool,
    /// Certificates that came.
    pub(crate) certificates: Vec<NewCertificate>,
}

/// When a query began, by what was written before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Since(Option<u64>);

impl Touched {
    /// Adds what a row is part of.
    #[expect(clippy::wildcard_enum_match_arm, reason = "rows of other tables are not kept")]
    pub(crate) fn note(&mut self, row: &Row) {
        match row {
            Row::PutAccount(_)
            | Row::SetContacts { .. }
            | Row::SetAccountKey { .. }
            | Row::SetAccountStatus { .. }
            | Row::SetAccountTerms { .. }
            | Row::BindAccount { .. } => self.accounts = true,
            Row::PutEnvelope(_)
            | Row::CountEnvelopeUse(_)
            | Row::EndEnvelope { .. }
            | Row::ReopenEnvelope(_)
            | Row::BoundEnvelope { .. } => self.envelopes = true,
            Row::PutCertificate(one) => {
                let certificate = IssuedCertificate::clone(one);
                self.certificates.push(NewCertificate { certificate, chain: None });
            }
            Row::PutChain { fingerprint, chain } => {
                let of = |one: &&mut NewCertificate| one.certificate.fingerprint == *fingerprint;
                if let Some(one) = self.certificates.iter_mut().find(of) {
                    one.chain = Some(*chain);
                }
            }
            _ => {}
        }
    }
}

impl Kept {
    /// Keeps rows, for the one process that writes them.
    pub(crate) fn here() -> Self {
        Self(Some(Mutex::default()))
    }

    fn rows(&self) -> Option<MutexGuard<'_, Rows>> {
        self.0.as_ref().map(|rows| rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be asked before a query whose answer is kept.
    pub(crate) fn since(&self) -> Since {
        Since(self.rows().map(|rows| rows.written))
    }

    /// An account.
    pub(crate) fn account(&self, id: &AccountId) -> Option<Account> {
        self.rows()?.accounts.get(id).cloned()
    }

    /// Every envelope of a service.
    pub(crate) fn envelopes(&self, service: &ServiceId) -> Option<Vec<Envelope>> {
        self.rows()?.envelopes.get(service).cloned()
    }

    /// An order.
    pub(crate) fn order(&self, id: &OrderId) -> Option<Order> {
        self.rows()?.orders.get(id).cloned()
    }

    /// The order that was stored last with this authorization.
    pub(crate) fn order_of(&self, authorization: &AuthzId) -> Option<Order> {
        let rows = self.rows()?;
        rows.orders.get(rows.order_of.get(authorization)?).cloned()
    }

    /// A certificate, if it came a short while ago.
    pub(crate) fn certificate(&self, fingerprint: &CertFingerprint) -> Option<NewCertificate> {
        let rows = self.rows()?;
        let mut newest = rows.certificates.iter().rev();
        newest.find(|one| one.certificate.fingerprint == *fingerprint).cloned()
    }

    /// An authorization.
    pub(crate) fn authorization(&self, id: &AuthzId) -> Option<Authorization> {
        self.rows()?.authorizations.get(id).cloned()
    }

    /// Keeps an account as it was just read.
    pub(crate) fn keep_account(&self, since: Since, account: &Account) {
        self.keep(since, |rows| put(&mut rows.accounts, account.id.clone(), account.clone()));
    }

    /// Keeps the envelopes of a service as they were just read.
    pub(crate) fn keep_envelopes(&self, since: Since, of: &ServiceId, all: &[Envelope]) {
        self.keep(since, |rows| put(&mut rows.envelopes, of.clone(), all.to_vec()));
    }

    fn keep(&self, since: Since, keep: impl FnOnce(&mut Rows)) {
        if let Some(mut rows) = self.rows().filter(|rows| since.0 == Some(rows.written)) {
            keep(&mut rows);
        }
    }

    /// What was just committed. Says it before anybody is told that it was.
    pub(crate) fn committed(&self, touched: Touched, work: impl Iterator<Item = Work>) {
        let Some(mut rows) = self.rows() else { return };
        if touched.accounts || touched.envelopes {
            rows.written = rows.written.wrapping_add(1);
        }
        if touched.accounts {
            rows.accounts.clear();
        }
        if touched.envelopes {
            rows.envelopes.clear();
        }
        for one in work {
            rows.put(one);
        }
        rows.certificates.extend(touched.certificates);
        let over = rows.certificates.len().saturating_sub(CERTIFICATES_MAX);
        drop(rows.certificates.drain(..over));
    }

    /// Nobody knows what was committed: nothing is kept of before.
    pub(crate) fn forget(&self) {
        if let Some(mut rows) = self.rows() {
            *rows = Rows { written: rows.written.wrapping_add(1), ..Rows::default() };
        }
    }
}

impl Rows {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other working state is not kept")]
    fn put(&mut self, work: Work) {
        match work {
            Work::PutOrder(order) => {
                for one in &order.authorizations {
                    put(&mut self.order_of, one.clone(), order.id.clone());
                }
                put(&mut self.orders, order.id.clone(), *order);
            }
            Work::PutAuthorization(one) => put(&mut self.authorizations, one.id.clone(), *one),
            _ => {}
        }
    }
}

/// Ids sort by the moment they were made, so the first is the oldest.
fn put<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, value: V) {
    all.insert(key, value);
    if all.len() > KEPT_MAX {
        drop(all.pop_first());
    }
}
