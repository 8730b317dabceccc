//! A decision of the policy as the ledger keeps it.

use crate::names::{DecisionId, Digest};

use super::entry::Fact;

/// A decision of the policy, with what it was made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// What was asked, such as `issue`, `revoke`, `approve`.
    pub action: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The policy it was made with.
    pub policy: Digest,
    /// The facts, canonical JSON of `wire::policy`, so that it can be made again.
    pub facts: String,
    /// The reasons, canonical JSON of `wire::policy`.
    pub reasons: String,
    /// The rule that decided, for lists.
    pub rule: String,
}

impl Fact {
    /// The decision of the policy in it, where it holds one.
    #[must_use]
    pub fn into_decision(self) -> Option<Decision> {
        match self {
            Self::Decided { decision, .. }
            | Self::OrderAccepted { decision, .. }
            | Self::OrderRefused { decision, .. }
            | Self::WorkloadEnrolled { decision, .. }
            | Self::WorkloadRefused { decision, .. } => Some(*decision),
            Self::Change { .. }
            | Self::InstallationStarted { .. }
            | Self::OrderReplaces { .. }
            | Self::OrderFailed { .. }
            | Self::AuthorizationGivenUp { .. }
            | Self::StandingRecordSeen(_)
            | Self::StandingRecordGone { .. }
            | Self::NameValidated(_)
            | Self::ValidationFailed { .. }
            | Self::AccountRegistered(_)
            | Self::AccountUpdated { .. }
            | Self::AccountKeyChanged { .. }
            | Self::AccountEnded { .. }
            | Self::AccountRevoked { .. }
            | Self::TermsAgreed { .. }
            | Self::AccountAttested { .. }
            | Self::Observed(_)
            | Self::FindingOpened(_)
            | Self::FindingHandedOn { .. }
            | Self::FindingClosed { .. }
            | Self::PointJudged(_)
            | Self::CanaryBegun { .. }
            | Self::CanaryTried(_)
            | Self::IncidentOpened(_)
            | Self::IncidentTold { .. }
            | Self::IncidentHandedOn(_)
            | Self::IncidentReviewed { .. }
            | Self::EmergencyDeclared(_)
            | Self::EmergencyReviewed(_)
            | Self::ExecutionDelegated(_)
            | Self::SecretUsed(_)
            | Self::ChangeRehearsed { .. }
            | Self::StoreRestored { .. }
            | Self::DelegationObserved(_)
            | Self::CredentialMade(_)
            | Self::CredentialRevoked { .. }
            | Self::CredentialRotated { .. }
            | Self::UpstreamOrdered { .. }
            | Self::SecretSet { .. }
            | Self::SignedIn { .. }
            | Self::SignedOut { .. }
            | Self::TokenMade { .. }
            | Self::TokenRevoked { .. }
            | Self::LinkMade { .. }
            | Self::CrlPublished { .. }
            | Self::ResponderCertified { .. }
            | Self::AccessDenied { .. } => None,
        }
    }
}
