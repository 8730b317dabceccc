//! Emergencies, secrets that were opened, delegations that were seen.

use std::collections::BTreeSet;

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::{
    DelegatedExecution, DelegationKind, DelegationObservation, Emergency, EmergencyReview,
    SecretUse,
};
use bailiwick_core::names::{ChangeId, PersonId, ServiceId};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::stored::{Stored, mirror};
use crate::record::{BadValue, NotStorable};

mirror! {
    Emergency => EmergencyForm {
        change: ChangeId,
        service: ServiceId,
        accountable: PersonId,
        delegated_by: Option<PersonId>,
        until: Time,
        reviewer: PersonId,
        review_by: Time,
    }
    EmergencyReview => EmergencyReviewForm {
        change: ChangeId,
        justified: bool,
        note: String,
    }
    DelegatedExecution => DelegatedExecutionForm {
        service: ServiceId,
        to: PersonId,
        by: PersonId,
        until: Time,
        reason: String,
    }
    SecretUse => SecretUseForm {
        purpose: String,
        name: String,
        change: Option<ChangeId>,
        step: String,
    }
}

/// A delegation that was seen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelegationForm {
    zone: String,
    kind: String,
    values: BTreeSet<String>,
    before: Option<BTreeSet<String>>,
    seen_at: String,
}

impl Stored for DelegationObservation {
    type Form = DelegationForm;

    fn form(&self) -> Result<DelegationForm, NotStorable> {
        Ok(DelegationForm {
            zone: self.zone.to_string(),
            kind: self.kind.as_str().to_owned(),
            values: self.values.clone(),
            before: self.before.clone(),
            seen_at: self.seen_at.clone(),
        })
    }

    fn read(form: DelegationForm) -> Result<Self, BadValue> {
        let DelegationForm { zone, kind, values, before, seen_at } = form;
        let zone = ZoneKey::parse(&zone).ok_or(BadValue::Word { of: "zone", word: zone })?;
        let kind = DelegationKind::parse(&kind)
            .ok_or(BadValue::Word { of: "kind of delegation", word: kind })?;
        Ok(Self { zone, kind, values, before, seen_at })
    }
}
