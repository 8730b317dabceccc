//! The decision that an entry holds.

use super::entry::{Decision, Fact};

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
