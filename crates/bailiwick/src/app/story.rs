//! Why a certificate exists: every fact behind it with its place in the ledger.

mod chapters;

use bailiwick_core::change::IssuedCertificate;
use bailiwick_core::names::{CertFingerprint, CertSerial};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::Entry;
use serde::{Deserialize, Serialize};

use super::{App, Asking, Scope};
use crate::fault::Fault;

/// One thing that is true of a certificate, with where the ledger says so.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
pub(crate) struct Chapter {
    /// What it is about: `intent`, `decision`, `approval`, `ownership`, `caa`, `validation`,
    /// `signature`, `revocation`.
    pub about: String,
    /// One line that reads alone.
    pub headline: String,
    /// When it happened.
    pub at: Option<String>,
    /// Who did it.
    pub by: Option<String>,
    /// The leaf of the ledger that says so.
    pub ledger_index: Option<u64>,
    /// More, as label and text.
    pub details: Vec<(String, String)>,
}

/// The story of one certificate.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
pub(crate) struct Story {
    /// Whether a decision of ours explains it.
    pub explained: bool,
    /// In one sentence: why it exists, or why nothing explains it.
    pub summary: String,
    /// Names its bytes.
    pub fingerprint: String,
    /// Its serial at its issuer, where it is known.
    pub serial: Option<String>,
    /// Its names.
    pub names: Vec<String>,
    /// From when it is in date.
    pub not_before: Option<String>,
    /// Until when.
    pub not_after: Option<String>,
    /// What happened, in order.
    pub chapters: Vec<Chapter>,
}

/// How a certificate is asked for.
pub(crate) enum Which {
    /// By its bytes' hash.
    Fingerprint(CertFingerprint),
    /// By its serial, at whichever issuer.
    Serial(CertSerial),
}

struct Told {
    index: u64,
    entry: Entry,
}

impl App {
    /// The certificate that is asked for, where the caller may see it.
    pub(crate) async fn find_certificate(
        &self,
        asking: &Asking,
        which: &Which,
    ) -> Result<Option<IssuedCertificate>, Fault> {
        let found = match which {
            Which::Fingerprint(fingerprint) => self.store.certificate(fingerprint).await?,
            Which::Serial(serial) => {
                let mut all = self.store.certificates_by_serial(serial).await?;
                if all.len() > 1 {
                    return Err(Fault::conflict(format!(
                        "{} issuers used the serial `{serial}`; ask by fingerprint",
                        all.len()
                    )));
                }
                all.pop()
            }
        };
        let Some(certificate) = found else { return Ok(None) };
        let scope = Scope::Service(
            ResourceKind::Certificate,
            certificate.fingerprint.to_string(),
            certificate.service.clone(),
        );
        self.permit(asking, Access::Read, &scope)?;
        Ok(Some(certificate))
    }

    /// The story of a certificate that we know; for any other, why nothing explains it.
    pub(crate) async fn story(&self, asking: &Asking, which: &Which) -> Result<Story, Fault> {
        match self.find_certificate(asking, which).await? {
            Some(certificate) => self.explained(&certificate).await,
            None => match which {
                Which::Fingerprint(fingerprint) => Ok(unexplained(fingerprint)),
                Which::Serial(serial) => {
                    Err(Fault::not_found(format!("certificate with serial `{serial}`")))
                }
            },
        }
    }

    async fn explained(&self, certificate: &IssuedCertificate) -> Result<Story, Fault> {
        let mut told = self.told(&format!("change/{}", certificate.change)).await?;
        if let Some(order) = &certificate.order {
            told.extend(self.told(&format!("order/{order}")).await?);
        }
        if let Some(envelope) = &certificate.envelope
            && let Some(envelope) = self.store.envelope(envelope).await?
        {
            told.extend(self.told(&format!("change/{}", envelope.change)).await?);
        }
        if let Some(account) = &certificate.account {
            told.extend(self.told(&format!("account/{account}")).await?);
        }
        told.extend(self.validations_told(certificate).await?);
        told.sort_by_key(|one| one.index);
        told.dedup_by_key(|one| one.index);
        let mut chapters: Vec<Chapter> =
            told.iter().filter_map(|one| chapters::of_issuance(one, certificate)).collect();
        chapters.extend(self.revocation_told(certificate).await?);
        let owner = self
            .live
            .get()
            .estate()
            .services
            .get(&certificate.service)
            .map(|service| format!("operated by {}", service.duties.operator));
        Ok(Story {
            explained: true,
            summary: format!(
                "issued by change {} for {}{}",
                certificate.change,
                certificate.service,
                owner.map_or_else(String::new, |owner| format!(", {owner}"))
            ),
            fingerprint: certificate.fingerprint.to_string(),
            serial: Some(certificate.serial.to_string()),
            names: certificate.names.iter().map(ToString::to_string).collect(),
            not_before: Some(certificate.not_before.to_string()),
            not_after: Some(certificate.not_after.to_string()),
            chapters,
        })
    }

    async fn told(&self, subject: &str) -> Result<Vec<Told>, Fault> {
        let stored = self.store.entries_of(subject).await?;
        Ok(stored
            .into_iter()
            .map(|one| Told { index: one.index.get(), entry: one.entry })
            .collect())
    }

    async fn validations_told(&self, certificate: &IssuedCertificate) -> Result<Vec<Told>, Fault> {
        let Some(order) = &certificate.order else { return Ok(Vec::new()) };
        let Some(order) = self.store.order(order).await? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for authorization in &order.authorizations {
            all.extend(self.told(&format!("authz/{authorization}")).await?);
        }
        Ok(all)
    }

    /// Who asked for the revocation and why, who approved, that it was done, and whether the newest CRL
    /// says so.
    async fn revocation_told(
        &self,
        certificate: &IssuedCertificate,
    ) -> Result<Vec<Chapter>, Fault> {
        let (issuer, serial) = (&certificate.issuer, &certificate.serial);
        let Some(change) = self.store.revoking_change(issuer, serial).await? else {
            return Ok(Vec::new());
        };
        let told = self.told(&format!("change/{change}")).await?;
        let mut chapters: Vec<Chapter> =
            told.iter().filter_map(|one| chapters::of_revocation(one, serial)).collect();
        let crl = self.store.latest_crl(issuer).await?;
        let listed = self.crl_lists(issuer, serial).await?;
        if let (Some(last), Some(crl)) = (chapters.last_mut(), crl) {
            let lists = if listed { "lists it" } else { "does not list it yet" };
            let newest = format!("number {} of {} {lists}", crl.number, crl.at);
            last.details.push(("newest CRL".to_owned(), newest));
        }
        Ok(chapters)
    }
}

fn unexplained(fingerprint: &CertFingerprint) -> Story {
    Story {
        explained: false,
        summary:
            "nothing here explains this certificate: no decision, no order and no change names \
                  it; find out who asked for it and have its CA revoke it if nobody should have"
                .to_owned(),
        fingerprint: fingerprint.to_string(),
        serial: None,
        names: Vec::new(),
        not_before: None,
        not_after: None,
        chapters: Vec::new(),
    }
}
