//! CRLs: derived from the ledger's revocations, so that what was once revoked stays listed until the
//! certificate is over (invariant I3).

use std::collections::BTreeMap;

use bailiwick_core::certificate::{CrlEntry, CrlScope, CrlSpec};
use bailiwick_core::names::{CertSerial, Digest, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact, Work};
use bailiwick_core::time::{DAY_MS, HOUR_MS};

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

impl App {
    /// Publishes the next CRL of an issuer.
    pub(crate) async fn publish_crl(&self, id: &IssuerId) -> Result<(), Fault> {
        let issuer = self
            .issuers
            .get(id)
            .ok_or_else(|| Fault::conflict(format!("issuer `{id}` does not run here")))?;
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let number = self.store.crl_number_max(id).await?.saturating_add(1);
            let entries: BTreeMap<CertSerial, CrlEntry> = self
                .store
                .revocations(id, now)
                .await?
                .into_iter()
                .map(|one| (one.serial, CrlEntry { revoked_at: one.at, reason: one.reason }))
                .collect();
            let revoked = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            let spec = CrlSpec {
                issuer: id.clone(),
                number,
                this_update: now,
                next_update: now.plus_ms(CRL_MS),
                scope: CrlScope::Whole,
                entries,
            };
            let der = issuer.sign_crl(&spec).map_err(|cause| Fault::bug(cause.to_string()))?;
            let digest = Digest::of(&der);
            let batch = Batch {
                entries: vec![Entry {
                    at: now,
                    by: DRIVER,
                    fact: Fact::CrlPublished {
                        issuer: id.clone(),
                        number,
                        revoked,
                        digest,
                        next_update: spec.next_update,
                    },
                }],
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

    /// Publishes every CRL that is older than a day or missing, or that misses a revocation.
    pub(crate) async fn refresh_crls(&self) -> Result<(), Fault> {
        for id in self.issuers.keys() {
            let newest = self.store.latest_crl(id).await?;
            let last_revoked = self.store.last_revoked_at(id).await?;
            let now = self.now();
            let due = newest.is_none_or(|crl| {
                now.ms_since(crl.at) >= CRL_AGE_MS_MAX
                    || last_revoked.is_some_and(|at| at >= crl.at)
            });
            if due {
                self.publish_crl(id).await?;
            }
        }
        Ok(())
    }
}
