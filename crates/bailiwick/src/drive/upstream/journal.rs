//! What is remembered of an order between two turns: its URL as a leaf of the ledger, the records in
//! zones as working state.

use bailiwick_connect::upstream::{Journal, NotKept};
use bailiwick_core::names::{ChangeId, DnsName, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact, PlacedRecord, Work};
use futures::future::BoxFuture;

use crate::app::App;
use crate::drive::changes::DRIVER;

/// The journal of an order: the ledger and the store.
pub(super) struct ChangeJournal<'a> {
    /// For ledger and store.
    pub(super) app: &'a App,
    /// Whose order it is.
    pub(super) change: &'a ChangeId,
    /// Where it is placed.
    pub(super) issuer: &'a IssuerId,
}

impl ChangeJournal<'_> {
    async fn keep(&self, batch: Batch) -> Result<(), NotKept> {
        self.app.commit(batch).await.map(drop).map_err(|fault| NotKept(fault.to_string()))
    }

    fn record(&self, owner: &DnsName, value: &str) -> PlacedRecord {
        PlacedRecord { change: self.change.clone(), owner: owner.clone(), value: value.to_owned() }
    }
}

impl Journal for ChangeJournal<'_> {
    fn order_url(&self) -> BoxFuture<'_, Result<Option<String>, NotKept>> {
        Box::pin(async move {
            let row = self.app.store.upstream_order(self.change).await;
            row.map(|row| row.map(|row| row.url)).map_err(|cause| NotKept(cause.to_string()))
        })
    }

    fn keep_order_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), NotKept>> {
        Box::pin(async move {
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
            let rows = rows.map_err(|cause| NotKept(cause.to_string()))?;
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
