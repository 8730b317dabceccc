//! Which leaves tell the story of a zone's control.

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::DnsName;
use bailiwick_core::time::Time;
use bailiwick_core::watch::Asked;

use crate::db::{Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

impl Store {
    /// The entries of a zone's control between two moments, by their leaves; without its serials, of which
    /// there are many and which say nothing about CAA.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaves_of_zone(
        &self,
        zone: &ZoneKey,
        from: Time,
        until: Time,
        limit: u32,
    ) -> Result<Vec<u64>, StoreError> {
        let all = "SELECT idx FROM entry WHERE subject = $1 AND at >= $2 AND at <= $3 \
            AND NOT EXISTS (SELECT 1 FROM observation AS o WHERE o.idx = entry.idx AND o.asked <> $4) \
            ORDER BY idx LIMIT $5";
        let subject = format!("zone/{zone}");
        let asked = Asked::Caa.as_str();
        let args = args![subject, from, until, asked, clamp(limit)];
        let rows = self.inner.db.all(all, &args).await?;
        rows.into_iter().map(|row| Reader::new("entry", row).number()).collect()
    }

    /// The newest entries of one kind about a zone between two moments, by their leaves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaves_of_kind(
        &self,
        zone: &ZoneKey,
        kind: &str,
        (from, until): (Time, Time),
        limit: u32,
    ) -> Result<Vec<u64>, StoreError> {
        let all = "SELECT idx FROM entry WHERE subject = $1 AND kind = $2 AND at >= $3 AND at <= $4 \
            ORDER BY idx DESC LIMIT $5";
        let args = args![format!("zone/{zone}"), kind, from, until, clamp(limit)];
        let rows = self.inner.db.all(all, &args).await?;
        rows.into_iter().map(|row| Reader::new("entry", row).number()).collect()
    }

    /// What was seen of CAA at a name until a moment, by its leaves, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn looks_until(
        &self,
        zone: &ZoneKey,
        owner: &DnsName,
        until: Time,
        limit: u32,
    ) -> Result<Vec<u64>, StoreError> {
        let all = "SELECT idx FROM observation WHERE owner = $1 AND asked = $2 AND zone = $3 \
            AND since <= $4 ORDER BY since DESC, idx DESC LIMIT $5";
        let args = args![owner, Asked::Caa.as_str(), zone.to_string(), until, clamp(limit)];
        let rows = self.inner.db.all(all, &args).await?;
        rows.into_iter().map(|row| Reader::new("observation", row).number()).collect()
    }
}
