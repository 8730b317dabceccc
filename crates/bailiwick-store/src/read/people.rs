//! Sign-ins, tokens, links and notices.

use bailiwick_core::names::{Digest, PersonId, SessionId, TokenId};
use bailiwick_core::record::Notice;
use bailiwick_core::time::Time;

use crate::db::{Arg, Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::{LIMIT_MAX, clamp};

/// A sign-in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Who signed in.
    pub person: PersonId,
    /// Who stands behind it.
    pub chain: Vec<PersonId>,
    /// Since when.
    pub at: Time,
    /// Until when.
    pub expires_at: Time,
    /// Whether it ended before that.
    pub ended: bool,
}

/// An API token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenRow {
    /// Its public part.
    pub id: TokenId,
    /// Whose.
    pub person: PersonId,
    /// Who stands behind it.
    pub chain: Vec<PersonId>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// What it is for, in words.
    pub purpose: String,
    /// Since when.
    pub at: Time,
    /// Until when.
    pub expires_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// A one-time sign-in link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkRow {
    /// For whom.
    pub person: PersonId,
    /// Who stands behind it.
    pub chain: Vec<PersonId>,
    /// Until when it can be used.
    pub expires_at: Time,
    /// Whether it was.
    pub spent: bool,
}

/// A notice on its way to a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutboxRow {
    /// Its number, in order of commit.
    pub id: i64,
    /// When it was written.
    pub at: Time,
    /// The notice.
    pub notice: Notice,
}

impl Store {
    /// The session with a secret of that hash, ended and expired ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session_by_secret(&self, hash: &Digest) -> Result<Option<SessionRow>, StoreError> {
        let one = "SELECT id, person, chain, at, expires_at, ended FROM session \
            WHERE id = (SELECT session FROM session_secret WHERE hash = $1)";
        self.inner.db.first(one, &args![hash]).await?.map(session).transpose()
    }

    /// The session with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(&self, id: &SessionId) -> Result<Option<SessionRow>, StoreError> {
        let one = "SELECT id, person, chain, at, expires_at, ended FROM session WHERE id = $1";
        self.inner.db.first(one, &args![id]).await?.map(session).transpose()
    }

    /// The token with a secret of that hash, revoked and expired ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn token_by_secret(&self, hash: &Digest) -> Result<Option<TokenRow>, StoreError> {
        let one = "SELECT id, person, chain, scopes, purpose, at, expires_at, revoked_at FROM token \
            WHERE id = (SELECT token FROM token_secret WHERE hash = $1)";
        self.inner.db.first(one, &args![hash]).await?.map(token).transpose()
    }

    /// The token with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn token(&self, id: &TokenId) -> Result<Option<TokenRow>, StoreError> {
        let one = "SELECT id, person, chain, scopes, purpose, at, expires_at, revoked_at FROM token \
            WHERE id = $1";
        self.inner.db.first(one, &args![id]).await?.map(token).transpose()
    }

    /// The tokens of a person, at most [`LIMIT_MAX`], the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tokens_of(&self, person: &PersonId) -> Result<Vec<TokenRow>, StoreError> {
        let some = "SELECT id, person, chain, scopes, purpose, at, expires_at, revoked_at FROM token \
            WHERE person = $1 ORDER BY at DESC, id LIMIT $2";
        let rows = self.inner.db.all(some, &[Arg::from(person), Arg::from(LIMIT_MAX)]).await?;
        rows.into_iter().map(token).collect()
    }

    /// The link with a secret of that hash, spent and expired ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link(&self, hash: &Digest) -> Result<Option<LinkRow>, StoreError> {
        let one = "SELECT person, chain, expires_at, spent FROM link WHERE hash = $1";
        let Some(row) = self.inner.db.first(one, &args![hash]).await? else { return Ok(None) };
        let mut row = Reader::new("link", row);
        Ok(Some(LinkRow {
            person: row.parsed(PersonId::parse)?,
            chain: row.list(PersonId::parse)?,
            expires_at: row.time()?,
            spent: row.flag()?,
        }))
    }

    /// Notices behind one that were not sent yet, the oldest first; 0 is before all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outbox(&self, after: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let some = "SELECT id, at, person, subject, page FROM outbox \
            WHERE sent_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
        let rows = self.inner.db.all(some, &args![after, clamp(limit)]).await?;
        rows.into_iter().map(notice).collect()
    }

    /// Gives up every notice that was written before a moment and not sent yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up_notices(&self, before: Time, at: Time) -> Result<(), StoreError> {
        let old = "UPDATE outbox SET sent_at = $2 WHERE sent_at IS NULL AND at < $1";
        self.inner.db.write(old, &args![before, at]).await?;
        Ok(())
    }

    /// Deletes notices that were sent or given up before a moment, at most so many; says how many. The
    /// newest one stays: the next one's number is counted from it, and no number is given twice.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_notices(&self, before: Time, limit: u32) -> Result<usize, StoreError> {
        let old = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE sent_at < $1 \
            AND id < (SELECT MAX(id) FROM outbox) ORDER BY id LIMIT $2) RETURNING id";
        Ok(self.inner.db.write(old, &args![before, clamp(limit)]).await?.len())
    }

    /// Notes that a notice was sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_sent(&self, id: i64, at: Time) -> Result<(), StoreError> {
        let mark = "UPDATE outbox SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL";
        self.inner.db.write(mark, &args![id, at]).await?;
        Ok(())
    }
}

fn session(row: Vec<Cell>) -> Result<SessionRow, StoreError> {
    let mut row = Reader::new("session", row);
    Ok(SessionRow {
        id: row.parsed(SessionId::parse)?,
        person: row.parsed(PersonId::parse)?,
        chain: row.list(PersonId::parse)?,
        at: row.time()?,
        expires_at: row.time()?,
        ended: row.flag()?,
    })
}

fn token(row: Vec<Cell>) -> Result<TokenRow, StoreError> {
    let mut row = Reader::new("token", row);
    Ok(TokenRow {
        id: row.parsed(TokenId::parse)?,
        person: row.parsed(PersonId::parse)?,
        chain: row.list(PersonId::parse)?,
        scopes: row.texts()?,
        purpose: row.text()?,
        at: row.time()?,
        expires_at: row.time()?,
        revoked_at: row.time_maybe()?,
    })
}

fn notice(row: Vec<Cell>) -> Result<OutboxRow, StoreError> {
    let mut row = Reader::new("outbox", row);
    let (id, at) = (row.int()?, row.time()?);
    let notice =
        Notice { to: row.parsed(PersonId::parse)?, subject: row.text()?, page: row.text()? };
    Ok(OutboxRow { id, at, notice })
}
