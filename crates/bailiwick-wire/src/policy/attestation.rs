//! Facts about attested workloads.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{Attested, WorkloadRule};
use bailiwick_core::names::{AttestorId, PersonId, TeamId};
use bailiwick_core::policy::{AttestationFacts, EnrolFacts, Fact, ServiceFacts};
use bailiwick_core::time::Time;

use super::BadFacts;
use super::spell::{Spell, table};

table! {
    AttestationFacts => AttestationForm {
        asked: BTreeMap<String, WorkloadRule>,
        shown: Fact<Option<Attested>>,
    }
    WorkloadRule => WorkloadForm {
        attestor: AttestorId,
        claims: BTreeMap<String, BTreeSet<String>>,
        answers: PersonId,
    }
    Attested => AttestedForm {
        attestor: AttestorId,
        subject: String,
        claims: BTreeMap<String, String>,
        verified_at: Time,
        until: Time,
    }
    EnrolFacts => EnrolForm {
        now: Time,
        control_owner: TeamId,
        service: Fact<ServiceFacts>,
        attestation: AttestationFacts,
    }
}

impl<T: Spell> Spell for BTreeMap<String, T> {
    type Form = BTreeMap<String, T::Form>;

    fn form(&self) -> Self::Form {
        self.iter().map(|(name, value)| (name.clone(), value.form())).collect()
    }

    fn read(form: Self::Form) -> Result<Self, BadFacts> {
        form.into_iter().map(|(name, value)| Ok((name, T::read(value)?))).collect()
    }
}
