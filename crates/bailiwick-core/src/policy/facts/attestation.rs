//! What the judge is told about workloads that were attested.

use std::collections::BTreeMap;

use crate::estate::{Attested, WorkloadRule};
use crate::names::TeamId;
use crate::time::Time;

use super::{Fact, ServiceFacts};

/// What a service asks its workloads for, and what is attested about the one that asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttestationFacts {
    /// The workloads that may act for the service; empty: it asks for no attestation.
    pub asked: BTreeMap<String, WorkloadRule>,
    /// What is attested about who asks, if anything.
    pub shown: Fact<Option<Attested>>,
}

impl AttestationFacts {
    /// What is attested, where it is known and there is something.
    #[must_use]
    pub fn attested(&self) -> Option<&Attested> {
        self.shown.known()?.as_ref()
    }
}

/// May this workload have a credential of this service?
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnrolFacts {
    /// The moment of the question.
    pub now: Time,
    /// The team that owns the control objective.
    pub control_owner: TeamId,
    /// The service.
    pub service: Fact<ServiceFacts>,
    /// What is asked for and what was shown.
    pub attestation: AttestationFacts,
}
