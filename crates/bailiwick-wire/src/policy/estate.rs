//! What the estate says: duties, confirmations, zones, and where an exception holds.

use std::collections::BTreeSet;

use bailiwick_core::estate::{
    CaaIntent, DelegationSeen, Duties, GatedKind, Mode, Ownership, Pattern, Scope, ZoneClass,
    ZoneGate, ZoneKey, ZoneLimits,
};
use bailiwick_core::names::{PersonId, SanName, ServiceId, TeamId};
use bailiwick_core::policy::{Fact, ZoneFacts};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::BadFacts;
use super::spell::{Spell, table};
use crate::record::BadValue;

table! {
    Duties => DutiesForm {
        policy_owner: TeamId,
        operator: TeamId,
        integration_owner: TeamId,
    }
    Ownership => OwnershipForm {
        verified_at: Time,
        by: PersonId,
    }
    ZoneFacts => ZoneForm {
        key: ZoneKey,
        class: ZoneClass,
        pattern: Pattern,
        mode: Mode,
        policy_owner: TeamId,
        operator: TeamId,
        caa: CaaIntent,
        limits: ZoneLimits,
        // Came later: zones without them keep the octets they always had.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gates: Vec<ZoneGate>,
        #[serde(default = "unwatched", skip_serializing_if = "is_unwatched")]
        delegation: Fact<DelegationSeen>,
    }
    ZoneGate => GateForm {
        kinds: BTreeSet<GatedKind>,
        team: TeamId,
        approvals: u32,
        independent: bool,
    }
    CaaIntent => CaaForm {
        issue: Vec<String>,
        issuewild: Vec<String>,
        iodef: Vec<String>,
    }
    ZoneLimits => LimitsForm {
        names_per_certificate_max: u32,
        wildcard_allowed: bool,
        lifetime_days_max: u32,
        ownership_days_max: u32,
    }
}

/// What was seen of a delegation.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum DelegationForm {
    Unwatched,
    AsDecided,
    Changed(String),
}

type DelegationFact = <Fact<DelegationSeen> as Spell>::Form;

fn unwatched() -> DelegationFact {
    Fact::Known(DelegationSeen::Unwatched).form()
}

fn is_unwatched(form: &DelegationFact) -> bool {
    matches!(form, super::spell::FactForm::Known(DelegationForm::Unwatched))
}

impl Spell for DelegationSeen {
    type Form = DelegationForm;

    fn form(&self) -> DelegationForm {
        match self {
            Self::Unwatched => DelegationForm::Unwatched,
            Self::AsDecided => DelegationForm::AsDecided,
            Self::Changed(what) => DelegationForm::Changed(what.clone()),
        }
    }

    fn read(form: DelegationForm) -> Result<Self, BadFacts> {
        Ok(match form {
            DelegationForm::Unwatched => Self::Unwatched,
            DelegationForm::AsDecided => Self::AsDecided,
            DelegationForm::Changed(what) => Self::Changed(what),
        })
    }
}

/// `shop.example`, or `corp.example/internal` for the other view.
impl Spell for ZoneKey {
    type Form = String;

    fn form(&self) -> String {
        self.to_string()
    }

    fn read(form: String) -> Result<Self, BadFacts> {
        Ok(Self::parse(&form).ok_or(BadValue::Word { of: "zone", word: form })?)
    }
}

/// Where an exception holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ScopeForm {
    Service(String),
    Zone(String),
    Name(String),
}

impl Spell for Scope {
    type Form = ScopeForm;

    fn form(&self) -> ScopeForm {
        match self {
            Self::Service(service) => ScopeForm::Service(service.form()),
            Self::Zone(zone) => ScopeForm::Zone(zone.form()),
            Self::Name(name) => ScopeForm::Name(name.form()),
        }
    }

    fn read(form: ScopeForm) -> Result<Self, BadFacts> {
        Ok(match form {
            ScopeForm::Service(service) => Self::Service(ServiceId::read(service)?),
            ScopeForm::Zone(zone) => Self::Zone(ZoneKey::read(zone)?),
            ScopeForm::Name(name) => Self::Name(SanName::read(name)?),
        })
    }
}
