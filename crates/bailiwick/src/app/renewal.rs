//! Renewal information, and orders that say which certificate they replace (RFC 9773).

use bailiwick_core::change::IssuedCertificate;
use bailiwick_core::gate::{Account, Problem, ProblemKind, RenewalWindow};
use bailiwick_core::names::{CertFingerprint, SanName};
use bailiwick_core::time::Time;
use bailiwick_wire::x509::{AriId, read_certificate};

use super::App;
use super::orders::problem;
use crate::fault::Fault;

/// When to renew a certificate, and where a person reads why.
pub(crate) struct RenewalInfo {
    /// The window.
    pub window: RenewalWindow,
    /// The certificate's page, where there is a reason to read it.
    pub explanation: Option<String>,
}

/// A certificate that an order replaces.
pub(crate) struct Replaced {
    /// As the client named it: there is one spelling.
    pub text: String,
    /// Which.
    pub certificate: CertFingerprint,
}

impl App {
    /// When to renew a certificate of ours, by its CA where it says so; `None` when it is none.
    pub(crate) async fn renewal_info(&self, id: &AriId) -> Result<Option<RenewalInfo>, Fault> {
        let Some(found) = self.certificate_by_ari(id).await? else { return Ok(None) };
        let revoked = self.store.revocation(&found.issuer, &found.serial).await?;
        let revoked_at: Option<Time> = revoked.map(|revoked| revoked.at);
        let ours = RenewalWindow::of(found.not_before, found.not_after, revoked_at);
        let window = match revoked_at {
            Some(_) => ours,
            None => self.window_of_ca(&found).await.unwrap_or(ours),
        };
        let page = format!("certificates/{}", found.fingerprint);
        let explanation = revoked_at.map(|_| self.settings.page(&page));
        Ok(Some(RenewalInfo { window, explanation }))
    }

    /// The certificate that an order wants to replace, if it may: it is this account's, and shares a
    /// name with the order (RFC 9773, section 5). That no other order replaces it is checked when
    /// the order is stored.
    pub(super) async fn replaced(
        &self,
        account: &Account,
        names: &[SanName],
        text: &str,
    ) -> Result<Result<Replaced, Problem>, Fault> {
        let refused = |kind, detail: &str| Ok(Err(problem(kind, detail)));
        let Ok(id) = AriId::parse(text) else {
            let detail = "`replaces` is not a certificate's name in renewal information; it is base64url of its key identifier, a dot, base64url of its serial";
            return refused(ProblemKind::Malformed, detail);
        };
        let Some(found) = self.certificate_by_ari(&id).await? else {
            let detail = "`replaces` names no certificate that was issued here; order without it";
            return refused(ProblemKind::Malformed, detail);
        };
        if found.account.as_ref() != Some(&account.id) {
            let detail =
                "the certificate in `replaces` was ordered by another account; order without it";
            return refused(ProblemKind::Unauthorized, detail);
        }
        if !found.names.iter().any(|name| names.contains(name)) {
            let detail =
                "the certificate in `replaces` has no name of this order; order without it";
            return refused(ProblemKind::Malformed, detail);
        }
        Ok(Ok(Replaced { text: text.to_owned(), certificate: found.fingerprint }))
    }

    async fn certificate_by_ari(&self, id: &AriId) -> Result<Option<IssuedCertificate>, Fault> {
        let all = self.store.certificates_by_serial(id.serial()).await?;
        let by_that_key = |one: &IssuedCertificate| {
            let facts = read_certificate(&one.der).ok();
            facts.and_then(|facts| facts.issuer_key_id).as_deref() == Some(id.key_id())
        };
        Ok(all.into_iter().find(by_that_key))
    }
}

/// Told when another order was quicker.
pub(super) fn already_replaced() -> Problem {
    problem(
        ProblemKind::AlreadyReplaced,
        "another order replaces that certificate already; order without `replaces`",
    )
}
