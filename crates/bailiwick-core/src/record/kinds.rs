//! What each kind of entry is called, and what it is about.

use super::entry::Fact;

impl Fact {
    /// The name of its kind in the ledger.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::InstallationStarted { .. } => "installation.started".to_owned(),
            Self::Change { event, .. } => format!("change.{}", event.kind()),
            Self::Decided { .. } => "policy.decided".to_owned(),
            Self::OrderAccepted { .. } => "order.accepted".to_owned(),
            Self::OrderRefused { .. } => "order.refused".to_owned(),
            Self::OrderFailed { .. } => "order.failed".to_owned(),
            Self::OrderReplaces { .. } => "order.replaces".to_owned(),
            Self::AuthorizationGivenUp { .. } => "authorization.given-up".to_owned(),
            Self::StandingRecordSeen(_) => "standing-record.seen".to_owned(),
            Self::StandingRecordGone { .. } => "standing-record.gone".to_owned(),
            Self::TermsAgreed { .. } => "account.terms-agreed".to_owned(),
            Self::NameValidated(_) => "name.validated".to_owned(),
            Self::ValidationFailed { .. } => "name.not-validated".to_owned(),
            Self::AccountRegistered(_) => "account.registered".to_owned(),
            Self::AccountUpdated { .. } => "account.updated".to_owned(),
            Self::AccountKeyChanged { .. } => "account.key-changed".to_owned(),
            Self::UpstreamOrdered { .. } => "upstream.ordered".to_owned(),
            Self::SecretSet { .. } => "secret.set".to_owned(),
            Self::AccountEnded { .. } => "account.ended".to_owned(),
            Self::CredentialMade(_) => "credential.made".to_owned(),
            Self::WorkloadEnrolled { .. } => "workload.enrolled".to_owned(),
            Self::AccountAttested { .. } => "account.attested".to_owned(),
            Self::WorkloadRefused { .. } => "workload.refused".to_owned(),
            Self::CredentialRevoked { .. } => "credential.revoked".to_owned(),
            Self::CredentialRotated { .. } => "credential.rotated".to_owned(),
            Self::AccountRevoked { .. } => "account.revoked".to_owned(),
            Self::SignedIn { .. } => "person.signed-in".to_owned(),
            Self::SignedOut { .. } => "person.signed-out".to_owned(),
            Self::LinkMade { .. } => "person.link-made".to_owned(),
            Self::TokenMade { .. } => "token.made".to_owned(),
            Self::TokenRevoked { .. } => "token.revoked".to_owned(),
            Self::CrlPublished { .. } => "crl.published".to_owned(),
            Self::ResponderCertified { .. } => "responder.certified".to_owned(),
            Self::Observed(_) => "watch.observed".to_owned(),
            Self::FindingOpened(_) => "finding.opened".to_owned(),
            Self::FindingHandedOn { .. } => "finding.handed-on".to_owned(),
            Self::FindingClosed { .. } => "finding.closed".to_owned(),
            Self::PointJudged(_) => "control.judged".to_owned(),
            Self::CanaryBegun { .. } => "canary.begun".to_owned(),
            Self::CanaryTried(_) => "canary.tried".to_owned(),
            Self::IncidentOpened(_) => "incident.opened".to_owned(),
            Self::IncidentTold { .. } => "incident.told".to_owned(),
            Self::IncidentHandedOn(_) => "incident.handed-on".to_owned(),
            Self::IncidentReviewed { .. } => "incident.reviewed".to_owned(),
            Self::EmergencyDeclared(_) => "emergency.declared".to_owned(),
            Self::EmergencyReviewed(_) => "emergency.reviewed".to_owned(),
            Self::ExecutionDelegated(_) => "execution.delegated".to_owned(),
            Self::SecretUsed(_) => "secret.used".to_owned(),
            Self::ChangeRehearsed { .. } => "rehearsal.done".to_owned(),
            Self::StoreRestored { .. } => "store.restored".to_owned(),
            Self::DelegationObserved(_) => "delegation.observed".to_owned(),
            Self::AccessDenied { .. } => "access.denied".to_owned(),
        }
    }

    /// What it is about: entries with the same subject are found together. At most one.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::Change { id, .. } => Some(format!("change/{id}")),
            Self::Decided { change, .. } => change.as_ref().map(|id| format!("change/{id}")),
            Self::OrderAccepted { order, .. }
            | Self::OrderReplaces { order, .. }
            | Self::OrderFailed { order, .. } => Some(format!("order/{order}")),
            Self::UpstreamOrdered { change, .. } => Some(format!("change/{change}")),
            Self::SecretSet { purpose, name } => Some(format!("secret/{purpose}/{name}")),
            Self::OrderRefused { account, .. }
            | Self::AccountUpdated { account, .. }
            | Self::TermsAgreed { account, .. }
            | Self::StandingRecordGone { account, .. }
            | Self::AccountKeyChanged { account, .. }
            | Self::AccountEnded { account, .. }
            | Self::AccountAttested { account, .. }
            | Self::AccountRevoked { account, .. }
            | Self::ValidationFailed { account, .. } => Some(format!("account/{account}")),
            Self::StandingRecordSeen(seen) => Some(format!("account/{}", seen.account)),
            Self::AuthorizationGivenUp { authorization, .. } => {
                Some(format!("authz/{authorization}"))
            }
            Self::NameValidated(seen) => Some(format!("authz/{}", seen.authorization)),
            Self::AccountRegistered(account) => Some(format!("account/{}", account.id)),
            Self::CredentialMade(credential) => Some(format!("credential/{}", credential.id)),
            Self::WorkloadEnrolled { credential, .. } => Some(format!("credential/{credential}")),
            Self::WorkloadRefused { service, .. } => Some(format!("service/{service}")),
            Self::CredentialRevoked { credential } | Self::CredentialRotated { credential, .. } => {
                Some(format!("credential/{credential}"))
            }
            Self::SignedIn { person, .. } | Self::LinkMade { person, .. } => {
                Some(format!("person/{person}"))
            }
            Self::SignedOut { session } => Some(format!("session/{session}")),
            Self::TokenMade { token, .. } | Self::TokenRevoked { token } => {
                Some(format!("token/{token}"))
            }
            Self::CrlPublished { issuer, .. } | Self::ResponderCertified { issuer, .. } => {
                Some(format!("issuer/{issuer}"))
            }
            Self::Observed(seen) => Some(format!("zone/{}", seen.zone)),
            Self::FindingOpened(finding) => Some(format!("zone/{}", finding.zone)),
            Self::PointJudged(verdict) => Some(format!("zone/{}", verdict.zone)),
            Self::CanaryTried(run) => Some(format!("zone/{}", run.zone)),
            Self::IncidentOpened(incident) => Some(format!("zone/{}", incident.zone)),
            Self::IncidentHandedOn(on) => Some(format!("zone/{}", on.zone)),
            Self::FindingHandedOn { zone, .. }
            | Self::FindingClosed { zone, .. }
            | Self::CanaryBegun { zone, .. }
            | Self::IncidentTold { zone, .. }
            | Self::IncidentReviewed { zone, .. } => Some(format!("zone/{zone}")),
            Self::EmergencyDeclared(it) => Some(format!("change/{}", it.change)),
            Self::EmergencyReviewed(it) => Some(format!("change/{}", it.change)),
            Self::ExecutionDelegated(it) => Some(format!("service/{}", it.service)),
            Self::SecretUsed(it) => Some(format!("secret/{}/{}", it.purpose, it.name)),
            Self::ChangeRehearsed { change, .. } => Some(format!("change/{change}")),
            Self::DelegationObserved(it) => Some(format!("zone/{}", it.zone)),
            // Few and looked for: the index of subjects finds them.
            Self::StoreRestored { .. } => Some("store".to_owned()),
            Self::InstallationStarted { .. } | Self::AccessDenied { .. } => None,
        }
    }
}
