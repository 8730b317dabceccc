//! Envelopes and what was issued under them.

use bailiwick_core::gate::{Envelope, EnvelopeEnd};
use bailiwick_core::names::{
    AccountId, ChangeId, EnvelopeId, IssuerId, ProfileId, SanName, ServiceId,
};
use bailiwick_core::time::Time;

use crate::db::{Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

macro_rules! envelope {
    ($rest:literal) => {
        concat!(
            "SELECT id, change, service, names, issuer, profiles, account, granted_at, until, uses_max, \
             uses, ended_at, ended_why FROM envelope ",
            $rest
        )
    };
}

impl Store {
    /// The envelope with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envelope(&self, id: &EnvelopeId) -> Result<Option<Envelope>, StoreError> {
        let row = self.inner.db.first(envelope!("WHERE id = $1"), &args![id]).await?;
        row.map(envelope).transpose()
    }

    /// Every envelope of a service, ended ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envelopes_of_service(
        &self,
        service: &ServiceId,
    ) -> Result<Vec<Envelope>, StoreError> {
        let kept = &self.inner.kept;
        if let Some(all) = kept.envelopes(service) {
            return Ok(all);
        }
        let since = kept.since();
        let some = envelope!("WHERE service = $1 ORDER BY id");
        let rows = self.inner.db.all(some, &args![service]).await?;
        let all: Vec<Envelope> = rows.into_iter().map(envelope).collect::<Result<_, _>>()?;
        kept.keep_envelopes(since, service, &all);
        Ok(all)
    }

    /// Envelopes by id behind one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envelopes(
        &self,
        after: Option<&EnvelopeId>,
        limit: u32,
    ) -> Result<Vec<Envelope>, StoreError> {
        let after = after.map_or("", EnvelopeId::as_str);
        let some = envelope!("WHERE id > $1 ORDER BY id LIMIT $2");
        let rows = self.inner.db.all(some, &args![after, clamp(limit)]).await?;
        rows.into_iter().map(envelope).collect()
    }

    /// Envelopes that are in force at a moment, the next to end first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envelopes_in_force(
        &self,
        at: Time,
        limit: u32,
    ) -> Result<Vec<Envelope>, StoreError> {
        let some = envelope!("WHERE ended_at IS NULL AND until > $1 ORDER BY until, id LIMIT $2");
        let rows = self.inner.db.all(some, &args![at, clamp(limit)]).await?;
        rows.into_iter().map(envelope).collect()
    }

    /// When the last certificate was issued under an envelope, if one ever was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envelope_last_use(&self, id: &EnvelopeId) -> Result<Option<Time>, StoreError> {
        let last = "SELECT MAX(issued_at) FROM certificate WHERE envelope = $1";
        let row = self.inner.db.first(last, &args![id]).await?;
        row.map_or(Ok(None), |row| Reader::new("certificate", row).time_maybe())
    }
}

fn envelope(row: Vec<Cell>) -> Result<Envelope, StoreError> {
    let mut row = Reader::new("envelope", row);
    let (id, change, service, names) = (
        row.parsed(EnvelopeId::parse)?,
        row.parsed(ChangeId::parse)?,
        row.parsed(ServiceId::parse)?,
        row.list(SanName::parse)?,
    );
    let (issuer, profiles) = (row.parsed(IssuerId::parse)?, row.list(ProfileId::parse)?);
    let account = row.parsed_maybe(AccountId::parse)?;
    let (granted_at, until) = (row.time()?, row.time()?);
    let (uses_max, uses) = (row.number_maybe()?, row.number()?);
    let ended = match (row.time_maybe()?, row.text_maybe()?) {
        (Some(at), Some(why)) => Some(EnvelopeEnd { at, why }),
        (None, None) => None,
        _ => return Err(row.damaged("an end has a time and a reason")),
    };
    Ok(Envelope {
        id,
        change,
        service,
        names,
        issuer,
        profiles,
        account,
        granted_at,
        until,
        uses_max,
        uses,
        ended,
    })
}
