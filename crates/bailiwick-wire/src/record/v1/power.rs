//! Emergencies, secrets that were opened, delegations that were seen.

use std::collections::BTreeSet;

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::gate::{
    DelegatedExecution, DelegationKind, DelegationObservation, Emergency, EmergencyOf,
    EmergencyReview, SecretUse,
};
use bailiwick_core::names::{ChangeId, PersonId, ServiceId};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::stored::{Stored, mirror};
use crate::record::{BadValue, NotStorable};

mirror! {
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

/// An emergency; `service` holds the service, or `zone/` and the zone.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyForm {
    change: String,
    service: String,
    accountable: String,
    delegated_by: Option<String>,
    until: String,
    reviewer: String,
    review_by: String,
}

impl Stored for Emergency {
    type Form = EmergencyForm;

    fn form(&self) -> Result<EmergencyForm, NotStorable> {
        Ok(EmergencyForm {
            change: self.change.form()?,
            service: self.of.to_string(),
            accountable: self.accountable.form()?,
            delegated_by: self.delegated_by.form()?,
            until: self.until.form()?,
            reviewer: self.reviewer.form()?,
            review_by: self.review_by.form()?,
        })
    }

    fn read(form: EmergencyForm) -> Result<Self, BadValue> {
        let unknown = || BadValue::Word { of: "service or zone", word: form.service.clone() };
        Ok(Self {
            of: EmergencyOf::parse(&form.service).ok_or_else(unknown)?,
            change: Stored::read(form.change)?,
            accountable: Stored::read(form.accountable)?,
            delegated_by: Stored::read(form.delegated_by)?,
            until: Stored::read(form.until)?,
            reviewer: Stored::read(form.reviewer)?,
            review_by: Stored::read(form.review_by)?,
        })
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
