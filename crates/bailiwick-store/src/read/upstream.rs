//! What is remembered of CAs behind ACME.

use bailiwick_core::change::{HeldKey, KeyMark};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{CertFingerprint, ChangeId, Digest, DnsName, IssuerId, SpkiHash};
use bailiwick_core::record::{OrderMark, PlacedRecord, Reached};
use bailiwick_core::time::Time;

use crate::db::{Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;

/// Our account at a CA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpstreamAccountRow {
    /// At which issuer.
    pub issuer: IssuerId,
    /// Its URL.
    pub uri: String,
    /// Names its key.
    pub key: SpkiHash,
    /// The change that registered it.
    pub change: ChangeId,
    /// When.
    pub at: Time,
    /// Whether it is over.
    pub ended: bool,
}

/// The order that a change placed at a CA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpstreamOrderRow {
    /// At which issuer.
    pub issuer: IssuerId,
    /// Its URL.
    pub url: String,
    /// Since when.
    pub at: Time,
}

/// A credential of ours that came in force at a server or a CA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldKeyRow {
    /// The one that was in force.
    pub before: KeyMark,
    /// The one that is since then.
    pub after: KeyMark,
    /// When.
    pub at: Time,
    /// By which change.
    pub change: ChangeId,
}

impl Store {
    /// Every credential that was in force in one place, the oldest first; none where it was never
    /// rotated.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn held_keys(&self, of: &HeldKey) -> Result<Vec<HeldKeyRow>, StoreError> {
        let all = "SELECT before_name, before_digest, name, digest, at, change FROM held_key \
            WHERE kind = $1 AND owner = $2 ORDER BY n";
        let rows = self.inner.db.all(all, &args![of.kind(), of.owner()]).await?;
        rows.into_iter().map(held_key).collect()
    }

    /// Our account at an issuer, ended ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upstream_account(
        &self,
        issuer: &IssuerId,
    ) -> Result<Option<UpstreamAccountRow>, StoreError> {
        let one = "SELECT issuer, uri, spki, change, at, ended FROM upstream_account \
            WHERE issuer = $1";
        self.inner.db.first(one, &args![issuer]).await?.map(account).transpose()
    }

    /// Our accounts at every issuer, ended ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upstream_accounts(&self) -> Result<Vec<UpstreamAccountRow>, StoreError> {
        let all = "SELECT issuer, uri, spki, change, at, ended FROM upstream_account \
            ORDER BY issuer";
        self.inner.db.all(all, &[]).await?.into_iter().map(account).collect()
    }

    /// The order that a change placed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upstream_order(
        &self,
        change: &ChangeId,
    ) -> Result<Option<UpstreamOrderRow>, StoreError> {
        let one = "SELECT issuer, url, at FROM upstream_order WHERE change = $1";
        let row = self.inner.db.first(one, &args![change]).await?;
        row.map(|row| {
            let mut row = Reader::new("upstream_order", row);
            Ok(UpstreamOrderRow {
                issuer: row.parsed(IssuerId::parse)?,
                url: row.text()?,
                at: row.time()?,
            })
        })
        .transpose()
    }

    /// Another change whose order has this URL at the same CA.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_of_upstream_order(
        &self,
        issuer: &IssuerId,
        url: &str,
        but: &ChangeId,
    ) -> Result<Option<ChangeId>, StoreError> {
        let one = "SELECT change FROM upstream_order \
            WHERE issuer = $1 AND url = $2 AND change <> $3";
        let row = self.inner.db.first(one, &args![issuer, url, but]).await?;
        row.map(|row| Reader::new("upstream_order", row).parsed(ChangeId::parse)).transpose()
    }

    /// How far the order of a change got, each with its moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_marks(&self, change: &ChangeId) -> Result<Vec<OrderMark>, StoreError> {
        let all = "SELECT kind, value, at FROM order_mark WHERE change = $1 \
            ORDER BY at, kind, value";
        let rows = self.inner.db.all(all, &args![change]).await?;
        rows.into_iter().map(|row| mark(change, row)).collect()
    }

    /// Another change whose order was shown this certificate.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn shown_to_another(
        &self,
        change: &ChangeId,
        der: &[u8],
    ) -> Result<Option<ChangeId>, StoreError> {
        let one = "SELECT change FROM order_mark \
            WHERE kind = 'shown' AND digest = $1 AND change <> $2";
        let row = self.inner.db.first(one, &args![&Digest::of(der), change]).await?;
        row.map(|row| Reader::new("order_mark", row).parsed(ChangeId::parse)).transpose()
    }

    /// The digest of what is served behind a certificate, where it is not the issuer's own chain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate_chain(
        &self,
        fingerprint: &CertFingerprint,
    ) -> Result<Option<Digest>, StoreError> {
        if let Some(new) = self.inner.kept.certificate(fingerprint) {
            return Ok(new.chain);
        }
        let one = "SELECT digest FROM certificate_chain WHERE fingerprint = $1";
        let row = self.inner.db.first(one, &args![fingerprint]).await?;
        row.map(|row| Reader::new("certificate_chain", row).digest()).transpose()
    }

    /// A sealed secret of the house.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed(&self, secret: &SealedSecret) -> Result<Option<Vec<u8>>, StoreError> {
        let one = "SELECT sealed FROM sealed_secret WHERE purpose = $1 AND name = $2";
        let row = self.inner.db.first(one, &args![secret.purpose(), secret.name()]).await?;
        row.map(|row| Reader::new("sealed_secret", row).bytes()).transpose()
    }

    /// The records that were written for a change and not taken away yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn placed_records(&self, change: &ChangeId) -> Result<Vec<PlacedRecord>, StoreError> {
        let all = "SELECT change, owner, value FROM placed_record WHERE change = $1 \
            ORDER BY owner, value";
        self.inner.db.all(all, &args![change]).await?.into_iter().map(placed).collect()
    }

    /// Records whose change is over, and that are still there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forgotten_records(&self, limit: u32) -> Result<Vec<PlacedRecord>, StoreError> {
        let left = "SELECT p.change, p.owner, p.value FROM placed_record AS p \
            JOIN change AS c ON c.id = p.change WHERE c.state IN \
            ('closed', 'rolled-back', 'refused', 'withdrawn', 'expired', 'unknown') \
            ORDER BY p.change, p.owner, p.value LIMIT $1";
        self.inner.db.all(left, &args![limit]).await?.into_iter().map(placed).collect()
    }
}

fn held_key(row: Vec<Cell>) -> Result<HeldKeyRow, StoreError> {
    let mut row = Reader::new("held_key", row);
    Ok(HeldKeyRow {
        before: KeyMark { name: row.text()?, digest: row.digest()? },
        after: KeyMark { name: row.text()?, digest: row.digest()? },
        at: row.time()?,
        change: row.parsed(ChangeId::parse)?,
    })
}

fn account(row: Vec<Cell>) -> Result<UpstreamAccountRow, StoreError> {
    let mut row = Reader::new("upstream_account", row);
    Ok(UpstreamAccountRow {
        issuer: row.parsed(IssuerId::parse)?,
        uri: row.text()?,
        key: row.spki()?,
        change: row.parsed(ChangeId::parse)?,
        at: row.time()?,
        ended: row.flag()?,
    })
}

fn mark(change: &ChangeId, row: Vec<Cell>) -> Result<OrderMark, StoreError> {
    let mut row = Reader::new("order_mark", row);
    let (kind, value, at) = (row.text()?, row.bytes()?, row.time()?);
    let times = || <[u8; 4]>::try_from(value.as_slice()).ok().map(u32::from_be_bytes);
    let reached = match kind.as_str() {
        "order-lost" => times().map(Reached::OrderLost),
        "finalizing" => times().map(Reached::Finalizing),
        "finalize-taken" => Some(Reached::FinalizeTaken),
        "finalize-refused" => Some(Reached::FinalizeRefused),
        "said-valid" => Some(Reached::SaidValid),
        "shown" => Some(Reached::Shown(value)),
        _ => None,
    };
    let reached = reached.ok_or_else(|| row.damaged("kind"))?;
    Ok(OrderMark { change: change.clone(), reached, at })
}

fn placed(row: Vec<Cell>) -> Result<PlacedRecord, StoreError> {
    let mut row = Reader::new("placed_record", row);
    Ok(PlacedRecord {
        change: row.parsed(ChangeId::parse)?,
        owner: row.parsed(DnsName::parse)?,
        value: row.text()?,
    })
}
