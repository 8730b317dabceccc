//! Emergencies, duties and acts as the API takes and gives them.

use bailiwick_core::gate::DelegatedExecution;
use bailiwick_core::policy::ToxicCombination;
use bailiwick_store::{ActRow, EmergencyRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::DutyLine;

/// An emergency to be declared. Exactly one of `issue`, `revoke` and `publish`: there is nothing else.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEmergencyBody {
    /// Of which service, to issue or to revoke.
    #[serde(default)]
    pub service: Option<String>,
    /// What is broken, for whoever decides and whoever reviews.
    pub reason: String,
    /// Issue one certificate.
    #[serde(default)]
    pub issue: Option<EmergencyIssueBody>,
    /// Revoke one certificate.
    #[serde(default)]
    pub revoke: Option<EmergencyRevokeBody>,
    /// Edit one set of records of a zone.
    #[serde(default)]
    pub publish: Option<EmergencyPublishBody>,
}

/// A set of records to be edited in an emergency.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyPublishBody {
    /// In which zone, such as `shop.example` or `corp.example/internal`.
    pub zone: String,
    /// At which name, whole or below the zone; `@` is the zone itself.
    pub name: String,
    /// Of which type, such as `CAA`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The records as they shall be, as a zone file spells their data; none takes the set away.
    #[serde(default)]
    pub values: Vec<String>,
    /// How long they may be remembered; as now, or 300, where it is left out.
    #[serde(default)]
    pub ttl_seconds: Option<u32>,
}

/// A certificate to be issued in an emergency.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyIssueBody {
    /// The certificate request, PEM.
    pub csr: String,
    /// Under which profile of the service.
    pub profile: String,
    /// By which issuer, where several have the profile.
    #[serde(default)]
    pub issuer: Option<String>,
}

/// A certificate to be revoked in an emergency.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyRevokeBody {
    /// Its fingerprint.
    pub certificate: String,
    /// `keyCompromise`, `superseded` …, as RFC 5280 spells it.
    pub reason: String,
}

/// An emergency with its review.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct EmergencyBody {
    /// The change that does it.
    pub change: String,
    /// Of which service, where it is of one.
    pub service: Option<String>,
    /// Of which zone, where it is of one.
    pub zone: Option<String>,
    /// When it was declared.
    pub at: String,
    /// Until when it can be approved and done.
    pub until: String,
    /// Who answers for it, whoever executed it.
    pub accountable: String,
    /// Who let the one who declared it do so, where execution was delegated.
    pub delegated_by: Option<String>,
    /// Who reviews it.
    pub reviewer: String,
    /// By when.
    pub review_by: String,
    /// Whether the review is overdue.
    pub overdue: bool,
    /// What was found; `null` while the review is open.
    pub review: Option<ReviewBody>,
}

/// A closed review.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ReviewBody {
    /// By whom.
    pub by: String,
    /// When.
    pub at: String,
    /// Whether it was an emergency.
    pub justified: bool,
    /// What was found, and what follows.
    pub note: String,
}

/// A review to be closed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseReview {
    /// Whether it was an emergency.
    pub justified: bool,
    /// What you found, and what follows.
    pub note: String,
}

/// Execution to be delegated for a while.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelegateBody {
    /// To whom.
    pub person: String,
    /// For how many hours, 1 to 24.
    pub hours: i64,
    /// Why.
    pub reason: String,
}

/// Execution that is delegated.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct DelegatedBody {
    /// Of which service.
    pub service: String,
    /// To whom.
    pub person: String,
    /// Who stays accountable.
    pub accountable: String,
    /// Until when.
    pub until: String,
}

/// Somebody with power over both sides of a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ToxicBody {
    /// Where.
    pub zone: String,
    /// Who.
    pub person: String,
    /// How power over certificates comes.
    pub certificates: Vec<String>,
    /// How power over records comes.
    pub records: Vec<String>,
}

/// What one person may do about a zone or a service.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct DutyBody {
    /// Who.
    pub person: String,
    /// What they may do, with others agreeing where the policy asks for that.
    pub may: Vec<String>,
    /// What they can do alone.
    pub alone: Vec<String>,
}

/// One act on a key, an account, a zone or a registration.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ActBody {
    /// Its leaf in the ledger.
    pub index: u64,
    /// When.
    pub at: String,
    /// `key`, `account`, `zone`, `registrar` or `estate`.
    pub class: String,
    /// On what, such as `zone/shop.example`.
    pub about: String,
    /// What was done.
    pub what: String,
    /// Who.
    pub by: String,
}

impl EmergencyBody {
    /// What it is of.
    pub(crate) fn of_what(&self) -> &str {
        self.service.as_deref().or(self.zone.as_deref()).unwrap_or_default()
    }

    pub(crate) fn of(row: &EmergencyRow, now: bailiwick_core::time::Time) -> Self {
        let it = &row.emergency;
        Self {
            change: it.change.to_string(),
            service: it.of.service().map(ToString::to_string),
            zone: it.of.zone().map(ToString::to_string),
            at: row.at.to_string(),
            until: it.until.to_string(),
            accountable: it.accountable.to_string(),
            delegated_by: it.delegated_by.as_ref().map(ToString::to_string),
            reviewer: it.reviewer.to_string(),
            review_by: it.review_by.to_string(),
            overdue: row.review.is_none() && now >= it.review_by,
            review: row.review.as_ref().map(|review| ReviewBody {
                by: review.by.to_string(),
                at: review.at.to_string(),
                justified: review.justified,
                note: review.note.clone(),
            }),
        }
    }
}

impl From<DelegatedExecution> for DelegatedBody {
    fn from(it: DelegatedExecution) -> Self {
        Self {
            service: it.service.to_string(),
            person: it.to.to_string(),
            accountable: it.by.to_string(),
            until: it.until.to_string(),
        }
    }
}

impl From<ToxicCombination> for ToxicBody {
    fn from(it: ToxicCombination) -> Self {
        let (zone, person) = (it.zone.to_string(), it.person.to_string());
        Self { zone, person, certificates: it.certificates, records: it.records }
    }
}

impl From<DutyLine> for DutyBody {
    fn from(it: DutyLine) -> Self {
        let may = it.may.into_iter().map(str::to_owned).collect();
        Self { person: it.person.to_string(), may, alone: it.alone }
    }
}

impl From<ActRow> for ActBody {
    fn from(it: ActRow) -> Self {
        Self {
            index: it.index.get(),
            at: it.at.to_string(),
            class: it.class.as_str().to_owned(),
            about: it.about,
            what: it.what,
            by: it.by,
        }
    }
}
