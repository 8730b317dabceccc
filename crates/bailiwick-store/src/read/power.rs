//! Emergencies, delegated execution, delegations, acts.

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::{DelegationKind, DelegationStands, Emergency, EmergencyOf};
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::{ChangeId, PersonId, ServiceId};
use bailiwick_core::record::ActClass;
use bailiwick_core::time::Time;

use super::select::Select;
use crate::db::{Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

/// An emergency, and what came of looking at it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmergencyRow {
    /// As it was declared.
    pub emergency: Emergency,
    /// When it was declared.
    pub at: Time,
    /// The review, once somebody closed it.
    pub review: Option<ReviewRow>,
}

/// A review that is closed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReviewRow {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: PersonId,
    /// Whether it was an emergency.
    pub justified: bool,
    /// What was found.
    pub note: String,
}

/// One act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActRow {
    /// Its leaf.
    pub index: LeafIndex,
    /// On what kind of thing.
    pub class: ActClass,
    /// On which.
    pub about: String,
    /// What was done.
    pub what: String,
    /// Who, in words.
    pub by: String,
    /// When.
    pub at: Time,
}

macro_rules! emergency {
    ($rest:literal) => {
        concat!(
            "SELECT change, service, accountable, delegated_by, until, reviewer, review_by, at, \
             reviewed_at, reviewed_by, justified, note FROM emergency ",
            $rest
        )
    };
}

impl Store {
    /// The emergency that a change is, where it is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn emergency(&self, change: &ChangeId) -> Result<Option<EmergencyRow>, StoreError> {
        let row = self.inner.db.first(emergency!("WHERE change = $1"), &args![change]).await?;
        row.map(emergency).transpose()
    }

    /// Emergencies, the newest first; only those whose review is open where that is asked for, the
    /// most urgent first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn emergencies(
        &self,
        open: bool,
        limit: u32,
    ) -> Result<Vec<EmergencyRow>, StoreError> {
        let some = if open {
            emergency!("WHERE reviewed_at IS NULL ORDER BY review_by, change LIMIT $1")
        } else {
            emergency!("ORDER BY at DESC, change LIMIT $1")
        };
        let rows = self.inner.db.all(some, &args![clamp(limit)]).await?;
        rows.into_iter().map(emergency).collect()
    }

    /// Who lets a person declare emergencies of a service at `now`, where somebody does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn execution_delegated(
        &self,
        service: &ServiceId,
        person: &PersonId,
        now: Time,
    ) -> Result<Option<PersonId>, StoreError> {
        let one = "SELECT accountable FROM delegated_execution \
            WHERE service = $1 AND person = $2 AND until > $3 ORDER BY until DESC LIMIT 1";
        let row = self.inner.db.first(one, &args![service, person, now]).await?;
        row.map(|row| Reader::new("delegated_execution", row).parsed(PersonId::parse)).transpose()
    }

    /// Every delegation that was seen, by zone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delegations(&self) -> Result<Vec<(ZoneKey, DelegationStands)>, StoreError> {
        let all = "SELECT zone, kind, first_seen, last_seen FROM delegation ORDER BY zone, kind";
        self.inner.db.all(all, &[]).await?.into_iter().map(delegation).collect()
    }

    /// What was seen of the delegation of one zone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delegation(&self, zone: &ZoneKey) -> Result<Vec<DelegationStands>, StoreError> {
        let some = "SELECT zone, kind, first_seen, last_seen FROM delegation \
            WHERE zone = $1 ORDER BY kind";
        let rows = self.inner.db.all(some, &args![zone.to_string()]).await?;
        rows.into_iter().map(|row| delegation(row).map(|(_, stands)| stands)).collect()
    }

    /// Acts, the newest first: on this, of this class, before that leaf, where given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn acts(
        &self,
        about: Option<&str>,
        class: Option<ActClass>,
        before: Option<LeafIndex>,
        limit: u32,
    ) -> Result<Vec<ActRow>, StoreError> {
        let before = before.map_or(i64::MAX, LeafIndex::as_i64);
        let mut select = Select::new("SELECT idx, class, about, what, actor, at FROM act");
        select.and("idx < ?", args![before]);
        if let Some(about) = about {
            select.and("about = ?", args![about]);
        }
        if let Some(class) = class {
            select.and("class = ?", args![class.as_str()]);
        }
        select.push(" ORDER BY idx DESC LIMIT ?", args![clamp(limit)]);
        let (sql, args) = select.done();
        let rows = self.inner.db.all(sql, &args).await?;
        rows.into_iter().map(act).collect()
    }
}

fn delegation(row: Vec<Cell>) -> Result<(ZoneKey, DelegationStands), StoreError> {
    let mut row = Reader::new("delegation", row);
    let zone = row.word(ZoneKey::parse)?;
    let kind = row.word(DelegationKind::parse)?;
    let first = row.texts()?.into_iter().collect();
    Ok((zone, DelegationStands { kind, first, last: row.texts()?.into_iter().collect() }))
}

fn act(row: Vec<Cell>) -> Result<ActRow, StoreError> {
    let mut row = Reader::new("act", row);
    Ok(ActRow {
        index: super::ledger::index(&mut row)?,
        class: row.word(ActClass::parse)?,
        about: row.text()?,
        what: row.text()?,
        by: row.text()?,
        at: row.time()?,
    })
}

fn emergency(row: Vec<Cell>) -> Result<EmergencyRow, StoreError> {
    let mut row = Reader::new("emergency", row);
    let emergency = Emergency {
        change: row.parsed(ChangeId::parse)?,
        of: row.word(EmergencyOf::parse)?,
        accountable: row.parsed(PersonId::parse)?,
        delegated_by: row.parsed_maybe(PersonId::parse)?,
        until: row.time()?,
        reviewer: row.parsed(PersonId::parse)?,
        review_by: row.time()?,
    };
    let at = row.time()?;
    let (reviewed_at, by) = (row.time_maybe()?, row.parsed_maybe(PersonId::parse)?);
    let (justified, note) = (row.int_maybe()?, row.text_maybe()?);
    let review = match (reviewed_at, by) {
        (Some(at), Some(by)) => {
            let (justified, note) = (justified == Some(1), note.unwrap_or_default());
            Some(ReviewRow { at, by, justified, note })
        }
        (Some(_) | None, Some(_) | None) => None,
    };
    Ok(EmergencyRow { emergency, at, review })
}
