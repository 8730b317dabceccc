//! CRLs: derived from the ledger's revocations, so that what was once revoked stays listed until the
//! certificate is over (invariant I3).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use bailiwick_connect::issuer::BuiltinIssuer;
use bailiwick_core::certificate::{CrlEntry, CrlParts, CrlScope, CrlSpec};
use bailiwick_core::names::{CertSerial, Digest, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, HOUR_MS, SECOND_MS, Time};

use super::App;
use crate::drive::changes::DRIVER;
use crate::fault::Fault;

/// How long a CRL can be relied on: with a fresh one every day, an outage of six days harms nobody
/// (promise P20 asks for 48 hours; BR 7.2 allows 10 days).
const CRL_MS: i64 = 7 * DAY_MS;
/// How old a CRL may get before the next is published although nothing was revoked.
const CRL_AGE_MS_MAX: i64 = 24 * HOUR_MS;
/// Publications that may collide with another replica's before giving up.
const TRIES_MAX: usize = 5;

/// A list of its own with its own numbers: all of an issuer's certificates, or one part of them.
///
/// In the ledger and in rows its name stands where the issuer's does: `house`, and `house..16-3` for
/// the fourth of 16 parts. No issuer's own id holds two dots in a row; the estate refuses it.
struct Series {
    id: IssuerId,
    part: Option<(CrlParts, u16)>,
}

impl Series {
    fn whole(id: &IssuerId) -> Self {
        Self { id: id.clone(), part: None }
    }

    fn part(id: &IssuerId, parts: &CrlParts, part: u16) -> Result<Self, Fault> {
        let id = part_series(id, &parts.name(part))?;
        Ok(Self { id, part: Some((parts.clone(), part)) })
    }

    fn covers(&self, serial: &CertSerial) -> bool {
        self.part.as_ref().is_none_or(|(parts, part)| parts.part_of(serial) == *part)
    }

    fn scope(&self) -> CrlScope {
        match &self.part {
            Some((parts, part)) => CrlScope::PointedAt { url: parts.url(*part) },
            None => CrlScope::Whole,
        }
    }
}

/// The name of a part's series.
fn part_series(id: &IssuerId, part: &str) -> Result<IssuerId, Fault> {
    IssuerId::parse(&format!("{id}..{part}"))
        .map_err(|_| Fault::not_found(format!("part `{part}` of the CRL of `{id}`")))
}

impl App {
    /// Publishes the next CRL of an issuer, and of its parts that are due.
    pub(crate) async fn publish_crl(&self, id: &IssuerId) -> Result<(), Fault> {
        let issuer = self
            .issuers
            .get(id)
            .ok_or_else(|| Fault::conflict(format!("issuer `{id}` does not run here")))?;
        self.publish(issuer, &Series::whole(id)).await?;
        self.publish_parts(issuer).await
    }

    async fn publish(&self, issuer: &BuiltinIssuer, series: &Series) -> Result<(), Fault> {
        let id = &issuer.identity().id;
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let number = self.store.crl_number_max(&series.id).await?.saturating_add(1);
            let revocations = self.store.revocations(id, now).await?;
            let entries: BTreeMap<CertSerial, CrlEntry> = revocations
                .into_iter()
                .filter(|one| series.covers(&one.serial))
                .map(|one| (one.serial, CrlEntry { revoked_at: one.at, reason: one.reason }))
                .collect();
            let revoked = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            let spec = CrlSpec {
                issuer: id.clone(),
                number,
                this_update: now,
                next_update: now.plus_ms(CRL_MS),
                scope: series.scope(),
                entries,
            };
            let der = issuer.sign_crl(&spec).map_err(|cause| Fault::bug(cause.to_string()))?;
            let digest = Digest::of(&der);
            let fact = Fact::CrlPublished {
                issuer: series.id.clone(),
                number,
                revoked,
                digest,
                next_update: spec.next_update,
            };
            let batch = Batch {
                entries: vec![Entry { at: now, by: DRIVER, fact }],
                work: vec![Work::PutEvidence { digest, kind: "crl", octets: der }],
                ..Batch::default()
            };
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(Fault::Conflict { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::Busy {
            message: "other replicas publish CRLs at this moment; try again".to_owned(),
        })
    }

    /// Every part that is due. Parts of an earlier count go on: certificates out there name them.
    async fn publish_parts(&self, issuer: &BuiltinIssuer) -> Result<(), Fault> {
        let identity = issuer.identity();
        let mut counts: BTreeSet<NonZeroU16> =
            identity.places.crl_parts.iter().map(|parts| parts.count).collect();
        let published = self.store.crl_series(&format!("{}..", identity.id)).await?;
        counts.extend(published.iter().filter_map(count_of));
        if counts.is_empty() {
            return Ok(());
        }
        let revocations = self.store.revocations(&identity.id, self.now()).await?;
        for count in counts {
            let parts = CrlParts { count, url_start: self.settings.crl_parts_url(&identity.id) };
            for part in 0..count.get() {
                let series = Series::part(&identity.id, &parts, part)?;
                let revoked = revocations.iter().filter(|one| series.covers(&one.serial));
                if self.is_due(&series.id, revoked.map(|one| one.at).max()).await? {
                    self.publish(issuer, &series).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether a series has no CRL yet, one older than a day, or one that misses a revocation.
    async fn is_due(&self, series: &IssuerId, last_revoked: Option<Time>) -> Result<bool, Fault> {
        let (newest, now) = (self.store.latest_crl(series).await?, self.now());
        Ok(newest.is_none_or(|crl| {
            now.ms_since(crl.at) >= CRL_AGE_MS_MAX || last_revoked.is_some_and(|at| at >= crl.at)
        }))
    }

    /// The newest CRL of one part, such as `16-3`, DER.
    pub(crate) async fn crl_part(&self, id: &IssuerId, part: &str) -> Result<Vec<u8>, Fault> {
        self.crl(&part_series(id, part)?).await
    }

    /// Seconds until the first published CRL can no longer be relied on; `None` when there is none.
    pub(crate) async fn crl_seconds_left(&self) -> Result<Option<i64>, Fault> {
        let now = self.now();
        let mut least = None;
        for id in self.issuers.keys() {
            let parts = self.store.crl_series(&format!("{id}..")).await?;
            for series in std::iter::once(id).chain(&parts) {
                let newest = self.store.latest_crl(series).await?;
                let left = newest.map(|crl| crl.next_update.ms_since(now) / SECOND_MS);
                least = least.into_iter().chain(left).min();
            }
        }
        Ok(least)
    }

    /// Whether every CRL is well within its time: a day is how often they are made anew, and half
    /// of their time is when somebody has to look why they are not.
    pub(crate) async fn crls_are_fresh(&self) -> Result<bool, Fault> {
        Ok(self.crl_seconds_left().await?.is_none_or(|left| left >= CRL_MS / 2 / SECOND_MS))
    }

    /// The newest CRL of an issuer, DER.
    pub(crate) async fn crl(&self, id: &IssuerId) -> Result<Vec<u8>, Fault> {
        let newest = self.store.latest_crl(id).await?;
        let newest = newest.ok_or_else(|| Fault::not_found(format!("CRL of `{id}`")))?;
        let stored = self.store.evidence(&newest.digest).await?;
        stored
            .map(|stored| stored.octets)
            .ok_or_else(|| Fault::Damaged { message: format!("the CRL of `{id}` is gone") })
    }

    /// Whether the newest CRL lists a serial, by reading its bytes.
    pub(crate) async fn crl_lists(
        &self,
        id: &IssuerId,
        serial: &CertSerial,
    ) -> Result<bool, Fault> {
        let der = match self.crl(id).await {
            Ok(der) => der,
            Err(Fault::NotFound { .. }) => return Ok(false),
            Err(fault) => return Err(fault),
        };
        let seen = bailiwick_wire::x509::read_crl(&der)
            .map_err(|cause| Fault::Damaged { message: format!("the CRL of `{id}`: {cause}") })?;
        Ok(seen.entries.iter().any(|entry| entry.serial.regular() == Some(serial)))
    }

    /// Publishes every CRL that is older than a day or missing, or that misses a revocation. One
    /// that cannot be published does not keep the others from it.
    pub(crate) async fn refresh_crls(&self) -> Result<(), Fault> {
        let mut first = Ok(());
        for (id, issuer) in &self.issuers {
            let refreshed = self.refresh_crl(id, issuer).await;
            if first.is_ok() {
                first = refreshed;
            } else if let Err(fault) = refreshed {
                tracing::error!(error = %fault, issuer = %id, "the CRL is not refreshed");
            }
        }
        first
    }

    async fn refresh_crl(&self, id: &IssuerId, issuer: &BuiltinIssuer) -> Result<(), Fault> {
        if self.is_due(id, self.store.last_revoked_at(id).await?).await? {
            self.publish(issuer, &Series::whole(id)).await?;
        }
        self.publish_parts(issuer).await
    }
}

/// The count of a part's series: 16 of `house..16-3`.
fn count_of(series: &IssuerId) -> Option<NonZeroU16> {
    let (_, part) = series.as_str().rsplit_once("..")?;
    part.split_once('-')?.0.parse().ok()
}
