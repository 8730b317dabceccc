//! Orders and authorizations as they stand.

use bailiwick_core::gate::{Authorization, Order, OrderStatus};
use bailiwick_core::names::{AccountId, AuthzId, ChangeId, DnsName, OrderId};
use bailiwick_core::time::Time;
use bailiwick_wire::gate;

use crate::db::{Arg, Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

impl Store {
    /// The order with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        let one = "SELECT id, body FROM acme_order WHERE id = $1";
        self.inner.db.first(one, &args![id]).await?.map(order).transpose()
    }

    /// The order that a change answers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_of_change(&self, id: &ChangeId) -> Result<Option<Order>, StoreError> {
        let one = "SELECT id, body FROM acme_order WHERE change = $1 ORDER BY id LIMIT 1";
        self.inner.db.first(one, &args![id]).await?.map(order).transpose()
    }

    /// The orders of an account by id, behind one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn orders_of(
        &self,
        account: &AccountId,
        after: Option<&OrderId>,
        limit: u32,
    ) -> Result<Vec<Order>, StoreError> {
        let after = after.map_or("", OrderId::as_str);
        let some = "SELECT id, body FROM acme_order \
            WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3";
        let rows = self.inner.db.all(some, &args![account, after, clamp(limit)]).await?;
        rows.into_iter().map(order).collect()
    }

    /// The orders in one state by id, behind one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn orders_in(
        &self,
        status: OrderStatus,
        after: Option<&OrderId>,
        limit: u32,
    ) -> Result<Vec<Order>, StoreError> {
        let after = after.map_or("", OrderId::as_str);
        let some = "SELECT id, body FROM acme_order \
            WHERE status = $1 AND id > $2 ORDER BY id LIMIT $3";
        let rows = self.inner.db.all(some, &args![status.as_str(), after, clamp(limit)]).await?;
        rows.into_iter().map(order).collect()
    }

    /// The authorization with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorization(&self, id: &AuthzId) -> Result<Option<Authorization>, StoreError> {
        let one = "SELECT id, body FROM acme_authorization WHERE id = $1";
        self.inner.db.first(one, &args![id]).await?.map(authorization).transpose()
    }

    /// Authorizations of an account for a name that are valid at `now`, the longest-lived first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn valid_authorizations(
        &self,
        account: &AccountId,
        name: &DnsName,
        now: Time,
    ) -> Result<Vec<Authorization>, StoreError> {
        let some = "SELECT id, body FROM acme_authorization \
            WHERE account = $1 AND name = $2 AND status = 'valid' AND expires_at > $3 \
            ORDER BY expires_at DESC, id LIMIT 16";
        let given = [Arg::from(account), Arg::from(name), Arg::from(now)];
        self.inner.db.all(some, &given).await?.into_iter().map(authorization).collect()
    }

    /// Authorizations of an account for a name that wait for a challenge at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_authorizations(
        &self,
        account: &AccountId,
        name: &DnsName,
        now: Time,
    ) -> Result<Vec<Authorization>, StoreError> {
        let some = "SELECT id, body FROM acme_authorization \
            WHERE account = $1 AND name = $2 AND status = 'pending' AND expires_at > $3 \
            ORDER BY expires_at DESC, id LIMIT 16";
        let given = [Arg::from(account), Arg::from(name), Arg::from(now)];
        self.inner.db.all(some, &given).await?.into_iter().map(authorization).collect()
    }
}

fn order(row: Vec<Cell>) -> Result<Order, StoreError> {
    let mut row = Reader::new("acme_order", row);
    let _id = row.text()?;
    let body = row.bytes()?;
    gate::decode_order(&body).map_err(|why| row.damaged(why))
}

fn authorization(row: Vec<Cell>) -> Result<Authorization, StoreError> {
    let mut row = Reader::new("acme_authorization", row);
    let _id = row.text()?;
    let body = row.bytes()?;
    gate::decode_authorization(&body).map_err(|why| row.damaged(why))
}
