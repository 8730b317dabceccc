//! What is remembered of an order between two turns: its URL as a leaf of the ledger, the records in
//! zones as working state.

use bailiwick_connect::upstream::{Finalized, Journal, NotKept, Past};
use bailiwick_core::names::{ChangeId, DnsName, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact, OrderMark, PlacedRecord, Reached, Work};
use bailiwick_core::time::{MINUTE_MS, Time};
use bailiwick_store::StoreError;
use futures::future::BoxFuture;

use crate::app::App;
use crate::drive::changes::DRIVER;

/// How long a CA may still act on a finalize whose answer was lost, while it shows the order as it was.
const SETTLES_MS: i64 = MINUTE_MS;

/// The journal of an order: the ledger and the store.
pub(in crate::drive) struct ChangeJournal<'a> {
    /// For ledger and store.
    pub(in crate::drive) app: &'a App,
    /// Whose order it is.
    pub(in crate::drive) change: &'a ChangeId,
    /// Where it is placed.
    pub(in crate::drive) issuer: &'a IssuerId,
}

impl ChangeJournal<'_> {
    async fn keep(&self, batch: Batch) -> Result<(), NotKept> {
        self.app.commit(batch).await.map(drop).map_err(|fault| NotKept::Store(fault.to_string()))
    }

    /// What is known of the order.
    pub(in crate::drive) async fn read(&self) -> Result<Past, StoreError> {
        let store = &self.app.store;
        let mut past = Past {
            url: store.upstream_order(self.change).await?.map(|row| row.url),
            ..Past::default()
        };
        let mut sent: Option<Time> = None;
        // Marks come in the order of their moments: an answer is to what was sent before it.
        for mark in store.order_marks(self.change).await? {
            match mark.reached {
                Reached::OrderLost(times) => past.orders_lost = past.orders_lost.max(times),
                Reached::Finalizing(times) => {
                    (sent, past.finalized) = (Some(mark.at), Finalized::Perhaps);
                    past.finalizes = past.finalizes.max(times);
                }
                Reached::FinalizeTaken => past.finalized = Finalized::Taken,
                Reached::FinalizeRefused => past.finalized = Finalized::Refused,
                Reached::SaidValid => past.said_valid = true,
                Reached::Shown(der) => past.shown.push(der),
            }
        }
        let just_now = sent.is_some_and(|at| self.app.now() < at.plus_ms(SETTLES_MS));
        if just_now && past.finalized != Finalized::Refused {
            past.finalized = Finalized::JustNow;
        }
        Ok(past)
    }

    fn record(&self, owner: &DnsName, value: &str) -> PlacedRecord {
        PlacedRecord { change: self.change.clone(), owner: owner.clone(), value: value.to_owned() }
    }
}

fn not_read(cause: StoreError) -> NotKept {
    NotKept::Store(cause.to_string())
}

impl Journal for ChangeJournal<'_> {
    fn past(&self) -> BoxFuture<'_, Result<Past, NotKept>> {
        Box::pin(async move { self.read().await.map_err(not_read) })
    }

    fn reached(&self, reached: Reached) -> BoxFuture<'_, Result<(), NotKept>> {
        let mark = OrderMark { change: self.change.clone(), reached, at: self.app.now() };
        Box::pin(self.keep(Batch { work: vec![Work::PutOrderMark(mark)], ..Batch::default() }))
    }

    fn keep_order_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), NotKept>> {
        Box::pin(async move {
            let store = &self.app.store;
            let other = store.change_of_upstream_order(self.issuer, url, self.change).await;
            if let Some(change) = other.map_err(not_read)? {
                return Err(NotKept::Taken { url: url.to_owned(), change: change.to_string() });
            }
            let entry = Entry {
                at: self.app.now(),
                by: DRIVER,
                fact: Fact::UpstreamOrdered {
                    change: self.change.clone(),
                    issuer: self.issuer.clone(),
                    url: url.to_owned(),
                },
            };
            self.keep(Batch { entries: vec![entry], ..Batch::default() }).await
        })
    }

    fn placed(&self) -> BoxFuture<'_, Result<Vec<(DnsName, String)>, NotKept>> {
        Box::pin(async move {
            let rows = self.app.store.placed_records(self.change).await;
            let rows = rows.map_err(not_read)?;
            Ok(rows.into_iter().map(|one| (one.owner, one.value)).collect())
        })
    }

    fn about_to_place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotKept>> {
        let work = vec![Work::PutPlacedRecord(self.record(owner, value))];
        Box::pin(self.keep(Batch { work, ..Batch::default() }))
    }

    fn gone<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotKept>> {
        let work = vec![Work::ForgetPlacedRecord(self.record(owner, value))];
        Box::pin(self.keep(Batch { work, ..Batch::default() }))
    }
}
