//! Decisions, the active estate, evidence.

use bailiwick_core::names::{ChangeId, DecisionId, Digest};
use bailiwick_core::record::Decision;
use bailiwick_core::time::Time;

use super::select::Select;
use crate::db::{Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::{After, Page, clamp};

/// A decision and when it was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredDecision {
    /// The decision.
    pub decision: Decision,
    /// When.
    pub at: Time,
}

/// Which estate was made the active one, when, by which change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActiveEstate {
    /// The estate; its octets are evidence.
    pub digest: Digest,
    /// Since when.
    pub at: Time,
    /// By which change.
    pub change: ChangeId,
}

/// A piece of evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// What it is, such as `estate/v1`.
    pub kind: String,
    /// The octets.
    pub octets: Vec<u8>,
}

/// The leaf says it whole; the row is for finding it.
const DECISION: &str = "SELECT decision.id, decision.at, entry.body \
    FROM decision JOIN entry ON entry.idx = decision.idx";

impl Store {
    /// The decision with that id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decision(&self, id: &DecisionId) -> Result<Option<StoredDecision>, StoreError> {
        let mut select = Select::new(DECISION);
        select.and("decision.id = ?", args![id]);
        let (sql, args) = select.done();
        self.inner.db.first(sql, &args).await?.map(decision).transpose()
    }

    /// Decisions, the newest first; allowed or refused ones where that is asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decisions(
        &self,
        allowed: Option<bool>,
        after: Option<&After>,
        limit: u32,
    ) -> Result<Page<StoredDecision>, StoreError> {
        let mut select = Select::new(DECISION);
        if let Some(allowed) = allowed {
            select.and("decision.allowed = ?", args![allowed]);
        }
        if let Some(after) = after {
            let place = "decision.idx < (SELECT idx FROM decision WHERE id = ?)";
            select.and(place, args![&after.key]);
        }
        select.push(" ORDER BY decision.idx DESC LIMIT ?", args![clamp(limit).saturating_add(1)]);
        let (sql, args) = select.done();
        let rows = self.inner.db.all(sql, &args).await?;
        let items = rows.into_iter().map(decision).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(items, limit, |one| After { at: one.at, key: one.decision.id.to_string() }))
    }

    /// The estate that is active now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_estate(&self) -> Result<Option<ActiveEstate>, StoreError> {
        let newest = "SELECT digest, at, change FROM estate ORDER BY n DESC LIMIT 1";
        self.inner.db.first(newest, &[]).await?.map(estate).transpose()
    }

    /// Every estate that was active, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn estate_history(&self) -> Result<Vec<ActiveEstate>, StoreError> {
        let all = "SELECT digest, at, change FROM estate ORDER BY n";
        self.inner.db.all(all, &[]).await?.into_iter().map(estate).collect()
    }

    /// The evidence with that digest.
    ///
    /// # Errors
    /// [`StoreError`]; evidence whose octets are others than its digest says is damaged.
    pub async fn evidence(&self, digest: &Digest) -> Result<Option<Evidence>, StoreError> {
        let one = "SELECT digest, kind, octets FROM evidence WHERE digest = $1";
        let Some(row) = self.inner.db.first(one, &args![digest]).await? else { return Ok(None) };
        let mut row = Reader::new("evidence", row);
        let _digest = row.digest()?;
        let (kind, octets) = (row.text()?, row.bytes()?);
        if Digest::of(&octets) != *digest {
            return Err(row.damaged("the octets are not those that the digest names"));
        }
        Ok(Some(Evidence { kind, octets }))
    }
}

fn decision(row: Vec<Cell>) -> Result<StoredDecision, StoreError> {
    let mut row = Reader::new("decision", row);
    let (id, at, body) = (row.parsed(DecisionId::parse)?, row.time()?, row.bytes()?);
    let entry = bailiwick_wire::record::decode(&body).map_err(|why| row.damaged(why))?;
    let decision = entry.fact.into_decision().filter(|decision| decision.id == id);
    let decision =
        decision.ok_or_else(|| row.damaged("it points to a leaf that does not hold it"))?;
    Ok(StoredDecision { decision, at })
}

fn estate(row: Vec<Cell>) -> Result<ActiveEstate, StoreError> {
    let mut row = Reader::new("estate", row);
    Ok(ActiveEstate {
        digest: row.digest()?,
        at: row.time()?,
        change: row.parsed(ChangeId::parse)?,
    })
}
