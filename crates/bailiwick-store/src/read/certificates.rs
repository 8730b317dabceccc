//! Certificates.

mod below;
mod names;

use bailiwick_core::change::{Event, IssuedCertificate, Receipt, Revoked};
use bailiwick_core::names::{
    AccountId, CertFingerprint, CertSerial, ChangeId, EnvelopeId, IssuerId, OrderId, ProfileId,
    SanName, ServiceId,
};
use bailiwick_core::time::Time;

use super::select::Select;
use crate::db::{Arg, Cell, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::{After, Page, clamp};

pub use names::NamePart;
pub(crate) use names::reversed;

/// A certificate, and its revocation where there is one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuedRow {
    /// The certificate.
    pub certificate: IssuedCertificate,
    /// How it was revoked.
    pub revoked: Option<Revoked>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CertificateOrder {
    /// Those issued last first.
    #[default]
    NewestFirst,
    /// Those that end first first.
    EndingFirst,
}

/// Which certificates.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CertificateFilter {
    /// Of this service.
    pub service: Option<ServiceId>,
    /// Of this issuer.
    pub issuer: Option<IssuerId>,
    /// With such a name.
    pub name: Option<NamePart>,
    /// In date at this moment or later: its last moment is not before.
    pub ends_from: Option<Time>,
    /// Its last moment is before this one.
    pub ends_before: Option<Time>,
    /// Only revoked ones, or only others.
    pub revoked: Option<bool>,
    /// In which order.
    pub order: CertificateOrder,
}

impl CertificateFilter {
    /// What lists ask for. A name that begins with a dot means names at or below it, any other
    /// a text anywhere in a name. Where an end is asked for, what ends first comes first.
    #[must_use]
    pub fn new(
        service: Option<ServiceId>,
        name: Option<String>,
        ends_before: Option<Time>,
        revoked: Option<bool>,
    ) -> Self {
        let name = name.map(|name| match name.strip_prefix('.') {
            Some(suffix) => NamePart::AtOrBelow(suffix.to_owned()),
            None => NamePart::Contains(name),
        });
        let order = match ends_before {
            Some(_) => CertificateOrder::EndingFirst,
            None => CertificateOrder::NewestFirst,
        };
        Self { service, issuer: None, name, ends_from: None, ends_before, revoked, order }
    }
}

/// How many certificates there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CertificateCounts {
    /// In date and not revoked.
    pub in_date: u64,
    /// Of those, how many end before the given moment.
    pub expiring: u64,
    /// Revoked, in date or not.
    pub revoked: u64,
    /// All that were ever issued.
    pub all: u64,
}

const CERTIFICATE: &str = "SELECT c.fingerprint, c.issuer, c.serial, c.spki, c.names, \
    c.not_before, c.not_after, c.profile, c.service, c.account, c.order_id, c.envelope, c.change, \
    c.der, c.issued_at, r.fingerprint, r.reason, r.at \
    FROM certificate AS c LEFT JOIN revocation AS r ON r.issuer = c.issuer AND r.serial = c.serial";

impl Store {
    /// The certificate with these bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate(
        &self,
        fingerprint: &CertFingerprint,
    ) -> Result<Option<IssuedCertificate>, StoreError> {
        if let Some(new) = self.inner.kept.certificate(fingerprint) {
            return Ok(Some(new.certificate));
        }
        let mut select = Select::new(CERTIFICATE);
        select.and("c.fingerprint = ?", args![fingerprint]);
        Ok(self.certificates_by(select).await?.into_iter().next().map(|row| row.certificate))
    }

    /// The certificate that an issuer gave this serial.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate_by_serial(
        &self,
        issuer: &IssuerId,
        serial: &CertSerial,
    ) -> Result<Option<IssuedCertificate>, StoreError> {
        let mut select = Select::new(CERTIFICATE);
        select.and("c.serial = ? AND c.issuer = ?", [Arg::from(serial), Arg::from(issuer)]);
        Ok(self.certificates_by(select).await?.into_iter().next().map(|row| row.certificate))
    }

    /// The certificates with this serial, at most one of each issuer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates_by_serial(
        &self,
        serial: &CertSerial,
    ) -> Result<Vec<IssuedCertificate>, StoreError> {
        let mut select = Select::new(CERTIFICATE);
        select.and("c.serial = ?", args![serial]).push(" ORDER BY c.issuer", []);
        let rows = self.certificates_by(select).await?;
        Ok(rows.into_iter().map(|row| row.certificate).collect())
    }

    /// The certificates that a change issued, as its leaves say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates_of_change(
        &self,
        id: &ChangeId,
    ) -> Result<Vec<IssuedRow>, StoreError> {
        let mut all = Vec::new();
        for stored in self.change_events(id).await? {
            let Event::StepDone { receipt, .. } = &stored.event else { continue };
            if let Receipt::Issued(issued) | Receipt::Adopted { certificate: issued, .. } = receipt
            {
                let mut select = Select::new(CERTIFICATE);
                select.and("c.fingerprint = ?", args![&issued.fingerprint]);
                all.extend(self.certificates_by(select).await?);
            }
        }
        Ok(all)
    }

    /// The certificates that were issued under an envelope, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates_under(
        &self,
        envelope: &EnvelopeId,
        limit: u32,
    ) -> Result<Vec<IssuedRow>, StoreError> {
        let mut select = Select::new(CERTIFICATE);
        select
            .and("c.envelope = ?", args![envelope])
            .push(" ORDER BY c.issued_at DESC, c.fingerprint LIMIT ?", args![clamp(limit)]);
        self.certificates_by(select).await
    }

    /// The certificates that an account got, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates_of_account(
        &self,
        account: &AccountId,
        limit: u32,
    ) -> Result<Vec<IssuedRow>, StoreError> {
        let mut select = Select::new(CERTIFICATE);
        select
            .and("c.account = ?", args![account])
            .push(" ORDER BY c.issued_at DESC, c.fingerprint LIMIT ?", args![clamp(limit)]);
        self.certificates_by(select).await
    }

    /// How many certificates an account got.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate_count_of(&self, account: &AccountId) -> Result<u64, StoreError> {
        let count = "SELECT COUNT(*) FROM certificate WHERE account = $1";
        let row = self.inner.db.first(count, &args![account]).await?;
        Reader::new("certificate", row.unwrap_or_default()).number()
    }

    /// A page of certificates behind a row, whose key is a fingerprint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificates(
        &self,
        filter: &CertificateFilter,
        after: Option<After>,
        limit: u32,
    ) -> Result<Page<IssuedRow>, StoreError> {
        let few = match &filter.name {
            Some(name) => name.is_rare(&self.inner.db).await?,
            None => false,
        };
        let select = filtered(filter, few, after.as_ref(), limit);
        let items = self.certificates_by(select).await?;
        Ok(Page::of(items, limit, |row| After {
            at: match filter.order {
                CertificateOrder::NewestFirst => row.certificate.issued_at,
                CertificateOrder::EndingFirst => row.certificate.not_after,
            },
            key: row.certificate.fingerprint.to_string(),
        }))
    }

    async fn certificates_by(&self, select: Select<'_>) -> Result<Vec<IssuedRow>, StoreError> {
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(certificate).collect()
    }

    /// How many certificates there are, at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate_counts(
        &self,
        now: Time,
        expiring_before: Time,
    ) -> Result<CertificateCounts, StoreError> {
        let row = self.inner.db.first(COUNTS, &args![now, expiring_before]).await?;
        let mut row = Reader::new("certificate", row.unwrap_or_default());
        let (mut in_date, mut expiring) = (row.int()?, row.int()?);
        // Those that have not begun, and those that are revoked.
        for _ in 0..2 {
            in_date = in_date.saturating_sub(row.int()?);
            expiring = expiring.saturating_sub(row.int()?);
        }
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Ok(CertificateCounts {
            in_date: count(in_date),
            expiring: count(expiring),
            revoked: row.number()?,
            all: row.number()?,
        })
    }
}

/// Each part is counted in an index; only revoked certificates are looked at one by one, for which
/// SQLite needs to be told (`CROSS JOIN`) to begin with them.
const COUNTS: &str = "SELECT \
    (SELECT COUNT(*) FROM certificate WHERE not_after >= $1), \
    (SELECT COUNT(*) FROM certificate WHERE not_after >= $1 AND not_after < $2), \
    (SELECT COUNT(*) FROM certificate WHERE not_before > $1), \
    (SELECT COUNT(*) FROM certificate WHERE not_before > $1 AND not_after < $2), \
    (SELECT COUNT(*) FROM revocation AS r CROSS JOIN certificate AS c \
        WHERE c.issuer = r.issuer AND c.serial = r.serial AND c.not_after >= $1 AND c.not_before <= $1), \
    (SELECT COUNT(*) FROM revocation AS r CROSS JOIN certificate AS c \
        WHERE c.issuer = r.issuer AND c.serial = r.serial AND c.not_after >= $1 AND c.not_before <= $1 AND c.not_after < $2), \
    (SELECT COUNT(*) FROM revocation), \
    (SELECT COUNT(*) FROM certificate)";

fn filtered<'a>(
    filter: &'a CertificateFilter,
    few: bool,
    after: Option<&After>,
    limit: u32,
) -> Select<'a> {
    let mut select = Select::new(CERTIFICATE);
    if let Some(service) = &filter.service {
        select.and("c.service = ?", args![service]);
    }
    if let Some(issuer) = &filter.issuer {
        select.and("c.issuer = ?", args![issuer]);
    }
    if let Some(name) = &filter.name {
        name.narrow_down(&mut select, few);
    }
    if let Some(time) = filter.ends_from {
        select.and("c.not_after >= ?", args![time]);
    }
    if let Some(time) = filter.ends_before {
        select.and("c.not_after < ?", args![time]);
    }
    match filter.revoked {
        None => {}
        Some(true) => {
            select.and("r.at IS NOT NULL", []);
        }
        Some(false) => {
            select.and("r.at IS NULL", []);
        }
    }
    let limit = clamp(limit).saturating_add(1);
    // A key that is no fingerprint is behind nothing and before everything: the list starts anew.
    let after = after.and_then(|after| {
        Some((after.at, CertFingerprint::parse(&after.key).ok()?.as_bytes().to_vec()))
    });
    match filter.order {
        CertificateOrder::NewestFirst => {
            if let Some((at, key)) = after {
                select.and("(c.issued_at, c.fingerprint) < (?, ?)", args![at, key]);
            }
            select.push(" ORDER BY c.issued_at DESC, c.fingerprint DESC LIMIT ?", args![limit]);
        }
        CertificateOrder::EndingFirst => {
            if let Some((at, key)) = after {
                select.and("(c.not_after, c.fingerprint) > (?, ?)", args![at, key]);
            }
            select.push(" ORDER BY c.not_after, c.fingerprint LIMIT ?", args![limit]);
        }
    }
    select
}

fn certificate(row: Vec<Cell>) -> Result<IssuedRow, StoreError> {
    let mut row = Reader::new("certificate", row);
    let certificate = IssuedCertificate {
        fingerprint: row.fingerprint()?,
        issuer: row.parsed(IssuerId::parse)?,
        serial: row.serial()?,
        key: row.spki()?,
        names: row.list(SanName::parse)?,
        not_before: row.time()?,
        not_after: row.time()?,
        profile: row.parsed(ProfileId::parse)?,
        service: row.parsed(ServiceId::parse)?,
        account: row.parsed_maybe(AccountId::parse)?,
        order: row.parsed_maybe(OrderId::parse)?,
        envelope: row.parsed_maybe(EnvelopeId::parse)?,
        change: row.parsed(ChangeId::parse)?,
        der: row.bytes()?,
        issued_at: row.time()?,
    };
    let fingerprint = row.fingerprint_maybe()?;
    let reason = row.text_maybe()?;
    let at = row.time_maybe()?;
    let revoked = match (reason, at) {
        (Some(reason), Some(at)) => Some(Revoked {
            issuer: certificate.issuer.clone(),
            serial: certificate.serial.clone(),
            fingerprint,
            reason: bailiwick_core::change::RevocationReason::parse(&reason)
                .ok_or_else(|| row.damaged(format!("`{reason}` is no reason")))?,
            at,
        }),
        _ => None,
    };
    Ok(IssuedRow { certificate, revoked })
}
