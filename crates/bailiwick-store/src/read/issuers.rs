//! What issuers publish: revocations and CRLs.

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{RevocationReason, Revoked};
use bailiwick_core::names::{CertFingerprint, CertSerial, ChangeId, Digest, IssuerId};
use bailiwick_core::time::Time;

use crate::db::{Arg, Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;

/// A generation of an issuer that was made the one that issues.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GenerationRow {
    /// Which issuer.
    pub issuer: IssuerId,
    /// Which of its CAs.
    pub generation: Generation,
    /// That one's certificate.
    pub certificate: CertFingerprint,
    /// Since when.
    pub at: Time,
    /// By which change.
    pub change: ChangeId,
}

/// A published CRL; its octets are evidence under its digest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrlRow {
    /// Whose.
    pub issuer: IssuerId,
    /// Its CRLNumber.
    pub number: u64,
    /// Its octets.
    pub digest: Digest,
    /// When it was published.
    pub at: Time,
    /// When the next one is due.
    pub next_update: Time,
}

impl Store {
    /// Everything a CRL of this issuer has to list at `now`: revoked serials whose certificates are
    /// still in date, and those whose certificate never reached us.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revocations(
        &self,
        issuer: &IssuerId,
        now: Time,
    ) -> Result<Vec<Revoked>, StoreError> {
        let all = "SELECT r.issuer, r.serial, r.fingerprint, r.reason, r.at FROM revocation AS r \
            LEFT JOIN certificate AS c ON c.issuer = r.issuer AND c.serial = r.serial \
            WHERE r.issuer = $1 AND (c.not_after IS NULL OR c.not_after >= $2) \
            ORDER BY r.at, r.serial";
        let given = [Arg::from(issuer), Arg::from(now)];
        self.inner.db.all(all, &given).await?.into_iter().map(revoked).collect()
    }

    /// The revocation of a serial, where there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revocation(
        &self,
        issuer: &IssuerId,
        serial: &CertSerial,
    ) -> Result<Option<Revoked>, StoreError> {
        let one = "SELECT issuer, serial, fingerprint, reason, at FROM revocation \
            WHERE issuer = $1 AND serial = $2";
        let given = [Arg::from(issuer), Arg::from(serial)];
        self.inner.db.first(one, &given).await?.map(revoked).transpose()
    }

    /// The change that revoked a serial, where it is revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoking_change(
        &self,
        issuer: &IssuerId,
        serial: &CertSerial,
    ) -> Result<Option<ChangeId>, StoreError> {
        let one = "SELECT change FROM revocation WHERE issuer = $1 AND serial = $2";
        let row = self.inner.db.first(one, &args![issuer, serial]).await?;
        row.map(|row| Reader::new("revocation", row).parsed(ChangeId::parse)).transpose()
    }

    /// When this issuer last revoked something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_revoked_at(&self, issuer: &IssuerId) -> Result<Option<Time>, StoreError> {
        let last = "SELECT MAX(at) FROM revocation WHERE issuer = $1";
        let row = self.inner.db.first(last, &args![issuer]).await?.unwrap_or_default();
        Reader::new("revocation", row).time_maybe()
    }

    /// The highest CRLNumber an issuer used; 0 when it published none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn crl_number_max(&self, issuer: &IssuerId) -> Result<u64, StoreError> {
        let highest = "SELECT COALESCE(MAX(number), 0) FROM crl WHERE issuer = $1";
        let row = self.inner.db.first(highest, &args![issuer]).await?.unwrap_or_default();
        Reader::new("crl", row).number()
    }

    /// Every series of CRLs whose name begins so and goes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn crl_series(&self, start: &str) -> Result<Vec<IssuerId>, StoreError> {
        let series = "SELECT DISTINCT issuer FROM crl \
            WHERE issuer >= $1 AND issuer < $2 ORDER BY issuer";
        // `~` is behind every character of an id.
        let end = format!("{start}~");
        let rows = self.inner.db.all(series, &args![start, end.as_str()]).await?;
        rows.into_iter().map(|row| Reader::new("crl", row).parsed(IssuerId::parse)).collect()
    }

    /// Every change of the generation that issues, of every issuer, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn generations(&self) -> Result<Vec<GenerationRow>, StoreError> {
        let all = "SELECT issuer, generation, certificate, at, change FROM issuer_generation \
            ORDER BY n";
        self.inner.db.all(all, &[]).await?.into_iter().map(generation).collect()
    }

    /// When the last certificate of an issuer is over whose serial lies between two; `None` when none
    /// is in date at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_end_between(
        &self,
        issuer: &IssuerId,
        (first, last): (&CertSerial, &CertSerial),
        now: Time,
    ) -> Result<Option<Time>, StoreError> {
        let one = "SELECT not_after FROM certificate \
            WHERE not_after >= $4 AND issuer = $1 AND serial >= $2 AND serial <= $3 \
            ORDER BY not_after DESC LIMIT 1";
        let row = self.inner.db.first(one, &args![issuer, first, last, now]).await?;
        row.map(|row| Reader::new("certificate", row).time()).transpose()
    }

    /// The CRL of an issuer with the highest number; the next one takes a higher one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn latest_crl(&self, issuer: &IssuerId) -> Result<Option<CrlRow>, StoreError> {
        let newest = "SELECT issuer, number, digest, at, next_update FROM crl \
            WHERE issuer = $1 ORDER BY number DESC LIMIT 1";
        self.inner.db.first(newest, &args![issuer]).await?.map(crl).transpose()
    }
}

fn revoked(row: Vec<Cell>) -> Result<Revoked, StoreError> {
    let mut row = Reader::new("revocation", row);
    Ok(Revoked {
        issuer: row.parsed(IssuerId::parse)?,
        serial: row.serial()?,
        fingerprint: row.fingerprint_maybe()?,
        reason: row.word(RevocationReason::parse)?,
        at: row.time()?,
    })
}

fn generation(row: Vec<Cell>) -> Result<GenerationRow, StoreError> {
    let mut row = Reader::new("issuer_generation", row);
    let issuer = row.parsed(IssuerId::parse)?;
    let number = Generation::new(row.number()?);
    Ok(GenerationRow {
        issuer,
        generation: number.ok_or_else(|| row.damaged("generation"))?,
        certificate: row.fingerprint()?,
        at: row.time()?,
        change: row.parsed(ChangeId::parse)?,
    })
}

fn crl(row: Vec<Cell>) -> Result<CrlRow, StoreError> {
    let mut row = Reader::new("crl", row);
    Ok(CrlRow {
        issuer: row.parsed(IssuerId::parse)?,
        number: row.number()?,
        digest: row.digest()?,
        at: row.time()?,
        next_update: row.time()?,
    })
}
