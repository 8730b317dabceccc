//! Rows of changes: what the events of one batch make of one change is written once.

use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::ChangeId;
use bailiwick_core::record::{ChangeRow, Row};
use bailiwick_core::time::Time;

use super::new;
use crate::commit::Conflict;
use crate::db::{Tx, args};
use crate::writer::Rejected;

/// States after which a change does nothing more.
const OVER: [&str; 5] = ["closed", "rolled-back", "refused", "withdrawn", "expired"];

/// What some events, one behind the other, make of a change.
pub(crate) struct Moved {
    id: ChangeId,
    from: From,
    events: u32,
    state: String,
    at: Time,
    kind: Option<String>,
    expires_at: Option<Time>,
}

/// How the change stood before them.
enum From {
    /// It was not there; the leaf that opened it, and how it began.
    Opened(LeafIndex, Box<ChangeRow>),
    /// It had so many events.
    Events(u32),
}

impl Moved {
    /// What one row makes of a change; `None` where it is about something else.
    pub(crate) fn by(index: LeafIndex, row: &Row) -> Option<Self> {
        if let Row::OpenChange(opened) = row {
            return Some(Self {
                id: opened.request.id.clone(),
                from: From::Opened(index, opened.clone()),
                events: opened.events,
                state: opened.state.clone(),
                at: opened.updated_at,
                kind: None,
                expires_at: None,
            });
        }
        let Row::MoveChange { id, seq, state, at, kind, expires_at } = row else { return None };
        Some(Self {
            id: id.clone(),
            from: From::Events(*seq),
            events: seq.saturating_add(1),
            state: state.clone(),
            at: *at,
            kind: kind.clone(),
            expires_at: *expires_at,
        })
    }

    /// Whether both are about the same change.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Adds what follows, if it is the next event of the same change; else gives it back.
    pub(crate) fn then(&mut self, next: Self) -> Option<Self> {
        let follows = matches!(next.from, From::Events(before) if before == self.events);
        if next.id != self.id || !follows || OVER.contains(&self.state.as_str()) {
            return Some(next);
        }
        self.events = next.events;
        self.state = next.state;
        self.at = next.at;
        self.kind = next.kind.or(self.kind.take());
        self.expires_at = next.expires_at.or(self.expires_at);
        None
    }

    /// Writes it.
    pub(crate) async fn apply(&self, tx: &mut Tx) -> Result<(), Rejected> {
        match &self.from {
            From::Opened(index, opened) => self.open(tx, *index, opened).await?,
            From::Events(before) => self.go_on(tx, *before).await?,
        }
        if OVER.contains(&self.state.as_str()) {
            let id = &self.id;
            tx.exec("DELETE FROM envelope_hold WHERE change = $1", &args![id]).await?;
            // Nobody carries it on any more.
            tx.exec("DELETE FROM lease WHERE name = $1", &args![format!("change/{id}")]).await?;
        }
        Ok(())
    }

    async fn open(
        &self,
        tx: &mut Tx,
        index: LeafIndex,
        opened: &ChangeRow,
    ) -> Result<(), Rejected> {
        let put = "INSERT INTO change \
            (id, opened_idx, service, kind, state, events, updated_at, expires_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        let given = args![
            &self.id,
            index,
            opened.request.service.as_ref(),
            self.kind.as_ref().unwrap_or(&opened.kind),
            &self.state,
            self.events,
            self.at,
            self.expires_at.or(opened.expires_at),
        ];
        new(tx.exec(put, &given).await?, "change", &self.id)
    }

    async fn go_on(&self, tx: &mut Tx, before: u32) -> Result<(), Rejected> {
        let set = "UPDATE change SET events = $3, state = $4, updated_at = $5, \
            kind = COALESCE($6, kind), expires_at = COALESCE($7, expires_at) \
            WHERE id = $1 AND events = $2";
        let given = args![
            &self.id,
            before,
            self.events,
            &self.state,
            self.at,
            self.kind.as_ref(),
            self.expires_at,
        ];
        if tx.exec(set, &given).await? == 1 {
            return Ok(());
        }
        Err(Conflict::ChangeMoved { id: self.id.clone(), events: before }.into())
    }
}
