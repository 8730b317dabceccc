//! What of the house lies sealed: the one list.

use crate::estate::ZoneKey;
use crate::names::{ChangeId, IssuerId, SpkiHash};

/// A secret that lies sealed, by what it is for and whose it is. Never the secret.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum SealedSecret {
    /// The key of our account at a CA behind ACME.
    AccountKey(IssuerId),
    /// The key that our account there is about to get.
    NextAccountKey(IssuerId),
    /// The key that our account there had, kept until the change that replaced it is over.
    LastAccountKey(IssuerId),
    /// The MAC key of an external account binding (RFC 8555, section 7.3.4).
    BindingKey(IssuerId),
    /// The TSIG key that a zone is written with (RFC 8945).
    Tsig(ZoneKey),
    /// The TSIG key that a zone is about to be written with.
    NextTsig(ZoneKey),
    /// The TSIG key that a zone was written with, kept until the change that replaced it is over.
    LastTsig(ZoneKey),
    /// The key of the HTTP API that a zone is written through.
    ApiKey(ZoneKey),
    /// The key of that API that is about to be used.
    NextApiKey(ZoneKey),
    /// The key of that API that was used, kept until the change that replaced it is over.
    LastApiKey(ZoneKey),
    /// The TSIG key that a zone is read with, as a whole. It writes nothing.
    TransferKey(ZoneKey),
    /// The private key of a certificate that a change puts where it is served.
    SubjectKey(SpkiHash),
    /// The request that goes to a CA for such a key.
    SubjectRequest(SpkiHash),
    /// What was in a place before a change.
    DeployedBefore(ChangeId, String),
    /// What notices to a webhook are signed with.
    WebhookKey,
    /// The password at the mail relay.
    SmtpPassword,
}

impl SealedSecret {
    /// What it is for: where it lies, and as what it is shown in the ledger.
    #[must_use]
    pub const fn purpose(&self) -> &'static str {
        match self {
            Self::AccountKey(_) => "acme-account-key",
            Self::NextAccountKey(_) => "acme-account-key-next",
            Self::LastAccountKey(_) => "acme-account-key-last",
            Self::BindingKey(_) => "acme-binding-key",
            Self::Tsig(_) => "tsig",
            Self::NextTsig(_) => "tsig-next",
            Self::LastTsig(_) => "tsig-last",
            Self::ApiKey(_) => "zone-api-key",
            Self::NextApiKey(_) => "zone-api-key-next",
            Self::LastApiKey(_) => "zone-api-key-last",
            Self::TransferKey(_) => "transfer-tsig",
            Self::SubjectKey(_) => "subject-key",
            Self::SubjectRequest(_) => "subject-request",
            Self::DeployedBefore(..) => "deployed-before",
            Self::WebhookKey => "webhook-key",
            Self::SmtpPassword => "smtp-password",
        }
    }

    /// What the sealed octets are bound to, beside whose they are. The credential in force, the next and
    /// the last one are bound alike, so that one moves to the place of another in a commit that opens
    /// nothing.
    #[must_use]
    pub const fn bound_to(&self) -> &'static str {
        match self {
            Self::AccountKey(_) | Self::NextAccountKey(_) | Self::LastAccountKey(_) => {
                "acme-account-key"
            }
            Self::Tsig(_) | Self::NextTsig(_) | Self::LastTsig(_) => "tsig",
            Self::ApiKey(_) | Self::NextApiKey(_) | Self::LastApiKey(_) => "zone-api-key",
            Self::BindingKey(_)
            | Self::TransferKey(_)
            | Self::SubjectKey(_)
            | Self::SubjectRequest(_)
            | Self::DeployedBefore(..)
            | Self::WebhookKey
            | Self::SmtpPassword => self.purpose(),
        }
    }

    /// Whose it is: bound to the sealed octets too.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::AccountKey(issuer)
            | Self::NextAccountKey(issuer)
            | Self::LastAccountKey(issuer)
            | Self::BindingKey(issuer) => issuer.to_string(),
            Self::Tsig(zone)
            | Self::NextTsig(zone)
            | Self::LastTsig(zone)
            | Self::ApiKey(zone)
            | Self::NextApiKey(zone)
            | Self::LastApiKey(zone)
            | Self::TransferKey(zone) => zone.to_string(),
            Self::SubjectKey(key) | Self::SubjectRequest(key) => key.to_string(),
            Self::DeployedBefore(change, place) => format!("{change}/{place}"),
            Self::WebhookKey | Self::SmtpPassword => "notices".to_owned(),
        }
    }
}
