//! Envelopes as the API takes and gives them.

use bailiwick_core::gate::EnvelopeFinding;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CertificateBody;
use crate::app::{EnvelopeView, Watched};

/// An envelope.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EnvelopeBody {
    /// Its id.
    pub id: String,
    /// Whose orders it covers.
    pub service: String,
    /// The change that granted it.
    pub change: String,
    /// Names it covers.
    pub names: Vec<String>,
    /// From which issuer.
    pub issuer: String,
    /// Under which profiles.
    pub profiles: Vec<String>,
    /// Only for this account.
    pub account: Option<String>,
    /// Since when.
    pub granted_at: String,
    /// Until when.
    pub until: String,
    /// How many certificates it was used for.
    pub uses: u32,
    /// How many at most.
    pub uses_max: Option<u32>,
    /// Why it ended early, where it did.
    pub ended: Option<String>,
    /// What is to be said about it.
    pub findings: Vec<FindingBody>,
    /// Whom that is told: team, and the person on duty in it.
    pub told: Vec<(String, Option<String>)>,
}

/// Something that somebody should look at.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FindingBody {
    /// `void`, `used-up`, `ends-soon`, `few-uses` or `unused`.
    pub finding: String,
    /// The same in words.
    pub says: String,
    /// What to do.
    pub remedy: String,
}

impl FindingBody {
    fn of(finding: EnvelopeFinding) -> Self {
        Self {
            finding: finding.word().to_owned(),
            says: finding.to_string(),
            remedy: finding.remedy().to_owned(),
        }
    }
}

impl EnvelopeBody {
    pub(crate) fn of(watched: &Watched) -> Self {
        let one = &watched.envelope;
        let told = watched.told.iter().map(|(team, person)| (team.to_string(), person.clone()));
        Self {
            id: one.id.to_string(),
            service: one.service.to_string(),
            change: one.change.to_string(),
            names: one.names.iter().map(ToString::to_string).collect(),
            issuer: one.issuer.to_string(),
            profiles: one.profiles.iter().map(ToString::to_string).collect(),
            account: one.account.as_ref().map(ToString::to_string),
            granted_at: one.granted_at.to_string(),
            until: one.until.to_string(),
            uses: one.uses,
            uses_max: one.uses_max,
            ended: one.ended.as_ref().map(|end| format!("{} at {}", end.why, end.at)),
            findings: watched.findings.iter().copied().map(FindingBody::of).collect(),
            told: told.collect(),
        }
    }
}

/// Who approved an envelope.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ApprovedBody {
    /// Who; `policy` where the policy asked for nobody.
    pub by: String,
    /// When.
    pub at: String,
    /// What was said with it.
    pub says: String,
    /// The leaf of the ledger.
    pub ledger_index: u64,
}

/// An envelope with its history and what was issued under it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EnvelopeStory {
    /// As in lists.
    #[serde(flatten)]
    pub line: EnvelopeBody,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approved: Vec<ApprovedBody>,
    /// What was issued under it, the newest first; `uses` counts all.
    pub certificates: Vec<CertificateBody>,
}

impl EnvelopeStory {
    pub(crate) fn of(view: &EnvelopeView) -> Self {
        let approved = view.approved.iter().map(|one| ApprovedBody {
            by: one.by.clone(),
            at: one.at.clone(),
            says: one.says.clone(),
            ledger_index: one.ledger_index,
        });
        let certificates = view.certificates.iter().map(|row| {
            let revoked = row.revoked.as_ref().map(|revoked| revoked.at.to_string());
            CertificateBody::of(&row.certificate, revoked)
        });
        Self {
            line: EnvelopeBody::of(&view.watched),
            requested_by: view.requested_by.clone(),
            reason: view.reason.clone(),
            approved: approved.collect(),
            certificates: certificates.collect(),
        }
    }
}

/// An envelope to be asked for.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEnvelopeBody {
    /// Names of the service.
    pub names: Vec<String>,
    /// From which issuer; may be left out where only one has these profiles.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Under which profiles.
    pub profiles: Vec<String>,
    /// Only for this ACME account.
    #[serde(default)]
    pub account: Option<String>,
    /// Until when, RFC 3339; at most 398 days from now.
    pub until: String,
    /// How many certificates at most.
    #[serde(default)]
    pub uses_max: Option<u32>,
    /// Why, for whoever decides.
    pub reason: String,
}

/// What of an envelope is given up. What is left out stays.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NarrowBody {
    /// The names that remain.
    #[serde(default)]
    pub names: Option<Vec<String>>,
    /// The earlier end, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// The smaller number of certificates.
    #[serde(default)]
    pub uses_max: Option<u32>,
    /// Why.
    pub reason: String,
}
