//! Orders and authorizations as they stand.

use bailiwick_core::gate::{Authorization, Order};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AuthzId, ChangeId, Digest, OrderId, ServiceId,
};
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
        if let Some(order) = self.inner.kept.order(id) {
            return Ok(Some(order));
        }
        let one = "SELECT id, body FROM acme_order WHERE id = $1";
        self.inner.db.first(one, &args![id]).await?.map(order).transpose()
    }

    /// The order that this authorization was stored with last, where this process stored it a short
    /// while ago; it says nothing about others.
    #[must_use]
    pub fn order_made_with(&self, authorization: &AuthzId) -> Option<Order> {
        self.inner.kept.order_of(authorization)
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

    /// The `n`th newest order of an account that was made after the id `since`, counted from 0.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_of_account_back(
        &self,
        account: &AccountId,
        since: &str,
        n: u32,
    ) -> Result<Option<OrderId>, StoreError> {
        let one = "SELECT id FROM acme_order WHERE account = $1 AND id > $2 \
            ORDER BY id DESC LIMIT 1 OFFSET $3";
        self.inner.db.first(one, &args![account, since, n]).await?.map(order_id).transpose()
    }

    /// The same of all accounts of a service.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_of_service_back(
        &self,
        service: &ServiceId,
        since: &str,
        n: u32,
    ) -> Result<Option<OrderId>, StoreError> {
        let one = "SELECT id FROM acme_order \
            WHERE account IN (SELECT id FROM account WHERE service = $1) AND id > $2 \
            ORDER BY id DESC LIMIT 1 OFFSET $3";
        self.inner.db.first(one, &args![service, since, n]).await?.map(order_id).transpose()
    }

    /// The id of the `n`th newest failure of an account, of those after `since`: an authorization that failed, or the
    /// decision by which an order was turned away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failure_of_account_back(
        &self,
        account: &AccountId,
        since: &str,
        n: u32,
    ) -> Result<Option<String>, StoreError> {
        let one = "SELECT id FROM (\
                SELECT id FROM acme_authorization \
                    WHERE account = $1 AND status = 'invalid' AND id > $2 \
                UNION ALL \
                SELECT decision AS id FROM order_refusal WHERE account = $1 AND decision > $2\
            ) AS failure ORDER BY id DESC LIMIT 1 OFFSET $3";
        let row = self.inner.db.first(one, &args![account, since, n]).await?;
        row.map(|row| Reader::new("order_refusal", row).text()).transpose()
    }

    /// The change that waits because an account asked for this before, where there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_opened_for(
        &self,
        account: &AccountId,
        wanted: &Digest,
    ) -> Result<Option<ChangeId>, StoreError> {
        let one = "SELECT c.id FROM order_refusal AS r JOIN change AS c ON c.id = r.change \
            WHERE r.account = $1 AND r.wanted = $2 AND r.change IS NOT NULL \
            AND c.state = 'awaiting-approval' ORDER BY r.decision DESC LIMIT 1";
        let row = self.inner.db.first(one, &args![account, wanted]).await?;
        row.map(|row| Reader::new("change", row).parsed(ChangeId::parse)).transpose()
    }

    /// How many changes wait that were opened for orders of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes_opened_for(&self, account: &AccountId) -> Result<u64, StoreError> {
        let count = "SELECT COUNT(*) FROM order_refusal AS r JOIN change AS c ON c.id = r.change \
            WHERE r.account = $1 AND r.change IS NOT NULL AND c.state = 'awaiting-approval'";
        let row = self.inner.db.first(count, &args![account]).await?;
        let Some(row) = row else { return Ok(0) };
        let n = Reader::new("order_refusal", row).int()?;
        Ok(u64::try_from(n).unwrap_or(0))
    }

    /// Authorizations that nobody concluded by id, behind one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_authorizations(
        &self,
        after: Option<&AuthzId>,
        limit: u32,
    ) -> Result<Vec<Authorization>, StoreError> {
        let after = after.map_or("", AuthzId::as_str);
        let some = "SELECT id, body FROM acme_authorization \
            WHERE status = 'pending' AND id > $1 ORDER BY id LIMIT $2";
        let rows = self.inner.db.all(some, &args![after, clamp(limit)]).await?;
        rows.into_iter().map(authorization).collect()
    }

    /// The authorization with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorization(&self, id: &AuthzId) -> Result<Option<Authorization>, StoreError> {
        if let Some(authorization) = self.inner.kept.authorization(id) {
            return Ok(Some(authorization));
        }
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
        name: &AcmeIdentifier,
        now: Time,
    ) -> Result<Vec<Authorization>, StoreError> {
        let some = "SELECT id, body FROM acme_authorization \
            WHERE account = $1 AND name = $2 AND status = 'valid' AND expires_at > $3 \
            ORDER BY expires_at DESC, id LIMIT 16";
        let given = [Arg::from(account), Arg::from(name), Arg::from(now)];
        self.inner.db.all(some, &given).await?.into_iter().map(authorization).collect()
    }
}

fn order_id(row: Vec<Cell>) -> Result<OrderId, StoreError> {
    Reader::new("acme_order", row).parsed(OrderId::parse)
}

fn order(row: Vec<Cell>) -> Result<Order, StoreError> {
    let mut row = Reader::new("acme_order", row);
    let _id = row.text()?;
    let body = row.bytes()?;
    gate::read_order(&body).map_err(|why| row.damaged(why))
}

fn authorization(row: Vec<Cell>) -> Result<Authorization, StoreError> {
    let mut row = Reader::new("acme_authorization", row);
    let _id = row.text()?;
    let body = row.bytes()?;
    gate::read_authorization(&body).map_err(|why| row.damaged(why))
}
