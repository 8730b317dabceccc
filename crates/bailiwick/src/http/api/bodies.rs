//! What the API takes and gives, as the server writes it and the command line reads it.

mod change;
mod enrolment;
mod envelope;
mod incident;
mod issuer;
mod joint;
mod key;
mod power;
mod registry;
mod seen;
mod watch;
mod watch_more;

pub(crate) use change::{
    Approve, Because, ChangeBody, ChangeLine, PrecheckBody, Resolve, StepBody,
};
pub(crate) use enrolment::{AttestedBody, AttestorBody, EnrolBody, EnrolledBody, WorkloadBody};
pub(crate) use envelope::{EnvelopeBody, EnvelopeStory, NarrowBody, NewEnvelopeBody};
pub(crate) use incident::{
    ConcludeBody, IncidentBody, IncidentStory, NoteBody, ReportBody, ReportedBody, TrackBody,
};
pub(crate) use issuer::{
    AwaitsRootBody, GenerationBody, IssuerBody, RotateIssuerBody, RotationBody,
};
pub(crate) use joint::{IntentBody, LanesBody, MomentBody, ProposalBody};
pub(crate) use key::{FreshKeyBody, KeyRotationBody, RotateKeyBody};
pub(crate) use power::{
    ActBody, CloseReview, DelegateBody, DelegatedBody, DutyBody, EmergencyBody, EmergencyIssueBody,
    EmergencyPublishBody, EmergencyRevokeBody, NewEmergencyBody, ToxicBody,
};
pub(crate) use registry::{
    AccountBody, AccountStory, AgreeBody, CredentialBody, CredentialLine, RotateBody, StandingBody,
};

pub(crate) use seen::CaaHistory;
pub(crate) use watch::{
    CanaryBody, ControlBody, FindingLine, LabEdit, LabEdited, PointBody, RevertBody,
    ZoneControlBody,
};

use bailiwick_core::change::IssuedCertificate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::FreshToken;

/// Who you are.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Your key in the estate.
    pub person: String,
    /// Your name.
    pub name: Option<String>,
    /// The teams you are in, nested ones resolved.
    pub teams: Vec<String>,
    /// Who stands behind your sign-in.
    pub through: Vec<String>,
    /// Whether you administer this installation.
    pub administrator: bool,
}

/// A one-time sign-in link.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FreshLink {
    /// Open it in a browser, or give it to `bailiwick login`.
    pub url: String,
    /// Until when it can be used.
    pub expires_at: String,
}

/// A link to be spent for a token.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExchangeLink {
    /// The whole URL.
    pub link: String,
}

/// What a new token is to be for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// `read`, `request`, `approve`, `revoke`, `administer`.
    pub scopes: Vec<String>,
    /// Only for these services, where given; an empty list is refused.
    pub services: Option<Vec<String>>,
    /// How long it lasts, 1 to 720; no longer than the token that it is made with.
    pub hours: u32,
    /// What it is for, for whoever finds it in a list.
    pub purpose: String,
}

/// A token, shown this once.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FreshTokenBody {
    /// Its public part.
    pub id: String,
    /// What to send as `Authorization: Bearer`.
    pub token: String,
    /// Until when it works.
    pub expires_at: String,
}

impl FreshTokenBody {
    pub(super) fn of(token: FreshToken) -> Self {
        Self {
            id: token.id.to_string(),
            token: token.secret,
            expires_at: token.expires_at.to_string(),
        }
    }
}

/// A token without its secret.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct TokenBody {
    /// Its public part.
    pub id: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// What it is for.
    pub purpose: String,
    /// Until when it works.
    pub expires_at: String,
}

impl TokenBody {
    pub(super) fn of(row: bailiwick_store::TokenRow) -> Self {
        Self {
            id: row.id.to_string(),
            scopes: row.scopes,
            purpose: row.purpose,
            expires_at: row.expires_at.to_string(),
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PageOf<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Send it as `after` to get the next page; absent on the last.
    pub next: Option<String>,
}

/// A certificate.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CertificateBody {
    /// Names its bytes.
    pub fingerprint: String,
    /// Its issuer's key in the estate.
    pub issuer: String,
    /// Its serial at that issuer.
    pub serial: String,
    /// Its names.
    pub names: Vec<String>,
    /// Whose it is.
    pub service: String,
    /// Under which profile.
    pub profile: String,
    /// From when it is in date.
    pub not_before: String,
    /// Until when.
    pub not_after: String,
    /// The change that issued it.
    pub change: String,
    /// When it was revoked, where it was.
    pub revoked_at: Option<String>,
    /// The certificate, PEM.
    pub pem: Option<String>,
    /// The same with the certificates between it and a root, PEM: what a server shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
}

impl CertificateBody {
    pub(crate) fn of(one: &IssuedCertificate, revoked_at: Option<String>) -> Self {
        Self {
            fingerprint: one.fingerprint.to_string(),
            issuer: one.issuer.to_string(),
            serial: one.serial.to_string(),
            names: one.names.iter().map(ToString::to_string).collect(),
            service: one.service.to_string(),
            profile: one.profile.to_string(),
            not_before: one.not_before.to_string(),
            not_after: one.not_after.to_string(),
            change: one.change.to_string(),
            revoked_at,
            pem: None,
            chain: None,
        }
    }
}

/// Revoke a certificate.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeBody {
    /// `keyCompromise`, `superseded`, `cessationOfOperation`, `affiliationChanged`,
    /// `privilegeWithdrawn` or `unspecified`.
    pub reason: String,
    /// Why, in words.
    pub why: String,
}

/// A service.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ServiceBody {
    /// Its key in the estate.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub environment: String,
    /// The names it owns.
    pub names: Vec<String>,
    /// Who answers: duty, team, person on duty.
    pub duties: Vec<(String, String, Option<String>)>,
}

/// An account of ours at a CA behind ACME.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CaAccountBody {
    /// At which issuer of the estate.
    pub issuer: String,
    /// Its URL, for CAA `accounturi`.
    pub uri: String,
    /// The change that registered it.
    pub change: String,
    /// Since when.
    pub since: String,
    /// Whether it can be ordered with.
    pub usable: bool,
}

/// An account to be registered at a CA.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterBody {
    /// The issuer, of kind `acme`.
    pub issuer: String,
    /// Why.
    pub reason: String,
}

/// A secret to be sealed.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretBody {
    /// `connector`, `transfer` or `issuer`.
    pub of: String,
    /// The zone, or the issuer.
    pub name: String,
    /// The secret, in base64 or base64url; the key of an HTTP API as it is.
    pub secret: String,
}

/// A credential to be made for an ACME client.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCredentialBody {
    /// The service whose certificates it may ask for.
    pub service: String,
    /// Where the client runs; the service's own environment where absent.
    pub environment: Option<String>,
    /// In which namespace; the service's own where absent.
    pub namespace: Option<String>,
    /// What you vouch for, by kind.
    #[serde(default)]
    pub attestations: Vec<String>,
    /// How long it can be used to register, in hours; a week where absent.
    pub hours: Option<i64>,
}

/// An estate folder, as path and text of each file.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EstateFolder {
    /// The files.
    pub files: Vec<(String, String)>,
    /// Why, where it is to be applied.
    #[serde(default)]
    pub reason: String,
}

/// The active estate.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EstateBody {
    /// Names it.
    pub digest: Option<String>,
    /// Its files, as `estate write` would lay them out.
    pub files: Vec<(String, String)>,
}

/// What a folder would change.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EstatePlanBody {
    /// Whether it would change anything.
    pub changes: bool,
    /// For a person.
    pub text: String,
    /// For a pull request.
    pub markdown: String,
    /// For programs.
    #[schema(value_type = Object)]
    pub diff: serde_json::Value,
    /// What is wrong with the folder; then nothing can be applied.
    pub problems: Option<String>,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EntryBody {
    /// Its leaf.
    pub index: u64,
    /// The stored form.
    #[schema(value_type = Object)]
    pub entry: serde_json::Value,
    /// The `.tlog-proof` that it is in the ledger, to be checked offline.
    pub proof: Option<String>,
}
