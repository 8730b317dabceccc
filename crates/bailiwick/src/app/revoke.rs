//! Revocation: by the account that ordered, by whoever holds the key, or by a person; each a change.

use bailiwick_core::actor::{Actor, Component};
use bailiwick_core::change::{
    Change, IssuedCertificate, Plan, Request, RevocationReason, RevokeCertificate, Step,
};
use bailiwick_core::gate::{Account, Problem, ProblemKind};
use bailiwick_core::names::{CertFingerprint, ChangeId, SpkiHash};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::record::Batch;

use super::orders::{actor, listed, problem, zones};
use super::words::words;
use super::{App, Asking, Loaded, Scope};
use crate::fault::Fault;

/// What a client that revokes gets.
pub(crate) enum RevokeAnswer {
    /// It is revoked, and the CRL says so.
    Revoked,
    /// No, and why.
    Refused(Problem),
}

impl App {
    /// Revocation by the account that ordered, or by one that holds valid authorizations for every
    /// name (RFC 8555, section 7.6).
    pub(crate) async fn revoke_as_account(
        &self,
        account: &Account,
        der: &[u8],
        reason: RevocationReason,
    ) -> Result<RevokeAnswer, Fault> {
        let certificate = match self.revocable(der).await? {
            Ok(certificate) => certificate,
            Err(problem) => return Ok(RevokeAnswer::Refused(problem)),
        };
        if certificate.account.as_ref() != Some(&account.id)
            && !self.holds_all_names(account, &certificate).await?
        {
            return Ok(RevokeAnswer::Refused(problem(
                ProblemKind::Unauthorized,
                "this account did not order the certificate and has not shown control of all its names",
            )));
        }
        self.revoke_for_client(actor(account), certificate, reason).await
    }

    /// Revocation by whoever signs with the certificate's own key.
    pub(crate) async fn revoke_with_key(
        &self,
        signer: SpkiHash,
        der: &[u8],
        reason: RevocationReason,
    ) -> Result<RevokeAnswer, Fault> {
        let certificate = match self.revocable(der).await? {
            Ok(certificate) => certificate,
            Err(problem) => return Ok(RevokeAnswer::Refused(problem)),
        };
        if certificate.key != signer {
            return Ok(RevokeAnswer::Refused(problem(
                ProblemKind::Unauthorized,
                "the request is not signed with the certificate's key",
            )));
        }
        self.revoke_for_client(Actor::Component(Component::Gate), certificate, reason).await
    }

    async fn revocable(&self, der: &[u8]) -> Result<Result<IssuedCertificate, Problem>, Fault> {
        let fingerprint = CertFingerprint::of(der);
        let Some(certificate) = self.store.certificate(&fingerprint).await? else {
            return Ok(Err(problem(
                ProblemKind::Malformed,
                "this certificate was not issued here; send it to the CA that issued it",
            )));
        };
        let revoked = self.store.revocation(&certificate.issuer, &certificate.serial).await?;
        Ok(match revoked {
            Some(revoked) => Err(problem(
                ProblemKind::AlreadyRevoked,
                format!("the certificate is revoked since {}", revoked.at),
            )),
            None => Ok(certificate),
        })
    }

    async fn holds_all_names(
        &self,
        account: &Account,
        certificate: &IssuedCertificate,
    ) -> Result<bool, Fault> {
        let now = self.now();
        for name in &certificate.names {
            if self.shown_by(account, name, None, now).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every state but one is not revoked yet")]
    async fn revoke_for_client(
        &self,
        by: Actor,
        certificate: IssuedCertificate,
        reason: RevocationReason,
    ) -> Result<RevokeAnswer, Fault> {
        let loaded =
            self.submit_revocation(by, &certificate, reason, "asked by its ACME client").await?;
        Ok(match &loaded.change {
            Change::Closed { .. } => RevokeAnswer::Revoked,
            other => RevokeAnswer::Refused(Problem {
                instance: Some(self.settings.page(&format!("changes/{}", loaded.id))),
                ..problem(
                    ProblemKind::UserActionRequired,
                    format!(
                        "the revocation is `{}`; see {}",
                        other.name(),
                        self.settings.page(&format!("changes/{}", loaded.id))
                    ),
                )
            }),
        })
    }

    /// Revocation by a person.
    pub(crate) async fn revoke_as_person(
        &self,
        asking: &Asking,
        fingerprint: &CertFingerprint,
        reason: RevocationReason,
        why: &str,
    ) -> Result<Loaded, Fault> {
        let row = self.store.certificate(fingerprint).await?;
        let certificate =
            row.ok_or_else(|| Fault::not_found(format!("certificate `{fingerprint}`")))?;
        let scope = Scope::Service(
            ResourceKind::Certificate,
            fingerprint.to_string(),
            certificate.service.clone(),
        );
        self.permit(asking, Access::Revoke, &scope)?;
        if let Some(revoked) =
            self.store.revocation(&certificate.issuer, &certificate.serial).await?
        {
            return Err(Fault::conflict(format!("it is revoked since {}", revoked.at)));
        }
        let why = words("why", why)?;
        self.submit_revocation(Actor::Person(asking.by.clone()), &certificate, reason, &why).await
    }

    async fn submit_revocation(
        &self,
        by: Actor,
        certificate: &IssuedCertificate,
        reason: RevocationReason,
        why: &str,
    ) -> Result<Loaded, Fault> {
        let live = self.live.get();
        let request = Request {
            id: ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?,
            title: format!("revoke {} of {}", listed(&certificate.names), certificate.service),
            reason: why.to_owned(),
            by,
            service: Some(certificate.service.clone()),
            zones: zones(&live, &certificate.names),
            at: self.now(),
        };
        let plan = Plan::of(Step::RevokeCertificate(RevokeCertificate {
            service: certificate.service.clone(),
            fingerprint: certificate.fingerprint,
            issuer: certificate.issuer.clone(),
            serial: certificate.serial.clone(),
            reason,
        }));
        self.submit(request, plan, Vec::new(), Batch::default()).await
    }
}
