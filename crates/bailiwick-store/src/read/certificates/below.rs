//! What was issued at or below a name. Asked for every zone at every look, so that none of it may read all
//! certificates of a zone.

use std::collections::BTreeMap;

use bailiwick_core::names::{DnsName, IssuerId};
use bailiwick_core::time::Time;

use super::names::reversed;
use crate::db::{Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

impl Store {
    /// When each issuer last issued for a name at or below an apex; below it, to the hour that had begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_use_below(
        &self,
        apex: &DnsName,
    ) -> Result<BTreeMap<IssuerId, Time>, StoreError> {
        let all = "SELECT issuer, MAX(at) FROM (\
                SELECT issuer, hour AS at FROM issuer_use WHERE reversed = $1 UNION ALL \
                SELECT c.issuer, c.issued_at FROM certificate_name AS n \
                JOIN certificate AS c ON c.fingerprint = n.fingerprint WHERE n.reversed = $1\
            ) AS used GROUP BY issuer";
        let rows = self.inner.db.all(all, &args![reversed(apex.as_str())]).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Reader::new("issuer_use", row);
                Ok((row.parsed(IssuerId::parse)?, row.time()?))
            })
            .collect()
    }

    /// The names at or below an apex that certificates in date have: the apex first, where it has one,
    /// and at most `limit` below it in the order of their labels from the right.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn names_in_date_below(
        &self,
        apex: &DnsName,
        now: Time,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        // Two questions: asked as one, the database reads and sorts all names of the zone.
        let at = "SELECT n.reversed FROM certificate_name AS n \
            JOIN certificate AS c ON c.fingerprint = n.fingerprint \
            WHERE n.reversed = $1 AND c.not_after > $2 LIMIT 1";
        let below = "SELECT n.reversed FROM certificate_name AS n \
            WHERE n.reversed > $1 AND n.reversed < $2 AND EXISTS (SELECT 1 FROM certificate AS c \
            WHERE c.fingerprint = n.fingerprint AND c.not_after > $3) \
            GROUP BY n.reversed ORDER BY n.reversed LIMIT $4";
        let name = reversed(apex.as_str());
        let (from, to) = (format!("{name}."), format!("{name}/"));
        let mut rows = self.inner.db.all(at, &args![name, now]).await?;
        rows.extend(self.inner.db.all(below, &args![from, to, now, clamp(limit)]).await?);
        rows.into_iter()
            .map(|row| Ok(reversed(&Reader::new("certificate_name", row).text()?)))
            .collect()
    }
}
