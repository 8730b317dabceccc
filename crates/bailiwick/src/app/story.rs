//! Why a certificate exists: every fact behind it with its place in the ledger.

use bailiwick_core::change::{Event, IssuedCertificate, Prepared, Receipt};
use bailiwick_core::names::{CertFingerprint, CertSerial};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::{Decision, Entry, Fact};
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
            told.iter().flat_map(|one| chapters(one, certificate)).collect();
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

    async fn revocation_told(
        &self,
        certificate: &IssuedCertificate,
    ) -> Result<Vec<Chapter>, Fault> {
        let revoked = self.store.revocation(&certificate.issuer, &certificate.serial).await?;
        let Some(revoked) = revoked else { return Ok(Vec::new()) };
        let crl = self.store.latest_crl(&certificate.issuer).await?;
        let listed = self.crl_lists(&certificate.issuer, &certificate.serial).await?;
        let mut details = vec![("reason".to_owned(), revoked.reason.as_str().to_owned())];
        if let Some(crl) = crl {
            details.push((
                "newest CRL".to_owned(),
                format!(
                    "number {} of {} {}",
                    crl.number,
                    crl.at,
                    if listed { "lists it" } else { "does not list it yet" }
                ),
            ));
        }
        Ok(vec![Chapter {
            about: "revocation".to_owned(),
            headline: format!("revoked: {}", revoked.reason.as_str()),
            at: Some(revoked.at.to_string()),
            by: None,
            ledger_index: None,
            details,
        }])
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

fn chapter(told: &Told, about: &str, headline: String, details: Vec<(String, String)>) -> Chapter {
    Chapter {
        about: about.to_owned(),
        headline,
        at: Some(told.entry.at.to_string()),
        by: Some(told.entry.by.to_string()),
        ledger_index: Some(told.index),
        details,
    }
}

/// What one entry says about the certificate; nothing where it is about something else.
#[expect(clippy::wildcard_enum_match_arm, reason = "other facts are no part of its story")]
fn chapters(told: &Told, certificate: &IssuedCertificate) -> Option<Chapter> {
    match &told.entry.fact {
        Fact::AccountRegistered(account) => Some(chapter(
            told,
            "ownership",
            format!("account {} was bound to service {}", account.id, account.service),
            vec![
                (
                    "credential".to_owned(),
                    format!("{} made by {}", account.credential, account.made_by),
                ),
                ("environment".to_owned(), account.environment.clone()),
                ("key".to_owned(), account.thumbprint.clone()),
            ],
        )),
        Fact::OrderAccepted { order, decision, .. } => {
            Some(chapter(told, "intent", format!("order {order} was let in"), decided(decision)))
        }
        Fact::Decided { decision, .. } => {
            let word = if decision.allowed { "allowed" } else { "refused" };
            let headline = format!("the policy {word} it by rule {}", decision.rule);
            Some(chapter(told, "decision", headline, decided(decision)))
        }
        Fact::NameValidated(seen) => Some(chapter(
            told,
            "validation",
            format!("control of {} was shown by {}", seen.name, seen.kind.as_str()),
            vec![
                ("seen at".to_owned(), seen.seen_at.join(", ")),
                ("relied on until".to_owned(), seen.expires_at.to_string()),
            ],
        )),
        Fact::Change { event, .. } => change_chapter(told, event, certificate),
        _ => None,
    }
}

fn decided(decision: &Decision) -> Vec<(String, String)> {
    vec![
        ("rule".to_owned(), decision.rule.clone()),
        ("policy".to_owned(), decision.policy.to_string()),
        ("decision".to_owned(), decision.id.to_string()),
        ("inputs".to_owned(), decision.facts.clone()),
    ]
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other events are no part of its story")]
fn change_chapter(told: &Told, event: &Event, certificate: &IssuedCertificate) -> Option<Chapter> {
    match event {
        Event::Requested(request) => Some(chapter(
            told,
            "intent",
            request.title.clone(),
            vec![("reason".to_owned(), request.reason.clone())],
        )),
        Event::ApprovalGiven(approval) => Some(chapter(
            told,
            "approval",
            format!("{} approved plan {}", approval.by.person, approval.of),
            vec![("comment".to_owned(), approval.comment.clone())],
        )),
        Event::Approved(basis) => {
            let whose = match basis.approvals_needed {
                0 => "policy alone approved".to_owned(),
                1 => "approved by 1 person".to_owned(),
                many => format!("approved by {many} people"),
            };
            let details = vec![
                ("plan".to_owned(), basis.of.to_string()),
                ("decision".to_owned(), basis.decision.to_string()),
            ];
            Some(chapter(told, "approval", whose, details))
        }
        Event::StepStarted { prepared: Prepared::ToBeSigned { serial, tbs, caa }, .. } => {
            let digest = bailiwick_core::names::Digest::of(tbs);
            Some(chapter(
                told,
                "caa",
                "CAA permitted it; exactly these octets may be signed".to_owned(),
                vec![
                    ("serial".to_owned(), serial.to_string()),
                    ("to be signed".to_owned(), digest.to_string()),
                    ("CAA as seen".to_owned(), caa.to_string()),
                ],
            ))
        }
        Event::StepDone { receipt: Receipt::Issued(issued), .. }
            if issued.fingerprint == certificate.fingerprint =>
        {
            Some(chapter(
                told,
                "signature",
                format!("signed by issuer {}", issued.issuer),
                vec![
                    ("certificate".to_owned(), issued.fingerprint.to_string()),
                    ("key".to_owned(), issued.key.to_string()),
                    ("in date until".to_owned(), issued.not_after.to_string()),
                ],
            ))
        }
        Event::StepDone { receipt: Receipt::EnvelopeGranted(envelope), .. } => Some(chapter(
            told,
            "approval",
            format!("envelope {} covers it until {}", envelope.id, envelope.until),
            Vec::new(),
        )),
        _ => None,
    }
}
