//! CRLs: derived from the ledger's revocations, so that what was once revoked stays listed until the
//! certificate is over (invariant I3).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;

use bailiwick_connect::issuer::BuiltinIssuer;
use bailiwick_core::certificate::{CrlEntry, CrlParts, CrlScope, CrlSpec, Generation};
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

/// A list of its own with its own numbers: all certificates of one generation of an issuer, or one
/// part of them.
///
/// In the ledger and in rows its name stands where the issuer's does: `house`, and `house..16-3` for
/// the fourth of 16 parts; `house..g2` and `house..g2-16-3` for the second generation. No issuer's own
/// id holds two dots in a row; the estate refuses it.
struct Series {
    id: IssuerId,
    generation: Generation,
    part: Option<(CrlParts, u16)>,
}

impl Series {
    fn whole(id: &IssuerId, generation: Generation) -> Result<Self, Fault> {
        Ok(Self { id: whole_series(id, generation)?, generation, part: None })
    }

    fn part(
        id: &IssuerId,
        generation: Generation,
        parts: &CrlParts,
        part: u16,
    ) -> Result<Self, Fault> {
        let name = parts.name(part);
        let id = match generation {
            Generation::FIRST => part_series(id, &name)?,
            later => part_series(id, &format!("g{later}-{name}"))?,
        };
        Ok(Self { id, generation, part: Some((parts.clone(), part)) })
    }

    fn covers(&self, serial: &CertSerial) -> bool {
        Generation::of(serial) == self.generation
            && self.part.as_ref().is_none_or(|(parts, part)| parts.part_of(serial) == *part)
    }

    fn scope(&self) -> CrlScope {
        match &self.part {
            Some((parts, part)) => CrlScope::PointedAt { url: parts.url(*part) },
            None => CrlScope::Whole,
        }
    }
}

/// The name of the series of everything of a generation.
pub(super) fn whole_series(id: &IssuerId, generation: Generation) -> Result<IssuerId, Fault> {
    match generation {
        Generation::FIRST => Ok(id.clone()),
        later => part_series(id, &format!("g{later}")),
    }
}

/// The name of a part's series.
fn part_series(id: &IssuerId, part: &str) -> Result<IssuerId, Fault> {
    IssuerId::parse(&format!("{id}..{part}"))
        .map_err(|_| Fault::not_found(format!("part `{part}` of the CRL of `{id}`")))
}

impl App {
    /// Publishes the next CRL of the generation that answers for a serial, and of its parts that are
    /// due.
    pub(crate) async fn publish_crl(&self, id: &IssuerId, of: &CertSerial) -> Result<(), Fault> {
        let issuer = self
            .issuers
            .of(id, of)
            .ok_or_else(|| Fault::conflict(format!("issuer `{id}` does not run here")))?;
        self.publish(&issuer, &Series::whole(id, issuer.identity().generation)?).await?;
        self.publish_parts(&issuer).await
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
        let generation = identity.generation;
        let mut counts: BTreeSet<NonZeroU16> =
            identity.places.crl_parts.iter().map(|parts| parts.count).collect();
        let published = self.store.crl_series(&format!("{}..", identity.id)).await?;
        counts.extend(published.iter().filter_map(|series| count_of(series, generation)));
        if counts.is_empty() {
            return Ok(());
        }
        let revocations = self.store.revocations(&identity.id, self.now()).await?;
        for count in counts {
            let url_start = self.settings.crl_parts_url(&identity.id, generation);
            let parts = CrlParts { count, url_start };
            for part in 0..count.get() {
                let series = Series::part(&identity.id, generation, &parts, part)?;
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
        for id in self.issuers.ids() {
            let parts = self.store.crl_series(&format!("{id}..")).await?;
            for series in std::iter::once(&id).chain(&parts) {
                if self.is_over(&id, series) {
                    continue;
                }
                let newest = self.store.latest_crl(series).await?;
                let left = newest.map(|crl| crl.next_update.ms_since(now) / SECOND_MS);
                least = least.into_iter().chain(left).min();
            }
        }
        Ok(least)
    }

    /// Whether a series is that of a generation whose own certificate is over: nothing it signed is in
    /// date any more, and it signs nothing.
    fn is_over(&self, id: &IssuerId, series: &IssuerId) -> bool {
        let generation = self.issuers.generation(id, generation_of(series));
        generation.is_some_and(|issuer| issuer.identity().not_after < self.now())
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

    /// Whether the newest CRL of the generation that answers for it lists a serial, by reading its
    /// bytes.
    pub(crate) async fn crl_lists(
        &self,
        id: &IssuerId,
        serial: &CertSerial,
    ) -> Result<bool, Fault> {
        let der = match self.crl(&whole_series(id, Generation::of(serial))?).await {
            Ok(der) => der,
            Err(Fault::NotFound { .. }) => return Ok(false),
            Err(fault) => return Err(fault),
        };
        let seen = bailiwick_wire::x509::read_crl(&der)
            .map_err(|cause| Fault::Damaged { message: format!("the CRL of `{id}`: {cause}") })?;
        Ok(seen.entries.iter().any(|entry| entry.serial.regular() == Some(serial)))
    }

    /// Publishes every CRL that is older than a day or missing, or that misses a revocation: of every
    /// generation until its own certificate is over. One that cannot be published does not keep the
    /// others from it.
    pub(crate) async fn refresh_crls(&self) -> Result<(), Fault> {
        let mut first = Ok(());
        for issuer in self.issuers.every() {
            if issuer.identity().not_after < self.now() {
                continue;
            }
            let refreshed = self.refresh_crl(&issuer).await;
            if first.is_ok() {
                first = refreshed;
            } else if let Err(fault) = refreshed {
                tracing::error!(error = %fault, issuer = %issuer.identity().id, "the CRL is not refreshed");
            }
        }
        first
    }

    async fn refresh_crl(&self, issuer: &BuiltinIssuer) -> Result<(), Fault> {
        let (id, generation) = (&issuer.identity().id, issuer.identity().generation);
        let series = Series::whole(id, generation)?;
        // Of whichever generation it was: a CRL more now and then harms nobody.
        if self.is_due(&series.id, self.store.last_revoked_at(id).await?).await? {
            self.publish(issuer, &series).await?;
        }
        self.publish_parts(issuer).await
    }
}

/// The count of a part's series of this generation: 16 of `house..16-3` and `house..g2-16-3`.
fn count_of(series: &IssuerId, generation: Generation) -> Option<NonZeroU16> {
    let (_, part) = series.as_str().rsplit_once("..")?;
    let part = match generation {
        Generation::FIRST => part,
        later => part.strip_prefix(&format!("g{later}-"))?,
    };
    part.split_once('-')?.0.parse().ok()
}

/// The generation of a series: the second of `house..g2-16-3`.
fn generation_of(series: &IssuerId) -> Generation {
    let part = series.as_str().rsplit_once("..").and_then(|(_, part)| part.strip_prefix('g'));
    let number = part.map(|part| part.split_once('-').map_or(part, |(number, _)| number));
    number
        .and_then(|number| number.parse().ok())
        .and_then(Generation::new)
        .unwrap_or(Generation::FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_says_generation_and_count() {
        let series = |text: &str| IssuerId::parse(text).unwrap();
        let second = Generation::new(2).unwrap();
        for (text, generation, count) in [
            ("house", Generation::FIRST, None),
            ("house..16-3", Generation::FIRST, NonZeroU16::new(16)),
            ("house..g2", second, None),
            ("house..g2-4-3", second, NonZeroU16::new(4)),
        ] {
            assert_eq!(generation_of(&series(text)), generation, "{text}");
            assert_eq!(count_of(&series(text), generation), count, "{text}");
        }
        assert_eq!(count_of(&series("house..g2-4-3"), Generation::FIRST), None);
        assert_eq!(count_of(&series("house..16-3"), second), None);
        let house = series("house");
        assert_eq!(whole_series(&house, second).unwrap().as_str(), "house..g2");
    }
}
