//! One question to CAA with everything that bears on its answer: what `bailiwick caa check` shows.

use super::climb::CaaEvidence;
use super::judge::{CaaVerdict, Permission};
use super::name::{CaaSubject, Exempt};
use super::terms::CaaTerms;

/// What was asked, what was seen, and what follows.
///
/// The verdict always follows from the rest: both constructors judge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaaReport {
    subject: CaaSubject,
    terms: CaaTerms,
    evidence: Option<CaaEvidence>,
    verdict: CaaVerdict,
}

impl CaaReport {
    /// Of a name that was climbed from.
    #[must_use]
    pub fn of_climb(evidence: CaaEvidence, terms: CaaTerms) -> Self {
        let verdict = evidence.judge(&terms);
        let subject = CaaSubject::Name(evidence.name().clone());
        Self { subject, terms, evidence: Some(evidence), verdict }
    }

    /// Of an identifier that CAA does not cover.
    #[must_use]
    pub fn of_exempt(exempt: Exempt, terms: CaaTerms) -> Self {
        let verdict = CaaVerdict::Allow(Permission::Exempt(exempt.clone()));
        Self { subject: CaaSubject::Exempt(exempt), terms, evidence: None, verdict }
    }

    /// What was asked about.
    #[must_use]
    pub const fn subject(&self) -> &CaaSubject {
        &self.subject
    }

    /// The conditions of the issuance.
    #[must_use]
    pub const fn terms(&self) -> &CaaTerms {
        &self.terms
    }

    /// What was seen; nothing for an exempt identifier.
    #[must_use]
    pub const fn evidence(&self) -> Option<&CaaEvidence> {
        self.evidence.as_ref()
    }

    /// What follows.
    #[must_use]
    pub const fn verdict(&self) -> &CaaVerdict {
        &self.verdict
    }
}
