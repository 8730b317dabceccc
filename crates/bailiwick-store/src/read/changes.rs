//! Changes as lists show them.

use bailiwick_core::change::{Event, Request};
use bailiwick_core::names::{ChangeId, ServiceId};
use bailiwick_core::record::{ChangeRow, Fact};
use bailiwick_core::time::Time;

use super::select::Select;
use crate::db::{Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::{After, Page, clamp};

/// A change in a list.
pub type ChangeItem = ChangeRow;

/// Which changes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChangeFilter {
    /// In one of these states; any when empty.
    pub states: Vec<String>,
    /// About this service.
    pub service: Option<ServiceId>,
    /// Whose first step is of this kind.
    pub kind: Option<String>,
    /// Behind this row.
    pub after: Option<After>,
}

/// The request of a change is the leaf that opened it.
const CHANGE: &str = "SELECT change.id, change.kind, change.state, change.events, \
    change.updated_at, change.expires_at, entry.body \
    FROM change JOIN entry ON entry.idx = change.opened_idx";

impl Store {
    /// One change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change(&self, id: &ChangeId) -> Result<Option<ChangeItem>, StoreError> {
        let mut select = Select::new(CHANGE);
        select.and("change.id = ?", args![id]);
        let (sql, args) = select.done();
        self.inner.db.first(sql, &args).await?.map(change).transpose()
    }

    /// Changes, those that moved last first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes(
        &self,
        filter: &ChangeFilter,
        limit: u32,
    ) -> Result<Page<ChangeItem>, StoreError> {
        let mut select = Select::new(CHANGE);
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(String::as_str);
            in_list(&mut select, "change.state IN (", states);
        }
        if let Some(service) = &filter.service {
            select.and("change.service = ?", args![service]);
        }
        if let Some(kind) = &filter.kind {
            select.and("change.kind = ?", args![kind]);
        }
        if let Some(after) = &filter.after {
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

    /// Changes that a machine has to carry on, the longest untouched first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfinished_changes(&self, limit: u32) -> Result<Vec<ChangeItem>, StoreError> {
        let mut select = Select::new(CHANGE);
        select.and(
            "change.state IN ('requested', 'executing', 'verifying', 'rolling-back')",
            [],
        );
        select.push(" ORDER BY change.updated_at, change.id LIMIT ?", args![clamp(limit)]);
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(change).collect()
    }

    /// Changes whose time to be approved is over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn overdue_changes(&self, now: Time, limit: u32) -> Result<Vec<ChangeItem>, StoreError> {
        let mut select = Select::new(CHANGE);
        select.and("change.state = 'awaiting-approval' AND change.expires_at <= ?", args![now]);
        select.push(" ORDER BY change.updated_at, change.id LIMIT ?", args![clamp(limit)]);
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(change).collect()
    }

    /// How many changes are in each state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let counts = "SELECT state, COUNT(*) FROM change GROUP BY state ORDER BY state";
        let rows = self.inner.db.all(counts, &[]).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Reader::new("change", row);
                Ok((row.text()?, row.number()?))
            })
            .collect()
    }
}

/// Adds `… IN ($1, $2)`.
pub(super) fn in_list<'a>(
    select: &mut Select<'a>,
    open: &'static str,
    words: impl Iterator<Item = &'a str>,
) {
    select.and(open, []);
    for (position, word) in words.enumerate() {
        select.push(if position == 0 { "?" } else { ", ?" }, args![word]);
    }
    select.push(")", []);
}

fn change(row: Vec<Cell>) -> Result<ChangeItem, StoreError> {
    let mut row = Reader::new("change", row);
    let id = row.parsed(ChangeId::parse)?;
    let (kind, state, events) = (row.text()?, row.text()?, row.number()?);
    let (updated_at, expires_at) = (row.time()?, row.time_maybe()?);
    let body = row.bytes()?;
    let entry = bailiwick_wire::record::decode(&body).map_err(|why| row.damaged(why))?;
    let request = match entry.fact {
        Fact::Change { event, .. } => requested(*event),
        _ => None,
    };
    let request = request
        .filter(|request| request.id == id)
        .ok_or_else(|| row.damaged("it points to a leaf that did not open it"))?;
    Ok(ChangeRow { request, kind, state, events, updated_at, expires_at })
}

fn requested(event: Event) -> Option<Request> {
    match event {
        Event::Requested(request) => Some(*request),
        _ => None,
    }
}
