//! Changes as lists show them.

use bailiwick_core::change::{Event, Request};
use bailiwick_core::names::{ChangeId, ServiceId};
use bailiwick_core::record::{ChangeRow, Fact};
use bailiwick_core::time::Time;

use super::select::Select;
use crate::db::{Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::{After, LIMIT_MAX, Page, clamp};

/// Which changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChangeFilter {
    /// In this state.
    pub state: Option<String>,
    /// About this service.
    pub service: Option<ServiceId>,
    /// Whose first step is of this kind.
    pub kind: Option<String>,
}

/// The state in which nearly all changes end; the index over states leaves it out.
const CLOSED: &str = "closed";

/// The kind of nearly all changes; the index over kinds leaves it out.
const ISSUE: &str = "issue-certificate";

/// The request of a change is the leaf that opened it.
const CHANGE: &str = "SELECT change.id, change.kind, change.state, change.events, \
    change.updated_at, change.expires_at, entry.body \
    FROM change JOIN entry ON entry.idx = change.opened_idx";

impl Store {
    /// One change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_row(&self, id: &ChangeId) -> Result<Option<ChangeRow>, StoreError> {
        let mut select = Select::new(CHANGE);
        select.and("change.id = ?", args![id]);
        let (sql, args) = select.done();
        self.inner.db.first(sql, &args).await?.map(change).transpose()
    }

    /// A page of changes behind a row, those that moved last first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes(
        &self,
        filter: &ChangeFilter,
        after: Option<After>,
        limit: u32,
    ) -> Result<Page<ChangeRow>, StoreError> {
        let mut select = Select::new(CHANGE);
        if let Some(state) = &filter.state {
            select.and("change.state = ?", args![state]);
            if state != CLOSED {
                select.and("change.state <> 'closed'", []);
            }
        }
        if let Some(service) = &filter.service {
            select.and("change.service = ?", args![service]);
        }
        if let Some(kind) = &filter.kind {
            select.and("change.kind = ?", args![kind]);
            if kind != ISSUE {
                select.and("change.kind <> 'issue-certificate'", []);
            }
        }
        if let Some(after) = &after {
            select.and("(change.updated_at, change.id) < (?, ?)", args![after.at, &after.key]);
        }
        select.push(
            " ORDER BY change.updated_at DESC, change.id DESC LIMIT ?",
            args![clamp(limit).saturating_add(1)],
        );
        let (sql, args) = select.done();
        let rows = self.inner.db.all(sql, &args).await?;
        let items = rows.into_iter().map(change).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(items, limit, |item| After {
            at: item.updated_at,
            key: item.request.id.to_string(),
        }))
    }

    /// Changes that may write records and moved since a moment, those that moved last first, at most
    /// [`LIMIT_MAX`] of each of two sorts: those that begin with records, and those that issue a certificate
    /// for no account, which may have records behind it. An order of an account never does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes_of_records(&self, since: Time) -> Result<Vec<ChangeRow>, StoreError> {
        let mut begin = Select::new(CHANGE);
        begin.and("change.kind = 'publish-records' AND change.kind <> 'issue-certificate'", []);
        let mut issue = Select::new(CHANGE);
        let newest = "change.id IN (SELECT change FROM certificate WHERE account IS NULL \
            ORDER BY issued_at DESC, fingerprint DESC LIMIT ?)";
        issue.and(newest, args![LIMIT_MAX]).and("change.kind = 'issue-certificate'", []);
        let mut all = Vec::new();
        for mut select in [begin, issue] {
            select.and("change.updated_at >= ?", args![since]);
            let order = " ORDER BY change.updated_at DESC, change.id DESC LIMIT ?";
            select.push(order, args![LIMIT_MAX]);
            let (sql, args) = select.done();
            all.extend(self.inner.db.all(sql, &args).await?);
        }
        all.into_iter().map(change).collect()
    }

    /// Changes that a machine has to carry on and that nobody moved since `before`, the longest
    /// untouched first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfinished_changes(
        &self,
        before: Time,
        limit: u32,
    ) -> Result<Vec<ChangeId>, StoreError> {
        let some = "SELECT id FROM change \
            WHERE state <> 'closed' \
            AND state IN ('requested', 'executing', 'verifying', 'rolling-back') \
            AND updated_at < $1 ORDER BY updated_at, id LIMIT $2";
        let rows = self.inner.db.all(some, &args![before, clamp(limit)]).await?;
        rows.into_iter().map(|row| Reader::new("change", row).parsed(ChangeId::parse)).collect()
    }

    /// Every change that is not over: it waits for somebody, is carried out or turned back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_changes(&self) -> Result<Vec<ChangeId>, StoreError> {
        let all = "SELECT id FROM change WHERE state <> 'closed' AND state IN \
            ('requested', 'awaiting-approval', 'executing', 'verifying', 'rolling-back') \
            ORDER BY updated_at, id";
        let rows = self.inner.db.all(all, &[]).await?;
        rows.into_iter().map(|row| Reader::new("change", row).parsed(ChangeId::parse)).collect()
    }

    /// Changes whose time to be approved is over, at most [`LIMIT_MAX`], the longest untouched first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lapsed_changes(&self, now: Time) -> Result<Vec<ChangeRow>, StoreError> {
        let mut select = Select::new(CHANGE);
        select.and("change.state <> 'closed' AND change.state = 'awaiting-approval' AND change.expires_at <= ?", args![now]);
        select.push(" ORDER BY change.updated_at, change.id LIMIT ?", args![LIMIT_MAX]);
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(change).collect()
    }

    /// How many changes are in each state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let counts = "SELECT state, COUNT(*) FROM change WHERE state <> 'closed' GROUP BY state \
            UNION ALL SELECT 'closed', n - others FROM (SELECT (SELECT COUNT(*) FROM change) AS n, \
                (SELECT COUNT(*) FROM change WHERE state <> 'closed') AS others) AS counted \
            WHERE n > others ORDER BY 1";
        let rows = self.inner.db.all(counts, &[]).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Reader::new("change", row);
                Ok((row.text()?, row.number()?))
            })
            .collect()
    }
}

fn change(row: Vec<Cell>) -> Result<ChangeRow, StoreError> {
    let mut row = Reader::new("change", row);
    let id = row.parsed(ChangeId::parse)?;
    let (kind, state, events) = (row.text()?, row.text()?, row.number()?);
    let (updated_at, expires_at) = (row.time()?, row.time_maybe()?);
    let body = row.bytes()?;
    let entry = bailiwick_wire::record::decode(&body).map_err(|why| row.damaged(why))?;
    let request = requested(entry.fact)
        .filter(|request| request.id == id)
        .ok_or_else(|| row.damaged("it points to a leaf that did not open it"))?;
    Ok(ChangeRow { request, kind, state, events, updated_at, expires_at })
}

fn requested(fact: Fact) -> Option<Request> {
    let Fact::Change { event, .. } = fact else { return None };
    if let Event::Requested(request) = *event { Some(*request) } else { None }
}
